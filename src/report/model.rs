//! The report as a value: what every format renders, and the public JSON (`rdiag/report/v1`).
//!
//! Fields that others use may only be added. Times are RFC 3339 in UTC, null when unknown.

use schemars::JsonSchema;
use serde::{Deserialize, Serialize};

/// The whole answer to one look at a system.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Report {
    /// Always `rdiag/report/v1`.
    pub schema: String,
    /// Every incident is benign, or there is none. False without an incident: nothing in the input was
    /// recognised, so nothing is known.
    pub healthy: bool,
    /// What was looked at: window and versions.
    pub scope: Scope,
    /// What was read, and what could not be seen.
    pub coverage: Coverage,
    /// Worst first.
    pub incidents: Vec<Incident>,
    /// Templates of warning and error lines that no signature takes.
    pub novel: Vec<Novel>,
    /// One line per member of the ring: what it is and how it does.
    #[serde(default)]
    pub members: Vec<Member>,
}

/// What the gap of [`Report::unrecognised`] is called.
pub(super) const UNRECOGNISED: &str = "what the input says";

impl Report {
    /// Why nothing is known, if nothing of the input was recognised.
    #[must_use]
    pub fn unrecognised(&self) -> Option<&Gap> {
        let nothing = !self.healthy && self.incidents.is_empty();
        let mut gaps = self.coverage.gaps.iter();
        gaps.find(|gap| nothing && gap.what == UNRECOGNISED)
    }

    /// What to say in place of an incident's title when there is none.
    pub(super) fn calm(&self) -> (&'static str, &'static str) {
        if self.unrecognised().is_some() {
            ("UNKNOWN", "nothing in the input was recognised")
        } else if self.coverage.sources.is_empty() {
            let why = "no incident, but nothing is known to have been looked at";
            ("HEALTHY", why)
        } else {
            ("HEALTHY", "no incident in what was looked at")
        }
    }
}

/// The window and the versions in question.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Scope {
    /// First time seen in the input.
    pub from: Option<String>,
    /// Last time seen in the input.
    pub until: Option<String>,
    /// Version per pod, and where that is known from.
    pub thanos: Vec<PodVersion>,
    /// Namespaces seen, sorted.
    #[serde(default)]
    pub namespaces: Vec<String>,
}

/// The Thanos version of one pod.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct PodVersion {
    /// `namespace/name`, or a bare name.
    pub pod: String,
    /// `0.38.0`, or `0.37 – 0.41` when inferred as a range.
    pub version: String,
    /// `image`, `flag` or `inferred`.
    pub basis: String,
}

/// What was read, and what could not be seen.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Coverage {
    /// Streams and objects that were read.
    pub sources: Vec<SourceCoverage>,
    /// What could not be seen, and why.
    pub gaps: Vec<Gap>,
}

/// One stream, or one kind of object of one pod.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct SourceCoverage {
    /// `log`, `status`, `event`, `metric`, `config` or `alert`.
    pub kind: String,
    /// Kubernetes namespace.
    pub namespace: Option<String>,
    /// Pod.
    pub pod: Option<String>,
    /// Container.
    pub container: Option<String>,
    /// The log of the container's previous life.
    pub previous: bool,
    /// Records read.
    pub records: u64,
    /// Bytes read.
    pub bytes: u64,
    /// Earliest time.
    pub from: Option<String>,
    /// Latest time.
    pub until: Option<String>,
    /// Lowest level seen: `debug`, `info`, `warn`, `error`; null when no line has one.
    pub lowest_level: Option<String>,
    /// Lines whose body had something odd (an unclosed quote, broken JSON).
    pub unparsed: u64,
    /// Lines cut at the length bound.
    pub truncated: u64,
}

/// Something that could not be seen.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize, JsonSchema,
)]
pub struct Gap {
    /// What is missing.
    pub what: String,
    /// Why.
    pub why: String,
}

/// Symptoms that hang together, with their hypotheses.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Incident {
    /// Hash of cause, subjects and onset.
    pub id: String,
    /// Onset.
    pub from: Option<String>,
    /// End, when it is over.
    pub until: Option<String>,
    /// More input may change it.
    pub provisional: bool,
    /// Inference was exact.
    pub exact: bool,
    /// `confirmed`, `likely`, `possible`, `cannot_tell` or `benign`.
    pub verdict: String,
    /// `critical`, `error`, `warning` or `info`: of the worst symptom.
    #[serde(default)]
    pub severity: String,
    /// Best first.
    pub hypotheses: Vec<Hypothesis>,
    /// Groups of hypothesis indexes that this data cannot tell apart.
    pub indistinguishable: Vec<Vec<usize>>,
    /// P(a cause rdiag does not know | incident).
    pub unknown_probability: f64,
    /// What to look at next, most telling first.
    pub next_checks: Vec<NextCheck>,
    /// Symptoms that no hypothesis explains.
    pub unexplained: Vec<Unexplained>,
    /// What this means for writes, in one sentence, when evidence carries it.
    #[serde(default)]
    pub impact: Option<String>,
    /// What happened when, per pod: a strip of marks for the text and HTML reports.
    #[serde(default)]
    pub timeline: Timeline,
}

/// One cause with all its subjects.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Hypothesis {
    /// Cause id, as in `rdiag explain ID`.
    pub cause: String,
    /// One line.
    pub title: String,
    /// `root`, `proximate`, `contributing` or `benign`.
    pub role: String,
    /// Calibrated P(active and not downstream of another | incident).
    pub probability: f64,
    /// `confirmed`, `likely`, `possible` or `cannot_tell`.
    pub band: String,
    /// What it is about.
    pub subjects: Vec<Subject>,
    /// From the cause to the impact, one step each.
    pub chain: Vec<String>,
    /// Symptoms it explains.
    pub explains: Vec<Explained>,
    /// Evidence for, strongest first, in nats against the best rival.
    #[serde(rename = "for")]
    pub pro: Vec<Evidence>,
    /// Evidence against, strongest first.
    #[serde(rename = "against")]
    pub contra: Vec<Evidence>,
    /// `never`, `sometimes` or `usually`.
    pub heals_itself: String,
    /// What to do.
    pub remediation: Remediation,
    /// Symptoms it should explain better, with the missing precondition.
    #[serde(default)]
    pub poorly_explained: Vec<String>,
}

/// What something is about.
#[derive(
    Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize, JsonSchema,
)]
pub struct Subject {
    /// pod, node, peer, tenant, bucket, volume, statefulset, hashring, sender or global.
    pub kind: String,
    /// `namespace/name`, bare if the namespace is unknown.
    pub name: String,
}

/// A symptom that a hypothesis explains.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Explained {
    /// Signature id.
    pub symptom: String,
    /// Title of the signature.
    #[serde(default)]
    pub title: String,
    /// Its subject.
    pub subject: Subject,
    /// PN of `inference.md` § 3.6.
    pub necessity: f64,
    /// How often it was seen.
    pub count: u64,
    /// Earliest lines.
    pub samples: Vec<String>,
}

/// One piece of evidence.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Evidence {
    /// Signature id.
    pub symptom: String,
    /// Title of the signature; for silence, what was not seen.
    #[serde(default)]
    pub title: String,
    /// Its subject.
    pub subject: Subject,
    /// Difference it makes to the log-odds against the best rival.
    pub nats: f64,
    /// It is an absence.
    #[serde(default)]
    pub silent: bool,
    /// It is the proof of this cause, also where `nats` is small because the best rival would bring
    /// this very cause about.
    #[serde(default)]
    pub defining: bool,
}

/// What to do about a cause.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Remediation {
    /// Read-only steps that settle it.
    pub confirm: Vec<Step>,
    /// Steps that stop the pain.
    pub mitigate: Vec<Step>,
    /// Steps that remove the cause.
    pub fix: Vec<Step>,
    /// How to know that it is over.
    pub verify: String,
    /// What not to do meanwhile.
    pub avoid: Vec<String>,
}

/// One step.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Step {
    /// What to do.
    #[serde(rename = "do")]
    pub what: String,
    /// The command, with real names. rdiag never runs it.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<String>,
    /// `safe`, `disruptive` or `destructive`; absent for read-only steps.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub risk: Option<String>,
}

/// A check that would tell hypotheses apart.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct NextCheck {
    /// What to do.
    #[serde(rename = "do")]
    pub what: String,
    /// The command, with real names.
    pub run: Option<String>,
    /// Expected information in bits.
    pub bits: f64,
    /// What a yes would mean.
    pub if_yes: String,
    /// What a no would mean.
    pub if_no: String,
}

/// A symptom nothing explains.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Unexplained {
    /// Signature id.
    pub symptom: String,
    /// Title of the signature.
    #[serde(default)]
    pub title: String,
    /// Its subject.
    pub subject: Subject,
    /// How often it was seen.
    pub count: u64,
}

/// A template of warning or error lines that no signature takes.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Novel {
    /// The template; variable parts are `<*>`.
    pub template: String,
    /// Lines.
    pub count: u64,
    /// First seen.
    pub first: Option<String>,
    /// Where.
    pub pods: Vec<String>,
}

/// What happened when, per pod.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Timeline {
    /// Left edge.
    pub from: Option<String>,
    /// Right edge.
    pub until: Option<String>,
    /// One row per pod, members first.
    pub rows: Vec<TimelineRow>,
}

/// One pod's row.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct TimelineRow {
    /// `namespace/name`, or a bare name.
    pub pod: String,
    /// It is a subject of the first hypothesis.
    pub at_fault: bool,
    /// What this row shows, in a few words.
    pub note: String,
    /// Marks, sorted by time.
    pub marks: Vec<Mark>,
}

/// One mark of a row.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize, JsonSchema)]
pub struct Mark {
    /// When: seconds since the epoch.
    pub at: f64,
    /// `critical`, `error`, `warning` or `info`.
    pub severity: String,
    /// Signature id.
    pub symptom: String,
    /// How many in this bucket.
    pub count: u64,
}

/// One member of the ring: what it is and how it does.
#[derive(Clone, Debug, Default, Serialize, Deserialize, JsonSchema)]
pub struct Member {
    /// `namespace/name`, or a bare name.
    pub pod: String,
    /// `receiver` (routers and ingesters alike), `sender`, or `other`.
    pub role: String,
    /// Facts in reading order: `("ready", "yes")`, `("restarts", "6")`, `("version", "0.41.0")`,
    /// `("series", "1200")`, `("memory", "310 MiB of 512 MiB")`, …
    pub facts: Vec<(String, String)>,
}
