//! The strip of marks per pod.

use unicode_width::UnicodeWidthStr;

use super::page::{Line, Page, Paint, shorten_end, shorten_front};
use crate::report::model::{Timeline, TimelineRow};
use crate::report::phrase;
use crate::report::strip::{self, Axis, Cell, Rank};
use crate::report::view::View;

/// Longest name and note shown whole.
const NAME: usize = 32;
const NOTE: usize = 28;
/// Shortest strip that still shows an order of events.
const STRIP: usize = 12;
/// Columns before the name, and between name, strip and note.
const MARK: usize = 2;
const GAP: usize = 2;

/// How wide the three columns are.
struct Columns {
    name: usize,
    strip: usize,
    note: usize,
}

/// Adds axis and rows, or nothing when there is no time in the timeline.
pub(super) fn add(page: &mut Page, view: &View, timeline: &Timeline, most: usize) {
    let Some(axis) = Axis::of(timeline) else {
        return;
    };
    let (rows, left_out) = strip::choose(timeline, most);
    if rows.is_empty() {
        return;
    }
    let columns = Columns::of(page.width(), view, &rows);
    let strips: Vec<Vec<Cell>> = rows
        .iter()
        .map(|row| {
            let heard = strip::heard(view.report, &row.pod);
            strip::cells(row, axis, &heard, columns.strip)
        })
        .collect();
    page.line(axis_line(axis, &columns, &strips));
    for (row, cells) in rows.iter().zip(&strips) {
        page.line(row_line(row, cells, &columns, view));
    }
    if left_out > 0 {
        let mut line = Line::default();
        let text = format!("and {} (-v)", phrase::plural(left_out as u64, "more pod"));
        line.pad_to(MARK).push(&text, Paint::Dim);
        page.line(line);
    }
}

impl Columns {
    fn of(width: usize, view: &View, rows: &[&TimelineRow]) -> Self {
        let widest = |texts: &mut dyn Iterator<Item = usize>| texts.max().unwrap_or(0);
        let name = widest(
            &mut rows
                .iter()
                .map(|r| phrase::pod(&r.pod, view.namespace).width()),
        );
        let note = widest(&mut rows.iter().map(|r| r.note.width()));
        // Names are what is acted on: they yield last.
        let name = name.min(NAME).min(width / 2);
        let rest = width.saturating_sub(MARK + name + GAP);
        // The note yields to the strip on a narrow page, down to nothing.
        let note = note.min(NOTE).min(rest.saturating_sub(STRIP + GAP));
        let note = if note < 8 { 0 } else { note };
        let gap = if note > 0 { GAP } else { 0 };
        let strip = rest.saturating_sub(note + gap).max(STRIP);
        Self { name, strip, note }
    }

    fn strip_at(&self) -> usize {
        MARK + self.name + GAP
    }

    fn note_at(&self) -> usize {
        self.strip_at() + self.strip + GAP
    }
}

fn axis_line(axis: Axis, columns: &Columns, strips: &[Vec<Cell>]) -> Line {
    let mut line = Line::default();
    let blank = "blank: no log";
    let unheard = strips.iter().flatten().any(|c| *c == Cell::Unheard);
    if unheard && blank.len() <= columns.name {
        line.pad_to(MARK).push(blank, Paint::Dim);
    }
    let end = columns.strip_at() + columns.strip;
    for (place, label) in axis.ticks(columns.strip / 10) {
        let cell = (place * columns.strip as f64) as usize;
        let column = columns.strip_at() + cell.min(columns.strip - 1);
        let label = format!("|{label}");
        if column + label.width() <= end && column >= line.width() + usize::from(line.width() > 0) {
            line.pad_to(column).push(&label, Paint::Dim);
        }
    }
    let legend = legend(strips);
    if legend.width() <= columns.note {
        line.pad_to(columns.note_at()).push(&legend, Paint::Dim);
    }
    line
}

/// The two worst kinds of marks in use; milder ones explain themselves beside them.
fn legend(strips: &[Vec<Cell>]) -> String {
    Rank::ALL
        .into_iter()
        .filter(|rank| strips.iter().flatten().any(|c| *c == Cell::Mark(*rank)))
        .take(2)
        .map(|rank| format!("{} {}", rank.symbol(), rank.name()))
        .collect::<Vec<_>>()
        .join("  ")
}

fn row_line(row: &TimelineRow, cells: &[Cell], columns: &Columns, view: &View) -> Line {
    let mut line = Line::default();
    let (lead, paint) = if row.at_fault {
        ("▸", Paint::Bold)
    } else {
        ("", Paint::Plain)
    };
    let name = shorten_front(phrase::pod(&row.pod, view.namespace), columns.name);
    line.push(lead, Paint::Alarm)
        .pad_to(MARK)
        .push(&name, paint);
    line.pad_to(columns.strip_at());
    for run in cells.chunk_by(|a, b| a == b) {
        let (symbol, paint) = look(run[0]);
        line.push(&symbol.to_string().repeat(run.len()), paint);
    }
    if columns.note > 0 {
        line.pad_to(columns.note_at())
            .push(&shorten_end(&row.note, columns.note), paint);
    }
    line
}

/// How a cell looks. A time that no log covers is left blank: it is not quiet, it is unknown.
pub(super) fn look(cell: Cell) -> (char, Paint) {
    match cell {
        Cell::Unheard => (' ', Paint::Plain),
        Cell::Quiet => ('·', Paint::Dim),
        Cell::Mark(rank) => {
            let paint = match rank {
                Rank::Critical => Paint::Alarm,
                Rank::Error => Paint::Red,
                Rank::Warning => Paint::Yellow,
                Rank::Info => Paint::Plain,
            };
            (rank.symbol(), paint)
        }
    }
}
