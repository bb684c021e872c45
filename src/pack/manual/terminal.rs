//! Pages as plain text, in the shape of a man page.

use super::page::{Item, Page};
use crate::pack::Pack;

/// Narrowest text that is still readable.
const NARROWEST: usize = 40;

pub(super) fn render(pack: &Pack, page: &Page, width: usize) -> String {
    let width = width.max(NARROWEST);
    let mut text = String::new();
    heading(&mut text, "NAME");
    let title = format!("{} - {}", pack.id(page.target), pack.title(page.target));
    wrap(&mut text, &title, 4, width);
    text.push('\n');
    wrap(&mut text, &page.facts.join(" · "), 4, width);
    if !page.summary.is_empty() {
        text.push('\n');
        heading(&mut text, "DESCRIPTION");
        wrap(&mut text, &page.summary, 4, width);
    }
    for section in &page.sections {
        text.push('\n');
        heading(&mut text, &section.heading.to_uppercase());
        for item in &section.items {
            show(&mut text, pack, item, width);
        }
    }
    text
}

fn heading(text: &mut String, heading: &str) {
    text.push_str(heading);
    text.push('\n');
}

fn show(text: &mut String, pack: &Pack, item: &Item, width: usize) {
    let about = item.about.map(|target| pack.id(target)).unwrap_or_default();
    let sentence = match (about.is_empty(), item.text.is_empty()) {
        (true, _) => item.text.clone(),
        (false, true) => about,
        (false, false) => format!("{about}: {}", item.text),
    };
    wrap(text, &sentence, 4, width);
    for line in item.code.iter().flat_map(|code| code.lines()) {
        text.push_str("        ");
        text.extend(line.chars().map(printable));
        text.push('\n');
    }
}

/// Breaks `sentence` at spaces and hangs what follows, so that items stay apart; a word longer than
/// a line stays whole, so that it can be copied.
fn wrap(text: &mut String, sentence: &str, indent: usize, width: usize) {
    let mut margin = indent;
    let mut used = 0;
    for word in sentence.split_whitespace() {
        let length = unicode_width::UnicodeWidthStr::width(word);
        if used > 0 && used + 1 + length > width {
            text.push('\n');
            margin = indent + 2;
            used = 0;
        }
        match used {
            0 => text.push_str(&" ".repeat(margin)),
            _ => text.push(' '),
        }
        used = used.max(margin) + usize::from(used > 0) + length;
        text.extend(word.chars().map(printable));
    }
    text.push('\n');
}

/// Examples may hold anything; a terminal must not obey it.
fn printable(c: char) -> char {
    match c.is_control() {
        true => '\u{fffd}',
        false => c,
    }
}
