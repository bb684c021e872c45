//! Rates of requests.

use std::collections::BTreeMap;
use std::net::IpAddr;
use std::time::Instant;

use crate::limits;
use crate::serve::config::Rate;

/// A bucket that fills at a rate, and from which each request takes one.
#[derive(Clone, Copy, Debug)]
pub(super) struct Bucket {
    rate: Rate,
    left: f64,
    at: Instant,
}

impl Bucket {
    pub(super) fn new(rate: Rate, now: Instant) -> Self {
        Self {
            rate,
            left: rate.burst,
            at: now,
        }
    }

    /// Whether one more is within the rate.
    pub(super) fn take(&mut self, now: Instant) -> bool {
        let passed = now.saturating_duration_since(self.at).as_secs_f64();
        self.left = (self.left + passed * self.rate.per_second).min(self.rate.burst);
        self.at = now;
        let fits = self.left >= 1.0;
        if fits {
            self.left -= 1.0;
        }
        fits
    }
}

/// A bucket for each address.
#[derive(Debug)]
pub(super) struct ByAddress {
    rate: Rate,
    buckets: BTreeMap<IpAddr, Bucket>,
}

impl ByAddress {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            rate,
            buckets: BTreeMap::new(),
        }
    }

    pub(super) fn take(&mut self, address: IpAddr, now: Instant) -> bool {
        if self.buckets.len() >= limits::RATED_ADDRESSES && !self.buckets.contains_key(&address) {
            let oldest = self
                .buckets
                .iter()
                .min_by_key(|(_, bucket)| bucket.at)
                .map(|(a, _)| *a);
            oldest.map(|oldest| self.buckets.remove(&oldest));
        }
        self.buckets
            .entry(address)
            .or_insert(Bucket::new(self.rate, now))
            .take(now)
    }
}

#[cfg(test)]
mod tests {
    use std::time::Duration;

    use super::*;
    use crate::serve::clock;

    #[test]
    fn a_burst_then_the_rate() {
        let start = clock::instant();
        let mut bucket = Bucket::new(
            Rate {
                per_second: 2.0,
                burst: 3.0,
            },
            start,
        );
        let after = |secs: f64| start + Duration::from_secs_f64(secs);
        let taken: Vec<bool> = [0.0, 0.0, 0.0, 0.0, 0.4, 0.6, 0.9]
            .map(|s| bucket.take(after(s)))
            .to_vec();
        assert_eq!(taken, [true, true, true, false, false, true, false]);
    }

    #[test]
    fn addresses_are_forgotten_before_they_fill_memory() {
        let mut rates = ByAddress::new(Rate {
            per_second: 1.0,
            burst: 1.0,
        });
        let now = clock::instant();
        for i in 0..u32::try_from(2 * limits::RATED_ADDRESSES).unwrap_or(0) {
            assert!(rates.take(IpAddr::from(i.to_be_bytes()), now));
        }
        assert_eq!(rates.buckets.len(), limits::RATED_ADDRESSES);
    }
}
