//! One self-contained page: no scripts, nothing fetched, light and dark, readable on a phone.
//!
//! The template only arranges; what it says is chosen here, in `view` and in `choice`. askama escapes.

use askama::Template;

use super::choice;
use super::model::{Hypothesis, Incident, NextCheck, Novel, Report, Step, TimelineRow};
use super::phrase;
use super::strip::{self, Axis, Cell, Rank};
use super::view::{Reason, View};

/// Most rows of one picture; those at fault and the worst come first.
const ROWS: usize = 60;
/// Marks nearer than this share of the width are drawn as one, the worst of them.
const PLACES: usize = 240;
/// Ticks below a picture: as many as a phone has room for.
const TICKS: usize = 4;

/// Filters of the template. What the attribute makes of them is `pub`.
#[allow(unreachable_pub)]
mod filters {
    use std::fmt::Display;

    use askama::filters::Safe;

    use crate::report::escape;

    /// Words of the pack, where `code` stands in backticks.
    #[askama::filter_fn]
    pub(super) fn prose(
        text: impl Display,
        _: &dyn askama::Values,
    ) -> askama::Result<Safe<String>> {
        Ok(Safe(escape::html_prose(&text.to_string())))
    }
}

#[derive(Template)]
#[template(path = "report.html", config = "src/report/templates/askama.toml")]
struct Page<'a> {
    title: String,
    /// No incident to act on: class, word and what stands in place of a headline.
    calm: Option<(&'static str, &'static str, &'static str)>,
    header: Vec<String>,
    incidents: Vec<IncidentPart<'a>>,
    members: Vec<MemberPart>,
    looked_at: Vec<String>,
    gaps: Vec<(String, String)>,
    sources: Vec<Vec<String>>,
    novel: &'a [Novel],
}

struct IncidentPart<'a> {
    incident: &'a Incident,
    number: usize,
    word: String,
    headline: String,
    percent: String,
    status: Vec<String>,
    picture: Option<Picture>,
    checks: &'a [NextCheck],
    /// The choice that is left, or nothing when the first hypothesis stands.
    undecided: bool,
    causes: Vec<CausePart<'a>>,
    lesser: Vec<CausePart<'a>>,
    unknown: String,
    unknown_matters: bool,
    left_over: Vec<String>,
}

struct CausePart<'a> {
    hypothesis: &'a Hypothesis,
    percent: String,
    standing: String,
    subjects: String,
    pro: Vec<Reason>,
    contra: Vec<Reason>,
    remedies: Vec<RemedyPart<'a>>,
    explains: Vec<(String, String)>,
}

struct RemedyPart<'a> {
    title: &'static str,
    steps: &'a [Step],
    /// What not to do stands right after what to do.
    then_avoid: bool,
}

struct MemberPart {
    name: String,
    role: String,
    facts: String,
}

struct Picture {
    ticks: Vec<Tick>,
    rows: Vec<RowPart>,
    left_out: usize,
    legend: Vec<Rank>,
}

struct Tick {
    x: String,
    label: String,
    anchor: &'static str,
}

struct RowPart {
    name: String,
    at_fault: bool,
    note: String,
    described: String,
    heard: Vec<(String, String)>,
    marks: Vec<MarkPart>,
}

struct MarkPart {
    x: String,
    rank: Rank,
    title: String,
}

pub(super) fn render(report: &Report) -> String {
    let view = View::new(report);
    let all: Vec<&Incident> = view.first().into_iter().chain(view.others()).collect();
    let incidents: Vec<IncidentPart> = all
        .iter()
        .enumerate()
        .map(|(i, incident)| incident_part(&view, incident, i + 1))
        .collect();
    let class = match report.healthy {
        true => "healthy",
        false => "cannot_tell",
    };
    let (word, verdict) = report.calm();
    let title = match incidents.first() {
        Some(first) if view.first().is_some() => format!("{}: {}", first.word, first.headline),
        _ => format!("{word}: {verdict}"),
    };
    let page = Page {
        title,
        calm: (view.first().is_none()).then_some((class, word, verdict)),
        header: view.header(),
        incidents,
        members: members(&view),
        looked_at: view.looked_at(),
        gaps: view.gaps(),
        sources: report
            .coverage
            .sources
            .iter()
            .map(|source| view.source(source))
            .collect(),
        novel: &report.novel,
    };
    // Writing into a string fails only if a `Display` does, and none here can.
    let mut text = page.render().unwrap_or_default();
    text.push('\n');
    text
}

/// The style sheet of the page and of [`fragment`].
pub const STYLE: &str = include_str!("templates/report.css");

/// What the page of `report` says, without the page around it: for pages that say more.
#[must_use]
pub fn fragment(report: &Report) -> String {
    let page = render(&super::shown(report));
    // Text is escaped, so these tags stand only where the template has them.
    let inner = page
        .split_once("<main>")
        .and_then(|(_, rest)| rest.rsplit_once("</main>"));
    inner.map_or_else(String::new, |(inner, _)| inner.to_owned())
}

fn incident_part<'a>(view: &View, incident: &'a Incident, number: usize) -> IncidentPart<'a> {
    let remaining = choice::remaining(incident);
    let top = choice::leading(incident);
    let named = top.filter(|_| incident.verdict != "cannot_tell");
    let causes = match &remaining {
        Some(remaining) => remaining.clone(),
        None => top.into_iter().collect(),
    };
    let now = match remaining {
        Some(_) => "If it is this",
        None => "Do now",
    };
    IncidentPart {
        incident,
        number,
        word: phrase::verdict(&incident.verdict),
        headline: named.map_or_else(
            || choice::undecided_title(incident, remaining.as_deref().unwrap_or_default()),
            |top| top.title.clone(),
        ),
        percent: named
            .map(|top| phrase::percent(top.probability))
            .unwrap_or_default(),
        status: view.status(incident, named),
        picture: picture(view, incident),
        checks: &incident.next_checks,
        undecided: remaining.is_some(),
        causes: causes
            .into_iter()
            .map(|h| cause_part(view, h, now))
            .collect(),
        lesser: choice::lesser(incident)
            .into_iter()
            .map(|h| cause_part(view, h, "If it is this"))
            .collect(),
        unknown: phrase::percent(incident.unknown_probability),
        unknown_matters: choice::unknown_matters(incident),
        left_over: view.left_over(incident),
    }
}

fn cause_part<'a>(view: &View, hypothesis: &'a Hypothesis, now: &'static str) -> CausePart<'a> {
    let remedy = &hypothesis.remediation;
    let mut remedies: Vec<RemedyPart> = vec![
        RemedyPart::new(now, &remedy.mitigate),
        RemedyPart::new("Confirm", &remedy.confirm),
        RemedyPart::new("Fix", &remedy.fix),
    ];
    if hypothesis.band != "confirmed" {
        remedies.swap(0, 1);
    }
    remedies.retain(|part| !part.steps.is_empty());
    if let Some(part) = remedies.iter_mut().find(|part| part.title != "Confirm") {
        part.then_avoid = true;
    }
    CausePart {
        hypothesis,
        percent: phrase::percent(hypothesis.probability),
        standing: phrase::standing(hypothesis).to_owned(),
        subjects: view.subjects(&hypothesis.subjects),
        pro: view.reasons(hypothesis, &hypothesis.pro),
        contra: view.reasons(hypothesis, &hypothesis.contra),
        remedies,
        explains: hypothesis
            .explains
            .iter()
            .map(|symptom| {
                let text = format!(
                    "{} · {}\u{a0}×{} · {}",
                    choice::titled(&symptom.title, &symptom.symptom),
                    view.subject(&symptom.subject),
                    phrase::count(symptom.count),
                    symptom.symptom
                );
                (text, symptom.samples.join("\n"))
            })
            .collect(),
    }
}

impl<'a> RemedyPart<'a> {
    fn new(title: &'static str, steps: &'a [Step]) -> Self {
        Self {
            title,
            steps,
            then_avoid: false,
        }
    }
}

impl CausePart<'_> {
    /// Whether what not to do has no step to stand behind.
    fn avoid_alone(&self) -> bool {
        !self.remedies.iter().any(|part| part.then_avoid)
    }
}

fn members(view: &View) -> Vec<MemberPart> {
    view.report
        .members
        .iter()
        .map(|member| MemberPart {
            name: phrase::pod(&member.pod, view.namespace).to_owned(),
            role: member.role.clone(),
            facts: view.facts(member).join(" · "),
        })
        .collect()
}

fn picture(view: &View, incident: &Incident) -> Option<Picture> {
    let axis = Axis::of(&incident.timeline)?;
    let (rows, left_out) = strip::choose(&incident.timeline, ROWS);
    if rows.is_empty() {
        return None;
    }
    let ticks = axis.ticks(TICKS);
    let legend = Rank::ALL.into_iter().filter(|rank| {
        rows.iter()
            .flat_map(|row| &row.marks)
            .any(|m| Rank::of(&m.severity) == *rank)
    });
    Some(Picture {
        ticks: ticks
            .into_iter()
            .map(|(place, label)| Tick {
                x: share(place),
                label,
                anchor: if place < 0.1 {
                    "start"
                } else if place > 0.9 {
                    "end"
                } else {
                    "middle"
                },
            })
            .collect(),
        legend: legend.collect(),
        rows: rows
            .into_iter()
            .map(|row| row_part(view, axis, row))
            .collect(),
        left_out,
    })
}

fn row_part(view: &View, axis: Axis, row: &TimelineRow) -> RowPart {
    let heard = strip::heard(view.report, &row.pod);
    let name = phrase::pod(&row.pod, view.namespace).to_owned();
    let described = match row.note.as_str() {
        "" => format!("{name}: {}", phrase::plural(row.marks.len() as u64, "mark")),
        note => format!("{name}: {note}"),
    };
    let mut marks: Vec<(usize, MarkPart)> = Vec::new();
    for mark in &row.marks {
        let place = axis.place(mark.at);
        let cell = (place * PLACES as f64) as usize;
        let part = MarkPart {
            x: share(place),
            rank: Rank::of(&mark.severity),
            title: format!("{} ×{}", mark.symptom, phrase::count(mark.count)),
        };
        match marks.iter_mut().find(|(at, _)| *at == cell) {
            Some((_, kept)) if kept.rank >= part.rank => {}
            Some((_, kept)) => *kept = part,
            None => marks.push((cell, part)),
        }
    }
    RowPart {
        name,
        at_fault: row.at_fault,
        note: row.note.clone(),
        described,
        heard: stretches(row, axis, &heard),
        marks: marks.into_iter().map(|(_, part)| part).collect(),
    }
}

/// Where the row's pod was listened to: from and until, as shares of the width.
fn stretches(row: &TimelineRow, axis: Axis, heard: &[(f64, f64)]) -> Vec<(String, String)> {
    let bare = TimelineRow {
        marks: Vec::new(),
        ..row.clone()
    };
    let cells = strip::cells(&bare, axis, heard, PLACES);
    let mut at = 0;
    let mut stretches = Vec::new();
    for run in cells.chunk_by(|a, b| a == b) {
        let end = at + run.len();
        if run[0] == Cell::Quiet {
            let share_of = |cell: usize| share(cell as f64 / PLACES as f64);
            stretches.push((share_of(at), share_of(end)));
        }
        at = end;
    }
    stretches
}

fn share(place: f64) -> String {
    format!("{:.2}%", place * 100.0)
}
