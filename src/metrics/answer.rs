//! Answers of the Prometheus query API.

use serde_json::Value;

/// One series of an answer.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Answered {
    /// Labels, `__name__` included.
    pub(super) labels: Vec<(String, String)>,
    /// The query, where the file says it.
    pub(super) query: String,
    /// (seconds since the epoch, value).
    pub(super) points: Vec<(f64, f64)>,
}

/// All series of the answers in `json`: one answer as the API gives it, or any list or object that
/// holds answers, such as `[{"query": "…", "data": {…}}]`.
pub(super) fn answered(json: &Value) -> Vec<Answered> {
    let mut found = Vec::new();
    walk(json, "", 0, &mut found);
    found
}

fn walk(value: &Value, query: &str, depth: usize, found: &mut Vec<Answered>) {
    if depth > crate::limits::JSON_DEPTH {
        return;
    }
    match value {
        Value::Array(list) => list
            .iter()
            .for_each(|inner| walk(inner, query, depth + 1, found)),
        Value::Object(map) => {
            let own = ["query", "expr"].iter().find_map(|key| map.get(*key));
            let query = own.and_then(Value::as_str).unwrap_or(query);
            if let (Some(kind), Some(result)) = (map.get("resultType"), map.get("result")) {
                result_of(kind.as_str().unwrap_or_default(), result, query, found);
                return;
            }
            for (key, inner) in map {
                // Answers may be keyed by their query.
                let query = if query.is_empty() && inner.get("data").is_some() {
                    key
                } else {
                    query
                };
                walk(inner, query, depth + 1, found);
            }
        }
        _ => {}
    }
}

fn result_of(kind: &str, result: &Value, query: &str, found: &mut Vec<Answered>) {
    if kind == "scalar" {
        if let Some(point) = point(result) {
            found.push(Answered {
                labels: Vec::new(),
                query: query.to_owned(),
                points: vec![point],
            });
        }
        return;
    }
    for series in result.as_array().into_iter().flatten() {
        let labels = series.get("metric").and_then(Value::as_object);
        let points: Vec<(f64, f64)> = match (series.get("value"), series.get("values")) {
            (Some(value), _) => point(value).into_iter().collect(),
            (_, Some(Value::Array(values))) => values.iter().filter_map(point).collect(),
            _ => Vec::new(),
        };
        if points.is_empty() {
            continue;
        }
        found.push(Answered {
            labels: labels
                .into_iter()
                .flatten()
                .filter_map(|(key, value)| Some((key.clone(), value.as_str()?.to_owned())))
                .collect(),
            query: query.to_owned(),
            points,
        });
    }
}

/// `[seconds, "value"]`.
fn point(value: &Value) -> Option<(f64, f64)> {
    let seconds = value.get(0)?.as_f64()?;
    let number = match value.get(1)?.as_str()? {
        "NaN" => f64::NAN,
        "+Inf" | "Inf" => f64::INFINITY,
        "-Inf" => f64::NEG_INFINITY,
        text => text.parse().ok()?,
    };
    Some((seconds, number))
}
