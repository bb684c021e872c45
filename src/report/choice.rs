//! Which causes of an incident are shown, and how: one that stands, or the few that remain.

use super::model::{Hypothesis, Incident, Subject};

/// Causes less probable than this are left to the full report.
const WORTH_A_LINE: f64 = 0.05;
/// Most causes listed as what remains.
pub(super) const REMAINING: usize = 3;

/// The hypothesis that gives an incident its verdict.
pub(super) fn leading(incident: &Incident) -> Option<&Hypothesis> {
    incident
        .hypotheses
        .iter()
        .find(|h| h.role != "benign" || incident.verdict == "benign")
}

/// The causes that remain, when the verdict leaves a choice; otherwise nothing.
///
/// A choice is left when the verdict is `cannot_tell`, or `possible` with a rival worth a line.
pub(super) fn remaining(incident: &Incident) -> Option<Vec<&Hypothesis>> {
    let causes: Vec<(usize, &Hypothesis)> = incident
        .hypotheses
        .iter()
        .enumerate()
        .filter(|(_, h)| h.role != "benign")
        .collect();
    let first = causes.first().map(|(index, _)| *index);
    let group = first.and_then(|first| {
        incident
            .indistinguishable
            .iter()
            .find(|group| group.contains(&first))
    });
    let listed: Vec<&Hypothesis> = causes
        .into_iter()
        .filter(|(index, h)| {
            Some(*index) == first
                || group.is_some_and(|group| group.contains(index))
                || h.probability >= WORTH_A_LINE
        })
        .map(|(_, h)| h)
        .take(REMAINING)
        .collect();
    match incident.verdict.as_str() {
        "cannot_tell" => Some(listed),
        "possible" if listed.len() > 1 => Some(listed),
        _ => None,
    }
}

/// Is the unknown cause worth a line?
pub(super) fn unknown_matters(incident: &Incident) -> bool {
    incident.unknown_probability >= WORTH_A_LINE
}

/// The headline of an incident without a leading cause.
pub(super) fn undecided_title(incident: &Incident, remaining: &[&Hypothesis]) -> String {
    // Nothing in this data prefers one of a group to another.
    let alike = incident.indistinguishable.iter().any(|group| {
        remaining.iter().all(|h| {
            let of_group = |&index: &usize| incident.hypotheses.get(index);
            group
                .iter()
                .filter_map(of_group)
                .any(|g| std::ptr::eq(g, *h))
        })
    });
    match remaining.len() {
        _ if incident.unknown_probability >= 0.5 => {
            "most likely a cause that rdiag does not know".to_owned()
        }
        0 => "no cause that rdiag knows explains this".to_owned(),
        1 => "one known cause fits, but not well enough to name it".to_owned(),
        n if alike => format!("{n} causes remain that this data does not tell apart"),
        n => format!("{n} causes remain, none of them likely enough to name"),
    }
}

/// The subjects that all of several hypotheses share; empty when they differ.
pub(super) fn common_subjects<'a>(hypotheses: &[&'a Hypothesis]) -> &'a [Subject] {
    match hypotheses {
        [first, rest @ ..] if rest.iter().all(|h| h.subjects == first.subjects) => &first.subjects,
        _ => &[],
    }
}

/// The lesser hypotheses of an incident that deserve a line, without those shown as what remains.
pub(super) fn lesser(incident: &Incident) -> Vec<&Hypothesis> {
    let shown = remaining(incident).unwrap_or_default();
    let first = leading(incident).map(std::ptr::from_ref);
    incident
        .hypotheses
        .iter()
        .filter(|h| Some(std::ptr::from_ref(*h)) != first)
        .filter(|h| !shown.iter().any(|s| std::ptr::eq(*s, *h)))
        .filter(|h| h.probability >= WORTH_A_LINE)
        .collect()
}

/// A title, or the id where a signature has none.
pub(super) fn titled(title: &str, id: &str) -> String {
    if title.is_empty() { id } else { title }.to_owned()
}
