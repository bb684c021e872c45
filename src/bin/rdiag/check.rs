//! `rdiag check daily|weekly|monthly [BUNDLE]`: the runbook's checklists, on a bundle or live.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::ValueEnum;
use rdiag::bundle::Input;
use rdiag::checks::{self, Cadence, Checklist, Look, Options, Targets};
use rdiag::collect::Lives;
use rdiag::pack::Version;

use crate::args::{Common, Output};
use crate::collect::{self, AccessArgs, TargetArgs};
use crate::diagnose;
use crate::output::{self, Failure};

/// Arguments of `check`.
#[derive(clap::Args, Clone, Debug)]
pub(crate) struct Args {
    /// Checklist
    #[arg(value_enum, required_unless_present = "show_targets")]
    cadence: Option<CadenceArg>,
    /// Bundles, folders or archives; `-` is standard input [default: the cluster, if one is named
    /// or nothing is piped in]
    #[arg(value_name = "BUNDLE", conflicts_with = "live")]
    paths: Vec<PathBuf>,
    /// Look at the cluster, whatever is piped in
    #[arg(long)]
    live: bool,
    /// Targets that replace the built-in ones, one by one
    #[arg(long, value_name = "FILE", env = "RDIAG_TARGETS")]
    targets: Option<PathBuf>,
    /// Print the built-in targets and end
    #[arg(long)]
    show_targets: bool,
    /// The last check, as `-o json` printed it: what is new, what grew, and until when it lasts
    #[arg(long, value_name = "PREVIOUS.json")]
    against: Option<PathBuf>,
    /// Day of the last restore test, YYYY-MM-DD
    #[arg(long, value_name = "DATE")]
    last_restore_test: Option<String>,
    /// Thanos version of receivers whose own cannot be known
    #[arg(long, value_name = "VERSION")]
    thanos_version: Option<String>,
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    target: TargetArgs,
}

impl Args {
    /// Whether the cluster is looked at rather than a bundle.
    fn is_live(&self) -> bool {
        let named = self.access.is_given() || self.target.is_given();
        self.live || self.paths.is_empty() && (named || io::stdin().is_terminal())
    }
}

/// Checklists.
#[derive(Clone, Copy, Debug, ValueEnum)]
enum CadenceArg {
    /// Pods, writes, replication, hashring, TSDB, disk, memory, uploads
    Daily,
    /// Capacity, hashring settings, error lines, blocks, certificates
    Weekly,
    /// Version, right size, balance, restore test
    Monthly,
}

impl From<CadenceArg> for Cadence {
    fn from(arg: CadenceArg) -> Self {
        match arg {
            CadenceArg::Daily => Self::Daily,
            CadenceArg::Weekly => Self::Weekly,
            CadenceArg::Monthly => Self::Monthly,
        }
    }
}

/// Goes through the checklist; `true` when an item failed.
pub(crate) fn run(common: &Common, args: &Args) -> Result<bool, Failure> {
    let cadence = match args.cadence {
        Some(cadence) if !args.show_targets => cadence,
        _ => return output::print(checks::DEFAULTS.as_bytes()).map(|()| false),
    };
    let render = renderer(common)?;
    let targets = targets(args.targets.as_deref())?;
    let options = Options {
        against: args.against.as_deref().map(previous).transpose()?,
        thanos_version: version(args.thanos_version.as_deref())?,
        last_restore_test: day(args.last_restore_test.as_deref())?,
    };
    let collected = args.is_live().then(|| look(args, cadence)).transpose()?;
    let input: Input = match &collected {
        Some((_, bundle)) => diagnose::open(std::slice::from_ref(bundle))?,
        None => diagnose::open(&args.paths)?,
    };
    let list = checks::check(&input, cadence.into(), &targets, &options);
    output::print(render(&list).map_err(Failure::Job)?.as_bytes())?;
    Ok(list.failed())
}

/// How far back the weekly list reads logs.
const WEEK: Duration = Duration::from_secs(7 * 86_400);

/// One look at the cluster, as a bundle in a folder that goes with the first value.
fn look(args: &Args, cadence: CadenceArg) -> Result<(tempfile::TempDir, PathBuf), Failure> {
    let folder = tempfile::Builder::new().prefix("rdiag-").tempdir();
    let folder =
        folder.map_err(|e| Failure::Job(format!("could not make a temporary folder: {e}")))?;
    let mut target = args.target.target_since(WEEK);
    if !matches!(cadence, CadenceArg::Weekly) {
        // Only the weekly list reads lines.
        target.lives = Lives::Neither;
    }
    let bundle = folder.path().join("bundle");
    collect::runtime()?.block_on(collect::into(&args.access, &target, &bundle, None))?;
    Ok((folder, bundle))
}

/// Writes a checklist.
type Render = Box<dyn Fn(&Checklist) -> Result<String, String>>;

/// What writes the checklist in the format asked for.
fn renderer(common: &Common) -> Result<Render, Failure> {
    let style = output::style(common);
    let look = Look {
        width: style.width,
        color: style.color,
        verbose: common.verbose,
    };
    Ok(match common.output {
        Output::Text => Box::new(move |list| Ok(checks::text(list, &look))),
        Output::Json => Box::new(|list| Ok(checks::to_json(list))),
        Output::Yaml => Box::new(checks::to_yaml),
        Output::Markdown => Box::new(|list| Ok(checks::markdown(list))),
        Output::Junit => Box::new(|list| Ok(checks::junit(list))),
        Output::Html | Output::Slack | Output::File(_) => {
            return Err(Failure::Usage(
                "check knows -o text, json, yaml, markdown and junit".to_owned(),
            ));
        }
    })
}

fn targets(file: Option<&Path>) -> Result<Targets, Failure> {
    let Some(file) = file else {
        return Ok(Targets::default());
    };
    let shown = file.display();
    let text = std::fs::read_to_string(file)
        .map_err(|e| Failure::Usage(format!("--targets {shown}: {e}")))?;
    Targets::with(&text).map_err(|problems| {
        Failure::Usage(format!("--targets {shown}:\n  {}", problems.join("\n  ")))
    })
}

fn previous(file: &Path) -> Result<Checklist, Failure> {
    let shown = file.display();
    let mut text = String::new();
    let read = std::fs::File::open(file).and_then(|f| {
        f.take(rdiag::limits::CONFIG_BYTES)
            .read_to_string(&mut text)
    });
    read.map_err(|e: io::Error| Failure::Job(format!("--against {shown}: {e}")))?;
    checks::from_json(&text).map_err(|e| {
        Failure::Job(format!(
            "--against {shown}: not what `rdiag check -o json` prints: {e}"
        ))
    })
}

fn version(text: Option<&str>) -> Result<Option<Version>, Failure> {
    let Some(text) = text else { return Ok(None) };
    let wrong = || {
        Failure::Usage(format!(
            "--thanos-version {text}: not a version; write it like 0.38.0"
        ))
    };
    Version::parse(text).map(Some).ok_or_else(wrong)
}

fn day(text: Option<&str>) -> Result<Option<f64>, Failure> {
    let Some(text) = text else { return Ok(None) };
    checks::date(text).map(Some).ok_or_else(|| {
        Failure::Usage(format!(
            "--last-restore-test {text}: write it like 2026-10-01"
        ))
    })
}
