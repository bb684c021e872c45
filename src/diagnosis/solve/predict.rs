//! What a set of causes makes of symptoms not yet looked at.

use std::collections::BTreeSet;

use super::Solution;
use super::compile::{Request, compile, evidence_of};
use super::engine::Engine;
use super::fixed::{self, Fixed, probability};
use super::noisy::share;
use super::part::{relevant, strength, valid};
use super::problem::{Evidence, Problem};
use crate::diagnosis::network::{Network, Parent};

/// P(a symptom shows | exactly these causes, all evidence but its own).
///
/// Its own observability counts; a symptom that was not collected is taken as fully observable:
/// the question is then what one would find on looking. Unknown indexes give 0.
pub fn predictive(solution: &Solution, set: &[usize], symptom: usize) -> f64 {
    let Some(node) = solution.network.symptoms.get(symptom) else {
        return 0.0;
    };
    let o = match probability(node.observability) {
        o if o > 0.0 => o,
        _ => 1.0,
    };
    let scope = scope_of(solution, &[symptom]);
    let problem = compile(&Request {
        network: &solution.network,
        causes: &scope.causes,
        symptoms: &scope.symptoms,
        flexible: &[symptom],
    });
    let Some(place) = problem.symptom_of(symptom) else {
        return 0.0;
    };
    let mut engine = Engine::new(&problem);
    engine.push_all(&problem.switches_of(set));
    engine.observe(place, Evidence::Blank);
    let rest = engine.ln_likelihood();
    if node.present {
        engine.observe(place, Evidence::Present(o));
        return fixed::exp(engine.ln_likelihood() - rest).min(1.0);
    }
    engine.observe(place, Evidence::Silent(o));
    (1.0 - fixed::exp(engine.ln_likelihood() - rest)).clamp(0.0, 1.0)
}

/// Causes and symptoms that matter to some symptoms: those of the components they touch.
struct Scope {
    /// Causes, sorted.
    causes: Vec<usize>,
    /// Symptoms with evidence, and the ones asked for, sorted.
    symptoms: Vec<usize>,
}

/// The scope of some symptoms, which may be such as were not collected.
fn scope_of(solution: &Solution, symptoms: &[usize]) -> Scope {
    let network = &solution.network;
    let (causes, states) = ancestors(network, symptoms);
    let mut scope = Scope {
        causes: causes.iter().copied().collect(),
        symptoms: symptoms.to_vec(),
    };
    for component in &solution.components {
        let shared = component.causes.iter().any(|c| causes.contains(c))
            || component.symptoms.iter().any(|s| symptoms.contains(s))
            || {
                let theirs = relevant(network, &component.symptoms);
                states.iter().any(|&s| theirs[s])
            };
        if shared {
            scope.causes.extend(&component.causes);
            scope.symptoms.extend(&component.symptoms);
        }
    }
    for list in [&mut scope.causes, &mut scope.symptoms] {
        list.sort_unstable();
        list.dedup();
    }
    scope
}

/// What sets of causes expect of one question.
#[derive(Clone, Debug)]
pub struct Outlook {
    /// Index of the question.
    pub query: usize,
    /// For each set, P(none of the symptoms asked about shows | set, evidence).
    pub silent: Vec<f64>,
}

/// For each question (symptoms, each with the observability it would be looked at with) and each
/// set: how probable is it that none of them shows? Questions that do not bear on the component
/// are left out.
pub fn outlook(
    solution: &Solution,
    component: usize,
    sets: &[&[usize]],
    queries: &[Vec<(usize, f64)>],
) -> Vec<Outlook> {
    let Some(part) = solution.components.get(component) else {
        return Vec::new();
    };
    let theirs = relevant(&solution.network, &part.symptoms);
    let bears = |symptom: usize| {
        let (causes, states) = ancestors(&solution.network, &[symptom]);
        states.iter().any(|&s| theirs[s])
            || causes.iter().any(|c| part.causes.binary_search(c).is_ok())
    };
    let queries: Vec<(usize, Vec<(usize, f64)>)> = queries
        .iter()
        .map(|query| query.iter().copied().filter(|q| bears(q.0)).collect())
        .enumerate()
        .filter(|(_, query): &(usize, Vec<_>)| !query.is_empty())
        .collect();
    let mut asked: Vec<usize> = queries.iter().flat_map(|q| &q.1).map(|q| q.0).collect();
    asked.sort_unstable();
    asked.dedup();
    let mut symptoms = [part.symptoms.as_slice(), &asked].concat();
    symptoms.sort_unstable();
    symptoms.dedup();
    let problem = compile(&Request {
        network: &solution.network,
        causes: &part.causes,
        symptoms: &symptoms,
        flexible: &asked,
    });
    let mut answers: Vec<Outlook> = queries
        .iter()
        .map(|q| Outlook {
            query: q.0,
            silent: Vec::with_capacity(sets.len()),
        })
        .collect();
    let mut engine = Engine::new(&problem);
    for set in sets {
        let switches = problem.switches_of(set);
        engine.push_all(&switches);
        let before = engine.ln_likelihood();
        for ((_, query), answer) in queries.iter().zip(&mut answers) {
            let silent = silence(&mut engine, query);
            answer.silent.push(fixed::exp(silent - before).min(1.0));
        }
        engine.pop_n(switches.len());
    }
    answers
}

/// ln P(evidence, and none of these shows).
fn silence(engine: &mut Engine<'_>, query: &[(usize, f64)]) -> Fixed {
    let mut changes = 0;
    for &(symptom, o) in query {
        if let Some(place) = engine.problem().symptom_of(symptom) {
            engine.observe(place, Evidence::Silent(probability(o)));
            changes += 1;
        }
    }
    let value = engine.ln_likelihood();
    engine.pop_n(changes);
    value
}

/// Causes and states from which a symptom can be reached.
pub(super) fn ancestors(
    network: &Network,
    symptoms: &[usize],
) -> (BTreeSet<usize>, BTreeSet<usize>) {
    let marks = relevant(network, symptoms);
    let states: BTreeSet<usize> = (0..marks.len()).filter(|&s| marks[s]).collect();
    let mut causes = BTreeSet::new();
    let all = network.states.len();
    let of_symptoms = symptoms
        .iter()
        .map(|&s| valid(network, &network.symptoms[s].terms, all));
    let of_states = states
        .iter()
        .map(|&s| valid(network, &network.states[s].terms, s));
    for term in of_symptoms.flatten().chain(of_states.flatten()) {
        causes.extend(term.all.iter().filter_map(|p| match *p {
            Parent::Cause(c) => Some(c),
            Parent::State(_) => None,
        }));
    }
    (causes, states)
}

/// ln P(all states off and the evidence | no cause).
pub(super) fn ln_all_off(network: &Network, problem: &Problem, symptoms: &[usize]) -> Fixed {
    let marks = relevant(network, symptoms);
    let states = (0..marks.len()).filter(|&s| marks[s]);
    let states: Fixed = states
        .map(|s| {
            let node = &network.states[s];
            let gate = node.gate.as_ref();
            let open = gate.map_or(0.0, |g| probability(g.q) * probability(share(&g.g, 0)));
            fixed::ln((1.0 - probability(node.leak)) * (1.0 - open))
        })
        .sum();
    let symptoms: Fixed = problem
        .symptoms
        .iter()
        .map(|&s| {
            let leak = probability(network.symptoms[s].leak);
            fixed::ln(evidence_of(&network.symptoms[s]).likelihood(leak, 1.0 - leak))
        })
        .sum();
    states + symptoms
}

/// ln of the most likely any set can make the evidence: all that shows is brought about by
/// everything that can, all that is silent by nothing. All terms are monotone, so this holds.
pub(super) fn ln_upper_bound(network: &Network, problem: &Problem) -> Fixed {
    let each = problem.symptoms.iter().map(|&s| {
        let node = &network.symptoms[s];
        let mut off = 1.0 - probability(node.leak);
        if node.present {
            off = full_off(network, s, |_| true);
        }
        fixed::ln(evidence_of(node).likelihood(1.0 - off, off))
    });
    each.sum()
}

/// P(a symptom does not show) with all parents on whose causes satisfy `counts`; members of
/// its terms that are states are on.
pub(super) fn full_off(network: &Network, symptom: usize, counts: impl Fn(usize) -> bool) -> f64 {
    let node = &network.symptoms[symptom];
    let terms = valid(network, &node.terms, network.states.len());
    let counted = terms.filter(|term| {
        term.all.iter().all(|parent| match *parent {
            Parent::Cause(c) => counts(c),
            Parent::State(_) => true,
        })
    });
    let off = 1.0 - probability(node.leak);
    counted.fold(off, |off, term| off * (1.0 - strength(term)))
}
