//! What is known of the system in question: its pods, what was collected of each, the window.

use crate::pack::Version;
use crate::record::{Level, Time};

/// The window, the members, and what could have been seen.
#[derive(Clone, Debug, Default)]
pub struct Scope {
    /// Earliest time in the input.
    pub from: Option<Time>,
    /// Latest time in the input; "now" for everything that asks.
    pub until: Option<Time>,
    /// Every pod known, sorted by name.
    pub members: Vec<Member>,
    /// Replication factor of the ring, when known.
    pub replication_factor: Option<u32>,
    /// `ketama` or `hashmod`, when known.
    pub algorithm: Option<String>,
    /// Which kinds of source were collected at all.
    pub collected: Collected,
    /// Version given by the user for pods whose own is unknown.
    pub thanos_version: Option<Version>,
    /// A failed write was seen by its sender or in a receiver's error line: reasons are then
    /// printed where otherwise they would stay below the level.
    pub failures_printed: bool,
}

/// Which kinds of source were collected at all.
#[derive(Clone, Copy, Debug, Default)]
#[allow(clippy::struct_excessive_bools)]
pub struct Collected {
    /// Logs of receivers.
    pub logs: bool,
    /// Logs of senders.
    pub sender_logs: bool,
    /// Pod and container states.
    pub status: bool,
    /// Kubernetes events.
    pub events: bool,
    /// Nodes.
    pub nodes: bool,
    /// Two or more scrapes of some receiver.
    pub metrics: bool,
    /// A hashring file.
    pub hashring: bool,
    /// Alerts.
    pub alerts: bool,
}

/// What a pod is to the ring.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub enum MemberRole {
    /// A receiver: router, ingester or both.
    Receiver,
    /// A sender.
    Sender,
    /// Neither, as far as can be seen.
    #[default]
    Unknown,
}

/// One pod.
#[derive(Clone, Debug, Default)]
#[allow(clippy::struct_excessive_bools)]
pub struct Member {
    /// `namespace/name`, or a bare name.
    pub name: String,
    /// What it is to the ring.
    pub role: MemberRole,
    /// It takes no samples of its own (`RouterOnly`).
    pub router_only: bool,
    /// Node it runs on.
    pub node: Option<String>,
    /// `StatefulSet` or other owner.
    pub workload: Option<String>,
    /// Thanos version.
    pub version: Option<Version>,
    /// `image`, `flag` or `inferred`.
    pub version_basis: &'static str,
    /// Lowest level its log prints: from its flags, or the lowest seen.
    pub level: Option<Level>,
    /// It has a log in the input.
    pub log: bool,
    /// That log holds the start of the process.
    pub began: bool,
    /// It is listed by the hashring.
    pub in_ring: bool,
    /// Its state is in the input.
    pub status: bool,
    /// Scrapes of it in the input.
    pub scrapes: u32,
    /// Its process began anew between two scrapes, or counters went back.
    pub restarted: bool,
    /// Facts in reading order, for the status line.
    pub facts: Vec<(String, String)>,
}

impl Scope {
    /// Index of the pod called `name`.
    #[must_use]
    pub fn member(&self, name: &str) -> Option<usize> {
        self.members
            .binary_search_by(|m| m.name.as_str().cmp(name))
            .ok()
    }
}
