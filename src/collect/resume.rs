//! Which lines of a log were seen before it was cut.
//!
//! The API server resumes at whole seconds, so that some lines come twice. They are told by their
//! time stamp and hash. Lines of standard output and standard error may be a few out of order, so
//! that the newest time alone does not tell.

use std::collections::{HashMap, VecDeque};

use jiff::Timestamp;
use xxhash_rust::xxh64::xxh64;

use crate::limits;

/// The last lines of one log, each with its `timestamps=true` prefix.
#[derive(Debug, Default)]
pub(super) struct Resume {
    /// Time and hash of the last lines, in the order they came.
    window: VecDeque<(Option<Timestamp>, u64)>,
    newest: Option<Timestamp>,
    /// Lines fell out of the window.
    overflowed: bool,
    /// Lines that are expected to come again, and how often.
    expected: HashMap<u64, u32>,
    replaying: bool,
    /// Something was there before the cut.
    resumed: bool,
    overlapped: bool,
}

impl Resume {
    /// A line was taken.
    pub(super) fn note(&mut self, line: &[u8]) {
        let time = time_of(line);
        self.newest = match (self.newest, time) {
            // A clock that was set back goes on from there: what comes now is older than what came.
            (Some(newest), Some(time)) if newest.duration_since(time) > SLACK => Some(time),
            (newest, time) => newest.max(time),
        };
        if self.window.len() >= limits::RESUME_LINES {
            self.window.pop_front();
            self.overflowed = true;
        }
        self.window.push_back((time, hash(line)));
    }

    /// There were older lines, which are not in the window.
    pub(super) fn forgot_older(&mut self) {
        self.overflowed = true;
    }

    /// Where to resume: the newest time seen since the clock was last set back.
    pub(super) fn newest(&self) -> Option<Timestamp> {
        self.newest
    }

    /// The log is read anew from [`Resume::newest`], rounded down to the second.
    pub(super) fn begin(&mut self) {
        self.expected.clear();
        for (_, hash) in &self.window {
            *self.expected.entry(*hash).or_default() += 1;
        }
        self.resumed = !self.window.is_empty();
        self.replaying = self.resumed;
        self.overlapped = false;
    }

    /// Whether a line is new; if it is, it is noted.
    pub(super) fn admit(&mut self, line: &[u8]) -> bool {
        if self.replaying && self.is_repeated(line) {
            self.overlapped = true;
            return false;
        }
        self.note(line);
        true
    }

    /// Lines may still come twice.
    pub(super) fn is_replaying(&self) -> bool {
        self.replaying
    }

    /// The log did not go on where it was cut, since no line came twice: some may be missing. To be
    /// asked once the first new line has come.
    pub(super) fn lost_touch(&self) -> bool {
        self.resumed && !self.overlapped
    }

    fn is_repeated(&mut self, line: &[u8]) -> bool {
        let time = time_of(line);
        if let Some(count) = self
            .expected
            .get_mut(&hash(line))
            .filter(|count| **count > 0)
        {
            *count -= 1;
            return true;
        }
        match (time, self.newest, self.oldest()) {
            // Past everything seen, and past what may be out of order: nothing repeats from here.
            (Some(time), Some(newest), _) if time.duration_since(newest) > SLACK => {
                self.replaying = false;
                false
            }
            // Older than all that is remembered: it was seen, and forgotten.
            (Some(time), _, Some(oldest)) => self.overflowed && time < oldest,
            _ => false,
        }
    }

    fn oldest(&self) -> Option<Timestamp> {
        self.window.iter().find_map(|(time, _)| *time)
    }
}

/// How far lines of two streams of one container may be out of order.
const SLACK: jiff::SignedDuration = jiff::SignedDuration::from_secs(2);

/// Seed of the hashes of lines.
const SEED: u64 = 0;

fn hash(line: &[u8]) -> u64 {
    xxh64(line, SEED)
}

/// The time stamp that the API server puts before each line.
pub(super) fn time_of(line: &[u8]) -> Option<Timestamp> {
    let head = &line[..line.len().min(40)];
    let end = memchr::memchr(b' ', head)?;
    std::str::from_utf8(&head[..end]).ok()?.parse().ok()
}
