//! Shares: against series placed one by one, and the properties that make ketama worth having.

use proptest::prelude::*;

use super::*;

fn file(members: &[Endpoint], rest: &str) -> Rings {
    let list: Vec<String> = members
        .iter()
        .map(|one| match one.az.as_str() {
            "" => format!("\"{}\"", one.address),
            az => format!("{{\"address\": \"{}\", \"az\": \"{az}\"}}", one.address),
        })
        .collect();
    Rings::parse(&format!("[{{\"endpoints\": [{}]{rest}}}]", list.join(", "))).unwrap()
}

fn numbered(count: usize, zones: usize) -> Vec<Endpoint> {
    (0..count)
        .map(|n| Endpoint {
            address: format!("receive-{n}.receive:10901"),
            az: if zones == 0 {
                String::new()
            } else {
                format!("z{}", n % zones)
            },
            ..Endpoint::default()
        })
        .collect()
}

/// Places many series by both rings and counts what the measured shares say.
fn check_diff(old: &Rings, old_setup: &Setup, new: &Rings, new_setup: &Setup) {
    const SERIES: usize = 10_000;
    let (before, after) = (
        Router::new(old, old_setup).unwrap(),
        Router::new(new, new_setup).unwrap(),
    );
    let tenants = BTreeMap::from([("tenant-1".to_owned(), 1.0)]);
    let measured = diff(
        &before,
        &after,
        &Load {
            series: None,
            tenants,
        },
    )
    .unwrap();
    let rings = [&before, &after].map(|router| {
        router
            .ring(router.route("tenant-1").unwrap(), "tenant-1")
            .unwrap()
    });
    let mut moved = 0.0;
    let mut gains: BTreeMap<String, f64> = BTreeMap::new();
    for n in 0..SERIES {
        let hash = series_hash("tenant-1", [("n", n.to_string().as_str())]);
        let [was, is] = rings.each_ref().map(|ring| {
            let replicas = ring.replicas(hash).into_iter();
            replicas.map(|one| one.address.clone()).collect::<Vec<_>>()
        });
        let new: Vec<_> = is.iter().filter(|member| !was.contains(member)).collect();
        moved += f64::from(u8::from(!new.is_empty())) / SERIES as f64;
        new.iter()
            .for_each(|m| *gains.entry((**m).clone()).or_default() += 1.0 / SERIES as f64);
    }
    assert!(
        (measured.overall.moved - moved).abs() < 0.02,
        "{} {moved}",
        measured.overall.moved
    );
    for member in &measured.overall.members {
        let counted = gains.get(&member.endpoint).copied().unwrap_or(0.0);
        assert!(
            (member.gains - counted).abs() < 0.02,
            "{member:?} {counted}"
        );
        let after = member.before + member.gains - member.loses;
        assert!((member.after - after).abs() < 1e-12, "{member:?}");
    }
}

#[test]
fn shares_agree_with_series_placed_one_by_one() {
    use Algorithm::{Hashmod, Ketama};
    let (ketama, hashmod) = (setup(Ketama, 3, "0.41"), setup(Hashmod, 3, "0.41"));
    let ring = |count, zones| file(&numbered(count, zones), "");
    check_diff(&ring(3, 0), &ketama, &ring(5, 0), &ketama);
    check_diff(&ring(9, 3), &ketama, &ring(8, 3), &ketama);
    check_diff(&ring(6, 0), &hashmod, &ring(7, 0), &hashmod);
    check_diff(&ring(4, 0), &hashmod, &ring(4, 0), &ketama);
    let sharded = file(
        &numbered(6, 3),
        ", \"shuffle_sharding_config\": {\"shard_size\": 6}",
    );
    check_diff(&ring(6, 3), &ketama, &sharded, &ketama);
}

#[test]
fn hashmod_moves_are_exact_fractions() {
    let setup = setup(Algorithm::Hashmod, 1, "0.41");
    let (old, new) = (file(&numbered(3, 0), ""), file(&numbered(4, 0), ""));
    let (before, after) = (
        Router::new(&old, &setup).unwrap(),
        Router::new(&new, &setup).unwrap(),
    );
    let load = Load {
        series: Some(1200.0),
        tenants: BTreeMap::new(),
    };
    let result = diff(&before, &after, &load).unwrap();
    // Of twelve remainders, 0, 1 and 2 stay where they were.
    assert!(
        (result.overall.moved - 0.75).abs() < 1e-15,
        "{}",
        result.overall.moved
    );
    let extra: Vec<_> = result
        .overall
        .members
        .iter()
        .map(|m| m.extra_head_series.unwrap().round())
        .collect();
    assert_eq!(extra, [200.0, 200.0, 200.0, 300.0]);
    assert!(!result.same);
    assert!(diff(&before, &before, &load).unwrap().same);
}

#[test]
fn tenants_that_change_hashring_are_told() {
    let setup = setup(Algorithm::Ketama, 1, "0.41");
    let text = |tenants: &str| {
        format!(
            "[{{\"hashring\": \"a\", \"tenants\": [{tenants}], \"endpoints\": [\"a:10901\"]}}, \
             {{\"hashring\": \"b\", \"endpoints\": [\"b:10901\", \"c:10901\"]}}]"
        )
    };
    let (old, new) = (
        Rings::parse(&text("\"x\"")).unwrap(),
        Rings::parse(&text("\"y\"")).unwrap(),
    );
    let (before, after) = (
        Router::new(&old, &setup).unwrap(),
        Router::new(&new, &setup).unwrap(),
    );
    let tenants = BTreeMap::from([("x".to_owned(), 100.0), ("y".to_owned(), 300.0)]);
    let load = Load {
        series: Some(400.0),
        tenants,
    };
    let result = diff(&before, &after, &load).unwrap();
    let told: Vec<_> = result
        .tenants
        .iter()
        .map(|one| (one.tenant.as_str(), one.from.as_deref(), one.to.as_deref()))
        .collect();
    assert_eq!(
        told,
        [("y", Some("b"), Some("a")), ("x", Some("a"), Some("b"))]
    );
    assert!((result.overall.moved - 1.0).abs() < 1e-12);
    assert!((result.overall.members[0].extra_head_series.unwrap() - 300.0).abs() < 1e-9);
    assert_eq!(result.changes, ["hashring a: tenants change from x to y"]);
}

fn simulated(rings: &Rings, setup: &Setup) -> Simulation {
    let router = Router::new(rings, setup).unwrap();
    simulate(
        &router,
        setup,
        &Load {
            series: Some(1e6),
            tenants: BTreeMap::new(),
        },
    )
    .unwrap()
}

#[test]
fn losses_follow_the_quorum() {
    use Algorithm::Ketama;
    let check = |count, zones, copies, version: &str, expected: [Option<f64>; 3]| {
        let result = simulated(
            &file(&numbered(count, zones), ""),
            &setup(Ketama, copies, version),
        );
        let zone = result
            .zone_lost
            .iter()
            .map(|zone| zone.share)
            .fold(0.0, f64::max);
        let shares = [
            result.one_lost.worst_share,
            result.two_lost.worst_share,
            zone,
        ];
        for (share, expected) in shares.iter().zip(expected) {
            match expected {
                Some(expected) => assert!((share - expected).abs() < 1e-9, "{count} {shares:?}"),
                None => assert!(*share > 0.0 && *share < 1.0, "{count} {shares:?}"),
            }
        }
    };
    check(3, 0, 3, "0.41", [Some(0.0), Some(1.0), Some(0.0)]);
    check(5, 0, 3, "0.41", [Some(0.0), None, Some(0.0)]);
    check(5, 0, 1, "0.41", [None, None, Some(0.0)]);
    check(4, 0, 2, "0.36", [None, None, Some(0.0)]);
    check(4, 0, 2, "0.37", [Some(0.0), None, Some(0.0)]);
    check(9, 3, 3, "0.41", [Some(0.0), None, Some(0.0)]);
    check(4, 2, 3, "0.41", [Some(0.0), None, None]);
}

/// The bar: 100 members and a million series within a second. Shares do not depend on the number
/// of series, so the time is that of the ring alone; this runs unoptimised and shared.
#[test]
fn a_hundred_members_and_a_million_series() {
    let rings = file(&numbered(100, 0), "");
    let result = simulated(&rings, &setup(Algorithm::Ketama, 3, "0.41"));
    assert_eq!(result.members.len(), 100);
    let held: f64 = result
        .members
        .iter()
        .map(|one| one.head_series.unwrap())
        .sum();
    assert!((held - 3e6).abs() < 1e-3, "{held}");
    assert!(result.worst_to_mean < 1.1, "{}", result.worst_to_mean);
    assert_eq!(result.two_lost.choices, 4950);
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(8))]

    /// Adding a member to ketama moves about 1/N of the copies, and only to the new member.
    #[test]
    fn ketama_moves_only_what_it_must(count in 3usize..12, copies in 1usize..4) {
        let setup = setup(Algorithm::Ketama, copies, "0.41");
        let (old, new) = (file(&numbered(count, 0), ""), file(&numbered(count + 1, 0), ""));
        let result = diff(
            &Router::new(&old, &setup).unwrap(),
            &Router::new(&new, &setup).unwrap(),
            &Load::default(),
        ).unwrap();
        let fair = 1.0 / (count + 1) as f64;
        prop_assert!((result.overall.copies_moved - fair).abs() < 0.2 * fair);
        for member in &result.overall.members {
            prop_assert_eq!(member.gains > 0.0, result.added.contains(&member.endpoint));
        }
    }

    /// Copies are as many as asked for, on different members, spread over the zones.
    #[test]
    fn copies_are_distinct_and_spread(
        count in 3usize..15, zones in 0usize..4, copies in 1usize..4, hash in any::<u64>(),
    ) {
        let setup = setup(Algorithm::Ketama, copies, "0.41");
        let members = numbered(count, zones);
        let Ok(ring) = Ring::build(Algorithm::Ketama, &members, &setup) else {
            // Thanos would hang: too many copies for a small zone.
            return Ok(());
        };
        let mut names = std::collections::BTreeSet::new();
        let mut filled: BTreeMap<&str, usize> = members.iter().map(|m| (m.az.as_str(), 0)).collect();
        for replica in ring.replicas(hash) {
            names.insert(replica.address.clone());
            *filled.get_mut(replica.az.as_str()).unwrap() += 1;
        }
        prop_assert_eq!(names.len(), copies);
        if zones > 1 {
            let (least, most) = (filled.values().min().unwrap(), filled.values().max().unwrap());
            prop_assert!(most - least <= 1, "{:?}", filled);
        }
    }

    /// The order of the file does not matter to ketama.
    #[test]
    fn order_does_not_matter(
        (members, shuffled) in Just(numbered(9, 3))
            .prop_flat_map(|members| (Just(members.clone()), Just(members).prop_shuffle())),
        hash in any::<u64>(),
    ) {
        let setup = setup(Algorithm::Ketama, 3, "0.41");
        let [a, b] = [&members, &shuffled]
            .map(|list| Ring::build(Algorithm::Ketama, list, &setup).unwrap());
        prop_assert_eq!(a.replicas(hash), b.replicas(hash));
    }

    /// Rings are refused exactly when no walk around the circle can fill them: the formula and the
    /// search agree.
    #[test]
    fn endless_zones_are_found_by_formula(sizes in prop::collection::vec(1usize..5, 1..4), copies in 1usize..8) {
        let members: Vec<Endpoint> = sizes
            .iter()
            .enumerate()
            .flat_map(|(zone, &size)| (0..size).map(move |n| Endpoint {
                address: format!("m{zone}-{n}:1"),
                az: format!("z{zone}"),
                ..Endpoint::default()
            }))
            .collect();
        prop_assume!(members.len() >= copies);
        let smallest = *sizes.iter().min().unwrap();
        let most: usize = if sizes.len() == 1 { sizes[0] } else {
            sizes.iter().map(|&size| size.min(smallest + 1)).sum()
        };
        let built = Ring::build(Algorithm::Ketama, &members, &setup(Algorithm::Ketama, copies, "0.41"));
        prop_assert_eq!(built.is_ok(), copies <= most);
    }

    /// No text makes the reader panic.
    #[test]
    fn any_text_is_read(text in "\\PC{0,60}", json in "[\\[\\]{}\",:a-z0-9 \n]{0,80}") {
        let _ = parse_series(&text);
        let _ = glob::matches(&text, &json);
        for input in [&text, &json] {
            if let Ok(rings) = Rings::parse(input) {
                let _ = rings.validate(&Setup::default());
            }
        }
    }
}
