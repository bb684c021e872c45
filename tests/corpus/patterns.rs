//! The pack against itself, one test per file: whole lines match, near misses do not, no two
//! signatures claim one line, links lead somewhere. And the ratchet: signatures no fixture has shown.

use std::collections::{BTreeMap, BTreeSet};
use std::fs;
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use libtest_mimic::{Failed, Trial};
use rdiag::audit::{self, Grade};
use rdiag::matcher::Matcher;
use rdiag::pack::Pack;
use rdiag::record::Source;

use crate::{bundles, root, updating};

/// One test per file of the pack, one for what no file is to blame for, one for the ratchet.
pub(crate) fn trials() -> Vec<Trial> {
    let mut trials = Vec::new();
    for (path, _) in files().iter().filter(|(path, _)| path.ends_with(".yaml")) {
        let path = path.clone();
        let name = format!("patterns::{}", path.trim_end_matches(".yaml"));
        trials.push(Trial::test(name, move || holds(&path)));
    }
    trials.push(Trial::test("patterns::as-a-whole", || {
        let known: BTreeSet<&str> = files()
            .iter()
            .map(|(p, _)| p.as_str())
            .filter(|p| p.ends_with(".yaml"))
            .collect();
        let rest = findings()
            .iter()
            .filter(|(file, _)| !known.contains(file.as_str()));
        answer(rest.flat_map(|(_, all)| all.clone()).collect())
    }));
    trials.push(Trial::test("patterns::unproven-only-shrinks", unproven));
    trials
}

/// Every error the audit has found in one file.
fn holds(path: &str) -> Result<(), Failed> {
    answer(findings().get(path).cloned().unwrap_or_default())
}

fn answer(found: Vec<String>) -> Result<(), Failed> {
    if found.is_empty() {
        Ok(())
    } else {
        Err(Failed::from(found.join("\n")))
    }
}

/// All files of `patterns/`, from disk: what is embedded has no examples.
fn files() -> &'static [(String, Vec<u8>)] {
    static FILES: OnceLock<Vec<(String, Vec<u8>)>> = OnceLock::new();
    FILES.get_or_init(|| {
        let top = root().join("patterns");
        let mut all = Vec::new();
        collect(&top, &top, &mut all);
        all.sort();
        all
    })
}

fn collect(top: &Path, folder: &Path, all: &mut Vec<(String, Vec<u8>)>) {
    for entry in fs::read_dir(folder).expect("patterns/ can be listed") {
        let path: PathBuf = entry.expect("patterns/ can be listed").path();
        if path.is_dir() {
            collect(top, &path, all);
        } else if path.extension().is_some_and(|e| e == "yaml" || e == "tsv") {
            let name = path
                .strip_prefix(top)
                .expect("it was found below")
                .to_string_lossy()
                .into_owned();
            all.push((
                name,
                fs::read(&path).expect("a file of patterns/ can be read"),
            ));
        }
    }
}

/// Errors of the audit, by file.
fn findings() -> &'static BTreeMap<String, Vec<String>> {
    static FOUND: OnceLock<BTreeMap<String, Vec<String>>> = OnceLock::new();
    FOUND.get_or_init(|| {
        let mut by_file: BTreeMap<String, Vec<String>> = BTreeMap::new();
        let pack = match Pack::load(
            files()
                .iter()
                .filter(|(p, _)| p.ends_with(".yaml"))
                .cloned(),
        ) {
            Ok(pack) => pack,
            Err(problems) => {
                for problem in problems {
                    by_file
                        .entry(problem.file.clone())
                        .or_default()
                        .push(problem.to_string());
                }
                return by_file;
            }
        };
        let matcher = Matcher::new(&pack);
        let matches = |line: &str, source: Source| audit::matched(&pack, &matcher, line, source);
        for finding in audit::audit(&pack, files(), Some(&matches)) {
            if finding.grade == Grade::Error {
                by_file
                    .entry(finding.problem.file.clone())
                    .or_default()
                    .push(finding.to_string());
            }
        }
        by_file
    })
}

/// Every signature fires in some fixture, or stands on `tests/unproven.txt`, which may only shrink.
fn unproven() -> Result<(), Failed> {
    let list = root().join("tests/unproven.txt");
    let text = fs::read_to_string(&list).unwrap_or_default();
    let listed: BTreeSet<&str> = text
        .lines()
        .filter(|l| !l.is_empty() && !l.starts_with('#'))
        .collect();
    let pack = bundles::engine().pack();
    let mut fired: BTreeSet<&str> = BTreeSet::new();
    for case in bundles::cases() {
        fired.extend(case.seen()?.fired.iter().map(String::as_str));
    }
    let silent: BTreeSet<&str> = pack
        .signatures
        .iter()
        .map(|s| s.id.as_str())
        .filter(|id| !fired.contains(id))
        .collect();
    if updating() {
        let head: Vec<&str> = text.lines().take_while(|l| l.starts_with('#')).collect();
        let lines: Vec<&str> = head.into_iter().chain(silent).collect();
        return Ok(fs::write(&list, lines.join("\n") + "\n")?);
    }
    let new: Vec<&&str> = silent.difference(&listed).collect();
    let proven: Vec<&&str> = listed.difference(&silent).collect();
    if new.is_empty() && proven.is_empty() {
        return Ok(());
    }
    Err(Failed::from(format!(
        "{}: no fixture shows these, and they are not listed: {new:?}; these are listed, but shown or gone (take them \
         out): {proven:?}",
        list.display()
    )))
}
