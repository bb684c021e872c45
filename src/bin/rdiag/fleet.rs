//! `rdiag fleet`: one line per ring, worst first.

use std::fs::{self, File};
use std::io::{self, BufReader, IsTerminal, Read as _};
use std::path::{Path, PathBuf};

use clap::Args;
use rayon::prelude::*;
use serde::Serialize;

use crate::args::{Common, Output};
use crate::diagnose::{self, chain};
use crate::output::{self, Failure};
use crate::scan;
use rdiag::bundle::Input;
use rdiag::engine::{Engine, Options};
use rdiag::report::model::{Incident, Report};
use rdiag::summary::Summaries;

/// Arguments of `fleet`.
#[derive(Args, Clone, Debug)]
#[command(
    after_help = "A PATH is a ring: a report (-o json), a summary (rdiag scan, rdiag merge) or a bundle. \
    A folder that is no bundle holds one ring per entry.\n\nExamples:\n  \
    rdiag fleet reports/              one report per ring\n  \
    rdiag fleet s/*.rdiag -o json     one summary per ring"
)]
pub(crate) struct FleetArgs {
    /// Rings, or folders of rings; reports may also be piped in, one JSON value after another
    #[arg(value_name = "PATH")]
    paths: Vec<PathBuf>,
    /// Only rings with something to act on
    #[arg(long)]
    sick: bool,
    /// Threads; 0 means one per core
    #[arg(long, default_value_t = 0, env = "RDIAG_THREADS")]
    threads: usize,
}

/// The answer as JSON.
#[derive(Serialize)]
struct Fleet {
    schema: &'static str,
    rings: Vec<Ring>,
}

/// One ring.
#[derive(Clone, Debug, Default, Serialize)]
struct Ring {
    name: String,
    healthy: bool,
    /// Of the worst incident, as in its report; `healthy`, or `unreadable`.
    verdict: String,
    severity: String,
    probability: f64,
    cause: String,
    title: String,
    subjects: Vec<String>,
    from: Option<String>,
    /// Incidents that are not benign.
    incidents: usize,
    /// Why it could not be read.
    #[serde(skip_serializing_if = "Option::is_none")]
    error: Option<String>,
}

pub(crate) fn run(common: &Common, args: &FleetArgs) -> Result<bool, Failure> {
    let mut rings = Vec::new();
    if args.paths.is_empty() {
        if io::stdin().is_terminal() {
            return Err(Failure::Job(
                "nothing to read. Name reports, summaries or bundles, or pipe reports in"
                    .to_owned(),
            ));
        }
        rings.extend(piped()?);
    }
    let mut places = Vec::new();
    for path in &args.paths {
        entries(path, &mut places)
            .map_err(|e| Failure::Job(format!("could not open {}: {e}", path.display())))?;
    }
    let engine = diagnose::engine(common)?;
    let pool = rayon::ThreadPoolBuilder::new().num_threads(args.threads);
    let pool = pool
        .build()
        .map_err(|e| Failure::Job(format!("could not start threads: {e}")))?;
    rings.extend(pool.install(|| {
        let each = places.par_iter().map(|path| ring(common, &engine, path));
        each.collect::<Vec<Ring>>()
    }));
    rings.sort_by(|a, b| {
        rank(b)
            .partial_cmp(&rank(a))
            .unwrap_or(std::cmp::Ordering::Equal)
    });
    let sick = rings.iter().any(|r| !r.healthy && r.error.is_none());
    let unreadable = rings.iter().any(|r| r.error.is_some());
    let all = rings.len();
    if args.sick {
        rings.retain(|r| !r.healthy);
    }
    print(common, rings, all)?;
    match (sick, unreadable) {
        (false, true) => Err(Failure::Said(3)),
        _ => Ok(sick),
    }
}

/// Order of badness; ties by name, from a to z.
fn rank(ring: &Ring) -> (bool, usize, usize, f64, std::cmp::Reverse<&str>) {
    let place = |word: &str, words: &[&str]| words.iter().position(|w| *w == word).unwrap_or(0);
    let verdicts = [
        "healthy",
        "benign",
        "unreadable",
        "cannot_tell",
        "possible",
        "likely",
        "confirmed",
    ];
    (
        !ring.healthy,
        place(
            &ring.severity,
            &["", "info", "warning", "error", "critical"],
        ),
        place(&ring.verdict, &verdicts),
        ring.probability,
        std::cmp::Reverse(&ring.name),
    )
}

/// The rings at `path`: itself, or one per entry of a folder that is no bundle.
fn entries(path: &Path, places: &mut Vec<PathBuf>) -> io::Result<()> {
    if !fs::metadata(path)?.is_dir() || is_bundle(path) {
        places.push(path.to_owned());
        return Ok(());
    }
    let mut below: Vec<PathBuf> = Vec::new();
    for entry in fs::read_dir(path)? {
        below.push(entry?.path());
    }
    below.retain(|p| !name_of(p).starts_with('.'));
    below.sort();
    places.append(&mut below);
    Ok(())
}

fn is_bundle(path: &Path) -> bool {
    ["manifest.json", "logs", "kubernetes", "metrics"]
        .iter()
        .any(|part| path.join(part).exists())
}

fn name_of(path: &Path) -> String {
    let name = path.file_name().unwrap_or(path.as_os_str());
    name.to_string_lossy().into_owned()
}

/// The line of one ring; what cannot be read is a line, too.
fn ring(common: &Common, engine: &Engine, path: &Path) -> Ring {
    let full = name_of(path);
    let ends = [".rdiag", ".json", ".tar.zst", ".tar.gz", ".tar"];
    let stem = ends.iter().find_map(|end| full.strip_suffix(end));
    let name = stem.unwrap_or(&full).to_owned();
    match report(common, engine, path) {
        Ok(report) => line(name, &report),
        Err(error) => Ring {
            name,
            verdict: "unreadable".to_owned(),
            title: error.to_string(),
            error: Some(error.to_string()),
            ..Ring::default()
        },
    }
}

fn report(common: &Common, engine: &Engine, path: &Path) -> Result<Report, Failure> {
    let attempt = |e: io::Error| Failure::Job(format!("could not open {}: {e}", path.display()));
    let options = Options {
        threads: 1,
        thanos_version: None,
    };
    if path.is_file() {
        let mut head = Vec::new();
        let file = File::open(path).map_err(attempt)?;
        (&file).take(4096).read_to_end(&mut head).map_err(attempt)?;
        if memchr::memmem::find(&head, b"rdiag/report/v1").is_some() {
            let file = BufReader::new(File::open(path).map_err(attempt)?);
            return serde_json::from_reader(file)
                .map_err(|e| Failure::Job(format!("{} is not a report: {e}", path.display())));
        }
        let opened = File::open(path).map_err(attempt)?;
        if let Ok(summaries) = Summaries::open(vec![(path.to_owned(), opened)]) {
            let (ledger, input) = scan::folded(engine, &summaries)?;
            return Ok(redacted(
                common,
                engine.infer(&input, ledger, &options).report,
            ));
        }
    }
    let input = Input::open(&[path.to_owned()], None).map_err(|e| Failure::Job(chain(&e)))?;
    if input.is_empty() {
        return Err(Failure::Job("there is nothing to read in it".to_owned()));
    }
    let analysis = engine
        .run(&input, &options)
        .map_err(|e| Failure::Job(chain(&e)))?;
    Ok(redacted(common, analysis.report))
}

fn redacted(common: &Common, mut report: Report) -> Report {
    output::redact(common, &mut report);
    report
}

/// Reports on standard input; a ring is called by its namespaces.
fn piped() -> Result<Vec<Ring>, Failure> {
    let stream = serde_json::Deserializer::from_reader(BufReader::new(io::stdin().lock()));
    let mut rings = Vec::new();
    for report in stream.into_iter::<Report>() {
        let report =
            report.map_err(|e| Failure::Job(format!("standard input holds no reports: {e}")))?;
        let name = match report.scope.namespaces.join(",") {
            empty if empty.is_empty() => format!("ring {}", rings.len() + 1),
            name => name,
        };
        rings.push(line(name, &report));
    }
    Ok(rings)
}

fn line(name: String, report: &Report) -> Ring {
    let acute = |i: &&Incident| i.verdict != "benign";
    let Some(worst) = report.incidents.iter().find(acute) else {
        let unread = report.unrecognised();
        let verdict = if unread.is_some() {
            "unreadable"
        } else {
            "healthy"
        };
        return Ring {
            name,
            healthy: report.healthy,
            verdict: verdict.to_owned(),
            error: unread.map(|gap| format!("nothing was recognised: {}", gap.why)),
            ..Ring::default()
        };
    };
    let best = worst.hypotheses.iter().find(|h| h.role != "benign");
    Ring {
        name,
        healthy: report.healthy,
        verdict: worst.verdict.clone(),
        severity: worst.severity.clone(),
        probability: best.map_or(0.0, |h| h.probability),
        cause: best.map(|h| h.cause.clone()).unwrap_or_default(),
        title: best.map(|h| h.title.clone()).unwrap_or_default(),
        subjects: best.map_or_else(Vec::new, |h| {
            h.subjects.iter().map(|s| s.name.clone()).collect()
        }),
        from: worst.from.clone(),
        incidents: report.incidents.iter().filter(acute).count(),
        error: None,
    }
}

fn print(common: &Common, rings: Vec<Ring>, all: usize) -> Result<(), Failure> {
    match common.output {
        Output::Json => {
            let fleet = Fleet {
                schema: "rdiag/fleet/v1",
                rings,
            };
            let value = serde_json::to_value(fleet)
                .map_err(|e| Failure::Job(format!("writing JSON: {e}")))?;
            output::print_json(&value)
        }
        Output::Text => output::print(table(&rings, all).as_bytes()),
        _ => Err(Failure::Usage("fleet prints -o text or json".to_owned())),
    }
}

fn table(rings: &[Ring], all: usize) -> String {
    let sick = rings
        .iter()
        .filter(|r| !r.healthy && r.error.is_none())
        .count();
    let unreadable = rings.iter().filter(|r| r.error.is_some()).count();
    let mut text = format!("{all} rings · {sick} with an incident");
    if unreadable > 0 {
        text.push_str(&format!(" · {unreadable} could not be read"));
    }
    text.push('\n');
    let mut rows = vec![
        [
            "RING", "VERDICT", "P", "SEVERITY", "SINCE", "CAUSE", "WHERE",
        ]
        .map(str::to_owned),
    ];
    rows.extend(rings.iter().map(row));
    let widths: Vec<usize> = (0..7)
        .map(|n| rows.iter().map(|r| r[n].chars().count()).max().unwrap_or(0))
        .collect();
    for row in rows {
        let mut line = String::new();
        for (cell, width) in row.iter().zip(&widths) {
            line.push_str(&format!("{cell:<width$}  "));
        }
        text.push_str(line.trim_end());
        text.push('\n');
    }
    text
}

fn row(ring: &Ring) -> [String; 7] {
    let safe = |text: &str| text.replace(|c: char| c.is_control(), "?");
    let since = ring.from.as_deref().unwrap_or_default();
    let more = match ring.incidents {
        0 | 1 => String::new(),
        n => format!(" (+{} more)", n - 1),
    };
    let place = match ring.subjects.as_slice() {
        [] => String::new(),
        [one] => one.clone(),
        [first, rest @ ..] => format!("{first} +{}", rest.len()),
    };
    let probability = if ring.probability > 0.0 {
        format!("{:.2}", ring.probability)
    } else {
        String::new()
    };
    let what = if ring.error.is_some() {
        &ring.title
    } else {
        &ring.cause
    };
    [
        safe(&ring.name),
        safe(&ring.verdict),
        probability,
        safe(&ring.severity),
        safe(&since.chars().take(19).collect::<String>()),
        safe(&format!("{what}{more}")),
        safe(&place),
    ]
}
