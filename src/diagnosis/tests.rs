//! Excuses, timing and quorum, each by a table. What must hold of whole diagnoses: `tests/it/properties.rs`.

#![allow(clippy::unwrap_used)]

mod parts;

use std::collections::BTreeSet;

use super::*;
use crate::evidence::Resolver;
use crate::limits;
use crate::matcher::Matcher;
use crate::pack::Version;
use crate::record::{Origin, Record};

const FILES: &[(&str, &str)] = &[
    (
        "signatures/a/conflict.yaml",
        "title: A conflict\nseverity: error\nvariants: [{where: {err: stored it before}}]\nbenign_when:\n\
         - {near: a/restart, within: 1m, because: a retry meets what was stored before}\n",
    ),
    (
        "signatures/a/dropped.yaml",
        "title: A dropped connection\nseverity: error\nvariants: [{where: {err: connection was dropped}}]\nbenign_when:\n\
         - {fewer_than: 3, within: 1m, because: one is retried and heals unnoticed}\n",
    ),
    (
        "signatures/a/restart.yaml",
        "title: A start\nseverity: info\nvariants: [{where: {msg: it has been started}}]\n",
    ),
];

/// Lines at seconds → signatures that were excused.
#[track_caller]
fn check_excused(lines: &[(u32, &str)], expected: &[&str]) {
    let pack = Pack::load(FILES.iter().copied()).unwrap();
    let matcher = Matcher::new(&pack);
    let (origin, resolver) = (Origin::pod("receive-0"), Resolver::default());
    let mut ledger = Ledger::default();
    for (second, rest) in lines {
        let line = format!(
            "ts=2026-01-01T00:{:02}:{:02}Z {rest}",
            second / 60,
            second % 60
        );
        let record = Record::log(&origin, line.as_bytes());
        ledger.coverage.add(&record);
        matcher.scan(&pack, &record, |hit| ledger.add(hit, &record, &resolver));
    }
    let before = ledger.iter().count();
    let excused = excuse::excuse(&ledger, &pack);
    let scope = Scope {
        members: vec![Member {
            name: "receive-0".to_owned(),
            ..Member::default()
        }],
        ..Scope::default()
    };
    let ledger = excuse::rest(&ledger, &excused, &scope);
    let ids: Vec<&str> = excused
        .iter()
        .map(|e| pack[e.signature].id.as_str())
        .collect();
    assert_eq!(ids, expected, "{lines:?}");
    assert_eq!(
        ledger.iter().count(),
        before - expected.len(),
        "what is excused is taken out, and nothing else"
    );
}

#[test]
fn what_is_seen_understood_and_harmless_is_excused() {
    let conflict = "err=\"stored it before\"";
    let restart = "msg=\"it has been started\"";
    let dropped = "err=\"connection was dropped\"";
    check_excused(&[], &[]);
    check_excused(&[(10, conflict)], &[]);
    check_excused(&[(10, restart), (50, conflict)], &["a/conflict"]);
    check_excused(&[(10, restart), (90, conflict)], &[]);
    // A minute is within a minute, before and after; of what goes on for longer nothing is excused.
    check_excused(&[(10, restart), (70, conflict)], &["a/conflict"]);
    check_excused(&[(10, conflict), (70, restart)], &["a/conflict"]);
    check_excused(&[(10, conflict), (71, restart)], &[]);
    check_excused(&[(10, restart), (50, conflict), (90, conflict)], &[]);
    let quiet = "msg=\"all is well\"";
    check_excused(
        &[(10, dropped), (20, dropped), (3000, quiet)],
        &["a/dropped"],
    );
    // Five windows of it are long enough to tell, and not a second less.
    check_excused(&[(0, dropped), (20, dropped), (300, quiet)], &["a/dropped"]);
    check_excused(&[(0, dropped), (20, dropped), (299, quiet)], &[]);
    check_excused(
        &[(10, dropped), (20, dropped), (70, dropped), (3000, quiet)],
        &["a/dropped"],
    );
    // Of an excerpt of seconds nobody knows how often it came.
    check_excused(&[(10, dropped), (20, dropped)], &[]);
    check_excused(
        &[(10, dropped), (20, dropped), (30, dropped), (3000, quiet)],
        &[],
    );
}

#[test]
fn what_comes_too_early_or_too_late_weighs_little() {
    for (delta, least, most) in [
        (0.0, 0.0, 5.0),
        (5.0, 0.0, 5.0),
        (-2.0, 0.0, 5.0),
        (7.0, 0.0, 5.0),
    ] {
        assert!(
            (timing::weight(delta, (least, most)) - 1.0).abs() < 1e-12,
            "{delta} in {least}..{most}"
        );
    }
    let mut last = 1.0;
    for delta in [8.0, 10.0, 15.0, 1e6] {
        let weight = timing::weight(delta, (0.0, 5.0));
        assert!(
            weight < last && weight > 0.0,
            "{delta}: {weight} after {last}"
        );
        last = weight;
    }
}

#[test]
fn quorum_depends_on_factor_and_version() {
    for (factor, version, expected) in [
        (1, "0.41.0", 1),
        (2, "0.36.1", 2),
        (2, "0.37.0", 1),
        (3, "0.20.0", 2),
        (3, "0.41.0", 2),
        (5, "0.41.0", 3),
    ] {
        assert_eq!(
            quorum::needed(factor, Version::parse(version)),
            expected,
            "{factor} copies, {version}"
        );
    }
}

#[test]
fn more_bad_members_never_fail_fewer_requests() {
    for n in 1..12 {
        for k in 1..=3 {
            let share = quorum::failing_share(n, 3, k);
            assert_eq!(share.len(), n as usize + 1);
            assert!(
                share.windows(2).all(|w| w[0] <= w[1] + 1e-12),
                "{n} members, {k} needed: {share:?}"
            );
            assert!(share.iter().all(|s| (0.0..=1.0).contains(s)), "{share:?}");
            assert!(
                share[..(k as usize).min(share.len())]
                    .iter()
                    .all(|s| *s < 1e-9),
                "{share:?}"
            );
        }
    }
}

#[test]
fn of_too_many_causes_those_at_the_last_nodes_are_left_out_and_counted() {
    const NODES: usize = 256;
    let kinds = limits::CANDIDATES / NODES + 1;
    let mut files = vec![(
        "signatures/a/sick.yaml".to_owned(),
        "title: Sick\nseverity: error\nvariants: [{where: {msg: it is sick}}]\n\
         extract: {node: {from: node}}\nabout: node\n"
            .to_owned(),
    )];
    files.extend((0..kinds).map(|n| {
        let cause = format!(
            "title: Cause {n}\nrole: root\nscope: node\nprior: rare\n\
             links: [{{to: a/sick, q: usually, bind: same-node}}]\n"
        );
        (format!("causes/c{n}.yaml"), cause)
    }));
    let pack = Pack::load(files.into_iter().map(|(p, b)| (p, b.into_bytes()))).unwrap();
    let matcher = Matcher::new(&pack);
    let (resolver, mut ledger) = (Resolver::default(), Ledger::default());
    let origin = Origin::pod("r-0");
    for n in 0..NODES {
        let line = format!("ts=2026-01-01T00:00:01Z msg=\"it is sick\" node=n-{n}");
        let record = Record::log(&origin, line.as_bytes());
        matcher.scan(&pack, &record, |hit| ledger.add(hit, &record, &resolver));
    }
    let diagnosis = diagnose(&ledger, &pack, &Scope::default());
    assert_eq!(diagnosis.left_out, kinds * NODES - limits::CANDIDATES);
    assert!(!diagnosis.incidents.is_empty());
}

/// What is said of each pod of a ring → which pods are weighed one by one.
#[track_caller]
fn check_standing(said: &[(&str, &[&str])], expected: &[&str]) {
    let files = ["calm", "odd", "sick", "worn"].map(|name| {
        let severity = if name == "calm" { "info" } else { "error" };
        let text = format!(
            "title: T\nseverity: {severity}\nvariants: [{{where: {{msg: it is {name}}}}}]\n"
        );
        (format!("signatures/a/{name}.yaml"), text.into_bytes())
    });
    let pack = Pack::load(files).unwrap();
    let matcher = Matcher::new(&pack);
    let (resolver, mut ledger, mut scope) =
        (Resolver::default(), Ledger::default(), Scope::default());
    for (pod, names) in said {
        let origin = Origin::pod(pod);
        for name in *names {
            let line = format!("ts=2026-01-01T00:00:01Z msg=\"it is {name}\"");
            let record = Record::log(&origin, line.as_bytes());
            matcher.scan(&pack, &record, |hit| ledger.add(hit, &record, &resolver));
        }
        scope.members.push(Member {
            name: (*pod).to_owned(),
            role: MemberRole::Receiver,
            ..Member::default()
        });
    }
    let families = families::Families::new(&pack);
    let member = |s: &Subject| scope.member(&s.name).map(|m| u32::try_from(m).unwrap());
    let standing = standing::Standing::choose(&ledger, &pack, &families, &scope, |_| true, member);
    let weighed: Vec<&str> = (0u32..)
        .zip(said)
        .filter(|(n, _)| standing.has(*n))
        .map(|(_, (pod, _))| *pod)
        .collect();
    assert_eq!(weighed, expected);
}

#[test]
fn of_few_pods_all_are_weighed() {
    let calm: &[&str] = &["calm"];
    check_standing(
        &[("a", calm), ("b", calm), ("c", calm), ("d", &["sick"])],
        &["a", "b", "c", "d"],
    );
}

#[test]
fn of_many_pods_two_of_each_kind_of_trouble_and_a_well_one_are_weighed() {
    let calm: &[&str] = &["calm"];
    let all = [
        ("a", calm),
        ("b", calm),
        ("c", &["odd"][..]),
        ("d", calm),
        ("e", &["calm", "sick"][..]),
        ("f", &["calm", "sick"][..]),
        ("g", &["calm", "sick"][..]),
    ];
    check_standing(&all, &["a", "c", "e", "f"]);
}

#[test]
fn what_is_said_of_a_pod_counts_at_the_one_most_like_it() {
    let pods = |sick: &[&'static str]| sick.to_vec();
    let said = [
        pods(&["sick", "worn"]),
        pods(&["sick", "worn"]),
        pods(&["sick"]),
        pods(&["sick"]),
        pods(&["sick", "worn"]),
        pods(&[]),
    ];
    let families = |names: &[&str]| -> BTreeSet<usize> {
        let all = ["odd", "sick", "worn"];
        names
            .iter()
            .map(|n| all.iter().position(|a| a == n).unwrap())
            .collect()
    };
    let standing =
        standing::Standing::of_said(said.iter().map(|names| families(names)), &[0, 2, 3, 5]);
    assert_eq!(standing.of(4, 1), Some(0), "the one that is worn too");
    assert_eq!(standing.of(1, 2), Some(0));
    assert_eq!(standing.of(2, 1), Some(2), "itself");
    assert_eq!(standing.of(4, 0), None, "said of none that is weighed");
    assert_eq!(standing.for_whom(0, &families(&["sick", "worn"])), [1, 4]);
    assert_eq!(standing.for_whom(0, &families(&[])), [] as [u32; 0]);
    assert_eq!(
        standing.for_whom(1, &families(&["sick"])),
        [] as [u32; 0],
        "others stand for it"
    );
}
