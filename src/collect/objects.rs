//! Kubernetes objects that belong to the pods, as `kubectl get -o json` prints them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::{Value, json};

use super::api::{Listed, Refusal, escape};
use super::connect::Cluster;
use super::notes::Notes;
use super::pods::{Pod, path};
use super::redact;
use super::rights::{self, Right};
use crate::limits;

/// Objects of one kind and namespace.
#[derive(Clone, Debug, PartialEq)]
pub struct ObjectList {
    /// `None` for kinds outside of namespaces.
    pub namespace: Option<String>,
    /// Plural of the kind, as a bundle calls the file.
    pub kind: &'static str,
    /// As `kubectl get -o json` prints it.
    pub value: Value,
}

/// What belongs to `pods`: themselves, their controllers, claims, slices, events and nodes.
pub(super) async fn gather(cluster: &Cluster, pods: &[Pod], notes: &Notes<'_>) -> Vec<ObjectList> {
    let namespaces: BTreeSet<&str> = pods.iter().map(|pod| pod.namespace.as_str()).collect();
    let mut lists = Vec::new();
    for namespace in &namespaces {
        let own: Vec<&Pod> = pods.iter().filter(|pod| pod.namespace == *namespace).collect();
        lists.push(list_of(Some(namespace), "pods", own.iter().map(|pod| pod.object.clone()).collect()));
        let belongs = Belongs::to(&own);
        for (group, kind, right) in KINDS {
            if kind == "deployments" && belongs.replica_sets.is_empty() {
                continue;
            }
            let listed = cluster.list(&path(group, Some(namespace), kind)).await;
            lists.extend(take(notes, Some(namespace), kind, &right, listed, |item| belongs.keeps(kind, item)));
        }
    }
    lists.extend(nodes(cluster, pods, notes).await);
    if !namespaces.contains("default") {
        lists.extend(node_events(cluster, notes).await);
    }
    lists
}

/// The pods alone, asking nothing.
pub(super) fn pods_only(pods: &[Pod]) -> Vec<ObjectList> {
    let mut by_namespace: BTreeMap<&str, Vec<Value>> = BTreeMap::new();
    for pod in pods {
        by_namespace.entry(&pod.namespace).or_default().push(pod.object.clone());
    }
    by_namespace.into_iter().map(|(namespace, items)| list_of(Some(namespace), "pods", items)).collect()
}

const KINDS: [(&str, &str, Right); 6] = [
    ("api/v1", "events", rights::EVENTS),
    ("api/v1", "persistentvolumeclaims", rights::CLAIMS),
    ("apis/apps/v1", "statefulsets", rights::STATEFULSETS),
    ("apis/apps/v1", "deployments", rights::DEPLOYMENTS),
    ("apis/apps/v1", "controllerrevisions", rights::REVISIONS),
    ("apis/discovery.k8s.io/v1", "endpointslices", rights::ENDPOINTSLICES),
];

async fn nodes(cluster: &Cluster, pods: &[Pod], notes: &Notes<'_>) -> Option<ObjectList> {
    let used: BTreeSet<&str> = pods.iter().filter_map(|pod| pod.text("/spec/nodeName")).collect();
    let waits = pods.iter().any(|pod| pod.text("/spec/nodeName").is_none());
    let listed = cluster.list("/api/v1/nodes").await;
    // A pod that cannot be scheduled is about nodes it does not run on.
    let keep = |item: &Value| waits || text(item, "/metadata/name").is_some_and(|name| used.contains(name));
    take(notes, None, "nodes", &rights::NODES, listed, keep)
}

/// Events of nodes lie in the namespace `default`.
async fn node_events(cluster: &Cluster, notes: &Notes<'_>) -> Option<ObjectList> {
    let selector = escape("involvedObject.kind=Node");
    let listed = cluster.list(&format!("/api/v1/namespaces/default/events?fieldSelector={selector}")).await;
    take(notes, Some("default"), "events", &rights::NODE_EVENTS, listed, |_| true)
}

/// The items of a list that `keep` wants; what went wrong is a gap.
fn take(
    notes: &Notes<'_>,
    namespace: Option<&str>,
    kind: &'static str,
    right: &Right,
    listed: Result<Listed, Refusal>,
    keep: impl Fn(&Value) -> bool,
) -> Option<ObjectList> {
    let place = namespace.map_or(String::new(), |n| format!(" in namespace {n}"));
    match listed {
        Ok(listed) => {
            if listed.cut {
                let most = limits::COLLECT_OBJECTS;
                notes.gap(format!("{kind}{place}"), format!("there are more than {most}: the rest was left"));
            }
            let items: Vec<Value> = listed.items.into_iter().filter(keep).collect();
            (!items.is_empty()).then(|| list_of(namespace, kind, items))
        }
        Err(refusal) => {
            notes.refused(right, namespace, &format!("{kind}{place}"), &refusal);
            None
        }
    }
}

fn list_of(namespace: Option<&str>, kind: &'static str, mut items: Vec<Value>) -> ObjectList {
    items.iter_mut().for_each(redact::object);
    let value = json!({ "apiVersion": "v1", "kind": "List", "metadata": { "resourceVersion": "" }, "items": items });
    ObjectList { namespace: namespace.map(str::to_owned), kind, value }
}

/// What the pods of one namespace name.
struct Belongs {
    pods: BTreeSet<String>,
    addresses: BTreeSet<String>,
    stateful_sets: BTreeSet<String>,
    replica_sets: BTreeSet<String>,
    claims: BTreeSet<String>,
}

impl Belongs {
    fn to(pods: &[&Pod]) -> Self {
        let owners = |kind: &str| {
            let owners = pods.iter().flat_map(|pod| pod.list("/metadata/ownerReferences"));
            owners.filter(|o| o["kind"] == kind).filter_map(|o| o["name"].as_str().map(str::to_owned)).collect()
        };
        let volumes = pods.iter().flat_map(|pod| pod.list("/spec/volumes"));
        let claims = volumes.filter_map(|v| text(v, "/persistentVolumeClaim/claimName"));
        Self {
            pods: pods.iter().map(|pod| pod.name.clone()).collect(),
            addresses: pods.iter().filter_map(|pod| pod.text("/status/podIP").map(str::to_owned)).collect(),
            stateful_sets: owners("StatefulSet"),
            replica_sets: owners("ReplicaSet"),
            claims: claims.map(str::to_owned).collect(),
        }
    }

    fn keeps(&self, kind: &str, item: &Value) -> bool {
        let name = text(item, "/metadata/name").unwrap_or_default();
        match kind {
            "persistentvolumeclaims" => self.claims.contains(name),
            "statefulsets" => self.stateful_sets.contains(name) || is_receive(item),
            // The name of a replica set is its deployment's with a hash behind it.
            "deployments" => {
                let owns = |set: &String| set.rsplit_once('-').is_some_and(|(stem, _)| stem == name);
                self.replica_sets.iter().any(owns) || is_receive(item)
            }
            "controllerrevisions" => list(item, "/metadata/ownerReferences")
                .iter()
                .any(|o| o["name"].as_str().is_some_and(|name| self.stateful_sets.contains(name))),
            "endpointslices" => list(item, "/endpoints").iter().any(|endpoint| {
                text(endpoint, "/targetRef/name").is_some_and(|name| self.pods.contains(name))
                    || list(endpoint, "/addresses").iter().any(|a| a.as_str().is_some_and(|a| self.addresses.contains(a)))
            }),
            _ => true,
        }
    }
}

/// Labelled as a receiver: a set without pods is worth knowing of.
fn is_receive(item: &Value) -> bool {
    super::target::DEFAULT_SELECTORS.iter().filter_map(|s| s.split_once('=')).any(|(key, value)| {
        item.pointer("/metadata/labels").and_then(|labels| labels.get(key)).and_then(Value::as_str) == Some(value)
    })
}

fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    value.pointer(pointer).and_then(Value::as_str)
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    value.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
}
