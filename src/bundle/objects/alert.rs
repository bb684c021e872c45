//! Alerts: Alertmanager's webhook payload (version 4), its API, and Prometheus's API.

use serde_json::{Map, Value};

use super::ObjectRecord;
use super::flat::{Flat, origin, scalar, text, time};
use crate::bundle::topology::Topology;
use crate::record::{Level, Source};

/// One record of one alert; `None` when it is none.
pub(super) fn record(alert: &Value, payload: &Map<String, Value>) -> Option<ObjectRecord> {
    let labels = alert.get("labels")?.as_object()?;
    let label = |key: &str| labels.get(key).and_then(Value::as_str);
    let mut flat = Flat::default();
    flat.put("kind", "alert");
    flat.put("alertname", label("alertname").unwrap_or_default());
    let status = ["/status", "/status/state", "/state"]
        .iter()
        .find_map(|pointer| text(alert, pointer));
    flat.put("status", status.unwrap_or_default());
    for (part, map) in [
        ("labels", Some(labels)),
        (
            "annotations",
            alert.get("annotations").and_then(Value::as_object),
        ),
    ] {
        let mut entries: Vec<_> = map.into_iter().flatten().collect();
        entries.sort_unstable_by_key(|(key, _)| *key);
        for (key, value) in entries {
            flat.put(format!("{part}.{key}"), scalar(value).unwrap_or_default());
        }
    }
    for part in ["startsAt", "activeAt", "endsAt", "fingerprint", "value"] {
        flat.copy(alert, part, &format!("/{part}"));
    }
    for part in ["receiver", "groupKey"] {
        let value = payload.get(part).and_then(scalar);
        flat.put(part, value.unwrap_or_default());
    }
    let whose = origin(
        label("namespace"),
        label("pod").unwrap_or_default(),
        label("container"),
    );
    let level = match label("severity") {
        Some("critical" | "page") => Some(Level::Fatal),
        Some("error") => Some(Level::Error),
        Some("warning" | "warn") => Some(Level::Warn),
        Some("info" | "none") => Some(Level::Info),
        _ => None,
    };
    let mut found = flat.record(Source::Alert, whose, level);
    found.first = time(alert, "/startsAt").or_else(|| time(alert, "/activeAt"));
    found.time = found.first;
    Some(found)
}

/// An alert without a `pod` label is about the pod that its `instance` label leads to.
pub(super) fn place(record: &mut ObjectRecord, topology: &Topology) {
    if record.source != Source::Alert || !record.origin.pod.is_empty() {
        return;
    }
    let found = record
        .get("labels.instance")
        .and_then(|instance| topology.resolve(instance));
    if let Some(pod) = found {
        record.origin.pod = pod.name.as_str().into();
        record.origin.namespace = pod.namespace.as_deref().map(Into::into);
    }
}
