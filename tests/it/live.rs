//! `check` and `cluster --status` as real processes, against a stand-in for the API server.

use std::process::{Command, Output, Stdio};
use std::sync::{Arc, Mutex};

use serde_json::{Value, json};

use crate::double::{Double, Reply, list, pod};

/// Runs the program against `double`.
fn rdiag(double: &Double, args: &[&str]) -> Output {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rdiag"));
    command
        .args(args)
        .args(["--scrape=proxy", "--scrape-interval=1s", "--kubeconfig"])
        .arg(double.kubeconfig())
        .stdin(Stdio::null())
        .env_remove("KUBECONFIG")
        .env("HOME", "/nonexistent");
    for (key, _) in std::env::vars().filter(|(key, _)| key.starts_with("RDIAG_")) {
        command.env_remove(key);
    }
    command.output().unwrap()
}

fn text(bytes: &[u8]) -> String {
    String::from_utf8_lossy(bytes).into_owned()
}

/// A ring of three whose last member is ready or not.
fn ring(last_is_ready: bool) -> Double {
    Double::start(move |_, path, before| answer(path, before, last_is_ready))
}

fn answer(path: &str, before: usize, last_is_ready: bool) -> Reply {
    let bare = path.split('?').next().unwrap();
    if bare.ends_with("/proxy/metrics") {
        // Each member is asked at the first scrape and at the second.
        let text = format!(
            "thanos_receive_replication_factor 3\nprometheus_tsdb_head_series{{tenant=\"t\"}} 1200\n\
             process_resident_memory_bytes 1.048576e+08\nthanos_receive_config_hash 123456789012345\n\
             # TYPE prometheus_tsdb_head_samples_appended_total counter\n\
             prometheus_tsdb_head_samples_appended_total{{tenant=\"t\",type=\"float\"}} {}\n",
            1000 * (before + 1)
        );
        return Reply::Raw(200, "", text.into_bytes());
    }
    let pods = || {
        (0..3).map(|i| {
            let mut one = pod(&format!("thanos-receive-{i}"), &format!("u{i}"), 0);
            let ready = i < 2 || last_is_ready;
            let word = if ready { "True" } else { "False" };
            one["status"]["conditions"] = json!([{ "type": "Ready", "status": word }]);
            one["status"]["containerStatuses"][0]["ready"] = ready.into();
            one
        })
    };
    match bare {
        "/api/v1/namespaces/monitoring/pods" => list("Pod", pods().collect()),
        _ => list("Event", Vec::new()),
    }
}

#[test]
fn a_checklist_goes_through_a_cluster() {
    let double = ring(true);
    let out = rdiag(&double, &["check", "daily", "-o", "json"]);
    let said = text(&out.stderr);
    assert!(matches!(out.status.code(), Some(0 | 1)), "{said}");
    let checked: Value = serde_json::from_slice(&out.stdout).expect("a checklist");
    let item = |id: &str| {
        let items = checked["items"].as_array().unwrap();
        let found = items.iter().find(|i| i["id"] == id).unwrap();
        found["status"].as_str().unwrap().to_owned()
    };
    assert_eq!(item("pods-ready"), "pass");
    assert_eq!(item("memory-use"), "pass");
    // There is no volume to be seen: that is not a pass.
    assert_eq!(item("disk-use"), "unknown");
    let asked = double.requests();
    assert!(asked.iter().all(|r| !r.contains("/log")), "{asked:?}");
}

#[test]
fn the_weekly_checklist_reads_a_week_of_logs() {
    let double = ring(true);
    let out = rdiag(&double, &["check", "weekly", "--live", "-o", "json"]);
    assert!(
        matches!(out.status.code(), Some(0 | 1)),
        "{}",
        text(&out.stderr)
    );
    let asked = double.requests();
    let logs: Vec<&String> = asked.iter().filter(|r| r.contains("/log?")).collect();
    assert!(!logs.is_empty(), "{asked:?}");
    assert!(
        logs.iter().all(|r| r.contains("sinceSeconds=604800")),
        "{logs:?}"
    );
}

#[test]
fn the_status_is_one_line_a_receiver_and_needs_no_log() {
    for (ready, code) in [(true, 0), (false, 1)] {
        let double = ring(ready);
        let out = rdiag(&double, &["cluster", "--status"]);
        let said = text(&out.stdout);
        assert_eq!(out.status.code(), Some(code), "{said}{}", text(&out.stderr));
        for i in 0..3 {
            let name = format!("thanos-receive-{i} ");
            let lines: Vec<&str> = said.lines().filter(|l| l.starts_with(&name)).collect();
            assert_eq!(lines.len(), 1, "{said}");
            for part in ["1200", "100Mi", "12345"] {
                assert!(lines[0].contains(part), "{part} in {said}");
            }
        }
        assert!(said.lines().all(|l| l.chars().count() <= 80), "{said}");
        let asked = double.requests();
        assert!(asked.iter().all(|r| !r.contains("/log")), "{asked:?}");
    }
}

#[test]
fn nobody_named_and_nothing_piped_is_no_cluster() {
    let run = |stdin: &[u8]| {
        let mut child = Command::new(env!("CARGO_BIN_EXE_rdiag"))
            .args(["check", "daily"])
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .env_remove("RDIAG_NAMESPACE")
            .spawn()
            .unwrap();
        std::io::Write::write_all(&mut child.stdin.take().unwrap(), stdin).unwrap();
        child.wait_with_output().unwrap().status.code()
    };
    assert_eq!(run(b""), Some(3));
    assert_eq!(run(b"level=info msg=hello\n"), Some(0));
}

#[test]
fn an_incident_is_posted_where_the_files_say() {
    let posted: Arc<Mutex<Vec<String>>> = Arc::default();
    let seen = Arc::clone(&posted);
    let double = Double::start(move |method, path, before| {
        if method == "POST" && (path.starts_with("/hook") || path.starts_with("/chat")) {
            seen.lock().unwrap().push(path.to_owned());
            // The first attempt is put off.
            let code = if path.starts_with("/hook") && before == 0 {
                503
            } else {
                200
            };
            return Reply::Raw(code, "", b"ok".to_vec());
        }
        let bare = path.split('?').next().unwrap();
        if bare == "/api/v1/namespaces/monitoring/pods" {
            let mut one = pod("thanos-receive-0", "u0", 7);
            let status = &mut one["status"]["containerStatuses"][0];
            status["ready"] = false.into();
            status["state"] = json!({ "waiting": { "reason": "CrashLoopBackOff" } });
            status["lastState"] = json!({ "terminated": { "reason": "OOMKilled", "exitCode": 137,
                "startedAt": "2026-01-01T00:00:00Z", "finishedAt": "2026-01-01T00:00:30Z" } });
            return list("Pod", vec![one]);
        }
        answer(path, before, true)
    });
    let file = |name: &str, path: &str| {
        let at = double.path(name);
        std::fs::write(&at, format!("http://127.0.0.1:{}{path}\n", double.port)).unwrap();
        at.display().to_string()
    };
    let (hook, chat) = (
        file("hook.url", "/hook?key=hunter2"),
        file("chat.url", "/chat"),
    );
    let told = double.path("told").display().to_string();
    let out = rdiag(
        &double,
        &[
            "cluster",
            "--webhook-url-file",
            &hook,
            "--slack-url-file",
            &chat,
            "--json-line",
            "--termination-log",
            &told,
        ],
    );
    let (said, complaints) = (text(&out.stdout), text(&out.stderr));
    assert_eq!(out.status.code(), Some(1), "{said}{complaints}");
    assert!(!complaints.contains("hunter2"), "{complaints}");
    let first: Value =
        serde_json::from_str(said.lines().next().unwrap()).expect("one line of JSON");
    assert_eq!(first["schema"], "rdiag/report/v1");
    assert!(
        std::fs::read_to_string(told)
            .unwrap()
            .contains("thanos-receive-0")
    );
    let posted = posted.lock().unwrap();
    let body = |path: &str| {
        let of = posted.iter().filter(|p| p.starts_with(path));
        let bodies: Vec<Value> = of
            .map(|p| serde_json::from_str(p.split_once('#').unwrap().1).unwrap())
            .collect();
        bodies
    };
    let hooks = body("/hook");
    assert_eq!(hooks.len(), 2, "put off once, then taken");
    assert_eq!(hooks[1]["schema"], "rdiag/report/v1");
    assert!(body("/chat")[0].get("blocks").is_some());
}
