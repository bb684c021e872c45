//! Families: signatures that are rewordings of one statement count as one symptom.

use std::collections::BTreeMap;

use crate::pack::{About, Pack, Signature, SignatureIx, SubjectKind, Test};
use crate::record::Source;

/// All families of a pack.
#[derive(Debug)]
pub(crate) struct Families {
    /// Sorted by name.
    pub(crate) all: Vec<Family>,
    of: Vec<u32>,
}

/// One family.
#[derive(Debug)]
pub(crate) struct Family {
    pub(crate) name: String,
    pub(crate) members: Vec<SignatureIx>,
    /// The kinds of place it shows at, the first member's first: one statement may be written by
    /// the pod itself and quoted of it by others.
    pub(crate) kinds: Vec<SubjectKind>,
    pub(crate) leak: f64,
    pub(crate) impact: bool,
    /// Some check of a cause would show it.
    pub(crate) asked: bool,
}

impl Families {
    pub(crate) fn new(pack: &Pack) -> Self {
        let mut by_name: BTreeMap<&str, Vec<SignatureIx>> = BTreeMap::new();
        for (n, signature) in pack.signatures.iter().enumerate() {
            let ix = SignatureIx(u32::try_from(n).expect("fewer than 2^32 signatures"));
            by_name.entry(&signature.family).or_default().push(ix);
        }
        let mut of = vec![0; pack.signatures.len()];
        let mut all = Vec::new();
        for (n, (name, members)) in by_name.into_iter().enumerate() {
            for m in &members {
                of[m.0 as usize] = u32::try_from(n).expect("fewer than 2^32 families");
            }
            all.push(Family::new(pack, name, members));
        }
        Self { all, of }
    }

    /// Index of the family of a signature.
    pub(crate) fn of(&self, signature: SignatureIx) -> usize {
        self.of[signature.0 as usize] as usize
    }
}

impl Family {
    fn new(pack: &Pack, name: &str, members: Vec<SignatureIx>) -> Self {
        let signatures = || members.iter().map(|m| &pack.signatures[m.0 as usize]);
        let mut kinds: Vec<SubjectKind> = Vec::new();
        for kind in signatures().map(kind_of) {
            if !kinds.contains(&kind) {
                kinds.push(kind);
            }
        }
        Self {
            name: name.to_owned(),
            kinds,
            leak: signatures().map(|s| s.leak).fold(0.0, f64::max),
            impact: signatures().any(|s| s.impact),
            asked: pack.causes.iter().flat_map(|c| &c.confirm).flat_map(|c| &c.yields).any(|y| members.contains(y)),
            members,
        }
    }
}

/// The kind of subject a signature is about.
pub(crate) fn kind_of(signature: &Signature) -> SubjectKind {
    match &signature.about {
        About::Extracted { kind, .. } | About::Singleton(kind) => *kind,
        About::Writer => writer_kind(signature),
    }
}

/// Whoever writes it: a pod, but for states and events of other objects.
fn writer_kind(signature: &Signature) -> SubjectKind {
    let field = match signature.source {
        Source::Status => "kind",
        Source::Event => "involvedObject.kind",
        _ => return SubjectKind::Pod,
    };
    let value = signature.variants.iter().flat_map(|v| &v.conditions).find_map(|c| {
        match &c.test {
            Test::Equals(v) if c.field == field => Some(v.to_ascii_lowercase()),
            _ => None,
        }
    });
    match value.as_deref() {
        Some("node") => SubjectKind::Node,
        Some("statefulset") => SubjectKind::Statefulset,
        Some("persistentvolumeclaim") => SubjectKind::Volume,
        Some("pod" | "container") | None => SubjectKind::Pod,
        Some(_) => SubjectKind::Global,
    }
}
