//! Text for people, 80 columns wide.
//!
//! Whatever comes from a file is made harmless at the end: control characters and those that turn
//! the direction of writing are shown as escapes.

mod diff;
mod faults;
mod plan;
mod simulate;

use std::collections::BTreeMap;

pub use diff::diff_text;
pub use faults::faults_text;
pub use plan::{plan_markdown, plan_text};
pub use simulate::simulation_text;

use super::Setup;

/// Columns of a screen.
const WIDTH: usize = 80;

/// What was taken for granted, in one line.
#[must_use]
pub fn assumptions(setup: &Setup) -> String {
    let algorithm = match setup.algorithm {
        Some(algorithm) => algorithm.to_string(),
        None => "ketama (assumed)".to_owned(),
    };
    let copies = match setup.replication_factor {
        Some(copies) => copies.to_string(),
        None => format!("{} (assumed)", Setup::USUAL_REPLICATION_FACTOR),
    };
    let version = match setup.version {
        Some(version) => {
            let patch = version
                .patch
                .map_or_else(String::new, |patch| format!(".{patch}"));
            format!("v{}.{}{patch}", version.major, version.minor)
        }
        None => "newest (assumed)".to_owned(),
    };
    format!("algorithm {algorithm} · replication factor {copies} · Thanos {version}")
}

/// Adds words of `text` to `out`, broken at the width; `first` begins the first line, as many
/// spaces the others.
fn wrap(out: &mut String, first: &str, text: &str) {
    let indent = first.chars().count();
    out.push_str(first);
    let mut column = indent;
    for (i, word) in text.split_whitespace().enumerate() {
        let width = word.chars().count();
        if i > 0 && column + 1 + width > WIDTH {
            out.push('\n');
            out.push_str(&" ".repeat(indent));
            column = indent;
        } else if i > 0 {
            out.push(' ');
            column += 1;
        }
        out.push_str(word);
        column += width;
    }
    out.push('\n');
}

/// Names of members without what they all end in, when they stay different.
struct Names {
    short: BTreeMap<String, String>,
    /// What was cut off.
    suffix: Option<String>,
    width: usize,
}

impl Names {
    fn new<'a>(addresses: impl Iterator<Item = &'a str> + Clone) -> Self {
        let suffix = common_suffix(addresses.clone());
        let short: BTreeMap<String, String> = addresses
            .map(|address| {
                let short = suffix
                    .as_deref()
                    .and_then(|suffix| address.strip_suffix(suffix));
                (address.to_owned(), short.unwrap_or(address).to_owned())
            })
            .collect();
        let width = short
            .values()
            .map(|name| name.chars().count())
            .max()
            .unwrap_or(0);
        Self {
            short,
            suffix,
            width: width.clamp(6, 44),
        }
    }

    fn get(&self, address: &str) -> String {
        self.short
            .get(address)
            .cloned()
            .unwrap_or_else(|| address.to_owned())
    }

    fn legend(&self) -> String {
        match &self.suffix {
            Some(suffix) => format!("members are NAME{suffix}\n"),
            None => String::new(),
        }
    }
}

/// The part from the first dot on, when all share it and there are several.
fn common_suffix<'a>(mut addresses: impl Iterator<Item = &'a str>) -> Option<String> {
    let first = addresses.next()?;
    let suffix = &first[first.find('.')?..];
    // The first label of an IP address is no name.
    let name = first.strip_suffix(suffix)?;
    if name.chars().all(|c| c.is_ascii_digit()) || name.contains(['/', ':']) {
        return None;
    }
    addresses
        .all(|address| address.find('.').is_some_and(|at| &address[at..] == suffix))
        .then(|| suffix.to_owned())
}

/// Makes text from files harmless for terminals.
pub(super) fn clean(text: String) -> String {
    let odd = |c: char| {
        c != '\n' && c.is_control()
            || matches!(c, '\u{200e}' | '\u{200f}' | '\u{202a}'..='\u{202e}' | '\u{2066}'..='\u{2069}')
    };
    if !text.contains(odd) {
        return text;
    }
    let mut clean = String::with_capacity(text.len() + 16);
    for c in text.chars() {
        if odd(c) {
            clean.extend(c.escape_default())
        } else {
            clean.push(c)
        }
    }
    clean
}
