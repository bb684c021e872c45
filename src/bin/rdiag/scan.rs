//! `rdiag scan | merge | infer`: the engine in three steps, for many machines.

use std::fs::File;
use std::io::{self, IsTerminal, Write};
use std::path::PathBuf;
use std::time::Duration;

use clap::Args;

use crate::args::{Common, Diagnose, Output};
use crate::diagnose::{self, chain};
use crate::output::Failure;
use crate::{remote, store};
use rdiag::bundle::Part;
use rdiag::engine::{Engine, Options};
use rdiag::redact::Redactor;
use rdiag::summary::{Shard, Summaries, SummaryError};

/// Arguments of `scan`.
#[derive(Args, Clone, Debug)]
#[command(after_help = "Examples:\n  \
    rdiag scan --part 3/16 ./bundle -o 3.rdiag      the fourth of sixteen machines\n  \
    rdiag merge *.rdiag | rdiag infer               in any order, any number of times")]
pub(crate) struct ScanArgs {
    #[command(flatten)]
    diagnose: Diagnose,
    /// Only the files whose turn it is: the INDEX-th (from 0) of OF machines that are given the same paths
    #[arg(long, value_name = "INDEX/OF", value_parser = part, env = "RDIAG_PART")]
    part: Option<Part>,
    /// Name of this shard: a scan done again under the same name replaces the first [default: by content]
    #[arg(long, value_name = "ID", env = "RDIAG_SHARD")]
    shard: Option<String>,
}

/// Arguments of `merge`.
#[derive(Args, Clone, Debug)]
pub(crate) struct MergeArgs {
    /// Summaries; `-` is standard input
    #[arg(value_name = "SUMMARY", required = true)]
    summaries: Vec<PathBuf>,
}

/// Arguments of `infer`.
#[derive(Args, Clone, Debug)]
pub(crate) struct InferArgs {
    /// Summaries; `-` is standard input, which is also read when none is named
    #[arg(value_name = "SUMMARY")]
    summaries: Vec<PathBuf>,
    /// Thanos version of pods whose own cannot be known
    #[arg(long, value_name = "VERSION")]
    thanos_version: Option<String>,
    /// Wait until this many summaries are in the object store
    #[arg(long, value_name = "N", default_value_t = 1, env = "RDIAG_EXPECT")]
    expect: usize,
    /// How long to wait for them
    #[arg(long, value_name = "DURATION", default_value = "0", value_parser = crate::collect::duration, env = "RDIAG_WAIT")]
    wait: Duration,
}

pub(crate) fn run(common: &Common, args: &ScanArgs) -> Result<bool, Failure> {
    let engine = diagnose::engine(common)?;
    let part = args.part.unwrap_or_default();
    let (input, _scratch) = store::gather(common, &args.diagnose, part)?;
    let options = Options {
        threads: args.diagnose.threads,
        thanos_version: None,
    };
    let mut ledger = engine
        .scan(&input, &options)
        .map_err(|e| Failure::Job(chain(&e)))?;
    if !common.no_redact {
        ledger.edit_samples(&mut without_secrets);
    }
    let shard = Shard {
        id: args.shard.clone(),
        pieces: input.pieces(&engine.wants_metric()),
        ledger,
    };
    let bytes = shard.encode(engine.pack())?;
    write(common, &mut |out| out.write_all(&bytes))?;
    Ok(false)
}

pub(crate) fn merge(common: &Common, args: &MergeArgs) -> Result<bool, Failure> {
    let summaries = open(&args.summaries, 1, Duration::ZERO)?;
    write(common, &mut |out| summaries.join(out))?;
    Ok(false)
}

pub(crate) fn infer(common: &Common, args: &InferArgs) -> Result<bool, Failure> {
    let engine = diagnose::engine(common)?;
    let options = Options {
        threads: 1,
        thanos_version: diagnose::parse_version(args.thanos_version.as_deref())?,
    };
    let summaries = open(&args.summaries, args.expect, args.wait)?;
    let (ledger, input) = folded(&engine, &summaries)?;
    let mut analysis = engine.infer(&input, ledger, &options);
    diagnose::print(common, &input, &mut analysis)
}

/// All shards of the summaries, put together.
pub(crate) fn folded(
    engine: &Engine,
    summaries: &Summaries,
) -> Result<(rdiag::evidence::Ledger, rdiag::bundle::Input), Failure> {
    summaries
        .fold(engine.pack())
        .map_err(|error| failure(&error))
}

/// Summaries at these paths; with none, the one on standard input. In object stores it waits until there
/// are as many as are expected.
fn open(paths: &[PathBuf], expected: usize, wait: Duration) -> Result<Summaries, Failure> {
    let none = paths.is_empty();
    if none && io::stdin().is_terminal() {
        return Err(Failure::Job(
            "nothing to read. Name summaries that `rdiag scan` or `rdiag merge` wrote, or pipe them in"
                .to_owned(),
        ));
    }
    let stdin = none.then(|| PathBuf::from("-"));
    let mut files = Vec::new();
    // Open files outlive the folder they are in.
    let scratch = tempfile::tempdir()
        .map_err(|e| Failure::Job(format!("could not make a temporary folder: {e}")))?;
    let mut near: Vec<PathBuf> = Vec::new();
    for path in paths.iter().chain(&stdin) {
        if remote::is_remote(path) {
            let place = remote::Remote::open(path)?;
            let folder = scratch.path().join(near.len().to_string());
            let coming = place.summaries(&folder, expected, wait);
            near.extend(crate::collect::runtime()?.block_on(coming)?);
        } else {
            near.push(path.clone());
        }
    }
    for path in &near {
        let file = if path.as_os_str() == "-" {
            spooled()
        } else {
            File::open(path)
        };
        let attempt = |e| Failure::Job(format!("could not open {}: {e}", path.display()));
        files.push((path.clone(), file.map_err(attempt)?));
    }
    Summaries::open(files).map_err(|error| failure(&error))
}

/// Standard input, in a file that can be read again.
fn spooled() -> io::Result<File> {
    let mut file = tempfile::tempfile()?;
    io::copy(&mut io::stdin().lock(), &mut file)?;
    io::Seek::rewind(&mut file)?;
    Ok(file)
}

fn failure(error: &SummaryError) -> Failure {
    match error {
        SummaryError::Pack { .. } => Failure::Usage(chain(error)),
        _ => Failure::Job(chain(error)),
    }
}

/// Writes to `-o PATH`, whole or not at all, or to standard output.
fn write(
    common: &Common,
    with: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> Result<(), Failure> {
    if let Output::File(path) = common.output
        && remote::is_remote(path)
    {
        let mut bytes = Vec::new();
        with(&mut bytes)?;
        let place = remote::Remote::open(path)?;
        return crate::collect::runtime()?.block_on(place.put(bytes));
    }
    let Output::File(path) = common.output else {
        if io::stdout().is_terminal() {
            return Err(Failure::Usage(
                "a summary is no text for a terminal: give -o FILE, or pipe it on".to_owned(),
            ));
        }
        let mut out = io::stdout().lock();
        with(&mut out)?;
        out.flush()?;
        return Ok(());
    };
    let attempt = |e: io::Error| Failure::Job(format!("could not write {}: {e}", path.display()));
    crate::whole::write(path, 0o600, with).map_err(attempt)
}

fn without_secrets(line: &mut Vec<u8>) {
    let mut redactor = Redactor::default();
    let text = String::from_utf8_lossy(line);
    let kept: Vec<_> = text.split('\n').map(|l| redactor.line(l)).collect();
    if kept.iter().any(|l| matches!(l, std::borrow::Cow::Owned(_))) {
        *line = kept.join("\n").into_bytes();
    }
}

/// `3/16`.
fn part(text: &str) -> Result<Part, String> {
    let found = text.split_once('/').and_then(|(number, of)| {
        let part = Part {
            number: number.parse().ok()?,
            of: of.parse().ok()?,
        };
        (part.number < part.of).then_some(part)
    });
    found.ok_or_else(|| "write it INDEX/OF, INDEX from 0: 3/16".to_owned())
}
