//! A component compiled for fast, repeated evaluation: tables, elimination program, and for every
//! switch what must be computed anew when it is thrown.

use super::noisy::{NoisyOr, Scratch};

/// What is known about one symptom.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) enum Evidence {
    /// Nothing: the factor is exactly 1.
    Blank,
    /// Seen; with this observability.
    Present(f64),
    /// Looked for and not seen; with this observability.
    Silent(f64),
}

/// Least value of a likelihood factor: evidence that a model calls impossible stays finite.
const IMPOSSIBLE: f64 = 1e-15;

impl Evidence {
    /// P(evidence), given P(on) and P(off) of what shows.
    pub(super) fn likelihood(self, on: f64, off: f64) -> f64 {
        match self {
            Self::Blank => 1.0,
            Self::Present(o) => (o * on).max(IMPOSSIBLE),
            Self::Silent(o) => ((1.0 - o) * on + off).max(IMPOSSIBLE),
        }
    }
}

/// What a factor says something about.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Output {
    /// A state that is summed over: the last variable of the scope.
    State,
    /// A state that is conditioned on: a switch.
    Held(u32),
    /// A symptom (index into [`Problem::symptoms`]).
    Symptom(u32),
    /// One independent part of a silent symptom: contributes P(off)ᵒ.
    SilentPart(u32),
    /// The two ways a symptom can stay silent: it could not be seen; it could, and does not show.
    /// The variable of the scope says which.
    SilentWays(u32),
    /// One independent part of the second way: the last variable of the scope says which way.
    SilentWayPart,
}

/// How a factor's table is computed.
#[derive(Clone, Debug)]
pub(super) enum Shape {
    /// Noisy-OR of the first `bits` variables.
    Narrow {
        /// Variables read.
        bits: usize,
    },
    /// Leaf of a tree: `bits` variables, then an accumulator.
    Leaf {
        /// Variables read.
        bits: usize,
        /// Which of them are gate members.
        members: u32,
        /// The accumulator.
        out: Accumulator,
    },
    /// Root of a tree: an accumulator, then the output.
    Root {
        /// The accumulator.
        input: Accumulator,
    },
    /// Two accumulators make one. The table is 0 or 1 and lives in `allowed` alone.
    Join,
}

/// A variable that counts gate members, up to a cap, and remembers whether a term has triggered.
/// Values `0..=most` are counts with no trigger; the value after them, if any, is "triggered".
#[derive(Clone, Copy, Debug)]
pub(super) struct Accumulator {
    /// The variable.
    pub(super) var: u32,
    /// Highest count told apart.
    pub(super) most: u32,
    /// It has a value for "triggered".
    pub(super) trigger: bool,
}

impl Accumulator {
    /// Number of values.
    pub(super) fn size(self) -> u32 {
        self.most + 1 + u32::from(self.trigger)
    }

    /// The value that means "triggered".
    pub(super) fn triggered(self) -> u32 {
        self.most + 1
    }
}

/// One table over a few variables.
#[derive(Clone, Debug)]
pub(super) struct Factor {
    /// Variables, the first runs fastest.
    pub(super) scope: Vec<u32>,
    /// The probabilities behind the table.
    pub(super) noisy: NoisyOr,
    /// How they become the table.
    pub(super) shape: Shape,
    /// What the table is about.
    pub(super) output: Output,
    /// Entries that can be other than zero; empty when all can.
    pub(super) allowed: Vec<bool>,
    /// Place in the arena.
    pub(super) offset: usize,
    /// Entries.
    pub(super) len: usize,
}

impl Factor {
    /// Computes the table.
    pub(super) fn fill(
        &self,
        active: &[bool],
        evidence: &[Evidence],
        scratch: &mut Scratch,
        table: &mut [f64],
    ) {
        match &self.shape {
            Shape::Narrow { bits } => {
                self.noisy.fill(*bits, active, scratch);
                let size = 1 << bits;
                for entry in 0..size {
                    let (on, off) = (scratch.on[entry], scratch.off[entry]);
                    self.write(table, entry, size, (on, off), active, evidence);
                }
            }
            Shape::Leaf { bits, members, out } => {
                self.noisy.fill(*bits, active, scratch);
                table.fill(0.0);
                for entry in 0..1usize << bits {
                    let count = (entry as u32 & members).count_ones().min(out.most);
                    table[entry + ((count as usize) << bits)] = scratch.off[entry];
                    if out.trigger {
                        table[entry + ((out.triggered() as usize) << bits)] = scratch.on[entry];
                    }
                }
            }
            Shape::Root { input } => {
                let bare = self.noisy.bare(active, scratch);
                self.fill_root(*input, bare, active, evidence, table);
            }
            Shape::Join => {}
        }
    }

    fn fill_root(
        &self,
        input: Accumulator,
        (on, off): (f64, f64),
        active: &[bool],
        evidence: &[Evidence],
        table: &mut [f64],
    ) {
        let size = input.size() as usize;
        for value in 0..size {
            let pair = if value > input.most as usize {
                (1.0, 0.0)
            } else {
                let gate = self
                    .noisy
                    .gate
                    .as_ref()
                    .map_or(0.0, |g| g.strength(value, active));
                (on + gate * off, off * (1.0 - gate))
            };
            self.write(table, value, size, pair, active, evidence);
        }
    }

    fn write(
        &self,
        table: &mut [f64],
        entry: usize,
        size: usize,
        (on, off): (f64, f64),
        active: &[bool],
        evidence: &[Evidence],
    ) {
        match self.output {
            Output::State => {
                table[entry] = off;
                table[entry + size] = on;
            }
            Output::Held(switch) => {
                table[entry] = if active[switch as usize] { on } else { off };
            }
            Output::Symptom(s) => table[entry] = evidence[s as usize].likelihood(on, off),
            Output::SilentWays(s) => {
                let (unseen, seen) = match evidence[s as usize] {
                    Evidence::Silent(o) => (1.0 - o, o),
                    Evidence::Blank | Evidence::Present(_) => (1.0, 0.0),
                };
                // The least keeps an impossible silence finite.
                table[0] = unseen.max(IMPOSSIBLE);
                table[1] = seen * off;
            }
            Output::SilentWayPart => {
                table[entry] = 1.0;
                table[entry + size] = off;
            }
            Output::SilentPart(s) => {
                table[entry] = match evidence[s as usize] {
                    Evidence::Silent(o) if o >= 1.0 => off.max(IMPOSSIBLE),
                    Evidence::Silent(o) => libm::pow(off.max(IMPOSSIBLE), o),
                    Evidence::Blank | Evidence::Present(_) => 1.0,
                };
            }
        }
    }

    /// The switches that this table depends on.
    pub(super) fn switches(&self) -> Vec<u32> {
        let mut all = self.noisy.switches();
        if let Output::Held(switch) = self.output {
            all.push(switch);
        }
        all
    }
}

/// One step of the elimination: multiply two tables or messages, and maybe sum a variable out.
#[derive(Clone, Debug, Default)]
pub(super) struct Bucket {
    /// Arena places of the inputs, `width` to a row.
    pub(super) rows: Vec<u32>,
    /// Inputs multiplied in each row.
    pub(super) width: usize,
    /// How many rows are summed for each entry of the message.
    pub(super) counts: Vec<u32>,
    /// Place of the message in the arena.
    pub(super) offset: usize,
    /// Where the message goes; none: it is a plain number.
    pub(super) parent: Option<u32>,
}

/// What must be computed anew after one change.
#[derive(Clone, Debug, Default)]
pub(super) struct Plan {
    /// Factors, by index.
    pub(super) factors: Vec<u32>,
    /// Buckets, in order of elimination.
    pub(super) buckets: Vec<u32>,
    /// Rows of these buckets: the price of the change.
    pub(super) cost: usize,
}

impl Plan {
    /// Of these factors and buckets, in any order and more than once, among all buckets.
    pub(super) fn new(mut factors: Vec<u32>, mut needed: Vec<u32>, buckets: &[Bucket]) -> Self {
        for list in [&mut factors, &mut needed] {
            list.sort_unstable();
            list.dedup();
        }
        let rows = |&b: &u32| buckets[b as usize].rows.len();
        Self {
            cost: needed.iter().map(rows).sum(),
            factors,
            buckets: needed,
        }
    }
}

/// A compiled component.
#[derive(Clone, Debug, Default)]
pub(super) struct Problem {
    /// Tables.
    pub(super) factors: Vec<Factor>,
    /// Elimination steps in order.
    pub(super) buckets: Vec<Bucket>,
    /// Length of the arena that holds tables and messages.
    pub(super) arena: usize,
    /// Cause behind each switch (network index); conditioned states come after these.
    pub(super) causes: Vec<usize>,
    /// Switches of states that are conditioned on instead of summed.
    pub(super) held: Vec<u32>,
    /// Symptoms (network index).
    pub(super) symptoms: Vec<usize>,
    /// The evidence it was compiled for.
    pub(super) evidence: Vec<Evidence>,
    /// Per switch.
    pub(super) switch_plans: Vec<Plan>,
    /// Per symptom.
    pub(super) symptom_plans: Vec<Plan>,
    /// A silent symptom was replaced by a bound, or one was left out, to stay within the table cap.
    pub(super) relaxed: bool,
}

impl Problem {
    /// Switch of a cause.
    pub(super) fn switch_of(&self, cause: usize) -> Option<u32> {
        self.causes.binary_search(&cause).ok().map(|i| i as u32)
    }

    /// Switches of causes, leaving out those that this component does not have.
    pub(super) fn switches_of(&self, causes: &[usize]) -> Vec<u32> {
        causes.iter().filter_map(|&c| self.switch_of(c)).collect()
    }

    /// Place of a symptom in the component.
    pub(super) fn symptom_of(&self, symptom: usize) -> Option<usize> {
        self.symptoms.iter().position(|&s| s == symptom)
    }

    /// What must be computed anew when all of these symptoms change.
    pub(super) fn plan_of(&self, symptoms: &[usize]) -> Plan {
        if let [one] = symptoms {
            return self.symptom_plans[*one].clone();
        }
        let plans = || symptoms.iter().map(|&s| &self.symptom_plans[s]);
        let factors = plans().flat_map(|p| &p.factors).copied().collect();
        let needed = plans().flat_map(|p| &p.buckets).copied().collect();
        Plan::new(factors, needed, &self.buckets)
    }

    /// Sets of states held on that are visited for one set of causes: all when they are few.
    pub(super) fn sums_held(&self) -> bool {
        self.held.len() <= 2
    }
}
