//! Incidents as they were captured: the items that speak of them fire, with nothing made up.

use std::path::Path;

use rdiag::bundle::Input;
use rdiag::checks::{self, Cadence, Options, Status, Targets};

use super::bundle::{Bundle, When};
use Cadence::{Daily, Weekly};

/// Line of the runbook, incident, checklist, item that fails, part of what it says.
const FIRE: &[(&str, &str, Cadence, &str, &str)] = &[
    (
        "§ 1 availability",
        "one-receiver-pending",
        Daily,
        "availability",
        "503: 105",
    ),
    (
        "§ 1 write success",
        "writes-answered-409-out-of-order",
        Daily,
        "write-success",
        "409: 55",
    ),
    (
        "§ 1 replication success",
        "forwards-fail-in-the-handshake",
        Daily,
        "replication-success",
        "Unavailable: 210",
    ),
    (
        "§ 1 memory",
        "one-receiver-restarts-in-a-loop",
        Daily,
        "memory-use",
        "of its limit 52Mi",
    ),
    (
        "§ 1 latency p99",
        "forwards-to-two-members-time-out",
        Daily,
        "write-latency",
        "5.00s",
    ),
    (
        "§ 1 pods Running and Ready",
        "image-cannot-be-pulled",
        Daily,
        "pods-ready",
        "1 pod not ready",
    ),
    (
        "§ 1 unexpected restarts",
        "exits-at-once-after-a-change",
        Daily,
        "restarts",
        "4, last Error, exit 1",
    ),
    (
        "§ 1 members are the ready pods",
        "one-receiver-restarts-in-a-loop",
        Daily,
        "ring-members",
        "listed, but not ready",
    ),
    (
        "§ 1 uploads",
        "uploads-refused-signature-mismatch",
        Daily,
        "uploads-failing",
        "9 failures",
    ),
    (
        "§ 2.1 status",
        "one-receiver-pending",
        Daily,
        "pods-ready",
        "2 pods not ready",
    ),
    (
        "§ 2.2 what each pod has loaded",
        "one-member-has-another-ring",
        Daily,
        "ring-loaded",
        "not up to date: thanos-receive-ingestor-default-2",
    ),
    (
        "§ 2.2 file ↔ pods",
        "forwards-to-a-name-nobody-has",
        Daily,
        "ring-members",
        "obs-thanos-receive-3: listed, but no such pod",
    ),
    (
        "§ 2.3 quorum",
        "killed-while-it-replays",
        Daily,
        "quorum",
        "writes fail",
    ),
    (
        "§ 2.4 corruption",
        "one-receiver-repairs-its-wal",
        Daily,
        "tsdb-faults",
        "receive-1: WAL corrupted: 1",
    ),
    (
        "§ 2.4 disk",
        "no-space-left-on-one-receiver",
        Daily,
        "tsdb-faults",
        "disk full or read-only",
    ),
    (
        "§ 2.4 blocks not uploaded",
        "uploads-refused-signature-mismatch",
        Weekly,
        "blocks",
        "6 not uploaded",
    ),
    (
        "§ 2.6 object store",
        "uploads-refused-signature-mismatch",
        Weekly,
        "uploads-failing",
        "exists",
    ),
    (
        "§ 2 limits hit",
        "forwards-time-out-and-a-tenant-is-limited",
        Daily,
        "limits",
        "tenant b: code 413",
    ),
    (
        "§ 5 versions",
        "image-cannot-be-pulled",
        Weekly,
        "versions",
        "v0.39.9",
    ),
];

#[test]
fn captured_incidents_fire() {
    for (line, incident, cadence, item, part) in FIRE {
        let list = check(incident, *cadence);
        let item = list.item(item).unwrap();
        assert_eq!(item.status, Status::Fail, "{line}, {incident}: {item:#?}");
        let text = serde_json::to_string(item).unwrap();
        assert!(
            text.contains(part),
            "{line}, {incident}: {part} in {item:#?}"
        );
    }
}

/// Where the kubelet was not asked, the disk that was full is unknown.
#[test]
fn a_full_disk_that_nobody_measured_does_not_pass() {
    let list = check("no-space-left-on-one-receiver", Daily);
    let item = list.item("disk-use").unwrap();
    assert_eq!(item.status, Status::Unknown, "{item:#?}");
}

/// What the TSDB counts itself is the least that is used: enough to fail, not to pass.
#[test]
fn a_lower_bound_does_not_pass() {
    let bundle = Bundle::healthy();
    bundle.drop("kubelet_volume_stats_used_bytes");
    bundle.drop("kubelet_volume_stats_available_bytes");
    let list = bundle.check(Daily);
    let item = list.item("disk-use").unwrap();
    assert_eq!(item.status, Status::Unknown, "{item:#?}");
    let figure = item.figure.as_deref().unwrap_or_default();
    assert!(figure.starts_with("at least "), "{item:#?}");
    bundle.set(
        "*",
        When::Last,
        "prometheus_tsdb_storage_blocks_bytes",
        |_| 9e10,
    );
    let list = bundle.check(Daily);
    assert_eq!(list.item("disk-use").unwrap().status, Status::Fail);
}

/// Without scrapes and objects nothing passes: what is not seen is not fine.
#[test]
fn logs_alone_pass_nothing() {
    for cadence in [Daily, Weekly, Cadence::Monthly] {
        let list = check("one-peer-does-not-answer-logs-only", cadence);
        for item in list.items.iter().filter(|i| i.id != "error-lines") {
            assert_ne!(item.status, Status::Pass, "{item:#?}");
        }
    }
}

fn check(incident: &str, cadence: Cadence) -> checks::Checklist {
    let root = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/incidents");
    let input = Input::open(&[root.join(incident).join("bundle")], None).unwrap();
    checks::check(&input, cadence, &Targets::default(), &Options::default())
}
