//! One line of facts per member, for the report and for `rdiag cluster --status`.

use std::collections::BTreeMap;

use super::words;
use crate::bundle::{ContainerState, Pod, Topology};
use crate::metrics::SeriesRecord;
use crate::record::Time;

/// Facts of each receiver, `namespace/name` → pairs in reading order: `state`, `restarts`,
/// `version`, `series`, `rate`, `memory`, `disk`, `ring`, `upload`. What is not known is left out.
///
/// `series` needs the metrics that each of them names: `prometheus_tsdb_head_series`,
/// `http_requests_total`, `process_resident_memory_bytes`, `kubelet_volume_stats_*`,
/// `thanos_receive_config_hash`, `thanos_objstore_bucket_last_successful_upload_time`,
/// `thanos_status`. `now` is the time of the data.
#[must_use]
pub fn status(topology: &Topology, series: &[SeriesRecord], now: Option<Time>) -> BTreeMap<String, Vec<(String, String)>> {
    let mut of_pod: BTreeMap<String, Vec<&SeriesRecord>> = BTreeMap::new();
    for s in series.iter().filter(|s| !s.origin.pod.is_empty()) {
        of_pod.entry(s.origin.name().into_owned()).or_default().push(s);
    }
    let mut facts = BTreeMap::new();
    for pod in topology.receivers() {
        let name = pod.full_name();
        let own = of_pod.remove(&name).unwrap_or_default();
        facts.insert(name, line(topology, Some(pod), &own, now));
    }
    // Without objects, a process that answers as a receiver is one.
    let known: Vec<String> = topology.pods.iter().map(Pod::full_name).collect();
    for (name, own) in of_pod.into_iter().filter(|(name, _)| !known.contains(name)) {
        if own.iter().any(|s| s.get("metric").is_some_and(|m| m.starts_with("thanos_receive_"))) {
            facts.insert(name, line(topology, None, &own, now));
        }
    }
    facts
}

fn line(topology: &Topology, pod: Option<&Pod>, own: &[&SeriesRecord], now: Option<Time>) -> Vec<(String, String)> {
    let mut facts = Vec::new();
    let mut put = |key: &str, value: Option<String>| {
        if let Some(value) = value {
            facts.push((key.to_owned(), value));
        }
    };
    let all = |metric: &'static str| own.iter().filter(move |s| s.fields.iter().any(|(k, v)| k == "metric" && v == metric));
    let sum = |metric: &'static str, key: &'static str| all(metric).filter_map(move |s| s.number(key)).reduce(|a, b| a + b);
    let receiver = pod.and_then(Pod::receiver);
    let says = all("thanos_status").find(|s| s.get("check") == Some("ready")).and_then(|s| s.number("value"));
    put("state", pod.map(state).or_else(|| says.map(|v| if v >= 1.0 { "ready".to_owned() } else { "not ready".to_owned() })));
    put("restarts", receiver.map(|c| c.restart_count.to_string()));
    let built = all("thanos_build_info").find_map(|s| s.get("version"));
    put("version", pod.and_then(Pod::thanos_version).or(built.map(str::to_owned)));
    put("series", sum("prometheus_tsdb_head_series", "value").map(words::count));
    let requests = all("http_requests_total").filter(|s| s.get("handler") == Some("receive"));
    let rate = requests.filter_map(|s| s.number("rate")).reduce(|a, b| a + b);
    put("rate", rate.map(|r| format!("{r:.1} requests/s")));
    let used = sum("process_resident_memory_bytes", "value");
    put("memory", used.map(|used| match receiver.and_then(|c| c.memory_limit) {
        Some(limit) if limit > 0.0 => format!("{} of {}", words::bytes(used), words::bytes(limit)),
        _ => words::bytes(used),
    }));
    put("disk", disk(topology, pod, &|metric| sum(metric, "value")));
    let hash = all("thanos_receive_config_hash").find_map(|s| s.number("value")).filter(|v| *v > 0.0);
    put("ring", hash.map(|h| format!("{h:.0}")));
    let uploads = all("thanos_objstore_bucket_last_successful_upload_time").filter_map(|s| s.number("value"));
    let upload = uploads.reduce(f64::max);
    put("upload", upload.and_then(|at| {
        let now = super::sight::seconds(now?);
        Some(if at > 0.0 { format!("{} ago", words::duration((now - at).max(0.0))) } else { "none yet".to_owned() })
    }));
    facts
}

fn state(pod: &Pod) -> String {
    let waiting = pod.receiver().and_then(|c| match &c.state {
        ContainerState::Waiting { reason, .. } => reason.clone(),
        ContainerState::Terminated(t) => Some(t.reason.clone().unwrap_or_else(|| "Terminated".to_owned())),
        _ => None,
    });
    match waiting {
        _ if pod.deletion.is_some() => "terminating".to_owned(),
        Some(reason) => reason,
        None if pod.phase != "Running" => pod.reason.clone().unwrap_or_else(|| pod.phase.clone()),
        None if pod.ready() => "ready".to_owned(),
        None => "not ready".to_owned(),
    }
}

/// Use of the volume: by the kubelet, else the size of the claim alone.
fn disk(topology: &Topology, pod: Option<&Pod>, sum: &dyn Fn(&'static str) -> Option<f64>) -> Option<String> {
    let size = sum("kubelet_volume_stats_capacity_bytes");
    let free = sum("kubelet_volume_stats_available_bytes");
    if let (Some(size), Some(free)) = (size, free)
        && size > 0.0
    {
        return Some(format!("{} of {}", words::share((size - free) / size), words::bytes(size)));
    }
    let pod = pod?;
    let claims = topology.claims.iter().filter(|c| pod.claims.contains(&c.name));
    let size = claims.filter_map(|c| c.capacity).reduce(f64::max)?;
    Some(format!("? of {}", words::bytes(size)))
}
