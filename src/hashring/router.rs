//! From tenant and series to members.

use std::borrow::Cow;

use super::config::{Endpoint, Matcher, RingConfig, Rings};
use super::glob;
use super::hash::series_hash;
use super::ring::{Ring, RingError, check_zones};
use super::shuffle::Base;
use super::{Algorithm, Setup, at_least};

/// A hashring file, built as a member builds it.
#[derive(Clone, Debug)]
pub struct Router<'a> {
    rings: &'a Rings,
    setup: Setup,
    built: Vec<Built>,
}

#[derive(Clone, Debug)]
enum Built {
    Whole(Ring),
    Sharded(Base),
    /// Loads, but every request fails.
    Failing(RingError),
}

/// Where the copies of one series go.
#[derive(Clone, Debug)]
pub struct Placement {
    /// Number of the entry, from 0.
    pub index: usize,
    /// Its `hashring`; may be empty.
    pub hashring: String,
    /// The algorithm in force.
    pub algorithm: Algorithm,
    /// Hash of the series.
    pub hash: u64,
    /// The members, in the order of the replica numbers.
    pub replicas: Vec<Endpoint>,
}

impl<'a> Router<'a> {
    /// Builds every entry.
    ///
    /// # Errors
    /// The first thing that Thanos would die of. Hashmod with too few members is not among them:
    /// it fails request by request, hence in [`Router::ring`].
    pub fn new(rings: &'a Rings, setup: &Setup) -> Result<Self, RingError> {
        let built = rings
            .rings
            .iter()
            .enumerate()
            .map(|(index, config)| build(index, config, setup));
        Ok(Self {
            rings,
            setup: setup.clone(),
            built: built.collect::<Result<_, _>>()?,
        })
    }

    /// The number of the entry that takes `tenant`: the first that matches.
    ///
    /// # Errors
    /// [`RingError::NoRing`], or [`RingError::BadPattern`] when a malformed glob is met before.
    pub fn route(&self, tenant: &str) -> Result<usize, RingError> {
        for (index, config) in self.rings.rings.iter().enumerate() {
            if takes(config, tenant, &self.setup)? {
                return Ok(index);
            }
        }
        Err(RingError::NoRing(tenant.to_owned()))
    }

    /// The ring that serves `tenant` within entry `index`: the whole one, or the tenant's shard.
    ///
    /// # Errors
    /// What Thanos would answer the tenant's requests with.
    pub fn ring(&self, index: usize, tenant: &str) -> Result<Cow<'_, Ring>, RingError> {
        let config = &self.rings.rings[index];
        match &self.built[index] {
            Built::Whole(ring) => Ok(Cow::Borrowed(ring)),
            Built::Failing(error) => Err(error.clone()),
            Built::Sharded(base) => {
                let shuffle = config.active_shuffle().cloned().unwrap_or_default();
                let members = if at_least(self.setup.version, 41) {
                    base.shard(&shuffle, tenant)?
                } else {
                    base.old_shard(&shuffle, tenant)?
                };
                Ring::build(Algorithm::Ketama, &members, &self.setup).map(Cow::Owned)
            }
        }
    }

    /// The members that hold one series of `tenant`. Labels as [`super::parse_series`] gives them.
    ///
    /// # Errors
    /// As [`Router::route`] and [`Router::ring`].
    pub fn place(&self, tenant: &str, labels: &[(String, String)]) -> Result<Placement, RingError> {
        let index = self.route(tenant)?;
        let config = &self.rings.rings[index];
        let ring = self.ring(index, tenant)?;
        let pairs = labels
            .iter()
            .map(|(name, value)| (name.as_str(), value.as_str()));
        let hash = series_hash(tenant, pairs);
        Ok(Placement {
            index,
            hashring: config.name.clone(),
            algorithm: self.setup.algorithm_of(config),
            hash,
            replicas: ring.replicas(hash).into_iter().cloned().collect(),
        })
    }

    /// Whether entry `index` gives each tenant only some members.
    #[must_use]
    pub fn is_sharded(&self, index: usize) -> bool {
        matches!(self.built[index], Built::Sharded(_))
    }

    /// The file this was built from.
    #[must_use]
    pub fn rings(&self) -> &'a Rings {
        self.rings
    }
}

/// The members that hold one series: [`Router::new`] and [`Router::place`] in one step.
///
/// # Errors
/// As these two.
pub fn place(
    rings: &Rings,
    setup: &Setup,
    tenant: &str,
    labels: &[(String, String)],
) -> Result<Placement, RingError> {
    Router::new(rings, setup)?.place(tenant, labels)
}

/// Whether an entry takes a tenant.
pub(super) fn takes(config: &RingConfig, tenant: &str, setup: &Setup) -> Result<bool, RingError> {
    if config.tenants.is_empty() {
        return Ok(true);
    }
    // Before v0.35 the key did not exist, and every name was exact.
    let exact = !at_least(setup.version, 35);
    match config.matcher {
        Matcher::Glob if !exact => {
            for pattern in &config.tenants {
                match glob::matches(&pattern.text, tenant) {
                    Ok(true) => return Ok(true),
                    Ok(false) => {}
                    Err(glob::BadPattern) => {
                        let (pattern, tenant) = (pattern.text.clone(), tenant.to_owned());
                        return Err(RingError::BadPattern { pattern, tenant });
                    }
                }
            }
            Ok(false)
        }
        Matcher::Other(_) if !exact => Ok(false),
        _ => Ok(config.tenants.iter().any(|name| name.text == tenant)),
    }
}

fn build(index: usize, config: &RingConfig, setup: &Setup) -> Result<Built, RingError> {
    let algorithm = setup.algorithm_of(config);
    let Some(shuffle) = config
        .active_shuffle()
        .filter(|_| at_least(setup.version, 39))
    else {
        return match Ring::build(algorithm, &config.endpoints, setup) {
            Ok(ring) => Ok(Built::Whole(ring)),
            Err(error @ RingError::InsufficientNodes { .. }) => Ok(Built::Failing(error)),
            Err(error) => Err(error),
        };
    };
    if algorithm == Algorithm::Hashmod {
        return Err(RingError::ShuffleWithHashmod);
    }
    check_zones(&config.endpoints, setup.replication_factor())?;
    let (size, have) = (shuffle.shard_size, config.endpoints.len());
    if usize::try_from(size).is_ok_and(|size| size > have) {
        let of = format!("hashring {}", config.label(index));
        return Err(RingError::ShardTooLarge { size, of, have });
    }
    if have > crate::limits::RING_MEMBERS {
        let copies = setup.replication_factor();
        return Err(RingError::TooLarge {
            members: have,
            copies,
        });
    }
    Ok(Built::Sharded(Base::new(config, shuffle)))
}
