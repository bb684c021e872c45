//! The bound model: cause instances, latent states and symptoms, as plain indexes and numbers.
//!
//! `diagnosis::bind` makes one from a ledger and the pack; `diagnosis::solve` computes with it and
//! knows neither. Mathematics: `docs/inference.md`.

/// What the solver is given: one window's causes, states and symptoms.
#[derive(Clone, Debug, Default)]
pub struct Network {
    /// Candidate cause instances, in canonical order (type id, then subject).
    pub causes: Vec<CauseNode>,
    /// Latent states, parents before children.
    pub states: Vec<StateNode>,
    /// Symptoms, present, silent or not collected, in canonical order.
    pub symptoms: Vec<SymptomNode>,
}

/// One cause bound to one subject.
#[derive(Clone, Debug)]
pub struct CauseNode {
    /// Canonical name, for order and for messages: `receiver-oom@pod/monitoring/receive-1`.
    pub name: String,
    /// Index of the cause type; instances of one type share it. Hypotheses are types.
    pub kind: u32,
    /// P(begins by itself within the prior window).
    pub prior: f64,
    /// P(it is active as well), given that another instance of its type is: one reason may bring
    /// it about at several subjects at once. Below `prior`: they are independent.
    pub together: f64,
    /// Explains noise and raises no incident.
    pub benign: bool,
    /// Causes (indexes) that cannot be active together with this one.
    pub excludes: Vec<usize>,
    /// Its defining symptom is present: in every start set, not counted towards the size limit.
    pub seeded: bool,
    /// The unknown cause U of this component.
    pub unknown: bool,
    /// Causes with the same remedy share a class; the next check need not tell them apart.
    pub class: u32,
    /// Onset of its defining symptom in seconds, if present.
    pub onset: Option<f64>,
}

/// A parent of a state or symptom.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Parent {
    /// Index into [`Network::causes`].
    Cause(usize),
    /// Index into [`Network::states`].
    State(usize),
}

/// One noisy-OR term: all of `all` must be active (an AND term when there are several).
#[derive(Clone, Debug)]
pub struct Term {
    /// The parents that must all be active.
    pub all: Vec<Parent>,
    /// Strength: if they are, how often this follows.
    pub q: f64,
    /// Time weight in `[0, 1]`, already computed from onsets; 1 where timing is not judged.
    pub weight: f64,
}

/// A gate: on when at least k of its members are.
#[derive(Clone, Debug)]
pub struct Gate {
    /// Member states (indexes, all before this state).
    pub members: Vec<usize>,
    /// Strength.
    pub q: f64,
    /// `g[b]` = share of requests that fail with `b` members on, `b = 0..=members.len()`; the last
    /// value holds for any larger `b`. A plain k-of-n gate is 0 below k and 1 from k on.
    pub g: Vec<f64>,
}

/// One latent state of one subject.
#[derive(Clone, Debug)]
pub struct StateNode {
    /// Canonical name.
    pub name: String,
    /// P(on with no known parent).
    pub leak: f64,
    /// Noisy-OR terms.
    pub terms: Vec<Term>,
    /// Gate over member states, if any.
    pub gate: Option<Gate>,
}

/// One symptom (a signature family) of one subject.
#[derive(Clone, Debug)]
pub struct SymptomNode {
    /// Canonical name.
    pub name: String,
    /// Seen in the input.
    pub present: bool,
    /// `o`: would it have been seen if it was so? 0 = not collected, exactly no factor.
    pub observability: f64,
    /// P(shows with no known cause).
    pub leak: f64,
    /// Noisy-OR terms.
    pub terms: Vec<Term>,
    /// Weight in the ranking: 3 for impact symptoms, 1 otherwise.
    pub rank_weight: f64,
    /// Evidence is reported by group: symptoms of the same type share one.
    pub group: u32,
    /// Severity is at least warning (raises an incident if benign causes do not explain it).
    pub severe: bool,
}
