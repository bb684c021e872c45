//! A scrape without what nobody asks for, to be carried elsewhere and read there.

use std::io::{self, BufRead};

use super::series::{is_read, needs_kind};
use super::text::{Line, parse_line, quick_name, skip_line};
use crate::limits;

/// Appends to `out` the lines of a scrape that a [`super::Collector`] of the same `wanted` takes
/// anything from.
///
/// # Errors
/// Passes on errors of the reader; what came before was taken.
pub fn reduce(
    mut reader: impl BufRead,
    wanted: &dyn Fn(&str) -> bool,
    out: &mut Vec<u8>,
) -> io::Result<()> {
    let mut line = Vec::new();
    loop {
        line.clear();
        let limit = limits::METRIC_LINE_BYTES as u64;
        let n = io::Read::take(&mut reader, limit).read_until(b'\n', &mut line)?;
        if n == 0 {
            return Ok(());
        }
        if n as u64 == limit && line.last() != Some(&b'\n') {
            skip_line(&mut reader)?;
            continue;
        }
        let keep = match quick_name(&line) {
            Some(name) => is_read(wanted, name),
            None => matters(&line, wanted),
        };
        if keep {
            out.extend_from_slice(&line);
            if line.last() != Some(&b'\n') {
                out.push(b'\n');
            }
        }
    }
}

/// A line that does not start with a bare name: a type, or a name in quotes.
fn matters(line: &[u8], wanted: &dyn Fn(&str) -> bool) -> bool {
    let text = String::from_utf8_lossy(line);
    match parse_line(text.trim_end_matches(['\n', '\r'])) {
        Line::Type(name, _) => needs_kind(wanted, name),
        Line::Sample(sample) => is_read(wanted, &sample.name),
        Line::Nothing | Line::Eof | Line::Odd => false,
    }
}
