//! JUnit XML: one suite, one test case per incident, so that a pipeline fails on an incident.

use quick_junit::{NonSuccessKind, Report as Junit, TestCase, TestCaseStatus, TestSuite};

use super::choice;
use super::model::{Incident, Report};
use super::phrase;
use super::view::View;

pub(super) fn render(report: &Report) -> String {
    let view = View::new(report);
    let mut suite = TestSuite::new("rdiag");
    suite.add_property(("scope", view.header().join(" · ").as_str()));
    for (what, why) in view.gaps() {
        suite.add_property(("not seen", format!("{what}: {why}").as_str()));
    }
    for incident in &report.incidents {
        suite.add_test_case(case(&view, incident));
    }
    if let Some(gap) = report.unrecognised() {
        let mut status = TestCaseStatus::non_success(NonSuccessKind::Error);
        status.set_message(format!("{}: {}", gap.what, gap.why));
        let mut case = TestCase::new("nothing recognised", status);
        case.set_classname("rdiag");
        suite.add_test_case(case);
    } else if report.incidents.is_empty() {
        let mut case = TestCase::new("no incident", TestCaseStatus::success());
        case.set_classname("rdiag");
        case.set_system_out(view.looked_at().join("\n"));
        suite.add_test_case(case);
    }
    let mut junit = Junit::new("rdiag");
    junit.add_test_suite(suite);
    let mut text = junit.to_string().unwrap_or_default();
    if !text.ends_with('\n') {
        text.push('\n');
    }
    text
}

fn case(view: &View, incident: &Incident) -> TestCase {
    let top = choice::leading(incident);
    // Without times, so that a pipeline knows the case again tomorrow.
    let name = view.name(incident);
    let mut status = if incident.verdict == "benign" {
        TestCaseStatus::success()
    } else {
        TestCaseStatus::non_success(NonSuccessKind::Failure)
    };
    if incident.verdict != "benign" {
        let odds = top.map(|h| format!(" ({})", phrase::percent(h.probability)));
        status.set_message(format!(
            "{}{}: {}",
            phrase::verdict(&incident.verdict),
            odds.filter(|_| incident.verdict != "cannot_tell")
                .unwrap_or_default(),
            view.one_line(incident)
        ));
        status.set_type(top.map_or("unknown", |h| h.cause.as_str()));
        status.set_description(description(view, incident));
    }
    let mut case = TestCase::new(name, status);
    case.set_classname(format!("rdiag.{}", incident.verdict));
    case
}

/// What a person who reads only the failed case needs.
fn description(view: &View, incident: &Incident) -> String {
    let mut lines = Vec::new();
    lines.extend(
        incident
            .impact
            .iter()
            .map(|impact| format!("Impact: {impact}")),
    );
    for check in &incident.next_checks {
        lines.push(format!("Check: {}", check.what));
        lines.extend(check.run.iter().map(|run| format!("    {run}")));
    }
    for hypothesis in incident
        .hypotheses
        .iter()
        .filter(|h| h.role != "benign")
        .take(3)
    {
        lines.push(format!(
            "{} {} · {}",
            phrase::percent(hypothesis.probability),
            hypothesis.title,
            view.subjects(&hypothesis.subjects)
        ));
        for (sign, evidence) in [('+', &hypothesis.pro), ('-', &hypothesis.contra)] {
            for reason in view.reasons(hypothesis, evidence) {
                lines.push(format!(
                    "  {sign} {} ({})",
                    reason.text,
                    reason.strength.word()
                ));
            }
        }
        let remedy = &hypothesis.remediation;
        for (word, steps) in [("do", &remedy.mitigate), ("fix", &remedy.fix)] {
            for step in steps {
                let risk = step.risk.as_ref().map(|risk| format!(" ({risk})"));
                let risk = risk.unwrap_or_default();
                lines.push(format!("  {word}: {}{risk}", step.what));
                lines.extend(step.run.iter().map(|run| format!("      {run}")));
            }
        }
        for avoid in &hypothesis.remediation.avoid {
            lines.push(format!("  do not: {avoid}"));
        }
    }
    lines.join("\n")
}
