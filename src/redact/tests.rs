//! The corpus and its bars, pseudonyms, hostile text.

#![allow(clippy::unwrap_used)]
#![expect(
    clippy::print_stdout,
    reason = "the figures that docs/testing.md states, seen with --nocapture"
)]

use proptest::prelude::*;

use super::*;
use crate::report::model::{Explained, Hypothesis, Incident, Subject};

const POSITIVES: &str = include_str!("../../fixtures/redaction/positives.tsv");
const LOOKALIKES: &str = include_str!("../../fixtures/redaction/lookalikes.tsv");

fn redacted(text: &str) -> String {
    Redactor::new(Options::default()).line(text).into_owned()
}

fn lines(corpus: &str) -> impl Iterator<Item = &str> {
    corpus.lines().filter(|l| !l.starts_with("# "))
}

/// The bars: every secret is found, at most one look-alike in a hundred is touched.
#[test]
fn recall_and_precision_on_the_corpus() {
    let (mut found, mut all, mut missed) = (0, 0, Vec::new());
    for line in lines(POSITIVES) {
        let mut parts = line.split('\t');
        let text = parts.next().unwrap();
        let out = redacted(text);
        all += 1;
        let left: Vec<&str> = parts.filter(|secret| out.contains(secret)).collect();
        if left.is_empty() && out.contains("[REDACTED:") {
            found += 1;
        } else {
            missed.push(format!("{text}\n    -> {out}"));
        }
    }
    let (mut touched, mut clean) = (Vec::new(), 0);
    for line in lines(LOOKALIKES) {
        let out = redacted(line);
        clean += 1;
        if out != line {
            touched.push(format!("{line}\n    -> {out}"));
        }
    }
    assert!(
        all >= 300 && clean >= 300,
        "{all} positives, {clean} look-alikes"
    );
    assert!(
        missed.is_empty(),
        "{found} of {all} found; missed:\n{}",
        missed.join("\n")
    );
    let precision =
        f64::from(found) / (f64::from(found) + f64::from(u32::try_from(touched.len()).unwrap()));
    println!(
        "recall {found}/{all}, {} of {clean} look-alikes touched, precision {precision:.4}",
        touched.len()
    );
    assert!(
        precision >= 0.99,
        "precision {precision:.4}; touched:\n{}",
        touched.join("\n")
    );
}

#[test]
fn every_rule_is_a_regex() {
    assert!(tokens::every_rule_compiles());
}

#[test]
fn the_rest_of_the_line_stays() {
    let check = |line: &str, expected: &str| assert_eq!(redacted(line), expected);
    check(
        "user=a password=hunter2 db=0",
        "user=a password=[REDACTED:password] db=0",
    );
    check(
        "https://a:b1c@h/x",
        "https://a:[REDACTED:url-credentials]@h/x",
    );
    check(
        r#"{"password":"hunter2","db":0}"#,
        r#"{"password":"[REDACTED:password]","db":0}"#,
    );
    check(
        "Authorization: Basic dGhhbm9zOmh1bnRlcjI= x",
        "Authorization: Basic [REDACTED:authorization] x",
    );
    check(
        "map[Authorization:[Bearer abcdefgh12345678] Accept:[*/*]]",
        "map[Authorization:[Bearer [REDACTED:authorization]] Accept:[*/*]]",
    );
    check(
        "password: hun,ter2, user: x",
        "password: [REDACTED:password], user: x",
    );
    check("password=\"it's cut", "password=\"[REDACTED:password]");
}

#[test]
fn a_private_key_over_several_lines() {
    let mut redactor = Redactor::new(Options::default());
    let text = [
        "key:",
        "-----BEGIN EC PRIVATE KEY-----",
        "MHcCAQEEIBkg4LVWM9nuwNSk3yByxZpYRTBnVJk5oXMbSAMPLE",
        "AwEHoUQDQgAE",
        "-----END EC PRIVATE KEY----- done",
        "plain words",
    ];
    let out: Vec<String> = text.iter().map(|l| redactor.line(l).into_owned()).collect();
    assert_eq!(out[0], "key:");
    assert!(
        out[1..4].iter().all(|l| l == "[REDACTED:private-key]"),
        "{out:?}"
    );
    assert_eq!(out[4], "[REDACTED:private-key] done");
    assert_eq!(out[5], "plain words");
}

#[test]
fn a_report_is_redacted_everywhere() {
    let mut report = Report::default();
    let explained = Explained {
        samples: vec!["err=x password=hunter2\n-----BEGIN PRIVATE KEY-----\nMIIEvQ\n".to_owned()],
        ..Explained::default()
    };
    let subjects = vec![Subject {
        kind: "node".to_owned(),
        name: "worker-7".to_owned(),
    }];
    report.incidents.push(Incident {
        hypotheses: vec![Hypothesis {
            title: "node worker-7 at 10.1.2.3 is gone".to_owned(),
            subjects,
            explains: vec![explained],
            ..Hypothesis::default()
        }],
        unknown_probability: f64::NAN,
        ..Incident::default()
    });
    let mut redactor = Redactor::new(Options {
        secrets: true,
        anonymize: true,
    });
    redactor.report(&mut report);
    let text = serde_json::to_string(&report).unwrap();
    assert!(
        !text.contains("hunter2")
            && !text.contains("MIIEvQ")
            && !text.contains("worker-7")
            && !text.contains("10.1.2.3"),
        "{text}"
    );
    assert!(text.contains("node node-1 at ip-1 is gone"), "{text}");
    assert!(redactor.replaced() >= 3);
}

#[test]
fn pseudonyms_are_stable() {
    let mut redactor = Redactor::new(Options {
        secrets: true,
        anonymize: true,
    });
    let mut check = |line: &str, expected: &str| assert_eq!(redactor.line(line), expected);
    check(
        "dial tcp 10.0.0.1:19291 via 10.0.0.2",
        "dial tcp ip-1:19291 via ip-2",
    );
    check("again 10.0.0.1", "again ip-1");
    check(
        "endpoint=r-1.r.monitoring.svc.cluster.local:10901",
        "endpoint=host-1:10901",
    );
    check("peer [fd00::12]:10901", "peer ip-3:10901");
    check(
        "at 2025-03-01T10:21:33Z v0.35.1 on 127.0.0.1 caller=handler.go:12",
        "at 2025-03-01T10:21:33Z v0.35.1 on 127.0.0.1 caller=handler.go:12",
    );
    check("kubernetes.io/hostname", "kubernetes.io/hostname");
}

#[test]
fn options_turn_it_off() {
    let mut redactor = Redactor::new(Options {
        secrets: false,
        anonymize: false,
    });
    assert!(matches!(
        redactor.line("password=hunter2"),
        Cow::Borrowed(_)
    ));
}

#[test]
fn time_is_linear_in_hostile_text() {
    for unit in [
        "password=\"",
        "token=\"a ",
        "://a:",
        "a@a.",
        "eyJ",
        "Cookie: a=",
        "-----BEGIN ",
        "--password ",
        "\\\"",
        "Authorization: Bearer ",
    ] {
        let text = unit.repeat(200_000 / unit.len());
        let _ = redacted(&text);
    }
}

proptest! {
    #[test]
    fn twice_is_once(text in r#"(password|token|Authorization|url|cookie|=|: |"|'|\\|Bearer |https://a:|@|eyJhbGciOi|[a-zA-Z0-9 ,;\[\]{}]{1,12}){0,30}"#) {
        let once = redacted(&text);
        prop_assert_eq!(redacted(&once), once);
    }

    #[test]
    fn nothing_panics(text in any::<String>()) {
        let mut redactor = Redactor::new(Options { secrets: true, anonymize: true });
        let _ = redactor.line(&text);
        let _ = redactor.line(&text);
    }
}
