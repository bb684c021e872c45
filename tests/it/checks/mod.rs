//! `rdiag check`: every line of the runbook, passing and firing on a bundle of a running ring.

mod bundle;
mod captured;
mod lines;
mod rows;

use std::process::Command;

use rdiag::bundle::Input;
use rdiag::checks::{self, Cadence, Look, Status, Targets};

use bundle::{Bundle, PODS, When};

const LOOK: Look = Look {
    width: 80,
    color: false,
    verbose: 0,
};

/// A day on which much is wrong.
fn bad_day() -> Bundle {
    let bundle = Bundle::healthy();
    bundle.object("pods.json", PODS[1], |pod| {
        pod["status"]["conditions"][0]["status"] = "False".into();
        let container = &mut pod["status"]["containerStatuses"][0];
        container["ready"] = false.into();
        container["restartCount"] = 4.into();
        container["state"] = serde_json::json!({ "waiting": { "reason": "CrashLoopBackOff" } });
        container["lastState"] = serde_json::json!({ "terminated": { "reason": "OOMKilled", "exitCode": 137, "finishedAt": "2026-11-23T01:50:00Z" } });
    });
    bundle.set(
        PODS[0],
        When::Last,
        "kubelet_volume_stats_used_bytes",
        |_| 8.7e10,
    );
    bundle.set(PODS[2], When::Last, "process_resident_memory_bytes", |_| {
        3.9 * 1024.0 * 1024.0 * 1024.0
    });
    bundle.add("*", When::Last, "grpc_client_handled_total{grpc_code=\"Unavailable\",grpc_method=\"RemoteWrite\",grpc_service=\"thanos.WriteableStore\",grpc_type=\"unary\"} 310");
    bundle.add(PODS[0], When::Last, "http_requests_total{code=\"503\",handler=\"receive\",method=\"post\",tenant=\"default-tenant\"} 12");
    bundle
}

#[test]
fn what_people_read() {
    let healthy = Bundle::healthy();
    insta::assert_snapshot!(
        "daily_healthy",
        checks::text(&healthy.check(Cadence::Daily), &LOOK)
    );
    insta::assert_snapshot!(
        "weekly_healthy",
        checks::text(&healthy.check(Cadence::Weekly), &LOOK)
    );
    insta::assert_snapshot!(
        "monthly_healthy",
        checks::text(&healthy.check(Cadence::Monthly), &LOOK)
    );
    let bad = bad_day();
    let list = bad.check(Cadence::Daily);
    insta::assert_snapshot!("daily_bad", checks::text(&list, &LOOK));
    insta::assert_snapshot!(
        "daily_bad_verbose",
        checks::text(&list, &Look { verbose: 1, ..LOOK })
    );
    insta::assert_snapshot!("daily_bad_markdown", checks::markdown(&list));
    insta::assert_snapshot!("daily_bad_junit", checks::junit(&list));
}

#[test]
fn lines_fit_80_columns() {
    for cadence in [Cadence::Daily, Cadence::Weekly, Cadence::Monthly] {
        for verbose in [0, 1] {
            let text = checks::text(&bad_day().check(cadence), &Look { verbose, ..LOOK });
            for line in text.lines() {
                let unbroken = line.trim_start().split(' ').count() <= 2;
                assert!(line.chars().count() <= 80 || unbroken, "{line}");
            }
        }
    }
}

#[test]
fn compared_with_the_last_check() {
    let mut bundle = Bundle::healthy();
    let before = bundle.check(Cadence::Daily);
    assert_eq!(
        checks::from_json(&checks::to_json(&before)).unwrap(),
        before,
        "JSON is read back as it was"
    );
    let mut bad = bad_day();
    bad.options.against = Some(before);
    let list = bad.check(Cadence::Daily);
    assert_eq!(
        list.item("disk-use")
            .unwrap()
            .before
            .as_ref()
            .unwrap()
            .status,
        Status::Pass
    );
    let text = checks::text(&list, &LOOK);
    assert!(
        text.contains("worse:") && text.contains("last check: pass"),
        "{text}"
    );
    // Restarts that the last check saw already are not news.
    bundle.options.against = Some(list);
    bundle.object("pods.json", PODS[1], |pod| {
        pod["status"]["containerStatuses"][0]["restartCount"] = 4.into()
    });
    assert_eq!(
        bundle
            .check(Cadence::Daily)
            .item("restarts")
            .unwrap()
            .status,
        Status::Pass
    );
    assert!(checks::text(&bundle.check(Cadence::Daily), &LOOK).contains("better:"));
}

#[test]
fn nothing_to_look_at_is_unknown_and_never_pass() {
    let bundle = Bundle::healthy();
    for part in ["metrics", "kubernetes", "config", "logs"] {
        bundle.remove(part);
    }
    bundle.write(
        "alerts.json",
        "{\"version\":\"4\",\"groupKey\":\"x\",\"alerts\":[]}",
    );
    for cadence in [Cadence::Daily, Cadence::Weekly, Cadence::Monthly] {
        let list = bundle.check(cadence);
        assert_eq!(list.counts.pass, 0, "{cadence:?}");
        for item in &list.items {
            assert_eq!(item.status, Status::Unknown, "{}", item.id);
            assert!(item.why.is_some(), "{}: unknown, but why?", item.id);
        }
    }
}

#[test]
fn an_item_that_loses_its_source_is_not_a_pass() {
    let bundle = Bundle::healthy();
    bundle.remove("metrics");
    let list = bundle.check(Cadence::Daily);
    for id in [
        "health",
        "availability",
        "write-success",
        "write-latency",
        "replication-success",
        "ring-loaded",
        "tsdb-faults",
        "tsdb-head",
        "disk-use",
        "memory-use",
        "uploads-failing",
        "uploads-lag",
        "limits",
        "traffic",
    ] {
        assert_eq!(list.item(id).unwrap().status, Status::Unknown, "{id}");
    }
}

#[test]
fn every_item_says_what_it_found_and_what_should_be() {
    for cadence in [Cadence::Daily, Cadence::Weekly, Cadence::Monthly] {
        for item in bad_day().check(cadence).items {
            assert!(item.target.is_some(), "{}: no target", item.id);
            if item.status == Status::Unknown {
                assert!(item.why.is_some(), "{}: no reason", item.id);
            } else {
                assert!(
                    item.figure.is_some() && item.source.is_some(),
                    "{}: no figure or source",
                    item.id
                );
            }
            if matches!(item.status, Status::Fail | Status::Warn) {
                assert!(
                    item.why.is_some() && item.next.is_some(),
                    "{}: no reason or next step",
                    item.id
                );
            }
        }
    }
}

#[test]
fn one_status_line_per_member() {
    let bundle = bad_day();
    let input = Input::open(&[bundle.path().to_owned()], None).unwrap();
    let series = rdiag::bundle::series(&input, &|_: &str| true);
    let now = series.iter().filter_map(|s| s.time).max();
    let status = rdiag::engine::status(&input.objects.topology, &series, now);
    let text: Vec<String> = status
        .iter()
        .map(|(pod, facts)| {
            format!(
                "{pod}: {}",
                facts
                    .iter()
                    .map(|(k, v)| format!("{k} {v}"))
                    .collect::<Vec<_>>()
                    .join(" · ")
            )
        })
        .collect();
    insta::assert_snapshot!("status_lines", text.join("\n"));
}

#[test]
fn exit_codes_and_formats_of_the_program() {
    let run = |bundle: &Bundle, args: &[&str]| {
        let program = Command::new(env!("CARGO_BIN_EXE_rdiag"))
            .arg("check")
            .args(args)
            .arg(bundle.path())
            .output()
            .unwrap();
        (
            program.status.code(),
            String::from_utf8(program.stdout).unwrap(),
            String::from_utf8(program.stderr).unwrap(),
        )
    };
    let (healthy, bad) = (Bundle::healthy(), bad_day());
    assert_eq!(
        run(&healthy, &["daily"]).0,
        Some(0),
        "unknown alone is no failure"
    );
    assert_eq!(run(&bad, &["daily"]).0, Some(1));
    assert_eq!(run(&bad, &["daily", "--exit-zero"]).0, Some(0));
    assert_eq!(run(&bad, &["hourly"]).0, Some(2));
    assert_eq!(run(&bad, &["daily", "-o", "html"]).0, Some(2));
    assert_eq!(
        run(&bad, &["daily", "--last-restore-test", "yesterday"]).0,
        Some(2)
    );
    let (_, json, _) = run(&bad, &["daily", "-o", "json"]);
    assert!(checks::from_json(&json).unwrap().failed());
    assert!(run(&bad, &["daily", "-o", "yaml"]).1.starts_with("schema:"));
    assert!(run(&bad, &["daily", "-o", "junit"]).1.contains("<failure"));
    bad.write("targets/low.yaml", "disk_use_daily: 10%\n");
    bad.write("targets/odd.yaml", "disk_use_dayly: 10%\n");
    let file = |name: &str| bad.path().join("targets").join(name).display().to_string();
    let (code, _, err) = run(&healthy, &["daily", "--targets", &file("odd.yaml")]);
    assert_eq!(code, Some(2));
    assert!(err.contains("disk_use_dayly"), "{err}");
    assert_eq!(
        run(&healthy, &["daily", "--targets", &file("low.yaml")]).0,
        Some(1)
    );
    assert_eq!(
        run(&healthy, &["daily", "--against", &file("none.json")]).0,
        Some(3)
    );
    let missing = Command::new(env!("CARGO_BIN_EXE_rdiag"))
        .args(["check", "daily", "/nowhere"])
        .output()
        .unwrap();
    assert_eq!(missing.status.code(), Some(3));
}

#[test]
fn targets_are_one_file() {
    assert_eq!(Targets::with(checks::DEFAULTS).unwrap(), Targets::default());
}

#[test]
fn error_lines_of_too_many_kinds_share_one() {
    let bundle = Bundle::healthy();
    // Words of letters only: numbers would be taken out of the kind.
    let word = |n: usize| -> String {
        let digits = [n / 676, n / 26 % 26, n % 26];
        digits
            .map(|d| char::from(b'a' + u8::try_from(d).unwrap()))
            .iter()
            .collect()
    };
    let lines: String = (0..rdiag::limits::ERROR_KINDS + 5)
        .map(|n| {
            format!(
                "ts=2026-11-23T01:50:01Z level=error msg=\"{} broke\"\n",
                word(n)
            )
        })
        .collect();
    let log = "logs/observability/obs-thanos-receive-0/thanos-receive.previous.log";
    bundle.write(log, &lines);
    let list = bundle.check(Cadence::Weekly);
    let item = list.items.iter().find(|i| i.id == "error-lines").unwrap();
    let others = item
        .details
        .iter()
        .find(|d| d.subject == "(other kinds)")
        .unwrap();
    assert!(others.figure.starts_with('5'), "{}", others.figure);
    assert_eq!(item.details.len(), rdiag::limits::ERROR_KINDS + 1);
}
