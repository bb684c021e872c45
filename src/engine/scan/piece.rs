//! Matches one piece of a log after the other.

use std::io;
use std::sync::{Mutex, PoisonError};

use crate::evidence::{Ledger, Resolver, SlotIx, Tally, WriterIx};
use crate::matcher::{Matcher, Recall};
use crate::pack::Pack;
use crate::record::reader::Carry;
use crate::record::{Options, Origin, Reader, Record, Time, Times};

/// What one thread matches logs with.
#[derive(Debug)]
pub(crate) struct Scanner<'e> {
    pack: &'e Pack,
    matcher: &'e Matcher,
    resolver: &'e Resolver,
    /// Shared by all threads: it can be large, and is asked for rarely.
    ledger: &'e Mutex<Ledger>,
    tally: Tally,
    recall: Recall<Box<[Outcome]>>,
    times: Times,
    slots: Vec<SlotIx>,
}

/// What a line that is recognised counts as.
#[derive(Debug)]
struct Outcome {
    slot: SlotIx,
    /// Values to take out anew: place of the extraction, place of the value in the line.
    takes: Box<[(u8, u8)]>,
}

impl Outcome {
    #[inline]
    fn count(
        &self,
        pack: &Pack,
        recall: &Recall<Box<[Self]>>,
        tally: &mut Tally,
        time: Option<Time>,
        line: &[u8],
    ) {
        tally.count(self.slot, time, line);
        for (extract, pair) in &self.takes {
            let signature = &pack.signatures[tally.signature(self.slot).0 as usize];
            let name = &signature.extract[usize::from(*extract)].name;
            tally.value(self.slot, name, &recall.value(line, *pair));
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
            times: Times::default(),
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
            self.record(&record);
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
        let writer = self.tally.writer(own);
        loop {
            while let Some(len) = reader.idle().and_then(|text| self.recalled(text, writer)) {
                reader.pass(len);
            }
            match reader.next() {
                Ok(Some(record)) => self.record(&record),
                // Bytes in memory cannot fail to be read.
                Ok(None) | Err(_) => break,
            }
        }
    }

    /// Counts the line at the start of `text`, if it is known what it says; its length.
    #[inline]
    fn recalled(&mut self, text: &[u8], writer: WriterIx) -> Option<usize> {
        let look = self
            .recall
            .look(self.matcher, self.pack, text, writer.number())?;
        let slots = self.recall.outcome(&look)?;
        let time = match look.time {
            Some(value) => Some(self.times.value(value)?),
            None => None,
        };
        let line = &text[..look.len];
        self.tally
            .cover(writer, line.len(), time, look.level, false);
        for seen in slots {
            seen.count(self.pack, &self.recall, &mut self.tally, time, line);
        }
        Some(look.len)
    }

    fn record(&mut self, record: &Record<'_>) {
        let writer = self.tally.writer(record.origin);
        self.tally.cover(
            writer,
            record.body.len(),
            record.time,
            record.level,
            record.truncated,
        );
        let look = self
            .recall
            .look(self.matcher, self.pack, record.body, writer.number());
        let look = look.filter(|look| look.len == record.body.len());
        if let Some(slots) = look.and_then(|look| self.recall.outcome(&look)) {
            for seen in slots {
                seen.count(
                    self.pack,
                    &self.recall,
                    &mut self.tally,
                    record.time,
                    record.body,
                );
            }
            return;
        }
        self.slots.clear();
        self.matcher.scan(self.pack, record, |hit| {
            self.slots
                .push(self.tally.slot(hit, record, writer, self.resolver));
        });
        for slot in &self.slots {
            self.tally.count(*slot, record.time, record.body);
        }
        let (slots, tally, pack) = (&self.slots, &self.tally, self.pack);
        self.recall
            .learn(self.matcher, pack, record, writer.number(), |recall| {
                let outcome = |slot: &SlotIx| Outcome {
                    slot: *slot,
                    takes: recall
                        .takes(pack, tally.signature(*slot), record.body)
                        .collect(),
                };
                slots.iter().map(outcome).collect()
            });
    }

    fn make_room(&mut self) {
        if self.tally.is_large() {
            self.drain();
            self.recall.clear_outcomes();
        }
    }
}
