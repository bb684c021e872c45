//! rdiag says what is wrong with a Thanos Receive ring, from what it leaves behind.
//!
//! The pipeline, one module a noun:
//!
//! ```text
//! bytes ─ record ─→ Record ─ matcher ─→ Hit ─ evidence ─→ Ledger ─ diagnosis ─→ Diagnosis ─ report ─→ text, JSON, …
//!                      ▲                   ▲                            ▲
//!                   bundle               pack ───────────────────────────┘
//! ```
//!
//! Each module may know only the ones before it (`tests/it/tidy.rs` holds the table). The core is
//! pure: no clock, no network, no async, and nothing in it can fail. What rdiag knows is data, in
//! `patterns/`. What touches the world (`bundle` reading files, `collect`, `serve`, `mcp`) is the rim.

pub mod audit;
pub mod bundle;
pub mod checks;
pub mod collect;
pub mod diagnosis;
pub mod engine;
pub mod evidence;
pub mod hashring;
pub mod limits;
pub mod matcher;
pub mod mcp;
pub mod metrics;
pub mod novelty;
pub mod pack;
pub mod pushdown;
pub mod record;
pub mod redact;
pub mod report;
pub mod serve;
pub mod summary;
