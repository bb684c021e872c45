//! `rdiag cluster`: one look at a cluster, and what is wrong with it.

use std::fs;
use std::io::Write as _;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::Args;

use crate::anew;
use crate::args::{Common, Diagnose, Output};
use crate::collect::{self, AccessArgs, TargetArgs};
use crate::diagnose;
use crate::output::{self, Failure};
use rdiag::collect::Lives;
use rdiag::engine::Analysis;
use rdiag::report;

/// Arguments of `cluster`.
#[derive(Args, Clone, Debug)]
pub(crate) struct ClusterArgs {
    #[command(flatten)]
    access: AccessArgs,
    #[command(flatten)]
    target: TargetArgs,
    #[command(flatten)]
    store: crate::store::StoreArgs,
    /// Only how each receiver is, one line each, without a look at the logs: readiness, restarts,
    /// version, series, rates, memory of its limit, disk, hash of the ring it has loaded, age of the
    /// last upload. Exit 1 when one is not ready
    #[arg(long)]
    status: bool,
    /// Threads; 0 means one per core
    #[arg(long, default_value_t = 0, env = "RDIAG_THREADS")]
    threads: usize,
    /// Thanos version of pods whose own cannot be known
    #[arg(long, value_name = "VERSION")]
    thanos_version: Option<String>,
    /// Keep what was collected, as .tar.zst files in this folder
    #[arg(long, value_name = "DIR", env = "RDIAG_BUNDLE_DIR")]
    bundle_dir: Option<PathBuf>,
    /// How many of them to keep
    #[arg(
        long,
        value_name = "N",
        default_value_t = 10,
        env = "RDIAG_BUNDLES_KEPT"
    )]
    bundles_kept: usize,
    /// Before the report, print it as one line of JSON: for logs that machines read
    #[arg(long, env = "RDIAG_JSON_LINE")]
    json_line: bool,
    /// Write one line about the result to this file: in a pod, /dev/termination-log
    #[arg(long, value_name = "FILE", env = "RDIAG_TERMINATION_LOG")]
    termination_log: Option<PathBuf>,
    /// File with the URL to post the report to, as JSON, when there is an incident
    #[arg(long, value_name = "FILE", env = "RDIAG_WEBHOOK_URL_FILE")]
    webhook_url_file: Option<PathBuf>,
    /// File with the URL of a Slack webhook to post to when there is an incident
    #[arg(long, value_name = "FILE", env = "RDIAG_SLACK_URL_FILE")]
    slack_url_file: Option<PathBuf>,
}

/// `rdiag cluster`.
pub(crate) fn run(common: &Common, args: &ClusterArgs) -> Result<bool, Failure> {
    let (path, _scratch) = match anew::collected() {
        Some(collected) => collected,
        None => {
            let (path, scratch) = look(common, args)?;
            anew::begin(path, scratch)
        }
    };
    let what = Diagnose {
        paths: vec![path],
        threads: args.threads,
        thanos_version: args.thanos_version.clone(),
        status: args.status,
        ..Diagnose::default()
    };
    if args.status {
        return diagnose::run(common, &what);
    }
    let mut analysis = diagnose::analyse(common, &what)?;
    let mut shown = analysis.report.clone();
    output::redact(common, &mut shown);
    output::redact_sent(common, &mut analysis.report);
    if let Some(dir) = &args.bundle_dir {
        prune(dir, args.bundles_kept.max(1))?;
    }
    if args.json_line {
        output::print(json_line(&analysis)?.as_bytes())?;
    }
    let rendered = report::render(&shown, output::format(common.output), output::style(common));
    output::print(rendered.as_bytes())?;
    let found = !analysis.report.healthy;
    if let Some(file) = &args.termination_log {
        // Nothing hangs on it: where it cannot be written the log still tells.
        let _ = fs::write(file, summary(&analysis));
    }
    if found {
        collect::one_look()?.block_on(post(args, &analysis))?;
    }
    Ok(found)
}

/// Collects: the bundle, and the folder that what is written in between goes with.
fn look(common: &Common, args: &ClusterArgs) -> Result<(PathBuf, tempfile::TempDir), Failure> {
    let scratch = tempfile::Builder::new().prefix(anew::SCRATCH).tempdir();
    let scratch =
        scratch.map_err(|e| Failure::Job(format!("could not make a temporary folder: {e}")))?;
    let path = match &args.bundle_dir {
        Some(dir) => dir.join(bundle_name()),
        None => scratch.path().join("bundle"),
    };
    let mut target = args.target.target();
    if args.status {
        target.lives = Lives::Neither;
    }
    // What is not kept goes nowhere but into this report, which is redacted by itself.
    let pass = args.bundle_dir.as_ref().and_then(|_| collect::pass(common));
    let store = args.store.store(common)?;
    collect::one_look()?.block_on(collect::with_store(
        &args.access,
        &target,
        &path,
        pass,
        store,
    ))?;
    Ok((path, scratch))
}

/// The report as one line of JSON.
pub(crate) fn json_line(analysis: &Analysis) -> Result<String, Failure> {
    let text = report::render(
        &analysis.report,
        output::format(Output::Json),
        report::Style::default(),
    );
    let value: serde_json::Value =
        serde_json::from_str(&text).map_err(|e| Failure::Job(format!("writing JSON: {e}")))?;
    Ok(format!("{value}\n"))
}

/// The verdict and the cause in one line.
fn summary(analysis: &Analysis) -> String {
    let Some(incident) = analysis
        .report
        .incidents
        .iter()
        .find(|i| i.verdict != "benign")
    else {
        return "nothing to act on".to_owned();
    };
    let best = incident.hypotheses.iter().find(|h| h.role != "benign");
    let (cause, names) = best.map_or((String::new(), String::new()), |h| {
        let names: Vec<&str> = h.subjects.iter().map(|s| s.name.as_str()).take(5).collect();
        (
            format!(": {}", h.title),
            format!(" ({}: {})", h.cause, names.join(", ")),
        )
    });
    format!("{}{cause}{names}", incident.verdict)
}

/// `rdiag-20261123T041500Z.tar.zst`: sorts by time.
fn bundle_name() -> String {
    #[expect(
        clippy::disallowed_methods,
        reason = "the rim reads the clock, so that the core need not"
    )]
    let now = jiff::Timestamp::now();
    let stamp: String = now
        .to_string()
        .chars()
        .take(19)
        .filter(|c| !matches!(c, '-' | ':'))
        .collect();
    format!("{BUNDLE_PREFIX}{stamp}Z{BUNDLE_SUFFIX}")
}

const BUNDLE_PREFIX: &str = "rdiag-";
const BUNDLE_SUFFIX: &str = ".tar.zst";

/// Removes all but the newest bundles of ours.
fn prune(dir: &Path, kept: usize) -> Result<(), Failure> {
    let failed =
        |e: std::io::Error| Failure::Job(format!("clearing old bundles in {}: {e}", dir.display()));
    let mut ours = Vec::new();
    for entry in fs::read_dir(dir).map_err(failed)? {
        let name = entry
            .map_err(failed)?
            .file_name()
            .to_string_lossy()
            .into_owned();
        if name.starts_with(BUNDLE_PREFIX) && name.ends_with(BUNDLE_SUFFIX) {
            ours.push(name);
        }
    }
    ours.sort();
    let surplus = ours.len().saturating_sub(kept);
    for name in &ours[..surplus] {
        fs::remove_file(dir.join(name)).map_err(failed)?;
    }
    Ok(())
}

/// Tells those who asked to be told. That nobody could be told is said, and does not hide the answer.
async fn post(args: &ClusterArgs, analysis: &Analysis) -> Result<(), Failure> {
    let targets = [
        (&args.webhook_url_file, Output::Json),
        (&args.slack_url_file, Output::Slack),
    ];
    for (file, format) in targets {
        let Some(file) = file else { continue };
        let url = fs::read_to_string(file)
            .map_err(|e| Failure::Usage(format!("reading the URL from {}: {e}", file.display())))?;
        let body = report::render(
            &analysis.report,
            output::format(format),
            report::Style::default(),
        );
        if let Err(why) = send(url.trim(), body).await {
            // The URL is a credential: it is not repeated.
            let _ = writeln!(
                std::io::stderr(),
                "rdiag: could not post to the URL in {}: {why}",
                file.display()
            );
        }
    }
    Ok(())
}

async fn send(url: &str, body: String) -> Result<(), String> {
    let patient = || reqwest::Client::builder().timeout(Duration::from_secs(15));
    let client = rdiag::collect::web::client(patient).map_err(|e| e.without_url().to_string())?;
    let mut why = String::new();
    for attempt in 0..3u64 {
        tokio::time::sleep(Duration::from_secs(attempt * 2)).await;
        let request = client
            .post(url)
            .header("content-type", "application/json")
            .body(body.clone());
        match request.send().await {
            Ok(answer) if answer.status().is_success() => return Ok(()),
            Ok(answer) if answer.status().is_client_error() => {
                return Err(format!("it answered {}", answer.status()));
            }
            Ok(answer) => why = format!("it answered {}", answer.status()),
            Err(error) => why = diagnose::chain(&error.without_url()),
        }
    }
    Err(why)
}
