//! A change request: the safe order of steps that takes a ring to another size.
//!
//! The one rule behind all of them: at every moment, every member that some ring in force lists must
//! be there and ready. Hence members start before the ring lists them, and stop after it no longer
//! does, and after what they hold is in the bucket.

mod around;
mod layout;
mod steps;

use serde::Serialize;

use super::diff::{Diff, diff};
use super::fault::Weight;
use super::population::Load;
use super::ring::RingError;
use super::simulate::{Simulation, simulate};
use super::{Rings, Router, Setup, config_hashes};
pub(super) use layout::Target;

/// What is wanted, and the names that the commands need.
#[derive(Clone, Debug)]
pub struct PlanRequest {
    /// Members that the hashring shall have; `None` leaves it as it is.
    pub to: Option<usize>,
    /// New memory limit and request, as Kubernetes writes it (`6Gi`).
    pub memory: Option<String>,
    /// New CPU request (`2`).
    pub cpu: Option<String>,
    /// The entry to change; needed when there are several with different members.
    pub hashring: Option<String>,
    /// StatefulSets that may change; empty means all behind the entry.
    pub statefulsets: Vec<String>,
    /// Namespace; taken from the addresses when not given.
    pub namespace: Option<String>,
    /// ConfigMap that holds the file.
    pub configmap: String,
    /// Key in it.
    pub key: String,
    /// Container of the receiver.
    pub container: String,
    /// Path of the file as the operator typed it.
    pub file_name: String,
    /// How many series there are.
    pub load: Load,
    /// Memory of one series in the head.
    pub bytes_per_series: f64,
}

impl PlanRequest {
    /// Resident memory of a receiver a head series, if nobody measured it: the series, its labels
    /// and postings and chunks come to about 4 KiB, and the garbage collector lets the heap grow to
    /// twice what lives. To be replaced by `process_resident_memory_bytes /
    /// prometheus_tsdb_head_series` of the cluster at hand.
    pub const USUAL_BYTES_PER_SERIES: f64 = 8192.0;
}

/// A change request.
#[derive(Clone, Debug, Serialize)]
pub struct Plan {
    /// One line.
    pub title: String,
    /// Reasons not to do it; with any of them there are no steps.
    pub blocked: Vec<String>,
    /// What will be, in a few sentences.
    pub summary: Vec<String>,
    /// What was taken for granted and should be checked.
    pub assumed: Vec<String>,
    /// Every member before and after.
    pub members: Vec<PlanMember>,
    /// What to do, in this order.
    pub steps: Vec<Step>,
    /// What will be seen and is no fault.
    pub noise: Vec<String>,
    /// When to stop.
    pub stop: Vec<String>,
    /// How to get back.
    pub rollback: Vec<Step>,
    /// The new hashring file, to the byte; none if it does not change.
    pub file: Option<String>,
    /// What `thanos_receive_config_hash` shows with the new file: up to v0.40, from v0.41.
    pub config_hash: Option<[u64; 2]>,
}

/// What the change means for a member.
#[derive(Clone, Debug, Serialize)]
pub struct PlanMember {
    /// Its address.
    pub endpoint: String,
    /// `new`, `leaves` or `stays`.
    pub change: &'static str,
    /// Share of all series that it holds before.
    pub before: f64,
    /// Share of all series that it holds after.
    pub after: f64,
    /// Series added to its head by the change, if the number of series is known.
    pub extra_head_series: Option<f64>,
    /// Memory for these, in bytes.
    pub extra_bytes: Option<f64>,
}

/// One step.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize)]
pub struct Step {
    /// What to do.
    pub title: String,
    /// Why here and why so.
    pub why: String,
    /// Commands, to be run as they stand.
    pub run: Vec<String>,
    /// What should be seen.
    pub expect: String,
    /// When not to go on.
    pub stop_if: String,
}

/// Why there is no plan at all.
#[derive(Clone, Debug, PartialEq, Eq, thiserror::Error)]
pub enum PlanError {
    /// The request cannot be understood.
    #[error("{0}")]
    Request(String),
    /// The present ring cannot be built.
    #[error("the present file cannot be loaded: {0}")]
    Ring(#[from] RingError),
}

/// Makes the change request for a file, given as text and as read.
///
/// # Errors
/// [`PlanError`] when names cannot be told from the addresses, when nothing is asked for, or when
/// the present ring is impossible. An unwise change is not an error but [`Plan::blocked`].
pub fn plan(
    text: &str,
    rings: &Rings,
    setup: &Setup,
    request: &PlanRequest,
) -> Result<Plan, PlanError> {
    let target = Target::new(rings, request)?;
    let router = Router::new(rings, setup)?;
    let now = simulate(&router, setup, &request.load)?;
    let changed = target.file(text)?;
    let mut draft = Draft {
        request,
        setup,
        target: &target,
        now: &now,
        diff: None,
        plan: empty(),
    };
    let new_rings = match changed.as_deref().map(Rings::parse) {
        None => None,
        Some(Ok(new_rings)) => Some(new_rings),
        Some(Err(faults)) => {
            draft
                .plan
                .blocked
                .extend(faults.into_iter().map(|fault| fault.what));
            None
        }
    };
    if let Some(new_rings) = &new_rings {
        draft.check(rings, new_rings);
        match Router::new(new_rings, setup) {
            Ok(new_router) => draft.diff = Some(diff(&router, &new_router, &request.load)?),
            Err(error) => draft.plan.blocked.push(error.to_string()),
        }
    }
    draft.plan.config_hash = changed
        .as_deref()
        .map(|text| config_hashes(text.as_bytes()));
    draft.plan.file = changed;
    draft.write();
    draft.plan.blocked.sort();
    draft.plan.blocked.dedup();
    if !draft.plan.blocked.is_empty() {
        draft.plan.steps.clear();
        draft.plan.rollback.clear();
    }
    Ok(draft.plan)
}

/// A plan in the making.
struct Draft<'a> {
    request: &'a PlanRequest,
    setup: &'a Setup,
    target: &'a Target,
    now: &'a Simulation,
    diff: Option<Diff>,
    plan: Plan,
}

impl Draft<'_> {
    /// Faults that the change would bring in, or that make it unsafe.
    fn check(&mut self, old: &Rings, new: &Rings) {
        // A fault that is there already is for `validate`; it blocks only if it kills members.
        let known: Vec<_> = old
            .validate(self.setup)
            .into_iter()
            .map(|fault| fault.id)
            .collect();
        for fault in new.validate(self.setup) {
            if fault.weight == Weight::Error && !known.contains(&fault.id) {
                self.plan
                    .blocked
                    .push(format!("{}: {}", fault.what, fault.consequence));
            }
        }
    }

    fn write(&mut self) {
        self.title();
        self.members();
        self.summary();
        self.assumptions();
        self.steps();
    }

    fn title(&mut self) {
        let (from, to) = (self.target.before(), self.target.after());
        let label = &self.target.label;
        let mut parts = Vec::new();
        if self.request.memory.is_some() || self.request.cpu.is_some() {
            parts.push(format!(
                "give the members of hashring {label} more resources"
            ));
        }
        if to != from {
            parts.push(format!(
                "scale hashring {label} from {from} to {to} members"
            ));
        }
        if parts.is_empty() {
            self.plan
                .blocked
                .push(format!("hashring {label} already has {from} members"));
            parts.push(format!("leave hashring {label} as it is"));
        }
        let title = parts.join(", then ");
        let mut chars = title.chars();
        self.plan.title = chars
            .next()
            .into_iter()
            .flat_map(char::to_uppercase)
            .chain(chars)
            .collect();
    }

    fn members(&mut self) {
        let Some(diff) = &self.diff else { return };
        let per_series = self.request.bytes_per_series;
        self.plan.members = diff
            .overall
            .members
            .iter()
            .map(|member| PlanMember {
                endpoint: member.endpoint.clone(),
                change: if diff.added.contains(&member.endpoint) {
                    "new"
                } else if diff.removed.contains(&member.endpoint) {
                    "leaves"
                } else {
                    "stays"
                },
                before: member.before,
                after: member.after,
                extra_head_series: member.extra_head_series,
                extra_bytes: member.extra_head_series.map(|series| series * per_series),
            })
            .collect();
    }

    fn summary(&mut self) {
        let mut lines = Vec::new();
        if let Some(diff) = &self.diff {
            let moves = &diff.overall;
            lines.push(format!(
                "{} of the copies move ({} of the series get a copy on another member). Nothing is \
                 copied: new samples go to the new members, what was written before stays where \
                 it is, and queries read both.",
                percent(moves.copies_moved),
                percent(moves.moved),
            ));
            if let Some(series) = moves.series {
                let extra: f64 = moves
                    .members
                    .iter()
                    .filter_map(|m| m.extra_head_series)
                    .sum();
                let most = moves.members.iter().filter_map(|m| m.extra_head_series);
                let most = most.fold(0.0, f64::max);
                lines.push(format!(
                    "For two to three hours moved series are in two heads: {} head series more \
                     over the ring ({} series × {} copies now), at most {} on one member, about {} \
                     of memory there.",
                    count(extra),
                    count(series),
                    self.now.quorum.replication_factor,
                    count(most),
                    bytes(most * self.request.bytes_per_series),
                ));
            }
        }
        let rule = self.now.quorum;
        lines.push(format!(
            "Writes need {} of {} copies. {}",
            rule.needed,
            rule.replication_factor,
            if self.now.one_lost.worst_share > 0.0 {
                format!(
                    "With one member away, writes of up to {} of the series fail, and any request \
                     that carries one of them.",
                    percent(self.now.one_lost.worst_share)
                )
            } else {
                "One member at a time may be away without failing writes.".to_owned()
            }
        ));
        self.plan.summary = lines;
    }

    fn assumptions(&mut self) {
        let mut lines = Vec::new();
        let names: Vec<&str> = self
            .target
            .sets
            .iter()
            .map(|set| set.name.as_str())
            .collect();
        lines.push(format!(
            "the members are StatefulSet {} in namespace {}, and the file is key {} of ConfigMap \
             {}, mounted as a volume and not with subPath (else it is never updated)",
            names.join(", "),
            self.target.namespace,
            self.request.key,
            self.request.configmap,
        ));
        lines.push(
            "nothing else writes the ConfigMap: where Helm, Argo CD or thanos-receive-controller \
             own it, make the same change there"
                .to_owned(),
        );
        if self.setup.replication_factor.is_none() {
            lines.push("replication factor 3; check --receive.replication-factor".to_owned());
        }
        if self.setup.algorithm.is_none() {
            lines.push("ketama; check --receive.hashrings-algorithm".to_owned());
        }
        if self.setup.version.is_none() {
            lines.push("a recent version of Thanos; check the image".to_owned());
        }
        if self.request.load.series.is_none() && self.request.load.tenants.is_empty() {
            lines.push(
                "the number of series is not known: give --series, the sum of \
                 prometheus_tsdb_head_series divided by the replication factor, for memory"
                    .to_owned(),
            );
        } else {
            lines.push(format!(
                "{} of memory a head series; measure process_resident_memory_bytes / \
                 prometheus_tsdb_head_series and give --bytes-per-series",
                bytes(self.request.bytes_per_series)
            ));
        }
        lines.extend(self.target.doubts.iter().cloned());
        self.plan.assumed = lines;
    }
}

fn empty() -> Plan {
    Plan {
        title: String::new(),
        blocked: Vec::new(),
        summary: Vec::new(),
        assumed: Vec::new(),
        members: Vec::new(),
        steps: Vec::new(),
        noise: Vec::new(),
        stop: Vec::new(),
        rollback: Vec::new(),
        file: None,
        config_hash: None,
    }
}

/// `12.3 %`; small shares keep a digit that says something.
pub(super) fn percent(share: f64) -> String {
    let percent = share * 100.0;
    if percent == 0.0 {
        "none".to_owned()
    } else if percent < 0.1 {
        format!("{percent:.3} %")
    } else {
        format!("{percent:.1} %")
    }
}

/// `1234567` as `1,234,567`.
pub(super) fn count(value: f64) -> String {
    let digits = format!("{:.0}", value.max(0.0));
    let mut text = String::new();
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(digit);
    }
    text
}

/// `1.5 GiB`.
pub(super) fn bytes(value: f64) -> String {
    const UNITS: [&str; 5] = ["B", "KiB", "MiB", "GiB", "TiB"];
    let mut value = value.max(0.0);
    let mut unit = 0;
    while value >= 1024.0 && unit + 1 < UNITS.len() {
        value /= 1024.0;
        unit += 1;
    }
    let digits = usize::from(value < 10.0 && unit > 1);
    format!("{value:.digits$} {}", UNITS[unit])
}
