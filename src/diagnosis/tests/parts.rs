//! Parts of a diagnosis: conditions of links, places, rivals, draws from a ring, necessity.

use std::collections::BTreeSet;

use crate::diagnosis::network::{CauseNode, Gate, Network, Parent, StateNode, SymptomNode, Term};
use crate::diagnosis::*;
use crate::evidence::Ledger;
use crate::pack::{Bind, CauseIx, Pack, Role, SubjectKind, Version, VersionRange, When};

#[test]
fn a_link_holds_under_its_conditions_and_where_they_are_not_known() {
    let when =
        |versions: &str, factors: &[u32], algorithm: Option<&str>, mode: Option<&str>| When {
            versions: VersionRange {
                since: Version::parse(versions),
                until: None,
            },
            replication_factor: factors.to_vec(),
            algorithm: algorithm.map(str::to_owned),
            mode: mode.map(str::to_owned),
        };
    let scope = |version: Option<&str>, factor, algorithm: Option<&str>, router_only| Scope {
        members: vec![Member {
            name: "r-0".to_owned(),
            version: version.and_then(Version::parse),
            router_only,
            ..Member::default()
        }],
        replication_factor: factor,
        algorithm: algorithm.map(str::to_owned),
        ..Scope::default()
    };
    let known = || scope(Some("0.35.0"), Some(3), Some("ketama"), true);
    let unknown = || scope(None, None, None, false);
    for (when, of_known, of_unknown) in [
        (When::default(), true, true),
        (
            when("0.35.0", &[3, 5], Some("ketama"), Some("RouterOnly")),
            true,
            false,
        ),
        (when("0.36.0", &[], None, None), false, true),
        (when("", &[2], None, None), false, true),
        (when("", &[2, 3], None, None), true, true),
        (when("", &[], Some("hashmod"), None), false, true),
        (when("", &[], None, Some("IngestorOnly")), false, true),
        (
            when("0.36.0", &[3], Some("ketama"), Some("RouterOnly")),
            false,
            false,
        ),
        (
            when("0.35.0", &[2], Some("ketama"), Some("RouterOnly")),
            false,
            false,
        ),
        (
            when("0.35.0", &[3], Some("hashmod"), Some("RouterOnly")),
            false,
            false,
        ),
    ] {
        for (scope, expected) in [(known(), of_known), (unknown(), of_unknown)] {
            let pack = Pack::load::<&str, &str>([]).unwrap();
            let (ledger, families) = (Ledger::default(), families::Families::new(&pack));
            let binder = bind::Binder::new(&ledger, &pack, &families, &scope);
            let place = bind::Place::pod(0);
            assert_eq!(
                binder.applies(&when, place),
                expected,
                "{when:?} of {scope:?}"
            );
        }
    }
}

#[test]
fn what_a_pod_has_of_its_node_is_of_that_node_alone() {
    let member = |name: &str, node: Option<&str>| Member {
        name: name.to_owned(),
        node: node.map(str::to_owned),
        ..Member::default()
    };
    let scope = Scope {
        members: vec![
            member("r-0", Some("n-1")),
            member("r-1", Some("n-2")),
            member("r-2", Some("n-2")),
            member("r-3", None),
        ],
        ..Scope::default()
    };
    let pack = Pack::load::<&str, &str>([]).unwrap();
    let (ledger, families) = (Ledger::default(), families::Families::new(&pack));
    let binder = bind::Binder::new(&ledger, &pack, &families, &scope);
    let (pod, node) = (bind::Place::Pod, bind::Place::Node);
    let all = [pod(0), pod(1), pod(2), pod(3)];
    for (from, bind, kind, expected) in [
        (pod(0), Bind::Same, SubjectKind::Node, &[node(0)][..]),
        (pod(2), Bind::Same, SubjectKind::Node, &[node(1)]),
        // Without its node any node may be the one it runs on.
        (pod(3), Bind::Same, SubjectKind::Node, &[node(0), node(1)]),
        (node(1), Bind::Same, SubjectKind::Pod, &[pod(1), pod(2)]),
        (node(1), Bind::Same, SubjectKind::Node, &[node(1)]),
        (pod(1), Bind::Same, SubjectKind::Pod, &[pod(1)]),
        (pod(1), Bind::Same, SubjectKind::Volume, &[pod(1)]),
        (pod(1), Bind::AnyPod, SubjectKind::Pod, &all),
        (bind::Place::NoPod, Bind::Same, SubjectKind::Pod, &all),
        (
            pod(1),
            Bind::Same,
            SubjectKind::Bucket,
            &[bind::Place::One(SubjectKind::Bucket)],
        ),
        (
            bind::Place::One(SubjectKind::Bucket),
            Bind::Same,
            SubjectKind::Node,
            &[node(0), node(1)],
        ),
    ] {
        let found = binder.reach(from, bind, kind).all();
        assert_eq!(found, expected, "{kind:?} from {from:?}");
    }
}

/// Roles, probabilities and bands of hypotheses, best first.
fn hypotheses(all: &[(Role, f64, Band)]) -> Vec<Hypothesis> {
    let each = all.iter().enumerate();
    each.map(|(n, (role, probability, band))| Hypothesis {
        cause: CauseIx(u32::try_from(n).unwrap()),
        role: *role,
        probability: *probability,
        band: *band,
        subjects: Vec::new(),
        chain: Vec::new(),
        explains: Vec::new(),
        pro: Vec::new(),
        contra: Vec::new(),
        poorly_explained: Vec::new(),
    })
    .collect()
}

#[test]
fn hypotheses_of_nearly_the_same_odds_are_said_to_be_rivals() {
    let check = |all: &[(Role, f64)], expected: &[&[usize]]| {
        let all: Vec<_> = all
            .iter()
            .map(|(role, p)| (*role, *p, Band::Possible))
            .collect();
        assert_eq!(
            interpret::indistinguishable(&hypotheses(&all)),
            expected,
            "{all:?}"
        );
    };
    let root = |p: f64| (Role::Root, p);
    check(&[], &[]);
    check(&[root(0.4)], &[]);
    check(&[root(0.4), root(0.4)], &[&[0, 1]]);
    check(&[root(0.51), root(0.4)], &[]);
    check(&[root(0.48), root(0.40)], &[&[0, 1]]);
    // Odds, not probabilities.
    check(&[root(0.45), root(0.35)], &[]);
    // Each with the next one: a chain is one group, a gap begins another.
    check(&[root(0.32), root(0.30), root(0.28)], &[&[0, 1, 2]]);
    check(
        &[root(0.32), root(0.30), root(0.1), root(0.1)],
        &[&[0, 1], &[2, 3]],
    );
    // Two that are both near certain do not compete, nor does what is benign.
    check(&[root(0.61), root(0.60)], &[]);
    check(&[root(0.60), root(0.59)], &[&[0, 1]]);
    check(&[root(0.4), (Role::Benign, 0.4), root(0.4)], &[&[0, 2]]);
    check(&[root(1.0), root(0.1)], &[]);
    check(&[root(0.0), root(0.0)], &[&[0, 1]]);
}

#[test]
fn a_proximate_cause_stands_after_a_likely_root() {
    let check = |all: &[(Role, f64, Band)], expected: &[u32]| {
        let mut all = hypotheses(all);
        interpret::proximate_last(&mut all);
        assert_eq!(all.iter().map(|h| h.cause.0).collect::<Vec<_>>(), expected);
    };
    let near = (Role::Proximate, 0.9, Band::Likely);
    let root = |band| (Role::Root, 0.8, band);
    check(&[near, root(Band::Likely)], &[1, 0]);
    check(&[near, root(Band::Possible)], &[0, 1]);
    check(&[near, near, root(Band::Confirmed), near], &[2, 0, 1, 3]);
    check(&[root(Band::Likely), near, root(Band::Likely)], &[0, 2, 1]);
    check(&[near, near], &[0, 1]);
}

#[test]
fn bad_members_among_those_that_are_drawn() {
    for (n, bad, drawn, k, expected) in [
        (4, 2, 3, 2, 0.5),
        (6, 2, 3, 2, 0.2),
        (6, 3, 3, 2, 0.5),
        (5, 1, 3, 1, 0.6),
        (5, 4, 3, 2, 1.0),
        (7, 3, 5, 1, 1.0),
        (7, 0, 3, 1, 0.0),
        (10, 3, 3, 3, 1.0 / 120.0),
    ] {
        let p = quorum::hypergeometric_tail(n, bad, drawn, k);
        assert!(
            (p - expected).abs() < 1e-12,
            "{k} of {drawn}, {bad} of {n} bad: {p}"
        );
    }
    // A ring no larger than the factor has all copies on all members.
    assert_eq!(quorum::failing_share(3, 3, 2), [0.0, 0.0, 1.0, 1.0]);
    let large = quorum::failing_share(200, 3, 2);
    let one_pair = 198.0 / (200.0 * 199.0 * 198.0 / 6.0);
    let expected = 1.0 - libm::pow(1.0 - one_pair, 2000.0);
    assert!((large[2] - expected).abs() < 1e-9, "{}", large[2]);
}

/// Two causes of a symptom, one of them through a state that another member must share; and a gate over three.
fn shared() -> Network {
    let cause = |n: u32| CauseNode {
        name: format!("c{n}"),
        kind: n,
        prior: 0.01,
        together: 0.0,
        benign: false,
        excludes: Vec::new(),
        seeded: false,
        unknown: false,
        class: n,
        onset: None,
    };
    let term = |all: &[Parent], q: f64| Term {
        all: all.to_vec(),
        q,
        weight: 0.5,
    };
    let state = |leak: f64, terms: Vec<Term>, gate: Option<Gate>| StateNode {
        name: String::new(),
        leak,
        terms,
        gate,
    };
    let symptom = |terms: Vec<Term>| SymptomNode {
        name: String::new(),
        present: true,
        observability: 1.0,
        leak: 0.05,
        terms,
        rank_weight: 2.0,
        group: 0,
        severe: true,
    };
    let on = |c: usize| Parent::Cause(c);
    let mut states: Vec<StateNode> = (0..3)
        .map(|n| state(0.02, vec![term(&[on(n)], 0.8)], None))
        .collect();
    let gate = Gate {
        members: vec![0, 1, 2],
        q: 0.9,
        g: vec![0.0, 0.1, 0.8, 1.0],
    };
    states.push(state(0.01, Vec::new(), Some(gate)));
    Network {
        causes: (0..3).map(cause).collect(),
        states,
        symptoms: vec![
            symptom(vec![term(&[on(0)], 0.6), term(&[on(1)], 0.7)]),
            symptom(vec![term(&[Parent::State(3)], 0.9)]),
            symptom(vec![term(&[Parent::State(0), on(2)], 0.95)]),
            symptom(Vec::new()),
        ],
    }
}

/// On a tree the quick way to ask what needs what is exact.
#[test]
fn necessity_is_that_of_the_sum_over_all_states() {
    let network = shared();
    let options = solve::Options {
        unknown: false,
        ..solve::Options::default()
    };
    let solution = solve::solve(&network, &options);
    for set in [&[0][..], &[1], &[0, 1], &[0, 2], &[0, 1, 2]] {
        let all: BTreeSet<usize> = (0..network.symptoms.len()).collect();
        let quick = needs::Needs::alone(&network, set, &all);
        for symptom in 0..network.symptoms.len() {
            let exact = solve::necessity_in(&solution, set, symptom);
            for cause in set {
                let one = quick.iter().find(|n| (n.0, n.1) == (*cause, symptom));
                let other = exact.iter().find(|n| n.0 == *cause);
                let (one, other) = (one.map_or(0.0, |n| n.2), other.map_or(0.0, |n| n.1));
                assert!(
                    (one - other).abs() < 1e-6,
                    "{cause} of {set:?} for {symptom}: {one} instead of {other}"
                );
            }
        }
    }
}

#[test]
fn scores_are_means_over_symptoms_by_weight() {
    let mut network = shared();
    network.symptoms[1].rank_weight = 6.0;
    network.causes[2].kind = 1;
    let symptoms = BTreeSet::from([0, 1]);
    // Of two instances of a kind the one that a symptom needs most counts; other symptoms do not.
    let needs = [
        (0, 0, 0.5),
        (1, 0, 0.2),
        (2, 0, 0.4),
        (1, 1, 0.1),
        (0, 2, 1.0),
    ];
    let scores = needs::scores(&network, &symptoms, needs.into_iter());
    let expected = [(0, 2.0 * 0.5 / 8.0), (1, (2.0 * 0.4 + 6.0 * 0.1) / 8.0)];
    assert_eq!(scores.len(), expected.len());
    for (kind, score) in expected {
        assert!((scores[&kind] - score).abs() < 1e-12, "{kind}: {scores:?}");
    }
}
