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

/// What a line is made of.
#[derive(Logos, Clone, Copy, Debug, PartialEq, Eq)]
#[logos(utf8 = false, skip b"[ \\t\\r\\n]+")]
enum Token {
    /// `key=` and what stands behind it.
    #[regex(b"[^ \\t\\r\\n=\"]+=", value)]
    Pair(Value),
    /// A key without a value, or a stray word.
    #[regex(b"[^ \\t\\r\\n=\"]+", priority = 1)]
    Word,
    /// What no key holds.
    #[regex(b"[=\"]")]
    Odd,
}

/// A value, raw.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Value {
    /// Length of the key in front, without its `=`.
    key: usize,
    /// How the quotes went, if it is quoted.
    quoted: Option<Quoted>,
}

/// How a quoted value went.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
struct Quoted {
    closed: bool,
    escaped: bool,
}

/// Moves past the value behind a key. Values are most of a line: their ends are looked for, not
/// come upon byte by byte.
fn value(lexer: &mut Lexer<'_, Token>) -> Value {
    let key = lexer.slice().len() - 1;
    let rest = lexer.remainder();
    if let [b'"', inside @ ..] = rest {
        let (len, quoted) = scan_quoted(inside);
        lexer.bump(1 + len);
        return Value {
            key,
            quoted: Some(quoted),
        };
    }
    lexer.bump(bare_len(rest));
    Value { key, quoted: None }
}

/// Length of a value without quotes.
fn bare_len(rest: &[u8]) -> usize {
    memchr2(b' ', b'\t', rest).unwrap_or(rest.len())
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
    let len = bare_len(rest);
    (&rest[..len], at + len)
}

/// All fields.
pub(super) fn parse(body: &[u8]) -> Parsed<'_> {
    let mut fields = Fields::with_capacity(USUAL_FIELDS);
    let mut issues = Issues::default();
    let mut tokens = Token::lexer(body);
    while let Some(token) = tokens.next() {
        if fields.is_full() {
            issues.add(Issue::TooManyFields);
            break;
        }
        match token {
            Ok(Token::Pair(value)) => {
                let (key, raw) = tokens.slice().split_at(value.key);
                fields.push(key, decode(&raw[1..], value.quoted, &mut issues));
            }
            Ok(Token::Word) => fields.push(tokens.slice(), &b""[..]),
            Ok(Token::Odd) | Err(()) => issues.add(Issue::OddKey),
        }
    }
    Parsed { fields, issues }
}

fn decode<'a>(raw: &'a [u8], quoted: Option<Quoted>, issues: &mut Issues) -> Cow<'a, [u8]> {
    let Some(Quoted { closed, escaped }) = quoted else {
        return Cow::Borrowed(raw);
    };
    if !closed {
        issues.add(Issue::UnclosedQuote);
    }
    let raw = &raw[1..raw.len() - usize::from(closed)];
    if escaped {
        Cow::Owned(unescape(raw, issues))
    } else {
        Cow::Borrowed(raw)
    }
}

/// Decodes one value as it stands behind its `=`.
#[must_use]
pub fn logfmt_value(raw: &[u8]) -> Cow<'_, [u8]> {
    match raw.strip_prefix(b"\"") {
        None => Cow::Borrowed(raw),
        Some(inside) => {
            let (_, quoted) = scan_quoted(inside);
            decode(raw, Some(quoted), &mut Issues::default())
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
