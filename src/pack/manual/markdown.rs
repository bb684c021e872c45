//! Pages as Markdown, linked with each other.

use super::page::{Item, Page};
use super::{Row, list};
use crate::pack::{Pack, Target};

/// Where the page of `target` stands in the manual.
pub(super) fn path(pack: &Pack, target: Target) -> String {
    match target {
        Target::Signature(ix) => format!("signatures/{}.md", pack[ix].id),
        Target::State(ix) => format!("states/{}.md", pack[ix].id),
        Target::Cause(ix) => format!("causes/{}.md", pack[ix].id),
    }
}

/// The page at `path`.
pub(super) fn render(pack: &Pack, page: &Page, path: &str) -> String {
    let up = "../".repeat(path.matches('/').count());
    let mut text = format!("# {}\n\n", escape(pack.title(page.target)));
    text.push_str(&format!("`{}` · ", pack.id(page.target)));
    text.push_str(&format!(
        "{} · [all]({up}index.md)\n",
        escape(&page.facts.join(" · "))
    ));
    if !page.summary.is_empty() {
        text.push_str(&format!("\n{}\n", escape(&page.summary)));
    }
    for section in &page.sections {
        text.push_str(&format!("\n## {}\n\n", section.heading));
        for item in &section.items {
            show(&mut text, pack, item, &up);
        }
    }
    text
}

/// The list of all pages.
pub(super) fn index(pack: &Pack) -> String {
    let mut text = String::from("# What rdiag knows\n");
    let rows: Vec<(Target, Row)> = pack.targets().zip(list(pack)).collect();
    let parts = [
        ("Causes", "cause", "role"),
        ("States", "state", "of a"),
        ("Signatures", "signature", "severity"),
    ];
    for (heading, kind, grade) in parts {
        let count = rows.iter().filter(|(_, row)| row.kind == kind).count();
        text.push_str(&format!("\n## {heading} ({count})\n\n"));
        text.push_str(&format!("| id | {grade} | |\n| --- | --- | --- |\n"));
        for (target, row) in rows.iter().filter(|(_, row)| row.kind == kind) {
            let path = path(pack, *target);
            let title = escape(&row.title);
            text.push_str(&format!(
                "| [{}]({path}) | {} | {title} |\n",
                row.id, row.grade
            ));
        }
    }
    text
}

fn show(text: &mut String, pack: &Pack, item: &Item, up: &str) {
    text.push_str("- ");
    if let Some(target) = item.about {
        text.push_str(&format!(
            "[{}]({up}{})",
            pack.id(target),
            path(pack, target)
        ));
        if !item.text.is_empty() {
            text.push_str(": ");
        }
    }
    match item.text.starts_with("http") {
        true => text.push_str(&format!(
            "<{}>",
            item.text.replace(['<', '>', ' ', '\n'], "")
        )),
        false => text.push_str(&escape(&item.text)),
    }
    text.push('\n');
    if let Some(code) = &item.code {
        let fence = fence(code);
        let lines: Vec<String> = code.lines().map(|line| format!("  {line}\n")).collect();
        text.push_str(&format!("\n  {fence}\n{}  {fence}\n\n", lines.concat()));
    }
}

/// Longer than any run of backticks in `code`.
fn fence(code: &str) -> String {
    let runs = code.split(|c| c != '`').map(str::len);
    "`".repeat(runs.max().unwrap_or(0).max(2) + 1)
}

/// Text that is only text, on one line; also inside tables.
fn escape(text: &str) -> String {
    let mut escaped = String::with_capacity(text.len());
    for c in text.chars() {
        match c {
            '\\' | '`' | '*' | '_' | '[' | ']' | '|' | '#' | '!' => {
                escaped.push('\\');
                escaped.push(c);
            }
            '<' => escaped.push_str("&lt;"),
            '>' => escaped.push_str("&gt;"),
            '&' => escaped.push_str("&amp;"),
            c if c.is_control() => escaped.push(' '),
            c => escaped.push(c),
        }
    }
    escaped
}
