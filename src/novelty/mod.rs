//! Templates of warning and error lines that no signature takes: mask, count, merge.
//!
//! A line becomes a *form* by a pure function of itself (`mask`): what varies from line to line
//! (numbers, ids, addresses, paths) becomes `<*>`. Forms are counted; at the end, forms that differ
//! only where values stand are put together (`merge`). Nothing depends on the order of lines or on
//! how they were cut into shards: the number of forms is bounded not by forgetting some but by
//! masking more of all, and the level of masking is the least one that fits.

mod counted;
mod mask;
mod merge;
mod skeleton;
#[cfg(test)]
mod tests;

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::limits;
use crate::record::{Format, Level, Origin, Record, Source, Time, errors};

pub use counted::Counted;
pub use skeleton::skeleton;

/// Stands for what varies.
pub const VARIABLE: &str = "<*>";

/// Forms of lines, counted.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Miner {
    /// Step of the ladder of masks that all forms are at.
    level: u8,
    forms: BTreeMap<Form, Stat>,
    /// Lines whose form had no room even at the last step.
    pub overflow: u64,
}

/// What is equal for lines of one form.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
struct Form {
    /// `component` of the line.
    component: Box<str>,
    /// File that the line was written in, without the line number.
    file: Box<str>,
    /// Masked message and causes.
    text: Box<str>,
}

/// How often a form was seen.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Stat {
    count: u64,
    first: Option<Time>,
    last: Option<Time>,
    /// Writers, sorted; a full list keeps its smallest.
    pods: Vec<Box<str>>,
}

/// One line, as far as mining is concerned. Parts that are absent are empty.
#[derive(Clone, Copy, Debug, Default)]
pub struct Line<'a> {
    /// When.
    pub time: Option<Time>,
    /// `component` of the line.
    pub component: &'a [u8],
    /// `caller` of the line: `file.go:123`.
    pub caller: &'a [u8],
    /// What the writer says.
    pub msg: &'a [u8],
    /// The error it quotes.
    pub err: &'a [u8],
}

/// What lines of one kind have in common.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Template {
    /// The message and, behind `: `, what went wrong; variable parts are [`VARIABLE`].
    pub text: String,
    /// Lines.
    pub count: u64,
    /// Earliest time.
    pub first: Option<Time>,
    /// Latest time.
    pub last: Option<Time>,
    /// Writers (`namespace/pod`), sorted; at most [`limits::NOVEL_PODS`].
    pub pods: Vec<String>,
    /// `component` of the lines.
    pub component: String,
    /// Source file the lines come from, without the line number.
    pub file: String,
}

impl Miner {
    /// Takes a record that no signature took. Only log lines of level warn and above count, and
    /// lines without a level where a receiver writes them.
    /// `true` if it is such a line.
    pub fn record(&mut self, record: &Record<'_>) -> bool {
        if !wanted(record) {
            return false;
        }
        let field = |names: &[&str]| {
            names
                .iter()
                .find_map(|n| record.fields().get(n))
                .unwrap_or_default()
        };
        let mut line = Line {
            time: record.time,
            component: field(&["component"]),
            caller: field(&["caller", "source"]),
            msg: field(&["msg", "message"]),
            err: field(&["err", "error"]),
        };
        if line.msg.is_empty() && line.err.is_empty() {
            line.msg = match record.format() {
                Format::Dump => record
                    .body
                    .split(|b| *b == b'\n')
                    .next()
                    .unwrap_or_default(),
                _ => record.body,
            };
        }
        self.add(record.origin, &line);
        true
    }

    /// Takes one line.
    pub fn add(&mut self, origin: &Origin, line: &Line<'_>) {
        let form = Form::of(line, self.level);
        if form.text.is_empty() {
            return;
        }
        let mut stat = Stat {
            count: 1,
            first: line.time,
            last: line.time,
            pods: Vec::new(),
        };
        if !origin.pod.is_empty() {
            stat.pods = vec![origin.name().as_ref().into()];
        }
        self.put(form, stat);
        self.fit();
    }

    /// Joins another miner into this one. `a.merge(b)` equals `b.merge(a)`.
    pub fn merge(&mut self, mut other: Self) {
        self.overflow = self.overflow.saturating_add(other.overflow);
        while self.level < other.level {
            self.climb();
        }
        while other.level < self.level {
            other.climb();
        }
        for (form, stat) in other.forms {
            self.put(form, stat);
        }
        self.fit();
    }

    /// No line so far.
    #[must_use]
    pub fn is_empty(&self) -> bool {
        self.forms.is_empty()
    }

    /// Distinct forms kept.
    #[must_use]
    pub fn forms(&self) -> usize {
        self.forms.len()
    }

    /// The templates, most frequent first.
    #[must_use]
    pub fn templates(&self) -> Vec<Template> {
        let mut found = merge::templates(&self.forms);
        found.sort_by(|a, b| {
            b.count.cmp(&a.count).then_with(|| {
                (&a.text, &a.component, &a.file).cmp(&(&b.text, &b.component, &b.file))
            })
        });
        found
    }

    fn put(&mut self, form: Form, stat: Stat) {
        self.forms.entry(form).or_default().merge(stat);
    }

    /// Masks more until the forms fit. At the last step a full table keeps its smallest.
    fn fit(&mut self) {
        while self.forms.len() > limits::NOVEL_FORMS {
            if self.level < mask::LAST {
                self.climb();
            } else if let Some((_, dropped)) = self.forms.pop_last() {
                self.overflow = self.overflow.saturating_add(dropped.count);
            }
        }
    }

    fn climb(&mut self) {
        self.level += 1;
        for (mut form, stat) in std::mem::take(&mut self.forms) {
            form.text = mask::step(&form.text, self.level).into();
            self.put(form, stat);
        }
    }
}

impl Form {
    fn of(line: &Line<'_>, level: u8) -> Self {
        let mut text = mask::mask(line.msg);
        let causes = causes(line.err);
        if !causes.is_empty() {
            if !text.is_empty() {
                text.push_str(": ");
            }
            text.push_str(&causes);
        }
        for step in 1..=level {
            text = mask::step(&text, step);
        }
        let file = line.caller.split(|b| *b == b':').next().unwrap_or_default();
        let file = file.rsplit(|b| *b == b'/').next().unwrap_or_default();
        let short = |bytes: &[u8]| {
            String::from_utf8_lossy(&bytes[..bytes.len().min(64)])
                .into_owned()
                .into_boxed_str()
        };
        Self {
            component: short(line.component),
            file: short(file),
            text: text.into(),
        }
    }
}

impl Stat {
    fn merge(&mut self, other: Self) {
        self.count = self.count.saturating_add(other.count);
        self.first = [self.first, other.first].into_iter().flatten().min();
        self.last = self.last.max(other.last);
        if self.pods.is_empty() {
            self.pods
                .reserve_exact(other.pods.len().min(limits::NOVEL_PODS));
        }
        for pod in other.pods {
            if let Err(at) = self.pods.binary_search(&pod) {
                self.pods.insert(at, pod);
                self.pods.truncate(limits::NOVEL_PODS);
            }
        }
    }
}

/// Warnings, errors and worse; of a receiver also what has no level at all.
fn wanted(record: &Record<'_>) -> bool {
    if record.source != Source::Log {
        return false;
    }
    match record.level {
        Some(level) => level >= Level::Warn,
        None => {
            let receiver = record
                .origin
                .container
                .as_deref()
                .is_none_or(|c| c.contains("receive"));
            receiver && !record.body.trim_ascii().is_empty()
        }
    }
}

/// Innermost causes of an error: each once, sorted, so that the order in which replicas failed makes
/// no difference.
fn causes(err: &[u8]) -> String {
    const KEPT: usize = 3;
    if err.is_empty() {
        return String::new();
    }
    let err = &err[..err.len().min(limits::NOVEL_ERROR_BYTES)];
    let mut all: Vec<String> = errors::parse(err)
        .iter()
        .map(|leaf| mask::mask(leaf.cause))
        .collect();
    all.retain(|c| !c.is_empty());
    all.sort();
    all.dedup();
    let more = all.len() > KEPT;
    all.truncate(KEPT);
    let mut text = all.join("; ");
    if more {
        text.push_str("; …");
    }
    text
}
