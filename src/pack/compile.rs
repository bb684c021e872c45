//! Raw files → the compiled pack: ids to indices, words to numbers, conditions to tests.

mod graph;
mod signature;

use std::collections::BTreeMap;

use super::compact::Compact;
use super::load::positions;
use super::problem::{Place, Problem, SourceText, nearest};
use super::raw::{At, FileKind, Many};
use super::words::{self, Table};
use super::{CauseIx, Pack, SignatureIx, StateIx, Target, Version, VersionRange};

/// The texts of all files, with their paths; empty for the precompiled pack.
#[derive(Debug, Default)]
pub(super) struct Texts {
    /// By kind and id: path and text.
    pub(super) files: BTreeMap<(FileKind, String), (String, String)>,
}

impl Texts {
    /// The path of a file; its id when there is none.
    pub(super) fn path<'s>(&'s self, kind: FileKind, id: &'s str) -> &'s str {
        self.source(kind, id).path
    }

    fn source<'s>(&'s self, kind: FileKind, id: &'s str) -> SourceText<'s> {
        match self.files.get(&(kind, id.to_owned())) {
            Some((path, text)) => SourceText { path, text },
            None => SourceText { path: id, text: "" },
        }
    }
}

/// Compiles everything; what cannot be is left out and reported.
pub(super) fn pack(compact: Compact, texts: &Texts, problems: &mut Vec<Problem>) -> Pack {
    let names = Names::of(&compact, texts);
    let mut file = |kind, id: &str, work: &mut dyn FnMut(&mut File)| {
        let source = texts.source(kind, id);
        let mut file = File {
            source,
            names: &names,
            // The build script's work need not be proven again at every start.
            proven: texts.files.is_empty(),
            problems: Vec::new(),
        };
        work(&mut file);
        problems.append(&mut file.problems);
    };
    let mut pack = Pack {
        signatures: Vec::with_capacity(compact.signatures.len()),
        states: Vec::with_capacity(compact.states.len()),
        causes: Vec::with_capacity(compact.causes.len()),
    };
    for (id, (raw, anchors)) in compact.signatures {
        let mut raw = Some((raw, anchors));
        file(FileKind::Signature, &id, &mut |file| {
            if let Some((raw, anchors)) = raw.take() {
                pack.signatures
                    .push(signature::compile(file, &id, raw, anchors));
            }
        });
    }
    for (id, raw) in compact.states {
        let mut raw = Some(raw);
        file(FileKind::State, &id, &mut |file| {
            pack.states
                .extend(raw.take().map(|raw| graph::state(file, &id, raw)));
        });
    }
    for (id, raw) in compact.causes {
        let mut raw = Some(raw);
        file(FileKind::Cause, &id, &mut |file| {
            pack.causes
                .extend(raw.take().map(|raw| graph::cause(file, &id, raw)));
        });
    }
    pack
}

/// Ids to positions, former ids included.
struct Names {
    signatures: BTreeMap<String, u32>,
    states: BTreeMap<String, u32>,
    causes: BTreeMap<String, u32>,
}

impl Names {
    fn of(compact: &Compact, texts: &Texts) -> Names {
        let mut names = Names {
            signatures: positions(&compact.signatures),
            states: positions(&compact.states),
            causes: positions(&compact.causes),
        };
        for (id, (raw, _)) in &compact.signatures {
            alias(&mut names.signatures, id, &raw.formerly);
        }
        for (id, raw) in &compact.states {
            alias(&mut names.states, id, &raw.formerly);
        }
        for (id, raw) in &compact.causes {
            alias(&mut names.causes, id, &raw.formerly);
        }
        // A file that does not parse is reported itself; references to it are no problems of theirs.
        for (kind, id) in texts.files.keys() {
            let ids = match kind {
                FileKind::Signature => &mut names.signatures,
                FileKind::State => &mut names.states,
                FileKind::Cause => &mut names.causes,
            };
            ids.entry(id.clone()).or_insert(u32::MAX);
        }
        names
    }

    /// Every id as the end of a link would write it.
    fn all(&self) -> impl Iterator<Item = String> {
        let states = self.states.keys().map(|id| format!("state/{id}"));
        let causes = self.causes.keys().map(|id| format!("cause/{id}"));
        self.signatures.keys().cloned().chain(states).chain(causes)
    }
}

fn alias(names: &mut BTreeMap<String, u32>, id: &str, formerly: &Many<String>) {
    let position = names[id];
    for former in &formerly.0 {
        names.entry(former.clone()).or_insert(position);
    }
}

/// One file at work: resolves what it says, and collects what is wrong with it.
struct File<'a> {
    source: SourceText<'a>,
    names: &'a Names,
    proven: bool,
    problems: Vec<Problem>,
}

impl File<'_> {
    fn problem(&mut self, at: &At<String>, message: impl Into<String>) {
        let place = match Place::of(at) {
            Place { line: 0, .. } => self.source.find(&at.value),
            known => known,
        };
        self.problems.push(self.source.problem(place, message));
    }

    /// A problem at the first line that begins with `key`.
    fn problem_at_key(&mut self, key: &str, message: impl Into<String>) {
        let place = self.source.find(key);
        self.problems.push(self.source.problem(place, message));
    }

    fn word<T: Copy>(&mut self, table: Table<T>, at: &At<String>) -> Option<T> {
        let meaning = words::meaning(table, &at.value);
        if meaning.is_none() {
            let message = format!("expected one of: {}", words::list(table));
            self.problem(at, message);
        }
        meaning
    }

    fn word_or<T: Copy>(&mut self, table: Table<T>, at: Option<&At<String>>, default: T) -> T {
        at.and_then(|at| self.word(table, at)).unwrap_or(default)
    }

    /// A word, or a number between 0 and `below`, both excluded.
    fn number(&mut self, table: Table<f64>, at: &At<String>, below: f64) -> f64 {
        if let Some(meaning) = words::meaning(table, &at.value) {
            return meaning;
        }
        match at.value.parse::<f64>() {
            Ok(number) if number > 0.0 && number < below => number,
            Ok(_) => {
                self.problem(at, format!("must lie between 0 and {below}, both excluded"));
                0.5
            }
            Err(_) => {
                let words = words::list(table);
                self.problem(at, format!("expected a number or one of: {words}"));
                0.5
            }
        }
    }

    /// Nanoseconds.
    fn duration(&mut self, at: &At<String>) -> i64 {
        words::nanoseconds(&at.value).unwrap_or_else(|| {
            self.problem(at, "expected a duration such as 30s, 10m or 4h");
            0
        })
    }

    fn versions(&mut self, since: Option<&At<String>>, until: Option<&At<String>>) -> VersionRange {
        let range = VersionRange {
            since: self.version(since),
            until: self.version(until),
        };
        if let (true, Some(until)) = (range.is_empty(), until) {
            self.problem(until, "ends before it begins");
        }
        range
    }

    fn version(&mut self, at: Option<&At<String>>) -> Option<Version> {
        let at = at?;
        let version = Version::parse(&at.value);
        if version.is_none() {
            self.problem(at, "expected a version such as 0.34, 0.34.1 or main");
        }
        version
    }

    fn signature(&mut self, at: &At<String>) -> Option<SignatureIx> {
        let found = self.names.signatures.get(&at.value).copied();
        if found.is_none() {
            let names = self.names;
            self.unknown("signature", at, names.signatures.keys().cloned());
        }
        found.map(SignatureIx)
    }

    fn state(&mut self, at: &At<String>) -> Option<StateIx> {
        match self.target(at)? {
            Target::State(ix) => Some(ix),
            Target::Signature(_) | Target::Cause(_) => {
                self.problem(at, "expected a state: `state/…`");
                None
            }
        }
    }

    /// `name` or `cause/name`.
    fn cause(&mut self, at: &At<String>) -> Option<CauseIx> {
        let bare = at.value.strip_prefix("cause/").unwrap_or(&at.value);
        let found = self.names.causes.get(bare).copied();
        if found.is_none() {
            let names = self.names;
            self.unknown("cause", at, names.causes.keys().cloned());
        }
        found.map(CauseIx)
    }

    /// The end of a link.
    fn target(&mut self, at: &At<String>) -> Option<Target> {
        let names = self.names;
        let found = match at.value.split_once('/') {
            Some(("state", id)) => names.states.get(id).map(|ix| Target::State(StateIx(*ix))),
            Some(("cause", id)) => names.causes.get(id).map(|ix| Target::Cause(CauseIx(*ix))),
            _ => {
                let ix = names.signatures.get(&at.value);
                ix.map(|ix| Target::Signature(SignatureIx(*ix)))
            }
        };
        if found.is_none() {
            self.unknown("signature, state or cause", at, names.all());
        }
        found
    }

    fn unknown(&mut self, what: &str, at: &At<String>, all: impl Iterator<Item = String>) {
        let all: Vec<String> = all.collect();
        let near = nearest(&at.value, all.iter().map(String::as_str));
        let hint = near.map(|id| format!("; did you mean `{id}`?"));
        let hint = hint.unwrap_or_default();
        self.problem(at, format!("no {what} `{}`{hint}", at.value));
    }
}
