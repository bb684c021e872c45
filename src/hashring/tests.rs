#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

#[derive(Deserialize)]
struct Case {
    name: String,
    algorithm: String,
    replication_factor: usize,
    hashrings: serde_json::Value,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    tenant: String,
    labels: BTreeMap<String, String>,
    nodes: Vec<String>,
}

/// Placements dumped from upstream's own code, v0.41.
#[test]
fn upstream_vectors() {
    let file = include_str!("../../fixtures/hashring/ring-vectors.json");
    let cases: Vec<Case> = serde_json::from_str(file).unwrap();
    assert_eq!(cases.len(), 6);
    for case in cases {
        let rings = Rings::parse(&case.hashrings.to_string()).unwrap();
        let setup = Setup {
            algorithm: Some(match case.algorithm.as_str() {
                "ketama" => Algorithm::Ketama,
                _ => Algorithm::Hashmod,
            }),
            replication_factor: Some(case.replication_factor),
            version: parse_version("0.41"),
        };
        let router = Router::new(&rings, &setup).unwrap();
        for vector in case.vectors {
            let labels: Labels = vector.labels.into_iter().collect();
            let placement = router.place(&vector.tenant, &labels).unwrap();
            let nodes: Vec<_> = placement
                .replicas
                .iter()
                .map(|e| e.address.clone())
                .collect();
            assert_eq!(
                nodes, vector.nodes,
                "{} {} {labels:?}",
                case.name, vector.tenant
            );
        }
    }
}

#[test]
fn generator_is_that_of_go() {
    let expected: [(i64, [u64; 3], u64); 9] = [
        (
            0,
            [
                8717895732742165505,
                2259404117704393152,
                6050128673802995827,
            ],
            6050441218909099379,
        ),
        (
            1,
            [
                5577006791947779410,
                8674665223082153551,
                15352856648520921629,
            ],
            3940008962762074858,
        ),
        (
            -1,
            [
                12868334305193165484,
                9773543399016688047,
                3094056749125766625,
            ],
            14500953881400710414,
        ),
        (
            42,
            [
                12663951391086054483,
                9832119173398632219,
                5571782338101878760,
            ],
            6707421774765746693,
        ),
        (
            1 << 62,
            [
                5577006791947779410,
                8674665223082153551,
                15352856648520921629,
            ],
            3940008962762074858,
        ),
        (
            i64::MIN,
            [
                7681445645332086223,
                16000530077514976911,
                17971378070088983720,
            ],
            9319315367884692670,
        ),
        (
            i64::MAX,
            [
                5577006791947779410,
                8674665223082153551,
                15352856648520921629,
            ],
            3940008962762074858,
        ),
        (
            2147483647,
            [
                8717895732742165505,
                2259404117704393152,
                6050128673802995827,
            ],
            6050441218909099379,
        ),
        (
            89482311,
            [
                8717895732742165505,
                2259404117704393152,
                6050128673802995827,
            ],
            6050441218909099379,
        ),
    ];
    for (seed, first, after_1000) in expected {
        let mut source = gorand::Source::new(seed);
        assert_eq!(first, [(); 3].map(|()| source.next_u64()), "seed {seed}");
        for _ in 0..1000 {
            source.next_u64();
        }
        assert_eq!(after_1000, source.next_u64(), "seed {seed}");
    }
}

/// The table was printed by Go's own `filepath.Match`.
#[test]
fn globs_match_as_in_go() {
    for line in include_str!("../../fixtures/hashring/glob.tsv").lines() {
        let [pattern, name, expected] = line.split('\t').collect::<Vec<_>>()[..] else {
            panic!("{line:?}");
        };
        let got = match glob::matches(pattern, name) {
            Ok(true) => "yes",
            Ok(false) => "no",
            Err(_) => "error",
        };
        assert_eq!(got, expected, "{pattern:?} on {name:?}");
    }
}
