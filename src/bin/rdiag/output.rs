//! Output, errors and exit codes.

use std::io::{self, IsTerminal, Write};

use clap::CommandFactory;

use crate::args::{Cli, Color, Common, Output};
use rdiag::report::model::Report;
use rdiag::report::{Format, Style};

/// Why the job could not be done.
#[derive(Debug, thiserror::Error)]
pub(crate) enum Failure {
    /// Wrong usage, configuration or pack: exit 2.
    #[error("{0}")]
    Usage(String),
    /// The job could not be done: exit 3.
    #[error("{0}")]
    Job(String),
    /// Whoever reads our output has gone; that is fine.
    #[error("closed pipe")]
    ClosedPipe,
    /// The command has said what is wrong; only the exit code is left.
    #[error("exit code {0}")]
    Said(u8),
}

impl Failure {
    pub(crate) fn code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Job(_) => 3,
            Self::ClosedPipe => 0,
            Self::Said(code) => *code,
        }
    }
}

impl From<io::Error> for Failure {
    fn from(error: io::Error) -> Self {
        if error.kind() == io::ErrorKind::BrokenPipe {
            Self::ClosedPipe
        } else {
            Self::Job(format!("writing the output: {error}"))
        }
    }
}

/// Writes all of it to standard output.
pub(crate) fn print(bytes: &[u8]) -> Result<(), Failure> {
    let mut out = io::stdout().lock();
    out.write_all(bytes)?;
    out.flush()?;
    Ok(())
}

/// Writes a JSON value, indented.
pub(crate) fn print_json(value: &serde_json::Value) -> Result<(), Failure> {
    let mut text = serde_json::to_string_pretty(value)
        .map_err(|e| Failure::Job(format!("writing JSON: {e}")))?;
    text.push('\n');
    print(text.as_bytes())
}

/// The format asked for.
pub(crate) fn format(output: Output) -> Format {
    match output {
        // Only `collect` takes a path, and prints no report.
        Output::Text | Output::File(_) => Format::Text,
        Output::Json => Format::Json,
        Output::Yaml => Format::Yaml,
        Output::Markdown => Format::Markdown,
        Output::Html => Format::Html,
        Output::Slack => Format::Slack,
        Output::Junit => Format::Junit,
    }
}

/// Takes credentials out of a report, unless it goes to a terminal.
pub(crate) fn redact(common: &Common, report: &mut Report) {
    let secrets = common.redact || !common.no_redact && !io::stdout().is_terminal();
    take_out(common, secrets, report);
}

/// Takes credentials out of a report that goes elsewhere than to standard output.
pub(crate) fn redact_sent(common: &Common, report: &mut Report) {
    take_out(common, !common.no_redact, report);
}

fn take_out(common: &Common, secrets: bool, report: &mut Report) {
    let options = rdiag::redact::Options {
        secrets,
        anonymize: common.anonymize,
    };
    rdiag::redact::Redactor::new(options).report(report);
}

/// Width and colours of the terminal in front of us.
pub(crate) fn style(common: &Common) -> Style {
    let terminal = io::stdout().is_terminal();
    let color = match common.color {
        Color::Always => true,
        Color::Never => false,
        Color::Auto => {
            let plain = std::env::var_os("NO_COLOR").is_some_and(|v| !v.is_empty())
                || std::env::var_os("TERM").is_some_and(|t| t == "dumb");
            let forced =
                std::env::var_os("CLICOLOR_FORCE").is_some_and(|v| v != "0" && !v.is_empty());
            forced || (terminal && !plain)
        }
    };
    let width = terminal.then(terminal_width).flatten().unwrap_or(80);
    Style {
        width,
        color,
        verbose: common.verbose,
    }
}

fn terminal_width() -> Option<usize> {
    if let Some(columns) = std::env::var("COLUMNS").ok().and_then(|c| c.parse().ok()) {
        return Some(columns);
    }
    terminal_size::terminal_size().map(|(w, _)| usize::from(w.0))
}

pub(crate) fn completions(shell: clap_complete::Shell) -> Result<(), Failure> {
    let mut out = Vec::new();
    clap_complete::generate(shell, &mut Cli::command(), "rdiag", &mut out);
    print(&out)
}

pub(crate) fn man() -> Result<(), Failure> {
    let mut out = Vec::new();
    clap_mangen::Man::new(Cli::command()).render(&mut out)?;
    print(&out)
}

pub(crate) fn version() -> Result<(), Failure> {
    let pack = rdiag::pack::Pack::embedded()
        .map_err(|_| Failure::Usage("the embedded patterns do not load".to_owned()))?;
    let text = format!(
        "rdiag {}\npack {} signatures, {} states, {} causes\n",
        env!("CARGO_PKG_VERSION"),
        pack.signatures.len(),
        pack.states.len(),
        pack.causes.len()
    );
    print(text.as_bytes())
}
