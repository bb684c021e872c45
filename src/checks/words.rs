//! Numbers as people write them.

/// `2m28s`, `3h`, `12d`.
pub(super) fn duration(seconds: f64) -> String {
    if !seconds.is_finite() {
        return "?".to_owned();
    }
    let negative = if seconds < 0.0 { "-" } else { "" };
    let seconds = seconds.abs();
    if seconds < 1.0 {
        return format!("{negative}{:.0}ms", seconds * 1000.0);
    }
    #[expect(
        clippy::cast_possible_truncation,
        clippy::cast_sign_loss,
        reason = "finite, not negative"
    )]
    let whole = seconds.round() as u64;
    let (d, h, m, s) = (
        whole / 86_400,
        whole / 3600 % 24,
        whole / 60 % 60,
        whole % 60,
    );
    let text = match (d, h, m, s) {
        (0, 0, 0, s) => format!("{s}s"),
        (0, 0, m, 0) => format!("{m}m"),
        (0, 0, m, s) => format!("{m}m{s}s"),
        (0, h, 0, _) => format!("{h}h"),
        (0, h, m, _) => format!("{h}h{m}m"),
        (d, 0, _, _) => format!("{d}d"),
        (d, h, _, _) if d < 10 => format!("{d}d{h}h"),
        (d, _, _, _) => format!("{d}d"),
    };
    format!("{negative}{text}")
}

/// `3.4Gi`, `117Mi`.
pub(super) fn bytes(bytes: f64) -> String {
    let mut value = bytes;
    for unit in ["B", "Ki", "Mi", "Gi", "Ti"] {
        if value.abs() < 1024.0 || unit == "Ti" {
            let digits = usize::from(unit != "B" && value.abs() < 10.0);
            return format!("{value:.digits$}{unit}");
        }
        value /= 1024.0;
    }
    String::new()
}

/// `99.93 %`: never rounded up to 100.
pub(super) fn share(share: f64) -> String {
    if !share.is_finite() {
        return "?".to_owned();
    }
    // Neither is "-0 %" a figure.
    let percent = if share.abs() < 5e-4 && share <= 0.0 {
        0.0
    } else {
        share * 100.0
    };
    let digits = if (99.0..100.0).contains(&percent) {
        3
    } else {
        usize::from(percent.abs() < 10.0 && percent != 0.0)
    };
    let scale = libm::pow(10.0, digits as f64);
    let cut = if (99.0..100.0).contains(&percent) {
        (percent * scale).floor() / scale
    } else {
        percent
    };
    format!("{cut:.digits$} %")
}

/// `1,234,567`; a few digits after the point for small ones.
pub(super) fn count(value: f64) -> String {
    if !value.is_finite() {
        return "?".to_owned();
    }
    if value.fract() != 0.0 && value.abs() < 100.0 {
        return format!("{value:.1}");
    }
    let digits = format!("{:.0}", value.abs());
    let mut text = String::new();
    for (i, c) in digits.chars().enumerate() {
        if i > 0 && (digits.len() - i) % 3 == 0 {
            text.push(',');
        }
        text.push(c);
    }
    if value < 0.0 {
        format!("-{text}")
    } else {
        text
    }
}

/// `1 pod`, `3 pods`.
pub(super) fn plural(n: usize, one: &str) -> String {
    if n == 1 {
        format!("1 {one}")
    } else {
        format!("{n} {one}s")
    }
}

/// The first few of a list, and how many more.
pub(super) fn some<S: AsRef<str>>(all: &[S]) -> String {
    const SHOWN: usize = 3;
    let shown: Vec<&str> = all.iter().take(SHOWN).map(AsRef::as_ref).collect();
    match all.len().saturating_sub(SHOWN) {
        0 => shown.join(", "),
        more => format!("{} and {more} more", shown.join(", ")),
    }
}

/// `2026-11-23` of seconds since the epoch.
pub(super) fn date(seconds: f64) -> String {
    #[expect(
        clippy::cast_possible_truncation,
        reason = "absurd ones saturate, and have no date"
    )]
    let time = crate::record::Time::new(seconds as i64, 0);
    let text = time.map(crate::record::Time::rfc3339).unwrap_or_default();
    text.get(..10).unwrap_or("?").to_owned()
}

/// `1 failure`, `1,200 failures`.
pub(super) fn plural_count(n: f64, one: &str) -> String {
    if n == 1.0 {
        format!("1 {one}")
    } else {
        format!("{} {one}s", count(n))
    }
}
