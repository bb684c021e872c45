//! Kubernetes events, of `v1` and of `events.k8s.io`.

use serde_json::Value;

use super::ObjectRecord;
use super::flat::{Flat, origin, text, time};
use crate::record::{Level, Source};

/// One record of the event.
pub(super) fn records(event: &Value, out: &mut Vec<ObjectRecord>) {
    let object = ["involvedObject", "regarding"]
        .iter()
        .find_map(|key| event.get(*key))
        .unwrap_or(&Value::Null);
    let kind = text(object, "/kind").unwrap_or_default();
    let name = text(object, "/name").unwrap_or_default();
    let namespace = text(object, "/namespace").or_else(|| text(event, "/metadata/namespace"));
    let count = count(event);
    let mut flat = Flat::of("event", event);
    flat.copy(event, "reason", "/reason");
    flat.put("message", either(event, "/message", "/note"));
    flat.copy(event, "type", "/type");
    flat.put("count", count.to_string());
    flat.copy(event, "action", "/action");
    for part in ["kind", "name", "namespace", "fieldPath"] {
        flat.copy(
            object,
            &format!("involvedObject.{part}"),
            &format!("/{part}"),
        );
    }
    let component = [
        "/source/component",
        "/deprecatedSource/component",
        "/reportingComponent",
        "/reportingController",
    ];
    let component = component.iter().find_map(|p| text(event, p));
    flat.put("source.component", component.unwrap_or_default());
    let host = either(event, "/source/host", "/deprecatedSource/host");
    flat.put("source.host", host);
    match kind {
        "Pod" => flat.put("pod", name),
        "Node" => flat.put("node", name),
        _ => {}
    }
    let container = text(object, "/fieldPath").and_then(container);
    flat.put("container", container.unwrap_or_default());
    let pod = if kind == "Pod" { name } else { "" };
    let namespace = if kind == "Node" { None } else { namespace };
    let level = match text(event, "/type") {
        Some("Warning") => Some(Level::Warn),
        Some("Normal") => Some(Level::Info),
        _ => None,
    };
    let mut record = flat.record(Source::Event, origin(namespace, pod, container), level);
    record.count = count;
    record.time = first_time(event, &LAST);
    record.first = first_time(event, &FIRST);
    out.push(record);
}

const LAST: [&str; 5] = [
    "/series/lastObservedTime",
    "/lastTimestamp",
    "/deprecatedLastTimestamp",
    "/eventTime",
    "/metadata/creationTimestamp",
];

const FIRST: [&str; 4] = [
    "/firstTimestamp",
    "/deprecatedFirstTimestamp",
    "/eventTime",
    "/metadata/creationTimestamp",
];

fn first_time(event: &Value, pointers: &[&str]) -> Option<crate::record::Time> {
    pointers.iter().find_map(|pointer| time(event, pointer))
}

fn count(event: &Value) -> u64 {
    ["/series/count", "/count", "/deprecatedCount"]
        .iter()
        .find_map(|pointer| event.pointer(pointer).and_then(Value::as_u64))
        .unwrap_or(1)
        .max(1)
}

fn either<'a>(event: &'a Value, one: &str, other: &str) -> &'a str {
    text(event, one)
        .or_else(|| text(event, other))
        .unwrap_or_default()
}

/// The container that `spec.containers{NAME}` names.
fn container(path: &str) -> Option<&str> {
    path.split_once('{')?.1.strip_suffix('}')
}
