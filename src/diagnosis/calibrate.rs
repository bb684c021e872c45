//! From posteriors to the numbers and words that are printed.

use std::sync::LazyLock;

use super::solve::{Component, Contrast, Solution};

#[cfg(test)]
mod tests;

/// Limits of the words.
const CONFIRMED: f64 = 0.95;
const LIKELY: f64 = 0.70;
const POSSIBLE: f64 = 0.30;

/// Evidence, in nats against the best rival, below which only the priors speak.
const EVIDENCE: f64 = 1.0;

/// One number fitted on labelled incidents. More would overfit below some hundreds of them.
#[derive(Clone, Copy, Debug, PartialEq)]
pub struct Calibration {
    /// Log-odds are divided by it; 1 leaves them as they are, more makes them humbler.
    pub temperature: f64,
}

impl Default for Calibration {
    fn default() -> Self {
        Self { temperature: 1.0 }
    }
}

/// What `benches/calibrate.py` wrote: the number, and how well it does on causes and versions that it
/// was not fitted on.
const FITTED: &str = include_str!("calibration.json");

impl Calibration {
    /// The temperature that was fitted on labelled incidents.
    ///
    /// # Panics
    ///
    /// Never: the file is compiled in, and a test reads it.
    #[must_use]
    pub fn fitted() -> Self {
        static NUMBER: LazyLock<f64> = LazyLock::new(|| {
            let figures: serde_json::Value =
                serde_json::from_str(FITTED).expect("calibration.json is JSON");
            figures["temperature"]
                .as_f64()
                .expect("it has a temperature")
        });
        Self {
            temperature: *NUMBER,
        }
    }

    /// The calibrated value of a probability.
    pub fn apply(&self, p: f64) -> f64 {
        let usable = self.temperature.is_finite() && self.temperature > 0.0;
        if !usable || self.temperature == 1.0 || p <= 0.0 || p >= 1.0 {
            return p.clamp(0.0, 1.0);
        }
        let odds = libm::log(p / (1.0 - p)) / self.temperature;
        1.0 / (1.0 + libm::exp(-odds))
    }
}

/// How sure, in a word.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub enum Band {
    /// Nothing stands out.
    CannotTell,
    /// At least .30.
    Possible,
    /// At least .70.
    Likely,
    /// At least .95, and something was seen that defines the cause.
    Confirmed,
}

impl Band {
    /// As written in reports.
    pub fn as_str(self) -> &'static str {
        match self {
            Self::CannotTell => "cannot_tell",
            Self::Possible => "possible",
            Self::Likely => "likely",
            Self::Confirmed => "confirmed",
        }
    }
}

/// The word for a printed probability.
///
/// `defining`: a defining symptom of the cause is present. `evidence_nats`: see
/// [`Contrast::evidence_nats`]; when the evidence alone is weak, the answer is `Possible` at most.
pub fn band(p: f64, defining: bool, evidence_nats: f64) -> Band {
    let band = if p >= CONFIRMED && defining {
        Band::Confirmed
    } else if p >= LIKELY {
        Band::Likely
    } else if p >= POSSIBLE {
        Band::Possible
    } else {
        Band::CannotTell
    };
    if evidence_nats >= EVIDENCE {
        band
    } else {
        band.min(Band::Possible)
    }
}

/// The same, from the comparison with the best rival.
pub fn band_of(p: f64, defining: bool, contrast: Option<&Contrast>) -> Band {
    band(p, defining, contrast.map_or(0.0, |c| c.evidence_nats))
}

/// Calibrated P(some instance of a cause type began by itself | an incident was declared).
///
/// Of the possibility that there is no cause only the part with all states off is taken out:
/// nothing would have happened then. With a state on, something has, whose cause is not known.
pub fn printed(solution: &Solution, kind: u32, calibration: Calibration) -> f64 {
    let none: f64 = solution
        .components
        .iter()
        .filter_map(|c| c.kind_marginals.get(&kind).map(|&p| declared(c, p)))
        .map(|p| 1.0 - p)
        .product();
    let p = match solution.components.as_slice() {
        // 1 − (1 − p) would lose the last digits.
        [one] => declared(one, one.kind_marginals.get(&kind).copied().unwrap_or(0.0)),
        _ => 1.0 - none,
    };
    calibration.apply(p)
}

/// The same for one component and one probability in it, uncalibrated.
pub fn declared(component: &Component, p: f64) -> f64 {
    if component.present {
        share(p, 1.0 - component.no_cause_all_off)
    } else {
        p
    }
}

/// P(a cause that is not known | an incident was declared), for one component: the unknown cause,
/// or no cause at all though a state is on.
pub fn unknown_mass(component: &Component) -> f64 {
    let nothing = component.no_cause_all_off;
    let mass = component.unknown_active + (component.no_cause - nothing).max(0.0);
    share(mass, 1.0 - nothing)
}

fn share(part: f64, whole: f64) -> f64 {
    if whole > 0.0 {
        (part / whole).clamp(0.0, 1.0)
    } else {
        0.0
    }
}
