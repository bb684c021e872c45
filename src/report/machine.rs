//! JSON, YAML and the JSON Schema: the value itself, for programs.
//!
//! What a terminal obeys or an eye misses is written as an escape, which reads back as the same
//! string, so that `-o json` may be looked at too.

use std::fmt::Write as _;

use schemars::generate::SchemaSettings;
use serde::ser::{SerializeMap, SerializeSeq};
use serde::{Serialize, Serializer};
use serde_json::Value;
use serde_saphyr::DoubleQuoted;

use super::escape::{finite, is_hidden};
use super::model::Report;

/// The JSON Schema (2020-12) of `rdiag/report/v1`, made from the Rust types.
#[must_use]
pub fn schema() -> Value {
    let mut schema = SchemaSettings::draft2020_12()
        .for_serialize()
        .into_generator()
        .into_root_schema_for::<Report>();
    schema.insert("$id".to_owned(), "rdiag/report/v1".into());
    schema.to_value()
}

pub(super) fn json(report: &Report) -> String {
    // Strings, finite numbers and plain structs: serialising them cannot fail.
    let mut text = serde_json::to_string_pretty(&finite(report)).unwrap_or_default();
    text.push('\n');
    escaped(&text, |out, c| {
        let mut units = [0; 2];
        for unit in c.encode_utf16(&mut units) {
            let _ = write!(out, "\\u{unit:04x}");
        }
    })
}

pub(super) fn yaml(report: &Report) -> String {
    let value = serde_json::to_value(finite(report)).unwrap_or_default();
    let mut text = serde_saphyr::to_string(&Quoted(&value)).unwrap_or_default();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    escaped(&text, |out, c| {
        let _ = write!(out, "\\U{:08x}", u32::from(c));
    })
}

/// Replaces hidden characters, which occur in quoted strings only.
fn escaped(text: &str, write: impl Fn(&mut String, char)) -> String {
    let mut out = String::with_capacity(text.len());
    for c in text.chars() {
        if is_hidden(c) {
            write(&mut out, c);
        } else {
            out.push(c);
        }
    }
    out
}

/// A value whose strings stand in double quotes when they hold a hidden character: only there has
/// YAML escapes.
struct Quoted<'a>(&'a Value);

impl Serialize for Quoted<'_> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        match self.0 {
            Value::String(text) if text.chars().any(is_hidden) => {
                DoubleQuoted(text).serialize(serializer)
            }
            Value::Array(items) => {
                let mut seq = serializer.serialize_seq(Some(items.len()))?;
                for item in items {
                    seq.serialize_element(&Quoted(item))?;
                }
                seq.end()
            }
            Value::Object(fields) => {
                let mut map = serializer.serialize_map(Some(fields.len()))?;
                for (key, field) in fields {
                    map.serialize_entry(key, &Quoted(field))?;
                }
                map.end()
            }
            plain => plain.serialize(serializer),
        }
    }
}
