//! From names and addresses to pods.

use super::{Pod, Topology, agrees};

/// A pod as a DNS name tells it, whether or not such a pod is known.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Named {
    /// Namespace, if the name has that many labels.
    pub namespace: Option<String>,
    /// First label.
    pub pod: String,
}

/// Host and port of an address: a scheme, a path and brackets are taken off.
#[must_use]
pub fn split_address(address: &str) -> (&str, Option<u16>) {
    let rest = address.split_once("://").map_or(address, |(_, rest)| rest);
    // Resolvers of gRPC write `dns:///host:port`; Thanos writes `dnssrv+host`.
    let rest = rest.trim_start_matches('/');
    let rest = rest.split('/').next().unwrap_or(rest);
    if let Some(inner) = rest.strip_prefix('[') {
        let (host, after) = inner.split_once(']').unwrap_or((inner, ""));
        let port = after.strip_prefix(':').and_then(|p| p.parse().ok());
        return (host, port);
    }
    match rest.rsplit_once(':') {
        Some((host, port)) if !host.contains(':') => (host, port.parse().ok()),
        _ => (rest, None),
    }
}

impl Named {
    /// Reads `POD.SERVICE.NAMESPACE.svc…`, where `POD` ends in an ordinal: the name that a stateful
    /// set's pod has below its headless service.
    #[must_use]
    pub fn of(address: &str) -> Option<Self> {
        let (host, _) = split_address(address);
        let mut labels = host.split('.');
        let pod = labels.next()?;
        let (base, ordinal) = pod.rsplit_once('-')?;
        let numbered = !ordinal.is_empty() && ordinal.bytes().all(|b| b.is_ascii_digit());
        if base.is_empty() || !numbered || is_dashed_ip(pod) {
            return None;
        }
        let _service = labels.next();
        let namespace = labels.next().filter(|n| *n != "svc").map(str::to_owned);
        Some(Self {
            namespace,
            pod: pod.to_owned(),
        })
    }
}

impl Topology {
    /// The pod behind `address`: `host:port`, an IP, a URL. Tried in this order: the pod's IP, an
    /// address of a service, the first DNS label, and a pod's IP written with dashes.
    #[must_use]
    pub fn resolve(&self, address: &str) -> Option<&Pod> {
        let (host, _) = split_address(address);
        if host.is_empty() {
            return None;
        }
        if host.parse::<std::net::IpAddr>().is_ok() {
            return self.by_ip(host);
        }
        self.by_name(host)
    }

    fn by_ip(&self, ip: &str) -> Option<&Pod> {
        let mut owners = self.pods.iter().filter(|pod| {
            let has_it = pod.ips.iter().any(|own| own == ip);
            has_it && pod.phase != "Failed" && pod.phase != "Succeeded"
        });
        if let Some(pod) = owners.next() {
            // Pods on the host's network share its address: then it names nobody.
            return if owners.next().is_some() {
                None
            } else {
                Some(pod)
            };
        }
        let endpoint = self.endpoints.iter().find(|e| e.address == ip)?;
        let name = endpoint.pod.as_deref().or(endpoint.hostname.as_deref())?;
        self.pod(endpoint.namespace.as_deref(), name)
    }

    fn by_name(&self, host: &str) -> Option<&Pod> {
        let mut labels = host.split('.');
        let first = labels.next()?;
        let second = labels.next();
        let third = labels.next().filter(|n| *n != "svc");
        let found = self.pods.iter().find(|pod| {
            let hostname = pod.hostname.as_deref().unwrap_or(&pod.name);
            let same_name = hostname == first || pod.name == first;
            let same_place = agrees(pod.namespace.as_deref(), third);
            same_name && same_place
        });
        if found.is_none() && second.is_some() && is_dashed_ip(first) {
            return self.by_ip(&first.replace('-', "."));
        }
        found
    }
}

fn is_dashed_ip(label: &str) -> bool {
    let parts: Vec<&str> = label.split('-').collect();
    parts.len() == 4 && parts.iter().all(|p| p.parse::<u8>().is_ok())
}
