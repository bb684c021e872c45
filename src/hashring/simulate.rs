//! How evenly a ring carries its load, and what the loss of members does to writes.

use std::collections::BTreeMap;

use rustc_hash::FxHashMap;
use serde::Serialize;

use super::pieces::{pieces, share};
use super::population::{Load, Population};
use super::quorum::{Quorum, quorum};
use super::ring::{Ring, RingError};
use super::router::Router;
use super::{Setup, natural};

/// Load and losses of a hashring file.
#[derive(Clone, Debug, Serialize)]
pub struct Simulation {
    /// The rule by which writes succeed.
    pub quorum: Quorum,
    /// Series of all tenants, each counted once, if known.
    pub series: Option<f64>,
    /// Measured, rather than the mean over made-up tenants (shuffle sharding).
    pub exact: bool,
    /// Series of several kinds of tenants were taken to be equal, for want of numbers.
    pub even: bool,
    /// Members, by address.
    pub members: Vec<MemberLoad>,
    /// Mean share of series a member.
    pub mean: f64,
    /// Load of the busiest member divided by the mean.
    pub worst_to_mean: f64,
    /// Loss of one member.
    pub one_lost: Loss,
    /// Loss of two members at once.
    pub two_lost: Loss,
    /// Loss of each zone; empty without zones.
    pub zone_lost: Vec<ZoneLoss>,
    /// Kinds of tenants that get no placement, with the reason.
    pub errors: Vec<String>,
}

/// What one member carries.
#[derive(Clone, Debug, Serialize)]
pub struct MemberLoad {
    /// Its address.
    pub endpoint: String,
    /// Its zone; empty if none.
    pub az: String,
    /// Share of all series that it holds a copy of, 0 to 1.
    pub share: f64,
    /// Head series it holds, if the number of series is known.
    pub head_series: Option<f64>,
    /// Share of series whose writes fail while it is away.
    pub fails_when_lost: f64,
}

/// What losses of one size do.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Loss {
    /// The members whose loss is the worst.
    pub worst: Vec<String>,
    /// Share of series whose writes then fail.
    pub worst_share: f64,
    /// Mean share over all choices.
    pub mean_share: f64,
    /// Choices that fail some series.
    pub harmful: usize,
    /// Choices there are.
    pub choices: usize,
}

/// What the loss of a zone does.
#[derive(Clone, Debug, Serialize)]
pub struct ZoneLoss {
    /// The zone.
    pub az: String,
    /// Its members.
    pub members: usize,
    /// Share of series whose writes fail.
    pub share: f64,
}

/// Share of requests that fail when `series_share` of the series fail and a request carries
/// `batch` series: one failing series fails its request, and the sender repeats all of it.
#[must_use]
pub fn request_share(series_share: f64, batch: u32) -> f64 {
    1.0 - libm::pow(1.0 - series_share.clamp(0.0, 1.0), f64::from(batch))
}

/// Measures load and losses.
///
/// # Errors
/// [`RingError::TooLarge`] when there are too many pieces to measure.
pub fn simulate(router: &Router<'_>, setup: &Setup, load: &Load) -> Result<Simulation, RingError> {
    let population = Population::new(&[router], load);
    let rule = quorum(setup.replication_factor(), setup.version);
    let mut meter = Meter::new(router, rule);
    let mut errors = Vec::new();
    for group in &population.groups {
        #[expect(clippy::cast_precision_loss, reason = "a handful of probes")]
        let weight = group.weight / group.probes.len().max(1) as f64;
        for probe in &group.probes {
            let ring = router
                .route(probe)
                .and_then(|index| router.ring(index, probe));
            match ring {
                Ok(ring) => meter.add(&ring, weight)?,
                Err(RingError::TooLarge { members, copies }) => {
                    return Err(RingError::TooLarge { members, copies });
                }
                Err(error) => errors.push(format!("{}: {error}", group.label)),
            }
        }
    }
    errors.dedup();
    let series = population.groups.iter().map(|group| group.series).sum();
    let exact = population.groups.iter().all(|group| group.exact);
    Ok(meter.finish(series, exact, population.even, errors))
}

struct Meter {
    rule: Quorum,
    members: Vec<(String, String)>,
    number: BTreeMap<String, usize>,
    zones: Vec<String>,
    zone_of: Vec<usize>,
    load: Vec<f64>,
    /// Share of series that fail when the member alone is lost.
    alone: Vec<f64>,
    /// What the share for a pair has beyond the sum of both alone.
    beyond: FxHashMap<(usize, usize), f64>,
    zone_fails: Vec<f64>,
}

impl Meter {
    fn new(router: &Router<'_>, rule: Quorum) -> Self {
        let endpoints = router.rings().endpoints();
        let members: BTreeMap<String, String> = endpoints
            .iter()
            .map(|one| (one.address.clone(), one.az.clone()))
            .collect();
        let mut members: Vec<(String, String)> = members.into_iter().collect();
        members.sort_by_cached_key(|(address, _)| natural(address));
        let number = members
            .iter()
            .enumerate()
            .map(|(at, (address, _))| (address.clone(), at))
            .collect();
        let mut zones: Vec<String> = members.iter().map(|(_, zone)| zone.clone()).collect();
        zones.sort();
        zones.dedup();
        let zone_of = members
            .iter()
            .map(|(_, zone)| zones.binary_search(zone).unwrap_or(0))
            .collect();
        let (count, zone_count) = (members.len(), zones.len());
        Self {
            rule,
            members,
            number,
            zones,
            zone_of,
            load: vec![0.0; count],
            alone: vec![0.0; count],
            beyond: FxHashMap::default(),
            zone_fails: vec![0.0; zone_count],
        }
    }

    fn add(&mut self, ring: &Ring, weight: f64) -> Result<(), RingError> {
        let number: Vec<usize> = ring
            .endpoints()
            .iter()
            .map(|endpoint| self.number[&endpoint.address])
            .collect();
        let tolerated = self.rule.tolerated();
        let mut load = vec![0u128; self.load.len()];
        let mut alone = vec![0u128; self.alone.len()];
        let mut zone_fails = vec![0u128; self.zone_fails.len()];
        let mut beyond: FxHashMap<(usize, usize), i128> = FxHashMap::default();
        // Members of the piece at hand, with how many of its copies they have.
        let mut holders: Vec<(usize, usize)> = Vec::new();
        let mut zones: Vec<(usize, usize)> = Vec::new();
        pieces([Some(ring)], |count, [copies]| {
            holders.clear();
            zones.clear();
            for &member in copies {
                let member = number[member as usize];
                bump(&mut holders, member);
                bump(&mut zones, self.zone_of[member]);
            }
            for &(member, _) in &holders {
                load[member] += count;
            }
            for &(zone, copies) in &zones {
                if copies > tolerated {
                    zone_fails[zone] += count;
                }
            }
            for (i, &(one, its)) in holders.iter().enumerate() {
                let fails = its > tolerated;
                if fails {
                    alone[one] += count;
                }
                for &(other, theirs) in &holders[i + 1..] {
                    let counted = i128::from(fails) + i128::from(theirs > tolerated);
                    let surplus = i128::from(its + theirs > tolerated) - counted;
                    if surplus != 0 {
                        let pair = (one.min(other), one.max(other));
                        // A count is at most 2^64.
                        *beyond.entry(pair).or_default() += count.cast_signed() * surplus;
                    }
                }
            }
        })?;
        add_shares(&mut self.load, &load, weight);
        add_shares(&mut self.alone, &alone, weight);
        add_shares(&mut self.zone_fails, &zone_fails, weight);
        for (pair, surplus) in beyond {
            let part = share(surplus.unsigned_abs()) * weight;
            *self.beyond.entry(pair).or_default() += if surplus < 0 { -part } else { part };
        }
        Ok(())
    }

    fn finish(
        self,
        series: Option<f64>,
        exact: bool,
        even: bool,
        errors: Vec<String>,
    ) -> Simulation {
        let one_lost = self.losses((0..self.members.len()).map(|member| vec![member]));
        let count = self.members.len();
        let two_lost =
            self.losses((0..count).flat_map(|a| (a + 1..count).map(move |b| vec![a, b])));
        #[expect(clippy::cast_precision_loss, reason = "bounded by RING_MEMBERS")]
        let mean = self.load.iter().sum::<f64>() / count.max(1) as f64;
        let most = self.load.iter().copied().fold(0.0, f64::max);
        let zoned = self.zones.len() > 1;
        let zone_lost = self
            .zones
            .iter()
            .enumerate()
            .filter(|_| zoned)
            .map(|(at, zone)| ZoneLoss {
                az: zone.clone(),
                members: self.zone_of.iter().filter(|&&zone| zone == at).count(),
                share: self.zone_fails[at],
            });
        let members = self
            .members
            .iter()
            .enumerate()
            .map(|(at, (endpoint, az))| MemberLoad {
                endpoint: endpoint.clone(),
                az: az.clone(),
                share: self.load[at],
                head_series: series.map(|series| series * self.load[at]),
                fails_when_lost: self.alone[at],
            });
        Simulation {
            quorum: self.rule,
            series,
            exact,
            even,
            members: members.collect(),
            mean,
            worst_to_mean: if mean > 0.0 { most / mean } else { 0.0 },
            one_lost,
            two_lost,
            zone_lost: zone_lost.collect(),
            errors,
        }
    }

    fn losses(&self, choices: impl Iterator<Item = Vec<usize>>) -> Loss {
        /// Below this a share is rounding, not a series.
        const NOTHING: f64 = 1e-12;
        let mut loss = Loss::default();
        let mut sum = 0.0;
        let mut worst = Vec::new();
        for choice in choices {
            let beyond = match choice[..] {
                [a, b] => self.beyond.get(&(a, b)).copied().unwrap_or(0.0),
                _ => 0.0,
            };
            let share = choice.iter().map(|&at| self.alone[at]).sum::<f64>() + beyond;
            let share = if share < NOTHING { 0.0 } else { share };
            loss.choices += 1;
            loss.harmful += usize::from(share > 0.0);
            sum += share;
            if share > loss.worst_share {
                loss.worst_share = share;
                worst = choice;
            }
        }
        loss.worst = worst
            .into_iter()
            .map(|at| self.members[at].0.clone())
            .collect();
        #[expect(clippy::cast_precision_loss, reason = "pairs of at most RING_MEMBERS")]
        let choices = loss.choices.max(1) as f64;
        loss.mean_share = sum / choices;
        loss
    }
}

fn add_shares(sums: &mut [f64], counts: &[u128], weight: f64) {
    for (sum, &count) in sums.iter_mut().zip(counts) {
        *sum += share(count) * weight;
    }
}

fn bump(counts: &mut Vec<(usize, usize)>, key: usize) {
    match counts.iter_mut().find(|(known, _)| *known == key) {
        Some((_, count)) => *count += 1,
        None => counts.push((key, 1)),
    }
}
