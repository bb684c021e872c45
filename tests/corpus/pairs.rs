//! Causes that look alike are told apart, each way: of every group below, each bundle is given its own
//! cause, and none of the others' is held to be likely there.

use libtest_mimic::{Failed, Trial};

use crate::bundles::{self, Case};

/// Bundles whose first sight is the same.
const GROUPS: [(&str, &[&str]); 9] = [
    (
        "a receiver went away",
        &[
            "one-receiver-restarts-in-a-loop",
            "killed-while-it-replays",
            "a-node-does-not-answer",
            "exits-at-once-after-a-change",
            "one-receiver-pending",
            "image-cannot-be-pulled",
            "rollout-on-kubernetes",
        ],
    ),
    (
        "writes are answered 409",
        &[
            "writes-answered-409-out-of-order",
            "writes-answered-409-two-senders",
            "writes-answered-409-too-old",
            "samples-from-the-future-close-the-head",
            "rollout",
        ],
    ),
    (
        "forwards fail",
        &[
            "one-peer-does-not-answer-logs-only",
            "two-of-three-end-without-a-word",
            "forwards-fail-at-the-name-server",
            "forwards-fail-in-the-handshake",
            "forwards-run-out-of-time",
        ],
    ),
    (
        "the ring is wrong",
        &[
            "one-member-has-another-ring",
            "forwards-to-a-name-nobody-has",
            "forwards-meet-another-protocol",
            "ring-smaller-than-the-factor",
        ],
    ),
    (
        "the volume",
        &[
            "no-space-left-on-one-receiver",
            "data-folder-not-writable",
            "file-system-read-only",
            "one-receiver-repairs-its-wal",
            "too-few-file-descriptors-on-one-receiver",
        ],
    ),
    (
        "uploads fail",
        &[
            "uploads-connection-refused",
            "uploads-refused-signature-mismatch",
            "uploads-access-denied",
            "uploads-no-such-bucket",
            "object-store-file-not-understood",
            "uploads-run-out-of-time",
        ],
    ),
    (
        "too much, or not allowed",
        &["one-tenant-is-refused", "forwards-run-out-of-time"],
    ),
    (
        "a rollout",
        &["requests-refused-during-a-rollout", "rollout-on-kubernetes"],
    ),
    (
        "limits",
        &[
            "limits-file-broken-while-running",
            "forwards-time-out-and-a-tenant-is-limited",
        ],
    ),
];

/// From here on a cause is likely (`design.md`, bands).
const LIKELY: f64 = 0.70;

/// One test per group and bundle.
pub(crate) fn trials() -> Vec<Trial> {
    let each = GROUPS.iter().flat_map(|(group, names)| {
        names.iter().map(move |name| {
            Trial::test(format!("pairs::{group}::{name}"), move || {
                apart(name, names)
            })
        })
    });
    each.collect()
}

fn apart(name: &str, group: &[&str]) -> Result<(), Failed> {
    let case = case(name)?;
    let own = case.truth()?.causes();
    let others: Vec<String> = group
        .iter()
        .map(|other| Ok(self::case(other)?.truth()?.causes()))
        .collect::<Result<Vec<_>, Failed>>()?
        .into_iter()
        .flatten()
        .filter(|cause| !own.contains(cause))
        .collect();
    let report = &case.seen()?.report;
    for incident in report.incidents.iter().filter(|i| i.verdict != "benign") {
        // Something benign may be so beside a fault; whether it hides one is what `truth` tests.
        for hypothesis in incident.hypotheses.iter().filter(|h| h.role != "benign") {
            if hypothesis.probability >= LIKELY && others.contains(&hypothesis.cause) {
                return Err(Failed::from(format!(
                    "{name}: {} is held to be likely ({})",
                    hypothesis.cause, hypothesis.probability
                )));
            }
        }
    }
    Ok(())
}

fn case(name: &str) -> Result<&'static Case, Failed> {
    bundles::cases()
        .iter()
        .find(|case| case.name == name)
        .ok_or_else(|| Failed::from(format!("no fixture is called {name}")))
}
