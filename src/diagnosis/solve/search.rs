//! Which sets of causes are weighed: all of up to `max_set` where that is affordable, else the
//! best ones a beam finds; in either case every single change to the best set as well.

use std::collections::{BTreeMap, BTreeSet};

use super::Options;
use super::engine::Engine;
use super::fixed::{self, Fixed};
use super::problem::Problem;
use crate::diagnosis::network::Network;

/// Most table rows that weighing all sets of one component may touch, at about 1 ns each.
const EXACT_ROWS: usize = 250_000_000;

/// Most table rows that a beam may touch.
const BEAM_ROWS: usize = 25_000_000;

/// What an evaluation costs besides its tables, in rows.
const OVERHEAD: usize = 200;

/// Causes a beam adds from its second round on: those that alone raise the joint probability
/// most, or lower it least.
const SHORTLIST: usize = 64;

/// Most instances of one type that are tried together; larger sets grow one by one.
const LARGEST_COMPANY: usize = 4;

/// Most steps of the final climb; each must improve the best set.
const STEPS: usize = 64;

/// One weighed set.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) struct Record {
    /// Switches of its causes, sorted.
    pub(super) set: Vec<u32>,
    pub(super) ln_prior: Fixed,
    pub(super) ln_likelihood: Fixed,
}

impl Record {
    /// ln P(set and evidence).
    pub(super) fn joint(&self) -> Fixed {
        self.ln_prior.saturating_add(self.ln_likelihood)
    }
}

/// All sets weighed, most probable first, ties by their causes.
#[derive(Clone, Debug, Default)]
pub(super) struct Found {
    pub(super) records: Vec<Record>,
    /// Every set of the size asked for was weighed.
    pub(super) complete: bool,
}

/// Priors of switches, and which exclude each other.
pub(super) struct Priors {
    /// ln P(no cause).
    pub(super) none: Fixed,
    /// ln of the prior odds of each cause.
    odds: Vec<Fixed>,
    /// The same where another instance of its type is active.
    further: Vec<Fixed>,
    kinds: Vec<u32>,
    excluded: Vec<BTreeSet<u32>>,
}

impl Priors {
    /// Priors of the causes of a problem. No cause is certain, and none is impossible.
    pub(super) fn new(network: &Network, problem: &Problem) -> Self {
        let (mut none, mut odds, mut further, mut kinds) = (0, Vec::new(), Vec::new(), Vec::new());
        let mut excluded = vec![BTreeSet::new(); problem.causes.len()];
        for (i, &cause) in problem.causes.iter().enumerate() {
            let p = prior(network.causes[cause].prior);
            let off = fixed::from_nats(libm::log1p(-p));
            none += off;
            let alone = fixed::ln(p) - off;
            odds.push(alone);
            let together = network.causes[cause].together;
            further.push(match together > p {
                true => fixed::ln(prior(together)).max(alone),
                false => alone,
            });
            kinds.push(network.causes[cause].kind);
            for other in problem.switches_of(&network.causes[cause].excludes) {
                if other as usize != i {
                    excluded[i].insert(other);
                    excluded[other as usize].insert(i as u32);
                }
            }
        }
        Self {
            none,
            odds,
            further,
            kinds,
            excluded,
        }
    }

    /// ln P(exactly this set). The first instance of a type costs its prior; one reason may bring
    /// about further ones.
    pub(super) fn of(&self, set: &[u32]) -> Fixed {
        let odds = set.iter().enumerate().map(|(i, &c)| {
            let kind = self.kinds[c as usize];
            let first = !set[..i].iter().any(|&o| self.kinds[o as usize] == kind);
            let odds = if first { &self.odds } else { &self.further };
            odds[c as usize]
        });
        self.none + odds.sum::<Fixed>()
    }

    /// One reason may bring it about at several subjects.
    fn in_company(&self, cause: u32) -> bool {
        self.further[cause as usize] > self.odds[cause as usize]
    }

    /// Sums of the prior odds of all choices of 0, 1, … `most` causes that do not come `free`, and
    /// any that do.
    pub(super) fn choices(&self, free: impl Fn(usize) -> bool, most: usize) -> Vec<f64> {
        let mut sums = vec![0.0; most + 1];
        sums[0] = 1.0;
        let kinds: BTreeSet<u32> = self.kinds.iter().copied().collect();
        for kind in kinds {
            let of_kind = (0..self.kinds.len()).filter(|&i| self.kinds[i] == kind);
            // Choices with none of this type, and with some.
            let (none, mut some) = (sums, vec![0.0; most + 1]);
            for i in of_kind {
                let (odd, more) = (fixed::exp(self.odds[i]), fixed::exp(self.further[i]));
                for j in (0..=most).rev() {
                    let from = if free(i) { Some(j) } else { j.checked_sub(1) };
                    some[j] += from.map_or(0.0, |f| none[f] * odd + some[f] * more);
                }
            }
            sums = none.iter().zip(&some).map(|(a, b)| a + b).collect();
        }
        sums
    }

    /// The cause may be active together with these.
    pub(super) fn allows(&self, set: &[u32], cause: u32) -> bool {
        let excluded = &self.excluded[cause as usize];
        excluded.is_empty() || !set.iter().any(|c| excluded.contains(c))
    }
}

/// A prior that is neither 0 nor 1.
pub(super) fn prior(p: f64) -> f64 {
    const LEAST: f64 = 1e-15;
    fixed::probability(p).clamp(LEAST, 1.0 - LEAST)
}

/// Weighs sets of causes.
pub(super) fn search(network: &Network, problem: &Problem, options: &Options) -> Found {
    let seeded = |i: &u32| network.causes[problem.causes[*i as usize]].seeded;
    let all = 0..problem.causes.len() as u32;
    let (seeds, mut free): (Vec<u32>, Vec<u32>) = all.partition(seeded);
    // The dearest switches first: they are thrown once, the cheap ones again and again below.
    free.sort_by_key(|&c| {
        let cost = problem.switch_plans[c as usize].cost;
        (std::cmp::Reverse(cost), c)
    });
    let mut search = Search {
        engine: Engine::new(problem),
        priors: Priors::new(network, problem),
        records: Vec::new(),
        seen: BTreeSet::new(),
    };
    let (full, less) = search.starts(&seeds);
    // To leave a seeded cause out is one departure already.
    let fewer = options.max_set.saturating_sub(1);
    let rows = full.len() * price(problem, &free, options.max_set)
        + less.len() * price(problem, &free, fewer);
    let complete = free.len() <= options.exact_candidates && rows <= EXACT_ROWS;
    if complete {
        for start in &full {
            search.enumerate(start, &free, options.max_set);
        }
        for start in &less {
            search.enumerate(start, &free, fewer);
        }
    } else {
        let starts = full.into_iter().chain(less).collect();
        search.beam(starts, &free, options);
    }
    search.climb(problem.causes.len() as u32);
    Found {
        records: search.sorted(),
        complete,
    }
}

/// Rows touched by throwing every switch that leads to a set of at most `k` of `free`, in order:
/// the switch at place i is thrown for each choice of fewer than `k` before it.
fn price(problem: &Problem, free: &[u32], k: usize) -> usize {
    let costs = free.iter().enumerate().map(|(i, &c)| {
        let cost = problem.switch_plans[c as usize].cost + OVERHEAD;
        cost.saturating_mul(if k == 0 { 0 } else { combinations(i, k - 1) })
    });
    costs.fold(0, usize::saturating_add)
}

/// Number of subsets of at most `k` of `n`.
fn combinations(n: usize, k: usize) -> usize {
    let (mut sum, mut term) = (1usize, 1usize);
    for j in 0..k.min(n) {
        term = term.saturating_mul(n - j) / (j + 1);
        sum = sum.saturating_add(term);
    }
    sum
}

struct Search<'p> {
    engine: Engine<'p>,
    priors: Priors,
    records: Vec<Record>,
    seen: BTreeSet<Vec<u32>>,
}

impl Search<'_> {
    /// The sets that all others grow from: all seeded causes; all but one; none. Of seeded causes
    /// that exclude each other every one leads once. The full ones, then those with one less.
    fn starts(&self, seeds: &[u32]) -> (Vec<Vec<u32>>, Vec<Vec<u32>>) {
        let mut starts = BTreeSet::from([Vec::new()]);
        let mut full = BTreeSet::from([self.compatible(None, seeds)]);
        full.extend(seeds.iter().map(|&s| self.compatible(Some(s), seeds)));
        for start in &full {
            for i in 0..start.len() {
                let mut less = start.clone();
                less.remove(i);
                starts.insert(less);
            }
        }
        starts.retain(|less| !full.contains(less));
        (full.into_iter().collect(), starts.into_iter().collect())
    }

    fn compatible(&self, first: Option<u32>, seeds: &[u32]) -> Vec<u32> {
        let mut set: Vec<u32> = first.into_iter().collect();
        for &seed in seeds {
            if !set.contains(&seed) && self.priors.allows(&set, seed) {
                set.push(seed);
            }
        }
        set.sort_unstable();
        set
    }

    /// Weighs the set whose switches are on.
    fn record(&mut self, set: Vec<u32>) -> Fixed {
        let record = Record {
            ln_prior: self.priors.of(&set),
            ln_likelihood: self.engine.ln_likelihood(),
            set,
        };
        let joint = record.joint();
        self.records.push(record);
        joint
    }

    fn enumerate(&mut self, start: &[u32], free: &[u32], most: usize) {
        self.engine.push_all(start);
        self.record(start.to_vec());
        let mut set = start.to_vec();
        self.extend(&mut set, free, most);
        self.engine.pop_n(start.len());
    }

    /// Adds every choice of at most `most` of `free`, in order.
    fn extend(&mut self, set: &mut Vec<u32>, free: &[u32], most: usize) {
        if most == 0 {
            return;
        }
        for (i, &cause) in free.iter().enumerate() {
            if !self.priors.allows(set, cause) {
                continue;
            }
            self.engine.push(cause);
            set.push(cause);
            self.record(sorted(set));
            self.extend(set, &free[i + 1..], most - 1);
            set.pop();
            self.engine.pop();
        }
    }

    /// Grows the best sets by one cause at a time, beyond `max_set` while that pays.
    fn beam(&mut self, starts: Vec<Vec<u32>>, free: &[u32], options: &Options) {
        let mut frontier = Vec::new();
        for start in starts.iter().take(options.beam.max(1)) {
            self.engine.push_all(start);
            let joint = self.weigh(start.clone());
            self.engine.pop_n(start.len());
            frontier.extend(joint.map(|j| (j, start.clone())));
        }
        let (mut shortlist, mut best) = (free.to_vec(), Fixed::MIN);
        let plans = free
            .iter()
            .map(|&c| &self.engine.problem().switch_plans[c as usize]);
        let rows: usize = plans.map(|p| p.cost + OVERHEAD).sum();
        // Enough for two rounds of a single set, whatever they cost.
        let mut left = (BEAM_ROWS / (rows / free.len().max(1)).max(1)).max(2 * free.len());
        for round in 0.. {
            rank(&mut frontier);
            let top = frontier.first().map_or(Fixed::MIN, |f| f.0);
            if frontier.is_empty() || left == 0 || round >= options.max_set && top <= best {
                return;
            }
            best = best.max(top);
            let rounds = options.max_set.saturating_sub(round).max(1);
            let width = left / (rounds * shortlist.len().max(1));
            frontier.truncate(width.clamp(1, options.beam.max(1)));
            let (mut next, gains) = self.grow(&frontier, &shortlist, &mut left);
            if round == 0 {
                next.extend(self.companies(&frontier[0].1, &gains));
                shortlist = best_gains(gains);
            }
            frontier = next;
        }
    }

    /// All sets one larger, and for each cause the most it changed a joint probability.
    #[allow(clippy::type_complexity)]
    fn grow(
        &mut self,
        frontier: &[(Fixed, Vec<u32>)],
        causes: &[u32],
        left: &mut usize,
    ) -> (Vec<(Fixed, Vec<u32>)>, Vec<(Fixed, u32)>) {
        let mut next = Vec::new();
        let mut gains: Vec<(Fixed, u32)> = causes.iter().map(|&c| (Fixed::MIN, c)).collect();
        for (joint, set) in frontier {
            self.engine.push_all(set);
            for gain in &mut gains {
                let cause = gain.1;
                if *left == 0 || set.contains(&cause) || !self.priors.allows(set, cause) {
                    continue;
                }
                *left -= 1;
                let mut larger = set.clone();
                larger.push(cause);
                larger.sort_unstable();
                self.engine.push(cause);
                if let Some(value) = self.weigh(larger.clone()) {
                    gain.0 = gain.0.max(value - joint);
                    next.push((value, larger));
                }
                self.engine.pop();
            }
            self.engine.pop_n(set.len());
        }
        (next, gains)
    }

    /// What one reason may have brought about at several subjects: the two, three, … instances of a
    /// type that are worth most by themselves, together.
    fn companies(&mut self, start: &[u32], gains: &[(Fixed, u32)]) -> Vec<(Fixed, Vec<u32>)> {
        let mut by_kind: BTreeMap<u32, Vec<(Fixed, u32)>> = BTreeMap::new();
        let weighed = gains.iter().filter(|g| g.0 > Fixed::MIN);
        for &(gain, cause) in weighed {
            if !self.priors.in_company(cause) || !self.priors.allows(start, cause) {
                continue;
            }
            let kind = self.priors.kinds[cause as usize];
            by_kind.entry(kind).or_default().push((gain, cause));
        }
        let mut found = Vec::new();
        for mut instances in by_kind.into_values() {
            instances.sort_by_key(|&(gain, cause)| (std::cmp::Reverse(gain), cause));
            let mut set = start.to_vec();
            self.engine.push_all(start);
            for (n, &(_, cause)) in instances.iter().enumerate().take(LARGEST_COMPANY) {
                set.push(cause);
                self.engine.push(cause);
                if n > 0 {
                    let value = self.weigh(sorted(&set));
                    found.extend(value.map(|v| (v, sorted(&set))));
                }
            }
            self.engine.pop_n(set.len());
        }
        found
    }

    /// Records the set whose switches are on, unless it was before.
    fn weigh(&mut self, set: Vec<u32>) -> Option<Fixed> {
        self.seen.insert(set.clone()).then(|| self.record(set))
    }

    /// Weighs all single changes of the best set, and goes on from a better one if there is one.
    /// Sets of an enumeration are weighed once more here; `sorted` drops the copies.
    fn climb(&mut self, causes: u32) {
        let best = |records: &[Record]| {
            let top = records
                .iter()
                .max_by(|a, b| (a.joint(), &b.set).cmp(&(b.joint(), &a.set)));
            top.map(|r| (r.joint(), r.set.clone()))
        };
        let Some((mut joint, mut set)) = best(&self.records) else {
            return;
        };
        for _ in 0..STEPS {
            let from = self.records.len();
            self.engine.push_all(&set);
            for cause in 0..causes {
                self.toggle(&set, cause);
            }
            self.engine.pop_n(set.len());
            match best(&self.records[from..]) {
                Some((value, next)) if value > joint => (joint, set) = (value, next),
                _ => return,
            }
        }
    }

    fn toggle(&mut self, set: &[u32], cause: u32) {
        let mut next = set.to_vec();
        match next.binary_search(&cause) {
            Ok(place) => drop(next.remove(place)),
            Err(_) if !self.priors.allows(set, cause) => return,
            Err(place) => next.insert(place, cause),
        }
        self.engine.push(cause);
        self.weigh(next);
        self.engine.pop();
    }

    fn sorted(mut self) -> Vec<Record> {
        let key = |a: &Record, b: &Record| b.joint().cmp(&a.joint()).then(a.set.cmp(&b.set));
        self.records.sort_by(key);
        self.records.dedup_by(|a, b| a.set == b.set);
        self.records
    }
}

fn sorted(set: &[u32]) -> Vec<u32> {
    let mut set = set.to_vec();
    set.sort_unstable();
    set
}

/// Best first, ties by causes.
fn rank(frontier: &mut [(Fixed, Vec<u32>)]) {
    frontier.sort_by(|a, b| b.0.cmp(&a.0).then(a.1.cmp(&b.1)));
}

fn best_gains(mut gains: Vec<(Fixed, u32)>) -> Vec<u32> {
    gains.sort_by_key(|&(gain, cause)| (std::cmp::Reverse(gain), cause));
    gains.truncate(SHORTLIST);
    gains.into_iter().map(|(_, cause)| cause).collect()
}
