//! What rdiag knows: signatures, states and causes, loaded from `patterns/` and compiled.
//!
//! Knowledge runs one way, the way things happen: cause → state → symptom, by links. A signature
//! names no cause. The format is described by example in `patterns/README.md`.
//!
//! `raw` mirrors the YAML; `load` turns all files into a [`Pack`] or into every
//! problem found, with file, line and caret. Nothing outside this module can hold an invalid
//! signature.

mod anchors;
mod compact;
mod compile;
mod cycles;
mod lazy;
mod load;
mod lookup;
pub mod manual;
mod problem;
mod raw;
mod version;
pub mod words;

#[cfg(test)]
mod tests;

use crate::record::{Level, Source};
use serde::{Deserialize, Serialize};

pub use lazy::LazyRegex;
pub use load::file_target;
pub use problem::{Place, Problem, SourceText};

/// Index of a signature in [`Pack::signatures`], which is sorted by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct SignatureIx(pub u32);
/// Index of a state in [`Pack::states`], which is sorted by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StateIx(pub u32);
/// Index of a cause in [`Pack::causes`], which is sorted by id.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct CauseIx(pub u32);

/// Everything rdiag knows, compiled. Valid by construction.
#[derive(Debug)]
pub struct Pack {
    /// Sorted by id.
    pub signatures: Vec<Signature>,
    /// Sorted by id.
    pub states: Vec<State>,
    /// Sorted by id.
    pub causes: Vec<Cause>,
}

/// How bad a symptom is: what *we* call it.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Severity {
    /// Worth knowing.
    Info,
    /// Degraded.
    Warning,
    /// Something fails.
    Error,
    /// Data or service is lost.
    Critical,
}

/// Where a signature comes from.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Provenance {
    /// Upstream source; the variants' versions are its tags.
    Upstream,
    /// The operators' runbook; no upstream release prints it.
    Runbook,
    /// Kubernetes objects, events, kernel lines.
    Kubernetes,
    /// A sender: Prometheus, agents, collectors.
    Sender,
    /// A fork or wrapper.
    Fork,
}

/// A version such as `0.34` or `0.34.1`; `main` is 0.43.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct Version {
    /// Major.
    pub major: u32,
    /// Minor.
    pub minor: u32,
    /// Patch; `None` stands for any patch (`until: 0.34` = all 0.34.x).
    pub patch: Option<u32>,
}

/// An inclusive range of versions; open where absent.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct VersionRange {
    /// First version.
    pub since: Option<Version>,
    /// Last version.
    pub until: Option<Version>,
}

/// The kind of thing a symptom, state or cause is about (`design.md` § 4).
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum SubjectKind {
    /// A pod: the writer, or the peer an extraction names (`about: peer`).
    Pod,
    /// A node.
    Node,
    /// A tenant.
    Tenant,
    /// The object-store bucket.
    Bucket,
    /// A persistent volume claim.
    Volume,
    /// A stateful set.
    Statefulset,
    /// The hashring.
    Hashring,
    /// A sender.
    Sender,
    /// The whole system.
    Global,
}

/// Whose versions `since` and `until` are.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Product {
    /// Thanos; the default.
    Thanos,
    /// Prometheus and agents with its line format.
    Prometheus,
    /// Versions are not judged.
    Other,
}

/// How a symptom looks.
#[derive(Debug)]
pub struct Signature {
    /// Path below `patterns/signatures/` without `.yaml`.
    pub id: String,
    /// One line, for people.
    pub title: String,
    /// One paragraph.
    pub summary: String,
    /// How bad.
    pub severity: Severity,
    /// Users feel it.
    pub impact: bool,
    /// P(shows in the window with no known cause).
    pub leak: f64,
    /// Rewordings of one statement share it; by default the id.
    pub family: String,
    /// Rows of `patterns/upstream.tsv` that it matches.
    pub covers: Vec<String>,
    /// Where it comes from.
    pub provenance: Provenance,
    /// Whose versions.
    pub product: Product,
    /// What kind of record.
    pub source: Source,
    /// Any of them; within one, all of `conditions`. Empty for `expect` signatures.
    pub variants: Vec<Variant>,
    /// True when the expected line stays away.
    pub expect: Option<Expect>,
    /// Values taken out.
    pub extract: Vec<Extract>,
    /// What it is about.
    pub about: About,
    /// It knows a text that any program may print, and gives way on a line that another signature of
    /// at least `warning` knows, unless it refines that one.
    pub fallback: bool,
    /// Broader signatures that this one silences on the same record (and the same leaf).
    pub refines: Vec<SignatureIx>,
    /// Excuses.
    pub benign_when: Vec<Excuse>,
    /// Whole lines that match, and near misses that do not.
    pub examples: Examples,
    /// Links on the web.
    pub references: Vec<String>,
    /// Former ids.
    pub formerly: Vec<String>,
}

/// What a signature is about.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum About {
    /// Whoever wrote the line (for events and statuses: the object's pod or node).
    Writer,
    /// The extracted value of that name, which names a subject of that kind. `about: peer` and
    /// `about: endpoint` name pods, `about: tenant` tenants, `about: node` nodes, and so on.
    Extracted {
        /// Name in `extract`.
        name: String,
        /// Kind of subject it names.
        kind: SubjectKind,
    },
    /// The one subject of that kind: `about: hashring`, `bucket`, `global`, `sender`.
    Singleton(SubjectKind),
}

/// One wording of a signature.
#[derive(Debug)]
pub struct Variant {
    /// Versions that print it.
    pub versions: VersionRange,
    /// Lowest log level at which it is printed; `None` when it is printed at any.
    pub min_level: Option<Level>,
    /// All must hold.
    pub conditions: Vec<Condition>,
    /// Literals of at least 8 bytes (none of `"`, `\`, `<`, `>`, `&`, non-ASCII), one of which every
    /// matching raw line contains. Empty only for sources other than logs.
    pub anchors: Vec<Vec<u8>>,
}

/// A condition on one field.
#[derive(Debug)]
pub struct Condition {
    /// Field name. Pseudo-fields: `line` (the raw body), and those of one leaf of the error chain,
    /// which must hold of the *same* leaf: `leaf` (its text), `cause`, `peer`, `code`, `http`, `local`.
    pub field: String,
    /// What must be so.
    pub test: Test,
}

/// A test of a field's value. Repeated keys: any value may satisfy it (`Not`: none may).
#[derive(Debug)]
pub enum Test {
    /// Equal.
    Equals(String),
    /// Equal to one of them.
    OneOf(Vec<String>),
    /// Contains.
    Contains(String),
    /// Contains one of them.
    ContainsAny(Vec<String>),
    /// Starts with.
    StartsWith(String),
    /// Ends with.
    EndsWith(String),
    /// A linear-time regular expression finds something.
    Regex(Box<LazyRegex>),
    /// A number above.
    Above(f64),
    /// A number below.
    Below(f64),
    /// The field is there (`true`) or not (`false`).
    Present(bool),
    /// The inner test does not hold of any value.
    Not(Box<Test>),
}

/// A value taken out of a field.
#[derive(Debug)]
pub struct Extract {
    /// Its name.
    pub name: String,
    /// The field, or a pseudo-field.
    pub from: String,
    /// Takes the group of the same name, or the first group, or whatever matches when there is no
    /// group. Without an expression the whole field.
    pub regex: Option<Box<LazyRegex>>,
}

/// True when the expected line stays away over a window without gaps.
#[derive(Debug)]
pub struct Expect {
    /// The line expected.
    pub signature: SignatureIx,
    /// At least this often, in nanoseconds.
    pub every: i64,
}

/// When a hit is excused.
#[derive(Debug)]
pub struct Excuse {
    /// Another signature seen near.
    pub near: Option<SignatureIx>,
    /// Fewer hits than this.
    pub fewer_than: Option<u64>,
    /// Within this time, in nanoseconds.
    pub within: i64,
    /// Why.
    pub because: String,
}

/// Examples of a signature.
#[derive(Debug, Default)]
pub struct Examples {
    /// Whole lines that match.
    pub matches: Vec<Example>,
    /// Near misses.
    pub rejects: Vec<Example>,
}

/// One example.
#[derive(Debug)]
pub struct Example {
    /// The line; for other sources the record as `key=value` pairs in logfmt.
    pub line: String,
    /// `origin` of a match, `because` of a reject.
    pub why: String,
    /// Values that must be extracted.
    pub extract: Vec<(String, Vec<String>)>,
}

/// What is so though no line says it.
#[derive(Debug)]
pub struct State {
    /// File name.
    pub id: String,
    /// One line.
    pub title: String,
    /// One paragraph.
    pub summary: String,
    /// The kind of subject it is a state of.
    pub scope: SubjectKind,
    /// P(so with no known cause).
    pub leak: f64,
    /// k-of-n gate.
    pub gate: Option<GateType>,
    /// What follows.
    pub links: Vec<Link>,
    /// Links on the web.
    pub references: Vec<String>,
    /// Former ids.
    pub formerly: Vec<String>,
}

/// A gate at type level.
#[derive(Clone, Debug)]
pub struct GateType {
    /// k, from the configuration.
    pub at_least: AtLeast,
    /// Member state.
    pub of: StateIx,
    /// Strength.
    pub q: f64,
}

/// How k is found.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum AtLeast {
    /// A fixed number.
    Fixed(u32),
    /// RF - quorum + 1, by version (`rf-quorum+1`).
    QuorumLoss,
    /// Every member, where senders talk to the members themselves and not to routers before them.
    All,
}

/// The part a cause can play.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Role {
    /// Can be the last word.
    Root,
    /// A last word only when nothing behind it can be seen.
    Proximate,
    /// Explains noise and raises no incident by itself.
    Benign,
}

/// Whether to wait or to act.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Heals {
    /// Act.
    Never,
    /// Perhaps.
    Sometimes,
    /// Wait.
    Usually,
}

/// Whatever can be wrong.
#[derive(Debug)]
pub struct Cause {
    /// File name; an id of `knowledge/causes.md`, or a user's.
    pub id: String,
    /// One line.
    pub title: String,
    /// One paragraph.
    pub summary: String,
    /// The kind of subject it happens to.
    pub scope: SubjectKind,
    /// Role.
    pub role: Role,
    /// How often it begins, per subject and day.
    pub prior_per_day: f64,
    /// Where one subject has it, how often a second one has it too, for the same reason; 0 where
    /// one says nothing of another.
    pub together: f64,
    /// How long it can last, in nanoseconds.
    pub max_duration: Option<i64>,
    /// Causes that cannot be active with it on the same subject.
    pub excludes: Vec<CauseIx>,
    /// Causes with the same remedy share one.
    pub remediation_class: String,
    /// Whether it heals by itself.
    pub heals_itself: Heals,
    /// What follows.
    pub links: Vec<Link>,
    /// Read-only checks.
    pub confirm: Vec<Confirm>,
    /// Steps that stop the pain.
    pub mitigate: Vec<Action>,
    /// Steps that remove the cause.
    pub fix: Vec<Action>,
    /// How to know that it is over.
    pub verify: String,
    /// What not to do meanwhile.
    pub avoid: Vec<String>,
    /// Links on the web.
    pub references: Vec<String>,
    /// Former ids.
    pub formerly: Vec<String>,
}

/// The end of a link.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Target {
    /// A symptom.
    Signature(SignatureIx),
    /// A state.
    State(StateIx),
    /// A cause brought about.
    Cause(CauseIx),
}

/// How the two subjects of a link meet.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Bind {
    /// The same subject, or the one it belongs to (pod → its node, hashring, stateful set, bucket,
    /// global). From a singleton down to pods: as `AnyPod`. The default.
    Same,
    /// The same pod, whatever the kind of the other subject is.
    SamePod,
    /// Another pod says it of this one.
    Peer,
    /// Any pod of the hashring.
    AnyPod,
    /// The node the pod runs on, or the pods that run on the node.
    SameNode,
}

/// What follows from a cause or state.
#[derive(Debug)]
pub struct Link {
    /// What follows.
    pub to: Target,
    /// How often it follows.
    pub q: f64,
    /// Further causes or states that must hold too.
    pub with: Vec<Target>,
    /// From one onset to the other, in seconds; without it timing is not judged.
    pub delay: Option<(f64, f64)>,
    /// How the subjects meet.
    pub bind: Bind,
    /// Conditions on configuration.
    pub when: When,
    /// This symptom alone all but proves the cause.
    pub defining: bool,
    /// Why we believe it.
    pub source: String,
}

/// Conditions on configuration; all that are given must hold. An unknown value satisfies them.
#[derive(Clone, Debug, Default)]
pub struct When {
    /// Thanos versions.
    pub versions: VersionRange,
    /// Replication factors.
    pub replication_factor: Vec<u32>,
    /// `RouterIngestor`, `RouterOnly` or `IngestorOnly`.
    pub mode: Option<String>,
    /// `hashmod` or `ketama`.
    pub algorithm: Option<String>,
}

/// A read-only check.
#[derive(Clone, Debug)]
pub struct Confirm {
    /// What to do.
    pub what: String,
    /// The command; `{{name}}` placeholders are filled in by `report`.
    pub run: Option<String>,
    /// The signatures it would show.
    pub yields: Vec<SignatureIx>,
    /// How long it takes.
    pub minutes: f64,
    /// 1 read-only, 3 exec in a pod or load, 10 disruptive.
    pub cost: f64,
}

/// How dangerous a step is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Risk {
    /// Nothing is interrupted.
    Safe,
    /// Something restarts or is refused meanwhile.
    Disruptive,
    /// Data is lost.
    Destructive,
}

/// A step that changes something.
#[derive(Clone, Debug)]
pub struct Action {
    /// What to do.
    pub what: String,
    /// The command.
    pub run: Option<String>,
    /// Risk.
    pub risk: Risk,
}
