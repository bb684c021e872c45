//! Large rings: what is wrong with three receivers is wrong in the same way among forty.

use std::path::Path;
use std::sync::Arc;

use rdiag::bundle::Input;
use rdiag::engine::{Engine, Options};
use rdiag::pack::Pack;
use serde_json::Value;

use crate::grow::grow;

/// A fixture, a receiver of it that is well and has many like it in the large ring, and the pods at fault.
const CASES: &[(&str, &str, &[&str])] = &[
    (
        "a-node-does-not-answer",
        "thanos-receive-ingestor-default-0",
        &["thanos-receive-ingestor-default-2"],
    ),
    ("forwards-to-two-members-time-out", "thanos-receive-0", &[]),
    (
        "no-space-left-on-one-receiver",
        "thanos-receive-ingestor-default-0",
        &["thanos-receive-ingestor-default-1"],
    ),
    (
        "one-member-has-another-ring",
        "thanos-receive-ingestor-default-0",
        &[],
    ),
    ("one-peer-does-not-answer-logs-only", "receive-0", &[]),
    (
        "one-receiver-restarts-in-a-loop",
        "thanos-receive-0",
        &["thanos-receive-1"],
    ),
    ("one-tenant-is-refused", "thanos-receive-0", &[]),
    ("uploads-no-such-bucket", "thanos-receive-0", &[]),
];

/// The first cause and the pods it names.
fn first(engine: &Engine, bundle: &Path) -> (String, Vec<String>) {
    let input = Input::open(&[bundle.to_owned()], None).unwrap();
    let report = engine.run(&input, &Options::default()).unwrap().report;
    let report = serde_json::to_value(&report).unwrap();
    let hypothesis = &report["incidents"][0]["hypotheses"][0];
    let pods = hypothesis["subjects"].as_array().into_iter().flatten();
    let name = |v: &Value| {
        v["name"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned()
    };
    (
        hypothesis["cause"].as_str().unwrap_or("none").to_owned(),
        pods.filter(|s| s["kind"] == "pod").map(name).collect(),
    )
}

#[test]
fn a_fault_among_forty_receivers_is_the_fault_among_three() {
    let engine = Engine::new(Arc::new(Pack::embedded().unwrap()));
    for (fixture, well, at_fault) in CASES {
        let small = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("fixtures/incidents/{fixture}/bundle"));
        let (cause, _) = first(&engine, &small);
        for receivers in [12, 40] {
            let large = tempfile::tempdir().unwrap();
            grow(&small, large.path(), well, receivers);
            let (found, pods) = first(&engine, large.path());
            assert_eq!(found, cause, "{fixture}, {receivers} receivers");
            if !at_fault.is_empty() {
                assert_eq!(pods, *at_fault, "{fixture}, {receivers} receivers");
            }
        }
    }
}

/// Pods of one kind are all named, also those for whom others stand.
#[test]
fn all_receivers_that_share_a_fault_are_named() {
    let engine = Engine::new(Arc::new(Pack::embedded().unwrap()));
    let small = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/incidents/one-receiver-restarts-in-a-loop/bundle");
    let large = tempfile::tempdir().unwrap();
    grow(&small, large.path(), "thanos-receive-1", 9);
    let (cause, mut pods) = first(&engine, large.path());
    assert_eq!(cause, "receiver-oom");
    pods.sort();
    let mut expected = vec!["thanos-receive-1".to_owned()];
    expected.extend((3..9).map(|n| format!("thanos-receive-{n}")));
    assert_eq!(pods, expected);
}
