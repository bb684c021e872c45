//! Which files are read, and whose logs they are.

use super::*;

#[test]
fn streams_are_named_by_layout_or_file() {
    let check = |files: &[&str], expected: &[&str]| {
        let contents: Vec<(&str, &str)> = files.iter().map(|f| (*f, "line\n")).collect();
        let dir = tree(&contents);
        assert_eq!(all_whose(&open(dir.path())), expected, "{files:?}");
    };
    check(
        &[
            "logs/mon/r-0/thanos-receive.log",
            "logs/mon/r-0/thanos-receive.previous.log",
        ],
        &["mon/r-0/thanos-receive", "mon/r-0/thanos-receive(p)"],
    );
    check(&["x/y/logs/mon/r-0/c.log"], &["mon/r-0/c"]);
    check(&["receive.log"], &["-/receive/-"]);
    check(
        &["previous-container.log", "receive.log"],
        &["-/receive/-", "-/receive/-(p)"],
    );
    check(
        &["previous-container.log", "a.log", "b.log"],
        &["-/a/-", "-/b/-", "-/previous-container/-(p)"],
    );
    check(&["r-0.previous.log"], &["-/r-0/-(p)"]);
    check(
        &["r-0/thanos.log", "r-1/thanos.log"],
        &["-/r-0/thanos", "-/r-1/thanos"],
    );
    check(
        &["mon_r-0_0b1c2d3e-0000-4000-8000-000000000000/thanos/0.log"],
        &["mon/r-0/thanos"],
    );
    let id = "a".repeat(64);
    check(&[&format!("r-0_mon_thanos-{id}.log")], &["mon/r-0/thanos"]);
    check(&["notes.txt", "app.jsonl"], &["-/app/-", "-/notes/-"]);
}

#[test]
fn never_read_and_gaps() {
    let dir = tree(&[
        ("truth.yaml", "cause: x"),
        ("report.txt", "x"),
        (".hidden.log", "x"),
        (".git/config.log", "x"),
        ("sub/truth.yaml", "x"),
        ("notes.md", "x"),
        ("kubernetes/mon/secrets.json", "{"),
        ("receive.log", "x"),
        ("broken.json", "{\n\"what\": 1"),
        ("app.log.xz", "\u{fd}7zXZ"),
    ]);
    put(dir.path(), "odd.log", &[0xfd, b'7', b'z', b'X', b'Z', 0, 1]);
    let input = open(dir.path());
    assert_eq!(all_whose(&input), ["-/receive/-"]);
    assert_eq!(
        gaps(&input),
        [
            "app.log.xz: not one of the files that are read",
            "broken.json: JSON of a kind that is not known",
            "kubernetes/mon/secrets.json: secrets are never read",
            "notes.md: not one of the files that are read",
            "odd.log: packed with xz, which is not read; unpack it first",
        ]
    );
}

#[test]
fn a_file_that_is_named_is_read_whatever_it_is_called() {
    let dir = tree(&[("messages", "line\n"), ("b/logs/mon/r-0/c.log", "line\n")]);
    let input = open_all(&[
        dir.path().join("messages"),
        dir.path().join("b/logs/mon/r-0/c.log"),
        dir.path().join("b"),
    ]);
    assert_eq!(all_whose(&input), ["-/messages/-", "mon/r-0/c"]);
    assert!(Input::open(&[dir.path().join("missing")], None).is_err());
}

#[test]
fn part_of_a_bundle_is_read_as_such() {
    let manifest = r#"{"schema":"rdiag/bundle/v1","gaps":[{"what":"nodes","why":"forbidden"}]}"#;
    let dir = tree(&[
        ("b/manifest.json", manifest),
        ("b/logs/mon/r-0/c.log", "x"),
        ("b/metrics/mon/r-0/17.prom", "up 1\n"),
    ]);
    for below in ["b/logs", "b/logs/mon", "b/logs/mon/r-0", ".", "b"] {
        let input = open(&dir.path().join(below));
        assert_eq!(all_whose(&input), ["mon/r-0/c"], "{below}");
    }
    let input = open(dir.path());
    assert_eq!(gaps(&input), ["nodes: forbidden"]);
    assert_eq!(input.scrapes[0].unix, Some(17));
    assert_eq!(&*input.scrapes[0].stream.origin.pod, "r-0");
}

#[test]
fn order_of_paths_does_not_matter() {
    let dir = tree(&[("a/x.log", "1"), ("b/y.log", "2"), ("c.log", "3")]);
    let paths = ["a", "b", "c.log"].map(|p| dir.path().join(p));
    let mut turned = paths.clone();
    turned.reverse();
    assert_eq!(all_whose(&open_all(&paths)), all_whose(&open_all(&turned)));
}

#[test]
fn cluster_info_dump_is_split_by_container() {
    let log = "==== START logs for container a of pod mon/r-0 ====\n\
               one\ntwo\n\
               ==== END logs for container a of pod mon/r-0 ====\n\
               ==== START logs for container b of pod mon/r-0 ====\n\
               three ==== START logs for container c of pod mon/r-0 ====\n\
               ==== END logs for container b of pod mon/r-0 ====\n";
    let pods = r#"{"kind":"PodList","apiVersion":"v1","metadata":{},"items":[
        {"metadata":{"name":"r-0","namespace":"mon"},"status":{"phase":"Running"}}]}"#;
    let dir = tree(&[("mon/r-0/logs.txt", log), ("mon/pods.json", pods)]);
    let input = open(dir.path());
    assert_eq!(all_whose(&input), ["mon/r-0/a", "mon/r-0/b"]);
    assert_eq!(text(&input.streams[0]), "one\ntwo\n");
    assert!(text(&input.streams[1]).starts_with("three ===="));
    assert_eq!(of_kind(&input, "pod").len(), 1);
    let plain = tree(&[("mon/r-0/logs.txt", "one\n")]);
    assert_eq!(all_whose(&open(plain.path())), ["mon/r-0/-"]);
}

#[test]
fn a_dump_larger_than_its_window_is_split() {
    let mut log = String::new();
    for name in ["a", "b", "c"] {
        log += &format!("==== START logs for container {name} of pod mon/r-0 ====\n");
        log += &format!("{name} says something\n").repeat(10_000);
        log += &format!("==== END logs for container {name} of pod mon/r-0 ====\n");
    }
    let dir = tree(&[("mon/r-0/logs.txt", &log)]);
    let input = open(dir.path());
    assert_eq!(all_whose(&input), ["mon/r-0/a", "mon/r-0/b", "mon/r-0/c"]);
    for stream in &input.streams {
        let name = stream.origin.container.clone().unwrap();
        assert_eq!(
            text(stream),
            format!("{name} says something\n").repeat(10_000)
        );
    }
}

#[test]
fn standard_input_is_anonymous() {
    let input = piped(b"level=info msg=x\n");
    assert_eq!(all_whose(&input), ["-/?1/-"]);
    assert_eq!(text(&input.streams[0]), "level=info msg=x\n");
    assert!(input.streams[0].open().is_err(), "a pipe is read once");
    assert!(piped(b"").is_empty() && !input.is_empty());
    assert_eq!(all_whose(&piped(&gz(b"packed\n"))), ["-/?1/-"]);
    assert_eq!(text(&piped(&zst(b"packed\n")).streams[0]), "packed\n");
}

#[test]
fn what_is_piped_in_is_recognised() {
    let pods = b"{\n  \"apiVersion\": \"v1\",\n  \"items\": [{\"kind\":\"Pod\",\"metadata\":{\"name\":\"r-0\"}}],\n  \"kind\": \"List\"}";
    assert_eq!(of_kind(&piped(pods), "pod").len(), 1);
    let alerts = br#"{"receiver":"x","alerts":[{"labels":{"alertname":"Down"},"startsAt":"2026-01-01T00:00:00Z"}],"groupKey":"k"}"#;
    let input = piped(alerts);
    assert_eq!(of_kind(&input, "alert")[0].get("groupKey"), Some("k"));
    let ring = br#"[{"hashring":"default","endpoints":["a:1"]}]"#;
    assert_eq!(piped(ring).objects.hashrings.len(), 1);
    let lines = b"{\"level\":\"info\",\"msg\":\"one\"}\n{\"level\":\"info\",\"msg\":\"two\"}\n";
    let input = piped(lines);
    assert_eq!(text(&input.streams[0]).as_bytes(), lines);
    let answer = br#"{"status":"success","data":{"resultType":"vector","result":[]}}"#;
    assert_eq!(piped(answer).queries.len(), 1);
    assert_eq!(
        piped(b"# HELP up x\n# TYPE up gauge\nup 1\n").scrapes.len(),
        1
    );
    let inner = tar(&[("b/logs/mon/r-0/c.log", b"x\n")]);
    for packed in [inner.clone(), gz(&inner), zst(&inner)] {
        assert_eq!(all_whose(&piped(&packed)), ["mon/r-0/c"]);
    }
}

#[test]
fn files_elsewhere_are_recognised_by_content() {
    let events = r#"{"apiVersion":"v1","kind":"List","items":[{"apiVersion":"v1","kind":"Event","reason":"Killing","involvedObject":{"kind":"Pod","name":"r-0","namespace":"mon"}}]}"#;
    let dir = tree(&[
        ("k/ev.json", events),
        ("ring.json", r#"[{"endpoints":["a:1"]}]"#),
        ("config/mon/hashrings.json", "not json"),
        ("config/mon/limits.yaml", "write: {}"),
        (
            "docker.json",
            "{\"log\":\"x\\n\",\"stream\":\"stderr\"}\n{\"log\":\"y\\n\"}\n",
        ),
        ("scrape.txt", "# HELP up x\nup 1\n"),
        ("void.json", ""),
    ]);
    let input = open(dir.path());
    assert_eq!(of_kind(&input, "event").len(), 1);
    assert_eq!(input.objects.hashrings.len(), 2);
    assert_eq!(input.objects.hashrings[1].namespace.as_deref(), Some("mon"));
    assert_eq!(input.objects.limits.len(), 1);
    assert_eq!(all_whose(&input), ["-/docker/-"]);
    assert_eq!(input.scrapes.len(), 1);
    assert_eq!(gaps(&input), ["void.json: empty"]);
}

#[test]
fn loose_logs_get_the_namespace_of_the_only_pod_of_that_name() {
    let pods = r#"{"kind":"List","apiVersion":"v1","items":[{"kind":"Pod","metadata":{"name":"r-0","namespace":"mon"}}]}"#;
    let dir = tree(&[("pods.json", pods), ("r-0.log", "x"), ("r-1.log", "x")]);
    assert_eq!(all_whose(&open(dir.path())), ["-/r-1/-", "mon/r-0/-"]);
    let dir = tree(&[("pods.json", pods), ("r-0/thanos.log", "x")]);
    assert_eq!(all_whose(&open(dir.path())), ["mon/r-0/thanos"]);
}

#[cfg(unix)]
#[test]
fn links_are_followed_only_inside() {
    use std::os::unix::fs::symlink;
    let outside = tree(&[("other.log", "secret")]);
    let dir = tree(&[("real/a.log", "x")]);
    symlink(outside.path().join("other.log"), dir.path().join("out.log")).unwrap();
    symlink(outside.path(), dir.path().join("folder")).unwrap();
    symlink(dir.path().join("real/a.log"), dir.path().join("in.log")).unwrap();
    symlink(dir.path(), dir.path().join("loop")).unwrap();
    let input = open(dir.path());
    assert_eq!(input.streams.len(), 1);
    assert_eq!(gaps(&input).len(), 3);
}

#[test]
fn a_cut_string_does_not_hide_the_rest() {
    let pods = "{\"kind\": \"PodList\", \"apiVersion\": \"v1\", \"items\": [\n\
        {\"metadata\": {\"name\": \"a\"}, \"status\": {\"reason\": \"x\",\n\
          \"message\": \"Back-off pulling image\n }},\n\
        {\"metadata\": {\"name\": \"b\\\"c\\\\\"}, \"status\": {\"reason\": \"tab\there\"}}]}";
    let dir = tree(&[("kubernetes/mon/pods.json", pods)]);
    let input = open(dir.path());
    let names = of_kind(&input, "pod")
        .iter()
        .map(|r| r.get("name").unwrap())
        .collect::<Vec<_>>();
    assert_eq!(names, ["a", "b\"c\\"]);
    assert_eq!(
        of_kind(&input, "pod")[0].get("status.message"),
        Some("Back-off pulling image")
    );
    assert_eq!(
        gaps(&input),
        ["kubernetes/mon/pods.json: damaged JSON, repaired in 2 places"]
    );
}

#[test]
fn objects_without_a_namespace_are_in_that_of_their_file() {
    let pods = r#"{"items":[{"kind":"Pod","metadata":{"name":"r-0"}}]}"#;
    let nodes = r#"{"items":[{"metadata":{"name":"node-a"}}]}"#;
    let dir = tree(&[
        ("kubernetes/mon/pods.json", pods),
        ("kubernetes/nodes.json", nodes),
    ]);
    let input = open(dir.path());
    let pod = &of_kind(&input, "pod")[0];
    assert_eq!(pod.origin.namespace.as_deref(), Some("mon"));
    assert_eq!(of_kind(&input, "node").len(), 1);
}
