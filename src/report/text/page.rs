//! Lines of a terminal: spans with a colour, wrapped to a width. All text enters through
//! [`Line::push`], which escapes it.

use unicode_width::UnicodeWidthStr;

use crate::report::escape::terminal;

/// Columns of the label on the left.
pub(super) const LABEL: usize = 12;
/// Narrowest layout.
pub(super) const NARROWEST: usize = 40;
/// Lines longer than this are tiring to read.
pub(super) const WIDEST: usize = 100;

/// How a span looks, when colour is on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(super) enum Paint {
    #[default]
    Plain,
    Bold,
    Dim,
    Red,
    Yellow,
    Green,
    Cyan,
    Alarm,
}

impl Paint {
    fn code(self) -> &'static str {
        match self {
            Self::Plain => "",
            Self::Bold => "1",
            Self::Dim => "2",
            Self::Red => "31",
            Self::Yellow => "33",
            Self::Green => "1;32",
            Self::Cyan => "36",
            Self::Alarm => "1;31",
        }
    }
}

/// One line, as spans.
#[derive(Clone, Debug, Default)]
pub(super) struct Line {
    spans: Vec<(String, Paint)>,
}

impl Line {
    pub(super) fn push(&mut self, text: &str, paint: Paint) -> &mut Self {
        if !text.is_empty() {
            self.spans.push((terminal(text).into_owned(), paint));
        }
        self
    }

    /// Fills with spaces up to `column`.
    pub(super) fn pad_to(&mut self, column: usize) -> &mut Self {
        let gap = column.saturating_sub(self.width());
        self.push(&" ".repeat(gap), Paint::Plain)
    }

    pub(super) fn width(&self) -> usize {
        self.spans.iter().map(|(text, _)| text.width()).sum()
    }

    fn write(&self, color: bool, out: &mut String) {
        let start = out.len();
        for (text, paint) in &self.spans {
            if color && *paint != Paint::Plain {
                out.push_str("\x1b[");
                out.push_str(paint.code());
                out.push('m');
                out.push_str(text);
                out.push_str("\x1b[0m");
            } else {
                out.push_str(text);
            }
        }
        let kept = out[start..].trim_end().len();
        out.truncate(start + kept);
        out.push('\n');
    }
}

/// A piece of text at the beginning or end of an entry, with its colour.
#[derive(Clone, Copy, Default)]
pub(super) struct Tag<'a>(pub(super) &'a str, pub(super) Paint);

/// Lines under one layout.
pub(super) struct Page {
    lines: Vec<Line>,
    width: usize,
    /// Most lines of one piece of prose; what does not fit ends in `…`.
    clip: usize,
    /// The label waiting for its first line.
    label: String,
    /// Columns in front of everything.
    margin: usize,
}

impl Page {
    pub(super) fn new(width: usize, clip: usize) -> Self {
        Self {
            lines: Vec::new(),
            width: width.clamp(NARROWEST, WIDEST),
            clip: clip.max(1),
            label: String::new(),
            margin: LABEL,
        }
    }

    pub(super) fn width(&self) -> usize {
        self.width
    }

    pub(super) fn len(&self) -> usize {
        self.lines.len()
    }

    pub(super) fn line(&mut self, line: Line) {
        self.lines.push(line);
    }

    /// An empty line, unless there is one already or nothing before it.
    pub(super) fn blank(&mut self) {
        if self.lines.last().is_some_and(|line| line.width() > 0) {
            self.lines.push(Line::default());
        }
    }

    /// The next entry begins with this label in the left column.
    pub(super) fn label(&mut self, label: &str) {
        label.clone_into(&mut self.label);
    }

    /// A paragraph with a hanging indent behind `lead`, and `tail` at the right edge of its first
    /// line.
    pub(super) fn entry(&mut self, lead: Tag, text: &str, tail: Tag) {
        self.styled(lead, text, Paint::Plain, tail);
    }

    /// [`Page::entry`] in one colour.
    pub(super) fn styled(&mut self, lead: Tag, text: &str, paint: Paint, tail: Tag) {
        let indent = self.margin + terminal(lead.0).width();
        let room = self.width.saturating_sub(indent).max(1);
        let tail_width = terminal(tail.0).width();
        // A narrow page has no right column: the tail follows the text.
        let (text, room, tail) = if tail_width > 0 && room < tail_width + 24 {
            let tail = tail.0.replace(' ', "\u{a0}");
            (format!("{text} ({tail})"), room, Tag::default())
        } else if tail_width > 0 {
            (text.to_owned(), room - tail_width - 2, tail)
        } else {
            (text.to_owned(), room, tail)
        };
        for (i, part) in self.wrap(&terminal(&text), room).into_iter().enumerate() {
            let mut line = Line::default();
            if i == 0 {
                line.push(&std::mem::take(&mut self.label), Paint::Bold)
                    .pad_to(self.margin)
                    .push(lead.0, lead.1);
            }
            line.pad_to(indent).push(&part, paint);
            if i == 0 && !tail.0.is_empty() {
                let column = self.width.saturating_sub(tail_width);
                line.pad_to(column.max(line.width() + 2))
                    .push(tail.0, tail.1);
            }
            self.lines.push(line);
        }
    }

    /// The first line of an incident: it begins at the left edge and is never shortened.
    pub(super) fn heading(&mut self, lead: Tag, text: &str, tail: Tag) {
        let word = format!("{:LABEL$}", lead.0);
        self.margin = 0;
        self.whole(|page| page.styled(Tag(&word, lead.1), text, Paint::Bold, tail));
        self.margin = LABEL;
    }

    /// Adds something that is not to be shortened.
    pub(super) fn whole(&mut self, add: impl FnOnce(&mut Self)) {
        let clip = std::mem::replace(&mut self.clip, usize::MAX);
        add(self);
        self.clip = clip;
    }

    /// A line as it was read, dim and unbroken.
    pub(super) fn quote(&mut self, text: &str, indent: usize) {
        for part in text.lines() {
            let mut line = Line::default();
            line.pad_to(self.margin + indent)
                .push(part.trim_end(), Paint::Dim);
            self.lines.push(line);
        }
    }

    /// Parts joined by dots, broken only between them.
    pub(super) fn dotted(&mut self, parts: &[String], paint: Paint) {
        let text = joined(parts);
        self.whole(|page| page.styled(Tag::default(), &text, paint, Tag::default()));
    }

    /// A command, one line as it is: what is copied must not be broken.
    pub(super) fn command(&mut self, command: &str, indent: usize) {
        for part in command.lines() {
            let mut line = Line::default();
            line.pad_to(self.margin + indent)
                .push(part.trim_end(), Paint::Cyan);
            self.lines.push(line);
        }
    }

    pub(super) fn finish(self, color: bool) -> String {
        let mut out = String::new();
        for line in &self.lines {
            line.write(color, &mut out);
        }
        out
    }

    fn wrap(&self, text: &str, room: usize) -> Vec<String> {
        let mut lines = wrap(text, room);
        if lines.len() > self.clip {
            lines.truncate(self.clip);
            if let Some(last) = lines.last_mut() {
                let kept = last.trim_end_matches(" ·");
                *last = shorten_end(&format!("{kept} …"), room.max(2));
            }
        }
        lines
    }
}

/// Parts joined by dots, to be wrapped between the parts.
pub(super) fn joined(parts: &[String]) -> String {
    let parts: Vec<String> = parts
        .iter()
        .map(|part| part.replace(' ', "\u{a0}"))
        .collect();
    parts.join(" · ")
}

/// Breaks at spaces, and at hard spaces only where there is no other way; they become plain ones. A
/// word longer than the room stands alone and overflows: it may be a name to be copied.
pub(super) fn wrap(text: &str, room: usize) -> Vec<String> {
    let mut lines = Vec::new();
    let mut line = String::new();
    let mut used = 0;
    // A dot between two parts belongs to the first one.
    let text = text.replace(" · ", "\u{a0}· ");
    let words = text.split(' ').flat_map(|word| {
        let splits = word.width() > room;
        word.split(move |c| splits && c == '\u{a0}')
    });
    for word in words.filter(|word| !word.is_empty()) {
        let width = word.width();
        if used > 0 && used + 1 + width > room {
            lines.push(std::mem::take(&mut line));
            used = 0;
        }
        if used > 0 {
            line.push(' ');
            used += 1;
        }
        line.push_str(word);
        used += width;
    }
    let last = line;
    lines
        .iter()
        // At the end of a line the break itself separates.
        .map(|line| line.trim_end_matches("\u{a0}·"))
        .chain([last.as_str()])
        .map(|line| line.replace('\u{a0}', " "))
        .collect()
}

/// The end of a name that is too long: its ordinal tells more than its beginning.
pub(super) fn shorten_front(text: &str, room: usize) -> String {
    let text = terminal(text);
    if text.width() <= room {
        return text.into_owned();
    }
    let mut kept: Vec<char> = Vec::new();
    let mut used = 1;
    for c in text.chars().rev() {
        used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used > room {
            break;
        }
        kept.push(c);
    }
    std::iter::once('…').chain(kept.into_iter().rev()).collect()
}

/// The beginning of a text that is too long.
pub(super) fn shorten_end(text: &str, room: usize) -> String {
    let text = terminal(text);
    if text.width() <= room {
        return text.into_owned();
    }
    let mut out = String::new();
    let mut used = 1;
    for c in text.chars() {
        used += unicode_width::UnicodeWidthChar::width(c).unwrap_or(0);
        if used > room {
            break;
        }
        out.push(c);
    }
    out.push('…');
    out
}
