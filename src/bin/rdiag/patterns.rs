//! `rdiag patterns` and `rdiag explain`: what rdiag knows.

use std::fmt::Write as _;
use std::path::Path;

use crate::args::{Common, Explain, New, Output, Patterns, PatternsCommand};
use crate::diagnose::{pack, yaml_files};
use crate::output::{self, Failure};
use rdiag::audit::{self, Grade};
use rdiag::matcher::Matcher;
use rdiag::novelty::{self, Template};
use rdiag::pack::{Pack, manual};
use rdiag::record::Source;

pub(crate) fn run(common: &Common, args: &Patterns) -> Result<bool, Failure> {
    match &args.command {
        PatternsCommand::List => list(common).map(|()| false),
        PatternsCommand::Show(args) => show(common, args).map(|()| false),
        PatternsCommand::Check => check(common),
        PatternsCommand::New(args) => new(common, args).map(|()| false),
        PatternsCommand::Docs { dir } => docs(common, dir).map(|()| false),
    }
}

/// The manual page of a signature, state or cause.
pub(crate) fn explain(common: &Common, args: &Explain) -> Result<bool, Failure> {
    let pack = pack(common)?;
    let width = output::style(common).width;
    match manual::explain(&pack, &args.id, width) {
        Some(page) => output::print(page.as_bytes()).map(|()| false),
        None => Err(unknown(&pack, &args.id)),
    }
}

fn unknown(pack: &Pack, id: &str) -> Failure {
    let near = manual::suggest(pack, id);
    let hint = if near.is_empty() {
        "`rdiag patterns list` shows all".to_owned()
    } else {
        format!("did you mean {}?", near.join(", "))
    };
    Failure::Usage(format!(
        "no signature, state or cause is called {id}; {hint}"
    ))
}

fn list(common: &Common) -> Result<(), Failure> {
    let rows = manual::list(&pack(common)?);
    if matches!(common.output, Output::Json) {
        let rows: Vec<serde_json::Value> = rows
            .iter()
            .map(|r| serde_json::json!({"kind": r.kind, "id": r.id, "title": r.title}))
            .collect();
        return output::print_json(&serde_json::Value::Array(rows));
    }
    let widest = rows.iter().map(|r| r.id.len()).max().unwrap_or(0);
    let mut text = String::new();
    for row in rows {
        let _ = writeln!(text, "{:<10} {:<widest$}  {}", row.kind, row.id, row.title);
    }
    output::print(text.as_bytes())
}

/// The file itself, as it was loaded.
fn show(common: &Common, args: &Explain) -> Result<(), Failure> {
    let overlay = common
        .patterns
        .as_deref()
        .map(yaml_files)
        .transpose()?
        .unwrap_or_default();
    let name = format!(
        "{}.yaml",
        args.id
            .trim_start_matches("state/")
            .trim_start_matches("cause/")
    );
    let wanted = |path: &str| {
        let path = path.trim_start_matches("patterns/");
        path == format!("signatures/{name}")
            || path == format!("states/{name}")
            || path == format!("causes/{name}")
    };
    if let Some((_, bytes)) = overlay.iter().find(|(path, _)| wanted(path)) {
        return output::print(bytes);
    }
    let embedded = Pack::embedded_files();
    match embedded.iter().find(|(path, _)| wanted(path)) {
        Some((_, bytes)) => output::print(bytes),
        None => Err(unknown(&pack(common)?, &args.id)),
    }
}

/// Proves the pack's claims about itself; `true` when one does not hold.
fn check(common: &Common) -> Result<bool, Failure> {
    let mut files: Vec<(String, Vec<u8>)> = Pack::embedded_files()
        .into_iter()
        .map(|(p, b)| (p, b.to_vec()))
        .collect();
    if let Some(dir) = &common.patterns {
        let overlay = yaml_files(dir)?;
        files.retain(|(path, _)| {
            !overlay.iter().any(|(o, _)| {
                o.trim_start_matches("patterns/") == path.trim_start_matches("patterns/")
            })
        });
        files.extend(overlay);
    }
    let sources = files.iter().filter(|(p, _)| p.ends_with(".yaml"));
    let pack = match Pack::load(sources.map(|(p, b)| (p.clone(), b.clone()))) {
        Ok(pack) => pack,
        Err(problems) => {
            let mut text = String::new();
            for problem in &problems {
                let _ = writeln!(text, "error: {problem}");
            }
            let _ = writeln!(text, "{} errors: the patterns do not load", problems.len());
            output::print(text.as_bytes())?;
            return Err(Failure::Usage("the patterns do not load".to_owned()));
        }
    };
    let matcher = Matcher::new(&pack);
    let matches = |line: &str, source: Source| audit::matched(&pack, &matcher, line, source);
    let findings = audit::audit(&pack, &files, Some(&matches));
    let errors = findings.iter().filter(|f| f.grade == Grade::Error).count();
    let mut text = String::new();
    for finding in findings
        .iter()
        .filter(|f| common.verbose > 0 || f.grade == Grade::Error)
    {
        let _ = writeln!(text, "{finding}");
    }
    let _ = writeln!(
        text,
        "{} signatures, {} states, {} causes: {errors} errors, {} warnings",
        pack.signatures.len(),
        pack.states.len(),
        pack.causes.len(),
        findings.len() - errors
    );
    output::print(text.as_bytes())?;
    Ok(errors > 0)
}

/// A signature to start from: for a template given, or the most frequent one of some logs.
fn new(common: &Common, args: &New) -> Result<(), Failure> {
    let template = match &args.from {
        None => Template {
            text: args.template.clone().unwrap_or_default(),
            ..Template::default()
        },
        Some(path) => {
            let analysis = crate::diagnose::analyse_path(common, path)?;
            let wanted = |t: &Template| args.template.as_ref().is_none_or(|text| t.text == *text);
            let found = analysis.ledger.novel.templates().into_iter().find(wanted);
            found.ok_or_else(|| {
                Failure::Job(format!(
                    "{}: no warning or error without a signature",
                    path.display()
                ))
            })?
        }
    };
    let (path, text) = novelty::skeleton(&template);
    output::print(format!("# patterns/{path}\n{text}").as_bytes())
}

fn docs(common: &Common, dir: &Path) -> Result<(), Failure> {
    let pages = manual::docs(&pack(common)?);
    for (path, page) in &pages {
        let file = dir.join(path);
        let attempt = |e| Failure::Job(format!("writing {}: {e}", file.display()));
        if let Some(parent) = file.parent() {
            std::fs::create_dir_all(parent).map_err(attempt)?;
        }
        crate::whole::bytes(&file, page.as_bytes()).map_err(attempt)?;
    }
    output::print(format!("{} pages in {}\n", pages.len(), dir.display()).as_bytes())
}
