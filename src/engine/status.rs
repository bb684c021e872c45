//! One line of facts per receiver: how it is, what it holds, what it has left.

use std::collections::BTreeMap;

use crate::bundle::{ContainerState, Mode, Pod, Topology};
use crate::metrics::SeriesRecord;
use crate::record::Time;

/// Metrics that these facts are taken from.
pub(super) const METRICS: &[&str] = &[
    "http_requests_total",
    "kubelet_volume_stats_available_bytes",
    "kubelet_volume_stats_capacity_bytes",
    "kubelet_volume_stats_used_bytes",
    "process_resident_memory_bytes",
    "prometheus_tsdb_head_chunks_storage_size_bytes",
    "prometheus_tsdb_head_samples_appended_total",
    "prometheus_tsdb_head_series",
    "prometheus_tsdb_storage_blocks_bytes",
    "prometheus_tsdb_wal_storage_size_bytes",
    "thanos_build_info",
    "thanos_objstore_bucket_last_successful_upload_time",
    "thanos_receive_config_hash",
    "thanos_shipper_uploads_total",
    "thanos_status",
];

/// Facts of each receiver, `namespace/name` → pairs in reading order, of what is known: `ready`
/// (`yes` or `no`), `state` (why not), `restarts`, `version`, `series`, `writes` (requests),
/// `samples` (appended), `memory`, `disk`, `ring` (hash of what it has loaded), `upload` (age of
/// the last one).
///
/// `now` is the time of the data.
#[must_use]
pub fn status(
    topology: &Topology,
    series: &[SeriesRecord],
    now: Option<Time>,
) -> BTreeMap<String, Vec<(String, String)>> {
    let mut of_pod: BTreeMap<String, Vec<&SeriesRecord>> = BTreeMap::new();
    for s in series.iter().filter(|s| !s.origin.pod.is_empty()) {
        of_pod
            .entry(s.origin.name().into_owned())
            .or_default()
            .push(s);
    }
    let mut facts = BTreeMap::new();
    for pod in topology.receivers() {
        let name = pod.full_name();
        let own = Own(of_pod.remove(&name).unwrap_or_default());
        facts.insert(name, line(topology, Some(pod), &own, now));
    }
    // Without objects, a process that answers as a receiver is one.
    let known: Vec<String> = topology.pods.iter().map(Pod::full_name).collect();
    for (name, own) in of_pod.into_iter().filter(|(name, _)| !known.contains(name)) {
        let is_receiver = |s: &&SeriesRecord| {
            s.get("metric")
                .is_some_and(|m| m.starts_with("thanos_receive_"))
        };
        if own.iter().any(is_receiver) {
            facts.insert(name, line(topology, None, &Own(own), now));
        }
    }
    facts
}

/// The series of one receiver.
struct Own<'s>(Vec<&'s SeriesRecord>);

impl Own<'_> {
    fn all(&self, metric: &str) -> impl Iterator<Item = &SeriesRecord> {
        let is =
            move |s: &&&SeriesRecord| s.fields.iter().any(|(k, v)| k == "metric" && v == metric);
        self.0.iter().filter(is).copied()
    }

    fn sum(&self, metric: &str, key: &str) -> Option<f64> {
        self.all(metric)
            .filter_map(|s| s.number(key))
            .reduce(|a, b| a + b)
    }

    /// Write requests a second, if that was measured.
    fn requests(&self) -> Option<f64> {
        self.all("http_requests_total")
            .filter(|s| s.get("handler") == Some("receive"))
            .filter_map(|s| s.number("rate"))
            .reduce(|a, b| a + b)
    }
}

/// `3.2/s`, `1250/s`.
fn per_second(rate: f64) -> String {
    let digits = usize::from(rate < 100.0);
    format!("{rate:.digits$}/s")
}

fn line(
    topology: &Topology,
    pod: Option<&Pod>,
    own: &Own<'_>,
    now: Option<Time>,
) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut put =
        |key: &str, value: Option<String>| facts.extend(value.map(|v| (key.to_owned(), v)));
    let receiver = pod.and_then(Pod::receiver);
    let says = own
        .all("thanos_status")
        .find(|s| s.get("check") == Some("ready"));
    let ready = pod
        .map(|p| p.ready() && p.deletion.is_none())
        .or(says.and_then(|s| s.number("value")).map(|v| v >= 1.0));
    put(
        "ready",
        ready.map(|ready| if ready { "yes" } else { "no" }.to_owned()),
    );
    put("state", pod.and_then(state));
    put("restarts", receiver.map(|c| c.restart_count.to_string()));
    let built = own
        .all("thanos_build_info")
        .find_map(|s| s.get("version"))
        .map(str::to_owned);
    put("version", pod.and_then(Pod::thanos_version).or(built));
    put(
        "series",
        own.sum("prometheus_tsdb_head_series", "value")
            .map(|n| format!("{n}")),
    );
    put("writes", own.requests().map(per_second));
    put(
        "samples",
        own.sum("prometheus_tsdb_head_samples_appended_total", "rate")
            .map(per_second),
    );
    let limit = receiver.and_then(|c| c.memory_limit).filter(|l| *l > 0.0);
    let used = own.sum("process_resident_memory_bytes", "value");
    put(
        "memory",
        used.map(|used| limit.map_or(bytes(used), |l| format!("{} of {}", bytes(used), bytes(l)))),
    );
    put("disk", disk(topology, pod, own));
    let hash = own
        .all("thanos_receive_config_hash")
        .find_map(|s| s.number("value"))
        .filter(|v| *v > 0.0);
    put("ring", hash.map(|hash| format!("{hash:.0}")));
    put("upload", upload(own, now).or_else(|| no_bucket(pod)));
    facts
}

/// Why a pod is not simply running.
fn state(pod: &Pod) -> Option<String> {
    if pod.deletion.is_some() {
        return Some("terminating".to_owned());
    }
    let of_container = pod.receiver().and_then(|c| match &c.state {
        ContainerState::Waiting { reason, .. } => reason.clone(),
        ContainerState::Terminated(end) => end.reason.clone(),
        _ => None,
    });
    let of_pod = || {
        (pod.phase != "Running").then(|| pod.reason.clone().unwrap_or_else(|| pod.phase.clone()))
    };
    of_container.or_else(of_pod)
}

/// Use of the volume, by the kubelet; else what the TSDB itself counts, which is the least it is.
fn disk(topology: &Topology, pod: Option<&Pod>, own: &Own<'_>) -> Option<String> {
    let claimed = || {
        let pod = pod?;
        let of = topology.claims.iter().filter(|c| {
            pod.claims.contains(&c.name) && (c.namespace.is_none() || c.namespace == pod.namespace)
        });
        of.filter_map(|c| c.capacity).reduce(f64::max)
    };
    let size = own
        .sum("kubelet_volume_stats_capacity_bytes", "value")
        .or_else(claimed)
        .filter(|size| *size > 0.0)?;
    let free = own.sum("kubelet_volume_stats_available_bytes", "value");
    let measured = own
        .sum("kubelet_volume_stats_used_bytes", "value")
        .or(free.map(|free| size - free));
    if let Some(used) = measured {
        return Some(format!("{:.0}% of {}", used / size * 100.0, bytes(size)));
    }
    let counted = [
        "prometheus_tsdb_storage_blocks_bytes",
        "prometheus_tsdb_wal_storage_size_bytes",
        "prometheus_tsdb_head_chunks_storage_size_bytes",
    ];
    let counted = counted.iter().filter_map(|name| own.sum(name, "value"));
    let least = counted.reduce(|a, b| a + b)?;
    Some(format!("≥{:.0}% of {}", least / size * 100.0, bytes(size)))
}

/// Age of the last upload; `none yet` where there was none.
#[expect(clippy::cast_precision_loss, reason = "seconds of this century fit")]
fn upload(own: &Own<'_>, now: Option<Time>) -> Option<String> {
    let last = own
        .all("thanos_objstore_bucket_last_successful_upload_time")
        .filter_map(|s| s.number("value"));
    let Some(last) = last.reduce(f64::max).filter(|last| *last > 0.0) else {
        // The time appears with the first upload; that there was none is known where it is counted.
        let uploads = own.sum("thanos_shipper_uploads_total", "value")?;
        return (uploads <= 0.0).then(|| "none yet".to_owned());
    };
    let seconds = ((now?.0 / 1_000_000_000) as f64 - last).max(0.0);
    Some(match seconds {
        s if s < 120.0 => format!("{s:.0}s ago"),
        s if s < 7200.0 => format!("{:.0}m ago", s / 60.0),
        s if s < 172_800.0 => format!("{:.0}h ago", s / 3600.0),
        s => format!("{:.0}d ago", s / 86_400.0),
    })
}

/// That a receiver which stores samples has nowhere to upload them, by its flags.
fn no_bucket(pod: Option<&Pod>) -> Option<String> {
    let pod = pod.filter(|pod| pod.mode().is_some_and(|mode| mode != Mode::RouterOnly))?;
    let flags = ["--objstore.config-file", "--objstore.config"];
    let has_one = flags.iter().any(|flag| pod.flag(flag).is_some());
    (!has_one).then(|| "no bucket".to_owned())
}

/// `310 MiB`.
fn bytes(bytes: f64) -> String {
    let mut value = bytes;
    for unit in ["B", "KiB", "MiB", "GiB"] {
        if value.abs() < 1024.0 {
            let digits = usize::from(unit != "B" && value.abs() < 10.0);
            return format!("{value:.digits$} {unit}");
        }
        value /= 1024.0;
    }
    format!("{value:.1} TiB")
}
