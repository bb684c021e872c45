//! Bytes → [`Record`]: one observed thing, as fields.
//!
//! A record is a log line (or a folded panic), a Kubernetes event, a status, a metric sample, an
//! alert, or a fact about configuration. Whatever it is, the matcher sees the same thing: optional
//! time, optional level, fields, raw bytes, and where it came from.
//!
//! [`Reader`] cuts a stream into lines, [`frame`] takes off what other programs wrote around them,
//! [`body`] reads what is left, and [`errors`] takes error chains apart.

use serde::{Deserialize, Serialize};
use std::borrow::Cow;
use std::cell::OnceCell;

pub mod body;
pub mod errors;
pub mod fields;
pub mod frame;
mod origin;
pub mod reader;
pub mod time;

#[cfg(test)]
mod tests;

pub use body::{Format, Peek, peek};
pub use errors::{Attempt, Leaf, leaves};
pub use fields::{Fields, Issue, Issues};
pub use frame::{Frame, FrameState, Who, split_frame};
pub use origin::{Origin, Origins, set_and_ordinal};
pub use reader::{Counts, Options, Reader};
pub use time::{Time, Times};

/// What the *writer* called the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Level {
    /// `debug`
    Debug,
    /// `info`
    Info,
    /// `warn`, `warning`
    Warn,
    /// `error`
    Error,
    /// `fatal`, `panic`, `critical`; Thanos itself never writes these.
    Fatal,
}

impl Level {
    /// The level a writer means by this word, in any case; `None` for other words.
    #[must_use]
    pub fn parse(word: &[u8]) -> Option<Self> {
        // As long as the longest word below.
        let mut small = [0; b"information".len()];
        let small = small.get_mut(..word.len())?;
        small.copy_from_slice(word);
        small.make_ascii_lowercase();
        Some(match &*small {
            b"debug" | b"debg" | b"dbg" | b"trace" => Self::Debug,
            b"info" | b"information" | b"notice" | b"inf" => Self::Info,
            b"warn" | b"warning" | b"wrn" => Self::Warn,
            b"error" | b"err" | b"eror" => Self::Error,
            b"fatal" | b"panic" | b"dpanic" | b"critical" | b"crit" | b"alert" | b"emerg"
            | b"emergency" => Self::Fatal,
            _ => return None,
        })
    }
}

/// What kind of thing a record is; `source` in a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Source {
    /// A line of a log.
    Log,
    /// A Kubernetes `Event`.
    Event,
    /// A Kubernetes object other than an event, flattened.
    Status,
    /// A series of a scrape, with its growth between two scrapes.
    Metric,
    /// An alert of an Alertmanager payload.
    Alert,
    /// A fact about configuration, or one that follows from comparing sources.
    Config,
}

/// One observed thing.
#[derive(Debug)]
pub struct Record<'a> {
    /// What kind of thing.
    pub source: Source,
    /// Who said it.
    pub origin: &'a Origin,
    /// When, if it says so: the body's own time first, the frame's time (CRI, kubectl
    /// `--timestamps`) otherwise. For a Kubernetes event: the last time.
    pub time: Option<Time>,
    /// When it began, if the record stands for several occurrences (an event's first time).
    pub first: Option<Time>,
    /// How many occurrences it stands for; 1 for a log line.
    pub count: u64,
    /// Level as the writer gave it.
    pub level: Option<Level>,
    /// The body: the line without its frame and ANSI colours; may be invalid UTF-8. Folded records
    /// keep their `\n`. Empty for sources other than logs.
    pub body: &'a [u8],
    /// The body was cut at [`crate::limits::LINE_BYTES`].
    pub truncated: bool,
    format: Format,
    parsed: OnceCell<body::Parsed<'a>>,
}

impl<'a> Record<'a> {
    /// A log record of a body whose frame is already off. Level and time are read from the body
    /// at once, its fields when they are first asked for.
    #[must_use]
    pub fn log(origin: &'a Origin, body: &'a [u8]) -> Self {
        Self::with_peek(origin, body, peek(body, &mut Times::default()))
    }

    /// A log record of a body that has been looked at already.
    #[must_use]
    pub fn with_peek(origin: &'a Origin, body: &'a [u8], peek: Peek) -> Self {
        Self {
            source: Source::Log,
            origin,
            time: peek.time,
            first: None,
            count: 1,
            level: peek.level,
            body,
            truncated: false,
            format: peek.format,
            parsed: OnceCell::new(),
        }
    }

    /// A record of fields that did not come from a log line. Its body is empty.
    #[must_use]
    pub fn from_fields(source: Source, origin: &'a Origin, fields: Fields<'a>) -> Self {
        let parsed = OnceCell::new();
        let _ = parsed.set(body::Parsed {
            fields,
            issues: Issues::default(),
        });
        Self {
            source,
            origin,
            time: None,
            first: None,
            count: 1,
            level: None,
            body: b"",
            truncated: false,
            format: Format::Plain,
            parsed,
        }
    }

    /// How the body is written. [`Format::Plain`] for sources other than logs.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The fields; tokenised at the first call.
    pub fn fields(&self) -> &Fields<'a> {
        &self.parsed().fields
    }

    /// The record as text: the body of a log line, `key=value` pairs for other sources.
    pub fn text(&self) -> Cow<'_, [u8]> {
        if self.source == Source::Log {
            return Cow::Borrowed(self.body);
        }
        let mut text = Vec::new();
        for (key, value) in self.fields().iter() {
            if !text.is_empty() {
                text.push(b' ');
            }
            text.extend_from_slice(key);
            text.push(b'=');
            if value.iter().any(|b| *b <= b' ' || *b == b'"' || *b == b'=') {
                text.extend_from_slice(format!("{:?}", String::from_utf8_lossy(value)).as_bytes());
            } else {
                text.extend_from_slice(value);
            }
        }
        Cow::Owned(text)
    }

    /// What was odd about the body; tokenises it at the first call.
    pub fn issues(&self) -> Issues {
        let mut issues = self.parsed().issues;
        if self.truncated {
            issues.add(Issue::Truncated);
        }
        issues
    }

    /// First value of a field; `line` stands for the body.
    pub fn field(&self, name: &str) -> Option<&[u8]> {
        match name {
            "line" if self.source == Source::Log => Some(self.body),
            _ => self.fields().get(name),
        }
    }

    fn parsed(&self) -> &body::Parsed<'a> {
        self.parsed
            .get_or_init(|| body::parse(self.format, self.body))
    }
}
