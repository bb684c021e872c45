//! What a check finds, for people and machines: `rdiag/check/v1`. Fields may only be added.

use serde::{Deserialize, Serialize};

/// Version of the JSON.
pub const SCHEMA: &str = "rdiag/check/v1";

/// Which checklist.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Cadence {
    /// Every day.
    Daily,
    /// Every week.
    Weekly,
    /// Every month.
    Monthly,
}

impl Cadence {
    /// `daily`, `weekly`, `monthly`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Daily => "daily",
            Self::Weekly => "weekly",
            Self::Monthly => "monthly",
        }
    }

    /// Seconds between two of them.
    pub(super) fn seconds(self) -> f64 {
        match self {
            Self::Daily => 86_400.0,
            Self::Weekly => 7.0 * 86_400.0,
            Self::Monthly => 31.0 * 86_400.0,
        }
    }
}

/// How an item ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// The target is met.
    Pass,
    /// It cannot be told; never shown as pass.
    #[default]
    Unknown,
    /// Met, but look at it.
    Warn,
    /// Missed.
    Fail,
}

impl Status {
    /// `pass`, `warn`, `fail`, `unknown`.
    #[must_use]
    pub fn as_str(self) -> &'static str {
        match self {
            Self::Pass => "pass",
            Self::Unknown => "unknown",
            Self::Warn => "warn",
            Self::Fail => "fail",
        }
    }
}

/// One checklist, gone through.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Checklist {
    /// [`SCHEMA`].
    pub schema: String,
    /// Which checklist.
    pub cadence: Cadence,
    /// Time of the data, RFC 3339; never that of the run.
    pub at: Option<String>,
    /// Namespaces of the receivers, sorted.
    pub namespaces: Vec<String>,
    /// Receivers, `namespace/name`, sorted.
    pub receivers: Vec<String>,
    /// Versions of Thanos, sorted.
    pub versions: Vec<String>,
    /// Items by how they ended.
    pub counts: Counts,
    /// The items, in reading order.
    pub items: Vec<Item>,
    /// Time of the check compared with, if one was.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub against: Option<String>,
    /// What could not be read.
    #[serde(default)]
    pub gaps: Vec<Unread>,
}

/// Items by how they ended.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Counts {
    /// Passed.
    pub pass: usize,
    /// Passed, with something to look at.
    pub warn: usize,
    /// Missed their target.
    pub fail: usize,
    /// Could not be told.
    pub unknown: usize,
}

/// Something of the input that could not be read.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Unread {
    /// What.
    pub what: String,
    /// Why.
    pub why: String,
}

/// One line of a checklist.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Item {
    /// Stable name.
    pub id: String,
    /// Heading it stands under.
    pub section: String,
    /// What is checked.
    pub title: String,
    /// How it ended.
    pub status: Status,
    /// What was found.
    pub figure: Option<String>,
    /// What should be.
    pub target: Option<String>,
    /// Where the figure comes from: metrics, objects, files, by the names they have here.
    pub source: Option<String>,
    /// Why it is not a pass.
    pub why: Option<String>,
    /// How to look closer, or what to do: a command or a sentence.
    pub next: Option<String>,
    /// By pod, tenant or whatever it is about.
    #[serde(default)]
    pub details: Vec<Detail>,
    /// The same item of the check compared with.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub before: Option<Before>,
}

/// One subject of an item.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Detail {
    /// Pod, tenant, address, …
    pub subject: String,
    /// How it ended.
    pub status: Status,
    /// What was found.
    pub figure: String,
    /// The same as a number, where it is one.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub value: Option<f64>,
}

/// An item of an earlier check.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct Before {
    /// How it ended.
    pub status: Status,
    /// What was found.
    pub figure: Option<String>,
}

impl Checklist {
    /// Whether an item failed.
    #[must_use]
    pub fn failed(&self) -> bool {
        self.counts.fail > 0
    }

    /// The item of that id.
    #[must_use]
    pub fn item(&self, id: &str) -> Option<&Item> {
        self.items.iter().find(|item| item.id == id)
    }
}

impl Item {
    /// An item that nothing is known of yet.
    pub(super) fn new(id: &str, section: &str, title: &str) -> Self {
        Self {
            id: id.to_owned(),
            section: section.to_owned(),
            title: title.to_owned(),
            ..Self::default()
        }
    }

    pub(super) fn target(mut self, text: impl Into<String>) -> Self {
        self.target = Some(text.into());
        self
    }

    pub(super) fn figure(mut self, text: impl Into<String>) -> Self {
        self.figure = Some(text.into());
        self
    }

    pub(super) fn source(mut self, text: impl Into<String>) -> Self {
        self.source = Some(text.into());
        self
    }

    pub(super) fn next(mut self, text: impl Into<String>) -> Self {
        self.next = Some(text.into());
        self
    }

    pub(super) fn details(mut self, details: Vec<Detail>) -> Self {
        self.details = details;
        self
    }

    /// Ends it as not to be told, with the reason.
    pub(super) fn unknown(self, why: impl Into<String>) -> Self {
        self.ends(Status::Unknown, why)
    }

    /// Ends it; the reason matters unless it is a pass.
    pub(super) fn ends(mut self, status: Status, why: impl Into<String>) -> Self {
        self.status = status;
        self.why = Some(why.into()).filter(|w| !w.is_empty());
        self
    }

    pub(super) fn pass(self) -> Self {
        self.ends(Status::Pass, "")
    }
}

impl Detail {
    pub(super) fn new(subject: &str, status: Status, figure: impl Into<String>) -> Self {
        Self {
            subject: subject.to_owned(),
            status,
            figure: figure.into(),
            value: None,
        }
    }

    pub(super) fn value(mut self, value: f64) -> Self {
        self.value = Some(value).filter(|v| v.is_finite());
        self
    }
}
