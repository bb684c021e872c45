//! Zones: with the wrong algorithm, half written, or impossible to fill.

use std::collections::BTreeMap;

use super::{Fault, KILLS, Subject, first_place};
use crate::hashring::ring::most_copies;
use crate::hashring::{Algorithm, quorum};

pub(super) fn check(subject: &Subject<'_>, faults: &mut Vec<Fault>) {
    let ring = subject.ring;
    let zones = ring.zones();
    if zones.iter().all(|zone| zone.is_empty()) || !subject.from(32) {
        return;
    }
    let place = first_place(ring, |endpoint| !endpoint.az.is_empty());
    let hashmod = Fault::error(
        place,
        "zones-with-hashmod",
        format!("hashring {} has zones (az)", subject.label),
        format!("hashmod does not support them: {KILLS}"),
    );
    faults.extend(subject.if_hashmod(
        hashmod.fix("add \"algorithm\": \"ketama\" to this hashring, or remove every az"),
    ));
    if subject.algorithm_in_force() == Some(Algorithm::Hashmod) {
        return;
    }
    if zones.len() > 1 && zones.contains(&"") {
        let without = ring
            .endpoints
            .iter()
            .filter(|endpoint| endpoint.az.is_empty())
            .count();
        faults.push(
            Fault::warning(
                first_place(ring, |endpoint| endpoint.az.is_empty()),
                "zone-missing",
                format!(
                    "{without} endpoints of hashring {} have no az",
                    subject.label
                ),
                "together they count as one more zone",
            )
            .fix("give every endpoint its az, or none"),
        );
    }
    if zones.len() > 1 {
        fill(subject, zones.len(), faults);
    }
}

fn fill(subject: &Subject<'_>, zones: usize, faults: &mut Vec<Fault>) {
    let ring = subject.ring;
    let Some(copies) = subject.setup.replication_factor else {
        return;
    };
    if ring.endpoints.len() < copies {
        return;
    }
    let mut sizes: BTreeMap<&str, usize> = BTreeMap::new();
    for endpoint in &ring.endpoints {
        *sizes.entry(&endpoint.az).or_default() += 1;
    }
    let shown: Vec<String> = sizes
        .iter()
        .map(|(zone, size)| format!("{zone:?}: {size}"))
        .collect();
    let most = most_copies(ring.endpoints.iter().map(|endpoint| endpoint.az.as_str()));
    if most < copies {
        let fault = Fault::error(
            ring.place,
            "endless-zones",
            format!(
                "hashring {}: {copies} copies cannot be spread over its zones ({}), at most {most}",
                subject.label,
                shown.join(", ")
            ),
            "members compute for ever: one core at 100 %, no log line, never ready; on a reload \
             the ring never changes",
        );
        faults.push(fault.fix("add members to the smallest zone, or lower the replication factor"));
        return;
    }
    let rule = quorum(copies, subject.setup.version);
    let in_one_zone = copies.div_ceil(zones);
    if copies > 1 && in_one_zone > rule.tolerated() {
        faults.push(Fault::warning(
            ring.place,
            "zone-loss",
            format!(
                "hashring {}: {copies} copies over {zones} zones put {in_one_zone} into one",
                subject.label
            ),
            format!(
                "the loss of one zone fails writes: {} of {copies} copies are needed",
                rule.needed
            ),
        ));
    }
    let (least, greatest) = (sizes.values().min(), sizes.values().max());
    if let (Some(least), Some(greatest)) = (least, greatest)
        && greatest > least
        && copies >= zones
    {
        faults.push(Fault::warning(
            ring.place,
            "zones-uneven",
            format!(
                "hashring {}: zones of different size ({})",
                subject.label,
                shown.join(", ")
            ),
            "zones hold about the same number of copies: members of small zones carry more",
        ));
    }
}
