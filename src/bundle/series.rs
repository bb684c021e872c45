//! The series of all scrapes and query answers of an input, each once.

use std::collections::BTreeSet;
use std::io::{BufReader, Read};

use super::{Input, Query, Topology};
use crate::limits;
use crate::metrics::{Collector, SeriesRecord, Whose};
use crate::record::Origin;

/// Reads all scrapes and answers and keeps the series of metrics that `wanted` names, sorted. Labels
/// that name a claim or an address are resolved to pods. What cannot be read becomes a gap.
#[must_use]
pub fn series(input: &Input, wanted: &dyn Fn(&str) -> bool) -> Vec<SeriesRecord> {
    let topology = &input.objects.topology;
    let whose = |whose: Whose<'_>| pod_of(topology, whose);
    let mut collector = Collector::new(wanted).with_resolver(&whose);
    for scrape in &input.scrapes {
        let opened = scrape.stream.open().map_err(|e| e.to_string());
        let read = opened.and_then(|reader| {
            collector
                .scrape(&scrape.stream.origin, scrape.unix, BufReader::new(reader))
                .map_err(|e| e.to_string())
        });
        if let Err(error) = read {
            input.add_gap(scrape.stream.name.clone(), error);
        }
    }
    for query in &input.queries {
        let read = body(query).and_then(|text| {
            let answered = collector.answers(&text);
            answered.ok_or_else(|| "not an answer of the Prometheus query API".to_owned())
        });
        if let Err(why) = read {
            input.add_gap(query.stream.name.clone(), why);
        }
    }
    let collected = collector.finish();
    if collected.dropped > 0 {
        let why = format!("{} series beyond the bound", collected.dropped);
        input.add_gap("metrics", why);
    }
    without_doubles(input, collected.records)
}

/// The pod that a claim or an address belongs to.
fn pod_of(topology: &Topology, whose: Whose<'_>) -> Option<Origin> {
    let pod = match whose {
        Whose::Claim { namespace, name } => topology.pod_of_claim(namespace, name),
        Whose::Instance(address) => topology.resolve(address),
    }?;
    Some(Origin {
        namespace: pod.namespace.as_deref().map(Into::into),
        pod: pod.name.as_str().into(),
        ..Origin::default()
    })
}

fn body(query: &Query) -> Result<Vec<u8>, String> {
    let mut text = Vec::new();
    let reader = query.stream.open().map_err(|e| e.to_string())?;
    reader
        .take(limits::QUERY_BYTES)
        .read_to_end(&mut text)
        .map_err(|e| e.to_string())?;
    Ok(text)
}

/// A pod that was scraped itself needs no answers of Prometheus about its own metrics: they would
/// count twice.
fn without_doubles(input: &Input, mut records: Vec<SeriesRecord>) -> Vec<SeriesRecord> {
    let scraped: BTreeSet<String> = input
        .scrapes
        .iter()
        .map(|s| s.stream.origin.name().into_owned())
        .collect();
    records.retain(|s| {
        let name = s.get("metric").unwrap_or_default();
        let of_others = ["kubelet_", "container_", "kube_"]
            .iter()
            .any(|p| name.starts_with(p));
        let answer = s.get("job").is_some() || s.get("instance").is_some();
        of_others || !answer || !scraped.contains(s.origin.name().as_ref())
    });
    records
}
