//! Which check would settle it (`inference.md` § 3.11).

use std::collections::BTreeSet;

use super::checks::{self, CheckNode};
use super::interpret::View;
use super::{Hypothesis, NextCheck};
use crate::pack::CauseIx;

/// A check that is done is seldom inconclusive.
const SEEN: f64 = 0.9;
/// How many are offered.
const OFFERED: usize = 3;

/// The checks of the hypotheses' causes that would tell most, best first.
pub(super) fn checks(
    view: &View<'_>,
    component: usize,
    hypotheses: &[Hypothesis],
) -> Vec<NextCheck> {
    let mut steps: Vec<(CauseIx, usize)> = Vec::new();
    let mut seen: BTreeSet<&str> = BTreeSet::new();
    for hypothesis in hypotheses {
        let cause = &view.pack.causes[hypothesis.cause.0 as usize];
        for (n, step) in cause.confirm.iter().enumerate() {
            let text = step.run.as_deref().unwrap_or(&step.what);
            if seen.insert(text) {
                steps.push((hypothesis.cause, n));
            }
        }
    }
    let nodes: Vec<CheckNode> = steps
        .iter()
        .map(|(cause, n)| node(view, *cause, *n))
        .collect();
    let ranked = checks::next_checks(view.solution, component, &nodes);
    checks::offered(&ranked, OFFERED)
        .into_iter()
        .map(|r| {
            let (cause, step) = steps[r.check];
            let believed = |kinds: &[(u32, f64)], risen: Option<u32>| {
                risen
                    .or_else(|| kinds.first().map(|k| k.0))
                    .filter(|k| (*k as usize) < view.pack.causes.len())
                    .map(CauseIx)
            };
            NextCheck {
                cause,
                step,
                bits: r.bits,
                if_yes: believed(&r.if_yes.kinds, r.if_yes.risen),
                if_no: believed(&r.if_no.kinds, r.if_no.risen),
            }
        })
        .collect()
}

fn node(view: &View<'_>, cause: CauseIx, n: usize) -> CheckNode {
    let step = &view.pack.causes[cause.0 as usize].confirm[n];
    let families: BTreeSet<usize> = step.yields.iter().map(|s| view.families.of(*s)).collect();
    let yields = view
        .bound
        .symptoms
        .iter()
        .enumerate()
        .filter(|(ix, s)| families.contains(&s.family) && !view.bound.network.symptoms[*ix].present)
        .map(|(ix, _)| (ix, SEEN))
        .collect();
    CheckNode {
        name: format!("{}/{n}", view.pack.causes[cause.0 as usize].id),
        yields,
        minutes: step.minutes,
        risk: step.cost,
    }
}
