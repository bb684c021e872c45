//! Conditions on fields, and values taken out of them.

use std::borrow::Cow;

use crate::limits;
use crate::pack::{Condition, LazyRegex, Signature, Test};
use crate::record::Record;
use crate::record::errors::Leaf;

/// A pseudo-field of one leaf of the error chain; all such conditions must hold of the same leaf.
pub(super) fn is_leaf_field(field: &str) -> bool {
    matches!(field, "leaf" | "cause" | "peer" | "code" | "http" | "local")
}

/// The values a field must equal, if the condition is an equality.
pub(super) fn exact_values(condition: &Condition) -> Option<(&str, Vec<&[u8]>)> {
    match &condition.test {
        Test::Equals(v) => Some((&condition.field, vec![v.as_bytes()])),
        Test::OneOf(vs) => Some((&condition.field, vs.iter().map(String::as_bytes).collect())),
        _ => None,
    }
}

/// Does the condition hold of the record? Repeated keys: of any of their values.
pub(super) fn record_holds(record: &Record<'_>, condition: &Condition) -> bool {
    if condition.field == "line" {
        return value_holds(Some(record.body), &condition.test);
    }
    let fields = record.fields();
    if condition.field == "component" && beheaded(record) {
        return !matches!(condition.test, Test::Present(true));
    }
    match &condition.test {
        Test::Present(wanted) => fields.get(&condition.field).is_some() == *wanted,
        Test::Not(inner) => !fields
            .all(&condition.field)
            .any(|v| value_holds(Some(v), inner)),
        test => fields
            .all(&condition.field)
            .any(|v| value_holds(Some(v), test)),
    }
}

/// A line quoted without its beginning, as people cut them: the message is there, what says who
/// wrote it is not, and so it rules nobody out.
fn beheaded(record: &Record<'_>) -> bool {
    let fields = record.fields();
    let lost = |field: &str| fields.get(field).is_none();
    fields.get("msg").is_some() && ["component", "caller", "source"].into_iter().all(lost)
}

/// Does the test hold of the value?
pub(super) fn value_holds(value: Option<&[u8]>, test: &Test) -> bool {
    match test {
        Test::Present(wanted) => return value.is_some() == *wanted,
        Test::Not(inner) => return !value_holds(value, inner),
        _ => {}
    }
    let Some(value) = value else { return false };
    match test {
        Test::Equals(v) => value == v.as_bytes(),
        Test::OneOf(vs) => vs.iter().any(|v| value == v.as_bytes()),
        Test::Contains(v) => contains(value, v),
        Test::ContainsAny(vs) => vs.iter().any(|v| contains(value, v)),
        Test::StartsWith(v) => value.starts_with(v.as_bytes()),
        Test::EndsWith(v) => value.ends_with(v.as_bytes()),
        Test::Regex(regex) => regex.is_match(value),
        Test::Above(limit) => number(value).is_some_and(|n| n > *limit),
        Test::Below(limit) => number(value).is_some_and(|n| n < *limit),
        Test::Present(_) | Test::Not(_) => unreachable!("answered above"),
    }
}

fn contains(value: &[u8], needle: &str) -> bool {
    memchr::memmem::find(value, needle.as_bytes()).is_some()
}

fn number(value: &[u8]) -> Option<f64> {
    std::str::from_utf8(value).ok()?.trim().parse().ok()
}

/// The values `signature` takes out of the record, or of one leaf of its error chain.
pub(super) fn extracts(
    signature: &Signature,
    record: &Record<'_>,
    leaf: Option<&Leaf<'_>>,
) -> Vec<(String, Vec<String>)> {
    let mut out = Vec::with_capacity(signature.extract.len());
    for extract in &signature.extract {
        let values: Vec<Cow<'_, [u8]>> = match leaf {
            Some(leaf) if is_leaf_field(&extract.from) => {
                leaf.field(&extract.from).into_iter().collect()
            }
            _ if extract.from == "line" => vec![Cow::Borrowed(record.body)],
            _ => record
                .fields()
                .all(&extract.from)
                .map(Cow::Borrowed)
                .collect(),
        };
        let mut found: Vec<String> = Vec::new();
        for value in &values {
            take(value, extract.regex.as_deref(), &extract.name, &mut found);
        }
        if !found.is_empty() {
            out.push((extract.name.clone(), found));
        }
    }
    out
}

fn take(value: &[u8], regex: Option<&LazyRegex>, name: &str, found: &mut Vec<String>) {
    let mut add = |bytes: &[u8]| {
        let text = String::from_utf8_lossy(bytes).into_owned();
        if !text.is_empty() && found.len() < limits::EXTRACTS && !found.contains(&text) {
            found.push(text);
        }
    };
    match regex {
        None => add(value),
        Some(regex) => {
            for captures in regex.regex().captures_iter(value).take(limits::EXTRACTS) {
                let group = captures
                    .name(name)
                    .or_else(|| captures.get(1))
                    .or_else(|| captures.get(0));
                if let Some(group) = group {
                    add(group.as_bytes());
                }
            }
        }
    }
}
