//! Tests of `record`.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::{Format, peek};
use crate::limits;
use crate::record::{Fields, Issue, Level, Origin, Record, Time, Times};

fn show(fields: &Fields<'_>) -> String {
    let text = |bytes: &[u8]| String::from_utf8_lossy(bytes).replace('\n', "⏎");
    let fields: Vec<_> = fields
        .iter()
        .map(|(key, value)| format!("{}={}", text(key), text(value)))
        .collect();
    fields.join("|")
}

fn check(body: &str, format: Format, level: Option<Level>, fields: &str, issues: &[Issue]) {
    check_bytes(body.as_bytes(), format, level, fields, issues);
}

fn check_bytes(body: &[u8], format: Format, level: Option<Level>, fields: &str, issues: &[Issue]) {
    let origin = Origin::default();
    let record = Record::log(&origin, body);
    let name = String::from_utf8_lossy(body);
    assert_eq!(record.format(), format, "{name}");
    assert_eq!(record.level, level, "{name}");
    assert_eq!(show(record.fields()), fields, "{name}");
    assert_eq!(record.issues().iter().collect::<Vec<_>>(), issues, "{name}");
    assert_eq!(record.field("line"), Some(body));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn logfmt() {
    use Format::Logfmt;
    let info = Some(Level::Info);
    let cases: [(&str, Option<Level>, &str, &[Issue]); 14] = [
        ("level=info msg=\"a b\"", info, "level=info|msg=a b", &[]),
        (
            "caller=a caller=b component=x component=y level=INFO",
            info,
            "caller=a|caller=b|component=x|component=y|level=INFO",
            &[],
        ),
        (
            r#"level=info err="a \"b\" \\ \n\t\u00e9\ud83d\ude00""#,
            info,
            "level=info|err=a \"b\" \\ ⏎\té😀",
            &[],
        ),
        (
            r#"msg="a \q b" level=info"#,
            info,
            "msg=a \\q b|level=info",
            &[Issue::BadEscape],
        ),
        (
            "level=info msg=\"a b",
            info,
            "level=info|msg=a b",
            &[Issue::UnclosedQuote],
        ),
        (
            "level=info msg=\"a \\",
            info,
            "level=info|msg=a \\",
            &[Issue::UnclosedQuote, Issue::BadEscape],
        ),
        (
            "level=info url=http://x?a=b&c=d",
            info,
            "level=info|url=http://x?a=b&c=d",
            &[],
        ),
        (
            "level=info empty= flag other=\"\"",
            info,
            "level=info|empty=|flag=|other=",
            &[],
        ),
        ("level=info x=a\"b\" y", info, "level=info|x=a\"b\"|y=", &[]),
        (
            "level=info =x \"y\" z=1",
            info,
            "level=info|x=|y=|z=1",
            &[Issue::OddKey],
        ),
        ("evel=error msg=x", None, "evel=error|msg=x", &[]),
        (
            "=2024-08-17T02:36:30Z level=info msg=x",
            info,
            "2024-08-17T02:36:30Z=|level=info|msg=x",
            &[Issue::OddKey],
        ),
        (
            "ing/api/v1/receive msg=\"x y\" level=info",
            info,
            "ing/api/v1/receive=|msg=x y|level=info",
            &[],
        ),
        (
            "msg=\"level=error ts=1\" level=info",
            info,
            "msg=level=error ts=1|level=info",
            &[],
        ),
    ];
    for (body, level, fields, issues) in cases {
        check(body, Logfmt, level, fields, issues);
    }
    check_bytes(
        br#"level=info msg="\r\a\b\v\f\x41\/\' \u12 \xg1 \ud83d \ud83d\u0041 \ud83d\ue000 \ud83d\udfff""#,
        Logfmt,
        info,
        "level=info|msg=\r\u{7}\u{8}\u{b}\u{c}A/' \\u12 \\xg1 \\ud83d \\ud83dA \\ud83d\u{e000} \u{1f7ff}",
        &[Issue::BadEscape],
    );
    check_bytes(
        b"level=info msg=\xff\xfe",
        Logfmt,
        info,
        "level=info|msg=\u{fffd}\u{fffd}",
        &[],
    );
}

#[test]
fn the_first_level_and_the_first_time_are_those_of_the_line() {
    for (body, level, time) in [
        (
            "level=warn level=error ts=2024-01-02T03:04:05Z",
            Level::Warn,
            "2024-01-02T03:04:05Z",
        ),
        (
            "ts=2024-01-02T03:04:05Z ts=2025-01-02T03:04:05Z level=warn",
            Level::Warn,
            "2024-01-02T03:04:05Z",
        ),
        (
            "level=loud severity=warn t=2024-01-02T03:04:05Z",
            Level::Warn,
            "2024-01-02T03:04:05Z",
        ),
        (
            "ts=soon time=2024-01-02T03:04:05Z lvl=eror",
            Level::Error,
            "2024-01-02T03:04:05Z",
        ),
        // Stray words before a key belong to no pair; a pair in quotes is a value.
        (
            "a b level=warn \"x\" ts=2024-01-02T03:04:05Z",
            Level::Warn,
            "2024-01-02T03:04:05Z",
        ),
        (
            "msg=\"level=error\"level=warn ts=2024-01-02T03:04:05Z",
            Level::Warn,
            "2024-01-02T03:04:05Z",
        ),
        (
            r#"msg="a \" level=error" level=warn ts="2024-01-02T03:04:05Z""#,
            Level::Warn,
            "2024-01-02T03:04:05Z",
        ),
    ] {
        let peek = peek(body.as_bytes(), &mut Times::default());
        let found = (peek.level, peek.time.map(Time::rfc3339));
        assert_eq!(found, (Some(level), Some(time.to_owned())), "{body}");
    }
}

#[test]
fn json() {
    use Format::Json;
    let info = Some(Level::Info);
    let cases: [(&str, Option<Level>, &str, &[Issue]); 8] = [
        (
            r#"{"level":"info","n":1,"f":1.5,"b":true,"z":null}"#,
            info,
            "level=info|n=1|f=1.5|b=true|z=null",
            &[],
        ),
        (
            r#"{ "level": "info", "a": {"b": [1, {"c": "d"}]}, "level": "x"}"#,
            info,
            "level=info|a.b.0=1|a.b.1.c=d|level=x",
            &[],
        ),
        (
            r#"{"msg":"a \"level\":\"error\" \n","level":"info"}"#,
            info,
            "msg=a \"level\":\"error\" ⏎|level=info",
            &[],
        ),
        (
            r#"{"level":"info","msg":"cut"#,
            info,
            "level=info",
            &[Issue::BrokenJson],
        ),
        (
            r#"{"level":"info"} trailing"#,
            info,
            "level=info",
            &[Issue::BrokenJson],
        ),
        (
            r#"{"level":"info","n":-5,"f":-0.25,"e\"k":"v\t"}"#,
            info,
            "level=info|n=-5|f=-0.25|e\"k=v\t",
            &[],
        ),
        (r#"{"x"#, None, "msg={\"x", &[Issue::BrokenJson]),
        ("{}", None, "msg={}", &[]),
    ];
    for (body, level, fields, issues) in cases {
        check(body, Json, level, fields, issues);
    }
    check_bytes(
        b"{\"level\":\"info\",\"msg\":\"\xff\"}",
        Json,
        info,
        "level=info|msg=\u{fffd}",
        &[Issue::NotUtf8],
    );
}

#[test]
fn json_is_bounded() {
    let origin = Origin::default();
    let deep = format!("{}1{}", "{\"a\":".repeat(100), "}".repeat(100));
    let record = Record::log(&origin, deep.as_bytes());
    assert_eq!(record.fields().len(), 1);
    assert!(record.issues().has(Issue::DeepJson));
    // Deeper than any stack would bear.
    let deep = "{\"a\":".repeat(100_000);
    let record = Record::log(&origin, deep.as_bytes());
    assert!(record.issues().has(Issue::BrokenJson));
    let wide = format!(
        "{{{}}}",
        (0..2000)
            .map(|n| format!("\"k{n}\":{n}"))
            .collect::<Vec<_>>()
            .join(",")
    );
    let record = Record::log(&origin, wide.as_bytes());
    assert_eq!(record.fields().len(), limits::FIELDS);
    assert!(record.issues().has(Issue::TooManyFields));
    let wide = (0..2000).map(|n| format!("k{n}={n} ")).collect::<String>();
    let record = Record::log(&origin, wide.as_bytes());
    assert_eq!(record.fields().len(), limits::FIELDS);
    assert!(record.issues().has(Issue::TooManyFields));
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn text() {
    use Level::{Debug, Error, Fatal, Info, Warn};
    let cases: [(&str, Format, Option<Level>, &str); 23] = [
        ("some text", Format::Plain, None, "msg=some text"),
        ("a = b", Format::Plain, None, "msg=a = b"),
        // Not quite the heads of klog, of the standard logger, of zap's console.
        (
            "I01x2 15:04:05.0 text",
            Format::Plain,
            None,
            "msg=I01x2 15:04:05.0 text",
        ),
        (
            "I0102x15:04:05.0 text",
            Format::Plain,
            None,
            "msg=I0102x15:04:05.0 text",
        ),
        (
            "I0102 15.04:05.0 text",
            Format::Plain,
            None,
            "msg=I0102 15.04:05.0 text",
        ),
        ("I0102 15:04", Format::Plain, None, "msg=I0102 15:04"),
        (
            "2006/01-02 15:04:05 text",
            Format::Plain,
            None,
            "msg=2006/01-02 15:04:05 text",
        ),
        ("ERROR: text", Format::Plain, None, "msg=ERROR: text"),
        ("ERROR", Format::Plain, None, "msg=ERROR"),
        ("http://x?a=b c", Format::Plain, None, "msg=http://x?a=b c"),
        (
            "thanos: error: unknown long flag '--x'",
            Format::Plain,
            None,
            "msg=thanos: error: unknown long flag '--x'",
        ),
        (
            "W! [outputs.http] x",
            Format::Plain,
            Some(Warn),
            "msg=W! [outputs.http] x",
        ),
        (
            "I0102 15:04:05.000000       1 a.go:12] text = x",
            Format::Klog,
            Some(Info),
            "caller=a.go:12|msg=text = x",
        ),
        (
            "E0102 15:04:05.000000 1 a.go:12] \"a b\" err=\"c d\"",
            Format::Klog,
            Some(Error),
            "caller=a.go:12|msg=a b|err=c d",
        ),
        (
            "2006/01/02 15:04:05 http: TLS handshake error",
            Format::Stdlog,
            None,
            "time=2006/01/02 15:04:05|msg=http: TLS handshake error",
        ),
        (
            "2006/01/02 15:04:05 writer.go:76: E! x y",
            Format::Stdlog,
            Some(Error),
            "time=2006/01/02 15:04:05|caller=writer.go:76|level=E|msg=x y",
        ),
        (
            "2006-01-02 15:04:05,123 [debug] x",
            Format::Stdlog,
            Some(Debug),
            "time=2006-01-02 15:04:05,123|level=debug|msg=x",
        ),
        (
            "2006/01/02 15:04:05 level=warn msg=x",
            Format::Stdlog,
            Some(Warn),
            "time=2006/01/02 15:04:05|level=warn|msg=x",
        ),
        (
            "error\texporter/x.go:1\ta b.\t{\"error\": \"c\"}",
            Format::Console,
            Some(Error),
            "level=error|caller=exporter/x.go:1|msg=a b.|error=c",
        ),
        (
            "ERROR sink: vector::x: Service call failed.",
            Format::Console,
            Some(Error),
            "level=ERROR|msg=sink: vector::x: Service call failed.",
        ),
        (
            "error in the text",
            Format::Plain,
            None,
            "msg=error in the text",
        ),
        (
            "panic: a\n[signal SIGSEGV]\n\ngoroutine 1 [running]:\nf()",
            Format::Dump,
            Some(Fatal),
            "msg=panic: a⏎[signal SIGSEGV]|stack=goroutine 1 [running]:⏎f()",
        ),
        (
            "goroutine 1 [running]:\nf()",
            Format::Dump,
            Some(Fatal),
            "msg=goroutine 1 [running]:|stack=f()",
        ),
    ];
    for (body, format, level, fields) in cases {
        check(body, format, level, fields, &[]);
    }
}

#[test]
fn times() {
    let want = |text: &str| {
        Some(text.parse::<jiff::Timestamp>().unwrap().as_nanosecond())
            .map(|n| Time(i64::try_from(n).unwrap()))
    };
    let cases = [
        (
            "ts=2024-01-02T03:04:05.123456789Z level=info",
            want("2024-01-02T03:04:05.123456789Z"),
        ),
        (
            "level=info ts=2024-01-02T03:04:05+02:00",
            want("2024-01-02T01:04:05Z"),
        ),
        (
            "level=info time=\"2024-01-02 03:04:05.5\"",
            want("2024-01-02T03:04:05.5Z"),
        ),
        (
            "level=info t=2024-01-02T03:04:05-0130",
            want("2024-01-02T04:34:05Z"),
        ),
        (
            "level=info ts=1704164645.5 x=y",
            want("2024-01-02T03:04:05.5Z"),
        ),
        (
            "level=info ts=1704164645123 x=y",
            want("2024-01-02T03:04:05.123Z"),
        ),
        (
            "level=info ts=1704164645123456789 x=y",
            want("2024-01-02T03:04:05.123456789Z"),
        ),
        ("level=info ts=soon x=y", None),
        ("level=info ts=2024-13-02T03:04:05Z x=y", None),
        ("level=info ts=9999-01-02T03:04:05Z x=y", None),
        ("level=info x=y", None),
        (
            "{\"@timestamp\":\"2024-01-02T03:04:05Z\"}",
            want("2024-01-02T03:04:05Z"),
        ),
        (
            "{\"level\":\"info\",\"ts\":1704164645.5}",
            want("2024-01-02T03:04:05.5Z"),
        ),
        ("2024/01/02 03:04:05 x", want("2024-01-02T03:04:05Z")),
        (
            "I0102 03:04:05.000001 1 a.go:1] x",
            want("2022-01-02T03:04:05.000001Z"),
        ),
    ];
    let mut times = Times::with_year(Some(2022));
    for (body, time) in cases {
        assert_eq!(peek(body.as_bytes(), &mut times).time, time, "{body}");
    }
    assert_eq!(
        peek(b"I0102 03:04:05.000001 1 a.go:1] x", &mut Times::default()).time,
        None
    );
}

proptest! {
    #[test]
    fn nothing_panics(body in prop::collection::vec(any::<u8>(), 0..100)) {
        let origin = Origin::default();
        let record = Record::log(&origin, &body);
        let _ = (record.fields().len(), record.issues());
    }

    #[test]
    fn what_looks_like_a_format_does_not_panic(
        body in "(level=|ts=|\"|\\\\|\\\\u00|\\{\"a\":|\\[|\\}|I0102 15:04:05\\.|\\] |2006/01/02 15:04:05|error\t|a\\.go:|panic: |\n|goroutine 1 | ){0,12}[ -~é]{0,10}"
    ) {
        let origin = Origin::default();
        let record = Record::log(&origin, body.as_bytes());
        let _ = (record.fields().len(), record.issues());
    }

    /// What is written as go-kit writes it is read back, byte for byte.
    #[test]
    fn values_are_kept(pairs in prop::collection::vec(("[a-z_]{1,8}", prop::collection::vec(1_u8..=255, 0..20)), 1..12)) {
        let mut body = Vec::new();
        for (key, value) in &pairs {
            body.extend_from_slice(key.as_bytes());
            body.push(b'=');
            let bare = !value.is_empty() && value.iter().all(|byte| byte.is_ascii_graphic() && !matches!(byte, b'"' | b'=' | b'\\'));
            if bare {
                body.extend_from_slice(value);
            } else {
                body.push(b'"');
                for byte in value {
                    match byte {
                        b'"' | b'\\' => body.extend_from_slice(&[b'\\', *byte]),
                        b'\n' => body.extend_from_slice(b"\\n"),
                        _ => body.push(*byte),
                    }
                }
                body.push(b'"');
            }
            body.push(b' ');
        }
        let origin = Origin::default();
        let record = Record::log(&origin, &body);
        let read: Vec<_> = record.fields().iter().map(|(key, value)| (String::from_utf8_lossy(key).into_owned(), value.to_vec())).collect();
        prop_assert_eq!(record.format(), Format::Logfmt);
        prop_assert!(record.issues().is_empty());
        prop_assert_eq!(read, pairs);
    }
}
