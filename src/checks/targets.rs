//! What the checks compare with: one flat file of names and values.

use std::collections::BTreeMap;

use crate::record::Times;

/// The file that is compiled in.
pub const DEFAULTS: &str = include_str!("targets.yaml");

/// All targets by name.
#[derive(Clone, Debug, PartialEq)]
pub struct Targets {
    values: BTreeMap<String, Target>,
}

/// One target: as written, and as a number in the base unit of its kind.
#[derive(Clone, Debug, PartialEq)]
struct Target {
    text: String,
    kind: Kind,
    value: f64,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Kind {
    /// 0 to 1.
    Share,
    /// Seconds.
    Duration,
    /// Bytes.
    Bytes,
    /// Plain number.
    Count,
    /// Seconds since the epoch; not finite for `never`.
    Date,
}

impl Kind {
    fn example(self) -> &'static str {
        match self {
            Self::Share => "a share such as 99.9%",
            Self::Duration => "a time such as 500ms, 15m or 14d",
            Self::Bytes => "a size such as 3.5Gi",
            Self::Count => "a number",
            Self::Date => "a date such as 2026-10-01, or never",
        }
    }
}

impl Default for Targets {
    fn default() -> Self {
        let values = read(DEFAULTS).and_then(|raw| {
            let parsed = raw.into_iter().map(|(name, text)| {
                let target = target(&text).ok_or_else(|| format!("{name}: {text}"))?;
                Ok((name, target))
            });
            parsed.collect::<Result<BTreeMap<_, _>, String>>()
        });
        Self {
            values: values.expect("the embedded file is tested"),
        }
    }
}

impl Targets {
    /// The embedded targets, with those of `yaml` in their place.
    ///
    /// # Errors
    /// Everything that is wrong with `yaml`: not a flat mapping, unknown names, wrong units.
    pub fn with(yaml: &str) -> Result<Self, Vec<String>> {
        let mut targets = Self::default();
        let mut problems = Vec::new();
        for (name, text) in read(yaml).map_err(|e| vec![e])? {
            let Some(known) = targets.values.get_mut(&name) else {
                problems.push(format!("{name}: no such target"));
                continue;
            };
            match target(&text).filter(|t| t.kind == known.kind) {
                Some(target) => *known = target,
                None => problems.push(format!("{name}: {text}: expected {}", known.kind.example())),
            }
        }
        if problems.is_empty() {
            Ok(targets)
        } else {
            Err(problems)
        }
    }

    /// The value: shares 0 to 1, seconds, bytes, plain numbers; not finite for a date that is
    /// `never`, or for a name that does not exist.
    #[must_use]
    pub fn get(&self, name: &str) -> f64 {
        self.values.get(name).map_or(f64::NAN, |t| t.value)
    }

    /// The value as it is written.
    #[must_use]
    pub fn text(&self, name: &str) -> &str {
        self.values.get(name).map_or("?", |t| t.text.as_str())
    }

    /// All names, sorted.
    pub fn names(&self) -> impl Iterator<Item = &str> {
        self.values.keys().map(String::as_str)
    }
}

fn read(yaml: &str) -> Result<BTreeMap<String, String>, String> {
    if yaml
        .lines()
        .all(|l| l.trim().is_empty() || l.trim_start().starts_with('#'))
    {
        return Ok(BTreeMap::new());
    }
    serde_saphyr::from_str(yaml).map_err(|e| e.to_string())
}

fn target(text: &str) -> Option<Target> {
    let text = text.trim();
    let found = |kind, value| {
        Some(Target {
            text: text.to_owned(),
            kind,
            value,
        })
    };
    if text == "never" {
        return found(Kind::Date, f64::NEG_INFINITY);
    }
    if let Some(seconds) = date(text) {
        return found(Kind::Date, seconds);
    }
    let unit = text.trim_start_matches(|c: char| c.is_ascii_digit() || c == '.');
    let number: f64 = text[..text.len() - unit.len()].parse().ok()?;
    let (kind, factor) = match unit.trim() {
        "%" => return found(Kind::Share, number / 100.0),
        "ms" => (Kind::Duration, 0.001),
        "s" => (Kind::Duration, 1.0),
        "m" => (Kind::Duration, 60.0),
        "h" => (Kind::Duration, 3600.0),
        "d" => (Kind::Duration, 86_400.0),
        "Ki" => (Kind::Bytes, 1024.0),
        "Mi" => (Kind::Bytes, 1024.0 * 1024.0),
        "Gi" => (Kind::Bytes, 1024.0 * 1024.0 * 1024.0),
        "Ti" => (Kind::Bytes, 1024.0 * 1024.0 * 1024.0 * 1024.0),
        "" => (Kind::Count, 1.0),
        _ => return None,
    };
    found(kind, number * factor)
}

/// Seconds since the epoch of a date, `YYYY-MM-DD`, at its beginning, UTC.
pub(super) fn date(text: &str) -> Option<f64> {
    let is_date = text.len() == 10 && text.bytes().filter(|b| *b == b'-').count() == 2;
    let time = Times::default().value(format!("{text}T00:00:00Z").as_bytes());
    #[expect(clippy::cast_precision_loss, reason = "seconds of this age fit")]
    is_date
        .then_some(time?)
        .map(|t| (t.0 / 1_000_000_000) as f64)
}
