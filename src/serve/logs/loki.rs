//! Loki's `query_range`.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::{CONTAINER, Line, PAGE};
use crate::serve::http::url_encoded;

/// Labels of streams that name the pod and the container.
const PODS: [&str; 2] = ["pod", "pod_name"];
const CONTAINERS: [&str; 2] = ["container", "container_name"];

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

pub(super) fn address(url: &str, namespace: &str, from: i128, until: i128) -> String {
    let query = format!("{{namespace={}}}", serde_json::json!(namespace));
    format!(
        "{url}/loki/api/v1/query_range?query={}&start={from}&end={until}&limit={PAGE}&direction=forward",
        url_encoded(&query)
    )
}

/// Lines of an answer; streams without a pod are not from Kubernetes.
pub(super) fn read(body: &[u8]) -> Result<Vec<Line>, String> {
    let answer: Answer = serde_json::from_slice(body).map_err(|e| e.to_string())?;
    let mut lines = Vec::new();
    for entry in answer.data.result {
        let label = |names: [&str; 2]| {
            names
                .iter()
                .find_map(|name| entry.stream.get(*name))
                .cloned()
        };
        let Some(pod) = label(PODS) else { continue };
        let container = label(CONTAINERS).unwrap_or_else(|| CONTAINER.to_owned());
        for value in &entry.values {
            let at = value.first().and_then(|at| at.as_str()?.parse().ok());
            let text = value.get(1).and_then(serde_json::Value::as_str);
            if let (Some(at), Some(text)) = (at, text) {
                lines.push(Line {
                    pod: pod.clone(),
                    container: container.clone(),
                    at,
                    text: text.to_owned(),
                });
            }
        }
    }
    Ok(lines)
}
