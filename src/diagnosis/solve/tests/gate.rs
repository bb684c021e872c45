//! The worked example of a gate: six receivers, quorum lost when two are bad.

use super::super::{Options, fit, necessity_in, predictive, solve};
use super::{Model, near, plain, set_of};
use crate::diagnosis::network::Parent;

const SHARE: [f64; 7] = [0.0, 0.0, 1.0, 1.0, 1.0, 1.0, 1.0];

/// `pods` receivers, each with a cause O, a state B, a kill k and two witnesses v and w.
pub(super) fn ring(pods: usize) -> Model {
    let mut m = Model::default();
    let causes: Vec<Parent> = (0..pods)
        .map(|i| m.cause(&format!("O{i}"), 10.0 / 43_200.0, false))
        .collect();
    let bad: Vec<Parent> = causes
        .iter()
        .enumerate()
        .map(|(i, &cause)| m.state(&format!("B{i}"), 1e-4, &[(&[cause], 0.97)]))
        .collect();
    let quorum = m.state("Q", 1e-4, &[]);
    m.gate(quorum, (0..pods).collect(), 0.95, SHARE.to_vec());
    for i in 0..pods {
        m.network.causes[i].kind = 0;
        m.symptom(&format!("k{i}"), 1e-7, 1.0, &[(&[causes[i]], 0.98)]);
        m.symptom(&format!("v{i}"), 2e-3, 0.5, &[(&[bad[i]], 0.95)]);
        m.symptom(&format!("w{i}"), 2e-3, 0.5, &[(&[bad[i]], 0.95)]);
    }
    m.symptom("q", 1e-3, 1.0, &[(&[quorum], 0.90)]);
    m
}

/// Pods killed, with their witnesses.
pub(super) fn kill(m: &mut Model, pods: &[usize]) {
    for &i in pods {
        m.see(&[&format!("k{i}"), &format!("v{i}"), &format!("w{i}")]);
        m.network.causes[i].seeded = true;
    }
}

#[test]
fn the_table_of_the_gate_holds() {
    let check = |pods: &[usize], quorum: bool, expected: (f64, f64), shows: Option<f64>| {
        let mut m = ring(6);
        kill(&mut m, pods);
        if quorum {
            m.see(&["q"]);
        }
        let solution = solve(&m.network, &plain());
        assert!(solution.exact);
        let best = &solution.sets[0];
        assert_eq!(best.causes, pods);
        near(best.posterior, expected.0, 1e-4);
        let likelihood = libm::exp(best.ln_likelihood);
        near(likelihood, expected.1, expected.1 * 1e-3);
        if let Some(p) = shows {
            let q = m.symptom_index("q");
            near(predictive(&solution, pods, q), p, p * 0.04);
            assert_eq!(fit(&solution, 0).poorly.contains(&q), p < 0.05);
        }
    };
    check(&[2, 4], true, (0.99999, 0.039030), Some(0.855));
    check(&[2], true, (0.9956, 2.564e-4), Some(0.0012));
    check(&[2], false, (1.0, 0.21206), None);
}

#[test]
fn each_of_three_bad_members_is_needed() {
    let mut m = ring(6);
    kill(&mut m, &[1, 2, 4]);
    m.see(&["q"]);
    let solution = solve(&m.network, &plain());
    let q = m.symptom_index("q");
    for (set, expected) in [(vec![2, 4], 0.998), (vec![1, 2, 4], 0.942)] {
        let needs = necessity_in(&solution, &set, q);
        assert_eq!(needs.len(), set.len());
        for need in needs {
            near(need.1, expected, 1e-3);
        }
    }
}

#[test]
fn five_kills_at_once_are_all_certain() {
    let mut m = ring(6);
    kill(&mut m, &[0, 1, 2, 3, 5]);
    // One unknown cause would be cheaper than five, but cannot kill.
    for options in [plain(), Options::default()] {
        let solution = solve(&m.network, &options);
        for i in [0, 1, 2, 3, 5] {
            assert!(solution.marginals[i] > 0.9995, "{i}");
        }
        assert_eq!(solution.sets[0].causes, [0, 1, 2, 3, 5]);
        near(solution.kind_marginals[&0], 1.0, 1e-9);
    }
}

#[test]
fn quorum_is_lost_with_two_members_and_not_with_one() {
    let shows = |pods: &[usize], members: usize| {
        let mut m = ring(members);
        kill(&mut m, pods);
        m.hide(&["q"]);
        let q = m.symptom_index("q");
        predictive(&solve(&m.network, &plain()), pods, q)
    };
    // Six members make a table, twenty a tree.
    for members in [3, 6, 20] {
        assert!(shows(&[1], members) < 0.01);
        near(shows(&[0, 2], members), 0.855, 5e-3);
        near(shows(&[0, 1, 2], members), 0.855, 5e-3);
    }
}

#[test]
fn a_share_that_grows_with_the_members_that_are_bad() {
    let mut m = ring(6);
    m.network.states[6].gate.as_mut().unwrap().g = vec![0.0, 0.0, 0.2, 0.5, 0.8, 1.0];
    kill(&mut m, &[0, 1, 2]);
    m.hide(&["q"]);
    let solution = solve(&m.network, &plain());
    let q = m.symptom_index("q");
    near(predictive(&solution, &[0, 1, 2], q), 0.9 * 0.95 * 0.5, 0.01);
    assert!(set_of(&solution, &["O0", "O1", "O2"]).unwrap().posterior > 0.99);
}

#[test]
fn with_all_states_off_a_gate_and_its_leaks_must_have_stayed_shut() {
    let mut m = Model::default();
    let cause = m.cause("c", 0.1, false);
    let bad = m.state("bad", 0.3, &[(&[cause], 0.9)]);
    let lost = m.state("lost", 0.2, &[]);
    m.gate(lost, vec![0], 0.5, vec![0.4, 1.0]);
    m.symptom("seen", 0.15, 1.0, &[(&[lost], 0.8)]);
    m.see(&["seen"]);
    let _ = bad;
    let solution = solve(&m.network, &plain());
    // By hand: the cause, then its state, then the gate over that state.
    let seen_if = |lost: f64| lost * (1.0 - 0.85 * 0.2) + (1.0 - lost) * 0.15;
    let lost_if = |g: f64| 1.0 - 0.8 * (1.0 - 0.5 * g);
    let seen_of = |bad: f64| bad * seen_if(lost_if(1.0)) + (1.0 - bad) * seen_if(lost_if(0.4));
    let (with, without) = (0.1 * seen_of(1.0 - 0.7 * 0.1), 0.9 * seen_of(0.3));
    let off = 0.9 * 0.7 * (0.8 * (1.0 - 0.5 * 0.4)) * 0.15;
    near(solution.no_cause, without / (with + without), 1e-9);
    near(solution.no_cause_all_off, off / (with + without), 1e-9);
}
