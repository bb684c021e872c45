//! Fields of a record, and what was odd about them.

use std::borrow::Cow;

use crate::limits;

/// Fields of a record, in the order written. Repeated keys are kept (`caller=` stands twice in
/// lines bridged from slog). Values are unescaped.
#[derive(Clone, Debug, Default)]
pub struct Fields<'a> {
    entries: Vec<Field<'a>>,
}

/// Key and value.
type Field<'a> = (Cow<'a, [u8]>, Cow<'a, [u8]>);

impl<'a> Fields<'a> {
    /// No fields, with room for `n`.
    #[must_use]
    pub fn with_capacity(n: usize) -> Self {
        Self {
            entries: Vec::with_capacity(n),
        }
    }

    /// First value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&[u8]> {
        self.entries
            .iter()
            .find(|(k, _)| k.as_ref() == key.as_bytes())
            .map(|(_, v)| v.as_ref())
    }

    /// All values of `key`, in order.
    pub fn all<'s>(&'s self, key: &str) -> impl Iterator<Item = &'s [u8]> {
        self.entries
            .iter()
            .filter(move |(k, _)| k.as_ref() == key.as_bytes())
            .map(|(_, v)| v.as_ref())
    }

    /// All fields, in order.
    pub fn iter(&self) -> impl Iterator<Item = (&[u8], &[u8])> {
        self.entries.iter().map(|(k, v)| (k.as_ref(), v.as_ref()))
    }

    /// Adds a field at the end.
    pub fn push(&mut self, key: impl Into<Cow<'a, [u8]>>, value: impl Into<Cow<'a, [u8]>>) {
        self.entries.push((key.into(), value.into()));
    }

    /// How many fields there are, repeated ones counted each.
    #[must_use]
    pub fn len(&self) -> usize {
        self.entries.len()
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.entries.is_empty()
    }

    /// First value of `key`, as it is kept.
    pub(super) fn cow(&self, key: &str) -> Option<Cow<'a, [u8]>> {
        let found = self
            .entries
            .iter()
            .find(|(k, _)| k.as_ref() == key.as_bytes());
        found.map(|(_, value)| value.clone())
    }

    /// Adds all of `more` at the end.
    pub(super) fn append(&mut self, mut more: Self) {
        self.entries.append(&mut more.entries);
    }

    /// Leaves the first `n`.
    pub(super) fn truncate(&mut self, n: usize) {
        self.entries.truncate(n);
    }

    /// No more fields are taken from one record.
    pub(super) fn is_full(&self) -> bool {
        self.entries.len() >= limits::FIELDS
    }
}

/// Something odd about one record. What could be read of it is kept.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
#[repr(u8)]
pub enum Issue {
    /// A quoted value has no closing quote; it was taken to the end of the line.
    UnclosedQuote,
    /// An escape that no writer should produce; its bytes were kept.
    BadEscape,
    /// A key that no writer should produce (empty, or with a quote in it).
    OddKey,
    /// The JSON ends early or is wrong; fields up to there were kept.
    BrokenJson,
    /// JSON nested deeper than [`crate::limits::JSON_DEPTH`]; the rest was kept as text.
    DeepJson,
    /// More fields than [`crate::limits::FIELDS`]; the rest was left out.
    TooManyFields,
    /// JSON that is not UTF-8; odd bytes became U+FFFD in the fields.
    NotUtf8,
    /// The body was cut at [`crate::limits::LINE_BYTES`].
    Truncated,
}

impl Issue {
    /// All of them.
    pub const ALL: [Self; 8] = [
        Self::UnclosedQuote,
        Self::BadEscape,
        Self::OddKey,
        Self::BrokenJson,
        Self::DeepJson,
        Self::TooManyFields,
        Self::NotUtf8,
        Self::Truncated,
    ];
}

/// The issues of one record: a set, without allocation.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Issues(u8);

impl Issues {
    /// Adds one.
    pub fn add(&mut self, issue: Issue) {
        self.0 |= 1 << issue as u8;
    }

    /// It is among them.
    #[must_use]
    pub fn has(self, issue: Issue) -> bool {
        self.0 & (1 << issue as u8) != 0
    }

    /// There are none.
    #[must_use]
    pub fn is_empty(self) -> bool {
        self.0 == 0
    }

    /// All that are present, in the order of [`Issue`].
    pub fn iter(self) -> impl Iterator<Item = Issue> {
        Issue::ALL.into_iter().filter(move |issue| self.has(*issue))
    }
}
