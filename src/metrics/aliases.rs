//! Names that mean the same metric: those of runbooks, and those of other versions.

use std::sync::LazyLock;

/// One row of `aliases.tsv`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Alias {
    /// The other name.
    pub alias: &'static str,
    /// The name the pack uses.
    pub canonical: &'static str,
    /// Last version with the other name; empty if no release has it.
    pub until: &'static str,
    /// Label that the canonical metric has and the alias means, as `name=value`.
    pub label: Option<(&'static str, &'static str)>,
    /// Why they are the same.
    pub why: &'static str,
}

/// All aliases, sorted by alias.
#[must_use]
pub fn aliases() -> &'static [Alias] {
    static TABLE: LazyLock<Vec<Alias>> = LazyLock::new(|| {
        let rows = include_str!("aliases.tsv").lines();
        let mut table: Vec<Alias> = rows.filter_map(row).collect();
        table.sort_unstable_by_key(|row| row.alias);
        table
    });
    &TABLE
}

/// The row for `name`, if it is an alias.
#[must_use]
pub fn canonical(name: &str) -> Option<&'static Alias> {
    let table = aliases();
    let at = table.binary_search_by(|row| row.alias.cmp(name)).ok()?;
    Some(&table[at])
}

fn row(line: &'static str) -> Option<Alias> {
    let mut cells = line.split('\t');
    let alias = cells.next().filter(|cell| !cell.starts_with('#'))?;
    Some(Alias {
        alias,
        canonical: cells.next()?,
        until: cells.next()?,
        label: cells.next()?.split_once('='),
        why: cells.next()?,
    })
}
