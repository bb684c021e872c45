//! Why a cause is believed, whom it concerns and what it leaves open.

use std::collections::{BTreeMap, BTreeSet};

use super::bind::Place;
use super::groups::Group;
use super::interpret::{EXPLAINED, View};
use super::solve::{self, Contrast};
use super::{Evidence, Explained};
use crate::evidence::Subject;
use crate::pack::{Cause, Severity, SignatureIx, SubjectKind, Target};
use crate::record::Time;

/// Nats from which a piece of evidence is listed.
const NATS: f64 = 0.5;

impl View<'_> {
    /// Symptoms that some instance explains, most necessary first, and those that it should explain
    /// and does not: a quorum that is lost although only one member is bad.
    pub(super) fn explained(
        &self,
        needs: impl Iterator<Item = (usize, usize, f64)>,
        instances: &[usize],
        poorly: &BTreeSet<usize>,
    ) -> (Vec<Explained>, Vec<(SignatureIx, Subject)>) {
        let mut found: BTreeMap<(SignatureIx, Subject), f64> = BTreeMap::new();
        let mut open: BTreeSet<(SignatureIx, Subject)> = BTreeSet::new();
        for (cause, symptom, need) in needs {
            if !instances.contains(&cause) || need < EXPLAINED {
                continue;
            }
            let Some(bound) = self.bound.symptoms.get(symptom) else {
                continue;
            };
            if poorly.contains(&symptom) {
                open.extend(bound.entries.iter().cloned());
                continue;
            }
            for entry in &bound.entries {
                let best = found.entry(entry.clone()).or_default();
                *best = best.max(need);
            }
        }
        let mut all: Vec<Explained> = found
            .into_iter()
            .map(|((signature, subject), necessity)| Explained {
                signature,
                subject,
                necessity,
            })
            .collect();
        let weight = |e: &Explained| self.pack.signatures[e.signature.0 as usize].severity;
        all.sort_by(|a, b| {
            weight(b)
                .cmp(&weight(a))
                .then(b.necessity.total_cmp(&a.necessity))
        });
        (all, open.into_iter().collect())
    }

    /// Evidence for and against, heaviest first. What defines the cause is always told, and first:
    /// against a rival that would bring about this very cause it weighs nothing, yet it is the proof.
    pub(super) fn reasons(
        &self,
        contrast: Option<&Contrast>,
        cause: &Cause,
    ) -> (Vec<Evidence>, Vec<Evidence>) {
        let defining: BTreeSet<usize> = cause
            .links
            .iter()
            .filter(|l| l.defining)
            .filter_map(|l| match l.to {
                Target::Signature(s) => Some(self.families.of(s)),
                _ => None,
            })
            .collect();
        let mut proof = Vec::new();
        let mut pro = Vec::new();
        let mut contra = Vec::new();
        let groups = contrast.map(|c| solve::evidence(self.solution, c, NATS));
        for group in groups.into_iter().flatten() {
            let defines = group.present
                && group.symptoms.iter().any(|s| {
                    let bound = self.bound.symptoms.get(*s);
                    bound.is_some_and(|b| !b.entries.is_empty() && defining.contains(&b.family))
                });
            if group.nats.abs() < NATS && !defines {
                continue;
            }
            let Some(mut evidence) = self.reason(&group) else {
                continue;
            };
            evidence.defining = defines && group.nats > -NATS;
            if evidence.defining {
                proof.push(evidence);
            } else if group.nats > 0.0 {
                pro.push(evidence);
            } else {
                contra.push(evidence);
            }
        }
        proof.extend(pro);
        (proof, contra)
    }

    pub(super) fn reason(&self, group: &solve::GroupEvidence) -> Option<Evidence> {
        let symptom = *group.symptoms.first()?;
        let bound = self.bound.symptoms.get(symptom)?;
        let entry = group
            .symptoms
            .iter()
            .filter_map(|s| self.bound.symptoms.get(*s))
            .flat_map(|b| &b.entries)
            .max_by_key(|(ix, _)| self.pack.signatures[ix.0 as usize].severity);
        let (signature, subject) = match entry {
            Some((ix, subject)) => (*ix, subject.clone()),
            // Not seen anywhere is not seen of nobody in particular.
            None => {
                let mut places = group.symptoms.iter();
                let one = places.all(|s| {
                    let other = self.bound.symptoms.get(*s);
                    other.is_some_and(|b| b.place == bound.place)
                });
                let place = if one { bound.place } else { Place::NoPod };
                let signature = self.families.all[bound.family].members[0];
                (signature, self.subject_of(place))
            }
        };
        Some(Evidence {
            signature,
            subject,
            nats: group.nats,
            silent: !group.present,
            defining: false,
        })
    }

    /// Where it is: the places of active instances; for a cause that has only one place, the
    /// subjects of what it explains.
    pub(super) fn subjects(
        &self,
        instances: &[usize],
        explains: &[Explained],
        scope: SubjectKind,
    ) -> Vec<Subject> {
        let most = instances
            .iter()
            .map(|c| self.solution.marginals[*c])
            .fold(0.0, f64::max);
        let mut found: BTreeSet<Subject> = BTreeSet::new();
        for c in instances
            .iter()
            .filter(|c| self.solution.marginals[**c] >= most * 0.4)
        {
            match self.bound.causes[*c].1 {
                Place::One(kind) => {
                    found.extend(self.subjects_of_explained(explains, kind));
                }
                Place::Node(n) => {
                    found.insert(self.subject_of(Place::Node(n)));
                    let node = Some(self.bound.nodes[n as usize].as_str());
                    let on_it = self
                        .scope
                        .members
                        .iter()
                        .filter(|m| m.node.as_deref() == node);
                    found.extend(
                        on_it
                            .filter(|m| m.role == super::scope::MemberRole::Receiver)
                            .map(|m| Subject::new(SubjectKind::Pod, &m.name)),
                    );
                }
                Place::Pod(member) => {
                    found.insert(self.subject_of(Place::Pod(member)));
                    found.extend(self.alike(member, explains));
                }
                place @ Place::NoPod => {
                    found.insert(self.subject_of(place));
                }
            }
        }
        if found.is_empty() {
            found.insert(Subject::new(scope, ""));
        }
        found.into_iter().collect()
    }

    /// Pods for whom this one stands, of which everything is said that is explained of it.
    fn alike(&self, member: u32, explains: &[Explained]) -> Vec<Subject> {
        let name = &self.scope.members[member as usize].name;
        let told = explains.iter().filter(|e| {
            let severity = self.pack.signatures[e.signature.0 as usize].severity;
            severity >= Severity::Warning && *e.subject.name == **name
        });
        let families = told.map(|e| self.families.of(e.signature)).collect();
        let others = self.bound.standing.for_whom(member, &families).into_iter();
        others.map(|m| self.subject_of(Place::Pod(m))).collect()
    }

    pub(super) fn subjects_of_explained(
        &self,
        explains: &[Explained],
        kind: SubjectKind,
    ) -> BTreeSet<Subject> {
        let named = explains
            .iter()
            .filter(|e| e.subject.kind == kind && !e.subject.name.is_empty());
        let mut found: BTreeSet<Subject> = named.map(|e| e.subject.clone()).collect();
        let telling = |e: &&Explained| {
            self.pack.signatures[e.signature.0 as usize].severity >= Severity::Warning
        };
        for e in explains.iter().filter(telling) {
            if e.subject.kind == SubjectKind::Pod {
                found.insert(e.subject.clone());
            }
        }
        found
    }

    pub(super) fn span(&self, group: &Group) -> (Option<Time>, Option<Time>) {
        let entries = group
            .symptoms
            .iter()
            .filter(|s| self.severity(**s) >= Severity::Warning)
            .filter_map(|s| self.bound.symptoms.get(*s))
            .flat_map(|b| &b.entries)
            .filter_map(|(ix, subject)| self.ledger.get(*ix, subject));
        let (mut from, mut until) = (None, None);
        for e in entries {
            from = [from, e.first].into_iter().flatten().min();
            until = until.max(e.last);
        }
        (from, until)
    }

    pub(super) fn unexplained(
        &self,
        group: &Group,
        poorly: &BTreeSet<usize>,
    ) -> Vec<(SignatureIx, Subject)> {
        let mut all: Vec<(SignatureIx, Subject)> = group
            .symptoms
            .iter()
            .filter(|s| self.needs.unexplained(**s) || poorly.contains(s))
            .filter(|s| self.severity(**s) >= Severity::Warning)
            .filter_map(|s| self.bound.symptoms.get(*s))
            .flat_map(|b| b.entries.iter().cloned())
            .collect();
        all.sort();
        all
    }
}
