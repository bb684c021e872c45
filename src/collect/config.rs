//! Files that receivers have mounted from ConfigMaps: hashrings and limits. Secrets are never asked for.

use std::collections::{BTreeMap, BTreeSet};

use serde_json::Value;

use super::api::Refusal;
use super::connect::Cluster;
use super::notes::Notes;
use super::pods::Pod;
use super::{CollectError, rights};
use crate::bundle::Writer;

/// A file of a receiver, and the key of the ConfigMap it comes from.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Mounted {
    pub(super) namespace: String,
    pub(super) map: String,
    pub(super) key: String,
    /// As it is called in a bundle.
    pub(super) file: &'static str,
}

/// Where a file of a pod comes from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Found {
    Map { map: String, key: String },
    Secret,
    Elsewhere,
}

/// Flags that name a file, and what it is called in a bundle.
const FILES: [(&str, &str); 2] =
    [("receive.hashrings-file", "hashrings.json"), ("receive.limits-config-file", "limits.yaml")];

/// Writes the files the pods have mounted.
///
/// # Errors
/// When the bundle cannot be written.
pub(super) async fn fetch(
    cluster: &Cluster,
    pods: &[Pod],
    bundle: &Writer,
    notes: &Notes<'_>,
) -> Result<(), CollectError> {
    let mut taken: BTreeMap<(String, &'static str), String> = BTreeMap::new();
    for mounted in wanted(pods, notes) {
        let Mounted { namespace, map, key, file } = mounted;
        let what = format!("{file} of namespace {namespace}");
        if let Some(first) = taken.get(&(namespace.clone(), file)) {
            notes.gap(what, format!("receivers mount it from several ConfigMaps: {first} was taken, {map} was not"));
            continue;
        }
        match text_of(cluster, &namespace, &map, &key).await {
            Ok(text) => {
                bundle.config(&namespace, file, text.as_bytes())?;
                taken.insert((namespace, file), map);
            }
            Err(refusal) => {
                let what = format!("{what} (ConfigMap {map}, key {key})");
                notes.refused(&rights::CONFIGMAPS, Some(&namespace), &what, &refusal);
            }
        }
    }
    Ok(())
}

fn wanted(pods: &[Pod], notes: &Notes<'_>) -> BTreeSet<Mounted> {
    let mut all = BTreeSet::new();
    for pod in pods {
        for (flag, file) in FILES {
            let Some(path) = pod.flag(flag) else { continue };
            match source(pod, path) {
                Found::Map { map, key } => {
                    all.insert(Mounted { namespace: pod.namespace.clone(), map, key, file });
                }
                Found::Secret => notes.gap(
                    format!("{file} of {}", pod.full_name()),
                    "it is mounted from a Secret, which rdiag never reads",
                ),
                Found::Elsewhere => {
                    notes.gap(format!("{file} of {}", pod.full_name()), format!("{path} is not mounted from a ConfigMap"));
                }
            }
        }
    }
    all
}

async fn text_of(cluster: &Cluster, namespace: &str, map: &str, key: &str) -> Result<String, Refusal> {
    let object = cluster.json(&format!("/api/v1/namespaces/{namespace}/configmaps/{map}")).await?;
    let text = object.get("data").and_then(|data| data.get(key)).and_then(Value::as_str);
    text.map(str::to_owned).ok_or_else(|| Refusal::Odd("the ConfigMap has no such key".to_owned()))
}

/// Where the file at `path` in the container comes from.
pub(super) fn source(pod: &Pod, path: &str) -> Found {
    let mounts = pod.list("/spec/containers").iter().flat_map(|c| {
        c.get("volumeMounts").and_then(Value::as_array).into_iter().flatten()
    });
    // The longest mount path is the one that is in force.
    let mut best: Option<(&str, String)> = None;
    let mut length = 0;
    for mount in mounts {
        let (Some(at), Some(volume)) = (mount["mountPath"].as_str(), mount["name"].as_str()) else { continue };
        let at = at.trim_end_matches('/');
        let Some(rest) = path.strip_prefix(at).filter(|rest| rest.is_empty() || rest.starts_with('/')) else {
            continue;
        };
        let inside = [mount["subPath"].as_str().unwrap_or_default(), rest]
            .iter()
            .map(|part| part.trim_matches('/'))
            .filter(|part| !part.is_empty())
            .collect::<Vec<_>>()
            .join("/");
        if best.is_none() || at.len() > length {
            best = Some((volume, inside));
            length = at.len();
        }
    }
    let Some((volume, inside)) = best else { return Found::Elsewhere };
    let Some(volume) = pod.list("/spec/volumes").iter().find(|v| v["name"] == volume) else {
        return Found::Elsewhere;
    };
    let projected = volume.pointer("/projected/sources").and_then(Value::as_array);
    let mut sources = projected.map_or_else(|| vec![volume], |list| list.iter().collect());
    // A projection of several: the one that names the file wins.
    sources.sort_by_key(|s| std::cmp::Reverse(names(s, &inside)));
    sources.into_iter().find_map(|s| from(s, &inside)).unwrap_or(Found::Elsewhere)
}

fn names(source: &Value, inside: &str) -> bool {
    let items = source.pointer("/configMap/items").or_else(|| source.pointer("/secret/items"));
    items.and_then(Value::as_array).is_some_and(|items| items.iter().any(|i| i["path"] == inside))
}

fn from(source: &Value, inside: &str) -> Option<Found> {
    if source.get("secret").is_some() {
        return Some(Found::Secret);
    }
    let config = source.get("configMap")?;
    let map = config["name"].as_str()?.to_owned();
    let items = config.get("items").and_then(Value::as_array);
    let key = match items.filter(|items| !items.is_empty()) {
        Some(items) => items.iter().find(|i| i["path"] == inside)?["key"].as_str()?.to_owned(),
        None => inside.to_owned(),
    };
    Some(Found::Map { map, key })
}
