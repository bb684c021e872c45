//! Whether a group is an incident at all, and whether a cause shows itself.

use std::collections::BTreeSet;

use super::calibrate::{self, Band};
use super::groups::Group;
use super::interpret::{EXPLAINED, View};
use super::solve::Component;
use super::{Hypothesis, Verdict};
use crate::pack::{Cause, Role, Severity, Target};

/// P(non-benign) from which an incident is raised (`design.md` § 7).
const RAISED: f64 = 0.30;
/// Links at least this strong: what is seen less often than so is not missed.
const EXPECTED: f64 = 0.2;

impl View<'_> {
    /// P(a cause rdiag does not know), where the group has something unexplained.
    pub(super) fn unknown(&self, component: &Component, group: &Group) -> f64 {
        let open = group.symptoms.iter().any(|s| self.needs.unexplained(*s));
        let mass = calibrate::unknown_mass(component);
        if open || group.alone {
            mass
        } else {
            mass.min(1e-3)
        }
    }

    pub(super) fn verdict(
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
            .any(|s| self.severity(*s) >= Severity::Warning && !self.excused(*s, &signless));
        if raised < RAISED || !severe {
            return Verdict::Benign;
        }
        let first = hypotheses.iter().find(|h| h.role != Role::Benign);
        Verdict::Raised(first.map_or(Band::CannotTell, |h| h.band))
    }

    /// Benign causes that show no sign of their own. A rollout of which nothing was seen excuses
    /// nothing: what it would explain may as well be a fault.
    pub(super) fn signless(&self, group: &Group) -> BTreeSet<usize> {
        let causes = &self.solution.network.causes;
        let benign = group.causes.iter().copied().filter(|c| causes[*c].benign);
        benign
            .filter(|c| {
                let cause = self.pack.causes.get(causes[*c].kind as usize);
                cause.is_some_and(|cause| !self.has_own_sign(cause, &[*c]))
            })
            .collect()
    }

    /// A benign cause that shows itself explains it.
    fn excused(&self, symptom: usize, signless: &BTreeSet<usize>) -> bool {
        self.needs
            .iter()
            .filter(|(c, s, _)| *s == symptom && !signless.contains(c))
            .any(|(c, _, need)| {
                let active = self.solution.marginals[c] >= 0.5;
                self.solution.network.causes[c].benign && active && need >= EXPLAINED
            })
    }

    /// A cause that has signs of its own (the kubelet says OOMKilled) and shows none of them stands
    /// only on what others bring about too: a restart, a refused connection. A sign that is seldom
    /// shown is not missed.
    pub(super) fn has_own_sign(&self, cause: &Cause, instances: &[usize]) -> bool {
        let own: Vec<(usize, f64)> = cause
            .links
            .iter()
            .filter_map(|l| match l.to {
                Target::Signature(s) => Some((self.families.of(s), l.q)),
                _ => None,
            })
            .collect();
        let shown = self.needs.iter().any(|(c, s, need)| {
            let family = self.bound.symptoms.get(s).map(|b| b.family);
            instances.contains(&c) && need >= 0.05 && own.iter().any(|(of, _)| Some(*of) == family)
        });
        shown || own.iter().all(|(_, q)| *q < EXPECTED)
    }
}
