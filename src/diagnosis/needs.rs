//! How necessary each cause is for each present symptom, over the probable sets
//! (`docs/inference.md`, "Necessity").
//!
//! `solve::necessity` sums the states exactly, which is what the golden tests hold it to; on a ring
//! of many pods that takes seconds, since nothing but the set is known. Here the probability that a
//! state is on is carried forward link by link instead, as if a state's parents were independent:
//! exact for trees, and close enough to say what explains what.

use std::collections::{BTreeMap, BTreeSet};

use super::network::{Network, Parent, Term};
use super::solve::{Component, Solution};

/// Share of the mass that the sets looked at must hold.
const MASS: f64 = 0.98;
/// Most sets looked at per component.
const SETS: usize = 24;
/// PN from which a symptom counts as explained.
const EXPLAINS: f64 = 0.5;

/// Necessity of causes for present symptoms.
#[derive(Debug, Default)]
pub(super) struct Needs {
    /// By (cause, symptom): averaged over the sets in which the cause is active.
    given_active: BTreeMap<(usize, usize), f64>,
    /// The same, averaged over all sets.
    mean: BTreeMap<(usize, usize), f64>,
    /// By symptom: probability of the sets whose known causes explain it.
    explained: BTreeMap<usize, f64>,
}

impl Needs {
    pub(super) fn new(solution: &Solution) -> Self {
        let mut needs = Self::default();
        for component in solution.components.iter().filter(|c| c.present) {
            needs.add(&solution.network, component);
        }
        needs
    }

    /// All pairs: (cause, symptom, averaged where active).
    pub(super) fn iter(&self) -> impl Iterator<Item = (usize, usize, f64)> {
        self.given_active.iter().map(|((c, s), n)| (*c, *s, *n))
    }

    /// The known causes together do not explain it more likely than not.
    pub(super) fn unexplained(&self, symptom: usize) -> bool {
        self.explained.get(&symptom).copied().unwrap_or(0.0) < EXPLAINS
    }

    /// Score of each cause type: its mean necessity over present symptoms, impact weighing more;
    /// for every symptom the instance that it needs most counts.
    pub(super) fn scores(
        &self,
        network: &Network,
        symptoms: &BTreeSet<usize>,
    ) -> BTreeMap<u32, f64> {
        let means = self.mean.iter().map(|((c, s), mean)| (*c, *s, *mean));
        scores(network, symptoms, means)
    }

    /// As if just these causes were active: what a cause explains that another brought about, and that
    /// therefore is in no probable set itself.
    pub(super) fn alone(
        network: &Network,
        causes: &[usize],
        symptoms: &BTreeSet<usize>,
    ) -> Vec<(usize, usize, f64)> {
        let mut cache = BTreeMap::new();
        let of = |s: &usize| of_set(network, causes, *s, &mut cache);
        let needs: Vec<Vec<(usize, f64)>> = symptoms.iter().map(of).collect();
        let pairs = symptoms.iter().zip(needs);
        pairs
            .flat_map(|(s, needs)| needs.into_iter().map(move |(c, need)| (c, *s, need)))
            .collect()
    }

    fn add(&mut self, network: &Network, component: &Component) {
        let present: Vec<usize> = component
            .symptoms
            .iter()
            .copied()
            .filter(|s| network.symptoms[*s].present)
            .collect();
        let mut mass = 0.0;
        let mut active: BTreeMap<usize, f64> = BTreeMap::new();
        let mut cache: BTreeMap<Vec<usize>, Vec<f64>> = BTreeMap::new();
        for set in component.sets.iter().take(SETS) {
            mass += set.posterior;
            for cause in &set.causes {
                *active.entry(*cause).or_default() += set.posterior;
            }
            for symptom in present.iter().copied() {
                let needs = of_set(network, &set.causes, symptom, &mut cache);
                if together(network, &set.causes, symptom, &mut cache) >= EXPLAINS {
                    *self.explained.entry(symptom).or_default() += set.posterior;
                }
                for (cause, need) in needs {
                    *self.mean.entry((cause, symptom)).or_default() += set.posterior * need;
                }
            }
            if mass >= MASS {
                break;
            }
        }
        for ((cause, symptom), mean) in &self.mean {
            if let Some(share) = active.get(cause).filter(|p| **p > 0.0) {
                self.given_active.insert((*cause, *symptom), mean / share);
            }
        }
        for symptom in &present {
            if let Some(explained) = self.explained.get_mut(symptom) {
                *explained /= mass.max(1e-9);
            }
        }
    }
}

/// Score of each cause type (`Needs::scores`) from pairs of cause and symptom with their necessity.
pub(super) fn scores(
    network: &Network,
    symptoms: &BTreeSet<usize>,
    means: impl Iterator<Item = (usize, usize, f64)>,
) -> BTreeMap<u32, f64> {
    let total: f64 = symptoms
        .iter()
        .map(|s| network.symptoms[*s].rank_weight)
        .sum();
    let mut best: BTreeMap<(u32, usize), f64> = BTreeMap::new();
    for (cause, symptom, mean) in means {
        if symptoms.contains(&symptom) {
            let most = best
                .entry((network.causes[cause].kind, symptom))
                .or_default();
            *most = most.max(mean);
        }
    }
    let mut scores = BTreeMap::new();
    for ((kind, symptom), need) in best {
        let weight = network.symptoms[symptom].rank_weight;
        *scores.entry(kind).or_default() += weight * need / total.max(1e-9);
    }
    scores
}

/// PN of each cause of a set for one symptom: the largest share of P(symptom) that goes when the
/// cause is taken out of the set, of a pair with another, or is alone (three dead members are each
/// needed for a lost quorum, though any two would do).
fn of_set(
    network: &Network,
    set: &[usize],
    symptom: usize,
    cache: &mut BTreeMap<Vec<usize>, Vec<f64>>,
) -> Vec<(usize, f64)> {
    let full = shows(network, set, symptom, cache);
    if full <= 0.0 {
        return Vec::new();
    }
    let mut needs = Vec::new();
    for cause in set {
        let without: Vec<usize> = set.iter().copied().filter(|c| c != cause).collect();
        let mut drop = full - shows(network, &without, symptom, cache);
        drop = drop
            .max(shows(network, &[*cause], symptom, cache) - shows(network, &[], symptom, cache));
        for other in &without {
            let mut pair = vec![*cause, *other];
            pair.sort_unstable();
            drop = drop.max(
                shows(network, &pair, symptom, cache) - shows(network, &[*other], symptom, cache),
            );
        }
        if drop > 1e-6 {
            needs.push((*cause, (drop / full).clamp(0.0, 1.0)));
        }
    }
    needs
}

/// PN of all known causes of a set together: that each would do without the others does not leave the symptom
/// unexplained.
fn together(
    network: &Network,
    set: &[usize],
    symptom: usize,
    cache: &mut BTreeMap<Vec<usize>, Vec<f64>>,
) -> f64 {
    let known = |c: &usize| !network.causes[*c].unknown;
    let known: Vec<usize> = set.iter().copied().filter(known).collect();
    let with = shows(network, &known, symptom, cache);
    let without = shows(network, &[], symptom, cache);
    if with > 0.0 {
        1.0 - without / with
    } else {
        0.0
    }
}

/// P(symptom | exactly this set), nothing else known.
fn shows(
    network: &Network,
    set: &[usize],
    symptom: usize,
    cache: &mut BTreeMap<Vec<usize>, Vec<f64>>,
) -> f64 {
    let states = cache
        .entry(set.to_vec())
        .or_insert_with(|| forward(network, set));
    let node = &network.symptoms[symptom];
    1.0 - (1.0 - node.leak) * silent(&node.terms, set, states)
}

/// P(on) of every state given a set, parents before children.
fn forward(network: &Network, set: &[usize]) -> Vec<f64> {
    let mut on: Vec<f64> = Vec::with_capacity(network.states.len());
    for state in &network.states {
        let mut off = (1.0 - state.leak) * silent(&state.terms, set, &on);
        if let Some(gate) = &state.gate {
            let members: Vec<f64> = gate
                .members
                .iter()
                .map(|m| on.get(*m).copied().unwrap_or(0.0))
                .collect();
            off *= 1.0 - gate.q * expected(&members, &gate.g);
        }
        on.push(1.0 - off);
    }
    on
}

/// Product of (1 - q · P(all parents on)) over the terms.
fn silent(terms: &[Term], set: &[usize], on: &[f64]) -> f64 {
    terms
        .iter()
        .map(|t| {
            let all: f64 = t
                .all
                .iter()
                .map(|p| match p {
                    Parent::Cause(c) => f64::from(u8::from(set.contains(c))),
                    Parent::State(s) => on.get(*s).copied().unwrap_or(0.0),
                })
                .product();
            1.0 - t.q * t.weight * all
        })
        .product()
}

/// Expected g(b) over the number b of members that are on.
fn expected(members: &[f64], g: &[f64]) -> f64 {
    let mut count = vec![1.0];
    for p in members {
        let mut next = vec![0.0; count.len() + 1];
        for (b, mass) in count.iter().enumerate() {
            next[b] += mass * (1.0 - p);
            next[b + 1] += mass * p;
        }
        count = next;
    }
    let last = g.last().copied().unwrap_or(0.0);
    count
        .iter()
        .enumerate()
        .map(|(b, mass)| mass * g.get(b).copied().unwrap_or(last))
        .sum()
}
