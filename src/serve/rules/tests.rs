//! Tests of `serve`.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::pack::{Pack, Target};

fn wanted(version: &str) -> Wanted {
    Wanted {
        version: Version::parse(version),
        ..Wanted::default()
    }
}

fn expr(version: &str, alert: &str) -> Option<String> {
    rules(&wanted(version))
        .into_iter()
        .find(|rule| rule.alert == alert)
        .map(|rule| rule.expr)
}

#[test]
fn series_that_count_in_each_version() {
    let alert = "ThanosReceiveHighForwardRequestFailures";
    for (version, grpc, own) in [
        ("0.34.1", false, true),
        ("0.35.0", true, false),
        ("0.38.0", true, false),
        ("0.39.2", false, true),
        ("0.41.0", false, true),
        ("", true, true),
    ] {
        let expr = expr(version, alert).unwrap();
        assert_eq!(
            expr.contains("grpc_client_handled_total"),
            grpc,
            "{version}: {expr}"
        );
        assert_eq!(
            expr.contains("thanos_receive_forward_requests_total"),
            own,
            "{version}: {expr}"
        );
    }
}

#[test]
fn rules_of_metrics_that_do_not_exist_yet_are_left_out() {
    let alert = "ThanosReceiveTenantLimitedByHeadSeries";
    assert!(expr("0.27.0", alert).is_none());
    assert!(expr("0.28.0", alert).is_some());
    assert!(expr("", alert).is_some());
}

#[test]
fn all_rules_are_whole() {
    let pack = Pack::embedded().unwrap();
    let external = Wanted {
        external_url: Some("https://rdiag.example/".to_owned()),
        ..Wanted::default()
    };
    let all = rules(&external);
    assert_eq!(all.len(), 17);
    for rule in &all {
        assert!(
            matches!(pack.find(&rule.explain), Some(Target::Cause(_))),
            "{}: {}",
            rule.alert,
            rule.explain
        );
        assert!(!rule.expr.contains("{{"), "{}", rule.expr);
        assert!(["critical", "warning", "info"].contains(&rule.severity.as_str()));
        let url = &rule
            .annotations
            .iter()
            .find(|(name, _)| name == "incident_url")
            .unwrap()
            .1;
        assert!(
            url.starts_with("https://rdiag.example/find?alertname=Thanos"),
            "{url}"
        );
    }
}

#[test]
fn printed_yaml_reads_back_as_the_same_rules() {
    for shape in [Shape::Plain, Shape::Operator] {
        let text = yaml(&wanted(""), shape);
        let mut read: Value = serde_saphyr::from_str(&text).unwrap();
        let mut meant = json(&wanted(""), shape);
        for value in [&mut read, &mut meant] {
            value.as_object_mut().unwrap().remove("metadata");
        }
        assert_eq!(read, meant);
    }
}
