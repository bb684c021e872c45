//! Tests of the solver: the worked examples, properties, and a reference that sums everything.

#![allow(clippy::unwrap_used)]

mod company;
mod gate;
mod golden;
mod properties;
mod reference;
mod wide;

use super::{Options, SetPosterior, Solution};
use crate::diagnosis::network::{CauseNode, Gate, Network, Parent, StateNode, SymptomNode, Term};

/// Plain posteriors: no unknown cause.
pub(super) fn plain() -> Options {
    Options {
        unknown: false,
        ..Options::default()
    }
}

/// Builds networks by name.
#[derive(Default)]
pub(super) struct Model {
    pub(super) network: Network,
}

impl Model {
    pub(super) fn cause(&mut self, name: &str, prior: f64, seeded: bool) -> Parent {
        let index = self.network.causes.len();
        self.network.causes.push(CauseNode {
            name: name.to_string(),
            kind: index as u32,
            prior,
            together: 0.0,
            benign: false,
            excludes: Vec::new(),
            seeded,
            unknown: false,
            class: index as u32,
            onset: None,
        });
        Parent::Cause(index)
    }

    pub(super) fn state(&mut self, name: &str, leak: f64, terms: &[(&[Parent], f64)]) -> Parent {
        let index = self.network.states.len();
        self.network.states.push(StateNode {
            name: name.to_string(),
            leak,
            terms: to_terms(terms),
            gate: None,
        });
        Parent::State(index)
    }

    pub(super) fn gate(&mut self, state: Parent, members: Vec<usize>, q: f64, g: Vec<f64>) {
        let Parent::State(index) = state else { return };
        self.network.states[index].gate = Some(Gate { members, q, g });
    }

    pub(super) fn symptom(&mut self, name: &str, leak: f64, o: f64, terms: &[(&[Parent], f64)]) {
        let index = self.network.symptoms.len();
        self.network.symptoms.push(SymptomNode {
            name: name.to_string(),
            present: false,
            observability: o,
            leak,
            terms: to_terms(terms),
            rank_weight: 1.0,
            group: index as u32,
            severe: true,
        });
    }

    pub(super) fn symptom_index(&self, name: &str) -> usize {
        let mut symptoms = self.network.symptoms.iter();
        symptoms.position(|s| s.name == name).unwrap()
    }

    pub(super) fn see(&mut self, names: &[&str]) {
        for name in names {
            let index = self.symptom_index(name);
            self.network.symptoms[index].present = true;
        }
    }

    pub(super) fn hide(&mut self, names: &[&str]) {
        for name in names {
            let index = self.symptom_index(name);
            self.network.symptoms[index].observability = 0.0;
        }
    }
}

fn to_terms(terms: &[(&[Parent], f64)]) -> Vec<Term> {
    let terms = terms.iter();
    terms
        .map(|(all, q)| Term {
            all: all.to_vec(),
            q: *q,
            weight: 1.0,
        })
        .collect()
}

pub(super) fn cause_index(network: &Network, name: &str) -> usize {
    network.causes.iter().position(|c| c.name == name).unwrap()
}

/// The set of causes with these names.
pub(super) fn set_of<'s>(solution: &'s Solution, names: &[&str]) -> Option<&'s SetPosterior> {
    let mut causes: Vec<usize> = names
        .iter()
        .map(|n| cause_index(&solution.network, n))
        .collect();
    causes.sort_unstable();
    solution.sets.iter().find(|s| s.causes == causes)
}

/// Equal within an absolute tolerance.
#[track_caller]
pub(super) fn near(value: f64, expected: f64, tolerance: f64) {
    assert!(
        (value - expected).abs() <= tolerance,
        "{value} instead of {expected}"
    );
}
