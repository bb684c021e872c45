//! Every bound in the program, each with its reason.
//!
//! A bound that bites is counted and shows in the report's coverage; nothing is dropped silently.

/// Longest line kept, in bytes. Longer lines are kept up to here, skipped to their end and counted
/// as truncated. A fatal dump of Thanos with its stacks is below 16 KiB; 256 KiB leaves room for
/// lists of thousands of forwarding errors.
pub const LINE_BYTES: usize = 256 * 1024;

/// Most lines folded into one record (a goroutine dump). What follows is skipped to its end.
pub const FOLDED_LINES: usize = 4096;

/// Most fields kept of one record; a line with more is noise or an attack.
pub const FIELDS: usize = 512;

/// Deepest nesting of JSON that is flattened; deeper values are kept as raw text.
pub const JSON_DEPTH: usize = 32;

/// Most leaves taken from one error chain. A batch fails for at most replicas × members reasons.
pub const ERROR_LEAVES: usize = 256;

/// Deepest nesting of `rpc error: … desc = …` and `N errors: …` that is followed.
pub const ERROR_DEPTH: usize = 32;

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

/// Most members of a hashring that is built. Rings in the wild have tens; 2,000 give two million
/// sections (32 MiB), which still take only seconds.
pub const RING_MEMBERS: usize = 2000;

/// Most precomputed copies of a ketama ring (sections × replication factor), 4 bytes each.
pub const RING_COPIES: usize = 16 * 1024 * 1024;

/// Most pieces of the hash circle that are measured for one tenant: two ketama rings of 2,000 members
/// give four million; only hashmod against ketama, or two large coprime hashmod rings, give more.
pub const RING_PIECES: u64 = 64 * 1024 * 1024;

/// Most named tenants of hashring files that are computed one by one; the rest are counted.
pub const RING_TENANTS: usize = 1000;
