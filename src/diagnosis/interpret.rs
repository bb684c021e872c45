//! From a solved network to incidents and ranked hypotheses, with their reasons.

use std::collections::{BTreeMap, BTreeSet};

use super::bind::{Bound, Place};
use super::calibrate::{self, Band, Calibration};
use super::chain;
use super::families::Families;
use super::groups::{self, Group};
use super::needs::{self, Needs};
use super::next;
use super::scope::Scope;
use super::solve::{self, Component, Solution};
use super::{Evidence, Explained, Hypothesis, Incident, Verdict};
use crate::evidence::{Ledger, Subject};
use crate::pack::{CauseIx, Pack, Role, Severity, SignatureIx, SubjectKind, Target};

/// P(non-benign) from which an incident is raised (`design.md` § 7).
const RAISED: f64 = 0.30;
/// Hypotheses less probable than this are not listed.
const LISTED: f64 = 0.02;
/// Most hypotheses listed.
const MOST: usize = 8;
/// Highest probability of a cause that shows none of its own signs: causes with the same
/// consequences are as good, whatever the priors say.
const WITHOUT_OWN_SIGN: f64 = 0.65;
/// A cause that shows none of its own signs ranks behind one that does.
const BEHIND: f64 = 0.3;
/// Odds below which two causes cannot be told apart (`inference.md` § 3.10).
const APART: f64 = 1.5;
/// Nats from which a piece of evidence is listed.
const NATS: f64 = 0.5;
/// PN from which a symptom counts as explained.
const EXPLAINED: f64 = 0.5;

/// A hypothesis and what its rank needs.
struct Found {
    hypothesis: Hypothesis,
    /// It shows a sign of its own.
    own_sign: bool,
    /// What it explains as the effect of another cause.
    effect_score: f64,
}

/// A cause as the effect of others.
#[derive(Default)]
struct Effect {
    /// Causes that bring it about.
    by: BTreeSet<usize>,
    /// What its instances explain: cause, symptom, necessity.
    needs: Vec<(usize, usize, f64)>,
}

/// Everything the interpretation looks at.
pub(super) struct View<'a> {
    pub(super) pack: &'a Pack,
    pub(super) families: &'a Families,
    pub(super) scope: &'a Scope,
    pub(super) ledger: &'a Ledger,
    pub(super) bound: &'a Bound,
    pub(super) solution: &'a Solution,
    pub(super) needs: Needs,
    pub(super) calibration: Calibration,
}

impl View<'_> {
    pub(super) fn incidents(&self) -> Vec<Incident> {
        let mut found: Vec<Incident> = Vec::new();
        for (n, component) in self.solution.components.iter().enumerate() {
            if component.present {
                let groups = groups::of(self, component);
                found.extend(groups.iter().filter_map(|g| self.incident(n, component, g)));
            }
        }
        found.sort_by(|a, b| {
            let p = |i: &Incident| i.hypotheses.first().map_or(0.0, |h| h.probability);
            let raised = |i: &Incident| i.verdict != Verdict::Benign;
            (raised(b), b.severity)
                .cmp(&(raised(a), a.severity))
                .then(p(b).total_cmp(&p(a)))
                .then(a.from.cmp(&b.from))
        });
        found
    }

    fn incident(&self, index: usize, component: &Component, group: &Group) -> Option<Incident> {
        let severity = group.symptoms.iter().map(|s| self.severity(*s)).max()?;
        let kinds: BTreeSet<u32> = group
            .causes
            .iter()
            .map(|c| self.solution.network.causes[*c].kind)
            .collect();
        // Mild side effects come and go; what is severe and does not fit asks for a second fault.
        let poorly: BTreeSet<usize> = solve::fit(self.solution, index)
            .poorly
            .into_iter()
            .filter(|s| self.severity(*s) >= Severity::Error)
            .collect();
        let scores = self.needs.scores(&self.solution.network, &group.symptoms);
        let mut hypotheses: Vec<(f64, Hypothesis)> = kinds
            .into_iter()
            .filter(|k| *k != solve::UNKNOWN_KIND)
            .filter_map(|kind| {
                let found = self.hypothesis(component, group, kind, &poorly)?;
                let score = scores.get(&kind).copied().unwrap_or(0.0);
                let score = score.max(found.effect_score);
                let behind = if found.own_sign { 1.0 } else { BEHIND };
                Some((score * behind, found.hypothesis))
            })
            .collect();
        hypotheses.sort_by(|a, b| {
            let step = |s: f64| (s * 1e6).round();
            step(b.0)
                .total_cmp(&step(a.0))
                .then(b.1.probability.total_cmp(&a.1.probability))
                .then(a.1.cause.cmp(&b.1.cause))
        });
        let mut hypotheses: Vec<Hypothesis> = hypotheses.into_iter().map(|(_, h)| h).collect();
        proximate_last(&mut hypotheses);
        hypotheses.truncate(MOST);
        let unknown = self.unknown(component, group);
        let verdict = self.verdict(component, group, &hypotheses, unknown);
        if hypotheses.is_empty() && verdict == Verdict::Benign {
            return None;
        }
        let (from, until) = self.span(group);
        Some(Incident {
            from,
            until,
            exact: component.exact,
            verdict,
            severity,
            indistinguishable: indistinguishable(&hypotheses),
            unknown_probability: unknown,
            next_checks: next::checks(self, index, &hypotheses),
            unexplained: self.unexplained(group, &poorly),
            hypotheses,
        })
    }

    /// P(a cause rdiag does not know), where the group has something unexplained.
    fn unknown(&self, component: &Component, group: &Group) -> f64 {
        let open = group.symptoms.iter().any(|s| self.needs.unexplained(*s));
        let mass = calibrate::unknown_mass(component);
        if open || group.alone {
            mass
        } else {
            mass.min(1e-3)
        }
    }

    fn verdict(
        &self,
        component: &Component,
        group: &Group,
        hypotheses: &[Hypothesis],
        unknown: f64,
    ) -> Verdict {
        let causes = &self.solution.network.causes;
        let malign: BTreeSet<usize> = group
            .causes
            .iter()
            .copied()
            .filter(|c| !causes[*c].benign && !causes[*c].unknown)
            .collect();
        let signless = self.signless(group);
        let active = component.sets.iter().filter(|s| {
            let known = s.causes.iter().filter(|c| group.causes.contains(c));
            let mut known = known.filter(|c| !causes[**c].unknown).peekable();
            let nothing_seen = known.peek().is_some() && known.all(|c| signless.contains(c));
            nothing_seen || s.causes.iter().any(|c| malign.contains(c))
        });
        let mass: f64 = active.map(|s| s.posterior).sum();
        let raised = calibrate::declared(component, mass) + unknown;
        let severe = group
            .symptoms
            .iter()
            .any(|s| self.severity(*s) >= Severity::Warning && !self.excused(*s));
        if raised < RAISED || !severe {
            return Verdict::Benign;
        }
        let first = hypotheses.iter().find(|h| h.role != Role::Benign);
        Verdict::Raised(first.map_or(Band::CannotTell, |h| h.band))
    }

    /// Benign causes that show no sign of their own. A rollout of which nothing was seen excuses
    /// nothing: what it would explain may as well be a fault.
    fn signless(&self, group: &Group) -> BTreeSet<usize> {
        let causes = &self.solution.network.causes;
        let benign = group.causes.iter().copied().filter(|c| causes[*c].benign);
        benign
            .filter(|c| {
                let cause = self.pack.causes.get(causes[*c].kind as usize);
                cause.is_some_and(|cause| !self.has_own_sign(cause, &[*c]))
            })
            .collect()
    }

    /// A benign cause explains it.
    fn excused(&self, symptom: usize) -> bool {
        self.needs
            .iter()
            .filter(|(_, s, _)| *s == symptom)
            .any(|(c, _, need)| {
                let active = self.solution.marginals[c] >= 0.5;
                self.solution.network.causes[c].benign && active && need >= EXPLAINED
            })
    }

    fn hypothesis(
        &self,
        component: &Component,
        group: &Group,
        kind: u32,
        poorly: &BTreeSet<usize>,
    ) -> Option<Found> {
        let cause_ix = CauseIx(kind);
        let cause = self.pack.causes.get(kind as usize)?;
        let instances = self.of_kind(group, kind);
        let effect = self.as_effect(component, group, cause_ix, &instances);
        let active = component.sets.iter().filter(|s| {
            let by = |c: &usize| instances.contains(c) || effect.by.contains(c);
            s.causes.iter().any(by)
        });
        let mass: f64 = active.map(|s| s.posterior).sum();
        let mut probability = self
            .calibration
            .apply(calibrate::declared(component, mass.min(1.0)));
        let own_sign = !effect.needs.is_empty() || self.has_own_sign(cause, &instances);
        if !own_sign {
            probability = probability.min(WITHOUT_OWN_SIGN);
        }
        if probability < LISTED {
            return None;
        }
        let defining = instances
            .iter()
            .any(|c| self.solution.network.causes[*c].seeded);
        // What brings it about is no rival of it.
        let band = if effect.needs.is_empty() {
            let contrast = solve::contrast(self.solution, kind);
            calibrate::band_of(probability, defining, contrast.as_ref())
        } else {
            calibrate::band(probability, defining, f64::INFINITY)
        };
        let needs = self.needs.iter().chain(effect.needs.iter().copied());
        let (explains, poorly_explained) = self.explained(needs, &instances, poorly);
        let (pro, contra) = self.reasons(kind, cause);
        let hypothesis = Hypothesis {
            cause: cause_ix,
            role: cause.role,
            probability,
            band,
            subjects: self.subjects(&instances, &explains, cause.scope),
            chain: chain::from(self, &instances),
            explains,
            pro,
            contra,
            poorly_explained,
        };
        let of_effect = effect
            .needs
            .iter()
            .map(|(c, s, need)| (*c, *s, need * mass));
        let effect_score = needs::scores(&self.solution.network, &group.symptoms, of_effect);
        Some(Found {
            hypothesis,
            own_sign,
            effect_score: effect_score.get(&kind).copied().unwrap_or(0.0),
        })
    }

    fn of_kind(&self, group: &Group, kind: u32) -> Vec<usize> {
        let causes = &self.solution.network.causes;
        let all = group.causes.iter().copied();
        all.filter(|c| causes[*c].kind == kind).collect()
    }

    /// A cause whose defining symptom was seen has happened, also where another is the better root: then
    /// no probable set holds it, and what it explains is asked of it alone.
    fn as_effect(
        &self,
        component: &Component,
        group: &Group,
        cause: CauseIx,
        instances: &[usize],
    ) -> Effect {
        let causes = &self.solution.network.causes;
        let seen: Vec<usize> = instances
            .iter()
            .copied()
            .filter(|c| causes[*c].seeded)
            .collect();
        let brings = |kind: u32| {
            let known = self.pack.causes.get(kind as usize);
            known.is_some_and(|c| c.links.iter().any(|l| l.to == Target::Cause(cause)))
        };
        let by: BTreeSet<usize> = group
            .causes
            .iter()
            .copied()
            .filter(|c| brings(causes[*c].kind) && self.solution.marginals[*c] >= EXPLAINED)
            .collect();
        if seen.is_empty() || by.is_empty() {
            return Effect::default();
        }
        let present = group.symptoms.iter().copied();
        let present = present.filter(|s| component.symptoms.contains(s)).collect();
        Effect {
            by,
            needs: Needs::alone(&self.solution.network, &seen, &present),
        }
    }

    /// A cause that has signs of its own (the kubelet says OOMKilled) and shows none of them stands
    /// only on what others bring about too: a restart, a refused connection.
    fn has_own_sign(&self, cause: &crate::pack::Cause, instances: &[usize]) -> bool {
        let own: BTreeSet<usize> = cause
            .links
            .iter()
            .filter_map(|l| match l.to {
                Target::Signature(s) => Some(self.families.of(s)),
                _ => None,
            })
            .collect();
        let shown = self.needs.iter().any(|(c, s, need)| {
            let family = self.bound.symptoms.get(s).map(|b| b.family);
            instances.contains(&c) && need >= 0.05 && family.is_some_and(|f| own.contains(&f))
        });
        shown || own.is_empty()
    }

    /// Symptoms that some instance explains, most necessary first, and those that it should explain
    /// and does not: a quorum that is lost although only one member is bad.
    fn explained(
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
    fn reasons(&self, kind: u32, cause: &crate::pack::Cause) -> (Vec<Evidence>, Vec<Evidence>) {
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
        for group in solve::evidence(self.solution, kind) {
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

    fn reason(&self, group: &solve::GroupEvidence) -> Option<Evidence> {
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
            None => (
                self.families.all[bound.family].members[0],
                self.subject_of(bound.place),
            ),
        };
        Some(Evidence {
            signature,
            subject,
            nats: group.nats,
            silent: !group.present,
            defining: false,
        })
    }

    pub(super) fn subject_of(&self, place: Place) -> Subject {
        match place {
            Place::Pod(p) => Subject::new(SubjectKind::Pod, &self.scope.members[p].name),
            Place::Node(n) => Subject::new(SubjectKind::Node, &self.bound.nodes[n]),
            Place::One(kind) => Subject::new(kind, ""),
            Place::NoPod => Subject::new(SubjectKind::Global, ""),
        }
    }

    /// Where it is: the places of active instances; for a cause that has only one place, the
    /// subjects of what it explains.
    fn subjects(
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
                    let node = Some(self.bound.nodes[n].as_str());
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
                place => {
                    found.insert(self.subject_of(place));
                }
            }
        }
        if found.is_empty() {
            found.insert(Subject::new(scope, ""));
        }
        found.into_iter().collect()
    }

    fn subjects_of_explained(
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

    pub(super) fn severity(&self, symptom: usize) -> Severity {
        let Some(bound) = self.bound.symptoms.get(symptom) else {
            return Severity::Info;
        };
        let of = |ix: &SignatureIx| self.pack.signatures[ix.0 as usize].severity;
        bound
            .entries
            .iter()
            .map(|(ix, _)| of(ix))
            .max()
            .unwrap_or(Severity::Info)
    }

    fn span(&self, group: &Group) -> (Option<crate::record::Time>, Option<crate::record::Time>) {
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

    fn unexplained(&self, group: &Group, poorly: &BTreeSet<usize>) -> Vec<(SignatureIx, Subject)> {
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

/// A proximate cause is the last word only while nothing behind it can be seen: once a root is likely,
/// it stands after that root, however much of the harm it explains by itself.
fn proximate_last(hypotheses: &mut Vec<Hypothesis>) {
    let likely = |h: &Hypothesis| h.role == Role::Root && h.band >= Band::Likely;
    let Some(last) = hypotheses.iter().rposition(likely) else {
        return;
    };
    let rest = hypotheses.split_off(last + 1);
    let (proximate, mut first): (Vec<_>, Vec<_>) = std::mem::take(hypotheses)
        .into_iter()
        .partition(|h| h.role == Role::Proximate);
    first.extend(proximate);
    first.extend(rest);
    *hypotheses = first;
}

/// Neighbouring hypotheses whose odds are below 1.5 : 1.
fn indistinguishable(hypotheses: &[Hypothesis]) -> Vec<Vec<usize>> {
    let odds = |p: f64| (p / (1.0 - p).max(1e-9)).max(1e-9);
    let mut groups: Vec<Vec<usize>> = Vec::new();
    let blamed: Vec<usize> = (0..hypotheses.len())
        .filter(|n| hypotheses[*n].role != Role::Benign)
        .collect();
    for pair in blamed.windows(2) {
        let (a, b) = (
            odds(hypotheses[pair[0]].probability),
            odds(hypotheses[pair[1]].probability),
        );
        // Two causes that are both near certain do not compete.
        let rivals = hypotheses[pair[0]].probability + hypotheses[pair[1]].probability < 1.2;
        if rivals && a.max(b) / a.min(b) < APART {
            match groups.last_mut() {
                Some(last) if last.last() == Some(&pair[0]) => last.push(pair[1]),
                _ => groups.push(pair.to_vec()),
            }
        }
    }
    groups
}
