//! `{{name}}` in commands: better found missing here than at three in the morning.

use super::Auditor;
use crate::pack::{Cause, Pack, SubjectKind, Target};

/// Known of every incident in a cluster, or written as `<NAME>` for the reader to fill in where the
/// input does not say: where the ring runs, and what its parts are called (`report::compose`).
const ALWAYS: &[&str] = &[
    "claim",
    "configmap",
    "container",
    "namespace",
    "node",
    "other_pod",
    "pod",
    "replication_factor",
    "selector",
    "sender_namespace",
    "sender_pod",
    "service",
    "store_url",
    "tsdb_path",
    "twice_cpu_limit",
    "twice_memory_limit",
    "workload",
];

pub(super) fn check(auditor: &mut Auditor) {
    let pack = auditor.pack;
    for target in pack.targets() {
        let Target::Cause(ix) = target else {
            continue;
        };
        let cause = &pack[ix];
        for text in texts(cause) {
            for name in names(text) {
                if !resolves(pack, target, cause, name) {
                    let message = format!(
                        "`{name}` is no field of a {} and not taken out by every signature its \
                         links lead to",
                        crate::pack::words::word(crate::pack::words::SCOPE, &cause.scope)
                    );
                    auditor.error(target, &format!("{{{{{name}}}}}"), message);
                }
            }
        }
    }
}

/// All texts of a cause in which placeholders are filled in.
fn texts(cause: &Cause) -> impl Iterator<Item = &str> {
    let checks = cause.confirm.iter().map(|step| (&step.what, &step.run));
    let steps = cause.mitigate.iter().chain(&cause.fix);
    let steps = steps.map(|step| (&step.what, &step.run));
    let steps = checks
        .chain(steps)
        .flat_map(|(what, run)| [Some(what), run.as_ref()]);
    let others = cause.avoid.iter().chain([&cause.verify]).map(Some);
    steps.chain(others).flatten().map(String::as_str)
}

/// Names between double braces; `{{` of Go templates (`{{.status}}`, `{{range …}}`) are not ours.
fn names(text: &str) -> impl Iterator<Item = &str> {
    let inner = text
        .split("{{")
        .skip(1)
        .filter_map(|rest| rest.split_once("}}"));
    inner.map(|(name, _)| name.trim()).filter(|name| {
        let mut bytes = name.bytes();
        !name.is_empty() && bytes.all(|b| b.is_ascii_lowercase() || b == b'_' || b == b'-')
    })
}

fn resolves(pack: &Pack, target: Target, cause: &Cause, name: &str) -> bool {
    ALWAYS.contains(&name) || fields(cause.scope).contains(&name) || {
        let reached = pack.reachable(target);
        let mut signatures = reached.iter().filter_map(|t| match t {
            Target::Signature(ix) => Some(&pack[*ix]),
            Target::State(_) | Target::Cause(_) => None,
        });
        signatures.all(|signature| signature.extract.iter().any(|extract| extract.name == name))
    }
}

/// What is known of a subject beside what is always known.
fn fields(kind: SubjectKind) -> &'static [&'static str] {
    match kind {
        SubjectKind::Pod => &["pod", "node"],
        SubjectKind::Node => &["node"],
        SubjectKind::Tenant => &["tenant"],
        SubjectKind::Bucket => &["bucket"],
        SubjectKind::Volume => &["volume", "pod"],
        SubjectKind::Statefulset => &["statefulset"],
        SubjectKind::Hashring => &["hashring"],
        SubjectKind::Sender => &["sender"],
        SubjectKind::Global => &[],
    }
}
