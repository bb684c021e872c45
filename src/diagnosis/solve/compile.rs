//! Compiles the part of a network that bears on some symptoms.

use std::collections::BTreeSet;

use super::fixed::probability;
use super::noisy::{LocalGate, LocalTerm, NARROW, NoisyOr, share};
use super::order::{self, Limits, Planner, TooWide, Variable};
use super::part::{self, members, strength, valid};
use super::problem::{Evidence, Factor, Output, Plan, Problem, Shape};
use super::tree;
use crate::diagnosis::network::{Network, Parent, SymptomNode, Term};

/// What is tried in turn. Small tables are the quickest where they do; nodes over all pods are better
/// trees from four pods on.
const LIMITS: [Limits; 3] = [
    Limits {
        narrow: NARROW,
        table: 1 << 12,
        step: 1 << 14,
    },
    Limits {
        narrow: NARROW,
        table: 1 << 16,
        step: 1 << 18,
    },
    Limits {
        narrow: 3,
        table: 1 << 14,
        step: 1 << 20,
    },
];

/// Most states conditioned on; beyond it symptoms are left out. Each set of causes costs at least
/// one evaluation for each of them.
const HELD: usize = 8;

/// A state that more states than this share a table with is a hub: it connects clusters and is
/// not part of any.
const HUB: usize = 12;

/// A cause that reaches no more clusters than this is about some subjects, not about all.
const FEW: usize = 4;

/// Shares closer than this are the same share: counting further does not matter.
const SAME_SHARE: f64 = 1e-6;

/// A term over variables and switches.
#[derive(Clone, Debug, PartialEq, PartialOrd)]
pub(super) struct RawTerm {
    pub(super) vars: Vec<u32>,
    pub(super) switches: Vec<u32>,
    pub(super) strength: f64,
}

/// A gate over variables and switches.
#[derive(Clone, Debug)]
pub(super) struct RawGate {
    pub(super) vars: Vec<u32>,
    pub(super) switches: Vec<u32>,
    q: f64,
    g: Vec<f64>,
}

impl RawGate {
    /// Least count from which on the share stays the same.
    pub(super) fn cap(&self) -> u32 {
        let all = self.vars.len() + self.switches.len();
        let last = share(&self.g, all);
        let differs = |b: &usize| (share(&self.g, *b) - last).abs() > SAME_SHARE;
        (0..all).rev().find(differs).map_or(0, |b| b as u32 + 1)
    }

    /// With members as bits of a table index; the rest are switches.
    pub(super) fn local(&self, mask: u32) -> LocalGate {
        LocalGate {
            mask,
            switches: self.switches.clone(),
            q: self.q,
            g: self.g.clone(),
        }
    }
}

/// A state or symptom with its parents resolved.
#[derive(Clone, Debug)]
pub(super) struct RawNode {
    pub(super) leak: f64,
    pub(super) terms: Vec<RawTerm>,
    pub(super) gate: Option<RawGate>,
}

impl RawNode {
    /// The variables it reads, sorted.
    fn vars(&self) -> Vec<u32> {
        let terms = self.terms.iter().flat_map(|t| &t.vars);
        let gate = self.gate.iter().flat_map(|g| &g.vars);
        let all: BTreeSet<u32> = terms.chain(gate).copied().collect();
        all.into_iter().collect()
    }
}

/// What was given up so that all tables stay small.
#[derive(Clone, Debug, Default)]
struct Relaxed {
    /// Index into [`LIMITS`]. Still exact.
    limits: usize,
    /// Wide silent symptoms count as if each of their parents were silent by itself.
    silent: bool,
    /// States conditioned on.
    held: BTreeSet<usize>,
    /// Symptoms left out.
    dropped: BTreeSet<usize>,
}

/// What to compile.
pub(super) struct Request<'r> {
    pub(super) network: &'r Network,
    /// The causes that may be active, sorted.
    pub(super) causes: &'r [usize],
    /// The symptoms that make a difference, sorted.
    pub(super) symptoms: &'r [usize],
    /// Those among them whose evidence will be varied both ways, sorted.
    pub(super) flexible: &'r [usize],
}

/// Compiles; gives up exactness step by step until every table fits.
pub(super) fn compile(request: &Request<'_>) -> Problem {
    let mut relaxed = Relaxed::default();
    loop {
        let mut builder = Builder::new(request, &relaxed);
        builder.add_all();
        let wide = builder.wide.clone();
        let states = builder.states.clone();
        match builder.finish() {
            Ok(problem) => return problem,
            Err(stuck) => relax(request, &mut relaxed, &wide, &states, &stuck),
        }
    }
}

fn relax(
    request: &Request<'_>,
    relaxed: &mut Relaxed,
    wide: &[usize],
    states: &[usize],
    stuck: &TooWide,
) {
    let symptoms = &request.network.symptoms;
    let partly = |s: &&usize| !symptoms[**s].present && symptoms[**s].observability < 1.0;
    if relaxed.limits + 1 < LIMITS.len() {
        relaxed.limits += 1;
    } else if !relaxed.silent && wide.iter().any(|s| partly(&s)) {
        relaxed.silent = true;
    } else if let (Some(var), true) = (stuck.state, relaxed.held.len() < HELD) {
        relaxed.held.insert(states[var as usize]);
    } else {
        // Of what is left the symptoms with most terms bind most states together; what was seen is
        // given up last. A quarter at a time, so that this ends soon.
        let mut left: Vec<usize> = request.symptoms.to_vec();
        left.retain(|s| !relaxed.dropped.contains(s));
        left.sort_by_key(|&s| {
            let node = &symptoms[s];
            (node.present, std::cmp::Reverse(node.terms.len()), s)
        });
        left.truncate(left.len().div_ceil(4));
        relaxed.dropped.extend(left);
    }
}

/// Collects variables and factors.
pub(super) struct Builder<'r> {
    request: &'r Request<'r>,
    relaxed: &'r Relaxed,
    var_of: Vec<Option<u32>>,
    switch_of: Vec<Option<u32>>,
    held: Vec<u32>,
    /// State of each of the first variables.
    states: Vec<usize>,
    symptoms: Vec<usize>,
    /// Symptoms that need a tree.
    wide: Vec<usize>,
    pub(super) variables: Vec<Variable>,
    pub(super) factors: Vec<Factor>,
    /// Cluster of each state variable.
    pub(super) clusters: Vec<usize>,
    /// Clusters below this are reached by no cause of their own.
    pub(super) quiet: usize,
    /// Number of clusters.
    pub(super) ids: usize,
}

impl<'r> Builder<'r> {
    fn new(request: &'r Request<'r>, relaxed: &'r Relaxed) -> Self {
        let mut symptoms = request.symptoms.to_vec();
        symptoms.retain(|s| !relaxed.dropped.contains(s));
        let relevant = part::relevant(request.network, &symptoms);
        let mut builder = Self {
            request,
            relaxed,
            var_of: vec![None; relevant.len()],
            switch_of: vec![None; relevant.len()],
            held: Vec::new(),
            states: Vec::new(),
            symptoms,
            wide: Vec::new(),
            variables: Vec::new(),
            factors: Vec::new(),
            clusters: Vec::new(),
            quiet: 0,
            ids: 0,
        };
        for state in (0..relevant.len()).filter(|&s| relevant[s]) {
            if relaxed.held.contains(&state) {
                let switch = (request.causes.len() + builder.held.len()) as u32;
                builder.switch_of[state] = Some(switch);
                builder.held.push(switch);
            } else {
                builder.var_of[state] = Some(builder.add_variable(2, 0));
                builder.states.push(state);
            }
        }
        builder
    }

    /// A new variable.
    pub(super) fn add_variable(&mut self, size: u32, level: u32) -> u32 {
        self.variables.push(Variable {
            size,
            level,
            ..Variable::default()
        });
        self.variables.len() as u32 - 1
    }

    /// Level of a variable.
    pub(super) fn level(&self, var: u32) -> u32 {
        self.variables[var as usize].level
    }

    /// Most states that one table reads.
    fn narrow(&self) -> usize {
        LIMITS[self.relaxed.limits].narrow
    }

    fn add_all(&mut self) {
        let network = self.request.network;
        let states: Vec<(usize, RawNode)> = (0..self.var_of.len())
            .filter(|&s| self.var_of[s].or(self.switch_of[s]).is_some())
            .map(|s| (s, self.state(s)))
            .collect();
        let symptoms: Vec<RawNode> = self
            .symptoms
            .iter()
            .map(|&s| self.symptom(&network.symptoms[s]))
            .collect();
        self.find_clusters(&states, &symptoms);
        for (state, node) in states {
            let output = self.switch_of[state].map_or(Output::State, Output::Held);
            self.add(&node, output, self.var_of[state]);
        }
        for (i, node) in symptoms.into_iter().enumerate() {
            self.add_symptom(i, &node);
        }
    }

    fn state(&self, state: usize) -> RawNode {
        let network = self.request.network;
        let node = &network.states[state];
        let all = members(network, state);
        let gate = node.gate.as_ref().map(|gate| RawGate {
            vars: all.iter().filter_map(|&m| self.var_of[m]).collect(),
            switches: all.iter().filter_map(|&m| self.switch_of[m]).collect(),
            q: probability(gate.q),
            g: gate.g.iter().map(|&g| probability(g)).collect(),
        });
        RawNode {
            leak: probability(node.leak),
            terms: self.terms(&node.terms, state),
            gate,
        }
    }

    fn symptom(&self, symptom: &SymptomNode) -> RawNode {
        RawNode {
            leak: probability(symptom.leak),
            terms: self.terms(&symptom.terms, self.var_of.len()),
            gate: None,
        }
    }

    fn terms(&self, terms: &[Term], before: usize) -> Vec<RawTerm> {
        let terms = valid(self.request.network, terms, before);
        terms.filter_map(|term| self.term(term)).collect()
    }

    /// None if it needs a cause that cannot be active here.
    fn term(&self, term: &Term) -> Option<RawTerm> {
        let (mut vars, mut switches) = (Vec::new(), Vec::new());
        for parent in &term.all {
            match *parent {
                Parent::Cause(c) => {
                    let place = self.request.causes.binary_search(&c).ok()?;
                    switches.push(place as u32);
                }
                Parent::State(s) => match (self.var_of[s], self.switch_of[s]) {
                    (Some(var), _) => vars.push(var),
                    (_, switch) => switches.push(switch?),
                },
            }
        }
        for list in [&mut vars, &mut switches] {
            list.sort_unstable();
            list.dedup();
        }
        // A term over more states than a leaf holds would need a tree of its own. Nothing is
        // known to need one; it is left out.
        let strength = strength(term);
        (vars.len() <= tree::LEAF).then_some(RawTerm {
            vars,
            switches,
            strength,
        })
    }

    /// Groups states that share tables; hubs stay alone and come last.
    fn find_clusters(&mut self, states: &[(usize, RawNode)], symptoms: &[RawNode]) {
        let n = self.variables.len();
        let mut groups: Vec<Vec<u32>> = Vec::new();
        let nodes = states.iter().map(|(s, node)| (node, self.var_of[*s]));
        for (node, child) in nodes.chain(symptoms.iter().map(|node| (node, None))) {
            let mut vars = node.vars();
            if vars.len() <= self.narrow() {
                vars.extend(child);
                groups.push(vars);
            } else {
                groups.extend(node.terms.iter().map(|t| t.vars.clone()));
            }
        }
        let mut near: Vec<BTreeSet<u32>> = vec![BTreeSet::new(); n];
        for group in &groups {
            for &var in group {
                near[var as usize].extend(group);
            }
        }
        let hub = |v: u32| near[v as usize].len() > HUB + 1;
        let mut cluster: Vec<usize> = (0..n).collect();
        for group in &groups {
            let members: Vec<usize> = group
                .iter()
                .filter(|&&v| !hub(v))
                .map(|&v| v as usize)
                .collect();
            for pair in members.windows(2) {
                let (a, b) = (root(&mut cluster, pair[0]), root(&mut cluster, pair[1]));
                cluster[a.max(b)] = a.min(b);
            }
        }
        let roots: Vec<usize> = (0..n).map(|v| root(&mut cluster, v)).collect();
        let reached = self.reached(states, &roots);
        let mut ids: Vec<usize> = roots.clone();
        ids.sort_unstable_by_key(|&r| (hub(r as u32), reached.contains(&r), r));
        ids.dedup();
        for (v, variable) in self.variables.iter_mut().enumerate() {
            variable.hub = hub(v as u32);
        }
        let quiet = |r: &&usize| !hub(**r as u32) && !reached.contains(*r);
        self.quiet = ids.iter().take_while(quiet).count();
        self.ids = ids.len();
        let mut id_of = vec![0; n];
        for (id, &r) in ids.iter().enumerate() {
            id_of[r] = id;
        }
        self.clusters = roots.into_iter().map(|r| id_of[r]).collect();
    }

    /// Clusters that some cause reaches, of the causes that reach only a few.
    fn reached(&self, states: &[(usize, RawNode)], roots: &[usize]) -> BTreeSet<usize> {
        let mut by_switch = vec![BTreeSet::new(); self.request.causes.len() + self.held.len()];
        for (state, node) in states {
            let Some(var) = self.var_of[*state] else {
                continue;
            };
            for &switch in node.terms.iter().flat_map(|t| &t.switches) {
                by_switch[switch as usize].insert(roots[var as usize]);
            }
        }
        by_switch.retain(|clusters| clusters.len() <= FEW);
        by_switch.into_iter().flatten().collect()
    }

    fn add_symptom(&mut self, i: usize, node: &RawNode) {
        let index = self.symptoms[i];
        let symptom = &self.request.network.symptoms[index];
        if node.vars().len() > self.narrow() {
            let fixed = self.request.flexible.binary_search(&index).is_err();
            let certain = fixed && probability(symptom.observability) >= 1.0;
            self.wide.push(index);
            if !symptom.present {
                let ways = !certain && !self.relaxed.silent;
                return tree::add_silent(self, node, i as u32, ways);
            }
        }
        self.add(node, Output::Symptom(i as u32), None);
    }

    fn add(&mut self, node: &RawNode, output: Output, child: Option<u32>) {
        let vars = node.vars();
        if vars.len() > self.narrow() {
            return tree::add_tree(self, node, output, child);
        }
        let terms = node.terms.iter().map(|term| LocalTerm {
            switches: term.switches.clone(),
            mask: tree::mask(&term.vars, &vars),
            strength: term.strength,
        });
        let gate = node.gate.as_ref();
        let noisy = NoisyOr {
            leak: node.leak,
            terms: terms.collect(),
            gate: gate.map(|g| g.local(tree::mask(&g.vars, &vars))),
        };
        let shape = Shape::Narrow { bits: vars.len() };
        let mut scope = vars;
        scope.extend(child);
        self.factors.push(Factor {
            scope,
            noisy,
            shape,
            output,
            allowed: Vec::new(),
            offset: 0,
            len: 0,
        });
    }

    fn finish(mut self) -> Result<Problem, TooWide> {
        let limits = LIMITS[self.relaxed.limits];
        let order = order::order(&self.variables, &self.factors, limits)?;
        let plan = Planner::new(&self.variables, &mut self.factors, &order);
        let (buckets, home, arena) = (plan.steps, plan.home, plan.arena);
        let symptoms = &self.request.network.symptoms;
        let evidence = self.symptoms.iter().map(|&s| evidence_of(&symptoms[s]));
        let mut problem = Problem {
            evidence: evidence.collect(),
            factors: self.factors,
            buckets,
            arena,
            causes: self.request.causes.to_vec(),
            held: self.held,
            symptoms: self.symptoms,
            relaxed: self.relaxed.silent || !self.relaxed.dropped.is_empty(),
            ..Problem::default()
        };
        plans(&mut problem, &home);
        Ok(problem)
    }
}

/// Root of a cluster, with path halving.
fn root(cluster: &mut [usize], mut v: usize) -> usize {
    while cluster[v] != v {
        cluster[v] = cluster[cluster[v]];
        v = cluster[v];
    }
    v
}

/// What the input says about a symptom. One that was seen though it could not have been is a
/// contradiction of the coverage; what was seen wins.
pub(super) fn evidence_of(symptom: &SymptomNode) -> Evidence {
    let o = probability(symptom.observability);
    match (symptom.present, o > 0.0) {
        (true, true) => Evidence::Present(o),
        (true, false) => Evidence::Present(1.0),
        (false, true) => Evidence::Silent(o),
        (false, false) => Evidence::Blank,
    }
}

/// Lists for each switch and symptom the factors that read it and the buckets on their way.
fn plans(problem: &mut Problem, home: &[Option<u32>]) {
    let mut by_switch = vec![Vec::new(); problem.causes.len() + problem.held.len()];
    let mut by_symptom = vec![Vec::new(); problem.symptoms.len()];
    for (i, factor) in problem.factors.iter().enumerate() {
        for switch in factor.switches() {
            by_switch[switch as usize].push(i as u32);
        }
        if let Output::Symptom(s) | Output::SilentPart(s) | Output::SilentWays(s) = factor.output {
            by_symptom[s as usize].push(i as u32);
        }
    }
    let plan = |factors: Vec<u32>| {
        let mut buckets = BTreeSet::new();
        for &f in &factors {
            let mut next = home[f as usize];
            while let Some(b) = next.filter(|b| !buckets.contains(b)) {
                buckets.insert(b);
                next = problem.buckets[b as usize].parent;
            }
        }
        Plan::new(factors, buckets.into_iter().collect(), &problem.buckets)
    };
    let switch_plans = by_switch.into_iter().map(&plan).collect();
    let symptom_plans = by_symptom.into_iter().map(&plan).collect();
    problem.switch_plans = switch_plans;
    problem.symptom_plans = symptom_plans;
}
