//! Bytes → [`Record`]: one observed thing, as fields.
//!
//! A record is a log line (or a folded panic), a Kubernetes event, a status, a metric sample, an
//! alert, or a fact about configuration. Whatever it is, the matcher sees the same thing: optional
//! time, optional level, fields, raw bytes, and where it came from.

use std::borrow::Cow;
use std::cell::OnceCell;

/// Nanoseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Time(pub i64);

/// What the *writer* called the line.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// What kind of thing a record is; `source` in a signature.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
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

/// Who said it: a stream, pod and container.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Origin {
    /// Kubernetes namespace, when known.
    pub namespace: Option<Box<str>>,
    /// Pod name; `?1` for an anonymous standard input; empty for objects that belong to no pod.
    pub pod: Box<str>,
    /// Container, when known.
    pub container: Option<Box<str>>,
    /// The log of the container's previous life.
    pub previous: bool,
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
    fields: OnceCell<Fields<'a>>,
}

/// Fields of a record, in the order written. Repeated keys are kept (`caller=` stands twice in
/// lines bridged from slog). Values are unescaped.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a> {
    entries: Vec<(Cow<'a, [u8]>, Cow<'a, [u8]>)>,
}

impl<'a> Fields<'a> {
    /// First value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.all(key).next()
    }

    /// All values of `key`, in order.
    pub fn all<'s>(&'s self, key: &str) -> impl Iterator<Item = &'s [u8]> {
        self.entries
            .iter()
            .filter(move |(k, _)| k.as_ref() == key.as_bytes())
            .map(|(_, v)| v.as_ref())
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries.iter().map(|(k, v)| (k.as_ref(), v.as_ref()))
    }

    /// Adds a field at the end.
    pub fn push(&mut self, key: impl Into<Cow<'a, [u8]>>, value: impl Into<Cow<'a, [u8]>>) {
        self.entries.push((key.into(), value.into()));
    }
}
