//! Facts that no source states alone: they follow from comparing sources. Each becomes a record of
//! source `config` (`metric` where it is scrapes that are compared), matched by the same pack as everything else.

use std::collections::{BTreeMap, BTreeSet};

use super::{Engine, idle, lives, scan, vanished};
use crate::bundle::{ConfigText, Input, Pod, split_address};
use crate::diagnosis::{MemberRole, Scope};
use crate::evidence::{Ledger, Resolver};
use crate::hashring::{self, Rings, Setup};
use crate::metrics::SeriesRecord;
use crate::record::{Fields, Origin, Record, Source, Time, set_and_ordinal};

/// Share of a limit from which a use counts as near it.
const NEAR: f64 = 0.9;
/// Head series must grow by this factor, and to more than so many, to count as a burst.
const BURST: (f64, f64) = (3.0, 20_000.0);
/// Series a head must have had before: one that was just opened grows as a matter of course.
const GROWN_FROM: f64 = 5_000.0;
/// Seconds by which the newest sample may be ahead of the scrape.
const AHEAD_SECONDS: f64 = 60.0;
/// Starts of receivers further apart than this, in seconds, are one after another.
const IN_TURN_SECONDS: i64 = 5;
/// The same for starts in the order in which a stateful set replaces its pods: the last one first.
const IN_ORDER_SECONDS: i64 = 1;

/// Nanoseconds after its start within which a receiver that is not ready yet is nothing special.
const LONG_START: i64 = 10_000_000_000;

/// A fact being put together.
pub(super) struct Fact {
    name: &'static str,
    /// What it was compared from, as far as that says who could have seen it.
    source: Source,
    origin: Origin,
    time: Option<Time>,
    fields: Vec<(&'static str, String)>,
}

impl Fact {
    pub(super) fn new(name: &'static str) -> Self {
        Self {
            name,
            source: Source::Config,
            origin: Origin::default(),
            time: None,
            fields: Vec::new(),
        }
    }

    pub(super) fn of(mut self, pod: &str) -> Self {
        let (namespace, name) = match pod.split_once('/') {
            Some((ns, name)) => (Some(ns.into()), name),
            None => (None, pod),
        };
        self.origin = Origin {
            namespace,
            pod: name.into(),
            ..Origin::default()
        };
        self.with("pod", pod)
    }

    pub(super) fn with(mut self, key: &'static str, value: impl ToString) -> Self {
        self.fields.push((key, value.to_string()));
        self
    }

    pub(super) fn from(mut self, source: Source) -> Self {
        self.source = source;
        self
    }

    pub(super) fn at(mut self, time: Option<Time>) -> Self {
        self.time = time;
        self
    }
}

pub(super) fn add(
    engine: &Engine,
    input: &Input,
    resolver: &Resolver,
    scope: &Scope,
    series: &[SeriesRecord],
    ledger: &mut Ledger,
) {
    let mut facts = Vec::new();
    rings(input, resolver, scope, &mut facts);
    ring_hashes(input, series, &mut facts);
    fleet(input, scope, &mut facts);
    usage(input, series, &mut facts);
    heads(series, &mut facts);
    traffic(series, &mut facts);
    facts.extend(vanished::facts(input, scope));
    facts.extend(vanished::unheard(scope));
    facts.extend(idle::facts(series, scope));
    from_lives(engine, ledger, input, scope, &mut facts);
    for fact in facts {
        let mut fields = Fields::default();
        fields.push(&b"fact"[..], fact.name.as_bytes());
        for (key, value) in &fact.fields {
            fields.push(key.as_bytes(), value.as_bytes());
        }
        let mut record = Record::from_fields(fact.source, &fact.origin, fields);
        record.time = fact.time;
        scan::add(engine, &record, resolver, ledger);
    }
}

/// The ring file against the pods that run.
fn rings(input: &Input, resolver: &Resolver, scope: &Scope, facts: &mut Vec<Fact>) {
    let topology = &input.objects.topology;
    let setup = Setup {
        algorithm: match scope.algorithm.as_deref() {
            Some("ketama") => Some(hashring::Algorithm::Ketama),
            Some("hashmod") => Some(hashring::Algorithm::Hashmod),
            _ => None,
        },
        replication_factor: scope.replication_factor.map(|n| n as usize),
        version: scope.members.iter().find_map(|m| m.version),
    };
    let mut listed: BTreeSet<String> = BTreeSet::new();
    for file in &input.objects.hashrings {
        match Rings::parse(&file.text) {
            Err(faults) => {
                let what = faults
                    .first()
                    .map_or("it does not parse", |f| f.what.as_str());
                facts.push(
                    Fact::new("ring-not-parsable")
                        .with("problem", what)
                        .with("file", &file.path),
                );
            }
            Ok(rings) => {
                validated(&rings, &setup, scope, facts);
                for endpoint in rings.endpoints() {
                    let name = resolver.pod(&endpoint.address);
                    listed.insert(name.to_string());
                    against_pods(input, &endpoint.address, &name, facts);
                }
            }
        }
    }
    if listed.is_empty() || topology.pods.is_empty() {
        return;
    }
    for pod in topology.receivers() {
        let name = pod.full_name();
        let stores = pod.mode() != Some(crate::bundle::Mode::RouterOnly);
        if stores && !listed.contains(&name) {
            facts.push(Fact::new("pod-not-in-ring").of(&name));
        }
    }
}

/// Faults of the file itself that end or cripple a receiver.
fn validated(rings: &Rings, setup: &Setup, scope: &Scope, facts: &mut Vec<Fact>) {
    for fault in rings.validate(setup) {
        let name = match fault.id {
            "too-few-endpoints" if setup.replication_factor.is_some() => "ring-too-few-endpoints",
            "zones-with-hashmod" | "az-with-hashmod" if scope.algorithm.is_some() => {
                "ring-az-with-hashmod"
            }
            "default-not-last" | "shadowed" | "unreachable" => "ring-default-not-last",
            "duplicate-endpoint" => "ring-duplicate-endpoint",
            _ => continue,
        };
        facts.push(Fact::new(name).with("problem", &fault.what));
    }
}

/// One endpoint of the ring against the pods: is anybody there, and at that port?
fn against_pods(input: &Input, address: &str, name: &str, facts: &mut Vec<Fact>) {
    let topology = &input.objects.topology;
    if topology.pods.is_empty() {
        return;
    }
    let found = topology.resolve(address);
    let Some(pod) = found else {
        let bare = name.rsplit('/').next().unwrap_or(name);
        let ordinal = bare
            .rsplit('-')
            .next()
            .is_some_and(|o| o.parse::<u32>().is_ok());
        // A service name may stand for many pods; only a pod's own name can be nobody's.
        if ordinal && !topology.pods.iter().any(|p| p.name == bare) {
            let fact = if wanted(input, bare) {
                "wanted-member-absent"
            } else {
                "ring-lists-absent-member"
            };
            facts.push(Fact::new(fact).with("endpoint", address).with("pod", name));
        }
        return;
    };
    let (_, port) = split_address(address);
    let own = pod
        .flag("--grpc-address")
        .and_then(|a| split_address(a).1)
        .unwrap_or(10901);
    if let Some(port) = port.filter(|p| *p != own && pod.is_receiver()) {
        facts.push(
            Fact::new("ring-wrong-port")
                .with("endpoint", address)
                .with("port", port)
                .with("grpc_port", own)
                .with("pod", name),
        );
    }
}

/// Whether a stateful set is to run a pod of that name.
fn wanted(input: &Input, pod: &str) -> bool {
    let Some((set, ordinal)) = set_and_ordinal(pod) else {
        return false;
    };
    let mut workloads = input.objects.topology.workloads.iter();
    workloads.any(|w| w.kind == "StatefulSet" && w.name == set && ordinal < w.replicas)
}

/// What each member has loaded against the file and against the others.
fn ring_hashes(input: &Input, series: &[SeriesRecord], facts: &mut Vec<Fact>) {
    let mut by_pod: BTreeMap<String, (f64, Option<Time>)> = BTreeMap::new();
    for s in series
        .iter()
        .filter(|s| s.get("metric") == Some("thanos_receive_config_hash"))
    {
        if let Some(value) = s.number("value").filter(|v| *v > 0.0) {
            by_pod.insert(s.origin.name().into_owned(), (value, s.time));
        }
    }
    let values: BTreeSet<u64> = by_pod.values().map(|(v, _)| v.to_bits()).collect();
    if values.len() < 2 {
        return;
    }
    let of_file: BTreeSet<u64> = input
        .objects
        .hashrings
        .iter()
        .flat_map(|f: &ConfigText| hashring::config_hashes(f.text.as_bytes()))
        .collect();
    #[allow(clippy::cast_possible_truncation, clippy::cast_sign_loss)]
    // Below 2^53 by construction.
    let current = |v: f64| of_file.contains(&(v as u64));
    let mut counts: BTreeMap<u64, usize> = BTreeMap::new();
    by_pod
        .values()
        .for_each(|(v, _)| *counts.entry(v.to_bits()).or_default() += 1);
    let any_current = by_pod.values().any(|(v, _)| current(*v));
    let most = counts.values().copied().max().unwrap_or(0);
    for (pod, (value, time)) in &by_pod {
        let odd = if any_current {
            !current(*value)
        } else {
            counts[&value.to_bits()] < most
        };
        if odd {
            let fact = Fact::new("ring-hash-differs")
                .of(pod)
                .with("hash", value)
                .with("stale", any_current);
            facts.push(fact.at(*time));
        }
    }
}

/// Receivers against each other, and against their stateful sets.
fn fleet(input: &Input, scope: &Scope, facts: &mut Vec<Fact>) {
    let topology = &input.objects.topology;
    let receivers: Vec<&Pod> = topology.receivers().collect();
    let distinct = |of: &dyn Fn(&Pod) -> Option<String>| -> Vec<String> {
        let all: BTreeSet<String> = receivers.iter().filter_map(|p| of(p)).collect();
        all.into_iter().collect()
    };
    let mut differs = |name: &'static str, key: &'static str, values: Vec<String>| {
        if values.len() > 1 {
            facts.push(Fact::new(name).with(key, values.join(" ")));
        }
    };
    differs(
        "versions-differ",
        "versions",
        distinct(&|p| p.thanos_version()),
    );
    let protocol = |p: &Pod| {
        (p.mode() != Some(crate::bundle::Mode::IngestorOnly)).then(|| {
            p.flag("--receive.replication-protocol")
                .unwrap_or("protobuf")
                .to_owned()
        })
    };
    differs(
        "replication-protocol-differs",
        "protocols",
        distinct(&protocol),
    );
    let routing = |p: &Pod| p.mode() != Some(crate::bundle::Mode::IngestorOnly);
    let factor = |p: &Pod| routing(p).then(|| p.replication_factor().unwrap_or(1).to_string());
    differs("replication-factor-differs", "factors", distinct(&factor));
    let algorithm = |p: &Pod| routing(p).then(|| p.algorithm().unwrap_or("hashmod").to_owned());
    differs("algorithm-differs", "algorithms", distinct(&algorithm));
    for set in topology.workloads.iter().filter(|w| w.ready < w.replicas) {
        let ours = receivers
            .iter()
            .any(|p| p.workload().is_some_and(|o| o.name == set.name));
        if ours {
            let fact = Fact::new("replicas-not-ready").with("workload", &set.name);
            facts.push(fact.with("ready", set.ready).with("want", set.replicas));
        }
    }
    let down = receivers.iter().filter(|p| !p.ready()).count();
    if down > 0 && !receivers.is_empty() {
        facts.push(
            Fact::new("members-down")
                .with("count", down)
                .with("of", receivers.len()),
        );
    }
    for pod in receivers.iter().filter(|p| p.deletion.is_some()) {
        let late = match (pod.deletion, scope.until) {
            (Some(due), Some(now)) => now.since(due) / 1_000_000_000,
            _ => 0,
        };
        if late > 300 {
            facts.push(
                Fact::new("pod-terminating-long")
                    .of(&pod.full_name())
                    .with("seconds", late),
            );
        }
    }
}

/// Use against limits.
fn usage(input: &Input, series: &[SeriesRecord], facts: &mut Vec<Fact>) {
    let topology = &input.objects.topology;
    let value = |pod: &str, metric: &str, key: &str| {
        series
            .iter()
            .find(|s| s.get("metric") == Some(metric) && s.origin.name() == pod)
            .and_then(|s| s.number(key))
    };
    for pod in topology.receivers() {
        let name = pod.full_name();
        let Some(container) = pod.receiver() else {
            continue;
        };
        let used = value(&name, "process_resident_memory_bytes", "value");
        if let (Some(used), Some(limit)) = (used, container.memory_limit)
            && used >= NEAR * limit
        {
            facts.push(
                Fact::new("memory-near-limit")
                    .of(&name)
                    .with("share", ratio(used, limit)),
            );
        }
        let cores = value(&name, "process_cpu_seconds_total", "rate");
        if let (Some(cores), Some(limit)) = (cores, container.cpu_limit)
            && cores >= NEAR * limit
        {
            facts.push(
                Fact::new("cpu-saturated")
                    .of(&name)
                    .with("share", ratio(cores, limit)),
            );
        }
        let (open, most) = (
            value(&name, "process_open_fds", "value"),
            value(&name, "process_max_fds", "value"),
        );
        if let (Some(open), Some(most)) = (open, most)
            && open >= NEAR * most
        {
            facts.push(
                Fact::new("fds-near-limit")
                    .of(&name)
                    .with("share", ratio(open, most)),
            );
        }
    }
    let volumes = series
        .iter()
        .filter(|s| s.get("metric") == Some("kubelet_volume_stats_capacity_bytes"));
    for volume in volumes {
        let claim = volume.get("persistentvolumeclaim");
        let free = series.iter().find(|s| {
            s.get("metric") == Some("kubelet_volume_stats_available_bytes")
                && s.get("persistentvolumeclaim") == claim
                && s.origin == volume.origin
        });
        let (Some(capacity), Some(free)) =
            (volume.number("value"), free.and_then(|f| f.number("value")))
        else {
            continue;
        };
        if capacity > 0.0 && free / capacity < 0.05 {
            let share = ratio(capacity - free, capacity);
            let fact = Fact::new("volume-near-full")
                .of(&volume.origin.name())
                .with("share", share);
            facts.push(fact.with("claim", claim.unwrap_or_default()));
        }
    }
}

fn ratio(part: f64, whole: f64) -> String {
    format!("{:.2}", part / whole)
}

/// Heads whose newest time is ahead of now, or whose series burst.
fn heads(series: &[SeriesRecord], facts: &mut Vec<Fact>) {
    for s in series {
        let pod = s.origin.name().into_owned();
        let tenant = s.get("tenant").unwrap_or_default().to_owned();
        match s.get("metric") {
            Some("prometheus_tsdb_head_max_time") => {
                let (Some(newest), Some(now)) = (s.number("value"), s.time) else {
                    continue;
                };
                #[allow(clippy::cast_precision_loss)] // Milliseconds of this century.
                let ahead = newest / 1000.0 - now.0 as f64 / 1e9;
                if newest > 0.0 && ahead > AHEAD_SECONDS && ahead < 1e9 {
                    let fact = Fact::new("head-max-time-ahead")
                        .of(&pod)
                        .with("tenant", tenant);
                    facts.push(fact.with("seconds", format!("{ahead:.0}")).at(s.time));
                }
            }
            Some("prometheus_tsdb_head_series") => {
                let (Some(first), Some(last)) = (s.number("first"), s.number("value")) else {
                    continue;
                };
                let anew = s.get("process_restarted").is_some();
                if !anew && first >= GROWN_FROM && last > BURST.1 && last >= BURST.0 * first {
                    let fact = Fact::new("head-series-grew")
                        .of(&pod)
                        .with("tenant", tenant);
                    facts.push(
                        fact.with("factor", format!("{:.1}", last / first.max(1.0)))
                            .with("series", last)
                            .at(s.time),
                    );
                }
            }
            _ => {}
        }
    }
}

/// Requests stopped coming: counters of all receivers stand still though they counted before.
fn traffic(series: &[SeriesRecord], facts: &mut Vec<Fact>) {
    let requests = || {
        series.iter().filter(|s| {
            s.get("metric") == Some("http_requests_total") && s.get("handler") == Some("receive")
        })
    };
    let before: f64 = requests().filter_map(|s| s.number("first")).sum();
    let grown: Vec<f64> = requests().filter_map(|s| s.number("delta")).collect();
    let restarted =
        requests().any(|s| s.get("process_restarted").is_some() || s.get("reset").is_some());
    if before > 0.0 && !grown.is_empty() && !restarted && grown.iter().sum::<f64>() < 0.5 {
        facts.push(Fact::new("sender-traffic-stopped").with("before", before));
    }
}

/// How containers' lives ended and began.
fn from_lives(
    engine: &Engine,
    ledger: &Ledger,
    input: &Input,
    scope: &Scope,
    facts: &mut Vec<Fact>,
) {
    let lives = lives::of(engine.pack(), ledger);
    let receiver = |origin: &Origin| {
        let member = scope.member(&origin.name()).map(|n| &scope.members[n]);
        member.is_some_and(|m| m.role == MemberRole::Receiver)
    };
    let mut begun: Vec<(Time, String)> = Vec::new();
    for (origin, life) in lives.iter().filter(|(o, _)| receiver(o)) {
        let pod = origin.name().into_owned();
        let ended = if origin.previous {
            life.starts
        } else {
            life.starts.saturating_sub(1)
        };
        if ended > life.stops && !life.said_why && origin.pod.as_ref() != "?1" {
            facts.push(
                Fact::new("log-cut-without-shutdown")
                    .of(&pod)
                    .with("times", ended - life.stops)
                    .at(life.last_line),
            );
        }
        let replaying =
            life.last_replay.is_some() && life.last_ready < life.last_replay.max(life.last_start);
        if replaying && origin.previous && life.stops == 0 && !life.said_why {
            facts.push(Fact::new("log-ends-in-replay").of(&pod).at(life.last_line));
        }
        let begun_at = life.last_start.max(life.last_replay);
        if replaying && !origin.previous && !life.said_why && life.last_stop < begun_at {
            let waited = |t: Time| scope.until.is_some_and(|u| u.since(t) >= LONG_START);
            let name = if life.last_start.is_some_and(waited) {
                "no-ready-line"
            } else {
                "not-ready-at-end"
            };
            facts.push(Fact::new(name).of(&pod).at(begun_at));
        }
        if life.rings > life.starts.max(1) {
            facts.push(
                Fact::new("ring-changed")
                    .of(&pod)
                    .with("times", life.rings - life.starts.max(1)),
            );
        }
        if let (Some(first), false, false) = (life.first_start, origin.previous, life.left_lock) {
            begun.push((first, pod));
        }
    }
    in_turn(input, begun, facts);
}

/// Whether a stateful set replaces `pod` right after `before`.
fn follows(pod: &str, before: &str) -> bool {
    match (set_and_ordinal(pod), set_and_ordinal(before)) {
        (Some((set, n)), Some((other, m))) => set == other && n.checked_add(1) == Some(m),
        _ => false,
    }
}

/// Receivers that were replaced one after another, each stopped in order.
fn in_turn(input: &Input, mut begun: Vec<(Time, String)>, facts: &mut Vec<Fact>) {
    begun.sort();
    let seconds = if begun.len() > 2 && begun.windows(2).all(|w| follows(&w[1].1, &w[0].1)) {
        IN_ORDER_SECONDS
    } else {
        IN_TURN_SECONDS
    };
    let apart = begun
        .windows(2)
        .all(|w| w[1].0.since(w[0].0) >= seconds * 1_000_000_000);
    let restarts = input
        .objects
        .topology
        .receivers()
        .filter_map(Pod::receiver)
        .any(|c| c.restart_count > 0);
    if begun.len() > 1 && apart && !restarts {
        facts.push(
            Fact::new("all-restarted-in-turn")
                .with("count", begun.len())
                .at(begun.first().map(|b| b.0)),
        );
    }
}
