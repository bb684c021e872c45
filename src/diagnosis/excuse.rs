//! Drops what `benign_when` excuses, keeping the excuse.

use crate::evidence::{Evidence, Ledger, Subject};
use crate::pack::{Excuse, Pack, SignatureIx};

/// Evidence that was seen, understood and excused.
#[derive(Clone, Debug)]
pub struct Excused {
    /// The signature.
    pub signature: SignatureIx,
    /// Its subject.
    pub subject: Subject,
    /// Why.
    pub because: String,
}

pub(super) fn excuse(ledger: &mut Ledger, pack: &Pack) -> Vec<Excused> {
    let mut excused = Vec::new();
    for (ix, subject, evidence) in ledger.iter() {
        let signature = &pack.signatures[ix.0 as usize];
        let excuse = signature.benign_when.iter().find(|e| applies(e, subject, evidence, ledger));
        if let Some(excuse) = excuse {
            let because = excuse.because.clone();
            excused.push(Excused { signature: ix, subject: subject.clone(), because });
        }
    }
    ledger.retain(|ix, subject, _| {
        !excused.iter().any(|e| e.signature == ix && e.subject == *subject)
    });
    excused
}

fn applies(excuse: &Excuse, subject: &Subject, evidence: &Evidence, ledger: &Ledger) -> bool {
    let few = excuse.fewer_than.is_none_or(|n| seldom(excuse, evidence, n, ledger));
    let near = excuse.near.is_none_or(|ix| {
        let other = ledger.get(ix, subject).or_else(|| {
            ledger.iter().find(|(s, o, _)| *s == ix && o.kind != subject.kind).map(|(_, _, e)| e)
        });
        other.is_some_and(|other| gap(evidence, other).is_some_and(|gap| gap <= excuse.within))
    });
    few && near
}

/// Few within any window of the excuse, in a log long enough to say so: of an excerpt of one line
/// nobody knows how often it came.
fn seldom(excuse: &Excuse, evidence: &Evidence, fewer_than: u64, ledger: &Ledger) -> bool {
    const LONG_ENOUGH: i64 = 5;
    let spans = ledger.coverage.iter().filter(|(_, o, _)| evidence.witnesses.contains_key(*o));
    let longest = spans.filter_map(|(_, _, seen)| Some(seen.until?.0 - seen.from?.0)).max();
    if longest.unwrap_or(0) < LONG_ENOUGH * excuse.within {
        return false;
    }
    let mut windows: std::collections::BTreeMap<i64, u64> = std::collections::BTreeMap::new();
    for (time, count) in evidence.witnesses.values().flat_map(|w| w.buckets.iter()) {
        *windows.entry(time.0.div_euclid(excuse.within.max(1))).or_default() += count;
    }
    windows.values().all(|n| *n < fewer_than)
}

/// Nanoseconds between the end of one and the beginning of the other; zero when they overlap.
fn gap(a: &Evidence, b: &Evidence) -> Option<i64> {
    let (from, until) = (a.first?.0, a.last?.0);
    let (other_from, other_until) = (b.first?.0, b.last?.0);
    Some((other_from - until).max(from - other_until).max(0))
}
