//! The pack checked against itself: examples match and near misses do not, no two signatures claim one
//! line by accident, links lead from causes to symptoms, and every message of upstream is accounted
//! for.
//!
//! `rdiag patterns check` and the tests call the same function, so that an author and CI read the same
//! messages. What a loaded pack proves by existing (syntax, ids, anchors, no circles) is not repeated.

mod coverage;
mod examples;
mod graph;
mod placeholders;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;
use std::fmt;

use crate::matcher::{Hit, Matcher};
use crate::pack::{Pack, Place, Problem, SignatureIx, SourceText, Target, file_target};
use crate::record::{Fields, Origin, Record, Source};

pub use coverage::{CAUSES, RUNBOOK_FAMILIES, RUNBOOK_LINES};

/// How bad a finding is.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Grade {
    /// The check fails.
    Error,
    /// Worth a look.
    Warning,
}

/// Something a sound pack would not have.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Finding {
    /// How bad.
    pub grade: Grade,
    /// What and where.
    pub problem: Problem,
}

impl fmt::Display for Finding {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.grade {
            Grade::Error => write!(f, "error: {}", self.problem),
            Grade::Warning => write!(f, "warning: {}", self.problem),
        }
    }
}

/// A signature that a line satisfies, and the values taken out of it.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Matched {
    /// Which.
    pub signature: SignatureIx,
    /// Name to values.
    pub extract: Vec<(String, Vec<String>)>,
}

impl Matched {
    /// Adds what another hit of the same signature on the same line takes out.
    pub fn add(&mut self, extract: Vec<(String, Vec<String>)>) {
        for (name, values) in extract {
            match self.extract.iter_mut().find(|(known, _)| *known == name) {
                Some((_, known)) => {
                    for value in values {
                        if !known.contains(&value) {
                            known.push(value);
                        }
                    }
                }
                None => self.extract.push((name, values)),
            }
        }
    }
}

/// Runs one line (or a record written as `key=value` pairs, for other sources) against all
/// signatures.
pub type Matches<'m> = dyn Fn(&str, Source) -> Vec<Matched> + 'm;

/// Checks `pack`, which was loaded from `files` with its examples. `upstream.tsv` and
/// `not-needed.tsv` are looked for among `files`. Without `matches` nothing is run, and what is said
/// about examples is limited to what can be seen.
///
/// Findings are sorted: errors first, then by place.
#[must_use]
pub fn audit<P: AsRef<str>, B: AsRef<[u8]>>(
    pack: &Pack,
    files: &[(P, B)],
    matches: Option<&Matches>,
) -> Vec<Finding> {
    let mut auditor = Auditor::new(pack, files);
    examples::check(&mut auditor, matches);
    graph::check(&mut auditor);
    placeholders::check(&mut auditor);
    coverage::check(&mut auditor, matches);
    auditor.findings.sort();
    auditor.findings.dedup();
    auditor.findings
}

/// Findings so far, and the texts they point into.
struct Auditor<'a> {
    pack: &'a Pack,
    texts: BTreeMap<Target, SourceText<'a>>,
    upstream: Option<SourceText<'a>>,
    not_needed: Option<SourceText<'a>>,
    findings: Vec<Finding>,
}

impl<'a> Auditor<'a> {
    fn new<P: AsRef<str>, B: AsRef<[u8]>>(pack: &'a Pack, files: &'a [(P, B)]) -> Self {
        let mut auditor = Auditor {
            pack,
            texts: BTreeMap::new(),
            upstream: None,
            not_needed: None,
            findings: Vec::new(),
        };
        for (path, bytes) in files {
            let path = path.as_ref();
            let text = std::str::from_utf8(bytes.as_ref()).unwrap_or_default();
            let source = SourceText { path, text };
            if let Some(target) = file_target(pack, path) {
                auditor.texts.insert(target, source);
            } else if path.ends_with("upstream.tsv") {
                auditor.upstream = Some(source);
            } else if path.ends_with("not-needed.tsv") {
                auditor.not_needed = Some(source);
            }
        }
        auditor
    }

    fn text(&self, target: Target) -> SourceText<'a> {
        self.texts.get(&target).copied().unwrap_or(SourceText {
            path: "patterns",
            text: "",
        })
    }

    fn add(&mut self, grade: Grade, source: SourceText, place: Place, message: impl Into<String>) {
        let problem = source.problem(place, message);
        self.findings.push(Finding { grade, problem });
    }

    /// An error in the file of `target`, where `needle` stands first.
    fn error(&mut self, target: Target, needle: &str, message: impl Into<String>) {
        let source = self.text(target);
        self.add(Grade::Error, source, source.find(needle), message);
    }

    /// A warning in the file of `target`, where `needle` stands first.
    fn warning(&mut self, target: Target, needle: &str, message: impl Into<String>) {
        let source = self.text(target);
        self.add(Grade::Warning, source, source.find(needle), message);
    }
}

/// Runs one example against all signatures: what a line satisfies, and what is taken out of it.
#[must_use]
pub fn matched(pack: &Pack, matcher: &Matcher, line: &str, source: Source) -> Vec<Matched> {
    let origin = Origin::pod("example");
    let mut found = Vec::new();
    // One line may say the same of several peers; an example lists all of them.
    let mut sink = |hit: Hit| {
        let known = found
            .iter_mut()
            .find(|m: &&mut Matched| m.signature == hit.signature);
        match known {
            None => found.push(Matched {
                signature: hit.signature,
                extract: hit.extracts,
            }),
            Some(known) => known.add(hit.extracts),
        }
    };
    if source == Source::Log {
        matcher.scan(pack, &Record::log(&origin, line.as_bytes()), &mut sink);
    } else {
        let text = Record::log(&origin, line.as_bytes());
        let mut fields = Fields::default();
        for (key, value) in text.fields().iter() {
            fields.push(key.to_vec(), value.to_vec());
        }
        matcher.scan(
            pack,
            &Record::from_fields(source, &origin, fields),
            &mut sink,
        );
    }
    found
}
