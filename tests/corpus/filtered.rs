//! What a log store keeps back makes no difference to the diagnosis: the filter of `pushdown`, applied
//! here to files. `.ci/real loki` does the same with a real store.

use std::fs;
use std::path::Path;
use std::sync::OnceLock;

use rdiag::bundle::Input;
use rdiag::engine::Options;
use rdiag::pushdown::Filter;
use rdiag::report::model::Report;

use crate::bundles::{Case, engine};
use crate::shuffle::equal;

pub(crate) fn same(case: &Case) -> Result<(), String> {
    let attempt = |e: std::io::Error| format!("copying: {e}");
    let keep = tempfile::tempdir().map_err(attempt)?;
    copy(&case.bundle(), keep.path()).map_err(attempt)?;
    let input = Input::open(&[keep.path().to_owned()], None).map_err(|e| e.to_string())?;
    let found = engine()
        .run(&input, &Options::default())
        .map_err(|e| e.to_string())?;
    let all = &case.seen()?.report;
    equal(
        "without what a store keeps back",
        &said(all),
        &said(&found.report),
    )
}

/// The report but for how much was read.
fn said(report: &Report) -> Report {
    let mut report = report.clone();
    for source in &mut report.coverage.sources {
        (source.records, source.bytes) = (0, 0);
    }
    report
}

/// A copy of a bundle whose logs have only the lines that are asked for, and the first and last ones.
fn copy(from: &Path, to: &Path) -> std::io::Result<()> {
    static FILTER: OnceLock<Option<Filter>> = OnceLock::new();
    let filter = FILTER.get_or_init(|| Filter::of(engine().pack()));
    fs::create_dir_all(to)?;
    for entry in fs::read_dir(from)? {
        let entry = entry?;
        let place = to.join(entry.file_name());
        if entry.path().is_dir() {
            copy(&entry.path(), &place)?;
            continue;
        }
        let bytes = fs::read(entry.path())?;
        let is_log = place.extension().is_some_and(|e| e == "log");
        let Some(filter) = filter.as_ref().filter(|_| is_log) else {
            fs::write(place, bytes)?;
            continue;
        };
        let lines: Vec<&[u8]> = bytes.split_inclusive(|b| *b == b'\n').collect();
        // A store stamps every line; here the last time is that of the last line that bears one.
        let dated = |line: &&[u8]| {
            line.windows(4)
                .any(|w| w.starts_with(b"ts=") || w == b"\"ts\"")
        };
        let last = lines.len().saturating_sub(1);
        let ends = [0, last, lines.iter().rposition(dated).unwrap_or(last)];
        let kept: Vec<u8> = lines
            .iter()
            .enumerate()
            .filter(|(n, line)| ends.contains(n) || filter.takes(line))
            .flat_map(|(_, line)| line.to_vec())
            .collect();
        fs::write(place, kept)?;
    }
    Ok(())
}
