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

/// The runtime of Go says it, without a time, as its last words.
pub(super) fn of_runtime(signature: &Signature) -> bool {
    signature.id.starts_with("thanos/go/")
}

/// What a signature tells of a life.
enum Told {
    Start,
    Stop,
    Replay,
    Ready,
    Ring,
    LeftLock,
    /// Why the process ended.
    Why,
}

impl Told {
    fn by(signature: &Signature) -> Option<Self> {
        let id = signature.id.as_str();
        let fatal = || id.starts_with("thanos/process/") && signature.severity >= Severity::Error;
        Some(match id {
            "thanos/process/start" => Self::Start,
            "thanos/process/caught-signal" | "thanos/process/exit" => Self::Stop,
            "thanos/tsdb/replay-progress"
            | "thanos/tsdb/replay-started"
            | "thanos/process/updating-storage" => Self::Replay,
            "thanos/process/ready" | "thanos/tsdb/replay-completed" => Self::Ready,
            "thanos/hashring/set-up" => Self::Ring,
            "thanos/process/leftover-lock-file" => Self::LeftLock,
            _ if of_runtime(signature) || fatal() => Self::Why,
            _ => return None,
        })
    }
}

/// Lives by stream.
pub(super) fn of(pack: &Pack, ledger: &Ledger) -> BTreeMap<Origin, Life> {
    let mut lives: BTreeMap<Origin, Life> = BTreeMap::new();
    for (ix, _, evidence) in ledger.iter() {
        let signature = &pack.signatures[ix.0 as usize];
        let Some(told) = Told::by(signature) else {
            continue;
        };
        for (origin, witness) in evidence.witnesses.iter() {
            if origin.pod.is_empty() {
                continue;
            }
            let life = lives.entry(origin.clone()).or_default();
            let last = witness.buckets.iter().map(|(t, _)| t).last();
            let first = witness.buckets.iter().map(|(t, _)| t).next();
            match told {
                Told::Start => {
                    life.starts = life.starts.saturating_add(witness.count);
                    life.first_start = [life.first_start, first].into_iter().flatten().min();
                    life.last_start = life.last_start.max(last);
                }
                Told::Stop => {
                    life.stops = life.stops.saturating_add(witness.count);
                    life.last_stop = life.last_stop.max(last);
                }
                Told::Replay => {
                    life.last_replay = life.last_replay.max(last);
                }
                Told::Ready => {
                    life.last_ready = life.last_ready.max(last);
                }
                Told::Ring => life.rings = life.rings.saturating_add(witness.count),
                Told::LeftLock => life.left_lock = true,
                Told::Why => life.said_why = true,
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
