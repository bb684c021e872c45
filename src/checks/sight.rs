//! What the checks look at: the receivers, their series, the ring, and the time of the data.

use std::collections::{BTreeMap, BTreeSet};

use super::model::{Checklist, Detail, Item, Status};
use super::{Cadence, Options, Targets};
use crate::bundle::{self, Input, Mode, Pod, Topology};
use crate::hashring::{Algorithm, Rings, Setup};
use crate::metrics::SeriesRecord;
use crate::pack::Version;
use crate::record::{Time, Times};

/// Metrics, by the beginning of their names, that some check asks for.
const WANTED: &[&str] = &[
    "certmanager_certificate_expiration_timestamp_seconds",
    "container_cpu_cfs_",
    "container_memory_working_set_bytes",
    "grpc_client_handled_total",
    "http_request_duration_seconds_bucket",
    "http_requests_total",
    "kubelet_volume_stats_",
    "probe_ssl_earliest_cert_expiry",
    "process_cpu_seconds_total",
    "process_resident_memory_bytes",
    "process_start_time_seconds",
    "prometheus_tsdb_",
    "thanos_blocks_meta_synced",
    "thanos_bucket_store_blocks_loaded",
    "thanos_build_info",
    "thanos_objstore_bucket_last_successful_upload_time",
    "thanos_objstore_bucket_operation_failures_total",
    "thanos_receive_",
    "thanos_shipper_",
    "thanos_status",
    "x509_cert_not_after",
];

/// Of those, histograms whose buckets nobody asks for.
const UNWANTED: &[&str] = &["prometheus_tsdb_", "thanos_receive_"];

/// Everything the checks look at.
pub(super) struct Sight<'a> {
    pub(super) input: &'a Input,
    pub(super) targets: &'a Targets,
    pub(super) cadence: Cadence,
    pub(super) options: &'a Options,
    /// Receivers, sorted by name.
    pub(super) members: Vec<Member<'a>>,
    /// Time of the data.
    pub(super) now: Option<Time>,
    series: Vec<SeriesRecord>,
    index: BTreeMap<String, Vec<usize>>,
}

/// One receiver.
pub(super) struct Member<'a> {
    /// `namespace/name`, or the bare name.
    pub(super) name: String,
    /// Its object, if it is in the input.
    pub(super) pod: Option<&'a Pod>,
    /// It keeps samples of its own.
    pub(super) stores: bool,
    /// Its version, if known.
    pub(super) version: Option<Version>,
}

impl<'a> Sight<'a> {
    pub(super) fn new(
        input: &'a Input,
        targets: &'a Targets,
        cadence: Cadence,
        options: &'a Options,
    ) -> Self {
        let series = series(input);
        let mut index: BTreeMap<String, Vec<usize>> = BTreeMap::new();
        for (i, one) in series.iter().enumerate() {
            for (_, name) in one.fields.iter().filter(|(key, _)| key == "metric") {
                index.entry(name.clone()).or_default().push(i);
            }
        }
        let mut sight = Self {
            input,
            targets,
            cadence,
            options,
            members: Vec::new(),
            now: now(input, &series),
            series,
            index,
        };
        sight.members = sight.find_members();
        sight
    }

    pub(super) fn topology(&self) -> &'a Topology {
        &self.input.objects.topology
    }

    /// Series of a metric, sorted by pod and labels.
    pub(super) fn of<'s>(
        &'s self,
        metric: &str,
    ) -> impl Iterator<Item = &'s SeriesRecord> + use<'s, 'a> {
        self.index
            .get(metric)
            .into_iter()
            .flatten()
            .map(|i| &self.series[*i])
    }

    /// Series of a metric of one receiver.
    pub(super) fn of_pod<'s>(
        &'s self,
        metric: &str,
        pod: &'s str,
    ) -> impl Iterator<Item = &'s SeriesRecord> + use<'s, 'a> {
        self.of(metric).filter(move |s| s.origin.name() == pod)
    }

    /// Sum of the last values of a metric of one receiver.
    pub(super) fn value(&self, metric: &str, pod: &str) -> Option<f64> {
        sum(self
            .of_pod(metric, pod)
            .filter(|s| s.get("stale").is_none())
            .map(|s| s.number("value")))
    }

    /// Whether any scrape or answer is there.
    pub(super) fn has_metrics(&self) -> bool {
        !self.series.is_empty()
    }

    /// Why a metric is not there.
    pub(super) fn no_metric(&self, metric: &str) -> String {
        if self.has_metrics() {
            format!("no {metric} in the metrics of the input")
        } else {
            "no metrics in the input".to_owned()
        }
    }

    /// Members of which no metric is there; only those that store samples, if so asked.
    pub(super) fn unseen(&self, only_stores: bool) -> Vec<&str> {
        let seen: BTreeSet<std::borrow::Cow<'_, str>> =
            self.series.iter().map(|s| s.origin.name()).collect();
        let unseen = self
            .members
            .iter()
            .filter(|m| (m.stores || !only_stores) && !seen.contains(m.name.as_str()));
        unseen.map(|m| self.short(&m.name)).collect()
    }

    /// `-n NAMESPACE ` for commands, or nothing.
    pub(super) fn namespace_flag(&self) -> String {
        let namespace = self.members.iter().find_map(|m| m.name.split_once('/'));
        let plain = |n: &&str| {
            n.bytes()
                .all(|b| b.is_ascii_alphanumeric() || b == b'-' || b == b'.')
        };
        let namespace = namespace.map(|(namespace, _)| namespace).filter(plain);
        namespace.map_or(String::new(), |namespace| format!("-n {namespace} "))
    }

    /// A command with the names of `pod`, or of the first receiver: `POD`, `CONTAINER` and `DIR` in
    /// `text` are filled in. Names that a shell would read are left as placeholders.
    pub(super) fn command(&self, text: &str, pod: Option<&str>) -> String {
        let of = |m: &&Member<'_>| pod.is_none_or(|p| self.short(&m.name) == p);
        let member = self.members.iter().find(of).or(self.members.first());
        let plain = |name: &&str| {
            !name.is_empty()
                && name
                    .bytes()
                    .all(|b| b.is_ascii_alphanumeric() || b"-_./".contains(&b))
        };
        let mut text = text.to_owned();
        let mut fill = |word: &str, name: Option<&str>| {
            if let Some(name) = name.filter(plain) {
                text = text.replace(word, name);
            }
        };
        fill("POD", member.map(|m| self.short(&m.name)));
        fill(
            "CONTAINER",
            member
                .and_then(|m| m.pod?.receiver())
                .map(|c| c.name.as_str()),
        );
        fill("DIR", member.and_then(|m| m.pod?.flag("--tsdb.path")));
        format!("kubectl {}{text}", self.namespace_flag())
    }

    /// Names without the namespace where there is only one.
    pub(super) fn short<'n>(&self, name: &'n str) -> &'n str {
        name.rsplit('/').next().unwrap_or(name)
    }

    /// What decides placement beside the file.
    pub(super) fn setup(&self) -> Setup {
        let pods = || self.members.iter().filter_map(|m| m.pod);
        let routes = |pod: &&Pod| pod.mode() != Some(Mode::IngestorOnly);
        let factor = pods()
            .filter(routes)
            .filter_map(Pod::replication_factor)
            .max();
        let measured = self
            .of("thanos_receive_replication_factor")
            .filter_map(|s| s.number("value"));
        #[expect(
            clippy::cast_possible_truncation,
            clippy::cast_sign_loss,
            reason = "a small count"
        )]
        let measured = measured.filter(|v| *v >= 1.0).map(|v| v as usize).max();
        Setup {
            algorithm: pods()
                .filter(routes)
                .find_map(Pod::algorithm)
                .and_then(|name| match name {
                    "ketama" => Some(Algorithm::Ketama),
                    "hashmod" => Some(Algorithm::Hashmod),
                    _ => None,
                }),
            replication_factor: factor.map(|n| n as usize).or(measured),
            version: self.members.iter().find_map(|m| m.version),
        }
    }

    /// Hashring files that parse.
    pub(super) fn rings(&self) -> Vec<Rings> {
        self.input
            .objects
            .hashrings
            .iter()
            .filter_map(|f| Rings::parse(&f.text).ok())
            .collect()
    }

    /// The same item of the check compared with.
    pub(super) fn before(&self, id: &str) -> Option<&'a Item> {
        self.options.against.as_ref()?.item(id)
    }

    /// Seconds between the check compared with and now.
    pub(super) fn since_before(&self) -> Option<f64> {
        let before: &Checklist = self.options.against.as_ref()?;
        let then = Times::default().value(before.at.as_ref()?.as_bytes())?;
        Some(seconds(self.now?) - seconds(then)).filter(|s| *s > 0.0)
    }

    fn find_members(&self) -> Vec<Member<'a>> {
        let mut members: BTreeMap<String, Member<'a>> = BTreeMap::new();
        for pod in self.topology().receivers() {
            let name = pod.full_name();
            let stores = pod.mode() != Some(Mode::RouterOnly);
            let version = pod.thanos_version().and_then(|v| Version::parse(&v));
            members.insert(
                name.clone(),
                Member {
                    name,
                    pod: Some(pod),
                    stores,
                    version,
                },
            );
        }
        let others = self
            .topology()
            .pods
            .iter()
            .filter(|p| !p.is_receiver())
            .map(Pod::full_name);
        let others: BTreeSet<String> = others.collect();
        for metric in [
            "thanos_receive_replication_factor",
            "thanos_receive_multi_db_updates_attempted_total",
        ] {
            for s in self.of(metric).filter(|s| !s.origin.pod.is_empty()) {
                let name = s.origin.name().into_owned();
                if !others.contains(&name) {
                    let member = Member {
                        name: name.clone(),
                        pod: None,
                        stores: true,
                        version: None,
                    };
                    members.entry(name).or_insert(member);
                }
            }
        }
        for member in members.values_mut() {
            let built = self
                .of_pod("thanos_build_info", &member.name)
                .find_map(|s| s.get("version"));
            let said = built
                .and_then(Version::parse)
                .or(self.options.thanos_version);
            member.version = member.version.or(said);
            if member.pod.is_none() {
                member.stores = self
                    .value("prometheus_tsdb_head_series", &member.name)
                    .is_some();
            }
        }
        members.into_values().collect()
    }
}

/// How much a counter grew between its scrapes, or since its process began where it has but one
/// scrape, or began anew.
pub(super) fn grown(series: &SeriesRecord) -> f64 {
    series
        .number("delta")
        .or_else(|| series.number("value"))
        .unwrap_or(0.0)
        .max(0.0)
}

/// Seconds between the scrapes of a series; `None` for one scrape, or across a restart.
pub(super) fn window(series: &SeriesRecord) -> Option<f64> {
    series.number("delta")?;
    let span = seconds(series.time?) - seconds(series.first?);
    (span > 0.0).then_some(span)
}

/// What the growth of these series is counted over: `over 2m28s`, or `since the processes began`.
pub(super) fn over<'s>(all: impl Iterator<Item = &'s SeriesRecord>) -> String {
    let mut longest: Option<f64> = None;
    for series in all {
        if series.number("delta").is_none() && series.number("value").is_some_and(|v| v > 0.0) {
            return "since the processes began".to_owned();
        }
        if let Some(span) = window(series) {
            longest = Some(longest.map_or(span, |l| l.max(span)));
        }
    }
    longest.map_or_else(
        || "since the processes began".to_owned(),
        |s| format!("over {}", super::words::duration(s)),
    )
}

/// Sum of what is known; `None` when nothing is.
pub(super) fn sum(values: impl Iterator<Item = Option<f64>>) -> Option<f64> {
    values
        .flatten()
        .filter(|v| v.is_finite())
        .fold(None, |total, v| Some(total.unwrap_or(0.0) + v))
}

/// The worst status of details; unknown when there are none.
pub(super) fn worst(details: &[Detail]) -> Status {
    details
        .iter()
        .map(|d| d.status)
        .max()
        .unwrap_or(Status::Unknown)
}

/// Who it is: with the figure if it is one subject or all have the same, by name otherwise.
pub(super) fn who(bad: &[Detail]) -> String {
    let names: Vec<&str> = bad.iter().map(|d| d.subject.as_str()).collect();
    match bad.first() {
        None => String::new(),
        Some(one) if bad.iter().all(|d| d.figure == one.figure) => {
            format!("{}: {}", super::words::some(&names), one.figure)
        }
        Some(_) => super::words::some(&names),
    }
}

/// Seconds since the epoch.
#[expect(
    clippy::cast_precision_loss,
    reason = "milliseconds of this century fit"
)]
pub(super) fn seconds(time: Time) -> f64 {
    (time.0 / 1_000_000) as f64 / 1e3
}

/// Time of the data: when the bundle was collected, or the last scrape.
fn now(input: &Input, series: &[SeriesRecord]) -> Option<Time> {
    let collected = input
        .manifests
        .iter()
        .filter_map(|m| m.collected_at.as_ref());
    let collected = collected
        .filter_map(|at| Times::default().value(at.as_bytes()))
        .max();
    collected.max(series.iter().filter_map(|s| s.time).max())
}

/// All series that a check asks for.
fn series(input: &Input) -> Vec<SeriesRecord> {
    bundle::series(input, &|name: &str| {
        let bucket = name.ends_with("_bucket") && UNWANTED.iter().any(|p| name.starts_with(p));
        !bucket && WANTED.iter().any(|p| name.starts_with(p))
    })
}
