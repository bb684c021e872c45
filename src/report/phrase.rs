//! Words for numbers: shared by all formats made for people, so that they say the same.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::model::{Hypothesis, Incident, Subject};

/// How much one piece of evidence says.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Strength {
    /// Below 3 : 1.
    Weak,
    /// 3 : 1 and more.
    Moderate,
    /// 20 : 1 and more.
    Strong,
    /// 1000 : 1 and more: it would settle most questions alone.
    Decisive,
    /// It defines the cause.
    Proof,
}

impl Strength {
    /// The word printed.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Weak => "weak",
            Self::Moderate => "moderate",
            Self::Strong => "strong",
            Self::Decisive => "decisive",
            Self::Proof => "proof",
        }
    }
}

/// The strength of evidence of so many nats, for or against. Limits are round odds against the
/// best rival: 3, 20 and 1000 to 1.
#[must_use]
pub fn strength(nats: f64) -> Strength {
    let size = nats.abs();
    if size >= 6.9 {
        Strength::Decisive
    } else if size >= 3.0 {
        Strength::Strong
    } else if size >= 1.1 {
        Strength::Moderate
    } else {
        Strength::Weak
    }
}

/// `97 %`, never a bare 0 or 100.
#[must_use]
pub fn percent(probability: f64) -> String {
    let p = probability.clamp(0.0, 1.0) * 100.0;
    if p > 99.0 {
        ">99 %".to_owned()
    } else if p < 1.0 {
        "<1 %".to_owned()
    } else {
        format!("{p:.0} %")
    }
}

/// A verdict or band as a heading.
pub(super) fn verdict(word: &str) -> String {
    match word {
        "cannot_tell" => "CANNOT TELL".to_owned(),
        word => word.replace('_', " ").to_uppercase(),
    }
}

/// What `heals_itself` means to someone deciding whether to act.
pub(super) fn heals(word: &str) -> Option<&'static str> {
    match word {
        "never" => Some("does not heal by itself"),
        "sometimes" => Some("sometimes heals by itself"),
        "usually" => Some("usually heals by itself"),
        _ => None,
    }
}

/// What the role says about where to dig.
pub(super) fn role(word: &str) -> Option<&'static str> {
    match word {
        "root" => Some("root cause"),
        "proximate" => Some("immediate cause, what is behind it was not seen"),
        "contributing" => Some("contributing cause"),
        "benign" => Some("benign"),
        _ => None,
    }
}

/// What a lesser hypothesis of an incident is called.
pub(super) fn standing(hypothesis: &Hypothesis) -> &str {
    match (hypothesis.role.as_str(), hypothesis.band.as_str()) {
        ("benign", _) => "benign",
        (_, "cannot_tell" | "") => "less likely",
        ("contributing", _) => "contributing",
        (_, band) => band,
    }
}

/// `1,234,567`.
pub(super) fn count(n: u64) -> String {
    let digits = n.to_string();
    let mut out = String::with_capacity(digits.len() + digits.len() / 3);
    for (i, digit) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i).is_multiple_of(3) {
            out.push(',');
        }
        out.push(digit);
    }
    out
}

/// `1 line`, `2 lines`.
pub(super) fn plural(n: u64, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{} {one}s", count(n))
    }
}

/// `4.5 MB`, in powers of ten.
pub(super) fn bytes(n: u64) -> String {
    let mut size = n as f64;
    if size < 1000.0 {
        return format!("{n} B");
    }
    for unit in ["kB", "MB", "GB"] {
        size /= 1000.0;
        if size < 999.5 {
            let digits = usize::from(size < 9.95);
            return format!("{size:.digits$} {unit}");
        }
    }
    format!("{:.1} TB", size / 1000.0)
}

/// The time of an RFC 3339 string.
pub(super) fn parse(time: &str) -> Option<Timestamp> {
    time.parse().ok()
}

/// Seconds since the epoch, of an optional RFC 3339 string.
pub(super) fn seconds(time: Option<&str>) -> Option<f64> {
    parse(time?).map(|t| t.as_millisecond() as f64 / 1000.0)
}

/// `2026-03-04 01:40:52`, or without the date where it is that of `beside`.
pub(super) fn time(time: &str, beside: Option<&str>) -> String {
    let Some(at) = parse(time) else {
        return time.to_owned();
    };
    let same_day = beside
        .and_then(parse)
        .is_some_and(|other| day(other) == day(at));
    let format = if same_day {
        "%H:%M:%S"
    } else {
        "%Y-%m-%d %H:%M:%S"
    };
    at.to_zoned(TimeZone::UTC).strftime(format).to_string()
}

/// `2026-03-04 01:40:52 – 01:43:10 UTC (2m18s)`.
pub(super) fn window(from: Option<&str>, until: Option<&str>) -> Option<String> {
    let (from, until) = match (from, until) {
        (Some(from), Some(until)) => (from, until),
        (Some(one), None) | (None, Some(one)) => return Some(format!("{} UTC", time(one, None))),
        (None, None) => return None,
    };
    let length = match (parse(from), parse(until)) {
        (Some(a), Some(b)) if b >= a => format!(" ({})", duration(b.as_second() - a.as_second())),
        _ => String::new(),
    };
    Some(format!(
        "{} – {} UTC{length}",
        time(from, None),
        time(until, Some(from))
    ))
}

/// The two largest units: `2m18s`, `3h05m`, `4d2h`.
pub(super) fn duration(secs: i64) -> String {
    let secs = secs.max(0);
    let (days, hours, minutes) = (secs / 86_400, secs / 3600 % 24, secs / 60 % 60);
    if days > 0 {
        format!("{days}d{hours}h")
    } else if hours > 0 {
        format!("{hours}h{minutes:02}m")
    } else if minutes > 0 {
        format!("{minutes}m{:02}s", secs % 60)
    } else {
        format!("{secs}s")
    }
}

/// When an incident was, relative to the report's window. An end is claimed only if it was seen.
pub(super) fn span(incident: &Incident, scope_from: Option<&str>) -> Option<String> {
    let from = incident.from.as_deref()?;
    let since = time(from, scope_from);
    Some(match incident.until.as_deref() {
        Some(until) => format!("{since} – {}, over", time(until, Some(from))),
        None => format!("since {since}, no end seen"),
    })
}

/// A subject's name, without its namespace when there is only one, with its kind unless the name
/// says it.
pub(super) fn subject(subject: &Subject, namespace: Option<&str>) -> String {
    let name = pod(&subject.name, namespace);
    match subject.kind.as_str() {
        "pod" | "peer" if name.is_empty() => "a receiver".to_owned(),
        "sender" if name.is_empty() => "a sender".to_owned(),
        "pod" | "peer" | "sender" => name.to_owned(),
        "global" => "the whole ring".to_owned(),
        kind if name.is_empty() || name == kind => kind.to_owned(),
        kind => format!("{kind} {name}"),
    }
}

/// A pod's name, without its namespace when there is only one; never nothing at all.
pub(super) fn pod<'a>(name: &'a str, namespace: Option<&str>) -> &'a str {
    namespace
        .and_then(|ns| name.strip_prefix(ns))
        .and_then(|rest| rest.strip_prefix('/'))
        .filter(|rest| !rest.is_empty())
        .unwrap_or(name)
}

/// Several names as one: all of them up to three, then how many more.
pub(super) fn names(names: &[String]) -> String {
    match names {
        [first, second, rest @ ..] if rest.len() > 1 => {
            format!("{first}, {second} and {} more", rest.len())
        }
        all => all.join(", "),
    }
}

/// [`names`], with a beginning that all share said once: `metrics of a, b`.
pub(super) fn list(texts: &[String]) -> String {
    let Some((head, _)) = texts.first().and_then(|text| text.rsplit_once(' ')) else {
        return names(texts);
    };
    let tails: Option<Vec<String>> = texts
        .iter()
        .map(|text| text.strip_prefix(head)?.strip_prefix(' '))
        .map(|tail| tail.map(str::to_owned))
        .collect();
    match tails {
        Some(tails) if tails.len() > 1 => format!("{head} {}", names(&tails)),
        _ => names(texts),
    }
}

fn day(time: Timestamp) -> i64 {
    time.as_second().div_euclid(86_400)
}
