//! Splits a node with many parents into a balanced tree of small tables.
//!
//! A noisy-OR of a hundred terms, or a gate over fifty members, is a sum that can be taken piece
//! by piece: each piece says how many members are on, up to the count that matters, and whether
//! one of its terms has triggered. All numbers stay positive, so nothing cancels. Pieces follow
//! the clusters of states that belong together (all about one pod), and all nodes use the same
//! halving of the clusters, so that their trees fit each other and tables stay small.

use super::compile::{Builder, RawNode, RawTerm};
use super::noisy::{LocalTerm, NoisyOr};
use super::order::Joint;
use super::problem::{Accumulator, Factor, Output, Shape};

/// Most states in one leaf.
pub(super) const LEAF: usize = 4;

/// Terms and members that are summed together.
#[derive(Debug, Default)]
struct Leaf {
    cluster: usize,
    vars: Vec<u32>,
    members: Vec<u32>,
    terms: Vec<RawTerm>,
}

impl Leaf {
    /// Takes these variables in if they fit.
    fn fits(&self, vars: &[u32]) -> bool {
        let new = vars.iter().filter(|v| !self.vars.contains(v)).count();
        self.vars.len() + new <= LEAF
    }

    fn take(&mut self, vars: &[u32]) {
        for &var in vars {
            if !self.vars.contains(&var) {
                self.vars.push(var);
            }
        }
        self.vars.sort_unstable();
    }
}

/// The leaves of a node, in order of their clusters.
fn leaves(node: &RawNode, clusters: &[usize]) -> Vec<Leaf> {
    let mut items: Vec<(usize, Vec<u32>, Option<RawTerm>)> = Vec::new();
    for &member in node.gate.iter().flat_map(|g| &g.vars) {
        items.push((clusters[member as usize], vec![member], None));
    }
    for term in node.terms.iter().filter(|t| !t.vars.is_empty()) {
        // States that many others meet in have clusters of their own, of the highest numbers.
        let cluster = term.vars.iter().map(|&v| clusters[v as usize]).min();
        items.push((cluster.unwrap_or(0), term.vars.clone(), Some(term.clone())));
    }
    items.sort_by(|a, b| (a.0, a.2.is_some(), &a.1).cmp(&(b.0, b.2.is_some(), &b.1)));
    let mut leaves: Vec<Leaf> = Vec::new();
    for (cluster, vars, term) in items {
        let same = leaves
            .iter_mut()
            .rev()
            .take_while(|l| l.cluster == cluster)
            .find(|l| l.fits(&vars));
        let leaf = match same {
            Some(leaf) => leaf,
            None => {
                leaves.push(Leaf {
                    cluster,
                    ..Leaf::default()
                });
                let last = leaves.len() - 1;
                &mut leaves[last]
            }
        };
        leaf.take(&vars);
        match term {
            Some(term) => leaf.terms.push(term),
            None => leaf.members.extend(vars),
        }
    }
    leaves
}

/// Terms over switches and table bits.
fn local_terms(terms: &[RawTerm], vars: &[u32]) -> Vec<LocalTerm> {
    let terms = terms.iter();
    terms
        .map(|term| LocalTerm {
            switches: term.switches.clone(),
            mask: mask(&term.vars, vars),
            strength: term.strength,
        })
        .collect()
}

/// The bits of `some` in the table index over `vars`.
pub(super) fn mask(some: &[u32], vars: &[u32]) -> u32 {
    let places = some.iter().filter_map(|v| vars.iter().position(|w| w == v));
    places.fold(0, |mask, place| mask | 1 << place)
}

/// The part of a noisy-OR that reads no state: leak, and terms of switches alone.
fn bare(node: &RawNode) -> NoisyOr {
    let terms: Vec<RawTerm> = node
        .terms
        .iter()
        .filter(|t| t.vars.is_empty())
        .cloned()
        .collect();
    NoisyOr {
        leak: node.leak,
        terms: local_terms(&terms, &[]),
        gate: None,
    }
}

/// Adds a wide node as a tree whose root gives `output`.
pub(super) fn add_tree(
    builder: &mut Builder<'_>,
    node: &RawNode,
    output: Output,
    child: Option<u32>,
) {
    let cap = node.gate.as_ref().map_or(0, |g| g.cap());
    let clusters = builder.clusters.clone();
    let parts: Vec<(usize, Accumulator)> = leaves(node, &clusters)
        .into_iter()
        .map(|leaf| (leaf.cluster, add_leaf(builder, leaf, cap)))
        .collect();
    let ids = builder.ids;
    let Some(input) = halve(builder, &parts, 0, ids, cap) else {
        return;
    };
    let mut noisy = bare(node);
    noisy.gate = node.gate.as_ref().map(|g| g.local(0));
    let mut scope = vec![input.var];
    scope.extend(child);
    builder.factors.push(Factor {
        scope,
        noisy,
        shape: Shape::Root { input },
        output,
        allowed: Vec::new(),
        offset: 0,
        len: 0,
    });
}

/// A wide symptom that stayed silent: each leaf by itself, no tree. Silence has at most two ways
/// (it could not be seen; it could, and does not show), and in each the leaves are independent.
/// With `ways` a variable says which; without it the symptom was certain to be seen, or is taken
/// leaf by leaf as if it was.
pub(super) fn add_silent(builder: &mut Builder<'_>, node: &RawNode, symptom: u32, ways: bool) {
    let clusters = builder.clusters.clone();
    let way = ways.then(|| builder.add_variable(2, 1));
    if let Some(way) = way {
        builder.variables[way as usize].hub = true;
    }
    let factor = |vars: Vec<u32>, noisy: NoisyOr, output: Output| {
        let shape = Shape::Narrow { bits: vars.len() };
        let mut scope = vars;
        scope.extend(way);
        Factor {
            scope,
            noisy,
            shape,
            output,
            allowed: Vec::new(),
            offset: 0,
            len: 0,
        }
    };
    let (part, rest) = if ways {
        (Output::SilentWayPart, Output::SilentWays(symptom))
    } else {
        (Output::SilentPart(symptom), Output::SilentPart(symptom))
    };
    for leaf in leaves(node, &clusters) {
        let noisy = NoisyOr {
            leak: 0.0,
            terms: local_terms(&leaf.terms, &leaf.vars),
            gate: None,
        };
        builder.factors.push(factor(leaf.vars, noisy, part));
    }
    builder.factors.push(factor(Vec::new(), bare(node), rest));
}

/// One leaf; a lone gate member is its own accumulator.
fn add_leaf(builder: &mut Builder<'_>, leaf: Leaf, cap: u32) -> Accumulator {
    if leaf.terms.is_empty() && leaf.members.len() == 1 && cap > 0 {
        return Accumulator {
            var: leaf.members[0],
            most: 1,
            trigger: false,
        };
    }
    let mut out = Accumulator {
        var: 0,
        most: cap.min(leaf.members.len() as u32),
        trigger: !leaf.terms.is_empty(),
    };
    out.var = builder.add_variable(out.size(), 1);
    let bits = leaf.vars.len();
    let members = mask(&leaf.members, &leaf.vars);
    let mut allowed = vec![false; (out.size() as usize) << bits];
    for entry in 0..1usize << bits {
        let count = (entry as u32 & members).count_ones().min(out.most) as usize;
        allowed[entry + (count << bits)] = true;
        if out.trigger {
            allowed[entry + ((out.triggered() as usize) << bits)] = true;
        }
    }
    let noisy = NoisyOr {
        leak: 0.0,
        terms: local_terms(&leaf.terms, &leaf.vars),
        gate: None,
    };
    let mut scope = leaf.vars;
    scope.push(out.var);
    builder.factors.push(Factor {
        scope,
        noisy,
        shape: Shape::Leaf { bits, members, out },
        output: Output::State,
        allowed,
        offset: 0,
        len: 0,
    });
    out
}

/// Joins the parts whose clusters lie in `from..until`, by halving: the same for every node, so
/// that trees over the same clusters have the same shape.
fn halve(
    builder: &mut Builder<'_>,
    parts: &[(usize, Accumulator)],
    from: usize,
    until: usize,
    cap: u32,
) -> Option<Accumulator> {
    if parts.len() <= 1 || until - from <= 1 {
        let accumulators = parts.iter().map(|p| p.1);
        return accumulators.reduce(|a, b| join(builder, a, b, cap));
    }
    // Clusters that causes reach come after the others and hang near the root: only they change.
    let quiet = builder.quiet;
    let middle = if from < quiet && quiet < until {
        quiet
    } else {
        from + (until - from) / 2
    };
    let (low, high) = parts.split_at(parts.partition_point(|p| p.0 < middle));
    let low = halve(builder, low, from, middle, cap);
    let high = halve(builder, high, middle, until, cap);
    match (low, high) {
        (Some(a), Some(b)) => {
            let joint = Joint {
                width: (until - from) as u32,
                from: from as u32,
            };
            for accumulator in [a, b] {
                let variable = &mut builder.variables[accumulator.var as usize];
                // A lone member is a state with ties of its own.
                variable.joint = (variable.level > 0).then_some(joint);
            }
            Some(join(builder, a, b, cap))
        }
        (one, other) => one.or(other),
    }
}

/// One accumulator for two.
fn join(builder: &mut Builder<'_>, a: Accumulator, b: Accumulator, cap: u32) -> Accumulator {
    let mut out = Accumulator {
        var: 0,
        most: cap.min(a.most + b.most),
        trigger: a.trigger || b.trigger,
    };
    let level = 1 + builder.level(a.var).max(builder.level(b.var));
    out.var = builder.add_variable(out.size(), level);
    let (rows, columns) = (a.size(), b.size());
    let mut allowed = vec![false; (rows * columns * out.size()) as usize];
    for i in 0..rows {
        for j in 0..columns {
            let value = if i > a.most || j > b.most {
                out.triggered()
            } else {
                (i + j).min(out.most)
            };
            allowed[(i + rows * (j + columns * value)) as usize] = true;
        }
    }
    builder.factors.push(Factor {
        scope: vec![a.var, b.var, out.var],
        noisy: NoisyOr::default(),
        shape: Shape::Join,
        output: Output::State,
        allowed,
        offset: 0,
        len: 0,
    });
    out
}
