//! What is wrong with a pack, and where.

use std::fmt;

use super::raw::At;

/// Something wrong in a pack.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct Problem {
    /// Path of the file as it was given.
    pub file: String,
    /// Line, from 1; 0 when the file as a whole is meant.
    pub line: u32,
    /// Column in characters, from 1; 0 when the file as a whole is meant.
    pub column: u32,
    /// What is wrong, and what would be right.
    pub message: String,
    /// The line with a caret below; empty when the file as a whole is meant.
    pub excerpt: String,
}

impl fmt::Display for Problem {
    fn fmt(&self, f: &mut fmt::Formatter) -> fmt::Result {
        match self.line {
            0 => write!(f, "{}: {}", self.file, self.message),
            line => write!(f, "{}:{line}:{}: {}", self.file, self.column, self.message),
        }?;
        match self.excerpt.is_empty() {
            true => Ok(()),
            false => write!(f, "\n{}", self.excerpt),
        }
    }
}

/// The text of one file, to point into.
#[derive(Clone, Copy, Debug)]
pub struct SourceText<'a> {
    /// Path for messages.
    pub path: &'a str,
    /// Its text; empty when it is not at hand.
    pub text: &'a str,
}

/// A place in a file; all zero when unknown.
#[derive(Clone, Copy, Debug, Default)]
pub struct Place {
    /// Line, from 1.
    pub line: u32,
    /// Column in characters, from 1.
    pub column: u32,
    /// How many characters to underline.
    pub width: u32,
}

impl Place {
    /// Where a parsed string stands.
    #[must_use]
    pub(super) fn of(at: &At<String>) -> Place {
        Place {
            width: u32::try_from(at.value.chars().count()).unwrap_or(u32::MAX),
            ..Place::of_any(at)
        }
    }

    /// Where any parsed value begins.
    #[must_use]
    pub(super) fn of_any<T>(at: &At<T>) -> Place {
        Place {
            line: at.line,
            column: at.column,
            width: 1,
        }
    }
}

impl From<serde_saphyr::Location> for Place {
    fn from(location: serde_saphyr::Location) -> Place {
        let narrow = |n| u32::try_from(n).unwrap_or(u32::MAX);
        Place {
            line: narrow(location.line()),
            column: narrow(location.column()),
            width: 1,
        }
    }
}

impl SourceText<'_> {
    /// A problem at `place`.
    #[must_use]
    pub fn problem(&self, place: Place, message: impl Into<String>) -> Problem {
        let excerpt = self.excerpt(place).unwrap_or_default();
        Problem {
            file: self.path.to_owned(),
            line: place.line,
            column: place.column,
            message: message.into(),
            excerpt,
        }
    }

    /// The first place where `needle` stands; unknown when it does not.
    #[must_use]
    pub fn find(&self, needle: &str) -> Place {
        let first_line = needle.lines().next().unwrap_or_default();
        let found = (1..).zip(self.text.lines()).find_map(|(line, text)| {
            let at = text.find(first_line)?;
            Some((line, text[..at].chars().count()))
        });
        let narrow = |n| u32::try_from(n).unwrap_or(u32::MAX);
        found.map_or_else(Place::default, |(line, before)| Place {
            line,
            column: narrow(before + 1),
            width: narrow(first_line.chars().count().max(1)),
        })
    }

    fn excerpt(&self, place: Place) -> Option<String> {
        let above = usize::try_from(place.line.checked_sub(1)?).ok()?;
        let text = self.text.lines().nth(above)?;
        let column = usize::try_from(place.column.max(1) - 1).ok()?;
        let skipped = column.saturating_sub(LEFT);
        let line = printable(text, skipped);
        let before = column - skipped;
        let room = line.chars().count().saturating_sub(before).max(1);
        let quote = text
            .chars()
            .nth(column)
            .is_some_and(|c| c == '"' || c == '\'');
        let width = usize::try_from(place.width).ok()?.clamp(1, room);
        let carets = "^".repeat(if quote { (width + 2).min(room) } else { width });
        let number = place.line.to_string();
        let margin = " ".repeat(number.len());
        let indent = " ".repeat(before);
        Some(format!(
            "{margin} |\n{number} | {line}\n{margin} | {indent}{carets}"
        ))
    }
}

/// A window on a long line, with nothing in it that a terminal would obey.
fn printable(text: &str, skipped: usize) -> String {
    let shown = text.chars().skip(skipped).take(WIDTH);
    shown
        .map(|c| if c.is_control() { ' ' } else { c })
        .collect()
}

/// Most characters shown left of the caret, and in all.
const LEFT: usize = 60;
const WIDTH: usize = 120;

/// The candidate that `given` most likely stands for: one that ends with it, or one few edits away.
pub(super) fn nearest<'a>(
    given: &str,
    all: impl IntoIterator<Item = &'a str> + Clone,
) -> Option<&'a str> {
    let below = format!("/{given}");
    if let Some(longer) = all.clone().into_iter().find(|id| id.ends_with(&below)) {
        return Some(longer);
    }
    let most = given.chars().count() / 3 + 1;
    all.into_iter()
        .map(|candidate| (distance(given, candidate), candidate))
        .filter(|(distance, _)| *distance <= most)
        .min()
        .map(|(_, candidate)| candidate)
}

/// Edits that lead from one to the other.
fn distance(a: &str, b: &str) -> usize {
    let b: Vec<char> = b.chars().collect();
    let mut row: Vec<usize> = (0..=b.len()).collect();
    for (i, from) in a.chars().enumerate() {
        let mut diagonal = row[0];
        row[0] = i + 1;
        for (j, to) in b.iter().enumerate() {
            let edit = (diagonal + usize::from(from != *to))
                .min(row[j] + 1)
                .min(row[j + 1] + 1);
            diagonal = row[j + 1];
            row[j + 1] = edit;
        }
    }
    row[b.len()]
}
