//! Every bound in the program, each with its reason.
//!
//! A bound that bites is counted and shows in the report's coverage; nothing is dropped silently.

/// Longest line kept, in bytes. Longer lines are kept up to here, skipped to their end and counted
/// as truncated. A fatal dump of Thanos with its stacks is below 16 KiB; 256 KiB leaves room for
/// lists of thousands of forwarding errors.
pub const LINE_BYTES: usize = 256 * 1024;

/// How much a reader asks its stream for at once. Large enough that the calls do not count, small
/// enough that what was read is still in the cache of a processor core when it is looked at.
pub const READ_BYTES: usize = 256 * 1024;

/// Most lines in pieces, and most dumps, that one reader keeps open at a time, one for each origin.
/// Each takes at most [`LINE_BYTES`]. The oldest is given out early to make room.
pub const OPEN_JOINS: usize = 32;

/// Most lines folded into one record (a goroutine dump). What follows is skipped to its end.
pub const FOLDED_LINES: usize = 4096;

/// Most fields kept of one record; a line with more is noise or an attack.
pub const FIELDS: usize = 512;

/// Deepest nesting of JSON that is flattened; deeper values are kept as raw text.
pub const JSON_DEPTH: usize = 32;

/// Most leaves taken from one error chain. A batch fails for at most replicas × members reasons.
pub const ERROR_LEAVES: usize = 256;

/// Deepest nesting of `N errors: …` that is followed; what is nested deeper is read as one list.
pub const ERROR_DEPTH: usize = 32;

/// Longest context (the forward that a list of reasons came back from) that is put in front of
/// each leaf of the list.
pub const ERROR_CONTEXT_BYTES: usize = 1024;

/// Samples kept per (signature, subject).
pub const SAMPLES: usize = 4;

/// Longest sample kept, in bytes.
pub const SAMPLE_BYTES: usize = 1024;

/// Buckets of the time histogram kept per (signature, subject).
pub const BUCKETS: usize = 180;

/// Most (signature, subject) pairs in a ledger (`inference.md` § 3.12).
pub const LEDGER_PAIRS: usize = 20_000;

/// Most distinct streams (pod × container) that are told apart; the rest share one origin.
pub const ORIGINS: usize = 4096;

/// Most candidate cause instances (`inference.md` § 3.12).
pub const CANDIDATES: usize = 4096;

/// Most values kept of one extraction in one record.
pub const EXTRACTS: usize = 64;

/// Most writers told apart per (signature, subject); the rest count as one.
pub const WITNESSES: usize = 64;
/// Most members of a hashring that is built. Rings in the wild have tens; 2,000 give two million
/// sections (32 MiB), which still take only seconds.
pub const RING_MEMBERS: usize = 2000;

/// Most precomputed copies of a ketama ring (sections × replication factor), 4 bytes each.
pub const RING_COPIES: usize = 16 * 1024 * 1024;
