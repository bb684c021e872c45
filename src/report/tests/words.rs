//! Tests of `report`.

use crate::report::model::{Mark, Timeline, TimelineRow};
use crate::report::phrase::*;
use crate::report::strip::Axis;

#[test]
fn strengths() {
    let cases = [
        (16.1, Strength::Decisive),
        (-7.0, Strength::Decisive),
        (6.8, Strength::Strong),
        (3.0, Strength::Strong),
        (-1.5, Strength::Moderate),
        (0.7, Strength::Weak),
        (f64::NAN, Strength::Weak),
    ];
    for (nats, expected) in cases {
        assert_eq!(strength(nats), expected, "{nats}");
    }
}

#[test]
fn numbers() {
    let percents = [
        (0.0, "<1 %"),
        (0.004, "<1 %"),
        (0.5, "50 %"),
        (0.987, "99 %"),
        (0.999, ">99 %"),
        (1.0, ">99 %"),
    ];
    for (p, expected) in percents {
        assert_eq!(percent(p), expected);
    }
    for (n, expected) in [
        (0, "0"),
        (999, "999"),
        (1000, "1,000"),
        (1_234_567, "1,234,567"),
    ] {
        assert_eq!(count(n), expected);
    }
    for (n, expected) in [
        (999, "999 B"),
        (1000, "1.0 kB"),
        (9_960, "10 kB"),
        (999_600, "1.0 MB"),
        (4_512_000, "4.5 MB"),
        (u64::MAX, "18446744.1 TB"),
    ] {
        assert_eq!(bytes(n), expected);
    }
}

#[test]
fn times() {
    let cases = [
        (
            Some("2026-03-04T01:40:52Z"),
            Some("2026-03-04T01:43:10.5Z"),
            "2026-03-04 01:40:52 – 01:43:10 UTC (2m18s)",
        ),
        (
            Some("2026-03-04T23:59:00Z"),
            Some("2026-03-05T03:04:00Z"),
            "2026-03-04 23:59:00 – 2026-03-05 03:04:00 UTC (3h05m)",
        ),
        (
            Some("2026-03-04T01:40:52Z"),
            None,
            "2026-03-04 01:40:52 UTC",
        ),
        (Some("odd"), Some("odder"), "odd – odder UTC"),
    ];
    for (from, until, expected) in cases {
        assert_eq!(window(from, until).unwrap(), expected);
    }
    assert_eq!(window(None, None), None);
    for (secs, expected) in [(-1, "0s"), (59, "59s"), (3600, "1h00m"), (356_400, "4d3h")] {
        assert_eq!(duration(secs), expected);
    }
}

#[test]
fn lists() {
    let texts = |list: &[&str]| list.iter().map(|t| (*t).to_owned()).collect::<Vec<_>>();
    let cases: [(&[&str], &str); 5] = [
        (&[], ""),
        (&["a", "b", "c"], "a, b, c"),
        (&["a", "b", "c", "d"], "a, b and 2 more"),
        (&["metrics of a", "metrics of b"], "metrics of a, b"),
        (&["metrics of a", "logs of b"], "metrics of a, logs of b"),
    ];
    for (input, expected) in cases {
        assert_eq!(list(&texts(input)), expected);
    }
}

#[test]
fn axes_have_few_round_ticks_whatever_the_span() {
    for exponent in 0..40 {
        let span = 1.7_f64.powi(exponent);
        let mark = |at| Mark {
            at,
            ..Mark::default()
        };
        let timeline = Timeline {
            rows: vec![TimelineRow {
                marks: vec![mark(1.0e9), mark(1.0e9 + span)],
                ..TimelineRow::default()
            }],
            ..Timeline::default()
        };
        let axis = Axis::of(&timeline).unwrap();
        let ticks = axis.ticks(5);
        assert!(ticks.len() <= 6, "{span}: {ticks:?}");
        assert!(ticks.is_sorted_by(|a, b| a.0 < b.0), "{span}: {ticks:?}");
    }
    assert!(Axis::of(&Timeline::default()).is_none());
}
