//! Would it have been seen if it was so? `o` of `inference.md` § 3.3, item 4.
//!
//! Silence counts only as far as this: 0 where nothing of the kind was collected, or where this
//! version or level would never print it.

use super::bind::Place;
use super::families::Family;
use super::scope::{Member, MemberRole, Scope};
use crate::pack::{About, Pack, Product, Signature, Variant};
use crate::record::{Level, Source};

/// A line that is printed when it is so is also kept: rotation and races lose some.
const LOG: f64 = 0.9;
/// Reasons of failed forwards are printed only in failing requests, below debug by none.
const REASON: f64 = 0.5;
/// Events live for an hour and are rate-limited.
const EVENT: f64 = 0.7;
/// States of pods are a snapshot.
const STATUS: f64 = 0.95;
/// Growth between two scrapes.
const METRIC: f64 = 0.9;
/// Counters of a process that began anew meanwhile have lost what they counted.
const METRIC_RESTARTED: f64 = 0.2;
/// Facts that follow from comparing sources that are there.
const CONFIG: f64 = 0.95;

/// The observability of a family at a place: of its most visible member.
pub(crate) fn of(pack: &Pack, family: &Family, place: Place, scope: &Scope) -> f64 {
    family
        .members
        .iter()
        .map(|ix| of_signature(&pack.signatures[ix.0 as usize], place, scope))
        .fold(0.0, f64::max)
}

fn of_signature(signature: &Signature, place: Place, scope: &Scope) -> f64 {
    let member = match place {
        Place::Pod(p) => Some(&scope.members[p as usize]),
        _ => None,
    };
    match signature.source {
        Source::Log => of_line(signature, member, scope),
        Source::Event if scope.collected.events => EVENT,
        Source::Status => match member {
            Some(m) if m.status => STATUS,
            None if scope.collected.status => STATUS,
            _ => 0.0,
        },
        Source::Metric => of_metric(member, scope),
        // What follows from the lines of one life is known where that life is read from its start.
        Source::Config if signature.product == Product::Thanos => match member {
            Some(m) if m.began => LOG,
            _ => 0.0,
        },
        Source::Config if scope.collected.hashring || scope.collected.status => CONFIG,
        Source::Alert if scope.collected.alerts => REASON,
        _ => 0.0,
    }
}

fn of_metric(member: Option<&Member>, scope: &Scope) -> f64 {
    let one = |m: &Member| match (m.scrapes, m.restarted) {
        (0 | 1, _) => 0.0,
        (_, true) => METRIC_RESTARTED,
        _ => METRIC,
    };
    match member {
        Some(m) => one(m),
        None => scope.members.iter().map(one).fold(0.0, f64::max),
    }
}

/// A line is audible in the log of whoever would write it.
fn of_line(signature: &Signature, member: Option<&Member>, scope: &Scope) -> f64 {
    if signature.product == Product::Prometheus {
        return if scope.collected.sender_logs {
            LOG
        } else {
            0.0
        };
    }
    if signature.product == Product::Other {
        // A kernel or a store of which no log was given is not heard at all.
        return 0.0;
    }
    if matches!(signature.about, About::Writer)
        && let Some(m) = member
    {
        return if m.log {
            printed(signature, m, scope) * LOG
        } else {
            0.0
        };
    }
    let writers = scope
        .members
        .iter()
        .filter(|m| m.log && m.role != MemberRole::Sender);
    let heard = writers
        .map(|m| printed(signature, m, scope))
        .fold(0.0, f64::max);
    let quoted = scope.collected.sender_logs && scope.failures_printed;
    let reason = matches!(signature.about, About::Extracted { .. });
    match (reason, quoted) {
        (true, true) => REASON,
        (true, false) => heard * REASON,
        (false, _) => heard * LOG,
    }
}

/// Does this version of this pod, at its level, print any wording of it? Averaged where unknown.
fn printed(signature: &Signature, member: &Member, scope: &Scope) -> f64 {
    let level = member.level.unwrap_or(Level::Info);
    let version = member.version.or(scope.thanos_version);
    let audible = |v: &&Variant| v.min_level.is_none_or(|needed| needed >= level);
    match version {
        Some(version) => {
            let says = |v: &Variant| v.versions.contains(&version);
            f64::from(u8::from(
                signature.variants.iter().filter(audible).any(says),
            ))
        }
        None => {
            let total = signature.variants.len().max(1);
            let heard = signature.variants.iter().filter(audible).count();
            // The average over versions, as far as the variants split them.
            #[allow(clippy::cast_precision_loss)]
            {
                heard as f64 / total as f64
            }
        }
    }
}
