//! Secrets known by the name in front of them: `password=…`, `"secret_key": "…"`, `--token …`,
//! `Authorization: Bearer …`, `Cookie: …`.
//!
//! One pass from separator to separator. Names are looked at backwards over a bounded number of
//! bytes, values are passed over once when taken, so time is linear whatever the text nests.

use super::extent::{LOOK_BYTES, Value, bare_end, cut, is_name};
use super::{Span, value};

/// Longest name looked at, in bytes.
const NAME_BYTES: usize = 80;

/// Ends of names whose value is secret whatever it looks like. Lower case, without signs.
const STRONG: &[&str] = &[
    "password",
    "passwd",
    "passphrase",
    "passcode",
    "pwd",
    "secretkey",
    "secretaccesskey",
    "apikey",
    "accesskey",
    "accesskeyid",
    "accountkey",
    "sharedaccesskey",
    "privatekey",
    "privatekeyid",
    "encryptionkey",
    "signingkey",
    "masterkey",
    "routingkey",
    "servicekey",
    "integrationkey",
    "ssecustomerkey",
    "hmackey",
    "sharedkey",
    "authtoken",
    "accesstoken",
    "refreshtoken",
    "idtoken",
    "bearertoken",
    "sessiontoken",
    "securitytoken",
    "sastoken",
    "apitoken",
    "vaulttoken",
    "privatetoken",
    "clientsecret",
    "consumersecret",
    "appsecret",
    "apisecret",
    "sharedsecret",
    "sharedaccesssignature",
    "xamzsignature",
    "xamzcredential",
    "xgoogsignature",
    "xgoogcredential",
    "jsessionid",
    "phpsessid",
    "sessionid",
    "connect.sid",
    "basicauth",
    "userpass",
    "storagekey",
    "secretid",
    "bindpw",
    "dbpass",
    "signatureprovided",
];

/// Ends of names whose value is secret if it looks like one.
const WEAK: &[&str] = &[
    "token",
    "secret",
    "credential",
    "credentials",
    "signature",
    "sig",
    "auth",
    "pass",
    "sas",
];

/// Names that end like one of these but say where a listing goes on.
const NOT: &[&str] = &[
    "pagetoken",
    "nexttoken",
    "continuationtoken",
    "continuetoken",
    "marker",
    "synctoken",
    "compass",
    "bypass",
];

/// How the value of a name is told.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Name {
    /// Secret unless it stands in for one.
    Strong(&'static str),
    /// Secret if it looks random.
    Weak(&'static str),
    /// A scheme and credentials.
    Authorization,
    /// Pairs of names and values.
    Cookie,
    /// A string of pairs, or a URL.
    Connection,
}

/// Adds the secrets of `text` that a name stands before.
pub(super) fn find(text: &str, spans: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memchr2(b'=', b':', bytes.get(at..).unwrap_or_default()) {
        let separator = at + found;
        at = separator + 1;
        if let Some((range, kind)) = pair(text, separator) {
            at = at.max(range.end);
            spans.push((range, kind));
        }
    }
    flags(text, spans);
}

fn pair(text: &str, separator: usize) -> Option<Span> {
    let bytes = text.as_bytes();
    let start = name_start(bytes, separator)?;
    let name = text.get(start.0..start.1)?;
    let class = if name == "value" {
        listed(text, start.0)?
    } else {
        classify(name)?
    };
    // `:=`, `=>`, `==`, `://`
    let mut from = separator + 1;
    match bytes.get(from) {
        Some(b'=') if bytes[separator] == b'=' => return None,
        Some(b'=' | b'>') => from += 1,
        Some(b'/') if bytes.get(from + 1) == Some(&b'/') => return None,
        _ => {}
    }
    if bytes.get(from).is_some_and(|b| *b == b':') {
        return None;
    }
    let spaced = bytes.get(from).is_some_and(u8::is_ascii_whitespace);
    let value = Value::at(text, from);
    let prose = spaced && bytes[separator] == b':' && !start.2 && in_sentence(bytes, start.0, name);
    decide(text, class, &value, prose)
}

/// `name: DB_PASSWORD, value: …`, as Kubernetes lists the environment: what the name before says.
fn listed(text: &str, value: usize) -> Option<Name> {
    let near = &text[text.ceil_char_boundary(value.saturating_sub(NAME_BYTES * 2))..value];
    let (_, rest) = near.rsplit_once("name")?;
    let name = rest.trim_start_matches(|c: char| c.is_whitespace() || "\"'\\:=".contains(c));
    let name: &str = &name[..name.bytes().take_while(|b| is_name(*b)).count()];
    classify(name).filter(|class| matches!(class, Name::Strong(_) | Name::Weak(_)))
}

/// Start and end of the name before a separator, and whether it is quoted.
fn name_start(bytes: &[u8], separator: usize) -> Option<(usize, usize, bool)> {
    let mut end = separator;
    while end > 0 && separator - end < 4 && bytes[end - 1] == b' ' {
        end -= 1;
    }
    let mut quoted = false;
    if end > 0 && matches!(bytes[end - 1], b'"' | b'\'' | b'`') {
        quoted = true;
        end -= 1;
        while end > 0 && bytes[end - 1] == b'\\' && separator - end < 12 {
            end -= 1;
        }
    }
    let floor = end.saturating_sub(NAME_BYTES);
    let mut start = end;
    while start > floor && is_name(bytes[start - 1]) {
        start -= 1;
    }
    (start < end).then_some((start, end, quoted))
}

fn classify(name: &str) -> Option<Name> {
    let plain: String = name
        .chars()
        .filter(char::is_ascii_alphanumeric)
        .map(|c| c.to_ascii_lowercase())
        .collect();
    if NOT.iter().any(|n| plain.ends_with(n)) {
        return None;
    }
    if plain.ends_with("authorization") {
        return Some(Name::Authorization);
    }
    if plain == "cookie" || plain == "setcookie" || plain.ends_with("httpcookie") {
        return Some(Name::Cookie);
    }
    if plain.ends_with("connectionstring")
        || plain.ends_with("connstr")
        || plain.ends_with("dsn") && plain.len() <= 12
    {
        return Some(Name::Connection);
    }
    if let Some(kind) = STRONG.iter().find(|k| plain.ends_with(**k)) {
        let kind = match *kind {
            "password" | "passwd" | "passphrase" | "passcode" | "pwd" | "userpass" | "bindpw"
            | "dbpass" => "password",
            "jsessionid" | "phpsessid" | "sessionid" | "connect.sid" => "cookie",
            k if k.ends_with("token") => "token",
            k if k.ends_with("signature") || k.ends_with("signatureprovided") => "signature",
            _ => "key",
        };
        return Some(Name::Strong(kind));
    }
    // A word of its own, so that `monkeytoken` is one and `bypass` is not.
    let last = name.rsplit(['_', '-', '.']).next().unwrap_or(name);
    let last = last.to_ascii_lowercase();
    let weak = WEAK
        .iter()
        .find(|k| last == **k || (last.ends_with(*k) && k.len() >= 5))?;
    Some(Name::Weak(match *weak {
        "signature" | "sig" | "sas" => "signature",
        "pass" => "password",
        "token" => "token",
        _ => "key",
    }))
}

/// `wrong password: try again`: the name is one word and another word stands before it.
fn in_sentence(bytes: &[u8], start: usize, name: &str) -> bool {
    if name.contains(['_', '-', '.']) || name.bytes().skip(1).any(|b| b.is_ascii_uppercase()) {
        return false;
    }
    let before = bytes[..start]
        .iter()
        .rev()
        .take_while(|b| b.is_ascii_whitespace())
        .count();
    let last = start - before;
    let redacted = last > 0 && bytes[last - 1] == b']' && {
        let near = &bytes[last.saturating_sub(40)..last];
        memchr::memrchr(b'[', near).is_some_and(|at| near[at..].starts_with(b"[REDACTED"))
    };
    // The end of a line, as it is written in quotes.
    let line_end =
        last > 1 && bytes[last - 2] == b'\\' && matches!(bytes[last - 1], b'n' | b'r' | b't');
    before > 0 && last > 0 && !line_end && (bytes[last - 1].is_ascii_alphanumeric() || redacted)
}

fn decide(text: &str, class: Name, value: &Value, prose: bool) -> Option<Span> {
    let head = cut(text.get(value.range.clone())?, LOOK_BYTES);
    let all = || value.whole(text);
    match class {
        Name::Strong(kind) => {
            let secret = if prose {
                value::is_odd(head) && !value::stands_in(head)
            } else {
                let in_prose = value.spaced && !value.quoted && value::is_prose(head);
                !value::stands_in(head) && !in_prose
            };
            secret.then(|| (all(), kind))
        }
        Name::Weak(kind) => {
            let secret = if kind == "password" {
                value::is_odd(head) && !value::stands_in(head) && head.len() >= 6
            } else {
                value::looks_random(head) && !value::stands_in(head)
            };
            secret.then(|| (all(), kind))
        }
        Name::Authorization => authorization(text, value),
        Name::Cookie => {
            let first = cut(text.get(value.range.start..)?, LOOK_BYTES)
                .split(';')
                .next()?;
            let (name, set) = first.split_once('=')?;
            let secret = !first.starts_with("[REDACTED")
                && !name.trim().contains([' ', '"', '\''])
                && !value::stands_in(set);
            secret.then(|| (value.rest(text), "cookie"))
        }
        Name::Connection => {
            let head = if value.quoted {
                head
            } else {
                cut(text.get(value.range.start..)?, LOOK_BYTES)
            };
            let pairs = head.contains('=')
                || head.contains("://") && head.contains('@') && !head.contains(":xxxxx@");
            (pairs && !value::stands_in(head)).then(|| (value.rest(text), "connection-string"))
        }
    }
}

/// Schemes whose credentials are one word.
const ONE_WORD: &[&str] = &[
    "bearer",
    "basic",
    "token",
    "apikey",
    "negotiate",
    "ntlm",
    "key",
    "splunk",
    "dpop",
    "genie-key",
    "glsa",
    "jwt",
];

/// Schemes whose credentials are a list.
const LIST: &[&str] = &[
    "aws4-hmac-sha256",
    "aws4-hmac-sha256-payload",
    "digest",
    "sharedkey",
    "sharedkeylite",
    "aws",
    "goog1",
    "goog4-rsa-sha256",
    "hawk",
    "oauth",
];

fn authorization(text: &str, value: &Value) -> Option<Span> {
    let from = value.range.start;
    let end = if value.quoted {
        value.range.end
    } else {
        text.len()
    };
    let head = cut(text.get(from..end)?, LOOK_BYTES);
    let (scheme, credentials) = head.split_once(' ').unwrap_or((head, ""));
    let lower = scheme.to_ascii_lowercase();
    let credentials = credentials.trim_start();
    let first = credentials
        .split([' ', ',', ']', ')', '"', '\'', '\\', '`', '}'])
        .next()
        .unwrap_or_default();
    let length = scheme.len() + (head.len() - scheme.len() - credentials.len());
    if LIST.contains(&lower.as_str()) {
        // Its parts may be in quotes of their own: to the end of the header.
        let long = &text.as_bytes()[from..end];
        let stop = long.iter().enumerate().position(|(i, b)| match b {
            b'\n' | b'\'' | b']' => true,
            b'\\' => matches!(long.get(i + 1), Some(b'r' | b'n')),
            _ => false,
        });
        let stop = from + stop.unwrap_or(long.len());
        return credentials
            .contains(['=', ':'])
            .then_some((from..stop, "authorization"));
    }
    if ONE_WORD.contains(&lower.as_str()) {
        let odd = value::is_odd(first) || value::looks_random(first) || first.len() >= 16;
        let start = from + length;
        let secret = first.len() >= 6 && odd && !value::stands_in(first);
        return secret.then(|| (start..word_end(text, start), "authorization"));
    }
    let word = &text[from..word_end(text, from).min(from + head.len())];
    (value::looks_random(word) && !value::stands_in(word))
        .then(|| (from..word_end(text, from), "authorization"))
}

/// Where credentials of one word end.
fn word_end(text: &str, start: usize) -> usize {
    let ends = |b: &u8| b.is_ascii_whitespace() || b",;])}\"'`\\".contains(b);
    text.as_bytes()[start..]
        .iter()
        .position(ends)
        .map_or(text.len(), |n| start + n)
}

/// `--password hunter2`, and the same as two items of a list.
fn flags(text: &str, spans: &mut Vec<Span>) {
    let bytes = text.as_bytes();
    let mut at = 0;
    while let Some(found) = memchr::memmem::find(&bytes[at..], b"--") {
        let start = at + found + 2;
        let name = bytes[start..]
            .iter()
            .take(NAME_BYTES)
            .take_while(|b| is_name(**b))
            .count();
        at = start + name;
        let Some(Name::Strong(kind) | Name::Weak(kind)) = classify(&text[start..at]) else {
            continue;
        };
        let gap = bytes[at..]
            .iter()
            .take(8)
            .take_while(|b| matches!(b, b' ' | b'"' | b'\'' | b',' | b'\\'))
            .count();
        let parted = bytes[at..at + gap].iter().any(|b| matches!(b, b' ' | b','));
        let from = at + gap;
        let end = bare_end(text, from, usize::MAX);
        let word = cut(&text[from..end], LOOK_BYTES);
        let secret = parted
            && !word.starts_with('-')
            && !value::stands_in(word)
            && !value::is_prose(word)
            && (value::is_odd(word)
                || value::looks_random(word)
                || word.len() >= 6 && !prose_follows(&text[end..]));
        if secret {
            spans.push((from..end, kind));
            at = end;
        }
    }
}

/// Two more words of small letters: a sentence.
fn prose_follows(rest: &str) -> bool {
    let words = rest.split(' ').skip(1).take(2);
    words
        .filter(|w| {
            !w.is_empty()
                && w.bytes()
                    .all(|b| b.is_ascii_lowercase() || b == b'.' || b == b',')
        })
        .count()
        == 2
}
