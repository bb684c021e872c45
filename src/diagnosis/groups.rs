//! Which symptoms hang together: those that share a cause that may well be active.

use std::collections::{BTreeMap, BTreeSet};

use super::interpret::View;
use super::needs::Needs;
use super::solve::Component;

/// Marginal from which a cause joins what it explains (`inference.md` § 3.8).
const JOINS: f64 = 0.05;

/// Symptoms of one incident, with the causes that may explain them.
#[derive(Debug, Default)]
pub(super) struct Group {
    pub(super) symptoms: BTreeSet<usize>,
    pub(super) causes: BTreeSet<usize>,
    /// No cause with any standing explains anything here.
    pub(super) alone: bool,
}

pub(super) fn of(view: &View<'_>, component: &Component) -> Vec<Group> {
    let network = &view.solution.network;
    let present: Vec<usize> = component
        .symptoms
        .iter()
        .copied()
        .filter(|s| network.symptoms[*s].present)
        .collect();
    let mut parent: BTreeMap<usize, usize> = present.iter().map(|s| (*s, *s)).collect();
    let mut by_cause: BTreeMap<usize, BTreeSet<usize>> = BTreeMap::new();
    for (cause, symptom, need) in view.needs.iter() {
        let joins = !network.causes[cause].unknown
            && view.solution.marginals[cause] >= JOINS
            && need >= JOINS
            && parent.contains_key(&symptom);
        if joins {
            by_cause.entry(cause).or_default().insert(symptom);
        }
    }
    for symptoms in by_cause.values() {
        let mut all = symptoms.iter();
        if let Some(first) = all.next() {
            all.for_each(|s| join(&mut parent, *first, *s));
        }
    }
    let explained: BTreeSet<usize> = by_cause.values().flatten().copied().collect();
    let mut groups: BTreeMap<usize, Group> = BTreeMap::new();
    for s in present.iter().filter(|s| explained.contains(s)) {
        let root = find(&mut parent, *s);
        groups.entry(root).or_default().symptoms.insert(*s);
    }
    for (cause, symptoms) in &by_cause {
        if let Some(first) = symptoms.first() {
            let root = find(&mut parent, *first);
            groups.entry(root).or_default().causes.insert(*cause);
        }
    }
    let mut groups: Vec<Group> = groups.into_values().collect();
    if groups.is_empty() {
        groups.push(Group {
            alone: true,
            ..Group::default()
        });
    }
    // What nothing explains goes with the largest group, to be shown there.
    groups.sort_by_key(|g| std::cmp::Reverse(g.symptoms.len()));
    groups[0]
        .symptoms
        .extend(present.iter().filter(|s| !explained.contains(s)));
    // Causes with less standing are listed where what they could explain is.
    for cause in component
        .causes
        .iter()
        .filter(|c| !network.causes[**c].unknown)
    {
        if groups.iter().any(|g| g.causes.contains(cause)) {
            continue;
        }
        let at = view
            .needs
            .iter()
            .filter(|(c, _, _)| c == cause)
            .find_map(|(_, s, _)| groups.iter().position(|g| g.symptoms.contains(&s)))
            .or_else(|| groups.iter().position(|g| defines(view, *cause, g)));
        if let Some(at) = at {
            groups[at].causes.insert(*cause);
        }
    }
    groups
}

/// What defines the cause was seen here, though no probable set needs it: another cause brought it about.
fn defines(view: &View<'_>, cause: usize, group: &Group) -> bool {
    let network = &view.solution.network;
    let explains = || Needs::alone(network, &[cause], &group.symptoms);
    network.causes[cause].seeded && explains().iter().any(|(_, _, need)| *need >= JOINS)
}

fn find(parent: &mut BTreeMap<usize, usize>, mut at: usize) -> usize {
    while parent[&at] != at {
        at = parent[&at];
    }
    at
}

/// The smaller index becomes the root, so the outcome does not depend on order.
fn join(parent: &mut BTreeMap<usize, usize>, a: usize, b: usize) {
    let (a, b) = (find(parent, a), find(parent, b));
    let (low, high) = (a.min(b), a.max(b));
    parent.insert(high, low);
}
