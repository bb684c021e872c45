//! Which pods stand for a large ring.
//!
//! What a set of causes would bring about is summed over everything that could be so at each pod, and
//! the tables for that grow with every pod that shares a ring. Pods of which the same is said are
//! alike, though: a few of each kind stand for all of them, and what is said of the others counts at
//! those (`docs/inference.md`, "Large rings").

use std::collections::{BTreeMap, BTreeSet};

use super::families::Families;
use super::scope::{MemberRole, Scope};
use crate::evidence::{Ledger, Subject};
use crate::pack::{Pack, Severity, SignatureIx, SubjectKind};

/// Most pods weighed one by one.
const MOST: usize = 4;

/// So many of one kind stand for it: a write to a ring of three replicas fails with two of them.
const ALIKE: usize = 2;

/// What a line that is no warning counts in telling kinds of pods apart.
const MILD: f64 = 0.1;

/// For each member who stands for it.
#[derive(Debug, Default)]
pub(crate) struct Standing {
    /// Members weighed one by one, sorted; empty: all are.
    chosen: BTreeSet<u32>,
    /// Families at members, of all members.
    said: BTreeMap<u32, BTreeSet<usize>>,
}

impl Standing {
    /// Chooses by what is said of each member: first those of whom something is said that is said of
    /// few, one of the ring of whom least is said, then the rest of the ring in order.
    pub(crate) fn choose(
        ledger: &Ledger,
        pack: &Pack,
        families: &Families,
        scope: &Scope,
        counts: impl Fn(SignatureIx) -> bool,
        member: impl Fn(&Subject) -> Option<u32>,
    ) -> Self {
        let pods: Vec<u32> = (0u32..)
            .zip(&scope.members)
            .filter(|(_, m)| m.role != MemberRole::Sender)
            .map(|(n, _)| n)
            .collect();
        if pods.len() <= MOST {
            return Self::default();
        }
        let mut said: BTreeMap<u32, BTreeSet<usize>> =
            pods.iter().map(|p| (*p, BTreeSet::new())).collect();
        let mut severe = BTreeSet::new();
        let of_pods = [SubjectKind::Pod, SubjectKind::Volume];
        for (ix, subject, _) in ledger
            .iter()
            .filter(|(ix, s, _)| of_pods.contains(&s.kind) && counts(*ix))
        {
            let family = families.of(ix);
            if let Some(said) = member(subject).and_then(|m| said.get_mut(&m)) {
                said.insert(family);
            }
            if pack.signatures[ix.0 as usize].severity >= Severity::Warning {
                severe.insert(family);
            }
        }
        let mut of: BTreeMap<usize, f64> = BTreeMap::new();
        for family in said.values().flatten() {
            *of.entry(*family).or_default() += 1.0;
        }
        let weight = |f: &usize| if severe.contains(f) { 1.0 } else { MILD } / of[f];
        let chosen = chosen(&pods, &said, scope, weight);
        Self { chosen, said }
    }

    #[cfg(test)]
    pub(super) fn of_said(said: impl Iterator<Item = BTreeSet<usize>>, chosen: &[u32]) -> Self {
        Self {
            chosen: chosen.iter().copied().collect(),
            said: (0..).zip(said).collect(),
        }
    }

    /// Are there pods for whom others stand?
    pub(crate) fn for_others(&self) -> bool {
        !self.chosen.is_empty()
    }

    /// Is this member weighed by itself?
    pub(crate) fn has(&self, member: u32) -> bool {
        self.chosen.is_empty() || self.chosen.contains(&member)
    }

    /// Where what is said of a member counts: at itself, or at the one that is most like it among those
    /// of whom it is said too. None: of none of them.
    pub(crate) fn of(&self, member: u32, family: usize) -> Option<u32> {
        if self.has(member) {
            return Some(member);
        }
        let own = self.said.get(&member)?;
        let alike = |m: &u32| self.said[m].symmetric_difference(own).count();
        let same = self.chosen.iter().copied();
        same.filter(|m| self.said[m].contains(&family))
            .min_by_key(|m| (alike(m), *m))
    }

    /// Members for whom this one stands, as far as all of `families` is said of them; itself left out.
    pub(crate) fn for_whom(&self, member: u32, families: &BTreeSet<usize>) -> Vec<u32> {
        if families.is_empty() || !self.chosen.contains(&member) {
            return Vec::new();
        }
        let others = self.said.iter().filter(|(m, _)| !self.chosen.contains(m));
        others
            .filter(|(_, said)| families.is_subset(said))
            .map(|(m, _)| *m)
            .collect()
    }
}

fn chosen(
    pods: &[u32],
    said: &BTreeMap<u32, BTreeSet<usize>>,
    scope: &Scope,
    weight: impl Fn(&usize) -> f64,
) -> BTreeSet<u32> {
    let listed = scope.members.iter().any(|m| m.in_ring);
    let in_ring = |p: &u32| {
        let m = &scope.members[*p as usize];
        if listed {
            m.in_ring
        } else {
            !m.router_only && m.role == MemberRole::Receiver
        }
    };
    let all = |p: &u32| said[p].iter().map(&weight).sum::<f64>();
    let mut chosen = BTreeSet::new();
    // What is well stands for itself too.
    let least = pods.iter().min_by(|a, b| {
        (!in_ring(a))
            .cmp(&!in_ring(b))
            .then(all(a).total_cmp(&all(b)))
            .then(a.cmp(b))
    });
    chosen.extend(least);
    let mut times: BTreeMap<usize, usize> = BTreeMap::new();
    while chosen.len() < MOST {
        let gain = |p: &u32| -> f64 {
            let new = said[p]
                .iter()
                .filter(|f| times.get(f).is_none_or(|n| *n < ALIKE));
            new.map(&weight).sum()
        };
        let left = pods.iter().filter(|p| !chosen.contains(*p));
        let Some(best) = left.max_by(|a, b| {
            gain(a)
                .total_cmp(&gain(b))
                .then(in_ring(a).cmp(&in_ring(b)))
                .then(b.cmp(a))
        }) else {
            break;
        };
        for family in &said[best] {
            *times.entry(*family).or_default() += 1;
        }
        chosen.insert(*best);
    }
    chosen
}
