//! What a line says, once its frame is off: which format it is in, its level and time at a glance,
//! its fields when they are wanted.

use super::{Fields, Issues, Level, Time, Times};

mod dump;
mod json;
mod logfmt;
mod text;

pub(super) use dump::{continues, starts_dump};
pub use logfmt::logfmt_value;

#[cfg(test)]
mod tests;

/// How a body is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// `key=value key="quoted value"`.
    Logfmt,
    /// One JSON object.
    Json,
    /// `I0102 15:04:05.000000 1 file.go:12] text`.
    Klog,
    /// Go's standard logger: `2006/01/02 15:04:05 text`.
    Stdlog,
    /// Zap's console encoder (OpenTelemetry collector): level, caller, text and a JSON object.
    Console,
    /// A panic, a fatal error of the Go runtime or a goroutine dump, folded.
    Dump,
    /// Anything else; the whole line is the field `msg`.
    Plain,
}

/// What can be said of a body without tokenising all of it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Peek {
    /// How it is written.
    pub format: Format,
    /// Level as the writer gave it.
    pub level: Option<Level>,
    /// Time as the writer gave it.
    pub time: Option<Time>,
}

/// A body's fields and what was odd about them.
#[derive(Debug, Default)]
pub(super) struct Parsed<'a> {
    pub(super) fields: Fields<'a>,
    pub(super) issues: Issues,
}

/// Looks at a body: its format from the first bytes, its level and time from as few more as will
/// do. No allocation.
pub fn peek(body: &[u8], times: &mut Times) -> Peek {
    let format = classify(body);
    let (level, time) = match format {
        Format::Logfmt => logfmt::peek(body, times),
        Format::Json => json::peek(body, times),
        Format::Klog => text::peek_klog(body, times),
        Format::Stdlog => text::peek_stdlog(body, times),
        Format::Console => (text::console_level(body), None),
        Format::Dump => (Some(Level::Fatal), None),
        Format::Plain => (text::marked_level(body), None),
    };
    Peek {
        format,
        level,
        time,
    }
}

/// How a body is written, from its first bytes.
pub(super) fn classify(body: &[u8]) -> Format {
    match body.first() {
        None => Format::Plain,
        Some(b'{') if json::looks_like(body) => Format::Json,
        Some(b'0'..=b'9') if text::is_stdlog(body) => Format::Stdlog,
        Some(b'I' | b'W' | b'E' | b'F') if text::is_klog(body) => Format::Klog,
        _ if logfmt::starts(body) => Format::Logfmt,
        _ if starts_dump(body) => Format::Dump,
        _ if text::is_console(body) => Format::Console,
        _ if logfmt::holds(body) => Format::Logfmt,
        _ => Format::Plain,
    }
}

/// It begins as only a record of its own does; plain text does not.
pub(super) fn begins(body: &[u8]) -> bool {
    match body.first() {
        None => false,
        Some(b'{') => json::looks_like(body),
        Some(b'0'..=b'9') => text::is_stdlog(body),
        Some(b'I' | b'W' | b'E' | b'F') if text::is_klog(body) => true,
        _ => logfmt::starts(body) || starts_dump(body) || text::is_console(body),
    }
}

/// The fields of a JSON object, whatever is wrong with it.
pub(super) fn parse_json(body: &[u8]) -> Fields<'_> {
    let mut parsed = Parsed::default();
    json::parse(body, &mut parsed);
    parsed.fields
}

/// Takes a body apart. Never fails: what cannot be read is an issue, or plain text.
pub(super) fn parse(format: Format, body: &[u8]) -> Parsed<'_> {
    let mut parsed = Parsed::default();
    match format {
        Format::Logfmt => parsed = logfmt::parse(body),
        Format::Json => json::parse(body, &mut parsed),
        Format::Klog => text::parse_klog(body, &mut parsed),
        Format::Stdlog => text::parse_stdlog(body, &mut parsed),
        Format::Console => text::parse_console(body, &mut parsed),
        Format::Dump => dump::parse(body, &mut parsed),
        Format::Plain => parsed.fields.push(&b"msg"[..], body),
    }
    parsed
}
