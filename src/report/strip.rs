//! The timeline as a picture: where times fall on a line, and what was listened to meanwhile.

use jiff::Timestamp;
use jiff::tz::TimeZone;

use super::model::{Report, Timeline, TimelineRow};
use super::phrase;

/// The stretch of time that a timeline shows, in seconds since the epoch.
#[derive(Clone, Copy, Debug)]
pub(super) struct Axis {
    from: f64,
    until: f64,
}

/// What one cell of a strip shows.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Cell {
    /// No log of that pod covers the time.
    Unheard,
    /// Covered, and nothing happened.
    Quiet,
    /// The worst mark in it.
    Mark(Rank),
}

/// Severities, mildest first.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) enum Rank {
    Info,
    Warning,
    Error,
    Critical,
}

impl Rank {
    pub(super) const ALL: [Self; 4] = [Self::Critical, Self::Error, Self::Warning, Self::Info];

    pub(super) fn of(severity: &str) -> Self {
        match severity {
            "critical" => Self::Critical,
            "error" => Self::Error,
            "warning" => Self::Warning,
            _ => Self::Info,
        }
    }

    pub(super) fn name(self) -> &'static str {
        match self {
            Self::Critical => "critical",
            Self::Error => "error",
            Self::Warning => "warning",
            Self::Info => "info",
        }
    }

    /// One column wide in every terminal, and told apart without colour.
    pub(super) fn symbol(self) -> char {
        match self {
            Self::Critical => '✖',
            Self::Error => '!',
            Self::Warning => '~',
            Self::Info => '+',
        }
    }
}

impl Axis {
    /// The axis of a timeline: its edges, or where its marks reach. None without any time.
    pub(super) fn of(timeline: &Timeline) -> Option<Self> {
        let marks = || {
            timeline
                .rows
                .iter()
                .flat_map(|row| &row.marks)
                .map(|m| m.at)
        };
        let from =
            phrase::seconds(timeline.from.as_deref()).or_else(|| marks().reduce(f64::min))?;
        let until =
            phrase::seconds(timeline.until.as_deref()).or_else(|| marks().reduce(f64::max))?;
        // A moment is shown with half a minute on both sides.
        let slack = if until - from < 1.0 { 30.0 } else { 0.0 };
        (from <= until).then_some(Self {
            from: from - slack,
            until: until + slack,
        })
    }

    /// Where a time falls, from 0 at the left edge to 1 at the right one.
    pub(super) fn place(&self, at: f64) -> f64 {
        ((at - self.from) / (self.until - self.from)).clamp(0.0, 1.0)
    }

    /// At most `most` round times with their labels.
    pub(super) fn ticks(&self, most: usize) -> Vec<(f64, String)> {
        let most = most.max(1) as f64;
        let span = self.until - self.from;
        let step = STEPS
            .into_iter()
            .find(|step| span / step <= most)
            .unwrap_or_else(|| (span / most / DAY).ceil() * DAY);
        let format = if step < 60.0 {
            "%H:%M:%S"
        } else if step < DAY {
            "%H:%M"
        } else {
            "%m-%d"
        };
        let first = (self.from / step).ceil();
        (0..=most as u32)
            .map(|i| (first + f64::from(i)) * step)
            .take_while(|at| *at <= self.until)
            .filter_map(|at| {
                let time = Timestamp::from_second(at as i64).ok()?;
                let label = time.to_zoned(TimeZone::UTC).strftime(format).to_string();
                Some((self.place(at), label))
            })
            .collect()
    }
}

const DAY: f64 = 86_400.0;
/// Steps between ticks, in seconds, that read well.
const STEPS: [f64; 16] = [
    1.0, 2.0, 5.0, 10.0, 15.0, 30.0, 60.0, 120.0, 300.0, 600.0, 900.0, 1800.0, 3600.0, 10_800.0,
    21_600.0, 43_200.0,
];

/// When the logs of a pod covered the time: from, until, in seconds. A current log covers all that
/// follows its first line; one of a previous life ends with its last line.
pub(super) fn heard(report: &Report, pod: &str) -> Vec<(f64, f64)> {
    report
        .coverage
        .sources
        .iter()
        .filter(|s| s.kind == "log")
        .filter(|s| match (&s.namespace, &s.pod) {
            (Some(ns), Some(name)) => pod == format!("{ns}/{name}"),
            (None, Some(name)) => pod == name,
            (_, None) => false,
        })
        .filter_map(|s| {
            let from = phrase::seconds(s.from.as_deref())?;
            let until = if s.previous {
                phrase::seconds(s.until.as_deref())?
            } else {
                f64::INFINITY
            };
            Some((from, until))
        })
        .collect()
}

/// A row as `width` cells.
pub(super) fn cells(
    row: &TimelineRow,
    axis: Axis,
    heard: &[(f64, f64)],
    width: usize,
) -> Vec<Cell> {
    let width = width.max(1);
    let step = (axis.until - axis.from) / width as f64;
    let mut cells: Vec<Cell> = (0..width)
        .map(|i| {
            let left = axis.from + step * i as f64;
            let covered = heard
                .iter()
                .any(|(from, until)| *from < left + step && *until >= left);
            if covered { Cell::Quiet } else { Cell::Unheard }
        })
        .collect();
    for mark in &row.marks {
        let at = (axis.place(mark.at) * width as f64) as usize;
        let cell = &mut cells[at.min(width - 1)];
        *cell = (*cell).max(Cell::Mark(Rank::of(&mark.severity)));
    }
    cells
}

/// The rows to show when there is room for `most`: those at fault, then those with the worst
/// marks; in their own order. With how many are left out.
pub(super) fn choose(timeline: &Timeline, most: usize) -> (Vec<&TimelineRow>, usize) {
    let worst = |row: &TimelineRow| row.marks.iter().map(|m| Rank::of(&m.severity)).max();
    let mut order: Vec<usize> = (0..timeline.rows.len()).collect();
    order.sort_by_key(|&i| {
        let row = &timeline.rows[i];
        (!row.at_fault, std::cmp::Reverse(worst(row)), i)
    });
    order.truncate(most);
    order.sort_unstable();
    let rows: Vec<_> = order.into_iter().map(|i| &timeline.rows[i]).collect();
    let left_out = timeline.rows.len() - rows.len();
    (rows, left_out)
}
