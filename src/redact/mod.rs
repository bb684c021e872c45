//! Takes credentials out of text before it leaves the machine, and names on request.
//!
//! Log lines quote request headers, configuration and connection strings, and a report is pasted
//! into tickets and chats. [`Redactor::line`] replaces what is secret by `[REDACTED:kind]` and leaves
//! the rest as it is; [`Redactor::report`] does so for every string of a report. Three readers find
//! secrets: `pairs` by the name in front of a value, `tokens` by what a secret itself looks like,
//! `names` (only to anonymise) addresses and hosts.
//!
//! All of it takes time linear in the text. What is recognised, and what is not, is measured on
//! `fixtures/redaction` and published in `docs/security.md`.

mod extent;
mod names;
mod pairs;
#[cfg(test)]
mod tests;
mod tokens;
mod value;

use std::borrow::Cow;
use std::collections::BTreeMap;
use std::io::{self, BufRead, Write};
use std::ops::Range;

use serde_json::Value;

use crate::limits;
use crate::report::model::Report;
use names::Pseudonyms;

/// What to take out.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Credentials and e-mail addresses.
    pub secrets: bool,
    /// IP addresses, host names and nodes become `ip-1`, `host-1`, `node-1`; the same name gets the
    /// same pseudonym for as long as the [`Redactor`] lives.
    pub anonymize: bool,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            secrets: true,
            anonymize: false,
        }
    }
}

/// Replaces secrets. Keeps pseudonyms and, between lines, whether a private key is open.
#[derive(Debug, Default)]
pub struct Redactor {
    options: Options,
    pseudonyms: Pseudonyms,
    /// Lines of an open private key that may still come.
    key_lines: usize,
    /// Secrets replaced so far.
    replaced: u64,
}

/// Something to replace: where, and what it is.
type Span = (Range<usize>, &'static str);

impl Redactor {
    /// A redactor with these options.
    #[must_use]
    pub fn new(options: Options) -> Self {
        Self {
            options,
            ..Self::default()
        }
    }

    /// How many secrets were replaced so far.
    #[must_use]
    pub fn replaced(&self) -> u64 {
        self.replaced
    }

    /// The text without secrets. What was replaced before stays as it is, so doing it twice changes
    /// nothing.
    pub fn line<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let text = if self.options.secrets {
            self.without_secrets(text)
        } else {
            Cow::Borrowed(text)
        };
        if !self.options.anonymize {
            return text;
        }
        match self.pseudonyms.replace(&text) {
            Some(anonymous) => Cow::Owned(anonymous),
            None => text,
        }
    }

    /// A value without secrets when `name` stands before it, such as a label's: a name like `password`
    /// tells of the value what the value itself does not.
    pub fn named<'t>(&mut self, name: &str, value: &'t str) -> Cow<'t, str> {
        self.key_lines = 0;
        // As JSON, which holds any text on one line.
        let pair = serde_json::json!({ name: value }).to_string();
        let cleaned = match self.line(&pair) {
            Cow::Borrowed(_) => return Cow::Borrowed(value),
            Cow::Owned(cleaned) => cleaned,
        };
        self.key_lines = 0;
        let read: Option<BTreeMap<String, String>> = serde_json::from_str(&cleaned).ok();
        let value = read.and_then(|pair| pair.into_values().next());
        // What cannot be read back is better lost than shown.
        Cow::Owned(value.unwrap_or_else(|| "[REDACTED:value]".to_owned()))
    }

    /// Copies text line by line without its secrets; bytes that are no text stay as they are where
    /// nothing is secret. Lines longer than [`limits::CLEAN_BYTES`] are looked at in pieces.
    ///
    /// # Errors
    /// When `from` cannot be read or `to` not be written.
    pub fn copy(&mut self, from: &mut impl BufRead, to: &mut impl Write) -> io::Result<()> {
        let mut line = Vec::new();
        loop {
            line.clear();
            let most = limits::CLEAN_BYTES as u64;
            if io::Read::take(&mut *from, most).read_until(b'\n', &mut line)? == 0 {
                return to.flush();
            }
            match std::str::from_utf8(&line) {
                Ok(text) => to.write_all(self.line(text).as_bytes())?,
                Err(_) => match self.line(&String::from_utf8_lossy(&line)) {
                    Cow::Borrowed(_) => to.write_all(&line)?,
                    Cow::Owned(cleaned) => to.write_all(cleaned.as_bytes())?,
                },
            }
        }
    }

    /// Redacts every string of a report.
    ///
    /// It goes through the serialised form, so that a field added later cannot be forgotten.
    pub fn report(&mut self, report: &mut Report) {
        if self.options.anonymize {
            self.learn_nodes(report);
        }
        let mut value =
            serde_json::to_value(crate::report::escape::finite(report)).unwrap_or_default();
        self.value(&mut value);
        // What cannot be read back is better lost than shown.
        *report = serde_json::from_value(value).unwrap_or_default();
    }

    /// A text of any number of lines without its secrets.
    pub fn text<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        self.key_lines = 0;
        let lines: Vec<Cow<'_, str>> = text.split('\n').map(|l| self.line(l)).collect();
        if lines.iter().all(|l| matches!(l, Cow::Borrowed(_))) {
            return Cow::Borrowed(text);
        }
        Cow::Owned(lines.join("\n"))
    }

    /// Redacts every string below a JSON value, with the names in objects telling of what they name.
    pub fn document(&mut self, value: &mut Value) {
        match value {
            Value::Object(fields) => {
                for (name, inner) in fields.iter_mut() {
                    if let Value::String(text) = inner
                        && let Cow::Owned(cleaned) = self.named(name, text)
                    {
                        *text = cleaned;
                    } else {
                        self.document(inner);
                    }
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|item| self.document(item)),
            other => self.value(other),
        }
    }

    /// Redacts every string below a JSON value.
    pub fn value(&mut self, value: &mut Value) {
        match value {
            Value::String(text) => {
                if let Cow::Owned(cleaned) = self.text(text) {
                    *text = cleaned;
                }
            }
            Value::Array(items) => items.iter_mut().for_each(|v| self.value(v)),
            Value::Object(fields) => fields.values_mut().for_each(|v| self.value(v)),
            Value::Null | Value::Bool(_) | Value::Number(_) => {}
        }
    }

    fn without_secrets<'t>(&mut self, text: &'t str) -> Cow<'t, str> {
        let mut spans = Vec::new();
        self.private_key(text, &mut spans);
        tokens::find(text, &mut spans);
        pairs::find(text, &mut spans);
        if spans.is_empty() {
            return Cow::Borrowed(text);
        }
        Cow::Owned(self.cut(text, spans))
    }

    /// A private key, to its end or the end of the text; what follows on further lines is known by
    /// the open key before it.
    fn private_key(&mut self, text: &str, spans: &mut Vec<Span>) {
        const KIND: &str = "private-key";
        let mut at = 0;
        if self.key_lines > 0 {
            if let Some(end) = tokens::key_end(text) {
                spans.push((0..end, KIND));
                at = end;
                self.key_lines = 0;
            } else if tokens::is_key_body(text) {
                spans.push((0..text.len(), KIND));
                self.key_lines -= 1;
                return;
            } else {
                self.key_lines = 0;
            }
        }
        while let Some(begin) = tokens::key_begin(&text[at..]) {
            let begin = at + begin;
            let end = tokens::key_end(&text[begin..]).map(|end| begin + end);
            spans.push((begin..end.unwrap_or(text.len()), KIND));
            let Some(end) = end else {
                self.key_lines = limits::PRIVATE_KEY_LINES;
                return;
            };
            at = end;
        }
    }

    /// Replaces the spans; where they overlap, the first of the widest names the kind.
    fn cut(&mut self, text: &str, mut spans: Vec<Span>) -> String {
        spans.sort_by_key(|(range, kind)| (range.start, std::cmp::Reverse(range.end), *kind));
        let mut out = String::with_capacity(text.len());
        let mut done = 0;
        for (range, kind) in spans {
            if range.end <= done {
                continue;
            }
            if range.start >= done {
                out.push_str(&text[done..range.start]);
                out.push_str("[REDACTED:");
                out.push_str(kind);
                out.push(']');
                self.replaced += 1;
            }
            done = range.end;
        }
        out.push_str(&text[done..]);
        out
    }

    /// Names of nodes have no shape of their own; the report says which they are.
    fn learn_nodes(&mut self, report: &Report) {
        for incident in &report.incidents {
            for hypothesis in &incident.hypotheses {
                for subject in hypothesis.subjects.iter().filter(|s| s.kind == "node") {
                    self.pseudonyms.learn_node(&subject.name);
                }
            }
        }
        let facts = report.members.iter().flat_map(|m| &m.facts);
        for (_, node) in facts.filter(|(key, _)| key == "node") {
            self.pseudonyms.learn_node(node);
        }
    }
}
