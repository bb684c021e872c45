//! Shares all logs out over threads, piece by piece.
//!
//! A piece is read as if nothing were open before it (a line in parts, a dump) while the piece before it
//! may still be read by another thread. When that one is done it is known whether something was, and
//! whether that matters; if so the piece is read again. So the same is found for any number of threads.

#[cfg(test)]
mod tests;

use std::io::Read;
use std::sync::{Arc, Condvar, Mutex, MutexGuard, PoisonError};

use memchr::memchr;

use super::chunks::{Ahead, Chunks};
use super::piece::Scanner;
use crate::bundle::{BundleError, Input, Stream};
use crate::engine::Engine;
use crate::evidence::{Ledger, Resolver};
use crate::record::Origin;
use crate::record::reader::Carry;

/// Matches all logs.
pub(super) fn scan(
    engine: &Engine,
    input: &Input,
    resolver: &Resolver,
    threads: usize,
) -> Result<Ledger, BundleError> {
    let cores = || std::thread::available_parallelism().map_or(1, usize::from);
    let threads = if threads == 0 { cores() } else { threads };
    let source = Mutex::new(Source::new(input));
    let ledger = Mutex::new(Ledger::default());
    let work = || {
        let mut scanner = Scanner::new(&engine.pack, &engine.matcher, resolver, &ledger);
        let mut buffer = Vec::new();
        loop {
            // The lock is not held while the piece is matched.
            let job = lock(&source).next(std::mem::take(&mut buffer));
            match job {
                Some(job) => buffer = job.run(&mut scanner, input),
                None => return scanner.finish(),
            }
        }
    };
    std::thread::scope(|scope| {
        for _ in 1..threads {
            scope.spawn(work);
        }
        work();
    });
    match lock(&source).failed.take() {
        Some(error) => Err(error),
        None => Ok(ledger.into_inner().unwrap_or_else(PoisonError::into_inner)),
    }
}

/// Gives out pieces, stream by stream.
struct Source<'i> {
    input: &'i Input,
    /// Place of the next stream.
    next: usize,
    open: Option<Open<'i>>,
    failed: Option<BundleError>,
}

struct Open<'i> {
    stream: &'i Stream,
    chunks: Chunks,
    order: Arc<Order>,
    /// Pieces given out.
    pieces: u64,
}

/// A piece to be read.
struct Job<'i> {
    stream: &'i Stream,
    order: Arc<Order>,
    place: u64,
    bytes: Vec<u8>,
    is_last: bool,
    /// The whole log, where it cannot be cut.
    whole: Option<Box<dyn Read + Send>>,
}

impl<'i> Source<'i> {
    fn new(input: &'i Input) -> Self {
        Self {
            input,
            next: 0,
            open: None,
            failed: None,
        }
    }

    fn next(&mut self, mut bytes: Vec<u8>) -> Option<Job<'i>> {
        loop {
            if self.failed.is_some() {
                return None;
            }
            let Some(open) = self.open.as_mut() else {
                self.open_next()?;
                continue;
            };
            let stream = open.stream;
            match open.chunks.next(&mut bytes) {
                Ok(true) => {
                    let (order, place) = (Arc::clone(&open.order), open.pieces);
                    open.pieces += 1;
                    let mut whole = None;
                    // The entries of journald's export format hold line ends of their own.
                    if place == 0 && bytes.starts_with(b"__CURSOR=") {
                        let open = self.open.take()?;
                        let head = std::io::Cursor::new(std::mem::take(&mut bytes));
                        whole =
                            Some(Box::new(head.chain(open.chunks.into_rest()))
                                as Box<dyn Read + Send>);
                    }
                    let is_last = self.open.as_ref().is_none_or(|open| open.chunks.is_done());
                    if is_last {
                        self.open = None;
                    }
                    return Some(Job {
                        stream,
                        order,
                        place,
                        bytes,
                        is_last,
                        whole,
                    });
                }
                Ok(false) => self.open = None,
                Err(error) => {
                    let name = stream.name.clone();
                    self.input
                        .add_gap(name, format!("reading stopped: {error}"));
                    let open = self.open.take()?;
                    bytes.clear();
                    let (order, place) = (open.order, open.pieces);
                    return Some(Job {
                        stream,
                        order,
                        place,
                        bytes,
                        is_last: true,
                        whole: None,
                    });
                }
            }
        }
    }

    fn open_next(&mut self) -> Option<()> {
        let stream = self.input.streams.get(self.next)?;
        self.next += 1;
        match stream.open() {
            Ok(reader) => {
                let reader = if stream.is_seekable() {
                    reader
                } else {
                    Box::new(Ahead::new(reader))
                };
                let order = Arc::new(Order::default());
                self.open = Some(Open {
                    stream,
                    chunks: Chunks::new(reader),
                    order,
                    pieces: 0,
                });
            }
            Err(error) => self.failed = Some(error),
        }
        Some(())
    }
}

impl Job<'_> {
    /// Reads the piece; its buffer, to be used again.
    fn run(self, scanner: &mut Scanner<'_>, input: &Input) -> Vec<u8> {
        let own: &Origin = &self.stream.alias;
        if let Some(whole) = self.whole {
            if let Err(error) = scanner.stream(whole, own) {
                input.add_gap(
                    self.stream.name.clone(),
                    format!("reading stopped: {error}"),
                );
            }
            return self.bytes;
        }
        let mut pass = PassOn {
            order: &self.order,
            place: self.place + 1,
            carry: Carry::default(),
        };
        let mut known = self.order.try_take(self.place);
        // Escape sequences are taken out in place: such a piece cannot be read again.
        if known.is_none() && memchr(0x1b, &self.bytes).is_some() {
            known = Some(self.order.wait(self.place));
        }
        let (carry, bytes) = match known {
            Some(before) => scanner.read(self.bytes, own, before),
            None => {
                let guessed = scanner.guess(self.bytes, own);
                scanner.confirm(guessed, own, self.order.wait(self.place))
            }
        };
        if self.is_last {
            scanner.end(own, carry);
        } else {
            pass.carry = carry;
        }
        bytes
    }
}

/// Passes on what is open when it goes, so that no thread waits for one that panicked.
struct PassOn<'o> {
    order: &'o Order,
    place: u64,
    carry: Carry,
}

impl Drop for PassOn<'_> {
    fn drop(&mut self) {
        self.order
            .pass_on(self.place, std::mem::take(&mut self.carry));
    }
}

/// Hands what is open from one piece of a log to the next.
#[derive(Default)]
struct Order {
    state: Mutex<(u64, Carry)>,
    moved: Condvar,
}

impl Order {
    /// What is open before a piece, if the one before it is done.
    fn try_take(&self, place: u64) -> Option<Carry> {
        let mut state = lock(&self.state);
        (state.0 == place).then(|| std::mem::take(&mut state.1))
    }

    /// The same, once it is known.
    fn wait(&self, place: u64) -> Carry {
        let state = lock(&self.state);
        let waited = self.moved.wait_while(state, |state| state.0 != place);
        let mut state = waited.unwrap_or_else(PoisonError::into_inner);
        std::mem::take(&mut state.1)
    }

    fn pass_on(&self, place: u64, carry: Carry) {
        *lock(&self.state) = (place, carry);
        self.moved.notify_all();
    }
}

fn lock<T>(mutex: &Mutex<T>) -> MutexGuard<'_, T> {
    mutex.lock().unwrap_or_else(PoisonError::into_inner)
}
