//! Row 4, TSDB: failures, times of the head, series by tenant and name, WAL, blocks.

use std::collections::BTreeMap;

use super::super::model::{Detail, Item, Status};
use super::super::sight::{Sight, grown, over, seconds, who, worst};
use super::super::words;
use super::capacity;
use crate::metrics::SeriesRecord;

/// Counters that only faults move, and what they tell.
const FAULTS: &[(&str, &str)] = &[
    (
        "prometheus_tsdb_compactions_failed_total",
        "compaction failed",
    ),
    (
        "prometheus_tsdb_wal_writes_failed_total",
        "WAL writes failed: disk full or read-only",
    ),
    ("prometheus_tsdb_wal_corruptions_total", "WAL corrupted"),
    (
        "prometheus_tsdb_wal_truncations_failed_total",
        "WAL truncation failed",
    ),
    (
        "prometheus_tsdb_checkpoint_creations_failed_total",
        "checkpoint failed",
    ),
    (
        "prometheus_tsdb_head_truncations_failed_total",
        "head truncation failed",
    ),
    (
        "prometheus_tsdb_reloads_failures_total",
        "blocks could not be loaded",
    ),
    (
        "prometheus_tsdb_mmap_chunk_corruptions_total",
        "head chunks corrupted",
    ),
    (
        "prometheus_tsdb_snapshot_replay_error_total",
        "head snapshot could not be read",
    ),
    ("thanos_shipper_corrupted_blocks_total", "blocks corrupted"),
];
/// Usual length of a head block, in seconds.
const BLOCK_SECONDS: f64 = 7200.0;
/// Slack for a compaction that is about to run, in seconds.
const COMPACTION_SLACK: f64 = 900.0;

/// Compaction failures, corruption, failed writes.
pub(in crate::checks) fn faults(sight: &Sight<'_>) -> Item {
    let item = Item::new("tsdb-faults", "tsdb", "TSDB failures")
        .target("none")
        .next("disk full, read-only volume, damaged files: rdiag BUNDLE tells them apart");
    let counted: Vec<_> = FAULTS
        .iter()
        .flat_map(|(m, what)| sight.of(m).map(move |s| (*what, s)))
        .collect();
    if counted.is_empty() {
        return item.unknown(sight.no_metric("prometheus_tsdb_compactions_failed_total"));
    }
    let mut found: BTreeMap<(String, &str), (f64, f64)> = BTreeMap::new();
    for (what, s) in &counted {
        let sum = found
            .entry((sight.short(&s.origin.name()).to_owned(), what))
            .or_default();
        sum.0 += grown(s);
        sum.1 += s.number("value").unwrap_or(0.0);
    }
    found.retain(|_, (new, all)| *new > 0.0 || *all > 0.0);
    let details: Vec<Detail> = found
        .iter()
        .map(|((pod, what), (new, all))| {
            let status = if *new > 0.0 {
                Status::Fail
            } else {
                Status::Warn
            };
            let when = if *new > 0.0 {
                String::new()
            } else {
                " since its process began, none lately".to_owned()
            };
            let n = if *new > 0.0 { *new } else { *all };
            Detail::new(pod, status, format!("{what}: {}{when}", words::count(n))).value(*all)
        })
        .collect();
    let total: f64 = found.values().map(|(new, _)| new).sum();
    let bad: Vec<Detail> = details
        .iter()
        .filter(|d| d.status == worst(&details))
        .cloned()
        .collect();
    let spans = over(counted.iter().map(|(_, s)| *s));
    let status = if details.is_empty() {
        Status::Pass
    } else {
        worst(&details)
    };
    item.figure(format!("{}, {spans}", words::count(total)))
        .source("prometheus_tsdb_*_failed_total, …_corruptions_total")
        .details(details)
        .ends(status, who(&bad))
}

/// Newest and oldest sample of the heads.
pub(in crate::checks) fn head(sight: &Sight<'_>) -> Item {
    let item = Item::new("tsdb-head", "tsdb", "TSDB head times")
        .target(format!(
            "newest at most {} behind and {} ahead; the oldest moves on",
            sight.targets.text("head_lag"),
            sight.targets.text("head_ahead")
        ))
        .next(
            "behind: traffic or clocks; ahead: a sender's clock; too old: compaction does not run",
        );
    let heads = sight.of("prometheus_tsdb_head_max_time");
    let details: Vec<Detail> = heads.filter_map(|s| one_head(sight, s)).collect();
    if details.is_empty() {
        return item.unknown(sight.no_metric("prometheus_tsdb_head_max_time"));
    }
    let bad: Vec<Detail> = details
        .iter()
        .filter(|d| d.status != Status::Pass)
        .cloned()
        .collect();
    let status = worst(&details);
    let figure = words::plural(details.len(), "head");
    let good = details.len() - bad.len();
    let stale_all = status == Status::Warn && good == 0;
    let item = item
        .figure(format!("{good} of {figure} fine"))
        .source("prometheus_tsdb_head_max_time, …_min_time")
        .details(details);
    if stale_all {
        item.ends(
            Status::Fail,
            format!("nothing new in any head; {}", who(&bad)),
        )
    } else {
        item.ends(status, who(&bad))
    }
}

/// One head by its newest sample; `None` for an empty one.
fn one_head(sight: &Sight<'_>, s: &SeriesRecord) -> Option<Detail> {
    let (lag, ahead) = (
        sight.targets.get("head_lag"),
        sight.targets.get("head_ahead"),
    );
    // An empty head shows the ends of time.
    let max = s.number("value").filter(|v| *v > 0.0 && *v < 1e15)?;
    let tenant = s.get("tenant").unwrap_or_default();
    let mut mins = sight.of("prometheus_tsdb_head_min_time");
    let min = mins
        .find(|m| m.origin == s.origin && m.get("tenant") == s.get("tenant"))
        .and_then(|m| m.number("value"));
    let behind = seconds(s.time?) - max / 1000.0;
    let length = min
        .map(|min| (max - min) / 1000.0)
        .filter(|l| *l >= 0.0 && *l < 1e9);
    let longest = 2.5 * block_seconds(sight, &s.origin.name()) + COMPACTION_SLACK;
    let covers = length.map_or(String::new(), |l| {
        format!(", covers {}", words::duration(l))
    });
    let age = words::duration(behind.abs());
    let (status, figure) = if behind < -ahead {
        (Status::Fail, format!("newest {age} ahead{covers}"))
    } else if behind > lag {
        (Status::Warn, format!("newest {age} old{covers}"))
    } else if length.is_some_and(|l| l > longest) {
        (Status::Fail, format!("oldest is not truncated{covers}"))
    } else {
        (Status::Pass, format!("newest {age} old{covers}"))
    };
    let subject = format!("{} {tenant}", sight.short(&s.origin.name()));
    Some(Detail::new(&subject, status, figure).value(behind))
}

/// Length of a member's head blocks, by its flags.
fn block_seconds(sight: &Sight<'_>, pod: &str) -> f64 {
    let member = sight.members.iter().find(|m| m.name == pod);
    let flag = member.and_then(|m| m.pod?.flag("--tsdb.min-block-duration"));
    flag.and_then(go_duration).unwrap_or(BLOCK_SECONDS)
}

/// `2h`, `1m30s`, `1d`.
pub(in crate::checks) fn go_duration(text: &str) -> Option<f64> {
    let (mut total, mut digits) = (0.0, String::new());
    let mut rest = text.chars().peekable();
    while let Some(c) = rest.next() {
        if c.is_ascii_digit() || c == '.' {
            digits.push(c);
            continue;
        }
        let unit = match c {
            'm' if rest.peek() == Some(&'s') => {
                rest.next();
                0.001
            }
            's' => 1.0,
            'm' => 60.0,
            'h' => 3600.0,
            'd' => 86_400.0,
            'w' => 604_800.0,
            _ => return None,
        };
        total += digits.parse::<f64>().ok()? * unit;
        digits.clear();
    }
    digits.is_empty().then_some(total).filter(|t| *t > 0.0)
}

/// Head series by tenant, and their growth.
pub(in crate::checks) fn series(sight: &Sight<'_>) -> Item {
    let limit = sight.targets.get("series_growth");
    let item = Item::new("tsdb-series", "tsdb", "TSDB series by tenant")
        .target(format!("at most {} more than at the last check", sight.targets.text("series_growth")))
        .source("prometheus_tsdb_head_series")
        .next("curl -H 'THANOS-TENANT: T' localhost:19291/api/v1/status/tsdb shows the metrics with most series");
    let mut tenants: BTreeMap<String, (f64, f64)> = BTreeMap::new();
    for s in sight.of("prometheus_tsdb_head_series") {
        let sum = tenants
            .entry(s.get("tenant").unwrap_or_default().to_owned())
            .or_default();
        sum.0 += s.number("value").unwrap_or(0.0);
        sum.1 += s.number("first").unwrap_or(0.0);
    }
    if tenants.is_empty() {
        return item.unknown(sight.no_metric("prometheus_tsdb_head_series"));
    }
    let before = sight.before("tsdb-series");
    let long = sight
        .of("prometheus_tsdb_head_series")
        .filter_map(super::super::sight::window)
        .fold(0.0, f64::max);
    let trend = long >= sight.targets.get("forecast_window");
    let mut details = Vec::new();
    for (tenant, (now, first)) in &tenants {
        let then = before.and_then(|i| i.details.iter().find(|d| d.subject == *tenant)?.value);
        let then = then.or(Some(*first).filter(|_| trend)).filter(|v| *v > 0.0);
        let growth = then.map(|then| now / then - 1.0);
        let status = match growth {
            Some(growth) if growth > limit => Status::Fail,
            Some(_) => Status::Pass,
            None => Status::Unknown,
        };
        let figure = growth.map_or(String::new(), |g| format!(", {:+.1} %", g * 100.0));
        details.push(
            Detail::new(
                tenant,
                status,
                format!("{} series{figure}", words::count(*now)),
            )
            .value(*now),
        );
    }
    let total: f64 = tenants.values().map(|(now, _)| now).sum();
    let grew: Vec<Detail> = details
        .iter()
        .filter(|d| d.status == Status::Fail)
        .cloned()
        .collect();
    let known = details.iter().any(|d| d.status != Status::Unknown);
    let item = item
        .figure(format!(
            "{} in {}",
            words::count(total),
            words::plural(tenants.len(), "tenant")
        ))
        .details(details);
    if !grew.is_empty() {
        item.ends(Status::Fail, who(&grew))
    } else if known {
        item.pass()
    } else {
        item.unknown(format!(
            "growth needs the last check (--against) or scrapes {} apart",
            sight.targets.text("forecast_window")
        ))
    }
}

/// Head series by metric name, from `status/tsdb`.
pub(in crate::checks) fn names(sight: &Sight<'_>) -> Item {
    let item = Item::new("tsdb-names", "tsdb", "TSDB series by name")
        .target("no metric with more than half of a tenant's series")
        .next("curl -H 'THANOS-TENANT: T' localhost:19291/api/v1/status/tsdb");
    let mut details = Vec::new();
    for record in sight
        .input
        .objects
        .records
        .iter()
        .filter(|r| r.get("kind") == Some("tsdb"))
    {
        let tenant = record.get("tenant").unwrap_or_default();
        let all = record
            .get("headStats.numSeries")
            .and_then(|v| v.parse::<f64>().ok());
        let fields = |part: &str| {
            let fields = record
                .fields
                .iter()
                .filter(|(k, _)| k.starts_with("seriesCountByMetricName") && k.ends_with(part));
            fields.map(|(_, v)| v.clone()).collect::<Vec<_>>()
        };
        let (named, counts) = (fields("name"), fields("value"));
        for (name, count) in named.iter().zip(&counts) {
            let Ok(count) = count.parse::<f64>() else {
                continue;
            };
            let share = all.filter(|a| *a > 0.0).map(|all| count / all);
            let status = if share.is_some_and(|s| s > 0.5) {
                Status::Warn
            } else {
                Status::Pass
            };
            let part = share.map_or(String::new(), |s| format!(", {}", words::share(s)));
            details.push(
                Detail::new(
                    &format!("{} {tenant} {name}", record.origin.pod),
                    status,
                    format!("{} series{part}", words::count(count)),
                )
                .value(count),
            );
        }
    }
    if details.is_empty() {
        return item.unknown("no answer of /api/v1/status/tsdb (port 19291) in the input");
    }
    details.sort_by(|a, b| {
        b.value
            .unwrap_or(0.0)
            .total_cmp(&a.value.unwrap_or(0.0))
            .then(a.subject.cmp(&b.subject))
    });
    details.truncate(20);
    let first = format!("{}: {}", details[0].subject, details[0].figure);
    let status = worst(&details);
    item.figure(first.clone())
        .source("status/tsdb")
        .details(details)
        .ends(
            status,
            if status == Status::Pass {
                String::new()
            } else {
                first
            },
        )
}

/// Size of the WAL against the volume.
pub(in crate::checks) fn wal(sight: &Sight<'_>) -> Item {
    let target = sight.targets.get("wal_share");
    let item = Item::new("tsdb-wal", "tsdb", "TSDB WAL size")
        .target(format!("at most {} of the volume", sight.targets.text("wal_share")))
        .source("prometheus_tsdb_wal_storage_size_bytes")
        .next("a WAL that only grows is not truncated: look at compaction and the head's oldest sample");
    let mut details = Vec::new();
    let mut unknown = Vec::new();
    for member in sight.members.iter().filter(|m| m.stores) {
        let name = sight.short(&member.name);
        let Some(size) = sight.value("prometheus_tsdb_wal_storage_size_bytes", &member.name) else {
            continue;
        };
        match capacity::volume_bytes(sight, member) {
            Some(volume) => {
                let status = if size / volume > target {
                    Status::Fail
                } else {
                    Status::Pass
                };
                details.push(
                    Detail::new(
                        name,
                        status,
                        format!(
                            "{}, {} of {}",
                            words::bytes(size),
                            words::share(size / volume),
                            words::bytes(volume)
                        ),
                    )
                    .value(size),
                );
            }
            None => {
                unknown.push(name);
                details.push(Detail::new(name, Status::Unknown, words::bytes(size)).value(size));
            }
        }
    }
    if details.is_empty() {
        return item.unknown(sight.no_metric("prometheus_tsdb_wal_storage_size_bytes"));
    }
    let largest = details.iter().filter_map(|d| d.value).fold(0.0, f64::max);
    let bad: Vec<Detail> = details
        .iter()
        .filter(|d| d.status == Status::Fail)
        .cloned()
        .collect();
    let item = item
        .figure(format!("at most {}", words::bytes(largest)))
        .details(details.clone());
    if !bad.is_empty() {
        item.ends(Status::Fail, who(&bad))
    } else if unknown.is_empty() {
        item.pass()
    } else {
        item.unknown(format!(
            "size of the volume not known for {}",
            words::some(&unknown)
        ))
    }
}
