//! A byte stream, cut into records.
//!
//! In the plain case a record is a slice of the read buffer and nothing is allocated. Lines that
//! arrive in pieces (the container runtime cuts at 16 KiB), that are escaped inside JSON, or that
//! belong together (a panic and its stacks) are put together in bounded buffers of their own.

use std::borrow::Cow;
use std::collections::VecDeque;
use std::io::{self, Read};
use std::ops::Range;

use super::body::{peek, starts_dump};
use super::frame::{Frame, FrameState, split_frame};
use super::origin::OriginIx;
use super::{Origin, Origins, Record, Time, Times};

mod ansi;
mod carry;
mod export;
mod join;
mod lines;

#[cfg(test)]
mod tests;

pub use carry::Carry;
use export::Export;
use join::{Folds, Partials};
use lines::{Line, Lines};

/// How to read a stream.
#[derive(Clone, Copy, Debug, Default)]
pub struct Options {
    /// The year of times that have none (klog, syslog). Without it they stay unknown, unless the
    /// frame of the line has a whole time.
    pub year: Option<i16>,
}

/// What went through a reader.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Bytes read.
    pub bytes: u64,
    /// Lines, blank ones too.
    pub lines: u64,
    /// Records lent out.
    pub records: u64,
    /// Blank lines outside of folded records.
    pub blank: u64,
    /// Lines of the tool that made the stream, such as stern's `+ pod › container`.
    pub control: u64,
    /// Records whose body was cut at [`crate::limits::LINE_BYTES`].
    pub truncated: u64,
    /// Records whose fields nothing is known of: plain text.
    pub plain: u64,
    /// Lines of folded records left out for [`crate::limits::FOLDED_LINES`] or
    /// [`crate::limits::LINE_BYTES`].
    pub unfolded_lines: u64,
    /// Lines in pieces, or folds, that were given out early because too many were open
    /// ([`crate::limits::OPEN_JOINS`]).
    pub early: u64,
}

/// Reads records from a byte stream.
#[derive(Debug)]
pub struct Reader<R> {
    lines: Lines<R>,
    frames: FrameState,
    origins: Origins,
    partials: Partials,
    folds: Folds,
    export: Option<Export>,
    /// Items that are complete and come before the next line.
    ready: VecDeque<Item>,
    /// The body lent out, if it is not a slice of the read buffer.
    held: Vec<u8>,
    counts: Counts,
    /// What is open at the end goes on in the next piece.
    keeps_open: bool,
    /// The stream's own origin spoke.
    passed: bool,
    /// Others may have spoken, whose names were not kept.
    passed_framed: bool,
    /// The line read last.
    line: Range<usize>,
}

/// A record to be, with its body by place.
#[derive(Debug)]
struct Item {
    body: Place,
    origin: OriginIx,
    /// The frame's time.
    time: Option<Time>,
    truncated: bool,
}

/// Where a body is.
#[derive(Debug)]
enum Place {
    /// In the read buffer; valid until the next line is read.
    Line(Range<usize>),
    Held(Vec<u8>),
}

/// A frame without its borrow of the read buffer.
struct Taken {
    item: Item,
    partial: bool,
    stderr: bool,
}

impl<R: Read> Reader<R> {
    /// Reads `stream`; records whose frames name nobody come from `own`.
    pub fn new(stream: R, own: Origin, options: Options) -> Self {
        Self::new_over(Lines::new(stream), own, options)
    }

    fn new_over(lines: Lines<R>, own: Origin, options: Options) -> Self {
        Self {
            lines,
            frames: FrameState::new(Times::with_year(options.year)),
            origins: Origins::new(own),
            partials: Partials::default(),
            folds: Folds::default(),
            export: None,
            ready: VecDeque::new(),
            held: Vec::new(),
            counts: Counts::default(),
            keeps_open: false,
            passed: false,
            passed_framed: false,
            line: 0..0,
        }
    }

    /// The next record, lent until the next call; `None` at the end of the stream.
    ///
    /// # Errors
    ///
    /// Those of the stream. What was read before them has been lent out, but for open folds.
    #[expect(clippy::should_implement_trait, reason = "an iterator cannot lend")]
    pub fn next(&mut self) -> io::Result<Option<Record<'_>>> {
        Ok(self.next_in_line()?.map(|(record, _, _)| record))
    }

    /// The same, with the line it stands in and where in that line its body begins. The line ends with
    /// its line end; it is empty when the record is not one line as it was read.
    ///
    /// # Errors
    ///
    /// Those of [`Reader::next`].
    pub fn next_in_line(&mut self) -> io::Result<Option<(Record<'_>, &[u8], usize)>> {
        let Some(item) = self.item()? else {
            return Ok(None);
        };
        let (mut line, mut at): (&[u8], usize) = (&[], 0);
        let body = match item.body {
            Place::Line(range) => {
                let end = self.line.end + 1;
                if self.line.start <= range.start && range.end + 1 == end {
                    line = self.lines.ended(self.line.start..end);
                    at = range.start - self.line.start;
                }
                self.lines.bytes(range)
            }
            Place::Held(body) => {
                self.held = body;
                &self.held
            }
        };
        self.frames.times.frame = item.time;
        let peek = peek(body, &mut self.frames.times);
        let mut record = Record::with_peek(self.origins.get(item.origin), body, peek);
        record.time = record.time.or(item.time);
        record.truncated = item.truncated;
        self.counts.records += 1;
        self.counts.truncated += u64::from(item.truncated);
        self.counts.plain += u64::from(record.format() == super::Format::Plain);
        Ok(Some((record, line, at)))
    }

    /// What went through so far.
    pub fn counts(&self) -> Counts {
        Counts {
            bytes: self.lines.read,
            ..self.counts
        }
    }

    /// Who spoke so far; the stream's own origin first.
    pub fn origins(&self) -> &Origins {
        &self.origins
    }

    fn item(&mut self) -> io::Result<Option<Item>> {
        loop {
            if let Some(item) = self.ready.pop_front() {
                return Ok(Some(item));
            }
            let Some(line) = self.lines.next()? else {
                if !self.finish() {
                    return Ok(None);
                }
                continue;
            };
            self.counts.lines += 1;
            if let Some(item) = self.take(line)? {
                return Ok(Some(item));
            }
        }
    }

    /// At the end: what is open is as complete as it will ever be.
    fn finish(&mut self) -> bool {
        if self.keeps_open {
            return false;
        }
        if let Some(entry) = self.export.take() {
            self.entry(entry);
        }
        for item in self.partials.drain() {
            let item = self.whole(item);
            self.ready.extend(item);
        }
        self.ready.extend(self.folds.drain());
        !self.ready.is_empty()
    }

    /// Takes one line in. The record it makes is returned, or waits in `ready` behind others.
    fn take(&mut self, line: Line) -> io::Result<Option<Item>> {
        let Some(line) = self.exported(line)? else {
            return Ok(None);
        };
        let text = self.lines.bytes(line.range.clone());
        let frame = split_frame(text, &mut self.frames);
        if frame.control {
            self.counts.control += 1;
            return Ok(None);
        }
        let start = line.range.start;
        self.line = line.range.clone();
        let taken = taken(frame, text, start, line.truncated, &mut self.origins);
        self.passed |= taken.item.origin == Origins::OWN;
        Ok(self.framed(taken))
    }

    /// Joins the pieces of a line.
    fn framed(&mut self, taken: Taken) -> Option<Item> {
        let Taken {
            item,
            partial,
            stderr,
        } = taken;
        if !partial && self.partials.is_empty() {
            return self.whole(item);
        }
        let body = match &item.body {
            Place::Line(range) => self.lines.bytes(range.clone()),
            Place::Held(body) => body,
        };
        let joined = self.partials.join(&item, stderr, body, partial);
        if let Some(early) = joined.early {
            self.counts.early += 1;
            if let Some(item) = self.whole(early) {
                self.ready.push_back(item);
            }
        }
        let item = joined
            .item
            .or((!partial && !joined.taken).then_some(item))?;
        let item = self.whole(item)?;
        if self.ready.is_empty() {
            return Some(item);
        }
        self.ready.push_back(item);
        None
    }

    /// Folds whole lines that belong together.
    fn whole(&mut self, item: Item) -> Option<Item> {
        let body = match &item.body {
            Place::Line(range) => self.lines.bytes(range.clone()),
            Place::Held(body) => body,
        };
        if !self.folds.is_empty() {
            match self.folds.add(&item, body) {
                join::Added::Kept => return None,
                join::Added::Dropped => {
                    self.counts.unfolded_lines += 1;
                    return None;
                }
                join::Added::Ended(fold) => self.ready.push_back(fold),
                join::Added::Foreign => {}
            }
        }
        if body.is_empty() {
            self.counts.blank += 1;
            return None;
        }
        if starts_dump(body) {
            if let Some(early) = self.folds.open(&item, body) {
                self.counts.early += 1;
                self.ready.push_back(early);
            }
            return None;
        }
        if self.ready.is_empty() {
            return Some(item);
        }
        self.ready.push_back(item);
        None
    }

    /// journald's export format is one entry in many lines; other lines go through.
    fn exported(&mut self, line: Line) -> io::Result<Option<Line>> {
        let text = self.lines.bytes(line.range.clone());
        if self.export.is_none() {
            if !Export::starts(text) {
                return Ok(Some(line));
            }
            self.export = Some(Export::default());
        }
        let entry = self.export.as_mut().expect("set above");
        match entry.line(text, &mut self.frames.times) {
            export::Seen::Field => Ok(None),
            export::Seen::Binary(key) => {
                let mut data = Vec::new();
                self.lines.take_sized(&mut data)?;
                entry.field(&key, &data, &mut self.frames.times);
                Ok(None)
            }
            export::Seen::End => {
                if let Some(entry) = self.export.take() {
                    self.entry(entry);
                }
                Ok(None)
            }
            export::Seen::Foreign => {
                if let Some(entry) = self.export.take() {
                    self.entry(entry);
                }
                Ok(Some(line))
            }
        }
    }

    /// A complete entry of journald's export format.
    fn entry(&mut self, entry: Export) {
        let Some(mut message) = entry.message else {
            return;
        };
        let len = ansi::strip(&mut message);
        message.truncate(len);
        let frame = split_frame(&message, &mut self.frames);
        let own = Frame {
            time: entry.time.or(frame.time),
            who: frame.who.or(entry.who.filter(|who| !who.pod.is_empty())),
            ..frame
        };
        if own.control {
            return;
        }
        // A place outside of any line makes the body be copied.
        let taken = taken(own, b"", 0, false, &mut self.origins);
        if let Some(item) = self.framed(taken) {
            self.ready.push_back(item);
        }
    }
}

/// Turns a frame into an item. `line` is what it was split from and begins at `start` of the
/// read buffer.
fn taken(
    frame: Frame<'_>,
    line: &[u8],
    start: usize,
    truncated: bool,
    origins: &mut Origins,
) -> Taken {
    let origin = frame
        .who
        .as_ref()
        .map_or(Origins::OWN, |who| origins.intern(who));
    let body = match frame.body {
        Cow::Borrowed(body) => match place_in(line, body) {
            Some(at) => Place::Line(start + at..start + at + body.len()),
            None => Place::Held(body.to_vec()),
        },
        Cow::Owned(mut body) => {
            let len = ansi::strip(&mut body);
            body.truncate(len);
            Place::Held(body)
        }
    };
    Taken {
        item: Item {
            body,
            origin,
            time: frame.time,
            truncated,
        },
        partial: frame.partial,
        stderr: frame.stderr,
    }
}

/// Where `part` lies in `line`, if it does.
fn place_in(line: &[u8], part: &[u8]) -> Option<usize> {
    let at = (part.as_ptr() as usize).checked_sub(line.as_ptr() as usize)?;
    (at + part.len() <= line.len()).then_some(at)
}
