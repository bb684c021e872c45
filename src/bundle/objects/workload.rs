//! Everything that is neither a pod nor an event.

use serde_json::Value;

use super::ObjectRecord;
use super::flat::{Flat, list, origin, quantity, scalar, text, time};
use super::pod::owner;
use crate::bundle::topology::hide_store;
use crate::record::{Origin, Source, Time};

/// A node: its conditions, taints and what it can give.
pub(super) fn node(node: &Value, out: &mut Vec<ObjectRecord>) {
    let mut flat = Flat::of("node", node);
    flat.put("node", text(node, "/metadata/name").unwrap_or_default());
    flat.copy(node, "spec.unschedulable", "/spec/unschedulable");
    flat.copy(
        node,
        "metadata.deletionTimestamp",
        "/metadata/deletionTimestamp",
    );
    flat.conditions(node);
    let taints: Vec<String> = list(node, "/spec/taints").iter().map(taint).collect();
    flat.put("taints", taints.join(","));
    for part in ["allocatable", "capacity"] {
        if let Some(tree) = node.pointer(&format!("/status/{part}")) {
            flat.tree(part, tree);
        }
    }
    if let Some(labels) = node.pointer("/metadata/labels") {
        flat.tree("metadata.labels", labels);
    }
    flat.copy(node, "kubelet", "/status/nodeInfo/kubeletVersion");
    let normal = |c: &&Value| {
        let wanted = match text(c, "/type") {
            Some("Ready") => "True",
            _ => "False",
        };
        text(c, "/status") == Some(wanted)
    };
    let conditions = list(node, "/status/conditions");
    let since = |c: &Value| time(c, "/lastTransitionTime");
    let abnormal = conditions.iter().filter(|c| !normal(c)).filter_map(since);
    let any = conditions.iter().filter_map(since).max();
    out.push(flat.status(Origin::default(), abnormal.max().or(any)));
}

/// `key=value:effect`, as kubectl writes it.
pub(in crate::bundle) fn taint(taint: &Value) -> String {
    let part = |pointer| text(taint, pointer).unwrap_or_default();
    let value = part("/value");
    let equals = if value.is_empty() { "" } else { "=" };
    format!("{}{equals}{value}:{}", part("/key"), part("/effect"))
}

/// Stateful sets, deployments, daemon sets and replica sets: wanted against had, old against new.
pub(super) fn workload(kind: &str, object: &Value, out: &mut Vec<ObjectRecord>) {
    let mut flat = Flat::of(&kind.to_ascii_lowercase(), object);
    owner(object, &mut flat);
    let number = |pointer: &str| object.pointer(pointer).and_then(Value::as_i64);
    let wanted = number("/spec/replicas")
        .or_else(|| number("/status/desiredNumberScheduled"))
        .unwrap_or(1);
    let ready = number("/status/readyReplicas")
        .or_else(|| number("/status/numberReady"))
        .unwrap_or(0);
    flat.put("spec.replicas", wanted.to_string());
    flat.put("status.readyReplicas", ready.to_string());
    flat.put("not_ready", (wanted - ready).max(0).to_string());
    for part in [
        "replicas",
        "availableReplicas",
        "updatedReplicas",
        "unavailableReplicas",
        "currentReplicas",
        "currentRevision",
        "updateRevision",
        "observedGeneration",
    ] {
        flat.copy(
            object,
            &format!("status.{part}"),
            &format!("/status/{part}"),
        );
    }
    let revision = |which| text(object, which);
    let (now, next) = (
        revision("/status/currentRevision"),
        revision("/status/updateRevision"),
    );
    if now.is_some() && next.is_some() {
        flat.put("revisions_differ", (now != next).to_string());
    }
    let generation = number("/metadata/generation");
    let observed = number("/status/observedGeneration");
    if let (Some(generation), Some(observed)) = (generation, observed) {
        flat.put("generation_observed", (generation == observed).to_string());
    }
    for part in [
        "serviceName",
        "podManagementPolicy",
        "updateStrategy.type",
        "updateStrategy.rollingUpdate.partition",
        "strategy.type",
        "paused",
    ] {
        let pointer = format!("/spec/{}", part.replace('.', "/"));
        flat.copy(object, &format!("spec.{part}"), &pointer);
    }
    flat.conditions(object);
    template(object, &mut flat);
    let when = list(object, "/status/conditions")
        .iter()
        .filter_map(|c| time(c, "/lastUpdateTime").or_else(|| time(c, "/lastTransitionTime")))
        .max();
    out.push(flat.status(bare(object), when));
}

/// Images, flags and limits of the pod template.
fn template(object: &Value, flat: &mut Flat) {
    for container in list(object, "/spec/template/spec/containers") {
        let name = text(container, "/name").unwrap_or_default();
        let prefix = format!("template.{name}");
        flat.copy(container, &format!("{prefix}.image"), "/image");
        for part in ["limits.memory", "limits.cpu", "requests.memory"] {
            let pointer = format!("/resources/{}", part.replace('.', "/"));
            flat.copy(container, &format!("{prefix}.{part}"), &pointer);
        }
        let mut args: Vec<String> = list(container, "/args").iter().filter_map(scalar).collect();
        args.iter_mut().for_each(hide_store);
        flat.put(format!("{prefix}.args"), args.join(" "));
    }
}

/// A persistent volume claim.
pub(super) fn claim(claim: &Value, out: &mut Vec<ObjectRecord>) {
    let mut flat = Flat::of("persistentvolumeclaim", claim);
    flat.copy(claim, "status.phase", "/status/phase");
    for (key, pointer) in [
        ("status.capacity.storage", "/status/capacity/storage"),
        (
            "spec.resources.requests.storage",
            "/spec/resources/requests/storage",
        ),
    ] {
        flat.copy(claim, key, pointer);
        if let Some(bytes) = text(claim, pointer).and_then(quantity) {
            flat.put(format!("{key}_bytes"), bytes.to_string());
        }
    }
    flat.copy(claim, "spec.storageClassName", "/spec/storageClassName");
    flat.copy(claim, "spec.volumeName", "/spec/volumeName");
    flat.copy(
        claim,
        "metadata.deletionTimestamp",
        "/metadata/deletionTimestamp",
    );
    flat.conditions(claim);
    out.push(flat.status(bare(claim), created(claim)));
}

/// One record per endpoint of an `EndpointSlice`.
pub(super) fn endpoint_slice(slice: &Value, out: &mut Vec<ObjectRecord>) {
    let namespace = text(slice, "/metadata/namespace");
    let service = slice
        .pointer("/metadata/labels")
        .and_then(|labels| labels.get("kubernetes.io/service-name"))
        .and_then(Value::as_str)
        .unwrap_or_default();
    for endpoint in list(slice, "/endpoints") {
        let mut flat = Flat::of("endpointslice", slice);
        flat.put("service", service);
        for address in list(endpoint, "/addresses").iter().filter_map(scalar) {
            flat.put("address", address);
        }
        for part in ["ready", "serving", "terminating"] {
            flat.copy(endpoint, part, &format!("/conditions/{part}"));
        }
        flat.copy(endpoint, "hostname", "/hostname");
        flat.copy(endpoint, "node", "/nodeName");
        flat.copy(endpoint, "zone", "/zone");
        flat.copy(endpoint, "targetRef.kind", "/targetRef/kind");
        flat.copy(endpoint, "targetRef.name", "/targetRef/name");
        let changed = slice
            .pointer("/metadata/annotations")
            .and_then(|a| a.get("endpoints.kubernetes.io/last-change-trigger-time"))
            .and_then(|_| {
                let key = "/metadata/annotations/endpoints.kubernetes.io~1last-change-trigger-time";
                time(slice, key)
            });
        let when = changed.or_else(|| created(slice));
        out.push(flat.status(origin(namespace, target(endpoint), None), when));
    }
}

/// One record per address of an `Endpoints` object.
pub(super) fn endpoints(object: &Value, out: &mut Vec<ObjectRecord>) {
    let namespace = text(object, "/metadata/namespace");
    for subset in list(object, "/subsets") {
        for (part, ready) in [("/addresses", true), ("/notReadyAddresses", false)] {
            for address in list(subset, part) {
                let mut flat = Flat::of("endpoints", object);
                flat.put(
                    "service",
                    text(object, "/metadata/name").unwrap_or_default(),
                );
                flat.copy(address, "address", "/ip");
                flat.put("ready", ready.to_string());
                flat.copy(address, "hostname", "/hostname");
                flat.copy(address, "node", "/nodeName");
                flat.copy(address, "targetRef.kind", "/targetRef/kind");
                flat.copy(address, "targetRef.name", "/targetRef/name");
                let whose = origin(namespace, target(address), None);
                out.push(flat.status(whose, None));
            }
        }
    }
}

/// A revision of a stateful or daemon set; its time is that of a rollout.
pub(super) fn revision(object: &Value, out: &mut Vec<ObjectRecord>) {
    let mut flat = Flat::of("controllerrevision", object);
    owner(object, &mut flat);
    flat.copy(object, "revision", "/revision");
    flat.copy(
        object,
        "metadata.creationTimestamp",
        "/metadata/creationTimestamp",
    );
    out.push(flat.status(bare(object), created(object)));
}

/// A config map: which keys it has, not what they hold.
pub(super) fn config_map(object: &Value, out: &mut Vec<ObjectRecord>) {
    let mut flat = Flat::of("configmap", object);
    flat.copy(
        object,
        "metadata.creationTimestamp",
        "/metadata/creationTimestamp",
    );
    if let Some(Value::Object(data)) = object.get("data") {
        let mut keys: Vec<&String> = data.keys().collect();
        keys.sort_unstable();
        keys.into_iter()
            .for_each(|key| flat.put("key", key.as_str()));
    }
    let mut record = flat.record(Source::Config, bare(object), None);
    record.time = created(object);
    out.push(record);
}

/// Any other object, all of it.
pub(super) fn generic(kind: &str, object: &Value, out: &mut Vec<ObjectRecord>) {
    let mut flat = Flat::of(&kind.to_ascii_lowercase(), object);
    flat.conditions(object);
    for part in ["metadata", "spec", "status"] {
        if let Some(tree) = object.get(part) {
            flat.tree(part, tree);
        }
    }
    out.push(flat.status(bare(object), created(object)));
}

/// The pod an endpoint stands for; empty if it is none.
fn target(endpoint: &Value) -> &str {
    if text(endpoint, "/targetRef/kind").is_some_and(|kind| kind != "Pod") {
        return "";
    }
    text(endpoint, "/targetRef/name").unwrap_or_default()
}

fn bare(object: &Value) -> Origin {
    origin(text(object, "/metadata/namespace"), "", None)
}

fn created(object: &Value) -> Option<Time> {
    time(object, "/metadata/creationTimestamp")
}
