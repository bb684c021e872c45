//! Tests of `metrics`.

#![allow(clippy::unwrap_used)]

use proptest::prelude::*;

use super::*;

fn pod(name: &str) -> Origin {
    Origin {
        namespace: Some("mon".into()),
        pod: name.into(),
        ..Origin::default()
    }
}

type Parts = (String, Vec<(String, String)>, f64, Option<i64>);

fn parsed(line: &str) -> Option<Parts> {
    match parse_line(line) {
        Line::Sample(s) => {
            let labels = s.labels.iter();
            let labels = labels.map(|(k, v)| (k.to_string(), v.to_string()));
            Some((s.name.to_string(), labels.collect(), s.value, s.time_ms))
        }
        _ => None,
    }
}

fn understood(line: &str, name: &str, labels: &[(&str, &str)], value: f64, time: Option<i64>) {
    let (n, l, v, t) = parsed(line).unwrap_or_else(|| panic!("not understood: {line}"));
    let l: Vec<(&str, &str)> = l.iter().map(|(k, v)| (k.as_str(), v.as_str())).collect();
    assert_eq!(
        (n.as_str(), l.as_slice(), t),
        (name, labels, time),
        "{line}"
    );
    assert!(v == value || v.is_nan() && value.is_nan(), "{line}: {v}");
}

#[test]
fn names_and_labels() {
    let xy = [("x", "1"), ("y", "2")];
    for (line, name, labels) in [
        ("up 1", "up", &[][..]),
        ("  up\t1  ", "up", &[]),
        ("up{} 1", "up", &[]),
        ("a:b_c{x=\"1\"} 1", "a:b_c", &xy[..1]),
        ("a{x=\"1\",y=\"2\",} 1", "a", &xy),
        ("a{ x = \"1\" , y=\"2\" } 1", "a", &xy),
        (
            r#"a{x="q\"b\\s\nl}, # {"} 1"#,
            "a",
            &[("x", "q\"b\\s\nl}, # {")],
        ),
        ("{\"my.metric\",x=\"1\"} 1", "my.metric", &xy[..1]),
        (
            "{\"my.metric\",\"l.x\"=\"1\"} 1",
            "my.metric",
            &[("l.x", "1")],
        ),
        (
            "a{x=\"1\"} 1 # {trace_id=\"x\"} 0.67 1795404242.1",
            "a",
            &xy[..1],
        ),
    ] {
        understood(line, name, labels, 1.0, None);
    }
}

#[test]
fn values_and_times() {
    for (line, value, time) in [
        ("a 1.5e-3", 0.0015, None),
        ("a NaN", f64::NAN, None),
        ("a +Inf", f64::INFINITY, None),
        ("a -Inf", f64::NEG_INFINITY, None),
        ("a 3 1795404242000", 3.0, Some(1_795_404_242_000)),
        ("a 3 1795404242.5", 3.0, Some(1_795_404_242_500)),
        ("a 3 1795404242", 3.0, Some(1_795_404_242_000)),
    ] {
        understood(line, "a", &[], value, time);
    }
}

#[test]
fn odd_lines() {
    for line in [
        "up",
        "up{",
        "up{x=\"1\"",
        "up{x=1} 2",
        "up{x=\"1\"y=\"2\"} 1",
        "up one",
        "up 1 2 3",
        "{x=\"1\"} 2",
        "1up 2",
        "up{x=\"1} 2",
        "up infinity",
        "<html>",
        "up 0x10",
        "up{=\"1\"} 1",
    ] {
        assert_eq!(parse_line(line), Line::Odd, "{line}");
    }
    for line in ["", "  ", "# HELP up x", "#", "# UNIT a b", "# TYPE up"] {
        assert_eq!(parse_line(line), Line::Nothing, "{line}");
    }
    assert_eq!(parse_line("# TYPE up gauge"), Line::Type("up", "gauge"));
    assert_eq!(parse_line("# EOF"), Line::Eof);
}

#[test]
fn long_lines_are_skipped_whole() {
    let long = format!(
        "a{{x=\"{}\"}} 1\nb 2\n",
        "y".repeat(crate::limits::METRIC_LINE_BYTES)
    );
    let mut names = Vec::new();
    let stats = read(long.as_bytes(), &|_| true, &mut |line| {
        if let Line::Sample(s) = line {
            names.push(s.name.to_string());
        }
    })
    .unwrap();
    assert_eq!(names, ["b"]);
    assert_eq!((stats.samples, stats.unparsed), (1, 1));
    assert_eq!(stats.bytes, long.len() as u64);
}

/// Records of one pod's scrapes at the times given.
fn scraped(scrapes: &[(i64, &str)]) -> Collected {
    let mut all = Collector::new(&|name| !name.starts_with("go_"));
    for (unix, text) in scrapes {
        all.scrape(&pod("r-0"), Some(*unix), text.as_bytes())
            .unwrap();
    }
    all.finish()
}

fn one<'a>(all: &'a Collected, metric: &str) -> &'a SeriesRecord {
    let mut found = all
        .records
        .iter()
        .filter(|r| r.get("metric") == Some(metric));
    let only = found.next().unwrap_or_else(|| panic!("no {metric}"));
    assert!(found.next().is_none(), "several {metric}");
    only
}

fn check(record: &SeriesRecord, expected: &[(&str, Option<&str>)]) {
    for (key, value) in expected {
        assert_eq!(record.get(key), *value, "{key} of {:?}", record.fields);
    }
}

const LIVES_ON: &str = "process_start_time_seconds 50\n";

#[test]
fn growth_between_scrapes() {
    let first = format!("{LIVES_ON}a_total{{x=\"1\"}} 10\ng 5\ngone_total 1\ngo_x 1\n");
    let last = format!("{LIVES_ON}a_total{{x=\"1\"}} 40\ng 2\nborn_total 6\n");
    let all = scraped(&[(100, &first), (160, &last)]);
    check(
        one(&all, "a_total"),
        &[
            ("x", Some("1")),
            ("value", Some("40")),
            ("first", Some("10")),
            ("delta", Some("30")),
            ("rate", Some("0.5")),
            ("scrapes", Some("2")),
            ("reset", None),
            ("process_restarted", None),
        ],
    );
    assert_eq!(one(&all, "a_total").time, Some(Time(160_000_000_000)));
    assert_eq!(one(&all, "a_total").origin, pod("r-0"));
    check(one(&all, "g"), &[("delta", Some("-3")), ("reset", None)]);
    check(
        one(&all, "born_total"),
        &[
            ("born", Some("true")),
            ("delta", Some("6")),
            ("rate", Some("0.1")),
        ],
    );
    check(
        one(&all, "gone_total"),
        &[
            ("stale", Some("true")),
            ("delta", None),
            ("scrapes", Some("1")),
        ],
    );
    assert!(all.records.iter().all(|r| r.get("metric") != Some("go_x")));
    assert!(all.restarted.is_empty());
}

#[test]
fn one_scrape_has_no_growth() {
    let all = scraped(&[(100, "a_total 10\n")]);
    check(
        one(&all, "a_total"),
        &[
            ("value", Some("10")),
            ("delta", None),
            ("rate", None),
            ("born", None),
        ],
    );
}

#[test]
fn resets_and_restarts() {
    let all = scraped(&[(100, "a_total 10\n"), (160, "a_total 4\n")]);
    check(
        one(&all, "a_total"),
        &[("delta", None), ("reset", Some("true"))],
    );
    let first = "process_start_time_seconds 50\na_total 10\ng 5\n";
    let last = "process_start_time_seconds 120\na_total 40\ng 7\nnew_total 3\n";
    let all = scraped(&[(160, last), (100, first)]);
    check(
        one(&all, "a_total"),
        &[
            ("value", Some("40")),
            ("delta", None),
            ("reset", Some("true")),
            ("process_restarted", Some("true")),
        ],
    );
    check(one(&all, "g"), &[("delta", Some("2")), ("reset", None)]);
    check(one(&all, "new_total"), &[("born", None), ("delta", None)]);
    assert_eq!(all.restarted, [pod("r-0")]);
}

#[test]
fn types_decide_what_counts() {
    let text = |v: u32| {
        format!(
            "# TYPE odd counter\nodd {v}\n# TYPE q_total gauge\nq_total {v}\n# TYPE om counter\nom_total {v}\n"
        )
    };
    let all = scraped(&[(100, &text(9)), (160, &text(3))]);
    check(one(&all, "odd"), &[("reset", Some("true"))]);
    check(one(&all, "q_total"), &[("delta", Some("-6"))]);
    check(one(&all, "om_total"), &[("reset", Some("true"))]);
}

#[test]
fn scrapes_without_a_time_stay_apart() {
    let mut all = Collector::new(&|_| true);
    for text in ["a_total 1\n", "a_total 5\n"] {
        all.scrape(&pod("r-0"), None, text.as_bytes()).unwrap();
    }
    let all = all.finish();
    check(
        one(&all, "a_total"),
        &[("delta", Some("4")), ("rate", None), ("scrapes", Some("2"))],
    );
    assert_eq!(one(&all, "a_total").time, None);
}

#[test]
fn histograms_by_their_base_name() {
    let text = |a: u32, b: u32, c: u32| {
        format!(
            "# TYPE h histogram\nh_bucket{{x=\"1\",le=\"1\"}} {a}\nh_bucket{{x=\"1\",le=\"2\"}} {b}\nh_bucket{{x=\"1\",le=\"+Inf\"}} {c}\nh_count{{x=\"1\"}} {c}\n"
        )
    };
    let mut all = Collector::new(&|name| name == "h");
    for (unix, text) in [(100, text(10, 10, 10)), (160, text(10, 20, 20))] {
        all.scrape(&pod("r-0"), Some(unix), text.as_bytes())
            .unwrap();
    }
    let all = all.finish();
    assert_eq!(all.records.len(), 1);
    check(
        one(&all, "h"),
        &[
            ("x", Some("1")),
            ("p50", Some("1.5")),
            ("p99", Some("1.99")),
            ("count_delta", Some("10")),
        ],
    );
}

#[test]
fn quantiles_of_histograms() {
    let inf = f64::INFINITY;
    let check = |q: f64, before: &[(f64, f64)], after: &[(f64, f64)], expected: Option<f64>| {
        assert_eq!(
            histogram_quantile(q, before, after),
            expected,
            "{q} {before:?} {after:?}"
        );
    };
    let after = [(1.0, 10.0), (2.0, 30.0), (inf, 40.0)];
    check(0.25, &[], &after, Some(1.0));
    check(0.5, &[], &after, Some(1.5));
    check(0.99, &[], &after, Some(2.0));
    check(
        0.5,
        &[(1.0, 10.0), (2.0, 10.0), (inf, 10.0)],
        &after,
        Some(1.75),
    );
    check(0.5, &after, &after, None);
    check(0.5, &[(1.0, 99.0)], &after, None);
    check(0.5, &[], &[(1.0, 5.0)], None);
    check(1.5, &[], &after, None);
    check(0.5, &[], &[], None);
    check(0.5, &[], &[(-1.0, 5.0), (inf, 5.0)], Some(-1.0));
}

#[test]
fn other_names_are_kept_beside_the_usual_one() {
    let wanted =
        |name: &str| name == "http_requests_total" || name == "prometheus_tsdb_head_series";
    let mut all = Collector::new(&wanted);
    let text = "thanos_receive_head_series 5\nthanos_receive_write_requests_total{code=\"200\"} 7\nother 1\n";
    all.scrape(&pod("r-0"), Some(1), text.as_bytes()).unwrap();
    let all = all.finish();
    assert_eq!(all.records.len(), 2);
    let names = |r: &SeriesRecord| -> Vec<String> {
        let metrics = r.fields.iter().filter(|(k, _)| k == "metric");
        metrics.map(|(_, v)| v.clone()).collect()
    };
    assert_eq!(
        names(&all.records[0]),
        ["thanos_receive_head_series", "prometheus_tsdb_head_series"]
    );
    check(
        &all.records[1],
        &[("handler", Some("receive")), ("code", Some("200"))],
    );
}

#[test]
fn aliases_are_well_formed() {
    assert_eq!(
        aliases().len(),
        include_str!("aliases.tsv").lines().count() - 1
    );
    for row in aliases() {
        assert!(
            canonical(row.canonical).is_none(),
            "{} is itself an alias",
            row.canonical
        );
        assert!(!row.why.is_empty());
    }
    for runbook in [
        "thanos_receive_head_series",
        "thanos_receive_write_requests_total",
        "thanos_receive_write_timeseries_total",
        "thanos_receive_replication_requests_total",
        "thanos_shipper_upload_duration_seconds_bucket",
        "thanos_compact_group_compactions_total",
    ] {
        assert!(canonical(runbook).is_some(), "{runbook}");
    }
}

#[test]
fn kubelets_speak_of_others() {
    let text = "kubelet_volume_stats_used_bytes{namespace=\"mon\",persistentvolumeclaim=\"data-r-0\"} 5\n\
                container_memory_working_set_bytes{namespace=\"mon\",pod=\"r-1\",container=\"c\"} 6\nup 1\n";
    let resolve = |whose: Whose<'_>| match whose {
        Whose::Claim {
            name: "data-r-0", ..
        } => Some(pod("by-claim")),
        _ => None,
    };
    let mut all = Collector::new(&|_| true).with_resolver(&resolve);
    all.scrape(&pod("node-a"), Some(1), text.as_bytes())
        .unwrap();
    let all = all.finish();
    assert_eq!(
        one(&all, "kubelet_volume_stats_used_bytes").origin,
        pod("by-claim")
    );
    assert_eq!(
        one(&all, "container_memory_working_set_bytes").origin,
        pod("r-1")
    );
    assert_eq!(one(&all, "up").origin, pod("node-a"));
}

#[test]
fn answers_of_every_kind() {
    let json = r#"[
      {"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"__name__":"up","namespace":"mon","pod":"r-0"},"value":[100,"1"]},
        {"metric":{"__name__":"kubelet_volume_stats_used_bytes","namespace":"mon","persistentvolumeclaim":"data-r-1"},"value":[100.5,"7"]}]}},
      {"query":"sum(rate(x[5m]))","data":{"resultType":"matrix","result":[
        {"metric":{},"values":[[100,"1"],[160,"4"],[220,"NaN"]]}]}},
      {"query":"one","data":{"resultType":"scalar","result":[100,"+Inf"]}},
      {"query":"two","data":{"resultType":"vector","result":[{"metric":{"instance":"10.0.0.1:10902"},"value":[1,"2"]}]}},
      {"status":"error","error":"x"}]"#;
    let resolve =
        |whose: Whose<'_>| (whose == Whose::Instance("10.0.0.1:10902")).then(|| pod("r-9"));
    let mut all = Collector::new(&|_| true).with_resolver(&resolve);
    assert_eq!(all.answers(json.as_bytes()), Some(5));
    assert_eq!(all.answers(b"not json"), None);
    let again = r#"{"status":"success","data":{"resultType":"vector","result":[
        {"metric":{"__name__":"up","namespace":"mon","pod":"r-0"},"value":[160,"0"]}]}}"#;
    all.answers(again.as_bytes());
    let all = all.finish();
    assert_eq!(one(&all, "up").origin, pod("r-0"));
    check(
        one(&all, "up"),
        &[("value", Some("0")), ("delta", Some("-1"))],
    );
    assert_eq!(
        one(&all, "kubelet_volume_stats_used_bytes").origin,
        pod("r-1")
    );
    check(
        one(&all, "sum(rate(x[5m]))"),
        &[("value", Some("NaN")), ("scrapes", Some("3"))],
    );
    check(one(&all, "one"), &[("value", Some("+Inf"))]);
    assert_eq!(one(&all, "two").origin, pod("r-9"));
}

#[test]
fn an_answer_keyed_by_its_query() {
    let json = r#"{"up == 0":{"status":"success","data":{"resultType":"vector","result":[{"metric":{},"value":[1,"2"]}]}}}"#;
    let mut all = Collector::new(&|_| true);
    all.answers(json.as_bytes());
    check(one(&all.finish(), "up == 0"), &[("value", Some("2"))]);
}

fn escaped(value: &str) -> String {
    value
        .replace('\\', "\\\\")
        .replace('"', "\\\"")
        .replace('\n', "\\n")
}

proptest! {
    #[test]
    fn what_is_printed_is_read_back(
        name in "[a-zA-Z_:][a-zA-Z0-9_:]{0,20}",
        labels in prop::collection::vec(("[a-zA-Z_][a-zA-Z0-9_]{0,8}", "[^\r]{0,12}"), 0..5),
        value: f64,
        time in prop::option::of(200_000_000_000_i64..4_000_000_000_000),
    ) {
        let inner: Vec<String> = labels.iter().map(|(k, v)| format!("{k}=\"{}\"", escaped(v))).collect();
        let stamp = time.map_or(String::new(), |t| format!(" {t}"));
        let line = format!("{name}{{{}}} {value}{stamp}", inner.join(","));
        let (n, l, v, t) = parsed(&line).unwrap();
        prop_assert_eq!(n, name);
        prop_assert_eq!(l, labels);
        prop_assert!(v == value || v.is_nan() && value.is_nan());
        prop_assert_eq!(t, time);
    }

    #[test]
    fn no_text_panics(bytes: Vec<u8>) {
        let mut all = Collector::new(&|_| true);
        all.scrape(&pod("r-0"), Some(1), bytes.as_slice()).unwrap();
        all.answers(&bytes);
        let _ = all.finish();
    }

    #[test]
    fn no_line_panics(line in "[a-z{}\",= \\\\#0-9.\n]{0,40}") {
        let _ = parse_line(&line);
    }

    #[test]
    fn the_order_of_scrapes_does_not_matter(values in prop::collection::vec(0_u32..5, 1..6)) {
        let texts: Vec<(i64, String)> = values.iter().enumerate()
            .map(|(i, v)| (i64::try_from(i).unwrap() * 60, format!("process_start_time_seconds 5\na_total {v}\n")))
            .collect();
        let run = |turned: bool| {
            let mut texts: Vec<(i64, &str)> = texts.iter().map(|(t, s)| (*t, s.as_str())).collect();
            if turned { texts.reverse(); }
            scraped(&texts).records
        };
        prop_assert_eq!(run(false), run(true));
    }
}
