//! The noisy-OR, evaluated for all values of the few states it reads.

/// Most states that one table reads directly; a node with more is split into a tree of sums
/// (`tree.rs`). 2⁵ entries are cheap, and real nodes rarely have more than four parents.
pub(super) const NARROW: usize = 5;

/// Entries of the scratch tables.
const SCRATCH: usize = 1 << NARROW;

/// One term: when every switch and every masked state is on, the effect follows with `strength`.
#[derive(Clone, Debug)]
pub(super) struct LocalTerm {
    /// Causes (and conditioned states) that must be active.
    pub(super) switches: Vec<u32>,
    /// States that must be on, as bits of the table index.
    pub(super) mask: u32,
    /// q × time weight.
    pub(super) strength: f64,
}

/// A gate whose members are in the table index or are switches.
#[derive(Clone, Debug, Default)]
pub(super) struct LocalGate {
    /// Members among the states, as bits of the table index.
    pub(super) mask: u32,
    /// Members that are switches.
    pub(super) switches: Vec<u32>,
    /// Strength.
    pub(super) q: f64,
    /// Share by number of members on.
    pub(super) g: Vec<f64>,
}

impl LocalGate {
    /// Strength with `count` members on besides the switches.
    pub(super) fn strength(&self, count: usize, active: &[bool]) -> f64 {
        let on = count + count_active(&self.switches, active);
        self.q * share(&self.g, on)
    }
}

/// A noisy-OR over at most [`NARROW`] states.
#[derive(Clone, Debug, Default)]
pub(super) struct NoisyOr {
    /// P(on with no parent on).
    pub(super) leak: f64,
    /// Terms.
    pub(super) terms: Vec<LocalTerm>,
    /// Gate, if any.
    pub(super) gate: Option<LocalGate>,
}

/// P(on) and P(off) for each value of the states read.
pub(super) struct Scratch {
    /// P(on).
    pub(super) on: [f64; SCRATCH],
    /// P(off).
    pub(super) off: [f64; SCRATCH],
}

impl Scratch {
    /// Zeroed tables.
    pub(super) fn new() -> Self {
        Self {
            on: [0.0; SCRATCH],
            off: [0.0; SCRATCH],
        }
    }

    /// One more independent way to be on. Both sides only ever gain positive amounts, so a leak
    /// of 1e-8 keeps all its digits.
    fn add(&mut self, entry: usize, strength: f64) {
        self.on[entry] += strength * self.off[entry];
        self.off[entry] *= 1.0 - strength;
    }
}

impl NoisyOr {
    /// Fills `scratch` for all values of `bits` states.
    pub(super) fn fill(&self, bits: usize, active: &[bool], scratch: &mut Scratch) {
        self.fill_bare(bits, active, scratch);
        if let Some(gate) = &self.gate {
            for entry in 0..1usize << bits {
                let count = (entry as u32 & gate.mask).count_ones() as usize;
                scratch.add(entry, gate.strength(count, active));
            }
        }
    }

    /// The same without the gate.
    fn fill_bare(&self, bits: usize, active: &[bool], scratch: &mut Scratch) {
        let size = 1usize << bits;
        scratch.on[..size].fill(self.leak);
        scratch.off[..size].fill(1.0 - self.leak);
        for term in &self.terms {
            if !term.switches.iter().all(|&s| active[s as usize]) {
                continue;
            }
            let mask = term.mask as usize;
            for entry in 0..size {
                if entry & mask == mask {
                    scratch.add(entry, term.strength);
                }
            }
        }
    }

    /// P(on) and P(off) by leak and switches alone: no state, no gate.
    pub(super) fn bare(&self, active: &[bool], scratch: &mut Scratch) -> (f64, f64) {
        self.fill_bare(0, active, scratch);
        (scratch.on[0], scratch.off[0])
    }

    /// All switches that it depends on, sorted, each once.
    pub(super) fn switches(&self) -> Vec<u32> {
        let mut all: Vec<u32> = self.terms.iter().flat_map(|t| t.switches.clone()).collect();
        all.extend(self.gate.iter().flat_map(|g| g.switches.clone()));
        all.sort_unstable();
        all.dedup();
        all
    }
}

/// `g(b)`; the last value holds for any larger `b`, an empty table is a gate that never opens.
pub(super) fn share(g: &[f64], b: usize) -> f64 {
    g.get(b).or(g.last()).copied().unwrap_or(0.0)
}

/// How many of these switches are on.
pub(super) fn count_active(switches: &[u32], active: &[bool]) -> usize {
    switches.iter().filter(|&&s| active[s as usize]).count()
}
