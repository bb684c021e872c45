//! Kubernetes objects, events and alerts → records: fields named by their JSON path.
//!
//! One object is one record, except where it speaks of several things: a pod gives one record and
//! one more per container, an `EndpointSlice` one per endpoint.

mod alert;
mod event;
mod flat;
mod http;
mod pod;
mod workload;

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::gaps::Gaps;
use super::topology::Topology;
use crate::limits;
use crate::record::{Level, Origin, Source, Time};

pub(super) use flat::{list, quantity, scalar, text, time};
pub(super) use workload::taint;

/// One thing observed other than a log line, owned; a [`crate::record::Record`] is made from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ObjectRecord {
    /// What kind of thing.
    pub source: Source,
    /// The pod (and container) it is about; an empty pod for what belongs to none.
    pub origin: Origin,
    /// When; the last time of an event, the end of a container's last life.
    pub time: Option<Time>,
    /// The first time of an event that stands for several.
    pub first: Option<Time>,
    /// How many occurrences it stands for, at least 1.
    pub count: u64,
    /// `Warning` events and alerts by their severity; `None` for states.
    pub level: Option<Level>,
    /// Fields, in a fixed order. `kind` comes first: `pod`, `container`, `event`, `node`, …
    pub fields: Vec<(String, String)>,
}

impl ObjectRecord {
    /// First value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let mut entries = self.fields.iter();
        entries.find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }
}

/// A configuration file as text; whoever knows its format parses it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct ConfigText {
    /// Kubernetes namespace, when known.
    pub namespace: Option<String>,
    /// Where it comes from: a file of the input, `configmap/NAME/KEY`, or `pod/NAME/FLAG`.
    pub path: String,
    /// Its text.
    pub text: String,
}

/// Everything of the input that is neither a log nor a scrape.
#[derive(Debug, Default)]
pub struct Objects {
    /// Sorted, without duplicates.
    pub records: Vec<ObjectRecord>,
    /// What runs where, under which address, with which flags.
    pub topology: Topology,
    /// Hashring files and inline hashrings.
    pub hashrings: Vec<ConfigText>,
    /// Limits files (`limits.yaml`).
    pub limits: Vec<ConfigText>,
    pub(super) dropped: u64,
    pub(super) secrets: u64,
}

impl Objects {
    /// Takes in one Kubernetes object. `kind` names it where the object itself does not.
    pub(super) fn add(&mut self, object: &Value, kind: Option<&str>) {
        let own = object.get("kind").and_then(Value::as_str);
        let kind = own.or(kind).unwrap_or_default().to_owned();
        if kind == "Secret" {
            self.secrets += 1;
            return;
        }
        if !self.topology.add(&kind, object) {
            self.dropped += 1;
            return;
        }
        let mut out = Vec::new();
        match kind.as_str() {
            "Pod" => {
                pod::records(object, &mut out);
                self.inline_hashrings(object);
            }
            "Event" => event::records(object, &mut out),
            "Node" => workload::node(object, &mut out),
            "StatefulSet" | "Deployment" | "DaemonSet" | "ReplicaSet" => {
                workload::workload(&kind, object, &mut out);
            }
            "PersistentVolumeClaim" => workload::claim(object, &mut out),
            "EndpointSlice" => workload::endpoint_slice(object, &mut out),
            "Endpoints" => workload::endpoints(object, &mut out),
            "ControllerRevision" => workload::revision(object, &mut out),
            "ConfigMap" => {
                workload::config_map(object, &mut out);
                self.config_map(object);
            }
            _ => workload::generic(&kind, object, &mut out),
        }
        out.into_iter().for_each(|record| self.push(record));
    }

    /// Takes in one alert; `payload` is what stood around it.
    pub(super) fn add_alert(&mut self, alert: &Value, payload: &serde_json::Map<String, Value>) {
        if let Some(record) = alert::record(alert, payload) {
            self.push(record);
        }
    }

    /// Takes in the body of an HTTP endpoint of a pod.
    pub(super) fn add_http(&mut self, origin: Origin, port: &str, path: &str, body: &str) {
        for record in http::records(origin, port, path, body) {
            self.push(record);
        }
    }

    /// Keeps a configuration file, if it is one of those that mean something.
    pub(super) fn add_config(&mut self, file: ConfigText, is_hashring: bool) {
        let list = if is_hashring {
            &mut self.hashrings
        } else {
            &mut self.limits
        };
        if list.len() < limits::CONFIG_FILES {
            list.push(file);
        } else {
            self.dropped += 1;
        }
    }

    /// Counts a record that there is no room for.
    pub(super) fn left_out(&mut self) {
        self.dropped += 1;
    }

    /// Sorts everything, joins what needs several objects, and says what was left out.
    pub(super) fn finish(&mut self, gaps: &Gaps) {
        self.topology.finish();
        for record in &mut self.records {
            place_claim(record, &self.topology);
            alert::place(record, &self.topology);
        }
        self.records.sort_unstable();
        self.records.dedup();
        for list in [&mut self.hashrings, &mut self.limits] {
            list.sort_unstable();
            list.dedup_by(|b, a| a.text == b.text && a.namespace == b.namespace);
        }
        if self.secrets > 0 {
            gaps.add("secrets", format!("{} skipped, as always", self.secrets));
        }
        if self.dropped > 0 {
            let why = format!(
                "{} objects or records above the limit were left out",
                self.dropped
            );
            gaps.add("Kubernetes objects", why);
        }
    }

    pub(super) fn push(&mut self, record: ObjectRecord) {
        if self.records.len() < limits::OBJECT_RECORDS {
            self.records.push(record);
        } else {
            self.dropped += 1;
        }
    }

    /// Hashrings and limits that a `ConfigMap` holds.
    fn config_map(&mut self, object: &Value) {
        let name = flat::text(object, "/metadata/name").unwrap_or_default();
        let Some(Value::Object(data)) = object.get("data") else {
            return;
        };
        for (key, value) in data {
            let is_hashring = key.contains("hashring");
            if let Value::String(text) = value
                && (is_hashring || key.contains("limits"))
            {
                let file = ConfigText {
                    namespace: flat::text(object, "/metadata/namespace").map(str::to_owned),
                    path: format!("configmap/{name}/{key}"),
                    text: text.clone(),
                };
                self.add_config(file, is_hashring);
            }
        }
    }

    /// Hashrings given on the command line.
    fn inline_hashrings(&mut self, object: &Value) {
        let name = flat::text(object, "/metadata/name").unwrap_or_default();
        let Some(pod) = self.topology.latest() else {
            return;
        };
        if let Some(text) = pod.flag("--receive.hashrings") {
            let file = ConfigText {
                namespace: flat::text(object, "/metadata/namespace").map(str::to_owned),
                path: format!("pod/{name}/--receive.hashrings"),
                text: text.to_owned(),
            };
            self.add_config(file, true);
        }
    }
}

/// A claim belongs to the pod that mounts it.
fn place_claim(record: &mut ObjectRecord, topology: &Topology) {
    if record.get("kind") != Some("persistentvolumeclaim") {
        return;
    }
    let name = record.get("name").unwrap_or_default();
    let pod = topology.pod_of_claim(record.origin.namespace.as_deref(), name);
    if let Some(pod) = pod {
        record.origin.pod = pod.name.as_str().into();
        record.fields.push(("pod".to_owned(), pod.name.clone()));
    }
}
