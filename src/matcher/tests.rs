//! Which signatures a record satisfies, and what is taken out of it.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::record::{Fields, Origin};

const FILES: &[(&str, &str)] = &[
    (
        "signatures/a/forward.yaml",
        "title: A forward fails\nseverity: warning\nvariants: [{where: {err: {contains: forwarding request}}}]\n",
    ),
    (
        "signatures/a/refused.yaml",
        "title: Refused\nseverity: error\nvariants: [{where: {leaf: {contains: connection refused}}}]\n\
         extract: {endpoint: peer}\nabout: endpoint\nrefines: a/forward\n",
    ),
    (
        "signatures/a/quoted.yaml",
        "title: Said\nseverity: info\nvariants: [{where: {msg: caught signal. Exiting.}}]\n",
    ),
    (
        "signatures/a/old-and-new.yaml",
        "title: Two wordings\nseverity: info\nvariants: [{where: {msg: the old wording of it}}, {where: {msg: \
         {starts_with: the new wording}, replicas: 3}}]\n",
    ),
    (
        "signatures/a/tenant.yaml",
        "title: A tenant\nseverity: error\nvariants: [{where: {line: {regex: 'tenant \\S+ is not known'}}}]\n\
         extract: {tenant: {from: line, regex: 'tenant (?<tenant>\\S+) is'}}\nabout: tenant\n",
    ),
    (
        "signatures/a/oom.yaml",
        "title: Killed\nseverity: critical\nsource: status\nvariants: [{where: {reason: OOMKilled}}]\n",
    ),
    (
        "signatures/a/near.yaml",
        "title: Nearly full\nseverity: warning\nsource: metric\nvariants: [{where: {metric: [used, taken], share: \
         {above: 0.9}}}]\n",
    ),
];

/// `id`, or `id@subject` where the record names one.
fn hits(record: &Record<'_>) -> Vec<String> {
    let pack = Pack::load(FILES.iter().copied()).unwrap();
    let mut found = Vec::new();
    Matcher::new(&pack).scan(&pack, record, |hit| {
        let id = pack[hit.signature].id.clone();
        found.push(hit.subject.map_or(id.clone(), |s| format!("{id}@{s}")));
    });
    found
}

#[track_caller]
fn check(line: &str, expected: &[&str]) {
    let origin = Origin::pod("p");
    assert_eq!(
        hits(&Record::log(&origin, line.as_bytes())),
        expected,
        "{line}"
    );
}

#[track_caller]
fn check_fields(source: Source, fields: &[(&str, &str)], expected: &[&str]) {
    let origin = Origin::pod("p");
    let mut all = Fields::default();
    fields
        .iter()
        .for_each(|(key, value)| all.push(key.as_bytes(), value.as_bytes()));
    assert_eq!(
        hits(&Record::from_fields(source, &origin, all)),
        expected,
        "{fields:?}"
    );
}

#[test]
fn a_line_satisfies_what_its_fields_say() {
    check("level=info msg=\"caught signal. Exiting.\"", &["a/quoted"]);
    check(
        "{\"level\":\"info\",\"msg\":\"caught signal. Exiting.\"}",
        &["a/quoted"],
    );
    check("level=info msg=\"it said: caught signal. Exiting.\"", &[]);
    check("level=info err=\"caught signal. Exiting.\"", &[]);
    check("", &[]);
}

#[test]
fn any_variant_will_do_but_all_of_its_conditions() {
    check("msg=\"the old wording of it\"", &["a/old-and-new"]);
    check(
        "msg=\"the new wording of it\" replicas=3",
        &["a/old-and-new"],
    );
    check("msg=\"the new wording of it\" replicas=2", &[]);
    check("msg=\"the new wording of it\"", &[]);
}

#[test]
fn a_finer_signature_silences_the_broader_one() {
    check(
        "err=\"forwarding request to endpoint a-1:10901: odd\"",
        &["a/forward"],
    );
    check(
        "err=\"forwarding request to endpoint a-1:10901: connection refused\"",
        &["a/refused@a-1:10901"],
    );
}

#[test]
fn every_leaf_of_an_error_chain_is_a_hit_of_its_own() {
    check(
        "err=\"2 errors: forwarding request to endpoint a-1:10901: connection refused; forwarding request to endpoint \
         a-2:10901: connection refused\"",
        &["a/refused@a-1:10901", "a/refused@a-2:10901"],
    );
}

#[test]
fn the_raw_line_is_a_field_too() {
    check(
        "plain words: tenant acme is not known here",
        &["a/tenant@acme"],
    );
    check("plain words: tenant is not known", &[]);
}

#[test]
fn other_sources_are_matched_by_their_fields() {
    check_fields(Source::Status, &[("reason", "OOMKilled")], &["a/oom"]);
    check_fields(Source::Status, &[("reason", "Completed")], &[]);
    check_fields(Source::Event, &[("reason", "OOMKilled")], &[]);
    check_fields(
        Source::Metric,
        &[("metric", "used"), ("share", "0.95")],
        &["a/near"],
    );
    check_fields(
        Source::Metric,
        &[("metric", "taken"), ("share", "0.5")],
        &[],
    );
    check_fields(
        Source::Metric,
        &[("metric", "used"), ("share", "much")],
        &[],
    );
}

#[test]
fn odd_bytes_are_only_bytes() {
    let origin = Origin::pod("p");
    let line = b"\xff\xfe msg=\"caught signal. Exiting.\" err=\"\xff";
    assert_eq!(hits(&Record::log(&origin, line)), ["a/quoted"]);
}
