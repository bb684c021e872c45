//! rdiag's own metrics, in the text format of Prometheus.

use std::fmt::Write as _;
use std::sync::atomic::{AtomicU64, Ordering::Relaxed};
use std::time::Duration;

use super::clock;
use super::store::{Counts, Effect};

/// All of them. Labels are words of ours, never text from outside.
#[derive(Debug, Default)]
pub(super) struct Metrics {
    deliveries: [AtomicU64; EFFECTS.len()],
    alerts: AtomicU64,
    answers: [AtomicU64; CODES.len()],
    delivery_seconds: Histogram,
    looks: [AtomicU64; 2],
    incidents_looked_at: AtomicU64,
    look_seconds: Histogram,
    panics: AtomicU64,
    notices: [AtomicU64; 2],
    last_look: AtomicU64,
    unauthorized: AtomicU64,
    limited: AtomicU64,
}

/// What did, or did not, work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Outcome {
    /// It did.
    Success,
    /// It did not.
    Error,
}

const EFFECTS: [Effect; 5] = [
    Effect::Opened,
    Effect::Reopened,
    Effect::Changed,
    Effect::Repeated,
    Effect::Resolved,
];
const CODES: [u16; 7] = [202, 400, 401, 408, 413, 500, 503];
const OUTCOMES: [(&str, Outcome); 2] = [("success", Outcome::Success), ("error", Outcome::Error)];

impl Metrics {
    /// A delivery that was taken in.
    pub(super) fn delivered(&self, effect: Effect, alerts: usize) {
        if let Some(i) = EFFECTS.iter().position(|e| *e == effect) {
            self.deliveries[i].fetch_add(1, Relaxed);
        }
        self.alerts.fetch_add(alerts as u64, Relaxed);
    }

    /// Deliveries taken in so far.
    #[must_use]
    pub(super) fn deliveries(&self) -> u64 {
        self.deliveries.iter().map(|n| n.load(Relaxed)).sum()
    }

    /// An answer to a webhook request.
    pub(super) fn answered(&self, code: u16, took: Duration) {
        let i = CODES
            .iter()
            .position(|c| *c == code)
            .unwrap_or(CODES.len() - 2);
        self.answers[i].fetch_add(1, Relaxed);
        self.delivery_seconds.observe(took);
    }

    /// A look that served `incidents`.
    pub(super) fn looked(&self, outcome: Outcome, incidents: usize, took: Duration) {
        self.looks[outcome as usize].fetch_add(1, Relaxed);
        self.incidents_looked_at
            .fetch_add(incidents as u64, Relaxed);
        self.look_seconds.observe(took);
        if outcome == Outcome::Success {
            self.last_look
                .store(clock::now().unsigned_abs() / 1000, Relaxed);
        }
    }

    /// A bug that ended one piece of work.
    pub(super) fn panicked(&self) {
        self.panics.fetch_add(1, Relaxed);
    }

    /// An attempt to notify.
    pub(super) fn notified(&self, outcome: Outcome) {
        self.notices[outcome as usize].fetch_add(1, Relaxed);
    }

    /// A request without the right credentials.
    pub(super) fn unauthorized(&self) {
        self.unauthorized.fetch_add(1, Relaxed);
    }

    /// A request beyond the rate allowed.
    pub(super) fn limited(&self) {
        self.limited.fetch_add(1, Relaxed);
    }

    /// The text that is scraped. `queue` is the number of writes that wait.
    #[must_use]
    #[expect(clippy::too_many_lines, reason = "one table")]
    pub(super) fn render(&self, counts: &Counts, queue: usize, signatures: usize) -> String {
        let mut out = Out(String::new());
        let version = env!("CARGO_PKG_VERSION");
        out.family("rdiag_build_info", "gauge", "Version of rdiag.");
        out.sample("rdiag_build_info", &format!("version=\"{version}\""), 1);
        out.single(
            "rdiag_rules_loaded",
            "gauge",
            "Signatures in the pack.",
            signatures as u64,
        );
        self.render_webhook(&mut out);
        out.single(
            "rdiag_webhook_queue_length",
            "gauge",
            "Writes that wait to be stored.",
            queue as u64,
        );
        out.family("rdiag_incidents", "gauge", "Incidents in the store.");
        out.sample(
            "rdiag_incidents",
            "state=\"firing\"",
            counts.firing.unsigned_abs(),
        );
        out.sample(
            "rdiag_incidents",
            "state=\"resolved\"",
            counts.resolved.unsigned_abs(),
        );
        let waiting = counts.to_look_at.unsigned_abs();
        out.single(
            "rdiag_incidents_waiting",
            "gauge",
            "Incidents that wait for their first look.",
            waiting,
        );
        self.render_looks(&mut out);
        out.family(
            "rdiag_notifications_total",
            "counter",
            "Attempts to notify.",
        );
        for (word, outcome) in OUTCOMES {
            let n = self.notices[outcome as usize].load(Relaxed);
            out.sample(
                "rdiag_notifications_total",
                &format!("result=\"{word}\""),
                n,
            );
        }
        let (waiting, lost) = (
            counts.notices.unsigned_abs(),
            counts.given_up.unsigned_abs(),
        );
        out.single(
            "rdiag_notifications_waiting",
            "gauge",
            "Notifications in the outbox.",
            waiting,
        );
        out.single(
            "rdiag_notifications_given_up",
            "gauge",
            "Notifications that were given up.",
            lost,
        );
        let bytes = counts.bundle_bytes.unsigned_abs();
        out.single(
            "rdiag_bundles_bytes",
            "gauge",
            "Bytes of the bundles that are kept.",
            bytes,
        );
        let refused = [
            ("unauthorized", &self.unauthorized),
            ("rate", &self.limited),
        ];
        out.family(
            "rdiag_http_refused_total",
            "counter",
            "Requests refused before they were read.",
        );
        for (reason, n) in refused {
            out.sample(
                "rdiag_http_refused_total",
                &format!("reason=\"{reason}\""),
                n.load(Relaxed),
            );
        }
        if let Some(bytes) = resident() {
            out.single(
                "process_resident_memory_bytes",
                "gauge",
                "Resident memory.",
                bytes,
            );
        }
        out.0
    }

    fn render_webhook(&self, out: &mut Out) {
        out.family(
            "rdiag_webhook_requests_total",
            "counter",
            "Webhook requests by status code.",
        );
        for (code, n) in CODES.iter().zip(&self.answers) {
            out.sample(
                "rdiag_webhook_requests_total",
                &format!("code=\"{code}\""),
                n.load(Relaxed),
            );
        }
        out.family(
            "rdiag_deliveries_total",
            "counter",
            "Deliveries stored, by what they did.",
        );
        for (effect, n) in EFFECTS.iter().zip(&self.deliveries) {
            out.sample(
                "rdiag_deliveries_total",
                &format!("effect=\"{}\"", effect.word()),
                n.load(Relaxed),
            );
        }
        let alerts = self.alerts.load(Relaxed);
        out.single(
            "rdiag_alerts_received_total",
            "counter",
            "Alerts in stored deliveries.",
            alerts,
        );
        let name = "rdiag_webhook_request_duration_seconds";
        self.delivery_seconds
            .render(out, name, "Time to answer a webhook request.");
    }

    fn render_looks(&self, out: &mut Out) {
        out.family("rdiag_diagnoses_total", "counter", "Looks at a system.");
        for (word, outcome) in OUTCOMES {
            let n = self.looks[outcome as usize].load(Relaxed);
            out.sample("rdiag_diagnoses_total", &format!("result=\"{word}\""), n);
        }
        let served = self.incidents_looked_at.load(Relaxed);
        out.single(
            "rdiag_incidents_diagnosed_total",
            "counter",
            "Incidents that looks served.",
            served,
        );
        self.look_seconds.render(
            out,
            "rdiag_diagnosis_duration_seconds",
            "Time of a look, collecting included.",
        );
        let last = self.last_look.load(Relaxed);
        let help = "When a look last succeeded; 0: never.";
        out.single("rdiag_last_success_timestamp_seconds", "gauge", help, last);
        let panics = self.panics.load(Relaxed);
        out.single(
            "rdiag_panics_total",
            "counter",
            "Bugs that ended one piece of work.",
            panics,
        );
    }
}

/// Upper bounds of the buckets, in seconds.
const BUCKETS: [f64; 14] = [
    0.001, 0.0025, 0.005, 0.01, 0.02, 0.05, 0.1, 0.25, 0.5, 1.0, 2.5, 5.0, 30.0, 120.0,
];

#[derive(Debug, Default)]
struct Histogram {
    buckets: [AtomicU64; BUCKETS.len() + 1],
    micros: AtomicU64,
}

impl Histogram {
    fn observe(&self, took: Duration) {
        let seconds = took.as_secs_f64();
        let i = BUCKETS
            .iter()
            .position(|most| seconds <= *most)
            .unwrap_or(BUCKETS.len());
        self.buckets[i].fetch_add(1, Relaxed);
        self.micros
            .fetch_add(u64::try_from(took.as_micros()).unwrap_or(u64::MAX), Relaxed);
    }

    fn render(&self, out: &mut Out, name: &str, help: &str) {
        out.family(name, "histogram", help);
        let mut sum = 0;
        let bounds = BUCKETS
            .iter()
            .map(f64::to_string)
            .chain(["+Inf".to_owned()]);
        for (bound, n) in bounds.zip(&self.buckets) {
            sum += n.load(Relaxed);
            out.sample(&format!("{name}_bucket"), &format!("le=\"{bound}\""), sum);
        }
        let seconds = self.micros.load(Relaxed) as f64 / 1e6;
        let _ = writeln!(out.0, "{name}_sum {seconds}\n{name}_count {sum}");
    }
}

struct Out(String);

impl Out {
    fn family(&mut self, name: &str, kind: &str, help: &str) {
        let _ = writeln!(self.0, "# HELP {name} {help}\n# TYPE {name} {kind}");
    }

    fn sample(&mut self, name: &str, labels: &str, value: u64) {
        let _ = writeln!(self.0, "{name}{{{labels}}} {value}");
    }

    fn single(&mut self, name: &str, kind: &str, help: &str, value: u64) {
        self.family(name, kind, help);
        let _ = writeln!(self.0, "{name} {value}");
    }
}

/// Resident memory as Linux tells it.
fn resident() -> Option<u64> {
    let status = std::fs::read_to_string("/proc/self/status").ok()?;
    let line = status
        .lines()
        .find_map(|line| line.strip_prefix("VmRSS:"))?;
    let kib: u64 = line.split_whitespace().next()?.parse().ok()?;
    Some(kib * 1024)
}
