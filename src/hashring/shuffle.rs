//! Shuffle sharding: which members a tenant gets. v0.41 changed how they are chosen.

use std::collections::BTreeMap;

use super::config::{Endpoint, Matcher, RingConfig, Shuffle};
use super::glob;
use super::gorand::Source;
use super::hash::shard_seed;
use super::ring::{RingError, Section, sections};

/// The ring that shards are cut from.
#[derive(Clone, Debug)]
pub(super) struct Base {
    endpoints: Vec<Endpoint>,
    /// Sections of each zone; one zone `""` when zones are to be disregarded.
    zones: BTreeMap<String, Zone>,
}

#[derive(Clone, Debug, Default)]
struct Zone {
    members: usize,
    sections: Vec<Section>,
}

impl Base {
    pub(super) fn new(config: &RingConfig, shuffle: &Shuffle) -> Self {
        let endpoints = config.endpoints.clone();
        let zone_of = |endpoint: &Endpoint| {
            if shuffle.zone_awareness_disabled {
                String::new()
            } else {
                endpoint.az.clone()
            }
        };
        let mut zones: BTreeMap<String, Zone> = BTreeMap::new();
        let mut counted = std::collections::BTreeSet::new();
        for endpoint in &endpoints {
            let zone = zones.entry(zone_of(endpoint)).or_default();
            let identity = (&endpoint.address, &endpoint.capnproto_address, &endpoint.az);
            zone.members += usize::from(counted.insert(identity));
        }
        for section in sections(&endpoints) {
            let zone = zone_of(&endpoints[section.member as usize]);
            zones.entry(zone).or_default().sections.push(section);
        }
        Self { endpoints, zones }
    }

    /// The members of `tenant`, given its shard size.
    ///
    /// Each zone gives the same number. In each, a generator seeded with tenant and zone draws
    /// points on the circle; each point takes the next member not yet taken.
    pub(super) fn shard(
        &self,
        shuffle: &Shuffle,
        tenant: &str,
    ) -> Result<Vec<Endpoint>, RingError> {
        let size = shard_size(shuffle, tenant);
        let take = members_per_zone(shuffle, size, self.zones.len());
        let mut chosen = Vec::new();
        for (name, zone) in &self.zones {
            if take > zone.members {
                let of = format!("AZ {name}");
                return Err(RingError::ShardTooLarge {
                    size,
                    of,
                    have: zone.members,
                });
            }
            let mut source = Source::new(shard_seed(tenant, name));
            let mut taken = std::collections::BTreeSet::new();
            for _ in 0..take {
                let point = source.next_u64();
                let start = zone
                    .sections
                    .partition_point(|section| section.hash < point);
                let (before, after) = zone.sections.split_at(start);
                let mut round = after.iter().chain(before);
                if let Some(section) = round.find(|section| taken.insert(section.member)) {
                    chosen.push(self.endpoints[section.member as usize].clone());
                }
            }
        }
        Ok(chosen)
    }

    /// The same as of v0.39 and v0.40: in each zone the members, by address, are shuffled, and the
    /// first are taken. A member more or less therefore changes most shards.
    pub(super) fn old_shard(
        &self,
        shuffle: &Shuffle,
        tenant: &str,
    ) -> Result<Vec<Endpoint>, RingError> {
        let size = shard_size(shuffle, tenant);
        let take = members_per_zone(shuffle, size, self.zones.len());
        let mut chosen = Vec::new();
        for name in self.zones.keys() {
            let here =
                |endpoint: &&Endpoint| shuffle.zone_awareness_disabled || endpoint.az == *name;
            let mut members: Vec<&Endpoint> = self.endpoints.iter().filter(here).collect();
            let identity = |endpoint: &Endpoint| {
                let Endpoint {
                    address,
                    capnproto_address,
                    az,
                    ..
                } = endpoint.clone();
                (address, capnproto_address, az)
            };
            members.sort_by_key(|endpoint| identity(endpoint));
            members.dedup_by_key(|endpoint| identity(endpoint));
            Source::new(shard_seed(tenant, name)).shuffle(&mut members);
            if take > members.len() {
                let of = format!("AZ {name}");
                return Err(RingError::ShardTooLarge {
                    size,
                    of,
                    have: members.len(),
                });
            }
            chosen.extend(members[..take].iter().map(|endpoint| (*endpoint).clone()));
        }
        Ok(chosen)
    }
}

/// The shard size in force for a tenant: of the first override that names it, or the usual one.
///
/// An override without `tenant_matcher_type` names nobody: here, unlike for an entry, upstream
/// compares with the word `exact` alone. A malformed glob matches nobody either.
pub(super) fn shard_size(shuffle: &Shuffle, tenant: &str) -> i64 {
    shuffle
        .overrides
        .iter()
        .find(|one| {
            one.tenants.iter().any(|name| match one.matcher {
                Matcher::Exact => name.text == tenant,
                Matcher::Glob => glob::matches(&name.text, tenant) == Ok(true),
                Matcher::Unset | Matcher::Other(_) => false,
            })
        })
        .map_or(shuffle.shard_size, |one| one.shard_size)
}

/// Members that each zone gives to a shard of `size`; sizes below 1 give none.
pub(super) fn members_per_zone(shuffle: &Shuffle, size: i64, zones: usize) -> usize {
    let size = usize::try_from(size).unwrap_or(0);
    if shuffle.zone_awareness_disabled {
        size
    } else {
        size.div_ceil(zones.max(1))
    }
}
