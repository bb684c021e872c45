//! Renders the one report value for people and machines.
//!
//! Every format shows the same value, [`model::Report`]; none knows more than it carries. The same
//! value and [`Style`] give the same bytes. Log text is hostile, so every string passes an escaper
//! of [`escape`] on its way out: text, Markdown, HTML, Slack and JUnit see a cleaned copy of the
//! report, JSON and YAML the value itself with what terminals obey written as escapes.

mod choice;
mod compose;
pub mod escape;
mod html;
mod junit;
mod machine;
mod markdown;
pub mod model;
mod names;
mod phrase;
mod piped;
pub mod remedy;
mod slack;
mod strip;
mod text;
mod timeline;
mod view;
mod words;

#[cfg(test)]
mod tests;

pub use html::{STYLE, fragment};
pub use machine::schema;
pub use phrase::{Strength, percent, strength};

use model::Report;

/// An output format; `-o` on the command line.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Format {
    /// One screen for a person.
    #[default]
    Text,
    /// The value itself, `rdiag/report/v1`.
    Json,
    /// The same as YAML.
    Yaml,
    /// GitHub-flavoured Markdown, for a ticket.
    Markdown,
    /// One self-contained page.
    Html,
    /// A Block Kit message.
    Slack,
    /// JUnit XML: an incident is a failing test case.
    Junit,
}

impl Format {
    /// All formats, in the order the help lists them.
    pub const ALL: [Self; 7] = [
        Self::Text,
        Self::Json,
        Self::Yaml,
        Self::Markdown,
        Self::Html,
        Self::Slack,
        Self::Junit,
    ];

    /// The name used on the command line.
    #[must_use]
    pub fn name(self) -> &'static str {
        match self {
            Self::Text => "text",
            Self::Json => "json",
            Self::Yaml => "yaml",
            Self::Markdown => "markdown",
            Self::Html => "html",
            Self::Slack => "slack",
            Self::Junit => "junit",
        }
    }

    /// The format of that name, if there is one.
    #[must_use]
    pub fn from_name(name: &str) -> Option<Self> {
        Self::ALL.into_iter().find(|format| format.name() == name)
    }

    /// The media type for HTTP answers.
    #[must_use]
    pub fn media_type(self) -> &'static str {
        match self {
            Self::Text => "text/plain; charset=utf-8",
            Self::Json | Self::Slack => "application/json",
            Self::Yaml => "application/yaml",
            Self::Markdown => "text/markdown; charset=utf-8",
            Self::Html => "text/html; charset=utf-8",
            Self::Junit => "application/xml",
        }
    }
}

/// How text is laid out; other formats ignore it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Style {
    /// Columns of the terminal. Below 40 is taken as 40; lines use at most 100.
    pub width: usize,
    /// Colour by ANSI sequences. Nothing is said by colour alone.
    pub color: bool,
    /// 0 fits one screen, 1 and more says everything.
    pub verbose: u8,
}

impl Default for Style {
    fn default() -> Self {
        Self {
            width: 80,
            color: false,
            verbose: 0,
        }
    }
}

/// What the report says in one line: title and subjects of its worst incident. Cleaned of what does
/// not show, but not escaped for any format. None when it has no incident.
#[must_use]
pub fn headline(report: &Report) -> Option<String> {
    let report = shown(report);
    let view = view::View::new(&report);
    let first = view.first().or_else(|| view.others().into_iter().next())?;
    Some(view.name(first))
}

/// The receivers as a table, one line each: readiness, restarts, version, series, rates, memory of
/// the limit, disk, hash of the loaded ring, age of the last upload. The result ends with a newline.
#[must_use]
pub fn status(report: &Report, style: Style) -> String {
    text::status(&shown(report), style)
}

/// Renders `report` in `format`. The result ends with a newline.
#[must_use]
pub fn render(report: &Report, format: Format, style: Style) -> String {
    match format {
        Format::Json => machine::json(report),
        Format::Yaml => machine::yaml(report),
        Format::Text => text::render(&shown(report), style),
        Format::Markdown => markdown::render(&shown(report)),
        Format::Html => html::render(&shown(report)),
        Format::Slack => slack::render(&shown(report)),
        Format::Junit => junit::render(&shown(report)),
    }
}

/// As people see it.
fn shown(report: &Report) -> Report {
    piped::named(escape::clean(report))
}
pub use compose::{Extra, compose};
