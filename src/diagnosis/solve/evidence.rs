//! What speaks for a cause and against its best rival, and how well the best set fits.

use std::collections::BTreeMap;

use super::engine::Engine;
use super::explain::{Needs, present};
use super::fixed::{self, Fixed};
use super::predict::full_off;
use super::problem::Evidence;
use super::search::Priors;
use super::{Component, Solution};
use crate::diagnosis::network::{Network, Parent};

/// Below this a symptom is poorly explained.
const POOR: f64 = 0.05;

/// A cause leads to a symptom at all when this much of it would go with the cause.
const LEADS: f64 = 0.01;

/// The best set with a cause type against the best one without it.
#[derive(Clone, Debug, PartialEq)]
pub struct Contrast {
    /// Index of the component it is about.
    pub component: usize,
    /// Best set with some instance of the type.
    pub with: Vec<usize>,
    /// Best set without.
    pub without: Vec<usize>,
    /// The type that stands in its place there, if any.
    pub rival: Option<u32>,
    /// Log-odds of the two sets, in nats.
    pub log_odds: f64,
    /// The part of it that is prior.
    pub prior_nats: f64,
    /// The part of it that is evidence: below 1, only the priors speak.
    pub evidence_nats: f64,
}

/// What one group of symptoms contributes to a [`Contrast`].
#[derive(Clone, Debug, PartialEq)]
pub struct GroupEvidence {
    /// Group of the symptoms.
    pub group: u32,
    /// They were seen, or they were silent.
    pub present: bool,
    /// The symptoms.
    pub symptoms: Vec<usize>,
    /// By how much the log-odds would fall without them; negative: they speak against.
    pub nats: f64,
}

/// Compares the best set with a cause type to the best set without. None if no set has it.
///
/// If instances are in several components, the one where it is most probable is taken.
pub fn contrast(solution: &Solution, kind: u32) -> Option<Contrast> {
    let probability = |c: &Component| c.kind_marginals.get(&kind).copied();
    let components = solution.components.iter().enumerate();
    let (index, component) = components
        .filter(|(_, c)| probability(c).is_some())
        .min_by(|a, b| {
            let (p, q) = (probability(a.1), probability(b.1));
            q.partial_cmp(&p).unwrap_or(std::cmp::Ordering::Equal)
        })?;
    let network = &solution.network;
    let has = |set: &[usize]| set.iter().any(|&c| network.causes[c].kind == kind);
    let with = component.sets.iter().find(|s| has(&s.causes))?;
    let listed = component.sets.iter().find(|s| !has(&s.causes));
    let listed = listed.map(|s| (s.ln_prior, s.ln_likelihood, s.causes.clone()));
    let built = without(network, component, &with.causes, kind);
    let (ln_prior, ln_likelihood, causes) = match listed {
        Some(listed) if listed.0 + listed.1 >= built.0 + built.1 => listed,
        _ => built,
    };
    let mut instead = causes.iter().filter(|c| !with.causes.contains(c));
    let prior_nats = with.ln_prior - ln_prior;
    let evidence_nats = with.ln_likelihood - ln_likelihood;
    Some(Contrast {
        component: index,
        rival: instead.next().map(|&c| network.causes[c].kind),
        with: with.causes.clone(),
        without: causes,
        log_odds: prior_nats + evidence_nats,
        prior_nats,
        evidence_nats,
    })
}

/// The set without a type, alone or with the one other cause that serves best.
fn without(
    network: &Network,
    component: &Component,
    set: &[usize],
    kind: u32,
) -> (f64, f64, Vec<usize>) {
    let problem = &component.problem;
    let priors = Priors::new(network, problem);
    let mut engine = Engine::new(problem);
    let mut rest = problem.switches_of(set);
    rest.retain(|&s| network.causes[problem.causes[s as usize]].kind != kind);
    engine.push_all(&rest);
    let mut best: (Fixed, Fixed, Vec<u32>) =
        (priors.of(&rest), engine.ln_likelihood(), rest.clone());
    for (switch, &cause) in (0u32..).zip(&problem.causes) {
        let other = network.causes[cause].kind != kind && !engine.is_on(switch);
        if !other || !priors.allows(&rest, switch) {
            continue;
        }
        engine.push(switch);
        let mut larger = rest.clone();
        larger.push(switch);
        larger.sort_unstable();
        let (prior, likelihood) = (priors.of(&larger), engine.ln_likelihood());
        if prior + likelihood > best.0 + best.1 {
            best = (prior, likelihood, larger);
        }
        engine.pop();
    }
    let causes = best.2.iter().map(|&s| problem.causes[s as usize]).collect();
    (fixed::to_nats(best.0), fixed::to_nats(best.1), causes)
}

/// Leaves one group of symptoms out at a time: what each contributes to the log-odds of a contrast.
/// Strongest first. Silence that cannot weigh `least` nats, or makes no difference, is not listed.
pub fn evidence(solution: &Solution, contrast: &Contrast, least: f64) -> Vec<GroupEvidence> {
    let component = &solution.components[contrast.component];
    let problem = &component.problem;
    let mut sides = [&contrast.with, &contrast.without].map(|set| {
        let mut engine = Engine::new(problem);
        engine.push_all(&problem.switches_of(set));
        Side::new(engine)
    });
    let mut groups: BTreeMap<(u32, bool), Vec<usize>> = BTreeMap::new();
    for &s in &problem.symptoms {
        let node = &solution.network.symptoms[s];
        groups
            .entry((node.group, node.present))
            .or_default()
            .push(s);
    }
    let mut all = Vec::new();
    for ((group, present), symptoms) in groups {
        if !present && most(solution, &symptoms) < least {
            continue;
        }
        let [with, without] = sides.each_mut().map(|side| side.nats(&symptoms));
        if present || with != without {
            all.push(GroupEvidence {
                group,
                present,
                symptoms,
                nats: fixed::to_nats(with - without),
            });
        }
    }
    all.sort_by(|a, b| {
        let order = b.nats.abs().total_cmp(&a.nats.abs());
        order.then((a.group, b.present).cmp(&(b.group, a.present)))
    });
    all
}

/// The most nats that the silence of symptoms can weigh: no set of causes makes them likelier to show
/// than all of their parents at once.
fn most(solution: &Solution, silent: &[usize]) -> f64 {
    let one = |&s: &usize| {
        let off = full_off(&solution.network, s, |_| true);
        let evidence = super::compile::evidence_of(&solution.network.symptoms[s]);
        -libm::log(evidence.likelihood(1.0 - off, off))
    };
    silent.iter().map(one).sum()
}

/// One set of causes, and how well it accounts for all that was seen.
struct Side<'p> {
    engine: Engine<'p>,
    whole: Fixed,
}

impl<'p> Side<'p> {
    fn new(mut engine: Engine<'p>) -> Self {
        let whole = engine.ln_likelihood();
        Self { engine, whole }
    }

    /// ln P(these symptoms as they are | causes that are on, all other evidence).
    fn nats(&mut self, symptoms: &[usize]) -> Fixed {
        let problem = self.engine.problem();
        let places = symptoms.iter().filter_map(|&s| problem.symptom_of(s));
        let places: Vec<usize> = places.collect();
        self.engine.observe_all(&places, Evidence::Blank);
        let rest = self.engine.ln_likelihood();
        self.engine.pop();
        self.whole - rest
    }
}

/// How well the best set of a component accounts for symptoms of one type with the same parents.
#[derive(Clone, Debug, PartialEq)]
pub struct GroupFit {
    /// Group of the symptoms.
    pub group: u32,
    /// The symptoms, all present, and the set leads to them.
    pub symptoms: Vec<usize>,
    /// P(they show | set, all other evidence).
    pub probability: f64,
    /// That, divided by the same with all their parents on: 1 is as good as it can be.
    pub fit: f64,
    /// The fit is so low that something is missing: a second fault, a precondition of a gate.
    pub poor: bool,
}

/// Fit of the best set of one component.
#[derive(Clone, Debug, Default, PartialEq)]
pub struct Fit {
    /// The best set.
    pub set: Vec<usize>,
    /// By group, worst first.
    pub groups: Vec<GroupFit>,
    /// Symptoms that are poorly explained.
    pub poorly: Vec<usize>,
}

/// How well the best set of a component (by index) accounts for the symptoms that it leads to.
pub fn fit(solution: &Solution, component: usize) -> Fit {
    let Some(component) = solution.components.get(component) else {
        return Fit::default();
    };
    let Some(best) = component.sets.first() else {
        return Fit::default();
    };
    let problem = &component.problem;
    let mut engine = Engine::new(problem);
    engine.push_all(&problem.switches_of(&best.causes));
    let mut side = Side::new(engine);
    let mut fit = Fit {
        set: best.causes.clone(),
        ..Fit::default()
    };
    for ((group, _), symptoms) in reached_groups(solution, component, &best.causes) {
        let probability = fixed::exp(side.nats(&symptoms)).min(1.0);
        let full: f64 = symptoms.iter().map(|&s| full(solution, s)).product();
        let ratio = if full > 0.0 { probability / full } else { 1.0 };
        let poor = ratio < POOR;
        if poor {
            fit.poorly.extend(&symptoms);
        }
        fit.groups.push(GroupFit {
            group,
            symptoms,
            probability,
            fit: ratio,
            poor,
        });
    }
    fit.poorly.sort_unstable();
    let groups = &mut fit.groups;
    groups.sort_by(|a, b| a.fit.total_cmp(&b.fit).then(a.symptoms.cmp(&b.symptoms)));
    fit
}

/// Present symptoms that known causes of a set lead to, by type and parents.
fn reached_groups(
    solution: &Solution,
    component: &Component,
    set: &[usize],
) -> BTreeMap<(u32, Vec<Vec<Parent>>), Vec<usize>> {
    let known = |cause: usize| !solution.network.causes[cause].unknown;
    let mut groups: BTreeMap<(u32, Vec<Vec<Parent>>), Vec<usize>> = BTreeMap::new();
    let mut all = Needs::new(solution, component);
    for symptom in present(solution, component) {
        let needs = all.of(set, symptom);
        if needs.iter().any(|n| known(n.0) && n.1 >= LEADS) {
            let node = &solution.network.symptoms[symptom];
            let terms = node.terms.iter().map(|t| t.all.clone());
            let mut parents: Vec<Vec<Parent>> = terms
                .filter(|all| {
                    all.iter()
                        .all(|p| !matches!(p, Parent::Cause(c) if !known(*c)))
                })
                .collect();
            parents.sort();
            groups
                .entry((node.group, parents))
                .or_default()
                .push(symptom);
        }
    }
    groups
}

/// P(a present symptom shows) with all its known parents on.
fn full(solution: &Solution, symptom: usize) -> f64 {
    let network = &solution.network;
    let off = full_off(network, symptom, |c| !network.causes[c].unknown);
    super::compile::evidence_of(&network.symptoms[symptom]).likelihood(1.0 - off, off)
}
