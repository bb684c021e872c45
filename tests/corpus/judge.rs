//! Is the answer right? The truth of a case, and the rules by which a report is held against it.

use std::collections::BTreeSet;

use rdiag::report::model::{Hypothesis, Incident, Report};
use serde::Deserialize;

/// Causes that explain noise and raise no incident by themselves.
const BENIGN: [&str; 3] = [
    "rollout-in-progress",
    "scaling-in-progress",
    "conflict-on-retry",
];

/// `truth.yaml`; `fixtures/README.md` says what the keys mean.
#[derive(Debug, Default, Deserialize)]
#[serde(deny_unknown_fields)]
#[allow(dead_code)] // Some keys are there for people.
pub(crate) struct Truth {
    story: String,
    origin: String,
    cause: String,
    certainty: Certainty,
    #[serde(default)]
    accept: BTreeSet<String>,
    #[serde(default)]
    also: BTreeSet<String>,
    #[serde(default)]
    subject: String,
    #[serde(default)]
    candidates: BTreeSet<String>,
    #[serde(default)]
    tags: BTreeSet<String>,
    #[serde(default)]
    thanos_version: String,
    #[serde(default)]
    never: BTreeSet<String>,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "lowercase")]
enum Certainty {
    #[default]
    Confirmed,
    Likely,
    Contested,
}

impl Truth {
    /// Every cause that is so, or may be said to be.
    pub(crate) fn causes(&self) -> BTreeSet<String> {
        let all = self.accept.iter().chain(&self.also).chain([&self.cause]);
        all.cloned().collect()
    }

    /// The causes that are active; a benign one is context, not a fault.
    fn faults(&self) -> BTreeSet<&str> {
        if !self.tags.contains("two-faults")
            || ["none", "undecidable"].contains(&self.cause.as_str())
        {
            return BTreeSet::new();
        }
        let all = self.also.iter().chain([&self.cause]).map(String::as_str);
        all.filter(|cause| !BENIGN.contains(cause)).collect()
    }

    fn names_benign(&self) -> bool {
        BENIGN.contains(&self.cause.as_str())
            || self.accept.iter().any(|c| BENIGN.contains(&c.as_str()))
    }
}

/// Holds `report` against `truth`: `Err` says what is wrong with it.
pub(crate) fn judge(report: &Report, truth: &Truth) -> Result<(), String> {
    let every: Vec<&Incident> = report.incidents.iter().collect();
    let mut raised: Vec<&Incident> = every
        .iter()
        .copied()
        .filter(|i| i.verdict != "benign")
        .collect();
    never(&raised, truth)?;
    if truth.cause == "none" {
        return match raised.first() {
            None => Ok(()),
            Some(incident) => Err(format!("nothing is wrong, yet: {}", said(incident))),
        };
    }
    if raised.is_empty() && truth.cause != "undecidable" && truth.names_benign() {
        raised = every;
    }
    let Some(first) = raised.first() else {
        return Err(format!("nothing was found, yet {} is so", truth.cause));
    };
    let ranked = ranked(first, truth);
    if truth.cause == "undecidable" {
        return undecided(first, &ranked, truth);
    }
    let faults = truth.faults();
    let good = |h: &Hypothesis| {
        h.cause == truth.cause
            || truth.accept.contains(&h.cause)
            || faults.contains(h.cause.as_str())
    };
    let place = ranked.iter().position(|h| good(h));
    if truth.certainty == Certainty::Contested {
        return match place {
            Some(0..=2) if first.verdict != "confirmed" => Ok(()),
            _ => Err(format!(
                "{} is contested, but: {}",
                truth.cause,
                said(first)
            )),
        };
    }
    let Some(top) = ranked.first().filter(|_| place == Some(0)) else {
        return Err(format!(
            "{} must come first, but: {}",
            truth.cause,
            said(first)
        ));
    };
    let other_fault = faults.contains(top.cause.as_str()) && top.cause != truth.cause;
    if !truth.subject.is_empty()
        && !other_fault
        && !top
            .subjects
            .iter()
            .any(|s| is_word(&truth.subject, &s.name))
    {
        return Err(format!(
            "{} is at fault, but: {}",
            truth.subject,
            said(first)
        ));
    }
    both(&raised, &faults)
}

/// What must not appear.
fn never(raised: &[&Incident], truth: &Truth) -> Result<(), String> {
    let named = raised
        .iter()
        .flat_map(|i| i.hypotheses.iter().take(1))
        .find(|h| truth.never.contains(&h.cause));
    named.map_or(Ok(()), |h| {
        Err(format!("{} must never be the answer here", h.cause))
    })
}

/// The hypotheses of the first incident as its verdict sees them: benign ones only where one is
/// asked for, or where there is nothing else.
fn ranked<'r>(incident: &'r Incident, truth: &Truth) -> Vec<&'r Hypothesis> {
    let all: Vec<&Hypothesis> = incident.hypotheses.iter().collect();
    if truth.names_benign() {
        return all;
    }
    let blamed: Vec<&Hypothesis> = all.iter().copied().filter(|h| h.role != "benign").collect();
    if blamed.is_empty() { all } else { blamed }
}

/// The input does not decide; saying so is the right answer, guessing is a wrong one.
fn undecided(incident: &Incident, ranked: &[&Hypothesis], truth: &Truth) -> Result<(), String> {
    let admits = ["cannot_tell", "possible"].contains(&incident.verdict.as_str());
    let among = ranked
        .iter()
        .take(3)
        .any(|h| truth.candidates.contains(&h.cause));
    if admits && (among || truth.candidates.is_empty()) {
        return Ok(());
    }
    Err(format!(
        "one of {:?} cannot be told from the others, but: {}",
        truth.candidates,
        said(incident)
    ))
}

/// Two faults are found as two: among the first three causes of all incidents together.
fn both(raised: &[&Incident], faults: &BTreeSet<&str>) -> Result<(), String> {
    let lists: Vec<Vec<&Hypothesis>> = raised
        .iter()
        .map(|i| i.hypotheses.iter().filter(|h| h.role != "benign").collect())
        .collect();
    let mut merged: Vec<&str> = Vec::new();
    for n in 0..3 {
        for hypothesis in lists.iter().filter_map(|l| l.get(n)) {
            if !merged.contains(&hypothesis.cause.as_str()) {
                merged.push(&hypothesis.cause);
            }
        }
    }
    merged.truncate(3);
    match faults.iter().find(|fault| !merged.contains(*fault)) {
        None => Ok(()),
        Some(missed) => Err(format!(
            "there are two faults; {missed} is not among {merged:?}"
        )),
    }
}

/// Is `name` a whole word of `text`? A dash is part of a word.
fn is_word(name: &str, text: &str) -> bool {
    let part = |c: char| c.is_alphanumeric() || c == '_' || c == '-';
    text.match_indices(name)
        .any(|(at, _)| !text[..at].ends_with(part) && !text[at + name.len()..].starts_with(part))
}

/// An incident in one line, for messages.
fn said(incident: &Incident) -> String {
    let each = incident.hypotheses.iter().take(4).map(|h| {
        let subjects: Vec<&str> = h.subjects.iter().map(|s| s.name.as_str()).collect();
        format!("{} {:.2} {} {subjects:?}", h.cause, h.probability, h.band)
    });
    format!(
        "{}: {}",
        incident.verdict,
        each.collect::<Vec<_>>().join("; ")
    )
}
