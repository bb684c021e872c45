//! Fields out of JSON, bounded.

use serde_json::Value;

use super::ObjectRecord;
use crate::limits;
use crate::record::{Level, Origin, Source, Time};

/// Fields being gathered.
#[derive(Debug, Default)]
pub(super) struct Flat {
    fields: Vec<(String, String)>,
}

impl Flat {
    /// Starts with `kind`, `name` and `namespace`.
    pub(super) fn of(kind: &str, object: &Value) -> Self {
        let mut flat = Self::default();
        flat.put("kind", kind);
        flat.copy(object, "name", "/metadata/name");
        flat.copy(object, "namespace", "/metadata/namespace");
        flat
    }

    /// Adds a field; empty values are left out, long ones are cut.
    pub(super) fn put(&mut self, key: impl Into<String>, value: impl Into<String>) {
        let mut value = value.into();
        if value.is_empty() || self.fields.len() >= limits::FIELDS {
            return;
        }
        if value.len() > limits::OBJECT_VALUE_BYTES {
            let cut = value.floor_char_boundary(limits::OBJECT_VALUE_BYTES);
            value.truncate(cut);
        }
        self.fields.push((key.into(), value));
    }

    /// Adds the scalar at `pointer`.
    pub(super) fn copy(&mut self, object: &Value, key: &str, pointer: &str) {
        if let Some(value) = object.pointer(pointer).and_then(scalar) {
            self.put(key, value);
        }
    }

    /// Adds the scalar at `pointer`, or `default`: the API leaves out zeros and `false`.
    pub(super) fn copy_or(&mut self, object: &Value, key: &str, pointer: &str, default: &str) {
        let value = object.pointer(pointer).and_then(scalar);
        self.put(key, value.unwrap_or_else(|| default.to_owned()));
    }

    /// Adds every scalar below `value`, named by its path after `prefix`.
    pub(super) fn tree(&mut self, prefix: &str, value: &Value) {
        self.tree_to(prefix, value, 0);
    }

    fn tree_to(&mut self, prefix: &str, value: &Value, depth: usize) {
        if depth > limits::JSON_DEPTH || self.fields.len() >= limits::FIELDS {
            return;
        }
        match value {
            Value::Object(map) => {
                for (key, inner) in map.iter().filter(|(k, _)| !is_noise(k)) {
                    self.tree_to(&join(prefix, key), inner, depth + 1);
                }
            }
            Value::Array(list) => {
                for (i, inner) in list.iter().enumerate() {
                    self.tree_to(&join(prefix, &i.to_string()), inner, depth + 1);
                }
            }
            other => {
                if let Some(text) = scalar(other) {
                    self.put(prefix, text);
                }
            }
        }
    }

    /// Adds `condition.TYPE=STATUS`, its reason and message for every condition of `object`.
    pub(super) fn conditions(&mut self, object: &Value) {
        for condition in list(object, "/status/conditions") {
            let Some(kind) = text(condition, "/type") else {
                continue;
            };
            let key = format!("condition.{kind}");
            self.copy(condition, &key, "/status");
            for part in ["reason", "message"] {
                self.copy(condition, &format!("{key}.{part}"), &format!("/{part}"));
            }
        }
    }

    /// A status record of these fields.
    pub(super) fn status(self, origin: Origin, time: Option<Time>) -> ObjectRecord {
        ObjectRecord {
            source: Source::Status,
            origin,
            time,
            first: None,
            count: 1,
            level: None,
            fields: self.fields,
        }
    }

    /// A record of another source.
    pub(super) fn record(
        self,
        source: Source,
        origin: Origin,
        level: Option<Level>,
    ) -> ObjectRecord {
        ObjectRecord {
            source,
            origin,
            time: None,
            first: None,
            count: 1,
            level,
            fields: self.fields,
        }
    }
}

/// Keys whose content says nothing about the system, or may hold credentials.
fn is_noise(key: &str) -> bool {
    matches!(
        key,
        "managedFields"
            | "env"
            | "envFrom"
            | "uid"
            | "resourceVersion"
            | "data"
            | "stringData"
            | "binaryData"
            | "kubectl.kubernetes.io/last-applied-configuration"
    ) || ["password", "token", "secret"]
        .iter()
        .any(|word| key.eq_ignore_ascii_case(word))
}

fn join(prefix: &str, key: &str) -> String {
    if prefix.is_empty() {
        key.to_owned()
    } else {
        format!("{prefix}.{key}")
    }
}

/// A scalar as text; `None` for null, lists and objects.
pub(in crate::bundle) fn scalar(value: &Value) -> Option<String> {
    match value {
        Value::String(text) => Some(text.clone()),
        Value::Number(number) => Some(number.to_string()),
        Value::Bool(flag) => Some(flag.to_string()),
        Value::Null | Value::Array(_) | Value::Object(_) => None,
    }
}

/// The string at `pointer`, if it is not empty.
pub(in crate::bundle) fn text<'a>(value: &'a Value, pointer: &str) -> Option<&'a str> {
    let found = value.pointer(pointer).and_then(Value::as_str);
    found.filter(|text| !text.is_empty())
}

/// The list at `pointer`; empty if there is none.
pub(in crate::bundle) fn list<'a>(value: &'a Value, pointer: &str) -> &'a [Value] {
    let found = value.pointer(pointer).and_then(Value::as_array);
    found.map_or(&[], Vec::as_slice)
}

/// The time at `pointer`, as RFC 3339; `None` for Go's zero time.
pub(in crate::bundle) fn time(value: &Value, pointer: &str) -> Option<Time> {
    let stamp: jiff::Timestamp = text(value, pointer)?.parse().ok()?;
    let nanos = i64::try_from(stamp.as_nanosecond()).ok()?;
    (nanos > 0).then_some(Time(nanos))
}

/// A Kubernetes quantity in its base unit: bytes for memory and storage, cores for CPU.
pub(in crate::bundle) fn quantity(text: &str) -> Option<f64> {
    let split = text
        .find(|c: char| c.is_ascii_alphabetic() && c != 'e')
        .unwrap_or(text.len());
    let (number, unit) = text.split_at(split);
    let number: f64 = number.parse().ok()?;
    let factor = match unit {
        "" => 1.0,
        "n" => 1e-9,
        "u" => 1e-6,
        "m" => 1e-3,
        "k" => 1e3,
        "M" => 1e6,
        "G" => 1e9,
        "T" => 1e12,
        "P" => 1e15,
        "E" => 1e18,
        "Ki" => 1024.0,
        "Mi" => 1024.0 * 1024.0,
        "Gi" => 1024.0 * 1024.0 * 1024.0,
        "Ti" => 1024.0 * 1024.0 * 1024.0 * 1024.0,
        "Pi" => 1024.0 * 1024.0 * 1024.0 * 1024.0 * 1024.0,
        _ => return None,
    };
    (number.is_finite()).then_some(number * factor)
}

/// A whole origin.
pub(super) fn origin(namespace: Option<&str>, pod: &str, container: Option<&str>) -> Origin {
    Origin {
        namespace: namespace.map(Into::into),
        pod: pod.into(),
        container: container.map(Into::into),
        previous: false,
    }
}
