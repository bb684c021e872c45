//! Bodies of a pod's HTTP endpoints.

use serde_json::Value;

use super::ObjectRecord;
use super::flat::{Flat, scalar};
use crate::record::Origin;

/// Longest part of a body that is shown.
const BODY_BYTES: usize = 1024;

/// One record of the body; `status/tsdb` gives one per tenant.
pub(super) fn records(origin: Origin, port: &str, path: &str, body: &str) -> Vec<ObjectRecord> {
    if path.contains("status/tsdb") {
        let tenants = tsdb(&origin, port, body);
        if !tenants.is_empty() {
            return tenants;
        }
    }
    let text = body.trim();
    let mut flat = start("http", &origin, port, path);
    let endpoint = path.trim_end_matches(".txt").rsplit('/').next();
    flat.put("endpoint", endpoint.unwrap_or_default());
    if endpoint.is_some_and(|e| matches!(e, "ready" | "healthy")) {
        let good = text == "OK" || text.ends_with("is Ready.") || text.ends_with("is Healthy.");
        flat.put("ok", good.to_string());
    }
    flat.put("body", &text[..text.floor_char_boundary(BODY_BYTES)]);
    vec![flat.status(origin, None)]
}

/// `/api/v1/status/tsdb`: a list of tenants, or one head.
fn tsdb(origin: &Origin, port: &str, body: &str) -> Vec<ObjectRecord> {
    let Ok(answer) = serde_json::from_str::<Value>(body) else {
        return Vec::new();
    };
    let data = answer.get("data").unwrap_or(&answer);
    let heads: Vec<&Value> = match data {
        Value::Array(list) => list.iter().collect(),
        Value::Object(_) => vec![data],
        _ => Vec::new(),
    };
    let record = |head: &&Value| {
        let mut flat = start("tsdb", origin, port, "status/tsdb");
        let tenant = head.get("tenant").and_then(scalar);
        flat.put("tenant", tenant.unwrap_or_default());
        if let Value::Object(parts) = head {
            for (key, value) in parts.iter().filter(|(key, _)| *key != "tenant") {
                flat.tree(key, value);
            }
        }
        flat.status(origin.clone(), None)
    };
    heads.iter().map(record).collect()
}

fn start(kind: &str, origin: &Origin, port: &str, path: &str) -> Flat {
    let mut flat = Flat::default();
    flat.put("kind", kind);
    flat.put("namespace", origin.namespace.as_deref().unwrap_or_default());
    flat.put("pod", &*origin.pod);
    flat.put("port", port);
    flat.put("path", path);
    flat
}
