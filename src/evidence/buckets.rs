//! Occurrences over time, in at most [`limits::BUCKETS`] buckets of one width.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

use super::SECOND;
use crate::limits;
use crate::record::Time;

/// Width of the finest bucket. The width doubles as the span grows.
const FINEST_NS: i64 = SECOND;

/// Most doublings: buckets of 34 years.
const DOUBLINGS: u32 = 30;

/// Counts per bucket, aligned to the epoch. Which width is in use depends only on the earliest and
/// latest time added, so adding and merging in any order give the same value.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Buckets {
    /// The bucket width is one second shifted left by this.
    doublings: u32,
    /// Bucket and count, sorted.
    counts: Vec<(i64, u64)>,
}

impl Buckets {
    /// Adds `count` occurrences at `time`.
    pub fn add(&mut self, time: Time, count: u64) {
        self.put(time.0.div_euclid(self.width_ns()), count);
        self.coarsen();
    }

    /// Adds all of `other`.
    pub fn merge(&mut self, other: &Self) {
        let mut other = other.clone();
        while self.doublings < other.doublings {
            self.double();
        }
        while other.doublings < self.doublings {
            other.double();
        }
        for (bucket, count) in other.counts {
            self.put(bucket, count);
        }
        self.coarsen();
    }

    /// Start of each bucket that has any, with its count, in order.
    pub fn iter(&self) -> impl Iterator<Item = (Time, u64)> {
        let width = self.width_ns();
        self.counts
            .iter()
            .map(move |(b, n)| (Time(b.saturating_mul(width)), *n))
    }

    /// Width of a bucket in nanoseconds.
    #[must_use]
    pub fn width_ns(&self) -> i64 {
        FINEST_NS << self.doublings
    }

    /// Times mostly rise: the last bucket is the likely one.
    fn put(&mut self, bucket: i64, count: u64) {
        match self.counts.last_mut() {
            Some((last, n)) if *last == bucket => *n = n.saturating_add(count),
            Some((last, _)) if *last > bucket => {
                match self.counts.binary_search_by_key(&bucket, |(b, _)| *b) {
                    Ok(at) => self.counts[at].1 = self.counts[at].1.saturating_add(count),
                    Err(at) => self.counts.insert(at, (bucket, count)),
                }
            }
            _ => {
                // Most evidence is of one moment.
                if self.counts.is_empty() {
                    self.counts.reserve_exact(1);
                }
                self.counts.push((bucket, count));
            }
        }
    }

    fn coarsen(&mut self) {
        let bound = i64::try_from(limits::BUCKETS).unwrap_or(i64::MAX);
        while let (Some((first, _)), Some((last, _))) = (self.counts.first(), self.counts.last()) {
            if last.saturating_sub(*first) < bound || self.doublings >= DOUBLINGS {
                break;
            }
            self.double();
        }
    }

    fn double(&mut self) {
        self.doublings += 1;
        for (bucket, _) in &mut self.counts {
            *bucket = bucket.div_euclid(2);
        }
        self.counts.dedup_by(|next, kept| {
            let same = next.0 == kept.0;
            if same {
                kept.1 = kept.1.saturating_add(next.1);
            }
            same
        });
    }
}

/// As a short list: the doublings, then for each bucket its distance from the one before and its
/// count.
impl Serialize for Buckets {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        let mut flat = vec![i64::from(self.doublings)];
        let mut before = 0;
        for (bucket, count) in &self.counts {
            flat.push(bucket.saturating_sub(before));
            flat.push(i64::try_from(*count).unwrap_or(i64::MAX));
            before = *bucket;
        }
        flat.serialize(serializer)
    }
}

impl<'de> Deserialize<'de> for Buckets {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let flat = Vec::<i64>::deserialize(deserializer)?;
        let mut buckets = Self::default();
        let (doublings, rest) = flat.split_first().unwrap_or((&0, &[]));
        // Whatever a file says, the width stays one that can be worked with.
        buckets.doublings = u32::try_from(*doublings).unwrap_or(0).min(DOUBLINGS);
        let mut bucket = 0_i64;
        for pair in rest.chunks_exact(2) {
            bucket = bucket.saturating_add(pair[0]);
            let count = u64::try_from(pair[1]).unwrap_or(0);
            buckets.put(bucket, count);
        }
        buckets.coarsen();
        Ok(buckets)
    }
}
