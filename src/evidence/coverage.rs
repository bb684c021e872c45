//! What was read: without it, silence means nothing.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use crate::limits;
use crate::record::{Level, Origin, Record, Source, Time};

/// All kinds of sources.
const SOURCES: [Source; 6] = [
    Source::Log,
    Source::Event,
    Source::Status,
    Source::Metric,
    Source::Alert,
    Source::Config,
];

/// What was read, per stream and kind of source.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Coverage {
    sources: BTreeMap<(Source, Origin), Seen>,
}

/// What was read of one stream, or of one kind of object of one pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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

    /// The entry of one stream, made if need be. Of too many the smallest keep their own, whatever
    /// the order they come in; the rest share one for each source.
    pub fn seen(&mut self, source: Source, origin: &Origin) -> &mut Seen {
        let key = (source, origin.clone());
        let nobody = |source| (source, Origin::default());
        let is_new = *origin != Origin::default() && !self.sources.contains_key(&key);
        if is_new && self.sources.len() >= limits::ORIGINS {
            let shared = SOURCES
                .iter()
                .filter(|s| self.sources.contains_key(&nobody(**s)));
            if self.sources.len() - shared.count() >= limits::ORIGINS {
                match self.largest_named() {
                    Some(largest) if largest > key => {
                        let dropped = self.sources.remove(&largest).unwrap_or_default();
                        self.sources
                            .entry(nobody(largest.0))
                            .or_default()
                            .join(&dropped);
                    }
                    _ => return self.sources.entry(nobody(source)).or_default(),
                }
            }
        }
        self.sources.entry(key).or_default()
    }

    /// The last entry that is not a shared one.
    fn largest_named(&self) -> Option<(Source, Origin)> {
        let mut keys = self.sources.keys().rev();
        keys.find(|(_, origin)| *origin != Origin::default())
            .cloned()
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: Self) {
        for ((source, origin), other) in other.sources {
            self.seen(source, &origin).join(&other);
        }
    }

    /// What was read of one stream, of each kind of source.
    pub fn of(&self, origin: &Origin) -> impl Iterator<Item = &Seen> {
        let key = |source| (source, origin.clone());
        SOURCES
            .into_iter()
            .filter_map(move |source| self.sources.get(&key(source)))
    }

    /// All of it, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Source, &Origin, &Seen)> {
        self.sources
            .iter()
            .map(|((source, origin), seen)| (*source, origin, seen))
    }
}

impl Seen {
    /// Adds what was read elsewhere of the same stream.
    pub fn join(&mut self, other: &Self) {
        self.records = self.records.saturating_add(other.records);
        self.bytes = self.bytes.saturating_add(other.bytes);
        self.from = [self.from, other.from].into_iter().flatten().min();
        self.until = self.until.max(other.until);
        self.lowest_level = [self.lowest_level, other.lowest_level]
            .into_iter()
            .flatten()
            .min();
        self.unparsed = self.unparsed.saturating_add(other.unparsed);
        self.truncated = self.truncated.saturating_add(other.truncated);
    }
}
