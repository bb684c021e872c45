//! Whose evidence it is, under which name, and what an outline keeps of it.

use super::{FILES, Said, ledger};
use crate::evidence::{Ledger, Resolver, Sample, SmallMap, Subject};
use crate::matcher::Matcher;
use crate::pack::{Pack, SignatureIx, SubjectKind};
use crate::record::{Fields, Origin, Record, Source, Time};

const SAID: &[Said] = &[(1, 5, 3), (2, 9, 3), (2, 7, 3), (3, 8, 0)];

/// Subject and count of each entry.
fn counts(ledger: &Ledger) -> Vec<(String, u64)> {
    let each = ledger.iter();
    each.map(|(_, s, e)| (s.name.to_string(), e.count))
        .collect()
}

#[test]
fn an_outline_keeps_counts_and_times_of_what_is_wanted() {
    let whole = ledger(SAID);
    let outline = whole.outline(|_, subject| &*subject.name == "r-3");
    assert_eq!(counts(&outline), [("r-3".to_owned(), 3)]);
    let (ix, subject, kept) = outline.iter().next().unwrap();
    let full = whole.get(ix, subject).unwrap();
    assert_eq!(
        (kept.first, kept.last, &kept.values),
        (full.first, full.last, &full.values)
    );
    assert!(full.first < full.last && full.values.len() == 1);
    assert!(kept.samples.is_empty() && kept.witnesses.is_empty());
    assert_eq!(outline.coverage.iter().count(), 0);
}

#[test]
fn samples_that_were_edited_are_in_order_again() {
    let mut ledger = ledger(&[(1, 5, 3), (1, 5, 2), (1, 6, 3)]);
    ledger.edit_samples(&mut |line| {
        let secret = line.windows(3).any(|w| w == b"r-3");
        *line = if secret {
            b"***".to_vec()
        } else {
            line.clone()
        };
    });
    let lines: Vec<Vec<u8>> = ledger
        .iter()
        .flat_map(|(_, _, e)| &e.samples)
        .map(|s| s.line.clone())
        .collect();
    assert_eq!(
        lines.iter().filter(|l| *l == b"***").count(),
        2,
        "{lines:?}"
    );
    assert_eq!(lines.len(), 3);
}

#[test]
fn names_that_are_known_late_join_what_they_name() {
    let loose = |origin: &Origin| {
        (&*origin.pod == "p-1").then(|| Origin {
            namespace: Some("m".into()),
            ..Origin::pod("receive-1")
        })
    };
    let mut resolver = Resolver::default();
    resolver.add_pod("m/r-3");
    resolver.add_pod("a/p-3");
    resolver.add_pod("b/p-3");
    let whole = ledger(&[(1, 5, 0), (1, 9, 3), (2, 7, 3), (3, 8, 0)]);
    let bytes: u64 = whole.coverage.iter().map(|(_, _, seen)| seen.bytes).sum();
    let settled = whole.settle(&loose, &resolver);
    // Two pods are called p-3: that name stays as it is.
    let expected = [("m/receive-1", 1), ("p-3", 1), ("m/r-3", 2)];
    let expected: Vec<(String, u64)> = expected.map(|(name, n)| (name.to_owned(), n)).into();
    assert_eq!(counts(&settled), expected);
    let names: Vec<String> = settled
        .coverage
        .iter()
        .map(|(_, o, _)| o.to_string())
        .collect();
    assert_eq!(names, ["p-2", "p-3", "m/receive-1"]);
    assert_eq!(
        settled
            .coverage
            .iter()
            .map(|(_, _, seen)| seen.bytes)
            .sum::<u64>(),
        bytes
    );
    let (_, _, refused) = settled.iter().last().unwrap();
    let who: Vec<String> = refused.witnesses.keys().map(Origin::to_string).collect();
    assert_eq!(who, ["p-2", "m/receive-1"]);
    assert!(
        refused
            .witnesses
            .values()
            .all(|w| w.count == 1 && w.buckets.iter().count() == 1)
    );
    let wrote = |s: &Sample| s.origin.to_string();
    assert_eq!(
        refused.samples.iter().map(wrote).collect::<Vec<_>>(),
        ["p-2", "m/receive-1"]
    );
    assert_eq!(refused.values.len(), 1);
    assert!(refused.first < refused.last);
}

#[test]
fn an_end_without_a_time_is_as_old_as_its_log() {
    let pack = Pack::load(FILES.iter().copied()).unwrap();
    let (matcher, resolver, origin) = (Matcher::new(&pack), Resolver::default(), Origin::pod("p"));
    let mut ledger = Ledger::default();
    for line in [
        "ts=2026-01-01T00:00:07.5Z msg=x",
        "ts=2026-01-01T00:00:03Z msg=x",
        "err=\"no space is left\"",
        "err=\"refused by peer r-1:10901\"",
    ] {
        let record = Record::log(&origin, line.as_bytes());
        ledger.coverage.add(&record);
        matcher.scan(&pack, &record, |hit| ledger.add(hit, &record, &resolver));
    }
    let full = |ix: SignatureIx| pack[ix].id == "a/full";
    ledger.date_ends(&full);
    let dated: Vec<_> = ledger
        .iter()
        .map(|(ix, _, e)| (full(ix), e.first.map(Time::rfc3339), e.last))
        .collect();
    let at = Some("2026-01-01T00:00:07Z".to_owned());
    assert!(
        dated.iter().all(|(is_end, first, last)| if *is_end {
            *first == at && last.map(Time::rfc3339) == at
        } else {
            first.is_none() && last.is_none()
        }),
        "{dated:?}"
    );
    let (_, _, end) = ledger.iter().find(|(ix, _, _)| full(*ix)).unwrap();
    assert_eq!(
        end.witnesses
            .values()
            .map(|w| w.buckets.iter().map(|b| b.1).sum::<u64>())
            .sum::<u64>(),
        1
    );
}

#[test]
fn an_object_is_called_by_its_namespace_unless_it_is_a_node() {
    use SubjectKind::{Node, Statefulset, Volume};
    let yaml = "title: Seen\nseverity: error\nsource: status\nvariants: [{where: {reason: it is so}}]\nabout: statefulset\n";
    let pack = Pack::load([("signatures/a/seen.yaml", yaml)]).unwrap();
    let matcher = Matcher::new(&pack);
    for (kind, fields, expected) in [
        (
            Node,
            &[("kind", "node"), ("namespace", "default"), ("name", "n-1")][..],
            "n-1",
        ),
        (Node, &[("name", "n-1")], "n-1"),
        (
            Statefulset,
            &[
                ("kind", "statefulset"),
                ("namespace", "m"),
                ("name", "receive"),
            ],
            "m/receive",
        ),
        (
            Volume,
            &[("namespace", ""), ("name", "data-r-0")],
            "data-r-0",
        ),
        (
            Volume,
            &[("namespace", "m"), ("name", "data-r-0")],
            "m/data-r-0",
        ),
    ] {
        let mut all = Fields::default();
        all.push(&b"reason"[..], &b"it is so"[..]);
        for (key, value) in fields {
            all.push(key.as_bytes(), value.as_bytes());
        }
        let (origin, resolver) = (Origin::default(), Resolver::default());
        let record = Record::from_fields(Source::Status, &origin, all);
        let mut ledger = Ledger::default();
        matcher.scan(&pack, &record, |mut hit| {
            hit.kind = kind;
            ledger.add(hit, &record, &resolver);
        });
        let subjects: Vec<&Subject> = ledger.iter().map(|(_, s, _)| s).collect();
        assert_eq!(subjects, [&Subject::new(kind, expected)], "{fields:?}");
    }
}

#[test]
fn a_small_map_is_a_sorted_map() {
    let mut map: SmallMap<u32, u32> = SmallMap::default();
    assert!(map.is_empty() && map.last().is_none());
    for key in [5, 1, 9, 3, 7, 1] {
        *map.or_default(key) += key;
    }
    assert_eq!(map.keys().copied().collect::<Vec<_>>(), [1, 3, 5, 7, 9]);
    assert_eq!((map.get(&1), map.get(&2), map.len()), (Some(&2), None, 5));
    assert!(map.contains_key(&9) && !map.contains_key(&8) && !map.is_empty());
    *map.get_mut(&3).unwrap() = 0;
    assert!(map.get_mut(&4).is_none());
    assert_eq!(map.pop_last(), Some((9, 9)));
    assert_eq!(map.last(), Some((&7, &7)));
    assert_eq!(map.values().sum::<u32>(), 2 + 5 + 7);
    assert_eq!(map.into_iter().collect::<SmallMap<_, _>>().len(), 4);
}
