//! What an alert asks to look at, and when: a pure function of labels and times.

use std::collections::BTreeSet;

use super::alert::{Alert, Status};
use super::clock::Millis;

/// What to look at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Look {
    /// Namespace of the ring; none: wherever the source looks by itself.
    pub namespace: Option<String>,
    /// Pods the alerts name, sorted. The whole ring is looked at all the same: the pod at fault is
    /// often another one than the one that complains.
    pub pods: Vec<String>,
    /// From when.
    pub from: Millis,
    /// Until when.
    pub until: Millis,
    /// What the alerts ask for and do not get, and why.
    pub gaps: Vec<(String, String)>,
}

/// Where looking is allowed.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Policy {
    /// Namespaces that an alert may name; empty: any. Whoever can post an alert could otherwise make
    /// rdiag show logs of any namespace that it can read.
    pub namespaces: Vec<String>,
    /// The namespace of alerts that name none.
    pub namespace: Option<String>,
}

const MINUTE: Millis = 60 * 1000;
/// What led to an alert happened before its `for` (5 to 15 min in rules for Thanos) had passed.
const LEAD: Millis = 15 * MINUTE;
/// Rules that look further back, by a part of their name, and how far.
const LEADS: &[(&str, Millis)] = &[
    ("NoUpload", 200 * MINUTE),
    ("S3Upload", 60 * MINUTE),
    ("UploadFail", 60 * MINUTE),
    ("DiskSpace", 60 * MINUTE),
    ("HashringFileRefresh", 30 * MINUTE),
    ("HashringInconsistent", 30 * MINUTE),
    ("LatencyHigh", 25 * MINUTE),
];
/// What comes after the end of an alert that is over.
const TAIL: Millis = 5 * MINUTE;
/// Longest window: kubelets keep some hours of logs at best, and causes lie near their symptoms.
const LONGEST: Millis = 6 * 60 * MINUTE;

const NAMESPACE_LABELS: [&str; 4] = [
    "namespace",
    "exported_namespace",
    "kubernetes_namespace",
    "kubernetes_namespace_name",
];
const POD_LABELS: [&str; 4] = ["pod", "exported_pod", "kubernetes_pod_name", "pod_name"];

impl Look {
    /// What `alerts` ask for. `now` ends the window of alerts that fire.
    #[must_use]
    pub fn of(alerts: &[Alert], policy: &Policy, now: Millis) -> Self {
        let mut look = Self::default();
        look.place(alerts, policy);
        look.pods = alerts
            .iter()
            .filter_map(pod)
            .collect::<BTreeSet<_>>()
            .into_iter()
            .collect();
        look.window(alerts, now);
        look
    }

    /// Whether one bundle serves both: the same namespace, and windows that begin near each other.
    #[must_use]
    pub fn joins(&self, other: &Self) -> bool {
        self.namespace == other.namespace && (self.from - other.from).abs() <= 2 * LEAD
    }

    /// Widens this look to what `other` asks for.
    pub fn join(&mut self, other: Self) {
        self.from = self.from.min(other.from);
        self.until = self.until.max(other.until);
        self.pods.extend(other.pods);
        self.pods.sort();
        self.pods.dedup();
        self.gaps.extend(other.gaps);
        self.gaps.sort();
        self.gaps.dedup();
    }

    fn place(&mut self, alerts: &[Alert], policy: &Policy) {
        let named: BTreeSet<String> = alerts.iter().filter_map(namespace).collect();
        let may =
            |name: &&String| policy.namespaces.is_empty() || policy.namespaces.contains(*name);
        self.namespace = named
            .iter()
            .find(may)
            .cloned()
            .or_else(|| policy.namespace.clone());
        for other in named
            .iter()
            .filter(|name| Some(*name) != self.namespace.as_ref())
        {
            let why = match may(&other) {
                true => "one look is about one namespace",
                false => "alerts may not name this namespace (--namespaces)",
            };
            self.gaps
                .push((format!("namespace {other}"), why.to_owned()));
        }
    }

    fn window(&mut self, alerts: &[Alert], now: Millis) {
        let firing: Vec<&Alert> = alerts
            .iter()
            .filter(|a| a.status == Status::Firing)
            .collect();
        let over = firing.is_empty();
        let asking: Vec<&Alert> = if over {
            alerts.iter().collect()
        } else {
            firing
        };
        let begin =
            |alert: &&Alert| alert.starts_at.unwrap_or(now) - lead(alert.label("alertname"));
        let from = asking.iter().map(begin).min().unwrap_or(now - LEAD);
        let end = asking
            .iter()
            .filter_map(|a| a.ends_at)
            .max()
            .filter(|_| over);
        self.until = end.map_or(now, |end| (end + TAIL).min(now));
        // A clock that is ahead, or an alert that has been firing for days.
        self.from = from.min(self.until - LEAD).max(self.until - LONGEST);
    }
}

fn lead(name: &str) -> Millis {
    LEADS
        .iter()
        .find(|(part, _)| name.contains(part))
        .map_or(LEAD, |(_, lead)| *lead)
}

fn namespace(alert: &Alert) -> Option<String> {
    let label = NAMESPACE_LABELS
        .into_iter()
        .map(|name| alert.label(name))
        .find(|v| is_name(v));
    // A PodMonitor's job is `namespace/name`.
    let job = || {
        alert
            .label("job")
            .split_once('/')
            .map(|(namespace, _)| namespace)
            .filter(|n| is_name(n))
    };
    label.or_else(job).map(str::to_owned)
}

/// The pod an alert names, or that the host of its `instance` does: `thanos-receive-1.thanos-receive:10902`.
fn pod(alert: &Alert) -> Option<String> {
    let label = POD_LABELS
        .into_iter()
        .map(|name| alert.label(name))
        .find(|v| is_name(v));
    let instance = || {
        let host = alert.label("instance").split([':', '/']).next()?;
        let first = host.split('.').next()?;
        let numbered = first
            .rsplit_once('-')
            .is_some_and(|(_, n)| n.bytes().all(|b| b.is_ascii_digit()));
        (numbered && is_name(first)).then_some(first)
    };
    label.or_else(instance).map(str::to_owned)
}

/// A DNS label or name of Kubernetes. Anything else in a label is no name of an object, whatever
/// somebody hopes it will be put into.
fn is_name(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-' || b == b'.';
    !text.is_empty() && text.len() <= 253 && text.bytes().all(fits) && !text.contains("..")
}

#[cfg(test)]
mod tests;
