//! Causes, states and links: every cause shows somewhere, every symptom comes from somewhere, and the
//! numbers cannot undo each other.

use std::collections::BTreeSet;

use super::Auditor;
use crate::pack::{Cause, Product, Provenance, Severity, Signature, Target};
use crate::record::Source;

/// A defining symptom must leak this much less often than its cause begins, or silence elsewhere
/// overrules it.
const DEFINING_LEAK: f64 = 1e-3;

/// Windows of ten minutes in a day.
const WINDOWS_PER_DAY: f64 = 144.0;

pub(super) fn check(auditor: &mut Auditor) {
    let pack = auditor.pack;
    let mut reached: Vec<BTreeSet<Target>> = Vec::new();
    for target in pack.targets() {
        match target {
            Target::Cause(ix) => {
                let symptoms = pack.reachable(target);
                cause(auditor, target, &pack[ix], &symptoms);
                reached.push(symptoms);
            }
            Target::State(ix) => described(auditor, target, &pack[ix].summary),
            Target::Signature(ix) => {
                described(auditor, target, &pack[ix].summary);
                variants(auditor, target, &pack[ix]);
            }
        }
        links(auditor, target);
    }
    for target in pack.targets() {
        if let Target::Signature(ix) = target {
            let causes = reached
                .iter()
                .filter(|symptoms| symptoms.contains(&target))
                .count();
            explained(auditor, target, &pack[ix], causes);
        }
        if let Target::State(_) = target
            && !reached.iter().any(|found| found.contains(&target))
        {
            auditor.warning(target, "title:", "no cause leads to this state");
        }
    }
}

fn cause(auditor: &mut Auditor, target: Target, cause: &Cause, reached: &BTreeSet<Target>) {
    let symptoms = reached.iter().filter(|t| matches!(t, Target::Signature(_)));
    if symptoms.count() == 0 {
        auditor.error(
            target,
            "links:",
            "its links lead to no signature: it could never be found",
        );
    }
    described(auditor, target, &cause.summary);
    let lacks = [
        (
            cause.confirm.is_empty(),
            "`confirm`: a step that would settle it",
        ),
        (
            cause.mitigate.is_empty() && cause.fix.is_empty(),
            "`mitigate` or `fix`: a cause nobody can act on is trivia",
        ),
        (
            cause.verify.is_empty(),
            "`verify`: how to know that it is over",
        ),
        (cause.references.is_empty(), "`references`"),
    ];
    for (lacking, what) in lacks {
        if lacking {
            auditor.error(target, "title:", format!("needs {what}"));
        }
    }
    for step in cause.mitigate.iter().chain(&cause.fix) {
        if step.what.trim().is_empty() {
            auditor.error(target, "do:", "a step that says nothing");
        }
    }
    let prior = 1.0 - (-cause.prior_per_day / WINDOWS_PER_DAY).exp();
    for link in cause.links.iter().filter(|link| link.defining) {
        let Target::Signature(symptom) = link.to else {
            auditor.error(target, "defining:", "only a symptom can be defining");
            continue;
        };
        let (id, leak) = (&auditor.pack[symptom].id, auditor.pack[symptom].leak);
        if leak > DEFINING_LEAK * prior {
            let most = DEFINING_LEAK * prior;
            let message = format!(
                "defining, so the leak of `{id}` must be at most {most:.1e}, a thousandth of this \
                 cause's prior per window; it is {leak:.1e}"
            );
            auditor.error(target, id, message);
        }
    }
}

fn described(auditor: &mut Auditor, target: Target, summary: &str) {
    if summary.is_empty() {
        auditor.error(target, "title:", "needs a `summary`");
    }
}

fn links(auditor: &mut Auditor, from: Target) {
    let pack = auditor.pack;
    let references = match from {
        Target::Signature(_) => return,
        Target::State(ix) => &pack[ix].references,
        Target::Cause(ix) => &pack[ix].references,
    };
    for link in pack.links(from) {
        if link.source.is_empty() && references.is_empty() {
            let to = pack.id(link.to);
            let message = "says nothing of why we believe it: give `source` or `references`";
            auditor.error(from, &to, message);
        }
    }
}

/// Every upstream line has a level, and versions unless it was always printed.
fn variants(auditor: &mut Auditor, target: Target, signature: &Signature) {
    let upstream = signature.provenance == Provenance::Upstream;
    if signature.source != Source::Log || !upstream {
        return;
    }
    for variant in &signature.variants {
        if variant.min_level.is_none() {
            auditor.warning(
                target,
                "variants:",
                "a variant does not say its `min_level`",
            );
        }
        let open = variant.versions.since.is_none() && variant.versions.until.is_none();
        if open && signature.product == Product::Thanos {
            auditor.warning(target, "variants:", "a variant does not say its versions");
        }
    }
}

fn explained(auditor: &mut Auditor, target: Target, signature: &Signature, causes: usize) {
    if signature.severity > Severity::Info && causes == 0 {
        auditor.error(target, "title:", "no cause leads to this symptom");
    } else if signature.impact && causes < 2 {
        let message = "users feel this, but fewer than two causes lead to it";
        auditor.warning(target, "impact:", message);
    }
}
