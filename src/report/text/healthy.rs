//! Nothing to act on: one line per receiver, and what was looked at to say so.

use super::page::{LABEL, Page, Paint, Tag};
use super::{Room, incident};
use crate::report::view::View;

/// Adds the verdict, the receivers, benign incidents and what was looked at.
pub(super) fn add(page: &mut Page, view: &View, room: &Room) {
    let (word, verdict) = view.report.calm();
    let paint = match view.report.healthy {
        true => Paint::Green,
        false => Paint::Plain,
    };
    page.label(word);
    page.styled(Tag::default(), verdict, paint, Tag::default());
    page.blank();
    super::status::add(page, view, room.rows);
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
