//! The fold: commutative, bounded, and honest about what it drops.

#![allow(clippy::unwrap_used)]

mod bounds;
mod names;
mod tallied;

use proptest::prelude::*;

use super::*;
use crate::matcher::Matcher;
use crate::pack::{Pack, SubjectKind};

const FILES: &[(&str, &str)] = &[
    (
        "signatures/a/refused.yaml",
        "title: Refused\nseverity: error\nvariants: [{where: {err: {contains: refused by peer}}}]\n\
         extract: {endpoint: {from: err, regex: 'peer (?<endpoint>\\S+)'}}\nabout: endpoint\n",
    ),
    (
        "signatures/a/full.yaml",
        "title: Full\nseverity: error\nvariants: [{where: {err: no space is left}}]\n",
    ),
];

/// One line: who, at which second, about which peer (0: the writer itself is full).
type Said = (u8, u16, u8);

fn ledger(said: &[Said]) -> Ledger {
    let pack = Pack::load(FILES.iter().copied()).unwrap();
    let matcher = Matcher::new(&pack);
    let resolver = Resolver::default();
    let mut ledger = Ledger::default();
    for (who, second, peer) in said {
        let origin = Origin::pod(&format!("p-{who}"));
        let (minutes, seconds) = (second / 60 % 60, second % 60);
        let err = if *peer == 0 {
            "no space is left".to_owned()
        } else {
            format!("refused by peer r-{peer}:10901")
        };
        let line = format!(
            "ts=2026-01-01T{:02}:{minutes:02}:{seconds:02}Z err=\"{err}\"",
            second / 3600
        );
        let record = Record::log(&origin, line.as_bytes());
        ledger.coverage.add(&record);
        matcher.scan(&pack, &record, |hit| ledger.add(hit, &record, &resolver));
    }
    ledger
}

fn said() -> impl Strategy<Value = Vec<Said>> {
    prop::collection::vec((0..60_u8, 0..60_000_u16, 0..4_u8), 0..120)
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(32))]

    #[test]
    fn any_order_gives_the_same(all in said(), seed in any::<u64>()) {
        let mut other = all.clone();
        let mut state = seed | 1;
        for i in (1..other.len()).rev() {
            state ^= state << 13;
            state ^= state >> 7;
            state ^= state << 17;
            other.swap(i, usize::try_from(state % (i as u64 + 1)).unwrap());
        }
        prop_assert_eq!(ledger(&all), ledger(&other));
    }

    #[test]
    fn any_shards_give_the_same(all in said(), cut in 0..120_usize) {
        let (one, two) = all.split_at(cut.min(all.len()));
        let (one, two) = (ledger(one), ledger(two));
        let (mut ab, mut ba) = (one.clone(), two.clone());
        ab.merge(two);
        ba.merge(one);
        prop_assert_eq!(&ab, &ba);
        prop_assert_eq!(&ab, &ledger(&all));
    }
}

#[test]
fn witnesses_are_told_apart_and_the_peer_is_the_subject() {
    let ledger = ledger(&[(1, 5, 3), (2, 9, 3), (2, 7, 3), (3, 8, 0)]);
    let about: Vec<(String, u64, usize)> = ledger
        .iter()
        .map(|(_, s, e)| (s.name.to_string(), e.count, e.witnesses.len()))
        .collect();
    assert_eq!(about, [("p-3".to_owned(), 1, 1), ("r-3".to_owned(), 3, 2)]);
    let (_, _, evidence) = ledger.iter().nth(1).unwrap();
    let seconds = |t: Option<Time>| t.unwrap().0 / 1_000_000_000 % 60;
    assert_eq!((seconds(evidence.first), seconds(evidence.last)), (5, 9));
}

#[test]
fn the_earliest_lines_are_kept() {
    let all: Vec<Said> = (0..40).rev().map(|second| (1, second, 3)).collect();
    let ledger = ledger(&all);
    let (_, _, evidence) = ledger.iter().next().unwrap();
    let lines: Vec<String> = evidence
        .samples
        .iter()
        .map(|s| String::from_utf8_lossy(&s.line).into_owned())
        .collect();
    assert_eq!(lines.len(), limits::SAMPLES);
    for (second, line) in lines.iter().enumerate() {
        assert!(line.contains(&format!("00:00:{second:02}Z")), "{line}");
    }
}

#[test]
fn buckets_are_bounded_and_lose_nothing() {
    let mut buckets = Buckets::default();
    for second in 0..100_000 {
        buckets.add(Time(second * 1_000_000_000), 1);
    }
    assert!(buckets.iter().count() <= limits::BUCKETS);
    assert_eq!(buckets.iter().map(|(_, n)| n).sum::<u64>(), 100_000);
}

#[test]
fn names_and_addresses_find_their_pods() {
    let mut resolver = Resolver::default();
    resolver.add_pod("obs/receive-1");
    resolver.add_address("10.0.0.7", "obs/receive-1");
    for (text, expected) in [
        ("10.0.0.7:10901", "obs/receive-1"),
        ("10.0.0.8:10901", "10.0.0.8"),
        ("receive-1", "obs/receive-1"),
        ("receive-1:10901", "obs/receive-1"),
        (
            "receive-1.receive.obs.svc.cluster.local:10901",
            "obs/receive-1",
        ),
        ("receive-1.receive.other.svc:10901", "other/receive-1"),
        ("http://receive-1.receive:19291/api", "obs/receive-1"),
        ("receive-9.receive:10901", "receive-9"),
        ("[fd00::7]:10901", "fd00::7"),
        ("obs/receive-1", "obs/receive-1"),
        // Only what Kubernetes calls a service says a namespace.
        ("receive-1.receive.other.example:10901", "obs/receive-1"),
        ("receive-1.receive..svc", "obs/receive-1"),
        // Several receivers on one host are told apart by their ports alone.
        ("127.0.0.1:10901", "127.0.0.1:10901"),
        ("[::1]:10901", "[::1]:10901"),
    ] {
        assert_eq!(&*resolver.pod(text), expected, "{text}");
    }
}

#[test]
fn a_writer_is_a_pod_by_its_full_name() {
    let origin = Origin {
        namespace: Some("obs".into()),
        ..Origin::pod("receive-1")
    };
    let subject = Subject::pod_of(&origin);
    assert_eq!(
        (subject.kind, &*subject.name),
        (SubjectKind::Pod, "obs/receive-1")
    );
}
