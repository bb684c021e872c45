//! The pack for people: a page for each signature, state and cause, as text for terminals and as
//! Markdown for browsers, and lists of them.

mod markdown;
mod page;
mod skeleton;
mod terminal;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

pub use page::{Item, Page, Section, of as page};

use super::words::{self, word};
use super::{Pack, Target};

/// One line of a list of the pack.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Row {
    /// As links write it; a cause by its bare name.
    pub id: String,
    /// `signature`, `state` or `cause`.
    pub kind: &'static str,
    /// Severity of a signature, scope of a state, role of a cause.
    pub grade: &'static str,
    /// One line.
    pub title: String,
}

/// Everything in the pack: signatures, states, causes, each sorted by id.
#[must_use]
pub fn list(pack: &Pack) -> Vec<Row> {
    pack.targets().map(|target| row(pack, target)).collect()
}

/// The page of `id` as text for a terminal of `width` columns, without colours; `None` when there is
/// no such id. Accepts what [`Pack::find`] does.
#[must_use]
pub fn explain(pack: &Pack, id: &str, width: usize) -> Option<String> {
    let target = pack.find(id)?;
    Some(terminal::render(pack, &page::of(pack, target), width))
}

/// Ids that contain `part`, or are few edits away from it; for messages about unknown ids.
#[must_use]
pub fn suggest(pack: &Pack, part: &str) -> Vec<String> {
    let ids: Vec<String> = list(pack).into_iter().map(|row| row.id).collect();
    let containing: Vec<String> = ids.iter().filter(|id| id.contains(part)).cloned().collect();
    if !part.is_empty() && !containing.is_empty() {
        return containing.into_iter().take(SUGGESTIONS).collect();
    }
    let near = super::problem::nearest(part, ids.iter().map(String::as_str));
    near.map(str::to_owned).into_iter().collect()
}

/// The whole manual: path below the manual's folder to Markdown. `index.md` leads to every page.
#[must_use]
pub fn docs(pack: &Pack) -> BTreeMap<String, String> {
    let mut files = BTreeMap::new();
    files.insert("index.md".to_owned(), markdown::index(pack));
    for target in pack.targets() {
        let path = markdown::path(pack, target);
        let text = markdown::render(pack, &page::of(pack, target), &path);
        files.insert(path, text);
    }
    files
}

/// What a new file with this id could look like: its path below the pack's folder, and its text.
/// Ids of signatures hold a slash, those of states begin with `state/`; the rest are causes.
#[must_use]
pub fn skeleton(id: &str) -> (String, String) {
    skeleton::of(id)
}

/// Most ids that [`suggest`] gives.
const SUGGESTIONS: usize = 8;

fn row(pack: &Pack, target: Target) -> Row {
    let (kind, grade) = match target {
        Target::Signature(ix) => ("signature", word(words::SEVERITY, &pack[ix].severity)),
        Target::State(ix) => ("state", word(words::SCOPE, &pack[ix].scope)),
        Target::Cause(ix) => ("cause", word(words::ROLE, &pack[ix].role)),
    };
    let id = pack.id(target);
    Row {
        id: id.strip_prefix("cause/").unwrap_or(&id).to_owned(),
        kind,
        grade,
        title: pack.title(target).to_owned(),
    }
}
