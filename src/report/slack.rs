//! A Slack message: what is wrong, three reasons, what to do first. Within the limits of Block Kit.

use serde_json::{Value, json};

use super::choice;
use super::escape::{slack, slack_code};
use super::model::{Hypothesis, Incident, Report};
use super::phrase;
use super::view::{Reason, View};

/// Limits of Block Kit: blocks in a message, and characters in a section, a header and a context.
const BLOCKS: usize = 50;
const SECTION: usize = 3000;
const HEADER: usize = 150;
/// Reasons shown; the rest is in the report.
const REASONS: usize = 3;
/// Longest command shown; a longer one is in the report.
const COMMAND: usize = 1500;
/// Other incidents listed.
const OTHERS: usize = 5;

pub(super) fn render(report: &Report) -> String {
    let view = View::new(report);
    let mut blocks = Vec::new();
    let title = match view.first() {
        Some(first) => {
            let title = headline(&view, first);
            blocks.push(header(&slack(&title)));
            incident(&mut blocks, &view, first);
            title
        }
        None => {
            let (word, verdict) = report.calm();
            let title = format!("{word}: {verdict}");
            blocks.push(header(&slack(&title)));
            blocks.push(section(&slack(&view.looked_at().join(" · "))));
            title
        }
    };
    let others: Vec<String> = view
        .others()
        .into_iter()
        .take(OTHERS)
        .map(|other| {
            let word = phrase::verdict(&other.verdict);
            format!("• {word}  {}", slack(&view.one_line(other)))
        })
        .collect();
    if !others.is_empty() {
        blocks.push(section(&format!("*Besides*\n{}", others.join("\n"))));
    }
    let gaps: Vec<String> = view
        .gaps()
        .into_iter()
        .take(3)
        .map(|(what, why)| slack(&format!("{what}: {why}")))
        .collect();
    if !gaps.is_empty() {
        blocks.push(context(&format!("Not seen: {}", gaps.join(" · "))));
    }
    blocks.push(context(&slack(&view.header().join(" · "))));
    blocks.truncate(BLOCKS);
    let message = json!({ "text": cut(&slack(&title), SECTION), "blocks": blocks });
    let mut text = serde_json::to_string_pretty(&message).unwrap_or_default();
    text.push('\n');
    text
}

/// `CONFIRMED (97 %): title · subject`.
fn headline(view: &View, incident: &Incident) -> String {
    let word = phrase::verdict(&incident.verdict);
    match choice::leading(incident) {
        Some(top) if incident.verdict != "cannot_tell" => {
            let subjects = view.subjects(&top.subjects);
            let at = if subjects.is_empty() { "" } else { " · " };
            let percent = phrase::percent(top.probability);
            format!("{word} ({percent}): {}{at}{subjects}", top.title)
        }
        _ => {
            let remaining = choice::remaining(incident).unwrap_or_default();
            format!("{word}: {}", choice::undecided_title(incident, &remaining))
        }
    }
}

fn incident(blocks: &mut Vec<Value>, view: &View, incident: &Incident) {
    let remaining = choice::remaining(incident);
    let mut facts = view.status(
        incident,
        choice::leading(incident).filter(|_| incident.verdict != "cannot_tell"),
    );
    facts.extend(incident.impact.clone());
    if !facts.is_empty() {
        blocks.push(section(&slack(&facts.join(" · "))));
    }
    match remaining {
        Some(remaining) => choice(blocks, view, incident, &remaining),
        None => {
            if let Some(top) = choice::leading(incident) {
                decided(blocks, view, top);
            }
        }
    }
}

/// The check that separates, then what remains.
fn choice(blocks: &mut Vec<Value>, view: &View, incident: &Incident, remaining: &[&Hypothesis]) {
    if let Some(check) = incident.next_checks.first() {
        let mut text = format!("*Check first*\n{}", slack(&check.what));
        if let Some(run) = &check.run {
            text.push_str(&code(run));
        }
        text.push_str(&format!(
            "\nyes: {}\nno: {}",
            slack(&check.if_yes),
            slack(&check.if_no)
        ));
        blocks.push(section(&text));
    }
    reasons(blocks, "Seen", view.shared(remaining));
    let mut lines: Vec<String> = remaining
        .iter()
        .map(|h| {
            let percent = slack(&phrase::percent(h.probability));
            let title = slack(&h.title);
            format!(
                "• {percent}  {title} · {}",
                slack(&view.subjects(&h.subjects))
            )
        })
        .collect();
    if choice::unknown_matters(incident) {
        let percent = slack(&phrase::percent(incident.unknown_probability));
        lines.push(format!("• {percent}  a cause that rdiag does not know"));
    }
    if !lines.is_empty() {
        blocks.push(section(&format!("*What remains*\n{}", lines.join("\n"))));
    }
}

fn reasons(blocks: &mut Vec<Value>, title: &str, reasons: Vec<Reason>) {
    let lines: Vec<String> = reasons
        .into_iter()
        .take(REASONS)
        .map(|r| format!("• {} ({})", slack(&r.text), r.strength.word()))
        .collect();
    if !lines.is_empty() {
        blocks.push(section(&format!("*{title}*\n{}", lines.join("\n"))));
    }
}

fn decided(blocks: &mut Vec<Value>, view: &View, top: &Hypothesis) {
    reasons(blocks, "Why", view.reasons(top, &top.pro));
    let remedy = &top.remediation;
    if let Some(step) = remedy.mitigate.first().or_else(|| remedy.fix.first()) {
        let risk = step.risk.as_ref().map(|risk| format!(" ({})", slack(risk)));
        let mut text = format!(
            "*Do now*\n{}{}",
            slack(&step.what),
            risk.unwrap_or_default()
        );
        if let Some(run) = &step.run {
            text.push_str(&code(run));
        }
        blocks.push(section(&text));
    }
    if !remedy.avoid.is_empty() {
        let avoid: Vec<String> = remedy.avoid.iter().map(|a| slack(a)).collect();
        blocks.push(section(&format!("*Do not*\n{}", avoid.join("\n"))));
    }
    let explain = format!("`rdiag explain {}`", slack_code(&top.cause));
    blocks.push(context(&explain));
}

/// A block of code, or a pointer to the report when the command is too long to be cut safely.
fn code(command: &str) -> String {
    let command = slack_code(command);
    if command.chars().count() > COMMAND {
        return "\n(the command is too long for this message: see the report)".to_owned();
    }
    format!("\n```{command}```")
}

fn header(text: &str) -> Value {
    // Plain text: nothing is interpreted, so nothing is escaped.
    json!({ "type": "header", "text": { "type": "plain_text", "text": cut(text, HEADER), "emoji": false } })
}

fn section(text: &str) -> Value {
    json!({ "type": "section", "text": { "type": "mrkdwn", "text": cut(text, SECTION), "verbatim": true } })
}

fn context(text: &str) -> Value {
    json!({ "type": "context", "elements": [{ "type": "mrkdwn", "text": cut(text, SECTION), "verbatim": true }] })
}

/// At most `most` characters, never half an `&amp;`.
fn cut(text: &str, most: usize) -> String {
    if text.chars().count() <= most {
        return text.to_owned();
    }
    let mut kept: String = text.chars().take(most - 1).collect();
    if let Some(amp) = kept.rfind('&')
        && !kept[amp..].contains(';')
    {
        kept.truncate(amp);
    }
    kept.push('…');
    kept
}
