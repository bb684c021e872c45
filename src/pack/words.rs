//! Words and the numbers and types they stand for (`always` = .98): the one place to retune.

use crate::record::{Level, Source};

use super::{AtLeast, Bind, Heals, Product, Provenance, Risk, Role, Severity, SubjectKind};

/// A list of words with their meanings.
pub type Table<T> = &'static [(&'static str, T)];

/// How often an effect follows, given its cause.
pub const Q: Table<f64> = &[
    ("always", 0.98),
    ("almost_always", 0.95),
    ("usually", 0.85),
    ("often", 0.60),
    ("sometimes", 0.30),
    ("rarely", 0.10),
    ("hardly_ever", 0.02),
];

/// How often a cause begins, per subject and day.
pub const PRIOR: Table<f64> = &[
    ("common", 1.0 / 7.0),
    ("uncommon", 1.0 / 30.0),
    ("rare", 1.0 / 180.0),
    ("very_rare", 1.0 / 730.0),
];

/// How often something shows in a window with no known cause.
pub const LEAK: Table<f64> = &[("never", 1e-8), ("rare", 1e-4), ("sometimes", 1e-2)];

/// Leak of a signature or state that does not give one: `rare`.
pub const DEFAULT_LEAK: f64 = 1e-4;

/// `severity`
pub const SEVERITY: Table<Severity> = &[
    ("critical", Severity::Critical),
    ("error", Severity::Error),
    ("warning", Severity::Warning),
    ("info", Severity::Info),
];

/// `provenance`
pub const PROVENANCE: Table<Provenance> = &[
    ("upstream", Provenance::Upstream),
    ("runbook", Provenance::Runbook),
    ("kubernetes", Provenance::Kubernetes),
    ("sender", Provenance::Sender),
    ("fork", Provenance::Fork),
];

/// `product`
pub const PRODUCT: Table<Product> = &[
    ("thanos", Product::Thanos),
    ("prometheus", Product::Prometheus),
    ("other", Product::Other),
];

/// `source` of a signature
pub const SOURCE: Table<Source> = &[
    ("log", Source::Log),
    ("event", Source::Event),
    ("status", Source::Status),
    ("metric", Source::Metric),
    ("alert", Source::Alert),
    ("config", Source::Config),
];

/// `min_level`
pub const LEVEL: Table<Level> = &[
    ("debug", Level::Debug),
    ("info", Level::Info),
    ("warn", Level::Warn),
    ("error", Level::Error),
    ("fatal", Level::Fatal),
    ("warning", Level::Warn),
];

/// `scope`
pub const SCOPE: Table<SubjectKind> = &[
    ("pod", SubjectKind::Pod),
    ("node", SubjectKind::Node),
    ("tenant", SubjectKind::Tenant),
    ("bucket", SubjectKind::Bucket),
    ("volume", SubjectKind::Volume),
    ("statefulset", SubjectKind::Statefulset),
    ("hashring", SubjectKind::Hashring),
    ("sender", SubjectKind::Sender),
    ("global", SubjectKind::Global),
];

/// `about` the value of an extraction with this name, and the kind of subject such a value names.
pub const ABOUT_EXTRACTED: Table<SubjectKind> = &[
    ("endpoint", SubjectKind::Pod),
    ("peer", SubjectKind::Pod),
    ("pod", SubjectKind::Pod),
    ("tenant", SubjectKind::Tenant),
    ("node", SubjectKind::Node),
    ("volume", SubjectKind::Volume),
    ("bucket", SubjectKind::Bucket),
    ("statefulset", SubjectKind::Statefulset),
    ("hashring", SubjectKind::Hashring),
    ("sender", SubjectKind::Sender),
];

/// `about` the one subject of a kind, where no extraction has that name.
pub const ABOUT_SINGLETON: Table<SubjectKind> = &[
    ("hashring", SubjectKind::Hashring),
    ("bucket", SubjectKind::Bucket),
    ("global", SubjectKind::Global),
    ("sender", SubjectKind::Sender),
    ("tenant", SubjectKind::Tenant),
    ("statefulset", SubjectKind::Statefulset),
];

/// `role`
pub const ROLE: Table<Role> = &[
    ("root", Role::Root),
    ("proximate", Role::Proximate),
    ("benign", Role::Benign),
];

/// `heals_itself`
pub const HEALS: Table<Heals> = &[
    ("never", Heals::Never),
    ("sometimes", Heals::Sometimes),
    ("usually", Heals::Usually),
];

/// `risk`
pub const RISK: Table<Risk> = &[
    ("safe", Risk::Safe),
    ("disruptive", Risk::Disruptive),
    ("destructive", Risk::Destructive),
];

/// `bind`. One word per kind of subject says nothing more than `same`, but reads better.
pub const BIND: Table<Bind> = &[
    ("same", Bind::Same),
    ("same-pod", Bind::SamePod),
    ("peer", Bind::Peer),
    ("any-pod", Bind::AnyPod),
    ("same-node", Bind::SameNode),
    ("same-tenant", Bind::Same),
    ("same-bucket", Bind::Same),
    ("same-volume", Bind::Same),
    ("same-statefulset", Bind::Same),
    ("same-hashring", Bind::Same),
    ("same-sender", Bind::Same),
];

/// `mode` in `when`
pub const MODE: Table<&str> = &[
    ("RouterIngestor", "RouterIngestor"),
    ("RouterOnly", "RouterOnly"),
    ("IngestorOnly", "IngestorOnly"),
];

/// `algorithm` in `when`
pub const ALGORITHM: Table<&str> = &[("hashmod", "hashmod"), ("ketama", "ketama")];

/// The meaning of a word.
#[must_use]
pub fn meaning<T: Copy>(table: Table<T>, word: &str) -> Option<T> {
    table.iter().find(|(w, _)| *w == word).map(|(_, t)| *t)
}

/// The first word with a meaning; empty when there is none.
#[must_use]
pub fn word<T: PartialEq>(table: Table<T>, meaning: &T) -> &'static str {
    table
        .iter()
        .find(|(_, t)| t == meaning)
        .map_or("", |(w, _)| w)
}

/// All words of a table, for messages.
#[must_use]
pub fn list<T>(table: Table<T>) -> String {
    let words: Vec<_> = table.iter().map(|(word, _)| *word).collect();
    words.join(", ")
}

/// A number of a link, prior or leak as people say it: its word if there is one.
#[must_use]
pub fn say(table: Table<f64>, number: f64) -> String {
    match word(table, &number) {
        "" => number.to_string(),
        word => word.replace('_', " "),
    }
}

/// Seconds of a duration such as `500ms`, `10m`, `1h30m`, `2d` or `-5s`.
#[must_use]
pub fn seconds(text: &str) -> Option<f64> {
    let (sign, mut rest) = match text.strip_prefix('-') {
        Some(rest) => (-1.0, rest),
        None => (1.0, text),
    };
    if rest == "0" {
        return Some(0.0);
    }
    let mut total = 0.0;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit() && c != '.')?;
        let number: f64 = rest[..digits].parse().ok()?;
        rest = &rest[digits..];
        let letters = rest.find(|c: char| !c.is_ascii_alphabetic());
        let (unit, left) = rest.split_at(letters.unwrap_or(rest.len()));
        total += number * meaning(UNITS, unit)?;
        rest = left;
    }
    (!text.is_empty() && text != "-").then_some(sign * total)
}

const UNITS: Table<f64> = &[
    ("ms", 0.001),
    ("s", 1.0),
    ("m", 60.0),
    ("h", 3600.0),
    ("d", 86_400.0),
    ("w", 604_800.0),
];

/// Nanoseconds of a duration that is not negative.
#[must_use]
pub fn nanoseconds(text: &str) -> Option<i64> {
    let seconds = seconds(text)?;
    // A century is longer than anything a pack speaks of, and far from overflow.
    #[allow(clippy::cast_possible_truncation)]
    (0.0..3.2e9)
        .contains(&seconds)
        .then(|| (seconds * 1e9).round() as i64)
}

/// A range of durations, `0s..30s`; a single one counts from zero.
#[must_use]
pub fn delay(text: &str) -> Option<(f64, f64)> {
    let (from, until) = match text.split_once("..") {
        Some((from, until)) => (seconds(from.trim())?, seconds(until.trim())?),
        None => (0.0, seconds(text)?),
    };
    (from <= until).then_some((from, until))
}

/// `rf-quorum+1`, `all` or a number of at least 1.
#[must_use]
pub fn at_least(text: &str) -> Option<AtLeast> {
    match text {
        "rf-quorum+1" => Some(AtLeast::QuorumLoss),
        "all" => Some(AtLeast::All),
        number => Some(AtLeast::Fixed(number.parse().ok().filter(|n| *n >= 1)?)),
    }
}
