//! Fills remedies with real names.

use std::collections::BTreeMap;

use super::escape::shell_word;

/// A template asked for a name that nobody knows, or whose value would be taken for an option.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
#[error("no value is known for {{{{{name}}}}}")]
pub struct MissingName {
    /// The name between the braces.
    pub name: String,
}

/// Replaces each `{{name}}` of a command by its value, quoted for a POSIX shell where needed, so
/// that a hostile name stays one word. Inside quotes of the template the value is quoted to match.
///
/// Braces without an end, or around something that is no name, stay as they are: JSON stands in
/// commands too.
///
/// # Errors
///
/// [`MissingName`] for the first name without a value. A value that begins with a dash counts as
/// none where it would begin a word: quotes do not keep `--all` from being an option.
pub fn fill(template: &str, values: &BTreeMap<String, String>) -> Result<String, MissingName> {
    replace(template, values, |before, value| match quote_open(before) {
        Quote::None if starts_word(before) && value.starts_with('-') => None,
        Quote::None => Some(shell_word(value).into_owned()),
        Quote::Single => Some(value.replace('\'', r"'\''")),
        // Within double quotes a shell still expands, so they are closed around the value.
        Quote::Double => Some(match shell_word(value) {
            word if word == value => word.into_owned(),
            word => format!("\"{word}\""),
        }),
    })
}

/// [`fill`] for prose: values are put in as they are.
///
/// # Errors
///
/// [`MissingName`] for the first name without a value.
pub fn fill_prose(
    template: &str,
    values: &BTreeMap<String, String>,
) -> Result<String, MissingName> {
    replace(template, values, |_, value| Some(value.to_owned()))
}

fn replace(
    template: &str,
    values: &BTreeMap<String, String>,
    put: impl Fn(&str, &str) -> Option<String>,
) -> Result<String, MissingName> {
    let mut out = String::with_capacity(template.len());
    let mut rest = template;
    while let Some(open) = rest.find("{{") {
        let (before, from) = rest.split_at(open);
        out.push_str(before);
        let name = from[2..]
            .split_once("}}")
            .map(|(name, after)| (name.trim(), after));
        match name {
            Some((name, after)) if is_name(name) => {
                // Quotes are counted in the template alone: values cannot open any.
                let before = &template[..template.len() - from.len()];
                let value = values.get(name).and_then(|value| put(before, value));
                out.push_str(&value.ok_or_else(|| MissingName {
                    name: name.to_owned(),
                })?);
                rest = after;
            }
            _ => {
                // One brace at a time, so that `{{{name}}}` still finds the inner pair.
                out.push('{');
                rest = &from[1..];
            }
        }
    }
    out.push_str(rest);
    Ok(out)
}

enum Quote {
    None,
    Single,
    Double,
}

/// The quote that is open at the end of a piece of shell.
fn quote_open(shell: &str) -> Quote {
    let mut quote = Quote::None;
    let mut chars = shell.chars();
    while let Some(c) = chars.next() {
        quote = match (quote, c) {
            (Quote::None, '\'') => Quote::Single,
            (Quote::None, '"') => Quote::Double,
            (Quote::Single, '\'') | (Quote::Double, '"') => Quote::None,
            (quote @ (Quote::None | Quote::Double), '\\') => {
                chars.next();
                quote
            }
            (quote, _) => quote,
        };
    }
    quote
}

fn starts_word(before: &str) -> bool {
    before.chars().next_back().is_none_or(char::is_whitespace)
}

fn is_name(name: &str) -> bool {
    name.starts_with(|c: char| c.is_ascii_lowercase())
        && name
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'_' || b == b'-')
}
