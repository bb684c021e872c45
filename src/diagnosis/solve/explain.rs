//! Which cause is needed for which symptom, and the rank that follows from it.
//!
//! "Is it active?" and "does it explain this?" are different questions: an old fault may be
//! certain and yet have nothing to do with what is seen now.

use std::collections::{BTreeMap, BTreeSet};

use super::engine::Engine;
use super::fixed;
use super::predict::ancestors;
use super::problem::Evidence;
use super::{Component, SetPosterior, Solution};
use crate::diagnosis::network::Parent;

/// A cause explains a symptom when this much of it would go with the cause.
const EXPLAINS: f64 = 0.5;

/// Necessity is averaged over sets until they hold this share of the probability …
const MASS: f64 = 0.999;

/// … or there are this many.
const SETS: usize = 32;

/// Up to this many causes of one symptom all subsets are tried; beyond it pairs and the whole.
const SUBSETS: usize = 6;

/// How necessary one cause is for one symptom.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub struct Need {
    /// Averaged over all sets; 0 where the cause is not active.
    pub mean: f64,
    /// Averaged over the sets in which the cause is active.
    pub given_active: f64,
}

/// Necessity of causes for present symptoms.
#[derive(Clone, Debug, Default)]
pub struct Necessity {
    needs: BTreeMap<(usize, usize), Need>,
    explained: BTreeMap<usize, f64>,
}

impl Necessity {
    /// Necessity of a cause for a symptom; zero if it has nothing to do with it.
    pub fn get(&self, cause: usize, symptom: usize) -> Need {
        let need = self.needs.get(&(cause, symptom));
        need.copied().unwrap_or_default()
    }

    /// All pairs that are not zero, by cause, then by symptom.
    pub fn iter(&self) -> impl Iterator<Item = (usize, usize, Need)> + '_ {
        self.needs.iter().map(|(&(c, s), &need)| (c, s, need))
    }

    /// P(some known cause explains this symptom).
    pub fn explained(&self, symptom: usize) -> f64 {
        self.explained.get(&symptom).copied().unwrap_or_default()
    }
}

/// Necessity of every probable cause for every present symptom.
///
/// `PN(c, s | H)` is the largest drop of `P(s)` on taking `c` out of some subset of `H`, as a share
/// of `P(s | H)`. The subset matters when a symptom is caused twice over: of three dead members each
/// is needed, though any two would do.
pub fn necessity(solution: &Solution) -> Necessity {
    let mut all = Necessity::default();
    for component in solution.components.iter().filter(|c| c.present) {
        let sets = probable(component);
        let total: f64 = sets.iter().map(|s| s.posterior).sum();
        let mut needs = Needs::new(solution, component);
        for symptom in present(solution, component) {
            let mut explained = 0.0;
            for set in sets {
                let needs = needs.of(&set.causes, symptom);
                let known = |cause: usize| !solution.network.causes[cause].unknown;
                if needs.iter().any(|n| known(n.0) && n.1 >= EXPLAINS) {
                    explained += set.posterior;
                }
                for (cause, need) in needs {
                    all.needs.entry((cause, symptom)).or_default().mean += set.posterior * need;
                }
            }
            all.explained.insert(symptom, explained / total);
        }
        let active = active(sets);
        for (&(cause, symptom), need) in &mut all.needs {
            let here = component.symptoms.binary_search(&symptom).is_ok();
            if let (true, Some(p)) = (here, active.get(&cause)) {
                need.given_active = need.mean / p;
            }
        }
    }
    all.needs.retain(|_, need| need.mean > 0.0);
    all
}

/// P(cause active) within some sets.
fn active(sets: &[SetPosterior]) -> BTreeMap<usize, f64> {
    let mut sums = BTreeMap::new();
    for set in sets {
        for &cause in &set.causes {
            *sums.entry(cause).or_insert(0.0) += set.posterior;
        }
    }
    sums
}

/// Necessity of each cause of one set for one symptom, whatever the evidence.
pub fn necessity_in(solution: &Solution, set: &[usize], symptom: usize) -> Vec<(usize, f64)> {
    let mut components = solution.components.iter();
    let component = components.find(|c| c.symptoms.binary_search(&symptom).is_ok());
    component.map_or_else(Vec::new, |c| Needs::new(solution, c).of(set, symptom))
}

/// The sets that necessity is averaged over.
pub(super) fn probable(component: &Component) -> &[SetPosterior] {
    let mut mass = 0.0;
    let enough = component.sets.iter().take(SETS).position(|set| {
        mass += set.posterior;
        mass >= MASS
    });
    let until = enough.map_or(SETS.min(component.sets.len()), |i| i + 1);
    &component.sets[..until]
}

/// Present symptoms of a component.
pub(super) fn present<'a>(
    solution: &'a Solution,
    component: &'a Component,
) -> impl Iterator<Item = usize> + 'a {
    let symptoms = component.symptoms.iter().copied();
    symptoms.filter(|&s| solution.network.symptoms[s].present)
}

/// What a symptom depends on, as bits: symptoms with the same links need the same causes.
type Links = (u64, Vec<(Vec<Parent>, u64)>);

/// Necessities within one component; remembers what was asked before.
pub(super) struct Needs<'s> {
    solution: &'s Solution,
    component: &'s Component,
    engine: Engine<'s>,
    tables: BTreeMap<Links, Table>,
}

/// For one kind of symptom.
struct Table {
    symptom: usize,
    /// Causes it can be reached from.
    causes: BTreeSet<usize>,
    /// P(it shows | exactly these causes).
    shown: BTreeMap<Vec<usize>, f64>,
    needs: BTreeMap<Vec<usize>, Vec<(usize, f64)>>,
}

impl<'s> Needs<'s> {
    pub(super) fn new(solution: &'s Solution, component: &'s Component) -> Self {
        Self {
            solution,
            component,
            engine: Engine::blank(&component.problem),
            tables: BTreeMap::new(),
        }
    }

    /// Necessity of each cause of a set for a symptom; causes that have nothing to do with it are
    /// left out.
    pub(super) fn of(&mut self, set: &[usize], symptom: usize) -> Vec<(usize, f64)> {
        // A symptom that had to be left out of the computation needs nothing.
        let Some(place) = self.component.problem.symptom_of(symptom) else {
            return Vec::new();
        };
        let links = links(self.solution, symptom);
        let mut table = self.tables.remove(&links).unwrap_or_else(|| Table {
            symptom: place,
            causes: ancestors(&self.solution.network, &[symptom]).0,
            shown: BTreeMap::new(),
            needs: BTreeMap::new(),
        });
        let mut mine = set.to_vec();
        mine.retain(|c| table.causes.contains(c));
        let needs = match table.needs.get(&mine) {
            Some(needs) => needs.clone(),
            None => self.compute(&mut table, mine),
        };
        self.tables.insert(links, table);
        needs
    }

    fn compute(&mut self, table: &mut Table, mine: Vec<usize>) -> Vec<(usize, f64)> {
        self.engine.observe(table.symptom, Evidence::Present(1.0));
        let whole = self.shows(table, &mine);
        let mut most = vec![0.0f64; mine.len()];
        for subset in subsets(mine.len()) {
            let chosen: Vec<usize> = subset.iter().map(|&i| mine[i]).collect();
            let with = self.shows(table, &chosen);
            for (place, &i) in subset.iter().enumerate() {
                let mut without = chosen.clone();
                without.remove(place);
                most[i] = most[i].max(with - self.shows(table, &without));
            }
        }
        self.engine.pop();
        let share = |drop: f64| {
            let share = if whole > 0.0 { drop / whole } else { 0.0 };
            share.clamp(0.0, 1.0)
        };
        let drops = mine.iter().zip(most);
        let needs: Vec<(usize, f64)> = drops.map(|(&c, drop)| (c, share(drop))).collect();
        table.needs.insert(mine, needs.clone());
        needs
    }

    /// P(symptom | exactly these causes).
    fn shows(&mut self, table: &mut Table, set: &[usize]) -> f64 {
        if let Some(&p) = table.shown.get(set) {
            return p;
        }
        let switches = self.component.problem.switches_of(set);
        self.engine.push_all(&switches);
        let p = fixed::exp(self.engine.ln_likelihood());
        self.engine.pop_n(switches.len());
        table.shown.insert(set.to_vec(), p);
        p
    }
}

fn links(solution: &Solution, symptom: usize) -> Links {
    let node = &solution.network.symptoms[symptom];
    let terms = node.terms.iter();
    let terms = terms.map(|t| (t.all.clone(), (t.q * t.weight).to_bits()));
    (node.leak.to_bits(), terms.collect())
}

/// Subsets that are tried of `n` causes: all, or singles, pairs and the whole.
fn subsets(n: usize) -> Vec<Vec<usize>> {
    if n <= SUBSETS {
        let masks = 1usize..1 << n;
        return masks
            .map(|mask| (0..n).filter(|i| mask >> i & 1 == 1).collect())
            .collect();
    }
    let mut all: Vec<Vec<usize>> = (0..n).map(|i| vec![i]).collect();
    for i in 0..n {
        all.extend((i + 1..n).map(|j| vec![i, j]));
    }
    all.push((0..n).collect());
    all
}

/// Score of each cause: its mean necessity over present symptoms, impact weighing more.
pub fn ranking_score(solution: &Solution, necessity: &Necessity) -> Vec<f64> {
    let mut scores = vec![0.0; solution.network.causes.len()];
    let weights = weights(solution);
    for (cause, symptom, need) in necessity.iter() {
        let (weight, total) = weights[&symptom];
        scores[cause] += weight * need.mean / total;
    }
    scores
}

/// Weight of each present symptom, and the sum of weights of its component.
fn weights(solution: &Solution) -> BTreeMap<usize, (f64, f64)> {
    let weight = |s: usize| solution.network.symptoms[s].rank_weight.max(0.0);
    let mut all = BTreeMap::new();
    for component in solution.components.iter().filter(|c| c.present) {
        let total: f64 = present(solution, component).map(weight).sum();
        let total = if total > 0.0 { total } else { 1.0 };
        all.extend(present(solution, component).map(|s| (s, (weight(s), total))));
    }
    all
}

/// Which present symptom is explained by what.
#[derive(Clone, Debug, Default)]
pub struct Explains {
    /// For each present symptom the known causes that explain it, most necessary first.
    pub by_symptom: BTreeMap<usize, Vec<(usize, f64)>>,
    /// Present symptoms that are more likely than not explained by no known cause.
    pub unexplained: Vec<usize>,
}

/// Which present symptom is explained by what: necessity, where the cause is active, of a half or
/// more.
pub fn explains(solution: &Solution, necessity: &Necessity) -> Explains {
    let mut all = Explains::default();
    for component in solution.components.iter().filter(|c| c.present) {
        for symptom in present(solution, component) {
            all.by_symptom.insert(symptom, Vec::new());
            if necessity.explained(symptom) < EXPLAINS {
                all.unexplained.push(symptom);
            }
        }
    }
    for (cause, symptom, need) in necessity.iter() {
        let known = !solution.network.causes[cause].unknown;
        if known && need.given_active >= EXPLAINS {
            let list = all.by_symptom.entry(symptom).or_default();
            list.push((cause, need.given_active));
        }
    }
    for list in all.by_symptom.values_mut() {
        list.sort_by(|a, b| b.1.total_cmp(&a.1).then(a.0.cmp(&b.0)));
    }
    all.unexplained.sort_unstable();
    all
}

/// An irredundant cover: the set without causes whose every symptom has another explanation in it
/// that stands without them. Least probable causes go first, one at a time.
pub fn cover(solution: &Solution, set: &[usize]) -> Vec<usize> {
    let mut kept = set.to_vec();
    kept.sort_unstable();
    let mut order = kept.clone();
    let p = |c: usize| solution.marginals.get(c).copied().unwrap_or_default();
    order.sort_by(|&a, &b| p(a).total_cmp(&p(b)).then(b.cmp(&a)));
    for cause in order {
        let rest: Vec<usize> = kept.iter().copied().filter(|&c| c != cause).collect();
        let Some(component) = solution.component_of(cause) else {
            kept = rest;
            continue;
        };
        let mut needs = Needs::new(solution, component);
        let needed = present(solution, component).any(|symptom| {
            let with = needs.of(&kept, symptom);
            let mine = with.iter().any(|n| n.0 == cause && n.1 >= EXPLAINS);
            mine && !needs.of(&rest, symptom).iter().any(|n| n.1 >= EXPLAINS)
        });
        if !needed {
            kept = rest;
        }
    }
    kept
}
