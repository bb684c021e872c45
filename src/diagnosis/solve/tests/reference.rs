//! A reference that sums over all states and all sets, and random networks to compare with.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::compile::evidence_of;
use super::super::{Options, solve};
use super::{Model, plain};
use crate::diagnosis::network::{Gate, Network, Parent, Term};

/// ln P(evidence | set), by summing over all values of all states.
fn ln_likelihood(network: &Network, set: &[usize]) -> f64 {
    let n = network.states.len();
    let mut total = 0.0;
    for mask in 0..1usize << n {
        let is_on = |parent: &Parent| match *parent {
            Parent::Cause(c) => set.contains(&c),
            Parent::State(s) => mask >> s & 1 == 1,
        };
        let off = |leak: f64, terms: &[Term]| {
            let active = terms.iter().filter(|t| t.all.iter().all(is_on));
            active.fold(1.0 - leak, |off, t| off * (1.0 - t.q * t.weight))
        };
        let mut p = 1.0;
        for (s, state) in network.states.iter().enumerate() {
            let mut state_off = off(state.leak, &state.terms);
            if let Some(gate) = &state.gate {
                let b = gate.members.iter().filter(|&&m| mask >> m & 1 == 1).count();
                let g = gate.g.get(b).or(gate.g.last()).copied().unwrap();
                state_off *= 1.0 - gate.q * g;
            }
            p *= if mask >> s & 1 == 1 {
                1.0 - state_off
            } else {
                state_off
            };
        }
        for symptom in &network.symptoms {
            let symptom_off = off(symptom.leak, &symptom.terms);
            p *= evidence_of(symptom).likelihood(1.0 - symptom_off, symptom_off);
        }
        total += p;
    }
    libm::log(total)
}

/// Posterior of every set of at most `max_set` causes.
fn posteriors(network: &Network, max_set: usize) -> BTreeMap<Vec<usize>, (f64, f64)> {
    let n = network.causes.len();
    let mut joints = BTreeMap::new();
    for mask in 0..1usize << n {
        let set: Vec<usize> = (0..n).filter(|c| mask >> c & 1 == 1).collect();
        let excludes = |&c: &usize| network.causes[c].excludes.iter().any(|e| set.contains(e));
        if set.len() > max_set || set.iter().any(excludes) {
            continue;
        }
        let prior = |c: usize| network.causes[c].prior;
        let ln_prior: f64 = (0..n)
            .map(|c| {
                libm::log(if set.contains(&c) {
                    prior(c)
                } else {
                    1.0 - prior(c)
                })
            })
            .sum();
        let likelihood = ln_likelihood(network, &set);
        joints.insert(set, (likelihood, libm::exp(ln_prior + likelihood)));
    }
    let total: f64 = joints.values().map(|j| j.1).sum();
    joints.values_mut().for_each(|j| j.1 /= total);
    joints
}

fn strength() -> impl Strategy<Value = f64> {
    prop_oneof![Just(0.0), Just(1.0), 0.01..0.99f64]
}

/// Parents by numbers that are folded into range later.
type RawTerms = Vec<(Vec<usize>, f64, f64)>;

fn terms(most: usize) -> impl Strategy<Value = RawTerms> {
    let parents = prop::collection::vec(0usize..100, 1..3);
    let weight = prop_oneof![Just(1.0), 0.0..1.0f64];
    prop::collection::vec((parents, strength(), weight), 0..most)
}

fn fold(raw: RawTerms, causes: usize, states: usize) -> Vec<Term> {
    let parent = |n: usize| match n % (causes + states) {
        c if c < causes => Parent::Cause(c),
        s => Parent::State(s - causes),
    };
    let terms = raw.into_iter();
    terms
        .map(|(all, q, weight)| {
            let mut all: Vec<Parent> = all.into_iter().map(parent).collect();
            all.sort();
            all.dedup();
            Term { all, q, weight }
        })
        .collect()
}

/// Random networks: few causes, up to ten states of which some are gates, wide and narrow nodes.
pub(super) fn networks() -> impl Strategy<Value = Network> {
    let gate = prop::option::weighted(0.3, (strength(), prop::collection::vec(0.0..1.0f64, 1..9)));
    let states = prop::collection::vec((1e-6..0.2f64, terms(9), gate), 1..10);
    let o = prop_oneof![Just(0.0), Just(0.5), Just(1.0)];
    let symptoms = prop::collection::vec((any::<bool>(), o, 1e-6..0.1f64, terms(12)), 1..9);
    let causes = prop::collection::vec((1e-4..0.3f64, any::<bool>(), 0usize..9), 1..6);
    (causes, states, symptoms).prop_map(|(causes, states, symptoms)| {
        let mut m = Model::default();
        let n = causes.len();
        for (i, (prior, seeded, exclude)) in causes.into_iter().enumerate() {
            m.cause(&format!("c{i}"), prior, seeded && i == 0);
            if exclude < i && exclude > 0 {
                m.network.causes[i].excludes.push(exclude);
            }
        }
        for (i, (leak, raw, gate)) in states.into_iter().enumerate() {
            m.state(&format!("s{i}"), leak, &[]);
            m.network.states[i].terms = fold(raw, n, i);
            m.network.states[i].gate = gate.map(|(q, g)| Gate {
                members: (0..i).collect(),
                q,
                g,
            });
        }
        let states = m.network.states.len();
        for (i, (present, o, leak, raw)) in symptoms.into_iter().enumerate() {
            m.symptom(&format!("e{i}"), leak, o, &[]);
            m.network.symptoms[i].present = present;
            m.network.symptoms[i].terms = fold(raw, n, states);
        }
        m.network
    })
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(200))]

    #[test]
    fn agrees_with_the_sum_over_everything(network in networks()) {
        let options = Options { max_set: 6, ..plain() };
        let solution = solve(&network, &options);
        prop_assume!(solution.exact);
        let expected = posteriors(&network, 6);
        let mut marginals = vec![0.0; network.causes.len()];
        for (set, (_, p)) in &expected {
            set.iter().for_each(|&c| marginals[c] += p);
        }
        // Causes that bear on no evidence keep their prior, exclusions aside.
        for component in &solution.components {
            for &c in &component.causes {
                let others = network.causes.iter().enumerate();
                let outside = |e: &usize| component.causes.binary_search(e).is_err();
                let touched = others.into_iter().any(|(i, cause)| {
                    (i == c && cause.excludes.iter().any(outside))
                        || (outside(&i) && cause.excludes.contains(&c))
                        || (component.causes.contains(&i) && cause.excludes.iter().any(outside))
                        || (outside(&i) && cause.excludes.iter().any(|e| !outside(e)))
                });
                if !touched {
                    let (p, q) = (solution.marginals[c], marginals[c]);
                    prop_assert!((p - q).abs() < 1e-6, "{c}: {p} instead of {q}");
                }
            }
        }
        if let [one] = solution.components.as_slice()
            && one.causes.len() == network.causes.len()
        {
                for set in &one.sets {
                    let (likelihood, p) = expected[&set.causes];
                    let ln = set.ln_likelihood;
                    // What the model calls impossible is kept finite, in a way of its own.
                    let close = (ln - likelihood).abs() < 1e-6 || likelihood < -30.0;
                    prop_assert!(close, "{ln} instead of {likelihood}");
                    prop_assert!((set.posterior - p).abs() < 1e-6);
                }
        }
    }
}
