//! Files that are read at once: documents, manifests, HTTP bodies, configuration.

use std::io::{BufReader, Read};

use serde_json::{Map, Value};

use super::document::{self, Part};
use super::objects::ConfigText;
use super::repair::Repair;
use super::take::{Opened, Taker};
use super::{BundleError, Manifest, SCHEMA};
use crate::limits;
use crate::record::Origin;

impl Taker {
    /// Kubernetes objects or alerts.
    pub(super) fn document(
        &mut self,
        opened: &Opened,
        kind: Option<&str>,
        namespace: Option<&str>,
    ) -> Result<(), BundleError> {
        let name = opened.found.name.as_str();
        let mut reader = opened.reader(&self.gaps)?.take(limits::DOCUMENT_BYTES);
        let mut repaired = Repair::new(&mut reader);
        let (mut taken, mut alerts, mut rest) = (0_u64, Vec::new(), Map::new());
        let objects = &mut self.input.objects;
        let read = document::read(BufReader::new(&mut repaired), &mut |part| match part {
            Part::Object(mut object, list_kind) => {
                taken += 1;
                place_in(&mut object, namespace);
                let list_kind = list_kind.as_deref().and_then(|k| k.strip_suffix("List"));
                objects.add(&object, list_kind.filter(|k| !k.is_empty()).or(kind));
            }
            Part::Alert(alert) if alerts.len() < limits::OBJECT_RECORDS => alerts.push(alert),
            Part::Alert(_) => objects.left_out(),
            Part::Rest(map) => rest.extend(map),
        });
        for alert in &alerts {
            objects.add_alert(alert, &rest);
        }
        if repaired.repairs() > 0 {
            let n = repaired.repairs();
            let why = format!(
                "damaged JSON, repaired in {n} place{}",
                if n == 1 { "" } else { "s" }
            );
            self.gaps.add(name, why);
        }
        if reader.limit() == 0 {
            let why = format!("only the first {} bytes are read", limits::DOCUMENT_BYTES);
            self.gaps.add(name, why);
        } else if let Err(error) = read {
            self.gaps
                .add(name, format!("not JSON as expected ({error})"));
        } else if taken == 0 && alerts.is_empty() && !is_envelope(&rest) {
            self.gaps
                .add(name, "holds neither Kubernetes objects nor alerts");
        }
        Ok(())
    }

    /// `manifest.json`.
    pub(super) fn manifest(&mut self, opened: Opened) -> Result<(), BundleError> {
        let text = self.text(&opened)?;
        match serde_json::from_str::<Manifest>(&text) {
            Ok(manifest) if manifest.schema.starts_with("rdiag/bundle/") => {
                if manifest.schema != SCHEMA {
                    let why = format!("{} is another version of the layout", manifest.schema);
                    self.gaps.add(opened.found.name, why);
                }
                for gap in &manifest.gaps {
                    self.gaps.add(gap.what.as_str(), gap.why.as_str());
                }
                self.input.manifests.push(manifest);
            }
            _ => {
                let why = "not the manifest of a bundle";
                self.gaps.add(opened.found.name, why);
            }
        }
        Ok(())
    }

    /// The body of an HTTP endpoint.
    pub(super) fn http(
        &mut self,
        opened: Opened,
        namespace: &str,
        pod: &str,
        port: &str,
        path: &str,
    ) -> Result<(), BundleError> {
        if path == "metrics" || path.ends_with(".prom") {
            self.scrape(opened, Some(namespace), pod, None);
            return Ok(());
        }
        let body = self.text(&opened)?;
        let origin = Origin {
            namespace: Some(namespace.into()),
            pod: pod.into(),
            ..Origin::default()
        };
        self.input.objects.add_http(origin, port, path, &body);
        Ok(())
    }

    /// A configuration file.
    pub(super) fn config(
        &mut self,
        opened: &Opened,
        namespace: Option<String>,
        file: &str,
    ) -> Result<(), BundleError> {
        let config = ConfigText {
            namespace,
            path: opened.found.name.clone(),
            text: self.text(opened)?,
        };
        let is_hashring = file.ends_with(".json");
        self.input.objects.add_config(config, is_hashring);
        Ok(())
    }

    /// All of a small file as text.
    fn text(&self, opened: &Opened) -> Result<String, BundleError> {
        let mut bytes = Vec::new();
        let mut reader = opened.reader(&self.gaps)?.take(limits::CONFIG_BYTES);
        // The reader notes what goes wrong.
        let _ = reader.read_to_end(&mut bytes);
        if bytes.len() as u64 == limits::CONFIG_BYTES {
            let why = format!("only the first {} bytes are read", limits::CONFIG_BYTES);
            self.gaps.add(opened.found.name.as_str(), why);
        }
        Ok(String::from_utf8_lossy(&bytes).into_owned())
    }
}

/// An object that does not say its namespace is in that of its file.
fn place_in(object: &mut Value, namespace: Option<&str>) {
    if let (Some(namespace), Some(Value::Object(about))) = (namespace, object.get_mut("metadata")) {
        about
            .entry("namespace")
            .or_insert_with(|| Value::String(namespace.to_owned()));
    }
}

/// What is left of a list once its items are taken, even of an empty one.
fn is_envelope(rest: &Map<String, Value>) -> bool {
    let kind = rest.get("kind").and_then(|kind| kind.as_str());
    kind.is_some_and(|kind| kind.ends_with("List")) || rest.contains_key("groupKey")
}

/// The kind that a file called by its plural holds.
pub(super) fn kind_of(plural: &str) -> Option<&'static str> {
    let kind = match plural {
        "pods" | "pod" => "Pod",
        "events" => "Event",
        "nodes" => "Node",
        "statefulsets" => "StatefulSet",
        "deployments" => "Deployment",
        "daemonsets" => "DaemonSet",
        "replicasets" => "ReplicaSet",
        "persistentvolumeclaims" | "pvc" | "pvcs" => "PersistentVolumeClaim",
        "persistentvolumes" => "PersistentVolume",
        "endpointslices" => "EndpointSlice",
        "endpoints" => "Endpoints",
        "controllerrevisions" => "ControllerRevision",
        "configmaps" => "ConfigMap",
        "services" => "Service",
        _ => return None,
    };
    Some(kind)
}
