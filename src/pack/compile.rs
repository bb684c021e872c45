//! Raw files → the compiled pack: ids to indices, words to numbers, conditions to tests.

mod graph;
mod signature;

use std::borrow::Cow;
use std::collections::BTreeMap;

use super::compact::{Anchored, Compact, Files, Packed};
use super::problem::{Place, Problem, SourceText, nearest};
use super::raw::{At, FileKind, RawCause, RawState};
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

/// What is to be compiled, sorted by id.
pub(super) struct Input<S, T, C> {
    pub(super) signatures: S,
    pub(super) states: T,
    pub(super) causes: C,
}

/// Compiles everything; what cannot be is left out and reported.
pub(super) fn pack<I: AsRef<str>>(
    input: Input<
        impl Iterator<Item = (I, Anchored)>,
        impl Iterator<Item = (I, RawState)>,
        impl Iterator<Item = (I, RawCause)>,
    >,
    names: &Names,
    texts: &Texts,
    problems: &mut Vec<Problem>,
) -> Pack {
    let mut pack = Pack {
        signatures: Vec::with_capacity(names.signatures.len()),
        states: Vec::with_capacity(names.states.len()),
        causes: Vec::with_capacity(names.causes.len()),
    };
    for (id, raw) in input.signatures {
        let mut file = File::new(FileKind::Signature, id.as_ref(), names, texts);
        let compiled = signature::compile(&mut file, id.as_ref(), raw.raw, raw.anchors);
        pack.signatures.push(compiled);
        problems.append(&mut file.problems);
    }
    for (id, raw) in input.states {
        let mut file = File::new(FileKind::State, id.as_ref(), names, texts);
        pack.states.push(graph::state(&mut file, id.as_ref(), raw));
        problems.append(&mut file.problems);
    }
    for (id, raw) in input.causes {
        let mut file = File::new(FileKind::Cause, id.as_ref(), names, texts);
        pack.causes.push(graph::cause(&mut file, id.as_ref(), raw));
        problems.append(&mut file.problems);
    }
    pack
}

/// Ids to positions, former ids included.
pub(super) struct Names<'a> {
    signatures: BTreeMap<Cow<'a, str>, u32>,
    states: BTreeMap<Cow<'a, str>, u32>,
    causes: BTreeMap<Cow<'a, str>, u32>,
}

impl<'a> Names<'a> {
    /// Names of a precompiled pack.
    pub(super) fn of_packed(packed: &Packed<'a>) -> Names<'a> {
        let of = |files: &Files<'a>| {
            let ids = files.files.iter().map(|(id, _)| Cow::Borrowed(*id));
            let mut names: BTreeMap<_, _> = ids.zip(0..).collect();
            for (id, position) in &files.former {
                names.entry(Cow::Borrowed(*id)).or_insert(*position);
            }
            names
        };
        Names {
            signatures: of(&packed.signatures),
            states: of(&packed.states),
            causes: of(&packed.causes),
        }
    }

    /// Names of parsed files, and of those that did not parse: these are reported themselves, so
    /// references to them are no problems of their own.
    pub(super) fn of(compact: &Compact, texts: &Texts) -> Names<'static> {
        fn add<'i>(
            former: &[(&str, u32)],
            ids: impl Iterator<Item = &'i String>,
        ) -> BTreeMap<Cow<'static, str>, u32> {
            let ids = ids.map(|id| Cow::Owned(id.clone()));
            let mut names: BTreeMap<_, _> = ids.zip(0..).collect();
            for (id, position) in former {
                names
                    .entry(Cow::Owned((*id).to_owned()))
                    .or_insert(*position);
            }
            names
        }
        let [signatures, states, causes] = compact.former();
        let mut names = Names {
            signatures: add(&signatures, compact.signatures.keys()),
            states: add(&states, compact.states.keys()),
            causes: add(&causes, compact.causes.keys()),
        };
        for (kind, id) in texts.files.keys() {
            let ids = match kind {
                FileKind::Signature => &mut names.signatures,
                FileKind::State => &mut names.states,
                FileKind::Cause => &mut names.causes,
            };
            ids.entry(Cow::Owned(id.clone())).or_insert(u32::MAX);
        }
        names
    }

    /// Every id as the end of a link would write it.
    fn all(&self) -> impl Iterator<Item = String> {
        let signatures = self.signatures.keys().map(ToString::to_string);
        let states = self.states.keys().map(|id| format!("state/{id}"));
        let causes = self.causes.keys().map(|id| format!("cause/{id}"));
        signatures.chain(states).chain(causes)
    }
}

/// One file at work: resolves what it says, and collects what is wrong with it.
struct File<'a> {
    source: SourceText<'a>,
    names: &'a Names<'a>,
    proven: bool,
    problems: Vec<Problem>,
}

impl<'a> File<'a> {
    fn new(kind: FileKind, id: &'a str, names: &'a Names, texts: &'a Texts) -> Self {
        File {
            source: texts.source(kind, id),
            names,
            // The build script's work need not be proven again at every start.
            proven: texts.files.is_empty(),
            problems: Vec::new(),
        }
    }

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
        let found = self.names.signatures.get(at.value.as_str()).copied();
        if found.is_none() {
            let names = self.names;
            self.unknown(
                "signature",
                at,
                names.signatures.keys().map(ToString::to_string),
            );
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
            self.unknown("cause", at, names.causes.keys().map(ToString::to_string));
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
                let ix = names.signatures.get(at.value.as_str());
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
