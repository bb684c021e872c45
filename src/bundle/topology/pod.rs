//! Pods, containers, and what their flags say.

use std::collections::BTreeMap;

use serde_json::Value;

use super::super::objects::quantity;
use super::{list, owned, when};
use crate::record::Time;

/// A pod.
#[derive(Clone, Debug, Default, PartialEq)]
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
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Owner {
    /// Kind.
    pub kind: String,
    /// Name.
    pub name: String,
}

/// A condition of a pod or node.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
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

/// A container, of a pod or of a template.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Container {
    /// Name.
    pub name: String,
    /// Init container.
    pub init: bool,
    /// Image.
    pub image: String,
    /// Command and arguments, `$(NAME)` replaced where the value is known.
    pub args: Vec<String>,
    /// Ready.
    pub ready: bool,
    /// Restarts.
    pub restart_count: u64,
    /// What it does now.
    pub state: ContainerState,
    /// How its last life ended.
    pub last_state: Option<Termination>,
    /// Memory limit in bytes.
    pub memory_limit: Option<f64>,
    /// Memory request in bytes.
    pub memory_request: Option<f64>,
    /// CPU limit in cores.
    pub cpu_limit: Option<f64>,
    /// CPU request in cores.
    pub cpu_request: Option<f64>,
}

/// What a container does.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub enum ContainerState {
    /// It does not say.
    #[default]
    Unknown,
    /// Not started.
    Waiting {
        /// Reason, such as `CrashLoopBackOff`.
        reason: Option<String>,
        /// Message.
        message: Option<String>,
    },
    /// Running.
    Running {
        /// Since when.
        since: Option<Time>,
    },
    /// Ended.
    Terminated(Termination),
}

/// How a container's life ended.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Termination {
    /// Reason, such as `OOMKilled`.
    pub reason: Option<String>,
    /// Message.
    pub message: Option<String>,
    /// Exit code.
    pub exit_code: Option<i64>,
    /// Beginning of that life.
    pub started: Option<Time>,
    /// Its end.
    pub finished: Option<Time>,
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

impl Container {
    /// Whether its command is `thanos receive`.
    #[must_use]
    pub fn runs_receive(&self) -> bool {
        let mut words = self.args.iter().map(String::as_str);
        words.any(|word| word == "receive") && !self.args.iter().any(|a| a == "tools")
    }

    /// Value of the flag `name` (with its dashes); of repeated ones the last, as kingpin takes it.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&str> {
        let mut found = None;
        let mut words = self.args.iter().peekable();
        while let Some(word) = words.next() {
            let Some(rest) = word.strip_prefix(name) else {
                continue;
            };
            if let Some(value) = rest.strip_prefix('=') {
                found = Some(value);
            } else if rest.is_empty() {
                let next = words.peek().filter(|next| !next.starts_with("--"));
                found = Some(next.map_or("", |next| next.as_str()));
            }
        }
        found
    }

    /// Version from the image's tag: `0.35.1`, or `main`; `None` for digests and other tags.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        let named = self.image.split('@').next().unwrap_or_default();
        let (_, tag) = named.rsplit('/').next()?.split_once(':')?;
        if tag == "main" || tag.starts_with("main-") {
            return Some("main".to_owned());
        }
        let digits = tag.strip_prefix('v').unwrap_or(tag);
        let version = digits.split(['-', '+', '_']).next()?;
        let numbers: Vec<&str> = version.split('.').collect();
        let numeric = |n: &&str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
        let whole = (2..=3).contains(&numbers.len()) && numbers.iter().all(numeric);
        whole.then(|| version.to_owned())
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

/// The typed view of a container; `object` is its pod or the workload of its template.
pub(super) fn container(object: &Value, spec: &Value, status: &Value, init: bool) -> Container {
    let resource = |part: &str| {
        let written = spec.pointer(&format!("/resources/{part}"))?;
        quantity(&super::super::objects::scalar(written)?)
    };
    Container {
        name: owned(spec, "/name").unwrap_or_default(),
        init,
        image: owned(spec, "/image").unwrap_or_default(),
        args: args(object, spec),
        ready: status.get("ready") == Some(&Value::Bool(true)),
        restart_count: status
            .get("restartCount")
            .and_then(Value::as_u64)
            .unwrap_or(0),
        state: state(status),
        last_state: status.pointer("/lastState/terminated").map(termination),
        memory_limit: resource("limits/memory"),
        memory_request: resource("requests/memory"),
        cpu_limit: resource("limits/cpu"),
        cpu_request: resource("requests/cpu"),
    }
}

fn state(status: &Value) -> ContainerState {
    if let Some(waiting) = status.pointer("/state/waiting") {
        ContainerState::Waiting {
            reason: owned(waiting, "/reason"),
            message: owned(waiting, "/message"),
        }
    } else if let Some(running) = status.pointer("/state/running") {
        ContainerState::Running {
            since: when(running, "/startedAt"),
        }
    } else if let Some(ended) = status.pointer("/state/terminated") {
        ContainerState::Terminated(termination(ended))
    } else {
        ContainerState::Unknown
    }
}

fn termination(ended: &Value) -> Termination {
    Termination {
        reason: owned(ended, "/reason"),
        message: owned(ended, "/message"),
        exit_code: ended.get("exitCode").and_then(Value::as_i64),
        started: when(ended, "/startedAt"),
        finished: when(ended, "/finishedAt"),
    }
}

/// Command and arguments as words: a shell's script is split, `$(NAME)` is replaced.
fn args(object: &Value, spec: &Value) -> Vec<String> {
    let known = environment(object, spec);
    let words = ["/command", "/args"]
        .iter()
        .flat_map(|pointer| list(spec, pointer))
        .filter_map(Value::as_str);
    let mut args = Vec::new();
    for word in words {
        let word = known.iter().fold(word.to_owned(), |text, (name, value)| {
            text.replace(&format!("$({name})"), value)
                .replace(&format!("${{{name}}}"), value)
        });
        let is_script = word.contains("receive") && word.contains(char::is_whitespace);
        if is_script && !word.starts_with('-') {
            args.extend(word.split_whitespace().map(str::to_owned));
        } else {
            args.push(word);
        }
    }
    args.iter_mut().for_each(hide_store);
    args
}

/// Takes the object store's configuration, which holds its keys, out of a flag.
pub(in crate::bundle) fn hide_store(arg: &mut String) {
    for flag in ["--objstore.config=", "--tracing.config="] {
        if arg.starts_with(flag) {
            arg.truncate(flag.len());
            arg.push_str("(hidden)");
        }
    }
}

/// Environment variables whose value the object itself tells. Names of a template's pods are not
/// known.
fn environment(object: &Value, spec: &Value) -> Vec<(String, String)> {
    let is_pod = object.pointer("/spec/template").is_none();
    let value = |variable: &Value| {
        let literal = owned(variable, "/value");
        literal.or_else(|| {
            let pointer = match owned(variable, "/valueFrom/fieldRef/fieldPath")?.as_str() {
                "metadata.name" if is_pod => "/metadata/name",
                "metadata.namespace" => "/metadata/namespace",
                "spec.nodeName" if is_pod => "/spec/nodeName",
                "status.podIP" if is_pod => "/status/podIP",
                _ => return None,
            };
            owned(object, pointer)
        })
    };
    list(spec, "/env")
        .iter()
        .filter_map(|variable| Some((owned(variable, "/name")?, value(variable)?)))
        .collect()
}
