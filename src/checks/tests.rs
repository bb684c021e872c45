//! Targets, words, data files.

#![allow(clippy::unwrap_used)]

use super::items::fleet;
use super::items::tsdb::go_duration;
use super::{Targets, words};

#[test]
fn every_target_in_use_exists() {
    let targets = Targets::default();
    let names = [
        "availability",
        "write_success",
        "replication_success",
        "replication_alert",
        "latency_p99",
        "traffic_change",
        "restarts",
        "disk_use_daily",
        "disk_use_weekly",
        "disk_use_monthly",
        "disk_alert",
        "disk_days_left",
        "wal_share",
        "memory_use_daily",
        "memory_use_weekly",
        "memory_use_monthly",
        "memory_alert",
        "memory_days_left",
        "size_high",
        "size_low",
        "head_lag",
        "head_ahead",
        "series_growth",
        "series_limit",
        "ring_balance",
        "upload_quiet",
        "upload_lag",
        "certificate_days",
        "certificate_alert",
        "forecast_window",
        "near",
        "restore_test_every",
    ];
    for name in names {
        assert!(targets.get(name).is_finite(), "{name}");
    }
    let mut all: Vec<&str> = names.into_iter().chain(["restore_test_last"]).collect();
    all.sort_unstable();
    assert_eq!(
        targets.names().collect::<Vec<_>>(),
        all,
        "a target that nothing uses"
    );
    assert!((targets.get("memory_use_daily") - 3.5 * 1024.0 * 1024.0 * 1024.0).abs() < 1.0);
}

#[test]
fn targets_are_overridden_one_by_one() {
    let targets =
        Targets::with("disk_use_daily: 60%\nlatency_p99: 1s\nrestore_test_last: 2026-10-01\n")
            .unwrap();
    assert!((targets.get("disk_use_daily") - 0.6).abs() < 1e-9);
    assert!((targets.get("latency_p99") - 1.0).abs() < 1e-9);
    assert!(targets.get("restore_test_last").is_finite());
    assert!(Targets::with("# nothing\n").is_ok());
    let problems = Targets::with("disk_use_dayly: 60%\nupload_lag: 3\nnear: much\n").unwrap_err();
    assert_eq!(problems.len(), 3, "{problems:?}");
}

#[test]
fn numbers_read_well() {
    let check = |got: String, expected: &str| assert_eq!(got, expected);
    check(words::share(0.99996), "99.996 %");
    check(words::share(0.999_999), "99.999 %");
    check(words::share(1.0), "100 %");
    check(words::share(0.7), "70 %");
    check(words::share(0.005), "0.5 %");
    check(words::share(0.0), "0 %");
    check(words::bytes(3.5 * 1024.0 * 1024.0 * 1024.0), "3.5Gi");
    check(words::bytes(116_649_984.0), "111Mi");
    check(words::duration(148.0), "2m28s");
    check(words::duration(0.038), "38ms");
    check(words::duration(11.0 * 86_400.0), "11d");
    check(words::duration(-90.0), "-1m30s");
    check(words::count(1_234_567.0), "1,234,567");
    check(words::count(f64::NAN), "?");
}

#[test]
fn durations_of_flags() {
    assert_eq!(go_duration("2h"), Some(7200.0));
    assert_eq!(go_duration("1m30s"), Some(90.0));
    assert_eq!(go_duration("500ms"), Some(0.5));
    assert_eq!(go_duration("soon"), None);
    assert_eq!(go_duration(""), None);
}

#[test]
fn known_bugs_have_ranges_and_ids() {
    let bugs = fleet::bugs();
    assert!(bugs.len() >= 12);
    let mut ids: Vec<&str> = bugs.iter().map(|b| b.id.as_str()).collect();
    ids.sort_unstable();
    ids.dedup();
    assert_eq!(ids.len(), bugs.len(), "an id twice");
    for bug in &bugs {
        let range = bug.range();
        assert_eq!(
            range.since.is_some(),
            bug.since.is_some(),
            "{}: since",
            bug.id
        );
        assert_eq!(
            range.until.is_some(),
            bug.until.is_some(),
            "{}: until",
            bug.id
        );
        assert!(!range.is_empty(), "{}", bug.id);
        assert!(!bug.instead.is_empty(), "{}", bug.id);
    }
}
