//! Evidence as it is counted: by slots that a line which says the same finds at once.
//!
//! A [`Tally`] is the fast front of a [`Ledger`]. What is read on a guess stays *pending* until it is
//! known to hold, and is taken back otherwise.

use rustc_hash::FxHashMap;

use super::{
    Evidence, Ledger, Resolver, SECOND, Sample, Seen, Subject, Witness, keep_first, order,
    subject_of,
};
use crate::limits;
use crate::matcher::Hit;
use crate::novelty::Miner;
use crate::pack::SignatureIx;
use crate::record::{Level, Origin, Record, Source, Time};

/// Place of a slot in its [`Tally`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct SlotIx(u32);

/// Place of a writer in its [`Tally`].
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct WriterIx(u32);

impl WriterIx {
    /// As a number, the same as long as the tally is not emptied.
    #[must_use]
    pub fn number(self) -> u64 {
        u64::from(self.0)
    }
}

/// Name and values of what was taken out of a record.
type Taken = Vec<(String, Vec<String>)>;

/// Counts of log records.
#[derive(Debug, Default)]
pub struct Tally {
    writers: Vec<Writer>,
    writer_ix: FxHashMap<Origin, u32>,
    last_writer: u32,
    slots: Vec<Slot>,
    slot_ix: FxHashMap<(SignatureIx, Subject, u32), u32>,
    touched: Vec<u32>,
    /// Values taken out, not yet certain.
    values: Vec<(u32, Taken)>,
    pending_novel: Miner,
    novel: Miner,
}

#[derive(Debug)]
struct Writer {
    origin: Origin,
    pending: Seen,
    certain: Seen,
}

#[derive(Debug)]
struct Slot {
    signature: SignatureIx,
    subject: Subject,
    writer: u32,
    pending: Part,
    certain: Evidence,
    /// By extraction: nothing above this is kept any more.
    most: Vec<Option<Box<[u8]>>>,
}

/// What was counted of one slot.
#[derive(Debug, Default)]
struct Part {
    evidence: Evidence,
    witness: Witness,
    /// Occurrences in the same second as the last one, which are not in the buckets yet.
    run: (i64, u64),
}

impl Tally {
    /// The place of a writer, made if need be.
    pub fn writer(&mut self, origin: &Origin) -> WriterIx {
        if self
            .writers
            .get(self.last_writer as usize)
            .is_some_and(|w| w.origin == *origin)
        {
            return WriterIx(self.last_writer);
        }
        let known = self.writer_ix.get(origin).copied();
        self.last_writer = known.unwrap_or_else(|| {
            let ix = u32::try_from(self.writers.len()).expect("bounded by the size of a chunk");
            let (pending, certain) = (Seen::default(), Seen::default());
            self.writers.push(Writer {
                origin: origin.clone(),
                pending,
                certain,
            });
            self.writer_ix.insert(origin.clone(), ix);
            ix
        });
        WriterIx(self.last_writer)
    }

    /// Counts one record of a writer.
    #[inline]
    pub fn cover(
        &mut self,
        writer: WriterIx,
        bytes: usize,
        time: Option<Time>,
        level: Option<Level>,
        truncated: bool,
    ) {
        let seen = &mut self.writers[writer.0 as usize].pending;
        seen.records += 1;
        seen.bytes += bytes as u64;
        if let Some(time) = time {
            seen.from = Some(seen.from.map_or(time, |t| t.min(time)));
            seen.until = seen.until.max(Some(time));
        }
        if let Some(level) = level {
            seen.lowest_level = Some(seen.lowest_level.map_or(level, |l| l.min(level)));
        }
        seen.truncated += u64::from(truncated);
    }

    /// The slot that a hit of a log record counts in, made if need be. What the hit took out is kept.
    pub fn slot(
        &mut self,
        hit: Hit,
        record: &Record<'_>,
        writer: WriterIx,
        resolver: &Resolver,
    ) -> SlotIx {
        let subject = subject_of(&hit, record, resolver);
        let key = (hit.signature, subject, writer.0);
        let known = self.slot_ix.get(&key).copied();
        let ix = known.unwrap_or_else(|| {
            let ix = u32::try_from(self.slots.len()).expect("bounded by the size of a chunk");
            self.slots.push(Slot {
                signature: hit.signature,
                subject: key.1.clone(),
                writer: writer.0,
                pending: Part::default(),
                certain: Evidence::default(),
                most: Vec::new(),
            });
            self.slot_ix.insert(key, ix);
            ix
        });
        if !hit.extracts.is_empty() {
            self.values.push((ix, hit.extracts));
        }
        SlotIx(ix)
    }

    /// Counts one occurrence.
    #[inline]
    pub fn count(&mut self, slot: SlotIx, time: Option<Time>, line: &[u8]) {
        let place = slot.0;
        let slot = &mut self.slots[place as usize];
        let part = &mut slot.pending;
        if part.evidence.count == 0 {
            self.touched.push(place);
        }
        part.evidence.count += 1;
        if let Some(time) = time {
            part.evidence.first = Some(part.evidence.first.map_or(time, |t| t.min(time)));
            part.evidence.last = part.evidence.last.max(Some(time));
            let second = time.0.div_euclid(SECOND);
            if second != part.run.0 {
                part.end_run();
                part.run.0 = second;
            }
            part.run.1 += 1;
        }
        let samples = &part.evidence.samples;
        let full = samples.len() >= limits::SAMPLES;
        if !full
            || samples
                .last()
                .is_none_or(|last| order(time) <= order(last.time))
        {
            let line = line[..line.len().min(limits::SAMPLE_BYTES)].to_vec();
            let origin = self.writers[slot.writer as usize].origin.clone();
            keep_first(&mut part.evidence.samples, Sample { time, origin, line });
        }
    }

    /// Keeps a value taken out by the extraction at this place of the signature.
    #[inline]
    pub fn value(&mut self, slot: SlotIx, extract: u8, name: &str, value: &[u8]) {
        let slot = &mut self.slots[slot.0 as usize];
        let place = usize::from(extract);
        let most = slot.most.get(place).and_then(Option::as_deref);
        if value.is_empty() || most.is_some_and(|most| value > most) {
            return;
        }
        let values = &mut slot.pending.evidence.values;
        let value = String::from_utf8_lossy(value);
        let kept = match values.get_mut(name) {
            Some(kept) => kept,
            None => values.or_default(name.to_owned()),
        };
        let Err(at) = kept.binary_search_by(|known| known.as_str().cmp(&value)) else {
            return;
        };
        kept.insert(at, value.into_owned());
        if kept.len() > limits::EXTRACTS {
            kept.truncate(limits::EXTRACTS);
            let last = kept.last().map(|last| last.as_bytes().into());
            slot.most.resize(slot.most.len().max(place + 1), None);
            slot.most[place] = last;
        }
    }

    /// Takes a record without a hit. `true` if it is a warning or an error, or may be one.
    pub fn novel(&mut self, record: &Record<'_>) -> bool {
        self.pending_novel.record(record)
    }

    /// The signature of a slot.
    #[must_use]
    pub fn signature(&self, slot: SlotIx) -> SignatureIx {
        self.slots[slot.0 as usize].signature
    }

    /// What was counted since the last call holds.
    pub fn settle(&mut self) {
        if !self.pending_novel.is_empty() {
            self.novel.merge(std::mem::take(&mut self.pending_novel));
        }
        for (ix, values) in self.values.drain(..) {
            self.slots[ix as usize].certain.add_values(values);
        }
        for ix in self.touched.drain(..) {
            let slot = &mut self.slots[ix as usize];
            let mut part = std::mem::take(&mut slot.pending);
            part.end_run();
            let mut evidence = part.evidence;
            let mut witness = part.witness;
            witness.count = evidence.count;
            let origin = self.writers[slot.writer as usize].origin.clone();
            *evidence.witnesses.or_default(origin) = witness;
            if slot.certain.count == 0 && slot.certain.values.is_empty() {
                slot.certain = evidence;
            } else {
                slot.certain.merge(evidence);
            }
        }
        for writer in &mut self.writers {
            if writer.pending.records > 0 {
                writer.certain.join(&std::mem::take(&mut writer.pending));
            }
        }
    }

    /// What was counted since [`Tally::settle`] does not hold. Slots made since are as if they were
    /// never asked for: outcomes that name them must be forgotten.
    pub fn take_back(&mut self) {
        self.pending_novel = Miner::default();
        self.values.clear();
        for ix in self.touched.drain(..) {
            let slot = &mut self.slots[ix as usize];
            slot.pending = Part::default();
            slot.most.clear();
        }
        for writer in &mut self.writers {
            writer.pending = Seen::default();
        }
    }

    /// There is so much of it that it should go to a ledger.
    #[must_use]
    pub fn is_large(&self) -> bool {
        self.slots.len() + self.writers.len() > limits::TALLY_SLOTS
    }

    /// There are so many new lines in it that they should go to a ledger.
    #[must_use]
    pub fn has_many_novel(&self) -> bool {
        self.novel.forms() > limits::TALLY_NOVEL
    }

    /// Moves new lines that hold to `ledger`; all else stays as it is.
    pub fn drain_novel_to(&mut self, ledger: &mut Ledger) {
        ledger.novel.merge(std::mem::take(&mut self.novel));
    }

    /// Moves everything that holds to `ledger`. Places of slots and writers are not valid after it.
    pub fn drain_to(&mut self, ledger: &mut Ledger) {
        self.settle();
        for slot in self.slots.drain(..) {
            if slot.certain.count > 0 {
                ledger.put_folded(slot.signature, slot.subject, slot.certain);
            }
        }
        for writer in self.writers.drain(..) {
            if writer.certain.records > 0 {
                ledger
                    .coverage
                    .seen(Source::Log, &writer.origin)
                    .join(&writer.certain);
            }
        }
        self.drain_novel_to(ledger);
        self.slot_ix.clear();
        self.writer_ix.clear();
        self.last_writer = 0;
    }
}

impl Part {
    fn end_run(&mut self) {
        let (second, count) = std::mem::take(&mut self.run);
        if count > 0 {
            self.witness
                .buckets
                .add(Time(second.saturating_mul(SECOND)), count);
        }
    }
}
