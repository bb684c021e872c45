//! Nothing to act on: one line per receiver, and what was looked at to say so.

use super::page::{LABEL, Page, Paint, Tag};
use super::{Room, incident};
use crate::report::model::Member;
use crate::report::phrase;
use crate::report::view::View;

/// Adds the verdict, the receivers, benign incidents and what was looked at.
pub(super) fn add(page: &mut Page, view: &View, room: &Room) {
    page.label("HEALTHY");
    let verdict = if view.report.coverage.sources.is_empty() {
        "no incident, but nothing is known to have been looked at"
    } else {
        "no incident in what was looked at"
    };
    page.styled(Tag::default(), verdict, Paint::Green, Tag::default());
    page.blank();
    members(page, view, "Receivers", room.rows);
    page.blank();
    looked_at(page, view);
    for benign in view.others().into_iter().take(room.others) {
        incident::one_line(page, view, "Benign", benign);
    }
    incident::novelty(page, view);
    incident::gaps(page, view, room);
    if !room.is_endless() {
        incident::more(page, &[], view);
    }
}

/// One line per receiver; of other members, how many there are.
pub(super) fn members(page: &mut Page, view: &View, label: &str, most: usize) {
    let receivers: Vec<&Member> = view.receivers().collect();
    if receivers.is_empty() {
        return;
    }
    page.label(label);
    let shown = &receivers[..receivers.len().min(most.max(1))];
    let name_width = shown
        .iter()
        .map(|m| phrase::pod(&m.pod, view.namespace).chars().count())
        .max()
        .unwrap_or(0)
        .min(page.width() / 3);
    for member in shown {
        let name = phrase::pod(&member.pod, view.namespace);
        let lead = format!("{name:name_width$}  ");
        let facts = super::page::joined(&view.facts(member));
        page.entry(Tag(&lead, Paint::Plain), &facts, Tag::default());
    }
    let rest = receivers.len() - shown.len();
    if rest > 0 {
        let text = format!("and {} (-v)", phrase::plural(rest as u64, "more receiver"));
        page.styled(Tag::default(), &text, Paint::Dim, Tag::default());
    }
}

/// What was read, by kind.
pub(super) fn looked_at(page: &mut Page, view: &View) {
    let parts = view.looked_at();
    if parts.is_empty() {
        return;
    }
    debug_assert!("Looked at".len() < LABEL);
    page.label("Looked at");
    page.dotted(&parts, Paint::Plain);
}
