//! Series over several scrapes: how they grew, and whether their process lived on.

use std::collections::{BTreeMap, BTreeSet};
use std::io::{self, BufRead};

use serde_json::Value;

use super::answer::answered;
use super::text::{Line, Sample, TextStats, read};
use super::{SeriesRecord, canonical, histogram_quantile};
use crate::limits;
use crate::record::{Origin, Time};

const PROCESS_START: &str = "process_start_time_seconds";

/// What a label says about the pod when no `pod` label does.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Whose<'a> {
    /// A persistent volume claim, as in the kubelet's volume statistics.
    Claim {
        /// Namespace.
        namespace: Option<&'a str>,
        /// Name of the claim.
        name: &'a str,
    },
    /// Address of the target, as in answers of Prometheus.
    Instance(&'a str),
}

/// Gathers series of all scrapes and answers. What comes out does not depend on the order in which
/// they were given, except for scrapes without a time, which count as given in order.
pub struct Collector<'w> {
    wanted: &'w dyn Fn(&str) -> bool,
    resolve: &'w dyn Fn(Whose<'_>) -> Option<Origin>,
    series: BTreeMap<Key, Vec<Point>>,
    histograms: BTreeMap<Key, Buckets>,
    scrapes: BTreeMap<Origin, BTreeSet<Option<i64>>>,
    starts: BTreeMap<Origin, Vec<Point>>,
    kinds: BTreeMap<String, Kind>,
    dropped: u64,
}

/// What a collector found.
#[derive(Debug, Default)]
pub struct Collected {
    /// One record per series, sorted.
    pub records: Vec<SeriesRecord>,
    /// Series left out because there were too many.
    pub dropped: u64,
    /// Pods whose process started anew between two scrapes, sorted.
    pub restarted: Vec<Origin>,
}

/// Buckets of a histogram by scrape: (upper bound, cumulative count).
type Buckets = BTreeMap<Option<i64>, Vec<(f64, f64)>>;

/// Milliseconds since the epoch, if known, and the value then.
type Point = (Option<i64>, f64);

#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    origin: Origin,
    name: String,
    labels: Vec<(String, String)>,
    /// From an answer: no scrape says when it was not there.
    answer: bool,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
enum Kind {
    Gauge,
    Counter,
    Histogram,
    Summary,
}

impl std::fmt::Debug for Collector<'_> {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        let series = self.series.len();
        f.debug_struct("Collector")
            .field("series", &series)
            .finish_non_exhaustive()
    }
}

/// Nobody can be found: for input without Kubernetes objects.
fn nobody(_: Whose<'_>) -> Option<Origin> {
    None
}

impl<'w> Collector<'w> {
    /// Keeps series whose name is `wanted`. Aliases of a wanted name are kept too, and so are the
    /// buckets of a histogram wanted by its base name.
    #[must_use]
    pub fn new(wanted: &'w dyn Fn(&str) -> bool) -> Self {
        Self {
            wanted,
            resolve: &nobody,
            series: BTreeMap::new(),
            histograms: BTreeMap::new(),
            scrapes: BTreeMap::new(),
            starts: BTreeMap::new(),
            kinds: BTreeMap::new(),
            dropped: 0,
        }
    }

    /// Asks `resolve` for the pod of series that have no `pod` label.
    #[must_use]
    pub fn with_resolver(mut self, resolve: &'w dyn Fn(Whose<'_>) -> Option<Origin>) -> Self {
        self.resolve = resolve;
        self
    }

    /// Takes in one scrape of the pod `origin`, made at `unix` seconds since the epoch.
    ///
    /// # Errors
    /// Passes on errors of the reader; what came before is kept.
    pub fn scrape(
        &mut self,
        origin: &Origin,
        unix: Option<i64>,
        reader: impl BufRead,
    ) -> io::Result<TextStats> {
        let time = unix.map(|seconds| seconds.saturating_mul(1000));
        let time = time.or_else(|| self.untimed(origin));
        self.scrapes.entry(origin.clone()).or_default().insert(time);
        let wanted = self.wanted;
        let keep = |name: &str| is_read(wanted, name);
        read(reader, &keep, &mut |line| match line {
            Line::Type(name, kind) => self.kind(name, kind),
            Line::Sample(sample) => self.sample(origin, time, &sample),
            Line::Nothing | Line::Eof | Line::Odd => {}
        })
    }

    /// Takes in a file of answers of the query API. Returns the number of series in it, or `None`
    /// when it is not JSON.
    pub fn answers(&mut self, json: &[u8]) -> Option<usize> {
        let json: Value = serde_json::from_slice(json).ok()?;
        let all = answered(&json);
        let count = all.len();
        for series in all {
            let (names, labels): (Vec<_>, Vec<_>) = series
                .labels
                .into_iter()
                .partition(|(key, _)| key == "__name__");
            let name = names.into_iter().next().map(|(_, name)| name);
            let name = name.unwrap_or_else(|| series.query.clone());
            if name.is_empty() || !asks_for(self.wanted, &name) {
                continue;
            }
            let mut labels = labels;
            labels.sort();
            let of = |key: &str| {
                let found = labels.iter().find(|(k, _)| k == key);
                found.map(|(_, v)| v.as_str())
            };
            let key = Key {
                origin: self.origin_of(&of).unwrap_or_default(),
                name,
                answer: true,
                labels: labels.clone(),
            };
            for (seconds, value) in series.points {
                #[expect(
                    clippy::cast_possible_truncation,
                    reason = "seconds of this age fit; absurd ones saturate"
                )]
                let time = Some((seconds * 1000.0) as i64);
                self.point(key.clone(), time, value);
            }
        }
        Some(count)
    }

    /// One record per series.
    #[must_use]
    pub fn finish(mut self) -> Collected {
        for points in self.series.values_mut().chain(self.starts.values_mut()) {
            points.sort_by_key(|(time, _)| *time);
        }
        let restarted: BTreeSet<Origin> = self
            .starts
            .iter()
            .filter(|(_, starts)| starts.windows(2).any(|w| (w[0].1 - w[1].1).abs() > 0.5))
            .map(|(origin, _)| origin.clone())
            .collect();
        let mut records: Vec<SeriesRecord> = self
            .series
            .iter()
            .filter(|(key, _)| key.name != PROCESS_START || (self.wanted)(PROCESS_START))
            .filter_map(|(key, points)| self.record(key, points, restarted.contains(&key.origin)))
            .collect();
        for (key, scrapes) in &self.histograms {
            let fresh = restarted.contains(&key.origin);
            records.extend(quantiles(key, scrapes, fresh));
        }
        records.sort();
        Collected {
            records,
            dropped: self.dropped,
            restarted: restarted.into_iter().collect(),
        }
    }

    /// A made-up time before all others for a scrape that has none, so that scrapes stay apart.
    fn untimed(&self, origin: &Origin) -> Option<i64> {
        let before = self.scrapes.get(origin).map_or(0, BTreeSet::len);
        let count = i64::try_from(before).ok()?;
        (count > 0).then_some(i64::MIN + count)
    }

    fn kind(&mut self, name: &str, kind: &str) {
        let kind = match kind {
            "counter" => Kind::Counter,
            "histogram" | "gaugehistogram" => Kind::Histogram,
            "summary" => Kind::Summary,
            "gauge" | "info" | "stateset" => Kind::Gauge,
            _ => return,
        };
        let base = name.strip_suffix("_total").unwrap_or(name);
        if needs_kind(self.wanted, name) && self.kinds.len() < limits::METRIC_SERIES {
            self.kinds.insert(base.to_owned(), kind);
        }
    }

    fn sample(&mut self, origin: &Origin, time: Option<i64>, sample: &Sample<'_>) {
        if sample.name == PROCESS_START && sample.labels.is_empty() {
            let starts = self.starts.entry(origin.clone()).or_default();
            starts.push((time, sample.value));
        }
        if !asks_for(self.wanted, &sample.name) {
            return;
        }
        let mut origin = origin.clone();
        let of = |key: &str| sample.label(key);
        if is_about_others(&sample.name)
            && let Some(other) = self.origin_of(&of)
        {
            origin = other;
        }
        let mut labels: Vec<(String, String)> = sample
            .labels
            .iter()
            .map(|(k, v)| (k.to_string(), v.to_string()))
            .collect();
        labels.sort();
        let key = |name: &str, labels| Key {
            origin: origin.clone(),
            name: name.to_owned(),
            labels,
            answer: false,
        };
        if let Some(base) = sample.name.strip_suffix("_bucket")
            && (self.wanted)(base)
            && let Some(bound) = of("le").and_then(|le| le.parse::<f64>().ok())
        {
            let rest = labels.iter().filter(|(k, _)| k != "le").cloned().collect();
            let scrapes = self.histograms.entry(key(base, rest)).or_default();
            scrapes.entry(time).or_default().push((bound, sample.value));
            if self.histograms.len() > limits::METRIC_SERIES {
                self.histograms.pop_last();
                self.dropped += 1;
            }
        }
        if asks_by_name(self.wanted, &sample.name) {
            let time = match sample.time_ms {
                Some(own) if time.is_none() => Some(own),
                _ => time,
            };
            self.point(key(&sample.name, labels), time, sample.value);
        }
    }

    /// Of too many series those with the smallest names stay, whatever the order.
    fn point(&mut self, key: Key, time: Option<i64>, value: f64) {
        let points = self.series.entry(key).or_default();
        points.push((time, value));
        if points.len() > limits::METRIC_POINTS {
            points.sort_by_key(|(time, _)| *time);
            points.remove(1);
        }
        if self.series.len() > limits::METRIC_SERIES {
            self.series.pop_last();
            self.dropped += 1;
        }
    }

    /// The pod that labels tell.
    fn origin_of<'a>(&self, label: &dyn Fn(&str) -> Option<&'a str>) -> Option<Origin> {
        let namespace = label("namespace").or_else(|| label("exported_namespace"));
        let named = |pod: &str| Origin {
            namespace: namespace.map(Into::into),
            pod: pod.into(),
            container: None,
            previous: false,
        };
        if let Some(pod) = label("pod").or_else(|| label("exported_pod")) {
            return Some(named(pod));
        }
        if let Some(name) = label("persistentvolumeclaim") {
            let found = (self.resolve)(Whose::Claim { namespace, name });
            // Claims of stateful sets are called after their template and pod.
            let guess = || name.split_once('-').map(|(_, pod)| named(pod));
            return found.or_else(guess);
        }
        let instance = label("instance")?;
        (self.resolve)(Whose::Instance(instance))
    }

    fn record(&self, key: &Key, points: &[Point], restarted: bool) -> Option<SeriesRecord> {
        let (first_time, first) = *points.first()?;
        let (last_time, last) = *points.last()?;
        let mut out = Fields::new(key);
        out.number("value", last);
        out.number("first", first);
        let counts = self.is_counter(key);
        let fell = points.windows(2).any(|w| w[1].1 < w[0].1);
        let scrapes = self.scrapes.get(&key.origin).filter(|_| !key.answer);
        let earliest = scrapes.and_then(|s| s.first().copied());
        let born = counts && earliest.is_some_and(|e| e < first_time) && !restarted;
        let reset = counts && (fell || restarted) && (points.len() > 1 || restarted);
        let since = if born { earliest } else { Some(first_time) };
        let base = if born { 0.0 } else { first };
        if !reset && (points.len() > 1 || born) {
            out.number("delta", last - base);
            if let (Some(Some(from)), Some(until)) = (since, last_time)
                && until > from
                && is_real(from)
            {
                out.number(
                    "rate",
                    (last - base) * 1000.0 / until.saturating_sub(from) as f64,
                );
            }
        }
        out.put("scrapes", points.len().to_string());
        out.flag("reset", reset);
        out.flag("process_restarted", restarted && !key.answer);
        out.flag("born", born);
        let latest = scrapes.and_then(|s| s.last().copied());
        out.flag("stale", latest.is_some_and(|l| l > last_time));
        Some(out.record(key, first_time, last_time))
    }

    fn is_counter(&self, key: &Key) -> bool {
        let suffix = ["_total", "_bucket", "_count", "_sum"]
            .iter()
            .find_map(|suffix| Some((key.name.strip_suffix(suffix)?, *suffix)));
        let kind = self.kinds.get(&key.name);
        let kind = kind.or_else(|| self.kinds.get(suffix?.0));
        match (kind, suffix) {
            (Some(Kind::Counter), _) => true,
            (Some(Kind::Histogram | Kind::Summary), suffix) => suffix.is_some(),
            (Some(Kind::Gauge), _) => false,
            (None, suffix) => suffix.is_some(),
        }
    }
}

/// Quantiles of what was observed between the first and the last scrape, or since the process began
/// if it began in between.
fn quantiles(key: &Key, scrapes: &Buckets, fresh: bool) -> Option<SeriesRecord> {
    let (first_time, first) = scrapes.first_key_value()?;
    let (last_time, last) = scrapes.last_key_value()?;
    let none = Vec::new();
    let alone = first_time == last_time || fresh;
    let before = if alone { &none } else { first };
    let mut out = Fields::new(key);
    for (name, q) in [("p50", 0.5), ("p90", 0.9), ("p99", 0.99)] {
        if let Some(value) = histogram_quantile(q, before, last) {
            out.number(name, value);
        }
    }
    let total = |buckets: &[(f64, f64)]| {
        let all = buckets.iter().find(|(bound, _)| *bound == f64::INFINITY);
        all.map_or(0.0, |(_, count)| *count)
    };
    out.number("value", total(last));
    out.number("count_delta", total(last) - total(before));
    out.put("scrapes", scrapes.len().to_string());
    out.flag("process_restarted", fresh);
    Some(out.record(key, *first_time, *last_time))
}

/// Whether a series of that name is to be kept, for itself or as part of a histogram.
fn asks_for(wanted: &dyn Fn(&str) -> bool, name: &str) -> bool {
    asks_by_name(wanted, name) || name.strip_suffix("_bucket").is_some_and(wanted)
}

/// Whether the kind of the metric `name` matters to any series asked for.
pub(super) fn needs_kind(wanted: &dyn Fn(&str) -> bool, name: &str) -> bool {
    let base = name.strip_suffix("_total").unwrap_or(name);
    let bucket = format!("{base}_bucket");
    [name, base, &bucket].iter().any(|n| asks_for(wanted, n))
        || ["_sum", "_count", "_total"]
            .iter()
            .any(|s| asks_for(wanted, &format!("{base}{s}")))
}

/// Whether the samples of that name are read: asked for, or telling that a process began anew.
pub(super) fn is_read(wanted: &dyn Fn(&str) -> bool, name: &str) -> bool {
    name == PROCESS_START || asks_for(wanted, name)
}

fn asks_by_name(wanted: &dyn Fn(&str) -> bool, name: &str) -> bool {
    wanted(name) || canonical(name).is_some_and(|row| wanted(row.canonical))
}

/// Metrics by which a kubelet or kube-state-metrics speaks of other pods.
fn is_about_others(name: &str) -> bool {
    ["kubelet_volume_stats_", "container_", "kube_"]
        .iter()
        .any(|prefix| name.starts_with(prefix))
}

/// Times made up for scrapes without one lie far before any real one.
fn is_real(millis: i64) -> bool {
    millis > i64::MIN / 2
}

/// Fields of one record in their order.
struct Fields(Vec<(String, String)>);

impl Fields {
    fn new(key: &Key) -> Self {
        let mut fields = Self(Vec::with_capacity(key.labels.len() + 8));
        fields.put("metric", key.name.clone());
        if let Some(row) = canonical(&key.name) {
            fields.put("metric", row.canonical.to_owned());
            if let Some((name, value)) = row.label {
                fields.put(name, value.to_owned());
            }
        }
        for (name, value) in &key.labels {
            fields.put(name, value.clone());
        }
        fields
    }

    fn put(&mut self, key: &str, value: String) {
        self.0.push((key.to_owned(), value));
    }

    fn number(&mut self, key: &str, value: f64) {
        let text = if value == f64::INFINITY {
            "+Inf".to_owned()
        } else if value == f64::NEG_INFINITY {
            "-Inf".to_owned()
        } else {
            value.to_string()
        };
        self.put(key, text);
    }

    fn flag(&mut self, key: &str, holds: bool) {
        if holds {
            self.put(key, "true".to_owned());
        }
    }

    fn record(self, key: &Key, first: Option<i64>, last: Option<i64>) -> SeriesRecord {
        let nanos = |millis: i64| {
            let nanos = millis.checked_mul(1_000_000).filter(|_| is_real(millis));
            nanos.map(Time)
        };
        SeriesRecord {
            origin: key.origin.clone(),
            time: last.and_then(nanos),
            first: first.and_then(nanos),
            fields: self.0,
        }
    }
}
