//! Row 2, hashring: file ↔ pods ↔ headless service ↔ what each member has loaded; and its balance.

use std::collections::{BTreeMap, BTreeSet};

use super::super::model::{Detail, Item, Status};
use super::super::sight::{Sight, grown, seconds, who, worst};
use super::super::words;
use crate::bundle::{Mode, Named, Pod, split_address};
use crate::hashring::{self, Load, Rings, Router, Weight};

/// The port a receiver listens on for its peers, unless it says otherwise.
const GRPC_PORT: u16 = 10901;

/// Members of the file against the pods that are ready.
pub(in crate::checks) fn members(sight: &Sight<'_>) -> Item {
    let item = Item::new("ring-members", "hashring", "Hashring members")
        .target("the ready receivers, one entry each")
        .next("rdiag hashring diff OLD NEW before the file is changed");
    let files = &sight.input.objects.hashrings;
    if files.is_empty() {
        return item.unknown("no hashring file in the input");
    }
    let rings = sight.rings();
    if rings.len() < files.len() {
        let file = files.iter().find(|f| Rings::parse(&f.text).is_err());
        return item.source(file.map_or("", |f| f.path.as_str())).ends(
            Status::Fail,
            "the file does not parse: members keep the ring they have, and cannot restart",
        );
    }
    let pods: Vec<&Pod> = sight
        .topology()
        .receivers()
        .filter(|p| p.mode() != Some(Mode::RouterOnly))
        .collect();
    let mut details = Vec::new();
    let mut listed = BTreeSet::new();
    for address in addresses(&rings) {
        let detail = entry(sight, &address, &mut listed);
        details.push(detail);
    }
    let entries = details.len();
    for pod in pods.iter().filter(|p| !listed.contains(&p.full_name())) {
        let why = if pod.ready() {
            "ready, but in no ring"
        } else {
            "in no ring, not ready"
        };
        details.push(Detail::new(sight.short(&pod.name), Status::Fail, why));
    }
    let item = item.source(
        files
            .iter()
            .map(|f| f.path.as_str())
            .collect::<Vec<_>>()
            .join(", "),
    );
    if pods.is_empty() {
        return item
            .figure(format!("{entries} in the file"))
            .unknown("no pods in the input to compare the file with");
    }
    let good = details.iter().filter(|d| d.status == Status::Pass).count();
    let bad: Vec<Detail> = details
        .iter()
        .filter(|d| d.status != Status::Pass)
        .cloned()
        .collect();
    let status = worst(&details);
    item.figure(format!("{good} of {entries} ready"))
        .details(details)
        .ends(status, who(&bad))
}

fn addresses(rings: &[Rings]) -> BTreeSet<String> {
    rings
        .iter()
        .flat_map(Rings::endpoints)
        .map(|e| e.address.clone())
        .collect()
}

/// One entry of the file: is the pod behind it there, ready, at that port?
fn entry(sight: &Sight<'_>, address: &str, listed: &mut BTreeSet<String>) -> Detail {
    let (host, port) = split_address(address);
    let named = Named::of(address);
    let short = named.as_ref().map_or(host, |n| n.pod.as_str());
    let found = sight.topology().resolve(address).or_else(|| {
        let named = named.as_ref()?;
        sight.topology().pod(named.namespace.as_deref(), &named.pod)
    });
    let Some(pod) = found else {
        return Detail::new(short, Status::Fail, "listed, but no such pod");
    };
    let twice = !listed.insert(pod.full_name());
    let own = pod
        .flag("--grpc-address")
        .and_then(|a| split_address(a).1)
        .unwrap_or(GRPC_PORT);
    match port {
        _ if twice => Detail::new(
            short,
            Status::Fail,
            "listed twice, under different addresses",
        ),
        Some(port) if port != own => Detail::new(
            short,
            Status::Fail,
            format!("listed with port {port}, listens on {own}"),
        ),
        _ if !pod.ready() => Detail::new(short, Status::Fail, "listed, but not ready"),
        _ => Detail::new(short, Status::Pass, "ready"),
    }
}

/// Members of the file against the addresses of the headless service.
pub(in crate::checks) fn service(sight: &Sight<'_>) -> Item {
    let item = Item::new("ring-service", "hashring", "Headless service")
        .target("one ready address a member")
        .next(format!(
            "kubectl {}get endpointslices",
            sight.namespace_flag()
        ));
    let slices = &sight.topology().endpoints;
    if slices.is_empty() {
        return item.unknown("no EndpointSlices in the input");
    }
    let addresses = addresses(&sight.rings());
    if addresses.is_empty() {
        return item.unknown("no hashring file in the input that parses");
    }
    let mut details = Vec::new();
    for address in &addresses {
        let (host, _) = split_address(address);
        let mut labels = host.split('.');
        let (pod, service) = (labels.next().unwrap_or_default(), labels.next());
        let behind = |e: &&crate::bundle::Endpoint| {
            let same = e.address == host
                || e.pod.as_deref() == Some(pod)
                || e.hostname.as_deref() == Some(pod);
            same && service
                .is_none_or(|s| e.service == s || host.parse::<std::net::IpAddr>().is_ok())
        };
        let here: Vec<&crate::bundle::Endpoint> = slices.iter().filter(behind).collect();
        details.push(match (here.first(), here.iter().any(|e| e.ready)) {
            (None, _) => Detail::new(pod, Status::Fail, "no address: its name does not resolve"),
            (_, true) => Detail::new(pod, Status::Pass, "ready"),
            (Some(e), false) if e.terminating => Detail::new(pod, Status::Fail, "terminating"),
            (_, false) => Detail::new(pod, Status::Fail, "address not ready"),
        });
    }
    let good = details.iter().filter(|d| d.status == Status::Pass).count();
    let bad: Vec<Detail> = details
        .iter()
        .filter(|d| d.status != Status::Pass)
        .cloned()
        .collect();
    let status = worst(&details);
    item.figure(format!("{good} of {} ready", details.len()))
        .source("EndpointSlices")
        .details(details)
        .ends(status, who(&bad))
}

/// What each member has loaded: the same everywhere, and that of the file.
pub(in crate::checks) fn loaded(sight: &Sight<'_>) -> Item {
    let item = Item::new("ring-loaded", "hashring", "Hashring loaded")
        .target("the same everywhere, with the file's members");
    let mut hashes: BTreeMap<String, f64> = BTreeMap::new();
    for s in sight.of("thanos_receive_config_hash") {
        if let Some(value) = s.number("value").filter(|v| *v > 0.0) {
            hashes.insert(sight.short(&s.origin.name()).to_owned(), value);
        }
    }
    if hashes.is_empty() {
        return item.unknown(why_not_loaded(sight));
    }
    let Loaded {
        details,
        versions,
        any_current,
        sizes,
    } = by_member(sight, &hashes);
    let bad: Vec<&str> = details
        .iter()
        .filter(|d| d.status == Status::Fail)
        .map(|d| d.subject.as_str())
        .collect();
    let errors: f64 = sight
        .of("thanos_receive_hashrings_file_errors_total")
        .map(grown)
        .sum();
    let same = if versions == 1 {
        "the same".to_owned()
    } else {
        format!("{versions} different rings")
    };
    let item = item
        .figure(format!(
            "{same} on {}",
            words::plural(hashes.len(), "member")
        ))
        .source("thanos_receive_config_hash, thanos_receive_hashring_nodes");
    let advice = reload(sight);
    if versions > 1 || !bad.is_empty() {
        let why = format!("not up to date: {}", words::some(&bad));
        return item.details(details).next(advice).ends(Status::Fail, why);
    }
    let item = item.details(details).next(advice);
    if errors > 0.0 {
        let why = format!(
            "the file could not be read {} times: members keep the old ring",
            words::count(errors)
        );
        return item.ends(Status::Fail, why);
    }
    let asked = sight
        .members
        .iter()
        .filter(|m| m.pod.and_then(Pod::mode) != Some(Mode::IngestorOnly))
        .count();
    if hashes.len() < asked {
        return item.unknown(format!(
            "{} of {asked} members say what they have loaded",
            hashes.len()
        ));
    }
    let mut item = item.pass();
    if !any_current && sizes.of_file.is_some() {
        item.why = Some("the file of the input is written differently (its hash is another), with as many members".to_owned());
    }
    item
}

/// Why no member says what it has loaded.
fn why_not_loaded(sight: &Sight<'_>) -> String {
    let mut pods = sight.members.iter().filter_map(|m| m.pod);
    if pods.any(|p| p.flag("--receive.hashrings").is_some()) {
        return "the ring is on the command line, which has no metrics: compare the pods' flags, and \
                restart to change it"
            .to_owned();
    }
    sight.no_metric("thanos_receive_config_hash")
}

/// What the members' metrics say of the rings they have loaded.
struct Loaded {
    details: Vec<Detail>,
    /// Different rings among the members.
    versions: usize,
    /// Some member has loaded the very bytes of a file of the input.
    any_current: bool,
    sizes: Sizes,
}

fn by_member(sight: &Sight<'_>, hashes: &BTreeMap<String, f64>) -> Loaded {
    let files = sight.input.objects.hashrings.iter();
    let files: BTreeSet<u64> = files
        .flat_map(|f| hashring::config_hashes(f.text.as_bytes()))
        .collect();
    let sizes = sizes(sight);
    // Hashes are of 48 bits, which a float holds exactly.
    let current = |v: f64| files.iter().any(|f| *f as f64 == v);
    let any_current = hashes.values().any(|v| current(*v));
    // Versions before and after v0.41 hash the same file differently: where both hashes are those of
    // the file, they are one ring.
    let ring = |v: f64| if current(v) { 0 } else { v.to_bits() };
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    for hash in hashes.values() {
        *counts.entry(ring(*hash)).or_default() += 1;
    }
    let most = counts
        .iter()
        .max_by_key(|(bits, n)| (**n, std::cmp::Reverse(**bits)))
        .map_or(0, |(bits, _)| *bits);
    let detail = |(pod, hash): (&String, &f64)| {
        let stale = if any_current {
            !current(*hash)
        } else {
            ring(*hash) != most
        };
        let loaded = when(sight, pod).map_or(String::new(), |age| format!(", loaded {age}"));
        let nodes = sizes.of_pod.get(pod);
        let wrong = nodes.is_some_and(|n| sizes.of_file.as_ref().is_some_and(|f| n != f));
        let members = nodes.map_or(String::new(), |nodes| {
            format!("{} members, ", nodes.values().sum::<usize>())
        });
        let status = if stale || wrong {
            Status::Fail
        } else {
            Status::Pass
        };
        Detail::new(pod, status, format!("{members}hash {hash:.0}{loaded}")).value(*hash)
    };
    Loaded {
        details: hashes.iter().map(detail).collect(),
        versions: counts.len(),
        any_current,
        sizes,
    }
}

/// Members by ring name.
struct Sizes {
    of_file: Option<BTreeMap<String, usize>>,
    of_pod: BTreeMap<String, BTreeMap<String, usize>>,
}

fn sizes(sight: &Sight<'_>) -> Sizes {
    let files = sight.rings();
    let of_file = (files.len() == 1).then(|| {
        let rings = files.iter().flat_map(|f| &f.rings);
        rings
            .map(|r| (r.name.clone(), r.endpoints.len()))
            .collect::<BTreeMap<String, usize>>()
    });
    let mut of_pod: BTreeMap<String, BTreeMap<String, usize>> = BTreeMap::new();
    for s in sight.of("thanos_receive_hashring_nodes") {
        let name = s.get("name").unwrap_or_default().to_owned();
        // Names of removed rings stay in the metrics; those that the file does not know say nothing.
        if of_file.as_ref().is_some_and(|f| !f.contains_key(&name)) {
            continue;
        }
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small count"
        )]
        if let Some(nodes) = s.number("value").map(|v| v as usize) {
            of_pod
                .entry(sight.short(&s.origin.name()).to_owned())
                .or_default()
                .insert(name, nodes);
        }
    }
    Sizes { of_file, of_pod }
}

/// How long ago a member loaded its ring.
fn when(sight: &Sight<'_>, pod: &str) -> Option<String> {
    let mut all = sight.of("thanos_receive_config_last_reload_success_timestamp_seconds");
    let at = all
        .find(|s| sight.short(&s.origin.name()) == pod)?
        .number("value")
        .filter(|v| *v > 0.0)?;
    let age = seconds(sight.now?) - at;
    (age >= 0.0).then(|| format!("{} ago", words::duration(age)))
}

/// Whether a restart is needed.
fn reload(sight: &Sight<'_>) -> String {
    let pods = || sight.members.iter().filter_map(|m| m.pod);
    if pods().any(|p| p.flag("--receive.hashrings").is_some()) {
        return "inline rings are read once: restart the stale members, one at a time".to_owned();
    }
    let every = pods().find_map(Pod::hashring_file_refresh).unwrap_or("5m");
    format!(
        "the file reloads by itself within {every} of reaching the pod (kubelet: ~1m); restart only a member that stays behind"
    )
}

/// Weekly: the file's settings validated.
pub(in crate::checks) fn valid(sight: &Sight<'_>) -> Item {
    let item = Item::new("ring-valid", "hashring", "Hashring settings")
        .target("no fault")
        .next("rdiag hashring validate FILE shows places and consequences");
    let files = &sight.input.objects.hashrings;
    if files.is_empty() {
        return item.unknown("no hashring file in the input");
    }
    let setup = sight.setup();
    let mut details = Vec::new();
    for file in files {
        let faults = match Rings::parse(&file.text) {
            Ok(rings) => rings.validate(&setup),
            Err(faults) => faults,
        };
        for fault in faults {
            let status = if fault.weight == Weight::Error {
                Status::Fail
            } else {
                Status::Warn
            };
            details.push(Detail::new(
                &format!("{}:{}", file.path, fault.place),
                status,
                format!("{}: {}", fault.what, fault.consequence),
            ));
        }
    }
    let errors = details.iter().filter(|d| d.status == Status::Fail).count();
    let warnings = details.len() - errors;
    let first = details
        .iter()
        .max_by_key(|d| d.status)
        .map(|d| d.figure.clone())
        .unwrap_or_default();
    let status = if details.is_empty() {
        Status::Pass
    } else {
        worst(&details)
    };
    item.figure(format!(
        "{}, {}",
        words::plural(errors, "error"),
        words::plural(warnings, "warning")
    ))
    .source(
        files
            .iter()
            .map(|f| f.path.as_str())
            .collect::<Vec<_>>()
            .join(", "),
    )
    .details(details)
    .ends(status, first)
}

/// Monthly: how even the load is, by the ring and by the head series.
pub(in crate::checks) fn balance(sight: &Sight<'_>) -> Item {
    let target = sight.targets.get("ring_balance");
    let item = Item::new("ring-balance", "hashring", "Hashring balance")
        .target(format!("busiest member at most {} above the mean", sight.targets.text("ring_balance")))
        .next("rdiag hashring simulate FILE; ketama instead of hashmod; tenants that dwarf the others");
    let stores = sight.members.iter().filter(|m| m.stores);
    let heads: Vec<(&str, f64)> = stores
        .filter_map(|m| {
            Some((
                sight.short(&m.name),
                sight.value("prometheus_tsdb_head_series", &m.name)?,
            ))
        })
        .collect();
    let expected = expected(sight);
    let by_ring = expected.map_or(String::new(), |above| {
        format!("; by the ring alone {}", words::share(above))
    });
    if heads.len() < 2 {
        let item = item.unknown(sight.no_metric("prometheus_tsdb_head_series of two members"));
        return match expected {
            Some(above) => item
                .figure(format!(
                    "by the ring alone {} above the mean",
                    words::share(above)
                ))
                .source("hashring file, simulated"),
            None => item,
        };
    }
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let mean = heads.iter().map(|(_, n)| n).sum::<f64>() / heads.len() as f64;
    if mean <= 0.0 {
        return item.figure("no series").unknown("the heads are empty");
    }
    let detail = |(pod, n): &(&str, f64)| {
        let above = n / mean - 1.0;
        let status = if above > target {
            Status::Fail
        } else {
            Status::Pass
        };
        let of_mean = above * 100.0;
        let figure = format!("{} series, {of_mean:+.0} % of the mean", words::count(*n));
        Detail::new(pod, status, figure).value(*n)
    };
    let details: Vec<Detail> = heads.iter().map(detail).collect();
    let above = heads
        .iter()
        .map(|(_, n)| n / mean - 1.0)
        .fold(0.0, f64::max);
    let busy: Vec<&str> = details
        .iter()
        .filter(|d| d.status == Status::Fail)
        .map(|d| d.subject.as_str())
        .collect();
    let why = format!("too much on {}", words::some(&busy));
    let item = item
        .figure(format!("{} above the mean{by_ring}", words::share(above)))
        .source("prometheus_tsdb_head_series, hashring file")
        .details(details.clone());
    if above > target {
        item.ends(Status::Fail, why)
    } else {
        item.pass()
    }
}

/// How much the busiest member is above the mean by the ring alone.
fn expected(sight: &Sight<'_>) -> Option<f64> {
    let rings = sight.rings();
    let [rings] = rings.as_slice() else {
        return None;
    };
    let setup = sight.setup();
    let router = Router::new(rings, &setup).ok()?;
    let answer = hashring::simulate(&router, &setup, &Load::default()).ok()?;
    Some(answer.worst_to_mean - 1.0).filter(|v| v.is_finite())
}
