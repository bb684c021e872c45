//! Splits a network into parts that share nothing, and gives each its unknown cause.
//!
//! Only what can bear on the evidence counts: a state without observed descendants sums to one.

use super::fixed::probability;
use crate::diagnosis::network::{CauseNode, Network, Parent, SymptomNode, Term};

/// Causes, states and symptoms that hang together.
#[derive(Clone, Debug, Default)]
pub(super) struct Part {
    /// Causes that bear on the evidence, sorted.
    pub(super) causes: Vec<usize>,
    /// Symptoms with evidence, sorted.
    pub(super) symptoms: Vec<usize>,
}

/// A symptom that was seen, or would have been: it makes a difference.
pub(super) fn observed(symptom: &SymptomNode) -> bool {
    symptom.present || probability(symptom.observability) > 0.0
}

/// The terms that count: no strength, or a parent that does not exist or does not come before
/// the state, and a term says nothing.
pub(super) fn valid<'n>(
    network: &'n Network,
    terms: &'n [Term],
    before: usize,
) -> impl Iterator<Item = &'n Term> {
    terms.iter().filter(move |term| {
        strength(term) > 0.0
            && !term.all.is_empty()
            && term.all.iter().all(|parent| match *parent {
                Parent::Cause(c) => c < network.causes.len(),
                Parent::State(s) => s < before,
            })
    })
}

/// q × time weight.
pub(super) fn strength(term: &Term) -> f64 {
    probability(probability(term.q) * probability(term.weight))
}

/// Members of a state's gate that exist and come before it, sorted, each once.
pub(super) fn members(network: &Network, state: usize) -> Vec<usize> {
    let gate = network.states[state].gate.as_ref();
    let all = gate.map_or(&[][..], |g| &g.members);
    let mut members: Vec<usize> = all.iter().copied().filter(|&m| m < state).collect();
    members.sort_unstable();
    members.dedup();
    members
}

/// Which states have a descendant among these symptoms.
pub(super) fn relevant(network: &Network, symptoms: &[usize]) -> Vec<bool> {
    let mut marks = vec![false; network.states.len()];
    for &s in symptoms {
        for term in valid(network, &network.symptoms[s].terms, network.states.len()) {
            mark(&mut marks, &term.all);
        }
    }
    for state in (0..network.states.len()).rev() {
        if !marks[state] {
            continue;
        }
        for term in valid(network, &network.states[state].terms, state) {
            mark(&mut marks, &term.all);
        }
        for member in members(network, state) {
            marks[member] = true;
        }
    }
    marks
}

fn mark(marks: &mut [bool], parents: &[Parent]) {
    for parent in parents {
        if let Parent::State(state) = *parent {
            marks[state] = true;
        }
    }
}

/// Union-find over causes, then states, then symptoms.
struct Unions(Vec<usize>);

impl Unions {
    fn root(&mut self, mut i: usize) -> usize {
        while self.0[i] != i {
            self.0[i] = self.0[self.0[i]];
            i = self.0[i];
        }
        i
    }

    fn join(&mut self, a: usize, b: usize) {
        let (a, b) = (self.root(a), self.root(b));
        // The smaller index stays the root, so that roots do not depend on the order of joins.
        self.0[a.max(b)] = a.min(b);
    }
}

/// The parts, in order of their first symptom.
pub(super) fn split(network: &Network) -> Vec<Part> {
    let symptoms: Vec<usize> = (0..network.symptoms.len())
        .filter(|&s| observed(&network.symptoms[s]))
        .collect();
    let relevant = relevant(network, &symptoms);
    let (causes, states) = (network.causes.len(), network.states.len());
    let mut unions = Unions((0..causes + states + network.symptoms.len()).collect());
    let at = |parent: &Parent| match *parent {
        Parent::Cause(c) => c,
        Parent::State(s) => causes + s,
    };
    for state in (0..states).filter(|&s| relevant[s]) {
        for term in valid(network, &network.states[state].terms, state) {
            term.all
                .iter()
                .for_each(|p| unions.join(at(p), causes + state));
        }
        for member in members(network, state) {
            unions.join(causes + member, causes + state);
        }
    }
    for &s in &symptoms {
        for term in valid(network, &network.symptoms[s].terms, states) {
            let symptom = causes + states + s;
            term.all.iter().for_each(|p| unions.join(at(p), symptom));
        }
    }
    collect(&mut unions, causes, causes + states, &symptoms)
}

fn collect(unions: &mut Unions, causes: usize, base: usize, symptoms: &[usize]) -> Vec<Part> {
    let mut parts: Vec<Part> = Vec::new();
    let mut part_of = std::collections::BTreeMap::new();
    for &s in symptoms {
        let root = unions.root(base + s);
        let i = *part_of.entry(root).or_insert_with(|| {
            parts.push(Part::default());
            parts.len() - 1
        });
        parts[i].symptoms.push(s);
    }
    for cause in 0..causes {
        let root = unions.root(cause);
        // A cause that shares a root with no observed symptom bears on no evidence.
        if let Some(&i) = part_of.get(&root) {
            parts[i].causes.push(cause);
        }
    }
    parts
}

/// Kind and class of every unknown cause.
pub const UNKNOWN_KIND: u32 = u32::MAX;

/// Largest leak of a defining symptom, in terms of its cause's prior: the pack asks for 1e-3, and
/// a leak measured on healthy windows may double it.
const DEFINING_LEAK: f64 = 2e-3;

/// The symptom names a seeded cause: it follows from it directly, and hardly ever by itself.
fn defines(network: &Network, symptom: usize) -> bool {
    let node = &network.symptoms[symptom];
    let leak = probability(node.leak);
    let named = |c: usize| {
        let cause = &network.causes[c];
        cause.seeded && leak <= DEFINING_LEAK * probability(cause.prior)
    };
    let terms = valid(network, &node.terms, network.states.len());
    let mut single = terms.filter(|t| t.all.len() == 1).map(|t| t.all[0]);
    single.any(|parent| match parent {
        Parent::Cause(c) => named(c),
        // A cause that others can bring about is read through a state that is it.
        Parent::State(s) if probability(network.states[s].leak) <= 0.0 => {
            let mut terms = valid(network, &network.states[s].terms, s);
            terms.any(|t| strength(t) >= 1.0 && matches!(t.all[..], [Parent::Cause(c)] if named(c)))
        }
        Parent::State(_) => false,
    })
}

/// Adds an unknown cause to a part: linked to its present symptoms and to at most as many silent
/// ones, first by name. Linked to every silent one it would die of silence. It is not linked to
/// present symptoms that define a seeded cause: what the kubelet calls OOMKilled is not unknown,
/// and one unknown cause would otherwise be cheaper than five pods killed. Beside severe symptoms
/// it does not bother with mild ones, which are everyday life.
pub(super) fn add_unknown(network: &mut Network, part: &mut Part, prior: f64, strength: f64) {
    let has_one = part.causes.iter().any(|&c| network.causes[c].unknown);
    let (present, mut silent): (Vec<usize>, Vec<usize>) = part
        .symptoms
        .iter()
        .partition(|&&s| network.symptoms[s].present);
    if has_one || present.is_empty() {
        return;
    }
    let severe = present.iter().any(|&s| network.symptoms[s].severe);
    let linked: Vec<usize> = present
        .iter()
        .copied()
        .filter(|&s| !defines(network, s) && (network.symptoms[s].severe || !severe))
        .collect();
    silent.sort_by(|&a, &b| network.symptoms[a].name.cmp(&network.symptoms[b].name));
    silent.truncate(present.len());
    let cause = network.causes.len();
    let first = present[0];
    network.causes.push(CauseNode {
        name: format!("unknown@{}", network.symptoms[first].name),
        kind: UNKNOWN_KIND,
        prior,
        together: 0.0,
        benign: false,
        excludes: Vec::new(),
        seeded: false,
        unknown: true,
        class: UNKNOWN_KIND,
        onset: None,
    });
    for s in linked.into_iter().chain(silent) {
        network.symptoms[s].terms.push(Term {
            all: vec![Parent::Cause(cause)],
            q: strength,
            weight: 1.0,
        });
    }
    part.causes.push(cause);
}
