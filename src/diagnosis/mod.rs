//! Ranks the causes that best explain a ledger, and keeps the reasons.
//!
//! ```text
//! ledger × pack × scope ─ bind ─→ network ─ solve ─→ weighed sets of causes ─ interpret ─→ Diagnosis
//! ```
//!
//! The model is explained from zero in `docs/inference.md`: causes begin rarely and by themselves,
//! bring about states that no line shows, and these bring about symptoms. What was seen and what
//! stayed silent, as far as it would have been audible, weighs every set of up to three causes.

pub mod calibrate;
pub mod checks;
pub mod network;
pub mod scope;
pub mod solve;

mod assemble;
mod bind;
mod chain;
mod excuse;
mod families;
mod groups;
mod interpret;
mod needs;
mod next;
mod observability;
mod quorum;
mod reasons;
mod standing;
#[cfg(test)]
mod tests;
mod timing;
mod verdict;

use crate::evidence::{Ledger, Subject};
use crate::pack::{CauseIx, Pack, Role, Severity, SignatureIx};
use crate::record::Time;

pub use calibrate::{Band, Calibration};
pub use excuse::Excused;
pub use scope::{Collected, Member, MemberRole, Scope};

/// What is wrong, as far as the ledger tells.
#[derive(Clone, Debug, Default)]
pub struct Diagnosis {
    /// Worst first.
    pub incidents: Vec<Incident>,
    /// Evidence that was seen, understood and excused.
    pub excused: Vec<Excused>,
    /// Causes at a place each that were not weighed: those beyond `limits::CANDIDATES`.
    pub left_out: usize,
}

/// Symptoms that hang together, with their hypotheses.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Onset.
    pub from: Option<Time>,
    /// Last sign of it.
    pub until: Option<Time>,
    /// Inference was exact.
    pub exact: bool,
    /// How sure, or that it is benign.
    pub verdict: Verdict,
    /// Of the worst symptom.
    pub severity: Severity,
    /// Best first.
    pub hypotheses: Vec<Hypothesis>,
    /// Groups of hypotheses that this data cannot tell apart.
    pub indistinguishable: Vec<Vec<usize>>,
    /// P(a cause that is not known | incident).
    pub unknown_probability: f64,
    /// What to look at next, most telling first.
    pub next_checks: Vec<NextCheck>,
    /// Symptoms that nothing explains.
    pub unexplained: Vec<(SignatureIx, Subject)>,
}

/// The answer of an incident in one word.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Verdict {
    /// Nothing to act on.
    Benign,
    /// An incident, with the band of its first hypothesis that is not benign.
    Raised(Band),
}

/// One cause with all its subjects.
#[derive(Clone, Debug)]
pub struct Hypothesis {
    /// The cause.
    pub cause: CauseIx,
    /// Its role.
    pub role: Role,
    /// Calibrated P(active and not downstream of another | incident).
    pub probability: f64,
    /// In words.
    pub band: Band,
    /// What it is about.
    pub subjects: Vec<Subject>,
    /// From the cause to the impact, one step each.
    pub chain: Vec<String>,
    /// Symptoms it explains.
    pub explains: Vec<Explained>,
    /// Evidence for.
    pub pro: Vec<Evidence>,
    /// Evidence against.
    pub contra: Vec<Evidence>,
    /// Symptoms it should explain better.
    pub poorly_explained: Vec<(SignatureIx, Subject)>,
}

/// A symptom that a hypothesis explains.
#[derive(Clone, Debug)]
pub struct Explained {
    /// The signature.
    pub signature: SignatureIx,
    /// Its subject.
    pub subject: Subject,
    /// PN of `inference.md` § 3.6.
    pub necessity: f64,
}

/// One piece of evidence: the reason why a hypothesis stands where it stands.
#[derive(Clone, Debug)]
pub struct Evidence {
    /// The signature.
    pub signature: SignatureIx,
    /// Its subject.
    pub subject: Subject,
    /// Difference to the log-odds against the best rival.
    pub nats: f64,
    /// It is an absence.
    pub silent: bool,
    /// It is the proof of this cause: nothing else looks like it.
    pub defining: bool,
}

/// A check that would tell hypotheses apart.
#[derive(Clone, Debug)]
pub struct NextCheck {
    /// Whose check it is.
    pub cause: CauseIx,
    /// Index among its `confirm` steps.
    pub step: usize,
    /// Expected information in bits.
    pub bits: f64,
    /// What a yes would speak for.
    pub if_yes: Option<CauseIx>,
    /// What a no would speak for.
    pub if_no: Option<CauseIx>,
}

/// Diagnoses a ledger.
#[must_use]
pub fn diagnose(ledger: &Ledger, pack: &Pack, scope: &Scope) -> Diagnosis {
    let excused = excuse::excuse(ledger, pack);
    let ledger = excuse::rest(ledger, &excused, scope);
    let families = families::Families::new(pack);
    let bound = bind::bind(&ledger, pack, &families, scope);
    let solution = solve::solve(&bound.network, &solve::Options::default());
    let needs = needs::Needs::new(&solution);
    let view = interpret::View {
        pack,
        families: &families,
        scope,
        ledger: &ledger,
        bound: &bound,
        solution: &solution,
        needs,
        calibration: Calibration::fitted(),
    };
    Diagnosis {
        incidents: view.incidents(),
        excused,
        left_out: bound.left_out,
    }
}
