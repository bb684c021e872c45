//! What was found out of a line is known again when a line says the same.
//!
//! The lines of a log repeat: the same keys, the same message, the same reasons; only times and
//! numbers differ. A line seen before is cut into the text that such lines share and the values between
//! ([`shape`]); values that no signature can depend on are passed over ([`proof`]), the others are what
//! an *outcome* is kept by. Nothing here changes what is found, only how soon: the same line that
//! [`Matcher::scan`] is asked about once is recognised from its third sight on ([`tree`]).

mod hash;
mod proof;
mod shape;
mod tree;

use rustc_hash::FxHashMap;

use super::Matcher;
use crate::limits;
use crate::pack::{Pack, SignatureIx};
use crate::record::{Format, Record, Time};

pub(super) use proof::Index;

use hash::{SEED, mix, mix_bytes};
use proof::{Pass, Way};
use shape::{Shape, Value};
use tree::Tree;

/// Outcomes by what lines say; bounded, and emptied when full. `T` is whatever the caller wants to be
/// reminded of.
#[derive(Debug)]
pub struct Recall<T> {
    tree: Tree,
    outcomes: FxHashMap<u64, T>,
    /// What was seen once; a line has to be seen twice before anything is kept of it.
    once: Vec<u64>,
}

/// A line that is known.
#[derive(Debug)]
pub struct Known<'r, T> {
    /// Length of the line, without its line end.
    pub len: usize,
    /// Where its body begins.
    pub body: usize,
    /// When, if it says so.
    pub time: Option<Time>,
    /// What was kept of a line that said the same.
    pub outcome: &'r T,
    values: &'r [(u32, u32)],
}

impl<T> Known<'_, T> {
    /// A value of the line, as it is written; `n` as [`Seen::takes`] gave it.
    #[must_use]
    pub fn value<'t>(&self, text: &'t [u8], n: u8) -> &'t [u8] {
        let (start, end) = self.values[usize::from(n)];
        &text[start as usize..end as usize]
    }
}

/// A line whose outcome is about to be kept.
#[derive(Debug)]
pub struct Seen<'l> {
    line: &'l [u8],
    shape: Shape,
    ways: Vec<Way>,
}

impl Seen<'_> {
    /// Values of plain extractions of one signature that differ from line to line: (its place among the
    /// extractions, place of the value for [`Known::value`]).
    pub fn takes(&self, pack: &Pack, signature: SignatureIx) -> Vec<(u8, u8)> {
        let signature = &pack.signatures[signature.0 as usize];
        let mut takes = Vec::new();
        for (n, extract) in signature.extract.iter().enumerate() {
            if !proof::is_plain(signature, extract) {
                continue;
            }
            for (place, (part, way)) in self.shape.parts.iter().zip(&self.ways).enumerate() {
                let is_field = matches!(part.what, Value::Field(_) | Value::Time);
                let named = self.line[part.key.clone()] == *extract.from.as_bytes();
                let varies = way.pass != Pass::Key || part.what == Value::Time;
                if let (true, Ok(n), Ok(place)) = (
                    is_field && named && varies,
                    u8::try_from(n),
                    u8::try_from(place),
                ) {
                    takes.push((n, place));
                }
            }
        }
        takes
    }
}

impl<T> Default for Recall<T> {
    fn default() -> Self {
        Self {
            tree: Tree::default(),
            outcomes: FxHashMap::default(),
            once: vec![0; limits::RECALL_ONCE],
        }
    }
}

impl<T> Recall<T> {
    /// Looks at the line at the start of `text`, up to its line end. `salt` sets lines apart whose
    /// outcomes must not be mixed up, such as those of different logs. `None` when nothing is known of
    /// such lines.
    #[inline]
    pub fn known(
        &mut self,
        matcher: &Matcher,
        pack: &Pack,
        text: &[u8],
        salt: u64,
    ) -> Option<Known<'_, T>> {
        let walked = self.tree.walk((&matcher.index, pack), text, salt)?;
        let outcome = self.outcomes.get(&walked.key)?;
        Some(Known {
            len: walked.len,
            body: walked.body,
            time: walked.time,
            outcome,
            values: &self.tree.values,
        })
    }

    /// Keeps the outcome of a log record, if its line can be recognised and was seen before. `line` is
    /// the line with its end, and the record's body begins at `body`.
    pub fn learn(
        &mut self,
        matcher: &Matcher,
        pack: &Pack,
        record: &Record<'_>,
        (line, body): (&[u8], usize),
        salt: u64,
        outcome: impl FnOnce(&Seen<'_>) -> T,
    ) {
        let fits = matches!(record.format(), Format::Logfmt | Format::Json)
            && line.len() <= limits::RECALL_LINE_BYTES
            && line.len() == body + record.body.len() + 1;
        if !fits {
            return;
        }
        if let Some(walked) = self.tree.walk((&matcher.index, pack), line, salt)
            && !self.seen_before(walked.key)
        {
            return;
        }
        let Some(shape) = Shape::of(line, body, record) else {
            return;
        };
        let texts = shape.parts.iter().map(|p| &line[p.text.clone()]);
        if !self.seen_before(texts.fold(SEED, mix_bytes)) {
            return;
        }
        let mut candidates = Vec::new();
        matcher.candidates_of(record, &mut candidates);
        let Some(ways) = matcher
            .index
            .passes(pack, &candidates, record, line, &shape)
        else {
            return;
        };
        if self.tree.is_full() {
            self.clear();
        }
        if self.tree.insert(line, body, &shape, &ways) {
            self.outcomes.clear();
        }
        let Some(walked) = self.tree.walk((&matcher.index, pack), line, salt) else {
            return;
        };
        let agrees = walked.body == body && walked.time == record.time;
        if agrees && self.seen_before(mix(walked.key, 1)) {
            if self.outcomes.len() >= limits::RECALL_OUTCOMES {
                self.outcomes.clear();
            }
            let seen = Seen { line, shape, ways };
            self.outcomes.insert(walked.key, outcome(&seen));
        }
    }

    /// Forgets everything.
    pub fn clear(&mut self) {
        self.tree = Tree::default();
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
}
