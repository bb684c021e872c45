//! Tests of `checks`.

#![allow(clippy::unwrap_used)]

use super::*;

/// Score and separation of each, in the order of their names → the places in which they are offered.
#[track_caller]
fn check_order(all: &[(f64, f64)], expected: &[usize]) {
    let nodes: Vec<CheckNode> = (0..all.len())
        .map(|n| CheckNode {
            name: format!("check {n}"),
            yields: Vec::new(),
            minutes: 1.0,
            risk: 1.0,
        })
        .collect();
    let each = all.iter().enumerate();
    let mut ranked: Vec<Ranked> = each
        .map(|(check, (score, separation))| Ranked {
            check,
            bits: 1.0,
            p_yes: 0.5,
            score: *score,
            separation: *separation,
            if_yes: Outcome::default(),
            if_no: Outcome::default(),
            same_action: false,
            disruptive: false,
        })
        .collect();
    order(&mut ranked, &nodes);
    let found: Vec<usize> = ranked.iter().map(|r| r.check).collect();
    assert_eq!(found, expected, "{all:?}");
}

#[test]
fn checks_of_nearly_the_same_worth_are_ordered_by_what_they_set_apart() {
    check_order(&[], &[]);
    check_order(&[(0.5, 0.1), (1.0, 0.1)], &[1, 0]);
    check_order(&[(1.0, 0.1), (0.95, 0.3), (0.5, 0.9)], &[1, 0, 2]);
    // A tenth less is near, more than that is not.
    check_order(&[(1.0, 0.1), (0.9, 0.3)], &[1, 0]);
    check_order(&[(1.0, 0.1), (0.89, 0.3)], &[0, 1]);
    // Of what is left each time, not of the best of all.
    check_order(&[(1.0, 0.1), (0.95, 0.1), (0.87, 0.3)], &[0, 2, 1]);
    check_order(&[(1.0, 0.2), (1.0, 0.2)], &[0, 1]);
}

#[test]
fn remedies_that_are_the_same_need_not_be_told_apart() {
    let check = |classes: &[u32], weights: &[f64], bits: f64, confused: f64| {
        let classes: Vec<Vec<u32>> = classes.iter().map(|c| vec![*c]).collect();
        let found = (entropy(&classes, weights), confusion(&classes, weights));
        assert!((found.0 - bits).abs() < 1e-9, "{classes:?}: {found:?}");
        assert!((found.1 - confused).abs() < 1e-9, "{classes:?}: {found:?}");
    };
    check(&[1], &[1.0], 0.0, 0.0);
    check(&[1, 1], &[0.5, 0.5], 0.0, 0.0);
    check(&[1, 2], &[0.5, 0.5], 1.0, 0.25);
    check(&[1, 2, 1], &[0.25, 0.5, 0.25], 1.0, 0.25);
    check(&[1, 2, 3, 4], &[0.25; 4], 2.0, 0.375);
    check(&[1, 2], &[1.0, 0.0], 0.0, 0.0);
}
