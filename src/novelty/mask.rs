//! Line → form: what varies becomes `<*>`. One scan, no regex, a pure function of the line.

use super::VARIABLE;
use crate::limits;

/// The last step of the ladder.
pub(super) const LAST: u8 = 3;

/// What parts words, beside space.
const SEPARATORS: &[u8] = b"=:,;()[]{}\"'|<>";

/// Words that are part of a date.
const CALENDAR: &[&str] = &[
    "Mon", "Tue", "Wed", "Thu", "Fri", "Sat", "Sun", "Jan", "Feb", "Mar", "Apr", "Jun", "Jul",
    "Aug", "Sep", "Oct", "Nov", "Dec",
];

/// The form of a text at the first step.
pub(super) fn mask(text: &[u8]) -> String {
    let text = &text[..text.len().min(limits::NOVEL_TEXT_BYTES)];
    let text = String::from_utf8_lossy(text);
    let mut out = String::with_capacity(text.len());
    let mut previous = "";
    for word in text.split_ascii_whitespace() {
        if !out.is_empty() {
            out.push(' ');
        }
        if names_what_follows(previous) && !word.is_empty() {
            push_variable(&mut out);
        } else {
            push_word(&mut out, word);
        }
        previous = word;
    }
    collapse(&out)
}

/// A form at a further step of the ladder, made of the form at the step before.
pub(super) fn step(form: &str, step: u8) -> String {
    match step {
        1 => collapse(&without_mixed(form)),
        2 => ends(form, 8, 4),
        _ => ends(form, 3, 0),
    }
}

/// The pieces of a form: words, separators and [`VARIABLE`], each with whether space stands before.
pub(super) fn pieces(form: &str) -> Vec<(&str, bool)> {
    let bytes = form.as_bytes();
    // Words of a message have six letters or so.
    let mut found = Vec::with_capacity(form.len() / 6 + 1);
    let (mut at, mut spaced) = (0, false);
    while at < bytes.len() {
        if bytes[at] == b' ' {
            spaced = true;
            at += 1;
            continue;
        }
        let length = if bytes[at] == b'<' && form[at..].starts_with(VARIABLE) {
            VARIABLE.len()
        } else if is_separator(bytes[at]) {
            1
        } else {
            let rest = &bytes[at..];
            let end = (0..rest.len()).find(|i| rest[*i] == b' ' || is_separator(rest[*i]));
            end.unwrap_or(rest.len())
        };
        found.push((&form[at..at + length], spaced));
        spaced = false;
        at += length;
    }
    found
}

/// A word of the language of the program, not a sign and not a value.
pub(super) fn is_constant(piece: &str) -> bool {
    piece != VARIABLE && !(piece.len() == 1 && is_separator(piece.as_bytes()[0]))
}

/// Puts pieces together again.
pub(super) fn join<'p>(pieces: impl IntoIterator<Item = (&'p str, bool)>) -> String {
    let pieces = pieces.into_iter();
    let mut out = String::with_capacity(8 * pieces.size_hint().0);
    for (piece, spaced) in pieces {
        if spaced && !out.is_empty() {
            out.push(' ');
        }
        out.push_str(piece);
    }
    out
}

fn is_separator(b: u8) -> bool {
    SEPARATORS.contains(&b)
}

/// The word after these is a name, whatever it looks like.
fn names_what_follows(word: &str) -> bool {
    matches!(word, "user" | "tenant" | "tenant:" | "pod" | "bucket")
}

fn push_word(out: &mut String, word: &str) {
    let bytes = word.as_bytes();
    let start = bytes.iter().take_while(|b| is_separator(**b)).count();
    let end = bytes.len()
        - bytes[start..]
            .iter()
            .rev()
            .take_while(|b| is_separator(**b) || **b == b'.')
            .count();
    let core = &word[start..end.max(start)];
    out.push_str(&word[..start]);
    if is_value(core) {
        push_variable(out);
    } else {
        push_pieces(out, core);
    }
    out.push_str(&word[end.max(start)..]);
}

/// The whole word is one value: a URL, path, address, id or host.
fn is_value(word: &str) -> bool {
    let bytes = word.as_bytes();
    if word.contains("://")
        || (bytes.first() == Some(&b'/') && bytes.len() > 1)
        || word.starts_with("0x")
    {
        return true;
    }
    if CALENDAR.contains(&word) {
        return true;
    }
    let slashes = bytes.iter().filter(|b| **b == b'/').count();
    let digits = bytes.iter().any(u8::is_ascii_digit);
    if slashes >= 1 && (digits || slashes >= 2) && !word.contains('=') {
        return true;
    }
    let (host, port) = word.rsplit_once(':').unwrap_or((word, ""));
    let name = !host.is_empty()
        && host.bytes().all(|b| {
            b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_' | b':' | b'[' | b']')
        });
    if name && !port.is_empty() && port.bytes().all(|b| b.is_ascii_digit()) {
        return true;
    }
    let dots = bytes.iter().filter(|b| **b == b'.').count();
    dots >= 2
        && bytes
            .iter()
            .all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-'))
}

/// A word cut at separators; any piece with a digit is a value.
fn push_pieces(out: &mut String, word: &str) {
    let mut rest = word;
    while !rest.is_empty() {
        let length = rest.bytes().take_while(|b| !is_separator(*b)).count();
        let (piece, more) = rest.split_at(length);
        if piece.bytes().any(|b| b.is_ascii_digit()) {
            push_variable(out);
        } else {
            out.push_str(piece);
        }
        let separators = more.bytes().take_while(|b| is_separator(*b)).count();
        out.push_str(&more[..separators]);
        rest = &more[separators..];
    }
}

fn push_variable(out: &mut String) {
    out.push_str(VARIABLE);
}

/// Values next to each other, or in a row with one and the same sign between them, are one.
fn collapse(form: &str) -> String {
    let mut kept: Vec<(&str, bool)> = Vec::new();
    for (piece, spaced) in pieces(form) {
        if piece == VARIABLE {
            let n = kept.len();
            if n >= 1 && kept[n - 1].0 == VARIABLE {
                continue;
            }
            if n >= 2
                && !is_constant(kept[n - 1].0)
                && kept[n - 2].0 == VARIABLE
                && ",:=;|".contains(kept[n - 1].0)
            {
                kept.pop();
                continue;
            }
        }
        kept.push((piece, spaced));
    }
    join(kept)
}

/// Also masks long words of mixed case, and what stands in quotes.
fn without_mixed(form: &str) -> String {
    let mut quote = false;
    let mut kept = Vec::new();
    for (piece, spaced) in pieces(form) {
        if piece == "\"" {
            quote = !quote;
            kept.push((piece, spaced));
            continue;
        }
        let lower = piece.bytes().any(|b| b.is_ascii_lowercase());
        let upper = piece.bytes().any(|b| b.is_ascii_uppercase());
        let masked = quote || is_constant(piece) && piece.len() > 12 && lower && upper;
        kept.push((if masked { VARIABLE } else { piece }, spaced));
    }
    join(kept)
}

/// Only the first and the last constant words.
fn ends(form: &str, first: usize, last: usize) -> String {
    let words: Vec<&str> = pieces(form)
        .into_iter()
        .map(|(p, _)| p)
        .filter(|p| is_constant(p))
        .collect();
    if words.len() <= first + last {
        return words.join(" ");
    }
    let mut kept = words[..first].to_vec();
    kept.push(VARIABLE);
    kept.extend(&words[words.len() - last..]);
    kept.join(" ")
}
