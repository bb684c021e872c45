//! Who said what, and when.

use std::collections::{BTreeMap, BTreeSet};

use super::compose::Composer;
use super::model::{Mark, Timeline, TimelineRow};
use super::words::severity_name;
use crate::diagnosis::{self, MemberRole};
use crate::evidence::Witness;
use crate::pack::{Role, Severity, Signature, SubjectKind};
use crate::record::{Source, Time};

impl Composer<'_> {
    pub(super) fn timeline(&self, incident: &diagnosis::Incident) -> Timeline {
        let at_fault: BTreeSet<&str> = incident
            .hypotheses
            .iter()
            .find(|h| h.role != Role::Benign)
            .map(|h| {
                h.subjects
                    .iter()
                    .filter(|s| s.kind == SubjectKind::Pod)
                    .map(|s| s.name.as_ref())
                    .collect()
            })
            .unwrap_or_default();
        let shown = self.scope.members.iter().filter(|m| {
            let known = m.role != MemberRole::Unknown || m.in_ring;
            !m.name.is_empty() && (known || at_fault.contains(m.name.as_str()))
        });
        let mut said: BTreeMap<&str, Vec<Said<'_>>> =
            shown.map(|m| (m.name.as_str(), Vec::new())).collect();
        self.said(&mut said);
        Timeline {
            from: self.scope.from.map(Time::rfc3339),
            until: self.scope.until.map(Time::rfc3339),
            rows: said
                .into_iter()
                .map(|(pod, said)| row(pod, &said, at_fault.contains(pod)))
                .collect(),
        }
    }

    /// What each of these pods said, and what was said of its state.
    fn said<'l>(&'l self, pods: &mut BTreeMap<&str, Vec<Said<'l>>>) {
        for (ix, about, entry) in self.ledger.iter() {
            let signature = &self.pack.signatures[ix.0 as usize];
            let shown = signature.severity > Severity::Info && signature.source != Source::Metric;
            if !shown || self.excused.contains(&(ix, about)) {
                continue;
            }
            for (origin, witness) in entry.witnesses.iter() {
                let said = if origin.pod.is_empty() {
                    pods.get_mut(about.name.as_ref())
                } else {
                    pods.get_mut(origin.name().as_ref())
                };
                if let Some(said) = said {
                    said.push((signature, witness));
                }
            }
        }
    }
}

/// What a pod said, and how often.
type Said<'l> = (&'l Signature, &'l Witness);

fn row(pod: &str, said: &[Said<'_>], at_fault: bool) -> TimelineRow {
    let mut marks: Vec<Mark> = Vec::new();
    let mut worst: Option<(Severity, u64, &str)> = None;
    for (signature, witness) in said {
        for (time, count) in witness.buckets.iter() {
            #[allow(clippy::cast_precision_loss)] // Marks of a picture.
            let at = time.0 as f64 / 1e9;
            let severity = severity_name(signature.severity).to_owned();
            marks.push(Mark {
                at,
                severity,
                symptom: signature.id.clone(),
                count,
            });
        }
        let here = (signature.severity, witness.count, signature.title.as_str());
        if worst.is_none_or(|w| (w.0, w.1) < (here.0, here.1)) {
            worst = Some(here);
        }
    }
    marks.sort_by(|a, b| a.at.total_cmp(&b.at).then(a.symptom.cmp(&b.symptom)));
    let note = worst.map_or_else(
        || "quiet".to_owned(),
        |(_, count, title)| {
            if count > 1 {
                format!("{title} ×{count}")
            } else {
                title.to_owned()
            }
        },
    );
    TimelineRow {
        pod: pod.to_owned(),
        at_fault,
        note,
        marks,
    }
}
