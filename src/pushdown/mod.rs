//! The pack's anchors as filters of the stores that logs are kept in, so that only lines that matter
//! travel.
//!
//! A line is *quiet* when it says of itself, beyond doubt, that its level is info or debug. Lines that
//! are not quiet are always taken: warnings and errors, whether a signature knows them or not, lines
//! without a level, dumps. Of quiet lines those are taken that contain an anchor of a signature whose
//! presence or absence can change the answer: one that a link leads to, that excuses another, that is
//! expected, that tells the parts and lives of pods, or that is a warning in its own right. The rest
//! (uploads, blocks written, checkpoints) is most of a healthy log and is only counted.

#[cfg(test)]
mod tests;

use std::collections::BTreeSet;

use regex::bytes::Regex;

use crate::limits;
use crate::pack::{Pack, Provenance, Severity, Signature, SignatureIx, Target, Variant};
use crate::record::{Level, Source};

/// A quiet line: its level stands before the first quote, where no text of a message can be; or it is
/// JSON, where a quote inside a value would have a backslash before it. RE2 and Rust agree on it.
const QUIET: &str = r#"(?i)^(?:[^"]*\s)?(?:level|lvl)=(?:info|debug)(?:\s|$)|^\{(?:.*[{,]\s*)?"level"\s*:\s*"(?:info|debug)""#;

/// The same for debug alone.
const DEBUG: &str =
    r#"(?i)^(?:[^"]*\s)?(?:level|lvl)=debug(?:\s|$)|^\{(?:.*[{,]\s*)?"level"\s*:\s*"debug""#;

/// Signatures that the comparisons of the engine ask for by name, beside those that links lead to.
const ASKED: &[&str] = &[
    "thanos/process/",
    "thanos/go/",
    "thanos/hashring/set-up",
    "thanos/tsdb/replay-",
];

/// Which lines of logs a diagnosis needs.
#[derive(Debug)]
pub struct Filter {
    /// Literals; a quiet line with any of them is taken. Sorted.
    anchors: Vec<String>,
    quiet: Regex,
    wanted: Option<aho_corasick::AhoCorasick>,
}

impl Filter {
    /// The filter of a pack; `None` when it would be too long for any store to take, so that
    /// everything must be read.
    #[must_use]
    pub fn of(pack: &Pack) -> Option<Self> {
        let needed = needed(pack);
        let mut anchors: BTreeSet<String> = BTreeSet::new();
        for (n, signature) in pack.signatures.iter().enumerate() {
            if signature.source != Source::Log || !needed[n] {
                continue;
            }
            for variant in signature.variants.iter().filter(|v| may_be_quiet(v)) {
                let texts = variant.anchors.iter();
                anchors.extend(texts.map(|a| String::from_utf8_lossy(a).into_owned()));
            }
        }
        // What contains a shorter one is found with it.
        let all: Vec<String> = anchors.into_iter().collect();
        let longer = |a: &&String| all.iter().any(|b| b != *a && a.contains(b.as_str()));
        let anchors: Vec<String> = all.iter().filter(|a| !longer(a)).cloned().collect();
        let bytes: usize = anchors.iter().map(|a| a.len() + 1).sum();
        if bytes > limits::FILTER_BYTES {
            return None;
        }
        Some(Self {
            wanted: aho_corasick::AhoCorasick::new(&anchors).ok(),
            quiet: Regex::new(QUIET).expect("a constant that a test compiles"),
            anchors,
        })
    }

    /// Whether the filter lets a line through; what the stores are asked, done here.
    #[must_use]
    pub fn takes(&self, line: &[u8]) -> bool {
        !self.quiet.is_match(line) || self.wanted.as_ref().is_none_or(|w| w.is_match(line))
    }

    /// What to ask Loki for, as line filters behind a stream selector: together exactly the lines that
    /// are taken, none twice. Without [`Filter`], or when a store refuses the second one,
    /// [`quiet_logql`] asks for all quiet lines.
    #[must_use]
    pub fn logql(&self) -> [String; 2] {
        let quiet = quoted(QUIET);
        let anchors: Vec<String> = self.anchors.iter().map(|a| regex::escape(a)).collect();
        let anchors = quoted(&anchors.join("|"));
        [format!(" !~ {quiet}"), format!(" |~ {quiet} |~ {anchors}")]
    }

    /// The same for VictoriaLogs, as one filter of LogsQL.
    #[must_use]
    pub fn logsql(&self) -> String {
        let anchors: Vec<String> = self.anchors.iter().map(|a| regex::escape(a)).collect();
        let anchors = quoted(&anchors.join("|"));
        format!("(!~{} or ~{anchors})", quoted(QUIET))
    }

    /// How many literals it looks for.
    #[must_use]
    pub fn anchors(&self) -> usize {
        self.anchors.len()
    }
}

/// Loki's filter for all quiet lines.
#[must_use]
pub fn quiet_logql() -> String {
    format!(" |~ {}", quoted(QUIET))
}

/// Loki's filter for lines of level debug.
#[must_use]
pub fn debug_logql() -> String {
    format!(" |~ {}", quoted(DEBUG))
}

/// VictoriaLogs' filter for lines of level debug.
#[must_use]
pub fn debug_logsql() -> String {
    format!("~{}", quoted(DEBUG))
}

/// A string literal that both query languages read: they take it from Go.
#[must_use]
pub fn quoted(text: &str) -> String {
    serde_json::Value::from(text).to_string()
}

/// Whether the variant is printed at info or debug, or at whatever level.
fn may_be_quiet(variant: &Variant) -> bool {
    variant.min_level.is_none_or(|level| level <= Level::Info)
}

/// By signature: can its presence or absence change the answer?
fn needed(pack: &Pack) -> Vec<bool> {
    let mut needed: Vec<bool> = pack.signatures.iter().map(by_itself).collect();
    let mut mark = |ix: SignatureIx| needed[ix.0 as usize] = true;
    let links = pack.causes.iter().flat_map(|c| &c.links);
    for link in links.chain(pack.states.iter().flat_map(|s| &s.links)) {
        if let Target::Signature(ix) = link.to {
            mark(ix);
        }
    }
    for signature in &pack.signatures {
        let excuses = signature.benign_when.iter().filter_map(|e| e.near);
        excuses.for_each(&mut mark);
        if let Some(expect) = &signature.expect {
            mark(expect.signature);
        }
    }
    // Rewordings of one statement count as one.
    let families: BTreeSet<&str> = (pack.signatures.iter().zip(&needed))
        .filter(|(_, needed)| **needed)
        .map(|(s, _)| s.family.as_str())
        .collect();
    let of_family = |s: &Signature| families.contains(s.family.as_str());
    pack.signatures.iter().map(of_family).collect()
}

fn by_itself(signature: &Signature) -> bool {
    signature.severity >= Severity::Warning
        || signature.provenance == Provenance::Sender
        || ASKED.iter().any(|id| signature.id.starts_with(id))
}
