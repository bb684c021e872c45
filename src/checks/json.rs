//! JSON and YAML of a checklist, and back.

use super::model::{Checklist, SCHEMA};

/// Indented JSON with a newline at its end.
///
/// # Panics
/// Never: a checklist has only keys that are strings, and finite numbers.
#[must_use]
pub fn to_json(list: &Checklist) -> String {
    let mut text = serde_json::to_string_pretty(list).expect("a checklist is plain data");
    text.push('\n');
    text
}

/// The same as YAML.
///
/// # Errors
/// When it cannot be written as YAML.
pub fn to_yaml(list: &Checklist) -> Result<String, String> {
    serde_saphyr::to_string(list).map_err(|e| e.to_string())
}

/// Reads what [`to_json`] wrote.
///
/// # Errors
/// What is wrong with the text.
pub fn from_json(text: &str) -> Result<Checklist, String> {
    let list: Checklist = serde_json::from_str(text).map_err(|e| e.to_string())?;
    if list.schema == SCHEMA {
        Ok(list)
    } else {
        Err(format!("schema {}, expected {SCHEMA}", list.schema))
    }
}
