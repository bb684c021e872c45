//! Binds the pack's type-level links to the subjects seen: ledger × pack × scope → [`Network`].
//!
//! Every cause and state type is instantiated at every place of its scope (a pod, a node, or the one
//! place all other kinds share), links are expanded by their `bind`, and what no present symptom
//! leads back to is left out (`docs/inference.md`, "Candidates").

use std::collections::{BTreeMap, BTreeSet};
use std::rc::Rc;

use super::assemble;
use super::families::Families;
use super::network::Network;
use super::observability;
use super::scope::{MemberRole, Scope};
use super::standing::Standing;
use super::timing;
use crate::evidence::{Ledger, Subject};
use crate::limits;
use crate::pack::{CauseIx, Link, Pack, Severity, SignatureIx, StateIx, SubjectKind};
use crate::record::Source;

/// What shows in more than this share of healthy windows (every start prints it) tells nothing.
const COMMONPLACE: f64 = 0.1;

/// Least strength times observability of a silence that counts.
const AUDIBLE: f64 = 0.06;

/// Where something is: a pod, a node, or the one place of any other kind.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub(crate) enum Place {
    /// Index into [`Scope::members`].
    Pod(u32),
    /// Index into the nodes of the scope.
    Node(u32),
    /// The one subject of its kind.
    One(SubjectKind),
    /// "No pod shows it": stands for the silence of all of them at once.
    NoPod,
}

impl Place {
    /// The member at this place in the scope.
    pub(crate) fn pod(member: usize) -> Self {
        Self::Pod(u32::try_from(member).expect("members are bounded"))
    }

    pub(super) fn node(node: usize) -> Self {
        Self::Node(u32::try_from(node).expect("nodes are bounded, as their pods are"))
    }
}

/// A network with what its indexes stand for.
#[derive(Debug)]
pub(crate) struct Bound {
    pub(crate) network: Network,
    pub(crate) causes: Vec<(CauseIx, Place)>,
    pub(crate) symptoms: Vec<BoundSymptom>,
    pub(crate) nodes: Vec<String>,
    /// Who stands for whom.
    pub(crate) standing: Standing,
    /// Causes at places that were not weighed, for want of room.
    pub(crate) left_out: usize,
}

/// A symptom of the network: a family at a place, with the ledger's entries behind it.
#[derive(Debug)]
pub(crate) struct BoundSymptom {
    pub(crate) family: usize,
    pub(crate) place: Place,
    pub(crate) entries: Vec<(SignatureIx, Subject)>,
}

/// A node of the type graph at a place.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(crate) enum Instance {
    Cause(CauseIx, Place),
    State(StateIx, Place),
    Symptom(usize, Place),
}

/// One expanded link. A large ring has hundreds of thousands.
#[derive(Clone, Debug)]
pub(crate) struct Edge<'a> {
    pub(crate) to: Instance,
    /// All that must be active, the source among them.
    pub(crate) all: Rc<[Instance]>,
    pub(crate) link: &'a Link,
}

pub(crate) fn bind(ledger: &Ledger, pack: &Pack, families: &Families, scope: &Scope) -> Bound {
    let mut binder = Binder::new(ledger, pack, families, scope);
    binder.expand();
    binder.prune();
    assemble::assemble(binder)
}

pub(crate) struct Binder<'a> {
    pub(crate) pack: &'a Pack,
    pub(crate) families: &'a Families,
    pub(crate) scope: &'a Scope,
    pub(crate) nodes: Vec<String>,
    pub(crate) standing: Standing,
    /// Present symptoms, with their ledger entries and onset.
    pub(crate) present: BTreeMap<(usize, Place), Present>,
    pub(crate) edges: BTreeMap<Instance, Vec<Edge<'a>>>,
    /// Members of each gate instance.
    pub(crate) gates: BTreeMap<Instance, Vec<Instance>>,
    pub(crate) kept: BTreeSet<Instance>,
    /// Causes at places beyond [`limits::CANDIDATES`].
    pub(crate) left_out: usize,
}

#[derive(Clone, Debug, Default)]
pub(crate) struct Present {
    pub(crate) entries: Vec<(SignatureIx, Subject)>,
    /// Seconds since the epoch; `None` for what has no onset of its own (metrics, comparisons).
    pub(crate) onset: Option<f64>,
    pub(crate) severe: bool,
}

impl<'a> Binder<'a> {
    pub(super) fn new(
        ledger: &Ledger,
        pack: &'a Pack,
        families: &'a Families,
        scope: &'a Scope,
    ) -> Self {
        let mut nodes: Vec<String> = scope
            .members
            .iter()
            .filter_map(|m| m.node.clone())
            .collect();
        nodes.extend(
            ledger
                .iter()
                .filter(|(_, s, _)| s.kind == SubjectKind::Node)
                .map(|(_, s, _)| s.name.to_string()),
        );
        nodes.sort();
        nodes.dedup();
        let mut binder = Self {
            pack,
            families,
            scope,
            nodes,
            standing: Standing::default(),
            present: BTreeMap::new(),
            edges: BTreeMap::new(),
            gates: BTreeMap::new(),
            kept: BTreeSet::new(),
            left_out: 0,
        };
        let counts = |ix: SignatureIx| pack.signatures[ix.0 as usize].leak < COMMONPLACE;
        let member = |s: &Subject| match binder.place(s) {
            Some(Place::Pod(member)) => Some(member),
            _ => None,
        };
        binder.standing = Standing::choose(ledger, pack, families, scope, counts, member);
        for (ix, subject, evidence) in ledger.iter().filter(|e| counts(e.0)) {
            let stands = |p| binder.stands(p, families.of(ix));
            let Some(place) = binder.place(subject).and_then(stands) else {
                continue;
            };
            let signature = &pack.signatures[ix.0 as usize];
            let timed = !matches!(signature.source, Source::Metric | Source::Config);
            let present = binder.present.entry((families.of(ix), place)).or_default();
            present.entries.push((ix, subject.clone()));
            present.severe |= signature.severity >= Severity::Warning;
            if let (true, Some(first)) = (timed, evidence.first) {
                let at = timing::seconds(first);
                present.onset = Some(present.onset.map_or(at, |o: f64| o.min(at)));
            }
        }
        binder
    }

    /// Where a subject is; `None` for pods that are no part of the ring.
    fn place(&self, subject: &Subject) -> Option<Place> {
        match subject.kind {
            SubjectKind::Pod => {
                let ix = self.scope.member(&subject.name)?;
                (self.scope.members[ix].role != MemberRole::Sender).then_some(Place::pod(ix))
            }
            SubjectKind::Node => self
                .nodes
                .binary_search_by(|n| n.as_str().cmp(&subject.name))
                .ok()
                .map(Place::node),
            SubjectKind::Volume => Some(
                self.pod_of_volume(&subject.name)
                    .unwrap_or(Place::One(subject.kind)),
            ),
            kind => Some(Place::One(kind)),
        }
    }

    /// Where it counts that a family shows at a place.
    fn stands(&self, place: Place, family: usize) -> Option<Place> {
        match place {
            Place::Pod(member) => self.standing.of(member, family).map(Place::Pod),
            other => Some(other),
        }
    }

    /// A claim of a stateful set is called `<template>-<pod>`.
    fn pod_of_volume(&self, name: &str) -> Option<Place> {
        let claim = name.rsplit('/').next().unwrap_or(name);
        self.scope
            .members
            .iter()
            .position(|m| {
                let pod = m.name.rsplit('/').next().unwrap_or(&m.name);
                claim
                    .strip_suffix(pod)
                    .is_some_and(|rest| rest.ends_with('-'))
            })
            .map(Place::pod)
    }

    /// Pods that are weighed one by one.
    pub(crate) fn pods(&self) -> impl Iterator<Item = Place> + '_ {
        let members = self.scope.members.iter().enumerate();
        members
            .filter(|(_, m)| m.role != MemberRole::Sender)
            .map(|(n, _)| Place::pod(n))
            .filter(|p| self.stands_for_itself(*p))
    }

    pub(super) fn stands_for_itself(&self, place: Place) -> bool {
        matches!(place, Place::Pod(member) if self.standing.has(member))
    }

    /// All places of a scope kind.
    pub(super) fn places(&self, kind: SubjectKind) -> Vec<Place> {
        match kind {
            SubjectKind::Pod | SubjectKind::Volume => self.pods().collect(),
            SubjectKind::Node => (0..self.nodes.len()).map(Place::node).collect(),
            kind => vec![Place::One(kind)],
        }
    }

    /// Keeps what a present symptom leads back to, and what follows from that.
    fn prune(&mut self) {
        let back = self.parents();
        let mut queue: Vec<Instance> = self
            .present
            .keys()
            .map(|(f, p)| Instance::Symptom(*f, *p))
            .collect();
        let mut kept: BTreeSet<Instance> = queue.iter().copied().collect();
        while let Some(instance) = queue.pop() {
            let start = back.partition_point(|(child, _)| *child < instance);
            let own = back[start..].iter().take_while(|(c, _)| *c == instance);
            // A gate leads back to its members only where there is no choice of them.
            let only = match self.gates.get(&instance).map(Vec::as_slice) {
                Some([only]) => Some(*only),
                _ => None,
            };
            for parent in own.map(|(_, parent)| *parent).chain(only) {
                if kept.insert(parent) {
                    queue.push(parent);
                }
            }
        }
        // What is everywhere first, then pod by pod: it is late pods that are left out, not late causes.
        let mut causes: Vec<(Place, CauseIx)> = kept
            .iter()
            .filter_map(|i| match *i {
                Instance::Cause(cause, place) => Some((place, cause)),
                _ => None,
            })
            .collect();
        causes.sort_by_key(|(place, cause)| (matches!(place, Place::Pod(_)), *place, *cause));
        for (place, cause) in causes.iter().skip(limits::CANDIDATES) {
            kept.remove(&Instance::Cause(*cause, *place));
            self.left_out += 1;
        }
        self.keep_what_follows(&mut kept);
        self.kept = kept;
    }

    /// Instances with what leads to them, sorted.
    fn parents(&self) -> Vec<(Instance, Instance)> {
        let edges = || self.edges.values().flatten();
        let mut pairs = Vec::with_capacity(edges().map(|e| e.all.len()).sum());
        for edge in edges() {
            pairs.extend(edge.all.iter().map(|parent| (edge.to, *parent)));
        }
        pairs.sort_unstable();
        pairs.dedup();
        pairs
    }

    /// States and symptoms downstream of what is kept, through gates too, but no further causes
    /// than those a kept cause brings about.
    fn keep_what_follows(&self, kept: &mut BTreeSet<Instance>) {
        let mut gate_of: BTreeMap<Instance, Vec<Instance>> = BTreeMap::new();
        for (gate, members) in &self.gates {
            members
                .iter()
                .for_each(|m| gate_of.entry(*m).or_default().push(*gate));
        }
        let mut queue: Vec<Instance> = kept.iter().copied().collect();
        while let Some(instance) = queue.pop() {
            let edges = self.edges.get(&instance).into_iter().flatten();
            let downstream = edges.filter(|e| self.matters(e)).map(|e| e.to);
            let gates = gate_of.get(&instance).into_iter().flatten().copied();
            for next in downstream.chain(gates) {
                if kept.insert(next) {
                    queue.push(next);
                }
            }
        }
    }
}

impl Binder<'_> {
    /// A silence that would hardly have been heard is left out; one that a check could break stays,
    /// so that the check can be weighed.
    fn matters(&self, edge: &Edge<'_>) -> bool {
        let Instance::Symptom(family, place) = edge.to else {
            return true;
        };
        if self.present.contains_key(&(family, place)) {
            return true;
        }
        if self.families.all[family].leak >= COMMONPLACE {
            return false;
        }
        let o = observability::of(self.pack, &self.families.all[family], place, self.scope);
        o * edge.link.q * assemble::share(edge.link.q) >= AUDIBLE
            || o == 0.0 && self.families.all[family].asked
    }
}
