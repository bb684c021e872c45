//! Lines that belong together: pieces of one line, and the lines of one dump. Each origin has its
//! own, since a stream may interleave pods.

use std::collections::VecDeque;

use super::{Item, Place};
use crate::limits;
use crate::record::Time;
use crate::record::body::continues;
use crate::record::origin::OriginIx;

/// Lines in pieces that are not complete yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct Partials {
    pub(super) open: VecDeque<Partial>,
    /// Most that were open at once.
    pub(super) most: usize,
}

#[derive(Debug)]
pub(super) struct Partial {
    pub(super) origin: OriginIx,
    stderr: bool,
    text: Vec<u8>,
    time: Option<Time>,
    truncated: bool,
}

/// What became of a piece.
pub(super) struct Joined {
    /// The line it completes.
    pub(super) item: Option<Item>,
    /// Another line that had to make room.
    pub(super) early: Option<Item>,
    /// The piece went into a line; if not it is a line itself.
    pub(super) taken: bool,
}

impl Partials {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Adds a piece; `more` pieces follow it.
    pub(super) fn join(&mut self, item: &Item, stderr: bool, body: &[u8], more: bool) -> Joined {
        let mut joined = Joined {
            item: None,
            early: None,
            taken: true,
        };
        let same = |line: &Partial| line.origin == item.origin && line.stderr == stderr;
        let Some(at) = self.open.iter().position(same) else {
            if !more {
                joined.taken = false;
                return joined;
            }
            if self.open.len() >= limits::OPEN_JOINS {
                joined.early = self.open.pop_front().map(Partial::item);
            }
            self.open.push_back(Partial {
                origin: item.origin,
                stderr,
                text: body.to_vec(),
                time: item.time,
                truncated: item.truncated,
            });
            self.most = self.most.max(self.open.len());
            return joined;
        };
        let line = &mut self.open[at];
        let room = limits::LINE_BYTES.saturating_sub(line.text.len());
        line.text.extend_from_slice(&body[..body.len().min(room)]);
        line.truncated |= item.truncated || body.len() > room;
        if !more {
            joined.item = self.open.remove(at).map(Partial::item);
        }
        joined
    }

    /// All that are open, as they are.
    pub(super) fn drain(&mut self) -> Vec<Item> {
        self.open.drain(..).map(Partial::item).collect()
    }
}

impl Partial {
    fn item(self) -> Item {
        Item {
            body: Place::Held(self.text),
            origin: self.origin,
            time: self.time,
            truncated: self.truncated,
        }
    }
}

/// Dumps that are not complete yet, oldest first.
#[derive(Debug, Default)]
pub(super) struct Folds {
    pub(super) open: VecDeque<Fold>,
    /// Most that were open at once.
    pub(super) most: usize,
}

#[derive(Debug)]
pub(super) struct Fold {
    pub(super) origin: OriginIx,
    text: Vec<u8>,
    lines: usize,
    time: Option<Time>,
    /// A stack has been seen: a second death begins a second dump.
    stack: bool,
    truncated: bool,
}

/// What became of a line.
pub(super) enum Added {
    /// It is part of a dump.
    Kept,
    /// It is part of a dump that is long enough already.
    Dropped,
    /// It ends this dump.
    Ended(Item),
    /// It has nothing to do with any.
    Foreign,
}

impl Folds {
    pub(super) fn is_empty(&self) -> bool {
        self.open.is_empty()
    }

    /// Begins a dump; gives the oldest one where there are too many.
    pub(super) fn open(&mut self, item: &Item, body: &[u8]) -> Option<Item> {
        let full = self.open.len() >= limits::OPEN_JOINS;
        let early = if full { self.open.pop_front() } else { None };
        self.open.push_back(Fold {
            origin: item.origin,
            text: body.to_vec(),
            lines: 1,
            time: item.time,
            stack: body.starts_with(b"goroutine "),
            truncated: item.truncated,
        });
        self.most = self.most.max(self.open.len());
        early.map(Fold::item)
    }

    /// Adds a line to the dump of its origin, or ends it.
    pub(super) fn add(&mut self, item: &Item, body: &[u8]) -> Added {
        let same = |fold: &Fold| fold.origin == item.origin;
        let Some(at) = self.open.iter().position(same) else {
            return Added::Foreign;
        };
        let fold = &mut self.open[at];
        // The frame of a dump does not change in the middle of it.
        let framed_anew = item.time.is_some() && fold.time.is_none();
        if framed_anew || !continues(fold.stack, body) {
            let fold = self.open.remove(at).expect("found above");
            return Added::Ended(fold.item());
        }
        fold.stack |= body.starts_with(b"goroutine ");
        if fold.lines >= limits::FOLDED_LINES
            || fold.text.len() + 1 + body.len() > limits::LINE_BYTES
        {
            fold.truncated = true;
            return Added::Dropped;
        }
        fold.lines += 1;
        fold.text.push(b'\n');
        fold.text.extend_from_slice(body);
        Added::Kept
    }

    /// All that are open.
    pub(super) fn drain(&mut self) -> Vec<Item> {
        self.open.drain(..).map(Fold::item).collect()
    }
}

impl Fold {
    fn item(mut self) -> Item {
        let len = self.text.trim_ascii_end().len();
        self.text.truncate(len);
        Item {
            body: Place::Held(self.text),
            origin: self.origin,
            time: self.time,
            truncated: self.truncated,
        }
    }
}
