//! What a change of the file moves.

use std::collections::{BTreeMap, BTreeSet};

use serde::Serialize;

use super::config::{RingConfig, Rings, Shuffle};
use super::natural;
use super::pieces::{pieces, share};
use super::population::{Group, Load, Population};
use super::ring::{Ring, RingError};
use super::router::Router;

/// The difference between two hashring files.
#[derive(Clone, Debug, Serialize)]
pub struct Diff {
    /// Nothing that matters to placement or routing differs.
    pub same: bool,
    /// Members only in the new file.
    pub added: Vec<String>,
    /// Members only in the old file.
    pub removed: Vec<String>,
    /// Other changes of entries, in words.
    pub changes: Vec<String>,
    /// Tenants whose writes go to another entry.
    pub tenants: Vec<TenantMove>,
    /// Shares, for each group of tenants that is served alike.
    pub groups: Vec<GroupDiff>,
    /// The same over all groups, each with its weight.
    pub overall: Moves,
    /// Series of several groups were taken to be equal, for want of numbers.
    pub even: bool,
    /// Tenants left out of the groups because there are too many.
    pub tenants_left_out: usize,
}

/// A tenant that changes its entry.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct TenantMove {
    /// The tenant, a glob, or `all tenants` for those not named.
    pub tenant: String,
    /// Entry before; none when its writes are refused.
    pub from: Option<String>,
    /// Entry after.
    pub to: Option<String>,
}

/// What moves for tenants that are served alike.
#[derive(Clone, Debug, Serialize)]
pub struct GroupDiff {
    /// The tenants.
    pub tenants: String,
    /// Entry before.
    pub from: Option<String>,
    /// Entry after.
    pub to: Option<String>,
    /// Measured on these very tenants; otherwise the mean over made-up names.
    pub exact: bool,
    /// Why there is no ring before or after.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub error: Option<String>,
    /// What moves.
    #[serde(flatten)]
    pub moves: Moves,
}

/// How much moves. Shares are of the series (0 to 1), not of the copies, unless it says so.
#[derive(Clone, Debug, Default, Serialize)]
pub struct Moves {
    /// Series concerned, each counted once, if known.
    pub series: Option<f64>,
    /// Share of series with at least one copy on a member that had none.
    pub moved: f64,
    /// Share of copies that land on a member that had none of that series.
    pub copies_moved: f64,
    /// Share of series that keep no member at all.
    pub uprooted: f64,
    /// Members that hold something before or after, by address.
    pub members: Vec<MemberMoves>,
}

/// What a change means for one member.
#[derive(Clone, Debug, Default, Serialize)]
pub struct MemberMoves {
    /// Its address.
    pub endpoint: String,
    /// Share of series it holds before.
    pub before: f64,
    /// Share of series it holds after.
    pub after: f64,
    /// Share of series that are new to it.
    pub gains: f64,
    /// Share of series it will no longer be sent.
    pub loses: f64,
    /// Head series that are created on it by the change, if the number of series is known. What it
    /// loses stays in its head until that is cut, so for two to three hours both are in memory.
    pub extra_head_series: Option<f64>,
    /// Head series it holds once the old ones have gone, if known.
    pub head_series_after: Option<f64>,
}

/// Compares two files, as built.
///
/// # Errors
/// [`RingError::TooLarge`] when there are too many pieces to measure.
pub fn diff(old: &Router<'_>, new: &Router<'_>, load: &Load) -> Result<Diff, RingError> {
    let population = Population::new(&[old, new], load);
    let mut groups = Vec::new();
    let mut tenants = Vec::new();
    let mut total = Tally::default();
    for group in &population.groups {
        let (from, to) = (entry(old, group), entry(new, group));
        if from != to {
            let tenant = group.label.clone();
            tenants.push(TenantMove {
                tenant,
                from: from.clone(),
                to: to.clone(),
            });
        }
        let mut tally = Tally::default();
        let error = measure(old, new, group, &mut tally)?;
        total.add(&tally, group.weight);
        let moves = tally.moves(group.series);
        groups.push(GroupDiff {
            tenants: group.label.clone(),
            from,
            to,
            exact: group.exact,
            error,
            moves,
        });
    }
    let (before, after) = (addresses(old.rings()), addresses(new.rings()));
    let series = population.groups.iter().map(|group| group.series).sum();
    let mut result = Diff {
        same: false,
        added: only_in(&after, &before),
        removed: only_in(&before, &after),
        changes: changes(old.rings(), new.rings()),
        tenants,
        groups,
        overall: total.moves(series),
        even: population.even,
        tenants_left_out: population.dropped,
    };
    result.same = result.added.is_empty()
        && result.removed.is_empty()
        && result.changes.is_empty()
        && result.tenants.is_empty()
        && result.overall.moved == 0.0
        && result
            .overall
            .members
            .iter()
            .all(|member| member.loses == 0.0);
    Ok(result)
}

/// Sums of shares while pieces go by.
#[derive(Default)]
struct Tally {
    moved: f64,
    copies: f64,
    copies_moved: f64,
    uprooted: f64,
    members: BTreeMap<String, [f64; 4]>,
}

const BEFORE: usize = 0;
const AFTER: usize = 1;
const GAINS: usize = 2;
const LOSES: usize = 3;

impl Tally {
    fn add(&mut self, other: &Self, weight: f64) {
        self.moved += other.moved * weight;
        self.copies += other.copies * weight;
        self.copies_moved += other.copies_moved * weight;
        self.uprooted += other.uprooted * weight;
        for (member, shares) in &other.members {
            let sums = self.members.entry(member.clone()).or_default();
            for (sum, share) in sums.iter_mut().zip(shares) {
                *sum += share * weight;
            }
        }
    }

    fn moves(self, series: Option<f64>) -> Moves {
        let members = self
            .members
            .into_iter()
            .map(|(endpoint, shares)| MemberMoves {
                endpoint,
                before: shares[BEFORE],
                after: shares[AFTER],
                gains: shares[GAINS],
                loses: shares[LOSES],
                extra_head_series: series.map(|series| series * shares[GAINS]),
                head_series_after: series.map(|series| series * shares[AFTER]),
            });
        let mut members: Vec<MemberMoves> = members.collect();
        members.sort_by_cached_key(|member| natural(&member.endpoint));
        Moves {
            series,
            moved: self.moved,
            copies_moved: if self.copies > 0.0 {
                self.copies_moved / self.copies
            } else {
                0.0
            },
            uprooted: self.uprooted,
            members,
        }
    }
}

/// Measures one group; the answer is why one side has no ring.
fn measure(
    old: &Router<'_>,
    new: &Router<'_>,
    group: &Group,
    tally: &mut Tally,
) -> Result<Option<String>, RingError> {
    let mut error = None;
    #[expect(clippy::cast_precision_loss, reason = "a handful of probes")]
    let weight = 1.0 / group.probes.len().max(1) as f64;
    for probe in &group.probes {
        let [before, after] = [old, new].map(|router| {
            router
                .route(probe)
                .and_then(|index| router.ring(index, probe))
                .map_err(|reason| error = Some(reason.to_string()))
                .ok()
        });
        measure_rings(before.as_deref(), after.as_deref(), weight, tally)?;
    }
    Ok(error)
}

fn measure_rings(
    before: Option<&Ring>,
    after: Option<&Ring>,
    weight: f64,
    tally: &mut Tally,
) -> Result<(), RingError> {
    // Members of both rings get one numbering, by address.
    let mut numbers: BTreeMap<&str, usize> = BTreeMap::new();
    let endpoints = |ring: Option<&Ring>| -> Vec<String> {
        let endpoints = ring.map(Ring::endpoints).unwrap_or_default();
        endpoints
            .iter()
            .map(|endpoint| endpoint.address.clone())
            .collect()
    };
    let lists = [endpoints(before), endpoints(after)];
    for address in lists.iter().flatten() {
        let next = numbers.len();
        numbers.entry(address).or_insert(next);
    }
    let number: [Vec<usize>; 2] =
        [0, 1].map(|side: usize| lists[side].iter().map(|a| numbers[a.as_str()]).collect());
    let mut counts = vec![[0u128; 4]; numbers.len()];
    let (mut moved, mut copies_after, mut copies_moved, mut uprooted) = (0, 0, 0, 0);
    let mut sets: [Vec<usize>; 2] = [Vec::new(), Vec::new()];
    pieces([before, after], |count, copies| {
        for side in 0..2 {
            sets[side].clear();
            for &member in copies[side] {
                let member = number[side][member as usize];
                if !sets[side].contains(&member) {
                    sets[side].push(member);
                }
            }
        }
        let [old, new] = &sets;
        old.iter()
            .for_each(|&member| counts[member][BEFORE] += count);
        new.iter()
            .for_each(|&member| counts[member][AFTER] += count);
        let mut gained = 0;
        for &member in new.iter().filter(|member| !old.contains(member)) {
            counts[member][GAINS] += count;
            gained += count;
        }
        let kept = old.iter().filter(|member| new.contains(member)).count();
        if kept < old.len() {
            old.iter()
                .filter(|member| !new.contains(member))
                .for_each(|&member| counts[member][LOSES] += count);
        }
        copies_after += count * new.len() as u128;
        copies_moved += gained;
        moved += if gained > 0 { count } else { 0 };
        uprooted += if gained > 0 && kept == 0 { count } else { 0 };
    })?;
    tally.moved += share(moved) * weight;
    tally.copies += share(copies_after) * weight;
    tally.copies_moved += share(copies_moved) * weight;
    tally.uprooted += share(uprooted) * weight;
    for (address, &at) in &numbers {
        let sums = tally.members.entry((*address).to_owned()).or_default();
        for (sum, count) in sums.iter_mut().zip(counts[at]) {
            *sum += share(count) * weight;
        }
    }
    Ok(())
}

fn entry(router: &Router<'_>, group: &Group) -> Option<String> {
    let index = router.route(group.probes.first()?).ok()?;
    Some(router.rings().rings[index].label(index))
}

fn addresses(rings: &Rings) -> BTreeSet<String> {
    rings
        .endpoints()
        .into_iter()
        .map(|endpoint| endpoint.address.clone())
        .collect()
}

fn only_in(these: &BTreeSet<String>, those: &BTreeSet<String>) -> Vec<String> {
    let mut list: Vec<String> = these.difference(those).cloned().collect();
    list.sort_by_cached_key(|address| natural(address));
    list
}

/// Changes of entries that have the same label in both files, and entries in only one.
fn changes(old: &Rings, new: &Rings) -> Vec<String> {
    let labelled = |rings: &'_ Rings| -> BTreeMap<String, RingConfig> {
        let entries = rings.rings.iter().enumerate();
        entries
            .map(|(index, ring)| (ring.label(index), ring.clone()))
            .collect()
    };
    let (before, after) = (labelled(old), labelled(new));
    let mut changes = Vec::new();
    for (label, ring) in &before {
        match after.get(label) {
            None => changes.push(format!("hashring {label} is gone")),
            Some(other) => {
                // With one hashring the members were told already.
                if before.len() > 1 || after.len() > 1 {
                    member_changes(label, ring, other, &mut changes);
                }
                entry_changes(label, ring, other, &mut changes);
            }
        }
    }
    let added = after.keys().filter(|label| !before.contains_key(*label));
    changes.extend(added.map(|label| format!("hashring {label} is new")));
    changes
}

fn members(ring: &RingConfig) -> BTreeMap<String, String> {
    ring.endpoints
        .iter()
        .map(|one| (one.address.clone(), one.az.clone()))
        .collect()
}

fn member_changes(label: &str, old: &RingConfig, new: &RingConfig, changes: &mut Vec<String>) {
    let (before, after): (BTreeSet<_>, BTreeSet<_>) = (
        members(old).into_keys().collect(),
        members(new).into_keys().collect(),
    );
    for (verb, list) in [
        ("gains", only_in(&after, &before)),
        ("loses", only_in(&before, &after)),
    ] {
        if !list.is_empty() {
            changes.push(format!("hashring {label} {verb} {}", list.join(", ")));
        }
    }
}

fn entry_changes(label: &str, old: &RingConfig, new: &RingConfig, changes: &mut Vec<String>) {
    let mut note = |what: String| changes.push(format!("hashring {label}: {what}"));
    let (before, after) = (members(old), members(new));
    for (address, zone) in &before {
        if let Some(other) = after.get(address).filter(|other| *other != zone) {
            note(format!("{address} moves from zone {zone:?} to {other:?}"));
        }
    }
    if old.endpoints.len() != before.len() || new.endpoints.len() != after.len() {
        note("has members listed twice".to_owned());
    }
    let tenants = |ring: &RingConfig| -> BTreeSet<String> {
        ring.tenants.iter().map(|name| name.text.clone()).collect()
    };
    let (was, is) = (tenants(old), tenants(new));
    if was != is {
        let show = |set: &BTreeSet<String>| match set.len() {
            0 => "everyone".to_owned(),
            _ => set.iter().cloned().collect::<Vec<_>>().join(", "),
        };
        note(format!(
            "tenants change from {} to {}",
            show(&was),
            show(&is)
        ));
    }
    if old.matcher != new.matcher && !new.tenants.is_empty() {
        note(format!(
            "tenants are matched by {} instead of {}",
            new.matcher, old.matcher
        ));
    }
    let word = |ring: &RingConfig| {
        ring.algorithm
            .as_ref()
            .map_or("the flag's", |a| &a.text)
            .to_owned()
    };
    if word(old) != word(new) {
        note(format!(
            "algorithm changes from {} to {}",
            word(old),
            word(new)
        ));
    }
    if old.external_labels != new.external_labels {
        note("external labels change".to_owned());
    }
    if sharding(old.active_shuffle()) != sharding(new.active_shuffle()) {
        note(format!(
            "shuffle sharding changes from {} to {}",
            sharding(old.active_shuffle()),
            sharding(new.active_shuffle())
        ));
    }
}

fn sharding(shuffle: Option<&Shuffle>) -> String {
    let Some(shuffle) = shuffle else {
        return "off".to_owned();
    };
    let zones = if shuffle.zone_awareness_disabled {
        ", zones disregarded"
    } else {
        ""
    };
    let overrides: Vec<String> = shuffle
        .overrides
        .iter()
        .map(|one| {
            let names: Vec<&str> = one.tenants.iter().map(|name| name.text.as_str()).collect();
            format!(
                "; {} for {} ({})",
                one.shard_size,
                names.join(", "),
                one.matcher
            )
        })
        .collect();
    format!("{}{zones}{}", shuffle.shard_size, overrides.concat())
}
