//! Tests of `diagnosis`.

#![allow(clippy::unwrap_used)]

use super::{Band, Calibration, band};

#[test]
fn words_for_probabilities() {
    let check = |p, defining, nats, expected| assert_eq!(band(p, defining, nats), expected);
    check(0.97, true, 20.0, Band::Confirmed);
    check(0.97, false, 20.0, Band::Likely);
    check(0.95, true, 1.0, Band::Confirmed);
    check(0.949, true, 20.0, Band::Likely);
    check(0.70, false, 5.0, Band::Likely);
    check(0.30, true, 5.0, Band::Possible);
    check(0.29, true, 5.0, Band::CannotTell);
    // Only the priors speak.
    check(0.97, true, 0.9, Band::Possible);
    check(0.75, false, -3.0, Band::Possible);
    check(0.10, false, 0.0, Band::CannotTell);
}

#[test]
fn temperature_divides_log_odds() {
    let check = |temperature, p, expected: f64| {
        let value = Calibration { temperature }.apply(p);
        assert!((value - expected).abs() < 1e-9, "{value}");
    };
    check(1.0, 0.9, 0.9);
    check(2.0, 0.9, 0.75);
    check(2.0, 0.5, 0.5);
    check(2.0, 1.0, 1.0);
    check(2.0, 0.0, 0.0);
    check(f64::NAN, 0.9, 0.9);
    check(0.0, 0.9, 0.9);
}

#[test]
fn the_fitted_number_is_one_that_can_be_used() {
    let fitted = Calibration::fitted().temperature;
    assert!((0.5..=4.0).contains(&fitted), "{fitted}");
}
