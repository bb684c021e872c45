//! Time of the inference alone: a ring of 50 pods with one fault, of which 60 symptoms and more show, against
//! the bar of 50 ms; then rings in which nearly every kind of trouble there is shows somewhere.
//!
//! `cargo bench --bench inference` grows captured rings to that size, or writes logs made of the lines that
//! signatures give as their examples, reads them once and diagnoses the same evidence several times.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::path::Path;
use std::sync::Arc;
use std::time::Instant;

use rdiag::bundle::Input;
use rdiag::diagnosis;
use rdiag::engine::{Engine, Options};
use rdiag::pack::{Pack, Severity, SignatureIx};
use rdiag::record::Source;

#[path = "../tests/it/grow.rs"]
mod grow;

/// The bar, in milliseconds.
const BAR: f64 = 50.0;

/// Captured rings with one fault, and a pod of each that is well.
const FAULTS: &[(&str, &str)] = &[
    ("one-receiver-restarts-in-a-loop", "thanos-receive-0"),
    ("forwards-to-two-members-time-out", "thanos-receive-0"),
    (
        "no-space-left-on-one-receiver",
        "thanos-receive-ingestor-default-0",
    ),
];

/// Pods of a ring with one fault: as captured, as the bar has it, and more.
const RINGS: &[usize] = &[3, 50, 250];

/// Pods of a ring with every kind of trouble, and how many kinds.
const CHAOS: &[(usize, usize)] = &[(3, 10), (50, 60), (500, 100)];

const RUNS: usize = 5;

fn main() {
    // `cargo test --benches` only wants to know that it compiles.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let pack = Arc::new(Pack::embedded_with_examples().unwrap());
    let engine = Engine::new(Arc::clone(&pack));
    println!("pods  symptoms  incidents  exact   best ms  bar ms  ring");
    let mut failed = false;
    for (name, well) in FAULTS {
        for pods in RINGS {
            let folder = tempfile::tempdir().unwrap();
            let small = format!(
                "{}/fixtures/incidents/{name}/bundle",
                env!("CARGO_MANIFEST_DIR")
            );
            grow::grow(Path::new(&small), folder.path(), well, *pods);
            let bar = (*pods == 50).then_some(BAR);
            failed |= !measure(&engine, &pack, folder.path(), *pods, bar, name);
        }
    }
    for (pods, kinds) in CHAOS {
        let folder = logs(&pack, *pods, *kinds);
        measure(
            &engine,
            &pack,
            folder.path(),
            *pods,
            None,
            "every kind of trouble",
        );
    }
    std::process::exit(i32::from(failed));
}

/// Prints a row. Is the bar met?
fn measure(
    engine: &Engine,
    pack: &Pack,
    folder: &Path,
    pods: usize,
    bar: Option<f64>,
    ring: &str,
) -> bool {
    let input = Input::open(&[folder.to_owned()], None).unwrap();
    let analysis = engine.run(&input, &Options::default()).unwrap();
    let mut best = f64::MAX;
    let mut incidents = 0;
    for _ in 0..RUNS {
        let start = Instant::now();
        let diagnosis = diagnosis::diagnose(&analysis.ledger, pack, &analysis.scope);
        best = best.min(start.elapsed().as_secs_f64() * 1e3);
        incidents = diagnosis.incidents.len();
    }
    let severity = |ix: SignatureIx| pack.signatures[ix.0 as usize].severity;
    let present = analysis.ledger.iter();
    let present = present.filter(|(ix, _, _)| severity(*ix) >= Severity::Warning);
    println!(
        "{pods:>4}  {:>8}  {incidents:>9}  {:>5}  {best:>8.1}  {:>6}  {ring}",
        present.count(),
        analysis.report.incidents.iter().all(|i| i.exact),
        bar.map_or("–".to_owned(), |bar| bar.to_string()),
    );
    bar.is_none_or(|bar| best <= bar)
}

/// A folder of logs, one per pod.
fn logs(pack: &Pack, pods: usize, symptoms: usize) -> tempfile::TempDir {
    let folder = tempfile::tempdir().unwrap();
    let lines: Vec<&str> = pack
        .signatures
        .iter()
        .filter(|s| s.source == Source::Log && s.severity >= Severity::Warning)
        .filter(|s| s.id.starts_with("thanos/"))
        .filter_map(|s| s.examples.matches.first())
        .map(|e| e.line.as_str())
        .filter(|l| l.contains("ts=20") && !l.contains('\n'))
        .collect();
    let step = (lines.len() / symptoms).max(1);
    let mut text: BTreeMap<usize, String> = BTreeMap::new();
    for pod in 0..pods {
        let log = text.entry(pod).or_default();
        let _ = writeln!(log, "ts=2026-03-01T00:00:00Z level=info msg=ready");
        let _ = writeln!(log, "ts=2026-03-01T00:09:00Z level=info msg=ready");
    }
    for (n, line) in lines.iter().step_by(step).take(symptoms).enumerate() {
        // Each symptom at a few pods.
        for pod in [n % pods, (n * 7 + 1) % pods, (n * 13 + 2) % pods] {
            let log = text.entry(pod).or_default();
            let _ = writeln!(log, "{}", at(line, n));
        }
    }
    for (pod, log) in &text {
        let dir = folder
            .path()
            .join(format!("logs/monitoring/thanos-receive-{pod}"));
        std::fs::create_dir_all(&dir).unwrap();
        std::fs::write(dir.join("thanos-receive.log"), log).unwrap();
    }
    folder
}

/// The line, said within the same ten minutes as all others.
fn at(line: &str, n: usize) -> String {
    let Some((head, rest)) = line.split_once("ts=20") else {
        return line.to_owned();
    };
    let rest = rest.split_once(' ').map_or("", |(_, rest)| rest);
    format!("{head}ts=2026-03-01T00:{:02}:{:02}Z {rest}", n % 9, n % 60)
}
