//! What a part of the input showed, so that many machines can read and one can tell.
//!
//! A summary is JSON lines (`rdiag/summary/v1`) packed with zstd: one frame for each *shard*, which
//! is what one scan read. A shard has an id; joining summaries is the union of their shards, so it
//! does not matter in which order, how often, or in how many steps they are joined, and a scan that
//! is done again changes nothing. Nothing is told apart, weighed or compared before
//! [`Summaries::fold`] has put everything together: that is what makes any split of the input give
//! the answer that all of it gives at once.

mod lines;
mod read;
#[cfg(test)]
mod tests;
mod write;

use std::io;
use std::path::PathBuf;

use crate::bundle::Piece;
use crate::evidence::Ledger;

pub use lines::Header;
pub use read::Summaries;

/// Version of the format, in the first line of every shard.
pub const SCHEMA: &str = "rdiag/summary/v1";

/// What one scan found.
#[derive(Debug)]
pub struct Shard {
    /// What it is called; `None`: by its content. Shards of one id are one shard.
    pub id: Option<String>,
    /// What its logs say, as [`crate::engine::Engine::scan`] leaves it.
    pub ledger: Ledger,
    /// Everything else.
    pub pieces: Vec<Piece>,
}

/// Why a summary cannot be used.
#[derive(Debug, thiserror::Error)]
pub enum SummaryError {
    /// It cannot be read or written.
    #[error("could not read {}", path.display())]
    Read {
        /// Where.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// It is not a summary, or it is damaged.
    #[error("{}: {what}", path.display())]
    Format {
        /// Where.
        path: PathBuf,
        /// What is wrong.
        what: String,
    },
    /// It was made with other patterns: what it has counted cannot be told.
    #[error(
        "shard {shard} was scanned with other patterns ({theirs}) than these ({ours}); scan it again \
         or use the patterns it was scanned with"
    )]
    Pack {
        /// The shard.
        shard: String,
        /// Fingerprint of the pack it was made with.
        theirs: String,
        /// Fingerprint of ours.
        ours: String,
    },
    /// Too many shards.
    #[error("more than {} shards", crate::limits::SUMMARY_SHARDS)]
    Many,
}
