//! rdiag's own log, in logfmt: what it can read itself.

use std::fmt::{self, Write as _};

use tracing::field::{Field, Visit};
use tracing::{Event, Subscriber};
use tracing_subscriber::fmt::FmtContext;
use tracing_subscriber::fmt::format::{FormatEvent, FormatFields, Writer};
use tracing_subscriber::registry::LookupSpan;

use super::clock;
use crate::redact::Redactor;

/// Writes `ts=… level=… caller=… msg=… key=value…`.
#[derive(Clone, Copy, Debug, Default)]
pub struct Logfmt;

/// Logs to standard error from now on; `RUST_LOG` sets the level, `info` by default.
pub fn start() {
    let filter = tracing_subscriber::EnvFilter::try_from_default_env()
        .unwrap_or_else(|_| tracing_subscriber::EnvFilter::new("info"));
    // Started before, by a test in the same process: that one stays.
    let _ = tracing_subscriber::fmt()
        .with_env_filter(filter)
        .with_writer(std::io::stderr)
        .event_format(Logfmt)
        .try_init();
}

impl<S, N> FormatEvent<S, N> for Logfmt
where
    S: Subscriber + for<'a> LookupSpan<'a>,
    N: for<'a> FormatFields<'a> + 'static,
{
    fn format_event(
        &self,
        _: &FmtContext<'_, S, N>,
        mut writer: Writer<'_>,
        event: &Event<'_>,
    ) -> fmt::Result {
        let now = clock::now();
        let level = event.metadata().level().as_str().to_lowercase();
        let mut line = Line {
            message: String::new(),
            rest: String::new(),
        };
        event.record(&mut line);
        let mut redactor = Redactor::default();
        let time = clock::rfc3339(now).replace('Z', "");
        write!(
            writer,
            "ts={time}.{:03}Z level={level} caller={} msg=",
            now.rem_euclid(1000),
            event.metadata().target()
        )?;
        // This goes to a collector of logs, not to a terminal.
        writer.write_str(&redactor.line(&quoted(&line.message)))?;
        writer.write_str(&redactor.line(&line.rest))?;
        writer.write_char('\n')
    }
}

struct Line {
    message: String,
    rest: String,
}

impl Line {
    fn put(&mut self, field: &Field, value: &str) {
        if field.name() == "message" {
            value.clone_into(&mut self.message);
        } else {
            let _ = write!(self.rest, " {}={}", field.name(), quoted(value));
        }
    }
}

impl Visit for Line {
    fn record_debug(&mut self, field: &Field, value: &dyn fmt::Debug) {
        self.put(field, &format!("{value:?}"));
    }

    fn record_str(&mut self, field: &Field, value: &str) {
        self.put(field, value);
    }
}

/// A logfmt value: as it is when it is one plain word, otherwise in quotes. A line stays one line.
fn quoted(text: &str) -> String {
    let plain = |c: char| c.is_ascii_graphic() && !matches!(c, '"' | '=' | '\\');
    if !text.is_empty() && text.chars().all(plain) {
        return text.to_owned();
    }
    let mut out = String::with_capacity(text.len() + 2);
    out.push('"');
    for c in text.chars() {
        match c {
            '"' => out.push_str("\\\""),
            '\\' => out.push_str("\\\\"),
            '\n' => out.push_str("\\n"),
            '\t' => out.push_str("\\t"),
            c if crate::report::escape::is_hidden(c) => {
                let _ = write!(out, "\\u{:04x}", c as u32);
            }
            c => out.push(c),
        }
    }
    out.push('"');
    out
}

#[cfg(test)]
mod tests {
    use super::quoted;

    #[test]
    fn values() {
        for (text, expected) in [
            ("plain", "plain"),
            ("", "\"\""),
            ("two words", "\"two words\""),
            ("a=b", "\"a=b\""),
            ("say \"x\"\nlevel=error", "\"say \\\"x\\\"\\nlevel=error\""),
            ("\u{1b}[31m", "\"\\u001b[31m\""),
        ] {
            assert_eq!(quoted(text), expected);
        }
    }
}
