//! Everything the report carries: `-v`.

use super::page::{Line, Page, Paint, Tag};
use super::{EVERYTHING, healthy, incident};
use crate::report::choice;
use crate::report::model::{Hypothesis, Incident};
use crate::report::phrase;
use crate::report::view::View;

/// The whole report.
pub(super) fn page(view: &View, width: usize) -> Page {
    let mut page = Page::new(width, usize::MAX);
    super::header(&mut page, view);
    let others = view.others();
    let all: Vec<&Incident> = view.first().into_iter().chain(others).collect();
    if view.first().is_none() {
        healthy::add(&mut page, view, &EVERYTHING);
        page.blank();
    }
    for (i, one) in all.iter().enumerate() {
        if all.len() > 1 {
            rule(&mut page, &format!("incident {} of {}", i + 1, all.len()));
        }
        one_incident(&mut page, view, one);
        page.blank();
    }
    if view.first().is_some() {
        rule(&mut page, "what was looked at");
        incident::gaps(&mut page, view, &EVERYTHING);
        page.blank();
        super::status::add(&mut page, view, usize::MAX);
        page.blank();
    }
    others_of_the_ring(&mut page, view);
    versions(&mut page, view);
    sources(&mut page, view);
    novel(&mut page, view);
    page
}

fn one_incident(page: &mut Page, view: &View, one: &Incident) {
    incident::add(page, view, one, &EVERYTHING);
    page.blank();
    let remaining = choice::remaining(one);
    let leading = choice::leading(one).map(std::ptr::from_ref);
    for hypothesis in &one.hypotheses {
        let is_leading = Some(std::ptr::from_ref(hypothesis)) == leading;
        if remaining.is_some() || !is_leading {
            page.blank();
            let word = match &remaining {
                Some(causes) if causes.iter().any(|c| std::ptr::eq(*c, hypothesis)) => {
                    format!("ONE OF {}", causes.len())
                }
                _ => phrase::standing(hypothesis).to_uppercase(),
            };
            hypothesis_head(page, view, hypothesis, &word);
            incident::how(page, hypothesis);
            incident::why(page, view, hypothesis, &EVERYTHING);
            incident::remedy(page, hypothesis, "If so", &EVERYTHING);
        }
        seen(page, view, hypothesis);
    }
    if remaining.is_none() && !one.next_checks.is_empty() {
        page.blank();
        incident::checks(page, &one.next_checks, usize::MAX);
    }
    page.blank();
    page.label("Numbers");
    let mut parts = vec![
        format!("incident {}", one.id),
        format!("unknown cause {}", phrase::percent(one.unknown_probability)),
    ];
    if !one.severity.is_empty() {
        parts.push(format!("severity {}", one.severity));
    }
    parts.push(if one.exact { "exact" } else { "approximate" }.to_owned());
    page.dotted(&parts, Paint::Dim);
}

fn hypothesis_head(page: &mut Page, view: &View, hypothesis: &Hypothesis, word: &str) {
    let mut parts = vec![
        hypothesis.title.clone(),
        view.subjects(&hypothesis.subjects),
        hypothesis.cause.clone(),
    ];
    if hypothesis.role != "benign" {
        parts.extend(phrase::role(&hypothesis.role).map(str::to_owned));
    }
    parts.extend(phrase::heals(&hypothesis.heals_itself).map(str::to_owned));
    parts.retain(|part| !part.is_empty());
    let lead = format!("{word} ");
    page.heading(
        Tag(&lead, Paint::Bold),
        &parts.join(" · "),
        Tag(&phrase::percent(hypothesis.probability), Paint::Bold),
    );
}

/// The symptoms a hypothesis explains, with their first lines as they were read.
fn seen(page: &mut Page, view: &View, hypothesis: &Hypothesis) {
    page.label("Explains");
    for symptom in &hypothesis.explains {
        let text = format!(
            "{} · {}\u{a0}×{} · {}",
            choice::titled(&symptom.title, &symptom.symptom),
            view.subject(&symptom.subject),
            phrase::count(symptom.count),
            symptom.symptom,
        );
        let need = format!("due to it {}", phrase::percent(symptom.necessity));
        page.entry(Tag("= ", Paint::Plain), &text, Tag(&need, Paint::Dim));
        for sample in &symptom.samples {
            page.quote(sample, 4);
        }
    }
    page.label("");
}

/// Members that are not receivers.
fn others_of_the_ring(page: &mut Page, view: &View) {
    page.label("Others");
    for member in view.report.members.iter().filter(|m| m.role != "receiver") {
        let mut parts = vec![member.role.clone()];
        parts.extend(view.facts(member));
        let lead = format!("{}  ", phrase::pod(&member.pod, view.namespace));
        let text = super::page::joined(&parts);
        page.entry(Tag(&lead, Paint::Plain), &text, Tag::default());
    }
    page.label("");
}

fn versions(page: &mut Page, view: &View) {
    page.label("Versions");
    for pod in &view.report.scope.thanos {
        let text = format!(
            "{} {} (known by: {})",
            phrase::pod(&pod.pod, view.namespace),
            pod.version,
            pod.basis
        );
        page.entry(Tag::default(), &text, Tag::default());
    }
    page.label("");
}

fn sources(page: &mut Page, view: &View) {
    page.label("Read");
    for source in &view.report.coverage.sources {
        let parts = view.source(source);
        let text = super::page::joined(&parts);
        page.entry(Tag::default(), &text, Tag::default());
    }
    page.label("");
}

fn novel(page: &mut Page, view: &View) {
    if view.report.novel.is_empty() {
        return;
    }
    page.blank();
    rule(page, "lines without a signature");
    for novel in &view.report.novel {
        let lead = format!("×{} ", phrase::count(novel.count));
        let pods: Vec<String> = novel
            .pods
            .iter()
            .map(|pod| phrase::pod(pod, view.namespace).to_owned())
            .collect();
        let mut parts = vec![phrase::names(&pods)];
        parts.extend(novel.first.as_deref().map(|first| {
            format!(
                "first {}",
                phrase::time(first, view.report.scope.from.as_deref())
            )
        }));
        parts.retain(|part| !part.is_empty());
        page.label(&lead);
        page.entry(Tag::default(), &novel.template, Tag::default());
        page.dotted(&parts, Paint::Dim);
    }
}

fn rule(page: &mut Page, title: &str) {
    let mut line = Line::default();
    line.push(&format!("── {title} "), Paint::Bold);
    let rest = page.width().saturating_sub(line.width());
    line.push(&"─".repeat(rest), Paint::Dim);
    page.line(line);
}
