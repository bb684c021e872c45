//! JUnit XML: one test case per item, so that a pipeline shows them one by one. Unknown is skipped.

use quick_junit::{NonSuccessKind, Report, TestCase, TestCaseStatus, TestSuite};

use super::model::{Checklist, Item, Status};
use super::text::clean;

/// One suite with one case per item.
#[must_use]
pub fn junit(list: &Checklist) -> String {
    let mut suite = TestSuite::new(format!("rdiag check {}", list.cadence.as_str()));
    for (key, value) in [
        ("receivers", list.receivers.join(" ")),
        ("versions", list.versions.join(" ")),
    ] {
        suite.add_property((key, clean(&value).as_str()));
    }
    for gap in &list.gaps {
        suite.add_property((
            "not seen",
            clean(&format!("{}: {}", gap.what, gap.why)).as_str(),
        ));
    }
    for item in &list.items {
        suite.add_test_case(case(item));
    }
    let mut report = Report::new("rdiag");
    report.add_test_suite(suite);
    let mut text = report.to_string().unwrap_or_default();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn case(item: &Item) -> TestCase {
    let why = clean(item.why.as_deref().unwrap_or_default());
    let status = match item.status {
        Status::Pass | Status::Warn => TestCaseStatus::success(),
        Status::Unknown => {
            let mut skipped = TestCaseStatus::skipped();
            skipped.set_message(format!("unknown: {why}"));
            skipped
        }
        Status::Fail => {
            let mut failed = TestCaseStatus::non_success(NonSuccessKind::Failure);
            failed.set_message(why.clone());
            failed.set_type(item.id.clone());
            failed.set_description(facts(item));
            failed
        }
    };
    let mut case = TestCase::new(item.id.clone(), status);
    case.set_classname(format!("rdiag.check.{}", item.section));
    if matches!(item.status, Status::Pass | Status::Warn) {
        let warn = if item.status == Status::Warn {
            format!("warn: {why}\n")
        } else {
            String::new()
        };
        case.set_system_out(format!("{warn}{}", facts(item)));
    }
    case
}

fn facts(item: &Item) -> String {
    let parts = [
        ("found", &item.figure),
        ("target", &item.target),
        ("source", &item.source),
        ("next", &item.next),
    ];
    let mut lines: Vec<String> = parts
        .iter()
        .filter_map(|(k, v)| Some(format!("{k}: {}", clean(v.as_deref()?))))
        .collect();
    lines.extend(item.details.iter().map(|d| {
        format!(
            "{} {}: {}",
            d.status.as_str(),
            clean(&d.subject),
            clean(&d.figure)
        )
    }));
    lines.join("\n")
}
