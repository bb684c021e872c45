//! `rdiag [diagnose] [PATH|-]...`: everything that was left behind → one report.

use std::io::{self, IsTerminal, Read};
use std::path::{Path, PathBuf};
use std::sync::Arc;

use crate::args::{Common, Diagnose, Output};
use crate::output::{self, Failure};
use crate::store;
use crate::trap;
use rdiag::bundle::{Input, Part};
use rdiag::engine::{Analysis, Engine, Options};
use rdiag::pack::{Pack, Version};
use rdiag::report;
use rdiag::report::model::{Member, Report};

/// What to do when there is nothing to read.
const NOTHING: &str = "nothing to read. Pipe logs in, or name files, folders, archives or bundles:\n  \
    kubectl logs -n NAMESPACE -l app=thanos-receive --prefix --timestamps --tail=-1 --max-log-requests=50 | rdiag\n  \
    rdiag PATH...";

pub(crate) fn run(common: &Common, args: &Diagnose) -> Result<bool, Failure> {
    let engine = engine(common)?;
    let (input, _scratch) = store::gather(common, args, Part::default())?;
    let input = input.finish();
    let mut analysis = engine
        .run(&input, &options(args)?)
        .map_err(|e| Failure::Job(chain(&e)))?;
    if args.status {
        output::redact(common, &mut analysis.report);
        return status(common, &analysis.report);
    }
    print(common, &input, &mut analysis)
}

/// Prints what was found; `true` when there is something to act on.
pub(crate) fn print(
    common: &Common,
    input: &Input,
    analysis: &mut Analysis,
) -> Result<bool, Failure> {
    let piped = input.streams.iter().any(|stream| stream.name == "stdin");
    if let Some(gap) = trap::of_selector_defaults(&analysis.report).filter(|_| piped) {
        anstream::eprintln!("rdiag: not seen: {}: {}", gap.what, gap.why);
        analysis.report.coverage.gaps.insert(0, gap);
    }
    output::redact(common, &mut analysis.report);
    recognised(input, &analysis.report)?;
    let rendered = report::render(
        &analysis.report,
        output::format(common.output),
        output::style(common),
    );
    output::print(rendered.as_bytes())?;
    Ok(!analysis.report.healthy)
}

/// Nothing is known of input that holds no line of a log: that is no answer, least of all "healthy".
fn recognised(input: &Input, report: &Report) -> Result<(), Failure> {
    let Some(gap) = report.unrecognised() else {
        return Ok(());
    };
    let found = input.gaps();
    let all = &report.coverage.gaps;
    let unread = all
        .iter()
        .filter(|g| found.iter().any(|f| f.what == g.what));
    let unread: String = unread
        .map(|g| format!("\n  {}: {}", g.what, g.why))
        .collect();
    Err(Failure::Job(format!(
        "nothing in the input was recognised: {}{unread}",
        gap.why
    )))
}

/// Prints how each receiver is; `true` when one is not ready.
fn status(common: &Common, report: &Report) -> Result<bool, Failure> {
    let receivers: Vec<&Member> = report
        .members
        .iter()
        .filter(|m| m.role == "receiver")
        .collect();
    let list = serde_json::json!({ "schema": "rdiag/status/v1", "receivers": receivers });
    let text = match common.output {
        Output::Text => report::status(report, output::style(common)),
        Output::Json => format!("{list:#}\n"),
        Output::Yaml => serde_saphyr::to_string(&list)
            .map_err(|e| Failure::Job(format!("writing YAML: {e}")))?,
        _ => {
            return Err(Failure::Usage(
                "--status knows -o text, json and yaml".to_owned(),
            ));
        }
    };
    output::print(text.as_bytes())?;
    let not_ready = |m: &&Member| m.facts.iter().any(|(k, v)| k == "ready" && v == "no");
    Ok(receivers.iter().any(not_ready))
}

/// Everything the engine finds out about what is at one path.
pub(crate) fn analyse_path(common: &Common, path: &Path) -> Result<Analysis, Failure> {
    let input = open(&[path.to_owned()])?;
    engine(common)?
        .run(&input, &Options::default())
        .map_err(|e| Failure::Job(chain(&e)))
}

/// Reads everything and says what is wrong, without printing it.
pub(crate) fn analyse(common: &Common, args: &Diagnose) -> Result<Analysis, Failure> {
    let (options, engine) = (options(args)?, engine(common)?);
    let (input, _scratch) = store::gather(common, args, Part::default())?;
    let input = input.finish();
    engine
        .run(&input, &options)
        .map_err(|e| Failure::Job(chain(&e)))
}

pub(crate) fn options(args: &Diagnose) -> Result<Options, Failure> {
    Ok(Options {
        threads: args.threads,
        thanos_version: version(args)?,
    })
}

pub(crate) fn engine(common: &Common) -> Result<Engine, Failure> {
    Ok(Engine::new(Arc::new(pack(common)?)))
}

/// The embedded pack, with the user's on top.
pub(crate) fn pack(common: &Common) -> Result<Pack, Failure> {
    let problems = |found: Vec<rdiag::pack::Problem>| {
        let text: Vec<String> = found.iter().map(ToString::to_string).collect();
        Failure::Usage(format!("the patterns do not load:\n{}", text.join("\n")))
    };
    match &common.patterns {
        None => Pack::embedded().map_err(problems),
        Some(dir) => Pack::with_overlay(yaml_files(dir)?).map_err(problems),
    }
}

/// All YAML files below `dir`, by their path in it.
pub(crate) fn yaml_files(dir: &Path) -> Result<Vec<(String, Vec<u8>)>, Failure> {
    let mut found = Vec::new();
    let mut queue = vec![dir.to_owned()];
    while let Some(folder) = queue.pop() {
        let attempt =
            |e| Failure::Usage(format!("reading patterns from {}: {e}", folder.display()));
        for entry in std::fs::read_dir(&folder).map_err(attempt)? {
            let path = entry.map_err(attempt)?.path();
            if path.is_dir() {
                queue.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml" || e == "yml") {
                let bytes = std::fs::read(&path).map_err(attempt)?;
                let name = path.strip_prefix(dir).unwrap_or(&path);
                found.push((name.to_string_lossy().into_owned(), bytes));
            }
        }
    }
    found.sort();
    Ok(found)
}

fn version(args: &Diagnose) -> Result<Option<Version>, Failure> {
    parse_version(args.thanos_version.as_deref())
}

/// The version given, if one was.
pub(crate) fn parse_version(text: Option<&str>) -> Result<Option<Version>, Failure> {
    let Some(text) = text else {
        return Ok(None);
    };
    Version::parse(text).map(Some).ok_or_else(|| {
        Failure::Usage(format!(
            "--thanos-version {text}: not a version; write it like 0.38.0"
        ))
    })
}

/// The paths, or standard input when it is a pipe or asked for with `-`.
pub(crate) fn open(paths: &[PathBuf]) -> Result<Input, Failure> {
    gather(paths, Part::default()).map(Input::finish)
}

/// The same, as far as it belongs to `part`, not put together yet.
pub(crate) fn gather(paths: &[PathBuf], part: Part) -> Result<Input, Failure> {
    let input = gather_any(paths, part)?;
    // One part of many may well be empty.
    if part == Part::default() && input.is_empty() {
        let gaps = input.gaps();
        let why: Vec<String> = gaps
            .iter()
            .map(|g| format!("  {}: {}", g.what, g.why))
            .collect();
        let detail = if why.is_empty() {
            String::new()
        } else {
            format!("\nfound, but not read:\n{}", why.join("\n"))
        };
        return Err(Failure::Job(format!("{NOTHING}{detail}")));
    }
    Ok(input)
}

/// The same, be it nothing: a bundle may hold no more than its gaps where the logs lie elsewhere.
pub(crate) fn gather_any(paths: &[PathBuf], part: Part) -> Result<Input, Failure> {
    let piped = paths.is_empty() && !io::stdin().is_terminal();
    let stdin: Option<Box<dyn Read + Send>> = (piped || paths.iter().any(|p| p.as_os_str() == "-"))
        .then(|| Box::new(io::stdin()) as Box<dyn Read + Send>);
    if paths.is_empty() && stdin.is_none() {
        return Err(Failure::Job(NOTHING.to_owned()));
    }
    Input::gather(paths, stdin, part).map_err(|e| Failure::Job(chain(&e)))
}

/// An error with all its sources, on one line.
pub(crate) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}
