//! What was read: without it, silence means nothing.

use std::collections::BTreeMap;

use crate::limits;
use crate::record::{Level, Origin, Record, Source, Time};

/// What was read, per stream and kind of source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    sources: BTreeMap<(Source, Origin), Seen>,
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

    /// The entry of one stream, made if need be. Streams past the bound share one.
    pub fn seen(&mut self, source: Source, origin: &Origin) -> &mut Seen {
        let key = (source, origin.clone());
        if !self.sources.contains_key(&key) && self.sources.len() >= limits::ORIGINS {
            return self.sources.entry((source, Origin::default())).or_default();
        }
        self.sources.entry(key).or_default()
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: Self) {
        for ((source, origin), other) in other.sources {
            let seen = self.seen(source, &origin);
            seen.records += other.records;
            seen.bytes += other.bytes;
            seen.from = [seen.from, other.from].into_iter().flatten().min();
            seen.until = seen.until.max(other.until);
            seen.lowest_level = [seen.lowest_level, other.lowest_level]
                .into_iter()
                .flatten()
                .min();
            seen.unparsed += other.unparsed;
            seen.truncated += other.truncated;
        }
    }

    /// All of it, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Source, &Origin, &Seen)> {
        self.sources
            .iter()
            .map(|((source, origin), seen)| (*source, origin, seen))
    }
}
