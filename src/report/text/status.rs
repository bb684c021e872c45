//! One line per receiver: a table of how it is, what it holds and what it has left.

use unicode_width::UnicodeWidthStr;

use super::page::{Line, Page, Paint, shorten_end, shorten_front};
use crate::report::model::Member;
use crate::report::phrase;
use crate::report::view::View;

/// Facts in the order of the columns, with what they are called above them.
const COLUMNS: [(&str, &str); 10] = [
    ("ready", "ready"),
    ("restarts", "restarts"),
    ("version", "version"),
    ("series", "series"),
    ("writes", "writes"),
    ("samples", "samples"),
    ("memory", "memory"),
    ("disk", "disk"),
    ("ring", "ring"),
    ("upload", "upload"),
];
/// Columns that give way on a narrow page, with the width they are cut to, first one first. A hash
/// is compared, not read; of a version that all have, the header speaks.
const GIVING_WAY: [(&str, usize); 6] = [
    ("ring", 6),
    ("version", 0),
    ("writes", 0),
    ("ready", 9),
    ("receiver", 20),
    ("receiver", 15),
];

/// Cells of one column, the heading first.
struct Column {
    name: &'static str,
    cells: Vec<String>,
}

impl Column {
    fn width(&self) -> usize {
        self.cells.iter().map(|c| c.width()).max().unwrap_or(0)
    }

    fn cut(&mut self, to: usize) {
        for cell in &mut self.cells[1..] {
            *cell = if self.name == "receiver" {
                shorten_front(cell, to)
            } else {
                shorten_end(cell, to)
            };
        }
    }

    /// All receivers say the same.
    fn is_uniform(&self) -> bool {
        self.cells[1..].windows(2).all(|pair| pair[0] == pair[1])
    }
}

/// Adds the table of at most so many receivers; nothing if there are none.
pub(super) fn add(page: &mut Page, view: &View, most: usize) {
    let receivers: Vec<&Member> = view.receivers().collect();
    let shown = &receivers[..receivers.len().min(most.max(1))];
    if shown.is_empty() {
        return;
    }
    let mut columns = columns(view, shown);
    narrow(&mut columns, page.width());
    let widths: Vec<usize> = columns.iter().map(Column::width).collect();
    for row in 0..=shown.len() {
        let mut line = Line::default();
        let mut at = 0;
        for (column, width) in columns.iter().zip(&widths) {
            line.pad_to(at);
            let paint = match (row, column.name) {
                (0, "receiver") => Paint::Bold,
                (0, _) => Paint::Dim,
                (_, "ready") if column.cells[row] != "yes" => Paint::Red,
                _ => Paint::Plain,
            };
            line.push(&column.cells[row], paint);
            at += width + 1;
        }
        page.line(line);
    }
    let rest = receivers.len() - shown.len();
    if rest > 0 {
        let text = format!("and {} (-v)", phrase::plural(rest as u64, "more receiver"));
        let mut line = Line::default();
        line.push(&text, Paint::Dim);
        page.line(line);
    }
}

/// The columns of which anything is known.
fn columns(view: &View, members: &[&Member]) -> Vec<Column> {
    let names = members
        .iter()
        .map(|m| phrase::pod(&m.pod, view.namespace).to_owned());
    let mut columns = vec![Column {
        name: "receiver",
        cells: std::iter::once("Receivers".to_owned())
            .chain(names)
            .collect(),
    }];
    for (name, heading) in COLUMNS {
        let cells: Vec<String> = members.iter().map(|m| cell(m, name)).collect();
        if cells.iter().any(|cell| cell != UNKNOWN) {
            let heading = std::iter::once(heading.to_owned());
            let cells = heading.chain(cells).collect();
            columns.push(Column { name, cells });
        }
    }
    columns
}

/// Stands where nothing is known.
const UNKNOWN: &str = "–";

/// One fact, as short as it can be said.
fn cell(member: &Member, name: &str) -> String {
    let fact = |key: &str| member.facts.iter().find(|(k, _)| k == key).map(|(_, v)| v);
    let Some(value) = fact(name) else {
        return UNKNOWN.to_owned();
    };
    match name {
        "ready" if value == "no" => fact("state").unwrap_or(value).clone(),
        "memory" => value
            .replace(" of ", "/")
            .replace(' ', "")
            .replace("iB", "i"),
        "disk" => value.split(" of ").next().unwrap_or(value).to_owned(),
        "upload" => value.trim_end_matches(" ago").replace("no bucket", "none"),
        _ => value.clone(),
    }
}

/// Makes the table as narrow as the page.
fn narrow(columns: &mut Vec<Column>, room: usize) {
    let total = |columns: &[Column]| columns.iter().map(|c| c.width() + 1).sum::<usize>() - 1;
    for (name, to) in GIVING_WAY {
        if total(columns) <= room {
            return;
        }
        let Some(at) = columns.iter().position(|c| c.name == name) else {
            continue;
        };
        if to > 0 {
            columns[at].cut(to);
        } else if name != "version" || columns[at].is_uniform() {
            columns.remove(at);
        }
    }
}
