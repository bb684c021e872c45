//! Bundles from Loki: the logs of a namespace, written as if kubectl had printed them with time stamps.

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;
use serde::Deserialize;

use super::clock;
use super::look::Look;
use super::source::{self, Fetched, SourceError};
use super::worker::chain;
use crate::limits;

/// Lines asked for at once; Loki's own default limit.
const PAGE: usize = 5000;
/// Streams that have any of these labels name a pod.
const POD: [&str; 2] = ["pod", "pod_name"];
const CONTAINER: [&str; 2] = ["container", "container_name"];

#[derive(Deserialize)]
struct Answer {
    data: Data,
}

#[derive(Deserialize)]
struct Data {
    result: Vec<Entry>,
}

#[derive(Deserialize)]
struct Entry {
    stream: BTreeMap<String, String>,
    /// Nanoseconds since the epoch as text, line, and perhaps metadata.
    values: Vec<Vec<serde_json::Value>>,
}

/// One line with where it is from.
type Line = (String, String, i128, String);

/// Reads what Loki at `url` has of the look's namespace into an archive in `folder`.
pub(super) async fn fetch(
    url: &str,
    look: &Look,
    alerts: Vec<u8>,
    folder: &Path,
    redact: bool,
) -> Result<Fetched, SourceError> {
    let unusable = |error: &dyn std::error::Error| SourceError::Unusable(chain(error));
    let namespace = look.namespace.clone().ok_or_else(|| {
        SourceError::Unusable(
            "the alert names no namespace, and --namespace is not given".to_owned(),
        )
    })?;
    let client = super::notify::client().map_err(|e| unusable(&e))?;
    let (lines, cut) = lines(&client, url, &namespace, look).await?;
    let name = format!("loki-{}.tar.zst", clock::now());
    let path = folder.join(&name);
    let writer = source::writer(&path, redact).map_err(|e| unusable(&e))?;
    for ((pod, container), lines) in lines {
        let mut log = writer
            .log(&namespace, &pod, &container, false)
            .map_err(|e| unusable(&e))?;
        for (at, line) in lines {
            let time = Timestamp::from_nanosecond(at).unwrap_or_default();
            let copy = |source| SourceError::Copy {
                path: path.clone(),
                source,
            };
            writeln!(log, "{time} {line}").map_err(copy)?;
        }
    }
    if cut {
        writer.gap(
            "later logs",
            "Loki had more lines than are read for one look",
        );
    }
    writer.gap(
        "Kubernetes objects, events and metrics",
        "only logs come from Loki",
    );
    writer.alerts(&alerts).map_err(|e| unusable(&e))?;
    writer
        .finish(&clock::rfc3339(clock::now()), Some(&namespace))
        .map_err(|e| unusable(&e))?;
    let bytes = std::fs::metadata(&path)
        .map(|about| about.len())
        .unwrap_or(0);
    Ok(Fetched {
        path,
        kept: Some((name, bytes)),
    })
}

type Logs = BTreeMap<(String, String), Vec<(i128, String)>>;

/// All lines by pod and container in order of time, and whether there were more.
async fn lines(
    client: &reqwest::Client,
    url: &str,
    namespace: &str,
    look: &Look,
) -> Result<(Logs, bool), SourceError> {
    let mut logs = Logs::new();
    let (mut from, until) = (
        i128::from(look.from) * 1_000_000,
        i128::from(look.until) * 1_000_000,
    );
    let mut bytes = 0;
    loop {
        let page = page(client, url, namespace, from, until).await?;
        let count = page.len();
        let last = page.iter().map(|line| line.2).max();
        for (pod, container, at, line) in page {
            bytes += line.len();
            logs.entry((pod, container)).or_default().push((at, line));
        }
        let Some(last) = last else { break };
        if count < PAGE {
            break;
        }
        if bytes > limits::LOKI_BYTES {
            return Ok((sorted(logs), true));
        }
        // The page may end amid lines of one moment: that moment is asked for again, unless it alone
        // fills the page.
        from = if last > from { last } else { last + 1 };
    }
    Ok((sorted(logs), false))
}

fn sorted(mut logs: Logs) -> Logs {
    for lines in logs.values_mut() {
        lines.sort();
        lines.dedup();
    }
    logs
}

async fn page(
    client: &reqwest::Client,
    url: &str,
    namespace: &str,
    from: i128,
    until: i128,
) -> Result<Vec<Line>, SourceError> {
    let failed = |error: reqwest::Error| SourceError::Unusable(chain(&error.without_url()));
    let query = format!("{{namespace={}}}", serde_json::json!(namespace));
    let address = format!(
        "{url}/loki/api/v1/query_range?query={}&start={from}&end={until}&limit={PAGE}&direction=forward",
        super::http::url_encoded(&query)
    );
    let mut response = client
        .get(address)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(failed)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > limits::LOKI_BYTES {
            return Err(SourceError::Unusable(
                "Loki's answer is too large".to_owned(),
            ));
        }
    }
    let answer: Answer = serde_json::from_slice(&body)
        .map_err(|e| SourceError::Unusable(format!("Loki's answer is not understood: {e}")))?;
    let mut lines = Vec::new();
    for entry in answer.data.result {
        let label = |names: [&str; 2]| {
            names
                .iter()
                .find_map(|name| entry.stream.get(*name))
                .cloned()
        };
        let Some(pod) = label(POD) else { continue };
        let container = label(CONTAINER).unwrap_or_else(|| "thanos-receive".to_owned());
        for value in &entry.values {
            let at = value.first().and_then(|at| at.as_str()?.parse().ok());
            let text = value.get(1).and_then(serde_json::Value::as_str);
            if let (Some(at), Some(text)) = (at, text) {
                lines.push((
                    pod.clone(),
                    container.clone(),
                    at,
                    text.replace('\n', "\\n"),
                ));
            }
        }
    }
    Ok(lines)
}
