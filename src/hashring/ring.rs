//! One ring, built: which members hold the series with a given hash.
//!
//! *hashmod* numbers the members; copy n of a series with hash H is on member (H + n) mod N.
//! *ketama* gives each member 1000 places ("sections") on the circle of hashes. A series belongs to
//! the first section at or after its hash, and its copies go to the members met from there on, each
//! once, and, when there are zones, never to a zone that is ahead of another.

use std::collections::BTreeMap;

use xxhash_rust::xxh64::xxh64;

use super::config::Endpoint;
use super::{Algorithm, Setup, at_least};
use crate::limits;

/// Sections of a member on the ketama circle.
pub const SECTIONS_PER_MEMBER: usize = 1000;

/// Why there is no placement.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum RingError {
    /// No entry takes the tenant; requests are answered 500.
    #[error("no hashring takes tenant {0:?}: no matching hashring to handle tenant")]
    NoRing(String),
    /// A malformed glob was met while looking for the tenant's entry; requests are answered 500.
    #[error("error matching tenant pattern {pattern} (tenant {tenant}): syntax error in pattern")]
    BadPattern {
        /// The glob.
        pattern: String,
        /// The tenant looked for.
        tenant: String,
    },
    /// Ketama refuses rings smaller than the replication factor.
    #[error(
        "{have} endpoints for replication factor {want}: ketama: amount of endpoints needs to be \
         larger than replication factor"
    )]
    TooFewEndpoints {
        /// Endpoints there are.
        have: usize,
        /// The replication factor.
        want: usize,
    },
    /// Hashmod has no member for the last copies.
    #[error("insufficient nodes; have {have}, want {want}")]
    InsufficientNodes {
        /// Endpoints there are.
        have: usize,
        /// The replication factor.
        want: usize,
    },
    /// Zones need ketama.
    #[error("hashmod does not support zones: use ketama or remove every az")]
    ZonesWithHashmod,
    /// Shuffle sharding needs ketama.
    #[error("hashmod does not support shuffle sharding: use ketama or remove it")]
    ShuffleWithHashmod,
    /// The zones cannot be filled evenly enough; Thanos would search for ever.
    #[error(
        "replication factor {want} cannot be spread over these zones, at most {most} copies can: \
         Thanos would compute for ever"
    )]
    Endless {
        /// The replication factor.
        want: usize,
        /// Copies that the zones can take.
        most: usize,
    },
    /// A shard larger than what it is taken from.
    #[error("shard size {size} is larger than number of nodes in {of} ({have})")]
    ShardTooLarge {
        /// The shard size.
        size: i64,
        /// `AZ x` or `hashring x`.
        of: String,
        /// Members there.
        have: usize,
    },
    /// More members or copies than rdiag is willing to compute.
    #[error("{members} members × {copies} copies is more than can be computed here")]
    TooLarge {
        /// Endpoints of the ring.
        members: usize,
        /// The replication factor.
        copies: usize,
    },
}

/// A ring ready to place series.
#[derive(Clone, Debug)]
pub struct Ring {
    endpoints: Vec<Endpoint>,
    copies: usize,
    layout: Layout,
}

#[derive(Clone, Debug)]
pub(super) enum Layout {
    /// Members are in the order in which they are numbered.
    Hashmod,
    Ketama {
        /// Hashes of the sections, ascending.
        hashes: Vec<u64>,
        /// For each section, the members of its copies: `copies` numbers each.
        replicas: Vec<u32>,
    },
}

/// A place of a member on the circle.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Section {
    pub(super) hash: u64,
    pub(super) member: u32,
}

impl Ring {
    /// Builds a ring of `endpoints`.
    ///
    /// # Errors
    /// Whatever Thanos would refuse or not survive; [`RingError::TooLarge`] beyond
    /// [`limits::RING_MEMBERS`] members or [`limits::RING_COPIES`] precomputed copies.
    pub fn build(
        algorithm: Algorithm,
        endpoints: &[Endpoint],
        setup: &Setup,
    ) -> Result<Self, RingError> {
        let copies = setup.replication_factor();
        let mut endpoints = endpoints.to_vec();
        let members = endpoints.len();
        if members > limits::RING_MEMBERS
            || members
                .saturating_mul(SECTIONS_PER_MEMBER)
                .saturating_mul(copies)
                > limits::RING_COPIES
        {
            return Err(RingError::TooLarge { members, copies });
        }
        let layout = match algorithm {
            Algorithm::Hashmod => {
                if endpoints.iter().any(|endpoint| !endpoint.az.is_empty()) {
                    return Err(RingError::ZonesWithHashmod);
                }
                if members < copies || members == 0 {
                    return Err(RingError::InsufficientNodes {
                        have: members,
                        want: copies,
                    });
                }
                if at_least(setup.version, 34) {
                    endpoints.sort_by(|a, b| a.address.cmp(&b.address));
                }
                Layout::Hashmod
            }
            Algorithm::Ketama => {
                check_zones(&endpoints, copies)?;
                let sections = sections(&endpoints);
                Layout::Ketama {
                    hashes: sections.iter().map(|section| section.hash).collect(),
                    replicas: replicas(&sections, &endpoints, setup)?,
                }
            }
        };
        Ok(Self {
            endpoints,
            copies,
            layout,
        })
    }

    /// The members, as numbered by [`Ring::replicas`].
    #[must_use]
    pub fn endpoints(&self) -> &[Endpoint] {
        &self.endpoints
    }

    /// Copies of each series: the replication factor.
    #[must_use]
    pub fn copies(&self) -> usize {
        self.copies
    }

    /// The members that hold a series with this hash, in the order of the replica numbers.
    #[must_use]
    pub fn replicas(&self, hash: u64) -> Vec<&Endpoint> {
        match &self.layout {
            Layout::Hashmod => {
                let members = self.endpoints.len() as u64;
                (0..self.copies as u64)
                    .map(|n| &self.endpoints[index(hash.wrapping_add(n) % members)])
                    .collect()
            }
            Layout::Ketama { hashes, .. } => {
                let at = hashes.partition_point(|&section| section < hash);
                let at = if at == hashes.len() { 0 } else { at };
                self.section_replicas(at)
                    .iter()
                    .map(|&member| &self.endpoints[member as usize])
                    .collect()
            }
        }
    }

    pub(super) fn layout(&self) -> &Layout {
        &self.layout
    }

    /// Members of the copies of section `at`; empty for hashmod.
    pub(super) fn section_replicas(&self, at: usize) -> &[u32] {
        match &self.layout {
            Layout::Hashmod => &[],
            Layout::Ketama { replicas, .. } => &replicas[at * self.copies..][..self.copies],
        }
    }
}

/// Refuses what Thanos refuses, and what it would never finish.
pub(super) fn check_zones(endpoints: &[Endpoint], copies: usize) -> Result<(), RingError> {
    if endpoints.len() < copies || endpoints.is_empty() {
        return Err(RingError::TooFewEndpoints {
            have: endpoints.len(),
            want: copies,
        });
    }
    let most = most_copies(endpoints.iter().map(|endpoint| endpoint.az.as_str()));
    if most < copies {
        return Err(RingError::Endless { want: copies, most });
    }
    Ok(())
}

/// How many copies ketama can place when members lie in these zones, one item a member. A zone may
/// be one copy ahead of the emptiest, and the smallest zone can give no more than it has.
pub(super) fn most_copies<'a>(zones: impl Iterator<Item = &'a str>) -> usize {
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for zone in zones {
        *sizes.entry(zone).or_default() += 1;
    }
    let smallest = sizes.values().copied().min().unwrap_or(0);
    if sizes.len() < 2 {
        return smallest;
    }
    sizes.values().map(|&size| size.min(smallest + 1)).sum()
}

/// All sections of these members, by hash.
pub(super) fn sections(endpoints: &[Endpoint]) -> Vec<Section> {
    let mut sections = Vec::with_capacity(endpoints.len() * SECTIONS_PER_MEMBER);
    let mut text = String::new();
    for (member, endpoint) in endpoints.iter().enumerate() {
        text.clear();
        text.push_str(&endpoint.address);
        text.push(':');
        let prefix = text.len();
        for number in 1..=SECTIONS_PER_MEMBER {
            use std::fmt::Write as _;
            text.truncate(prefix);
            let _infallible = write!(text, "{number}");
            let member = u32::try_from(member).expect("bounded by RING_MEMBERS");
            sections.push(Section {
                hash: xxh64(text.as_bytes(), 0),
                member,
            });
        }
    }
    // Equal hashes only happen when a member is listed twice; Thanos' order is then by chance.
    sections.sort_unstable();
    sections
}

/// The members of the copies of each section.
fn replicas(
    sections: &[Section],
    endpoints: &[Endpoint],
    setup: &Setup,
) -> Result<Vec<u32>, RingError> {
    let copies = setup.replication_factor();
    let mut all = Vec::with_capacity(sections.len() * copies);
    if !at_least(setup.version, 28) {
        // v0.27 simply took the next sections, so that a member could be chosen twice.
        for at in 0..sections.len() {
            all.extend((0..copies).map(|n| sections[(at + n) % sections.len()].member));
        }
        return Ok(all);
    }
    let mut walk = Walk::new(endpoints);
    for start in 0..sections.len() {
        let begin = all.len();
        walk.reset();
        let mut idle = 0;
        let mut at = start;
        while all.len() - begin < copies {
            let member = sections[at].member;
            if walk.take(member, &all[begin..]) {
                all.push(member);
                idle = 0;
            } else {
                idle += 1;
                if idle > sections.len() {
                    let most = all.len() - begin;
                    return Err(RingError::Endless { want: copies, most });
                }
            }
            at += 1;
            if at == sections.len() {
                at = 0;
            }
        }
    }
    Ok(all)
}

/// How full each zone is while the copies of one section are chosen.
struct Walk {
    zone_of: Vec<usize>,
    filled: Vec<u32>,
}

impl Walk {
    fn new(endpoints: &[Endpoint]) -> Self {
        let zones: std::collections::BTreeSet<&str> = endpoints
            .iter()
            .map(|endpoint| endpoint.az.as_str())
            .collect();
        let zones: Vec<&str> = zones.into_iter().collect();
        let zone_of = endpoints
            .iter()
            .map(|endpoint| zones.binary_search(&endpoint.az.as_str()).unwrap_or(0))
            .collect();
        Self {
            zone_of,
            filled: vec![0; zones.len()],
        }
    }

    fn reset(&mut self) {
        self.filled.fill(0);
    }

    fn take(&mut self, member: u32, taken: &[u32]) -> bool {
        if taken.contains(&member) {
            return false;
        }
        let zone = self.zone_of[member as usize];
        if self.filled.len() > 1 && self.filled[zone] > 0 {
            let emptiest = self.filled.iter().copied().min().unwrap_or(0);
            if self.filled[zone] > emptiest {
                return false;
            }
        }
        self.filled[zone] += 1;
        true
    }
}

fn index(value: u64) -> usize {
    usize::try_from(value).expect("a remainder of a length")
}
