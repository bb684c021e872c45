//! Forms → templates: forms that differ only where values stand are put together.
//!
//! Runs on the set of forms in their own order, so the result is a function of that set.

use std::collections::BTreeMap;

use rustc_hash::{FxHashMap, FxHashSet};

use super::mask::{is_constant, join, pieces};
use super::{Form, Stat, Template, VARIABLE};

/// Different words at one place that make it variable.
const WORDS: usize = 6;

/// Constant words that must remain, or else everything is one template.
const LEFT: usize = 2;

/// Rounds of masking places.
const ROUNDS: usize = 4;

/// Longest form whose places are compared; longer ones are too unlike to share all others.
const PLACES: usize = 64;

/// How much of a template the shorter one in it must be.
const RATIO: f64 = 0.75;

/// Shorter templates that one is compared with, at most; keeps the worst case near linear.
const COMPARED: usize = 256;

type Pieces<'f> = Vec<(&'f str, bool)>;

/// A template in the making.
struct Draft<'f> {
    pieces: Pieces<'f>,
    stat: Stat,
}

/// Puts the forms of each source file together.
pub(super) fn templates(forms: &BTreeMap<Form, Stat>) -> Vec<Template> {
    let mut by_file: BTreeMap<(&str, &str), Vec<Draft<'_>>> = BTreeMap::new();
    for (form, stat) in forms {
        let draft = Draft {
            pieces: pieces(&form.text),
            stat: stat.clone(),
        };
        by_file
            .entry((&form.component, &form.file))
            .or_default()
            .push(draft);
    }
    let mut found = Vec::new();
    for ((component, file), mut drafts) in by_file {
        for _ in 0..ROUNDS {
            if !close(&mut drafts) {
                break;
            }
        }
        for draft in contained(same_constants(drafts)) {
            found.push(Template {
                text: join(draft.pieces),
                count: draft.stat.count,
                first: draft.stat.first,
                last: draft.stat.last,
                pods: draft.stat.pods.iter().map(ToString::to_string).collect(),
                component: component.to_owned(),
                file: file.to_owned(),
            });
        }
    }
    found
}

/// Masks each place at which, all else being equal, many words occur. `true` if there was one.
fn close(drafts: &mut Vec<Draft<'_>>) -> bool {
    let mut words: FxHashMap<(u64, usize), FxHashSet<&str>> = FxHashMap::default();
    let places = |pieces: &Pieces<'_>| {
        let constants = pieces.iter().filter(|(p, _)| is_constant(p)).count();
        let fits = pieces.len() <= PLACES && constants > LEFT;
        let all: Vec<usize> = (0..pieces.len())
            .filter(|i| fits && is_constant(pieces[*i].0))
            .collect();
        all
    };
    for draft in drafts.iter() {
        for place in places(&draft.pieces) {
            words
                .entry((without(&draft.pieces, place), place))
                .or_default()
                .insert(draft.pieces[place].0);
        }
    }
    let variable: FxHashSet<(u64, usize)> = words
        .into_iter()
        .filter(|(_, w)| w.len() >= WORDS)
        .map(|(k, _)| k)
        .collect();
    if variable.is_empty() {
        return false;
    }
    let mut merged: BTreeMap<Pieces<'_>, Stat> = BTreeMap::new();
    for draft in drafts.drain(..) {
        let masked: Vec<usize> = places(&draft.pieces)
            .into_iter()
            .filter(|p| variable.contains(&(without(&draft.pieces, *p), *p)))
            .collect();
        let constants = draft.pieces.iter().filter(|(p, _)| is_constant(p)).count();
        let mut pieces = draft.pieces;
        // Not so many at once that nothing would be left.
        for place in masked.into_iter().take(constants - LEFT.min(constants)) {
            pieces[place].0 = VARIABLE;
        }
        merged.entry(pieces).or_default().merge(draft.stat);
    }
    drafts.extend(
        merged
            .into_iter()
            .map(|(pieces, stat)| Draft { pieces, stat }),
    );
    true
}

/// Hash of all pieces but one, with a fixed seed.
fn without(pieces: &Pieces<'_>, place: usize) -> u64 {
    use std::hash::{Hash, Hasher};
    let mut hasher = rustc_hash::FxHasher::default();
    pieces.len().hash(&mut hasher);
    for (i, (piece, _)) in pieces.iter().enumerate() {
        if i != place {
            (i, piece).hash(&mut hasher);
        }
    }
    hasher.finish()
}

fn constants<'f>(pieces: &Pieces<'f>) -> Vec<&'f str> {
    pieces
        .iter()
        .map(|(p, _)| *p)
        .filter(|p| is_constant(p))
        .collect()
}

/// Forms with the same words in the same order are one; the shortest of them stands for all.
fn same_constants(drafts: Vec<Draft<'_>>) -> Vec<(Vec<&str>, Draft<'_>)> {
    let mut merged: BTreeMap<Vec<&str>, Draft<'_>> = BTreeMap::new();
    let mut found = Vec::new();
    for draft in drafts {
        let words = constants(&draft.pieces);
        if words.len() < LEFT {
            found.push((words, draft));
            continue;
        }
        match merged.entry(words) {
            std::collections::btree_map::Entry::Vacant(free) => {
                free.insert(draft);
            }
            std::collections::btree_map::Entry::Occupied(mut known) => {
                let known = known.get_mut();
                if (draft.pieces.len(), &draft.pieces) < (known.pieces.len(), &known.pieces) {
                    known.pieces = draft.pieces;
                }
                known.stat.merge(draft.stat);
            }
        }
    }
    found.extend(merged);
    found
}

/// A template that holds nearly all of itself in a shorter one, with the same ends, joins it.
fn contained<'f>(mut drafts: Vec<(Vec<&'f str>, Draft<'f>)>) -> Vec<Draft<'f>> {
    drafts.sort_by(|a, b| (a.0.len(), &a.0, &a.1.pieces).cmp(&(b.0.len(), &b.0, &b.1.pieces)));
    let mut kept: Vec<(Vec<&str>, Draft<'_>)> = Vec::new();
    let mut by_ends: BTreeMap<(&str, &str), Vec<usize>> = BTreeMap::new();
    for (words, draft) in drafts {
        let (Some(first), Some(last)) = (words.first(), words.last()) else {
            kept.push((words, draft));
            continue;
        };
        let near = by_ends.entry((*first, *last)).or_default();
        #[allow(clippy::cast_precision_loss)] // Numbers of words.
        let holds = |shorter: &[&str]| {
            shorter.len() >= LEFT
                && shorter.len() as f64 >= RATIO * words.len() as f64
                && is_part(shorter, &words)
        };
        match near
            .iter()
            .take(COMPARED)
            .copied()
            .find(|i| holds(&kept[*i].0))
        {
            Some(i) => kept[i].1.stat.merge(draft.stat),
            None => {
                near.push(kept.len());
                kept.push((words, draft));
            }
        }
    }
    kept.into_iter().map(|(_, draft)| draft).collect()
}

/// The words of one stand in the other, in this order.
fn is_part(shorter: &[&str], longer: &[&str]) -> bool {
    let mut rest = longer.iter();
    shorter.iter().all(|word| rest.any(|w| w == word))
}
