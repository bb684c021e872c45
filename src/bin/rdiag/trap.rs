//! `kubectl logs -l` gives ten lines per container and at most five streams unless told otherwise.
//! Whoever pipes that in has most of the evidence still in the cluster, and should know.

use rdiag::report::model::{Gap, Report, SourceCoverage};

/// Lines per container that `kubectl logs -l` gives by default.
const LINES: u64 = 10;
/// Streams that it reads at most by default.
const STREAMS: usize = 5;

/// What to say when the input piped in looks like the defaults of `kubectl logs -l`.
pub(crate) fn of_selector_defaults(report: &Report) -> Option<Gap> {
    let logs: Vec<&SourceCoverage> = report
        .coverage
        .sources
        .iter()
        .filter(|s| s.kind == "log" && s.records > 0)
        .collect();
    let named = logs
        .iter()
        .any(|s| s.pod.as_deref().is_some_and(|pod| !pod.starts_with('?')));
    let full = logs.iter().filter(|s| s.records == LINES).count();
    let lines: u64 = logs.iter().map(|s| s.records).sum();
    let looks = if named {
        logs.len() <= STREAMS && full > 0 && logs.iter().all(|s| s.records <= LINES)
    } else {
        lines > 0 && lines.is_multiple_of(LINES) && lines <= LINES * STREAMS as u64
    };
    let namespace = logs
        .iter()
        .find_map(|s| s.namespace.clone())
        .unwrap_or_else(|| "NAMESPACE".to_owned());
    looks.then(|| Gap {
        what: "all but the last 10 lines of each container, and all but 5 containers".to_owned(),
        why: format!(
            "this looks like the defaults of kubectl logs -l; run: kubectl logs -n {namespace} \
             -l app.kubernetes.io/name=thanos-receive -c thanos-receive --prefix --timestamps --tail=-1 \
             --max-log-requests=50 | rdiag"
        ),
    })
}
