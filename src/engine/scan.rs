//! Reads everything and matches it: streams, objects, scrapes.

mod chunks;
mod logs;
mod piece;
#[cfg(test)]
mod tests;

use std::io::{BufReader, Read};

use super::Engine;
use crate::bundle::{BundleError, Input};
use crate::evidence::{Ledger, Resolver, Seen};
use crate::metrics::{Collector, SeriesRecord, Whose};
use crate::pack::Test;
use crate::record::{Fields, Origin, Record, Source};

/// Metrics that the comparisons of `facts` look at, beside those the pack names.
const COMPARED: &[&str] = &[
    "thanos_receive_config_hash",
    "thanos_receive_config_last_reload_success_timestamp_seconds",
    "thanos_receive_replication_factor",
    "process_resident_memory_bytes",
    "process_cpu_seconds_total",
    "process_start_time_seconds",
    "process_open_fds",
    "process_max_fds",
    "prometheus_tsdb_head_max_time",
    "prometheus_tsdb_head_series",
    "http_requests_total",
    "kubelet_volume_stats_available_bytes",
    "kubelet_volume_stats_capacity_bytes",
    "kubelet_volume_stats_inodes",
    "kubelet_volume_stats_inodes_used",
    "thanos_objstore_bucket_last_successful_upload_time",
];

/// Matches all logs on so many threads; 0 means one per core. The fold is commutative, so any number
/// gives the same ledger.
pub(super) fn streams(
    engine: &Engine,
    input: &Input,
    resolver: &Resolver,
    threads: usize,
) -> Result<Ledger, BundleError> {
    logs::scan(engine, input, resolver, threads)
}

/// Counts the lines that a log store kept back, so that what was listened to is known.
pub(super) fn unread(input: &Input, ledger: &mut Ledger) {
    for unread in input.manifests.iter().flat_map(|m| &m.unread) {
        let seen = Seen {
            records: unread.records,
            bytes: unread.bytes,
            lowest_level: unread.lowest_level,
            ..Seen::default()
        };
        ledger
            .coverage
            .seen(Source::Log, &unread.origin)
            .join(&seen);
    }
}

/// Matches Kubernetes objects, events, alerts and other bodies.
pub(super) fn objects(engine: &Engine, input: &Input, resolver: &Resolver, ledger: &mut Ledger) {
    for object in &input.objects.records {
        let mut fields = Fields::default();
        for (key, value) in &object.fields {
            fields.push(key.as_bytes(), value.as_bytes());
        }
        let mut record = Record::from_fields(object.source, &object.origin, fields);
        record.time = object.time;
        record.first = object.first;
        record.count = object.count;
        record.level = object.level;
        add(engine, &record, resolver, ledger);
    }
}

/// Adds one record that is not a log line.
pub(super) fn add(engine: &Engine, record: &Record<'_>, resolver: &Resolver, ledger: &mut Ledger) {
    ledger.coverage.add(record);
    engine.matcher.scan(&engine.pack, record, |hit| {
        ledger.add(hit, record, resolver)
    });
}

/// Matches all scrapes and query answers, and returns the series.
pub(super) fn scrapes(
    engine: &Engine,
    input: &Input,
    resolver: &Resolver,
    ledger: &mut Ledger,
) -> Vec<SeriesRecord> {
    let names = wanted(engine);
    let wanted = |name: &str| names.binary_search_by(|n| n.as_str().cmp(name)).is_ok();
    let topology = &input.objects.topology;
    let whose = |whose: Whose<'_>| match whose {
        Whose::Claim { namespace, name } => {
            topology.pod_of_claim(namespace, name).map(|p| Origin {
                namespace: p.namespace.as_deref().map(Into::into),
                pod: p.name.as_str().into(),
                ..Origin::default()
            })
        }
        _ => None,
    };
    let mut collector = Collector::new(&wanted).with_resolver(&whose);
    for scrape in &input.scrapes {
        let read = scrape
            .stream
            .open()
            .map(BufReader::new)
            .map_err(|e| e.to_string())
            .and_then(|r| {
                collector
                    .scrape(&scrape.stream.origin, scrape.unix, r)
                    .map_err(|e| e.to_string())
            });
        if let Err(error) = read {
            input.add_gap(scrape.stream.name.clone(), error);
        }
    }
    for query in &input.queries {
        let mut text = Vec::new();
        let read = query
            .stream
            .open()
            .map_err(|e| e.to_string())
            .and_then(|r| {
                r.take(crate::limits::QUERY_BYTES)
                    .read_to_end(&mut text)
                    .map_err(|e| e.to_string())
            });
        match read {
            Ok(_) if collector.answers(&text).is_some() => {}
            Ok(_) => input.add_gap(
                query.stream.name.clone(),
                "not an answer of the Prometheus query API",
            ),
            Err(error) => input.add_gap(query.stream.name.clone(), error),
        }
    }
    let collected = collector.finish();
    if collected.dropped > 0 {
        input.add_gap(
            "metrics",
            format!("{} series beyond the bound", collected.dropped),
        );
    }
    for series in &collected.records {
        let mut fields = Fields::default();
        for (key, value) in &series.fields {
            fields.push(key.as_bytes(), value.as_bytes());
        }
        let mut record = Record::from_fields(Source::Metric, &series.origin, fields);
        record.time = series.time;
        add(engine, &record, resolver, ledger);
    }
    collected.records
}

/// Names of the metrics that signatures or comparisons ask for, sorted.
pub(super) fn wanted(engine: &Engine) -> Vec<String> {
    let mut names: Vec<String> = COMPARED.iter().map(|n| (*n).to_owned()).collect();
    names.extend(super::status::METRICS.iter().map(|n| (*n).to_owned()));
    let metrics = engine
        .pack
        .signatures
        .iter()
        .filter(|s| s.source == Source::Metric);
    for condition in metrics
        .flat_map(|s| &s.variants)
        .flat_map(|v| &v.conditions)
    {
        if condition.field != "metric" {
            continue;
        }
        match &condition.test {
            Test::Equals(name) => names.push(name.clone()),
            Test::OneOf(all) => names.extend(all.iter().cloned()),
            _ => {}
        }
    }
    names.sort();
    names.dedup();
    names
}
