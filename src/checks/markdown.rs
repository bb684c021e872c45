//! Markdown of a checklist, for an issue, a wiki or a chat.

use super::model::{Checklist, Item, Status};
use super::text::{clean, header, summary};

/// A heading, the counts, and one table with what needs a look first.
#[must_use]
pub fn markdown(list: &Checklist) -> String {
    let mut out = format!(
        "## {}\n\n**{}**\n\n",
        cell(&header(list)),
        cell(&summary(list))
    );
    out.push_str("| | check | found | target | why |\n| --- | --- | --- | --- | --- |\n");
    for status in [Status::Fail, Status::Warn, Status::Unknown, Status::Pass] {
        for item in list.items.iter().filter(|i| i.status == status) {
            out.push_str(&row(item));
        }
    }
    for item in list
        .items
        .iter()
        .filter(|i| matches!(i.status, Status::Fail | Status::Warn))
    {
        out.push_str(&format!("\n**{}**", cell(&item.title)));
        if let Some(source) = &item.source {
            out.push_str(&format!(" · {}", cell(source)));
        }
        out.push('\n');
        for detail in item.details.iter().filter(|d| d.status != Status::Pass) {
            out.push_str(&format!(
                "\n* {}: {}",
                cell(&detail.subject),
                cell(&detail.figure)
            ));
        }
        if let Some(next) = &item.next {
            out.push_str(&format!("\n* next: {}", cell(next)));
        }
        out.push('\n');
    }
    if !list.gaps.is_empty() {
        out.push_str("\nNot seen:\n");
        for gap in &list.gaps {
            out.push_str(&format!("\n* {}: {}", cell(&gap.what), cell(&gap.why)));
        }
        out.push('\n');
    }
    out
}

fn row(item: &Item) -> String {
    let of = |text: &Option<String>| cell(text.as_deref().unwrap_or(""));
    let mark = match item.status {
        Status::Fail => "**FAIL**",
        Status::Warn => "warn",
        Status::Unknown => "unknown",
        Status::Pass => "pass",
    };
    format!(
        "| {mark} | {} | {} | {} | {} |\n",
        cell(&item.title),
        of(&item.figure),
        of(&item.target),
        of(&item.why)
    )
}

/// Text that cannot leave its cell, nor begin markup.
fn cell(text: &str) -> String {
    let mut out = String::new();
    for c in clean(text).chars() {
        match c {
            '<' => out.push_str("&lt;"),
            '>' => out.push_str("&gt;"),
            '&' => out.push_str("&amp;"),
            '|' | '`' | '*' | '_' | '[' | ']' | '\\' | '~' | '#' | '!' => {
                out.push('\\');
                out.push(c);
            }
            '@' => out.push_str("&#64;"),
            c => out.push(c),
        }
    }
    out
}
