//! Escapers: one per kind of output. Log text is written by strangers.
//!
//! [`visible`] comes first everywhere: it turns whatever a terminal obeys, or an eye does not see,
//! into something to read. What a format gives a meaning of its own is escaped after it.

use std::borrow::Cow;
use std::fmt::Write as _;

use serde_json::Value;

use super::model::Report;

/// Makes control, bidirectional and invisible characters visible: `\x1b`, `\u{202e}`. Line feeds
/// stay; a tab becomes four spaces.
#[must_use]
pub fn visible(text: &str) -> Cow<'_, str> {
    if !text.chars().any(|c| is_hidden(c) || c == '\t') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '\t' => out.push_str("    "),
            c if is_hidden(c) => push_name(&mut out, c),
            c => out.push(c),
        }
    }
    Cow::Owned(out)
}

/// [`visible`] for bytes: what is not UTF-8 is shown as `\xNN`.
#[must_use]
pub fn visible_bytes(bytes: &[u8]) -> String {
    let mut out = String::with_capacity(bytes.len());
    for chunk in bytes.utf8_chunks() {
        out.push_str(&visible(chunk.valid()));
        for byte in chunk.invalid() {
            push_hex(&mut out, u32::from(*byte));
        }
    }
    out
}

/// Text for one line of a terminal: [`visible`], and line feeds become spaces.
#[must_use]
pub fn terminal(text: &str) -> Cow<'_, str> {
    match visible(text) {
        text if text.contains('\n') => Cow::Owned(text.replace('\n', " ")),
        text => text,
    }
}

/// Text for HTML, as askama escapes it. Templates do this by themselves; this is for the rest.
#[must_use]
pub fn html(text: &str) -> String {
    askama::filters::escape(visible(text), askama::filters::Html)
        .map_or_else(|never| match never {}, |safe| safe.to_string())
}

/// [`html`] for prose in which code stands between backticks. One that is not closed stays as it is.
#[must_use]
pub fn html_prose(text: &str) -> String {
    let mut out = String::with_capacity(text.len() + 16);
    let mut rest = text;
    while let Some((before, (code, after))) = rest
        .split_once('`')
        .and_then(|(before, from)| Some((before, from.split_once('`')?)))
    {
        out.push_str(&html(before));
        match code {
            "" => out.push_str("``"),
            code => {
                let _ = write!(out, "<code>{}</code>", html(code));
            }
        }
        rest = after;
    }
    out.push_str(&html(rest));
    out
}

/// Text for a paragraph of GitHub-flavoured Markdown. Nobody is notified by an `@name` in a log, and
/// no `#1` becomes a link.
#[must_use]
pub fn markdown(text: &str) -> String {
    let text = terminal(text);
    let mut out = String::with_capacity(text.len() + 8);
    let mut chars = text.chars().peekable();
    while let Some(c) = chars.next() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            // An empty comment ends the word, so that nothing is linked or notified.
            '@' | '#' if chars.peek().is_some_and(|n| n.is_alphanumeric()) => {
                let _ = write!(out, "\\{c}<!-- -->");
            }
            ':' if chars.peek() == Some(&'/') => out.push_str(":<!-- -->"),
            '.' if out.ends_with("www") => out.push_str(".<!-- -->"),
            '\\' | '`' | '*' | '_' | '{' | '}' | '[' | ']' | '#' | '!' | '|' | '~' | '@' | '$' => {
                out.push('\\');
                out.push(c);
            }
            // Only at the start do these begin a list, a rule or a heading.
            '+' | '-' | '=' if out.is_empty() => {
                out.push('\\');
                out.push(c);
            }
            '.' | ')' if !out.is_empty() && out.bytes().all(|b| b.is_ascii_digit()) => {
                out.push('\\');
                out.push(c);
            }
            c => out.push(c),
        }
    }
    out
}

/// A code span of Markdown, with a fence longer than any run of backticks inside.
#[must_use]
pub fn markdown_code(text: &str) -> String {
    let text = terminal(text);
    let text = text.trim();
    if text.is_empty() {
        return String::new();
    }
    let fence = "`".repeat(longest_run(text) + 1);
    if text.starts_with('`') || text.ends_with('`') {
        format!("{fence} {text} {fence}")
    } else {
        format!("{fence}{text}{fence}")
    }
}

/// A fenced block of Markdown; `indent` is put before each line, for blocks inside list items.
#[must_use]
pub fn markdown_block(text: &str, language: &str, indent: &str) -> String {
    let text = visible(text);
    let fence = "`".repeat(longest_run(&text).max(2) + 1);
    let mut out = format!("{indent}{fence}{language}\n");
    for line in text.lines() {
        let _ = writeln!(out, "{indent}{line}");
    }
    let _ = writeln!(out, "{indent}{fence}");
    out
}

/// Text for Slack's mrkdwn, where only `&`, `<` and `>` can be escaped. Marks of emphasis are
/// replaced by look-alikes, so that a log line cannot dress itself up.
#[must_use]
pub fn slack(text: &str) -> String {
    let text = visible(text);
    let mut out = String::with_capacity(text.len() + 8);
    for c in text.chars() {
        match c {
            '&' => out.push_str("&amp;"),
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '`' => out.push('\u{2bc}'),
            '*' => out.push('\u{2217}'),
            '~' => out.push('\u{223c}'),
            c => out.push(c),
        }
    }
    out
}

/// Code for Slack's mrkdwn: as it is but for `&`, `<`, `>` and backticks, which would end it.
#[must_use]
pub fn slack_code(text: &str) -> String {
    visible(text)
        .replace('&', "&amp;")
        .replace('<', "&lt;")
        .replace('>', "&gt;")
        .replace('`', "\u{2bc}")
}

/// One word of a POSIX shell: as it is when plain, in single quotes otherwise.
#[must_use]
pub fn shell_word(text: &str) -> Cow<'_, str> {
    let plain = |b: u8| b.is_ascii_alphanumeric() || b"._/:@%+=-".contains(&b);
    // A leading dash would be an option, and `a=b` in front of a command an assignment; the first
    // is not cured by quotes, the second never stands first in a template.
    if !text.is_empty() && text.bytes().all(plain) {
        return Cow::Borrowed(text);
    }
    Cow::Owned(format!("'{}'", text.replace('\'', r"'\''")))
}

/// A copy with every string [`visible`] and every number finite.
///
/// It goes through the serialised form, so that a field added later cannot be forgotten.
#[must_use]
pub fn clean(report: &Report) -> Report {
    let mut value = serde_json::to_value(finite(report)).unwrap_or_default();
    clean_value(&mut value);
    serde_json::from_value(value).unwrap_or_default()
}

/// A copy in which numbers that JSON has no word for are 0.
#[must_use]
pub fn finite(report: &Report) -> Report {
    let mut report = report.clone();
    let fix = |x: &mut f64| {
        if !x.is_finite() {
            *x = 0.0;
        }
    };
    for incident in &mut report.incidents {
        fix(&mut incident.unknown_probability);
        for hypothesis in &mut incident.hypotheses {
            fix(&mut hypothesis.probability);
            hypothesis
                .explains
                .iter_mut()
                .for_each(|e| fix(&mut e.necessity));
            hypothesis.pro.iter_mut().for_each(|e| fix(&mut e.nats));
            hypothesis.contra.iter_mut().for_each(|e| fix(&mut e.nats));
        }
        incident
            .next_checks
            .iter_mut()
            .for_each(|c| fix(&mut c.bits));
        for row in &mut incident.timeline.rows {
            row.marks.iter_mut().for_each(|m| fix(&mut m.at));
        }
    }
    report
}

/// Would a terminal obey it, or an eye miss it? Line feeds and tabs are neither.
#[must_use]
pub fn is_hidden(c: char) -> bool {
    match c {
        '\n' | '\t' => false,
        c if c.is_control() => true,
        '\u{ad}' | '\u{34f}' | '\u{61c}' | '\u{115f}' | '\u{1160}' | '\u{17b4}' | '\u{17b5}' => {
            true
        }
        '\u{180b}'..='\u{180f}' | '\u{200b}'..='\u{200f}' | '\u{2028}'..='\u{202e}' => true,
        '\u{2060}'..='\u{206f}' | '\u{3164}' | '\u{fe00}'..='\u{fe0f}' | '\u{feff}' => true,
        '\u{ffa0}' | '\u{fff0}'..='\u{fffb}' | '\u{fffe}' | '\u{ffff}' => true,
        '\u{1bca0}'..='\u{1bca3}' | '\u{1d173}'..='\u{1d17a}' | '\u{e0000}'..='\u{e0fff}' => true,
        _ => false,
    }
}

fn clean_value(value: &mut Value) {
    match value {
        Value::String(text) => {
            if let Cow::Owned(clean) = visible(text) {
                *text = clean;
            }
        }
        Value::Array(items) => items.iter_mut().for_each(clean_value),
        Value::Object(fields) => fields.values_mut().for_each(clean_value),
        Value::Null | Value::Bool(_) | Value::Number(_) => {}
    }
}

fn push_name(out: &mut String, c: char) {
    let code = u32::from(c);
    if code < 0x80 {
        push_hex(out, code);
    } else {
        let _ = write!(out, "\\u{{{code:x}}}");
    }
}

fn push_hex(out: &mut String, code: u32) {
    let _ = write!(out, "\\x{code:02x}");
}

fn longest_run(text: &str) -> usize {
    text.split(|c| c != '`').map(str::len).max().unwrap_or(0)
}
