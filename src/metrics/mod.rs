//! Scrapes and PromQL answers → records.
//!
//! A [`Collector`] is fed the texts of all scrapes and answers, in any order, and keeps only the
//! series that something asks for. Each series then is one [`SeriesRecord`]: its last value, and how
//! it grew between the first and the last scrape of its pod. Pure: it reads what it is given.

mod aliases;
mod answer;
mod histogram;
mod reduce;
mod series;
mod text;

#[cfg(test)]
mod tests;

use crate::record::{Origin, Time};

pub use aliases::{Alias, aliases, canonical};
pub use histogram::histogram_quantile;
pub use reduce::reduce;
pub use series::{Collected, Collector, Whose};
pub use text::{Line, Sample, TextStats, parse_line, read};

/// One series, as fields; a [`crate::record::Record`] of source `metric` is made from it.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub struct SeriesRecord {
    /// The pod it is about.
    pub origin: Origin,
    /// When its last value was scraped.
    pub time: Option<Time>,
    /// When its first value was scraped.
    pub first: Option<Time>,
    /// `metric` (the name on the cluster; a second one when that is an alias), the labels, then
    /// `value`, and where it can be known:
    ///
    /// * `first`: the value of the first scrape,
    /// * `delta`: last minus first; for counters that began to exist in between, since then,
    /// * `rate`: delta per second,
    /// * `scrapes`: how many scrapes have it,
    /// * `reset=true`: the counter began anew, so that there is no delta,
    /// * `process_restarted=true`: the process of the pod started anew between the scrapes,
    /// * `born=true`: a counter that was not there in the first scrape of the same process,
    /// * `stale=true`: it is not in the pod's last scrape,
    /// * `p50`, `p90`, `p99`, `count_delta` for a histogram asked for by its base name: quantiles
    ///   of what was observed between the scrapes.
    pub fields: Vec<(String, String)>,
}

impl SeriesRecord {
    /// First value of `key`.
    #[must_use]
    pub fn get(&self, key: &str) -> Option<&str> {
        let mut entries = self.fields.iter();
        entries.find(|(k, _)| k == key).map(|(_, v)| v.as_str())
    }

    /// Value of `key` as a number.
    #[must_use]
    pub fn number(&self, key: &str) -> Option<f64> {
        self.get(key)?.parse().ok()
    }
}
