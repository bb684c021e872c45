//! `collect`, `cluster`, `watch` and `doctor` as real processes, against an API server that misbehaves.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::{Child, Command, Output, Stdio};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::time::{Duration, Instant};

use serde_json::{Value, json};

use crate::double::{Double, Piece, Reply, kubeconfig, list, pod, status};

/// The program, deaf to the configuration of whoever runs the tests.
pub(crate) fn rdiag(args: &[&str]) -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rdiag"));
    command
        .args(args)
        .stdin(Stdio::null())
        .env_remove("KUBECONFIG")
        .env("HOME", "/nonexistent");
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("RDIAG_")) {
        command.env_remove(key);
    }
    command
}

pub(crate) fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// Collects from `double` to a folder.
pub(crate) fn collect(double: &Double, more: &[&str]) -> (Output, PathBuf) {
    collect_scraping(double, &[&["--scrape=off"], more].concat())
}

/// The same, scraping as `more` says.
pub(crate) fn collect_scraping(double: &Double, more: &[&str]) -> (Output, PathBuf) {
    let folder = double.path("bundle");
    let config = double.kubeconfig();
    let mut args = vec![
        "collect",
        "--kubeconfig",
        config.to_str().unwrap(),
        "-o",
        folder.to_str().unwrap(),
    ];
    args.extend(more);
    (rdiag(&args).output().unwrap(), folder)
}

/// Follows `double`, and keeps what it reads in a folder; what it prints can be read.
pub(crate) fn watch(double: &Double) -> (Child, PathBuf) {
    let kept = double.path("kept");
    let child = rdiag(&["watch", "--interval=1s", "-o", "json", "--kubeconfig"])
        .arg(double.kubeconfig())
        .arg("--keep")
        .arg(&kept)
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    (child, kept)
}

/// It kept just these lines, each once, and ended as it should.
#[track_caller]
pub(crate) fn check_watched(out: &Output, kept: &Path, lines: &[&str]) {
    assert_eq!(watched(kept), lines, "{}", text(&out.stderr));
    let ended = matches!(out.status.code(), Some(0 | 1));
    assert!(ended, "{}", text(&out.stderr));
}

pub(crate) fn gaps(folder: &Path) -> Vec<(String, String)> {
    let manifest: Value =
        serde_json::from_slice(&fs::read(folder.join("manifest.json")).unwrap()).unwrap();
    let pair = |gap: &Value| {
        (
            gap["what"].as_str().unwrap().to_owned(),
            gap["why"].as_str().unwrap().to_owned(),
        )
    };
    manifest["gaps"]
        .as_array()
        .unwrap()
        .iter()
        .map(pair)
        .collect()
}

pub(crate) fn line(second: u32, text: &str) -> String {
    format!("2026-01-01T00:00:{second:02}.5Z {text}\n")
}

pub(crate) const LOG: &str = "/api/v1/namespaces/monitoring/pods/thanos-receive-0/log";

fn log_of(folder: &Path) -> String {
    fs::read_to_string(folder.join("logs/monitoring/thanos-receive-0/thanos-receive.log")).unwrap()
}

/// What a well-behaved API server answers.
pub(crate) fn usual(path: &str) -> Reply {
    let bare = path.split('?').next().unwrap();
    match bare {
        "/api/v1/namespaces/monitoring/pods" => list("Pod", vec![pod("thanos-receive-0", "u0", 0)]),
        "/api/v1/namespaces/monitoring/pods/thanos-receive-0" => {
            Reply::Json(200, pod("thanos-receive-0", "u0", 0))
        }
        "/api/v1/namespaces/monitoring/configmaps/ring" => {
            let ring =
                r#"[{"endpoints":["thanos-receive-0.thanos-receive.monitoring.svc:10901"]}]"#;
            Reply::Json(
                200,
                json!({ "kind": "ConfigMap", "data": { "hashrings.json": ring } }),
            )
        }
        _ if bare.ends_with("/log") => Reply::Stream(vec![Piece::Bytes(
            line(1, "level=info msg=one").into_bytes(),
        )]),
        "/api/v1/nodes" => list("Node", vec![json!({ "metadata": { "name": "node-a" } })]),
        _ => list("Event", Vec::new()),
    }
}

#[test]
fn a_look_becomes_a_bundle() {
    let double = Double::start(|_, path, _| usual(path));
    let (out, folder) = collect(&double, &[]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert_eq!(log_of(&folder), line(1, "level=info msg=one"));
    let ring = fs::read_to_string(folder.join("config/monitoring/hashrings.json")).unwrap();
    assert!(ring.contains("thanos-receive-0"));
    let pods = fs::read_to_string(folder.join("kubernetes/monitoring/pods.json")).unwrap();
    assert!(pods.contains("\"kind\": \"Pod\""));
    for hidden in ["hunter2", "managedFields", "last-applied"] {
        assert!(!pods.contains(hidden), "{hidden} in {pods}");
    }
    assert_eq!(gaps(&folder), []);
    let requests = double.requests();
    assert!(
        requests
            .iter()
            .all(|r| !r.to_lowercase().contains("secret")),
        "{requests:?}"
    );
    assert!(
        requests.iter().all(|r| r.starts_with("GET ")),
        "{requests:?}"
    );
    // Nothing in it offends whoever reads it.
    let read = rdiag(&["diagnose", "-o", "json", folder.to_str().unwrap()])
        .output()
        .unwrap();
    assert!(
        matches!(read.status.code(), Some(0 | 1)),
        "{}",
        text(&read.stderr)
    );
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn what_cannot_be_done_is_one_sentence() {
    let check = |out: Output, parts: &[&str]| {
        let said = text(&out.stderr);
        assert_eq!(out.status.code(), Some(3), "{said}");
        assert_eq!(said.lines().count(), 1, "{said}");
        for part in parts {
            assert!(said.contains(part), "{part:?} not in {said:?}");
        }
    };
    let dir = tempfile::tempdir().unwrap();
    let with = |name: &str, content: &str| {
        let path = dir.path().join(name);
        fs::write(&path, content).unwrap();
        rdiag(&[
            "cluster",
            "--kubeconfig",
            path.to_str().unwrap(),
            "--request-timeout",
            "5s",
        ])
        .output()
        .unwrap()
    };
    check(
        with("garbage", "clusters: [}"),
        &["could not use the kubeconfig", "kubectl config view"],
    );
    check(
        rdiag(&["cluster"]).output().unwrap(),
        &["/nonexistent/.kube/config", "does not exist"],
    );
    let missing = rdiag(&["cluster", "--kubeconfig", "/nonexistent/x"])
        .output()
        .unwrap();
    check(missing, &["/nonexistent/x", "No such file", "--context"]);
    check(
        with("nobody", &kubeconfig("http://127.0.0.1:1")),
        &[
            "could not reach the API server http://127.0.0.1:1",
            "refused",
            "VPN",
        ],
    );
    let answered = |reply: fn() -> Reply| {
        let double = Double::start(move |_, _, _| reply());
        collect(&double, &[]).0
    };
    check(
        answered(|| status(401, "Unauthorized", "Unauthorized")),
        &["does not accept the credentials", "log in again"],
    );
    let forbidden = || {
        status(
            403,
            "Forbidden",
            "pods is forbidden: User \"eve\" cannot list resource \"pods\"",
        )
    };
    check(
        answered(forbidden),
        &[
            "no permission to list pods in namespace monitoring",
            "eve",
            "rdiag doctor",
        ],
    );
    check(
        answered(|| list("Pod", vec![])),
        &[
            "no pods match app=thanos-receive or",
            "namespace monitoring",
            "-n",
        ],
    );
    check(
        answered(|| Reply::Raw(200, "", b"<html>proxy login</html>".to_vec())),
        &["not JSON"],
    );
    let double = Double::start(|_, path, _| usual(path));
    let config = double.kubeconfig();
    let unknown = rdiag(&[
        "cluster",
        "--kubeconfig",
        config.to_str().unwrap(),
        "--context",
        "prod",
    ])
    .output()
    .unwrap();
    check(unknown, &["no context \"prod\""]);
}

#[test]
fn an_api_server_that_puts_off_is_asked_again() {
    let double = Double::start(|_, path, before| {
        let first = before == 0;
        match path.split('?').next().unwrap() {
            "/api/v1/namespaces/monitoring/pods" if first => Reply::Raw(
                429,
                "retry-after: 1\r\n",
                b"Too many requests, please try again later.".to_vec(),
            ),
            "/api/v1/namespaces/monitoring/events" if first => {
                status(503, "ServiceUnavailable", "not now")
            }
            LOG if first => Reply::Raw(504, "", Vec::new()),
            _ => usual(path),
        }
    });
    #[expect(
        clippy::disallowed_methods,
        reason = "how long the program took is what is tested"
    )]
    let began = Instant::now();
    let (out, folder) = collect(&double, &[]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(
        began.elapsed() >= Duration::from_secs(1),
        "Retry-After was not heeded"
    );
    assert_eq!(gaps(&folder), []);
    assert_eq!(log_of(&folder), line(1, "level=info msg=one"));
}

#[test]
fn a_list_whose_token_expired_begins_anew() {
    static CONTINUED: AtomicUsize = AtomicUsize::new(0);
    let double = Double::start(|_, path, _| {
        if !path.starts_with("/api/v1/namespaces/monitoring/events") {
            return usual(path);
        }
        let event = |name: &str| json!({ "metadata": { "name": name } });
        let page = |token: &str, name: &str| {
            Reply::Json(
                200,
                json!({ "kind": "EventList", "apiVersion": "v1", "metadata": { "continue": token }, "items": [event(name)] }),
            )
        };
        if !path.contains("continue=") {
            page("a b/c", "first")
        } else if CONTINUED.fetch_add(1, Ordering::SeqCst) == 0 {
            status(410, "Expired", "The provided continue parameter is too old")
        } else {
            assert!(path.contains("continue=a%20b%2Fc"), "{path}");
            page("", "second")
        }
    });
    let (out, folder) = collect(&double, &[]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let events: Value = serde_json::from_slice(
        &fs::read(folder.join("kubernetes/monitoring/events.json")).unwrap(),
    )
    .unwrap();
    let names: Vec<&str> = events["items"]
        .as_array()
        .unwrap()
        .iter()
        .map(|e| e["metadata"]["name"].as_str().unwrap())
        .collect();
    assert_eq!(names, ["first", "second"]);
    assert_eq!(gaps(&folder), []);
}

#[test]
fn a_cut_log_goes_on_where_it_was_cut() {
    let double = Double::start(|_, path, _| {
        if !path.starts_with(LOG) {
            return usual(path);
        }
        if path.contains("sinceTime=") {
            assert!(
                path.contains("sinceTime=2026-01-01T00%3A00%3A02Z"),
                "{path}"
            );
            let rest = [line(2, "two"), line(2, "two and a half"), line(3, "three")].concat();
            return Reply::Stream(vec![Piece::Bytes(rest.into_bytes())]);
        }
        let begun = [
            line(1, "one"),
            line(2, "two"),
            "2026-01-01T00:00:02.5Z two and".to_owned(),
        ]
        .concat();
        Reply::Stream(vec![Piece::Cut(begun.into_bytes())])
    });
    let (out, folder) = collect(&double, &[]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let whole = [
        line(1, "one"),
        line(2, "two"),
        line(2, "two and a half"),
        line(3, "three"),
    ]
    .concat();
    assert_eq!(log_of(&folder), whole);
    assert_eq!(gaps(&folder), []);
}

#[test]
fn a_log_that_is_always_cut_is_kept_in_part() {
    let double = Double::start(|_, path, _| match path.starts_with(LOG) {
        true => Reply::Stream(vec![Piece::Cut(
            [line(1, "one"), "2026-01-01T00:00:02Z tw".to_owned()]
                .concat()
                .into_bytes(),
        )]),
        false => usual(path),
    });
    let (out, folder) = collect(&double, &[]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    assert!(log_of(&folder).starts_with(&line(1, "one")));
    assert!(gaps(&folder)[0].1.contains("cut"), "{:?}", gaps(&folder));
}

#[test]
fn pods_that_drip_refuse_or_talk_garbage_are_gaps_and_nothing_else() {
    let double = Double::start(|_, path, _| {
        let bare = path.split('?').next().unwrap();
        match bare {
            "/api/v1/namespaces/monitoring/pods" => {
                let names = [
                    "thanos-receive-0",
                    "thanos-receive-1",
                    "thanos-receive-2",
                    "thanos-receive-3",
                ];
                list("Pod", names.iter().map(|name| pod(name, name, 0)).collect())
            }
            "/api/v1/namespaces/monitoring/pods/thanos-receive-1/log" => {
                Reply::Stream(vec![Piece::Drip(vec![b'x'; 60], Duration::from_secs(1))])
            }
            "/api/v1/namespaces/monitoring/pods/thanos-receive-2/log" => {
                status(400, "BadRequest", "container is waiting to start")
            }
            "/api/v1/namespaces/monitoring/pods/thanos-receive-3/log" => {
                let text = b"unable to retrieve container logs for containerd://abc".to_vec();
                Reply::Stream(vec![Piece::Bytes(text)])
            }
            LOG => Reply::Stream(vec![Piece::Bytes(vec![0xff, 0, 0x1b, b'\n', 0xfe])]),
            "/api/v1/namespaces/monitoring/events" => {
                Reply::Raw(200, "", b"{\"items\": [1, 2".to_vec())
            }
            "/api/v1/nodes" => status(403, "Forbidden", "nodes is forbidden"),
            _ => usual(path),
        }
    });
    let (out, folder) = collect(&double, &["--idle-timeout", "2s"]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let raw = fs::read(folder.join("logs/monitoring/thanos-receive-0/thanos-receive.log")).unwrap();
    assert_eq!(raw, [0xff, 0, 0x1b, b'\n', 0xfe]);
    let gaps = gaps(&folder);
    let why = |what: &str| {
        gaps.iter()
            .find(|(w, _)| w.contains(what))
            .map_or("", |(_, why)| why.as_str())
    };
    assert!(why("thanos-receive-1").contains("given up"), "{gaps:?}");
    assert!(
        why("thanos-receive-2").contains("waiting to start"),
        "{gaps:?}"
    );
    assert!(
        why("thanos-receive-3").contains("unable to retrieve"),
        "{gaps:?}"
    );
    assert!(why("events").contains("not JSON"), "{gaps:?}");
    assert!(why("nodes").contains("no right to list nodes"), "{gaps:?}");
}

#[test]
fn a_missing_right_to_logs_is_one_gap() {
    let double = Double::start(|_, path, _| match path.contains("/log?") {
        true => status(403, "Forbidden", "pods/log is forbidden"),
        false if path.starts_with("/api/v1/namespaces/monitoring/pods?") => list(
            "Pod",
            (0..9)
                .map(|i| pod(&format!("thanos-receive-{i}"), &format!("u{i}"), 0))
                .collect(),
        ),
        false => usual(path),
    });
    let (out, folder) = collect(&double, &[]);
    assert!(out.status.success(), "{}", text(&out.stderr));
    let gaps = gaps(&folder);
    assert_eq!(gaps.len(), 1, "{gaps:?}");
    assert!(gaps[0].0.starts_with("logs of all pods"), "{gaps:?}");
}

#[test]
fn doctor_says_what_is_missing_and_what_to_apply() {
    let double = Double::start(|_, path, _| {
        if path.contains("selfsubjectaccessreviews") {
            let refused = path.contains("\"resource\":\"events\"") || path.contains("secrets");
            return Reply::Json(
                201,
                json!({ "kind": "SelfSubjectAccessReview", "status": { "allowed": !refused } }),
            );
        }
        if path.contains("selfsubjectreviews") {
            return Reply::Json(
                201,
                json!({ "status": { "userInfo": { "username": "system:serviceaccount:ops:bot" } } }),
            );
        }
        usual(path)
    });
    let config = double.kubeconfig();
    let out = rdiag(&["doctor", "--kubeconfig", config.to_str().unwrap()])
        .output()
        .unwrap();
    let said = text(&out.stdout);
    assert_eq!(out.status.code(), Some(1), "{said}{}", text(&out.stderr));
    for part in [
        "MISSING  list events",
        "without it: probe failures",
        "kind: Role",
        "name: bot",
        "namespace: ops",
        "--max-log-requests=50",
    ] {
        assert!(said.contains(part), "{part:?} not in {said}");
    }
}

/// Ends a process the way Ctrl-C does and gives what it said.
pub(crate) fn interrupt(child: Child) -> Output {
    let pid = child.id().to_string();
    assert!(
        Command::new("kill")
            .args(["-INT", &pid])
            .status()
            .unwrap()
            .success()
    );
    child.wait_with_output().unwrap()
}

/// Lines of the receiver that `watch --keep` has seen, in order.
pub(crate) fn watched(folder: &Path) -> Vec<String> {
    let text = fs::read_to_string(
        folder.join("000000/logs/monitoring/thanos-receive-0/thanos-receive.log"),
    );
    text.unwrap_or_default()
        .lines()
        .map(|l| l.split_once(' ').map_or(l, |(_, rest)| rest).to_owned())
        .collect()
}

#[test]
fn watch_follows_through_cuts_and_replacement_without_losing_or_doubling() {
    static OPENED: AtomicUsize = AtomicUsize::new(0);
    let replaced = || OPENED.load(Ordering::SeqCst) >= 3;
    let double = Double::start(move |_, path, _| {
        let bare = path.split('?').next().unwrap();
        let uid = if replaced() { "new" } else { "old" };
        let now = || pod("thanos-receive-0", uid, 0);
        let stream = |texts: &[String], end: Piece| {
            Reply::Stream(vec![Piece::Bytes(texts.concat().into_bytes()), end])
        };
        let hold = Piece::Pause(Duration::from_secs(60));
        match bare {
            "/api/v1/namespaces/monitoring/pods" => list("Pod", vec![now()]),
            "/api/v1/namespaces/monitoring/pods/thanos-receive-0" => Reply::Json(200, now()),
            LOG => match OPENED.fetch_add(1, Ordering::SeqCst) {
                0 => stream(
                    &[line(1, "a"), line(2, "b")],
                    Piece::Cut(b"2026-01-01T00:00:02.5Z c".to_vec()),
                ),
                1 => stream(
                    &[line(2, "b"), line(2, "c"), line(3, "d")],
                    Piece::Cut(Vec::new()),
                ),
                2 => stream(&[line(3, "d"), line(4, "e")], Piece::Pause(Duration::ZERO)),
                3 => stream(&[line(6, "f"), line(7, "g")], hold),
                _ => stream(&[], hold),
            },
            _ => usual(path),
        }
    });
    let (child, kept) = watch(&double);
    #[expect(
        clippy::disallowed_methods,
        reason = "how long the program took is what is tested"
    )]
    let began = Instant::now();
    while watched(&kept).last().map(String::as_str) != Some("g")
        && began.elapsed() < Duration::from_secs(40)
    {
        std::thread::sleep(Duration::from_millis(200));
    }
    let out = interrupt(child);
    check_watched(&out, &kept, &["a", "b", "c", "d", "e", "f", "g"]);
    let reports: Vec<Value> = text(&out.stdout)
        .lines()
        .map(|line| serde_json::from_str(line).expect("one report per line"))
        .collect();
    assert!(!reports.is_empty());
    assert!(reports.iter().all(|r| r["schema"] == "rdiag/report/v1"));
}

#[test]
fn as_a_plugin_it_speaks_of_kubectl() {
    let dir = tempfile::tempdir().unwrap();
    let plugin = dir.path().join("kubectl-rdiag");
    std::os::unix::fs::symlink(env!("CARGO_BIN_EXE_rdiag"), &plugin).unwrap();
    let out = Command::new(&plugin)
        .args(["cluster", "--help"])
        .output()
        .unwrap();
    assert!(
        text(&out.stdout).contains("Usage: kubectl rdiag cluster"),
        "{}",
        text(&out.stdout)
    );
    let double = Double::start(|_, path, _| usual(path));
    let config = double.kubeconfig();
    let args = [
        "-n",
        "monitoring",
        "--kubeconfig",
        config.to_str().unwrap(),
        "--scrape=off",
        "-o",
        "json",
    ];
    let out = Command::new(&plugin)
        .args(args)
        .stdin(Stdio::null())
        .output()
        .unwrap();
    let report: Value =
        serde_json::from_slice(&out.stdout).unwrap_or_else(|_| panic!("{}", text(&out.stderr)));
    assert_eq!(report["schema"], "rdiag/report/v1");
}
