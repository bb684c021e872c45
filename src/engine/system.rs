//! What the input is about: pods and what they are to the ring, names, the window.

use std::collections::{BTreeMap, BTreeSet};

use super::{Engine, Options, lives};
use crate::bundle::{Input, Mode, Pod};
use crate::diagnosis::{Collected, Member, MemberRole, Scope};
use crate::evidence::{Ledger, Resolver};
use crate::hashring::Rings;
use crate::limits;
use crate::metrics::SeriesRecord;
use crate::pack::{About, Product, Provenance, Severity, SubjectKind, Version};
use crate::record::{Level, Source};

/// Addresses and names of pods, from objects and streams.
pub(super) fn resolver(input: &Input) -> Resolver {
    let mut resolver = Resolver::default();
    let topology = &input.objects.topology;
    for pod in &topology.pods {
        let name = pod.full_name();
        resolver.add_pod(&name);
        for ip in &pod.ips {
            resolver.add_address(ip, &name);
        }
    }
    for stream in &input.streams {
        resolver.add_pod(&stream.origin.name());
    }
    for scrape in &input.scrapes {
        resolver.add_pod(&scrape.stream.origin.name());
    }
    resolver
}

/// Everything known of the system, from all sources together.
pub(super) fn scope(
    engine: &Engine,
    input: &Input,
    resolver: &Resolver,
    ledger: &Ledger,
    series: &[SeriesRecord],
    options: &Options,
) -> Scope {
    let mut members: BTreeMap<String, Member> = BTreeMap::new();
    let spoken = roles(engine, ledger);
    for pod in &input.objects.topology.pods {
        let name = pod.full_name();
        let said = spoken.get(&name).copied().unwrap_or_default();
        let member = of_pod(pod, said);
        if member.role != MemberRole::Unknown {
            members.insert(name, member);
        }
    }
    add_heard(&mut members, input, ledger, &spoken);
    add_starts(&mut members, engine, ledger);
    add_scrapes(&mut members, series);
    add_ring(&mut members, input, resolver);
    add_named(&mut members, ledger);
    add_unnamed(&mut members);
    let collected = collected(input, ledger, &members);
    let receivers = input.objects.topology.receivers();
    let factor = receivers.filter_map(Pod::replication_factor).max();
    let algorithm = input
        .objects
        .topology
        .receivers()
        .find_map(Pod::algorithm)
        .map(str::to_owned);
    let times = ledger
        .coverage
        .iter()
        .filter(|(s, _, _)| matches!(s, Source::Log | Source::Metric));
    let (mut from, mut until) = (None, None);
    for (_, _, seen) in times {
        from = [from, seen.from].into_iter().flatten().min();
        until = until.max(seen.until);
    }
    Scope {
        from,
        until,
        members: members.into_values().collect(),
        replication_factor: factor.or_else(|| replication_factor(series)),
        algorithm,
        collected,
        thanos_version: options.thanos_version,
        failures_printed: false,
    }
}

/// Pods of whom a log or a scrape is in the input. Where the cluster's pods are known, others count only if
/// they say what they are.
fn add_heard(
    members: &mut BTreeMap<String, Member>,
    input: &Input,
    ledger: &Ledger,
    spoken: &BTreeMap<String, MemberRole>,
) {
    let known = !input.objects.topology.pods.is_empty();
    for (source, origin, seen) in ledger.coverage.iter() {
        if origin.pod.is_empty() || !matches!(source, Source::Log | Source::Metric) {
            continue;
        }
        let name = origin.name().into_owned();
        let said = spoken.get(&name).copied().unwrap_or_default();
        if known && said == MemberRole::Unknown && !members.contains_key(&name) {
            continue;
        }
        let member = members.entry(name.clone()).or_insert_with(|| Member {
            name,
            ..Member::default()
        });
        if member.role == MemberRole::Unknown {
            member.role = if said == MemberRole::Unknown {
                MemberRole::Receiver
            } else {
                said
            };
        }
        if source == Source::Log {
            member.log = true;
            member.level = [member.level, seen.lowest_level]
                .into_iter()
                .flatten()
                .min();
        }
    }
}

/// What the lines of a pod say it is.
fn roles(engine: &Engine, ledger: &Ledger) -> BTreeMap<String, MemberRole> {
    let mut roles: BTreeMap<String, MemberRole> = BTreeMap::new();
    for (ix, _, evidence) in ledger.iter() {
        let signature = &engine.pack.signatures[ix.0 as usize];
        if signature.source != Source::Log {
            continue;
        }
        let own = matches!(signature.about, About::Writer) && signature.product == Product::Thanos;
        let role = match signature.provenance {
            Provenance::Sender => MemberRole::Sender,
            Provenance::Upstream if own && signature.id.starts_with("thanos/process/") => {
                MemberRole::Receiver
            }
            _ => continue,
        };
        for origin in evidence.witnesses.keys() {
            let known = roles.entry(origin.name().into_owned()).or_insert(role);
            if role == MemberRole::Receiver {
                *known = role;
            }
        }
    }
    roles
}

fn of_pod(pod: &Pod, said: MemberRole) -> Member {
    let role = if pod.is_receiver() {
        MemberRole::Receiver
    } else {
        said
    };
    let version = pod
        .thanos_version()
        .and_then(|v| Version::parse(&v))
        .filter(|_| pod.is_receiver());
    let level = pod
        .flag("--log.level")
        .and_then(|l| Level::parse(l.as_bytes()));
    Member {
        name: pod.full_name(),
        role,
        router_only: pod.mode() == Some(Mode::RouterOnly),
        node: pod.node.clone(),
        workload: pod.workload().map(|o| o.name),
        version,
        version_basis: if version.is_some() { "image" } else { "" },
        level: level.or(Some(Level::Info)).filter(|_| pod.is_receiver()),
        status: true,
        ..Member::default()
    }
}

/// Members whose running process was heard from its start.
fn add_starts(members: &mut BTreeMap<String, Member>, engine: &Engine, ledger: &Ledger) {
    for (origin, life) in lives::of(engine.pack(), ledger) {
        if let Some(member) = members.get_mut(origin.name().as_ref()) {
            member.began |= !origin.previous && life.starts > 0;
        }
    }
}

fn add_scrapes(members: &mut BTreeMap<String, Member>, series: &[SeriesRecord]) {
    for s in series {
        let Some(member) = members.get_mut(s.origin.name().as_ref()) else {
            continue;
        };
        let scrapes = s.number("scrapes").unwrap_or(0.0);
        #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A small count.
        {
            member.scrapes = member.scrapes.max(scrapes as u32);
        }
        member.restarted |= s.get("process_restarted") == Some("true");
    }
}

/// Members that the ring lists, whether anybody runs them or not.
fn add_ring(members: &mut BTreeMap<String, Member>, input: &Input, resolver: &Resolver) {
    for file in &input.objects.hashrings {
        let Ok(rings) = Rings::parse(&file.text) else {
            continue;
        };
        for endpoint in rings.endpoints() {
            let name = resolver.pod(&endpoint.address).into_string();
            let member = members.entry(name.clone()).or_insert_with(|| Member {
                name,
                ..Member::default()
            });
            member.in_ring = true;
        }
    }
}

/// Pods that others speak of.
fn add_named(members: &mut BTreeMap<String, Member>, ledger: &Ledger) {
    for (_, subject, evidence) in ledger.iter() {
        let named = subject.kind == SubjectKind::Pod
            && !subject.name.is_empty()
            && evidence
                .witnesses
                .keys()
                .any(|o| o.name() != subject.name.as_ref() && !o.pod.is_empty());
        if named && !members.contains_key(subject.name.as_ref()) {
            let name = subject.name.to_string();
            members.insert(
                name.clone(),
                Member {
                    name,
                    ..Member::default()
                },
            );
        }
    }
}

/// A sender speaks to some receiver, also where no other source knows of one: it goes without a name.
fn add_unnamed(members: &mut BTreeMap<String, Member>) {
    let mut all = members.values();
    let sent = members.values().any(|m| m.role == MemberRole::Sender);
    if sent && all.all(|m| m.role == MemberRole::Sender) {
        let unnamed = Member {
            role: MemberRole::Receiver,
            ..Member::default()
        };
        members.insert(String::new(), unnamed);
    }
}

fn collected(input: &Input, ledger: &Ledger, members: &BTreeMap<String, Member>) -> Collected {
    let has = |wanted: Source| ledger.coverage.iter().any(|(s, _, _)| s == wanted);
    let role = |role: MemberRole| members.values().any(|m| m.log && m.role == role);
    Collected {
        logs: role(MemberRole::Receiver),
        sender_logs: role(MemberRole::Sender),
        status: !input.objects.topology.pods.is_empty(),
        events: has(Source::Event),
        nodes: !input.objects.topology.nodes.is_empty(),
        metrics: members.values().any(|m| m.scrapes > 1),
        hashring: !input.objects.hashrings.is_empty(),
        alerts: has(Source::Alert),
    }
}

fn replication_factor(series: &[SeriesRecord]) -> Option<u32> {
    let values = series
        .iter()
        .filter(|s| s.get("metric") == Some("thanos_receive_replication_factor"));
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)] // A small count.
    values
        .filter_map(|s| s.number("value"))
        .map(|v| v as u32)
        .filter(|v| *v > 0)
        .max()
}

/// What can only be said once all evidence is in. Returns how many pods had no chance to stay in [`bound`].
pub(super) fn settle(engine: &Engine, scope: &mut Scope, ledger: &Ledger) -> usize {
    let failed = |id: &str, severity: Severity| {
        id.starts_with("prometheus/remote-write/") && severity >= Severity::Warning
    };
    scope.failures_printed = ledger.iter().any(|(ix, _, _)| {
        let s = &engine.pack.signatures[ix.0 as usize];
        failed(&s.id, s.severity) || s.id == "thanos/write/internal-server-error"
    });
    let known: BTreeSet<&str> = scope.members.iter().map(|m| m.name.as_str()).collect();
    let mut said: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, subject, _) in ledger.iter() {
        let is_pod = subject.kind == SubjectKind::Pod && !subject.name.is_empty();
        if is_pod && !known.contains(subject.name.as_ref()) {
            *said.entry(&subject.name).or_default() += 1;
        }
    }
    // Of tens of thousands only those are made members that `bound` might leave.
    let all = said.len();
    let mut found: Vec<(&str, usize)> = said.into_iter().collect();
    found.sort_by_key(|(name, pairs)| (std::cmp::Reverse(*pairs), *name));
    found.truncate(limits::MEMBERS);
    let left_out = all - found.len();
    scope
        .members
        .extend(found.into_iter().map(|(name, _)| Member {
            name: name.to_owned(),
            ..Member::default()
        }));
    scope.members.sort_by(|a, b| a.name.cmp(&b.name));
    scope.members.dedup_by(|a, b| a.name == b.name);
    left_out
}

/// Leaves the members that the ring lists or that most is said of, and returns how many went: causes
/// are weighed at each of them, against each other one.
pub(super) fn bound(scope: &mut Scope, ledger: &Ledger) -> usize {
    let left_out = scope.members.len().saturating_sub(limits::MEMBERS);
    if left_out == 0 {
        return 0;
    }
    let mut said: BTreeMap<&str, usize> = BTreeMap::new();
    for (_, subject, _) in ledger.iter().filter(|(_, s, _)| s.kind == SubjectKind::Pod) {
        *said.entry(&subject.name).or_default() += 1;
    }
    let rank = |m: &Member| {
        (
            !m.in_ring,
            std::cmp::Reverse(said.get(m.name.as_str()).copied().unwrap_or(0)),
            m.name.clone(),
        )
    };
    scope.members.sort_by_cached_key(rank);
    scope.members.truncate(limits::MEMBERS);
    scope.members.shrink_to_fit();
    scope.members.sort_by(|a, b| a.name.cmp(&b.name));
    left_out
}

/// Names that commands in remedies need, whichever pod is at fault: of the first receiver that has them.
pub(super) fn names(input: &Input, scope: &Scope) -> BTreeMap<String, String> {
    let mut names = BTreeMap::new();
    for pod in input.objects.topology.receivers() {
        for (key, value) in names_of(pod) {
            // Another pod's claim is no name for this one's.
            if key != "claim" {
                names.entry(key).or_insert(value);
            }
        }
        let label = [
            "app.kubernetes.io/name",
            "app",
            "app.kubernetes.io/component",
        ]
        .iter()
        .find_map(|k| pod.labels.get(*k).map(|v| format!("{k}={v}")));
        if let Some(label) = label {
            names.entry("selector".to_owned()).or_insert(label);
        }
    }
    if let Some(factor) = scope.replication_factor {
        names.insert("replication_factor".to_owned(), factor.to_string());
    }
    names
}

/// The names that are a pod's own, by pod (`namespace/name`).
pub(super) fn names_by_pod(input: &Input) -> BTreeMap<String, BTreeMap<String, String>> {
    let receivers = input.objects.topology.receivers();
    let named = receivers.map(|pod| {
        let name = match &pod.namespace {
            Some(namespace) => format!("{namespace}/{}", pod.name),
            None => pod.name.clone(),
        };
        (name, names_of(pod).into_iter().collect())
    });
    named.collect()
}

fn names_of(pod: &Pod) -> Vec<(String, String)> {
    let container = pod.receiver();
    // The own endpoint of a receiver is `pod.service.namespace.svc…:port`.
    let below = pod.flag("--receive.local-endpoint").and_then(|endpoint| {
        let host = endpoint.strip_prefix(&pod.name)?.strip_prefix('.')?;
        host.split(['.', ':']).next().map(str::to_owned)
    });
    let double = |size: Option<f64>, unit: f64| {
        size.filter(|s| *s > 0.0)
            .map(|s| format!("{}", (2.0 * s / unit).ceil()))
    };
    let names = [
        ("service", pod.subdomain.clone().or(below)),
        ("container", container.map(|c| c.name.clone())),
        ("tsdb_path", pod.flag("--tsdb.path").map(str::to_owned)),
        ("claim", pod.claims.first().cloned()),
        (
            "twice_memory_limit",
            double(container.and_then(|c| c.memory_limit), f64::from(1 << 20)).map(|mi| mi + "Mi"),
        ),
        (
            "twice_cpu_limit",
            double(container.and_then(|c| c.cpu_limit), 0.001).map(|m| m + "m"),
        ),
    ];
    names
        .into_iter()
        .filter_map(|(key, value)| Some((key.to_owned(), value.filter(|v| !v.is_empty())?)))
        .collect()
}
