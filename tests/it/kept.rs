//! What is kept of a cluster: without credentials, whole, and through everything that logs do.

use std::fs;
use std::path::{Path, PathBuf};
use std::process::Output;
use std::time::Duration;

use serde_json::json;

use crate::collect::{LOG, check_watched, interrupt, line, rdiag, text, usual, watch, watched};
use crate::double::{Double, Piece, Reply, list};

/// Secrets that stand in logs, events and the hashring file of [`leaky`].
const SECRETS: [&str; 4] = [
    "Zk29xQw7",
    "eyJhbGciOiJIUzI1NiJ9",
    "AKIAIOSFODNN7EXAMPLE",
    "jane.doe@",
];

/// A ring whose every text quotes credentials.
fn leaky() -> Double {
    Double::start(|_, path, _| {
        let bare = path.split('?').next().unwrap();
        if bare == LOG {
            let said = [
                line(1, "level=warn msg=x url=https://prom:Zk29xQw7@10.1.2.3/api"),
                line(
                    2,
                    "level=error err=\"Authorization: Bearer eyJhbGciOiJIUzI1NiJ9.eyJzdWIiOiIxIn0.c2lnbmF0dXJl\"",
                ),
                line(
                    3,
                    "level=error msg=y aws_access_key_id=AKIAIOSFODNN7EXAMPLE by=jane.doe@example.com",
                ),
            ];
            return Reply::Stream(vec![
                Piece::Bytes(said.concat().into_bytes()),
                Piece::Pause(Duration::from_millis(1500)),
            ]);
        }
        if bare.ends_with("/events") {
            let message =
                "Readiness probe failed: Get https://prom:Zk29xQw7@10.0.0.1:10902/-/ready";
            let about =
                json!({ "kind": "Pod", "name": "thanos-receive-0", "namespace": "monitoring" });
            return list(
                "Event",
                vec![json!({
                    "metadata": { "name": "e", "namespace": "monitoring" }, "involvedObject": about,
                    "reason": "Unhealthy", "type": "Warning", "message": message, "count": 1,
                    "firstTimestamp": "2026-01-01T00:00:00Z", "lastTimestamp": "2026-01-01T00:00:00Z",
                })],
            );
        }
        usual(path)
    })
}

/// Secrets in any file below a folder.
fn found(folder: &Path, secrets: &mut Vec<String>) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found(&path, secrets);
            continue;
        }
        let bytes = fs::read(&path).unwrap();
        let bytes = match path.extension().is_some_and(|e| e == "zst") {
            true => zstd::decode_all(&bytes[..]).unwrap(),
            false => bytes,
        };
        let all = String::from_utf8_lossy(&bytes);
        for secret in SECRETS.iter().filter(|s| all.contains(**s)) {
            secrets.push(format!("{secret} in {}", path.display()));
        }
    }
}

/// Runs it against a leaky ring, with a place to keep things at the end of `args`, and says which
/// secrets are in what it kept.
fn leaks(args: &[&str], place: &str) -> Vec<String> {
    let double = leaky();
    let (config, kept) = (double.kubeconfig(), double.path("kept"));
    fs::create_dir(&kept).unwrap();
    let out = rdiag(args)
        .arg(kept.join(place))
        .arg("--kubeconfig")
        .arg(config)
        .output()
        .unwrap();
    let code = out.status.code();
    assert!(
        matches!(code, Some(0 | 1)),
        "{args:?}: {}",
        text(&out.stderr)
    );
    let mut secrets = Vec::new();
    found(&kept, &mut secrets);
    assert!(
        fs::read_dir(&kept).unwrap().next().is_some(),
        "{args:?}: nothing was kept"
    );
    secrets
}

#[test]
fn no_bundle_holds_credentials() {
    for (args, place) in [
        (&["collect", "--scrape=off", "-o"][..], "bundle"),
        (&["collect", "--scrape=off", "-o"], "bundle.tar.zst"),
        (&["cluster", "--scrape=off", "--bundle-dir"], "bundles"),
    ] {
        let none: [String; 0] = [];
        assert_eq!(leaks(args, place), none, "{args:?}");
    }
    // The secrets are really there.
    let raw = leaks(&["collect", "--no-redact", "--scrape=off", "-o"], "bundle");
    for secret in SECRETS {
        assert!(
            raw.iter().any(|found| found.starts_with(secret)),
            "{secret}: {raw:?}"
        );
    }
}

/// Watches until the receiver's log has so many lines, and ends it.
fn watch_until(double: &Double, lines: usize) -> (Output, PathBuf) {
    let (child, kept) = watch(double);
    for _ in 0..300 {
        if watched(&kept).len() >= lines {
            break;
        }
        std::thread::sleep(Duration::from_millis(100));
    }
    (interrupt(child), kept)
}

#[test]
fn what_watch_keeps_holds_no_credentials() {
    let double = leaky();
    let (out, kept) = watch_until(&double, 3);
    assert!(watched(&kept).len() >= 3, "{}", text(&out.stderr));
    let (mut secrets, none): (_, [String; 0]) = (Vec::new(), []);
    found(&kept, &mut secrets);
    assert_eq!(secrets, none);
}

#[test]
fn watch_goes_on_behind_a_rotation_and_a_clock_that_went_back() {
    let double = Double::start(|_, path, before| {
        if path.split('?').next().unwrap() != LOG {
            return usual(path);
        }
        // The first is asked for without a time to resume at; the others differ in theirs, so they are
        // counted by what they ask.
        let stream = |texts: &[String], end: Piece| {
            Reply::Stream(vec![Piece::Bytes(texts.concat().into_bytes()), end])
        };
        let closed = Piece::Pause(Duration::ZERO);
        match (path.contains("sinceTime="), before) {
            // The clock is set back by eight seconds, and the file is rotated: the API server hangs up.
            (false, 0) => stream(
                &[line(8, "a"), line(9, "b"), line(1, "c"), line(2, "d")],
                closed,
            ),
            // What was seen comes again, and then what is new.
            (true, 0) => stream(
                &[line(9, "b"), line(1, "c"), line(2, "d"), line(3, "e")],
                closed,
            ),
            _ => stream(
                &[line(3, "e"), line(4, "f")],
                Piece::Pause(Duration::from_secs(60)),
            ),
        }
    });
    let (out, kept) = watch_until(&double, 6);
    check_watched(&out, &kept, &["a", "b", "c", "d", "e", "f"]);
}
