//! The worked example of `docs/inference.md`: three receivers, replication factor 3.

use serde_json::Value;

use super::super::{SetPosterior, Solution};
use super::super::{
    contrast, cover, evidence, explains, fit, necessity, necessity_in, ranking_score, solve, weigh,
};
use super::{Model, cause_index, near, plain, set_of};
use crate::diagnosis::calibrate::{self, Band, Calibration};
use crate::diagnosis::checks::{CheckNode, next_checks, offered};

const FIXTURE: &str = include_str!("../../../../fixtures/golden/golden-3.13.json");

/// The cluster, all symptoms silent.
#[expect(clippy::too_many_lines, reason = "one table")]
pub(super) fn cluster() -> Model {
    let mut m = Model::default();
    let oom = m.cause("O2", 10.0 / 43_200.0, true);
    let partition = m.cause("P2", 10.0 / 259_200.0, false);
    let rollout = m.cause("R", 10.0 / 10_080.0, false);
    let node = m.cause("N2", 10.0 / 129_600.0, false);
    let conflict = m.cause("X", 10.0 / 20_160.0, false);
    m.network.causes[2].benign = true;
    let refuses = m.state(
        "U2r",
        1e-4,
        &[
            (&[oom], 0.97),
            (&[rollout], 0.85),
            (&[partition], 0.03),
            (&[node], 0.10),
        ],
    );
    let lost = m.state(
        "U2t",
        1e-4,
        &[
            (&[partition], 0.97),
            (&[node], 0.90),
            (&[oom], 0.05),
            (&[rollout], 0.05),
        ],
    );
    let quorum = m.state(
        "Q",
        1e-4,
        &[
            (&[refuses], 0.02),
            (&[lost], 0.04),
            (&[conflict], 0.30),
            (&[refuses, conflict], 0.95),
            (&[lost, conflict], 0.95),
        ],
    );
    m.symptom("e1", 1e-7, 1.0, &[(&[oom], 0.98)]);
    m.symptom("e2", 2e-3, 0.5, &[(&[refuses], 0.95)]);
    m.symptom("e3", 2e-3, 0.5, &[(&[refuses], 0.95)]);
    m.symptom("e4", 5e-3, 0.5, &[(&[lost], 0.95)]);
    m.symptom("e5", 5e-3, 0.5, &[(&[lost], 0.95)]);
    m.symptom("e6", 1e-3, 0.5, &[(&[quorum], 0.90)]);
    m.symptom("e7", 1e-3, 0.5, &[(&[quorum], 0.90)]);
    m.symptom("e8", 2e-3, 1.0, &[(&[partition], 0.90)]);
    m.symptom("e9", 1e-3, 1.0, &[(&[rollout], 0.97)]);
    m.symptom(
        "e10",
        2e-3,
        1.0,
        &[
            (&[oom], 0.95),
            (&[rollout], 0.97),
            (&[partition], 0.02),
            (&[node], 0.30),
        ],
    );
    m.symptom("e11", 2e-5, 1.0, &[(&[rollout], 0.97)]);
    m.symptom("e12", 1e-6, 1.0, &[(&[node], 0.95)]);
    m.symptom("e13", 3e-3, 1.0, &[(&[conflict], 0.95)]);
    for (same, other) in [("e2", "e3"), ("e4", "e5"), ("e6", "e7")] {
        let group = m.network.symptoms[m.symptom_index(same)].group;
        let other = m.symptom_index(other);
        m.network.symptoms[other].group = group;
    }
    for impact in ["e6", "e7"] {
        let index = m.symptom_index(impact);
        m.network.symptoms[index].rank_weight = 3.0;
    }
    m
}

/// The cluster with one case of evidence; the defining symptom seeds its cause.
fn case(present: &[&str], hidden: &[&str]) -> Model {
    let mut m = cluster();
    m.see(present);
    m.hide(hidden);
    m.network.causes[0].seeded = present.contains(&"e1");
    m
}

fn solved(present: &[&str], hidden: &[&str]) -> Solution {
    solve(&case(present, hidden).network, &plain())
}

const A2: &[&str] = &["e1", "e2", "e3", "e6", "e7", "e10", "e13"];
const A1: &[&str] = &["e1", "e2", "e3", "e6", "e7", "e10"];
const A4: (&[&str], &[&str]) = (
    &["e2", "e3", "e6", "e7", "e13"],
    &["e1", "e8", "e9", "e10", "e11", "e12"],
);
const A5: (&[&str], &[&str]) = (
    &["e2", "e6", "e13"],
    &["e1", "e3", "e5", "e7", "e8", "e9", "e10", "e11", "e12"],
);

fn names(value: &Value) -> Vec<&str> {
    let list = value.as_array().unwrap().iter();
    list.map(|v| v.as_str().unwrap()).collect()
}

#[test]
fn every_set_of_every_case_is_as_in_the_fixture() {
    let fixture: Value = serde_json::from_str(FIXTURE).unwrap();
    for (name, case) in fixture.as_object().unwrap() {
        let solution = solved(&names(&case["present"]), &names(&case["not_collected"]));
        assert!(solution.exact, "{name}");
        near(
            solution.ln_evidence,
            case["ln_evidence"].as_f64().unwrap(),
            1e-3,
        );
        for (cause, p) in case["marginals"].as_object().unwrap() {
            let index = cause_index(&solution.network, cause);
            near(solution.marginals[index], p.as_f64().unwrap(), 1e-3);
        }
        for (set, expected) in case["sets"].as_object().unwrap() {
            let list = set.trim_matches(['{', '}']);
            let set: Vec<usize> = list
                .split(',')
                .filter(|s| !s.is_empty())
                .map(|s| cause_index(&solution.network, s))
                .collect();
            let weighed = weigh(&solution, &set);
            let number = |key: &str| expected[key].as_f64().unwrap();
            near(weighed.ln_prior, number("ln_prior"), 1e-3);
            near(weighed.ln_likelihood, number("ln_likelihood"), 1e-3);
            near(weighed.posterior, number("posterior"), 1e-3);
            let listed = solution.sets.iter().find(|s| s.causes == weighed.causes);
            let left_out = listed.is_none() && number("posterior") < 1e-6;
            assert!(listed == Some(&weighed) || left_out, "{name} {list}");
        }
    }
}

#[test]
fn the_case_table_holds() {
    let check = |present: &[&str], hidden: &[&str], expected: &[(&[&str], f64)]| {
        let solution = solved(present, hidden);
        for (set, p) in expected {
            near(set_of(&solution, set).unwrap().posterior, *p, 1e-3);
        }
    };
    check(A2, &[], &[(&["O2", "X"], 0.8802), (&["O2"], 0.1198)]);
    check(&["e1", "e2", "e3", "e10"], &[], &[(&["O2"], 0.99999)]);
    check(A1, &[], &[(&["O2"], 0.9988)]);
    check(&["e4", "e5", "e8"], &[], &[(&["P2"], 0.992), (&[], 0.008)]);
    let b2 = ["e4", "e5", "e6", "e7", "e8", "e13"];
    check(&b2, &[], &[(&["P2", "X"], 0.785), (&["P2"], 0.208)]);
    check(&["e2", "e3", "e9", "e10", "e11"], &[], &[(&["R"], 0.99998)]);
    let c3 = ["e2", "e3", "e6", "e7", "e9", "e10", "e11", "e13"];
    check(&c3, &[], &[(&["R", "X"], 0.880)]);
    let inside = ["e1", "e2", "e3", "e9", "e10", "e11"];
    check(&inside, &[], &[(&["O2", "R"], 0.9996)]);
    check(&["e1"], &[], &[(&["O2"], 0.970)]);
    check(&[], &[], &[(&[], 0.99998)]);
}

#[test]
fn marginals_of_one_pod_s_log() {
    let solution = solved(A5.0, A5.1);
    for (cause, p) in [("X", 0.907), ("R", 0.475), ("O2", 0.1265)] {
        near(
            solution.marginals[cause_index(&solution.network, cause)],
            p,
            1e-3,
        );
    }
}

/// Necessity averaged over sets.
fn mean(solution: &Solution, cause: &str, symptom: usize) -> f64 {
    let cause = cause_index(&solution.network, cause);
    necessity(solution).get(cause, symptom).mean
}

#[test]
fn necessity_and_rank_of_the_worked_case() {
    let m = case(A2, &[]);
    let solution = solve(&m.network, &plain());
    let (e2, e6) = (m.symptom_index("e2"), m.symptom_index("e6"));
    near(mean(&solution, "O2", e2), 0.998, 1e-3);
    let both: Vec<f64> = necessity_in(&solution, &[0, 4], e6)
        .iter()
        .map(|n| n.1)
        .collect();
    near(both[0], 0.683, 1e-3);
    near(both[1], 0.976, 1e-3);
    near(mean(&solution, "O2", e6), 0.714, 1e-3);
    near(mean(&solution, "X", e6), 0.859, 1e-3);
    let scores = ranking_score(&solution, &necessity(&solution));
    near(scores[0], 0.753, 1e-3);
    near(scores[4], 0.548, 1e-3);
    assert_eq!(cover(&solution, &[0, 4]), [0, 4]);
    assert_eq!(cover(&solution, &[0, 3, 4]), [0, 4]);
    let explains = explains(&solution, &necessity(&solution));
    assert_eq!(explains.unexplained, Vec::<usize>::new());
    let of_quorum: Vec<usize> = explains.by_symptom[&e6].iter().map(|e| e.0).collect();
    assert_eq!(of_quorum, [4, 0]);
}

#[test]
fn evidence_of_the_worked_case_in_nats() {
    let m = case(A2, &[]);
    let solution = solve(&m.network, &plain());
    let nats = |kind: u32, symptom: &str| {
        let group = m.network.symptoms[m.symptom_index(symptom)].group;
        let all = evidence(&solution, &contrast(&solution, kind).unwrap(), 0.0);
        all.iter()
            .find(|e| e.group == group)
            .map_or(0.0, |e| e.nats)
    };
    let oom = contrast(&solution, 0).unwrap();
    assert_eq!(
        (oom.with, oom.without, oom.rival),
        (vec![0, 4], vec![2, 4], Some(2))
    );
    near(oom.log_odds, 21.8, 0.05);
    near(oom.prior_nats, -1.5, 0.05);
    near(nats(0, "e1"), 16.1, 0.05);
    near(nats(0, "e9"), 3.5, 0.05);
    near(nats(0, "e11"), 3.5, 0.05);
    let conflict = contrast(&solution, 4).unwrap();
    assert_eq!((conflict.without, conflict.rival), (vec![0], None));
    near(conflict.log_odds, 2.0, 0.05);
    near(conflict.prior_nats, -7.6, 0.05);
    near(nats(4, "e13"), 5.8, 0.05);
    near(nats(4, "e6"), 3.84, 0.05);
}

#[test]
fn a_quorum_error_with_one_bad_replica_fits_poorly() {
    let check = |present: &[&str], probability: f64, ratio: f64, poor: bool| {
        let m = case(present, &[]);
        let solution = solve(&m.network, &plain());
        let fit = fit(&solution, 0);
        let e6 = m.symptom_index("e6");
        let group = fit
            .groups
            .iter()
            .find(|g| g.symptoms.contains(&e6))
            .unwrap();
        near(group.probability, probability, probability * 0.02);
        near(group.fit, ratio, ratio * 0.02);
        assert_eq!(group.poor, poor);
        assert_eq!(fit.poorly.contains(&e6), poor);
    };
    check(A1, 0.0042, 0.021, true);
    check(A2, 0.196, 0.97, false);
}

#[test]
fn an_effect_before_its_cause_is_not_explained() {
    let mut m = case(&["e1", "e2", "e3", "e10"], &[]);
    m.network.states[0].terms[0].weight = 1e-3;
    let solution = solve(&m.network, &plain());
    near(set_of(&solution, &["O2"]).unwrap().posterior, 0.9991, 1e-4);
    near(solution.marginals[0], 0.999_999_6, 1e-7);
    let need = necessity(&solution).get(0, m.symptom_index("e2"));
    near(need.given_active, 0.305, 1e-3);
}

#[test]
fn only_the_priors_speak() {
    let solution = solved(A4.0, A4.1);
    let rollout = contrast(&solution, 2).unwrap();
    assert_eq!(rollout.rival, Some(0));
    near(libm::exp(rollout.evidence_nats), 0.88, 0.01);
    let p = calibrate::printed(&solution, 2, Calibration::default());
    near(p, 0.717, 2e-3);
    assert_eq!(calibrate::band_of(p, false, Some(&rollout)), Band::Possible);
}

#[test]
fn of_no_cause_only_the_part_with_all_states_off_is_removed() {
    let solution = solved(&["e6", "e7"], &[]);
    near(solution.no_cause, 0.932, 1e-3);
    near(solution.no_cause_all_off / solution.no_cause, 0.011, 1e-3);
    near(solution.marginals[4], 0.068, 1e-3);
    let printed = calibrate::printed(&solution, 4, Calibration::default());
    near(printed, 0.068, 2e-3);
    near(
        calibrate::unknown_mass(&solution.components[0]),
        0.931,
        2e-3,
    );
}

fn checks(m: &Model) -> Vec<CheckNode> {
    let check = |name: &str, symptom: &str, o: f64, minutes: f64| CheckNode {
        name: name.to_string(),
        yields: vec![(m.symptom_index(symptom), o)],
        minutes,
        risk: 1.0,
    };
    vec![
        check("revision", "e11", 1.0, 0.5),
        check("status", "e1", 1.0, 0.5),
        check("previous log", "e9", 1.0, 1.0),
        check("other log", "e3", 0.5, 1.0),
        check("node", "e12", 1.0, 0.5),
    ]
}

#[test]
fn the_next_check_of_one_pod_s_log() {
    let m = case(A5.0, A5.1);
    let solution = solve(&m.network, &plain());
    let ranked = next_checks(&solution, 0, &checks(&m));
    let expected = [
        (0.461, 0.903, 1.81),
        (0.124, 0.523, 1.05),
        (0.461, 0.897, 0.90),
        (0.315, 0.153, 0.15),
        (0.003, 0.028, 0.06),
    ];
    for (place, (ranked, (p, bits, score))) in ranked.iter().zip(expected).enumerate() {
        assert_eq!(ranked.check, place);
        near(ranked.p_yes, p, 1e-3);
        near(ranked.bits, bits, 1e-3);
        near(ranked.score, score, 6e-3);
    }
    let after =
        |sets: &[(Vec<usize>, f64)], set: &[usize]| sets.iter().find(|s| s.0 == set).unwrap().1;
    let status = &ranked[1].if_yes;
    near(after(&status.sets, &[0, 4]), 0.871, 1e-3);
    near(after(&status.sets, &[0]), 0.128, 1e-3);
    assert_eq!(status.risen, Some(0));
    let revision = &ranked[0].if_no;
    near(after(&revision.sets, &[4]), 0.704, 1e-3);
    near(after(&revision.sets, &[0, 4]), 0.204, 1e-3);
    let best: Vec<usize> = offered(&ranked, 3).iter().map(|r| r.check).collect();
    assert_eq!(best[..2], [0, 1]);
}

#[test]
fn entropy_over_the_sets_considered() {
    let solution = solved(A5.0, A5.1);
    let sets: Vec<&SetPosterior> = solution.sets.iter().take(16).collect();
    let total: f64 = sets.iter().map(|s| s.posterior).sum();
    let bits: f64 = sets
        .iter()
        .map(|s| s.posterior / total)
        .map(|p| -p * p.log2())
        .sum();
    near(bits, 1.879, 1e-3);
}
