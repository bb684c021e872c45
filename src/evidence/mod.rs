//! Folds hits into one entry per signature and subject: how often, from when to when, by whom, with
//! samples; and keeps what was read, so that silence can be weighed.
//!
//! The fold is commutative and associative: the same records in any order, cut into any shards,
//! give the same [`Ledger`]. Bounds keep to that law: a full set keeps its smallest members.

mod buckets;
mod coverage;
mod settle;
mod small;
mod subject;
mod tally;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::collections::btree_map::Entry;

use crate::limits;
use crate::matcher::Hit;
use crate::novelty::Miner;
use crate::pack::{SignatureIx, SubjectKind};
use crate::record::{Origin, Record, Time};

pub use buckets::Buckets;
pub use coverage::{Coverage, Seen};
pub use small::SmallMap;
pub use subject::{Resolver, Subject};
pub use tally::{SlotIx, Tally, WriterIx};

/// In nanoseconds.
const SECOND: i64 = 1_000_000_000;

/// All evidence so far.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Ledger {
    entries: BTreeMap<(SignatureIx, Subject), Evidence>,
    /// What was read.
    pub coverage: Coverage,
    /// Warnings and errors that no signature takes.
    pub novel: Miner,
    /// Hits that found the ledger full.
    pub overflow: u64,
}

/// All hits of one signature on one subject.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Evidence {
    /// Occurrences.
    pub count: u64,
    /// Earliest time.
    pub first: Option<Time>,
    /// Latest time.
    pub last: Option<Time>,
    /// The earliest few lines.
    pub samples: Vec<Sample>,
    /// Who said it: how often, and when.
    pub witnesses: SmallMap<Origin, Witness>,
    /// Values taken out, by name; each a bounded, sorted set.
    pub values: SmallMap<String, Vec<String>>,
}

/// What one writer said of a subject.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Witness {
    /// Occurrences.
    pub count: u64,
    /// Occurrences over time.
    pub buckets: Buckets,
}

/// One line, kept as an example.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Sample {
    /// Its time; lines without one sort last.
    pub time: Option<Time>,
    /// Who wrote it.
    pub origin: Origin,
    /// The line, cut at [`limits::SAMPLE_BYTES`].
    pub line: Vec<u8>,
}

impl Ledger {
    /// Adds one hit of `record`.
    pub fn add(&mut self, hit: Hit, record: &Record<'_>, resolver: &Resolver) {
        let subject = subject_of(&hit, record, resolver);
        let key = (hit.signature, subject);
        if !self.entries.contains_key(&key) && self.entries.len() >= limits::LEDGER_PAIRS {
            self.make_room_for(key, |e| e.take(hit.extracts, record));
            return;
        }
        self.entries
            .entry(key)
            .or_default()
            .take(hit.extracts, record);
    }

    /// Joins one entry into this ledger.
    pub fn put(&mut self, signature: SignatureIx, subject: Subject, evidence: Evidence) {
        let key = (signature, subject);
        if !self.entries.contains_key(&key) && self.entries.len() >= limits::LEDGER_PAIRS {
            self.make_room_for(key, |e| e.merge(evidence));
            return;
        }
        self.entries.entry(key).or_default().merge(evidence);
    }

    /// The same for evidence that was folded here and keeps to the bounds, which saves a copy.
    fn put_folded(&mut self, signature: SignatureIx, subject: Subject, evidence: Evidence) {
        let full = self.entries.len() >= limits::LEDGER_PAIRS;
        match self.entries.entry((signature, subject)) {
            Entry::Occupied(known) => known.into_mut().merge(evidence),
            Entry::Vacant(free) if !full => {
                free.insert(evidence);
            }
            Entry::Vacant(free) => {
                let key = free.into_key();
                self.make_room_for(key, |e| *e = evidence);
            }
        }
    }

    /// Joins another ledger into this one. `a.merge(b)` equals `b.merge(a)`.
    pub fn merge(&mut self, other: Self) {
        self.overflow = self.overflow.saturating_add(other.overflow);
        self.coverage.merge(other.coverage);
        self.novel.merge(other.novel);
        for ((signature, subject), evidence) in other.entries {
            self.put_folded(signature, subject, evidence);
        }
    }

    /// A full ledger keeps its smallest keys, whatever the order they came in; the rest are counted.
    fn make_room_for(&mut self, key: (SignatureIx, Subject), put: impl FnOnce(&mut Evidence)) {
        let mut evidence = Evidence::default();
        put(&mut evidence);
        match self.entries.last_key_value() {
            Some((largest, _)) if *largest > key => {
                if let Some((_, dropped)) = self.entries.pop_last() {
                    self.overflow = self.overflow.saturating_add(dropped.count);
                }
                self.entries.insert(key, evidence);
            }
            _ => self.overflow = self.overflow.saturating_add(evidence.count),
        }
    }

    /// All evidence, in the order of signatures, then subjects.
    pub fn iter(&self) -> impl Iterator<Item = (SignatureIx, &Subject, &Evidence)> {
        self.entries
            .iter()
            .map(|((ix, subject), e)| (*ix, subject, e))
    }

    /// The evidence of one signature on one subject.
    #[must_use]
    pub fn get(&self, signature: SignatureIx, subject: &Subject) -> Option<&Evidence> {
        self.entries.get(&(signature, subject.clone()))
    }

    /// The evidence of one signature, by subject.
    pub fn of(&self, signature: SignatureIx) -> impl Iterator<Item = (&Subject, &Evidence)> {
        // A pod is the first kind of all.
        let least = (signature, Subject::new(SubjectKind::Pod, ""));
        self.entries
            .range(least..)
            .take_while(move |((ix, _), _)| *ix == signature)
            .map(|((_, subject), e)| (subject, e))
    }

    /// How often and when, without lines, writers and coverage, of the entries that `keep` wants. There may
    /// be tens of thousands: much less than a copy.
    #[must_use]
    pub fn outline(&self, mut keep: impl FnMut(SignatureIx, &Subject) -> bool) -> Self {
        let kept = self.entries.iter().filter(|((ix, s), _)| keep(*ix, s));
        let outlined = kept.map(|(key, evidence)| {
            let outline = Evidence {
                count: evidence.count,
                first: evidence.first,
                last: evidence.last,
                values: evidence.values.clone(),
                ..Evidence::default()
            };
            (key.clone(), outline)
        });
        Self {
            entries: outlined.collect(),
            ..Self::default()
        }
    }

    /// No hit so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }
}

impl Evidence {
    fn take(&mut self, extracts: Vec<(String, Vec<String>)>, record: &Record<'_>) {
        let count = record.count.max(1);
        self.count = self.count.saturating_add(count);
        for time in [record.first, record.time].into_iter().flatten() {
            self.first = Some(self.first.map_or(time, |t| t.min(time)));
            self.last = Some(self.last.map_or(time, |t| t.max(time)));
        }
        let witness = self.witness(record.origin);
        witness.count = witness.count.saturating_add(count);
        if let Some(first) = record.first {
            witness.buckets.add(first, 1);
        }
        if let Some(time) = record.time {
            witness.buckets.add(
                time,
                if record.first.is_some() {
                    count.max(2) - 1
                } else {
                    count
                },
            );
        }
        self.sample(record);
        self.add_values(extracts);
    }

    fn sample(&mut self, record: &Record<'_>) {
        let text = record.text();
        let line = &text[..text.len().min(limits::SAMPLE_BYTES)];
        let full = self.samples.len() >= limits::SAMPLES;
        if full
            && self
                .samples
                .last()
                .is_some_and(|last| order(record.time) > order(last.time))
        {
            return;
        }
        let sample = Sample {
            time: record.time,
            origin: record.origin.clone(),
            line: line.to_vec(),
        };
        keep_first(&mut self.samples, sample);
    }

    fn add_values(&mut self, values: impl IntoIterator<Item = (String, Vec<String>)>) {
        for (name, values) in values {
            let kept = self.values.or_default(name);
            values
                .into_iter()
                .for_each(|v| keep_smallest(kept, v, limits::EXTRACTS));
        }
    }

    /// The entry of one writer. Of too many the smallest keep their own, whatever the order they
    /// come in; the rest count as one.
    fn witness(&mut self, origin: &Origin) -> &mut Witness {
        let nobody = Origin::default();
        if *origin != nobody && !self.witnesses.contains_key(origin) {
            let named = self.witnesses.len() - usize::from(self.witnesses.contains_key(&nobody));
            if named >= limits::WITNESSES {
                match self.witnesses.last() {
                    Some((largest, _)) if largest > origin => {
                        if let Some((_, dropped)) = self.witnesses.pop_last() {
                            let rest = self.witnesses.or_default(nobody);
                            rest.count = rest.count.saturating_add(dropped.count);
                            rest.buckets.merge(&dropped.buckets);
                        }
                    }
                    _ => return self.witnesses.or_default(nobody),
                }
            }
        }
        self.witnesses.or_default(origin.clone())
    }

    fn merge(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
        other
            .samples
            .into_iter()
            .for_each(|s| keep_first(&mut self.samples, s));
        for (origin, witness) in other.witnesses {
            let known = self.witness(&origin);
            known.count = known.count.saturating_add(witness.count);
            known.buckets.merge(&witness.buckets);
        }
        self.add_values(other.values);
    }
}

/// What a hit is about.
fn subject_of(hit: &Hit, record: &Record<'_>, resolver: &Resolver) -> Subject {
    use crate::pack::SubjectKind as K;
    match (&hit.subject, hit.kind) {
        (Some(name), K::Pod) => Subject::new(K::Pod, &resolver.pod(name)),
        (Some(name), kind) => Subject::new(kind, name),
        (None, K::Pod) => Subject::pod_of(record.origin),
        (None, K::Node) => Subject::new(K::Node, &object_name(record)),
        (None, K::Statefulset | K::Volume) => Subject::new(hit.kind, &object_name(record)),
        (None, kind) => Subject::new(kind, ""),
    }
}

/// Lines without a time sort last.
fn order(time: Option<Time>) -> (bool, Option<Time>) {
    (time.is_none(), time)
}

/// Keeps the earliest few by (time, stream, bytes), whatever the order they come in.
fn keep_first(samples: &mut Vec<Sample>, sample: Sample) {
    fn key(s: &Sample) -> ((bool, Option<Time>), &Origin, &[u8]) {
        (order(s.time), &s.origin, &s.line)
    }
    let at = samples.partition_point(|s| key(s) < key(&sample));
    if at >= limits::SAMPLES || samples.get(at) == Some(&sample) {
        return;
    }
    samples.truncate(limits::SAMPLES - 1);
    samples.reserve_exact(1);
    samples.insert(at, sample);
}

/// Keeps the smallest few of a set, sorted.
fn keep_smallest(set: &mut Vec<String>, value: String, bound: usize) {
    if let Err(at) = set.binary_search(&value) {
        set.insert(at, value);
        set.truncate(bound);
    }
}

/// `namespace/name` of the object a status record describes.
fn object_name(record: &Record<'_>) -> String {
    let field = |key: &str| {
        record
            .fields()
            .get(key)
            .map(|v| String::from_utf8_lossy(v).into_owned())
    };
    let name = field("name").unwrap_or_default();
    match field("namespace") {
        Some(ns) if !ns.is_empty() && field("kind").as_deref() != Some("node") => {
            format!("{ns}/{name}")
        }
        _ => name,
    }
}
