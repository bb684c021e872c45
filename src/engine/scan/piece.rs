//! Matches one piece of a log after the other.

use std::io;
use std::sync::{Mutex, PoisonError};

use crate::evidence::{Ledger, Resolver, SlotIx, Tally, WriterIx};
use crate::matcher::{Known, Matcher, Recall};
use crate::pack::Pack;
use crate::record::reader::Carry;
use crate::record::{Level, Options, Origin, Reader, Record};

/// What one thread matches logs with.
#[derive(Debug)]
pub(crate) struct Scanner<'e> {
    pack: &'e Pack,
    matcher: &'e Matcher,
    resolver: &'e Resolver,
    /// Shared by all threads: it can be large, and is asked for rarely.
    ledger: &'e Mutex<Ledger>,
    tally: Tally,
    recall: Recall<Outcome>,
    slots: Vec<SlotIx>,
}

/// What a line that is recognised counts as.
#[derive(Debug)]
struct Outcome {
    writer: WriterIx,
    level: Option<Level>,
    hits: Box<[Counted]>,
}

/// One hit of it.
#[derive(Debug)]
struct Counted {
    slot: SlotIx,
    /// Values to take out anew: place of the extraction, place of the value in the line.
    takes: Box<[(u8, u8)]>,
}

/// Counts a line that begins `text` and was recognised.
#[inline]
fn count(known: &Known<'_, Outcome>, pack: &Pack, tally: &mut Tally, text: &[u8]) {
    let outcome = known.outcome;
    let body = &text[known.body..known.len];
    tally.cover(outcome.writer, body.len(), known.time, outcome.level, false);
    for hit in &outcome.hits {
        tally.count(hit.slot, known.time, body);
        for (extract, place) in &hit.takes {
            let signature = &pack.signatures[tally.signature(hit.slot).0 as usize];
            let name = &signature.extract[usize::from(*extract)].name;
            tally.value(hit.slot, *extract, name, known.value(text, *place));
        }
    }
}

impl<'e> Scanner<'e> {
    /// A scanner that adds what it finds to `ledger`, at the latest in [`Scanner::finish`].
    pub(crate) fn new(
        pack: &'e Pack,
        matcher: &'e Matcher,
        resolver: &'e Resolver,
        ledger: &'e Mutex<Ledger>,
    ) -> Self {
        Self {
            pack,
            matcher,
            resolver,
            ledger,
            tally: Tally::default(),
            recall: Recall::default(),
            slots: Vec::new(),
        }
    }

    /// Reads a piece of the log of `own` behind `before`, for good. What is open at its end, and the
    /// bytes.
    pub(crate) fn read(&mut self, bytes: Vec<u8>, own: &Origin, before: Carry) -> (Carry, Vec<u8>) {
        let mut reader = Reader::piece(bytes, own.clone(), Options::default(), before);
        self.records(&mut reader, own);
        self.make_room();
        reader.into_carry()
    }

    /// Reads a piece as if nothing were open before it. It counts once `confirm` says so.
    pub(crate) fn guess(&mut self, bytes: Vec<u8>, own: &Origin) -> Reader<io::Empty> {
        self.tally.settle();
        let mut reader = Reader::piece(bytes, own.clone(), Options::default(), Carry::default());
        self.records(&mut reader, own);
        reader
    }

    /// What was open before the piece of [`Scanner::guess`] is known: reads it again if that matters.
    pub(crate) fn confirm(
        &mut self,
        guessed: Reader<io::Empty>,
        own: &Origin,
        before: Carry,
    ) -> (Carry, Vec<u8>) {
        match guessed.confirm(before) {
            Ok(done) => {
                self.make_room();
                done
            }
            Err((before, bytes)) => {
                self.tally.take_back();
                self.recall.clear_outcomes();
                self.read(bytes, own, before)
            }
        }
    }

    /// Ends a log: what is open is as complete as it will ever be.
    pub(crate) fn end(&mut self, own: &Origin, open: Carry) {
        if open.is_empty() {
            return;
        }
        let mut reader = Reader::last_piece(own.clone(), Options::default(), open);
        self.records(&mut reader, own);
    }

    /// Reads a whole log record by record.
    pub(crate) fn stream(&mut self, stream: impl io::Read, own: &Origin) -> io::Result<()> {
        let mut reader = Reader::new(stream, own.clone(), Options::default());
        while let Some(record) = reader.next()? {
            self.record(&record, (&[], 0), 0);
            self.make_room();
        }
        Ok(())
    }

    /// Adds the rest of what was found.
    pub(crate) fn finish(mut self) {
        self.drain();
    }

    fn drain(&mut self) {
        let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
        self.tally.drain_to(&mut ledger);
    }

    fn records(&mut self, reader: &mut Reader<io::Empty>, own: &Origin) {
        let salt = self.tally.writer(own).number();
        loop {
            let recalled = reader.idle().map(|text| self.recalled(text, salt));
            if let Some((len, lines, framed)) = recalled {
                reader.pass(len, lines, framed);
            }
            match reader.next_in_line() {
                Ok(Some((record, line, body))) => self.record(&record, (line, body), salt),
                // Bytes in memory cannot fail to be read.
                Ok(None) | Err(_) => break,
            }
        }
    }

    /// Counts lines at the start of `text` as long as it is known what they say. How many bytes and lines
    /// they are, and whether any has a frame.
    fn recalled(&mut self, text: &[u8], salt: u64) -> (usize, u64, bool) {
        let (mut at, mut lines, mut framed) = (0, 0, false);
        while let Some(known) = self
            .recall
            .known(self.matcher, self.pack, &text[at..], salt)
        {
            count(&known, self.pack, &mut self.tally, &text[at..]);
            framed |= known.body > 0;
            at += known.len + 1;
            lines += 1;
        }
        (at, lines, framed)
    }

    fn record(&mut self, record: &Record<'_>, line: (&[u8], usize), salt: u64) {
        if let Some(known) = self.recall.known(self.matcher, self.pack, line.0, salt) {
            count(&known, self.pack, &mut self.tally, line.0);
            return;
        }
        let writer = self.tally.writer(record.origin);
        self.tally.cover(
            writer,
            record.body.len(),
            record.time,
            record.level,
            record.truncated,
        );
        self.slots.clear();
        self.matcher.scan(self.pack, record, |hit| {
            self.slots
                .push(self.tally.slot(hit, record, writer, self.resolver));
        });
        // What is new is taken apart each time: it is rare, and its text matters.
        if self.slots.is_empty() && self.tally.novel(record) {
            return;
        }
        for slot in &self.slots {
            self.tally.count(*slot, record.time, record.body);
        }
        let (slots, tally, pack) = (&self.slots, &self.tally, self.pack);
        self.recall
            .learn(self.matcher, pack, record, line, salt, |seen| {
                let counted = |slot: &SlotIx| Counted {
                    slot: *slot,
                    takes: seen.takes(pack, tally.signature(*slot)).into(),
                };
                Outcome {
                    writer,
                    level: record.level,
                    hits: slots.iter().map(counted).collect(),
                }
            });
    }

    fn make_room(&mut self) {
        if self.tally.is_large() {
            self.drain();
            self.recall.clear_outcomes();
        } else if self.tally.has_many_novel() {
            let mut ledger = self.ledger.lock().unwrap_or_else(PoisonError::into_inner);
            self.tally.drain_novel_to(&mut ledger);
        }
    }
}
