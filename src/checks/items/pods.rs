//! Row 1, status: pods, health endpoints, restarts, nodes, quorum.

use super::super::model::{Detail, Item, Status};
use super::super::sight::{Member, Sight, grown, seconds, who, worst};
use super::super::words;
use crate::bundle::{Container, ContainerState, Mode, Pod};
use crate::hashring;

/// Pods Running and Ready, n of n.
pub(in crate::checks) fn ready(sight: &Sight<'_>) -> Item {
    let item = Item::new("pods-ready", "pods", "Pods running and ready")
        .target("all that the StatefulSets want")
        .next(format!(
            "kubectl {}get pods -o wide",
            sight.namespace_flag()
        ));
    let topology = sight.topology();
    if topology.pods.is_empty() {
        return item.unknown("no pods in the input (kubectl get pods -o json)");
    }
    let receivers: Vec<&Pod> = topology.receivers().collect();
    if receivers.is_empty() {
        return item.unknown("no pod of the input runs thanos receive");
    }
    let mut details: Vec<Detail> = receivers.iter().map(|pod| state(sight, pod)).collect();
    let mut wanted = receivers.len();
    for set in &topology.workloads {
        let ours: Vec<&&Pod> = receivers
            .iter()
            .filter(|p| topology.workload_of(p).is_some_and(|w| w.name == set.name))
            .collect();
        if ours.is_empty() {
            continue;
        }
        let missing = (set.replicas as usize).saturating_sub(ours.len());
        wanted += missing;
        if missing > 0 || set.ready < set.replicas {
            let figure = format!("{} of {} ready", set.ready, set.replicas);
            details.push(Detail::new(
                &format!("{} {}", set.kind, set.name),
                Status::Fail,
                figure,
            ));
        } else if set.revisions_differ {
            details.push(Detail::new(
                &format!("{} {}", set.kind, set.name),
                Status::Warn,
                "rollout under way or stuck",
            ));
        }
    }
    let ready = receivers
        .iter()
        .filter(|p| p.phase == "Running" && p.ready())
        .count();
    let status = worst(&details);
    let why = match status {
        Status::Pass => String::new(),
        Status::Warn => "a StatefulSet's pods are of two revisions".to_owned(),
        _ => format!(
            "{} not ready",
            words::plural(wanted - ready.min(wanted), "pod")
        ),
    };
    item.figure(format!("{ready} of {wanted}"))
        .source("pods, StatefulSets")
        .details(details)
        .ends(status, why)
}

/// What one pod does.
fn state(sight: &Sight<'_>, pod: &Pod) -> Detail {
    let name = sight.short(&pod.name);
    let container = pod.receiver();
    let waiting = container.and_then(|c| match &c.state {
        ContainerState::Waiting { reason, .. } => reason.clone(),
        ContainerState::Terminated(t) => {
            Some(t.reason.clone().unwrap_or_else(|| "Terminated".to_owned()))
        }
        _ => None,
    });
    let figure = match (&waiting, pod.phase.as_str(), pod.ready()) {
        _ if pod.deletion.is_some() => "terminating".to_owned(),
        (Some(reason), ..) => reason.clone(),
        (None, "Running", true) => return Detail::new(name, Status::Pass, "Running, ready"),
        (None, "Running", false) => "Running, not ready".to_owned(),
        (None, phase, _) => pod.reason.clone().unwrap_or_else(|| phase.to_owned()),
    };
    Detail::new(name, Status::Fail, figure)
}

/// `/-/healthy` and `/-/ready`, or what the process says of itself.
pub(in crate::checks) fn health(sight: &Sight<'_>) -> Item {
    let item = Item::new("health", "pods", "Health endpoints")
        .target("/-/healthy and /-/ready answer OK")
        .next(sight.command(
            "port-forward POD 10902, then curl localhost:10902/-/ready",
            None,
        ));
    let (details, source) = said(sight);
    if details.is_empty() {
        return item.unknown("neither answers of /-/ready nor thanos_status in the input");
    }
    let good = details.iter().filter(|d| d.status == Status::Pass).count();
    let is_seen = |m: &str| {
        details
            .iter()
            .any(|d| d.subject.starts_with(&format!("{m} ")))
    };
    let names = sight.members.iter().map(|m| sight.short(&m.name));
    let unseen: Vec<&str> = names.filter(|m| !is_seen(m)).collect();
    let item = item
        .figure(format!("{good} of {} OK", details.len()))
        .source(source);
    let status = worst(&details);
    let item = item.details(details);
    match status {
        Status::Pass if !unseen.is_empty() => {
            item.unknown(format!("nothing seen of {}", words::some(&unseen)))
        }
        Status::Pass => item.pass(),
        Status::Unknown => item.unknown("receivers said so before, but are not ready now"),
        _ => item.ends(
            Status::Fail,
            "a receiver says that it is not healthy or not ready",
        ),
    }
}

/// What receivers answered, else what their metrics say; and where that comes from.
fn said(sight: &Sight<'_>) -> (Vec<Detail>, String) {
    let mut details = Vec::new();
    let mut sources = std::collections::BTreeSet::new();
    for record in &sight.input.objects.records {
        if let (Some("http"), Some(ok), Some(endpoint)) =
            (record.get("kind"), record.get("ok"), record.get("endpoint"))
        {
            let good = ok == "true";
            let figure = if good {
                "OK".to_owned()
            } else {
                record.get("body").unwrap_or_default().to_owned()
            };
            let status = if good { Status::Pass } else { Status::Fail };
            details.push(Detail::new(
                &format!("{} /-/{endpoint}", record.origin.pod),
                status,
                figure,
            ));
            sources.insert("HTTP answers");
        }
    }
    for member in &sight.members {
        if details.iter().any(|d| {
            d.subject
                .starts_with(&format!("{} ", sight.short(&member.name)))
        }) {
            continue;
        }
        for s in sight.of_pod("thanos_status", &member.name) {
            let (Some(check), Some(value)) = (s.get("check"), s.number("value")) else {
                continue;
            };
            let gone = member.pod.is_some_and(|p| !p.ready());
            let (status, figure) = match (value >= 1.0, gone) {
                (true, true) => (
                    Status::Unknown,
                    "1 when it was scraped; the pod is not ready now",
                ),
                (true, false) => (Status::Pass, "1"),
                (false, _) => (Status::Fail, "0"),
            };
            details.push(Detail::new(
                &format!("{} {check}", sight.short(&member.name)),
                status,
                figure,
            ));
            sources.insert("thanos_status");
        }
    }
    (details, sources.into_iter().collect::<Vec<_>>().join(", "))
}

/// Restarts since the last check, or within the checklist's period.
pub(in crate::checks) fn restarts(sight: &Sight<'_>) -> Item {
    let period = sight.cadence.seconds();
    let since = if sight.before("restarts").is_some() {
        "since the last check".to_owned()
    } else {
        format!("in {}", words::duration(period))
    };
    let item = Item::new("restarts", "pods", "Restarts").target(format!(
        "at most {} {since}",
        sight.targets.text("restarts")
    ));
    let containers = || {
        sight
            .members
            .iter()
            .filter_map(|m| Some((m, m.pod?.receiver()?)))
    };
    if containers().next().is_none() {
        return restarted_processes(sight, item);
    }
    let mut total = 0.0;
    let mut details = Vec::new();
    for (member, container) in containers() {
        let (detail, recent) = life(sight, member, container);
        total += recent;
        details.push(detail);
    }
    let again: Vec<Detail> = details
        .iter()
        .filter(|d| d.status == Status::Fail)
        .cloned()
        .collect();
    let item = item.figure(words::count(total)).source("container states");
    let failed = total > sight.targets.get("restarts");
    let item = item.next(sight.command(
        "logs POD -c CONTAINER --previous",
        again.first().map(|d| d.subject.as_str()),
    ));
    let item = item.details(details);
    if failed {
        item.ends(Status::Fail, format!("restarted: {}", who(&again)))
    } else {
        item.pass()
    }
}

/// Without container states: processes that began anew between the scrapes.
fn restarted_processes(sight: &Sight<'_>, item: Item) -> Item {
    let begun = sight.members.iter().filter(|m| {
        let mut starts = sight.of_pod("process_start_time_seconds", &m.name);
        starts.any(|s| s.number("delta").is_some_and(|d| d.abs() > 0.5))
    });
    let again: Vec<&str> = begun.map(|m| sight.short(&m.name)).collect();
    if again.is_empty() {
        return item.unknown("no container states in the input");
    }
    let why = format!(
        "the process of {} began anew between the scrapes",
        words::some(&again)
    );
    let next = sight.command("logs POD -c CONTAINER --previous", again.first().copied());
    item.figure(format!("at least {}", again.len()))
        .source("process_start_time_seconds")
        .next(next)
        .ends(Status::Fail, why)
}

/// Restarts of one container: all with the last reason, and how many count.
fn life(sight: &Sight<'_>, member: &Member<'_>, container: &Container) -> (Detail, f64) {
    #[expect(clippy::cast_precision_loss, reason = "a small count")]
    let all = container.restart_count as f64;
    let name = sight.short(&member.name);
    let before = sight
        .before("restarts")
        .and_then(|i| i.details.iter().find(|d| d.subject == name)?.value);
    let ended = container.last_state.as_ref();
    let age = ended.and_then(|t| Some(seconds(sight.now?) - seconds(t.finished?)));
    let recent = match before {
        Some(before) if all >= before => all - before,
        // A pod that was replaced counts from zero again.
        Some(_) => all,
        None if age.is_some_and(|a| a > sight.cadence.seconds()) => 0.0,
        None => all,
    };
    let reason = ended.map_or(String::new(), |t| {
        let code = t.exit_code.map_or(String::new(), |c| format!(", exit {c}"));
        let ago = age.map_or(String::new(), |a| format!(" {} ago", words::duration(a)));
        format!(
            ", last {}{code}{ago}",
            t.reason.as_deref().unwrap_or("ended")
        )
    });
    let status = if recent > sight.targets.get("restarts") {
        Status::Fail
    } else {
        Status::Pass
    };
    let detail = Detail::new(name, status, format!("{all}{reason}")).value(all);
    (detail, recent)
}

/// Nodes that receivers run on.
pub(in crate::checks) fn nodes(sight: &Sight<'_>) -> Item {
    let item = Item::new("nodes", "pods", "Nodes")
        .target("ready, without pressure")
        .next("kubectl describe node NODE");
    if sight.topology().nodes.is_empty() {
        return item.unknown("no nodes in the input (kubectl get nodes -o json)");
    }
    let mut names: Vec<&str> = sight
        .members
        .iter()
        .filter_map(|m| m.pod?.node.as_deref())
        .collect();
    names.sort_unstable();
    names.dedup();
    if names.is_empty() {
        return item.unknown("no receiver of the input is placed on a node");
    }
    let details: Vec<Detail> = names.iter().map(|name| node(sight, name)).collect();
    let bad: Vec<Detail> = details
        .iter()
        .filter(|d| d.status != Status::Pass)
        .cloned()
        .collect();
    let good = details.len() - bad.len();
    let status = worst(&details);
    item.figure(format!("{good} of {} fine", details.len()))
        .source("nodes")
        .details(details)
        .ends(status, who(&bad))
}

fn node(sight: &Sight<'_>, name: &str) -> Detail {
    let Some(node) = sight.topology().node(name) else {
        return Detail::new(
            name,
            Status::Fail,
            "not among the nodes: it is gone, or was not listed",
        );
    };
    if node.ready() != Some(true) {
        return Detail::new(name, Status::Fail, "not ready");
    }
    let pressed = |c: &&str| node.conditions.get(*c).is_some_and(|c| c.status == "True");
    let pressure: Vec<&str> = [
        "DiskPressure",
        "MemoryPressure",
        "PIDPressure",
        "NetworkUnavailable",
    ]
    .into_iter()
    .filter(pressed)
    .collect();
    if !pressure.is_empty() {
        return Detail::new(name, Status::Fail, pressure.join(", "));
    }
    if node.unschedulable {
        return Detail::new(name, Status::Warn, "cordoned");
    }
    Detail::new(name, Status::Pass, "ready")
}

/// Row 3: the replication factor, the quorum, and how many members may still be lost.
pub(in crate::checks) fn quorum(sight: &Sight<'_>) -> Item {
    let item = Item::new("quorum", "replication", "Quorum")
        .target("the replication factor's full margin")
        .next(format!("kubectl {}get pods", sight.namespace_flag()));
    let setup = sight.setup();
    let Some(factor) = setup.replication_factor else {
        return item.unknown("the replication factor is neither in the flags nor in the metrics");
    };
    let mut factors: Vec<u32> = sight
        .members
        .iter()
        .filter_map(|m| m.pod)
        .filter(|p| p.mode() != Some(Mode::IngestorOnly))
        .filter_map(Pod::replication_factor)
        .collect();
    factors.sort_unstable();
    factors.dedup();
    if factors.len() > 1 {
        return item
            .figure(format!("factors {factors:?}"))
            .source("flags")
            .ends(
                Status::Fail,
                "receivers run with different replication factors",
            );
    }
    let rule = hashring::quorum(factor, setup.version);
    let stores: Vec<_> = sight.members.iter().filter(|m| m.stores).collect();
    let up = |m: &&&Member<'_>| match m.pod {
        Some(pod) => pod.phase == "Running" && pod.ready(),
        None => sight
            .of_pod("thanos_status", &m.name)
            .all(|s| s.number("value").is_none_or(|v| v >= 1.0)),
    };
    let ready = stores.iter().filter(up).count();
    let lost = stores.len() - ready;
    let item = item
        .figure(format!(
            "{ready} of {} ready; RF {factor} needs {}",
            stores.len(),
            rule.needed
        ))
        .source("flags, pods");
    if stores.is_empty() {
        return item.unknown("no member that stores samples is in the input");
    }
    let left = rule.tolerated().saturating_sub(lost);
    if lost > rule.tolerated() {
        item.ends(
            Status::Fail,
            "more members are away than the quorum allows: writes fail",
        )
    } else if lost > 0 {
        item.ends(
            Status::Fail,
            format!(
                "{} away; {left} more may be lost before writes fail",
                words::plural(lost, "member")
            ),
        )
    } else if rule.tolerated() == 0 {
        item.ends(
            Status::Warn,
            "no member may be lost: every restart fails writes",
        )
    } else {
        item.pass()
    }
}

/// Row 1: requests and samples per second, and whether they still come.
pub(in crate::checks) fn traffic(sight: &Sight<'_>) -> Item {
    let item = Item::new("traffic", "writes", "Write traffic")
        .target(format!("flows, and within {} of the last check", sight.targets.text("traffic_change")))
        .source("http_requests_total, thanos_receive_write_samples_sum")
        .next("the senders: their logs, prometheus_remote_storage_samples_pending, the Service's endpoints");
    let requests = || {
        sight
            .of("http_requests_total")
            .filter(|s| matches!(s.get("handler"), Some("receive" | "otlp")))
    };
    if requests().next().is_none() {
        return item.unknown(sight.no_metric("http_requests_total{handler=\"receive\"}"));
    }
    let rate = |all: &mut dyn Iterator<Item = &crate::metrics::SeriesRecord>| {
        all.filter_map(|s| s.number("rate")).sum::<f64>()
    };
    if requests().all(|s| s.number("rate").is_none()) {
        return item.unknown("rates need two scrapes of one process");
    }
    let per_second = rate(&mut requests());
    let samples = rate(&mut sight.of("thanos_receive_write_samples_sum"));
    let mut by: std::collections::BTreeMap<String, f64> = std::collections::BTreeMap::new();
    for s in requests() {
        let key = format!(
            "tenant {} code {}",
            s.get("tenant").unwrap_or("-"),
            s.get("code").unwrap_or("-")
        );
        *by.entry(key).or_default() += s.number("rate").unwrap_or(0.0);
    }
    let mut details: Vec<Detail> = by
        .into_iter()
        .map(|(k, v)| Detail::new(&k, Status::Pass, format!("{v:.2} requests/s")).value(v))
        .collect();
    let total =
        Detail::new("all", Status::Pass, format!("{per_second:.2} requests/s")).value(per_second);
    details.insert(0, total);
    let item = item
        .figure(format!(
            "{per_second:.1} requests/s, {} samples/s",
            words::count(samples.round())
        ))
        .details(details);
    let before = sight
        .before("traffic")
        .and_then(|i| i.details.first()?.value);
    let counted = requests().any(|s| s.number("first").is_some_and(|v| v > 0.0));
    if per_second <= 0.0 && (counted || before.is_some_and(|b| b > 0.0)) {
        return item.ends(Status::Fail, "requests came before, and have stopped");
    }
    if requests().map(grown).sum::<f64>() <= 0.0 {
        return item.ends(
            Status::Warn,
            "no request has come since the processes began",
        );
    }
    match before {
        Some(before)
            if before > 0.0
                && (per_second / before - 1.0).abs() > sight.targets.get("traffic_change") =>
        {
            item.ends(
                Status::Warn,
                format!("{before:.1} requests/s at the last check"),
            )
        }
        _ => item.pass(),
    }
}
