//! Files → [`Pack`], or everything that is wrong with them.

use std::cell::Cell;

use include_dir::{Dir, include_dir};
use serde::Deserialize;

use super::compact::{Compact, Files, Packed};
use super::compile::{self, Input, Names, Texts};
use super::problem::{Place, Problem, SourceText};
use super::raw::{self, FileKind};
use super::{Pack, Target, cycles};

/// The pack as it was when the program was built: YAML, message catalogue and all.
static FILES: Dir = include_dir!("$CARGO_MANIFEST_DIR/patterns");

/// The same, parsed by the build script; empty when it did not parse.
static COMPACT: &[u8] = include_bytes!(concat!(env!("OUT_DIR"), "/pack.json"));

impl Pack {
    /// The pack that is part of the program, without examples, which only audits and manuals need.
    ///
    /// # Errors
    ///
    /// Everything wrong with it. A released program has none.
    pub fn embedded() -> Result<Pack, Vec<Problem>> {
        // Only the YAML can say where a problem stands.
        unpack(COMPACT).map_or_else(Pack::embedded_with_examples, Ok)
    }

    /// The pack that is part of the program, examples included; slower.
    ///
    /// # Errors
    ///
    /// Everything wrong with it.
    pub fn embedded_with_examples() -> Result<Pack, Vec<Problem>> {
        Pack::load(Pack::embedded_files())
    }

    /// The files that are part of the program, as `patterns/…` and their bytes; sorted.
    #[must_use]
    pub fn embedded_files() -> Vec<(String, &'static [u8])> {
        let mut files = Vec::new();
        gather(&FILES, &mut files);
        files.sort();
        files
    }

    /// The embedded pack with `files` added; a file with the id of another replaces it.
    ///
    /// # Errors
    ///
    /// Everything wrong with the whole.
    pub fn with_overlay<P, B>(files: impl IntoIterator<Item = (P, B)>) -> Result<Pack, Vec<Problem>>
    where
        P: AsRef<str>,
        B: AsRef<[u8]>,
    {
        let own = |(path, bytes): (P, B)| (path.as_ref().to_owned(), bytes.as_ref().to_owned());
        let embedded = Pack::embedded_files();
        let embedded = embedded
            .into_iter()
            .map(|(path, bytes)| (path, bytes.to_owned()));
        Pack::load(embedded.chain(files.into_iter().map(own)))
    }

    /// Loads a pack. Paths are those below the pack's folder (`signatures/…`, `states/…`,
    /// `causes/…`), whatever stands before them; other files are skipped. Of two files with one id
    /// the later one counts.
    ///
    /// # Errors
    ///
    /// Every problem in any of the files, sorted by place.
    pub fn load<P, B>(files: impl IntoIterator<Item = (P, B)>) -> Result<Pack, Vec<Problem>>
    where
        P: AsRef<str>,
        B: AsRef<[u8]>,
    {
        let mut problems = Vec::new();
        let mut texts = Texts::default();
        for (path, bytes) in files {
            let path = path.as_ref();
            match (raw::classify(path), std::str::from_utf8(bytes.as_ref())) {
                (Some((kind, id)), Ok(text)) => {
                    let file = (path.to_owned(), text.to_owned());
                    texts.files.insert((kind, id.to_owned()), file);
                }
                (Some(_), Err(_)) => problems.push(whole(path, "is not UTF-8")),
                (None, _) if looks_misplaced(path) => {
                    problems.push(whole(path, MISPLACED));
                }
                (None, _) => {}
            }
        }
        let compact = parse(&texts, &mut problems);
        build(compact, &texts, problems)
    }
}

/// What the file at `path` holds; `None` for files that are no part of `pack`.
#[must_use]
pub fn file_target(pack: &Pack, path: &str) -> Option<Target> {
    let (kind, id) = raw::classify(path)?;
    match kind {
        FileKind::Signature => pack.signature(id).map(Target::Signature),
        FileKind::State => pack.state(id).map(Target::State),
        FileKind::Cause => pack.cause(id).map(Target::Cause),
    }
}

fn parse(texts: &Texts, problems: &mut Vec<Problem>) -> Compact {
    let mut compact = Compact::default();
    for ((kind, id), (path, text)) in &texts.files {
        if let Some(complaint) = bad_id(*kind, id) {
            problems.push(whole(path, complaint));
        }
        if let Err(error) = compact.add(path, text) {
            let place = error.location().map(Place::from).unwrap_or_default();
            let source = SourceText { path, text };
            problems.push(source.problem(place, says(&error)));
        }
    }
    compact
}

/// The parser's words without its own rendering of place and excerpt.
fn says(error: &serde_saphyr::Error) -> String {
    let text = error.without_snippet().to_string();
    let end = text.find(" at line ").unwrap_or(text.len());
    text[..end].to_owned()
}

/// Compiles what the build script left; `None` if there is anything wrong with it.
fn unpack(bytes: &[u8]) -> Option<Pack> {
    fn parsed<'a, T: Deserialize<'a>>(
        files: &Files<'a>,
        failed: &Cell<bool>,
    ) -> impl Iterator<Item = (&'a str, T)> {
        files.files.iter().filter_map(|(id, raw)| {
            let parsed = serde_json::from_str(raw.get()).ok();
            failed.set(failed.get() || parsed.is_none());
            Some((*id, parsed?))
        })
    }
    let packed: Packed = serde_json::from_slice(bytes).ok()?;
    let names = Names::of_packed(&packed);
    let failed = Cell::new(false);
    let mut problems = Vec::new();
    let input = Input {
        signatures: parsed(&packed.signatures, &failed),
        states: parsed(&packed.states, &failed),
        causes: parsed(&packed.causes, &failed),
    };
    let pack = compile::pack(input, &names, &Texts::default(), &mut problems);
    // Circles are not looked for: a test loads the same files as YAML.
    (problems.is_empty() && !failed.get()).then_some(pack)
}

fn build(
    compact: Compact,
    texts: &Texts,
    mut problems: Vec<Problem>,
) -> Result<Pack, Vec<Problem>> {
    let names = Names::of(&compact, texts);
    let input = Input {
        signatures: compact.signatures.into_iter(),
        states: compact.states.into_iter(),
        causes: compact.causes.into_iter(),
    };
    let pack = compile::pack(input, &names, texts, &mut problems);
    // Following links is safe only where all of them lead somewhere.
    if problems.is_empty() {
        problems.extend(cycles::find(&pack).map(|(kind, id, message)| {
            let path = texts.path(kind, &id);
            whole(path, message)
        }));
    }
    problems.sort();
    problems.dedup();
    match problems.is_empty() {
        true => Ok(pack),
        false => Err(problems),
    }
}

fn whole(path: &str, message: impl Into<String>) -> Problem {
    let source = SourceText { path, text: "" };
    source.problem(Place::default(), message)
}

const MISPLACED: &str = "YAML of a pack ends in .yaml and stands below signatures/, states/ or \
                         causes/";

fn looks_misplaced(path: &str) -> bool {
    let hidden = path
        .rsplit('/')
        .next()
        .is_some_and(|name| name.starts_with('.'));
    !hidden && (path.ends_with(".yaml") || path.ends_with(".yml"))
}

/// What is wrong with a file's name, if anything: ids are said aloud and typed.
fn bad_id(kind: FileKind, id: &str) -> Option<&'static str> {
    let plain = |part: &str| {
        let letters = part
            .bytes()
            .all(|b| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-');
        letters && !part.is_empty() && !part.starts_with('-') && !part.ends_with('-')
    };
    let folders = id.split('/').count();
    match kind {
        _ if !id.split('/').all(plain) => {
            Some("names are of lower-case letters, digits and dashes between them")
        }
        FileKind::Signature if folders < 2 => {
            Some("a signature stands in the folder of whoever writes the line")
        }
        FileKind::Signature if id.starts_with("state/") || id.starts_with("cause/") => {
            Some("`state/` and `cause/` begin the ids of states and causes")
        }
        FileKind::State | FileKind::Cause if folders > 1 => Some("no folders here: a flat list"),
        _ => None,
    }
}

fn gather(dir: &'static Dir<'static>, files: &mut Vec<(String, &'static [u8])>) {
    for file in dir.files() {
        let path = file.path().to_string_lossy().replace('\\', "/");
        files.push((format!("patterns/{path}"), file.contents()));
    }
    for below in dir.dirs() {
        gather(below, files);
    }
}
