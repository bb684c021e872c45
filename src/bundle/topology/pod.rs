//! Pods, and what the flags of their receiver say.

use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

use serde_json::Value;

use super::container::{Container, container};
use super::{list, owned, when};
use crate::record::Time;

/// A pod.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Pod {
    /// Namespace.
    pub namespace: Option<String>,
    /// Name.
    pub name: String,
    /// IP addresses.
    pub ips: Vec<String>,
    /// Node it runs on.
    pub node: Option<String>,
    /// Labels.
    pub labels: BTreeMap<String, String>,
    /// Controller.
    pub owner: Option<Owner>,
    /// Containers; init containers first.
    pub containers: Vec<Container>,
    /// `Running`, `Pending`, …
    pub phase: String,
    /// Reason of the phase, such as `Evicted`.
    pub reason: Option<String>,
    /// Conditions by type.
    pub conditions: BTreeMap<String, Condition>,
    /// When it was created.
    pub created: Option<Time>,
    /// When the kubelet accepted it.
    pub started: Option<Time>,
    /// When it is to be gone, if it is being deleted.
    pub deletion: Option<Time>,
    /// When a condition last changed.
    pub changed: Option<Time>,
    /// Host name, where set.
    pub hostname: Option<String>,
    /// Headless service that gives it a name.
    pub subdomain: Option<String>,
    /// Persistent volume claims it mounts.
    pub claims: Vec<String>,
}

/// A controller.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Owner {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// A condition of a pod or node.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Condition {
    /// `True`, `False`, `Unknown`.
    pub status: String,
    /// Reason.
    pub reason: Option<String>,
    /// Message.
    pub message: Option<String>,
    /// Since when.
    pub since: Option<Time>,
}

/// The part a receiver plays (`receive` names it in a log line from v0.22).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Mode {
    /// Hashring and local endpoint.
    RouterIngestor,
    /// Hashring only: stores nothing.
    RouterOnly,
    /// No hashring: stores everything it gets.
    IngestorOnly,
}

impl Mode {
    /// The name Thanos gives it.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::RouterIngestor => "RouterIngestor",
            Self::RouterOnly => "RouterOnly",
            Self::IngestorOnly => "IngestorOnly",
        }
    }
}

impl Pod {
    /// Whether the pod is ready for traffic.
    #[must_use]
    pub fn ready(&self) -> bool {
        let condition = self.conditions.get("Ready");
        condition.is_some_and(|c| c.status == "True")
    }

    /// `namespace/name`, or the bare name.
    #[must_use]
    pub fn full_name(&self) -> String {
        match &self.namespace {
            Some(namespace) => format!("{namespace}/{}", self.name),
            None => self.name.clone(),
        }
    }

    /// The stateful set, deployment or other workload above it; a replica set stands for its
    /// deployment.
    #[must_use]
    pub fn workload(&self) -> Option<Owner> {
        let owner = self.owner.clone()?;
        if owner.kind != "ReplicaSet" {
            return Some(owner);
        }
        let hash = self.labels.get("pod-template-hash");
        let deployment = hash.and_then(|h| owner.name.strip_suffix(h)?.strip_suffix('-'));
        Some(match deployment {
            Some(name) => Owner {
                kind: "Deployment".to_owned(),
                name: name.to_owned(),
            },
            None => owner,
        })
    }

    /// Whether it runs Thanos Receive.
    #[must_use]
    pub fn is_receiver(&self) -> bool {
        self.receiver().is_some()
    }

    /// The container that runs Thanos Receive.
    #[must_use]
    pub fn receiver(&self) -> Option<&Container> {
        let runs = self.containers.iter().find(|c| c.runs_receive());
        runs.or_else(|| {
            let named = |c: &&Container| {
                c.args.is_empty()
                    && c.image.contains("thanos")
                    && (c.name.contains("receive") || self.name.contains("receive"))
            };
            self.containers.iter().find(named)
        })
    }

    /// Value of a flag of the receiver.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&str> {
        self.receiver()?.flag(name)
    }

    /// Version of Thanos, from the image's tag.
    #[must_use]
    pub fn thanos_version(&self) -> Option<String> {
        self.receiver()?.version()
    }

    /// The mode its flags give it; `None` when it is no receiver or its flags are not known.
    #[must_use]
    pub fn mode(&self) -> Option<Mode> {
        let receiver = self.receiver().filter(|c| !c.args.is_empty())?;
        let given = |flag| receiver.flag(flag).is_some_and(|value| !value.is_empty());
        let hashring = given("--receive.hashrings-file") || given("--receive.hashrings");
        Some(match (hashring, given("--receive.local-endpoint")) {
            (true, true) => Mode::RouterIngestor,
            (true, false) => Mode::RouterOnly,
            (false, _) => Mode::IngestorOnly,
        })
    }

    /// Replication factor its flags give it; 1 by default, `None` when its flags are not known.
    #[must_use]
    pub fn replication_factor(&self) -> Option<u32> {
        let receiver = self.receiver().filter(|c| !c.args.is_empty())?;
        match receiver.flag("--receive.replication-factor") {
            Some(value) => value.parse().ok(),
            None => Some(1),
        }
    }

    /// Hashring algorithm; `hashmod` by default, `None` when its flags are not known.
    #[must_use]
    pub fn algorithm(&self) -> Option<&str> {
        let receiver = self.receiver().filter(|c| !c.args.is_empty())?;
        Some(
            receiver
                .flag("--receive.hashrings-algorithm")
                .unwrap_or("hashmod"),
        )
    }

    /// How often the hashring file is read again, as written; `5m` by default.
    #[must_use]
    pub fn hashring_file_refresh(&self) -> Option<&str> {
        let receiver = self.receiver().filter(|c| !c.args.is_empty())?;
        Some(
            receiver
                .flag("--receive.hashrings-file-refresh-interval")
                .unwrap_or("5m"),
        )
    }

    /// The name under which it knows itself in the hashring.
    #[must_use]
    pub fn local_endpoint(&self) -> Option<&str> {
        self.flag("--receive.local-endpoint")
    }
}

/// The typed view of a pod.
pub(super) fn pod(object: &Value) -> Pod {
    let mut ips: Vec<String> = list(object, "/status/podIPs")
        .iter()
        .filter_map(|ip| owned(ip, "/ip"))
        .collect();
    if let Some(ip) = owned(object, "/status/podIP")
        && !ips.contains(&ip)
    {
        ips.push(ip);
    }
    let conditions = conditions(object);
    let mut containers = Vec::new();
    for (specs, statuses, init) in [
        (
            "/spec/initContainers",
            "/status/initContainerStatuses",
            true,
        ),
        ("/spec/containers", "/status/containerStatuses", false),
    ] {
        for spec in list(object, specs) {
            let name = spec.get("name");
            let mut of_name = list(object, statuses).iter();
            let status = of_name.find(|s| s.get("name") == name);
            containers.push(container(
                object,
                spec,
                status.unwrap_or(&Value::Null),
                init,
            ));
        }
    }
    let labels = object
        .pointer("/metadata/labels")
        .and_then(Value::as_object);
    Pod {
        namespace: owned(object, "/metadata/namespace"),
        name: owned(object, "/metadata/name").unwrap_or_default(),
        ips,
        node: owned(object, "/spec/nodeName"),
        labels: labels
            .into_iter()
            .flatten()
            .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
            .collect(),
        owner: owner(object),
        containers,
        phase: owned(object, "/status/phase").unwrap_or_default(),
        reason: owned(object, "/status/reason"),
        created: when(object, "/metadata/creationTimestamp"),
        started: when(object, "/status/startTime"),
        deletion: when(object, "/metadata/deletionTimestamp"),
        changed: conditions.values().filter_map(|c| c.since).max(),
        conditions,
        hostname: owned(object, "/spec/hostname"),
        subdomain: owned(object, "/spec/subdomain"),
        claims: list(object, "/spec/volumes")
            .iter()
            .filter_map(|v| owned(v, "/persistentVolumeClaim/claimName"))
            .collect(),
    }
}

fn owner(object: &Value) -> Option<Owner> {
    let owners = list(object, "/metadata/ownerReferences");
    let controls = |o: &&Value| o.get("controller") == Some(&Value::Bool(true));
    let owner = owners.iter().find(controls).or_else(|| owners.first())?;
    Some(Owner {
        kind: owned(owner, "/kind")?,
        name: owned(owner, "/name")?,
    })
}

/// Conditions of a pod or node by type.
pub(super) fn conditions(object: &Value) -> BTreeMap<String, Condition> {
    let typed = |c: &Value| {
        let condition = Condition {
            status: owned(c, "/status").unwrap_or_default(),
            reason: owned(c, "/reason"),
            message: owned(c, "/message"),
            since: when(c, "/lastTransitionTime"),
        };
        Some((owned(c, "/type")?, condition))
    };
    list(object, "/status/conditions")
        .iter()
        .filter_map(typed)
        .collect()
}
