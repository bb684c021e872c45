//! Weekly review of error lines, with those apart that the last review did not have.

use std::collections::{BTreeMap, BTreeSet};

use super::super::model::{Detail, Item, Status};
use super::super::sight::Sight;
use super::super::words;
use crate::limits;
use crate::record::{Level, Options, Reader, Record};

/// Longest text of a kind, in bytes.
const TEXT_BYTES: usize = 160;
/// What the kinds beyond [`limits::ERROR_KINDS`] are called.
const OTHERS: &str = "(other kinds)";

/// Error lines by kind: those since the last review first.
pub(in crate::checks) fn errors(sight: &Sight<'_>) -> Item {
    let item = Item::new("error-lines", "logs", "Error lines")
        .target("no kind that the last check did not have")
        .next("rdiag BUNDLE explains them; rdiag explain ID for one");
    if sight.input.streams.is_empty() {
        return item.unknown("no logs in the input");
    }
    let (kinds, total) = kinds(sight);
    let before = sight.before("error-lines");
    let known: Option<BTreeSet<&str>> =
        before.map(|i| i.details.iter().map(|d| d.subject.as_str()).collect());
    let mut details: Vec<Detail> = kinds
        .iter()
        .map(|(kind, (n, pods))| {
            let is_new = known.as_ref().is_some_and(|k| !k.contains(kind.as_str()));
            let pods: Vec<&String> = pods.iter().collect();
            let mark = if is_new { "new, " } else { "" };
            let status = if is_new { Status::Fail } else { Status::Warn };
            let n = *n as f64;
            let figure = format!("{mark}{} × in {}", words::count(n), words::some(&pods));
            Detail::new(kind, status, figure).value(n)
        })
        .collect();
    details.sort_by(|a, b| {
        b.status
            .cmp(&a.status)
            .then(b.value.unwrap_or(0.0).total_cmp(&a.value.unwrap_or(0.0)))
            .then(a.subject.cmp(&b.subject))
    });
    let fresh: Vec<String> = details
        .iter()
        .filter(|d| d.status == Status::Fail)
        .map(|d| d.subject.clone())
        .collect();
    let of_kinds = words::plural(details.len(), "kind");
    let first = details
        .first()
        .map(|d| format!("{}: {}", d.subject, d.figure))
        .unwrap_or_default();
    let figure = format!(
        "{} of {of_kinds}",
        words::plural_count(total as f64, "line")
    );
    let item = item.figure(figure).source("logs").details(details);
    match (known, total) {
        (_, 0) => item.pass(),
        (Some(_), _) if !fresh.is_empty() => {
            item.ends(Status::Fail, format!("new: {}", words::some(&fresh)))
        }
        (Some(_), _) => item.ends(
            Status::Warn,
            format!("known from the last check; most: {first}"),
        ),
        (None, _) => item.ends(
            Status::Warn,
            format!("which are new needs the last check (--against); most: {first}"),
        ),
    }
}

/// Lines of each kind, and the pods that wrote them.
type Kinds = BTreeMap<String, (u64, BTreeSet<String>)>;

/// Reads all logs; also how many error lines there are in all.
fn kinds(sight: &Sight<'_>) -> (Kinds, u64) {
    let mut kinds = Kinds::new();
    let mut total = 0;
    for stream in &sight.input.streams {
        let Ok(reader) = stream.open() else { continue };
        let mut reader = Reader::new(reader, stream.origin.clone(), Options::default());
        loop {
            match reader.next() {
                Ok(Some(record)) if record.level >= Some(Level::Error) => {
                    total += 1;
                    let mut kind = kind(&record);
                    if kinds.len() >= limits::ERROR_KINDS && !kinds.contains_key(&kind) {
                        kind = OTHERS.to_owned();
                    }
                    let entry = kinds.entry(kind).or_default();
                    entry.0 += 1;
                    entry.1.insert(record.origin.pod.to_string());
                }
                Ok(Some(_)) => {}
                Ok(None) => break,
                Err(error) => {
                    sight
                        .input
                        .add_gap(stream.name.clone(), format!("reading stopped: {error}"));
                    break;
                }
            }
        }
    }
    (kinds, total)
}

/// The message with everything that differs from line to line taken out. Long words go too: they
/// are names and keys.
fn kind(record: &Record<'_>) -> String {
    let field = |name: &str| {
        record
            .field(name)
            .map(|v| String::from_utf8_lossy(v).into_owned())
    };
    let text = match (field("msg"), field("err").or_else(|| field("error"))) {
        (Some(msg), Some(err)) => format!("{msg}: {err}"),
        (Some(one), None) | (None, Some(one)) => one,
        (None, None) => String::from_utf8_lossy(record.body).into_owned(),
    };
    let mut kind = String::new();
    for word in text.split_whitespace() {
        let mark = |c: char| c.is_ascii_digit() || matches!(c, '/' | '@' | '=');
        let word = if word.contains(mark) || word.len() > 24 {
            "…"
        } else {
            word
        };
        if !(word == "…" && kind.ends_with('…')) {
            if !kind.is_empty() {
                kind.push(' ');
            }
            kind.push_str(word);
        }
        if kind.len() > TEXT_BYTES {
            kind.truncate(kind.floor_char_boundary(TEXT_BYTES));
            break;
        }
    }
    kind
}
