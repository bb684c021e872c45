//! Which check would tell the remaining hypotheses apart best.
//!
//! A check is worth the entropy it is expected to take from the question "which remedy is needed",
//! per minute and risk. Sets of causes with the same remedies need not be told apart.

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use super::solve::fixed::probability;
use super::solve::{Outlook, Solution, outlook};

/// Sets that the value of a check is computed over.
const SETS: usize = 16;

/// Bits below which more looking does not help.
pub const LEAST_BITS: f64 = 0.05;

/// Checks whose values differ by less than this share are ordered by the second criterion.
const NEAR: f64 = 0.10;

/// Risk from which a check is disruptive and is never offered first.
pub const DISRUPTIVE: f64 = 10.0;

/// Least minutes a check is taken to cost.
const LEAST_MINUTES: f64 = 0.1;

/// A check that could be done.
#[derive(Clone, Debug)]
pub struct CheckNode {
    /// Canonical name: the last tie-break.
    pub name: String,
    /// Symptoms it would show, each with its observability under this check: would it be seen if
    /// it was so? Symptoms that are present already add nothing.
    pub yields: Vec<(usize, f64)>,
    /// Minutes it takes.
    pub minutes: f64,
    /// 1 reads only, 3 executes in a pod or makes load, 10 disrupts.
    pub risk: f64,
}

/// What would be believed after one outcome.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Outcome {
    /// The most probable set.
    pub set: Vec<usize>,
    /// Its probability among the sets considered.
    pub posterior: f64,
    /// P(some instance of the type active) by cause type, most probable first.
    pub kinds: Vec<(u32, f64)>,
    /// The cause type whose probability rises most, if any does.
    pub risen: Option<u32>,
    /// Probability of each set considered, as given to [`next_checks`].
    pub sets: Vec<(Vec<usize>, f64)>,
}

/// A check and what it is worth.
#[derive(Clone, Debug)]
pub struct Ranked {
    /// Index of the check.
    pub check: usize,
    /// Expected information about the remedy, in bits.
    pub bits: f64,
    /// P(it shows something).
    pub p_yes: f64,
    /// Bits per minute and risk.
    pub score: f64,
    /// Expected fall of the probability that two sets with different remedies are confused.
    pub separation: f64,
    /// After "it shows something".
    pub if_yes: Outcome,
    /// After "it shows nothing".
    pub if_no: Outcome,
    /// Both outcomes lead to the same remedies.
    pub same_action: bool,
    /// It disrupts.
    pub disruptive: bool,
}

/// All checks that bear on a component (by index), best first.
///
/// "Yes" is: at least one of the yields shows.
pub fn next_checks(solution: &Solution, component: usize, checks: &[CheckNode]) -> Vec<Ranked> {
    let Some(part) = solution.components.get(component) else {
        return Vec::new();
    };
    let sets: Vec<&[usize]> = part
        .sets
        .iter()
        .take(SETS)
        .map(|s| s.causes.as_slice())
        .collect();
    let total: f64 = part.sets.iter().take(SETS).map(|s| s.posterior).sum();
    if total <= 0.0 {
        return Vec::new();
    }
    let priors: Vec<f64> = part
        .sets
        .iter()
        .take(SETS)
        .map(|s| s.posterior / total)
        .collect();
    let yields: Vec<Vec<(usize, f64)>> = checks.iter().map(|c| usable(solution, c)).collect();
    let asked: Vec<Outlook> = outlook(solution, component, &sets, &yields);
    let classes: Vec<Vec<u32>> = sets.iter().map(|s| classes(solution, s)).collect();
    let mut ranked: Vec<Ranked> = asked
        .into_iter()
        .filter(|outlook| !yields[outlook.query].is_empty())
        .map(|outlook| {
            let check = &checks[outlook.query];
            value(solution, &sets, &classes, &priors, &outlook, check)
        })
        .collect();
    order(&mut ranked, checks);
    ranked
}

/// The first few checks worth doing: enough bits, different actions, and none that disrupts before
/// one that does not. Empty: more looking will not help.
pub fn offered(ranked: &[Ranked], most: usize) -> Vec<&Ranked> {
    let worth = |r: &&Ranked| r.bits >= LEAST_BITS && !r.same_action;
    let (calm, disruptive): (Vec<&Ranked>, Vec<&Ranked>) =
        ranked.iter().filter(worth).partition(|r| !r.disruptive);
    let alone = calm.is_empty();
    let mut offered = calm;
    if !alone {
        offered.extend(disruptive);
    }
    offered.truncate(most);
    offered
}

/// Yields that the check can add something to: symptoms not seen yet, looked at better than so far.
fn usable(solution: &Solution, check: &CheckNode) -> Vec<(usize, f64)> {
    let mut best: BTreeMap<usize, f64> = BTreeMap::new();
    for &(symptom, o) in &check.yields {
        let Some(node) = solution.network.symptoms.get(symptom) else {
            continue;
        };
        let o = probability(o);
        if !node.present && o > probability(node.observability) {
            let most = best.entry(symptom).or_default();
            *most = most.max(o);
        }
    }
    best.into_iter().collect()
}

/// The remedies of a set.
fn classes(solution: &Solution, set: &[usize]) -> Vec<u32> {
    let causes = &solution.network.causes;
    let mut classes: Vec<u32> = set.iter().map(|&c| causes[c].class).collect();
    classes.sort_unstable();
    classes.dedup();
    classes
}

fn value(
    solution: &Solution,
    sets: &[&[usize]],
    classes: &[Vec<u32>],
    priors: &[f64],
    outlook: &Outlook,
    check: &CheckNode,
) -> Ranked {
    let no: Vec<f64> = priors
        .iter()
        .zip(&outlook.silent)
        .map(|(p, n)| p * n)
        .collect();
    let yes: Vec<f64> = priors
        .iter()
        .zip(&no)
        .map(|(p, n)| (p - n).max(0.0))
        .collect();
    let p_no: f64 = no.iter().sum();
    let p_yes = (1.0 - p_no).clamp(0.0, 1.0);
    let (after_yes, after_no) = (normalised(&yes), normalised(&no));
    let expected = |measure: fn(&[Vec<u32>], &[f64]) -> f64| {
        let after = p_yes * measure(classes, &after_yes) + p_no * measure(classes, &after_no);
        (measure(classes, priors) - after).max(0.0)
    };
    let bits = expected(entropy);
    let cost = finite(check.minutes, 1.0).max(LEAST_MINUTES) * finite(check.risk, 1.0).max(1.0);
    let (if_yes, yes_class) = outcome(solution, sets, classes, priors, &after_yes);
    let (if_no, no_class) = outcome(solution, sets, classes, priors, &after_no);
    Ranked {
        check: outlook.query,
        bits,
        p_yes,
        score: bits / cost,
        separation: expected(confusion),
        same_action: yes_class == no_class,
        if_yes,
        if_no,
        disruptive: check.risk >= DISRUPTIVE,
    }
}

fn finite(x: f64, otherwise: f64) -> f64 {
    if x.is_finite() { x } else { otherwise }
}

fn normalised(weights: &[f64]) -> Vec<f64> {
    let sum: f64 = weights.iter().sum();
    let scale = if sum > 0.0 { 1.0 / sum } else { 0.0 };
    weights.iter().map(|w| w * scale).collect()
}

/// Probability by remedy.
fn by_class(classes: &[Vec<u32>], weights: &[f64]) -> Vec<f64> {
    let mut sums: BTreeMap<&[u32], f64> = BTreeMap::new();
    for (class, weight) in classes.iter().zip(weights) {
        *sums.entry(class).or_default() += weight;
    }
    sums.into_values().collect()
}

/// Bits needed to name the remedy.
fn entropy(classes: &[Vec<u32>], weights: &[f64]) -> f64 {
    let each = by_class(classes, weights).into_iter().filter(|&p| p > 0.0);
    each.map(|p| -p * libm::log2(p)).sum()
}

/// P(two draws have different remedies) / 2: the mass of edges between classes.
fn confusion(classes: &[Vec<u32>], weights: &[f64]) -> f64 {
    let same: f64 = by_class(classes, weights).into_iter().map(|p| p * p).sum();
    (1.0 - same) / 2.0
}

fn outcome(
    solution: &Solution,
    sets: &[&[usize]],
    classes: &[Vec<u32>],
    before: &[f64],
    after: &[f64],
) -> (Outcome, Vec<u32>) {
    let places = 0..sets.len();
    let top = places.min_by(|&a, &b| after[b].total_cmp(&after[a]).then(a.cmp(&b)));
    let Some(top) = top else {
        return (Outcome::default(), Vec::new());
    };
    let (old, new) = (
        by_kind(solution, sets, before),
        by_kind(solution, sets, after),
    );
    let risen = new
        .iter()
        .map(|(kind, p)| (*kind, p - old.get(kind).copied().unwrap_or_default()))
        .filter(|&(_, rise)| rise > 0.0)
        .min_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let mut kinds: Vec<(u32, f64)> = new.into_iter().collect();
    kinds.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    let outcome = Outcome {
        set: sets[top].to_vec(),
        posterior: after[top],
        kinds,
        risen: risen.map(|r| r.0),
        sets: sets
            .iter()
            .map(|s| s.to_vec())
            .zip(after.iter().copied())
            .collect(),
    };
    (outcome, classes[top].clone())
}

fn by_kind(solution: &Solution, sets: &[&[usize]], weights: &[f64]) -> BTreeMap<u32, f64> {
    let mut sums = BTreeMap::new();
    for (set, weight) in sets.iter().zip(weights) {
        let mut kinds: Vec<u32> = set
            .iter()
            .map(|&c| solution.network.causes[c].kind)
            .collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            *sums.entry(kind).or_default() += weight;
        }
    }
    sums
}

/// By score; scores within a tenth of the best left are ordered by separation, then by name.
fn order(ranked: &mut Vec<Ranked>, checks: &[CheckNode]) {
    ranked.sort_by(|a, b| {
        let order = b.score.total_cmp(&a.score);
        order.then_with(|| checks[a.check].name.cmp(&checks[b.check].name))
    });
    let mut rest = std::mem::take(ranked);
    while let Some(best) = rest.first() {
        let least = best.score * (1.0 - NEAR);
        let near = rest.iter().take_while(|r| r.score >= least);
        let choice = near
            .enumerate()
            .min_by(|a, b| {
                b.1.separation
                    .total_cmp(&a.1.separation)
                    .then(a.0.cmp(&b.0))
            })
            .map_or(0, |c| c.0);
        ranked.push(rest.remove(choice));
    }
}
