//! A line, cut into the text that lines of its kind share and the values between.
//!
//! Only plain lines are cut: logfmt with one blank between pairs, or one flat JSON object without
//! blanks, bare or behind what kubectl and the container runtime put in front. The cut must agree with
//! how `record` reads such lines; what is unusual in any way is left to `record`.

use std::ops::Range;

use crate::record::{Format, Record};

/// Most parts of a line that is cut.
const PARTS: usize = 48;

/// How a value ends.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Close {
    /// Before a blank or a control byte.
    Blank,
    /// Before a quote.
    Quote,
    /// Before what ends a bare value of JSON.
    Json,
    /// Before a closing bracket.
    Bracket,
}

/// What stands behind a text.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Value {
    /// The time in front of the body.
    FrameTime,
    /// The time of the body.
    Time,
    /// Who speaks, as the frame says.
    Who,
    /// The value of a field.
    Field(Close),
    /// The next line.
    End,
}

/// A text and the value behind it, by their places in the line.
#[derive(Clone, Debug)]
pub(super) struct Part {
    pub(super) text: Range<usize>,
    pub(super) key: Range<usize>,
    pub(super) value: Range<usize>,
    pub(super) what: Value,
}

/// All parts of a line.
#[derive(Debug, Default)]
pub(super) struct Shape {
    pub(super) parts: Vec<Part>,
    /// End of the last value: where the next text begins.
    at: usize,
    timed: bool,
    json: bool,
}

/// Keys whose values say what kind of line it is.
const KINDS: [&[u8]; 9] = [
    b"msg",
    b"message",
    b"level",
    b"lvl",
    b"severity",
    b"caller",
    b"component",
    b"source",
    b"logger",
];

const LEVELS: [&[u8]; 3] = [b"level", b"lvl", b"severity"];

const TIMES: [&[u8]; 5] = [b"ts", b"time", b"timestamp", b"@timestamp", b"t"];

impl Shape {
    /// Cuts `line`, which ends with a line end and whose body begins at `body`. `None` when it is unusual.
    pub(super) fn of(line: &[u8], body: usize, record: &Record<'_>) -> Option<Self> {
        let mut shape = Self::default();
        shape.frame(&line[..body])?;
        let text = line.strip_suffix(b"\n")?;
        match record.format() {
            Format::Logfmt => shape.logfmt(text, body)?,
            Format::Json => {
                shape.json(text, body)?;
                shape.json_time(text)?;
            }
            _ => return None,
        }
        shape.push(0..0, line.len()..line.len(), Value::End)?;
        Some(shape)
    }

    fn push(&mut self, key: Range<usize>, value: Range<usize>, what: Value) -> Option<()> {
        let text = self.at..value.start;
        self.at = value.end;
        self.parts.push(Part {
            text,
            key,
            value,
            what,
        });
        (self.parts.len() <= PARTS).then_some(())
    }

    /// `[pod/NAME/CONTAINER] TIME stdout F `, each part of which may be absent.
    fn frame(&mut self, frame: &[u8]) -> Option<()> {
        let mut at = 0;
        if frame.first() == Some(&b'[') {
            let end = memchr::memchr(b']', frame)?;
            self.push(0..0, 1..end, Value::Who)?;
            at = end + 2;
        }
        let rest = frame.get(at..)?;
        if rest.is_empty() {
            return Some(());
        }
        let len = memchr::memchr(b' ', rest)?;
        let is_time = rest[0].is_ascii_digit() && rest.get(10) == Some(&b'T');
        if !is_time || !matches!(&rest[len..], b" " | b" stdout F " | b" stderr F ") {
            return None;
        }
        self.push(0..0, at..at + len, Value::FrameTime)
    }

    fn logfmt(&mut self, text: &[u8], mut at: usize) -> Option<()> {
        let mut first = true;
        loop {
            let key = at..at + memchr::memchr(b'=', text.get(at..)?)?;
            let plain = |b: &u8| *b > b' ' && *b != b'"';
            if key.is_empty() || !text[key.clone()].iter().all(plain) {
                return None;
            }
            if first && !begins_line(&text[key.clone()]) {
                return None;
            }
            first = false;
            let start = key.end + 1;
            let end = match text.get(start) {
                Some(b'"') => {
                    let end = start + 1 + quoted(&text[start + 1..])?;
                    self.field(text, key, start + 1..end, Close::Quote)?;
                    end + 1
                }
                _ => {
                    let rest = text.get(start..)?;
                    let end = start + memchr::memchr(b' ', rest).unwrap_or(rest.len());
                    if !text[start..end].iter().all(plain) {
                        return None;
                    }
                    self.field(text, key, start..end, Close::Blank)?;
                    end
                }
            };
            match text.get(end) {
                None => return Some(()),
                Some(b' ') => at = end + 1,
                Some(_) => return None,
            }
        }
    }

    fn json(&mut self, text: &[u8], body: usize) -> Option<()> {
        self.json = true;
        std::str::from_utf8(&text[body..]).ok()?;
        let mut at = body;
        loop {
            let opener = if at == body { b"{\"" } else { b",\"" };
            if !text.get(at..)?.starts_with(opener) {
                return None;
            }
            let len = memchr::memchr(b'"', &text[at + 2..])?;
            let key = at + 2..at + 2 + len;
            if text[key.clone()].contains(&b'\\') || text.get(key.end + 1) != Some(&b':') {
                return None;
            }
            let start = key.end + 2;
            at = match text.get(start)? {
                b'"' => {
                    let end = start + 1 + quoted(&text[start + 1..])?;
                    self.field(text, key, start + 1..end, Close::Quote)?;
                    end + 1
                }
                b'{' | b'[' => return None,
                _ => {
                    let rest = &text[start..];
                    let end = start + rest.iter().position(|b| matches!(b, b',' | b'}' | b' '))?;
                    // Bare words of JSON are few; numbers are values.
                    self.field(text, key, start..end, Close::Json)?;
                    end
                }
            };
            if text.get(at..)? == b"}" {
                return Some(());
            }
        }
    }

    /// JSON looks for its times by name, not by place.
    fn json_time(&mut self, text: &[u8]) -> Option<()> {
        let rank = |part: &Part| TIMES.iter().position(|t| *t == &text[part.key.clone()]);
        let first = (0..self.parts.len())
            .filter_map(|n| Some((rank(&self.parts[n])?, n)))
            .min();
        let Some((_, n)) = first else {
            return Some(());
        };
        let part = &mut self.parts[n];
        let fits = part.what == Value::Field(Close::Quote) && is_time(&text[part.value.clone()]);
        part.what = Value::Time;
        fits.then_some(())
    }

    fn field(
        &mut self,
        text: &[u8],
        key: Range<usize>,
        value: Range<usize>,
        close: Close,
    ) -> Option<()> {
        let (name, raw) = (&text[key.clone()], &text[value.clone()]);
        let varies = raw.iter().any(u8::is_ascii_digit) && name != b"caller";
        if KINDS.contains(&name) && !varies {
            return Some(());
        }
        if LEVELS.contains(&name) {
            return None;
        }
        let may_be = !self.json && !self.timed && TIMES.contains(&name);
        let is_time = may_be && is_time(raw);
        // Another value might be read as a time.
        if may_be && !is_time {
            return None;
        }
        self.timed |= is_time;
        let what = if is_time {
            Value::Time
        } else {
            Value::Field(close)
        };
        self.push(key, value, what)
    }
}

/// The line is logfmt because of this key alone, and no frame could be read into it.
fn begins_line(key: &[u8]) -> bool {
    let usual = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-');
    key.len() < 32 && key[0].is_ascii_lowercase() && key.iter().all(usual)
}

/// It is written as a date and a time of day.
fn is_time(value: &[u8]) -> bool {
    value.len() > 18 && value[0].is_ascii_digit()
}

/// Length of a quoted value whose opening quote is off.
fn quoted(text: &[u8]) -> Option<usize> {
    let mut at = 0;
    loop {
        at += memchr::memchr2(b'"', b'\\', text.get(at..)?)?;
        if text[at] == b'"' {
            let clean = text[..at].iter().all(|b| *b >= b' ');
            return clean.then_some(at);
        }
        at += 2;
    }
}
