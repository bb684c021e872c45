//! Tests of `serve`.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::serve::alert::Labels;

const NOW: Millis = 1_800_000_000_000;

fn alert(status: Status, labels: &str, started: Millis, ended: Option<Millis>) -> Alert {
    let labels: Labels = labels
        .split_whitespace()
        .map(|pair| pair.split_once('=').unwrap())
        .map(|(name, value)| (name.to_owned(), value.to_owned()))
        .collect();
    Alert {
        status,
        labels,
        starts_at: Some(NOW + started * MINUTE),
        ends_at: ended.map(|ended| NOW + ended * MINUTE),
        ..Alert::default()
    }
}

fn firing(labels: &str, started: Millis) -> Alert {
    alert(Status::Firing, labels, started, None)
}

fn resolved(labels: &str, started: Millis, ended: Millis) -> Alert {
    alert(Status::Resolved, labels, started, Some(ended))
}

/// `namespace/pod,pod from until !gaps`, times in minutes before now.
fn check(alerts: &[Alert], expected: &str) {
    let policy = Policy {
        namespaces: vec!["monitoring".to_owned(), "thanos".to_owned()],
        namespace: Some("monitoring".to_owned()),
    };
    let look = Look::of(alerts, &policy, NOW);
    let got = format!(
        "{}/{} {} {} !{}",
        look.namespace.as_deref().unwrap_or("?"),
        look.pods.join(","),
        (look.from - NOW) / MINUTE,
        (look.until - NOW) / MINUTE,
        look.gaps
            .iter()
            .map(|(what, _)| what.as_str())
            .collect::<Vec<_>>()
            .join(","),
    );
    assert_eq!(got, expected, "{alerts:?}");
}

#[test]
fn what_and_when() {
    check(
        &[firing("namespace=thanos pod=r-1", -6)],
        "thanos/r-1 -21 0 !",
    );
    check(&[firing("alertname=X", 0)], "monitoring/ -15 0 !");
    check(
        &[firing("exported_namespace=thanos namespace=monitoring", -1)],
        "monitoring/ -16 0 !",
    );
    check(&[firing("job=thanos/receive", -1)], "thanos/ -16 0 !");
    check(
        &[firing(
            "job=receive instance=r-1.receive.thanos.svc:10902",
            -1,
        )],
        "monitoring/r-1 -16 0 !",
    );
    check(
        &[firing("instance=10.1.2.3:10902", -1)],
        "monitoring/ -16 0 !",
    );
    check(
        &[firing("kubernetes_pod_name=r-0", -1), firing("pod=r-2", -9)],
        "monitoring/r-0,r-2 -24 0 !",
    );
}

#[test]
fn rules_that_look_further_back() {
    check(
        &[firing("alertname=ThanosReceiveNoUpload", -5)],
        "monitoring/ -205 0 !",
    );
    check(
        &[firing("alertname=ThanosReceiverDiskSpaceRunningOut", -5)],
        "monitoring/ -65 0 !",
    );
    check(
        &[firing("alertname=ThanosReceiveHttpRequestLatencyHigh", -5)],
        "monitoring/ -30 0 !",
    );
}

#[test]
fn firing_alerts_decide_and_resolved_ones_end_the_window() {
    check(
        &[resolved("pod=r-1", -300, -200), firing("pod=r-2", -2)],
        "monitoring/r-1,r-2 -17 0 !",
    );
    check(&[resolved("pod=r-1", -60, -50)], "monitoring/r-1 -75 -45 !");
    check(&[resolved("pod=r-1", -2, -1)], "monitoring/r-1 -17 0 !");
}

#[test]
fn odd_clocks_and_long_alerts_stay_in_bounds() {
    check(&[firing("pod=r-1", 30)], "monitoring/r-1 -15 0 !");
    check(&[firing("pod=r-1", -5000)], "monitoring/r-1 -360 0 !");
    check(&[], "monitoring/ -15 0 !");
}

#[test]
fn alerts_do_not_choose_what_they_may_see() {
    check(
        &[firing("namespace=kube-system", -1)],
        "monitoring/ -16 0 !namespace kube-system",
    );
    check(
        &[
            firing("namespace=thanos", -1),
            firing("namespace=monitoring", -1),
        ],
        "monitoring/ -16 0 !namespace thanos",
    );
    check(
        &[firing("namespace=../../etc pod=$(reboot)", -1)],
        "monitoring/ -16 0 !",
    );
    check(
        &[firing("namespace=a;b pod=-;-", -1)],
        "monitoring/ -16 0 !",
    );
}

#[test]
fn looks_join_when_one_bundle_serves_both() {
    let policy = Policy::default();
    let one = Look::of(&[firing("namespace=a pod=r-1", -10)], &policy, NOW);
    let near = Look::of(&[firing("namespace=a pod=r-0", -20)], &policy, NOW);
    let far = Look::of(&[firing("namespace=a", -200)], &policy, NOW);
    let elsewhere = Look::of(&[firing("namespace=b", -10)], &policy, NOW);
    assert!(one.joins(&near) && !one.joins(&far) && !one.joins(&elsewhere));
    let mut both = one;
    both.join(near);
    assert_eq!(
        (both.pods.join(","), (both.from - NOW) / MINUTE),
        ("r-0,r-1".to_owned(), -35)
    );
}
