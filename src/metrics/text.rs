//! Prometheus text and OpenMetrics, line by line.

use std::borrow::Cow;
use std::io::{self, BufRead};

use crate::limits;

/// One sample of a scrape.
#[derive(Clone, Debug, PartialEq)]
pub struct Sample<'a> {
    /// Name of the metric.
    pub name: Cow<'a, str>,
    /// Labels in the order written, values unescaped.
    pub labels: Vec<(Cow<'a, str>, Cow<'a, str>)>,
    /// Value.
    pub value: f64,
    /// Its own time in milliseconds since the epoch, if it has one.
    pub time_ms: Option<i64>,
}

impl Sample<'_> {
    /// Value of a label.
    #[must_use]
    pub fn label(&self, name: &str) -> Option<&str> {
        let mut labels = self.labels.iter();
        labels.find(|(key, _)| key == name).map(|(_, v)| &**v)
    }
}

/// What a line of a scrape says.
#[derive(Clone, Debug, PartialEq)]
pub enum Line<'a> {
    /// Nothing: blank, help, unit or a comment.
    Nothing,
    /// `# TYPE name kind`.
    Type(&'a str, &'a str),
    /// `# EOF` of OpenMetrics.
    Eof,
    /// A sample.
    Sample(Sample<'a>),
    /// Not understood.
    Odd,
}

/// What was read of a scrape.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct TextStats {
    /// Bytes.
    pub bytes: u64,
    /// Lines that were samples.
    pub samples: u64,
    /// Lines not understood, or too long.
    pub unparsed: u64,
}

/// Hands every line of a scrape to `each`, with samples only of names that are `wanted`.
///
/// # Errors
/// Passes on errors of the reader; what came before was handed over.
pub fn read(
    mut reader: impl BufRead,
    wanted: &dyn Fn(&str) -> bool,
    each: &mut dyn FnMut(Line<'_>),
) -> io::Result<TextStats> {
    let mut stats = TextStats::default();
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = limits::METRIC_LINE_BYTES as u64;
        let n = io::Read::take(&mut reader, limit).read_until(b'\n', &mut line)?;
        stats.bytes += n as u64;
        if n == 0 {
            return Ok(stats);
        }
        if n as u64 == limit && line.last() != Some(&b'\n') {
            stats.unparsed += 1;
            stats.bytes += skip_line(&mut reader)?;
            continue;
        }
        if !quick_name(&line).is_none_or(wanted) {
            stats.samples += 1;
            continue;
        }
        let text = String::from_utf8_lossy(&line);
        let parsed = parse_line(text.trim_end_matches(['\n', '\r']));
        match &parsed {
            Line::Sample(_) => stats.samples += 1,
            Line::Odd => stats.unparsed += 1,
            Line::Nothing | Line::Type(..) | Line::Eof => {}
        }
        each(parsed);
    }
}

/// The bare name a sample line starts with, without parsing the rest; `None` for other lines.
pub(super) fn quick_name(line: &[u8]) -> Option<&str> {
    let end = line
        .iter()
        .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b':')))?;
    if end == 0 || !matches!(line[end], b'{' | b' ' | b'\t') {
        return None;
    }
    std::str::from_utf8(&line[..end]).ok()
}

pub(super) fn skip_line(reader: &mut impl BufRead) -> io::Result<u64> {
    let mut skipped = 0;
    loop {
        let chunk = reader.fill_buf()?;
        if chunk.is_empty() {
            return Ok(skipped);
        }
        let end = memchr::memchr(b'\n', chunk);
        let used = end.map_or(chunk.len(), |at| at + 1);
        reader.consume(used);
        skipped += used as u64;
        if end.is_some() {
            return Ok(skipped);
        }
    }
}

/// Reads one line, without its end.
#[must_use]
pub fn parse_line(line: &str) -> Line<'_> {
    let line = line.trim_start_matches([' ', '\t']);
    if line.is_empty() {
        return Line::Nothing;
    }
    if let Some(comment) = line.strip_prefix('#') {
        let mut words = comment.split_ascii_whitespace();
        return match (words.next(), words.next(), words.next()) {
            (Some("TYPE"), Some(name), Some(kind)) => Line::Type(name, kind),
            (Some("EOF"), None, _) => Line::Eof,
            _ => Line::Nothing,
        };
    }
    sample(line).map_or(Line::Odd, Line::Sample)
}

fn sample(line: &str) -> Option<Sample<'_>> {
    let mut name = None;
    let end = line
        .find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':')))
        .unwrap_or(line.len());
    if end > 0 {
        if line.as_bytes()[0].is_ascii_digit() {
            return None;
        }
        name = Some(Cow::Borrowed(&line[..end]));
    }
    let mut rest = line[end..].trim_start_matches([' ', '\t']);
    let mut labels = Vec::new();
    if let Some(inner) = rest.strip_prefix('{') {
        rest = label_set(inner, &mut name, &mut labels)?;
    } else if end == line.len() {
        return None;
    }
    // An exemplar follows ` # `; nothing of it is kept.
    let rest = rest.split(" # ").next().unwrap_or(rest);
    let mut words = rest.split_ascii_whitespace();
    let value = number(words.next()?)?;
    let time_ms = match words.next() {
        Some(word) => Some(timestamp(word)?),
        None => None,
    };
    if words.next().is_some() {
        return None;
    }
    Some(Sample {
        name: name?,
        labels,
        value,
        time_ms,
    })
}

/// Labels up to the closing brace; what follows it. A quoted word by itself is the metric's name.
fn label_set<'a>(
    mut rest: &'a str,
    name: &mut Option<Cow<'a, str>>,
    labels: &mut Vec<(Cow<'a, str>, Cow<'a, str>)>,
) -> Option<&'a str> {
    loop {
        rest = rest.trim_start_matches([' ', '\t', ',']);
        if let Some(after) = rest.strip_prefix('}') {
            return Some(after);
        }
        let key = if rest.starts_with('"') {
            let (key, after) = quoted(rest)?;
            rest = after;
            key
        } else {
            let end =
                rest.find(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '_' | ':')))?;
            let key = &rest[..end];
            rest = &rest[end..];
            Cow::Borrowed(key)
        };
        rest = rest.trim_start_matches([' ', '\t']);
        if let Some(after) = rest.strip_prefix('=') {
            let (value, after) = quoted(after.trim_start_matches([' ', '\t']))?;
            if key.is_empty() || labels.len() >= limits::METRIC_LABELS {
                return None;
            }
            labels.push((key, value));
            rest = after;
        } else if name.is_none() && !key.is_empty() {
            *name = Some(key);
        } else {
            return None;
        }
        if !rest.trim_start_matches([' ', '\t']).starts_with([',', '}']) {
            return None;
        }
    }
}

/// A quoted string, unescaped, and what follows it.
fn quoted(text: &str) -> Option<(Cow<'_, str>, &str)> {
    let inner = text.strip_prefix('"')?;
    let first = inner.find(['"', '\\'])?;
    if inner.as_bytes()[first] == b'"' {
        return Some((Cow::Borrowed(&inner[..first]), &inner[first + 1..]));
    }
    let mut value = String::from(&inner[..first]);
    let mut chars = inner[first..].char_indices();
    while let Some((at, c)) = chars.next() {
        match c {
            '"' => return Some((Cow::Owned(value), &inner[first + at + 1..])),
            '\\' => match chars.next()?.1 {
                'n' => value.push('\n'),
                // Anything else stands for itself, as in Prometheus's own parser for `\\` and `\"`.
                other => value.push(other),
            },
            other => value.push(other),
        }
    }
    None
}

/// A value: Go's notations of numbers, `NaN`, `+Inf`, `-Inf`.
fn number(word: &str) -> Option<f64> {
    match word {
        "NaN" | "nan" => Some(f64::NAN),
        "+Inf" | "Inf" | "inf" | "+inf" => Some(f64::INFINITY),
        "-Inf" | "-inf" => Some(f64::NEG_INFINITY),
        _ if word.bytes().any(|b| b.is_ascii_digit()) => word.parse().ok(),
        _ => None,
    }
}

/// Milliseconds: whole numbers are milliseconds (Prometheus text), others seconds (OpenMetrics).
/// Whole OpenMetrics seconds are told by their size.
fn timestamp(word: &str) -> Option<i64> {
    const YEAR_5138_IN_SECONDS: i64 = 100_000_000_000;
    if let Ok(whole) = word.parse::<i64>() {
        let is_seconds = whole.abs() < YEAR_5138_IN_SECONDS;
        return Some(if is_seconds {
            whole.saturating_mul(1000)
        } else {
            whole
        });
    }
    let seconds = number(word).filter(|s| s.is_finite())?;
    #[expect(
        clippy::cast_possible_truncation,
        reason = "a float becomes the nearest whole millisecond; too big ones saturate"
    )]
    Some((seconds * 1000.0).round() as i64)
}
