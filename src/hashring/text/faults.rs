//! Faults as a compiler prints them.

use super::{assumptions, clean, wrap};
use crate::hashring::{Fault, Setup, Weight};

/// All faults of a file, with a last line that counts them.
#[must_use]
pub fn faults_text(file: &str, faults: &[Fault], setup: &Setup) -> String {
    let mut out = String::new();
    for fault in faults {
        let weight = match fault.weight {
            Weight::Error => "error",
            Weight::Warning => "warning",
        };
        out.push_str(&format!("{file}:{}  {weight}  {}\n", fault.place, fault.id));
        wrap(&mut out, "    ", &fault.what);
        wrap(&mut out, "    → ", &fault.consequence);
        if let Some(fix) = &fault.fix {
            wrap(&mut out, "    fix: ", fix);
        }
        out.push('\n');
    }
    let errors = faults
        .iter()
        .filter(|fault| fault.weight == Weight::Error)
        .count();
    let warnings = faults.len() - errors;
    out.push_str(&match (errors, warnings) {
        (0, 0) => format!("{file}: no faults\n"),
        _ => format!(
            "{file}: {}, {}\n",
            number(errors, "error"),
            number(warnings, "warning")
        ),
    });
    out.push_str(&judged_by(setup));
    clean(out)
}

/// What the file was judged by; what is not known was not held against it.
fn judged_by(setup: &Setup) -> String {
    let mut unknown = Vec::new();
    if setup.algorithm.is_none() {
        unknown.push("--algorithm");
    }
    if setup.replication_factor.is_none() {
        unknown.push("--replication-factor");
    }
    if setup.version.is_none() {
        unknown.push("--thanos-version");
    }
    if unknown.is_empty() {
        return format!("judged by {}\n", assumptions(setup));
    }
    let mut out = String::new();
    wrap(
        &mut out,
        "",
        &format!("more can be checked with {}", unknown.join(", ")),
    );
    out
}

fn number(count: usize, noun: &str) -> String {
    format!("{count} {noun}{}", if count == 1 { "" } else { "s" })
}
