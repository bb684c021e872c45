//! Receivers that run and get nothing: between two scrapes they appended next to no samples while the
//! others took their share.

use std::collections::BTreeMap;

use super::facts::Fact;
use crate::diagnosis::{MemberRole, Scope};
use crate::metrics::SeriesRecord;
use crate::record::{Source, Time};

/// Share of what the busiest appended, below which a receiver gets nothing.
const NOTHING: f64 = 0.02;
/// Samples that the busiest must have appended: of a few, chance leaves some out.
const MOST_TOOK: f64 = 500.0;

/// What one receiver appended between its scrapes.
struct Took {
    samples: f64,
    /// It counted before, so that not counting is no sign of a start.
    before: f64,
    at: Option<Time>,
}

pub(super) fn facts(series: &[SeriesRecord], scope: &Scope) -> Vec<Fact> {
    let mut took: BTreeMap<String, Took> = BTreeMap::new();
    let appended = series
        .iter()
        .filter(|s| s.get("metric") == Some("prometheus_tsdb_head_samples_appended_total"));
    for s in appended {
        let pod = s.origin.name();
        let member = scope.member(&pod).map(|m| &scope.members[m]);
        let stores = member
            .is_some_and(|m| m.role == MemberRole::Receiver && !m.router_only && !m.restarted);
        let (Some(samples), true) = (s.number("delta"), stores) else {
            continue;
        };
        let known = took.entry(pod.into_owned()).or_insert(Took {
            samples: 0.0,
            before: 0.0,
            at: s.time,
        });
        known.samples += samples;
        known.before += s.number("first").unwrap_or(0.0);
        known.at = known.at.max(s.time);
    }
    let most = took.values().map(|t| t.samples).fold(0.0, f64::max);
    if took.len() < 3 || most < MOST_TOOK {
        return Vec::new();
    }
    let idle = took
        .iter()
        .filter(|(_, t)| t.before > 0.0 && t.samples < most * NOTHING);
    idle.map(|(pod, t)| {
        let fact = Fact::new("gets-nothing").of(pod).from(Source::Metric);
        let fact = fact.with("samples", t.samples).with("busiest", most);
        fact.at(t.at)
    })
    .collect()
}
