//! Resources against limits and targets: disk, memory, CPU; and when they end.

use super::super::model::{Detail, Item, Status};
use super::super::sight::{Member, Sight, seconds, who, window, worst};
use super::super::words;
use crate::metrics::SeriesRecord;

/// Use of a volume.
struct Disk {
    used: f64,
    size: f64,
    /// What the TSDB alone counts, rather than the kubelet.
    estimate: bool,
}

/// How the highest use is said.
#[derive(Clone, Copy)]
struct Words {
    /// `at most`, or `at least` where it is a lower bound.
    bound: &'static str,
    /// Why some cannot be seen.
    unseen: &'static str,
}

/// A resource that may end.
struct Course {
    pod: String,
    now: f64,
    end: f64,
    /// Growth a second, and over how many seconds it was measured.
    growth: Option<(f64, f64)>,
}

/// Size of the volume a member keeps its data on, in bytes.
pub(in crate::checks) fn volume_bytes(sight: &Sight<'_>, member: &Member<'_>) -> Option<f64> {
    let measured = sight
        .of_pod("kubelet_volume_stats_capacity_bytes", &member.name)
        .find_map(|s| s.number("value"));
    let claims = &sight.topology().claims;
    let claimed = || {
        let pod = member.pod?;
        let of = claims.iter().filter(|c| {
            pod.claims.contains(&c.name) && (c.namespace.is_none() || c.namespace == pod.namespace)
        });
        of.filter_map(|c| c.capacity).reduce(f64::max)
    };
    measured.or_else(claimed).filter(|v| *v > 0.0)
}

/// Series of the volume's use: by the kubelet, else by the TSDB itself.
fn use_series<'s>(sight: &'s Sight<'_>, member: &'s Member<'_>) -> (Vec<&'s SeriesRecord>, bool) {
    let kubelet: Vec<_> = sight
        .of_pod("kubelet_volume_stats_used_bytes", &member.name)
        .take(1)
        .collect();
    if !kubelet.is_empty() {
        return (kubelet, false);
    }
    let own = [
        "prometheus_tsdb_storage_blocks_bytes",
        "prometheus_tsdb_wal_storage_size_bytes",
        "prometheus_tsdb_head_chunks_storage_size_bytes",
    ];
    let own = own.iter().flat_map(|m| sight.of_pod(m, &member.name));
    (own.filter(|s| s.get("stale").is_none()).collect(), true)
}

fn disk(sight: &Sight<'_>, member: &Member<'_>) -> Option<Disk> {
    let size = volume_bytes(sight, member)?;
    let (series, estimate) = use_series(sight, member);
    if series.is_empty() {
        let free = sight
            .of_pod("kubelet_volume_stats_available_bytes", &member.name)
            .find_map(|s| s.number("value"))?;
        return Some(Disk {
            used: size - free,
            size,
            estimate: false,
        });
    }
    let used = series.iter().filter_map(|s| s.number("value")).sum();
    Some(Disk {
        used,
        size,
        estimate,
    })
}

/// Share of the volume in use.
pub(in crate::checks) fn disk_use(sight: &Sight<'_>) -> Item {
    let name = format!("disk_use_{}", sight.cadence.as_str());
    let (target, alert) = (sight.targets.get(&name), sight.targets.get("disk_alert"));
    let item = Item::new("disk-use", "capacity", "TSDB disk")
        .target(format!(
            "< {} of the volume (alert above {})",
            sight.targets.text(&name),
            sight.targets.text("disk_alert")
        ))
        .next(format!(
            "{}; then a larger claim, or a shorter --tsdb.retention",
            sight.command("exec POD -c CONTAINER -- df -h DIR", None)
        ));
    let mut details = Vec::new();
    let mut estimate = false;
    for member in sight.members.iter().filter(|m| m.stores) {
        let Some(disk) = disk(sight, member) else {
            details.push(Detail::new(
                sight.short(&member.name),
                Status::Unknown,
                "not known",
            ));
            continue;
        };
        estimate |= disk.estimate;
        let share = disk.used / disk.size;
        let least = if disk.estimate { "at least " } else { "" };
        let figure = format!(
            "{least}{} ({} of {})",
            words::share(share),
            words::bytes(disk.used),
            words::bytes(disk.size)
        );
        // What the TSDB counts is the least it can be: enough to fail, not to pass.
        let status = match ceiling(sight, share, target) {
            Status::Pass if disk.estimate => Status::Unknown,
            status => status,
        };
        details.push(Detail::new(sight.short(&member.name), status, figure).value(share));
    }
    let source = if estimate {
        "TSDB's own sizes (no kubelet_volume_stats), claims"
    } else {
        "kubelet_volume_stats_used_bytes"
    };
    let bound = if estimate { "at least" } else { "at most" };
    let unseen = if estimate {
        "; what else is on the volume only the kubelet knows (kubelet_volume_stats)"
    } else {
        ""
    };
    finish(
        item.source(source),
        details,
        Words { bound, unseen },
        "size or use of the volume not known: no kubelet_volume_stats, and no claim with a capacity",
        &|worst| {
            let alert = if worst > alert {
                "; above the alert's line"
            } else {
                ""
            };
            (words::share(worst), alert.to_owned())
        },
    )
}

/// Resident memory.
pub(in crate::checks) fn memory_use(sight: &Sight<'_>) -> Item {
    let name = format!("memory_use_{}", sight.cadence.as_str());
    let (target, alert) = (sight.targets.get(&name), sight.targets.get("memory_alert"));
    let item = Item::new("memory-use", "capacity", "Memory")
        .target(format!(
            "< {}, and < {} of the limit",
            sight.targets.text(&name),
            sight.targets.text("memory_alert")
        ))
        .source("process_resident_memory_bytes, limits")
        .next(format!(
            "kubectl {}top pods; series and tenants: rdiag check weekly",
            sight.namespace_flag()
        ));
    let mut details = Vec::new();
    for member in &sight.members {
        let name = sight.short(&member.name);
        let Some(used) = memory(sight, member) else {
            details.push(Detail::new(name, Status::Unknown, "not known"));
            continue;
        };
        let limit = member.pod.and_then(|p| p.receiver()?.memory_limit);
        let of = limit.map_or(", no limit known".to_owned(), |l| {
            format!(
                ", {} of its limit {}",
                words::share(used / l),
                words::bytes(l)
            )
        });
        let status = ceiling(sight, used, target)
            .max(limit.map_or(Status::Pass, |l| ceiling(sight, used / l, alert)));
        details.push(Detail::new(name, status, format!("{}{of}", words::bytes(used))).value(used));
    }
    finish(
        item,
        details,
        Words {
            bound: "at most",
            unseen: "",
        },
        &sight.no_metric("process_resident_memory_bytes"),
        &|worst| (words::bytes(worst), String::new()),
    )
}

/// Memory of a member's process, or of its container, in bytes.
pub(in crate::checks) fn memory(sight: &Sight<'_>, member: &Member<'_>) -> Option<f64> {
    let container = member
        .pod
        .and_then(|p| p.receiver())
        .map(|c| c.name.as_str());
    let mut sets = sight.of_pod("container_memory_working_set_bytes", &member.name);
    let working = sets
        .find(|s| container.is_some_and(|c| s.get("container") == Some(c)))
        .and_then(|s| s.number("value"));
    sight
        .value("process_resident_memory_bytes", &member.name)
        .or(working)
}

/// Below a ceiling: pass, near it: warn.
fn ceiling(sight: &Sight<'_>, value: f64, target: f64) -> Status {
    if value >= target {
        Status::Fail
    } else if value >= target * (1.0 - sight.targets.get("near")) {
        Status::Warn
    } else {
        Status::Pass
    }
}

/// The worst member decides; one that is not known keeps the rest from being a pass.
fn finish(
    item: Item,
    details: Vec<Detail>,
    said: Words,
    why_none: &str,
    words: &dyn Fn(f64) -> (String, String),
) -> Item {
    let highest = details.iter().filter_map(|d| d.value).reduce(f64::max);
    let Some(highest) = highest else {
        return item.unknown(why_none);
    };
    let of = |status: Status| {
        let all = details.iter().filter(|d| d.status == status);
        all.cloned().collect::<Vec<_>>()
    };
    let (failed, near, unseen) = (of(Status::Fail), of(Status::Warn), of(Status::Unknown));
    let (figure, note) = words(highest);
    let item = item
        .figure(format!("{} {figure}", said.bound))
        .details(details);
    if !failed.is_empty() {
        item.ends(Status::Fail, format!("{}{note}", who(&failed)))
    } else if !near.is_empty() {
        item.ends(Status::Warn, format!("near the target: {}", who(&near)))
    } else if !unseen.is_empty() {
        item.unknown(format!("{}{}", who(&unseen), said.unseen))
    } else {
        item.pass()
    }
}

/// When the volumes are full at the present growth.
pub(in crate::checks) fn disk_forecast(sight: &Sight<'_>) -> Item {
    let item = Item::new("disk-forecast", "capacity", "Disk: when it is full");
    let courses = sight
        .members
        .iter()
        .filter(|m| m.stores)
        .filter_map(|member| {
            let disk = disk(sight, member)?;
            let (series, _) = use_series(sight, member);
            let growth = trend(&series).or_else(|| {
                since_before(sight, "disk-forecast", sight.short(&member.name), disk.used)
            });
            Some(Course {
                pod: sight.short(&member.name).to_owned(),
                now: disk.used,
                end: disk.size,
                growth,
            })
        });
    forecast(
        sight,
        item,
        courses.collect(),
        "disk_days_left",
        "size or use of the volume not known",
    )
}

/// When members reach their memory limit at the present growth.
pub(in crate::checks) fn memory_forecast(sight: &Sight<'_>) -> Item {
    let item = Item::new(
        "memory-forecast",
        "capacity",
        "Memory: when the limit is reached",
    );
    let courses = sight.members.iter().filter_map(|member| {
        let now = memory(sight, member)?;
        let end = member.pod?.receiver()?.memory_limit?;
        let series: Vec<_> = sight
            .of_pod("process_resident_memory_bytes", &member.name)
            .collect();
        let growth = trend(&series)
            .or_else(|| since_before(sight, "memory-forecast", sight.short(&member.name), now));
        Some(Course {
            pod: sight.short(&member.name).to_owned(),
            now,
            end,
            growth,
        })
    });
    forecast(
        sight,
        item,
        courses.collect(),
        "memory_days_left",
        "use or limit of memory not known",
    )
}

/// Growth a second between the scrapes, and their distance in seconds.
fn trend(series: &[&SeriesRecord]) -> Option<(f64, f64)> {
    let span = series.iter().filter_map(|s| window(s)).reduce(f64::min)?;
    let grew: f64 = series.iter().filter_map(|s| s.number("delta")).sum();
    Some((grew / span, span))
}

/// Growth since the check compared with.
fn since_before(sight: &Sight<'_>, id: &str, pod: &str, now: f64) -> Option<(f64, f64)> {
    let then = sight
        .before(id)?
        .details
        .iter()
        .find(|d| d.subject == pod)?
        .value?;
    let span = sight.since_before()?;
    Some(((now - then) / span, span))
}

fn forecast(
    sight: &Sight<'_>,
    item: Item,
    courses: Vec<Course>,
    target: &str,
    why_none: &str,
) -> Item {
    let least = sight.targets.get(target);
    let shortest = sight.targets.get("forecast_window");
    let item = item
        .target(format!("at least {} away", sight.targets.text(target)))
        .next("room now is cheaper than an outage: enlarge before that date");
    let Some(now) = sight.now.map(seconds).filter(|_| !courses.is_empty()) else {
        return item.unknown(why_none);
    };
    let mut details = Vec::new();
    let mut soonest: Option<f64> = None;
    let mut spans = Vec::new();
    for course in &courses {
        // The longer look back tells more: the last check, where it is further back than the scrapes.
        let before = since_before(sight, &item.id, &course.pod, course.now);
        let growth = [course.growth, before]
            .into_iter()
            .flatten()
            .max_by(|a, b| a.1.total_cmp(&b.1));
        let Some((growth, span)) = growth.filter(|(_, span)| *span >= shortest) else {
            let figure = format!(
                "{} of {}",
                words::bytes(course.now),
                words::bytes(course.end)
            );
            details.push(Detail::new(&course.pod, Status::Unknown, figure).value(course.now));
            continue;
        };
        spans.push(span);
        let left = (course.end - course.now) / growth;
        let (status, figure) = if growth <= 0.0 || !left.is_finite() {
            (Status::Pass, "does not grow".to_owned())
        } else {
            soonest = Some(soonest.map_or(left, |s: f64| s.min(left)));
            let status = if left < least {
                Status::Fail
            } else {
                Status::Pass
            };
            (
                status,
                format!(
                    "{} a day, until {}",
                    words::bytes(growth * 86_400.0),
                    when(now, left)
                ),
            )
        };
        details.push(Detail::new(&course.pod, status, figure).value(course.now));
    }
    let status = worst(&details);
    let failed: Vec<Detail> = details
        .iter()
        .filter(|d| d.status == Status::Fail)
        .cloned()
        .collect();
    let seen = spans.iter().copied().fold(0.0, f64::max);
    let mut item = item.details(details.clone());
    if !spans.is_empty() {
        item = item.source(format!("growth over {}", words::duration(seen)));
    }
    let figure = soonest.map_or("does not grow".to_owned(), |left| when(now, left));
    if !failed.is_empty() {
        item.figure(figure).ends(Status::Fail, who(&failed))
    } else if details.iter().any(|d| d.status == Status::Unknown) {
        item.unknown(format!(
            "growth needs scrapes {} apart, or the last check (--against)",
            sight.targets.text("forecast_window")
        ))
    } else {
        item.figure(figure).ends(status, "")
    }
}

/// `2026-12-04, in 11d`.
fn when(now: f64, left: f64) -> String {
    // Beyond ten years the date says nothing.
    if left > 3650.0 * 86_400.0 {
        return "beyond ten years".to_owned();
    }
    format!("{}, in {}", words::date(now + left), words::duration(left))
}

/// Monthly: requests and limits of CPU and memory against use.
pub(in crate::checks) fn sizing(sight: &Sight<'_>, cpu: bool) -> Item {
    let (id, title) = if cpu {
        ("cpu-size", "Right size: CPU")
    } else {
        ("memory-size", "Right size: memory")
    };
    let item = Item::new(id, "capacity", title)
        .target(format!(
            "use at most {} of the limit, at least {} of the request",
            sight.targets.text("size_high"),
            sight.targets.text("size_low")
        ))
        .source(if cpu {
            "process_cpu_seconds_total, requests and limits"
        } else {
            "process_resident_memory_bytes, requests and limits"
        })
        .next("rdiag hashring plan FILE --memory SIZE / --cpu N writes the change request");
    let shown = |v: f64| {
        if cpu {
            format!("{v:.2} cores")
        } else {
            words::bytes(v)
        }
    };
    let details: Vec<Detail> = sight
        .members
        .iter()
        .filter_map(|m| size(sight, m, cpu, &shown))
        .collect();
    let Some(highest) = details.iter().filter_map(|d| d.value).reduce(f64::max) else {
        return item.unknown(if cpu {
            "CPU use needs two scrapes, and the pods' requests"
        } else {
            "memory use and the pods' requests are not both in the input"
        });
    };
    let status = worst(&details);
    let bad: Vec<Detail> = details
        .iter()
        .filter(|d| d.status == status && status != Status::Pass)
        .cloned()
        .collect();
    item.figure(format!("at most {}", shown(highest)))
        .details(details)
        .ends(status, who(&bad))
}

/// Use of one member against its request and limit.
fn size(
    sight: &Sight<'_>,
    member: &Member<'_>,
    cpu: bool,
    shown: &dyn Fn(f64) -> String,
) -> Option<Detail> {
    let (high, low) = (
        sight.targets.get("size_high"),
        sight.targets.get("size_low"),
    );
    let container = member.pod?.receiver()?;
    let (used, request, limit) = if cpu {
        let mut series = sight.of_pod("process_cpu_seconds_total", &member.name);
        let rate = series.find_map(|s| s.number("rate"))?;
        (rate, container.cpu_request, container.cpu_limit)
    } else {
        let used = memory(sight, member)?;
        (used, container.memory_request, container.memory_limit)
    };
    let bound = |kind: &str, v: Option<f64>| {
        v.map_or(format!("no {kind}"), |v| format!("{kind} {}", shown(v)))
    };
    let figure = format!(
        "uses {}, {}, {}",
        shown(used),
        bound("request", request),
        bound("limit", limit)
    );
    let (status, note) = match limit.or(request) {
        None => (Status::Warn, "; neither is set"),
        Some(top) if used > high * top => (Status::Fail, "; too tight"),
        Some(_) if request.is_some_and(|r| used < low * r) => {
            (Status::Warn, "; more than it needs")
        }
        Some(_) => (Status::Pass, ""),
    };
    let detail = Detail::new(sight.short(&member.name), status, format!("{figure}{note}"));
    Some(detail.value(used))
}
