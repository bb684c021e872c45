//! Real names for the placeholders of commands: of the first pod at fault, and of what it belongs to.

use std::collections::BTreeMap;

use super::compose::Extra;
use crate::diagnosis::{Hypothesis, Member, MemberRole, Scope};
use crate::pack::SubjectKind;
use crate::record::set_and_ordinal;

/// What most rings call these things, where the input does not say.
const USUAL: [(&str, &str); 4] = [
    ("container", "thanos-receive"),
    ("selector", "app=thanos-receive"),
    ("configmap", "thanos-receive-hashring"),
    ("tsdb_path", "/var/thanos/receive"),
];

/// Values by placeholder.
pub(super) fn of(
    scope: &Scope,
    extra: &Extra,
    hypothesis: Option<&Hypothesis>,
) -> BTreeMap<String, String> {
    let mut names = extra.topology_names.clone();
    let subjects = hypothesis
        .map(|h| h.subjects.as_slice())
        .unwrap_or_default();
    for s in subjects {
        let key = match s.kind {
            SubjectKind::Node => "node",
            SubjectKind::Tenant => "tenant",
            SubjectKind::Volume => "claim",
            _ => continue,
        };
        if !s.name.is_empty() {
            names
                .entry(key.to_owned())
                .or_insert_with(|| s.name.to_string());
        }
    }
    let faulty = subjects
        .iter()
        .find(|s| s.kind == SubjectKind::Pod && !s.name.is_empty());
    let pod = faulty
        .map(|s| s.name.to_string())
        .or_else(|| receivers(scope).next().map(|m| m.name.clone()));
    if let Some(pod) = pod.filter(|p| !p.is_empty() && !p.starts_with('?')) {
        of_pod(&mut names, scope, extra, &pod);
    }
    let mut senders = scope.members.iter();
    let sender = senders.find(|m| m.role == MemberRole::Sender);
    if let Some((namespace, pod)) = sender.and_then(|m| m.name.split_once('/')) {
        names.insert("sender_namespace".to_owned(), namespace.to_owned());
        names.insert("sender_pod".to_owned(), pod.to_owned());
    }
    for (key, value) in USUAL {
        names
            .entry(key.to_owned())
            .or_insert_with(|| value.to_owned());
    }
    names
}

/// The pod itself, what is its own, what it belongs to, and one that works.
fn of_pod(names: &mut BTreeMap<String, String>, scope: &Scope, extra: &Extra, pod: &str) {
    let (namespace, bare) = pod
        .split_once('/')
        .map_or((None, pod), |(ns, p)| (Some(ns), p));
    if let Some(namespace) = namespace {
        names.insert("namespace".to_owned(), namespace.to_owned());
    }
    names.insert("pod".to_owned(), bare.to_owned());
    let own = extra.pod_names.get(pod).into_iter().flatten();
    names.extend(own.map(|(key, value)| (key.clone(), value.clone())));
    let member = scope.member(pod).map(|n| &scope.members[n]);
    let owner = member
        .and_then(|m| m.workload.clone())
        .or_else(|| workload_of(bare));
    owner.map(|o| names.insert("workload".to_owned(), o));
    if let Some(node) = member.and_then(|m| m.node.clone()) {
        names.entry("node".to_owned()).or_insert(node);
    }
    if let Some(other) = receivers(scope).find(|m| m.name != pod && !m.router_only) {
        let bare = other.name.rsplit('/').next().unwrap_or(&other.name);
        names
            .entry("other_pod".to_owned())
            .or_insert_with(|| bare.to_owned());
    }
}

fn receivers(scope: &Scope) -> impl Iterator<Item = &Member> {
    let members = scope.members.iter();
    members.filter(|m| m.role == MemberRole::Receiver)
}

fn workload_of(pod: &str) -> Option<String> {
    set_and_ordinal(pod).map(|(set, _)| set.to_owned())
}
