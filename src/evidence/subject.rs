//! Subjects: what a symptom is about, under one name however it was written.

use std::collections::BTreeMap;

use crate::pack::SubjectKind;
use crate::record::Origin;

/// What a symptom is about: a pod, a tenant, the bucket. Not always who said it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Subject {
    /// Kind of thing.
    pub kind: SubjectKind,
    /// `namespace/name`, bare where the namespace is unknown; empty for the only one of its kind
    /// when nothing names it.
    pub name: Box<str>,
}

impl Subject {
    /// A subject of `kind` called `name`.
    #[must_use]
    pub fn new(kind: SubjectKind, name: &str) -> Self {
        Self {
            kind,
            name: name.into(),
        }
    }

    /// The pod that `origin` stands for.
    #[must_use]
    pub fn pod_of(origin: &Origin) -> Self {
        Self::new(SubjectKind::Pod, &origin.name())
    }
}

/// From addresses and names, as logs write them, to pods.
///
/// Order (`design.md` § 5): pod IP or EndpointSlice address, then the first DNS label of
/// `x-N.service.namespace…`, then the bare name.
#[derive(Clone, Debug, Default)]
pub struct Resolver {
    addresses: BTreeMap<Box<str>, Box<str>>,
    pods: BTreeMap<Box<str>, Vec<Box<str>>>,
}

impl Resolver {
    /// Makes `address` (an IP, without port) stand for the pod `name` (`namespace/name`).
    pub fn add_address(&mut self, address: &str, name: &str) {
        self.addresses.insert(address.into(), name.into());
    }

    /// Makes the pod `name` (`namespace/name` or bare) known, so that its bare name finds it.
    pub fn add_pod(&mut self, name: &str) {
        let bare = name.rsplit('/').next().unwrap_or(name);
        let known = self.pods.entry(bare.into()).or_default();
        if !known.iter().any(|k| k.as_ref() == name) {
            known.push(name.into());
            known.sort();
        }
    }

    /// The full name of a pod, of which `name` is what an empty resolver made of an address, or the
    /// name of a writer. Names that are known stay whole, dots and all.
    #[must_use]
    pub fn settled(&self, name: &str) -> Box<str> {
        match self.pods.get(name).map(Vec::as_slice) {
            Some([only]) => only.clone(),
            Some(_) => name.into(),
            None => self.pod(name),
        }
    }

    /// The canonical name of the pod that `text` (`host:port`, an IP, a DNS name, a pod name)
    /// stands for; what nothing is known of keeps its first label.
    #[must_use]
    pub fn pod(&self, text: &str) -> Box<str> {
        let host = host_of(text);
        if let Some(name) = self.addresses.get(host) {
            return name.clone();
        }
        if let Ok(ip) = host.parse::<std::net::IpAddr>() {
            // Several receivers on one host are told apart by their ports alone.
            return if ip.is_loopback() {
                text.into()
            } else {
                host.into()
            };
        }
        if host.contains('/') {
            return host.into();
        }
        let mut labels = host.split('.');
        let first = labels.next().unwrap_or(host);
        let namespace = labels
            .nth(1)
            .filter(|ns| !ns.is_empty() && labels.next() == Some("svc"));
        match (namespace, self.pods.get(first).map(Vec::as_slice)) {
            (Some(ns), _) => format!("{ns}/{first}").into(),
            (None, Some([only])) => only.clone(),
            (None, _) => first.into(),
        }
    }
}

/// The host of `host:port`, `[v6]:port`, `scheme://host:port/path`.
fn host_of(text: &str) -> &str {
    let text = text.split_once("://").map_or(text, |(_, rest)| rest);
    if let Some(inner) = text.strip_prefix('[') {
        return inner.split(']').next().unwrap_or(inner);
    }
    match text.matches(':').count() {
        0 => text,
        1 => text.split(':').next().unwrap_or(text),
        _ => text,
    }
}
