//! What runs where, under which address, with which flags: the typed view of Kubernetes objects.

mod address;
mod container;
mod pod;

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use serde_json::Value;

use super::objects::{quantity, time};
use crate::limits;
use crate::record::Time;

pub use address::{Named, split_address};
pub(super) use container::hide_store;
pub use container::{Container, ContainerState, Termination};
pub use pod::{Condition, Mode, Owner, Pod};

/// Kinds of objects that are kept.
const KINDS: [&str; 8] = [
    "Pod",
    "StatefulSet",
    "Deployment",
    "DaemonSet",
    "Node",
    "EndpointSlice",
    "Endpoints",
    "PersistentVolumeClaim",
];

/// Everything known of the cluster, sorted by namespace and name.
#[derive(Clone, Debug, Default)]
pub struct Topology {
    /// Pods.
    pub pods: Vec<Pod>,
    /// Stateful sets, deployments, daemon sets; no replica sets.
    pub workloads: Vec<Workload>,
    /// Nodes.
    pub nodes: Vec<Node>,
    /// Addresses of services, from `EndpointSlice` and `Endpoints` objects.
    pub endpoints: Vec<Endpoint>,
    /// Persistent volume claims.
    pub claims: Vec<Claim>,
}

/// A stateful set, deployment or daemon set.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Workload {
    /// `StatefulSet`, `Deployment`, `DaemonSet`.
    pub kind: String,
    /// Namespace.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// Pods wanted.
    pub replicas: u32,
    /// Pods ready.
    pub ready: u32,
    /// Pods of the newest revision; `None` when the controller does not say.
    pub updated: Option<u32>,
    /// A stateful set's present and next revision differ: a rollout is under way or stuck.
    pub revisions_differ: bool,
    /// Governing service of a stateful set.
    pub service: Option<String>,
    /// Containers of the template.
    pub containers: Vec<Container>,
}

/// A node.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Node {
    /// Name.
    pub name: String,
    /// Conditions by type.
    pub conditions: BTreeMap<String, Condition>,
    /// Cordoned.
    pub unschedulable: bool,
    /// Taints as `key=value:effect`.
    pub taints: Vec<String>,
    /// What pods may use, in base units, by resource.
    pub allocatable: BTreeMap<String, f64>,
    /// `topology.kubernetes.io/zone`.
    pub zone: Option<String>,
}

impl Node {
    /// Whether the node is ready; `None` when it does not say.
    #[must_use]
    pub fn ready(&self) -> Option<bool> {
        self.conditions.get("Ready").map(|c| c.status == "True")
    }
}

/// An address of a service.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Endpoint {
    /// Namespace.
    pub namespace: Option<String>,
    /// Service.
    pub service: String,
    /// IP address.
    pub address: String,
    /// Pod behind it.
    pub pod: Option<String>,
    /// Host name below the service.
    pub hostname: Option<String>,
    /// Traffic is sent there.
    pub ready: bool,
    /// Would serve, were it not terminating.
    pub serving: bool,
    /// On its way out.
    pub terminating: bool,
}

/// A persistent volume claim.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Claim {
    /// Namespace.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// `Bound`, `Pending`, `Lost`.
    pub phase: String,
    /// Capacity in bytes.
    pub capacity: Option<f64>,
}

impl Topology {
    /// Pods that run Thanos Receive, in order.
    pub fn receivers(&self) -> impl Iterator<Item = &Pod> {
        self.pods.iter().filter(|pod| pod.is_receiver())
    }

    /// The pod of that name; the namespace is judged only where both are known.
    #[must_use]
    pub fn pod(&self, namespace: Option<&str>, name: &str) -> Option<&Pod> {
        let mut named = self.pods.iter().filter(|pod| pod.name == name);
        named.find(|pod| agrees(pod.namespace.as_deref(), namespace))
    }

    /// The node of that name.
    #[must_use]
    pub fn node(&self, name: &str) -> Option<&Node> {
        self.nodes.iter().find(|node| node.name == name)
    }

    /// The workload that owns `pod`.
    #[must_use]
    pub fn workload_of(&self, pod: &Pod) -> Option<&Workload> {
        let owner = pod.workload()?;
        self.workloads.iter().find(|w| {
            w.kind == owner.kind
                && w.name == owner.name
                && agrees(w.namespace.as_deref(), pod.namespace.as_deref())
        })
    }

    /// The only pod that mounts the claim.
    #[must_use]
    pub fn pod_of_claim(&self, namespace: Option<&str>, claim: &str) -> Option<&Pod> {
        let mut users = self.pods.iter().filter(|pod| {
            agrees(pod.namespace.as_deref(), namespace) && pod.claims.iter().any(|c| c == claim)
        });
        let first = users.next();
        if users.next().is_some() { None } else { first }
    }

    /// The pod added last, while objects are being read.
    pub(super) fn latest(&self) -> Option<&Pod> {
        self.pods.last()
    }

    /// It has no room for more.
    pub(super) fn is_full(&self) -> bool {
        let places = self.pods.len() + self.endpoints.len() + self.claims.len();
        places + self.workloads.len() + self.nodes.len() >= limits::TOPOLOGY_OBJECTS
    }

    /// Takes in one object; `false` when there is no room for it.
    pub(super) fn add(&mut self, kind: &str, object: &Value) -> bool {
        if KINDS.contains(&kind) && self.is_full() {
            return false;
        }
        match kind {
            "Pod" => self.pods.push(pod::pod(object)),
            "StatefulSet" | "Deployment" | "DaemonSet" => {
                self.workloads.push(workload(kind, object));
            }
            "Node" => self.nodes.push(node(object)),
            "EndpointSlice" => self.endpoint_slice(object),
            "Endpoints" => self.endpoints_object(object),
            "PersistentVolumeClaim" => self.claims.push(claim(object)),
            _ => {}
        }
        true
    }

    /// Sorts, and keeps one of what was given twice.
    pub(super) fn finish(&mut self) {
        let newest = |pod: &Pod| (pod.created, pod.changed);
        self.pods.sort_by(|a, b| {
            (&a.namespace, &a.name)
                .cmp(&(&b.namespace, &b.name))
                .then_with(|| newest(b).cmp(&newest(a)))
                .then_with(|| format!("{a:?}").cmp(&format!("{b:?}")))
        });
        self.pods
            .dedup_by(|b, a| (&a.namespace, &a.name) == (&b.namespace, &b.name));
        let key = |w: &Workload| (w.namespace.clone(), w.kind.clone(), w.name.clone());
        self.workloads
            .sort_by_cached_key(|w| (key(w), format!("{w:?}")));
        self.workloads.dedup_by(|b, a| key(a) == key(b));
        self.nodes
            .sort_by_cached_key(|n| (n.name.clone(), format!("{n:?}")));
        self.nodes.dedup_by(|b, a| a.name == b.name);
        self.endpoints.sort();
        self.endpoints.dedup();
        let key = |c: &Claim| (c.namespace.clone(), c.name.clone());
        self.claims
            .sort_by_cached_key(|c| (key(c), format!("{c:?}")));
        self.claims.dedup_by(|b, a| key(a) == key(b));
    }

    fn endpoint_slice(&mut self, slice: &Value) {
        let service = slice
            .pointer("/metadata/labels/kubernetes.io~1service-name")
            .and_then(Value::as_str)
            .unwrap_or_default();
        for endpoint in list(slice, "/endpoints") {
            let flag = |part: &str, default| {
                let found = endpoint.pointer(&format!("/conditions/{part}"));
                found.and_then(Value::as_bool).unwrap_or(default)
            };
            let ready = flag("ready", true);
            for address in list(endpoint, "/addresses")
                .iter()
                .filter_map(Value::as_str)
            {
                self.endpoints.push(Endpoint {
                    namespace: owned(slice, "/metadata/namespace"),
                    service: service.to_owned(),
                    address: address.to_owned(),
                    pod: owned(endpoint, "/targetRef/name"),
                    hostname: owned(endpoint, "/hostname"),
                    ready,
                    serving: flag("serving", ready),
                    terminating: flag("terminating", false),
                });
            }
        }
    }

    fn endpoints_object(&mut self, object: &Value) {
        for subset in list(object, "/subsets") {
            for (part, ready) in [("/addresses", true), ("/notReadyAddresses", false)] {
                for address in list(subset, part) {
                    self.endpoints.push(Endpoint {
                        namespace: owned(object, "/metadata/namespace"),
                        service: owned(object, "/metadata/name").unwrap_or_default(),
                        address: owned(address, "/ip").unwrap_or_default(),
                        pod: owned(address, "/targetRef/name"),
                        hostname: owned(address, "/hostname"),
                        ready,
                        serving: ready,
                        terminating: false,
                    });
                }
            }
        }
    }
}

fn workload(kind: &str, object: &Value) -> Workload {
    let number = |pointer: &str| {
        let found = object.pointer(pointer).and_then(Value::as_u64);
        found.map(|n| u32::try_from(n).unwrap_or(u32::MAX))
    };
    let revision = |pointer: &str| owned(object, pointer);
    let (now, next) = (
        revision("/status/currentRevision"),
        revision("/status/updateRevision"),
    );
    let wanted = number("/spec/replicas").or_else(|| number("/status/desiredNumberScheduled"));
    let ready = number("/status/readyReplicas").or_else(|| number("/status/numberReady"));
    Workload {
        kind: kind.to_owned(),
        namespace: owned(object, "/metadata/namespace"),
        name: owned(object, "/metadata/name").unwrap_or_default(),
        replicas: wanted.unwrap_or(1),
        ready: ready.unwrap_or(0),
        updated: number("/status/updatedReplicas"),
        revisions_differ: now.is_some() && next.is_some() && now != next,
        service: owned(object, "/spec/serviceName"),
        containers: list(object, "/spec/template/spec/containers")
            .iter()
            .map(|spec| container::container(object, spec, &Value::Null, false))
            .collect(),
    }
}

fn node(object: &Value) -> Node {
    let allocatable = object
        .pointer("/status/allocatable")
        .and_then(Value::as_object);
    Node {
        name: owned(object, "/metadata/name").unwrap_or_default(),
        conditions: pod::conditions(object),
        unschedulable: object.pointer("/spec/unschedulable") == Some(&Value::Bool(true)),
        taints: list(object, "/spec/taints")
            .iter()
            .map(super::objects::taint)
            .collect(),
        allocatable: allocatable
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), quantity(value.as_str()?)?)))
            .collect(),
        zone: owned(object, "/metadata/labels/topology.kubernetes.io~1zone"),
    }
}

fn claim(object: &Value) -> Claim {
    let capacity = owned(object, "/status/capacity/storage")
        .or_else(|| owned(object, "/spec/resources/requests/storage"));
    Claim {
        namespace: owned(object, "/metadata/namespace"),
        name: owned(object, "/metadata/name").unwrap_or_default(),
        phase: owned(object, "/status/phase").unwrap_or_default(),
        capacity: capacity.as_deref().and_then(quantity),
    }
}

/// Namespaces agree unless both are known and differ.
fn agrees(one: Option<&str>, other: Option<&str>) -> bool {
    match (one, other) {
        (Some(one), Some(other)) => one == other,
        _ => true,
    }
}

fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    super::objects::list(value, pointer)
}

fn owned(value: &Value, pointer: &str) -> Option<String> {
    super::objects::text(value, pointer).map(str::to_owned)
}

fn when(value: &Value, pointer: &str) -> Option<Time> {
    time(value, pointer)
}
