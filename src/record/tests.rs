//! Times, levels, names and texts of records, each by a table.

#![allow(clippy::unwrap_used)]

use super::*;

/// The time that a text begins with, and what is left of the text.
fn leading(text: &str, times: &mut Times) -> Option<(String, String)> {
    let (time, len) = times.leading(text.as_bytes())?;
    Some((time.rfc3339(), text[len..].to_owned()))
}

#[test]
fn times_are_read_up_to_where_they_end() {
    let cases = [
        (
            "2024-01-02T03:04:05Z x",
            Some(("2024-01-02T03:04:05Z", " x")),
        ),
        ("2024-01-02t03:04:05z", Some(("2024-01-02T03:04:05Z", ""))),
        (
            "2024-01-02 03:04:06,5 x",
            Some(("2024-01-02T03:04:06.5Z", " x")),
        ),
        (
            "2006/01/02 15:04:05 x",
            Some(("2006-01-02T15:04:05Z", " x")),
        ),
        (
            "2024-01-02T03:04:05.123456789+02:00 x",
            Some(("2024-01-02T01:04:05.123456789Z", " x")),
        ),
        (
            "2024-01-02T03:04:05.1234567899Z",
            Some(("2024-01-02T03:04:05.123456789Z", "")),
        ),
        (
            "2024-01-02T03:04:05-0130",
            Some(("2024-01-02T04:34:05Z", "")),
        ),
        (
            "2024-01-02T03:04:05+23:59",
            Some(("2024-01-01T03:05:05Z", "")),
        ),
        // Not a fraction, not a zone: text.
        (
            "2024-01-02T03:04:05. x",
            Some(("2024-01-02T03:04:05Z", ". x")),
        ),
        (
            "2024-01-02T03:04:05+24:00",
            Some(("2024-01-02T03:04:05Z", "+24:00")),
        ),
        (
            "2024-01-02T03:04:05+01:60",
            Some(("2024-01-02T03:04:05Z", "+01:60")),
        ),
        (
            "2024-01-02T03:04:05+01",
            Some(("2024-01-02T03:04:05Z", "+01")),
        ),
        // A leap second counts as the one before.
        ("2016-12-31T23:59:60Z", Some(("2016-12-31T23:59:59Z", ""))),
        ("2024-02-30T03:04:05Z", None),
        ("2024-01-02T24:04:05Z", None),
        ("2024-01-02T03:61:05Z", None),
        ("2024-01/02T03:04:05Z", None),
        ("2024/01-02T03:04:05Z", None),
        ("2024-01-02_03:04:05Z", None),
        ("2024-01-02T03-04:05Z", None),
        ("2024-01-02T03:04-05Z", None),
        ("2024-01-02T03:04:0xZ", None),
        ("2024-01-02T03:04:0", None),
        ("", None),
    ];
    // The last second is remembered; what could not be read must not be.
    let mut shared = Times::default();
    for (text, expected) in cases.iter().chain(cases.iter().rev()) {
        let expected = expected.map(|(time, rest)| (time.to_owned(), rest.to_owned()));
        assert_eq!(leading(text, &mut Times::default()), expected, "{text}");
        assert_eq!(leading(text, &mut shared), expected, "{text}, after others");
    }
}

#[test]
fn the_size_of_a_number_tells_its_unit() {
    const S: i64 = 1_000_000_000;
    for (text, expected) in [
        ("100000000", Some(100_000_000 * S)),
        ("1741000000", Some(1_741_000_000 * S)),
        ("1741000000.25", Some(1_741_000_000 * S + S / 4)),
        ("9000000000", Some(9_000_000_000 * S)),
        ("174100000012", Some(174_100_000_012 * 1_000_000)),
        ("1741000000123", Some(1_741_000_000_123 * 1_000_000)),
        // Milliseconds and microseconds of years far away.
        ("17410000001234", None),
        ("174100000012345", Some(174_100_000_012_345 * 1000)),
        ("1741000000123456", Some(1_741_000_000_123_456 * 1000)),
        ("17410000001234567", None),
        ("174100000012345678", Some(174_100_000_012_345_678)),
        ("1741000000123456789", Some(1_741_000_000_123_456_789)),
        ("17410000", None),
        ("17410000001234567890", None),
        ("9999999999999999999", None),
        ("99999999999", None),
        ("1741000000x", None),
        ("1741000000.", None),
        ("soon", None),
        ("2024-01-02T03:04:05Z and later", None),
    ] {
        let found = Times::default().value(text.as_bytes());
        assert_eq!(found, expected.map(Time), "{text}");
    }
}

#[test]
fn a_time_without_a_year_takes_it_from_its_frame_or_from_the_options() {
    let frame = Times::default().value(b"2020-01-02T03:04:05Z");
    let read = |text: &'static str, year, frame| {
        let mut times = Times::with_year(year);
        times.frame = frame;
        let klog = times.klog(text.as_bytes());
        let found = klog.or_else(|| times.syslog(text.as_bytes()));
        found.map(|(time, len)| (time.map(Time::rfc3339), &text[len..]))
    };
    let at = |time: &str, rest| Some((Some(time.to_owned()), rest));
    for (text, with_year, with_frame) in [
        (
            "0102 15:04:05.000001 7 a",
            at("2022-01-02T15:04:05.000001Z", " 7 a"),
            at("2020-01-02T15:04:05.000001Z", " 7 a"),
        ),
        (
            "Feb  7 09:14:38 h",
            at("2022-02-07T09:14:38Z", " h"),
            at("2020-02-07T09:14:38Z", " h"),
        ),
        (
            "Dec 17 09:14:38.5 h",
            at("2022-12-17T09:14:38.5Z", " h"),
            at("2020-12-17T09:14:38.5Z", " h"),
        ),
        // Only one of the years has that day.
        (
            "Feb 29 09:14:38 h",
            Some((None, " h")),
            at("2020-02-29T09:14:38Z", " h"),
        ),
        ("0102_15:04:05", None, None),
        ("01a2 15:04:05", None, None),
        ("Feb_ 7 09:14:38", None, None),
        ("Feb  7_09:14:38", None, None),
        ("Foo  7 09:14:38", None, None),
        ("Feb  7 09-14:38", None, None),
    ] {
        assert_eq!(read(text, Some(2022), None), with_year, "{text}");
        assert_eq!(
            read(text, Some(2022), frame),
            with_frame,
            "{text} in a frame"
        );
        let unknown = with_year.map(|(_, rest)| (None, rest));
        assert_eq!(read(text, None, None), unknown, "{text} of any year");
    }
    assert_eq!(
        [Time(-1).year(), Time(0).year(), frame.unwrap().year()],
        [1969, 1970, 2020]
    );
}

#[test]
fn times_far_apart_do_not_overflow() {
    assert_eq!(Time(5).since(Time(2)), 3);
    assert_eq!(Time(i64::MAX).since(Time(i64::MIN)), i64::MAX);
    assert_eq!(Time::new(2, 7), Some(Time(2_000_000_007)));
    assert_eq!(Time::new(i64::MAX, 0), None);
}

#[test]
fn words_for_levels() {
    for (words, expected) in [
        ("debug debg dbg trace DEBUG", Some(Level::Debug)),
        ("info information notice inf Information", Some(Level::Info)),
        ("warn warning wrn Warning", Some(Level::Warn)),
        ("error err eror ERROR", Some(Level::Error)),
        (
            "fatal panic dpanic critical crit alert emerg emergency",
            Some(Level::Fatal),
        ),
        ("warnings e loud informational", None),
    ] {
        for word in words.split(' ') {
            assert_eq!(Level::parse(word.as_bytes()), expected, "{word}");
        }
    }
    assert_eq!(Level::parse(b""), None);
}

#[test]
fn other_sources_are_shown_as_pairs() {
    let origin = Origin::pod("p");
    let mut fields = Fields::default();
    for (key, value) in [
        ("name", "a-0"),
        ("reason", "out of memory"),
        ("text", "x\"y"),
        ("label", "a=b"),
        ("none", ""),
    ] {
        fields.push(key.as_bytes(), value.as_bytes());
    }
    let record = Record::from_fields(Source::Status, &origin, fields);
    let shown = String::from_utf8(record.text().into_owned()).unwrap();
    assert_eq!(
        shown,
        r#"name=a-0 reason="out of memory" text="x\"y" label="a=b" none="#
    );
    assert_eq!(record.field("line"), None, "only a line of a log has one");
    assert_eq!(record.field("name"), Some(&b"a-0"[..]));
    let line = Record::log(&origin, b"level=info msg=x");
    assert_eq!(&*line.text(), b"level=info msg=x");
    assert_eq!(line.field("line"), Some(line.body));
}

#[test]
fn a_pod_of_a_stateful_set_has_an_ordinal() {
    for (pod, expected) in [
        ("thanos-receive-0", Some(("thanos-receive", 0))),
        ("m/thanos-receive-12", Some(("m/thanos-receive", 12))),
        ("thanos-receive-7d9f", None),
        ("thanos", None),
    ] {
        assert_eq!(set_and_ordinal(pod), expected, "{pod}");
    }
}

/// What `own` says of a stream, what a frame names → the origin, and its container.
#[track_caller]
fn check_origin(own: &Origin, named: [Option<&str>; 3], expected: (&str, Option<&str>, bool)) {
    let [namespace, pod, container] =
        named.map(|part| part.map(|p| Cow::Owned(p.as_bytes().to_vec())));
    let who = Who {
        namespace,
        pod: pod.unwrap(),
        container,
    };
    let mut origins = Origins::new(own.clone());
    let ix = origins.intern(&who);
    let origin = origins.get(ix);
    assert_eq!(origin.to_string(), origin.name());
    assert_eq!(
        (
            &*origin.name(),
            origin.container.as_deref(),
            origin.previous
        ),
        expected
    );
    // The same name once more is the same one, also by the name kept for another piece.
    assert_eq!(origins.intern(&who), ix);
    let name = origins.name(ix).to_vec();
    assert_eq!(origins.named(&name), ix);
    assert_eq!(Origins::new(own.clone()).named(b""), Origins::OWN);
    assert!(origins.knows(&name));
    assert_eq!(origins.len(), 2);
    let mut elsewhere = Origins::new(own.clone());
    let there = elsewhere.named(&name);
    assert_eq!(elsewhere.get(there), origins.get(ix));
}

#[test]
fn what_a_frame_leaves_open_is_taken_from_the_stream() {
    let own = Origin {
        namespace: Some("m".into()),
        container: Some("thanos".into()),
        previous: true,
        ..Origin::pod("a-0")
    };
    check_origin(&own, [None, Some("b-0"), None], ("m/b-0", None, true));
    check_origin(
        &own,
        [None, Some("a-0"), None],
        ("m/a-0", Some("thanos"), true),
    );
    check_origin(
        &own,
        [None, Some("a-0"), Some("c")],
        ("m/a-0", Some("c"), true),
    );
    check_origin(
        &own,
        [Some("n"), Some("a-0"), Some("c")],
        ("n/a-0", Some("c"), true),
    );
    let bare = Origin::pod("x");
    check_origin(&bare, [None, Some("b-0"), None], ("b-0", None, false));
    check_origin(
        &bare,
        [Some("n"), Some("b-0"), None],
        ("n/b-0", None, false),
    );
}

#[test]
fn issues_are_a_set() {
    let mut issues = Issues::default();
    assert!(issues.is_empty());
    for issue in [Issue::Truncated, Issue::OddKey, Issue::OddKey] {
        issues.add(issue);
    }
    assert!(!issues.is_empty());
    assert!(issues.has(Issue::OddKey) && !issues.has(Issue::BadEscape));
    let all: Vec<_> = issues.iter().collect();
    assert_eq!(all, [Issue::OddKey, Issue::Truncated]);
}
