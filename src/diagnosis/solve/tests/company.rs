//! Causes that one reason brings about at several subjects at once.

use super::super::{Options, Solution, solve, weigh};
use super::gate::ring;
use super::{Model, near, plain};
use crate::diagnosis::network::Parent;

const PRIOR: f64 = 2e-4;
const TOGETHER: f64 = 0.3;

/// Two pods, each with a refusal that its own cause or a rival of both explains.
fn pair(together: f64) -> Model {
    let mut m = Model::default();
    let rival = m.cause("rival", PRIOR, false);
    for i in 0..2 {
        let own = m.cause(&format!("own{i}"), PRIOR, false);
        m.network.causes[i + 1].kind = 7;
        m.network.causes[i + 1].together = together;
        m.symptom(
            &format!("refused{i}"),
            1e-4,
            1.0,
            &[(&[own], 0.9), (&[rival], 0.3)],
        );
    }
    m.see(&["refused0", "refused1"]);
    m
}

fn best(solution: &Solution) -> Vec<usize> {
    solution.sets[0].causes.clone()
}

#[test]
fn the_second_costs_less_than_the_first() {
    let solution = solve(&pair(TOGETHER).network, &plain());
    assert_eq!(best(&solution), [1, 2]);
    let odds = libm::log(PRIOR / (1.0 - PRIOR));
    let none = 3.0 * libm::log(1.0 - PRIOR);
    near(weigh(&solution, &[]).ln_prior, none, 1e-6);
    near(weigh(&solution, &[1]).ln_prior, none + odds, 1e-6);
    near(weigh(&solution, &[0, 1]).ln_prior, none + 2.0 * odds, 1e-6);
    let both = none + odds + libm::log(TOGETHER);
    near(weigh(&solution, &[1, 2]).ln_prior, both, 1e-6);
    near(weigh(&solution, &[0, 1, 2]).ln_prior, both + odds, 1e-6);
}

#[test]
fn alone_they_are_as_rare_as_ever() {
    let solution = solve(&pair(0.0).network, &plain());
    assert_eq!(best(&solution), [0]);
    let odds = libm::log(PRIOR / (1.0 - PRIOR));
    let gain = weigh(&solution, &[1, 2]).ln_prior - weigh(&solution, &[]).ln_prior;
    near(gain, 2.0 * odds, 1e-6);
}

#[test]
fn a_small_chance_does_not_make_the_second_rarer_than_it_is() {
    let (less, none) = (pair(PRIOR / 10.0), pair(0.0));
    let prior = |m: &Model| weigh(&solve(&m.network, &plain()), &[1, 2]).ln_prior;
    near(prior(&less), prior(&none), 1e-9);
}

/// A ring of which two pods are refused and the quorum is lost; a rival says the latter with ease.
fn refused(together: f64) -> Model {
    let mut m = ring(6);
    m.network
        .causes
        .iter_mut()
        .for_each(|c| c.together = together);
    let rival = m.cause("rival", 5e-4, false);
    m.network.causes[6].kind = 1;
    m.network.states[6]
        .terms
        .push(crate::diagnosis::network::Term {
            all: vec![rival],
            q: 0.95,
            weight: 1.0,
        });
    for i in 0..6 {
        let v = m.symptom_index(&format!("v{i}"));
        m.network.symptoms[v]
            .terms
            .push(crate::diagnosis::network::Term {
                all: vec![Parent::Cause(6)],
                q: 0.1,
                weight: 1.0,
            });
    }
    m.hide(&["k0", "k1", "k2", "k3", "k4", "k5"]);
    m.see(&["q", "v2", "v4"]);
    m
}

#[test]
fn a_beam_of_one_finds_them_together() {
    let m = refused(TOGETHER);
    let all = solve(&m.network, &plain());
    assert_eq!(best(&all), [2, 4]);
    let narrow = Options {
        exact_candidates: 0,
        beam: 1,
        ..plain()
    };
    let beam = solve(&m.network, &narrow);
    assert_eq!(best(&beam), [2, 4]);
    near(beam.sets[0].ln_prior, all.sets[0].ln_prior, 1e-9);
    // What the beam left out is bounded by what all choices of up to three could weigh.
    assert!(beam.components[0].discarded_mass >= 0.0);
    assert_eq!(best(&solve(&refused(0.0).network, &plain())), [6]);
}
