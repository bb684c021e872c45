//! What is wrong with single members: their addresses, their form, their repetition.

use std::collections::BTreeMap;

use super::{Fault, Subject, first_place, some_of};
use crate::hashring::config::Endpoint;

/// Port of the gRPC server unless told otherwise.
const GRPC_PORT: u16 = 10901;

/// Ports of a receiver that do not take forwarded writes, and what they are.
const OTHER_PORTS: [(u16, &str); 4] = [
    (10902, "HTTP (metrics and probes)"),
    (19291, "remote write"),
    (19391, "Cap'n Proto, which belongs into capnproto_address"),
    (9090, "Prometheus"),
];

pub(super) fn check(subject: &Subject<'_>, faults: &mut Vec<Fault>) {
    form(subject, faults);
    duplicates(subject, faults);
    for endpoint in &subject.ring.endpoints {
        faults.extend(address(subject, endpoint));
    }
    odd_ports(subject, faults);
}

/// Strings and objects may be mixed wherever objects are understood.
fn form(subject: &Subject<'_>, faults: &mut Vec<Fault>) {
    let ring = subject.ring;
    if !subject.from(32) && ring.endpoints.iter().any(|endpoint| endpoint.is_object) {
        let fault = Fault::error(
            first_place(ring, |endpoint| endpoint.is_object),
            "object-endpoint",
            format!(
                "hashring {} has endpoints written as objects",
                subject.label
            ),
            format!(
                "before v0.32 only strings can be read: {}",
                crate::hashring::json::NOT_LOADED
            ),
        );
        faults.push(fault.fix("write the plain address, or upgrade to v0.32 or later"));
    }
    let capnp = |endpoint: &Endpoint| endpoint.capnproto_address.is_some();
    if subject.from(32) && !subject.from(37) && ring.endpoints.iter().any(capnp) {
        faults.push(Fault::warning(
            first_place(ring, capnp),
            "capnproto-ignored",
            "`capnproto_address` is not known before v0.37",
            "ignored; members are reached by gRPC",
        ));
    }
}

fn duplicates(subject: &Subject<'_>, faults: &mut Vec<Fault>) {
    let mut first: BTreeMap<&str, &Endpoint> = BTreeMap::new();
    for endpoint in &subject.ring.endpoints {
        let Some(before) = first.get(endpoint.address.as_str()) else {
            first.insert(&endpoint.address, endpoint);
            continue;
        };
        let zone = if before.az == endpoint.az {
            ""
        } else {
            " and in another zone"
        };
        let fault = Fault::error(
            endpoint.place,
            "duplicate-endpoint",
            format!(
                "{} is listed again in hashring {}{zone}, first at {}",
                endpoint.address, subject.label, before.place
            ),
            "Thanos does not notice: two copies of a series can land on this one process, which \
             keeps one, so that its loss takes both",
        );
        faults.push(fault.fix("remove one of the two"));
    }
}

fn address(subject: &Subject<'_>, endpoint: &Endpoint) -> Option<Fault> {
    let text = endpoint.address.as_str();
    let place = endpoint.place;
    let error = |id, what: String, consequence: &str| Fault::error(place, id, what, consequence);
    let unreachable = "every write forwarded to it fails; it counts as a lost member";
    if text.is_empty() {
        return None;
    }
    if text.trim() != text || text.contains(char::is_whitespace) {
        let what = format!("{text:?} contains a space");
        return Some(error("address-space", what, unreachable).fix("remove it"));
    }
    if let Some((_, rest)) = text.split_once("://") {
        let host = rest.split(['/', ':']).next().unwrap_or_default();
        return Some(
            error("url-endpoint", format!("{text} is a URL"), unreachable)
                .fix(format!("write host and gRPC port only: {host}:{GRPC_PORT}")),
        );
    }
    if text.contains('/') {
        let what = format!("{text} contains a path");
        return Some(error("url-endpoint", what, unreachable).fix("write host:port only"));
    }
    let Some((host, port)) = split(text) else {
        return Some(
            error("no-port", format!("{text} has no port"), unreachable).fix(format!(
                "write {text}:{GRPC_PORT}; it must equal --receive.local-endpoint to the letter"
            )),
        );
    };
    if host.is_empty() {
        return Some(error("no-host", format!("{text} has no host"), unreachable));
    }
    let Some(port) = port.parse::<u16>().ok().filter(|&port| port > 0) else {
        let what = format!("{port:?} in {text} is not a port");
        return Some(error("bad-port", what, unreachable));
    };
    if let Some((_, use_)) = OTHER_PORTS.iter().find(|(other, _)| *other == port) {
        let what = format!("{text}: port {port} is usually {use_}, not gRPC");
        let consequence = format!("unless gRPC was moved there, {unreachable}");
        return Some(
            error("wrong-port", what, &consequence).fix(format!("write {host}:{GRPC_PORT}")),
        );
    }
    weak_host(subject, endpoint, host)
}

/// Hosts that work today but not for long.
fn weak_host(subject: &Subject<'_>, endpoint: &Endpoint, host: &str) -> Option<Fault> {
    let text = &endpoint.address;
    let warning = |id, what: String, consequence: &str| {
        Some(Fault::warning(endpoint.place, id, what, consequence))
    };
    if host == "localhost" || host.starts_with("127.") || host == "[::1]" {
        let what = format!("{text} is a different process for each member");
        return warning(
            "loopback-endpoint",
            what,
            "each member forwards these series to itself",
        );
    }
    if host.starts_with('[') && subject.from(37) && endpoint.capnproto_address.is_none() {
        let what = format!("{text} is an IPv6 address without capnproto_address");
        let consequence = "the address derived for Cap'n Proto is cut at the first colon";
        return warning("ipv6-capnproto", what, consequence);
    }
    if host.parse::<std::net::Ipv4Addr>().is_ok() || host.starts_with('[') {
        let what = format!("{text} is an IP address");
        let consequence = "a pod gets another when it is replaced: the ring then points nowhere, \
                           and a changed address moves the member's series";
        return warning("ip-endpoint", what, consequence);
    }
    // service.namespace.svc: a name that stands for all pods behind it.
    let labels: Vec<&str> = host.split('.').collect();
    if labels.get(2) == Some(&"svc") {
        let what = format!("{text} looks like a Service, not like one pod");
        let consequence = "connections go to any pod behind it: copies land where the ring does \
                           not say";
        return warning("service-endpoint", what, consequence);
    }
    None
}

/// Ports that are neither the usual one nor known to be something else.
fn odd_ports(subject: &Subject<'_>, faults: &mut Vec<Fault>) {
    let odd = |endpoint: &Endpoint| {
        split(&endpoint.address)
            .filter(|_| !endpoint.address.contains('/'))
            .and_then(|(_, port)| port.parse::<u16>().ok())
            .is_some_and(|port| {
                port != 0 && port != GRPC_PORT && !OTHER_PORTS.iter().any(|(o, _)| *o == port)
            })
    };
    let found: Vec<&Endpoint> = subject.ring.endpoints.iter().filter(|e| odd(e)).collect();
    let Some(first) = found.first() else { return };
    let names: Vec<String> = found
        .iter()
        .map(|endpoint| endpoint.address.clone())
        .collect();
    faults.push(Fault::warning(
        first.place,
        "unusual-port",
        format!("not the usual gRPC port {GRPC_PORT}: {}", some_of(&names)),
        "fine if the members' --grpc-address says the same; else writes forwarded there fail",
    ));
}

/// Host and port; brackets stay with an IPv6 host.
fn split(address: &str) -> Option<(&str, &str)> {
    let (host, port) = address.rsplit_once(':')?;
    (!host.starts_with('[') || host.ends_with(']')).then_some((host, port))
}
