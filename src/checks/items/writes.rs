//! Targets of writes: availability, success, latency, replication, limits.

use std::collections::BTreeMap;

use super::super::model::{Detail, Item, Status};
use super::super::sight::{Sight, grown, over};
use super::super::words;
use crate::metrics::{SeriesRecord, histogram_quantile};
use crate::pack::{Version, VersionRange};

/// Requests by answer.
struct Answers {
    /// All.
    total: f64,
    /// By code.
    codes: BTreeMap<String, f64>,
    /// By pod: all, answered 5xx, answered 2xx.
    pods: BTreeMap<String, (f64, f64, f64)>,
    over: String,
}

fn requests<'s>(sight: &'s Sight<'_>) -> impl Iterator<Item = &'s SeriesRecord> {
    sight
        .of("http_requests_total")
        .filter(|s| matches!(s.get("handler"), Some("receive" | "otlp")))
}

fn answers(sight: &Sight<'_>) -> Option<Answers> {
    requests(sight).next()?;
    let mut answers = Answers {
        total: 0.0,
        codes: BTreeMap::new(),
        pods: BTreeMap::new(),
        over: over(requests(sight)),
    };
    for s in requests(sight) {
        let (code, n) = (s.get("code").unwrap_or("?"), grown(s));
        answers.total += n;
        *answers.codes.entry(code.to_owned()).or_default() += n;
        let pod = answers
            .pods
            .entry(sight.short(&s.origin.name()).to_owned())
            .or_default();
        pod.0 += n;
        pod.1 += if code.starts_with('5') { n } else { 0.0 };
        pod.2 += if code.starts_with('2') { n } else { 0.0 };
    }
    Some(answers)
}

impl Answers {
    fn sum(&self, class: char) -> f64 {
        self.codes
            .iter()
            .filter(|(code, _)| code.starts_with(class))
            .map(|(_, n)| n)
            .sum()
    }

    /// `503: 66, 500: 4`: answers other than 2xx, most first.
    fn others(&self) -> String {
        let mut all: Vec<(&String, f64)> = self
            .codes
            .iter()
            .filter(|(c, n)| !c.starts_with('2') && **n > 0.0)
            .map(|(c, n)| (c, *n))
            .collect();
        all.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(b.0)));
        all.iter()
            .map(|(code, n)| format!("{code}: {}", words::count(*n)))
            .collect::<Vec<_>>()
            .join(", ")
    }
}

/// 99.95 %: requests that the receivers did not fail themselves (5xx).
pub(in crate::checks) fn availability(sight: &Sight<'_>) -> Item {
    let target = sight.targets.get("availability");
    let item = Item::new("availability", "writes", "Availability")
        .target(format!(
            "≥ {} of requests not answered 5xx",
            sight.targets.text("availability")
        ))
        .next("rdiag BUNDLE names the cause of 5xx answers");
    rate(sight, item, target, &|all, bad, _| all - bad)
}

/// 99.9 %: requests that were answered 2xx.
pub(in crate::checks) fn success(sight: &Sight<'_>) -> Item {
    let target = sight.targets.get("write_success");
    let item = Item::new("write-success", "writes", "Write success")
        .target(format!(
            "≥ {} of requests answered 2xx",
            sight.targets.text("write_success")
        ))
        .next("409 and 400: look at the senders; 413 and 429: at the limits; 5xx: rdiag BUNDLE");
    rate(sight, item, target, &|_, _, good| good)
}

fn rate(sight: &Sight<'_>, item: Item, target: f64, good: &dyn Fn(f64, f64, f64) -> f64) -> Item {
    let Some(answers) = answers(sight) else {
        return item.unknown(sight.no_metric("http_requests_total{handler=\"receive\"}"));
    };
    let item = item.source("http_requests_total");
    if answers.total <= 0.0 {
        return item
            .figure(format!("no request {}", answers.over))
            .unknown("nothing was written, so nothing can be said");
    }
    let details = answers
        .pods
        .iter()
        .filter(|(_, (all, ..))| *all > 0.0)
        .map(|(pod, (all, bad, fine))| {
            let share = good(*all, *bad, *fine) / all;
            let status = if share >= target {
                Status::Pass
            } else {
                Status::Fail
            };
            Detail::new(
                pod,
                status,
                format!("{} of {} requests", words::share(share), words::count(*all)),
            )
            .value(share)
        })
        .collect();
    let share = good(answers.total, answers.sum('5'), answers.sum('2')) / answers.total;
    let item = item
        .figure(format!(
            "{} of {} requests {}",
            words::share(share),
            words::count(answers.total),
            answers.over
        ))
        .details(details);
    if share >= target {
        item.pass()
    } else {
        item.ends(Status::Fail, format!("answers {}", answers.others()))
    }
}

/// p99 of write requests.
pub(in crate::checks) fn latency(sight: &Sight<'_>) -> Item {
    let target = sight.targets.get("latency_p99");
    let item = Item::new("write-latency", "writes", "Write latency p99")
        .target(format!("< {}", sight.targets.text("latency_p99")))
        .source("http_request_duration_seconds_bucket")
        .next("slow members: CPU throttling, WAL replay, a slow disk or peer; rdiag BUNDLE");
    let buckets = || {
        sight
            .of("http_request_duration_seconds_bucket")
            .filter(|s| matches!(s.get("handler"), Some("receive" | "otlp")))
    };
    if buckets().next().is_none() {
        return item
            .unknown(sight.no_metric("http_request_duration_seconds_bucket{handler=\"receive\"}"));
    }
    let mut all: BTreeMap<String, Vec<(f64, f64)>> = BTreeMap::new();
    for s in buckets() {
        let Some(bound) = s.get("le").and_then(|le| le.parse::<f64>().ok()) else {
            continue;
        };
        for of in [sight.short(&s.origin.name()), ""] {
            let counts = all.entry(of.to_owned()).or_default();
            match counts.iter_mut().find(|(b, _)| *b == bound) {
                Some((_, n)) => *n += grown(s),
                None => counts.push((bound, grown(s))),
            }
        }
    }
    let whole = all
        .remove("")
        .and_then(|counts| histogram_quantile(0.99, &[], &counts));
    let Some(p99) = whole else {
        return item
            .figure("no request")
            .unknown("nothing was written, so nothing can be said");
    };
    let details = all
        .iter()
        .filter_map(|(pod, counts)| {
            let p99 = histogram_quantile(0.99, &[], counts)?;
            let status = if p99 < target {
                Status::Pass
            } else {
                Status::Fail
            };
            Some(Detail::new(pod, status, words::duration(p99)).value(p99))
        })
        .collect();
    let item = item
        .figure(format!("{}, {}", short_time(p99), over(buckets())))
        .details(details);
    if p99 < target {
        item.pass()
    } else {
        item.ends(Status::Fail, "requests take too long")
    }
}

/// `38ms`, `1.24s`.
fn short_time(seconds: f64) -> String {
    if seconds < 1.0 {
        words::duration(seconds)
    } else {
        format!("{seconds:.2}s")
    }
}

/// Forwards to other members.
#[derive(Clone, Copy, Default)]
struct Forwards {
    all: f64,
    failed: f64,
}

impl Forwards {
    fn success(self) -> Option<f64> {
        (self.all > 0.0).then(|| 1.0 - self.failed / self.all)
    }
}

/// Row 3: replication success, from the counters of replication and those of gRPC.
pub(in crate::checks) fn replication(sight: &Sight<'_>) -> Item {
    let item = Item::new("replication-success", "replication", "Replication success")
        .target(format!(
            "≥ {} of forwards",
            sight.targets.text("replication_success")
        ))
        .next("the member behind it: pods not ready, ring entries nobody answers; rdiag BUNDLE");
    if sight.setup().replication_factor == Some(1) {
        return item
            .figure("replication factor 1")
            .unknown("nothing is replicated");
    }
    let Copies {
        pods,
        codes,
        calls: calls_all,
        counted,
    } = copies(sight);
    let replications = || sight.of("thanos_receive_replications_total");
    let name = replications()
        .next()
        .and_then(|s| s.get("metric"))
        .unwrap_or("thanos_receive_replications_total")
        .to_owned();
    let (share, source) = match (calls_all.success(), counted.success()) {
        (Some(a), Some(b)) if b < a => (b, name),
        (Some(a), Some(_)) if is_blind(sight) => (a, format!("grpc_client_handled_total (in v0.35–v0.38 {name} does not count errors)")),
        (Some(_), Some(b)) if codes.is_empty() => (b, name),
        (Some(a), _) => (a, "grpc_client_handled_total".to_owned()),
        // Versions that do not count errors show nothing but success.
        (None, Some(_)) if is_blind(sight) => return item.source(name).unknown("v0.35–v0.38 do not count failed replications, and no grpc_client_handled_total is there"),
        (None, Some(b)) => (b, name),
        (None, None) => return item.unknown(if pods.is_empty() { sight.no_metric("thanos_receive_replications_total") } else { "no forward between the scrapes".to_owned() }),
    };
    let details = pods
        .iter()
        .filter_map(|(pod, both)| by_pod(sight, pod, both))
        .collect();
    let spans = over(calls(sight).chain(replications()));
    let most = calls_all.all.max(counted.all);
    let item = item
        .figure(format!(
            "{} of {} forwards {spans}",
            words::share(share),
            words::count(most)
        ))
        .source(source)
        .details(details);
    if share >= sight.targets.get("replication_success") {
        return item.pass();
    }
    let alert = if 1.0 - share > sight.targets.get("replication_alert") {
        "; above the alert's line"
    } else {
        ""
    };
    let codes: Vec<String> = codes
        .iter()
        .map(|(code, n)| format!("{code}: {}", words::count(*n)))
        .collect();
    let codes = if codes.is_empty() {
        "forwards fail".to_owned()
    } else {
        codes.join(", ")
    };
    item.ends(Status::Fail, format!("{codes}{alert}"))
}

/// All forwards, counted in both ways.
struct Copies {
    /// By pod: as gRPC counts, and as the counter of replications does.
    pods: BTreeMap<String, [Forwards; 2]>,
    /// Failed calls by gRPC code.
    codes: BTreeMap<String, f64>,
    calls: Forwards,
    counted: Forwards,
}

fn copies(sight: &Sight<'_>) -> Copies {
    let (mut codes, mut refused) = (BTreeMap::<String, f64>::new(), 0.0);
    let mut pods: BTreeMap<String, [Forwards; 2]> = BTreeMap::new();
    for s in calls(sight) {
        let (code, n) = (s.get("grpc_code").unwrap_or("?"), grown(s));
        let name = sight.short(&s.origin.name()).to_owned();
        let pod = &mut pods.entry(name).or_default()[0];
        pod.all += n;
        // Rejected samples are the sender's matter; the copy itself was delivered.
        if code == "AlreadyExists" {
            refused += n;
        } else if code != "OK" {
            pod.failed += n;
            *codes.entry(code.to_owned()).or_default() += n;
        }
    }
    for s in sight.of("thanos_receive_replications_total") {
        let name = sight.short(&s.origin.name()).to_owned();
        let pod = &mut pods.entry(name).or_default()[1];
        pod.all += grown(s);
        if s.get("result") == Some("error") {
            pod.failed += grown(s);
        }
    }
    let total = |which: usize| {
        pods.values().fold(Forwards::default(), |t, p| Forwards {
            all: t.all + p[which].all,
            failed: t.failed + p[which].failed,
        })
    };
    let (calls, mut counted) = (total(0), total(1));
    if counts_refusals(sight) {
        counted.failed = (counted.failed - refused).max(0.0);
    }
    Copies {
        pods,
        codes,
        calls,
        counted,
    }
}

fn by_pod(sight: &Sight<'_>, pod: &str, both: &[Forwards; 2]) -> Option<Detail> {
    let shares = both.iter().filter_map(|f| f.success());
    let share = shares.fold(None, |least: Option<f64>, s| {
        Some(least.map_or(s, |l| l.min(s)))
    })?;
    let status = if share >= sight.targets.get("replication_success") {
        Status::Pass
    } else {
        Status::Fail
    };
    Some(
        Detail::new(
            pod,
            status,
            format!("{} of its forwards", words::share(share)),
        )
        .value(share),
    )
}

fn calls<'s>(sight: &'s Sight<'_>) -> impl Iterator<Item = &'s SeriesRecord> {
    sight
        .of("grpc_client_handled_total")
        .filter(|s| s.get("grpc_method").is_none_or(|m| m == "RemoteWrite"))
}

/// Whether a version does not count errors of replication.
fn is_blind(sight: &Sight<'_>) -> bool {
    let blind = VersionRange {
        since: Version::parse("0.35"),
        until: Version::parse("0.38"),
    };
    sight
        .members
        .iter()
        .filter_map(|m| m.version)
        .any(|v| blind.contains(&v))
}

/// Whether a version counts rejected samples as errors of replication.
fn counts_refusals(sight: &Sight<'_>) -> bool {
    let old = VersionRange {
        since: None,
        until: Version::parse("0.40"),
    };
    sight
        .members
        .iter()
        .filter_map(|m| m.version)
        .any(|v| old.contains(&v))
}

/// Requests refused for a limit, and tenants near theirs.
pub(in crate::checks) fn limits(sight: &Sight<'_>) -> Item {
    let item = Item::new("limits", "writes", "Limits hit")
        .target(format!(
            "none; series below {} of the limit",
            sight.targets.text("series_limit")
        ))
        .next("raise the tenant's limit in the limits file, or have the sender send less");
    if requests(sight).next().is_none() {
        return item.unknown(sight.no_metric("http_requests_total{handler=\"receive\"}"));
    }
    let mut hits: BTreeMap<String, f64> = BTreeMap::new();
    for s in requests(sight).filter(|s| matches!(s.get("code"), Some("413" | "429"))) {
        let key = format!(
            "tenant {}: code {}",
            s.get("tenant").unwrap_or("-"),
            s.get("code").unwrap_or("-")
        );
        *hits.entry(key).or_default() += grown(s);
    }
    for s in sight.of("thanos_receive_write_limits_hit_count") {
        let key = format!(
            "tenant {}: limit {}",
            s.get("tenant").unwrap_or("-"),
            s.get("limit").unwrap_or("-")
        );
        *hits.entry(key).or_default() += grown(s);
    }
    for s in sight.of("thanos_receive_head_series_limited_requests_total") {
        *hits
            .entry(format!(
                "tenant {}: active series",
                s.get("tenant").unwrap_or("-")
            ))
            .or_default() += grown(s);
    }
    hits.retain(|_, n| *n > 0.0);
    let near = near_limit(sight);
    let mut details: Vec<Detail> = hits
        .iter()
        .map(|(k, n)| {
            Detail::new(k, Status::Fail, format!("{} requests", words::count(*n))).value(*n)
        })
        .collect();
    details.extend(near.iter().cloned());
    let refused: f64 = requests(sight)
        .filter(|s| matches!(s.get("code"), Some("413" | "429")))
        .map(grown)
        .sum();
    let refused = refused.max(hits.values().fold(0.0, |a, b| a.max(*b)));
    let item = item
        .figure(format!("{} requests refused {}", words::count(refused), over(requests(sight))))
        .source("http_requests_total, thanos_receive_write_limits_hit, thanos_receive_head_series_limit")
        .details(details);
    if let Some(first) = hits.keys().next() {
        return item.ends(Status::Fail, first.clone());
    }
    match near.iter().find(|d| d.status != Status::Pass) {
        Some(tenant) => item.ends(
            Status::Warn,
            format!("{} near its limit: {}", tenant.subject, tenant.figure),
        ),
        None => item.pass(),
    }
}

/// Tenants with an active series limit, and how near they are.
fn near_limit(sight: &Sight<'_>) -> Vec<Detail> {
    let mut limits: BTreeMap<&str, f64> = BTreeMap::new();
    for s in sight.of("thanos_receive_head_series_limit") {
        if let (Some(tenant), Some(limit)) =
            (s.get("tenant"), s.number("value").filter(|v| *v > 0.0))
        {
            limits.insert(tenant, limit);
        }
    }
    let mut series: BTreeMap<&str, f64> = BTreeMap::new();
    for s in sight.of("prometheus_tsdb_head_series") {
        *series
            .entry(s.get("tenant").unwrap_or_default())
            .or_default() += s.number("value").unwrap_or(0.0);
    }
    let limit = |tenant: &str| limits.get(tenant).or_else(|| limits.get("")).copied();
    series
        .into_iter()
        .filter_map(|(tenant, n)| {
            let share = n / limit(tenant)?;
            let status = if share > sight.targets.get("series_limit") {
                Status::Warn
            } else {
                Status::Pass
            };
            Some(
                Detail::new(
                    &format!("tenant {tenant}"),
                    status,
                    format!("{} of its series limit", words::share(share)),
                )
                .value(share),
            )
        })
        .collect()
}
