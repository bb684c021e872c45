//! How it came about: from a cause along the strongest links to what users feel.

use super::interpret::View;
use super::network::{Parent, Term};

/// Titles of the steps, from the most probable of `instances` to the impact it best explains.
pub(super) fn from(view: &View<'_>, instances: &[usize]) -> Vec<String> {
    let by_marginal = |a: &&usize, b: &&usize| {
        view.solution.marginals[**a]
            .total_cmp(&view.solution.marginals[**b])
            .then(b.cmp(a))
    };
    let Some(cause) = instances.iter().max_by(by_marginal) else {
        return Vec::new();
    };
    let network = &view.bound.network;
    // Strength of the best way from the cause to each state, and the state before it.
    let mut reached: Vec<Option<(f64, Option<usize>)>> = vec![None; network.states.len()];
    for (n, state) in network.states.iter().enumerate() {
        reached[n] = best(&state.terms, *cause, &reached);
        if let Some(gate) = &state.gate {
            let through: Vec<(f64, Option<usize>)> = gate
                .members
                .iter()
                .filter_map(|m| reached[*m].map(|(s, _)| (s * gate.q, Some(*m))))
                .collect();
            for way in through {
                if reached[n].is_none_or(|(known, _)| way.0 > known) {
                    reached[n] = Some(way);
                }
            }
        }
    }
    let ends = network
        .symptoms
        .iter()
        .enumerate()
        .filter(|(_, s)| s.present);
    let end = ends
        .filter_map(|(n, s)| {
            best(&s.terms, *cause, &reached).map(|way| (s.rank_weight > 1.0, way, n))
        })
        .max_by(|a, b| {
            a.0.cmp(&b.0)
                .then(a.1.0.total_cmp(&b.1.0))
                .then(b.2.cmp(&a.2))
        });
    let Some((_, (_, last), symptom)) = end else {
        return Vec::new();
    };
    let mut steps = Vec::new();
    let mut at = last;
    while let Some(state) = at {
        steps.push(view.state_title(state));
        at = reached[state].and_then(|(_, before)| before);
    }
    steps.push(
        view.pack.causes[view.bound.causes[*cause].0.0 as usize]
            .title
            .clone(),
    );
    steps.reverse();
    if let Some((ix, _)) = view.bound.symptoms[symptom].entries.first() {
        steps.push(view.pack.signatures[ix.0 as usize].title.clone());
    }
    steps.dedup();
    steps
}

/// The strongest term that starts at the cause or at a state reached from it.
fn best(
    terms: &[Term],
    cause: usize,
    reached: &[Option<(f64, Option<usize>)>],
) -> Option<(f64, Option<usize>)> {
    terms
        .iter()
        .flat_map(|t| t.all.iter().map(move |p| (t, p)))
        .filter_map(|(term, parent)| {
            let strength = term.q * term.weight;
            match parent {
                Parent::Cause(c) if *c == cause => Some((strength, None)),
                Parent::State(s) => reached
                    .get(*s)?
                    .map(|(so_far, _)| (so_far * strength, Some(*s))),
                Parent::Cause(_) => None,
            }
        })
        .max_by(|a, b| a.0.total_cmp(&b.0))
}

impl View<'_> {
    fn state_title(&self, state: usize) -> String {
        let name = &self.bound.network.states[state].name;
        let id = name.split('@').next().unwrap_or(name);
        let known = self
            .pack
            .states
            .iter()
            .find(|s| s.id == id)
            .map(|s| &s.title);
        known
            .or_else(|| {
                self.pack
                    .causes
                    .iter()
                    .find(|c| c.id == id)
                    .map(|c| &c.title)
            })
            .unwrap_or(name)
            .clone()
    }
}
