//! The tools as a client sees them.

use serde_json::{Value, json};

/// All tools, as `tools/list` shows them.
#[expect(clippy::too_many_lines, reason = "one table")]
pub(super) fn list() -> Value {
    let text = |description: &str| json!({ "type": "string", "description": description });
    let tool = |name: &str,
                title: &str,
                description: &str,
                properties: Value,
                required: &[&str]| {
        json!({
            "name": name,
            "title": title,
            "description": description,
            "inputSchema": { "type": "object", "properties": properties, "required": required, "additionalProperties": false },
            "annotations": { "readOnlyHint": true, "destructiveHint": false, "idempotentHint": true, "openWorldHint": false },
        })
    };
    json!([
        tool(
            "diagnose",
            "Diagnose logs or a bundle",
            "Reads log files, folders, archives or bundles of a Thanos Receive ring and says what is wrong, how sure that \
             is, why, and what to do.",
            json!({
                "paths": { "type": "array", "items": { "type": "string" }, "minItems": 1, "description": "files or folders" },
                "thanos_version": text("version of Thanos where it cannot be known, such as 0.38.0"),
            }),
            &["paths"],
        ),
        tool(
            "cluster_report",
            "Look at the cluster now",
            "Collects logs, objects and metrics of the Thanos Receive ring in the Kubernetes cluster of the current context \
             and says what is wrong, how sure that is, why, and what to do. Reads only, never Secrets; takes up to a minute.",
            json!({
                "namespace": text("namespace of the ring; the context's one unless given"),
                "minutes": { "type": "integer", "minimum": 1, "maximum": 1440, "description": "how far back to read logs; 60 unless given" },
                "thanos_version": text("version of Thanos where it cannot be known, such as 0.38.0"),
            }),
            &[],
        ),
        tool(
            "explain",
            "Explain a signature or cause",
            "The manual page of a signature, state or cause: what it is, where it shows, what to do.",
            json!({ "id": text("an id, such as receiver-oom") }),
            &["id"],
        ),
        tool(
            "search_manual",
            "Search the manual",
            "Signatures, states and causes whose id or title has all these words.",
            json!({ "words": text("words, such as disk full") }),
            &["words"],
        ),
        tool(
            "hashring_locate",
            "Where a series is stored",
            "Says which members of a hashring hold a series.",
            json!({
                "file": text("the hashring file (hashrings.json)"),
                "series": text("labels as in PromQL: {__name__=\"up\",job=\"node\"}"),
                "tenant": text("tenant; default-tenant unless given"),
                "algorithm": { "type": "string", "enum": ["hashmod", "ketama"], "description": "--receive.hashrings-algorithm" },
                "replication_factor": { "type": "integer", "minimum": 1, "maximum": 100 },
                "thanos_version": text("version of Thanos, such as 0.38.0"),
            }),
            &["file", "series"],
        ),
        tool(
            "incidents_list",
            "List incidents",
            "Incidents that `rdiag serve` has taken in, the latest first.",
            json!({
                "state": { "type": "string", "enum": ["firing", "resolved", "all"] },
                "query": text("words that must occur"),
                "limit": { "type": "integer", "minimum": 1, "maximum": 200 },
            }),
            &[],
        ),
        tool(
            "incidents_show",
            "Show an incident",
            "An incident of `rdiag serve` with its alerts and its latest report.",
            json!({ "id": text("its number") }),
            &["id"],
        ),
    ])
}
