//! Tests of `pack`.

#![allow(clippy::unwrap_used)]

use super::*;

/// A signature as `architecture.md` shows it, with what else the format allows.
const BACKOFF: &str = r#"
title: A receive peer is unavailable and being backed off
severity: error
impact: false
leak: rare
covers: [backing-off-forward]
provenance: upstream
summary: >
  This receiver could not reach a member of its hashring and now refuses to
  forward to it for a while.

variants:                               # any of them; within one, all of `where`
  - since: 0.15.0
    min_level: debug
    where:
      err: { contains: backing off forward request for endpoint }
  - until: 0.30
    where:
      msg: [one thing or the other, another thing entirely]
      replicas: 3
      err: [{regex: 'x (?:alpha beta gamma|delta epsilon) y'}, {not: {contains: [a, b]}}]

extract:
  endpoint: { from: err, regex: 'for endpoint \{*(?<endpoint>[^{}\s:]+:\d+)' }
  reason: leaf
about: endpoint
refines: thanos/receive/broad

benign_when:
  - fewer_than: 3
    within: 1m
    because: one dropped connection is retried and heals unnoticed

examples:
  matches:
    - origin: thanos-io/thanos issue 4831 (2021), identifiers replaced
      line: >-
        level=debug ts=2021-08-23T15:31:59.654455194Z caller=handler.go:351
        err="backing off forward request for endpoint x:10901: target not available"
      extract:
        endpoint: [x:10901]
  rejects:
    - because: the peer answered
      line: level=debug err="forwarding request to endpoint"

references:
  - https://github.com/thanos-io/thanos/issues/4831
"#;

const BROAD: &str = "
title: Forwarding fails
severity: warning
variants:
  - where: {msg: failed to forward this}
";

const STATE: &str = "
title: A receiver accepts no connections
scope: pod
leak: rare
links:
  - {to: thanos/receive/peer-backoff, q: almost_always, delay: 0s..30s, bind: peer}
  - {with: [state/other], to: state/quorum-lost, q: .5, when: {since: 0.30, replication_factor: 3}}
";

const QUORUM: &str = "
title: Too few members store a series
scope: hashring
leak: 1e-4
gate: {at_least: rf-quorum+1, of: state/peer-refusing, q: almost_always}
";

const CAUSE: &str = "
title: A receiver was killed for memory
role: root
scope: pod
prior: uncommon
excludes: []
heals_itself: sometimes
links:
  - {to: state/peer-refusing, q: almost_always, delay: 0s..5s, bind: same-pod}
  - {to: thanos/receive/broad, q: always, defining: true}
confirm:
  - do: Read why the container ended last time
    run: kubectl -n {{namespace}} describe pod {{pod}}
    yields: [thanos/receive/broad]
    minutes: 0.5
mitigate:
  - {do: Raise the memory limit, risk: disruptive}
verify: no restart of {{pod}} for an hour
avoid: restarting it
";

pub(super) fn files() -> Vec<(String, String)> {
    let other = STATE
        .replace("state/other", "state/none")
        .split("links")
        .next()
        .unwrap()
        .to_owned();
    [
        (
            "patterns/signatures/thanos/receive/peer-backoff.yaml",
            BACKOFF,
        ),
        ("patterns/signatures/thanos/receive/broad.yaml", BROAD),
        ("patterns/states/peer-refusing.yaml", STATE),
        ("patterns/states/quorum-lost.yaml", QUORUM),
        ("patterns/states/other.yaml", &other),
        ("patterns/causes/receiver-oom.yaml", CAUSE),
        ("patterns/README.md", "text"),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .to_vec()
}

fn pack() -> Pack {
    Pack::load(files()).unwrap_or_else(|problems| panic!("{}", shown(&problems)))
}

fn shown(problems: &[Problem]) -> String {
    let all: Vec<_> = problems.iter().map(Problem::to_string).collect();
    all.join("\n")
}

#[test]
fn a_signature_keeps_what_it_says() {
    let pack = pack();
    let signature = &pack[pack.signature("thanos/receive/peer-backoff").unwrap()];
    assert_eq!(signature.severity, Severity::Error);
    assert_eq!(signature.leak, 1e-4);
    assert_eq!(signature.family, signature.id);
    assert_eq!(
        signature.variants[0].versions.since,
        Version::parse("0.15.0")
    );
    assert_eq!(signature.variants[1].versions.until, Version::parse("0.30"));
    assert_eq!(
        signature.variants[0].min_level,
        Some(crate::record::Level::Debug)
    );
    assert_eq!(
        signature.refines,
        [pack.signature("thanos/receive/broad").unwrap()]
    );
    assert_eq!(signature.benign_when[0].within, 60_000_000_000);
    let endpoint = About::Extracted {
        name: "endpoint".to_owned(),
        kind: SubjectKind::Pod,
    };
    assert_eq!(signature.about, endpoint);
    let example = &signature.examples.matches[0];
    assert!(
        example
            .line
            .ends_with(r#"for endpoint x:10901: target not available""#)
    );
    assert_eq!(
        example.extract,
        [("endpoint".to_owned(), vec!["x:10901".to_owned()])]
    );
    let tests: Vec<String> = signature.variants[1]
        .conditions
        .iter()
        .map(|c| format!("{} {:?}", c.field, c.test))
        .collect();
    assert!(tests[0].starts_with("err Regex"));
    assert_eq!(tests[1], r#"err Not(ContainsAny(["a", "b"]))"#);
    assert_eq!(
        tests[2],
        r#"msg OneOf(["one thing or the other", "another thing entirely"])"#
    );
    assert_eq!(tests[3], r#"replicas Equals("3")"#);
}

#[test]
fn states_and_causes_are_linked() {
    let pack = pack();
    let refusing = pack.state("state/peer-refusing").unwrap();
    let quorum = pack.state("quorum-lost").unwrap();
    assert_eq!(pack[quorum].gate.as_ref().unwrap().of, refusing);
    assert_eq!(
        pack[quorum].gate.as_ref().unwrap().at_least,
        AtLeast::QuorumLoss
    );
    let link = &pack[refusing].links[1];
    assert_eq!(link.to, Target::State(quorum));
    assert_eq!((link.q, link.bind), (0.5, Bind::Same));
    assert_eq!(link.with, [Target::State(pack.state("other").unwrap())]);
    assert_eq!(link.when.replication_factor, [3]);
    assert_eq!(pack[refusing].links[0].delay, Some((0.0, 30.0)));
    let cause = &pack[pack.cause("cause/receiver-oom").unwrap()];
    assert_eq!(cause.prior_per_day, 1.0 / 30.0);
    assert_eq!(cause.confirm[0].minutes, 0.5);
    assert_eq!(cause.avoid, ["restarting it"]);
    assert_eq!(pack.links_to(Target::State(refusing)).count(), 1);
}

/// Changes one file of the sound pack and expects one problem.
#[track_caller]
fn check(path: &str, from: &str, to: &str, expected: &str) {
    let mut files = files();
    let file = files.iter_mut().find(|(p, _)| p.ends_with(path)).unwrap();
    assert!(file.1.contains(from), "no `{from}` in {path}");
    file.1 = file.1.replacen(from, to, 1);
    let problems = Pack::load(files).err().unwrap_or_default();
    let shown = shown(&problems);
    let plain: Vec<&str> = expected.trim().lines().map(str::trim).collect();
    let mut left = shown.as_str();
    for line in &plain {
        let at = left
            .find(line)
            .unwrap_or_else(|| panic!("`{line}` not in:\n{shown}"));
        left = &left[at + line.len()..];
    }
}

#[test]
#[allow(clippy::too_many_lines)]
fn problems_point_at_their_place() {
    let sig = "peer-backoff.yaml";
    check(
        sig,
        "severity: error",
        "severity: eror",
        "peer-backoff.yaml:3:11: expected one of: critical, error, warning, info
        3 | severity: eror
          |           ^^^^",
    );
    check(
        sig,
        "severity: error",
        "severety: error",
        "peer-backoff.yaml:3:1: unknown field",
    );
    check(
        sig,
        "{ contains: backing",
        "{ contain: backing",
        "16:14: unknown field `contain`, expected one of",
    );
    check(
        sig,
        "thanos/receive/broad",
        "thanos/receive/brod",
        "no signature `thanos/receive/brod`; did you mean `thanos/receive/broad`?",
    );
    check(sig, "since: 0.15.0", "since: soon", "expected a version");
    check(
        sig,
        r"\d+)'",
        r"\d+'",
        "not a regular expression: unclosed group",
    );
    check(
        sig,
        "within: 1m",
        "within: 1 fortnight",
        "expected a duration",
    );
    check(
        sig,
        "about: endpoint",
        "about: endpiont",
        "neither under `extract`",
    );
    check(
        sig,
        "about: endpoint",
        "about: reason",
        "only values named so",
    );
    check(
        sig,
        "backing off forward request for endpoint }",
        "'back\"ing' }",
        "no anchor",
    );
    check(
        sig,
        "replicas: 3",
        "replicas: 3.50",
        "put a number with a point in quotes",
    );
    check(
        "peer-refusing.yaml",
        "q: .5",
        "q: 1.0",
        "must lie between 0 and 1",
    );
    check(
        "peer-refusing.yaml",
        "q: .5",
        "q: allways",
        "expected a number or one of: always,",
    );
    check(
        "peer-refusing.yaml",
        "state/quorum-lost",
        "quorum-lost",
        "did you mean `state/quorum-lost`?",
    );
    check(
        "peer-refusing.yaml",
        "0s..30s",
        "30s..0s",
        "expected a range",
    );
    check(
        "quorum-lost.yaml",
        "rf-quorum+1",
        "most",
        "expected a number, `all` or `rf-quorum+1`",
    );
    check(
        "quorum-lost.yaml",
        "gate:",
        "links: [{to: state/peer-refusing, q: often}]\ngate:",
        "links run in a circle: state/peer-refusing → state/quorum-lost → state/peer-refusing",
    );
    check(
        "receiver-oom.yaml",
        "risk: disruptive",
        "risk: some",
        "expected one of: safe, disruptive, destructive",
    );
    check(
        "receiver-oom.yaml",
        "minutes: 0.5",
        "minutes: -1",
        "must be above 0",
    );
    check(
        "receiver-oom.yaml",
        "prior: uncommon",
        "",
        "missing field `prior`",
    );
}

#[test]
fn all_problems_are_reported_at_once() {
    let mut files = files();
    files[0].1 = files[0].1.replace("severity: error", "severity: eror");
    files[2].1 = files[2].1.replace("q: .5", "q: 7");
    files.push(("patterns/causes/Bad_Name.yaml".to_owned(), CAUSE.to_owned()));
    files.push(("patterns/wrong/x.yaml".to_owned(), CAUSE.to_owned()));
    let problems = Pack::load(files).unwrap_err();
    assert_eq!(problems.len(), 4, "{}", shown(&problems));
}

#[test]
fn later_files_replace_earlier_ones() {
    let mut files = files();
    files.push((
        "/home/me/signatures/thanos/receive/broad.yaml".to_owned(),
        BROAD.replace("warning", "info"),
    ));
    let pack = Pack::load(files).unwrap();
    assert_eq!(
        pack[pack.signature("thanos/receive/broad").unwrap()].severity,
        Severity::Info
    );
}

#[test]
fn the_embedded_pack_is_sound() {
    let quick = Pack::embedded().unwrap_or_else(|p| panic!("{}", shown(&p)));
    let full = Pack::embedded_with_examples().unwrap_or_else(|p| panic!("{}", shown(&p)));
    assert_eq!(quick.signatures.len(), full.signatures.len());
    for (quick, full) in quick.signatures.iter().zip(&full.signatures) {
        assert_eq!(quick.id, full.id);
        let anchors = |s: &Signature| {
            s.variants
                .iter()
                .map(|v| v.anchors.clone())
                .collect::<Vec<_>>()
        };
        assert_eq!(anchors(quick), anchors(full));
    }
}

#[test]
fn versions() {
    let check = |text: &str, expected: Option<(u32, u32, Option<u32>)>| {
        let version = Version::parse(text).map(|v| (v.major, v.minor, v.patch));
        assert_eq!(version, expected, "{text}");
    };
    check("0.34", Some((0, 34, None)));
    check("v0.34.1", Some((0, 34, Some(1))));
    check("0.43.0-dev", Some((0, 43, Some(0))));
    check("main", Some((0, 43, None)));
    check("0", None);
    check("0.x", None);
    check("0.1.2.3", None);
    let check = |image: &str, expected: Option<&str>| {
        let version = Version::from_image(image).map(|v| v.to_string());
        assert_eq!(version.as_deref(), expected, "{image}");
    };
    check("v0.35.1", Some("0.35.1"));
    check("quay.io/thanos/thanos:v0.35.1", Some("0.35.1"));
    check(
        "docker.io:5000/bitnami/thanos:0.35.1-debian-11-r0@sha256:00",
        Some("0.35.1"),
    );
    check("main-2024-05-01-0123abc", Some("0.43"));
    check("quay.io/thanos/thanos@sha256:00", None);
    check("quay.io/thanos/thanos:latest", None);
}

#[test]
fn version_ranges() {
    let check = |since: &str, until: &str, version: &str, expected: bool| {
        let range = VersionRange {
            since: Version::parse(since),
            until: Version::parse(until),
        };
        let inside = range.contains(&Version::parse(version).unwrap());
        assert_eq!(inside, expected, "{version} in {range}");
    };
    check("", "", "0.1.0", true);
    check("0.30", "", "0.30.0", true);
    check("0.30", "", "0.29.9", false);
    check("", "0.34", "0.34.7", true);
    check("", "0.34", "0.35.0", false);
    check("", "0.34.1", "0.34.2", false);
    check("0.34.1", "", "0.34", true);
    check("0.7.0", "0.43", "0.10.0", true);
}

#[test]
fn anchors_are_rare_and_plain() {
    let check = |conditions: &str, expected: &[&str]| {
        let conditions = raw::parse(conditions).unwrap();
        assert_eq!(anchors::derive(&conditions), expected, "{conditions:?}");
    };
    check("msg: quorum not reached", &["quorum not reached"]);
    check(
        "{msg: forwarding request, err: {contains: target not available}}",
        &["target not available"],
    );
    check(
        "err: {contains: 'add \"x\" to \\the ring <now> if possible'}",
        &[" if possible"],
    );
    check(
        "err: {contains: [first of them, the second]}",
        &["first of them", "the second"],
    );
    check("err: {contains: [first of them, short]}", &[]);
    check(
        "err: {regex: 'opening (?:storage|database) failed$'}",
        &["opening "],
    );
    check(
        "err: {regex: '(?:no such host|server misbehaving)'}",
        &["no such host", "server misbehaving"],
    );
    check(
        "err: {regex: '(needed text)+ (optional text)?'}",
        &["needed text"],
    );
    check("err: {regex: '(?i)case folded'}", &[]);
    check("err: {not: {contains: something long}}", &[]);
    check("{level: error, code: Unavailable}", &[]);
}

#[test]
fn durations() {
    let check =
        |text: &str, expected: Option<f64>| assert_eq!(words::seconds(text), expected, "{text}");
    check("10m", Some(600.0));
    check("1h30m", Some(5400.0));
    check("500ms", Some(0.5));
    check("-5s", Some(-5.0));
    check("0", Some(0.0));
    check("10", None);
    check("", None);
    check("m", None);
    assert_eq!(words::delay("0s..1m"), Some((0.0, 60.0)));
    assert_eq!(words::delay("5s"), Some((0.0, 5.0)));
    assert_eq!(words::delay("9s..1s"), None);
}

proptest::proptest! {
    #[test]
    fn nothing_panics(text in "\\PC*", words in "[a-z:{}\\[\\] \n-]*") {
        for text in [text, words] {
            let _ = Pack::load([("signatures/a/b.yaml", &text), ("causes/c.yaml", &text), ("states/d.yaml", &text)]);
            let _ = Version::parse(&text);
            let _ = Version::from_image(&text);
            let _ = words::delay(&text);
        }
    }
}
