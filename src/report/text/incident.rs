//! One incident on the first screen: verdict, timeline, impact, why, what to do.

use super::page::{Page, Paint, Tag};
use super::{Room, timeline};
use crate::report::choice;
use crate::report::model::{Hypothesis, Incident, NextCheck, Step};
use crate::report::phrase;
use crate::report::view::{Reason, View};

/// Adds everything the screen says about `incident` itself.
pub(super) fn add(page: &mut Page, view: &View, incident: &Incident, room: &Room) {
    let remaining = choice::remaining(incident);
    verdict(page, view, incident, remaining.as_deref());
    page.blank();
    match remaining {
        Some(remaining) => {
            checks(page, &incident.next_checks, room.mitigate.min(2));
            either(page, view, incident, &remaining);
            page.blank();
            timeline::add(page, view, &incident.timeline, room.rows);
            page.blank();
            impact(page, incident);
            reasons(page, "Seen", "+ ", &view.shared(&remaining), room.pro);
            do_not(page, &remaining);
        }
        None => {
            timeline::add(page, view, &incident.timeline, room.rows);
            page.blank();
            impact(page, incident);
            if let Some(top) = choice::leading(incident) {
                if room.chain {
                    how(page, top);
                }
                why(page, view, top, room);
                remedy(page, top, "Do now", room);
            }
        }
    }
    left_over(page, view, incident, room);
}

/// Adds what stands beside the first incident: lesser causes, other incidents, news, gaps.
pub(super) fn surroundings(page: &mut Page, view: &View, incident: &Incident, room: &Room) {
    novelty(page, view);
    gaps(page, view, room);
    page.blank();
    lesser(page, view, incident, room.lesser);
    let others = view.others();
    for other in others.iter().take(room.others) {
        one_line(page, view, "Besides", other);
    }
    let rest = others.len().saturating_sub(room.others);
    if rest > 0 {
        let text = format!("and {} (-v)", phrase::plural(rest as u64, "more incident"));
        page.styled(Tag::default(), &text, Paint::Dim, Tag::default());
    }
    let shown = choice::remaining(incident)
        .or_else(|| choice::leading(incident).map(|h| vec![h]))
        .unwrap_or_default();
    more(page, &shown, view);
}

/// The verdict line and what belongs directly to it.
pub(super) fn verdict(
    page: &mut Page,
    view: &View,
    incident: &Incident,
    remaining: Option<&[&Hypothesis]>,
) {
    let word = phrase::verdict(&incident.verdict);
    let paint = match incident.verdict.as_str() {
        "confirmed" | "likely" => Paint::Alarm,
        "benign" => Paint::Green,
        _ => Paint::Yellow,
    };
    let lead = format!("{word} ");
    let top = choice::leading(incident);
    let undecided = incident.verdict == "cannot_tell" || top.is_none();
    let (title, tail) = match top {
        Some(top) if !undecided => (top.title.clone(), phrase::percent(top.probability)),
        _ => (
            choice::undecided_title(incident, remaining.unwrap_or_default()),
            String::new(),
        ),
    };
    page.heading(Tag(&lead, paint), &title, Tag(&tail, Paint::Bold));
    let about = if undecided { None } else { top };
    let mut status = view.status(incident, about);
    if incident.verdict == "possible" && top.is_some_and(|t| t.probability >= 0.7) {
        // The band is held at `possible`; the number beside it would contradict it.
        status.push("the number is how common it is, not what was seen".to_owned());
    }
    if !status.is_empty() {
        page.dotted(&status, Paint::Plain);
    }
}

/// The checks that separate what remains, most telling first.
pub(super) fn checks(page: &mut Page, checks: &[NextCheck], most: usize) {
    page.label("Check");
    for (i, check) in checks.iter().take(most.max(1)).enumerate() {
        page.entry(
            Tag(&format!("{} ", i + 1), Paint::Bold),
            &check.what,
            Tag::default(),
        );
        if let Some(run) = &check.run {
            page.command(run, 4);
        }
        for (answer, meaning) in [("  yes: ", &check.if_yes), ("  no:  ", &check.if_no)] {
            if !meaning.is_empty() {
                page.entry(Tag(answer, Paint::Dim), meaning, Tag::default());
            }
        }
    }
    page.label("");
}

/// The causes that remain, each with its best reason and its first remedy.
fn either(page: &mut Page, view: &View, incident: &Incident, remaining: &[&Hypothesis]) {
    let shared = view.shared(remaining);
    let about_the_same = !choice::common_subjects(remaining).is_empty();
    for (i, hypothesis) in remaining.iter().enumerate() {
        page.label(if i == 0 { "Either" } else { "or" });
        let subjects = match about_the_same {
            true => String::new(),
            false => view.subjects(&hypothesis.subjects),
        };
        let text = joined(&[hypothesis.title.clone(), subjects]);
        let lead = format!("{:>5}  ", phrase::percent(hypothesis.probability));
        page.entry(Tag(&lead, Paint::Bold), &text, Tag::default());
        let pro = view.reasons(hypothesis, &hypothesis.pro);
        let contra = view.reasons(hypothesis, &hypothesis.contra);
        let own = pro.iter().find(|r| !shared.iter().any(|s| s.same(r)));
        for (sign, reason) in [("+ ", own), ("- ", contra.first())] {
            if let Some(reason) = reason {
                let lead = format!("{:7}{sign}", "");
                page.entry(
                    Tag(&lead, Paint::Dim),
                    &reason.text,
                    Tag(reason.strength.word(), Paint::Dim),
                );
            }
        }
        if let Some(step) = hypothesis.remediation.mitigate.first() {
            let risk = step.risk.as_deref().unwrap_or_default();
            page.entry(
                Tag("       if so: ", Paint::Dim),
                &step.what,
                Tag(risk, risk_paint(risk)),
            );
        }
    }
    if choice::unknown_matters(incident) && !remaining.is_empty() {
        page.label("or");
        let lead = format!("{:>5}  ", phrase::percent(incident.unknown_probability));
        page.entry(
            Tag(&lead, Paint::Bold),
            "a cause that rdiag does not know",
            Tag::default(),
        );
    }
}

fn impact(page: &mut Page, incident: &Incident) {
    page.label("Impact");
    match &incident.impact {
        Some(impact) => page.entry(Tag::default(), impact, Tag::default()),
        None => page.styled(
            Tag::default(),
            "not known from this data",
            Paint::Dim,
            Tag::default(),
        ),
    }
}

/// From the cause to the impact.
pub(super) fn how(page: &mut Page, hypothesis: &Hypothesis) {
    if hypothesis.chain.len() > 1 {
        page.label("How");
        page.entry(
            Tag::default(),
            &hypothesis.chain.join(" → "),
            Tag::default(),
        );
    }
}

/// Evidence for and against.
pub(super) fn why(page: &mut Page, view: &View, hypothesis: &Hypothesis, room: &Room) {
    let pro = view.reasons(hypothesis, &hypothesis.pro);
    let contra = view.reasons(hypothesis, &hypothesis.contra);
    reasons(page, "Why", "+ ", &pro, room.pro);
    reasons(page, "Against", "- ", &contra, room.contra);
    if pro.is_empty() {
        return;
    }
    if !hypothesis.poorly_explained.is_empty() {
        page.label("But");
        for text in &hypothesis.poorly_explained {
            let text = format!("explains poorly: {text}");
            page.entry(Tag::default(), &text, Tag::default());
        }
    }
}

fn reasons(page: &mut Page, label: &str, sign: &str, reasons: &[Reason], most: usize) {
    page.label(label);
    for reason in reasons.iter().take(most) {
        page.entry(
            Tag(sign, Paint::Plain),
            &reason.text,
            Tag(reason.strength.word(), Paint::Dim),
        );
    }
    let rest = reasons.len().saturating_sub(most);
    if rest > 0 {
        let text = format!("and {rest} more (-v)");
        page.styled(Tag("  ", Paint::Plain), &text, Paint::Dim, Tag::default());
    }
    page.label("");
}

/// What to do, what not to do, and what comes after.
pub(super) fn remedy(page: &mut Page, top: &Hypothesis, label: &str, room: &Room) {
    let remedy = &top.remediation;
    let sure = top.band == "confirmed";
    let most = room.mitigate;
    if !sure && !remedy.confirm.is_empty() {
        page.label("Check");
        steps(page, &remedy.confirm, most.min(2));
    }
    page.blank();
    page.label(label);
    let now = if remedy.mitigate.is_empty() {
        &remedy.fix
    } else {
        &remedy.mitigate
    };
    steps(page, now, most);
    do_not(page, &[top]);
    page.label("Then");
    if sure {
        then(page, "confirm  ", remedy.confirm.iter().take(most.min(2)));
    }
    if !remedy.mitigate.is_empty() {
        then(page, "fix      ", remedy.fix.iter().take(most));
    }
    if !remedy.verify.is_empty() {
        page.entry(Tag("verify   ", Paint::Dim), &remedy.verify, Tag::default());
    }
    page.label("");
}

fn steps(page: &mut Page, steps: &[Step], most: usize) {
    for (i, step) in steps.iter().take(most).enumerate() {
        let lead = format!("{} ", i + 1);
        let risk = step.risk.as_deref().unwrap_or_default();
        page.entry(
            Tag(&lead, Paint::Bold),
            &step.what,
            Tag(risk, risk_paint(risk)),
        );
        if let Some(run) = &step.run {
            page.command(run, 4);
        }
    }
    let rest = steps.len().saturating_sub(most);
    if rest > 0 {
        let text = format!("and {} (-v)", phrase::plural(rest as u64, "more step"));
        page.styled(Tag("  ", Paint::Plain), &text, Paint::Dim, Tag::default());
    }
}

fn then<'a>(page: &mut Page, lead: &str, steps: impl Iterator<Item = &'a Step>) {
    for step in steps {
        let risk = step.risk.as_deref().unwrap_or_default();
        page.entry(
            Tag(lead, Paint::Dim),
            &step.what,
            Tag(risk, risk_paint(risk)),
        );
        if let Some(run) = &step.run {
            page.command(run, lead.len() + 2);
        }
    }
}

/// What must not be done whichever of the causes it is. Never shortened: it is there to prevent loss.
fn do_not(page: &mut Page, causes: &[&Hypothesis]) {
    let mut said: Vec<&str> = Vec::new();
    page.label("Do not");
    for avoid in causes.iter().flat_map(|h| &h.remediation.avoid) {
        if !said.contains(&avoid.as_str()) {
            said.push(avoid);
            page.whole(|page| page.styled(Tag::default(), avoid, Paint::Red, Tag::default()));
        }
    }
    page.label("");
}

/// Symptoms that nothing explains.
pub(super) fn left_over(page: &mut Page, view: &View, incident: &Incident, room: &Room) {
    let all = view.left_over(incident);
    let Some(first) = all.first() else { return };
    page.label("Left over");
    if room.is_endless() {
        for text in &all {
            page.entry(Tag("? ", Paint::Plain), text, Tag::default());
        }
        return;
    }
    let text = match all.len() {
        1 => format!("no cause here explains: {first}"),
        n => format!("no cause here explains {n} symptoms, first: {first}"),
    };
    page.entry(Tag::default(), &text, Tag::default());
}

/// Kinds of lines that no signature takes.
pub(super) fn novelty(page: &mut Page, view: &View) {
    if let Some(text) = view.novelty() {
        page.label("New");
        page.entry(Tag::default(), &text, Tag::default());
    }
}

/// What could not be seen.
pub(super) fn gaps(page: &mut Page, view: &View, room: &Room) {
    let gaps = view.gaps();
    page.label("Not seen");
    for (what, why) in gaps.iter().take(room.gaps) {
        let text = if why.is_empty() {
            what.clone()
        } else {
            format!("{what}: {why}")
        };
        page.entry(Tag::default(), &text, Tag::default());
    }
    let rest = gaps.len().saturating_sub(room.gaps);
    if rest > 0 {
        let text = format!("and {} (-v)", phrase::plural(rest as u64, "more gap"));
        page.styled(Tag::default(), &text, Paint::Dim, Tag::default());
    }
    page.label("");
}

fn lesser(page: &mut Page, view: &View, incident: &Incident, most: usize) {
    page.label("Also");
    for hypothesis in choice::lesser(incident).into_iter().take(most) {
        let parts = [
            hypothesis.title.clone(),
            view.subjects(&hypothesis.subjects),
        ];
        let lead = format!("{}: ", phrase::standing(hypothesis));
        page.entry(
            Tag(&lead, Paint::Plain),
            &joined(&parts),
            Tag(&phrase::percent(hypothesis.probability), Paint::Plain),
        );
    }
    page.label("");
}

/// Another incident in one line.
pub(super) fn one_line(page: &mut Page, view: &View, label: &str, incident: &Incident) {
    page.label(label);
    let lead = if label.eq_ignore_ascii_case(&incident.verdict) {
        String::new()
    } else {
        format!("{}  ", phrase::verdict(&incident.verdict))
    };
    let tail = choice::leading(incident)
        .filter(|_| incident.verdict != "cannot_tell")
        .map(|h| phrase::percent(h.probability))
        .unwrap_or_default();
    page.entry(
        Tag(&lead, Paint::Bold),
        &view.one_line(incident),
        Tag(&tail, Paint::Plain),
    );
}

/// Where to read on.
pub(super) fn more(page: &mut Page, causes: &[&Hypothesis], view: &View) {
    let mut parts: Vec<String> = causes
        .first()
        .map(|h| format!("rdiag explain {}", h.cause))
        .into_iter()
        .collect();
    parts.push(match view.first() {
        Some(_) => "-v for all evidence".to_owned(),
        None => "-v for all that was read".to_owned(),
    });
    parts.push("-o html".to_owned());
    page.label("More");
    page.dotted(&parts, Paint::Dim);
}

/// Danger in capitals, so that it does not hang on colour.
fn risk_paint(risk: &str) -> Paint {
    match risk {
        "destructive" => Paint::Alarm,
        "disruptive" => Paint::Yellow,
        _ => Paint::Dim,
    }
}

fn joined(parts: &[String]) -> String {
    let parts: Vec<&str> = parts
        .iter()
        .map(String::as_str)
        .filter(|p| !p.is_empty())
        .collect();
    parts.join(" · ")
}
