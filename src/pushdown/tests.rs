//! Tests of `pushdown`.

#![allow(clippy::unwrap_used)]

use super::{Filter, QUIET};
use crate::limits;
use crate::pack::Pack;

fn check(line: &str, expected: bool) {
    let pack = Pack::embedded().unwrap();
    let filter = Filter::of(&pack).unwrap();
    assert_eq!(filter.takes(line.as_bytes()), expected, "{line}");
}

#[test]
fn what_is_quiet_and_of_no_consequence_stays_away() {
    let uploaded = "ts=2026-11-23T02:22:09Z caller=shipper.go:334 level=info component=multi-tsdb \
                    tenant=default-tenant msg=\"upload new block\" id=01J";
    check(uploaded, false);
    check(&uploaded.replace("level=info", "level=warn"), true);
    check(&uploaded.replace("level=info", "level=whatever"), true);
    check(&uploaded.replace("level=info ", ""), true);
    // A message can quote anything.
    let quoting = "ts=2026-11-23T02:22:09Z level=error msg=\"said level=info before\"";
    check(quoting, true);
    check(
        r#"{"caller":"a.go:1","level":"info","msg":"Found healthy block","ts":"t"}"#,
        false,
    );
    check(
        r#"{"caller":"a.go:1","level":"warn","msg":"Found healthy block","ts":"t"}"#,
        true,
    );
    check(
        r#"{"err":"{\"level\":\"info\"}","level":"error","msg":"x"}"#,
        true,
    );
    check("goroutine 1 [running]:", true);
    check("", true);
    check(
        "ts=2026-11-23T02:22:09Z caller=receive.go:1 level=info component=receive msg=\"running receive\"",
        true,
    );
    check(
        "ts=2026-11-23T02:22:09Z caller=main.go:1 level=info msg=\"caught signal. Exiting.\" signal=terminated",
        true,
    );
}

#[test]
fn filters_are_what_stores_can_read() {
    let pack = Pack::embedded().unwrap();
    let filter = Filter::of(&pack).unwrap();
    assert!(filter.anchors() > 50);
    let [loud, wanted] = filter.logql();
    assert!(loud.starts_with(" !~ \""), "{loud}");
    assert!(wanted.len() < 64 * 1024, "{} bytes", wanted.len());
    assert!(filter.logsql().starts_with("(!~\""));
    assert!(regex::Regex::new(QUIET).is_ok());
}

#[test]
fn a_filter_that_no_store_would_take_is_none() {
    // Of a pack with that many literals everything is read: nothing is missed.
    let pack = |signatures: usize| {
        Pack::load((0..signatures).map(|n| {
            let text = format!(
                "title: One of many\nseverity: warning\nvariants: [{{where: {{msg: {{contains: \"{n:04} {}\"}}}}}}]\n",
                "x".repeat(1000)
            );
            (format!("signatures/a/s{n}.yaml"), text)
        }))
        .unwrap()
    };
    assert!(Filter::of(&pack(limits::FILTER_BYTES / 2000)).is_some());
    assert!(Filter::of(&pack(limits::FILTER_BYTES / 1000 + 1)).is_none());
}
