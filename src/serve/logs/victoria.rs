//! VictoriaLogs' `/select/logsql/query`.

use std::collections::BTreeMap;

use jiff::Timestamp;
use serde_json::Value;

use super::{CONTAINER, Line, PAGE};
use crate::serve::http::url_encoded;

/// Fields as the common collectors name them: namespace, pod, container.
const NAMES: [[&str; 3]; 4] = [
    [
        "kubernetes.pod_namespace",
        "kubernetes.pod_name",
        "kubernetes.container_name",
    ],
    [
        "kubernetes.namespace_name",
        "kubernetes.pod_name",
        "kubernetes.container_name",
    ],
    [
        "kubernetes_namespace_name",
        "kubernetes_pod_name",
        "kubernetes_container_name",
    ],
    ["namespace", "pod", "container"],
];

pub(super) fn address(url: &str, namespace: &str, from: i128, until: i128) -> String {
    let value = serde_json::json!(namespace);
    let any: Vec<String> = NAMES
        .iter()
        .map(|[name, ..]| format!("\"{name}\":={value}"))
        .collect();
    let query = format!("({}) | sort by (_time) | limit {PAGE}", any.join(" or "));
    let time = |at| {
        Timestamp::from_nanosecond(at)
            .unwrap_or_default()
            .to_string()
    };
    format!(
        "{url}/select/logsql/query?query={}&start={}&end={}",
        url_encoded(&query),
        url_encoded(&time(from)),
        url_encoded(&time(until))
    )
}

/// One object a line; those without a pod are not from Kubernetes.
pub(super) fn read(body: &[u8]) -> Result<Vec<Line>, String> {
    let mut lines = Vec::new();
    for line in body
        .split(|b| *b == b'\n')
        .filter(|line| !line.trim_ascii().is_empty())
    {
        let fields: BTreeMap<String, Value> =
            serde_json::from_slice(line).map_err(|e| e.to_string())?;
        let text = |name: &str| fields.get(name).and_then(Value::as_str);
        let first = |which: usize| NAMES.iter().find_map(|names| text(names[which]));
        let at = text("_time").and_then(|at| at.parse::<Timestamp>().ok());
        let (Some(pod), Some(at), Some(message)) = (first(1), at, text("_msg")) else {
            continue;
        };
        lines.push(Line {
            pod: pod.to_owned(),
            container: first(2).unwrap_or(CONTAINER).to_owned(),
            at: at.as_nanosecond(),
            text: message.to_owned(),
        });
    }
    Ok(lines)
}
