//! The runbook's log lines (§ 3), its aliases (§ 2) and its scaling (§ 2.5).

use rdiag::hashring::{self, Algorithm, Load, PlanRequest, Rings, Setup};
use rdiag::matcher::Matcher;
use rdiag::pack::Pack;
use rdiag::record::{Origin, Record};

/// § 3: what the line tells, and the line.
const LINES: &[(&str, &str)] = &[
    (
        "§ 3 ring loaded; count of rings",
        r#"level=info ts=2026-11-23T01:50:01.5Z msg="loaded hashring configuration" hashrings=3"#,
    ),
    (
        "§ 3 healthy: quorum write",
        r#"level=info msg="quorum write succeeded" replicas=3 quorum=2"#,
    ),
    (
        "§ 3 healthy: replication",
        r#"level=info msg="replication succeeded" replicas=3 quorum=2"#,
    ),
    (
        "§ 3 healthy: upload; its absence is evidence",
        r#"level=info ts=2026-11-23T01:50:01.5Z msg="uploaded block to s3" id=01HJ4MKT4J7RQB6N2V8SXWE0ZA bucket=thanos-cluster-01 duration=8.5s"#,
    ),
    (
        "§ 3 healthy: volume per tenant",
        r#"level=info ts=2026-11-23T01:50:01.5Z msg="handling remote write request" tenant=default cluster=cluster-03 samples=1250"#,
    ),
    (
        "§ 3 a replica could not be written",
        r#"level=error msg="error handling request" err="replica write failed""#,
    ),
    (
        "§ 3 a member outside the ring",
        r#"level=error msg="endpoint not in hashring" endpoint="receive-3:10901""#,
    ),
    (
        "§ 3 family: corruption",
        r#"level=error ts=2026-11-23T01:50:01.5Z msg="block corruption detected" err="corruption in segment 12""#,
    ),
    (
        "§ 3 family: memory",
        r#"level=error ts=2026-11-23T01:50:01.5Z msg="write failed" err="OOM: cannot allocate memory""#,
    ),
    (
        "§ 3 family: connection refused",
        r#"level=error ts=2026-11-23T01:50:01.5Z msg="replication failed" err="dial tcp 10.1.2.3:10901: connection refused""#,
    ),
    (
        "§ 3 family: timeout",
        r#"level=error ts=2026-11-23T01:50:01.5Z msg="replication failed" err="write tcp 10.1.2.3:10901: i/o timeout""#,
    ),
];

#[test]
fn s3_every_quoted_line_is_matched() {
    let pack = Pack::embedded().unwrap();
    let matcher = Matcher::new(&pack);
    let origin = Origin::pod("thanos-receive-0");
    let mut unmatched = Vec::new();
    for (line, text) in LINES {
        let record = Record::log(&origin, text.as_bytes());
        let mut hits = 0;
        matcher.scan(&pack, &record, |_| hits += 1);
        if hits == 0 {
            unmatched.push(format!("{line}: {text}"));
        }
        // And a line that says nothing of the kind is left alone.
        let quiet = Record::log(&origin, br#"level=info msg="nothing of the kind""#);
        matcher.scan(&pack, &quiet, |_| {
            panic!("{line}: a line that says nothing is matched")
        });
    }
    assert!(unmatched.is_empty(), "{}", unmatched.join("\n"));
}

#[test]
fn s2_metric_names_of_the_runbook_are_aliases() {
    for name in [
        "thanos_receive_head_series",
        "thanos_receive_write_requests_total",
        "thanos_receive_write_timeseries_total",
        "thanos_receive_replication_requests_total",
        "thanos_shipper_upload_duration_seconds_bucket",
        "thanos_compact_group_compactions_total",
    ] {
        assert!(rdiag::metrics::canonical(name).is_some(), "{name}");
    }
    // A real name; only its label `state` is not.
    assert!(rdiag::metrics::canonical("thanos_receive_hashring_nodes").is_none());
}

#[test]
fn s2_5_scaling_plans_members_before_the_ring() {
    let text = include_str!("../../../fixtures/checks/healthy/config/observability/hashrings.json");
    let rings = Rings::parse(text).unwrap();
    let setup = Setup {
        algorithm: Some(Algorithm::Ketama),
        replication_factor: Some(3),
        version: hashring::parse_version("0.41.0"),
    };
    let request = |to| PlanRequest {
        to: Some(to),
        memory: None,
        cpu: None,
        hashring: None,
        statefulsets: Vec::new(),
        namespace: None,
        configmap: "ring".to_owned(),
        key: "hashrings.json".to_owned(),
        container: "thanos-receive".to_owned(),
        file_name: "hashrings.json".to_owned(),
        load: Load {
            series: Some(3209.0),
            ..Load::default()
        },
        bytes_per_series: PlanRequest::USUAL_BYTES_PER_SERIES,
    };
    let titles = |to| -> Vec<String> {
        let plan = hashring::plan(text, &rings, &setup, &request(to)).unwrap();
        assert!(plan.blocked.is_empty(), "{:?}", plan.blocked);
        plan.steps.into_iter().map(|s| s.title).collect()
    };
    let out = titles(5);
    let at = |part: &str| {
        out.iter()
            .position(|t| t.contains(part))
            .unwrap_or_else(|| panic!("{part}: {out:?}"))
    };
    assert!(at("Start obs-thanos-receive-3") < at("Put it in force"));
    assert!(at("Put it in force") < at("Wait until every member"));
    // And a plan that must not be done says so instead of steps.
    let plan = hashring::plan(text, &rings, &setup, &request(2)).unwrap();
    assert!(
        !plan.blocked.is_empty() && plan.steps.is_empty(),
        "fewer members than copies"
    );
}
