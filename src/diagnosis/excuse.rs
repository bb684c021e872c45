//! Drops what `benign_when` excuses, keeping the excuse.

use super::scope::Scope;
use crate::evidence::{Evidence, Ledger, Subject};
use crate::pack::{Excuse, Pack, SignatureIx, SubjectKind};

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

/// What is excused, in the order of the ledger.
pub(super) fn excuse(ledger: &Ledger, pack: &Pack) -> Vec<Excused> {
    let mut excused = Vec::new();
    for (ix, subject, evidence) in ledger.iter() {
        let signature = &pack.signatures[ix.0 as usize];
        let excuse = signature
            .benign_when
            .iter()
            .find(|e| applies(e, subject, evidence, ledger));
        if let Some(excuse) = excuse {
            let because = excuse.because.clone();
            excused.push(Excused {
                signature: ix,
                subject: subject.clone(),
                because,
            });
        }
    }
    excused
}

/// The outline of what is not excused. Pods outside the scope are left out: nothing is bound to them, and
/// of a storm that names thousands of pods they are nearly all.
pub(super) fn rest(ledger: &Ledger, excused: &[Excused], scope: &Scope) -> Ledger {
    ledger.outline(|ix, subject| {
        let is_out = subject.kind == SubjectKind::Pod && scope.member(&subject.name).is_none();
        !is_out
            && excused
                .binary_search_by(|e| (e.signature, &e.subject).cmp(&(ix, subject)))
                .is_err()
    })
}

fn applies(excuse: &Excuse, subject: &Subject, evidence: &Evidence, ledger: &Ledger) -> bool {
    let few = excuse
        .fewer_than
        .is_none_or(|n| seldom(excuse, evidence, n, ledger));
    let near = excuse.near.is_none_or(|ix| {
        let beside = |other| within(evidence, other, excuse.within).unwrap_or(false);
        match ledger.get(ix, subject) {
            Some(other) => beside(other),
            // Of another kind of subject: any of them will do.
            None => ledger
                .of(ix)
                .any(|(o, other)| o.kind != subject.kind && beside(other)),
        }
    });
    few && near
}

/// Few within any window of the excuse, in a log long enough to say so: of an excerpt of one line
/// nobody knows how often it came.
fn seldom(excuse: &Excuse, evidence: &Evidence, fewer_than: u64, ledger: &Ledger) -> bool {
    const LONG_ENOUGH: i64 = 5;
    let writers = evidence.witnesses.keys();
    let longest = writers
        .flat_map(|origin| ledger.coverage.of(origin))
        .filter_map(|seen| Some(seen.until?.since(seen.from?)))
        .max();
    if longest.unwrap_or(0) < LONG_ENOUGH * excuse.within {
        return false;
    }
    let mut windows: std::collections::BTreeMap<i64, u64> = std::collections::BTreeMap::new();
    for (time, count) in evidence.witnesses.values().flat_map(|w| w.buckets.iter()) {
        let window = time.0.div_euclid(excuse.within.max(1));
        let known: &mut u64 = windows.entry(window).or_default();
        *known = known.saturating_add(count);
    }
    windows.values().all(|n| *n < fewer_than)
}

/// All of it lies no further than `most` nanoseconds from the other. What goes on for longer than its
/// excuse is not excused.
fn within(evidence: &Evidence, other: &Evidence, most: i64) -> Option<bool> {
    let (from, until) = (evidence.first?.0, evidence.last?.0);
    let (other_from, other_until) = (other.first?.0, other.last?.0);
    Some(from >= other_from.saturating_sub(most) && until <= other_until.saturating_add(most))
}
