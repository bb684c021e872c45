//! What was read: without it, silence means nothing.

use std::collections::BTreeMap;

use crate::limits;
use crate::record::{Level, Origin, Record, Source, Time};

/// What was read, per stream and kind of source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    sources: BTreeMap<(Source, Origin), Seen>,
    /// Entries whose origin has a name.
    named: usize,
}

/// What was read of one stream, or of one kind of object of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Seen {
    /// Records.
    pub records: u64,
    /// Bytes, frames included.
    pub bytes: u64,
    /// Earliest time.
    pub from: Option<Time>,
    /// Latest time.
    pub until: Option<Time>,
    /// Lowest level seen.
    pub lowest_level: Option<Level>,
    /// Records with an issue.
    pub unparsed: u64,
    /// Lines cut at the length bound.
    pub truncated: u64,
}

impl Coverage {
    /// Counts one record.
    pub fn add(&mut self, record: &Record<'_>) {
        let seen = self.seen(record.source, record.origin);
        seen.records += 1;
        seen.bytes += record.body.len() as u64;
        for time in [record.first, record.time].into_iter().flatten() {
            seen.from = Some(seen.from.map_or(time, |t| t.min(time)));
            seen.until = seen.until.max(Some(time));
        }
        if let Some(level) = record.level {
            seen.lowest_level = Some(seen.lowest_level.map_or(level, |l| l.min(level)));
        }
        seen.truncated += u64::from(record.truncated);
    }

    /// The entry of one stream, made if need be. A full set keeps its smallest streams, whatever the
    /// order they came in; the rest share the entry of the origin without a name.
    pub fn seen(&mut self, source: Source, origin: &Origin) -> &mut Seen {
        let rest = Origin::default();
        let key = (source, origin.clone());
        if *origin == rest || self.sources.contains_key(&key) {
            return self.sources.entry(key).or_default();
        }
        if self.named < limits::ORIGINS {
            self.named += 1;
            return self.sources.entry(key).or_default();
        }
        let mut named = self
            .sources
            .keys()
            .rev()
            .filter(|(_, origin)| *origin != rest);
        let Some(last) = named.next().filter(|last| key < **last).cloned() else {
            return self.sources.entry((source, rest)).or_default();
        };
        let evicted = self.sources.remove(&last).unwrap_or_default();
        self.sources
            .entry((last.0, rest))
            .or_default()
            .merge(&evicted);
        self.sources.entry(key).or_default()
    }

    /// Adds what was read of one stream.
    pub(super) fn join(&mut self, source: Source, origin: &Origin, seen: &Seen) {
        self.seen(source, origin).merge(seen);
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: Self) {
        for ((source, origin), seen) in other.sources {
            self.join(source, &origin, &seen);
        }
    }

    /// All of it, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Source, &Origin, &Seen)> {
        self.sources
            .iter()
            .map(|((source, origin), seen)| (*source, origin, seen))
    }
}

impl Seen {
    /// Adds what else was read of the same stream.
    pub(super) fn merge(&mut self, other: &Self) {
        self.records += other.records;
        self.bytes += other.bytes;
        self.from = [self.from, other.from].into_iter().flatten().min();
        self.until = self.until.max(other.until);
        self.lowest_level = [self.lowest_level, other.lowest_level]
            .into_iter()
            .flatten()
            .min();
        self.unparsed += other.unparsed;
        self.truncated += other.truncated;
    }
}
