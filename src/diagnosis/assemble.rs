//! From kept instances and edges to the numbers of a [`Network`].

use std::collections::{BTreeMap, BTreeSet};

use super::bind::{Binder, Bound, BoundSymptom, Edge, Instance, Place};
use super::network::{CauseNode, Gate, Network, Parent, StateNode, SymptomNode, Term};
use super::observability;
use super::quorum;
use super::timing;
use crate::pack::{AtLeast, CauseIx, GateType, Role, StateIx};

/// Minutes that priors count over, whatever the incident's length (`design.md` § 7).
const PRIOR_WINDOW_MINUTES: f64 = 10.0;
/// Minutes in a day; priors are written per day.
const DAY_MINUTES: f64 = 1440.0;
/// A symptom that no parent brings about at least this often is one of several that could show.
const EXPECTED: f64 = 0.8;
/// Alternatives exclude each other more often than not, while the model takes them as independent;
/// the silence of each therefore counts only in part. (Of a present symptom the observability
/// cancels out, so this changes nothing else.)
const ALTERNATIVE: f64 = 0.25;
/// Weight of an impact symptom in the ranking (`inference.md` § 3.6).
const IMPACT_WEIGHT: f64 = 3.0;

pub(crate) fn assemble(binder: Binder<'_>) -> Bound {
    let assembler = Assembler::new(&binder);
    let states = assembler
        .states
        .iter()
        .map(|i| assembler.state_node(*i))
        .collect();
    let causes: Vec<CauseNode> = assembler
        .causes
        .iter()
        .map(|(c, p)| assembler.cause_node(*c, *p))
        .collect();
    let symptoms: Vec<SymptomNode> = assembler
        .symptoms
        .iter()
        .map(|(f, p)| assembler.symptom_node(*f, *p))
        .collect();
    let bound_symptoms = assembler
        .symptoms
        .iter()
        .map(|(family, place)| BoundSymptom {
            family: *family,
            place: *place,
            entries: binder
                .present
                .get(&(*family, *place))
                .map(|p| p.entries.clone())
                .unwrap_or_default(),
        })
        .collect();
    let causes_meta = assembler.causes.clone();
    Bound {
        network: Network {
            causes,
            states,
            symptoms,
        },
        causes: causes_meta,
        symptoms: bound_symptoms,
        nodes: binder.nodes,
        standing: binder.standing,
        left_out: binder.left_out,
    }
}

/// How much of its observability the silence of a symptom of this strength keeps.
pub(crate) fn share(surest: f64) -> f64 {
    if surest < EXPECTED { ALTERNATIVE } else { 1.0 }
}

struct Assembler<'b, 'a> {
    binder: &'b Binder<'a>,
    causes: Vec<(CauseIx, Place)>,
    /// Parents before children. A cause that others bring about reads as a state too: on when it
    /// began by itself or was brought about (`inference.md` § 3.4, "Causes of causes").
    states: Vec<Instance>,
    state_ix: BTreeMap<Instance, usize>,
    symptoms: Vec<(usize, Place)>,
    incoming: BTreeMap<Instance, Vec<&'b Edge<'a>>>,
    brought: BTreeSet<Instance>,
    onsets: BTreeMap<Instance, f64>,
}

impl<'b, 'a> Assembler<'b, 'a> {
    fn new(binder: &'b Binder<'a>) -> Self {
        let mut incoming: BTreeMap<Instance, Vec<&'b Edge<'a>>> = BTreeMap::new();
        let known = |i: &Instance| binder.kept.contains(i);
        for edge in binder.edges.values().flatten() {
            if known(&edge.to) && edge.all.iter().all(known) {
                incoming.entry(edge.to).or_default().push(edge);
            }
        }
        let brought: BTreeSet<Instance> = incoming
            .keys()
            .filter(|i| matches!(i, Instance::Cause(..)))
            .copied()
            .collect();
        let mut assembler = Self {
            binder,
            causes: Vec::new(),
            states: Vec::new(),
            state_ix: BTreeMap::new(),
            symptoms: Vec::new(),
            incoming,
            brought,
            onsets: BTreeMap::new(),
        };
        for instance in &binder.kept {
            match *instance {
                Instance::Cause(c, p) => assembler.causes.push((c, p)),
                Instance::Symptom(f, p) => assembler.symptoms.push((f, p)),
                Instance::State(..) => {}
            }
        }
        assembler.order_states();
        assembler.find_onsets();
        assembler
    }

    /// Depth-first over parents: parents come before children. The pack's links have no cycle.
    fn order_states(&mut self) {
        let wanted: Vec<Instance> = self
            .binder
            .kept
            .iter()
            .filter(|i| matches!(i, Instance::State(..)) || self.brought.contains(i))
            .copied()
            .collect();
        let mut done = BTreeSet::new();
        for instance in wanted {
            self.visit(instance, &mut done);
        }
    }

    fn visit(&mut self, instance: Instance, done: &mut BTreeSet<Instance>) {
        let is_state = matches!(instance, Instance::State(..)) || self.brought.contains(&instance);
        if !is_state || !self.binder.kept.contains(&instance) || !done.insert(instance) {
            return;
        }
        let parents: Vec<Instance> = self
            .incoming
            .get(&instance)
            .into_iter()
            .flatten()
            .flat_map(|e| e.all.iter().copied())
            .chain(
                self.binder
                    .gates
                    .get(&instance)
                    .into_iter()
                    .flatten()
                    .copied(),
            )
            .collect();
        for parent in parents {
            self.visit(parent, done);
        }
        self.state_ix.insert(instance, self.states.len());
        self.states.push(instance);
    }

    /// Onset of a cause: of its present defining symptom. Of a state: of its earliest present child.
    fn find_onsets(&mut self) {
        for (from, edges) in &self.binder.edges {
            for edge in edges {
                let Instance::Symptom(f, p) = edge.to else {
                    continue;
                };
                let counts = matches!(from, Instance::State(..)) || edge.link.defining;
                let onset = self.binder.present.get(&(f, p)).and_then(|s| s.onset);
                if let (true, Some(at)) = (counts, onset) {
                    let known = self.onsets.entry(*from).or_insert(at);
                    *known = known.min(at);
                }
            }
        }
    }

    fn onset(&self, instance: Instance) -> Option<f64> {
        match instance {
            Instance::Symptom(f, p) => self.binder.present.get(&(f, p)).and_then(|s| s.onset),
            _ => self.onsets.get(&instance).copied(),
        }
    }

    fn parent(&self, instance: Instance) -> Option<Parent> {
        match instance {
            Instance::Cause(c, p) if !self.brought.contains(&instance) => {
                self.causes.binary_search(&(c, p)).ok().map(Parent::Cause)
            }
            _ => self.state_ix.get(&instance).copied().map(Parent::State),
        }
    }

    /// The noisy-OR terms of an instance; equal sets of parents keep the strongest (rewordings of
    /// one statement are one symptom).
    fn terms(&self, instance: Instance) -> Vec<Term> {
        let mut strongest: BTreeMap<Vec<Parent>, Term> = BTreeMap::new();
        for edge in self.incoming.get(&instance).into_iter().flatten() {
            let Some(mut all) = edge
                .all
                .iter()
                .map(|i| self.parent(*i))
                .collect::<Option<Vec<_>>>()
            else {
                continue;
            };
            all.sort_unstable();
            all.dedup();
            let weight = self.weight(edge);
            let term = Term {
                all: all.clone(),
                q: edge.link.q,
                weight,
            };
            match strongest.get_mut(&all) {
                Some(known) if known.q * known.weight >= term.q * term.weight => {}
                _ => {
                    strongest.insert(all, term);
                }
            }
        }
        strongest.into_values().collect()
    }

    /// The smallest time weight over the members of the term.
    fn weight(&self, edge: &Edge<'_>) -> f64 {
        let Some(delay) = edge.link.delay else {
            return 1.0;
        };
        let Some(effect) = self.onset(edge.to) else {
            return 1.0;
        };
        edge.all
            .iter()
            .filter_map(|i| self.onset(*i))
            .map(|cause| timing::weight(effect - cause, delay))
            .fold(1.0, f64::min)
    }

    fn cause_node(&self, ix: CauseIx, place: Place) -> CauseNode {
        let pack = self.binder.pack;
        let cause = &pack.causes[ix.0 as usize];
        let instance = Instance::Cause(ix, place);
        let defined = self
            .binder
            .edges
            .get(&instance)
            .into_iter()
            .flatten()
            .any(|e| {
                let Instance::Symptom(f, p) = e.to else {
                    return false;
                };
                e.link.defining && self.binder.present.contains_key(&(f, p))
            });
        let rate = cause.prior_per_day * PRIOR_WINDOW_MINUTES / DAY_MINUTES;
        let excludes = cause
            .excludes
            .iter()
            .filter_map(|other| self.causes.binary_search(&(*other, place)).ok());
        let class = pack
            .causes
            .iter()
            .position(|c| c.remediation_class == cause.remediation_class);
        CauseNode {
            name: format!("{}@{}", cause.id, self.place_name(place)),
            kind: ix.0,
            prior: 1.0 - libm::exp(-rate),
            together: cause.together,
            benign: cause.role == Role::Benign,
            excludes: excludes.collect(),
            seeded: defined,
            unknown: false,
            class: u32::try_from(class.unwrap_or(ix.0 as usize)).unwrap_or(ix.0),
            onset: self.onset(instance),
        }
    }

    fn state_node(&self, instance: Instance) -> StateNode {
        let terms = self.terms(instance);
        match instance {
            Instance::State(ix, place) => {
                let state = &self.binder.pack.states[ix.0 as usize];
                StateNode {
                    name: format!("{}@{}", state.id, self.place_name(place)),
                    leak: state.leak,
                    terms,
                    gate: state.gate.as_ref().and_then(|g| self.gate(ix, place, g)),
                }
            }
            Instance::Cause(ix, place) => {
                let mut terms = terms;
                if let Ok(spontaneous) = self.causes.binary_search(&(ix, place)) {
                    terms.push(Term {
                        all: vec![Parent::Cause(spontaneous)],
                        q: 1.0,
                        weight: 1.0,
                    });
                }
                let id = &self.binder.pack.causes[ix.0 as usize].id;
                StateNode {
                    name: format!("{id}@{}", self.place_name(place)),
                    leak: 0.0,
                    terms,
                    gate: None,
                }
            }
            Instance::Symptom(..) => StateNode {
                name: String::new(),
                leak: 0.0,
                terms,
                gate: None,
            },
        }
    }

    fn gate(&self, ix: StateIx, place: Place, gate: &GateType) -> Option<Gate> {
        let all = self.binder.gates.get(&Instance::State(ix, place))?;
        let members: Vec<usize> = all
            .iter()
            .filter_map(|m| match self.parent(*m)? {
                Parent::State(s) => Some(s),
                Parent::Cause(_) => None,
            })
            .collect();
        let scope = self.binder.scope;
        let factor = scope.replication_factor.unwrap_or(3);
        let total = u32::try_from(self.binder.ring_members().count()).unwrap_or(u32::MAX);
        let total = total.max(factor);
        let g = match gate.at_least {
            AtLeast::Fixed(k) => (0..=total).map(|b| f64::from(u8::from(b >= k))).collect(),
            AtLeast::All if scope.members.iter().any(|m| m.router_only) => return None,
            AtLeast::All => (0..=all.len())
                .map(|b| f64::from(u8::from(b == all.len())))
                .collect(),
            AtLeast::QuorumLoss => {
                let k = factor - quorum::needed(factor, self.binder.common_version()) + 1;
                quorum::failing_share(total, factor, k)
            }
        };
        Some(Gate {
            members,
            q: gate.q,
            g,
        })
    }

    fn symptom_node(&self, family: usize, place: Place) -> SymptomNode {
        let binder = self.binder;
        let kind = &binder.families.all[family];
        let present = binder.present.get(&(family, place));
        let terms = self.terms(Instance::Symptom(family, place));
        let surest = terms.iter().map(|t| t.q).fold(0.0, f64::max);
        let share = share(surest);
        let of = |ix: &crate::pack::SignatureIx| binder.pack.signatures[ix.0 as usize].leak;
        let seen = present.and_then(|p| p.entries.iter().map(|(ix, _)| of(ix)).reduce(f64::min));
        let leak = seen.unwrap_or(kind.leak);
        SymptomNode {
            name: format!("{}@{}", kind.name, self.place_name(place)),
            present: present.is_some(),
            observability: share * observability::of(binder.pack, kind, place, binder.scope),
            leak,
            terms,
            rank_weight: if kind.impact { IMPACT_WEIGHT } else { 1.0 },
            group: u32::try_from(family).unwrap_or(u32::MAX),
            severe: present.is_some_and(|p| p.severe),
        }
    }

    fn place_name(&self, place: Place) -> String {
        match place {
            Place::Pod(p) => format!("pod/{}", self.binder.scope.members[p as usize].name),
            Place::Node(n) => format!("node/{}", self.binder.nodes[n as usize]),
            Place::One(kind) => format!("{kind:?}").to_lowercase(),
            Place::NoPod => "no-pod".to_owned(),
        }
    }
}
