//! What was found out of a line is known again when a line says the same.
//!
//! The lines of a log repeat: the same keys, the same message, the same reasons, only times and
//! numbers differ. Whether a signature holds, and what it takes out, depends on few fields. For lines
//! in plain logfmt a *plan* says which fields those are for all lines of one shape (its keys, level and
//! message, and which literals of conditions on the whole line stand in it); the *outcome* is then
//! kept by their values. Nothing here changes what is found, only how soon: the same line that
//! [`Matcher::scan`] is asked about once is recognised from its third sight on.

use std::borrow::Cow;

use memchr::memmem::Finder;
use rustc_hash::FxHashMap;

use super::Matcher;
use super::condition::{self, is_leaf_field, record_holds, value_holds};
use super::grams::Grams;
use super::walk::{Walk, mix, mix_bytes};
use crate::limits;
use crate::pack::{About, Extract, Pack, Signature, SignatureIx, SubjectKind, Test, Variant};
use crate::record::{Format, Level, Record, Source, errors, logfmt_value};

/// What a pack needs so that lines can be recognised.
#[derive(Debug, Default)]
pub(super) struct Index {
    /// Literals of the variants that look at the whole line.
    grams: Option<Grams>,
    /// By literal: those variants, by place in `wide`.
    wide_by_literal: Vec<Vec<u32>>,
    /// Variants that look at the whole line.
    wide: Vec<Known>,
    /// Variants that look at fields only.
    narrow: Vec<Known>,
}

/// One variant of a signature on log lines.
#[derive(Debug)]
struct Known {
    signature: u32,
    variant: u16,
    /// Fields its outcome depends on, but for `line`.
    fields: Vec<Box<str>>,
    /// That a literal stands in the line says all that its conditions on the line ask.
    implied: bool,
    /// What its conditions on the line ask, ready to be looked for.
    tests: Vec<LineTest>,
}

/// A condition on the whole line.
#[derive(Debug)]
enum LineTest {
    /// One of these stands in it.
    Any(Vec<Finder<'static>>),
    /// Anything else: place of the condition.
    Other(usize),
}

/// Fields that an error chain is read from.
const CHAINS: [&str; 4] = ["err", "error", "msg", "message"];

/// Fields whose values are part of a line's shape.
const SHAPE: [&str; 4] = ["msg", "level", "lvl", "severity"];

impl Index {
    pub(super) fn new(pack: &Pack) -> Self {
        let mut index = Self::default();
        let mut literals: FxHashMap<Vec<u8>, u32> = FxHashMap::default();
        let mut ordered = Vec::new();
        for (ix, signature) in pack.signatures.iter().enumerate() {
            if signature.source != Source::Log {
                continue;
            }
            for (v, variant) in signature.variants.iter().enumerate() {
                let (known, is_wide) = known(ix, v, signature, variant);
                if !is_wide {
                    index.narrow.push(known);
                    continue;
                }
                let place = u32::try_from(index.wide.len()).expect("fewer than 2^32 variants");
                index.wide.push(known);
                for anchor in &variant.anchors {
                    let n = *literals.entry(anchor.clone()).or_insert_with(|| {
                        ordered.push(anchor.clone());
                        index.wide_by_literal.push(Vec::new());
                        u32::try_from(ordered.len() - 1).expect("fewer than 2^32 anchors")
                    });
                    index.wide_by_literal[n as usize].push(place);
                }
            }
        }
        index.grams = Grams::new(ordered);
        index
    }
}

fn known(ix: usize, v: usize, signature: &Signature, variant: &Variant) -> (Known, bool) {
    let mut fields: Vec<&str> = variant
        .conditions
        .iter()
        .map(|c| c.field.as_str())
        .collect();
    let in_key = signature.extract.iter().filter(|e| !is_plain(signature, e));
    fields.extend(in_key.map(|e| e.from.as_str()));
    if names_object(signature) {
        fields.extend(["kind", "name", "namespace"]);
    }
    if fields.iter().any(|f| is_leaf_field(f)) {
        fields.extend(CHAINS);
    }
    let is_wide = fields.contains(&"line");
    fields.retain(|f| *f != "line" && !is_leaf_field(f));
    fields.sort_unstable();
    fields.dedup();
    let extracts = signature.extract.iter().any(|e| e.from == "line");
    let tests = variant.conditions.iter().filter(|c| c.field == "line");
    let same = |literal: &String| variant.anchors.iter().any(|a| a == literal.as_bytes());
    let implied = !extracts
        && tests.map(|c| &c.test).all(|test| match test {
            Test::Contains(literal) => variant.anchors.len() == 1 && same(literal),
            Test::ContainsAny(all) => all.len() == variant.anchors.len() && all.iter().all(same),
            _ => false,
        });
    let fields = fields.into_iter().map(Into::into).collect();
    let finder = |literal: &String| Finder::new(literal.as_bytes()).into_owned();
    let tests = variant
        .conditions
        .iter()
        .enumerate()
        .filter(|(_, c)| c.field == "line");
    let tests = tests.map(|(n, c)| match &c.test {
        Test::Contains(literal) => LineTest::Any(vec![finder(literal)]),
        Test::ContainsAny(all) => LineTest::Any(all.iter().map(finder).collect()),
        _ => LineTest::Other(n),
    });
    let tests = if is_wide && !implied {
        tests.collect()
    } else {
        Vec::new()
    };
    let signature = u32::try_from(ix).expect("a pack has fewer than 2^32 signatures");
    let variant = u16::try_from(v).expect("a signature has few variants");
    (
        Known {
            signature,
            variant,
            fields,
            implied,
            tests,
        },
        is_wide,
    )
}

/// The extraction takes whole values of a field and names no subject: it can be made anew for every
/// line, and need not be part of what lines are recognised by.
fn is_plain(signature: &Signature, extract: &Extract) -> bool {
    let names = matches!(&signature.about, About::Extracted { name, .. } if *name == extract.name);
    extract.regex.is_none() && !names && extract.from != "line" && !is_leaf_field(&extract.from)
}

/// Its subject may be named by fields of the record itself.
fn names_object(signature: &Signature) -> bool {
    let kind = match &signature.about {
        About::Writer => return false,
        About::Extracted { kind, .. } | About::Singleton(kind) => *kind,
    };
    matches!(
        kind,
        SubjectKind::Node | SubjectKind::Statefulset | SubjectKind::Volume
    )
}

/// Which fields of a line matter.
#[derive(Debug)]
struct Plan {
    /// Pairs whose values the outcome depends on.
    needed: Vec<u8>,
    /// Variants whose conditions on the whole line have to be asked each time, by place in `wide`.
    asked: Vec<u32>,
    /// The pair that gives the time.
    time: Option<u8>,
    level: Option<Level>,
}

/// Outcomes by what lines say; bounded, and emptied when full. `T` is whatever the caller wants to be
/// reminded of.
#[derive(Debug)]
pub struct Recall<T> {
    walk: Walk,
    /// Literals found in the line walked last.
    found: Vec<u32>,
    plans: FxHashMap<u64, Plan>,
    outcomes: FxHashMap<u64, T>,
    /// What was seen once; a line has to be seen twice before anything is kept of it.
    once: Vec<u64>,
}

/// A line that could be walked.
#[derive(Clone, Copy, Debug)]
pub struct Look<'t> {
    /// Length of the line, without its line end.
    pub len: usize,
    /// The value that holds the time, if the line has one.
    pub time: Option<&'t [u8]>,
    /// Level as the writer gave it.
    pub level: Option<Level>,
    /// What to recall an outcome by.
    key: u64,
}

impl<T> Default for Recall<T> {
    fn default() -> Self {
        Self {
            walk: Walk::default(),
            found: Vec::new(),
            plans: FxHashMap::default(),
            outcomes: FxHashMap::default(),
            once: vec![0; limits::RECALL_ONCE],
        }
    }
}

impl<T> Recall<T> {
    /// Looks at the line at the start of `text`, which ends at a line end or with the text. `salt` sets
    /// lines apart whose outcomes must not be mixed up, such as those of different pods. `None` when
    /// nothing is known of such lines, or the line is not plain logfmt.
    pub fn look<'t>(
        &mut self,
        matcher: &Matcher,
        pack: &Pack,
        text: &'t [u8],
        salt: u64,
    ) -> Option<Look<'t>> {
        let shape = self.shape(matcher, text)?;
        let plan = self.plans.get(&shape)?;
        let line = &text[..self.walk.end];
        let mut key = mix(shape, salt);
        for pair in &plan.needed {
            key = mix_bytes(key, self.walk.raw(text, usize::from(*pair)));
        }
        for place in &plan.asked {
            key = ask(pack, &matcher.index.wide[*place as usize], line, key);
        }
        let time = plan
            .time
            .map(|pair| unquoted(self.walk.raw(text, usize::from(pair))));
        Some(Look {
            len: line.len(),
            time,
            level: plan.level,
            key,
        })
    }

    /// What was kept of a line that said the same.
    pub fn outcome(&self, look: &Look<'_>) -> Option<&T> {
        self.outcomes.get(&look.key)
    }

    /// Values of plain extractions of one signature, in the line walked last: (its place among the
    /// extractions, place of the value for [`Recall::value`]).
    pub fn takes<'s>(
        &'s self,
        pack: &'s Pack,
        signature: SignatureIx,
        line: &'s [u8],
    ) -> impl Iterator<Item = (u8, u8)> + 's {
        let signature = &pack.signatures[signature.0 as usize];
        let plain = signature
            .extract
            .iter()
            .enumerate()
            .filter(|(_, e)| is_plain(signature, e));
        plain.flat_map(move |(n, extract)| {
            let named = move |pair: &usize| self.walk.key(line, *pair) == extract.from.as_bytes();
            (0..self.walk.len())
                .filter(named)
                .filter_map(move |pair| Some((u8::try_from(n).ok()?, u8::try_from(pair).ok()?)))
        })
    }

    /// A value of the line walked last, decoded.
    pub fn value<'t>(&self, line: &'t [u8], pair: u8) -> Cow<'t, [u8]> {
        logfmt_value(self.walk.raw(line, usize::from(pair)))
    }

    /// Keeps the outcome of a log record, if its line can be recognised and was seen before.
    pub fn learn(
        &mut self,
        matcher: &Matcher,
        pack: &Pack,
        record: &Record<'_>,
        salt: u64,
        outcome: impl FnOnce(&Self) -> T,
    ) {
        if record.format() != Format::Logfmt {
            return;
        }
        let Some(shape) = self.shape(matcher, record.body) else {
            return;
        };
        if self.walk.end != record.body.len() {
            return;
        }
        if !self.plans.contains_key(&shape) {
            if !self.seen_before(shape) {
                return;
            }
            if self.plans.len() >= limits::RECALL_PLANS {
                self.clear();
            }
            let plan = self.plan(matcher, pack, record);
            self.plans.insert(shape, plan);
        }
        let Some(look) = self.look(matcher, pack, record.body, salt) else {
            return;
        };
        let key = look.key;
        if self.seen_before(key) {
            if self.outcomes.len() >= limits::RECALL_OUTCOMES {
                self.outcomes.clear();
            }
            let outcome = outcome(self);
            self.outcomes.insert(key, outcome);
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.plans.clear();
        self.outcomes.clear();
        self.once.fill(0);
    }

    /// Forgets outcomes, but not which fields matter.
    pub fn clear_outcomes(&mut self) {
        self.outcomes.clear();
    }

    fn seen_before(&mut self, hash: u64) -> bool {
        let at = usize::try_from(hash % limits::RECALL_ONCE as u64).expect("a small number");
        std::mem::replace(&mut self.once[at], hash) == hash
    }

    /// Walks a line, and looks for literals in it.
    fn shape(&mut self, matcher: &Matcher, text: &[u8]) -> Option<u64> {
        let grams = matcher.index.grams.as_ref()?;
        let bare =
            text.starts_with(b"ts=") || text.starts_with(b"level=") || text.starts_with(b"caller=");
        if !bare || !self.walk.line(text) {
            return None;
        }
        self.found.clear();
        grams.find(&text[..self.walk.end], |n| self.found.push(n));
        let mut shape = self.walk.shape;
        if !self.found.is_empty() {
            self.found.sort_unstable();
            self.found.dedup();
            for n in &self.found {
                shape = mix(shape, u64::from(*n));
            }
        }
        Some(shape)
    }

    /// What matters of lines like the one walked last.
    fn plan(&self, matcher: &Matcher, pack: &Pack, record: &Record<'_>) -> Plan {
        let index = &matcher.index;
        let mut fields: Vec<&str> = Vec::new();
        let mut asked = Vec::new();
        let mut candidates: Vec<u32> = Vec::new();
        for n in &self.found {
            candidates.extend(&index.wide_by_literal[*n as usize]);
        }
        candidates.sort_unstable();
        candidates.dedup();
        for place in candidates {
            let known = &index.wide[place as usize];
            if possible(pack, known, record) {
                fields.extend(known.fields.iter().map(AsRef::as_ref));
                if !known.implied {
                    asked.push(place);
                }
            }
        }
        for known in index.narrow.iter().filter(|k| possible(pack, k, record)) {
            fields.extend(known.fields.iter().map(AsRef::as_ref));
        }
        fields.sort_unstable();
        fields.dedup();
        let text = record.body;
        let key = |pair: usize| self.walk.key(text, pair);
        let needed = (0..self.walk.len())
            .filter(|pair| {
                let key = key(*pair);
                fields.iter().any(|f| f.as_bytes() == key)
                    && !SHAPE.iter().any(|f| f.as_bytes() == key)
            })
            .filter_map(|pair| u8::try_from(pair).ok())
            .collect();
        let is_time = |pair: &usize| {
            matches!(
                key(*pair),
                b"ts" | b"time" | b"timestamp" | b"@timestamp" | b"t"
            )
        };
        let time = (0..self.walk.len())
            .find(is_time)
            .and_then(|pair| u8::try_from(pair).ok());
        Plan {
            needed,
            asked,
            time,
            level: record.level,
        }
    }
}

/// Can the variant hold of any line with the keys, level and message of this record?
fn possible(pack: &Pack, known: &Known, record: &Record<'_>) -> bool {
    let variant = &pack.signatures[known.signature as usize].variants[usize::from(known.variant)];
    let fields = record.fields();
    let absent = |field: &str| fields.get(field).is_none();
    let constant = |field: &str| SHAPE.contains(&field) || absent(field);
    let of_record = |c: &&crate::pack::Condition| c.field != "line" && !is_leaf_field(&c.field);
    let fails = |c: &crate::pack::Condition| constant(&c.field) && !record_holds(record, c);
    if variant.conditions.iter().filter(of_record).any(fails) {
        return false;
    }
    let leafy: Vec<_> = variant
        .conditions
        .iter()
        .filter(|c| is_leaf_field(&c.field))
        .collect();
    if leafy.is_empty()
        || !(absent("err") && absent("error"))
        || fields.get("msg").is_none_or(<[u8]>::is_empty)
    {
        return true;
    }
    // The chain is the message.
    errors::leaves(record).iter().any(|leaf| {
        leafy
            .iter()
            .all(|c| value_holds(leaf.field(&c.field).as_deref(), &c.test))
    })
}

/// Folds into `key` what a variant makes of the whole line.
fn ask(pack: &Pack, known: &Known, line: &[u8], key: u64) -> u64 {
    let signature = &pack.signatures[known.signature as usize];
    let variant = &signature.variants[usize::from(known.variant)];
    let holds = |test: &LineTest| match test {
        LineTest::Any(finders) => finders.iter().any(|finder| finder.find(line).is_some()),
        LineTest::Other(n) => value_holds(Some(line), &variant.conditions[*n].test),
    };
    if !known.tests.iter().all(holds) {
        return mix(key, 0);
    }
    let mut key = mix(key, 1);
    for extract in signature.extract.iter().filter(|e| e.from == "line") {
        for value in condition::taken(line, extract) {
            key = mix_bytes(key, value.as_bytes());
        }
        key = mix(key, 2);
    }
    key
}

fn unquoted(raw: &[u8]) -> &[u8] {
    match raw {
        [b'"', inside @ .., b'"'] => inside,
        raw => raw,
    }
}
