//! The YAML as it is written: one struct per kind of file, no logic.
//!
//! Words, numbers, durations and ids stay strings with their place in the file ([`At`]), so that
//! `load` can point at whatever is wrong with them. The build script compiles this module too.

mod at;
mod condition;
mod many;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

pub(crate) use at::At;
pub(crate) use condition::{RawCondition, RawTest};
pub(crate) use many::Many;

/// A file below `patterns/signatures/`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawSignature {
    /// One line.
    pub title: String,
    /// One paragraph.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Word.
    pub severity: At<String>,
    /// Users feel it.
    #[serde(default, skip_serializing_if = "is_false")]
    pub impact: bool,
    /// Word or number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leak: Option<At<String>>,
    /// Default: the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub family: Option<String>,
    /// Rows of the message catalogue.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub covers: Many<At<String>>,
    /// Word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub provenance: Option<At<String>>,
    /// Word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub product: Option<At<String>>,
    /// Word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub source: Option<At<String>>,
    /// Wordings.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub variants: Vec<RawVariant>,
    /// Instead of `variants`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub expect: Option<RawExpect>,
    /// Name to field.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extract: BTreeMap<String, RawExtract>,
    /// Name of an extraction or of a kind of subject.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub about: Option<At<String>>,
    /// Ids.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub refines: Many<At<String>>,
    /// Gives way to whatever else knows the line.
    #[serde(default, skip_serializing_if = "std::ops::Not::not")]
    pub fallback: bool,
    /// Excuses.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub benign_when: Vec<RawExcuse>,
    /// Matches and near misses.
    #[serde(default, skip_serializing_if = "RawExamples::is_empty")]
    pub examples: RawExamples,
    /// Links on the web.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub references: Many<String>,
    /// Former ids.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub formerly: Many<String>,
}

/// One wording.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawVariant {
    /// First version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<At<String>>,
    /// Last version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<At<String>>,
    /// Lowest level at which it is printed.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub min_level: Option<At<String>>,
    /// Field to condition; all must hold.
    #[serde(rename = "where")]
    pub conditions: At<BTreeMap<String, RawCondition>>,
}

/// A line that should keep coming.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawExpect {
    /// Id of the line expected.
    pub signature: At<String>,
    /// Duration.
    pub every: At<String>,
}

/// A value taken out: `name: field` or `name: {from: field, regex: …}`.
#[derive(Debug, Serialize)]
pub(crate) struct RawExtract {
    /// Field.
    pub from: String,
    /// Expression.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub regex: Option<At<String>>,
}

/// When a hit is excused.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawExcuse {
    /// Id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub near: Option<At<String>>,
    /// Number of hits.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fewer_than: Option<u64>,
    /// Duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub within: Option<At<String>>,
    /// Why.
    pub because: String,
}

/// Examples of a signature.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawExamples {
    /// Lines that match.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub matches: Vec<RawMatch>,
    /// Lines that nearly do.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub rejects: Vec<RawReject>,
}

/// A line that matches.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawMatch {
    /// Where the line comes from.
    pub origin: String,
    /// The whole line.
    pub line: At<String>,
    /// What must be taken out of it.
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    pub extract: BTreeMap<String, Many<String>>,
}

/// A line that nearly matches.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawReject {
    /// Why it is another matter.
    pub because: String,
    /// The whole line.
    pub line: At<String>,
}

/// A file below `patterns/states/`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawState {
    /// One line.
    pub title: String,
    /// One paragraph.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Kind of subject.
    pub scope: At<String>,
    /// Word or number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub leak: Option<At<String>>,
    /// k of n.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub gate: Option<RawGate>,
    /// What follows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<RawLink>,
    /// Links on the web.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub references: Many<String>,
    /// Former ids.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub formerly: Many<String>,
}

/// k of n.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawGate {
    /// A number, `all` or `rf-quorum+1`.
    pub at_least: At<String>,
    /// `state/…`.
    pub of: At<String>,
    /// Word or number.
    pub q: At<String>,
}

/// A file below `patterns/causes/`.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawCause {
    /// One line.
    pub title: String,
    /// One paragraph.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub summary: String,
    /// Kind of subject.
    pub scope: At<String>,
    /// Word.
    pub role: At<String>,
    /// Word, or number per day.
    pub prior: At<String>,
    /// Word, or number.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub together: Option<At<String>>,
    /// Duration.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub max_duration: Option<At<String>>,
    /// Ids of causes.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub excludes: Many<At<String>>,
    /// Default: the id.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub remediation_class: Option<String>,
    /// Word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub heals_itself: Option<At<String>>,
    /// What follows.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub links: Vec<RawLink>,
    /// Read-only checks.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub confirm: Vec<RawConfirm>,
    /// Steps that stop the pain.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub mitigate: Vec<RawAction>,
    /// Steps that remove the cause.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub fix: Vec<RawAction>,
    /// How to know that it is over.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub verify: Many<String>,
    /// What not to do.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub avoid: Many<String>,
    /// Links on the web.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub references: Many<String>,
    /// Former ids.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub formerly: Many<String>,
}

/// What follows.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawLink {
    /// A signature, `state/…` or `cause/…`.
    pub to: At<String>,
    /// Word or number.
    pub q: At<String>,
    /// `state/…` or `cause/…`.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub with: Many<At<String>>,
    /// `0s..30s`.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub delay: Option<At<String>>,
    /// Word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub bind: Option<At<String>>,
    /// Conditions on configuration.
    #[serde(default, skip_serializing_if = "RawWhen::is_empty")]
    pub when: RawWhen,
    /// All but proves the cause.
    #[serde(default, skip_serializing_if = "is_false")]
    pub defining: bool,
    /// Why we believe it.
    #[serde(default, skip_serializing_if = "String::is_empty")]
    pub source: String,
}

/// Conditions on configuration.
#[derive(Debug, Default, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawWhen {
    /// First version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub since: Option<At<String>>,
    /// Last version.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub until: Option<At<String>>,
    /// Replication factors.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub replication_factor: Many<u32>,
    /// Word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub mode: Option<At<String>>,
    /// Word.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub algorithm: Option<At<String>>,
}

/// A read-only check.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawConfirm {
    /// What to do.
    #[serde(rename = "do")]
    pub what: String,
    /// Command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<At<String>>,
    /// Signatures it would show.
    #[serde(default, skip_serializing_if = "Many::is_empty")]
    pub yields: Many<At<String>>,
    /// How long it takes.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub minutes: Option<f64>,
    /// 1, 3 or 10.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub cost: Option<f64>,
}

/// A step that changes something.
#[derive(Debug, Serialize, Deserialize)]
#[serde(deny_unknown_fields)]
pub(crate) struct RawAction {
    /// What to do.
    #[serde(rename = "do")]
    pub what: String,
    /// Command.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub run: Option<At<String>>,
    /// Word.
    pub risk: At<String>,
}

impl RawExamples {
    fn is_empty(&self) -> bool {
        self.matches.is_empty() && self.rejects.is_empty()
    }
}

impl RawWhen {
    fn is_empty(&self) -> bool {
        let versions = self.since.is_none() && self.until.is_none();
        let ring = self.mode.is_none() && self.algorithm.is_none();
        versions && ring && self.replication_factor.is_empty()
    }
}

/// Defaults need not be written into the precompiled pack.
#[allow(clippy::trivially_copy_pass_by_ref)]
fn is_false(flag: &bool) -> bool {
    !flag
}

/// What kind of file a path names.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum FileKind {
    /// `signatures/**.yaml`
    Signature,
    /// `states/*.yaml`
    State,
    /// `causes/*.yaml`
    Cause,
}

/// Kind and id of the file at `path`, which may begin with folders that lead to the pack. `None`
/// for anything that is no part of a pack.
pub(crate) fn classify(path: &str) -> Option<(FileKind, &str)> {
    let stem = path.strip_suffix(".yaml")?;
    let folders = [
        (FileKind::Signature, "signatures/"),
        (FileKind::State, "states/"),
        (FileKind::Cause, "causes/"),
    ];
    let find = |folder: &str| match stem.starts_with(folder) {
        true => Some(0),
        false => stem.find(&format!("/{folder}")).map(|at| at + 1),
    };
    folders
        .into_iter()
        .filter_map(|(kind, folder)| Some((find(folder)?, kind, folder.len())))
        .min()
        .map(|(at, kind, len)| (kind, &stem[at + len..]))
}

/// Parses one file.
///
/// # Errors
///
/// The parser's message, with its place.
pub(crate) fn parse<'de, T: Deserialize<'de>>(text: &'de str) -> Result<T, serde_saphyr::Error> {
    serde_saphyr::from_str_with_options(text, options())
}

/// YAML 1.2 booleans only, and nothing that looks odd is taken for a number: `no` and `007` are
/// what they look like.
fn options() -> serde_saphyr::Options {
    let mut options = serde_saphyr::Options::default();
    options.strict_booleans = true;
    options.leading_zero_numbers_as_strings = true;
    options.underscored_numbers_as_strings = true;
    options
}
