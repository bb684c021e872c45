//! The query API of VictoriaLogs.

use jiff::Timestamp;
use serde_json::Value;

use super::http::{Answer, Client};
use super::page::{CONTAINER, Count, Entry, Labels, NAMESPACE, POD, names};
use super::{Span, Store, StoreError};
use crate::pushdown::{debug_logsql, quoted};

const QUERY: &str = "/select/logsql/query";

/// What is to be read, within `span`. The end does not belong to it.
fn base(store: &Store, (from, until): Span) -> String {
    let time = |ns| Timestamp::from_nanosecond(ns).unwrap_or_default();
    let place = match (&store.selector, store.namespaces.as_slice()) {
        (Some(selector), _) => selector.clone(),
        (None, []) => "*".to_owned(),
        (None, all) => {
            let any: Vec<String> = all.iter().map(|n| quoted(n)).collect();
            let any = any.join(",");
            let each: Vec<String> = NAMESPACE
                .iter()
                .map(|field| format!("{}:in({any})", quoted(field)))
                .collect();
            format!("({})", each.join(" or "))
        }
    };
    format!("_time:[{}, {}) {place}", time(from), time(until))
}

/// Fields that tell whose a line is.
fn fields() -> String {
    let all: Vec<String> = names().map(quoted).collect();
    all.join(", ")
}

/// One page of lines that pass `filter`, oldest first, or newest first. `None` when the answer is too
/// large.
pub(super) async fn page(
    client: &Client,
    store: &Store,
    filter: &str,
    span: Span,
    limit: usize,
    forward: bool,
) -> Result<Option<Vec<Entry>>, StoreError> {
    let query = page_query(store, filter, span, limit, forward);
    let bytes = match client.ask(QUERY, &[("query", &query)]).await? {
        Answer::Body(bytes) => bytes,
        Answer::TooLarge => return Ok(None),
    };
    let mut entries = Vec::new();
    for mut labels in rows(client, &bytes)? {
        let time = labels
            .remove("_time")
            .and_then(|t| t.parse::<Timestamp>().ok());
        let (Some(time), Some(line)) = (time, labels.remove("_msg")) else {
            continue;
        };
        entries.push(Entry {
            time: time.as_nanosecond(),
            labels,
            line,
        });
    }
    entries.sort_by_key(|e| e.time);
    Ok(Some(entries))
}

pub(super) fn page_query(
    store: &Store,
    filter: &str,
    span: Span,
    limit: usize,
    forward: bool,
) -> String {
    let order = if forward { "" } else { " desc" };
    format!(
        "{} {filter} | fields _time, _msg, {} | sort by (_time{order}) limit {limit}",
        base(store, span),
        fields()
    )
}

/// The first or the last line of one stream.
pub(super) async fn edge(
    client: &Client,
    store: &Store,
    labels: &Labels,
    span: Span,
    first: bool,
) -> Result<Option<Vec<Entry>>, StoreError> {
    let told = |key: &&String| {
        [NAMESPACE, POD, CONTAINER]
            .iter()
            .any(|l| l.contains(&key.as_str()))
    };
    let exact = |key: &String| told(&key) || names().any(|n| n == key);
    let own: Vec<String> = labels
        .iter()
        .filter(|(key, value)| exact(key) && !value.is_empty())
        .map(|(key, value)| format!("{}:={}", quoted(key), quoted(value)))
        .collect();
    page(client, store, &own.join(" "), span, 1, first).await
}

/// How much each stream has in `span`.
pub(super) async fn counts(
    client: &Client,
    store: &Store,
    span: Span,
) -> Result<Vec<Count>, StoreError> {
    let query = counts_query(store, span);
    let bytes = client.small(QUERY, &[("query", &query)]).await?;
    let mut counts = Vec::new();
    for mut labels in rows(client, &bytes)? {
        let mut number = |key: &str| {
            let text = labels.remove(key);
            text.and_then(|t| t.parse::<u64>().ok()).unwrap_or(0)
        };
        let (lines, bytes, debug) = (number("lines"), number("bytes"), number("debug"));
        labels.retain(|_, value| !value.is_empty());
        counts.push(Count {
            labels,
            lines,
            bytes,
            debug,
        });
    }
    Ok(counts)
}

pub(super) fn counts_query(store: &Store, span: Span) -> String {
    format!(
        "{} | stats by ({}) count() as lines, sum_len(_msg) as bytes, count() if ({}) as debug",
        base(store, span),
        fields(),
        debug_logsql()
    )
}

/// Rows of an answer: a JSON object per line, values as text.
fn rows(client: &Client, bytes: &[u8]) -> Result<Vec<Labels>, StoreError> {
    let lines = bytes.split(|b| *b == b'\n').filter(|l| !l.is_empty());
    let mut rows = Vec::new();
    for line in lines {
        let row: serde_json::Map<String, Value> =
            serde_json::from_slice(line).map_err(|e| client.odd(e.to_string()))?;
        let text = |value: Value| match value {
            Value::String(text) => text,
            other => other.to_string(),
        };
        rows.push(row.into_iter().map(|(k, v)| (k, text(v))).collect());
    }
    Ok(rows)
}
