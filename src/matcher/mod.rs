//! Finds which signatures a record satisfies, and takes out the values they ask for.
//!
//! A log line is first searched for *anchors*: literals, at least one of which every line that
//! satisfies a variant contains. One pass finds all of them; a line without any costs no more than that. Only for the few candidates are fields tokenised and conditions evaluated.
//! Records from other sources are looked up by the value of one field instead.

mod condition;
mod grams;
mod recall;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;

use crate::pack::{About, Pack, Severity, Signature, SignatureIx, SubjectKind, Variant};
use crate::record::errors::{self, Leaf};
use crate::record::{Record, Source};

pub use recall::{Known, Recall, Seen};

use condition::{is_leaf_field, record_holds, value_holds};

/// One record satisfying one signature.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Hit {
    /// The signature.
    pub signature: SignatureIx,
    /// Kind of subject.
    pub kind: SubjectKind,
    /// The name of the subject as the record writes it; `None` when it is the writer, or the only
    /// one of its kind.
    pub subject: Option<String>,
    /// Values taken out, by name.
    pub extracts: Vec<(String, Vec<String>)>,
    /// The leaf of the error chain it was found in.
    leaf: Option<usize>,
}

/// All signatures of a pack, ready to scan.
#[derive(Debug)]
pub struct Matcher {
    /// By literal of the index: the (signature, variant) pairs to evaluate.
    candidates: Vec<Vec<(SignatureIx, u16)>>,
    /// Sources other than logs: by the first condition that is an equality.
    keyed: FxHashMap<Source, Keyed>,
    /// By signature: those it silences.
    refines: BTreeMap<SignatureIx, Vec<SignatureIx>>,
    /// By signature: what it gives way to.
    yields: Vec<Yields>,
    /// What [`Recall`] needs to know of the pack.
    index: recall::Index,
}

/// Signatures, with their alternative, by the value that a field must have.
type ByValue = FxHashMap<Vec<u8>, Vec<(SignatureIx, u16)>>;

/// Signatures of one source, by a field that must have one of few values.
#[derive(Debug, Default)]
struct Keyed {
    by_value: FxHashMap<String, ByValue>,
    others: Vec<(SignatureIx, u16)>,
}

impl Matcher {
    /// Compiles the anchors of `pack`.
    ///
    /// # Panics
    ///
    /// Never on a pack that loaded: it has fewer signatures than numbers for them.
    #[must_use]
    pub fn new(pack: &Pack) -> Self {
        let mut anchors: BTreeMap<&[u8], Vec<(SignatureIx, u16)>> = BTreeMap::new();
        let mut keyed: FxHashMap<Source, Keyed> = FxHashMap::default();
        let mut refines = BTreeMap::new();
        let yields = pack.signatures.iter().map(Yields::of).collect();
        for (ix, signature) in pack.signatures.iter().enumerate() {
            let ix = SignatureIx(u32::try_from(ix).expect("a pack has fewer than 2^32 signatures"));
            if !signature.refines.is_empty() {
                refines.insert(ix, signature.refines.clone());
            }
            for (v, variant) in signature.variants.iter().enumerate() {
                let v = u16::try_from(v).expect("a signature has few variants");
                if signature.source == Source::Log {
                    for anchor in &variant.anchors {
                        anchors.entry(anchor).or_default().push((ix, v));
                    }
                } else {
                    keyed
                        .entry(signature.source)
                        .or_default()
                        .add(ix, v, variant);
                }
            }
        }
        let index = recall::Index::new(pack);
        let candidates = index
            .literals()
            .map(|literal| anchors.remove(literal).unwrap_or_default())
            .collect();
        Self {
            candidates,
            keyed,
            refines,
            yields,
            index,
        }
    }

    /// Hands every hit of `record` to `sink`, in the order of signatures.
    pub fn scan(&self, pack: &Pack, record: &Record<'_>, mut sink: impl FnMut(Hit)) {
        let mut candidates = Vec::new();
        if record.source == Source::Log {
            self.candidates_of(record, &mut candidates);
        } else if let Some(keyed) = self.keyed.get(&record.source) {
            keyed.candidates(record, &mut candidates);
        }
        if candidates.is_empty() {
            return;
        }
        candidates.sort_unstable();
        candidates.dedup();
        let mut hits: Vec<Hit> = Vec::new();
        let mut leaves: Option<Vec<Leaf<'_>>> = None;
        for (ix, v) in candidates {
            let signature = &pack.signatures[ix.0 as usize];
            let variant = &signature.variants[v as usize];
            evaluate(ix, signature, variant, record, &mut leaves, &mut hits);
        }
        self.silence(&mut hits);
        hits.into_iter().for_each(&mut sink);
    }

    /// Variants of which an anchor stands in a log line, some perhaps repeated.
    fn candidates_of(&self, record: &Record<'_>, out: &mut Vec<(SignatureIx, u16)>) {
        self.index.find(record.body, |literal| {
            out.extend_from_slice(&self.candidates[literal as usize]);
        });
    }

    /// Drops hits that a finer signature on the same record refines.
    fn silence(&self, hits: &mut Vec<Hit>) {
        if hits.len() < 2 {
            return;
        }
        self.withdraw(hits);
        let silenced: Vec<(SignatureIx, Option<usize>)> = hits
            .iter()
            .flat_map(|h| {
                let leaf = h.leaf;
                self.refines
                    .get(&h.signature)
                    .into_iter()
                    .flatten()
                    .map(move |r| (*r, leaf))
            })
            .collect();
        hits.retain(|h| {
            !silenced.iter().any(|(broader, leaf)| {
                *broader == h.signature && (leaf.is_none() || h.leaf.is_none() || *leaf == h.leaf)
            })
        });
    }
}

impl Matcher {
    /// Drops fallbacks where a signature that is none, and that they do not refine, says of the same
    /// record what is wrong.
    fn withdraw(&self, hits: &mut Vec<Hit>) {
        let kind = |h: &Hit| self.yields[h.signature.0 as usize];
        if !hits.iter().any(|h| kind(h) == Yields::Always) {
            return;
        }
        let firm: Vec<SignatureIx> = hits
            .iter()
            .filter(|h| kind(h) == Yields::Never)
            .map(|h| h.signature)
            .collect();
        hits.retain(|h| {
            let broader = self.refines.get(&h.signature);
            let silenced = |f: &SignatureIx| !broader.is_some_and(|b| b.contains(f));
            kind(h) != Yields::Always || !firm.iter().any(silenced)
        });
    }
}

/// Whether a hit gives way to others of its record.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Yields {
    /// A fallback gives way to whatever knows the line.
    Always,
    /// It says what is wrong.
    Never,
    /// Nothing is wrong: nothing gives way to it.
    Mild,
}

impl Yields {
    fn of(signature: &Signature) -> Self {
        match signature {
            s if s.fallback => Self::Always,
            s if s.severity >= Severity::Warning => Self::Never,
            _ => Self::Mild,
        }
    }
}

impl Keyed {
    fn add(&mut self, ix: SignatureIx, v: u16, variant: &Variant) {
        let key = variant.conditions.iter().find_map(condition::exact_values);
        match key {
            Some((field, values)) => {
                let table = self.by_value.entry(field.to_owned()).or_default();
                for value in values {
                    table.entry(value.to_vec()).or_default().push((ix, v));
                }
            }
            None => self.others.push((ix, v)),
        }
    }

    fn candidates(&self, record: &Record<'_>, out: &mut Vec<(SignatureIx, u16)>) {
        out.extend_from_slice(&self.others);
        for (field, table) in &self.by_value {
            for value in record.fields().all(field) {
                if let Some(found) = table.get(value) {
                    out.extend_from_slice(found);
                }
            }
        }
    }
}

/// Evaluates one variant and adds its hits: one for the record, or one per satisfying leaf.
fn evaluate<'r>(
    ix: SignatureIx,
    signature: &Signature,
    variant: &Variant,
    record: &'r Record<'_>,
    leaves: &mut Option<Vec<Leaf<'r>>>,
    hits: &mut Vec<Hit>,
) {
    // Labels of metrics may be called `code` too; only log lines have an error chain.
    let of_leaf = |field: &str| record.source == Source::Log && is_leaf_field(field);
    if !variant
        .conditions
        .iter()
        .filter(|c| !of_leaf(&c.field))
        .all(|c| record_holds(record, c))
    {
        return;
    }
    let leafy = variant.conditions.iter().any(|c| of_leaf(&c.field))
        || signature.extract.iter().any(|e| of_leaf(&e.from));
    if !leafy {
        push(hits, hit(ix, signature, record, None));
        return;
    }
    let leaves = leaves.get_or_insert_with(|| errors::leaves(record));
    for (n, leaf) in leaves.iter().enumerate() {
        let holds = variant
            .conditions
            .iter()
            .filter(|c| of_leaf(&c.field))
            .all(|c| value_holds(leaf.field(&c.field).as_deref(), &c.test));
        if holds {
            push(hits, hit(ix, signature, record, Some((n, leaf))));
        }
    }
}

/// Adds a hit unless the same signature already says the same of the same subject here.
fn push(hits: &mut Vec<Hit>, hit: Hit) {
    let same = |h: &&mut Hit| h.signature == hit.signature && h.subject == hit.subject;
    match hits.iter_mut().find(same) {
        Some(known) => {
            if known.leaf != hit.leaf {
                known.extracts.extend(hit.extracts);
            }
        }
        None => hits.push(hit),
    }
}

fn hit(
    ix: SignatureIx,
    signature: &Signature,
    record: &Record<'_>,
    leaf: Option<(usize, &Leaf<'_>)>,
) -> Hit {
    let extracts = condition::extracts(signature, record, leaf.map(|(_, l)| l));
    let (kind, subject) = match &signature.about {
        About::Writer => (writer_kind(record), None),
        About::Singleton(kind) => (*kind, None),
        About::Extracted { name, kind } => {
            let value = extracts
                .iter()
                .find(|(n, _)| n == name)
                .and_then(|(_, v)| v.first());
            match value {
                Some(value) => (*kind, Some(value.clone())),
                // An extraction that finds nothing leaves the hit standing, with the writer as its
                // subject (or the only subject of that kind).
                None if *kind == SubjectKind::Pod => (SubjectKind::Pod, None),
                None => (*kind, None),
            }
        }
    };
    Hit {
        signature: ix,
        kind,
        subject,
        extracts,
        leaf: leaf.map(|(n, _)| n),
    }
}

/// The kind of subject that writes a record: a pod, unless it is an object of another kind.
fn writer_kind(record: &Record<'_>) -> SubjectKind {
    if record.source != Source::Status || !record.origin.pod.is_empty() {
        return SubjectKind::Pod;
    }
    match record.fields().get("kind") {
        Some(b"node") => SubjectKind::Node,
        Some(b"statefulset") => SubjectKind::Statefulset,
        Some(b"persistentvolumeclaim") => SubjectKind::Volume,
        _ => SubjectKind::Global,
    }
}
