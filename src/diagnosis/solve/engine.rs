//! Evaluates a compiled component for one set of causes after another.
//!
//! Throwing a switch recomputes the tables that read it and the messages on their way to the root,
//! nothing else; `pop` puts everything back. A value depends on the switches that are on, not on
//! the way there, bit for bit.

use std::collections::BTreeSet;

use super::fixed::{self, Fixed};
use super::noisy::Scratch;
use super::problem::{Bucket, Evidence, Plan, Problem, Shape};

/// ln 2, for the powers of two taken out of messages.
const LN_2: f64 = std::f64::consts::LN_2;

/// One change.
struct Frame {
    what: What,
    before: Mark,
}

/// Where things stood before a change.
struct Mark {
    /// Length of the saved values.
    values: usize,
    /// Length of the saved scales.
    scales: usize,
    exponent: i64,
    scalar: Fixed,
}

enum What {
    Switch(u32),
    /// With what was known before, and what it took to change that.
    Symptoms(Vec<(u32, Evidence)>, Plan),
}

/// The current values of all tables and messages.
pub(super) struct Engine<'p> {
    problem: &'p Problem,
    arena: Vec<f64>,
    active: Vec<bool>,
    evidence: Vec<Evidence>,
    /// Power of two taken out of each message.
    exponents: Vec<i32>,
    /// ln of each message that is a plain number, and of each table without variables.
    root: Vec<Fixed>,
    constant: Vec<Fixed>,
    /// Sum of `exponents`.
    exponent: i64,
    /// Sum of `root` and `constant`.
    scalar: Fixed,
    frames: Vec<Frame>,
    saved: Vec<f64>,
    saved_scales: Vec<(i32, Fixed)>,
    scratch: Scratch,
}

impl<'p> Engine<'p> {
    /// No cause active, and the evidence the problem was compiled for.
    pub(super) fn new(problem: &'p Problem) -> Self {
        Self::with(problem, problem.evidence.clone())
    }

    /// No cause active and nothing known: for what a set of causes would bring about.
    pub(super) fn blank(problem: &'p Problem) -> Self {
        Self::with(problem, vec![Evidence::Blank; problem.symptoms.len()])
    }

    fn with(problem: &'p Problem, evidence: Vec<Evidence>) -> Self {
        let mut engine = Self {
            problem,
            arena: vec![0.0; problem.arena],
            active: vec![false; problem.switch_plans.len()],
            evidence,
            exponents: vec![0; problem.buckets.len()],
            root: vec![0; problem.buckets.len()],
            constant: vec![0; problem.factors.len()],
            exponent: 0,
            scalar: 0,
            frames: Vec::new(),
            saved: Vec::new(),
            saved_scales: Vec::new(),
            scratch: Scratch::new(),
        };
        for factor in 0..problem.factors.len() {
            engine.fill(factor);
        }
        for bucket in 0..problem.buckets.len() {
            engine.pass(bucket);
        }
        engine
    }

    /// The problem it works on.
    pub(super) fn problem(&self) -> &'p Problem {
        self.problem
    }

    /// A switch is on.
    pub(super) fn is_on(&self, switch: u32) -> bool {
        self.active[switch as usize]
    }

    /// Throws a switch.
    pub(super) fn push(&mut self, switch: u32) {
        let plan = &self.problem.switch_plans[switch as usize];
        let before = self.save(plan);
        let on = &mut self.active[switch as usize];
        *on = !*on;
        self.update(plan);
        self.frames.push(Frame {
            what: What::Switch(switch),
            before,
        });
    }

    /// Throws several switches.
    pub(super) fn push_all(&mut self, switches: &[u32]) {
        for &switch in switches {
            self.push(switch);
        }
    }

    /// Replaces what is known about a symptom.
    pub(super) fn observe(&mut self, symptom: usize, evidence: Evidence) {
        self.observe_all(&[symptom], evidence);
    }

    /// Replaces what is known about symptoms, in one change: what they share is computed once.
    pub(super) fn observe_all(&mut self, symptoms: &[usize], evidence: Evidence) {
        let plan = self.problem.plan_of(symptoms);
        let known = |&s: &usize| (s as u32, self.evidence[s]);
        let before = symptoms.iter().map(known).collect();
        let mark = self.save(&plan);
        for &symptom in symptoms {
            self.evidence[symptom] = evidence;
        }
        self.update(&plan);
        self.frames.push(Frame {
            what: What::Symptoms(before, plan),
            before: mark,
        });
    }

    /// Takes the last change back.
    pub(super) fn pop(&mut self) {
        let Some(frame) = self.frames.pop() else {
            return;
        };
        match &frame.what {
            What::Switch(switch) => {
                let on = &mut self.active[*switch as usize];
                *on = !*on;
                self.restore(&self.problem.switch_plans[*switch as usize], &frame.before);
            }
            What::Symptoms(before, plan) => {
                for &(symptom, evidence) in before {
                    self.evidence[symptom as usize] = evidence;
                }
                self.restore(plan, &frame.before);
            }
        }
    }

    /// Takes the last `n` changes back.
    pub(super) fn pop_n(&mut self, n: usize) {
        for _ in 0..n {
            self.pop();
        }
    }

    /// ln P(evidence | active causes).
    ///
    /// States that are held rather than summed are summed here, all values of them when there are
    /// at most two, else those met on the way to the best: a lower bound.
    pub(super) fn ln_likelihood(&mut self) -> Fixed {
        if self.problem.held.is_empty() {
            return self.current();
        }
        if self.problem.sums_held() {
            let mut values = Vec::new();
            self.all_held(0, &mut values);
            return fixed::ln_sum(&values).unwrap_or_default();
        }
        self.climb_held()
    }

    fn current(&self) -> Fixed {
        self.scalar + fixed::from_nats(self.exponent as f64 * LN_2)
    }

    fn all_held(&mut self, from: usize, values: &mut Vec<Fixed>) {
        if from == self.problem.held.len() {
            values.push(self.current());
            return;
        }
        self.all_held(from + 1, values);
        self.push(self.problem.held[from]);
        self.all_held(from + 1, values);
        self.pop();
    }

    /// Goes to the best neighbour until none is better, and sums what was visited.
    fn climb_held(&mut self) -> Fixed {
        let mut values = vec![self.current()];
        let mut seen = BTreeSet::from([Vec::new()]);
        let mut here: Vec<u32> = Vec::new();
        let mut best = values[0];
        let mut steps = 0;
        loop {
            let mut step = None;
            for &switch in &self.problem.held {
                let mut next = here.clone();
                match next.binary_search(&switch) {
                    Ok(i) => drop(next.remove(i)),
                    Err(i) => next.insert(i, switch),
                }
                if !seen.insert(next.clone()) {
                    continue;
                }
                self.push(switch);
                let value = self.current();
                self.pop();
                values.push(value);
                if value > best {
                    (best, step) = (value, Some((switch, next)));
                }
            }
            let Some((switch, next)) = step else { break };
            self.push(switch);
            steps += 1;
            here = next;
        }
        self.pop_n(steps);
        fixed::ln_sum(&values).unwrap_or_default()
    }

    /// Keeps what a change will replace.
    fn save(&mut self, plan: &Plan) -> Mark {
        let mark = Mark {
            values: self.saved.len(),
            scales: self.saved_scales.len(),
            exponent: self.exponent,
            scalar: self.scalar,
        };
        for &f in &plan.factors {
            let factor = &self.problem.factors[f as usize];
            let range = factor.offset..factor.offset + factor.len;
            self.saved.extend_from_slice(&self.arena[range]);
            self.saved_scales.push((0, self.constant[f as usize]));
        }
        for &b in &plan.buckets {
            let bucket = &self.problem.buckets[b as usize];
            let range = bucket.offset..bucket.offset + bucket.counts.len();
            self.saved.extend_from_slice(&self.arena[range]);
            let b = b as usize;
            self.saved_scales.push((self.exponents[b], self.root[b]));
        }
        mark
    }

    fn restore(&mut self, plan: &Plan, before: &Mark) {
        let (mut value, mut scale) = (before.values, before.scales);
        for &f in &plan.factors {
            let factor = &self.problem.factors[f as usize];
            let from = &self.saved[value..value + factor.len];
            self.arena[factor.offset..factor.offset + factor.len].copy_from_slice(from);
            self.constant[f as usize] = self.saved_scales[scale].1;
            value += factor.len;
            scale += 1;
        }
        for &b in &plan.buckets {
            let bucket = &self.problem.buckets[b as usize];
            let len = bucket.counts.len();
            let from = &self.saved[value..value + len];
            self.arena[bucket.offset..bucket.offset + len].copy_from_slice(from);
            let b = b as usize;
            (self.exponents[b], self.root[b]) = self.saved_scales[scale];
            value += len;
            scale += 1;
        }
        self.saved.truncate(before.values);
        self.saved_scales.truncate(before.scales);
        self.exponent = before.exponent;
        self.scalar = before.scalar;
    }

    fn update(&mut self, plan: &Plan) {
        for &f in &plan.factors {
            self.fill(f as usize);
        }
        for &b in &plan.buckets {
            self.pass(b as usize);
        }
    }

    fn fill(&mut self, f: usize) {
        let factor = &self.problem.factors[f];
        if matches!(factor.shape, Shape::Join) {
            return;
        }
        let table = &mut self.arena[factor.offset..factor.offset + factor.len];
        factor.fill(&self.active, &self.evidence, &mut self.scratch, table);
        if factor.scope.is_empty() {
            let value = fixed::ln(table[0]);
            self.scalar += value - self.constant[f];
            self.constant[f] = value;
        }
    }

    /// Computes one message, scaled by a power of two so that its largest entry is near 1.
    fn pass(&mut self, b: usize) {
        let bucket = &self.problem.buckets[b];
        let (before, message) = self.arena.split_at_mut(bucket.offset);
        let message = &mut message[..bucket.counts.len()];
        let top = multiply(bucket, before, message);
        let shift = normalise(message, top);
        self.exponent += i64::from(shift) - i64::from(self.exponents[b]);
        self.exponents[b] = shift;
        if bucket.parent.is_none() {
            let value = fixed::ln(message[0]);
            self.scalar += value - self.root[b];
            self.root[b] = value;
        }
    }
}

/// Sums the products of one bucket; returns the largest sum. Inputs lie before the message.
fn multiply(bucket: &Bucket, before: &[f64], message: &mut [f64]) -> f64 {
    let mut rows = bucket.rows.as_slice();
    let mut top: f64 = 0.0;
    for (out, &count) in message.iter_mut().zip(&bucket.counts) {
        let (mine, rest) = rows.split_at(count as usize * bucket.width);
        rows = rest;
        let mut sum = 0.0;
        match bucket.width {
            0 => sum = f64::from(count),
            1 => {
                for &a in mine {
                    sum += before[a as usize];
                }
            }
            2 => {
                for pair in mine.chunks_exact(2) {
                    sum += before[pair[0] as usize] * before[pair[1] as usize];
                }
            }
            width => {
                for row in mine.chunks_exact(width) {
                    let mut product = 1.0;
                    for &a in row {
                        product *= before[a as usize];
                    }
                    sum += product;
                }
            }
        }
        *out = sum;
        top = top.max(sum);
    }
    top
}

/// Divides by the power of two of `top` and returns its exponent.
fn normalise(message: &mut [f64], top: f64) -> i32 {
    // Below this a message has underflowed; it is replaced by an even one of tiny weight.
    const LEAST: f64 = 1e-290;
    const LOST: i32 = -1000;
    if top < LEAST {
        message.fill(1.0);
        return LOST;
    }
    let exponent = ((top.to_bits() >> 52) & 0x7ff) as i32 - 1023;
    let scale = f64::from_bits(((1023 - exponent) as u64) << 52);
    for value in message {
        *value *= scale;
    }
    exponent
}
