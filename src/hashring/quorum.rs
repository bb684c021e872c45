//! How many copies must be written for a write to count.

use serde::Serialize;

use super::at_least;
use crate::pack::Version;

/// The rule by which a version decides that a write succeeded.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize)]
pub struct Quorum {
    /// Copies of each series.
    pub replication_factor: usize,
    /// Copies that must be written.
    pub needed: usize,
    /// From v0.30 each series is judged by itself, and a request succeeds only if all its series
    /// do; before, the answers for the whole request were counted together.
    pub per_series: bool,
}

impl Quorum {
    /// Members that a series can lose without a write failing.
    #[must_use]
    pub fn tolerated(&self) -> usize {
        self.replication_factor - self.needed
    }
}

/// The write quorum of a version: more than half of the copies, except that v0.37 and later need
/// only one of two.
#[must_use]
pub fn quorum(replication_factor: usize, version: Option<Version>) -> Quorum {
    let replication_factor = replication_factor.max(1);
    let needed = if replication_factor == 2 && at_least(version, 37) {
        1
    } else {
        replication_factor / 2 + 1
    };
    Quorum {
        replication_factor,
        needed,
        per_series: at_least(version, 30),
    }
}
