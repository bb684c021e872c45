//! The hashring file of Thanos Receive: which member holds which series, and what changes of the
//! file, or the loss of members, do to them.
//!
//! ```text
//! file ─ parse ─→ Rings ─ validate ─→ faults
//!                   │
//!                   └─ Router ─ route ─→ entry of a tenant ─ ring ─→ Ring ─→ members of a series
//!                                                              │
//!                            compare, simulate, plan ←─ pieces ┘
//! ```
//!
//! Placement is bit for bit that of Thanos: hashmod and ketama, zones, tenants exact and by glob,
//! shuffle sharding. Shares are not sampled but measured: the circle of 2^64 hashes falls into
//! pieces on which the set of members is constant, and the lengths of the pieces are added up.

use std::fmt;

use serde::Serialize;

use crate::pack::Version;

mod config;
mod diff;
mod fault;
mod glob;
mod gorand;
mod hash;
mod json;
mod pieces;
mod plan;
mod population;
mod quorum;
mod ring;
mod router;
mod series;
mod shuffle;
mod simulate;
mod text;
mod validate;

#[cfg(test)]
mod tests;

pub use config::{Endpoint, Matcher, Name, Override, RingConfig, Rings, Shuffle};
pub use diff::{Diff, GroupDiff, MemberMoves, Moves, TenantMove, diff};
pub use fault::{Fault, Place, Weight};
pub use hash::{config_hash, config_hashes, series_hash};
pub use plan::{Plan, PlanError, PlanMember, PlanRequest, Step, plan};
pub use population::Load;
pub use quorum::{Quorum, quorum};
pub use ring::{Ring, RingError, SECTIONS_PER_MEMBER};
pub use router::{Placement, Router, place};
pub use series::{Labels, SeriesError, parse_series};
pub use simulate::{Loss, MemberLoad, Simulation, ZoneLoss, request_share, simulate};
pub use text::{assumptions, diff_text, faults_text, plan_markdown, plan_text, simulation_text};

/// How series are spread over the members of an entry.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Algorithm {
    /// By remainder; any change of the number of members moves nearly everything.
    Hashmod,
    /// By consistent hashing; a change moves what it must.
    Ketama,
}

impl fmt::Display for Algorithm {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str(match self {
            Self::Hashmod => "hashmod",
            Self::Ketama => "ketama",
        })
    }
}

/// What decides placement but is not in the file: flags of the members, and their version.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Setup {
    /// `--receive.hashrings-algorithm`; `None` when not known.
    pub algorithm: Option<Algorithm>,
    /// `--receive.replication-factor`; `None` when not known.
    pub replication_factor: Option<usize>,
    /// Version of the members; `None` when not known, which counts as the newest.
    pub version: Option<Version>,
}

impl Setup {
    /// The usual replication factor, taken when it is not known. (Thanos' own default is 1.)
    pub const USUAL_REPLICATION_FACTOR: usize = 3;

    /// The replication factor, or the usual one.
    #[must_use]
    pub fn replication_factor(&self) -> usize {
        self.replication_factor
            .unwrap_or(Self::USUAL_REPLICATION_FACTOR)
    }

    /// The algorithm in force for an entry; ketama when neither entry nor flag says. (Thanos' own
    /// default is hashmod; its documentation advises against it.)
    #[must_use]
    pub fn algorithm_of(&self, ring: &RingConfig) -> Algorithm {
        ring.effective_algorithm(self.algorithm)
            .unwrap_or(Algorithm::Ketama)
    }
}

/// Reads `0.35.1`, `v0.35` or `main`; `None` when it is none of these.
#[must_use]
pub fn parse_version(text: &str) -> Option<Version> {
    if text == "main" {
        return Some(Version {
            major: 0,
            minor: 43,
            patch: None,
        });
    }
    let numbers = text.strip_prefix('v').unwrap_or(text);
    let numbers = numbers.split(['-', '+']).next()?;
    let mut parts = numbers.split('.').map(str::parse::<u32>);
    let (major, minor) = (parts.next()?.ok()?, parts.next()?.ok()?);
    let patch = parts.next().transpose().ok()?;
    parts.next().is_none().then_some(Version {
        major,
        minor,
        patch,
    })
}

/// A key by which names with numbers sort as people count: `x-2` before `x-10`.
fn natural(name: &str) -> Vec<(String, u64)> {
    let mut parts = Vec::new();
    let mut rest = name;
    while !rest.is_empty() {
        let digits = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let (word, tail) = rest.split_at(digits);
        let end = tail
            .find(|c: char| !c.is_ascii_digit())
            .unwrap_or(tail.len());
        parts.push((word.to_owned(), tail[..end].parse().unwrap_or(u64::MAX)));
        rest = &tail[end..];
    }
    // Equal numbers may be written differently (01, 1): the name itself decides then.
    parts.push((name.to_owned(), 0));
    parts
}

/// Whether a version is 0.`minor` or later. An unknown version counts as the newest.
pub(crate) fn at_least(version: Option<Version>, minor: u32) -> bool {
    version.is_none_or(|version| (version.major, version.minor) >= (0, minor))
}
