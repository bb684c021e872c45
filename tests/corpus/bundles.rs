//! Incidents and quiet bundles: right, well said, and the same however they are read.

use std::collections::BTreeSet;
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::{Arc, OnceLock};

use libtest_mimic::{Failed, Trial};
use rdiag::bundle::Input;
use rdiag::engine::{Engine, Options};
use rdiag::pack::Pack;
use rdiag::report::model::Report;
use rdiag::report::{Format, Style, render};

use crate::judge::{Truth, judge};
use crate::{filtered, root, shards, shuffle, updating};

/// One folder of `fixtures/incidents` or `fixtures/quiet`.
pub(crate) struct Case {
    kind: &'static str,
    folder: PathBuf,
    pub(crate) name: String,
    seen: OnceLock<Result<Seen, String>>,
}

/// What one run over a bundle gave.
pub(crate) struct Seen {
    pub(crate) report: Report,
    /// Signatures with evidence, excused or not.
    pub(crate) fired: BTreeSet<String>,
}

type Test = fn(&Case) -> Result<(), String>;

/// The tests of all bundles.
pub(crate) fn trials() -> Vec<Trial> {
    let tests: [(&str, Test); 5] = [
        ("truth", truth),
        ("report", report),
        ("same", shuffle::same),
        ("shards", shards::same),
        ("filtered", filtered::same),
    ];
    let each = |case: &'static Case| {
        tests.map(|(what, test)| {
            Trial::test(format!("{}::{}::{what}", case.kind, case.name), move || {
                test(case).map_err(|e| Failed::from(format!("{}: {e}", case.folder.display())))
            })
        })
    };
    cases().iter().flat_map(each).collect()
}

/// All folders of `fixtures/incidents` and `fixtures/quiet`.
pub(crate) fn cases() -> &'static [Case] {
    static CASES: OnceLock<Vec<Case>> = OnceLock::new();
    CASES.get_or_init(|| {
        let mut cases = Vec::new();
        for kind in ["incidents", "quiet"] {
            let entries = fs::read_dir(root().join("fixtures").join(kind))
                .expect("the repository has this folder");
            for entry in entries {
                let folder = entry
                    .expect("a folder of the repository can be listed")
                    .path();
                let name = folder
                    .file_name()
                    .map(|n| n.to_string_lossy().into_owned())
                    .unwrap_or_default();
                if folder.is_dir() {
                    cases.push(Case {
                        kind,
                        folder,
                        name,
                        seen: OnceLock::new(),
                    });
                }
            }
        }
        cases.sort_by(|a, b| a.folder.cmp(&b.folder));
        cases
    })
}

impl Case {
    pub(crate) fn bundle(&self) -> PathBuf {
        self.folder.join("bundle")
    }

    /// What is so, as written by hand.
    pub(crate) fn truth(&self) -> Result<Truth, String> {
        let text = read(&self.folder.join("truth.yaml"))?;
        serde_saphyr::from_str(&text).map_err(|e| format!("truth.yaml: {e}"))
    }

    /// What the bundle gives as it is; found out once for all tests.
    pub(crate) fn seen(&self) -> Result<&Seen, String> {
        self.seen
            .get_or_init(|| diagnose(&[self.bundle()], 1, |_| {}))
            .as_ref()
            .map_err(Clone::clone)
    }
}

/// The engine with the built-in pack.
pub(crate) fn engine() -> &'static Engine {
    static ENGINE: OnceLock<Engine> = OnceLock::new();
    ENGINE.get_or_init(|| {
        Engine::new(Arc::new(
            Pack::embedded().expect("the built-in pack loads; `patterns` tests it"),
        ))
    })
}

/// Reads `paths` and says what is wrong; `change` may reorder what was found.
pub(crate) fn diagnose(
    paths: &[PathBuf],
    threads: usize,
    change: impl Fn(&mut Input),
) -> Result<Seen, String> {
    let mut input = Input::open(paths, None).map_err(|e| e.to_string())?;
    change(&mut input);
    let options = Options {
        threads,
        ..Options::default()
    };
    let analysis = engine().run(&input, &options).map_err(|e| e.to_string())?;
    let fired = analysis
        .ledger
        .iter()
        .map(|(ix, _, _)| engine().pack()[ix].id.clone())
        .collect();
    Ok(Seen {
        report: analysis.report,
        fired,
    })
}

fn truth(case: &Case) -> Result<(), String> {
    judge(&case.seen()?.report, &case.truth()?)
}

fn report(case: &Case) -> Result<(), String> {
    let style = Style {
        width: 80,
        color: false,
        verbose: 0,
    };
    let report = &case.seen()?.report;
    let said = render(report, Format::Text, style);
    // Commands are there to be copied, so they stay on one line.
    let commands = commands(report);
    let wide = |line: &&str| {
        line.chars().count() > 80 && !commands.iter().any(|c| c.contains(line.trim()))
    };
    if let Some(line) = said.lines().find(wide) {
        return Err(format!("wider than 80 columns: {line}"));
    }
    let path = case.folder.join("report.txt");
    if updating() {
        return fs::write(&path, said).map_err(|e| format!("writing report.txt: {e}"));
    }
    differs(
        "report.txt (UPDATE_EXPECT=1 cargo test writes it anew)",
        &read(&path)?,
        &said,
    )
}

/// Every command of a report.
fn commands(report: &Report) -> Vec<&str> {
    let mut all = Vec::new();
    for incident in &report.incidents {
        all.extend(incident.next_checks.iter().filter_map(|c| c.run.as_deref()));
        for h in &incident.hypotheses {
            let r = &h.remediation;
            all.extend(
                [&r.confirm, &r.mitigate, &r.fix]
                    .into_iter()
                    .flatten()
                    .filter_map(|s| s.run.as_deref()),
            );
        }
    }
    all
}

fn read(path: &Path) -> Result<String, String> {
    fs::read_to_string(path).map_err(|e| format!("reading {}: {e}", path.display()))
}

/// `Err` with the first line that differs.
pub(crate) fn differs(what: &str, expected: &str, found: &str) -> Result<(), String> {
    if expected == found {
        return Ok(());
    }
    let mut pairs = expected
        .lines()
        .map(Some)
        .chain([None])
        .zip(found.lines().map(Some).chain([None]));
    let (n, (old, new)) = (1..)
        .zip(pairs.by_ref())
        .find(|(_, (a, b))| a != b)
        .unwrap_or((0, (None, None)));
    Err(format!(
        "{what} differs in line {n}:\n  expected: {}\n  found:    {}",
        old.unwrap_or("(its end)"),
        new.unwrap_or("(its end)")
    ))
}
