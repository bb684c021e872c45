//! What could not be seen, said once.

use std::collections::BTreeSet;
use std::sync::{Mutex, PoisonError};

use super::api::Refusal;
use super::rights::Right;

/// Gaps on their way to whoever keeps them. A right that is missing is one gap, not one per pod.
pub(super) struct Notes<'a> {
    keep: Box<dyn Fn(String, String) + Send + Sync + 'a>,
    missing: Mutex<BTreeSet<(String, Option<String>)>>,
}

impl<'a> Notes<'a> {
    /// `keep` takes what could not be seen, and why.
    pub(super) fn new(keep: impl Fn(String, String) + Send + Sync + 'a) -> Self {
        Self { keep: Box::new(keep), missing: Mutex::default() }
    }

    pub(super) fn gap(&self, what: impl Into<String>, why: impl Into<String>) {
        (self.keep)(what.into(), why.into());
    }

    /// `what` was refused.
    pub(super) fn refused(&self, right: &Right, namespace: Option<&str>, what: &str, refusal: &Refusal) {
        if !refusal.is_forbidden() {
            self.gap(what, refusal.to_string());
            return;
        }
        let mut missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        if missing.insert((right.name(), namespace.map(str::to_owned))) {
            let place = namespace.map_or(String::new(), |n| format!(" in namespace {n}"));
            let what = kinds(right);
            self.gap(format!("{what}{place}"), format!("no right to {}: {}", right.name(), right.cost));
        }
    }

    /// A right was found missing before, so that asking again is of no use.
    pub(super) fn is_missing(&self, right: &Right, namespace: Option<&str>) -> bool {
        let missing = self.missing.lock().unwrap_or_else(PoisonError::into_inner);
        missing.contains(&(right.name(), namespace.map(str::to_owned)))
    }
}

/// What a right lets see.
fn kinds(right: &Right) -> &'static str {
    match (right.resource, right.subresource) {
        ("pods", "log") => "logs of all pods",
        ("pods", "proxy") => "metrics, readiness and TSDB status of all pods",
        ("pods", _) => "pods",
        ("nodes", "proxy") => "use of volumes as the kubelets see it",
        ("configmaps", _) => "hashring and limits",
        (resource, _) => resource,
    }
}
