//! Networks too large for small tables: trees, beams, components.

use super::super::{Options, solve};
use super::gate::{kill, ring};
use super::{Model, near, plain, set_of};
use crate::diagnosis::network::Parent;

#[test]
fn a_tree_gives_what_a_table_gives() {
    // Five members fit a table; the same five and many that are never bad need a tree.
    let mut small = ring(5);
    let mut large = ring(40);
    for m in [&mut small, &mut large] {
        kill(m, &[1, 3]);
        m.see(&["q"]);
    }
    for i in 5..40 {
        large.network.states[i].leak = 0.0;
        large.network.states[i].terms.clear();
    }
    let ratio = |m: &Model| {
        let solution = solve(&m.network, &plain());
        let like = |set: &[&str]| set_of(&solution, set).unwrap().ln_likelihood;
        like(&["O1", "O3"]) - like(&["O1"])
    };
    near(ratio(&large), ratio(&small), 1e-6);
}

#[test]
fn terms_of_many_members_join_the_gate() {
    // Any member that is bad while writes conflict is enough to lose the quorum.
    let mut m = ring(30);
    let conflict = m.cause("conflict", 5e-4, false);
    for i in 0..30 {
        let pair = [Parent::State(i), conflict];
        m.network.states[30]
            .terms
            .push(crate::diagnosis::network::Term {
                all: pair.to_vec(),
                q: 0.95,
                weight: 1.0,
            });
    }
    m.symptom("conflicts", 3e-3, 1.0, &[(&[conflict], 0.95)]);
    kill(&mut m, &[7]);
    m.see(&["q", "conflicts"]);
    let solution = solve(&m.network, &plain());
    assert!(solution.exact);
    assert_eq!(solution.sets[0].causes, [7, 30]);
    assert!(solution.sets[0].posterior > 0.95);
}

#[test]
fn a_beam_finds_what_an_enumeration_finds() {
    let mut m = ring(30);
    kill(&mut m, &[4, 20]);
    m.see(&["q", "v9"]);
    let all = solve(&m.network, &plain());
    let few = Options {
        exact_candidates: 4,
        ..plain()
    };
    let beam = solve(&m.network, &few);
    assert!(all.exact);
    assert_eq!(all.sets[0].causes, beam.sets[0].causes);
    near(beam.sets[0].posterior, all.sets[0].posterior, 1e-3);
}

#[test]
fn more_faults_than_the_set_size_are_found() {
    let mut m = ring(12);
    let pods = [0, 2, 3, 5, 8, 10];
    kill(&mut m, &pods);
    m.network.causes.iter_mut().for_each(|c| c.seeded = false);
    let solution = solve(&m.network, &plain());
    assert_eq!(solution.sets[0].causes, pods);
}

#[test]
fn independent_parts_multiply() {
    let mut m = ring(3);
    let alone = m.cause("alone", 1e-3, false);
    m.symptom("its symptom", 1e-3, 1.0, &[(&[alone], 0.9)]);
    kill(&mut m, &[1]);
    m.see(&["its symptom"]);
    let solution = solve(&m.network, &plain());
    assert_eq!(solution.components.len(), 2);
    let (pod, alone) = (&solution.components[0], &solution.components[1]);
    let product = pod.sets[0].posterior * alone.sets[0].posterior;
    near(solution.sets[0].posterior, product, 1e-12);
    near(solution.no_cause, pod.no_cause * alone.no_cause, 1e-12);
    let odds: f64 = 1e-3 * (1.0 - 0.999 * 0.1) / (0.999 * 1e-3);
    near(solution.marginals[3], odds / (1.0 + odds), 1e-6);
}

#[test]
fn states_that_all_depend_on_all_are_still_bounded() {
    let mut m = Model::default();
    let cause = m.cause("c", 1e-3, false);
    let states: Vec<Parent> = (0..24)
        .map(|i| m.state(&format!("s{i}"), 0.05, &[(&[cause], 0.5)]))
        .collect();
    let mut n = 0;
    for i in 0..24 {
        for j in i + 1..24 {
            let name = format!("e{n}");
            m.symptom(&name, 1e-3, 1.0, &[(&[states[i], states[j]], 0.9)]);
            if n % 5 == 0 {
                m.see(&[&name]);
            }
            n += 1;
        }
    }
    let solution = solve(&m.network, &plain());
    assert!(!solution.exact);
    assert!(solution.ln_evidence.is_finite());
    assert!(solution.marginals[0] > 0.5);
}
