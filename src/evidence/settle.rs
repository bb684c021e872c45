//! Names that can only be known once everything is read: whose log a loose file is, in which
//! namespace a pod is, which pod an address stands for.

use std::collections::BTreeMap;

use super::{Coverage, Evidence, Ledger, Resolver, SECOND, Sample, Subject, keep_first};
use crate::pack::{SignatureIx, SubjectKind};
use crate::record::{Origin, Time};

impl Ledger {
    /// The same evidence under the names that `origin` (`None`: it stays) and `resolver` give.
    ///
    /// Logs are read by many, perhaps on many machines, and none of them knows all addresses; so
    /// subjects are counted under what the lines call them, and joined here.
    #[must_use]
    pub fn settle(self, origin: &dyn Fn(&Origin) -> Option<Origin>, resolver: &Resolver) -> Self {
        let new = |old: &Origin| origin(old).unwrap_or_else(|| old.clone());
        let mut coverage = Coverage::default();
        let mut pods: BTreeMap<String, String> = BTreeMap::new();
        for (source, old, seen) in self.coverage.iter() {
            let settled = new(old);
            pods.insert(old.name().into_owned(), settled.name().into_owned());
            coverage.seen(source, &settled).join(seen);
        }
        let pod = |name: &str| {
            let known = pods.get(name).map(|n| n.as_str().into());
            known.unwrap_or_else(|| resolver.settled(name))
        };
        let mut ledger = Self {
            coverage,
            novel: self.novel.renamed(&|name| pod(name)),
            overflow: self.overflow,
            ..Self::default()
        };
        for ((signature, mut subject), evidence) in self.entries {
            if subject.kind == SubjectKind::Pod {
                subject = Subject::new(SubjectKind::Pod, &pod(&subject.name));
            }
            ledger.put_folded(signature, subject, evidence.settled(&new));
        }
        ledger
    }

    /// Dates what `ends` a process and bears no time (the runtime of Go prints none): it is the last thing that
    /// a log says, so it is as old as that log's last line.
    pub fn date_ends(&mut self, ends: &dyn Fn(SignatureIx) -> bool) {
        for ((signature, _), evidence) in &mut self.entries {
            if evidence.first.is_some() || !ends(*signature) {
                continue;
            }
            for (origin, witness) in evidence.witnesses.iter_mut() {
                let last = self.coverage.of(origin).filter_map(|seen| seen.until).max();
                let Some(last) = last else { continue };
                // An estimate: no finer than what a report shows.
                let last = Time(last.0.div_euclid(SECOND) * SECOND);
                witness.buckets.add(last, witness.count);
                evidence.first = [evidence.first, Some(last)].into_iter().flatten().min();
                evidence.last = evidence.last.max(Some(last));
            }
        }
    }

    /// Rewrites the lines kept as samples (to take credentials out of them).
    pub fn edit_samples(&mut self, edit: &mut dyn FnMut(&mut Vec<u8>)) {
        for evidence in self.entries.values_mut() {
            for sample in std::mem::take(&mut evidence.samples) {
                let mut sample = sample;
                edit(&mut sample.line);
                keep_first(&mut evidence.samples, sample);
            }
        }
    }
}

impl Evidence {
    fn settled(self, new: &dyn Fn(&Origin) -> Origin) -> Self {
        let mut settled = Self {
            count: self.count,
            first: self.first,
            last: self.last,
            values: self.values,
            ..Self::default()
        };
        for sample in self.samples {
            let origin = new(&sample.origin);
            keep_first(&mut settled.samples, Sample { origin, ..sample });
        }
        for (old, witness) in self.witnesses {
            let known = settled.witness(&new(&old));
            known.count = known.count.saturating_add(witness.count);
            known.buckets.merge(&witness.buckets);
        }
        settled
    }
}
