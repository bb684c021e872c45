//! The wall clock, read in this one place. Times are milliseconds since the epoch.

use jiff::Timestamp;

/// Milliseconds since the epoch, as the store keeps times.
pub type Millis = i64;

/// Now.
#[allow(clippy::disallowed_methods)] // This is the rim; the core gets its time from here.
#[must_use]
pub fn now() -> Millis {
    Timestamp::now().as_millisecond()
}

/// A point on a clock that only moves forward, to measure durations by.
#[allow(clippy::disallowed_methods)] // As above.
#[must_use]
pub fn instant() -> std::time::Instant {
    std::time::Instant::now()
}

/// RFC 3339 in UTC, to the second.
#[must_use]
pub fn rfc3339(at: Millis) -> String {
    match Timestamp::from_second(at.div_euclid(1000)) {
        Ok(time) => time.to_string(),
        Err(_) => String::new(),
    }
}

/// `2026-11-23 02:00:20`, for pages.
#[must_use]
pub fn readable(at: Millis) -> String {
    rfc3339(at).replace('T', " ").replace('Z', "")
}
