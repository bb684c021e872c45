//! What must hold of every network.

use std::collections::BTreeMap;

use proptest::prelude::*;

use super::super::Options;
use super::super::{Solution, UNKNOWN_KIND, contrast, evidence, explains, fit, necessity, solve};
use super::reference::networks;
use super::{Model, near, plain};
use crate::diagnosis::calibrate;
use crate::diagnosis::network::{Network, Parent, Term};

/// The network with causes and symptoms in reverse order.
fn reversed(network: &Network) -> Network {
    let mut other = network.clone();
    let last = network.causes.len() - 1;
    other.causes.reverse();
    other.symptoms.reverse();
    for cause in &mut other.causes {
        cause.excludes.iter_mut().for_each(|c| *c = last - *c);
    }
    let turn = |terms: &mut Vec<Term>| {
        terms.reverse();
        for parent in terms.iter_mut().flat_map(|t| &mut t.all) {
            if let Parent::Cause(c) = parent {
                *c = last - *c;
            }
        }
    };
    other.states.iter_mut().for_each(|s| turn(&mut s.terms));
    other.symptoms.iter_mut().for_each(|s| turn(&mut s.terms));
    other
}

fn by_name(solution: &Solution) -> BTreeMap<String, f64> {
    let causes = solution.network.causes.iter().zip(&solution.marginals);
    causes
        .filter(|(cause, _)| !cause.unknown)
        .map(|(cause, &p)| (cause.name.clone(), p))
        .collect()
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(64))]

    #[test]
    fn the_order_of_nodes_does_not_matter(network in networks()) {
        let one = by_name(&solve(&network, &Options::default()));
        let other = by_name(&solve(&reversed(&network), &Options::default()));
        for (name, p) in &one {
            prop_assert!((p - other[name]).abs() < 1e-7, "{name}: {p} and {}", other[name]);
        }
    }

    #[test]
    fn the_same_input_gives_the_same_bits(network in networks()) {
        let bits = |s: &Solution| s.marginals.iter().map(|p| p.to_bits()).collect::<Vec<_>>();
        let (one, other) = (
            solve(&network, &Options::default()),
            solve(&network, &Options::default()),
        );
        prop_assert_eq!(bits(&one), bits(&other));
        prop_assert_eq!(one.sets, other.sets);
    }

    #[test]
    fn all_numbers_are_probabilities(network in networks()) {
        let solution = solve(&network, &Options::default());
        let needs = necessity(&solution);
        explains(&solution, &needs);
        let mut numbers = solution.marginals.clone();
        numbers.extend(solution.kind_marginals.values());
        numbers.extend([solution.no_cause, solution.no_cause_all_off]);
        numbers.extend(needs.iter().map(|n| n.2.mean));
        for (i, component) in solution.components.iter().enumerate() {
            numbers.push(calibrate::unknown_mass(component));
            prop_assert!(component.no_cause_all_off <= component.no_cause + 1e-9);
            prop_assert!(fit(&solution, i).groups.iter().all(|g| g.fit.is_finite()));
            for &kind in component.kind_marginals.keys() {
                let contrast = contrast(&solution, kind);
                let all = contrast.map(|c| evidence(&solution, &c, 0.0));
                prop_assert!(all.iter().flatten().all(|e| e.nats.is_finite()));
            }
        }
        let fine = |p: &f64| p.is_finite() && (-1e-9..=1.0 + 1e-6).contains(p);
        prop_assert!(numbers.iter().all(fine), "{numbers:?}");
        prop_assert!(solution.ln_evidence.is_finite());
    }
}

/// Twelve witnesses of one state, which an OOM brings about and a partition hardly ever.
fn witnesses(n: usize) -> Model {
    let mut m = Model::default();
    let oom = m.cause("oom", 1e-4, false);
    let partition = m.cause("partition", 1e-4, false);
    let refuses = m.state("refuses", 0.0, &[(&[oom], 0.97), (&[partition], 0.03)]);
    for i in 0..n {
        let name = format!("witness {i}");
        m.symptom(&name, 2e-3, 1.0, &[(&[refuses], 0.95)]);
        m.see(&[&name]);
    }
    m
}

#[test]
fn twelve_witnesses_of_one_fact_count_once() {
    for n in [2, 12] {
        let solution = solve(&witnesses(n).network, &plain());
        let odds = |cause: usize| {
            let mut sets = solution.sets.iter();
            sets.find(|s| s.causes == [cause]).unwrap().ln_likelihood
        };
        near(libm::exp(odds(0) - odds(1)), 0.97 / 0.03, 0.1);
    }
}

#[test]
fn silence_of_what_was_not_collected_is_no_factor() {
    let mut m = witnesses(3);
    let before = solve(&m.network, &plain());
    m.symptom("unseen", 1e-3, 0.0, &[(&[Parent::Cause(0)], 1.0)]);
    let after = solve(&m.network, &plain());
    assert_eq!(before.sets, after.sets);
    assert_eq!(before.ln_evidence.to_bits(), after.ln_evidence.to_bits());
}

#[test]
fn a_symptom_seen_though_it_could_not_be_counts() {
    let mut m = witnesses(3);
    m.network.symptoms[0].observability = 0.0;
    let contradicted = solve(&m.network, &plain());
    m.network.symptoms[0].observability = 1.0;
    assert_eq!(contradicted.sets, solve(&m.network, &plain()).sets);
}

#[test]
fn the_unknown_cause_takes_what_no_cause_explains() {
    let mut m = witnesses(12);
    for i in 0..6 {
        let name = format!("storm {i}");
        // Every cause explains a bit of it, none well.
        let weak: &[(&[Parent], f64)] = &[(&[Parent::Cause(i % 2)], 1e-3)];
        m.symptom(&name, 1e-3, 1.0, weak);
        m.see(&[&name]);
    }
    let solution = solve(&m.network, &Options::default());
    let needs = necessity(&solution);
    assert!(solution.kind_marginals[&UNKNOWN_KIND] > 0.99);
    let unexplained = explains(&solution, &needs).unexplained;
    assert_eq!(unexplained, (12..18).collect::<Vec<_>>());
}

#[test]
fn the_unknown_cause_does_not_take_what_a_cause_explains() {
    let solution = solve(&witnesses(12).network, &Options::default());
    assert!(solution.marginals[0] > 0.9, "{:?}", solution.marginals);
}

#[test]
fn nonsense_gives_numbers() {
    let mut m = witnesses(2);
    let network = &mut m.network;
    network.causes[0].prior = f64::NAN;
    network.causes[1].prior = 7.0;
    network.causes[1].excludes = vec![0, 1, 99];
    network.states[0].leak = f64::NAN;
    network.states[0].terms[0].all = vec![Parent::State(0), Parent::Cause(77)];
    network.symptoms[0].leak = 0.0;
    network.symptoms[0].terms.clear();
    network.symptoms[1].terms[0].q = f64::INFINITY;
    let solution = solve(network, &Options::default());
    assert!(solution.ln_evidence.is_finite());
    assert!(solution.marginals.iter().all(|p| p.is_finite()));
    let nothing = solve(&Network::default(), &Options::default());
    assert_eq!((nothing.no_cause, nothing.exact), (1.0, true));
}
