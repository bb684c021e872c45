//! Expands the pack's type-level links: from each place of a cause or state to the places where what
//! follows from it shows.

use std::rc::Rc;

use super::bind::{Binder, Edge, Instance, Place};
use super::scope::MemberRole;
use crate::pack::{Bind, CauseIx, Link, SignatureIx, StateIx, SubjectKind, Target, Version, When};

impl<'a> Binder<'a> {
    /// Places of kind `kind` that `bind` reaches from `from`.
    pub(super) fn reach(&self, from: Place, bind: Bind, kind: SubjectKind) -> Reach {
        let pod_kind = matches!(kind, SubjectKind::Pod | SubjectKind::Volume);
        match (from, bind) {
            (_, Bind::AnyPod) if pod_kind => Reach::AnyOf(self.pods().collect()),
            (Place::Pod(_), _) if pod_kind => Reach::These(vec![from]),
            (Place::Pod(p), _) if kind == SubjectKind::Node => {
                // Without its node any node may be the one it runs on.
                let Some(node) = self.scope.members[p as usize].node.as_deref() else {
                    return Reach::AnyOf(self.places(kind));
                };
                let at = self.nodes.binary_search_by(|k| k.as_str().cmp(node)).ok();
                Reach::These(at.map(Place::node).into_iter().collect())
            }
            (Place::Node(_), _) if kind == SubjectKind::Node => Reach::These(vec![from]),
            (Place::Node(n), _) if pod_kind => {
                let node = Some(self.nodes[n as usize].as_str());
                let on_it = self.pods().filter(|p| matches!(p, Place::Pod(p) if self.scope.members[*p as usize].node.as_deref() == node));
                Reach::AnyOf(on_it.collect())
            }
            (Place::One(_) | Place::NoPod, _) if pod_kind => Reach::AnyOf(self.pods().collect()),
            (_, _) if kind == SubjectKind::Node => Reach::AnyOf(self.places(kind)),
            _ => Reach::These(vec![Place::One(kind)]),
        }
    }

    pub(super) fn expand(&mut self) {
        let pack = self.pack;
        for (n, cause) in pack.causes.iter().enumerate() {
            let ix = CauseIx(u32::try_from(n).expect("few causes"));
            for place in self.places(cause.scope) {
                let from = Instance::Cause(ix, place);
                self.expand_links(from, place, &cause.links);
            }
        }
        for (n, state) in pack.states.iter().enumerate() {
            let ix = StateIx(u32::try_from(n).expect("few states"));
            for place in self.places(state.scope) {
                let from = Instance::State(ix, place);
                self.expand_links(from, place, &state.links);
                if let Some(gate) = &state.gate {
                    let members = self
                        .ring_members()
                        .filter(|p| self.stands_for_itself(*p))
                        .map(|p| Instance::State(gate.of, p))
                        .collect();
                    self.gates.insert(from, members);
                }
            }
        }
    }

    /// Expands all links of one instance.
    fn expand_links(&mut self, from: Instance, place: Place, links: &'a [Link]) {
        let mut found = Vec::new();
        for link in links {
            self.expand_link(from, place, link, &mut found);
        }
        if !found.is_empty() {
            // No more room than they need: there are many such lists.
            found.shrink_to_fit();
            self.edges.insert(from, found);
        }
    }

    /// Pods that hold replicas: those the ring lists, or every receiver that is not a mere router.
    pub(crate) fn ring_members(&self) -> impl Iterator<Item = Place> + '_ {
        let listed = self.scope.members.iter().any(|m| m.in_ring);
        let members = self.scope.members.iter().enumerate();
        members
            .filter(move |(_, m)| {
                if listed {
                    m.in_ring
                } else {
                    m.role != MemberRole::Sender && !m.router_only
                }
            })
            .map(|(n, _)| Place::pod(n))
    }

    fn expand_link(&self, from: Instance, place: Place, link: &'a Link, found: &mut Vec<Edge<'a>>) {
        if !self.applies(&link.when, place) {
            return;
        }
        let mut with: Vec<Instance> = vec![from];
        for other in &link.with {
            let Some(other) = self.companion(*other, place) else {
                return;
            };
            with.push(other);
        }
        let instance = |p: Place| match link.to {
            Target::Signature(s) => Instance::Symptom(self.families.of(s), p),
            Target::State(s) => Instance::State(s, p),
            Target::Cause(c) => Instance::Cause(c, p),
        };
        let targets = match link.to {
            Target::Signature(s) => self.shown_at(s, place, link.bind),
            Target::State(s) => self
                .reach(place, link.bind, self.pack.states[s.0 as usize].scope)
                .all(),
            Target::Cause(c) => self
                .reach(place, link.bind, self.pack.causes[c.0 as usize].scope)
                .all(),
        };
        let all: Rc<[Instance]> = with.into();
        found.extend(targets.into_iter().map(|p| Edge {
            to: instance(p),
            all: Rc::clone(&all),
            link,
        }));
    }

    /// Where a symptom shows that follows from something at `place`. Of many that could say it, those
    /// that do are explained; when none does, that is one silence, not one per pod.
    ///
    /// Elsewhere it shows in the words of the link only: what else the family says, it says of the pod
    /// that prints it.
    fn shown_at(&self, signature: SignatureIx, place: Place, bind: Bind) -> Vec<Place> {
        let family = self.families.of(signature);
        let says = |p: &Place| {
            let Some(present) = self.present.get(&(family, *p)) else {
                return false;
            };
            let here = bind != Bind::AnyPod || *p == place;
            here || present.entries.iter().any(|(s, _)| *s == signature)
        };
        let mut said = Vec::new();
        let mut silent = None;
        for kind in &self.families.all[family].kinds {
            let (places, many) = match self.reach(place, bind, *kind) {
                Reach::These(places) => (places, false),
                Reach::AnyOf(places) => (places, true),
            };
            said.extend(places.iter().copied().filter(says));
            if silent.is_none() {
                silent = if many {
                    Some(Place::NoPod)
                } else {
                    places.first().copied()
                };
            }
        }
        if said.is_empty() {
            said.extend(silent);
        }
        said
    }

    /// A further parent of an AND term, at the same place where it can be.
    fn companion(&self, target: Target, place: Place) -> Option<Instance> {
        let at = |kind| match self.reach(place, Bind::Same, kind) {
            Reach::These(places) => places.first().copied(),
            Reach::AnyOf(places) => places.first().copied(),
        };
        match target {
            Target::State(s) => {
                at(self.pack.states[s.0 as usize].scope).map(|p| Instance::State(s, p))
            }
            Target::Cause(c) => {
                at(self.pack.causes[c.0 as usize].scope).map(|p| Instance::Cause(c, p))
            }
            Target::Signature(_) => None,
        }
    }

    /// Conditions on configuration; what is not known satisfies them.
    pub(super) fn applies(&self, when: &When, place: Place) -> bool {
        let member = match place {
            Place::Pod(p) => Some(&self.scope.members[p as usize]),
            _ => None,
        };
        let version = member
            .and_then(|m| m.version)
            .or_else(|| self.common_version());
        let factor = self.scope.replication_factor;
        version.is_none_or(|v| when.versions.contains(&v))
            && (when.replication_factor.is_empty()
                || factor.is_none_or(|rf| when.replication_factor.contains(&rf)))
            && match (&when.algorithm, &self.scope.algorithm) {
                (Some(wanted), Some(known)) => wanted == known,
                _ => true,
            }
            && match (when.mode.as_deref(), member) {
                (Some(mode), Some(m)) => (mode == "RouterOnly") == m.router_only,
                _ => true,
            }
    }

    pub(crate) fn common_version(&self) -> Option<Version> {
        self.scope
            .members
            .iter()
            .find_map(|m| m.version)
            .or(self.scope.thanos_version)
    }
}

pub(super) enum Reach {
    /// Each of these.
    These(Vec<Place>),
    /// Those of these that say it.
    AnyOf(Vec<Place>),
}

impl Reach {
    pub(super) fn all(self) -> Vec<Place> {
        match self {
            Self::These(places) | Self::AnyOf(places) => places,
        }
    }
}
