//! Finding things in a pack by id and by index.

use std::collections::BTreeSet;
use std::ops::Index;

use super::{Cause, CauseIx, Link, Pack, Signature, SignatureIx, State, StateIx, Target};

impl Pack {
    /// A short name for what its signatures say of a record: packs of one fingerprint find the same
    /// evidence.
    #[must_use]
    pub fn fingerprint(&self) -> String {
        let mut hash = xxhash_rust::xxh64::Xxh64::new(0);
        for s in &self.signatures {
            let said = (
                &s.id,
                s.source,
                &s.variants,
                &s.extract,
                &s.about,
                &s.refines,
            );
            hash.update(format!("{said:?}").as_bytes());
        }
        format!("{:016x}", hash.digest())
    }

    /// The signature with this id, or formerly with it.
    #[must_use]
    pub fn signature(&self, id: &str) -> Option<SignatureIx> {
        let formerly = |s: &Signature| s.formerly.iter().any(|former| former == id);
        let found = self
            .signatures
            .binary_search_by(|s| s.id.as_str().cmp(id))
            .ok();
        let found = found.or_else(|| self.signatures.iter().position(formerly));
        found.and_then(narrow).map(SignatureIx)
    }

    /// The state with this id, with or without `state/` before it.
    #[must_use]
    pub fn state(&self, id: &str) -> Option<StateIx> {
        let id = id.strip_prefix("state/").unwrap_or(id);
        let formerly = |s: &State| s.formerly.iter().any(|former| former == id);
        let found = self.states.binary_search_by(|s| s.id.as_str().cmp(id)).ok();
        let found = found.or_else(|| self.states.iter().position(formerly));
        found.and_then(narrow).map(StateIx)
    }

    /// The cause with this id, with or without `cause/` before it.
    #[must_use]
    pub fn cause(&self, id: &str) -> Option<CauseIx> {
        let id = id.strip_prefix("cause/").unwrap_or(id);
        let formerly = |c: &Cause| c.formerly.iter().any(|former| former == id);
        let found = self.causes.binary_search_by(|c| c.id.as_str().cmp(id)).ok();
        let found = found.or_else(|| self.causes.iter().position(formerly));
        found.and_then(narrow).map(CauseIx)
    }

    /// Whatever has this id: a signature, `state/…`, `cause/…` or a bare cause.
    #[must_use]
    pub fn find(&self, id: &str) -> Option<Target> {
        match id.split_once('/') {
            Some(("state", _)) => self.state(id).map(Target::State),
            Some(("cause", _)) => self.cause(id).map(Target::Cause),
            Some(_) => self.signature(id).map(Target::Signature),
            None => self
                .cause(id)
                .map(Target::Cause)
                .or_else(|| self.state(id).map(Target::State)),
        }
    }

    /// The id as links write it.
    #[must_use]
    pub fn id(&self, target: Target) -> String {
        match target {
            Target::Signature(ix) => self[ix].id.clone(),
            Target::State(ix) => format!("state/{}", self[ix].id),
            Target::Cause(ix) => format!("cause/{}", self[ix].id),
        }
    }

    /// One line about it, for people.
    #[must_use]
    pub fn title(&self, target: Target) -> &str {
        match target {
            Target::Signature(ix) => &self[ix].title,
            Target::State(ix) => &self[ix].title,
            Target::Cause(ix) => &self[ix].title,
        }
    }

    /// Every signature, state and cause, in this order, each sorted by id.
    pub fn targets(&self) -> impl Iterator<Item = Target> {
        let signatures = (0..).take(self.signatures.len()).map(SignatureIx);
        let states = (0..).take(self.states.len()).map(StateIx);
        let causes = (0..).take(self.causes.len()).map(CauseIx);
        signatures
            .map(Target::Signature)
            .chain(states.map(Target::State))
            .chain(causes.map(Target::Cause))
    }

    /// What follows from it; nothing from a signature.
    #[must_use]
    pub fn links(&self, from: Target) -> &[Link] {
        match from {
            Target::Signature(_) => &[],
            Target::State(ix) => &self[ix].links,
            Target::Cause(ix) => &self[ix].links,
        }
    }

    /// The links that lead to it, with where they start. Gates are not links.
    pub fn links_to(&self, to: Target) -> impl Iterator<Item = (Target, &Link)> {
        self.targets()
            .flat_map(|from| self.links(from).iter().map(move |link| (from, link)))
            .filter(move |(_, link)| link.to == to)
    }

    /// The gates that open when enough members are in this state.
    pub fn gates_of(&self, member: StateIx) -> impl Iterator<Item = StateIx> {
        let states = (0..).map(StateIx).zip(&self.states);
        let gates = states.filter(move |(_, state)| {
            let gate = state.gate.as_ref();
            gate.is_some_and(|gate| gate.of == member)
        });
        gates.map(|(ix, _)| ix)
    }

    /// Everything that follows from `from`, by however many links and gates; without itself.
    #[must_use]
    pub fn reachable(&self, from: Target) -> BTreeSet<Target> {
        let mut all = BTreeSet::new();
        let mut open = vec![from];
        while let Some(next) = open.pop() {
            let mut follow: Vec<Target> = self.links(next).iter().map(|link| link.to).collect();
            if let Target::State(member) = next {
                follow.extend(self.gates_of(member).map(Target::State));
            }
            open.extend(follow.into_iter().filter(|target| all.insert(*target)));
        }
        all
    }
}

impl Index<SignatureIx> for Pack {
    type Output = Signature;
    fn index(&self, ix: SignatureIx) -> &Signature {
        &self.signatures[ix.0 as usize]
    }
}

impl Index<StateIx> for Pack {
    type Output = State;
    fn index(&self, ix: StateIx) -> &State {
        &self.states[ix.0 as usize]
    }
}

impl Index<CauseIx> for Pack {
    type Output = Cause;
    fn index(&self, ix: CauseIx) -> &Cause {
        &self.causes[ix.0 as usize]
    }
}

fn narrow(position: usize) -> Option<u32> {
    u32::try_from(position).ok()
}
