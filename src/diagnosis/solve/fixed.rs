//! Logarithms in fixed point: whole numbers of 2⁻³² nats.
//!
//! Sums of whole numbers do not depend on their order, so every shard, thread and machine gets the
//! same bits. `libm` is used because the platform's own `exp` and `ln` may differ in the last bit.

/// A log-probability in units of 2⁻³² nats.
pub(crate) type Fixed = i64;

/// Units per nat.
const UNITS: f64 = 4_294_967_296.0;

/// Least probability whose logarithm is taken; below it a product has lost its meaning anyway.
const FLOOR: f64 = 1e-300;

/// `x` nats in fixed point; not-a-number becomes 0.
pub(crate) fn from_nats(x: f64) -> Fixed {
    // A float-to-int cast saturates, and maps NaN to 0.
    libm::round(x * UNITS) as Fixed
}

/// Fixed point in nats.
pub(crate) fn to_nats(x: Fixed) -> f64 {
    x as f64 / UNITS
}

/// ln of a probability or density, never infinite.
pub(crate) fn ln(p: f64) -> Fixed {
    from_nats(libm::log(p.max(FLOOR)))
}

/// e to the `x`, `x` in fixed point.
pub(crate) fn exp(x: Fixed) -> f64 {
    libm::exp(to_nats(x))
}

/// ln of a sum of probabilities given by their logarithms; `None` of nothing.
pub(crate) fn ln_sum(values: &[Fixed]) -> Option<Fixed> {
    let top = *values.iter().max()?;
    let sum: f64 = values.iter().map(|v| exp(v - top)).sum();
    Some(top + ln(sum))
}

/// A number made usable as a probability: not-a-number is 0, the rest is cut to `[0, 1]`.
pub(crate) fn probability(x: f64) -> f64 {
    if x.is_nan() { 0.0 } else { x.clamp(0.0, 1.0) }
}
