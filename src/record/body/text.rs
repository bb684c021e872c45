//! Lines for people that still have a head: klog, Go's standard logger, zap's console.

use memchr::memmem;

use super::{Format, Level, Parsed, Time, Times, classify, json, logfmt};

/// `I0102 15:04:05.000000`
pub(super) fn is_klog(body: &[u8]) -> bool {
    body.len() > 15
        && body[1..5].iter().all(u8::is_ascii_digit)
        && body[5] == b' '
        && body[8] == b':'
}

pub(super) fn peek_klog(body: &[u8], times: &mut Times) -> (Option<Level>, Option<Time>) {
    let level = match body[0] {
        b'I' => Level::Info,
        b'W' => Level::Warn,
        b'E' => Level::Error,
        _ => Level::Fatal,
    };
    let time = times.klog(&body[1..]).and_then(|(time, _)| time);
    (Some(level), time)
}

/// `I0102 15:04:05.000000   1 file.go:12] text` or, structured, `…] "text" key="value"`.
pub(super) fn parse_klog<'a>(body: &'a [u8], parsed: &mut Parsed<'a>) {
    let Some(end) = memmem::find(body, b"] ") else {
        parsed.fields.push(&b"msg"[..], body);
        return;
    };
    let (head, text) = (&body[..end], &body[end + 2..]);
    if let Some(caller) = head.rsplit(|byte| *byte == b' ').next() {
        parsed.fields.push(&b"caller"[..], caller);
    }
    let quoted = text.strip_prefix(b"\"").and_then(|rest| {
        let end = memmem::find(rest, b"\" ")?;
        Some((&rest[..end], &rest[end + 2..]))
    });
    let Some((msg, pairs)) = quoted else {
        parsed.fields.push(&b"msg"[..], text);
        return;
    };
    parsed.fields.push(&b"msg"[..], msg);
    append(parsed, logfmt::parse(pairs));
}

/// `2006/01/02 15:04:05` or `2006-01-02 15:04:05`
pub(super) fn is_stdlog(body: &[u8]) -> bool {
    body.len() > 19
        && matches!(body[4], b'/' | b'-')
        && body[7] == body[4]
        && body[10] == b' '
        && body[13] == b':'
        && body[16] == b':'
}

pub(super) fn peek_stdlog(body: &[u8], times: &mut Times) -> (Option<Level>, Option<Time>) {
    let Some((time, len)) = times.leading(body) else {
        return (None, None);
    };
    let rest = body[len..].trim_ascii_start();
    let level = match classify_rest(rest) {
        Format::Logfmt => logfmt::peek(rest, times).0,
        _ => marked_level(caller(rest).1),
    };
    (level, Some(time))
}

/// `2006/01/02 15:04:05 file.go:12: W! text`
pub(super) fn parse_stdlog<'a>(body: &'a [u8], parsed: &mut Parsed<'a>) {
    let len = Times::default().leading(body).map_or(0, |(_, len)| len);
    let rest = body[len..].trim_ascii_start();
    if len > 0 {
        parsed.fields.push(&b"time"[..], &body[..len]);
    }
    if classify_rest(rest) == Format::Logfmt {
        append(parsed, logfmt::parse(rest));
        return;
    }
    let (caller, rest) = caller(rest);
    if let Some(caller) = caller {
        parsed.fields.push(&b"caller"[..], caller);
    }
    let (mark, text) = mark(rest);
    if let Some(mark) = mark {
        parsed.fields.push(&b"level"[..], mark);
    }
    parsed.fields.push(&b"msg"[..], text);
}

/// What follows the date of the standard logger; a second date is text.
fn classify_rest(rest: &[u8]) -> Format {
    match classify(rest) {
        Format::Logfmt => Format::Logfmt,
        _ => Format::Plain,
    }
}

/// `file.go:12: text` → caller and text.
fn caller(text: &[u8]) -> (Option<&[u8]>, &[u8]) {
    let head = &text[..text.len().min(64)];
    let split = memmem::find(head, b".go:").and_then(|at| {
        let end = at + memmem::find(&head[at..], b": ")?;
        let words = memchr::memchr(b' ', &head[..end]).is_none();
        words.then_some(end)
    });
    match split {
        Some(end) => (Some(&text[..end]), text[end + 2..].trim_ascii_start()),
        None => (None, text),
    }
}

/// Level of a text that begins with `E! ` (Telegraf and its kin) or `[error] `.
pub(super) fn marked_level(text: &[u8]) -> Option<Level> {
    let word = mark(text).0?;
    Some(match word {
        b"D" => Level::Debug,
        b"I" => Level::Info,
        b"W" => Level::Warn,
        b"E" => Level::Error,
        word => return Level::parse(word),
    })
}

/// The mark without its signs, and the text behind it.
fn mark(text: &[u8]) -> (Option<&[u8]>, &[u8]) {
    if let [b'D' | b'I' | b'W' | b'E', b'!', b' ', rest @ ..] = text {
        return (Some(&text[..1]), rest);
    }
    let bracketed = text.strip_prefix(b"[").and_then(|rest| {
        let end = rest.iter().take(10).position(|byte| *byte == b']')?;
        Level::parse(rest[..end].trim_ascii())?;
        Some((rest[..end].trim_ascii(), rest[end + 1..].trim_ascii_start()))
    });
    match bracketed {
        Some((word, rest)) => (Some(word), rest),
        None => (None, text),
    }
}

/// The time was taken off as a frame; what is left begins with a level: `error⇥file.go:12⇥text⇥{…}`.
pub(super) fn is_console(body: &[u8]) -> bool {
    console_head(body).is_some()
}

pub(super) fn console_level(body: &[u8]) -> Option<Level> {
    console_head(body).and_then(|(word, _)| Level::parse(word))
}

fn console_head(body: &[u8]) -> Option<(&[u8], &[u8])> {
    let len = body
        .iter()
        .take(10)
        .position(|byte| !byte.is_ascii_alphabetic())?;
    let (word, rest) = (&body[..len], &body[len..]);
    Level::parse(word)?;
    let text = rest.trim_ascii_start();
    let blank = rest.len() > text.len();
    let sure = rest[0] == b'\t'
        || word.iter().all(u8::is_ascii_uppercase)
        || second_word(text).is_some_and(|word| memmem::find(word, b".go:").is_some());
    (blank && sure).then_some((word, text))
}

fn second_word(text: &[u8]) -> Option<&[u8]> {
    text.split(u8::is_ascii_whitespace).next()
}

pub(super) fn parse_console<'a>(body: &'a [u8], parsed: &mut Parsed<'a>) {
    let Some((level, mut text)) = console_head(body) else {
        parsed.fields.push(&b"msg"[..], body);
        return;
    };
    parsed.fields.push(&b"level"[..], level);
    if let Some(word) = second_word(text).filter(|word| memmem::find(word, b".go:").is_some()) {
        parsed.fields.push(&b"caller"[..], word);
        text = text[word.len()..].trim_ascii_start();
    }
    let object =
        memmem::find_iter(text, b"{\"").find(|at| *at > 0 && text[at - 1].is_ascii_whitespace());
    let Some(at) = object else {
        parsed.fields.push(&b"msg"[..], text);
        return;
    };
    parsed.fields.push(&b"msg"[..], text[..at].trim_ascii_end());
    json::parse(&text[at..], parsed);
}

fn append<'a>(parsed: &mut Parsed<'a>, more: Parsed<'a>) {
    for issue in more.issues.iter() {
        parsed.issues.add(issue);
    }
    parsed.fields.append(more.fields);
}
