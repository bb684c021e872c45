//! logfmt: `key=value key="quoted \"value\"" key`.

use std::borrow::Cow;

use logos::{Lexer, Logos};
use memchr::{memchr, memchr2};

use super::{Level, Parsed, Time, Times};
use crate::record::{Fields, Issue, Issues};

/// A usual line has fewer fields than this.
const USUAL_FIELDS: usize = 16;

/// Longest key that is believed to be one at the start of a line.
const LONGEST_KEY: usize = 64;

/// Keys that only logfmt writers use; one of them in the middle of a line whose head is missing or
/// foreign shows that the rest is logfmt.
const SURE_KEYS: [&[u8]; 8] = [
    b" level=",
    b" caller=",
    b" msg=\"",
    b" err=\"",
    b" ts=",
    b" error=\"",
    b"\tlevel=",
    b"\tmsg=\"",
];

/// What stands where a key may begin.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(utf8 = false)]
enum Key {
    #[regex(b"[ \\t\\r\\n]+")]
    Blank,
    /// With its `=`.
    #[regex(b"[^ \\t\\r\\n=\"]+=")]
    Key,
    /// A key without a value, or a stray word.
    #[regex(b"[^ \\t\\r\\n=\"]+", priority = 1)]
    Word,
    /// What no key holds.
    #[regex(b"[=\"]")]
    Odd,
}

/// What stands behind `key=`.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(utf8 = false)]
enum Value {
    /// An empty value.
    #[regex(b"[ \\t\\r\\n]+")]
    Blank,
    #[regex(b"[^ \\t\\r\\n\"][^ \\t\\r\\n]*")]
    Bare,
    #[token(b"\"", quoted)]
    Quoted(Quoted),
}

/// How a quoted value went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quoted {
    closed: bool,
    escaped: bool,
}

/// Moves past the closing quote; both bytes that matter are looked for at once.
fn quoted(lexer: &mut Lexer<'_, Value>) -> Quoted {
    let rest = lexer.remainder();
    let (len, quoted) = scan_quoted(rest);
    lexer.bump(len);
    quoted
}

/// Length of what follows an opening quote, its closing quote included.
fn scan_quoted(rest: &[u8]) -> (usize, Quoted) {
    let mut at = 0;
    let mut escaped = false;
    while let Some(found) = memchr2(b'"', b'\\', &rest[at..]) {
        at += found;
        if rest[at] == b'"' {
            let closed = true;
            return (at + 1, Quoted { closed, escaped });
        }
        escaped = true;
        at = (at + 2).min(rest.len());
    }
    let closed = false;
    (rest.len(), Quoted { closed, escaped })
}

/// It begins with `key=`, as logfmt does. A lone `=` is a line whose head was cut off.
pub(super) fn starts(body: &[u8]) -> bool {
    let head = &body[..body.len().min(LONGEST_KEY)];
    match memchr(b'=', head) {
        None => false,
        Some(0) => holds(body),
        Some(at) => is_key(&body[..at]),
    }
}

fn is_key(key: &[u8]) -> bool {
    let first = key[0].is_ascii_alphabetic() || matches!(key[0], b'_' | b'@');
    first && key.iter().all(|byte| is_key_byte(*byte))
}

fn is_key_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'@' | b'.' | b'-' | b'/')
}

/// A sure key stands somewhere in it.
pub(super) fn holds(body: &[u8]) -> bool {
    memchr::memchr_iter(b'=', body).any(|at| {
        let to = (at + 2).min(body.len());
        SURE_KEYS
            .iter()
            .any(|key| body[..to].ends_with(key) || body[..=at].ends_with(key))
    })
}

/// Level and time, from as few pairs as it takes.
pub(super) fn peek(body: &[u8], times: &mut Times) -> (Option<Level>, Option<Time>) {
    let (mut level, mut time) = (None, None);
    let mut at = 0;
    while let Some(equals) = body.get(at..).and_then(|rest| memchr(b'=', rest)) {
        let pair = &body[at..at + equals];
        // Stray words before the key belong to no pair.
        let key = pair
            .rsplit(|byte| byte.is_ascii_whitespace())
            .next()
            .unwrap_or(pair);
        let value_at = at + equals + 1;
        let (value, end) = peek_value(body, value_at);
        match key {
            b"level" | b"lvl" | b"severity" if level.is_none() => level = Level::parse(value),
            b"ts" | b"time" | b"timestamp" | b"@timestamp" | b"t" if time.is_none() => {
                time = times.value(value);
            }
            _ => {}
        }
        if level.is_some() && time.is_some() {
            break;
        }
        at = end;
    }
    (level, time)
}

/// The value at a place, raw, and where the next pair may begin.
fn peek_value(body: &[u8], at: usize) -> (&[u8], usize) {
    let rest = &body[at..];
    if let [b'"', quoted @ ..] = rest {
        let (len, how) = scan_quoted(quoted);
        return (&quoted[..len - usize::from(how.closed)], at + 1 + len);
    }
    let len = memchr2(b' ', b'\t', rest).unwrap_or(rest.len());
    (&rest[..len], at + len)
}

/// All fields.
pub(super) fn parse(body: &[u8]) -> Parsed<'_> {
    let mut parsed = Parsed {
        fields: Fields::with_capacity(USUAL_FIELDS),
        issues: Issues::default(),
    };
    let mut keys = Key::lexer(body);
    while let Some(token) = keys.next() {
        if parsed.fields.is_full() {
            parsed.issues.add(Issue::TooManyFields);
            break;
        }
        match token {
            Ok(Key::Blank) => {}
            Ok(Key::Word) => parsed.fields.push(keys.slice(), &b""[..]),
            Ok(Key::Odd) | Err(()) => parsed.issues.add(Issue::OddKey),
            Ok(Key::Key) => {
                let key = keys.slice();
                let mut values = keys.morph::<Value>();
                let value = value(&mut values, &mut parsed.issues);
                parsed.fields.push(&key[..key.len() - 1], value);
                keys = values.morph();
            }
        }
    }
    parsed
}

fn value<'a>(lexer: &mut Lexer<'a, Value>, issues: &mut Issues) -> Cow<'a, [u8]> {
    match lexer.next() {
        None | Some(Ok(Value::Blank) | Err(())) => Cow::Borrowed(b""),
        Some(Ok(Value::Bare)) => Cow::Borrowed(lexer.slice()),
        Some(Ok(Value::Quoted(Quoted { closed, escaped }))) => {
            let raw = &lexer.slice()[1..];
            let raw = &raw[..raw.len() - usize::from(closed)];
            if !closed {
                issues.add(Issue::UnclosedQuote);
            }
            if escaped {
                Cow::Owned(unescape(raw, issues))
            } else {
                Cow::Borrowed(raw)
            }
        }
    }
}

/// Decodes `\"`, `\\`, `\n`, `\r`, `\t`, `\xXX` and `\uXXXX`; keeps the bytes of any other escape.
fn unescape(raw: &[u8], issues: &mut Issues) -> Vec<u8> {
    let mut plain = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr(b'\\', rest) {
        plain.extend_from_slice(&rest[..at]);
        rest = &rest[at..];
        let len = escape(rest, &mut plain).unwrap_or_else(|| {
            issues.add(Issue::BadEscape);
            plain.push(b'\\');
            1
        });
        rest = &rest[len..];
    }
    plain.extend_from_slice(rest);
    plain
}

/// Decodes the escape that `text` begins with; how many bytes it took.
fn escape(text: &[u8], plain: &mut Vec<u8>) -> Option<usize> {
    let byte = match text.get(1)? {
        byte @ (b'"' | b'\\' | b'/' | b'\'') => *byte,
        b'n' => b'\n',
        b'r' => b'\r',
        b't' => b'\t',
        b'a' => 7,
        b'b' => 8,
        b'v' => 11,
        b'f' => 12,
        b'x' => {
            let code = hex(text.get(2..4)?)?;
            plain.push(u8::try_from(code).ok()?);
            return Some(4);
        }
        b'u' => {
            let mut code = hex(text.get(2..6)?)?;
            let mut len = 6;
            // The second half of a surrogate pair.
            if (0xd800..0xdc00).contains(&code) && text.get(6..8) == Some(br"\u") {
                let low = hex(text.get(8..12)?)?
                    .checked_sub(0xdc00)
                    .filter(|low| *low < 0x400)?;
                code = 0x1_0000 + ((code - 0xd800) << 10) + low;
                len = 12;
            }
            let mut utf8 = [0; 4];
            plain.extend_from_slice(char::from_u32(code)?.encode_utf8(&mut utf8).as_bytes());
            return Some(len);
        }
        _ => return None,
    };
    plain.push(byte);
    Some(2)
}

fn hex(text: &[u8]) -> Option<u32> {
    text.iter().try_fold(0, |sum, byte| {
        let digit = char::from(*byte).to_digit(16)?;
        Some(sum * 16 + digit)
    })
}
