//! The checklist for a terminal: what failed first, what passed in one line each.

use unicode_width::UnicodeWidthStr;

use super::model::{Checklist, Item, Status};

/// How it shall look.
#[derive(Clone, Copy, Debug)]
pub struct Look {
    /// Columns.
    pub width: usize,
    /// Colours.
    pub color: bool,
    /// 1: all details and sources.
    pub verbose: u8,
}

/// Width of the column of the status.
const MARK: usize = 9;
/// Most details of an item shown without `-v`.
const DETAILS: usize = 5;

/// The checklist as text.
#[must_use]
pub fn text(list: &Checklist, look: &Look) -> String {
    let mut page = Page {
        out: String::new(),
        look: *look,
    };
    page.line(0, &clean(&header(list)));
    page.line(0, &summary(list));
    changes(list, &mut page);
    for status in [Status::Fail, Status::Warn, Status::Unknown] {
        let mut items = list.items.iter().filter(|i| i.status == status).peekable();
        if items.peek().is_some() {
            page.out.push('\n');
        }
        for item in items {
            page.item(item);
        }
    }
    let passed: Vec<&Item> = list
        .items
        .iter()
        .filter(|i| i.status == Status::Pass)
        .collect();
    if !passed.is_empty() {
        page.out.push('\n');
    }
    let widest = passed.iter().map(|i| i.title.width()).max().unwrap_or(0);
    for item in passed {
        page.passed(item, widest);
    }
    if !list.gaps.is_empty() {
        page.out.push('\n');
        page.line(0, "Not seen");
        for gap in &list.gaps {
            let why = if gap.why.is_empty() {
                String::new()
            } else {
                format!(": {}", gap.why)
            };
            page.line(2, &clean(&format!("{}{why}", gap.what)));
        }
    }
    page.out
}

/// What was checked, where, when.
pub(super) fn header(list: &Checklist) -> String {
    let mut parts = vec![format!("check {}", list.cadence.as_str())];
    parts.extend(list.namespaces.iter().cloned());
    parts.push(super::words::plural(list.receivers.len(), "receiver"));
    parts.extend(list.versions.iter().cloned());
    parts.extend(list.at.iter().map(|at| minute(at)));
    parts.join(" · ")
}

/// `2026-11-23 01:57 UTC` of RFC 3339.
fn minute(at: &str) -> String {
    at.get(..16)
        .map_or(at.to_owned(), |at| at.replace('T', " ") + " UTC")
}

/// `1 failed · 2 to look at · 3 unknown · 14 passed`.
pub(super) fn summary(list: &Checklist) -> String {
    let counts = &list.counts;
    let parts = [
        (counts.fail, "failed"),
        (counts.warn, "to look at"),
        (counts.unknown, "unknown"),
        (counts.pass, "passed"),
    ];
    let said: Vec<String> = parts
        .iter()
        .filter(|(n, _)| *n > 0)
        .map(|(n, what)| format!("{n} {what}"))
        .collect();
    said.join(" · ")
}

/// What is worse or better than at the last check.
fn changes(list: &Checklist, page: &mut Page) {
    let Some(against) = &list.against else { return };
    let moved = |worse: bool| {
        let items = list.items.iter().filter(|i| {
            i.before.as_ref().is_some_and(|b| {
                if worse {
                    i.status > b.status
                } else {
                    i.status < b.status
                }
            })
        });
        items
            .map(|i| i.title.as_str())
            .collect::<Vec<_>>()
            .join("; ")
    };
    let at = minute(against);
    let (worse, better) = (moved(true), moved(false));
    let mut said = format!("since {at}:");
    if worse.is_empty() && better.is_empty() {
        said.push_str(" every item ended as before");
    }
    if !worse.is_empty() {
        said.push_str(&format!(" worse: {worse}."));
    }
    if !better.is_empty() {
        said.push_str(&format!(" better: {better}."));
    }
    page.line(0, &clean(&said));
}

struct Page {
    out: String,
    look: Look,
}

impl Page {
    /// An item that did not pass.
    fn item(&mut self, item: &Item) {
        let (mark, color) = match item.status {
            Status::Fail => ("FAIL", "1;31"),
            Status::Warn => ("WARN", "1;33"),
            Status::Unknown => ("UNKNOWN", "1;36"),
            Status::Pass => ("pass", "32"),
        };
        let figure = item
            .figure
            .as_ref()
            .map_or(String::new(), |f| format!(": {f}"));
        self.marked(mark, color, &clean(&format!("{}{figure}", item.title)));
        if let Some(why) = &item.why {
            self.line(MARK, &clean(why));
        }
        let unseen = item.status == Status::Unknown;
        if let Some(target) = item
            .target
            .as_ref()
            .filter(|_| !unseen || self.look.verbose > 0)
        {
            let was = item.before.as_ref().map_or(String::new(), |b| {
                let figure = b
                    .figure
                    .as_ref()
                    .map_or(String::new(), |f| format!(", {f}"));
                format!(" · last check: {}{figure}", b.status.as_str())
            });
            self.line(MARK, &clean(&format!("target {target}{was}")));
        }
        self.details(item);
        if let Some(next) = item
            .next
            .as_ref()
            .filter(|_| !unseen || self.look.verbose > 0)
        {
            self.line(MARK, &clean(&format!("→ {next}")));
        }
    }

    /// By subject: those that are not fine, unless all are wanted.
    fn details(&mut self, item: &Item) {
        let all = self.look.verbose > 0;
        if all && let Some(source) = &item.source {
            self.line(MARK, &clean(&format!("from {source}")));
        }
        // One subject, or all told in the line above already.
        let told = item.why.as_deref().unwrap_or_default();
        let bad = |s: Status| matches!(s, Status::Fail | Status::Warn);
        let shown = item
            .details
            .iter()
            .filter(|d| all || (bad(d.status) && !told.contains(&d.figure)));
        let shown: Vec<_> = shown.collect();
        let most = if all { usize::MAX } else { DETAILS };
        for detail in shown.iter().take(most) {
            let mark = if all {
                format!("{:<8}", detail.status.as_str())
            } else {
                String::new()
            };
            self.line(
                MARK + 2,
                &clean(&format!("{mark}{}  {}", detail.subject, detail.figure)),
            );
        }
        if shown.len() > most {
            self.line(MARK + 2, &format!("and {} more (-v)", shown.len() - most));
        }
    }

    /// An item that passed: one line.
    fn passed(&mut self, item: &Item, widest: usize) {
        let pad = " ".repeat(widest.saturating_sub(item.title.width()) + 2);
        let figure = clean(item.figure.as_deref().unwrap_or_default());
        self.marked(
            "pass",
            "32",
            &format!("{}{pad}{figure}", clean(&item.title)),
        );
        if let Some(note) = &item.why {
            self.line(MARK + 2, &clean(note));
        }
        if self.look.verbose > 0 {
            if let Some(target) = &item.target {
                self.line(MARK, &clean(&format!("target {target}")));
            }
            self.details(item);
        }
    }

    fn marked(&mut self, mark: &str, color: &str, text: &str) {
        let gap = " ".repeat(MARK.saturating_sub(mark.len()));
        let start = self.out.len();
        self.line(MARK, text);
        let shown = if self.look.color {
            format!("\u{1b}[{color}m{mark}\u{1b}[0m")
        } else {
            mark.to_owned()
        };
        self.out
            .replace_range(start..start + MARK, &format!("{shown}{gap}"));
    }

    /// A line, wrapped with its indent.
    fn line(&mut self, indent: usize, text: &str) {
        let room = self.look.width.max(MARK + 20).saturating_sub(indent);
        let pad = " ".repeat(indent);
        let mut line = String::new();
        for word in text.split(' ') {
            if !line.is_empty() && line.width() + 1 + word.width() > room {
                self.out.push_str(&pad);
                self.out.push_str(line.trim_end());
                self.out.push('\n');
                line.clear();
            }
            if !line.is_empty() || (word.is_empty() && !self.out.is_empty()) {
                line.push(' ');
            }
            line.push_str(word);
        }
        self.out.push_str(&pad);
        self.out.push_str(line.trim_end());
        self.out.push('\n');
    }
}

/// Text of the input as harmless text of one line: no control characters, nothing that turns the
/// direction of writing.
pub(super) fn clean(text: &str) -> String {
    let turns = |c: char| matches!(c, '\u{200b}'..='\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}' | '\u{feff}');
    text.chars()
        .map(|c| {
            if c.is_control() {
                ' '
            } else if turns(c) {
                '\u{fffd}'
            } else {
                c
            }
        })
        .collect()
}
