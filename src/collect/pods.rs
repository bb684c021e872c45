//! The pods to look at, and what their objects say about how to look at them.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::api::{Refusal, escape};
use super::connect::Cluster;
use super::target::{Namespaces, Target};
use super::CollectError;

/// A pod to look at.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Pod {
    pub(super) namespace: String,
    pub(super) name: String,
    pub(super) uid: String,
    /// The object as the API server gave it.
    pub(super) object: Value,
}

/// A container of a pod, with what decides which logs it has.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Container {
    pub(super) name: String,
    /// How often it was started anew.
    pub(super) restarts: u64,
    /// It has run at least once, or runs.
    pub(super) started: bool,
    /// It runs now.
    pub(super) runs: bool,
    /// It had a life before the present one.
    pub(super) has_previous: bool,
    /// Why it waits, such as `ImagePullBackOff`.
    pub(super) waiting: Option<String>,
}

impl Pod {
    pub(super) fn of(object: Value) -> Option<Self> {
        let text = |pointer: &str| object.pointer(pointer).and_then(Value::as_str).map(str::to_owned);
        Some(Self {
            namespace: text("/metadata/namespace")?,
            name: text("/metadata/name")?,
            uid: text("/metadata/uid").unwrap_or_default(),
            object,
        })
    }

    /// `namespace/name`.
    pub(super) fn full_name(&self) -> String {
        format!("{}/{}", self.namespace, self.name)
    }

    pub(super) fn text(&self, pointer: &str) -> Option<&str> {
        self.object.pointer(pointer).and_then(Value::as_str).filter(|v| !v.is_empty())
    }

    pub(super) fn list(&self, pointer: &str) -> &[Value] {
        self.object.pointer(pointer).and_then(Value::as_array).map_or(&[], Vec::as_slice)
    }

    /// All containers, init and ephemeral ones too.
    pub(super) fn containers(&self) -> Vec<Container> {
        let kinds = [
            ("/spec/initContainers", "/status/initContainerStatuses"),
            ("/spec/containers", "/status/containerStatuses"),
            ("/spec/ephemeralContainers", "/status/ephemeralContainerStatuses"),
        ];
        let mut all = Vec::new();
        for (spec, status) in kinds {
            for container in self.list(spec) {
                let Some(name) = container.get("name").and_then(Value::as_str) else { continue };
                let state = self.list(status).iter().find(|s| s["name"] == name);
                all.push(container_of(name, state));
            }
        }
        all
    }

    /// Flags of the container that runs Thanos Receive: `args`, and what follows in `command`.
    pub(super) fn flags(&self) -> Vec<&str> {
        let strings = |container: &'_ Value, key| -> Vec<String> {
            let list = container.get(key).and_then(Value::as_array).cloned().unwrap_or_default();
            list.iter().filter_map(|v| v.as_str().map(str::to_owned)).collect()
        };
        let runs = |container: &&Value| {
            let all = [strings(container, "command"), strings(container, "args")].concat();
            all.iter().any(|a| a == "receive") || container["name"] == "thanos-receive"
        };
        let Some(container) = self.list("/spec/containers").iter().find(runs) else { return Vec::new() };
        let part = |key| container.get(key).and_then(Value::as_array).into_iter().flatten();
        part("command").chain(part("args")).filter_map(Value::as_str).collect()
    }

    /// Value of `--name=value` or `--name value`.
    pub(super) fn flag(&self, name: &str) -> Option<&str> {
        let flags = self.flags();
        flags.iter().enumerate().find_map(|(i, flag)| {
            let rest = flag.strip_prefix("--")?.strip_prefix(name)?;
            match rest.strip_prefix('=') {
                Some(value) => Some(value),
                None if rest.is_empty() => flags.get(i + 1).copied(),
                None => None,
            }
        })
    }

    /// The port that `flag` sets (`0.0.0.0:10902`), or the one of that name, or `default`.
    pub(super) fn port(&self, flag: &str, names: &[&str], default: u16) -> u16 {
        let flagged = self.flag(flag).and_then(|address| address.rsplit_once(':')?.1.parse().ok());
        let named = || {
            let ports = self.list("/spec/containers").iter().flat_map(|c| {
                c.get("ports").and_then(Value::as_array).into_iter().flatten()
            });
            let mut named = ports.filter(|p| names.iter().any(|n| p["name"] == *n));
            u16::try_from(named.next()?.get("containerPort")?.as_u64()?).ok()
        };
        flagged.or_else(named).unwrap_or(default)
    }

    /// Its readiness is asked for over TLS.
    pub(super) fn speaks_tls(&self) -> bool {
        self.list("/spec/containers").iter().any(|c| {
            c.pointer("/readinessProbe/httpGet/scheme").and_then(Value::as_str) == Some("HTTPS")
        })
    }

    /// It runs now, so that its endpoints can be asked.
    pub(super) fn runs(&self) -> bool {
        self.text("/status/phase") == Some("Running") && self.text("/status/podIP").is_some()
    }
}

fn container_of(name: &str, state: Option<&Value>) -> Container {
    let at = |pointer: &str| state.and_then(|s| s.pointer(pointer));
    let restarts = at("/restartCount").and_then(Value::as_u64).unwrap_or(0);
    let before = at("/lastState/terminated").is_some();
    let runs = at("/state/running").is_some();
    let ran = at("/state/terminated").is_some();
    Container {
        name: name.to_owned(),
        restarts,
        started: runs || ran || before || restarts > 0,
        runs,
        has_previous: restarts > 0 || before,
        waiting: at("/state/waiting/reason").and_then(Value::as_str).map(str::to_owned),
    }
}

/// The namespaces to ask one by one; `None` stands for all at once.
pub(super) fn places(cluster: &Cluster, namespaces: &Namespaces) -> Vec<Option<String>> {
    match namespaces {
        Namespaces::Current => vec![Some(cluster.namespace.clone())],
        Namespaces::Named(names) => names.iter().cloned().collect::<BTreeSet<_>>().into_iter().map(Some).collect(),
        Namespaces::All => vec![None],
    }
}

/// `namespace monitoring`, or `all namespaces`.
pub(super) fn place_name(place: Option<&str>) -> String {
    place.map_or("all namespaces".to_owned(), |namespace| format!("namespace {namespace}"))
}

/// `/api/v1/namespaces/NS/KIND` or `/api/v1/KIND`; `group` is `api/v1` or `apis/apps/v1`.
pub(super) fn path(group: &str, place: Option<&str>, kind: &str) -> String {
    match place {
        Some(namespace) => format!("/{group}/namespaces/{namespace}/{kind}"),
        None => format!("/{group}/{kind}"),
    }
}

/// Pods that match any of the selectors, sorted.
pub(super) async fn matching(
    cluster: &Cluster,
    places: &[Option<String>],
    selectors: &[&str],
) -> Result<Vec<Pod>, CollectError> {
    let mut found = BTreeMap::new();
    for place in places {
        let attempt = format!("list pods in {}", place_name(place.as_deref()));
        let lists = selectors.iter().map(|selector| list(cluster, place.as_deref(), selector));
        for listed in futures::future::join_all(lists).await {
            let listed = listed.map_err(|refusal| refusal.fatal(cluster, &attempt))?;
            for pod in listed {
                found.insert((pod.namespace.clone(), pod.name.clone()), pod);
            }
        }
    }
    Ok(found.into_values().collect())
}

/// Pods of one place that match one selector.
async fn list(cluster: &Cluster, place: Option<&str>, selector: &str) -> Result<Vec<Pod>, Refusal> {
    let path = format!("{}?labelSelector={}", path("api/v1", place, "pods"), escape(selector));
    let listed = cluster.list(&path).await?;
    Ok(listed.items.into_iter().filter_map(Pod::of).collect())
}

/// The receivers.
///
/// # Errors
/// When they cannot be listed, or when there are none.
pub(super) async fn receivers(cluster: &Cluster, target: &Target) -> Result<Vec<Pod>, CollectError> {
    let places = places(cluster, &target.namespaces);
    let selectors = target.selectors();
    let pods = matching(cluster, &places, &selectors).await?;
    if pods.is_empty() {
        let names: Vec<String> = places.iter().map(|p| place_name(p.as_deref())).collect();
        return Err(CollectError::NoPods { selectors: selectors.join(" or "), place: names.join(", ") });
    }
    Ok(pods)
}
