//! Bounds do not depend on the order in which things come.

use proptest::prelude::*;

use crate::evidence::{Buckets, Coverage, Evidence, Ledger, Subject, Witness};
use crate::limits;
use crate::pack::{SignatureIx, SubjectKind};
use crate::record::{Origin, Record, Time};

fn covered(pods: &[usize]) -> Coverage {
    let mut coverage = Coverage::default();
    for pod in pods {
        let origin = Origin::pod(&format!("pod-{pod:05}"));
        coverage.add(&Record::log(
            &origin,
            b"ts=2026-03-01T00:00:01Z level=info msg=x",
        ));
    }
    coverage
}

/// Coverage past its bound keeps the smallest streams, in whatever order and shards they come.
#[test]
fn coverage_is_bounded_whatever_the_order() {
    let pods: Vec<usize> = (0..limits::ORIGINS + 50).collect();
    let rising = covered(&pods);
    let falling: Vec<usize> = pods.iter().rev().copied().collect();
    assert_eq!(rising, covered(&falling));
    let (left, right) = pods.split_at(limits::ORIGINS / 2);
    let mut merged = covered(right);
    merged.merge(covered(left));
    assert_eq!(rising, merged);
    let records: u64 = rising.iter().map(|(_, _, seen)| seen.records).sum();
    assert_eq!(records, pods.len() as u64);
}

fn witnessed(pods: &[usize]) -> Evidence {
    let mut evidence = Evidence::default();
    for pod in pods {
        let origin = Origin::pod(&format!("pod-{pod:05}"));
        evidence.witness(&origin).count += 1;
    }
    evidence
}

#[test]
fn witnesses_are_bounded_whatever_the_order() {
    let pods: Vec<usize> = (0..limits::WITNESSES * 3).collect();
    let rising = witnessed(&pods);
    let falling: Vec<usize> = pods.iter().rev().copied().collect();
    assert_eq!(rising, witnessed(&falling));
    let (left, right) = pods.split_at(limits::WITNESSES * 2);
    let mut merged = witnessed(right);
    merged.merge(witnessed(left));
    assert_eq!(rising, merged);
    let count: u64 = rising.witnesses.values().map(|w: &Witness| w.count).sum();
    assert_eq!(count, pods.len() as u64);
}

/// A full ledger keeps its smallest keys, whatever the order and the ledgers they come in, and counts the rest.
#[test]
fn a_ledger_is_bounded_whatever_the_order() {
    let all: Vec<usize> = (0..limits::LEDGER_PAIRS + 20).collect();
    let filled = |pods: &mut dyn Iterator<Item = &usize>| {
        let mut ledger = Ledger::default();
        for pod in pods {
            let evidence = Evidence {
                count: 3,
                ..Evidence::default()
            };
            let subject = Subject::new(SubjectKind::Pod, &format!("pod-{pod:06}"));
            ledger.put(SignatureIx(0), subject, evidence);
        }
        ledger
    };
    let rising = filled(&mut all.iter());
    assert_eq!(rising.overflow, 20 * 3);
    let (_, largest, _) = rising.iter().last().unwrap();
    assert_eq!(
        &*largest.name,
        format!("pod-{:06}", limits::LEDGER_PAIRS - 1)
    );
    assert_eq!(rising, filled(&mut all.iter().rev()));
    let (left, right) = all.split_at(limits::LEDGER_PAIRS / 2);
    let mut merged = filled(&mut right.iter());
    merged.merge(filled(&mut left.iter()));
    assert_eq!(rising, merged);
}

proptest! {
    #[test]
    fn buckets_do_not_depend_on_order(
        times in prop::collection::vec((0_i64..100_000, 1_u64..5), 1..200),
        cut in 0_usize..200,
    ) {
        let fill = |times: &[(i64, u64)]| {
            let mut buckets = Buckets::default();
            for (second, count) in times {
                buckets.add(Time(second * 1_000_000_000), *count);
            }
            buckets
        };
        let all = fill(&times);
        let mut sorted = times.clone();
        sorted.sort_unstable();
        prop_assert_eq!(&all, &fill(&sorted));
        let (left, right) = times.split_at(cut.min(times.len()));
        let mut merged = fill(right);
        merged.merge(&fill(left));
        prop_assert_eq!(&all, &merged);
    }
}
