//! Tests of `record`.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{FrameState, split_frame};
use crate::record::Times;

/// `namespace/pod/container time flags|body`
fn show(line: &[u8], state: &mut FrameState) -> String {
    let frame = split_frame(line, state);
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).into_owned();
    let who = frame.who.as_ref().map_or_else(
        || "-".to_owned(),
        |who| {
            let part = |part: Option<&[u8]>| part.map_or_else(|| "-".to_owned(), text);
            format!(
                "{}/{}/{}",
                part(who.namespace.as_deref()),
                text(&who.pod),
                part(who.container.as_deref())
            )
        },
    );
    let time = frame
        .time
        .map_or_else(|| "-".to_owned(), |time| time.rfc3339());
    let flags = [
        (frame.partial, " partial"),
        (frame.stderr, " stderr"),
        (frame.control, " control"),
    ];
    let flags: String = flags
        .iter()
        .filter(|(on, _)| *on)
        .map(|(_, name)| *name)
        .collect();
    format!("{who} {time}{flags}|{}", text(&frame.body))
}

fn check(line: &str, expected: &str) {
    let mut state = FrameState::new(Times::with_year(Some(2022)));
    assert_eq!(show(line.as_bytes(), &mut state), expected, "{line}");
}

#[test]
fn odd_frames() {
    let cases = [
        ("", "- -|"),
        ("2024-01-02T03:04:05Z", "- 2024-01-02T03:04:05Z|"),
        ("2024-01-02T03:04:05Z ", "- 2024-01-02T03:04:05Z|"),
        (
            "2024-01-02T03:04:05Z stderr F ",
            "- 2024-01-02T03:04:05Z stderr|",
        ),
        (
            "2024-01-02T03:04:05Z stdout P:x a",
            "- 2024-01-02T03:04:05Z partial|a",
        ),
        (
            "2024-01-02T03:04:05Z stdout is closed",
            "- 2024-01-02T03:04:05Z|stdout is closed",
        ),
        ("[pod/a-0/b] ", "-/a-0/b -|"),
        ("[pod/a-0/b] [c-1] x", "-/c-1/- -|x"),
        (
            "[    1.250000] Out of memory: Killed process 7",
            "- -|Out of memory: Killed process 7",
        ),
        ("prometheus-1  | x", "-/prometheus-1/- -|x"),
        ("prometheus_1 |x", "-/prometheus_1/- -|x"),
        ("thanos  | level=info", "-/thanos/- -|level=info"),
        ("thanos  | x", "- -|thanos  | x"),
        ("- a-0 › b", "- - control|"),
        (
            "+ monitoring-of-the-eu-west-cluster thanos-receive-ingestor-default-0 › thanos-receive",
            "- - control|",
        ),
        ("+ item", "- -|+ item"),
        ("- item", "- -|- item"),
        (
            "Feb 17 09:14:38.5 h kernel: x",
            "-/h/kernel 2022-02-17T09:14:38.5Z|x",
        ),
        (
            "2024-01-02T03:04:05Z {a=\"b\"} x",
            "- 2024-01-02T03:04:05Z|x",
        ),
        ("my-ns a-0 b level=info", "my-ns/a-0/b -|level=info"),
        (
            "{\"log\":\"a\\nb\\n\",\"stream\":\"stdout\",\"time\":\"2024-01-02T03:04:05Z\"}",
            "- 2024-01-02T03:04:05Z|a\nb",
        ),
        (
            "{\"stream\":\"stderr\",\"log\":\"a\",\"time\":\"2024-01-02T03:04:05Z\"}",
            "- 2024-01-02T03:04:05Z partial stderr|a",
        ),
        (
            "[pod/a-0/b] {\"log\":\"[c-1 d] \\\"x\\\"\\n\",\"stream\":\"stdout\"}",
            "-/c-1/d -|\"x\"",
        ),
    ];
    for (line, expected) in cases {
        check(line, expected);
    }
}

#[test]
fn bodies_are_no_frames() {
    let bodies = [
        "[signal SIGSEGV: segmentation violation code=0x1]",
        "[2024-01-02] text",
        "[not ready]",
        "panic: a-0 b level=info",
        "failed to set GOMAXPROCS",
        "write-ahead log is full",
        "thanos: error: unknown long flag '--x'",
        "error level=info",
        "a | b",
        "two words | level=info",
        "two words  | level=info",
        "a.b-1| level=info",
        " | level=info",
        "2006/01/02 15:04:05 http: TLS handshake error",
        "{\"level\":\"info\",\"log\":\"x\",\"msg\":\"y\"}",
        "{a=\"b\"} x",
        "goroutine 1 [running]:",
        "\t/go/pkg/mod/x.go:1 +0x1",
        "main.main()",
    ];
    for body in bodies {
        check(body, &format!("- -|{body}"));
    }
}

#[test]
fn a_head_seen_before_a_record_is_known_again() {
    let mut state = FrameState::default();
    let plain = b"tr-0 thanos some plain text";
    assert_eq!(show(plain, &mut state), "- -|tr-0 thanos some plain text");
    assert_eq!(
        show(b"tr-0 thanos level=info", &mut state),
        "-/tr-0/thanos -|level=info"
    );
    assert_eq!(show(plain, &mut state), "-/tr-0/thanos -|some plain text");
    assert_eq!(
        show(b"my-ns tr-0 thanos level=info", &mut state),
        "my-ns/tr-0/thanos -|level=info"
    );
    assert_eq!(
        show(b"my-ns tr-0 thanos plain", &mut state),
        "my-ns/tr-0/thanos -|plain"
    );
}

proptest! {
    #[test]
    fn nothing_panics(line in prop::collection::vec(any::<u8>(), 0..80)) {
        let _ = split_frame(&line, &mut FrameState::default());
    }

    #[test]
    fn what_looks_like_a_frame_does_not_panic(
        line in "(\\[pod/a/b\\] |2024-01-02T03:04:05Z? ?|stdout [FP] |\\[a-0( b)?\\]|a-0 b |\\{\"log\":\"x\"?|\\{a=\"|\"\\}|Feb  7 09:14:38 |h k\\[1\\]: |\\+ | › |x \\| ){0,6}[ -~]{0,10}"
    ) {
        let frame = split_frame(line.as_bytes(), &mut FrameState::default());
        prop_assert!(frame.body.len() <= line.len());
    }
}
