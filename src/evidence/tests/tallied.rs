//! The fast front says what the ledger behind it says.

use proptest::prelude::*;

use super::{FILES, Said, ledger, said};
use crate::evidence::{Ledger, Resolver, Tally};
use crate::limits;
use crate::matcher::Matcher;
use crate::pack::Pack;
use crate::record::{Origin, Record};

/// Counts lines by slots. What `guessed` says is read on a guess that does not hold, before all others.
fn tallied(guessed: &[Said], said: &[Said], settle_each: bool) -> Ledger {
    let pack = Pack::load(FILES.iter().copied()).unwrap();
    let matcher = Matcher::new(&pack);
    let resolver = Resolver::default();
    let mut tally = Tally::default();
    for (n, (who, second, peer)) in guessed.iter().chain(said).enumerate() {
        if n == guessed.len() {
            tally.take_back();
        }
        let origin = Origin::pod(&format!("p-{who}"));
        let err = match peer {
            0 => "no space is left".to_owned(),
            _ => format!("refused by peer r-{peer}:10901"),
        };
        let (hours, minutes, seconds) = (second / 3600, second / 60 % 60, second % 60);
        let line = format!("ts=2026-01-01T{hours:02}:{minutes:02}:{seconds:02}Z err=\"{err}\"");
        let record = Record::log(&origin, line.as_bytes());
        let writer = tally.writer(&origin);
        tally.cover(
            writer,
            record.body.len(),
            record.time,
            record.level,
            record.truncated,
        );
        let mut hits = Vec::new();
        matcher.scan(&pack, &record, |hit| hits.push(hit));
        for mut hit in hits {
            // As the fast way does: the slot without values, then each value by itself.
            let values = std::mem::take(&mut hit.extracts);
            let slot = tally.slot(hit, &record, writer, &resolver);
            tally.count(slot, record.time, record.body);
            for (place, (name, values)) in (0..).zip(&values) {
                for value in values {
                    tally.value(slot, place, name, value.as_bytes());
                }
            }
        }
        if settle_each {
            tally.settle();
        }
    }
    if said.is_empty() {
        tally.take_back();
    }
    let mut ledger = Ledger::default();
    tally.drain_to(&mut ledger);
    ledger
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(24))]

    #[test]
    fn counting_by_slots_gives_the_ledger(guessed in said(), all in said(), each in any::<bool>()) {
        let guessed = if each { Vec::new() } else { guessed };
        prop_assert_eq!(tallied(&guessed, &all, each), ledger(&all));
    }
}

#[test]
fn of_too_many_values_the_smallest_are_kept() {
    let count = u8::try_from(limits::EXTRACTS).unwrap() + 20;
    let pack = Pack::load(FILES.iter().copied()).unwrap();
    let ids: Vec<&str> = pack.signatures.iter().map(|s| s.id.as_str()).collect();
    let full = u32::try_from(ids.iter().position(|id| *id == "a/full").unwrap()).unwrap();
    for rising in [true, false] {
        let mut values: Vec<u8> = (0..count).chain(0..count).collect();
        if !rising {
            values.reverse();
        }
        let (origin, resolver) = (Origin::pod("p"), Resolver::default());
        let record = Record::log(&origin, b"err=\"no space is left\"");
        let (mut tally, mut hits) = (Tally::default(), Vec::new());
        Matcher::new(&pack).scan(&pack, &record, |hit| hits.push(hit));
        let writer = tally.writer(&origin);
        let slot = tally.slot(hits.remove(0), &record, writer, &resolver);
        assert_eq!(tally.signature(slot).0, full);
        tally.count(slot, None, record.body);
        for value in values {
            tally.value(slot, 0, "few", format!("v{value:03}").as_bytes());
        }
        tally.value(slot, 0, "few", b"");
        tally.value(slot, 1, "other", b"z");
        let mut ledger = Ledger::default();
        tally.drain_to(&mut ledger);
        let (_, _, evidence) = ledger.iter().next().unwrap();
        let expected: Vec<String> = (0..limits::EXTRACTS).map(|n| format!("v{n:03}")).collect();
        assert_eq!(
            evidence.values.get("few"),
            Some(&expected),
            "rising: {rising}"
        );
        assert_eq!(evidence.values.get("other"), Some(&vec!["z".to_owned()]));
    }
}

#[test]
fn a_large_tally_says_so() {
    let mut tally = Tally::default();
    for n in 0..limits::TALLY_SLOTS {
        tally.writer(&Origin::pod(&format!("p-{n}")));
    }
    assert!(!tally.is_large() && !tally.has_many_novel());
    tally.writer(&Origin::pod("p-0"));
    assert!(!tally.is_large(), "known already");
    tally.writer(&Origin::pod("one-more"));
    assert!(tally.is_large());
}
