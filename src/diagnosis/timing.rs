//! Onsets and time weights (`inference.md` § 3.4, "Time weight").

use crate::record::Time;

/// Combined spread of two clocks, in seconds: two nodes that keep time by NTP.
const SPREAD_SECONDS: f64 = 2.0;
/// A link whose timing is far off keeps this weight: clocks can be wrong.
const FLOOR: f64 = 1e-3;

/// Seconds since the epoch.
#[allow(clippy::cast_precision_loss)] // Sub-microsecond loss on times of this century.
pub(crate) fn seconds(time: Time) -> f64 {
    time.0 as f64 / 1e9
}

/// 1 inside the delay window widened by the clock spread; outside by x, exp(-x / spread).
pub(crate) fn weight(delta: f64, (least, most): (f64, f64)) -> f64 {
    let outside = (least - SPREAD_SECONDS - delta).max(delta - most - SPREAD_SECONDS);
    if outside <= 0.0 {
        1.0
    } else {
        libm::exp(-outside / SPREAD_SECONDS).max(FLOOR)
    }
}
