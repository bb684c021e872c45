//! GitHub-flavoured Markdown, for a ticket: all incidents, foldable details.

use std::fmt::Write as _;

use super::choice;
use super::escape::{markdown as md, markdown_block, markdown_code as code};
use super::model::{Hypothesis, Incident, NextCheck, Report, Step};
use super::phrase;
use super::view::{Reason, View};

pub(super) fn render(report: &Report) -> String {
    let view = View::new(report);
    let mut out = String::new();
    match view.first() {
        Some(first) => {
            let _ = writeln!(out, "# {}\n", md(&headline(first)));
            let _ = writeln!(out, "{}\n", md(&view.header().join(" · ")));
            incident(&mut out, &view, first);
            for other in view.others() {
                let _ = writeln!(out, "## {}\n", md(&headline(other)));
                incident(&mut out, &view, other);
            }
        }
        None => healthy(&mut out, &view),
    }
    gaps(&mut out, &view);
    novel(&mut out, &view);
    while out.ends_with("\n\n") {
        out.pop();
    }
    out
}

fn headline(incident: &Incident) -> String {
    let word = phrase::verdict(&incident.verdict);
    match choice::leading(incident) {
        Some(top) if incident.verdict != "cannot_tell" => format!(
            "{word}: {} ({})",
            top.title,
            phrase::percent(top.probability)
        ),
        _ => {
            let remaining = choice::remaining(incident).unwrap_or_default();
            format!("{word}: {}", choice::undecided_title(incident, &remaining))
        }
    }
}

fn healthy(out: &mut String, view: &View) {
    let (word, verdict) = view.report.calm();
    let _ = writeln!(out, "# {word}: {verdict}\n");
    let _ = writeln!(out, "{}\n", md(&view.header().join(" · ")));
    for member in view.receivers() {
        let name = phrase::pod(&member.pod, view.namespace);
        let facts = md(&view.facts(member).join(" · "));
        let _ = writeln!(out, "- {} {facts}", code(name));
    }
    let looked = view.looked_at();
    if !looked.is_empty() {
        let _ = writeln!(out, "\n**Looked at** {}\n", md(&looked.join(" · ")));
    }
    for benign in view.others() {
        let _ = writeln!(out, "## {}\n", md(&headline(benign)));
        incident(out, view, benign);
    }
}

fn incident(out: &mut String, view: &View, incident: &Incident) {
    let remaining = choice::remaining(incident);
    let top = choice::leading(incident);
    let decided = top.filter(|_| incident.verdict != "cannot_tell");
    let status = view.status(incident, decided);
    if !status.is_empty() {
        let _ = writeln!(out, "{}\n", md(&status.join(" · ")));
    }
    if let Some(impact) = &incident.impact {
        let _ = writeln!(out, "**Impact** {}\n", md(impact));
    }
    match remaining {
        Some(remaining) => {
            checks(out, "Check first", &incident.next_checks);
            let _ = writeln!(out, "### What remains\n");
            for hypothesis in &remaining {
                hypothesis_line(out, view, hypothesis);
            }
            if choice::unknown_matters(incident) {
                let percent = phrase::percent(incident.unknown_probability);
                let _ = writeln!(out, "- **{percent}** a cause that rdiag does not know");
            }
            out.push('\n');
            for hypothesis in remaining {
                let _ = writeln!(out, "### If it is: {}\n", md(&hypothesis.title));
                reasons(out, view, hypothesis);
                remedy(out, hypothesis);
            }
        }
        None => {
            if let Some(top) = top {
                chain(out, top);
                reasons(out, view, top);
                remedy(out, top);
            }
            checks(out, "What would settle it", &incident.next_checks);
        }
    }
    lesser(out, view, incident);
    left_over(out, view, incident);
    evidence(out, view, incident);
}

fn hypothesis_line(out: &mut String, view: &View, hypothesis: &Hypothesis) {
    let percent = phrase::percent(hypothesis.probability);
    let _ = write!(out, "- **{percent}** {}", md(&hypothesis.title));
    let subjects = view.subjects(&hypothesis.subjects);
    if !subjects.is_empty() {
        let _ = write!(out, " · {}", code(&subjects));
    }
    let _ = writeln!(out, " ({})", code(&hypothesis.cause));
}

fn checks(out: &mut String, title: &str, checks: &[NextCheck]) {
    if checks.is_empty() {
        return;
    }
    let _ = writeln!(out, "### {title}\n");
    for (i, check) in checks.iter().enumerate() {
        let _ = writeln!(out, "{}. {}", i + 1, md(&check.what));
        command(out, check.run.as_deref());
        for (answer, meaning) in [("yes", &check.if_yes), ("no", &check.if_no)] {
            if !meaning.is_empty() {
                let _ = writeln!(out, "   - {answer}: {}", md(meaning));
            }
        }
    }
    end_block(out);
}

fn chain(out: &mut String, hypothesis: &Hypothesis) {
    if hypothesis.chain.len() > 1 {
        let steps: Vec<String> = hypothesis.chain.iter().map(|step| md(step)).collect();
        let _ = writeln!(out, "**How** {}\n", steps.join(" → "));
    }
}

fn reasons(out: &mut String, view: &View, hypothesis: &Hypothesis) {
    let list = |out: &mut String, title: &str, reasons: Vec<Reason>| {
        if reasons.is_empty() {
            return;
        }
        let _ = writeln!(out, "**{title}**\n");
        for reason in reasons {
            let _ = writeln!(out, "- {} *{}*", md(&reason.text), reason.strength.word());
        }
        out.push('\n');
    };
    list(out, "Why", view.reasons(hypothesis, &hypothesis.pro));
    list(out, "Against", view.reasons(hypothesis, &hypothesis.contra));
    for text in &hypothesis.poorly_explained {
        let _ = writeln!(out, "Explains poorly: {}\n", md(text));
    }
}

fn remedy(out: &mut String, hypothesis: &Hypothesis) {
    let remedy = &hypothesis.remediation;
    steps(out, "Do now", &remedy.mitigate);
    if !remedy.avoid.is_empty() {
        let _ = writeln!(out, "**Do not**\n");
        for avoid in &remedy.avoid {
            let _ = writeln!(out, "- {}", md(avoid));
        }
        end_block(out);
    }
    steps(out, "Confirm", &remedy.confirm);
    steps(out, "Fix", &remedy.fix);
    if !remedy.verify.is_empty() {
        let _ = writeln!(out, "**Verify** {}\n", md(&remedy.verify));
    }
}

fn steps(out: &mut String, title: &str, steps: &[Step]) {
    if steps.is_empty() {
        return;
    }
    let _ = writeln!(out, "**{title}**\n");
    for (i, step) in steps.iter().enumerate() {
        let risk = step.risk.as_ref().map(|risk| format!(" *{}*", md(risk)));
        let _ = writeln!(
            out,
            "{}. {}{}",
            i + 1,
            md(&step.what),
            risk.unwrap_or_default()
        );
        command(out, step.run.as_deref());
    }
    end_block(out);
}

/// One empty line after a list; a code block in it has left one already.
fn end_block(out: &mut String) {
    if !out.ends_with("\n\n") {
        out.push('\n');
    }
}

/// A command as a block inside a list item.
fn command(out: &mut String, run: Option<&str>) {
    if let Some(run) = run {
        let _ = write!(out, "\n{}\n", markdown_block(run, "sh", "   "));
    }
}

fn lesser(out: &mut String, view: &View, incident: &Incident) {
    let lesser = choice::lesser(incident);
    if lesser.is_empty() {
        return;
    }
    let _ = writeln!(out, "**Also**\n");
    for hypothesis in lesser {
        hypothesis_line(out, view, hypothesis);
    }
    end_block(out);
}

fn left_over(out: &mut String, view: &View, incident: &Incident) {
    let left = view.left_over(incident);
    if left.is_empty() {
        return;
    }
    let _ = writeln!(out, "**Left over: no cause here explains**\n");
    for text in left {
        let _ = writeln!(out, "- {}", md(&text));
    }
    end_block(out);
}

/// The lines themselves, folded away.
fn evidence(out: &mut String, view: &View, incident: &Incident) {
    if incident.hypotheses.iter().all(|h| h.explains.is_empty()) {
        return;
    }
    let _ = writeln!(out, "<details><summary>What was seen</summary>\n");
    for hypothesis in &incident.hypotheses {
        for symptom in &hypothesis.explains {
            let _ = writeln!(
                out,
                "- {} · {} ×{} ({})",
                md(&choice::titled(&symptom.title, &symptom.symptom)),
                code(&view.subject(&symptom.subject)),
                phrase::count(symptom.count),
                code(&symptom.symptom)
            );
            if !symptom.samples.is_empty() {
                let lines = symptom.samples.join("\n");
                let _ = write!(out, "\n{}\n", markdown_block(&lines, "text", "  "));
            }
        }
    }
    end_block(out);
    let _ = writeln!(out, "</details>\n");
}

fn gaps(out: &mut String, view: &View) {
    let gaps = view.gaps();
    if gaps.is_empty() {
        return;
    }
    let _ = writeln!(out, "## Not seen\n");
    for (what, why) in gaps {
        let _ = writeln!(out, "- {}: {}", md(&what), md(&why));
    }
    end_block(out);
}

fn novel(out: &mut String, view: &View) {
    if view.report.novel.is_empty() {
        return;
    }
    let _ = writeln!(out, "## Lines without a signature\n");
    for novel in &view.report.novel {
        let count = phrase::count(novel.count);
        let _ = writeln!(out, "- ×{count} {}", code(&novel.template));
    }
}
