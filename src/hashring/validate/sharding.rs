//! Shuffle sharding: shards that cannot be cut, and overrides that do nothing.

use std::collections::{BTreeMap, BTreeSet};

use super::{Fault, KILLS, Subject};
use crate::hashring::config::{Matcher, Override, Shuffle};
use crate::hashring::glob;
use crate::hashring::shuffle::members_per_zone;

pub(super) fn check(subject: &Subject<'_>, faults: &mut Vec<Fault>) {
    let Some(shuffle) = &subject.ring.shuffle else {
        return;
    };
    let place = shuffle.place;
    if !subject.from(39) {
        faults.push(Fault::warning(
            place,
            "sharding-ignored",
            "shuffle_sharding_config is not known before v0.39",
            "ignored: every tenant uses all members",
        ));
        return;
    }
    if shuffle.shard_size <= 0 {
        if !shuffle.overrides.is_empty() {
            let fault = Fault::error(
                place,
                "overrides-without-size",
                "overrides without a shard_size above 0",
                "shuffle sharding is off altogether: every tenant uses all members",
            );
            faults.push(fault.fix("set shard_size beside the overrides"));
        }
        return;
    }
    faults.extend(
        subject.if_hashmod(
            Fault::error(
                place,
                "sharding-with-hashmod",
                format!("hashring {} uses shuffle sharding", subject.label),
                format!("hashmod does not support it: {KILLS}"),
            )
            .fix("add \"algorithm\": \"ketama\" to this hashring"),
        ),
    );
    if !subject.from(41) {
        faults.push(Fault::warning(
            place,
            "sharding-changes",
            "v0.41 chooses each tenant's members in another way than v0.39 and v0.40",
            "the upgrade moves most tenants to other members",
        ));
    }
    let have = subject.ring.endpoints.len();
    if usize::try_from(shuffle.shard_size).is_ok_and(|size| size > have) {
        faults.push(Fault::error(
            place,
            "shard-too-large",
            format!("shard_size {} with {have} endpoints", shuffle.shard_size),
            KILLS,
        ));
    } else {
        let concerned = "tenants without an override";
        faults.extend(size(subject, shuffle, place, shuffle.shard_size, concerned));
    }
    overrides(subject, shuffle, faults);
}

/// Whether shards of one size can be cut and can hold all copies.
fn size(
    subject: &Subject<'_>,
    shuffle: &Shuffle,
    place: super::Place,
    size: i64,
    concerned: &str,
) -> Option<Fault> {
    let mut zones: BTreeMap<&str, BTreeSet<&str>> = BTreeMap::new();
    for endpoint in &subject.ring.endpoints {
        let zone = if shuffle.zone_awareness_disabled {
            ""
        } else {
            endpoint.az.as_str()
        };
        zones.entry(zone).or_default().insert(&endpoint.address);
    }
    let answered = format!("every write of {concerned} is answered 500");
    let take = members_per_zone(shuffle, size, zones.len());
    if let Some((zone, members)) = zones.iter().find(|(_, members)| members.len() < take) {
        let of = if zone.is_empty() {
            "the hashring".into()
        } else {
            format!("zone {zone:?}")
        };
        let what = format!(
            "shard_size {size} takes {take} members of {of}, which has {}",
            members.len()
        );
        return Some(Fault::error(place, "shard-too-large", what, answered));
    }
    let copies = subject.setup.replication_factor?;
    let total = take * zones.len();
    if total < copies {
        let what =
            format!("shard_size {size} gives {total} members for replication factor {copies}");
        return Some(
            Fault::error(place, "shard-too-small", what, answered)
                .fix(format!("set it to at least {copies}")),
        );
    }
    // Zones are chosen by chance: a shard may hold one member of one zone and many of another.
    let uneven = shuffle.zone_awareness_disabled && subject.ring.zones().len() > 1;
    (uneven && copies > 3).then(|| {
        Fault::warning(
            place,
            "shard-may-hang",
            format!("zone_awareness_disabled with zones and replication factor {copies}"),
            "a tenant whose shard falls unevenly on the zones makes members compute for ever",
        )
    })
}

fn overrides(subject: &Subject<'_>, shuffle: &Shuffle, faults: &mut Vec<Fault>) {
    let mut named: BTreeMap<&str, &Override> = BTreeMap::new();
    for one in &shuffle.overrides {
        faults.extend(dead(one));
        for name in &one.tenants {
            if one.matcher == Matcher::Glob && glob::check(&name.text).is_err() {
                faults.push(Fault::error(
                    name.place,
                    "bad-glob",
                    format!("{:?} is not a valid glob", name.text),
                    "this name matches nobody; the usual shard_size holds",
                ));
            }
            if !matches!(one.matcher, Matcher::Exact | Matcher::Glob) {
                continue;
            }
            if let Some(before) = named.get(name.text.as_str()) {
                faults.push(Fault::warning(
                    name.place,
                    "override-shadowed",
                    format!(
                        "{:?} is in an earlier override, at {}",
                        name.text, before.place
                    ),
                    "the earlier one counts",
                ));
            } else {
                named.insert(&name.text, one);
            }
        }
        let concerned = "its tenants";
        faults.extend(size(subject, shuffle, one.place, one.shard_size, concerned));
    }
}

/// An override that can match nobody.
fn dead(one: &Override) -> Option<Fault> {
    let place = one.place;
    let usual = "matches nobody; the usual shard_size holds for these tenants";
    if one.tenants.is_empty() {
        return Some(Fault::error(
            place,
            "override-without-tenants",
            "an override without tenants",
            usual,
        ));
    }
    match &one.matcher {
        Matcher::Exact | Matcher::Glob => None,
        Matcher::Unset => Some(
            Fault::error(
                place,
                "override-without-matcher",
                "an override without tenant_matcher_type",
                format!("unlike a hashring's, it {usual}"),
            )
            .fix("add \"tenant_matcher_type\": \"exact\""),
        ),
        Matcher::Other(word) => Some(
            Fault::error(
                place,
                "unknown-matcher",
                format!("unknown tenant_matcher_type {word:?}"),
                usual,
            )
            .fix("write \"exact\" or \"glob\""),
        ),
    }
}
