//! What stores answer: lines, counts, and whose they are.

use std::collections::BTreeMap;

use crate::record::Origin;

/// Labels of a stream, or fields that stand for them.
pub(super) type Labels = BTreeMap<String, String>;

/// Names under which collectors keep the namespace; the first that is there counts.
pub(super) const NAMESPACE: &[&str] = &[
    "namespace",
    "namespace_name",
    "k8s_namespace_name",
    "kubernetes_namespace_name",
    "k8s.namespace.name",
    "kubernetes.namespace_name",
    "kubernetes.pod_namespace",
];

/// The same for the pod.
pub(super) const POD: &[&str] = &[
    "pod",
    "pod_name",
    "k8s_pod_name",
    "kubernetes_pod_name",
    "k8s.pod.name",
    "kubernetes.pod_name",
];

/// The same for the container.
pub(super) const CONTAINER: &[&str] = &[
    "container",
    "container_name",
    "k8s_container_name",
    "kubernetes_container_name",
    "k8s.container.name",
    "kubernetes.container_name",
];

/// The same for the file on the node, whose number is that of the container's life.
pub(super) const FILE: &[&str] = &["filename", "log_file_path", "log.file.path", "file"];

/// All of them.
pub(super) fn names() -> impl Iterator<Item = &'static str> {
    [NAMESPACE, POD, CONTAINER, FILE]
        .into_iter()
        .flatten()
        .copied()
}

/// A line.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Entry {
    /// Nanoseconds since the epoch.
    pub(super) time: i128,
    pub(super) labels: Labels,
    pub(super) line: String,
}

/// How much a stream has.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub(super) struct Count {
    pub(super) labels: Labels,
    pub(super) lines: u64,
    pub(super) bytes: u64,
    /// Lines of level debug.
    pub(super) debug: u64,
}

impl Count {
    pub(super) fn join(&mut self, other: &Self) {
        self.lines += other.lines;
        self.bytes += other.bytes;
        self.debug += other.debug;
    }
}

/// Whose lines a stream holds.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Whose {
    pub(super) namespace: String,
    pub(super) pod: String,
    pub(super) container: String,
    /// Number of the container's life, where the file's name tells it.
    life: Option<u64>,
}

impl Whose {
    /// `None` when the labels name no pod, or one that cannot be the name of a file.
    pub(super) fn of(labels: &Labels) -> Option<Self> {
        let first = |names: &[&str]| {
            let mut found = names.iter().filter_map(|name| labels.get(*name));
            found.find(|value| !value.is_empty()).cloned()
        };
        let whose = Self {
            namespace: first(NAMESPACE).unwrap_or_else(|| "default".to_owned()),
            pod: first(POD)?,
            container: first(CONTAINER).unwrap_or_else(|| "thanos-receive".to_owned()),
            life: first(FILE).as_deref().and_then(life),
        };
        let is_name = |name: &String| !name.contains(['/', '\0']) && !name.starts_with('.');
        let fits = [&whose.namespace, &whose.pod, &whose.container]
            .into_iter()
            .all(is_name);
        fits.then_some(whose)
    }

    pub(super) fn origin(&self, previous: bool) -> Origin {
        Origin {
            namespace: Some(self.namespace.as_str().into()),
            pod: self.pod.as_str().into(),
            container: Some(self.container.as_str().into()),
            previous,
        }
    }
}

/// `/var/log/pods/NS_POD_UID/CONTAINER/3.log` → 3.
fn life(file: &str) -> Option<u64> {
    let name = file.rsplit('/').next().unwrap_or(file);
    name.strip_suffix(".log")?.parse().ok()
}

/// The latest life of each container: all before it are previous ones.
#[derive(Debug, Default)]
pub(super) struct Lives(BTreeMap<(String, String, String), u64>);

impl Lives {
    pub(super) fn learn(&mut self, labels: &Labels) {
        if let Some(whose) = Whose::of(labels)
            && let Some(life) = whose.life
        {
            let key = (whose.namespace, whose.pod, whose.container);
            let latest = self.0.entry(key).or_default();
            *latest = life.max(*latest);
        }
    }

    pub(super) fn is_previous(&self, whose: &Whose) -> bool {
        let key = (
            whose.namespace.clone(),
            whose.pod.clone(),
            whose.container.clone(),
        );
        match (whose.life, self.0.get(&key)) {
            (Some(life), Some(latest)) => life < *latest,
            _ => false,
        }
    }
}
