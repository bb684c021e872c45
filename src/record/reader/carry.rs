//! A stream that is read in pieces: what is open at the end of one piece goes on in the next.

use std::io;

use super::export::Export;
use super::join::{Fold, Partial};
use super::lines::Lines;
use super::{Options, Reader};
use crate::limits;
use crate::record::Origin;

/// What is open between two pieces of a stream.
#[derive(Debug, Default)]
pub struct Carry {
    /// Pieces of lines, by the name that frames give their origin.
    partials: Vec<(Box<[u8]>, Partial)>,
    /// Dumps, likewise.
    folds: Vec<(Box<[u8]>, Fold)>,
    export: Option<Export>,
    heads: Vec<Box<[u8]>>,
}

impl Carry {
    /// Nothing is open.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.partials.is_empty()
            && self.folds.is_empty()
            && self.export.is_none()
            && self.heads.is_empty()
    }

    /// Adds what was open before, and stayed so.
    fn behind(mut self, mut before: Self) -> Self {
        before.partials.append(&mut self.partials);
        before.folds.append(&mut self.folds);
        before.heads.append(&mut self.heads);
        before.heads.sort_unstable();
        before.heads.dedup();
        before.export = self.export;
        before
    }
}

impl Reader<io::Empty> {
    /// Reads a piece of a stream that ends with a line, going on with what was open before it.
    #[must_use]
    pub fn piece(bytes: Vec<u8>, own: Origin, options: Options, before: Carry) -> Self {
        let mut reader = Self::new_over(Lines::of(io::empty(), bytes), own, options);
        for (name, mut partial) in before.partials {
            partial.origin = reader.origins.named(&name);
            reader.partials.open.push_back(partial);
        }
        for (name, mut fold) in before.folds {
            fold.origin = reader.origins.named(&name);
            reader.folds.open.push_back(fold);
        }
        reader.export = before.export;
        reader.frames.recall(before.heads);
        reader.keeps_open = true;
        reader
    }

    /// Gives out what was open at the end of a stream.
    #[must_use]
    pub fn last_piece(own: Origin, options: Options, before: Carry) -> Self {
        let mut reader = Self::piece(Vec::new(), own, options, before);
        reader.keeps_open = false;
        reader
    }

    /// At the end of the piece: what stayed open, and the bytes of the piece.
    #[must_use]
    pub fn into_carry(mut self) -> (Carry, Vec<u8>) {
        let name = |ix| self.origins.name(ix).into();
        let carry = Carry {
            partials: self
                .partials
                .open
                .drain(..)
                .map(|p| (name(p.origin), p))
                .collect(),
            folds: self
                .folds
                .open
                .drain(..)
                .map(|f| (name(f.origin), f))
                .collect(),
            export: self.export.take(),
            heads: self.frames.heads(),
        };
        (carry, self.lines.into_buffer())
    }

    /// A piece that was read as if nothing were open before it: would what was open, `before`, have
    /// changed anything? If not, what is open behind the piece; the piece was read for good.
    ///
    /// # Errors
    /// Gives `before` back when the piece has to be read again.
    #[expect(
        clippy::result_large_err,
        reason = "it is not an error but the other way to go on"
    )]
    pub fn confirm(self, before: Carry) -> Result<(Carry, Vec<u8>), (Carry, Vec<u8>)> {
        let mut open_names = before
            .partials
            .iter()
            .map(|(name, _)| name)
            .chain(before.folds.iter().map(|(name, _)| name));
        let met = open_names.any(|name| {
            if name.is_empty() {
                self.passed
            } else {
                self.passed_framed || self.origins.knows(name)
            }
        });
        let open =
            self.partials.most + self.folds.most + before.partials.len() + before.folds.len();
        let heads = !before.heads.is_empty() && self.frames.asked_in_vain();
        if before.export.is_some() || met || heads || open > limits::OPEN_JOINS {
            let (_, bytes) = self.into_carry();
            return Err((before, bytes));
        }
        let (carry, bytes) = self.into_carry();
        Ok((carry.behind(before), bytes))
    }

    /// The rest of the piece, while nothing is open and lines need no cleaning: lines at its start need
    /// nothing of the reader but to have their frames taken off.
    #[must_use]
    pub fn idle(&self) -> Option<&[u8]> {
        let idle = self.ready.is_empty()
            && self.partials.is_empty()
            && self.folds.is_empty()
            && self.export.is_none();
        if idle { self.lines.rest() } else { None }
    }

    /// Passes over lines at the start of [`Reader::idle`], of `len` bytes with their ends, that were read
    /// by the caller. `framed`: some of them may name who speaks.
    pub fn pass(&mut self, len: usize, lines: u64, framed: bool) {
        self.lines.pass(len);
        self.counts.lines += lines;
        self.counts.records += lines;
        self.passed |= lines > 0;
        self.passed_framed |= framed;
    }
}
