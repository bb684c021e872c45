//! In which order variables are summed out, and the program that does it.
//!
//! Greedy: always the variable whose table is smallest; ties go to the lower level (leaves of a
//! tree before its inner nodes), then to the lower index, so that the order is a function of the
//! network alone.

use std::collections::BTreeSet;

use super::problem::{Bucket, Factor, Shape};

/// A table would be too large.
#[derive(Debug)]
pub(super) struct TooWide {
    /// The state to condition on: the one with the most neighbours.
    pub(super) state: Option<u32>,
}

/// A variable of the elimination.
#[derive(Clone, Copy, Debug)]
pub(super) struct Variable {
    /// Number of values.
    pub(super) size: u32,
    /// 0 for states, more for accumulators.
    pub(super) level: u32,
}

/// Neighbours and costs, kept up to date while variables are eliminated.
struct Graph<'a> {
    vars: &'a [Variable],
    near: Vec<BTreeSet<u32>>,
    queue: BTreeSet<(u64, u32, u32)>,
    cost: Vec<u64>,
}

impl<'a> Graph<'a> {
    fn new(vars: &'a [Variable], factors: &[Factor]) -> Self {
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
        };
        for var in 0..vars.len() as u32 {
            graph.requeue(var);
        }
        graph
    }

    fn requeue(&mut self, var: u32) {
        let v = var as usize;
        let level = self.vars[v].level;
        self.queue.remove(&(self.cost[v], level, var));
        let sizes = self.near[v]
            .iter()
            .map(|&n| u64::from(self.vars[n as usize].size));
        self.cost[v] = sizes.fold(u64::from(self.vars[v].size), u64::saturating_mul);
        self.queue.insert((self.cost[v], level, var));
    }

    fn eliminate(&mut self, var: u32) {
        let v = var as usize;
        self.queue.remove(&(self.cost[v], self.vars[v].level, var));
        let around = std::mem::take(&mut self.near[v]);
        for &a in &around {
            let near = &mut self.near[a as usize];
            near.remove(&var);
            near.extend(around.iter().filter(|&&b| b != a));
        }
        for &a in &around {
            self.requeue(a);
        }
    }

    fn widest_state(&self) -> Option<u32> {
        let left = self.queue.iter().map(|&(_, _, var)| var);
        left.filter(|&var| self.vars[var as usize].level == 0)
            .max_by_key(|&var| (self.near[var as usize].len(), std::cmp::Reverse(var)))
    }
}

/// The order of elimination, or why there is none below `cap` entries.
pub(super) fn order(vars: &[Variable], factors: &[Factor], cap: u64) -> Result<Vec<u32>, TooWide> {
    let mut graph = Graph::new(vars, factors);
    let mut order = Vec::with_capacity(vars.len());
    while let Some(&(cost, _, var)) = graph.queue.first() {
        if cost > cap {
            let state = graph.widest_state();
            return Err(TooWide { state });
        }
        graph.eliminate(var);
        order.push(var);
    }
    Ok(order)
}

/// One input of a bucket: its scope, and where its entries are (none: only zeros and ones).
struct Input<'a> {
    scope: &'a [u32],
    offset: Option<usize>,
    allowed: &'a [bool],
    strides: Vec<usize>,
}

/// Lays out tables and messages in the arena and writes the program of each bucket.
/// Returns the buckets, the bucket of each factor and the length of the arena.
pub(super) fn program(
    vars: &[Variable],
    factors: &mut [Factor],
    order: &[u32],
) -> (Vec<Bucket>, Vec<Option<u32>>, usize) {
    let mut arena = 0;
    for factor in &mut *factors {
        factor.offset = arena;
        factor.len = size_of(vars, &factor.scope);
        if !matches!(factor.shape, Shape::Join) {
            arena += factor.len;
        }
    }
    let mut rank = vec![0u32; vars.len()];
    for (i, &var) in order.iter().enumerate() {
        rank[var as usize] = i as u32;
    }
    let first = |scope: &[u32]| scope.iter().map(|&v| rank[v as usize]).min();
    let home: Vec<Option<u32>> = factors.iter().map(|f| first(&f.scope)).collect();
    let mut of_bucket: Vec<Vec<usize>> = vec![Vec::new(); order.len()];
    for (i, bucket) in home.iter().enumerate() {
        if let Some(b) = bucket {
            of_bucket[*b as usize].push(i);
        }
    }
    let mut buckets: Vec<Bucket> = Vec::with_capacity(order.len());
    let mut scopes: Vec<Vec<u32>> = Vec::with_capacity(order.len());
    let mut arriving: Vec<Vec<usize>> = vec![Vec::new(); order.len()];
    for (b, &var) in order.iter().enumerate() {
        let tables = of_bucket[b].iter().map(|&i| table_input(&factors[i]));
        let messages = arriving[b].iter().map(|&m| Input {
            scope: &scopes[m],
            offset: Some(buckets[m].offset),
            allowed: &[],
            strides: Vec::new(),
        });
        let inputs: Vec<Input<'_>> = tables.chain(messages).collect();
        let mut out: Vec<u32> = inputs.iter().flat_map(|i| i.scope.to_vec()).collect();
        out.sort_unstable_by_key(|&v| rank[v as usize]);
        out.dedup();
        out.retain(|&v| v != var);
        let mut bucket = rows(vars, inputs, &out, var);
        bucket.offset = arena;
        bucket.parent = first(&out);
        arena += bucket.counts.len();
        if let Some(parent) = bucket.parent {
            arriving[parent as usize].push(b);
        }
        buckets.push(bucket);
        scopes.push(out);
    }
    (buckets, home, arena)
}

fn table_input(factor: &Factor) -> Input<'_> {
    let join = matches!(factor.shape, Shape::Join);
    Input {
        scope: &factor.scope,
        offset: (!join).then_some(factor.offset),
        allowed: &factor.allowed,
        strides: Vec::new(),
    }
}

fn size_of(vars: &[Variable], scope: &[u32]) -> usize {
    scope
        .iter()
        .map(|&v| vars[v as usize].size as usize)
        .product()
}

/// Lists, for each entry of the message, the products that are summed; impossible ones are left out.
fn rows(vars: &[Variable], mut inputs: Vec<Input<'_>>, out: &[u32], var: u32) -> Bucket {
    let mut joint = vec![var];
    joint.extend(out);
    for input in &mut inputs {
        input.strides = strides(vars, input.scope, &joint);
    }
    let mut bucket = Bucket {
        width: inputs.iter().filter(|i| i.offset.is_some()).count(),
        counts: vec![0; size_of(vars, out)],
        ..Bucket::default()
    };
    let inner = vars[var as usize].size as usize;
    let mut digits = vec![0usize; joint.len()];
    for entry in 0..bucket.counts.len() * inner {
        let place = |input: &Input<'_>| -> usize {
            let pairs = input.strides.iter().zip(&digits);
            pairs.map(|(stride, digit)| stride * digit).sum()
        };
        let possible = inputs
            .iter()
            .all(|i| i.allowed.is_empty() || i.allowed[place(i)]);
        if possible {
            bucket.counts[entry / inner] += 1;
            for input in &inputs {
                if let Some(offset) = input.offset {
                    bucket.rows.push((offset + place(input)) as u32);
                }
            }
        }
        advance(vars, &joint, &mut digits);
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

fn advance(vars: &[Variable], joint: &[u32], digits: &mut [usize]) {
    for (digit, &var) in digits.iter_mut().zip(joint) {
        *digit += 1;
        if *digit < vars[var as usize].size as usize {
            return;
        }
        *digit = 0;
    }
}
