//! Tests of `report`.

use proptest::prelude::*;
use serde_json::Value;
use unicode_width::UnicodeWidthStr;

use super::samples;
use crate::report::escape::{finite, is_hidden};
use crate::report::model::{Evidence, Gap, Report, Step, TimelineRow};
use crate::report::{Format, Style, render, schema};

const WIDTH_80: Style = Style {
    width: 80,
    color: false,
    verbose: 0,
};

#[test]
fn snapshots() {
    for (name, report) in samples::all() {
        for format in Format::ALL {
            if matches!(format, Format::Json | Format::Yaml) {
                continue;
            }
            let text = render(&report, format, WIDTH_80);
            insta::assert_snapshot!(format!("{name}.{}", format.name()), text);
        }
        let verbose = Style {
            verbose: 1,
            ..WIDTH_80
        };
        let text = render(&report, Format::Text, verbose);
        insta::assert_snapshot!(format!("{name}.verbose"), text);
    }
}

#[test]
fn json_keeps_the_schema_and_reads_back() {
    let validator = jsonschema::validator_for(&schema()).unwrap();
    insta::assert_json_snapshot!("schema", schema());
    for (name, report) in samples::all() {
        let text = render(&report, Format::Json, WIDTH_80);
        let value: Value = serde_json::from_str(&text).unwrap();
        let problems: Vec<String> = validator
            .iter_errors(&value)
            .map(|e| e.to_string())
            .collect();
        assert!(problems.is_empty(), "{name}: {problems:?}");
        assert_eq!(value, as_value(&report), "{name}");
        let yaml = render(&report, Format::Yaml, WIDTH_80);
        let value: Value = serde_saphyr::from_str(&yaml).unwrap();
        assert_eq!(value, as_value(&report), "{name}");
    }
}

#[test]
fn the_first_screen_is_one_screen() {
    let mut all: Vec<(&str, Report)> = samples::all().into();
    all.extend(samples::all().map(|(name, report)| (name, crowded(report))));
    for (name, report) in all {
        let text = render(&report, Format::Text, WIDTH_80);
        let lines = text.lines().count();
        assert!(lines <= 40, "{name}: {lines} lines\n{text}");
    }
}

#[test]
fn any_width_works_and_only_what_is_copied_overflows() {
    for (name, report) in samples::all() {
        for width in (0..=130).chain([200, 400]) {
            let style = Style { width, ..WIDTH_80 };
            let room = width.clamp(40, 100);
            for line in render(&report, Format::Text, style).lines() {
                // Commands, and words too long for the room, stay whole to be copied.
                let long = line.split(' ').any(|word| word.width() > 18 && width < 80);
                let whole = long || line.contains("kubectl");
                assert!(whole || line.width() <= room, "{name} at {width}: {line:?}");
            }
        }
    }
}

#[test]
fn colour_says_nothing_of_its_own() {
    for (name, report) in samples::all() {
        for verbose in [0, 1] {
            let style = Style {
                verbose,
                ..WIDTH_80
            };
            let plain = render(&report, Format::Text, style);
            let color = render(
                &report,
                Format::Text,
                Style {
                    color: true,
                    ..style
                },
            );
            assert!(color.contains("\x1b["));
            assert_eq!(without_colour(&color), plain, "{name}");
        }
    }
}

#[test]
fn commands_are_never_broken() {
    let report = samples::oom();
    let command = "kubectl -n monitoring set resources statefulset/thanos-receive --containers=thanos-receive --limits=memory=NEW";
    for format in [Format::Text, Format::Markdown, Format::Html] {
        for width in [40, 80] {
            let style = Style { width, ..WIDTH_80 };
            let text = render(&report, format, style);
            assert!(text.lines().any(|l| l.contains(command)), "{format:?}");
        }
    }
}

#[test]
fn an_empty_report_is_rendered_by_all() {
    for format in Format::ALL {
        for verbose in [0, 1] {
            let style = Style {
                verbose,
                ..WIDTH_80
            };
            let text = render(&Report::default(), format, style);
            assert!(text.ends_with('\n'), "{format:?}");
            assert!(text.trim().len() > 20, "{format:?}");
        }
    }
}

#[test]
fn numbers_without_a_value_are_rendered_by_all() {
    let mut report = samples::oom();
    let incident = &mut report.incidents[0];
    incident.unknown_probability = f64::NAN;
    incident.hypotheses[0].probability = f64::INFINITY;
    incident.hypotheses[0].pro[0].nats = f64::NAN;
    incident.timeline.rows[0].marks[0].at = f64::NEG_INFINITY;
    incident.timeline.rows[1].marks[0].at = 1e300;
    for format in Format::ALL {
        assert!(render(&report, format, WIDTH_80).contains("thanos-receive-1"));
    }
}

#[test]
fn hostile_text_stays_text() {
    let hostile = [
        "\x1b[2J\x1b]0;owned\x07\u{9b}31m\r\u{202e}\u{200b}\u{0}",
        "</pre></title><script>alert(1)</script><!-- ' \" &amp; {{ 7*7 }}",
        "```\n# heading\n``` <!channel> *bold* | @here #1 ]]> <![CDATA[",
        "line\nline\n\n\tline   ",
        "",
        "…✖·▸ — ünïcödé 世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界世界",
    ];
    for (_, report) in samples::all() {
        for text in hostile {
            check_hostile(&poisoned(&report, text));
        }
    }
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn any_text_stays_text(
        text in prop_oneof![any::<String>(), "[ \\t\\n#:'\"|>a\\\\,?~-]{0,12}"],
         which in 0_usize..4,
        width in 0_usize..200) {
        let (_, report) = samples::all().into_iter().nth(which).unwrap();
        let report = poisoned(&report, &text);
        check_hostile(&report);
        let _ = render(&report, Format::Text, Style { width, color: true, verbose: 1 });
    }
}

fn check_hostile(report: &Report) {
    for verbose in [0, 1] {
        let style = Style {
            verbose,
            ..WIDTH_80
        };
        assert_no_controls(&render(report, Format::Text, style));
    }
    for format in Format::ALL {
        // A tab is harmless where the library keeps it: in a block of YAML.
        assert_no_controls(&render(report, format, WIDTH_80).replace('\t', " "));
    }
    let html = render(report, Format::Html, WIDTH_80);
    assert!(!html.contains("<script") && !html.contains("<!--"));
    assert_eq!(html.matches("</html>").count(), 1);
    let value: Value = serde_json::from_str(&render(report, Format::Json, WIDTH_80)).unwrap();
    assert!(value == as_value(report), "JSON reads back differently");
    let yaml = render(report, Format::Yaml, WIDTH_80);
    let value: Value = serde_saphyr::from_str(&yaml).unwrap();
    assert!(value == as_value(report), "YAML reads back differently");
    check_slack(&render(report, Format::Slack, WIDTH_80));
}

/// Slack's own limits, as its reference gives them.
fn check_slack(text: &str) {
    let message: Value = serde_json::from_str(text).unwrap();
    let blocks = message["blocks"].as_array().unwrap();
    assert!((1..=50).contains(&blocks.len()));
    for block in blocks {
        let (text, most) = match block["type"].as_str().unwrap() {
            "header" => (&block["text"]["text"], 150),
            "section" => (&block["text"]["text"], 3000),
            "context" => (&block["elements"][0]["text"], 3000),
            other => panic!("unexpected block {other}"),
        };
        let text = text.as_str().unwrap();
        assert!((1..=most).contains(&text.chars().count()), "{text:?}");
        if block["type"] != "header" {
            assert!(!text.contains(['<', '>']), "{text:?}");
            assert!(text.matches("```").count().is_multiple_of(2), "{text:?}");
        }
    }
}

fn assert_no_controls(text: &str) {
    let hidden = text.chars().find(|c| is_hidden(*c) || *c == '\t');
    assert_eq!(hidden, None);
}

fn as_value(report: &Report) -> Value {
    serde_json::to_value(finite(report)).unwrap()
}

/// The report with `text` appended to every string but those the renderers decide by.
fn poisoned(report: &Report, text: &str) -> Report {
    fn walk(value: &mut Value, key: &str, text: &str) {
        match value {
            Value::String(old) if !["verdict", "role", "kind", "severity"].contains(&key) => {
                old.push_str(text);
            }
            Value::Array(items) => items.iter_mut().for_each(|item| walk(item, key, text)),
            Value::Object(fields) => fields.iter_mut().for_each(|(k, v)| walk(v, k, text)),
            _ => {}
        }
    }
    let mut value = serde_json::to_value(report).unwrap();
    walk(&mut value, "", text);
    serde_json::from_value(value).unwrap()
}

/// The same report of a large ring on a bad day: many rows, reasons, steps, gaps and incidents.
fn crowded(mut report: Report) -> Report {
    let prose = "a long sentence that says the same thing over and over ".repeat(5);
    for i in 0..30 {
        report.coverage.gaps.push(Gap {
            what: format!("metrics of thanos-receive-{i}"),
            why: format!("reason {i}: {prose}"),
        });
    }
    if let Some(first) = report.incidents.first().cloned() {
        report.incidents.extend(std::iter::repeat_n(first, 9));
    }
    for incident in &mut report.incidents {
        incident.impact = Some(prose.clone());
        incident.timeline.rows.extend((0..50).map(|i| TimelineRow {
            pod: format!("monitoring/thanos-receive-with-a-long-name-{i}"),
            at_fault: i % 2 == 0,
            note: prose.clone(),
            ..TimelineRow::default()
        }));
        for hypothesis in &mut incident.hypotheses {
            hypothesis.pro.extend((0..20).map(|i| Evidence {
                symptom: format!("symptom-{i}"),
                title: prose.clone(),
                nats: 1.0,
                ..Evidence::default()
            }));
            hypothesis.contra.clone_from(&hypothesis.pro);
            hypothesis.chain = vec![prose.clone(); 5];
            let step = Step {
                what: prose.clone(),
                run: Some("kubectl get pods".to_owned()),
                risk: Some("destructive".to_owned()),
            };
            hypothesis.remediation.mitigate = vec![step.clone(); 8];
            hypothesis.remediation.confirm = vec![step.clone(); 8];
            hypothesis.remediation.fix = vec![step; 8];
            hypothesis.remediation.verify.clone_from(&prose);
        }
        incident.next_checks = vec![incident.next_checks.clone(); 4].concat();
        incident.unexplained = vec![incident.unexplained.clone(); 9].concat();
    }
    report
}

fn without_colour(text: &str) -> String {
    let mut out = String::new();
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        out.push_str(before);
        rest = after.split_once('m').unwrap().1;
    }
    out + rest
}
