//! What goes wrong around the program: cut input, closed pipes, full disks, signals.

use std::fs;
use std::io::{Read, Write};
use std::os::unix::process::ExitStatusExt;
use std::path::Path;
use std::process::{Command, Output, Stdio};

use flate2::write::GzEncoder;

const LINE: &str = "ts=2025-03-01T10:00:00.5Z caller=handler.go:584 level=error component=receive component=receive-handler err=\"get appender: TSDB not ready\" msg=\"internal server error\"\n";

fn rdiag() -> Command {
    let mut command = Command::new(env!("CARGO_BIN_EXE_rdiag"));
    command
        .env_remove("RDIAG_PATTERNS")
        .env_remove("RDIAG_EXIT_ZERO")
        .env("NO_COLOR", "1");
    command
}

fn noise(lines: u64) -> String {
    (0..lines)
        .map(|i| format!("level=info n={:x}\n", i.wrapping_mul(0x9e37_79b9_7f4a_7c15)))
        .collect()
}

fn run(dir: &Path, args: &[&str]) -> Output {
    rdiag()
        .args(args)
        .arg(dir)
        .stdin(Stdio::null())
        .output()
        .unwrap()
}

fn stderr(output: &Output) -> String {
    String::from_utf8_lossy(&output.stderr).into_owned()
}

#[test]
fn a_cut_archive_is_read_as_far_as_it_goes_and_said_to_be_cut() {
    let dir = tempfile::tempdir().unwrap();
    let text = format!("{LINE}{}", noise(50_000));
    let mut gz = GzEncoder::new(Vec::new(), flate2::Compression::fast());
    gz.write_all(text.as_bytes()).unwrap();
    let gz = gz.finish().unwrap();
    let zst = zstd::encode_all(text.as_bytes(), 1).unwrap();
    for (name, bytes) in [("a.log.gz", gz), ("a.log.zst", zst)] {
        let file = dir.path().join(name);
        fs::write(&file, &bytes[..bytes.len() / 2]).unwrap();
        let output = run(&file, &["-o", "json"]);
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{name}: {:?} {}",
            output.status,
            stderr(&output)
        );
        let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
        let gaps = report["coverage"]["gaps"].to_string();
        assert!(gaps.contains("cut off"), "{name}: {gaps}");
        assert!(
            report["coverage"]["sources"][0]["records"]
                .as_u64()
                .unwrap()
                > 1000,
            "{name}"
        );
    }
}

#[test]
fn a_closed_pipe_is_quiet() {
    let mut child = rdiag()
        .arg("man")
        .stdout(Stdio::piped())
        .stderr(Stdio::piped())
        .spawn()
        .unwrap();
    drop(child.stdout.take());
    let mut said = String::new();
    child
        .stderr
        .take()
        .unwrap()
        .read_to_string(&mut said)
        .unwrap();
    assert_eq!((child.wait().unwrap().code(), said.as_str()), (Some(0), ""));
}

#[test]
fn a_full_disk_is_an_error_with_its_reason() {
    if !Path::new("/dev/full").exists() {
        return;
    }
    for args in [
        &["version"][..],
        &["man"],
        &["patterns", "list"],
        &["schema"],
    ] {
        let full = fs::OpenOptions::new()
            .write(true)
            .open("/dev/full")
            .unwrap();
        let output = rdiag()
            .args(args)
            .stdout(full)
            .stderr(Stdio::piped())
            .output()
            .unwrap();
        let said = stderr(&output);
        assert_eq!(output.status.code(), Some(3), "{args:?}: {said}");
        assert!(
            said.contains("writing the output") && said.contains("No space left"),
            "{args:?}: {said}"
        );
    }
}

#[test]
fn a_signal_ends_it_with_nothing_half_written() {
    for (signal, number) in [("TERM", 15), ("INT", 2), ("HUP", 1), ("KILL", 9)] {
        // Who runs the tests with nohup wants nothing to end by it.
        if ignored(number) {
            continue;
        }
        let mut child = rdiag()
            .stdin(Stdio::piped())
            .stdout(Stdio::piped())
            .stderr(Stdio::piped())
            .spawn()
            .unwrap();
        let mut stdin = child.stdin.take().unwrap();
        // It has read this once there is room for as much again: it is in the middle of reading.
        stdin.write_all(noise(20_000).as_bytes()).unwrap();
        let status = Command::new("kill")
            .args([&format!("-{signal}"), &child.id().to_string()])
            .status()
            .unwrap();
        assert!(status.success());
        let output = child.wait_with_output().unwrap();
        drop(stdin);
        assert_eq!(
            output.status.signal(),
            Some(number.cast_signed()),
            "{signal}: {}",
            stderr(&output)
        );
        assert!(output.stdout.is_empty(), "{signal}");
    }
}

/// Whether processes started here ignore that signal from the start.
fn ignored(signal: u32) -> bool {
    let status = fs::read_to_string("/proc/self/status").unwrap_or_default();
    let mask = status.lines().find_map(|l| l.strip_prefix("SigIgn:"));
    let mask = mask.and_then(|m| u64::from_str_radix(m.trim(), 16).ok());
    mask.unwrap_or(0) >> (signal - 1) & 1 == 1
}

#[test]
fn what_cannot_be_read_is_named() {
    let output = run(Path::new("/nonexistent/of/all/paths.log"), &[]);
    assert_eq!(output.status.code(), Some(3), "{}", stderr(&output));
    assert!(stderr(&output).contains("/nonexistent/of/all/paths.log"));
    // Reading fails with EIO from the first byte on.
    if Path::new("/proc/self/mem").exists() {
        let output = run(Path::new("/proc/self/mem"), &[]);
        let said = format!(
            "{}{}",
            stderr(&output),
            String::from_utf8_lossy(&output.stdout)
        );
        assert_eq!(output.status.code(), Some(3), "{said}");
        assert!(said.contains("Input/output error"), "{said}");
    }
}

/// A pipe whose reading fails once its text is read.
struct Broken(std::io::Cursor<Vec<u8>>);

impl Read for Broken {
    fn read(&mut self, out: &mut [u8]) -> std::io::Result<usize> {
        match self.0.read(out)? {
            0 => Err(std::io::Error::from_raw_os_error(5)),
            n => Ok(n),
        }
    }
}

#[test]
fn a_disk_that_fails_in_the_middle_costs_what_is_behind() {
    // Plain and packed, in one piece and in many.
    for lines in [10, 30_000] {
        let text = format!("{}{LINE}", noise(lines)).into_bytes();
        let packed = zstd::encode_all(&text[..], 1).unwrap();
        for bytes in [text, packed] {
            let broken = Broken(std::io::Cursor::new(bytes));
            let input = rdiag::bundle::Input::open(&[], Some(Box::new(broken))).unwrap();
            let pack = std::sync::Arc::new(rdiag::pack::Pack::embedded().unwrap());
            let engine = rdiag::engine::Engine::new(pack);
            let report = engine.run(&input, &Default::default()).unwrap().report;
            let read = &report.coverage.sources[0];
            assert_eq!(read.records, lines + 1);
            let gaps = &report.coverage.gaps;
            let said = gaps.iter().any(|g| g.why.contains("Input/output error"));
            assert!(said, "{gaps:?}");
        }
    }
}

#[test]
fn a_clock_that_goes_back_is_no_crash() {
    let dir = tempfile::tempdir().unwrap();
    let at = |time: &str| LINE.replace("2025-03-01T10:00:00.5Z", time);
    let text = [
        "2025-03-01T10:00:09Z",
        "2025-03-01T09:00:00Z",
        "1970-01-01T00:00:00Z",
        "1700-01-01T00:00:00Z",
        "2261-12-31T00:00:00Z",
        "9999-12-30T21:59:59Z",
    ];
    // Often enough to be no accident, wherever the other lines put the ends of time.
    let text: String = text.iter().map(|time| at(time).repeat(20)).collect();
    fs::write(dir.path().join("a.log"), text).unwrap();
    let output = run(dir.path(), &["-o", "json"]);
    assert_eq!(output.status.code(), Some(1), "{}", stderr(&output));
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    let (from, until) = (&report["scope"]["from"], &report["scope"]["until"]);
    assert!(from.as_str() <= until.as_str(), "{from} {until}");
    for incident in report["incidents"].as_array().unwrap() {
        let (from, until) = (incident["from"].as_str(), incident["until"].as_str());
        assert!(until.is_none() || from <= until, "{incident}");
    }
}

/// Objects claim whatever they like: counts and times at the ends of what numbers hold.
#[test]
fn absurd_claims_of_objects_are_no_crash() {
    let dir = tempfile::tempdir().unwrap();
    let folder = dir.path().join("kubernetes/m");
    fs::create_dir_all(&folder).unwrap();
    let (past, future) = ("1700-01-01T00:00:00Z", "2261-01-01T00:00:00Z");
    let event = |n: usize| {
        serde_json::json!({
            "kind": "Event", "apiVersion": "v1", "metadata": { "name": format!("e{n}"), "namespace": "m" },
            "involvedObject": { "kind": "Pod", "name": "r-0", "namespace": "m" }, "reason": "Unhealthy",
            "type": "Warning", "message": "Readiness probe failed: HTTP probe failed with statuscode: 503",
            "count": i64::MAX, "firstTimestamp": past, "lastTimestamp": future,
        })
    };
    let pod = serde_json::json!({
        "kind": "Pod", "apiVersion": "v1",
        "metadata": { "name": "r-0", "namespace": "m", "creationTimestamp": future, "deletionTimestamp": past },
        "spec": { "containers": [{ "name": "thanos-receive", "image": "quay.io/thanos/thanos:v0.38.0", "args": ["receive"] }] },
        "status": { "phase": "Running", "startTime": future, "containerStatuses": [{
            "name": "thanos-receive", "ready": false, "restartCount": i64::MAX,
            "state": { "running": { "startedAt": past } },
            "lastState": { "terminated": { "reason": "OOMKilled", "exitCode": 137, "startedAt": future, "finishedAt": past } },
        }] },
    });
    let list = |items: Vec<serde_json::Value>| {
        serde_json::json!({ "kind": "List", "apiVersion": "v1", "items": items }).to_string()
    };
    fs::write(
        folder.join("events.json"),
        list((0..4).map(event).collect()),
    )
    .unwrap();
    fs::write(folder.join("pods.json"), list(vec![pod])).unwrap();
    let unread = serde_json::json!({ "origin": { "namespace": "m", "pod": "r-0" }, "records": u64::MAX, "bytes": u64::MAX });
    let manifest =
        serde_json::json!({ "schema": "rdiag/bundle/v1", "gaps": [], "unread": [unread, unread] });
    fs::write(dir.path().join("manifest.json"), manifest.to_string()).unwrap();
    let series = |at: f64| serde_json::json!({ "metric": { "__name__": "prometheus_tsdb_head_series" }, "values": [[-at, "1"], [at, "2"]] });
    let answer = serde_json::json!({ "status": "success", "data": { "resultType": "matrix", "result": [series(1e300), series(4e15)] } });
    fs::create_dir_all(dir.path().join("metrics/queries")).unwrap();
    fs::write(
        dir.path().join("metrics/queries/1.json"),
        answer.to_string(),
    )
    .unwrap();
    for args in [&["-v", "-o", "text"][..], &["-o", "json"], &["-o", "html"]] {
        let output = run(dir.path(), args);
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{}",
            stderr(&output)
        );
    }
    for cadence in ["daily", "weekly", "monthly"] {
        let output = rdiag()
            .args(["check", cadence])
            .arg(dir.path())
            .output()
            .unwrap();
        assert!(
            matches!(output.status.code(), Some(0 | 1)),
            "{}",
            stderr(&output)
        );
    }
}

#[test]
fn what_is_no_log_is_not_healthy() {
    let dir = tempfile::tempdir().unwrap();
    let mut random = 0x9e37_79b9_7f4a_7c15_u64;
    let bytes: Vec<u8> = (0..1 << 18)
        .map(|_| {
            random = random
                .wrapping_mul(6_364_136_223_846_793_005)
                .wrapping_add(1);
            random.to_be_bytes()[0]
        })
        .collect();
    for bytes in [&bytes[..], b"hello\n", b"<html>502 Bad Gateway</html>\n"] {
        let file = dir.path().join("a.log");
        fs::write(&file, bytes).unwrap();
        for format in ["text", "json", "html", "junit"] {
            let output = run(&file, &["-o", format]);
            let said = stderr(&output);
            assert_eq!(output.status.code(), Some(3), "{said}");
            assert!(
                said.contains("nothing in the input was recognised"),
                "{said}"
            );
            assert!(output.stdout.is_empty());
        }
    }
    // A quiet log with a few odd lines is one.
    let quiet = "level=info ts=2025-03-01T10:00:00Z msg=\"running receive\"\n";
    fs::write(
        dir.path().join("a.log"),
        [&b"hello\n"[..], quiet.as_bytes(), b"\x07\xff\n"].concat(),
    )
    .unwrap();
    let output = run(&dir.path().join("a.log"), &[]);
    assert_eq!(output.status.code(), Some(0), "{}", stderr(&output));
    assert!(String::from_utf8_lossy(&output.stdout).contains("HEALTHY"));
}

#[test]
fn a_file_is_written_whole_or_not_at_all() {
    let dir = tempfile::tempdir().unwrap();
    let log = dir.path().join("a.log");
    fs::write(&log, LINE).unwrap();
    let out = dir.path().join("a.rdiag");
    fs::write(&out, "what was there").unwrap();
    // A folder that cannot be written to leaves what was there, and nothing beside it.
    let scan = |target: &Path| {
        rdiag()
            .arg("scan")
            .arg(&log)
            .arg("-o")
            .arg(target)
            .output()
            .unwrap()
    };
    let gone = scan(&dir.path().join("no/such/folder/a.rdiag"));
    assert_eq!(gone.status.code(), Some(3), "{}", stderr(&gone));
    let done = scan(&out);
    assert_eq!(done.status.code(), Some(0), "{}", stderr(&done));
    assert_ne!(fs::read(&out).unwrap(), b"what was there");
    let names: Vec<_> = fs::read_dir(dir.path())
        .unwrap()
        .map(|e| e.unwrap().file_name())
        .collect();
    assert_eq!(names.len(), 2, "{names:?}");
    // What is no file is written to, and stays what it is.
    if Path::new("/dev/full").exists() {
        let full = scan(Path::new("/dev/full"));
        assert_eq!(full.status.code(), Some(3));
        assert!(stderr(&full).contains("No space left"), "{}", stderr(&full));
        assert!(!fs::metadata("/dev/full").unwrap().is_file());
    }
}

#[test]
fn garbage_is_no_crash() {
    let dir = tempfile::tempdir().unwrap();
    let garbage: [(&str, &[u8]); 6] = [
        ("kubernetes/ns/pods.json", b"<html>502 Bad Gateway</html>"),
        (
            "kubernetes/ns/events.json",
            b"{\"items\": [{\"kind\": 3}, null, \"x\"]}",
        ),
        ("kubernetes/nodes.json", b"{\"items\": ["),
        ("metrics/ns/p/1.prom", b"\xff\xfe = 1\n{{{\n"),
        ("config/ns/hashrings.json", b"[[[["),
        ("alerts.json", b"\"yes\""),
    ];
    for (name, bytes) in garbage {
        let file = dir.path().join(name);
        fs::create_dir_all(file.parent().unwrap()).unwrap();
        fs::write(file, bytes).unwrap();
    }
    fs::write(dir.path().join("manifest.json"), "{}").unwrap();
    fs::create_dir_all(dir.path().join("logs/ns/p")).unwrap();
    fs::write(dir.path().join("logs/ns/p/c.log"), LINE).unwrap();
    let output = run(dir.path(), &["-o", "json"]);
    assert!(
        matches!(output.status.code(), Some(0 | 1)),
        "{}",
        stderr(&output)
    );
    let report: serde_json::Value = serde_json::from_slice(&output.stdout).unwrap();
    assert!(!report["coverage"]["gaps"].as_array().unwrap().is_empty());
}

#[test]
fn what_leaves_the_terminal_holds_no_secret() {
    let dir = tempfile::tempdir().unwrap();
    let line = LINE.replace(
        "TSDB not ready",
        "TSDB not ready for https://prom:Zk29xQw7@10.1.2.3:19291/ by jane@example.com",
    );
    fs::write(dir.path().join("a.log"), format!("{line}ts=2025-03-01T10:00:01Z level=error caller=x.go:1 msg=\"odd thing\" err=\"password=Zk29xQw7 refused\"\n")).unwrap();
    for format in ["text", "json", "yaml", "markdown", "html", "slack", "junit"] {
        let output = run(dir.path(), &["-v", "-o", format]);
        let text = String::from_utf8(output.stdout).unwrap();
        assert!(
            !text.contains("Zk29xQw7") && !text.contains("jane@"),
            "{format}: {text}"
        );
    }
    let open = |args: &[&str]| String::from_utf8(run(dir.path(), args).stdout).unwrap();
    assert!(open(&["-v", "-o", "json", "--no-redact"]).contains("Zk29xQw7"));
    let anonymous = open(&["-v", "-o", "json", "--anonymize"]);
    assert!(!anonymous.contains("10.1.2.3"), "{anonymous}");
    assert_eq!(
        rdiag()
            .args(["--redact", "--no-redact"])
            .output()
            .unwrap()
            .status
            .code(),
        Some(2)
    );
}

#[test]
fn a_new_signature_from_what_was_not_known() {
    let dir = tempfile::tempdir().unwrap();
    let lines: String = (0..9).map(|n| format!("ts=2025-03-01T10:00:0{n}Z level=error caller=x.go:1 component=receive msg=\"wholly unheard of\" err=\"shard {n} fell over\"\n")).collect();
    fs::write(dir.path().join("a.log"), lines).unwrap();
    let report: serde_json::Value =
        serde_json::from_slice(&run(dir.path(), &["-o", "json"]).stdout).unwrap();
    assert_eq!(
        report["novel"][0]["template"], "wholly unheard of: shard <*> fell over",
        "{}",
        report["novel"]
    );
    assert_eq!(report["novel"][0]["count"], 9);
    let output = rdiag()
        .args(["patterns", "new", "--from"])
        .arg(dir.path())
        .output()
        .unwrap();
    let text = String::from_utf8(output.stdout).unwrap();
    assert!(
        text.contains("msg: \"wholly unheard of\"")
            && text.contains("err: {contains: \"fell over\"}"),
        "{text}"
    );
}
