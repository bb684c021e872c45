//! Times as log writers print them.
//!
//! Lines of one second come in runs, so the last date and second are remembered and only the
//! fraction is read again. Times without a zone are taken as UTC: containers run in it.

use jiff::{Timestamp, civil, tz};
use serde::{Deserialize, Serialize};

const NANOS: i64 = 1_000_000_000;

/// Length of `2006-01-02T15:04:05`.
const SECOND: usize = 19;

/// Nanoseconds since the Unix epoch, UTC.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub struct Time(pub i64);

impl Time {
    /// The calendar year, UTC.
    #[must_use]
    pub fn year(self) -> i16 {
        Timestamp::from_nanosecond(i128::from(self.0))
            .map_or(1970, |at| tz::Offset::UTC.to_datetime(at).year())
    }

    /// Nanoseconds from `earlier` to this time, negative if it is the later one. Of more than 292 years,
    /// which only an invented time makes, as many as there is room for.
    #[must_use]
    pub fn since(self, earlier: Self) -> i64 {
        self.0.saturating_sub(earlier.0)
    }

    /// From seconds and nanoseconds; `None` outside the years 1677 to 2262.
    #[must_use]
    pub fn new(seconds: i64, nanos: i64) -> Option<Self> {
        seconds.checked_mul(NANOS)?.checked_add(nanos).map(Self)
    }

    /// RFC 3339 in UTC with as many digits of the second as are needed.
    #[must_use]
    pub fn rfc3339(self) -> String {
        Timestamp::from_nanosecond(i128::from(self.0))
            .map_or_else(|_| String::new(), |at| at.to_string())
    }
}

/// Reads times; remembers the last second, and the year for writers who leave it out.
#[derive(Clone, Debug, Default)]
pub struct Times {
    prefix: [u8; SECOND],
    seconds: i64,
    /// The year of klog and syslog times. Without it, and without a time of the frame, such lines
    /// have no time.
    pub year: Option<i16>,
    /// The time that the frame of the current line gave, for the same purpose.
    pub(super) frame: Option<Time>,
}

impl Times {
    /// A reader that takes this year where writers leave it out.
    #[must_use]
    pub fn with_year(year: Option<i16>) -> Self {
        Self {
            year,
            ..Self::default()
        }
    }

    /// The time that `text` begins with, and how many bytes it takes: RFC 3339 in any zone or in
    /// none, with `T` or a blank in the middle, or Go's `2006/01/02 15:04:05`.
    pub fn leading(&mut self, text: &[u8]) -> Option<(Time, usize)> {
        let second: &[u8; SECOND] = text.first_chunk()?;
        if *second != self.prefix {
            self.seconds = date_and_second(second)?;
            self.prefix = *second;
        }
        let (nanos, mut at) = fraction(text, SECOND);
        let offset = zone(&text[at..]).map_or(0, |(offset, len)| {
            at += len;
            offset
        });
        let time = Time::new(self.seconds.checked_sub(offset)?, nanos)?;
        Some((time, at))
    }

    /// The time that a field's value is, be it written as [`Times::leading`] reads it or as
    /// seconds, milli-, micro- or nanoseconds since the epoch.
    pub fn value(&mut self, text: &[u8]) -> Option<Time> {
        match self.leading(text) {
            Some((time, len)) => (len == text.len()).then_some(time),
            None => epoch(text),
        }
    }

    /// klog: `0102 15:04:05.000000`, and how many bytes it takes.
    pub fn klog(&mut self, text: &[u8]) -> Option<(Option<Time>, usize)> {
        let (month, day) = (digits(text, 0, 2)?, digits(text, 2, 2)?);
        (*text.get(4)? == b' ').then_some(())?;
        self.without_year(month, day, text, 5)
    }

    /// syslog: `Feb  7 09:14:38`, with or without a fraction, and how many bytes it takes.
    pub fn syslog(&mut self, text: &[u8]) -> Option<(Option<Time>, usize)> {
        let month = month(text)?;
        (*text.get(3)? == b' ').then_some(())?;
        let day = match *text.get(4)? {
            b' ' => digits(text, 5, 1)?,
            _ => digits(text, 4, 2)?,
        };
        (*text.get(6)? == b' ').then_some(())?;
        self.without_year(month, day, text, 7)
    }

    fn without_year(
        &mut self,
        month: i64,
        day: i64,
        text: &[u8],
        at: usize,
    ) -> Option<(Option<Time>, usize)> {
        let clock = clock(text, at)?;
        let (nanos, end) = fraction(text, at + 8);
        let year = self.frame.map(Time::year).or(self.year);
        let time = year.and_then(|year| {
            let seconds = at_utc(i64::from(year), month, day, clock)?;
            Time::new(seconds, nanos)
        });
        Some((time, end))
    }
}

fn date_and_second(text: &[u8; SECOND]) -> Option<i64> {
    let dashes = matches!((text[4], text[7]), (b'-', b'-') | (b'/', b'/'));
    let middle = matches!(text[10], b'T' | b't' | b' ');
    (dashes && middle).then_some(())?;
    let clock = clock(text, 11)?;
    at_utc(
        digits(text, 0, 4)?,
        digits(text, 5, 2)?,
        digits(text, 8, 2)?,
        clock,
    )
}

/// `15:04:05` at a place.
fn clock(text: &[u8], at: usize) -> Option<[i64; 3]> {
    let colons = text.get(at + 2) == Some(&b':') && text.get(at + 5) == Some(&b':');
    colons.then_some(())?;
    Some([
        digits(text, at, 2)?,
        digits(text, at + 3, 2)?,
        digits(text, at + 6, 2)?,
    ])
}

/// Seconds since the epoch of a civil time in UTC; a leap second counts as the one before.
fn at_utc(year: i64, month: i64, day: i64, [hour, minute, second]: [i64; 3]) -> Option<i64> {
    let small = |n: i64| i8::try_from(n).ok();
    let at = civil::DateTime::new(
        i16::try_from(year).ok()?,
        small(month)?,
        small(day)?,
        small(hour)?,
        small(minute)?,
        small(second.min(59))?,
        0,
    );
    let at = tz::Offset::UTC.to_timestamp(at.ok()?).ok()?;
    Some(at.as_second())
}

fn digits(text: &[u8], at: usize, n: usize) -> Option<i64> {
    text.get(at..at + n)?.iter().try_fold(0, |sum, byte| {
        byte.is_ascii_digit()
            .then(|| sum * 10 + i64::from(byte - b'0'))
    })
}

/// Nanoseconds of a fraction at a place, and where it ends; digits past the ninth are read over.
fn fraction(text: &[u8], at: usize) -> (i64, usize) {
    if !matches!(text.get(at), Some(b'.' | b',')) {
        return (0, at);
    }
    let (mut nanos, mut unit, mut end) = (0, NANOS, at + 1);
    while let Some(byte) = text.get(end).filter(|byte| byte.is_ascii_digit()) {
        unit /= 10;
        nanos += i64::from(byte - b'0') * unit;
        end += 1;
    }
    if end == at + 1 { (0, at) } else { (nanos, end) }
}

/// Seconds east of UTC, and how many bytes say so: `Z`, `+02:00`, `+0200`.
fn zone(text: &[u8]) -> Option<(i64, usize)> {
    let sign = match *text.first()? {
        b'Z' | b'z' => return Some((0, 1)),
        b'+' => 1,
        b'-' => -1,
        _ => return None,
    };
    let hours = digits(text, 1, 2)?;
    let colon = usize::from(text.get(3) == Some(&b':'));
    let minutes = digits(text, 3 + colon, 2)?;
    let inside = hours < 24 && minutes < 60;
    inside.then_some((sign * (hours * 3600 + minutes * 60), 5 + colon))
}

/// A number since the epoch; its size tells the unit.
fn epoch(text: &[u8]) -> Option<Time> {
    let whole = text.iter().take_while(|byte| byte.is_ascii_digit()).count();
    if !(9..=19).contains(&whole) {
        return None;
    }
    let number = digits(text, 0, whole.min(18))?;
    let (nanos, end) = fraction(text, whole);
    (end == text.len()).then_some(())?;
    match whole {
        9..=11 => Time::new(number, nanos),
        12..=14 => number.checked_mul(1_000_000).map(Time),
        15..=17 => number.checked_mul(1000).map(Time),
        18 => Some(Time(number)),
        _ => std::str::from_utf8(&text[..whole])
            .ok()?
            .parse()
            .ok()
            .map(Time),
    }
}

fn month(text: &[u8]) -> Option<i64> {
    const NAMES: [&[u8; 3]; 12] = [
        b"Jan", b"Feb", b"Mar", b"Apr", b"May", b"Jun", b"Jul", b"Aug", b"Sep", b"Oct", b"Nov",
        b"Dec",
    ];
    let name: &[u8; 3] = text.first_chunk()?;
    (1..)
        .zip(NAMES)
        .find(|(_, known)| *known == name)
        .map(|(n, _)| n)
}
