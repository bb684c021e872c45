//! Pods and their containers.

use serde_json::Value;

use super::ObjectRecord;
use super::flat::{Flat, list, origin, quantity, scalar, text, time};
use crate::bundle::topology::hide_store;
use crate::record::Time;

/// One record of the pod and one of each container.
pub(super) fn records(pod: &Value, out: &mut Vec<ObjectRecord>) {
    let namespace = text(pod, "/metadata/namespace");
    let name = text(pod, "/metadata/name").unwrap_or_default();
    let changed = changed(pod);
    let mut flat = Flat::of("pod", pod);
    for pointer in [
        "status.phase",
        "status.reason",
        "status.message",
        "status.podIP",
        "status.qosClass",
        "status.startTime",
        "spec.nodeName",
        "spec.priorityClassName",
        "metadata.creationTimestamp",
        "metadata.deletionTimestamp",
        "metadata.deletionGracePeriodSeconds",
    ] {
        flat.copy(pod, pointer, &format!("/{}", pointer.replace('.', "/")));
    }
    owner(pod, &mut flat);
    flat.conditions(pod);
    if let Some(labels) = pod.pointer("/metadata/labels") {
        flat.tree("metadata.labels", labels);
    }
    out.push(flat.status(origin(namespace, name, None), changed));
    for (pointer, spec, init) in [
        (
            "/status/initContainerStatuses",
            "/spec/initContainers",
            true,
        ),
        ("/status/containerStatuses", "/spec/containers", false),
    ] {
        containers(pod, list(pod, pointer), list(pod, spec), init, out);
    }
}

/// Statuses joined with the specs of the same name; a spec without a status still gives a record.
fn containers(
    pod: &Value,
    statuses: &[Value],
    specs: &[Value],
    init: bool,
    out: &mut Vec<ObjectRecord>,
) {
    let of_name = |list: &'_ [Value], name: &str| {
        let found = list.iter().find(|c| text(c, "/name") == Some(name));
        found.cloned().unwrap_or(Value::Null)
    };
    for status in statuses {
        let spec = of_name(specs, text(status, "/name").unwrap_or_default());
        out.push(container(pod, status, &spec, init));
    }
    for spec in specs {
        let name = text(spec, "/name").unwrap_or_default();
        if of_name(statuses, name).is_null() {
            out.push(container(pod, &Value::Null, spec, init));
        }
    }
}

fn container(pod: &Value, status: &Value, spec: &Value, init: bool) -> ObjectRecord {
    let namespace = text(pod, "/metadata/namespace");
    let pod_name = text(pod, "/metadata/name").unwrap_or_default();
    let name = text(status, "/name")
        .or_else(|| text(spec, "/name"))
        .unwrap_or_default();
    let mut flat = Flat::default();
    flat.put("kind", "container");
    flat.put("name", name);
    flat.put("container", name);
    flat.put("namespace", namespace.unwrap_or_default());
    flat.put("pod", pod_name);
    flat.copy(pod, "node", "/spec/nodeName");
    flat.copy(pod, "phase", "/status/phase");
    flat.put("init", init.to_string());
    if !status.is_null() {
        flat.copy_or(status, "ready", "/ready", "false");
        flat.copy(status, "started", "/started");
        flat.copy_or(status, "restartCount", "/restartCount", "0");
    }
    for state in ["state", "lastState"] {
        if let Some(tree) = status.get(state) {
            flat.tree(state, tree);
        }
    }
    let image = text(spec, "/image").or_else(|| text(status, "/image"));
    flat.put("image", image.unwrap_or_default());
    resources(spec, &mut flat);
    probes(spec, &mut flat);
    let mut words: Vec<String> = ["/command", "/args"]
        .iter()
        .flat_map(|p| list(spec, p))
        .filter_map(scalar)
        .collect();
    words.iter_mut().for_each(hide_store);
    flat.put("args", words.join(" "));
    flat.status(
        origin(namespace, pod_name, Some(name)),
        when(status).or_else(|| changed(pod)),
    )
}

/// When the container last ended, or else when its present state began.
fn when(status: &Value) -> Option<Time> {
    [
        "/state/terminated/finishedAt",
        "/lastState/terminated/finishedAt",
        "/state/running/startedAt",
    ]
    .iter()
    .find_map(|pointer| time(status, pointer))
}

/// When something last happened to the pod: its deletion, else the last change of a condition that
/// does not hold, else of any, else its start.
fn changed(pod: &Value) -> Option<Time> {
    let conditions = list(pod, "/status/conditions");
    let since = |c: &Value| time(c, "/lastTransitionTime");
    let failing = conditions
        .iter()
        .filter(|c| text(c, "/status") != Some("True"));
    time(pod, "/metadata/deletionTimestamp")
        .or_else(|| failing.filter_map(since).max())
        .or_else(|| conditions.iter().filter_map(since).max())
        .or_else(|| time(pod, "/status/startTime"))
        .or_else(|| time(pod, "/metadata/creationTimestamp"))
}

/// Limits and requests, as written and in base units.
fn resources(spec: &Value, flat: &mut Flat) {
    for part in ["limits", "requests"] {
        for (resource, base) in [
            ("memory", "memory_bytes"),
            ("cpu", "cpu_cores"),
            ("ephemeral-storage", "ephemeral_storage_bytes"),
        ] {
            let pointer = format!("/resources/{part}/{resource}");
            let Some(written) = spec.pointer(&pointer).and_then(scalar) else {
                continue;
            };
            if let Some(number) = quantity(&written) {
                flat.put(format!("{part}.{base}"), number.to_string());
            }
            flat.put(format!("{part}.{resource}"), written);
        }
    }
}

/// What the kubelet asks, and how patient it is.
fn probes(spec: &Value, flat: &mut Flat) {
    for probe in ["livenessProbe", "readinessProbe", "startupProbe"] {
        for part in [
            "httpGet/path",
            "httpGet/port",
            "initialDelaySeconds",
            "periodSeconds",
            "timeoutSeconds",
            "failureThreshold",
        ] {
            let key = format!("{probe}.{}", part.replace('/', "."));
            flat.copy(spec, &key, &format!("/{probe}/{part}"));
        }
    }
}

/// The controller of an object.
pub(super) fn owner(object: &Value, flat: &mut Flat) {
    let owners = list(object, "/metadata/ownerReferences");
    let controls = |o: &&Value| o.get("controller").and_then(Value::as_bool) == Some(true);
    if let Some(owner) = owners.iter().find(controls).or_else(|| owners.first()) {
        flat.copy(owner, "owner.kind", "/kind");
        flat.copy(owner, "owner.name", "/name");
    }
}
