//! Takes out of objects what nobody needs to know: credentials that were put where everyone with a
//! look at pods can see them, and the book-keeping that repeats them.

use serde_json::Value;

/// What stands where something was taken out.
const HIDDEN: &str = "(hidden)";

/// Takes credentials and book-keeping out of an object.
pub(super) fn object(item: &mut Value) {
    if let Some(meta) = item.get_mut("metadata").and_then(Value::as_object_mut) {
        // kubectl hides it as well.
        meta.remove("managedFields");
        if let Some(notes) = meta.get_mut("annotations").and_then(Value::as_object_mut) {
            notes.remove("kubectl.kubernetes.io/last-applied-configuration");
        }
    }
    walk(item, 0);
}

/// Environment variables and flags, wherever a pod or its template holds them.
fn walk(value: &mut Value, depth: usize) {
    if depth > crate::limits::JSON_DEPTH {
        return;
    }
    match value {
        Value::Object(map) => {
            for (key, inner) in map.iter_mut() {
                match (key.as_str(), &mut *inner) {
                    ("env", Value::Array(list)) => list.iter_mut().for_each(variable),
                    ("args" | "command", Value::Array(list)) => list.iter_mut().for_each(flag),
                    _ => walk(inner, depth + 1),
                }
            }
        }
        Value::Array(list) => list.iter_mut().for_each(|inner| walk(inner, depth + 1)),
        _ => {}
    }
}

fn variable(entry: &mut Value) {
    let secret = entry.get("name").and_then(Value::as_str).is_some_and(is_secret);
    let Some(value) = entry.get_mut("value") else { return };
    match value.as_str() {
        Some(text) if secret && !text.is_empty() => *value = HIDDEN.into(),
        Some(text) if has_credentials(text) => *value = HIDDEN.into(),
        _ => {}
    }
}

fn flag(entry: &mut Value) {
    let Some(text) = entry.as_str() else { return };
    let (name, value) = text.split_once('=').unwrap_or(("", text));
    if has_credentials(value) || (name.starts_with("--") && is_secret(name) && !value.is_empty()) {
        let hidden = if name.is_empty() { HIDDEN.to_owned() } else { format!("{name}={HIDDEN}") };
        *entry = hidden.into();
    }
}

/// A name of something secret. A file is named, not shown.
fn is_secret(name: &str) -> bool {
    let name = name.to_ascii_lowercase();
    let told = ["password", "passwd", "secret", "token", "credential", "access_key", "access-key", "api_key", "apikey"];
    told.iter().any(|word| name.contains(word)) && !name.ends_with("file") && !name.ends_with("path")
}

/// A configuration with keys in it, or an address with a password.
fn has_credentials(text: &str) -> bool {
    let lower = text.to_ascii_lowercase();
    let keys = ["secret_key", "access_key", "password:", "\"password\"", "bearer_token:", "sas_token", "account_key", "service_account:"];
    keys.iter().any(|key| lower.contains(key)) || has_userinfo(text)
}

/// `scheme://user:password@host`.
fn has_userinfo(text: &str) -> bool {
    text.split("://").skip(1).any(|rest| {
        let authority = rest.split(['/', '?', ' ']).next().unwrap_or_default();
        authority.split_once('@').is_some_and(|(user, _)| user.contains(':'))
    })
}
