//! The report for a terminal: one screen for a person who was asleep a minute ago.
//!
//! It answers in this order: is something wrong, what, where, how sure, what to do, what was not
//! seen. Where the verdict leaves a choice, the check that separates the causes comes first.

mod full;
mod healthy;
mod incident;
mod page;
mod status;
mod timeline;

use super::Style;
use super::model::Report;
use super::view::View;
use page::{Page, Paint};

/// Lines of the first screen: what is left of a terminal under the command and the prompt.
const SCREEN: usize = 40;
/// Columns for which that holds; a narrower terminal needs more lines for the same.
const COLUMNS: usize = 80;

/// How much of each list is shown.
#[derive(Clone, Copy)]
struct Room {
    rows: usize,
    pro: usize,
    contra: usize,
    mitigate: usize,
    gaps: usize,
    lesser: usize,
    others: usize,
    /// Lines of one paragraph.
    prose: usize,
    /// Steps from the cause to the impact.
    chain: bool,
}

impl Room {
    /// Nothing is left out: there is no screen to fit.
    fn is_endless(&self) -> bool {
        self.rows == usize::MAX
    }
}

/// From generous to tight; the first that fits the screen is taken.
const ROOMS: [Room; 5] = [
    Room {
        rows: 8,
        pro: 4,
        contra: 2,
        mitigate: 3,
        gaps: 4,
        lesser: 3,
        others: 4,
        prose: 6,
        chain: true,
    },
    Room {
        rows: 6,
        pro: 3,
        contra: 2,
        mitigate: 2,
        gaps: 3,
        lesser: 2,
        others: 3,
        prose: 3,
        chain: true,
    },
    Room {
        rows: 5,
        pro: 3,
        contra: 1,
        mitigate: 1,
        gaps: 2,
        lesser: 1,
        others: 2,
        prose: 2,
        chain: false,
    },
    Room {
        rows: 3,
        pro: 2,
        contra: 1,
        mitigate: 1,
        gaps: 1,
        lesser: 1,
        others: 1,
        prose: 2,
        chain: false,
    },
    Room {
        rows: 3,
        pro: 2,
        contra: 1,
        mitigate: 1,
        gaps: 1,
        lesser: 1,
        others: 1,
        prose: 1,
        chain: false,
    },
];

const EVERYTHING: Room = Room {
    rows: usize::MAX,
    pro: usize::MAX,
    contra: usize::MAX,
    mitigate: usize::MAX,
    gaps: usize::MAX,
    lesser: usize::MAX,
    others: usize::MAX,
    prose: usize::MAX,
    chain: true,
};

pub(super) fn render(report: &Report, style: Style) -> String {
    let view = View::new(report);
    if style.verbose > 0 {
        return full::page(&view, style.width).finish(style.color);
    }
    let narrow = COLUMNS as f64 / style.width.clamp(page::NARROWEST, COLUMNS) as f64;
    let most = (SCREEN as f64 * narrow) as usize;
    let mut pages = ROOMS.iter().map(|room| screen(&view, style.width, room));
    let last = pages.next_back();
    let Some(mut page) = pages.find(|page| page.len() <= most).or(last) else {
        return String::new();
    };
    // How each receiver is, where the screen has lines left for all of them.
    let lines = view.receivers().count() + 2;
    let known = view.receivers().any(|m| !m.facts.is_empty());
    if view.first().is_some() && known && page.len() + lines <= most {
        page.blank();
        status::add(&mut page, &view, usize::MAX);
    }
    page.finish(style.color)
}

/// Only the table of receivers, with what was looked at above it.
pub(super) fn status(report: &Report, style: Style) -> String {
    let view = View::new(report);
    let mut page = Page::new(style.width, 1);
    header(&mut page, &view);
    status::add(&mut page, &view, usize::MAX);
    page.finish(style.color)
}

fn screen(view: &View, width: usize, room: &Room) -> Page {
    let mut page = Page::new(width, room.prose);
    header(&mut page, view);
    match view.first() {
        Some(first) => {
            incident::add(&mut page, view, first, room);
            incident::surroundings(&mut page, view, first, room);
        }
        None => healthy::add(&mut page, view, room),
    }
    page
}

/// What was looked at and when, above everything else.
fn header(page: &mut Page, view: &View) {
    for part in page::wrap(&page::joined(&view.header()), page.width()) {
        let mut line = page::Line::default();
        line.push(&part, Paint::Bold);
        page.line(line);
    }
    page.blank();
}
