//! In which order variables are summed out, and the program that does it.
//!
//! First states, always the one whose table is smallest; then the trees of wide nodes, joint by
//! joint from the leaves to the root; then hubs. If that makes too large a table, smallest first
//! throughout. Ties go to the lower level, then to the lower index, so that the order is a function
//! of the network alone.

use std::collections::BTreeSet;

use super::problem::{Bucket, Factor, Shape};

/// A table would be too large.
#[derive(Debug)]
pub(super) struct TooWide {
    /// The state to condition on: the one with the most neighbours.
    pub(super) state: Option<u32>,
}

/// How large tables may become.
#[derive(Clone, Copy, Debug)]
pub(super) struct Limits {
    /// Most states that one node reads before it becomes a tree.
    pub(super) narrow: usize,
    /// Most entries in one table.
    pub(super) table: u64,
    /// Most entries, zeros included, of the joint table of what is eliminated in one step.
    pub(super) step: u64,
}

/// A variable of the elimination.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Variable {
    /// Number of values.
    pub(super) size: u32,
    /// 0 for states, more for accumulators.
    pub(super) level: u32,
    /// It connects clusters and is best eliminated last.
    pub(super) hub: bool,
    /// Where it is joined with others; the same for all trees there.
    pub(super) joint: Option<Joint>,
}

/// A place where trees join accumulators.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct Joint {
    /// Clusters below it: joints further down have fewer.
    pub(super) width: u32,
    /// First of these clusters.
    pub(super) from: u32,
}

/// Order of choice: states; joints from the leaves to the root; hubs. Then by cost.
type Key = (u8, Option<Joint>, u64, u32, u32);

/// Neighbours and costs, kept up to date while variables are eliminated.
struct Graph<'a> {
    vars: &'a [Variable],
    near: Vec<BTreeSet<u32>>,
    queue: BTreeSet<Key>,
    cost: Vec<u64>,
    /// Follow the trees; else only cost counts.
    phased: bool,
    limits: Limits,
}

impl<'a> Graph<'a> {
    fn new(vars: &'a [Variable], factors: &[Factor], phased: bool, limits: Limits) -> Self {
        let mut near = vec![BTreeSet::new(); vars.len()];
        for factor in factors {
            for &a in &factor.scope {
                near[a as usize].extend(factor.scope.iter().filter(|&&b| b != a));
            }
        }
        let mut graph = Self {
            vars,
            near,
            queue: BTreeSet::new(),
            cost: vec![0; vars.len()],
            phased,
            limits,
        };
        for var in 0..vars.len() as u32 {
            graph.requeue(var);
        }
        graph
    }

    fn key(&self, var: u32) -> Key {
        let v = &self.vars[var as usize];
        let cost = self.cost[var as usize];
        match (self.phased, v.hub, v.joint) {
            (false, _, _) => (0, None, cost, v.level, var),
            (true, true, _) => (2, None, cost, v.level, var),
            (true, false, None) => (0, None, cost, v.level, var),
            // All of one joint come together, whatever their costs.
            (true, false, joint) => (1, joint, 0, v.level, var),
        }
    }

    fn requeue(&mut self, var: u32) {
        self.queue.remove(&self.key(var));
        self.cost[var as usize] = self.size(self.near[var as usize].iter().chain([&var]));
        self.queue.insert(self.key(var));
    }

    fn size<'v>(&self, vars: impl Iterator<Item = &'v u32>) -> u64 {
        let sizes = vars.map(|&v| u64::from(self.vars[v as usize].size));
        sizes.fold(1, u64::saturating_mul)
    }

    /// What is eliminated next: a variable, or all accumulators of one joint.
    fn next(&self) -> Result<Vec<u32>, TooWide> {
        let Some(&(phase, joint, _, _, var)) = self.queue.first() else {
            return Ok(Vec::new());
        };
        if phase == 1 {
            let same = self.queue.iter().take_while(|k| (k.0, k.1) == (1, joint));
            let group: Vec<u32> = same.map(|k| k.4).collect();
            let around = self.around(&group);
            let table = self.size(around.iter().chain(&group));
            if self.size(around.iter()) <= self.limits.table && table <= self.limits.step {
                return Ok(group);
            }
        }
        if self.cost[var as usize] > self.limits.table {
            let state = self.widest_state();
            return Err(TooWide { state });
        }
        Ok(vec![var])
    }

    fn around(&self, group: &[u32]) -> BTreeSet<u32> {
        let near = group.iter().flat_map(|&v| &self.near[v as usize]);
        near.filter(|v| !group.contains(v)).copied().collect()
    }

    fn eliminate(&mut self, group: &[u32]) {
        let around = self.around(group);
        for &var in group {
            self.queue.remove(&self.key(var));
            self.near[var as usize].clear();
        }
        for &a in &around {
            let near = &mut self.near[a as usize];
            near.retain(|v| !group.contains(v));
            near.extend(around.iter().filter(|&&b| b != a));
        }
        for &a in &around {
            self.requeue(a);
        }
    }

    fn widest_state(&self) -> Option<u32> {
        let left = self.queue.iter().map(|k| k.4);
        left.filter(|&var| self.vars[var as usize].level == 0)
            .max_by_key(|&var| (self.near[var as usize].len(), std::cmp::Reverse(var)))
    }
}

/// The order of elimination, some variables at once, or why there is none within these limits.
pub(super) fn order(
    vars: &[Variable],
    factors: &[Factor],
    limits: Limits,
) -> Result<Vec<Vec<u32>>, TooWide> {
    attempt(vars, factors, limits, true).or_else(|_| attempt(vars, factors, limits, false))
}

fn attempt(
    vars: &[Variable],
    factors: &[Factor],
    limits: Limits,
    phased: bool,
) -> Result<Vec<Vec<u32>>, TooWide> {
    let mut graph = Graph::new(vars, factors, phased, limits);
    let mut order = Vec::with_capacity(vars.len());
    loop {
        let group = graph.next()?;
        if group.is_empty() {
            return Ok(order);
        }
        graph.eliminate(&group);
        order.push(group);
    }
}

/// One input of a step: its scope, and where its entries are.
#[derive(Clone)]
struct Input {
    scope: Vec<u32>,
    source: Source,
    /// Place in the arena; none: only zeros and ones.
    offset: Option<usize>,
    allowed: Vec<bool>,
    /// Products it was made of, to keep trees of products balanced.
    depth: u32,
}

/// Where an input comes from.
#[derive(Clone, Copy)]
enum Source {
    Factor(usize),
    Step(u32),
}

/// Lays out tables and messages in the arena and writes the program of each step.
pub(super) struct Planner<'a> {
    vars: &'a [Variable],
    pub(super) steps: Vec<Bucket>,
    /// The step that reads each factor.
    pub(super) home: Vec<Option<u32>>,
    /// Length of the arena.
    pub(super) arena: usize,
}

impl<'a> Planner<'a> {
    /// Plans the elimination of all variables in this order.
    pub(super) fn new(vars: &'a [Variable], factors: &mut [Factor], order: &[Vec<u32>]) -> Self {
        let mut planner = Self {
            vars,
            steps: Vec::with_capacity(order.len()),
            home: vec![None; factors.len()],
            arena: 0,
        };
        let mut rank = vec![0usize; vars.len()];
        for (i, group) in order.iter().enumerate() {
            group.iter().for_each(|&var| rank[var as usize] = i);
        }
        let first = |scope: &[u32]| scope.iter().map(|&v| rank[v as usize]).min();
        let mut waiting: Vec<Vec<Input>> = vec![Vec::new(); order.len()];
        for (i, factor) in factors.iter_mut().enumerate() {
            let input = planner.place(i, factor);
            if let Some(r) = first(&factor.scope) {
                waiting[r].push(input);
            }
        }
        for (r, group) in order.iter().enumerate() {
            let inputs = std::mem::take(&mut waiting[r]);
            let message = planner.eliminate(inputs, group);
            if let Some(r) = first(&message.scope) {
                waiting[r].push(message);
            }
        }
        planner
    }

    fn place(&mut self, index: usize, factor: &mut Factor) -> Input {
        let join = matches!(factor.shape, Shape::Join);
        factor.offset = self.arena;
        factor.len = size_of(self.vars, &factor.scope);
        if !join {
            self.arena += factor.len;
        }
        Input {
            scope: factor.scope.clone(),
            source: Source::Factor(index),
            offset: (!join).then_some(factor.offset),
            allowed: factor.allowed.clone(),
            depth: 0,
        }
    }

    /// Multiplies the inputs, two at a time, and sums the variables out.
    fn eliminate(&mut self, inputs: Vec<Input>, group: &[u32]) -> Input {
        let (mut tables, joins): (Vec<Input>, Vec<Input>) =
            inputs.into_iter().partition(|i| i.offset.is_some());
        // Small ones first: fifty tables over one variable become one before they meet a large one.
        while tables.len() > 2 {
            let a = tables.remove(self.least(&tables, &[]));
            let b = tables.remove(self.least(&tables, &a.scope));
            let scope = union(&a.scope, &b.scope, &[]);
            let depth = 1 + a.depth.max(b.depth);
            let product = self.step(vec![a, b], scope, &[], depth);
            tables.push(product);
        }
        tables.extend(joins);
        let scope = tables
            .iter()
            .fold(Vec::new(), |all, i| union(&all, &i.scope, group));
        self.step(tables, scope, group, 0)
    }

    /// The input that makes the smallest table together with `scope`.
    fn least(&self, inputs: &[Input], scope: &[u32]) -> usize {
        let size = |i: &Input| size_of(self.vars, &union(&i.scope, scope, &[]));
        let places = 0..inputs.len();
        places
            .min_by_key(|&i| (size(&inputs[i]), inputs[i].depth, i))
            .unwrap_or_default()
    }

    fn step(&mut self, inputs: Vec<Input>, scope: Vec<u32>, group: &[u32], depth: u32) -> Input {
        let index = self.steps.len() as u32;
        for input in &inputs {
            match input.source {
                Source::Factor(f) => self.home[f] = Some(index),
                Source::Step(s) => self.steps[s as usize].parent = Some(index),
            }
        }
        let mut bucket = rows(self.vars, &inputs, &scope, group);
        bucket.offset = self.arena;
        self.arena += bucket.counts.len();
        let message = Input {
            scope,
            source: Source::Step(index),
            offset: Some(bucket.offset),
            allowed: Vec::new(),
            depth,
        };
        self.steps.push(bucket);
        message
    }
}

/// The variables of both, sorted, without some.
fn union(a: &[u32], b: &[u32], without: &[u32]) -> Vec<u32> {
    let mut all = [a, b].concat();
    all.retain(|v| !without.contains(v));
    all.sort_unstable();
    all.dedup();
    all
}

fn size_of(vars: &[Variable], scope: &[u32]) -> usize {
    scope
        .iter()
        .map(|&v| vars[v as usize].size as usize)
        .product()
}

/// Lists, for each entry of the message, the products that are summed; impossible ones are left out.
fn rows(vars: &[Variable], inputs: &[Input], out: &[u32], group: &[u32]) -> Bucket {
    let joint = [group, out].concat();
    let strides: Vec<Vec<usize>> = inputs
        .iter()
        .map(|i| strides(vars, &i.scope, &joint))
        .collect();
    let mut bucket = Bucket {
        width: inputs.iter().filter(|i| i.offset.is_some()).count(),
        counts: vec![0; size_of(vars, out)],
        ..Bucket::default()
    };
    let inner = size_of(vars, group);
    let sizes: Vec<usize> = joint
        .iter()
        .map(|&v| vars[v as usize].size as usize)
        .collect();
    let mut digits = vec![0usize; joint.len()];
    let mut places = vec![0usize; inputs.len()];
    for entry in 0..bucket.counts.len() * inner {
        let mut each = inputs.iter().zip(&places);
        if each.all(|(i, &place)| i.allowed.is_empty() || i.allowed[place]) {
            bucket.counts[entry / inner] += 1;
            let tables = inputs.iter().zip(&places);
            let tables = tables.filter_map(|(i, place)| i.offset.map(|o| (o + place) as u32));
            bucket.rows.extend(tables);
        }
        advance(&sizes, &strides, &mut digits, &mut places);
    }
    bucket
}

/// How far each joint variable moves a place in the table of `scope`.
fn strides(vars: &[Variable], scope: &[u32], joint: &[u32]) -> Vec<usize> {
    let mut stride = vec![0; joint.len()];
    let mut step = 1;
    for var in scope {
        if let Some(i) = joint.iter().position(|v| v == var) {
            stride[i] = step;
        }
        step *= vars[*var as usize].size as usize;
    }
    stride
}

/// The next value of the joint variables, and where it is in each table.
fn advance(sizes: &[usize], strides: &[Vec<usize>], digits: &mut [usize], places: &mut [usize]) {
    for (i, (digit, &size)) in digits.iter_mut().zip(sizes).enumerate() {
        let tables = places.iter_mut().zip(strides);
        if *digit + 1 < size {
            *digit += 1;
            tables.for_each(|(place, strides)| *place += strides[i]);
            return;
        }
        tables.for_each(|(place, strides)| *place -= strides[i] * *digit);
        *digit = 0;
    }
}
