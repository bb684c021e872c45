//! Quantiles of a histogram between two scrapes.

/// The `q` quantile (0 to 1) of what was observed between two scrapes of a histogram, in its unit.
/// Buckets are (upper bound, cumulative count); `before` may be empty: since the process began.
/// Interpolated as PromQL's `histogram_quantile` does: linear within a bucket, the lower bound of
/// the first one being 0 unless it is negative, and the highest finite bound for the last one.
///
/// `None` when nothing was observed, when a count fell (the process restarted), or when there is no
/// bucket for all.
#[must_use]
pub fn histogram_quantile(q: f64, before: &[(f64, f64)], after: &[(f64, f64)]) -> Option<f64> {
    let buckets = grown(before, after)?;
    let (last, total) = *buckets.last()?;
    let valid = (0.0..=1.0).contains(&q) && last == f64::INFINITY && total > 0.0;
    if !valid {
        return None;
    }
    let rank = q * total;
    let at = buckets.iter().position(|(_, count)| *count >= rank)?;
    let (upper, count) = buckets[at];
    if upper == f64::INFINITY {
        return at.checked_sub(1).map(|below| buckets[below].0);
    }
    let (lower, below) = match at.checked_sub(1) {
        Some(below) => buckets[below],
        None if upper <= 0.0 => return Some(upper),
        None => (0.0, 0.0),
    };
    let inside = count - below;
    if inside <= 0.0 {
        return Some(upper);
    }
    Some(lower + (upper - lower) * (rank - below) / inside)
}

/// Sorted buckets of what came in between, made cumulative where rounding broke it.
fn grown(before: &[(f64, f64)], after: &[(f64, f64)]) -> Option<Vec<(f64, f64)>> {
    let mut buckets: Vec<(f64, f64)> = Vec::with_capacity(after.len());
    for (bound, count) in after {
        let earlier = before.iter().find(|(b, _)| b == bound);
        let grew = count - earlier.map_or(0.0, |(_, c)| *c);
        if grew < 0.0 || grew.is_nan() || bound.is_nan() {
            return None;
        }
        buckets.push((*bound, grew));
    }
    buckets.sort_by(|a, b| a.0.total_cmp(&b.0));
    let mut most = 0.0_f64;
    for (_, count) in &mut buckets {
        most = most.max(*count);
        *count = most;
    }
    Some(buckets)
}
