//! Tests of `hashring`.

#![allow(clippy::unwrap_used)]

use std::collections::BTreeMap;

use serde::Deserialize;

use super::*;

mod moves;
mod plans;
mod validate;

#[derive(Deserialize)]
struct Case {
    name: String,
    algorithm: String,
    replication_factor: usize,
    hashrings: serde_json::Value,
    version: Option<String>,
    vectors: Vec<Vector>,
}

#[derive(Deserialize)]
struct Vector {
    tenant: String,
    labels: BTreeMap<String, String>,
    nodes: Vec<String>,
}

/// Placements computed by upstream's own code, v0.41: the usual rings.
#[test]
fn upstream_vectors() {
    let file = include_str!("../../fixtures/hashring/ring-vectors.json");
    let cases: Vec<Case> = serde_json::from_str(file).unwrap();
    assert_eq!(cases.len(), 6);
    cases.iter().for_each(check_case);
}

/// The same of v0.41 and v0.39, for what is less usual: rings of 3 to 101 members, other replication
/// factors, two to four zones, shuffle sharding with and without zones and with overrides, globs,
/// matchers and algorithms that nobody knows, and tenants that nobody takes.
#[test]
fn upstream_vectors_of_unusual_rings() {
    let file = include_str!("../../fixtures/hashring/more-vectors.json");
    let cases: Vec<Case> = serde_json::from_str(file).unwrap();
    assert_eq!(cases.len(), 50);
    cases.iter().for_each(check_case);
}

fn check_case(case: &Case) {
    let rings = Rings::parse(&case.hashrings.to_string()).unwrap();
    let setup = Setup {
        algorithm: Some(match case.algorithm.as_str() {
            "ketama" => Algorithm::Ketama,
            _ => Algorithm::Hashmod,
        }),
        replication_factor: Some(case.replication_factor),
        version: parse_version(case.version.as_deref().unwrap_or("0.41")),
    };
    for vector in &case.vectors {
        let labels: Labels = vector.labels.clone().into_iter().collect();
        let placement = place(&rings, &setup, &vector.tenant, &labels);
        let nodes: Vec<String> = placement.map_or(Vec::new(), |p| {
            p.replicas.iter().map(|e| e.address.clone()).collect()
        });
        // Where upstream answers with an error there are none.
        assert_eq!(
            nodes, vector.nodes,
            "{} {} {labels:?}",
            case.name, vector.tenant
        );
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
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

#[test]
fn shuffle_is_that_of_go() {
    for (seed, expected) in [
        (1, [2, 1, 11, 9, 5, 0, 4, 8, 3, 6, 10, 7]),
        (42, [7, 9, 3, 5, 8, 11, 2, 10, 1, 6, 0, 4]),
        (-7, [10, 9, 1, 4, 6, 3, 5, 2, 11, 7, 8, 0]),
    ] {
        let mut items: [i32; 12] = std::array::from_fn(|i| i as i32);
        gorand::Source::new(seed).shuffle(&mut items);
        assert_eq!(items, expected, "seed {seed}");
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

#[test]
fn hashes_of_the_knowledge_base() {
    use xxhash_rust::xxh64::xxh64;
    assert_eq!(xxh64(b"node-1:1", 0), 0x4afb_5483_c129_158b);
    assert_eq!(
        series_hash("tenant", [("pod", "nginx")]),
        0x25c4_4c07_80c3_4a23
    );
    let labels = parse_series("up{job=\"prometheus\", instance=\"10.0.0.1:9090\"}").unwrap();
    let pairs = labels
        .iter()
        .map(|(name, value)| (name.as_str(), value.as_str()));
    assert_eq!(series_hash("default-tenant", pairs), 0x9c54_293a_41a5_9be8);
}

/// Members as `name` or `name@zone`.
fn members(list: &str) -> Vec<Endpoint> {
    list.split_whitespace()
        .map(|item| {
            let (address, az) = item.split_once('@').unwrap_or((item, ""));
            Endpoint {
                address: address.into(),
                az: az.into(),
                ..Endpoint::default()
            }
        })
        .collect()
}

fn setup(algorithm: Algorithm, copies: usize, version: &str) -> Setup {
    Setup {
        algorithm: Some(algorithm),
        replication_factor: Some(copies),
        version: parse_version(version),
    }
}

#[test]
fn placements_of_the_knowledge_base() {
    use Algorithm::{Hashmod, Ketama};
    let check = |algorithm, list: &str, tenant: &str, series: &str, expected: &str| {
        let ring = Ring::build(algorithm, &members(list), &setup(algorithm, 3, "0.41")).unwrap();
        let labels = parse_series(series).unwrap();
        let pairs = labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let replicas = ring.replicas(series_hash(tenant, pairs));
        let names: Vec<_> = replicas
            .iter()
            .map(|endpoint| endpoint.address.as_str())
            .collect();
        assert_eq!(names.join(" "), expected, "{algorithm} {list}");
    };
    let pod = "{pod=\"nginx\"}";
    check(
        Ketama,
        "node-1 node-2 node-3",
        "tenant",
        pod,
        "node-1 node-2 node-3",
    );
    check(
        Ketama,
        "a@1 b@2 c@1 d@2 e@3 f@3",
        "default-tenant",
        "{foo=\"bar\"}",
        "d f a",
    );
    let host =
        |n: usize| format!("thanos-receive-{n}.thanos-receive.thanos.svc.cluster.local:10901");
    let list = format!("{} {} {}", host(0), host(1), host(2));
    let up = "up{instance=\"10.0.0.1:9090\",job=\"prometheus\"}";
    let order = |a, b, c| format!("{} {} {}", host(a), host(b), host(c));
    check(Ketama, &list, "default-tenant", up, &order(1, 0, 2));
    check(Hashmod, &list, "default-tenant", up, &order(2, 0, 1));
}

#[test]
fn hashmod_sorts_from_v0_34() {
    let unsorted = members("c a b");
    for (version, expected) in [
        ("0.33.0", "c a b"),
        ("0.34.0", "a b c"),
        ("0.41.0", "a b c"),
    ] {
        let setup = setup(Algorithm::Hashmod, 3, version);
        let ring = Ring::build(Algorithm::Hashmod, &unsorted, &setup).unwrap();
        let names: Vec<_> = ring
            .replicas(0)
            .iter()
            .map(|one| one.address.as_str())
            .collect();
        assert_eq!(names.join(" "), expected, "{version}");
    }
}

#[test]
fn impossible_rings_are_refused_and_do_not_hang() {
    let check = |algorithm, list: &str, copies, expected: &str| {
        let result = Ring::build(algorithm, &members(list), &setup(algorithm, copies, "0.41"));
        let message = result
            .map(|_| "built".to_owned())
            .unwrap_or_else(|e| e.to_string());
        assert!(message.contains(expected), "{list}: {message}");
    };
    use Algorithm::{Hashmod, Ketama};
    check(Ketama, "a b", 3, "needs to be larger");
    check(Ketama, "", 1, "needs to be larger");
    check(Hashmod, "a b", 3, "insufficient nodes; have 2, want 3");
    check(Hashmod, "a@1 b c", 1, "hashmod does not support zones");
    check(Ketama, "a@1 b@2 c@2 d@2 e@2 f@2", 4, "compute for ever");
    check(Ketama, "a@1 b@2 c@2 d@2 e@2 f@2", 3, "built");
    check(Ketama, "a@1 b c d e f", 4, "compute for ever");
    check(Ketama, "a@1 b@1 c@2 d@2 e@2 f@2", 5, "built");
    // Twice the same member: its sections never end the search either.
    check(Ketama, "a a", 2, "built");
    check(Ketama, &"a ".repeat(2001), 2, "more than can be computed");
}

/// What the members of two lab rings showed, the one with v0.41.0, the other with v0.35.1.
#[test]
fn config_hash_is_what_members_show() {
    let new = include_bytes!("../../fixtures/hashring/lab-v0.41.json");
    let old = include_bytes!("../../fixtures/hashring/lab-v0.35.json");
    assert_eq!(
        config_hash(new, parse_version("0.41.0")),
        172_320_279_313_510
    );
    assert_eq!(config_hash(new, None), 172_320_279_313_510);
    assert_eq!(
        config_hash(old, parse_version("0.35.1")),
        130_648_620_531_372
    );
}

#[test]
fn quorum_by_version() {
    for (copies, version, needed) in [
        (1, "0.41", 1),
        (2, "0.36", 2),
        (2, "0.37", 1),
        (3, "0.12", 2),
        (3, "main", 2),
        (4, "0.41", 3),
        (5, "0.30", 3),
    ] {
        assert_eq!(
            quorum(copies, parse_version(version)).needed,
            needed,
            "{copies} {version}"
        );
    }
    assert!(!quorum(3, parse_version("0.29")).per_series);
}

#[test]
fn series_are_read_as_in_promql() {
    let check = |text: &str, expected: &str| {
        let shown = match parse_series(text) {
            Ok(labels) => labels
                .iter()
                .map(|(n, v)| format!("{n}={v}"))
                .collect::<Vec<_>>()
                .join(";"),
            Err(error) => format!("! {error}"),
        };
        assert_eq!(shown, expected, "{text}");
    };
    check("up", "__name__=up");
    check("a:b{}", "__name__=a:b");
    check(" { b = 'x' , a=\"y\", } ", "a=y;b=x");
    check("{__name__=\"up\",job=`a\\b`}", "__name__=up;job=a\\b");
    check("{\"up.x\", \"l.y\"=\"1\"}", "__name__=up.x;l.y=1");
    check("{a=\"\\\"q\\\" \\u00fc \\x41\\101\\n\"}", "a=\"q\" ü AA\n");
    check("up{empty=\"\"}", "__name__=up");
    check(
        "{}",
        "! a series needs at least one label, at character 3 of the series",
    );
    check(
        "{a=~\"b\"}",
        "! one series is asked for: only = can be used, at character 3 of the series",
    );
    check(
        "{a=\"b\"",
        "! expected , or }, at character 7 of the series",
    );
    check(
        "{a=\"b",
        "! the quote is not closed, at character 6 of the series",
    );
    check(
        "{a=\"b\",a=\"c\"}",
        "! label a is given twice, at character 14 of the series",
    );
    check(
        "up{__name__=\"x\"}",
        "! label __name__ is given twice, at character 17 of the series",
    );
    check(
        "{a=\"b\"} x",
        "! nothing may follow the closing brace, at character 9 of the series",
    );
}

#[test]
fn tenants_find_their_hashring() {
    let file = r#"[
        {"hashring": "a", "tenants": ["x", "y*"]},
        {"hashring": "b", "tenants": ["g-*", "[q"], "tenant_matcher_type": "glob"},
        {"hashring": "c", "tenants": ["z"], "tenant_matcher_type": "regex"},
        {"hashring": "d", "tenants": ["z"]}]"#
        .replace("\"tenants\"", "\"endpoints\": [\"e:10901\"], \"tenants\"");
    let rings = Rings::parse(&file).unwrap();
    let check = |version: &str, tenant: &str, expected: &str| {
        let setup = setup(Algorithm::Ketama, 1, version);
        let router = Router::new(&rings, &setup).unwrap();
        let found = match router.route(tenant) {
            Ok(index) => rings.rings[index].name.clone(),
            Err(error) => error.to_string(),
        };
        assert!(found.contains(expected), "{tenant} with {version}: {found}");
    };
    check("0.41", "x", "a");
    check("0.41", "y*", "a");
    check("0.41", "g-1", "b");
    check("0.41", "z", "syntax error in pattern");
    check("0.34", "g-*", "b");
    check("0.34", "g-1", "no matching hashring");
    check("0.34", "z", "c");
}

#[test]
fn old_shuffle_sharding_is_another() {
    let file = include_str!("../../fixtures/hashring/ring-vectors.json");
    let cases: Vec<Case> = serde_json::from_str(file).unwrap();
    let case = cases
        .iter()
        .find(|case| case.name.starts_with("shuffle"))
        .unwrap();
    let rings = Rings::parse(&case.hashrings.to_string()).unwrap();
    let shard = |version: &str| {
        let setup = setup(Algorithm::Ketama, 3, version);
        let router = Router::new(&rings, &setup).unwrap();
        let ring = router.ring(0, "team-a").unwrap().into_owned();
        let mut names: Vec<_> = ring.endpoints().iter().map(|e| e.address.clone()).collect();
        names.sort();
        names
    };
    assert_eq!(shard("0.39").len(), 6);
    assert_ne!(shard("0.39"), shard("0.41"));
    assert_eq!(shard("0.40"), shard("0.39"));
}
