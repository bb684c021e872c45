//! Exact inference on a bound network: which sets of causes account for what was seen and for
//! what was not, and how probable each is. `docs/inference.md` explains the model.
//!
//! ```text
//! network ─ part ─→ parts ─ compile ─→ tables ─ search (engine) ─→ weighed sets ─→ Solution
//!                                                                                   │
//!             explain: necessity, ranking, cover   evidence: nats, fit   ../checks ←┘
//! ```
//!
//! Nothing here fails, and nothing depends on the order of a map, a thread or a clock.

mod compile;
mod engine;
mod evidence;
mod explain;
pub(crate) mod fixed;
mod noisy;
mod order;
mod part;
mod predict;
mod problem;
mod search;
mod tree;

#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use evidence::{Contrast, Fit, GroupEvidence, GroupFit, contrast, evidence, fit};
pub use explain::{
    Explains, Necessity, Need, cover, explains, necessity, necessity_in, ranking_score,
};
pub use part::UNKNOWN_KIND;
pub use predict::{Outlook, outlook, predictive};

use super::network::Network;
use compile::{Request, compile};
use engine::Engine;
use fixed::Fixed;
use part::Part;
use problem::Problem;
use search::{Found, Record};

/// Most sets of a component that are kept one by one; the rest is kept as a sum.
const KEPT_SETS: usize = 4096;

/// Sets of each component that enter the sets of the whole, when there are several components.
const JOINT_SETS: usize = 64;

/// Least posterior with which a set of one component is combined with those of others.
const FAINT: f64 = 1e-9;

/// Share of the mass a search may have missed and still be called exact.
const NEGLIGIBLE: f64 = 1e-3;

/// How to solve.
#[derive(Clone, Debug)]
pub struct Options {
    /// Most causes in a set, besides seeded ones.
    pub max_set: usize,
    /// Up to so many unseeded candidates all sets are weighed; beyond it a beam searches.
    pub exact_candidates: usize,
    /// Sets a beam keeps in each round.
    pub beam: usize,
    /// Give each component with a present symptom an unknown cause.
    pub unknown: bool,
    /// P(unknown cause) within the prior window.
    pub unknown_prior: f64,
    /// How often the unknown cause brings about each symptom that it is linked to.
    pub unknown_strength: f64,
}

impl Default for Options {
    fn default() -> Self {
        Self {
            max_set: 3,
            exact_candidates: 40,
            beam: 256,
            unknown: true,
            unknown_prior: 1e-4,
            unknown_strength: 0.25,
        }
    }
}

/// A set of causes, and how well it accounts for the evidence.
#[derive(Clone, Debug, PartialEq)]
pub struct SetPosterior {
    /// Indexes of the active causes, sorted; all others are not.
    pub causes: Vec<usize>,
    /// ln P(exactly these begin within the prior window).
    pub ln_prior: f64,
    /// ln P(evidence | set).
    pub ln_likelihood: f64,
    /// P(set | evidence).
    pub posterior: f64,
}

/// The answer for causes and symptoms that hang together.
#[derive(Clone, Debug)]
pub struct Component {
    /// Its causes, sorted.
    pub causes: Vec<usize>,
    /// Its symptoms with evidence, sorted.
    pub symptoms: Vec<usize>,
    /// Some symptom is present: there is something to explain.
    pub present: bool,
    /// Its unknown cause.
    pub unknown: Option<usize>,
    /// Sets, most probable first, ties by causes.
    pub sets: Vec<SetPosterior>,
    /// Probability of the sets that are not listed.
    pub rest_mass: f64,
    /// ln P(evidence of the component).
    pub ln_evidence: f64,
    /// P(some instance of the type active | evidence).
    pub kind_marginals: BTreeMap<u32, f64>,
    /// P(no cause active | evidence); the unknown cause counts as a cause.
    pub no_cause: f64,
    /// P(no cause active and every state off | evidence).
    pub no_cause_all_off: f64,
    /// P(the unknown cause active | evidence).
    pub unknown_active: f64,
    /// Every set of the size asked for was weighed, and every state summed.
    pub exact: bool,
    /// Bound on the share of the mass in sets of the size asked for that were not weighed.
    pub discarded_mass: f64,
    problem: Problem,
}

/// The answer for a whole network.
#[derive(Clone, Debug)]
pub struct Solution {
    /// The network that was solved: the one given and one unknown cause per component. Indexes
    /// below the given lengths mean the same in both.
    pub network: Network,
    /// Independent components, in order of their first symptom.
    pub components: Vec<Component>,
    /// Sets over all components, most probable first. With several components, only the best few
    /// of each are combined.
    pub sets: Vec<SetPosterior>,
    /// Probability of the sets that are not listed.
    pub rest_mass: f64,
    /// ln P(evidence).
    pub ln_evidence: f64,
    /// P(cause active | evidence), by cause.
    pub marginals: Vec<f64>,
    /// P(some instance of the type active | evidence).
    pub kind_marginals: BTreeMap<u32, f64>,
    /// P(no cause active | evidence).
    pub no_cause: f64,
    /// P(no cause active and every state off | evidence).
    pub no_cause_all_off: f64,
    /// All components are exact.
    pub exact: bool,
    /// Bound on the share of mass not weighed, over all components.
    pub discarded_mass: f64,
}

impl Solution {
    /// The component that a cause belongs to; none if it bears on no evidence.
    pub fn component_of(&self, cause: usize) -> Option<&Component> {
        let mut all = self.components.iter();
        all.find(|c| c.causes.binary_search(&cause).is_ok())
    }
}

/// Solves a network: splits it into components, weighs the sets of each, multiplies.
pub fn solve(network: &Network, options: &Options) -> Solution {
    let mut network = network.clone();
    let mut parts = part::split(&network);
    if options.unknown {
        let (prior, strength) = (options.unknown_prior, options.unknown_strength);
        for part in &mut parts {
            part::add_unknown(&mut network, part, prior, strength);
        }
    }
    let mut marginals: Vec<f64> = network
        .causes
        .iter()
        .map(|c| search::prior(c.prior))
        .collect();
    let components: Vec<Component> = parts
        .into_iter()
        .map(|part| solve_part(&network, part, options, &mut marginals))
        .collect();
    whole(network, components, marginals)
}

/// Weighs one set of causes, whether the search came upon it or not.
pub fn weigh(solution: &Solution, set: &[usize]) -> SetPosterior {
    let mut whole = SetPosterior {
        causes: Vec::new(),
        ln_prior: 0.0,
        ln_likelihood: 0.0,
        posterior: 1.0,
    };
    for component in &solution.components {
        let problem = &component.problem;
        let mut switches = problem.switches_of(set);
        switches.sort_unstable();
        switches.dedup();
        let mut engine = Engine::new(problem);
        engine.push_all(&switches);
        let prior = search::Priors::new(&solution.network, problem).of(&switches);
        let ln_prior = fixed::to_nats(prior);
        let ln_likelihood = fixed::to_nats(engine.ln_likelihood());
        let part = SetPosterior {
            causes: switches
                .iter()
                .map(|&c| problem.causes[c as usize])
                .collect(),
            ln_prior,
            ln_likelihood,
            posterior: libm::exp(ln_prior + ln_likelihood - component.ln_evidence),
        };
        whole = both(&whole, &part);
    }
    whole
}

fn solve_part(
    network: &Network,
    part: Part,
    options: &Options,
    marginals: &mut [f64],
) -> Component {
    let problem = compile(&Request {
        network,
        causes: &part.causes,
        symptoms: &part.symptoms,
        flexible: &[],
    });
    let found = search::search(network, &problem, options);
    let joints: Vec<Fixed> = found.records.iter().map(Record::joint).collect();
    let ln_evidence = fixed::ln_sum(&joints).unwrap_or_default();
    let weights: Vec<f64> = joints.iter().map(|j| fixed::exp(j - ln_evidence)).collect();
    add_marginals(&problem, &found, &weights, marginals);
    let none = found.records.iter().position(|r| r.set.is_empty());
    let all_off = predict::ln_all_off(network, &problem, &part.symptoms);
    let prior = search::Priors::new(network, &problem);
    let no_cause = none.map_or(0.0, |i| weights[i]);
    let discarded_mass = missed(network, &problem, &prior, &found, options, ln_evidence);
    let held_exactly = problem.held.len() <= 2 && !problem.relaxed;
    let mut unknowns = part.causes.iter().filter(|&&c| network.causes[c].unknown);
    let unknown = unknowns.next().copied();
    Component {
        present: part.symptoms.iter().any(|&s| network.symptoms[s].present),
        unknown,
        sets: listed(&problem, &found, &weights),
        rest_mass: weights.iter().skip(KEPT_SETS).sum(),
        ln_evidence: fixed::to_nats(ln_evidence),
        kind_marginals: kinds(network, &problem, &found, &weights),
        no_cause,
        no_cause_all_off: fixed::exp(prior.none + all_off - ln_evidence).min(no_cause),
        unknown_active: unknown.map_or(0.0, |u| marginals[u]),
        exact: held_exactly && discarded_mass < NEGLIGIBLE,
        discarded_mass,
        causes: part.causes,
        symptoms: part.symptoms,
        problem,
    }
}

fn listed(problem: &Problem, found: &Found, weights: &[f64]) -> Vec<SetPosterior> {
    let records = found.records.iter().zip(weights).take(KEPT_SETS);
    records
        .map(|(record, &posterior)| SetPosterior {
            causes: record
                .set
                .iter()
                .map(|&c| problem.causes[c as usize])
                .collect(),
            ln_prior: fixed::to_nats(record.ln_prior),
            ln_likelihood: fixed::to_nats(record.ln_likelihood),
            posterior,
        })
        .collect()
}

fn add_marginals(problem: &Problem, found: &Found, weights: &[f64], marginals: &mut [f64]) {
    for &cause in &problem.causes {
        marginals[cause] = 0.0;
    }
    for (record, weight) in found.records.iter().zip(weights) {
        for &switch in &record.set {
            marginals[problem.causes[switch as usize]] += weight;
        }
    }
}

fn kinds(
    network: &Network,
    problem: &Problem,
    found: &Found,
    weights: &[f64],
) -> BTreeMap<u32, f64> {
    let kind = |&switch: &u32| network.causes[problem.causes[switch as usize]].kind;
    let all = 0..problem.causes.len() as u32;
    let mut marginals: BTreeMap<u32, f64> = all.map(|s| (kind(&s), 0.0)).collect();
    for (record, weight) in found.records.iter().zip(weights) {
        let mut kinds: Vec<u32> = record.set.iter().map(kind).collect();
        kinds.sort_unstable();
        kinds.dedup();
        for kind in kinds {
            *marginals.entry(kind).or_default() += weight;
        }
    }
    marginals
}

/// Bound on the share of sets within the size asked for that were not weighed: their prior mass
/// times the likelihood of a world in which everything that shows is brought about and nothing
/// silent is.
fn missed(
    network: &Network,
    problem: &Problem,
    priors: &search::Priors,
    found: &Found,
    options: &Options,
    ln_evidence: Fixed,
) -> f64 {
    if found.complete {
        return 0.0;
    }
    let seeded = |i: usize| network.causes[problem.causes[i]].seeded;
    let sums = priors.choices(seeded, options.max_set);
    let mut seen = vec![0.0; sums.len()];
    for record in &found.records {
        let free = record.set.iter().filter(|&&s| !seeded(s as usize)).count();
        if let Some(sum) = seen.get_mut(free) {
            *sum += fixed::exp(record.ln_prior - priors.none);
        }
    }
    let left: f64 = sums.iter().zip(&seen).map(|(a, b)| (a - b).max(0.0)).sum();
    let most = predict::ln_upper_bound(network, problem);
    let mass = libm::exp(fixed::to_nats(most + priors.none - ln_evidence)) * left;
    if mass.is_finite() {
        mass / (1.0 + mass)
    } else {
        1.0
    }
}

fn whole(network: Network, components: Vec<Component>, marginals: Vec<f64>) -> Solution {
    let mut none_of: BTreeMap<u32, f64> = BTreeMap::new();
    for component in &components {
        for (&kind, p) in &component.kind_marginals {
            *none_of.entry(kind).or_insert(1.0) *= 1.0 - p;
        }
    }
    // With one component the marginal is kept as it is: 1 − (1 − p) would lose its last digits.
    let kind_marginals = match components.as_slice() {
        [one] => one.kind_marginals.clone(),
        _ => none_of.into_iter().map(|(k, p)| (k, 1.0 - p)).collect(),
    };
    let all = || components.iter();
    let seen: f64 = all().map(|c| 1.0 - c.discarded_mass).product();
    let (sets, rest_mass) = joint_sets(&components);
    Solution {
        sets,
        rest_mass,
        ln_evidence: all().map(|c| c.ln_evidence).sum(),
        kind_marginals,
        no_cause: all().map(|c| c.no_cause).product(),
        no_cause_all_off: all().map(|c| c.no_cause_all_off).product(),
        exact: all().all(|c| c.exact),
        discarded_mass: 1.0 - seen,
        marginals,
        components,
        network,
    }
}

fn joint_sets(components: &[Component]) -> (Vec<SetPosterior>, f64) {
    if let [one] = components {
        return (one.sets.clone(), one.rest_mass);
    }
    let mut sets = vec![SetPosterior {
        causes: Vec::new(),
        ln_prior: 0.0,
        ln_likelihood: 0.0,
        posterior: 1.0,
    }];
    for component in components {
        let sets_of = component.sets.iter().take(JOINT_SETS);
        let few: Vec<&SetPosterior> = sets_of.take_while(|s| s.posterior >= FAINT).collect();
        sets = sets
            .iter()
            .flat_map(|a| few.iter().map(|b| both(a, b)))
            .collect();
        sets.sort_by(|a, b| {
            let order = b.posterior.total_cmp(&a.posterior);
            order.then_with(|| a.causes.cmp(&b.causes))
        });
        sets.truncate(KEPT_SETS);
    }
    let listed: f64 = sets.iter().map(|s| s.posterior).sum();
    (sets, (1.0 - listed).max(0.0))
}

fn both(a: &SetPosterior, b: &SetPosterior) -> SetPosterior {
    let mut causes = [a.causes.as_slice(), &b.causes].concat();
    causes.sort_unstable();
    SetPosterior {
        causes,
        ln_prior: a.ln_prior + b.ln_prior,
        ln_likelihood: a.ln_likelihood + b.ln_likelihood,
        posterior: a.posterior * b.posterior,
    }
}
