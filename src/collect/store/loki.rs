//! Loki's query API.

use serde::Deserialize;
use serde_json::Value;

use super::http::{Answer, Client};
use super::page::{Count, Entry, Labels, names};
use super::{Span, Store, StoreError};
use crate::pushdown::{debug_logql, quoted};

const RANGE: &str = "/loki/api/v1/query_range";
const INSTANT: &str = "/loki/api/v1/query";

#[derive(Deserialize)]
struct Reply {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Item>,
}

#[derive(Deserialize)]
struct Item {
    #[serde(default)]
    stream: Labels,
    #[serde(default)]
    metric: Labels,
    /// Nanoseconds as text, line, and perhaps metadata.
    #[serde(default)]
    values: Vec<Vec<Value>>,
    #[serde(default)]
    value: Vec<Value>,
}

/// The stream selector of what is to be read.
pub(super) fn selector(store: &Store) -> String {
    match (&store.selector, store.namespaces.as_slice()) {
        (Some(selector), _) => selector.clone(),
        (None, []) => r#"{namespace=~".+"}"#.to_owned(),
        (None, all) => {
            let any: Vec<String> = all.iter().map(|n| regex::escape(n)).collect();
            format!("{{namespace=~{}}}", quoted(&any.join("|")))
        }
    }
}

/// One page of lines that pass `filter`, oldest first, or newest first for the last lines. `None` when
/// the answer is too large.
pub(super) async fn page(
    client: &Client,
    store: &Store,
    filter: &str,
    span: Span,
    limit: usize,
    forward: bool,
) -> Result<Option<Vec<Entry>>, StoreError> {
    let query = format!("{}{filter}", selector(store));
    lines(client, &query, span, limit, forward).await
}

/// The first or the last line of one stream.
pub(super) async fn edge(
    client: &Client,
    store: &Store,
    labels: &Labels,
    span: Span,
    first: bool,
) -> Result<Option<Vec<Entry>>, StoreError> {
    let own: Vec<String> = labels
        .iter()
        .map(|(key, value)| format!("{key}={}", quoted(value)))
        .collect();
    let given = selector(store);
    let given = given.trim().trim_start_matches('{').trim_end_matches('}');
    let query = format!("{{{given},{}}}", own.join(","));
    lines(client, &query, span, 1, first).await
}

async fn lines(
    client: &Client,
    query: &str,
    (from, until): Span,
    limit: usize,
    forward: bool,
) -> Result<Option<Vec<Entry>>, StoreError> {
    let form = [
        ("query", query),
        ("start", &from.to_string()),
        ("end", &until.to_string()),
        ("limit", &limit.to_string()),
        ("direction", if forward { "forward" } else { "backward" }),
    ];
    let bytes = match client.ask(RANGE, &form).await? {
        Answer::Body(bytes) => bytes,
        Answer::TooLarge => return Ok(None),
    };
    let reply: Reply = serde_json::from_slice(&bytes).map_err(|e| client.odd(e.to_string()))?;
    let mut entries = Vec::new();
    for item in reply.data.result {
        for value in item.values {
            let time = value.first().and_then(|at| at.as_str()?.parse().ok());
            let line = value.into_iter().nth(1);
            if let (Some(time), Some(Value::String(line))) = (time, line) {
                entries.push(Entry {
                    time,
                    labels: item.stream.clone(),
                    line,
                });
            }
        }
    }
    entries.sort_by_key(|e| e.time);
    Ok(Some(entries))
}

/// How much each stream has in `span`.
pub(super) async fn counts(
    client: &Client,
    store: &Store,
    (from, until): Span,
) -> Result<Vec<Count>, StoreError> {
    // Labels that a stream does not have are left out of the answer.
    let labels: Vec<&str> = names().filter(|n| !n.contains('.')).collect();
    let labels = labels.join(",");
    let selector = selector(store);
    let mut counts: std::collections::BTreeMap<Labels, Count> = std::collections::BTreeMap::new();
    let range = (until - from) / 1_000_000_000;
    // A range of Loki includes its end and not its beginning.
    let at = (until - 1).to_string();
    for (function, filter) in [
        ("count_over_time", String::new()),
        ("bytes_over_time", String::new()),
        ("count_over_time", debug_logql()),
    ] {
        let query = format!("sum by ({labels}) ({function}({selector}{filter}[{range}s]))");
        let bytes = client
            .small(INSTANT, &[("query", &query), ("time", &at)])
            .await?;
        let reply: Reply = serde_json::from_slice(&bytes).map_err(|e| client.odd(e.to_string()))?;
        for item in reply.data.result {
            let value = item
                .value
                .get(1)
                .and_then(|v| v.as_str()?.parse::<f64>().ok());
            #[expect(
                clippy::cast_possible_truncation,
                clippy::cast_sign_loss,
                reason = "a count; an absurd one saturates"
            )]
            let value = value.unwrap_or(0.0) as u64;
            let count = counts.entry(item.metric.clone()).or_default();
            count.labels = item.metric;
            match (function, filter.is_empty()) {
                ("bytes_over_time", _) => count.bytes = value,
                (_, true) => count.lines = value,
                (_, false) => count.debug = value,
            }
        }
    }
    Ok(counts.into_values().collect())
}
