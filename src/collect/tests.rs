//! Tests of what needs no cluster.

#![allow(clippy::unwrap_used)]

use serde_json::{Value, json};

use super::api::{Refusal, wait};
use super::config::{Found, source};
use super::pods::Pod;
use super::redact;
use super::resume::Resume;
use super::rights::{Subject, role};
use super::scrape::volume_series;

fn stamped(second: u32, nanos: u32, text: &str) -> Vec<u8> {
    format!("2026-01-01T00:00:{second:02}.{nanos:09}Z {text}").into_bytes()
}

/// Reads `before`, is cut, reads `after`; gives what is new, and whether touch was lost.
fn resumed(before: &[Vec<u8>], after: &[Vec<u8>]) -> (Vec<String>, bool) {
    let mut resume = Resume::default();
    before.iter().for_each(|line| resume.note(line));
    resume.begin();
    let fresh = after.iter().filter(|line| resume.admit(line));
    let fresh = fresh
        .map(|line| String::from_utf8_lossy(&line[31..]).into_owned())
        .collect();
    (fresh, resume.lost_touch())
}

#[test]
fn lines_that_come_again_are_known() {
    let (a, b, c) = (stamped(1, 1, "a"), stamped(1, 2, "b"), stamped(1, 3, "c"));
    let check = |before: &[&Vec<u8>], after: &[&Vec<u8>], expected: &[&str], lost: bool| {
        let owned = |list: &[&Vec<u8>]| list.iter().map(|l| (*l).clone()).collect::<Vec<_>>();
        let got = resumed(&owned(before), &owned(after));
        assert_eq!(
            got,
            (expected.iter().map(|s| (*s).to_owned()).collect(), lost)
        );
    };
    check(&[&a, &b], &[&a, &b, &c], &["c"], false);
    // The same line twice is two lines: as often as it was seen, it is known.
    check(&[&a, &a], &[&a, &a, &a], &["a"], false);
    // Standard output and error may be out of order by a little.
    check(&[&a, &c], &[&a, &c, &b], &["b"], false);
    // Nothing of what was seen comes again: something may be missing.
    let late = stamped(9, 0, "late");
    check(&[&a, &b], &[&late], &["late"], true);
    check(&[], &[&a], &["a"], false);
}

#[test]
fn what_fell_out_of_the_window_is_known_by_its_time() {
    let many = crate::limits::RESUME_LINES + 100;
    let lines: Vec<Vec<u8>> = (0..many)
        .map(|i| stamped(1, u32::try_from(i).unwrap(), &i.to_string()))
        .collect();
    let mut again = lines.clone();
    again.push(stamped(2, 0, "new"));
    let (fresh, lost) = resumed(&lines, &again);
    assert_eq!((fresh, lost), (vec!["new".to_owned()], false));
}

fn pod(spec: &Value) -> Pod {
    Pod::of(json!({ "metadata": { "name": "p", "namespace": "n" }, "spec": spec })).unwrap()
}

#[test]
fn mounted_files_are_traced_to_their_config_map() {
    let check = |mount: Value, volume: Value, expected: Found| {
        let spec = json!({
            "containers": [{ "name": "thanos-receive", "volumeMounts": [mount] }], "volumes": [volume],
        });
        assert_eq!(source(&pod(&spec), "/etc/thanos/hashrings.json"), expected);
    };
    let map = |key: &str| Found::Map {
        map: "ring".to_owned(),
        key: key.to_owned(),
    };
    let folder = || json!({ "name": "v", "mountPath": "/etc/thanos" });
    check(
        folder(),
        json!({ "name": "v", "configMap": { "name": "ring" } }),
        map("hashrings.json"),
    );
    let items = json!([{ "key": "ring.json", "path": "hashrings.json" }]);
    check(
        folder(),
        json!({ "name": "v", "configMap": { "name": "ring", "items": items } }),
        map("ring.json"),
    );
    let file = json!({ "name": "v", "mountPath": "/etc/thanos/hashrings.json", "subPath": "h" });
    check(
        file,
        json!({ "name": "v", "configMap": { "name": "ring" } }),
        map("h"),
    );
    let sources =
        json!([{ "secret": { "name": "s" } }, { "configMap": { "name": "ring", "items": items } }]);
    check(
        folder(),
        json!({ "name": "v", "projected": { "sources": sources } }),
        map("ring.json"),
    );
    check(
        folder(),
        json!({ "name": "v", "secret": { "secretName": "s" } }),
        Found::Secret,
    );
    check(
        folder(),
        json!({ "name": "v", "emptyDir": {} }),
        Found::Elsewhere,
    );
    check(
        json!({ "name": "v", "mountPath": "/etc/thanosish" }),
        json!({ "name": "v" }),
        Found::Elsewhere,
    );
}

#[test]
fn ports_and_flags_are_read_from_the_container() {
    let spec = json!({ "containers": [
        { "name": "sidecar", "ports": [{ "name": "http", "containerPort": 1 }] },
        { "name": "r", "command": ["/bin/thanos", "receive"], "args": ["--http-address=0.0.0.0:10999", "--x", "y"] },
    ] });
    let pod = pod(&spec);
    assert_eq!(pod.port("http-address", &["http"], 10902), 10999);
    assert_eq!(
        pod.port("remote-write.address", &["remote-write"], 19291),
        19291
    );
    assert_eq!(pod.port("grpc-address", &["http"], 10901), 1);
    assert_eq!(pod.flag("x"), Some("y"));
}

#[test]
fn credentials_and_book_keeping_are_taken_out() {
    let check = |mut object: Value, expected: Value| {
        redact::object(&mut object);
        assert_eq!(object, expected);
    };
    let spec = |env: Value, args: Value| json!({ "spec": { "template": { "spec": { "containers": [{ "env": env, "args": args }] } } } });
    check(
        spec(
            json!([{ "name": "DB_PASSWORD", "value": "x" }, { "name": "NAME", "value": "y" }]),
            json!(["--a=b"]),
        ),
        spec(
            json!([{ "name": "DB_PASSWORD", "value": "(hidden)" }, { "name": "NAME", "value": "y" }]),
            json!(["--a=b"]),
        ),
    );
    check(
        spec(
            json!([{ "name": "URL", "value": "https://u:p@h/x" }]),
            json!([
                "--objstore.config=type: S3\nsecret_key: k",
                "--objstore.config-file=/secret/file"
            ]),
        ),
        spec(
            json!([{ "name": "URL", "value": "(hidden)" }]),
            json!([
                "--objstore.config=(hidden)",
                "--objstore.config-file=/secret/file"
            ]),
        ),
    );
    check(
        json!({ "metadata": { "managedFields": [], "annotations": { "kubectl.kubernetes.io/last-applied-configuration": "{}", "a": "b" } } }),
        json!({ "metadata": { "annotations": { "a": "b" } } }),
    );
}

#[test]
fn kubelets_are_asked_about_our_claims_only() {
    let scrape = b"# HELP x\nkubelet_volume_stats_used_bytes{namespace=\"n\",persistentvolumeclaim=\"data-0\"} 7e+09\n\
        kubelet_volume_stats_used_bytes{namespace=\"other\",persistentvolumeclaim=\"data-0\"} 1\nkubelet_volume_stats_used_bytes{broken 1\n";
    let claims = [("n".to_owned(), "data-0".to_owned())]
        .into_iter()
        .collect();
    let series = volume_series(scrape, &claims, 42);
    assert_eq!(
        series,
        [json!({
            "metric": { "__name__": "kubelet_volume_stats_used_bytes", "namespace": "n", "persistentvolumeclaim": "data-0" },
            "value": [42, "7e+09"],
        })]
    );
}

#[test]
fn the_role_is_for_whoever_asked_and_names_no_secrets() {
    let text = role("monitoring", &Subject::of("system:serviceaccount:ops:bot"));
    assert!(
        text.contains("kind: ServiceAccount\n    name: bot\n    namespace: ops"),
        "{text}"
    );
    assert!(!text.contains("secret"), "{text}");
    let text = role("monitoring", &Subject::of("eve@example.org: x"));
    assert!(text.contains("name: \"eve@example.org: x\""), "{text}");
}

#[test]
fn a_pause_is_as_long_as_asked_for_within_reason() {
    let longest = crate::limits::COLLECT_PAUSE_SECS;
    let asked = |retry_after| Refusal::Status {
        code: 429,
        message: String::new(),
        own: true,
        retry_after,
    };
    let check = |attempt, refusal: Refusal, millis: u64| {
        let waited = wait(attempt, &refusal);
        assert_eq!(waited.as_millis(), u128::from(millis), "{refusal:?}");
    };
    check(1, asked(Some(3)), 3000);
    check(1, asked(Some(longest + 1)), longest * 1000);
    check(1, asked(Some(u64::MAX)), longest * 1000);
    check(0, asked(None), 250);
    check(2, Refusal::Network(String::new()), 1000);
    check(crate::limits::COLLECT_ATTEMPTS, asked(None), 4000);
}
