//! Row 6, object store: failures, and the age of the last upload.

use std::collections::BTreeMap;

use super::super::model::{Detail, Item, Status};
use super::super::sight::{Sight, grown, over, seconds, who, worst};
use super::super::words;

/// Operations whose failure means that uploads fail; reads may fail for blocks that are not there.
const OPERATIONS: &[&str] = &["upload", "exists", "iter"];

/// Why nothing can be said of uploads.
fn no_store(sight: &Sight<'_>) -> String {
    let flags = |p: &crate::bundle::Pod| {
        ["--objstore.config-file", "--objstore.config"]
            .iter()
            .any(|f| p.flag(f).is_some())
    };
    let pods: Vec<_> = sight
        .members
        .iter()
        .filter(|m| m.stores)
        .filter_map(|m| m.pod)
        .filter(|p| p.mode().is_some())
        .collect();
    if !pods.is_empty() && !pods.iter().any(|p| flags(p)) {
        return "no receiver has --objstore.config: nothing is uploaded".to_owned();
    }
    sight.no_metric("thanos_objstore_bucket_operations")
}

/// None failing for 15 minutes.
pub(in crate::checks) fn failing(sight: &Sight<'_>) -> Item {
    let quiet = sight.targets.get("upload_quiet");
    let item = Item::new("uploads-failing", "uploads", "Upload failures")
        .target(format!(
            "none failing for {}",
            sight.targets.text("upload_quiet")
        ))
        .next("rdiag BUNDLE tells key, permission, bucket, network, TLS and time limit apart");
    let failures = || {
        let store = sight.of("thanos_objstore_bucket_operation_failures_total");
        let store = store.filter(|s| s.get("operation").is_some_and(|o| OPERATIONS.contains(&o)));
        store
            .chain(sight.of("thanos_shipper_upload_failures_total"))
            .chain(sight.of("thanos_shipper_dir_sync_failures_total"))
    };
    if failures().next().is_none() {
        return item.unknown(no_store(sight));
    }
    let mut pods: BTreeMap<String, (f64, Vec<String>)> = BTreeMap::new();
    for s in failures() {
        let pod = pods
            .entry(sight.short(&s.origin.name()).to_owned())
            .or_default();
        let n = grown(s);
        pod.0 += n;
        if n > 0.0 {
            let what = s.get("operation").map_or_else(
                || s.get("metric").unwrap_or_default().to_owned(),
                |o| format!("{o} failed"),
            );
            pod.1.push(format!("{what}: {}", words::count(n)));
        }
    }
    let mut details = Vec::new();
    for (pod, (n, what)) in &pods {
        if *n <= 0.0 {
            details.push(Detail::new(pod, Status::Pass, "none failed").value(0.0));
            continue;
        }
        let uploads: f64 = sight
            .of("thanos_shipper_uploads_total")
            .filter(|s| sight.short(&s.origin.name()) == pod)
            .map(grown)
            .sum();
        let age = last_upload(sight, pod);
        // Failures with an upload after them have healed.
        let works = uploads > 0.0 && age.is_some_and(|a| a < quiet);
        let last = age.map_or("; no upload yet".to_owned(), |a| {
            format!("; last upload {} ago", words::duration(a))
        });
        let status = if works { Status::Warn } else { Status::Fail };
        details.push(Detail::new(pod, status, format!("{}{last}", what.join(", "))).value(*n));
    }
    let total: f64 = pods.values().map(|(n, _)| n).sum();
    let bad: Vec<Detail> = details
        .iter()
        .filter(|d| d.status != Status::Pass)
        .cloned()
        .collect();
    let status = worst(&details);
    item.figure(format!(
        "{}, {}",
        words::plural_count(total, "failure"),
        over(failures())
    ))
    .source(
        "thanos_objstore_bucket_operation_failures_total, thanos_shipper_dir_sync_failures_total",
    )
    .details(details)
    .ends(status, who(&bad))
}

/// Seconds since a pod's last upload; `None` when it has made none, or that is not known.
pub(in crate::checks) fn last_upload(sight: &Sight<'_>, pod: &str) -> Option<f64> {
    let all = sight.of("thanos_objstore_bucket_last_successful_upload_time");
    let of = all.filter(|s| sight.short(&s.origin.name()) == pod);
    let at = of
        .filter_map(|s| s.number("value"))
        .filter(|v| *v > 0.0)
        .reduce(f64::max)?;
    Some((seconds(sight.now?) - at).max(0.0))
}

/// Every tenant with data uploads within 3 h.
pub(in crate::checks) fn lag(sight: &Sight<'_>) -> Item {
    let target = sight.targets.get("upload_lag");
    let item = Item::new("uploads-lag", "uploads", "Last upload")
        .target(format!(
            "at most {} ago, of every tenant with data",
            sight.targets.text("upload_lag")
        ))
        .source("thanos_objstore_bucket_last_successful_upload_time, thanos_shipper_uploads_total")
        .next("mc ls BUCKET | tail; the log of the member at debug level shows each upload");
    let stores: Vec<_> = sight.members.iter().filter(|m| m.stores).collect();
    let has = |pod: &str| {
        sight
            .of("thanos_objstore_bucket_last_successful_upload_time")
            .any(|s| sight.short(&s.origin.name()) == pod)
    };
    let mut details = Vec::new();
    for member in &stores {
        let pod = sight.short(&member.name);
        if !has(pod) {
            continue;
        }
        let age = sight
            .now
            .zip(sight.value("process_start_time_seconds", &member.name))
            .map(|(now, start)| seconds(now) - start);
        details.push(of_member(sight, pod, age));
        details.extend(tenants(
            sight,
            member.name.as_str(),
            age.filter(|a| *a > target),
        ));
    }
    if details.is_empty() {
        return item.unknown(no_store(sight));
    }
    let oldest = details.iter().filter_map(|d| d.value).reduce(f64::max);
    let of = |status: Status| {
        details
            .iter()
            .filter(move |d| d.status == status)
            .cloned()
            .collect::<Vec<_>>()
    };
    let (failed, unseen) = (of(Status::Fail), of(Status::Unknown));
    let mut item = item.details(details.clone());
    if let Some(oldest) = oldest {
        item = item.figure(format!("at most {} ago", words::duration(oldest)));
    }
    if !failed.is_empty() {
        item.ends(Status::Fail, who(&failed))
    } else if !unseen.is_empty() {
        item.unknown(who(&unseen))
    } else {
        item.pass()
    }
}

/// Age of one member's last upload; `age` is that of its process.
fn of_member(sight: &Sight<'_>, pod: &str, age: Option<f64>) -> Detail {
    let target = sight.targets.get("upload_lag");
    match (last_upload(sight, pod), age) {
        (Some(ago), _) => {
            let status = if ago > target {
                Status::Fail
            } else {
                Status::Pass
            };
            Detail::new(pod, status, format!("{} ago", words::duration(ago))).value(ago)
        }
        (None, Some(age)) if age > target => {
            let figure = format!("none in the {} the process lives", words::duration(age));
            Detail::new(pod, Status::Fail, figure)
        }
        (None, _) => {
            let figure = "none yet: the process is younger than that";
            Detail::new(pod, Status::Unknown, figure)
        }
    }
}

/// Tenants with series that have never uploaded, though the process is old enough.
fn tenants(sight: &Sight<'_>, member: &str, old_enough: Option<f64>) -> Vec<Detail> {
    let Some(age) = old_enough else {
        return Vec::new();
    };
    let uploads = sight
        .of_pod("thanos_shipper_uploads_total", member)
        .filter(|s| s.number("value") == Some(0.0));
    let has_data = |tenant: &str| {
        let mut heads = sight.of_pod("prometheus_tsdb_head_series", member);
        heads.any(|s| {
            s.get("tenant").unwrap_or_default() == tenant
                && s.number("value").is_some_and(|v| v > 0.0)
        })
    };
    uploads
        .filter_map(|s| s.get("tenant"))
        .filter(|tenant| has_data(tenant))
        .map(|tenant| {
            let subject = format!("{} {tenant}", sight.short(member));
            Detail::new(
                &subject,
                Status::Fail,
                format!("no block uploaded in {}", words::duration(age)),
            )
        })
        .collect()
}
