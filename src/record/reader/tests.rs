//! Tests of `record`.

#![allow(clippy::unwrap_used)]

use std::io::{self, Read};

use proptest::prelude::*;

use super::{Options, Reader};
use crate::limits;
use crate::record::{Format, Level, Origin};

/// A stream that gives its bytes in pieces of the given sizes, over and over.
struct Pieces<'a> {
    rest: &'a [u8],
    sizes: Vec<usize>,
    turn: usize,
}

impl Read for Pieces<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        let size = self.sizes[self.turn % self.sizes.len()].max(1);
        self.turn += 1;
        let n = size.min(self.rest.len()).min(to.len());
        to[..n].copy_from_slice(&self.rest[..n]);
        self.rest = &self.rest[n..];
        Ok(n)
    }
}

fn pieces<'a>(text: &'a [u8], sizes: &[usize]) -> Pieces<'a> {
    Pieces {
        rest: text,
        sizes: sizes.to_vec(),
        turn: 0,
    }
}

/// `origin/container time level| body` of each record.
fn read(text: &[u8], sizes: &[usize]) -> Vec<String> {
    let mut reader = Reader::new(
        pieces(text, sizes),
        Origin::pod("?1"),
        Options { year: Some(2022) },
    );
    let mut lines = Vec::new();
    while let Some(record) = reader.next().unwrap() {
        let time = record
            .time
            .map_or_else(|| "-".to_owned(), |time| time.rfc3339());
        let level = record
            .level
            .map_or_else(|| "-".to_owned(), |level| format!("{level:?}"));
        let container = record.origin.container.as_deref().unwrap_or("-");
        let body = String::from_utf8_lossy(record.body);
        let cut = if record.truncated { " cut" } else { "" };
        lines.push(format!(
            "{}/{container} {time} {level}{cut}|{body}",
            record.origin
        ));
    }
    lines
}

fn check(text: &str, expected: &[&str]) {
    assert_eq!(
        read(text.as_bytes(), &[usize::MAX]),
        expected,
        "at once: {text}"
    );
    assert_eq!(
        read(text.as_bytes(), &[1]),
        expected,
        "byte by byte: {text}"
    );
}

const LINE: &str = "ts=2024-01-02T03:04:05.6Z caller=a.go:1 level=warn msg=\"a b\"";
const WANT: &str =
    "2024-01-02T03:04:05.6Z Warn|ts=2024-01-02T03:04:05.6Z caller=a.go:1 level=warn msg=\"a b\"";

#[test]
fn frames_are_taken_off() {
    let cases = [
        ("{}\n", "?1/-"),
        ("\u{feff}{}\r\n", "?1/-"),
        (
            "[pod/thanos-receive-0/thanos-receive] {}\n",
            "thanos-receive-0/thanos-receive",
        ),
        ("2024-01-02T03:04:06.123456789Z {}\n", "?1/-"),
        (
            "[pod/tr-0/thanos] 2024-01-02T03:04:06.123456789+02:00 {}\n",
            "tr-0/thanos",
        ),
        ("tr-0 thanos {}\n", "tr-0/thanos"),
        ("monitoring tr-0 thanos {}\n", "monitoring/tr-0/thanos"),
        (
            "\u{1b}[36mtr-0\u{1b}[0m \u{1b}[36;1mthanos\u{1b}[0m {}\n",
            "tr-0/thanos",
        ),
        ("[tr-0 thanos] {}\n", "tr-0/thanos"),
        ("[tr-0] {}\n", "tr-0/-"),
        ("2024-01-02T03:04:06.1Z stderr F {}\n", "?1/-"),
        (
            "prometheus-prometheus-1     | {}\n",
            "prometheus-prometheus-1/-",
        ),
        ("Feb  7 09:14:38 mon-02 thanos[34]: {}\n", "mon-02/thanos"),
        (
            "2022-02-07T09:14:38+0200 mon-02 thanos[34]: {}\n",
            "mon-02/thanos",
        ),
        (
            "2024-01-02T03:04:06Z {namespace=\"m\", pod=\"tr-0\", container=\"thanos\"} {}\n",
            "m/tr-0/thanos",
        ),
        ("2024-01-02T03:04:06Z {} {}\n", "?1/-"),
        ("+ tr-0 › thanos\n{}\n", "?1/-"),
        (
            "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1643960078874529\n_HOSTNAME=mon\nSYSLOG_IDENTIFIER=thanos\nMESSAGE={}\n\n",
            "mon/thanos",
        ),
    ];
    for (framing, origin) in cases {
        // `{}` may also be the empty label set: the last one is the line.
        let at = framing.rfind("{}").unwrap();
        let text = format!("{}{LINE}{}", &framing[..at], &framing[at + 2..]);
        check(&text, &[&format!("{origin} {WANT}")]);
    }
}

#[test]
fn envelopes_are_opened() {
    let line = LINE.replace('"', "\\\"");
    let cases = [
        (
            format!(r#"{{"log":"{line}\n","stream":"stderr","time":"2024-01-02T03:04:06Z"}}"#),
            "?1/-",
        ),
        (
            format!(
                r#"{{"labels":{{"namespace":"m","pod":"tr-0"}},"line":"{line}","timestamp":"2024-01-02T03:04:06Z"}}"#
            ),
            "m/tr-0/-",
        ),
        (
            format!(
                r#"{{"__CURSOR":"x","__REALTIME_TIMESTAMP":"1643960078874529","_HOSTNAME":"h","SYSLOG_IDENTIFIER":"thanos","MESSAGE":"{line}"}}"#
            ),
            "h/thanos",
        ),
        (
            format!(
                r#"{{"_time":"2024-01-02T03:04:06Z","_stream":"{{}}","kubernetes.pod_name":"tr-0","_msg":"{line}"}}"#
            ),
            "tr-0/-",
        ),
        (
            format!(
                r#"{{"message":"{line}","nodeName":"n","namespace":"m","podName":"tr-0","containerName":"thanos"}}"#
            ),
            "m/tr-0/thanos",
        ),
        (
            format!(
                r#"{{"date":1.5,"kubernetes":{{"pod_name":"tr-0","namespace_name":"m","container_name":"c"}},"log":"{line}"}}"#
            ),
            "m/tr-0/c",
        ),
    ];
    for (text, origin) in cases {
        check(&text, &[&format!("{origin} {WANT}")]);
    }
    let bytes: Vec<String> = LINE.bytes().map(|byte| byte.to_string()).collect();
    let text = format!(
        r#"{{"__CURSOR":"x","_HOSTNAME":"h","MESSAGE":[{}]}}"#,
        bytes.join(",")
    );
    check(&text, &[&format!("h/- {WANT}")]);
}

#[test]
fn pieces_are_joined_per_stream() {
    check(
        "2024-01-02T03:04:05Z stderr P level=in\n2024-01-02T03:04:05Z stdout F other\n2024-01-02T03:04:06Z stderr F fo msg=x\n",
        &[
            "?1/- 2024-01-02T03:04:05Z -|other",
            "?1/- 2024-01-02T03:04:05Z Info|level=info msg=x",
        ],
    );
    check(
        "{\"log\":\"level=in\",\"stream\":\"stderr\",\"time\":\"2024-01-02T03:04:05Z\"}\n{\"log\":\"fo msg=x\\n\",\"stream\":\"stderr\",\"time\":\"2024-01-02T03:04:05Z\"}",
        &["?1/- 2024-01-02T03:04:05Z Info|level=info msg=x"],
    );
    check(
        "2024-01-02T03:04:05Z stderr P never ended\n",
        &["?1/- 2024-01-02T03:04:05Z -|never ended"],
    );
}

#[test]
fn journal_entries_may_be_binary() {
    let mut text = b"__CURSOR=s=1\n_HOSTNAME=h\nMESSAGE\n".to_vec();
    let message = b"panic: x\n\ngoroutine 1 [running]:\nmain.main()";
    text.extend_from_slice(&(message.len() as u64).to_le_bytes());
    text.extend_from_slice(message);
    text.extend_from_slice(b"\n\n__CURSOR=s=2\nMESSAGE=level=info msg=y\n");
    // The dump is open until its own pod speaks again.
    let expected = [
        "?1/- - Info|level=info msg=y",
        "h/- - Fatal|panic: x\n\ngoroutine 1 [running]:\nmain.main()",
    ];
    assert_eq!(read(&text, &[usize::MAX]), expected);
    assert_eq!(read(&text, &[3]), expected);
}

#[test]
fn dumps_are_folded_per_origin() {
    check(
        "level=info msg=a\npanic: preallocate: no space left on device\n\ngoroutine 265 [running]:\nmain.f(0x1, 0x2)\n\t/go/x.go:2236 +0x5c\nlevel=info msg=b\n",
        &[
            "?1/- - Info|level=info msg=a",
            "?1/- - Fatal|panic: preallocate: no space left on device\n\ngoroutine 265 [running]:\nmain.f(0x1, 0x2)\n\t/go/x.go:2236 +0x5c",
            "?1/- - Info|level=info msg=b",
        ],
    );
    check(
        "[pod/a-0/c] panic: x\n[pod/b-0/c] level=info msg=1\n[pod/a-0/c] \n[pod/a-0/c] goroutine 1 [running]:\n[pod/b-0/c] fatal error: y\n[pod/a-0/c] level=info msg=2\n",
        &[
            "b-0/c - Info|level=info msg=1",
            "a-0/c - Fatal|panic: x\n\ngoroutine 1 [running]:",
            "a-0/c - Info|level=info msg=2",
            "b-0/c - Fatal|fatal error: y",
        ],
    );
    check(
        "SIGQUIT: quit\nPC=0x46b5a1 m=0 sigcode=0\n\ngoroutine 0 [idle]:\nruntime.f()\npanic: z\nthanos: error: unknown long flag '--x'\n",
        &[
            "?1/- - Fatal|SIGQUIT: quit\nPC=0x46b5a1 m=0 sigcode=0\n\ngoroutine 0 [idle]:\nruntime.f()",
            "?1/- - Fatal|panic: z",
            "?1/- - -|thanos: error: unknown long flag '--x'",
        ],
    );
}

#[test]
fn escape_sequences_are_taken_out() {
    for (text, expected) in [
        ("plain", "plain"),
        ("a\x1b[31;1mb\x1b[0mc", "abc"),
        ("a\x1b[mb", "ab"),
        // Broken off, or with a byte that is no part of it: that one is text.
        ("a\x1b[31", "a"),
        ("a\x1b[31\u{e9}b", "a\u{e9}b"),
        ("a\x1b[31\x7fb", "a\x7fb"),
        ("a\x1b", "a"),
        ("a\x1bMb", "ab"),
        ("a\x1b\x1b[1mb", "ab"),
        // Titles and links end with a bell or an escape; without an end only their head goes.
        ("a\x1b]0;title\x07b", "ab"),
        ("a\x1b]8;;http://x\x1b\\\u{e9}\x1b]8;;\x1b\\b", "a\u{e9}b"),
        ("a\x1b]8;;x\x1b", "a"),
        ("a\x1b]b", "ab"),
    ] {
        let mut bytes = text.as_bytes().to_vec();
        let len = super::ansi::strip(&mut bytes);
        assert_eq!(String::from_utf8_lossy(&bytes[..len]), expected, "{text:?}");
    }
}

#[test]
fn a_line_in_pieces_is_as_bounded_as_any() {
    let half = "x".repeat(limits::LINE_BYTES / 2);
    for (last, cut) in [(0, false), (1, true)] {
        let text = format!(
            "2024-01-02T03:04:05Z stderr P {half}\n2024-01-02T03:04:05Z stderr P {half}\n\
             2024-01-02T03:04:05Z stderr F {}\n",
            "y".repeat(last)
        );
        let mut reader = Reader::new(text.as_bytes(), Origin::pod("?1"), Options::default());
        let record = reader.next().unwrap().unwrap();
        assert_eq!(
            (record.body.len(), record.truncated),
            (limits::LINE_BYTES, cut)
        );
        assert!(reader.next().unwrap().is_none());
        assert_eq!(reader.counts().truncated, u64::from(cut));
    }
}

#[test]
fn of_too_many_open_lines_the_oldest_comes_early() {
    let kinds = [
        ("2024-01-02T03:04:05Z stderr P begun", "begun"),
        ("panic: x", "panic: x"),
    ];
    for (line, body) in kinds {
        for more in [0, 2] {
            let mut text = String::new();
            for n in 0..limits::OPEN_JOINS + more {
                text.push_str(&format!("[pod/p-{n:04}/c] {line}\n"));
            }
            let mut reader = Reader::new(text.as_bytes(), Origin::pod("?1"), Options::default());
            let mut all = Vec::new();
            while let Some(record) = reader.next().unwrap() {
                assert_eq!(record.body, body.as_bytes());
                all.push(record.origin.pod.to_string());
            }
            assert!(all.is_sorted(), "oldest first");
            assert_eq!(all.len(), limits::OPEN_JOINS + more);
            assert_eq!(reader.counts().early, more as u64, "{line}");
        }
    }
}

#[test]
fn a_piece_is_idle_while_lines_need_nothing_but_their_frames() {
    let line = b"level=info msg=x\n".to_vec();
    for (before, bytes, idle) in [
        (&b""[..], line.clone(), true),
        (b"", b"level=info msg=\"\x1b[1mx\"\n".to_vec(), false),
        (b"panic: x\n", line.clone(), false),
        (
            b"2024-01-02T03:04:05Z stderr P begun\n",
            line.clone(),
            false,
        ),
        (b"__CURSOR=s=1\n", line, false),
    ] {
        let own = || Origin::pod("?1");
        let piece = |bytes: Vec<u8>, carry| Reader::piece(bytes, own(), Options::default(), carry);
        let mut first = piece(before.to_vec(), super::Carry::default());
        while first.next().unwrap().is_some() {}
        let reader = piece(bytes.clone(), first.into_carry().0);
        let expected = idle.then_some(&bytes[..]);
        assert_eq!(
            reader.idle(),
            expected,
            "{:?}",
            String::from_utf8_lossy(before)
        );
    }
}

#[test]
fn a_piece_read_on_a_guess_is_read_again_where_the_guess_was_wrong() {
    let own = || Origin::pod("?1");
    let read = |bytes: &[u8], carry| {
        let mut reader = Reader::piece(bytes.to_vec(), own(), Options::default(), carry);
        while reader.next().unwrap().is_some() {}
        reader
    };
    let open = |n: usize| {
        let lines = (0..n).map(|n| format!("[pod/a-{n}/c] panic: x\n"));
        let reader = read(
            lines.collect::<String>().as_bytes(),
            super::Carry::default(),
        );
        reader.into_carry().0
    };
    let begun = |n: usize| {
        (0..n)
            .map(|n| format!("[pod/b-{n}/c] panic: y\n"))
            .collect::<String>()
    };
    let half = limits::OPEN_JOINS / 2;
    for (before, piece, holds) in [
        (open(1), "[pod/b-0/c] level=info msg=x\n".to_owned(), true),
        (open(1), "level=info msg=x\n".to_owned(), true),
        // Its pod speaks again, in a piece that did not know of the dump.
        (open(1), "[pod/a-0/c] level=info msg=x\n".to_owned(), false),
        (
            read(b"panic: x\n", super::Carry::default()).into_carry().0,
            "level=info msg=x\n".to_owned(),
            false,
        ),
        (
            read(b"__CURSOR=s=1\n", super::Carry::default())
                .into_carry()
                .0,
            "level=info msg=x\n".to_owned(),
            false,
        ),
        // As much open at once as there may be, and more.
        (open(half), begun(half), true),
        (open(half), begun(half + 1), false),
    ] {
        let shown = piece.lines().next().unwrap().to_owned();
        let found = read(piece.as_bytes(), super::Carry::default()).confirm(before);
        assert_eq!(found.is_ok(), holds, "{shown}");
        let (carry, bytes) = found.unwrap_or_else(|carry| carry);
        assert_eq!((carry.is_empty(), bytes), (false, piece.into_bytes()));
    }
}

#[test]
fn what_went_through_is_counted() {
    let text = "+ tr-0 › thanos\nlevel=info msg=x\n\n\nplain text\nlevel=info msg=\"no end\"";
    let mut reader = Reader::new(text.as_bytes(), Origin::pod("?1"), Options::default());
    while reader.next().unwrap().is_some() {}
    let counts = reader.counts();
    assert_eq!(counts.bytes, text.len() as u64);
    assert_eq!((counts.lines, counts.records, counts.blank), (6, 3, 2));
    assert_eq!((counts.control, counts.plain, counts.truncated), (1, 1, 0));
    assert_eq!((counts.early, counts.unfolded_lines), (0, 0));
}

/// A stream that is interrupted before each read, and fails at its end.
struct Interrupted<'a>(&'a [u8], bool, io::ErrorKind);

impl Read for Interrupted<'_> {
    fn read(&mut self, to: &mut [u8]) -> io::Result<usize> {
        self.1 = !self.1;
        if self.1 {
            return Err(io::ErrorKind::Interrupted.into());
        }
        if self.0.is_empty() {
            return Err(self.2.into());
        }
        self.0.read(to)
    }
}

#[test]
fn an_interrupted_read_goes_on_and_a_failed_one_ends() {
    let stream = Interrupted(b"level=info msg=x\n", false, io::ErrorKind::BrokenPipe);
    let mut reader = Reader::new(stream, Origin::pod("?1"), Options::default());
    assert_eq!(reader.next().unwrap().unwrap().body, b"level=info msg=x");
    assert_eq!(reader.next().unwrap_err().kind(), io::ErrorKind::BrokenPipe);
}

#[test]
fn a_journal_entry_has_the_names_of_its_message_first() {
    check(
        "__CURSOR=s=1\n__REALTIME_TIMESTAMP=1643960078874529\n_HOSTNAME=h\nMESSAGE=2024-01-02T03:04:05Z tr-0 thanos level=info msg=x\n\n",
        &["tr-0/thanos 2022-02-04T07:34:38.874529Z Info|level=info msg=x"],
    );
    check(
        "__CURSOR=s=1\nMESSAGE=\x1b[1mplain\x1b[0m\n\n",
        &["?1/- - -|plain"],
    );
    // Its own lines end where something else begins.
    check(
        "__CURSOR=s=1\n_HOSTNAME=h\nMESSAGE=a b\nlevel=info msg=x\n",
        &["h/- - -|a b", "?1/- - Info|level=info msg=x"],
    );
    check(
        "__CURSOR=s=1\n_HOSTNAME=h\n\nlevel=info msg=x\n",
        &["?1/- - Info|level=info msg=x"],
    );
}

#[test]
fn kernel_lines_are_plain() {
    check(
        "Feb  7 09:14:38 node-1 kernel: [123.456] Memory cgroup out of memory: Killed process 7 (thanos)\n",
        &[
            "node-1/kernel 2022-02-07T09:14:38Z -|Memory cgroup out of memory: Killed process 7 (thanos)",
        ],
    );
}

#[test]
fn long_lines_are_cut_and_counted() {
    for size in [7, 4096, usize::MAX] {
        for extra in [0, 1, 5_000_000] {
            let mut text = vec![b'x'; limits::LINE_BYTES + extra];
            text.extend_from_slice(b"\nlevel=info msg=after\n");
            let mut reader = Reader::new(
                pieces(&text, &[size]),
                Origin::pod("?1"),
                Options::default(),
            );
            let first = reader.next().unwrap().unwrap();
            assert_eq!(
                (first.body.len(), first.truncated),
                (limits::LINE_BYTES, extra > 0)
            );
            assert_eq!(
                reader.next().unwrap().unwrap().body,
                b"level=info msg=after"
            );
            assert!(reader.next().unwrap().is_none());
            let counts = reader.counts();
            assert_eq!((counts.lines, counts.truncated), (2, u64::from(extra > 0)));
            assert_eq!(counts.bytes, text.len() as u64);
        }
    }
}

#[test]
fn folds_are_bounded() {
    let mut text = b"panic: x\n".to_vec();
    for _ in 0..limits::FOLDED_LINES + 10 {
        text.extend_from_slice(b"main.f()\n");
    }
    text.extend_from_slice(b"level=info msg=after\n");
    let mut reader = Reader::new(&text[..], Origin::pod("?1"), Options::default());
    let fold = reader.next().unwrap().unwrap();
    assert_eq!(fold.format(), Format::Dump);
    assert_eq!(fold.level, Some(Level::Fatal));
    assert_eq!(
        fold.body.split(|byte| *byte == b'\n').count(),
        limits::FOLDED_LINES
    );
    assert!(fold.truncated);
    assert_eq!(
        reader.next().unwrap().unwrap().body,
        b"level=info msg=after"
    );
    assert_eq!(reader.counts().unfolded_lines, 11);
}

#[test]
fn origins_are_bounded() {
    let mut text = String::new();
    for n in 0..limits::READER_ORIGINS + 100 {
        text.push_str(&format!("[pod/p-{n}/c] level=info msg=x\n"));
    }
    let mut reader = Reader::new(text.as_bytes(), Origin::pod("?1"), Options::default());
    let mut last = String::new();
    while let Some(record) = reader.next().unwrap() {
        last = record.origin.to_string();
    }
    assert_eq!(last, "?others");
    assert_eq!(reader.origins().len(), limits::READER_ORIGINS);
    assert_eq!(reader.origins().overflowed, 102);
}

/// Lines of every kind, so that mixtures are tried.
fn line() -> impl Strategy<Value = Vec<u8>> {
    let known = prop::sample::select(vec![
        &b"ts=2024-01-02T03:04:05.6Z level=warn msg=\"a \\\"b\\\"\" err=x"[..],
        b"{\"level\":\"info\",\"msg\":\"x\",\"ts\":\"2024-01-02T03:04:05Z\"}",
        b"[pod/tr-0/thanos] level=info msg=x",
        b"[pod/tr-0/thanos] panic: x",
        b"[pod/tr-0/thanos] goroutine 1 [running]:",
        b"2024-01-02T03:04:05Z stderr P abc",
        b"2024-01-02T03:04:05Z stderr F def\r",
        b"{\"log\":\"abc\",\"stream\":\"stdout\",\"time\":\"2024-01-02T03:04:05Z\"}",
        b"tr-0 thanos level=info msg=x",
        b"\x1b[31mtr-0\x1b[0m \x1b[1mthanos\x1b[0m plain \x1b[",
        b"panic: a",
        b"goroutine 1 [running]:",
        b"\tx.go:1 +0x1",
        b"",
        b"\xef\xbb\xbf",
        b"__CURSOR=s",
        b"MESSAGE=level=info msg=x",
        b"MESSAGE",
        b"\x05\0\0\0\0\0\0\0hello",
        b"I0102 15:04:05.000000       1 a.go:12] x",
        b"2023/05/22 22:49:46 writer.go:76: W! x",
    ]);
    prop_oneof![
        4 => known.prop_map(<[u8]>::to_vec),
        1 => prop::collection::vec(any::<u8>(), 0..60),
    ]
}

proptest! {
    #[test]
    fn cuts_between_reads_do_not_matter(
        lines in prop::collection::vec(line(), 0..20),
        sizes in prop::collection::vec(1_usize..40, 1..5),
    ) {
        let text = lines.join(&b'\n');
        prop_assert_eq!(read(&text, &[usize::MAX]), read(&text, &sizes));
    }

    #[test]
    fn nothing_panics(lines in prop::collection::vec(line(), 0..20)) {
        let text = lines.join(&b'\n');
        let mut reader = Reader::new(&text[..], Origin::default(), Options::default());
        while let Some(record) = reader.next().unwrap() {
            let _ = record.fields().len();
            let _ = record.issues();
        }
    }
}
