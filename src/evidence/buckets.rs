//! Occurrences over time, in at most [`limits::BUCKETS`] buckets of one width.

use std::collections::BTreeMap;

use crate::limits;
use crate::record::Time;

/// Width of the finest bucket: one second. The width doubles as the span grows.
const FINEST_NS: i64 = 1_000_000_000;

/// Counts per bucket, aligned to the epoch. Which width is in use depends only on the earliest and
/// latest time added, so adding and merging in any order give the same value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    /// The bucket width is one second shifted left by this.
    doublings: u32,
    counts: BTreeMap<i64, u64>,
}

impl Buckets {
    /// Adds `count` occurrences at `time`.
    pub fn add(&mut self, time: Time, count: u64) {
        *self.counts.entry(time.0.div_euclid(self.width_ns())).or_default() += count;
        self.coarsen();
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, mut other: Self) {
        while self.doublings < other.doublings {
            self.double();
        }
        while other.doublings < self.doublings {
            other.double();
        }
        for (bucket, count) in other.counts {
            *self.counts.entry(bucket).or_default() += count;
        }
        self.coarsen();
    }

    /// Start of each bucket that has any, with its count, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Time, u64)> {
        let width = self.width_ns();
        self.counts.iter().map(move |(b, n)| (Time(b.saturating_mul(width)), *n))
    }

    /// Width of a bucket in nanoseconds.
    #[must_use]
    pub fn width_ns(&self) -> i64 {
        FINEST_NS << self.doublings
    }

    fn coarsen(&mut self) {
        let bound = i64::try_from(limits::BUCKETS).unwrap_or(i64::MAX);
        while let (Some((first, _)), Some((last, _))) =
            (self.counts.first_key_value(), self.counts.last_key_value())
        {
            if last.saturating_sub(*first) < bound || self.doublings >= 30 {
                break;
            }
            self.double();
        }
    }

    fn double(&mut self) {
        self.doublings += 1;
        for (bucket, count) in std::mem::take(&mut self.counts) {
            *self.counts.entry(bucket.div_euclid(2)).or_default() += count;
        }
    }
}
