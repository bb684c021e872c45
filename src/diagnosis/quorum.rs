//! Quorum by version, and how many requests fail with b members bad (`inference.md` § 3.1).

use crate::pack::Version;

/// Series per request times requests in the window.
const SERIES_IN_WINDOW: f64 = 2000.0;

/// Successes a series needs: floor(RF/2)+1, but RF 2 needs 2 up to v0.36 and 1 from v0.37 (#7669).
#[must_use]
pub(super) fn needed(replication_factor: u32, version: Option<Version>) -> u32 {
    let one_of_two = version.is_none_or(|v| (v.major, v.minor) >= (0, 37));
    if replication_factor == 2 && one_of_two {
        1
    } else {
        replication_factor / 2 + 1
    }
}

/// `g[b]` for b = 0..=n bad members of `n`: the share of requests that contain a series with at
/// least `k` of its `factor` replicas among the bad.
#[must_use]
pub(super) fn failing_share(n: u32, factor: u32, k: u32) -> Vec<f64> {
    (0..=n)
        .map(|bad| {
            if n <= factor {
                return f64::from(u8::from(bad >= k));
            }
            let share = hypergeometric_tail(n, bad, factor, k);
            1.0 - libm::exp(SERIES_IN_WINDOW * libm::log1p(-share.min(1.0 - 1e-12)))
        })
        .collect()
}

/// P(at least k of `drawn` are bad), drawing from `n` of which `bad` are.
pub(super) fn hypergeometric_tail(n: u32, bad: u32, drawn: u32, k: u32) -> f64 {
    (k..=drawn.min(bad))
        .filter(|x| drawn - x <= n - bad)
        .map(|x| choose(bad, x) * choose(n - bad, drawn - x) / choose(n, drawn))
        .sum::<f64>()
        .min(1.0)
}

fn choose(n: u32, k: u32) -> f64 {
    (0..k)
        .map(|i| f64::from(n - i) / f64::from(i + 1))
        .product()
}
