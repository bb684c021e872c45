//! What is wrong in a hashring file, where, and what it leads to.

use serde::Serialize;

/// A place in the file; both count from 1, the column in characters.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize)]
pub struct Place {
    /// Line.
    pub line: usize,
    /// Column.
    pub column: usize,
}

impl Place {
    /// The place of byte `offset` of `text`.
    #[must_use]
    pub fn of(text: &str, offset: usize) -> Self {
        let before = text.get(..offset).unwrap_or(text);
        let line_start = before.rfind('\n').map_or(0, |at| at + 1);
        Self {
            line: before.matches('\n').count() + 1,
            column: before[line_start..].chars().count() + 1,
        }
    }
}

impl std::fmt::Display for Place {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        write!(f, "{}:{}", self.line, self.column)
    }
}

/// How much a fault matters.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize)]
#[serde(rename_all = "lowercase")]
pub enum Weight {
    /// Thanos refuses the file, dies of it, answers requests with errors, or places series other
    /// than the file says.
    Error,
    /// Works, but is fragile, has no effect, or depends on something that is not in the file.
    Warning,
}

/// Something wrong in a hashring file.
#[derive(Clone, Debug, PartialEq, Eq, Serialize)]
pub struct Fault {
    /// Where.
    pub place: Place,
    /// How much it matters.
    pub weight: Weight,
    /// Stable name of the kind of fault.
    pub id: &'static str,
    /// What is wrong, with the names concerned.
    pub what: String,
    /// What Thanos makes of it.
    pub consequence: String,
    /// What to write instead, where that can be said.
    #[serde(skip_serializing_if = "Option::is_none")]
    pub fix: Option<String>,
}

impl Fault {
    /// A fault of weight [`Weight::Error`].
    pub(super) fn error(
        place: Place,
        id: &'static str,
        what: impl Into<String>,
        consequence: impl Into<String>,
    ) -> Self {
        let (what, consequence) = (what.into(), consequence.into());
        Self {
            place,
            weight: Weight::Error,
            id,
            what,
            consequence,
            fix: None,
        }
    }

    /// A fault of weight [`Weight::Warning`].
    pub(super) fn warning(
        place: Place,
        id: &'static str,
        what: impl Into<String>,
        consequence: impl Into<String>,
    ) -> Self {
        Self {
            weight: Weight::Warning,
            ..Self::error(place, id, what, consequence)
        }
    }

    /// The same with advice.
    pub(super) fn fix(mut self, fix: impl Into<String>) -> Self {
        self.fix = Some(fix.into());
        self
    }
}
