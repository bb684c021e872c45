//! The lives of containers, as their logs tell: did one end in order, did one ever become ready?

use std::collections::BTreeMap;

use crate::evidence::Ledger;
use crate::pack::{Pack, Severity, Signature};
use crate::record::{Origin, Time};

/// What the log of one life says.
#[derive(Clone, Debug, Default)]
pub(super) struct Life {
    pub(super) starts: u64,
    pub(super) first_start: Option<Time>,
    pub(super) last_start: Option<Time>,
    pub(super) stops: u64,
    pub(super) last_stop: Option<Time>,
    pub(super) last_replay: Option<Time>,
    pub(super) last_ready: Option<Time>,
    pub(super) last_line: Option<Time>,
    /// The log says itself why it ended: a panic, a fatal error.
    pub(super) said_why: bool,
    pub(super) left_lock: bool,
    /// Times a hashring was set up; a start does it once.
    pub(super) rings: u64,
}

/// Signatures that lives are told by, beside those of [`says_why`].
const TOLD: &[&str] = &[
    "thanos/process/start",
    "thanos/process/caught-signal",
    "thanos/process/exit",
    "thanos/tsdb/replay-progress",
    "thanos/tsdb/replay-started",
    "thanos/process/ready",
    "thanos/tsdb/replay-completed",
    "thanos/hashring/set-up",
    "thanos/process/leftover-lock-file",
];

/// The runtime of Go says it, without a time, as its last words.
pub(super) fn of_runtime(signature: &Signature) -> bool {
    signature.id.starts_with("thanos/go/")
}

/// It says why a process ended.
fn says_why(signature: &Signature) -> bool {
    let of_process =
        signature.id.starts_with("thanos/process/") && signature.severity >= Severity::Error;
    of_runtime(signature) || of_process
}

/// Lives by stream.
pub(super) fn of(pack: &Pack, ledger: &Ledger) -> BTreeMap<Origin, Life> {
    let mut lives: BTreeMap<Origin, Life> = BTreeMap::new();
    for (ix, _, evidence) in ledger.iter() {
        let signature = &pack.signatures[ix.0 as usize];
        let fatal = says_why(signature);
        if !fatal && !TOLD.contains(&signature.id.as_str()) {
            continue;
        }
        for (origin, witness) in evidence.witnesses.iter() {
            if origin.pod.is_empty() {
                continue;
            }
            let life = lives.entry(origin.clone()).or_default();
            let last = witness.buckets.iter().map(|(t, _)| t).last();
            let first = witness.buckets.iter().map(|(t, _)| t).next();
            match signature.id.as_str() {
                "thanos/process/start" => {
                    life.starts = life.starts.saturating_add(witness.count);
                    life.first_start = [life.first_start, first].into_iter().flatten().min();
                    life.last_start = life.last_start.max(last);
                }
                "thanos/process/caught-signal" | "thanos/process/exit" => {
                    life.stops = life.stops.saturating_add(witness.count);
                    life.last_stop = life.last_stop.max(last);
                }
                "thanos/tsdb/replay-progress" | "thanos/tsdb/replay-started" => {
                    life.last_replay = life.last_replay.max(last);
                }
                "thanos/process/ready" | "thanos/tsdb/replay-completed" => {
                    life.last_ready = life.last_ready.max(last);
                }
                "thanos/hashring/set-up" => life.rings = life.rings.saturating_add(witness.count),
                "thanos/process/leftover-lock-file" => life.left_lock = true,
                _ => life.said_why |= fatal,
            }
        }
    }
    for (_, origin, seen) in ledger.coverage.iter() {
        if let Some(life) = lives.get_mut(origin) {
            life.last_line = life.last_line.max(seen.until);
        }
    }
    lives
}
