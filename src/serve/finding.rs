//! What a report comes to, in the few words that lists and notifications are made of.

use std::hash::Hasher as _;

use crate::report::{self, model::Report};
use crate::serve::store::Finding;

/// Incidents of a report that make two answers different ones.
const TOLD: usize = 3;

/// The finding of `report`.
#[must_use]
pub(super) fn of(report: Report, bundle: Option<String>, bundle_bytes: u64) -> Finding {
    let worst = report
        .incidents
        .iter()
        .find(|i| i.verdict != "benign")
        .or(report.incidents.first());
    let top = worst.and_then(|i| {
        i.hypotheses
            .iter()
            .find(|h| h.role != "benign" || i.verdict == "benign")
    });
    Finding {
        digest: digest(&report),
        verdict: match worst {
            Some(incident) => incident.verdict.clone(),
            None if report.healthy => "healthy".to_owned(),
            None => "cannot_tell".to_owned(),
        },
        cause: top.map(|h| h.cause.clone()),
        title: report::headline(&report),
        probability: top.map(|h| h.probability).filter(|p| p.is_finite()),
        severity: worst.map(|i| i.severity.clone()),
        bundle,
        bundle_bytes,
        report,
    }
}

/// Equal for answers that say the same: verdict, cause and subjects of the worst incidents. Numbers
/// that wander with each look are left out, so that nobody is told twice.
fn digest(report: &Report) -> String {
    let mut hash = xxhash_rust::xxh64::Xxh64::new(0);
    let mut put = |text: &str| {
        hash.write(text.as_bytes());
        hash.write_u8(0);
    };
    for incident in report
        .incidents
        .iter()
        .filter(|i| i.verdict != "benign")
        .take(TOLD)
    {
        put(&incident.verdict);
        if let Some(top) = incident.hypotheses.first() {
            put(&top.cause);
            for subject in &top.subjects {
                put(&subject.kind);
                put(&subject.name);
            }
        }
        put("");
    }
    format!("{:016x}", hash.finish())
}
