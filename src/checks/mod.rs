//! The runbook's checklists, gone through on a bundle: `rdiag check daily|weekly|monthly`.
//!
//! ```text
//! bundle ─ Sight ─→ receivers, series, rings ─ items ─→ Checklist ─ render ─→ text, JSON, JUnit, …
//!                                     ▲                     ▲
//!                              targets.yaml        the last Checklist (--against)
//! ```
//!
//! Each item ends as pass, warn, fail or unknown with its reason; what cannot be told is never a
//! pass. A missed target fails. The clock is never read: "now" is when the bundle was collected.

mod items;
mod json;
mod junit;
mod markdown;
mod model;
mod sight;
mod targets;
#[cfg(test)]
mod tests;
mod text;
mod words;

use crate::bundle::Input;
use crate::pack::Version;

pub use json::{from_json, to_json, to_yaml};
pub use junit::junit;
pub use markdown::markdown;
pub use model::{Before, Cadence, Checklist, Counts, Detail, Item, SCHEMA, Status, Unread};
pub use targets::{DEFAULTS, Targets};
pub use text::{Look, text};

use items::{blocks, capacity, fleet, lines, pods, ring, tsdb, uploads, writes};
use model::Cadence::{Daily, Monthly, Weekly};
use sight::Sight;

/// How to check.
#[derive(Clone, Debug, Default)]
pub struct Options {
    /// The last check, to compare with.
    pub against: Option<Checklist>,
    /// Version of receivers whose own is not known.
    pub thanos_version: Option<Version>,
    /// When a restore was last tested, in seconds since the epoch.
    pub last_restore_test: Option<f64>,
}

/// One line of the checklists.
type Check = fn(&Sight<'_>) -> Item;

/// All lines in reading order, with the checklists they stand on.
const CHECKS: &[(&[Cadence], Check)] = &[
    (&[Daily], pods::ready),
    (&[Daily], pods::health),
    (&[Daily, Weekly, Monthly], pods::restarts),
    (&[Daily], pods::nodes),
    (&[Daily], writes::availability),
    (&[Daily], writes::success),
    (&[Daily], writes::latency),
    (&[Daily], pods::traffic),
    (&[Daily, Weekly], writes::limits),
    (&[Daily], writes::replication),
    (&[Daily], pods::quorum),
    (&[Daily, Weekly], ring::members),
    (&[Daily, Weekly], ring::service),
    (&[Daily, Weekly], ring::loaded),
    (&[Weekly, Monthly], ring::valid),
    (&[Monthly], ring::balance),
    (&[Daily, Weekly], tsdb::faults),
    (&[Daily], tsdb::head),
    (&[Weekly, Monthly], tsdb::series),
    (&[Weekly, Monthly], tsdb::names),
    (&[Weekly], tsdb::wal),
    (&[Daily, Weekly, Monthly], capacity::disk_use),
    (&[Daily, Weekly, Monthly], capacity::memory_use),
    (&[Weekly, Monthly], capacity::disk_forecast),
    (&[Weekly, Monthly], capacity::memory_forecast),
    (&[Monthly], |sight| capacity::sizing(sight, false)),
    (&[Monthly], |sight| capacity::sizing(sight, true)),
    (&[Daily, Weekly], uploads::failing),
    (&[Daily, Weekly], uploads::lag),
    (&[Weekly], blocks::blocks),
    (&[Weekly], blocks::bucket),
    (&[Daily, Weekly, Monthly], fleet::mixed),
    (&[Monthly], fleet::known_bugs),
    (&[Weekly, Monthly], fleet::certificates),
    (&[Monthly], fleet::restore),
    (&[Weekly], lines::errors),
];

/// Items that every member has its part in, by its metrics; and whether only members that store
/// samples do.
const OF_ALL: &[(&str, bool)] = &[
    ("availability", false),
    ("write-success", false),
    ("limits", false),
    ("replication-success", false),
    ("tsdb-faults", true),
    ("tsdb-head", true),
    ("tsdb-wal", true),
    ("ring-balance", true),
    ("uploads-failing", true),
    ("uploads-lag", true),
    ("blocks", true),
];

/// A pass of some members is no pass of all.
fn only_if_all_seen(sight: &Sight<'_>, item: &mut Item) {
    let part = OF_ALL.iter().find(|(id, _)| *id == item.id);
    let Some((_, only_stores)) = part.filter(|_| item.status == Status::Pass) else {
        return;
    };
    let unseen = sight.unseen(*only_stores);
    if !unseen.is_empty() {
        item.status = Status::Unknown;
        item.why = Some(format!(
            "fine where it is seen, but there are no metrics of {}",
            words::some(&unseen)
        ));
    }
}

/// Goes through one checklist. Reads the scrapes, and for the weekly one the logs, of `input`; what
/// cannot be read is among the gaps of the answer.
#[must_use]
pub fn check(input: &Input, cadence: Cadence, targets: &Targets, options: &Options) -> Checklist {
    let sight = Sight::new(input, targets, cadence, options);
    let due = CHECKS.iter().filter(|(when, _)| when.contains(&cadence));
    let mut items: Vec<Item> = due.map(|(_, check)| check(&sight)).collect();
    let mut counts = Counts::default();
    for item in &mut items {
        only_if_all_seen(&sight, item);
        match item.status {
            Status::Pass => counts.pass += 1,
            Status::Warn => counts.warn += 1,
            Status::Fail => counts.fail += 1,
            Status::Unknown => counts.unknown += 1,
        }
        let before = sight.before(&item.id);
        item.before = before.map(|b| Before {
            status: b.status,
            figure: b.figure.clone(),
        });
    }
    let mut namespaces: Vec<String> = sight
        .members
        .iter()
        .filter_map(|m| Some(m.name.split_once('/')?.0.to_owned()))
        .collect();
    namespaces.sort_unstable();
    namespaces.dedup();
    let mut versions: Vec<Version> = sight.members.iter().filter_map(|m| m.version).collect();
    versions.sort_unstable();
    versions.dedup();
    Checklist {
        schema: SCHEMA.to_owned(),
        cadence,
        at: sight.now.map(crate::record::Time::rfc3339),
        namespaces,
        receivers: sight.members.iter().map(|m| m.name.clone()).collect(),
        versions: versions.iter().map(|v| format!("v{v}")).collect(),
        counts,
        items,
        against: options.against.as_ref().and_then(|a| a.at.clone()),
        gaps: input
            .gaps()
            .into_iter()
            .map(|g| Unread {
                what: g.what,
                why: g.why,
            })
            .collect(),
    }
}

/// Seconds since the epoch of `YYYY-MM-DD`.
#[must_use]
pub fn date(text: &str) -> Option<f64> {
    targets::date(text)
}
