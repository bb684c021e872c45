//! Time of the inference alone: 50 pods with 60 symptoms present, against the bar of 50 ms, and how it
//! goes on with more pods.
//!
//! `cargo bench --bench inference` writes logs of that many pods, made of the lines that signatures give
//! as their examples, reads them once and diagnoses the same evidence several times.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used)]

use std::collections::BTreeMap;
use std::fmt::Write as _;
use std::sync::Arc;
use std::time::Instant;

use rdiag::bundle::Input;
use rdiag::diagnosis;
use rdiag::engine::{Engine, Options};
use rdiag::pack::{Pack, Severity};
use rdiag::record::Source;

/// Pods and symptoms, and the bar in milliseconds where there is one.
const CASES: &[(usize, usize, Option<f64>)] = &[
    (3, 10, None),
    (50, 60, Some(50.0)),
    (100, 60, None),
    (250, 100, None),
    (500, 100, None),
];

const RUNS: usize = 5;

fn main() {
    // `cargo test --benches` only wants to know that it compiles.
    if std::env::args().any(|argument| argument == "--test") {
        return;
    }
    let pack = Arc::new(Pack::embedded_with_examples().unwrap());
    let engine = Engine::new(Arc::clone(&pack));
    println!("pods  symptoms  incidents  exact   best ms  bar ms");
    let mut failed = false;
    for (pods, symptoms, bar) in CASES {
        let folder = logs(&pack, *pods, *symptoms);
        let input = Input::open(&[folder.path().to_owned()], None).unwrap();
        let analysis = engine.run(&input, &Options::default()).unwrap();
        let mut best = f64::MAX;
        let mut found = None;
        for _ in 0..RUNS {
            let start = Instant::now();
            let diagnosis = diagnosis::diagnose(&analysis.ledger, &pack, &analysis.scope);
            best = best.min(start.elapsed().as_secs_f64() * 1e3);
            found = Some(diagnosis);
        }
        let present: std::collections::BTreeSet<_> =
            analysis.ledger.iter().map(|(ix, _, _)| ix).collect();
        let diagnosis = found.unwrap();
        let exact = analysis.report.incidents.iter().all(|i| i.exact);
        println!(
            "{pods:>4}  {:>8}  {:>9}  {exact:>5}  {best:>8.1}  {}",
            present.len(),
            diagnosis.incidents.len(),
            bar.map_or("–".to_owned(), |bar| bar.to_string()),
        );
        failed |= bar.is_some_and(|bar| best > bar);
    }
    std::process::exit(i32::from(failed));
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
