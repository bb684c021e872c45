//! From a solved network to incidents and ranked hypotheses, with their reasons.

use std::collections::BTreeSet;

use super::bind::{Bound, Place};
use super::calibrate::{self, Band, Calibration};
use super::chain;
use super::families::Families;
use super::groups::{self, Group};
use super::needs::{self, Needs};
use super::next;
use super::scope::Scope;
use super::solve::{self, Component, Solution};
use super::{Hypothesis, Incident, Verdict};
use crate::evidence::{Ledger, Subject};
use crate::pack::{CauseIx, Pack, Role, Severity, SignatureIx, SubjectKind, Target};

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
/// PN from which a symptom counts as explained.
pub(super) const EXPLAINED: f64 = 0.5;

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
                let poorly = self.poorly(n);
                let incidents = groups.iter();
                found.extend(incidents.filter_map(|g| self.incident(n, g, &poorly)));
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

    /// Symptoms that the best set accounts for poorly. Mild side effects come and go; what is severe and
    /// does not fit asks for a second fault.
    fn poorly(&self, component: usize) -> BTreeSet<usize> {
        let poorly = solve::fit(self.solution, component).poorly.into_iter();
        poorly
            .filter(|s| self.severity(*s) >= Severity::Error)
            .collect()
    }

    fn incident(&self, index: usize, group: &Group, poorly: &BTreeSet<usize>) -> Option<Incident> {
        let component = &self.solution.components[index];
        let severity = group.symptoms.iter().map(|s| self.severity(*s)).max()?;
        let kinds: BTreeSet<u32> = group
            .causes
            .iter()
            .map(|c| self.solution.network.causes[*c].kind)
            .collect();
        let scores = self.needs.scores(&self.solution.network, &group.symptoms);
        let mut hypotheses: Vec<(f64, Hypothesis)> = kinds
            .into_iter()
            .filter(|k| *k != solve::UNKNOWN_KIND)
            .filter_map(|kind| {
                let found = self.hypothesis(component, group, kind, poorly)?;
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
        only_for_rivals(&mut hypotheses);
        let unknown = self.unknown(component, group);
        let verdict = self.verdict(component, group, &hypotheses, unknown);
        if hypotheses.is_empty() && verdict == Verdict::Benign {
            return None;
        }
        let (from, until) = self.span(group);
        Some(Incident {
            from,
            until,
            exact: component.exact && !self.bound.standing.for_others(),
            verdict,
            severity,
            indistinguishable: indistinguishable(&hypotheses),
            unknown_probability: unknown,
            next_checks: next::checks(self, index, &hypotheses),
            unexplained: self.unexplained(group, poorly),
            hypotheses,
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
        let contrast = solve::contrast(self.solution, kind);
        let band = if effect.needs.is_empty() {
            calibrate::band_of(probability, defining, contrast.as_ref())
        } else {
            calibrate::band(probability, defining, f64::INFINITY)
        };
        let needs = self.needs.iter().chain(effect.needs.iter().copied());
        let (explains, poorly_explained) = self.explained(needs, &instances, poorly);
        let (pro, contra) = self.reasons(contrast.as_ref(), cause);
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

    pub(super) fn subject_of(&self, place: Place) -> Subject {
        match place {
            Place::Pod(p) => Subject::new(SubjectKind::Pod, &self.scope.members[p as usize].name),
            Place::Node(n) => Subject::new(SubjectKind::Node, &self.bound.nodes[n as usize]),
            Place::One(kind) => Subject::new(kind, ""),
            Place::NoPod => Subject::new(SubjectKind::Global, ""),
        }
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
}

/// What is seen speaks against a cause only by speaking for another one; where none of those listed
/// explains it, nobody could make sense of it.
fn only_for_rivals(hypotheses: &mut [Hypothesis]) {
    for n in 0..hypotheses.len() {
        let mut contra = std::mem::take(&mut hypotheses[n].contra);
        contra.retain(|e| {
            let rivals = (hypotheses.iter().enumerate()).filter(|(other, _)| *other != n);
            let mut explained = rivals.flat_map(|(_, h)| &h.explains);
            e.silent || explained.any(|x| x.signature == e.signature)
        });
        hypotheses[n].contra = contra;
    }
}

/// A proximate cause is the last word only while nothing behind it can be seen: once a root is likely,
/// it stands after that root, however much of the harm it explains by itself.
pub(super) fn proximate_last(hypotheses: &mut Vec<Hypothesis>) {
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
pub(super) fn indistinguishable(hypotheses: &[Hypothesis]) -> Vec<Vec<usize>> {
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
