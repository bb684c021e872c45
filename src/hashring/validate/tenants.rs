//! Tenants that cannot reach the entry meant for them.

use std::collections::BTreeMap;

use super::{Fault, Subject};
use crate::hashring::config::{Matcher, Name, RingConfig, Rings};
use crate::hashring::{Setup, at_least, glob};

/// Faults of one entry's list of tenants by itself.
pub(super) fn check_names(subject: &Subject<'_>, faults: &mut Vec<Fault>) {
    let ring = subject.ring;
    matcher(subject, faults);
    let mut seen: BTreeMap<&str, &Name> = BTreeMap::new();
    for name in &ring.tenants {
        if let Some(before) = seen.insert(&name.text, name) {
            faults.push(Fault::warning(
                name.place,
                "tenant-twice",
                format!("{:?} is listed again, first at {}", name.text, before.place),
                "no effect",
            ));
        }
        faults.extend(tenant(subject, name));
    }
}

fn matcher(subject: &Subject<'_>, faults: &mut Vec<Fault>) {
    let ring = subject.ring;
    match &ring.matcher {
        Matcher::Unset => {}
        Matcher::Exact | Matcher::Glob if subject.from(35) => {}
        Matcher::Exact => {}
        Matcher::Glob => faults.push(
            Fault::error(
                ring.matcher_place,
                "glob-ignored",
                "tenant_matcher_type is not known before v0.35",
                "ignored: the patterns are compared as plain names",
            )
            .fix("list the tenants by name, or upgrade to v0.35 or later"),
        ),
        Matcher::Other(word) => {
            let what = format!("unknown tenant_matcher_type {word:?}");
            let fault = if ring.tenants.is_empty() {
                let consequence = "no effect, since the hashring lists no tenants";
                Fault::warning(ring.matcher_place, "unknown-matcher", what, consequence)
            } else {
                let consequence = format!("hashring {} never matches a tenant", subject.label);
                Fault::error(ring.matcher_place, "unknown-matcher", what, consequence)
            };
            faults.push(fault.fix("write \"exact\" or \"glob\""));
        }
    }
}

fn tenant(subject: &Subject<'_>, name: &Name) -> Option<Fault> {
    let text = &name.text;
    if text.is_empty() {
        let what = "an empty tenant name";
        let consequence = "matches nobody: a request without a tenant gets the default tenant's";
        return Some(Fault::warning(
            name.place,
            "empty-tenant",
            what,
            consequence,
        ));
    }
    match subject.ring.matcher {
        Matcher::Glob if subject.from(35) => glob::check(text).is_err().then(|| {
            Fault::error(
                name.place,
                "bad-glob",
                format!("{text:?} is not a valid glob"),
                "writes of every tenant that no earlier entry takes can be answered 500 (syntax \
                 error in pattern)",
            )
            .fix("close every [ with a ], and let something follow each \\ and -")
        }),
        Matcher::Unset | Matcher::Exact if text.contains(['*', '?']) => Some(
            Fault::error(
                name.place,
                "glob-without-matcher",
                format!("{text:?} looks like a glob, but names are exact here"),
                "matches only a tenant of just that name",
            )
            .fix("add \"tenant_matcher_type\": \"glob\" (v0.35+)"),
        ),
        _ => None,
    }
}

/// Faults of the order of the entries.
pub(super) fn check_reach(rings: &Rings, setup: &Setup, faults: &mut Vec<Fault>) {
    let mut default: Option<(usize, &RingConfig)> = None;
    for (index, ring) in rings.rings.iter().enumerate() {
        let label = ring.label(index);
        if let Some((at, before)) = default {
            let name = before.label(at);
            let what = format!(
                "hashring {label} can never be reached: {name} (at {}) takes every tenant",
                before.place
            );
            let consequence = format!("writes meant for {label} go to {name}");
            let fault = Fault::error(ring.place, "unreachable", what, consequence);
            faults.push(fault.fix(if ring.tenants.is_empty() {
                "keep one hashring without tenants, as the last"
            } else {
                "move the hashring without tenants to the end"
            }));
            continue;
        }
        for name in &ring.tenants {
            faults.extend(shadowed(&rings.rings[..index], setup, ring, name));
        }
        if ring.tenants.is_empty() {
            default = Some((index, ring));
            if index + 1 < rings.rings.len() {
                faults.push(
                    Fault::error(
                        ring.place,
                        "default-not-last",
                        format!("hashring {label} takes every tenant but is not the last"),
                        "the first entry that matches wins: the ones after it get nothing",
                    )
                    .fix("move it to the end"),
                );
            }
        }
    }
    if default.is_none()
        && let Some(ring) = rings.rings.last()
    {
        faults.push(
            Fault::warning(
                ring.place,
                "no-default",
                "no hashring takes tenants that are not listed",
                "their writes are answered 500 (no matching hashring), and senders retry for ever",
            )
            .fix("if that is not wanted, add a last hashring without tenants"),
        );
    }
}

/// A name that an earlier entry already takes.
fn shadowed(
    earlier: &[RingConfig],
    setup: &Setup,
    ring: &RingConfig,
    name: &Name,
) -> Option<Fault> {
    let globs = at_least(setup.version, 35);
    let is_glob = |ring: &RingConfig| globs && ring.matcher == Matcher::Glob;
    let usable = |ring: &RingConfig| !globs || !matches!(ring.matcher, Matcher::Other(_));
    if !usable(ring) {
        return None;
    }
    for (index, other) in earlier
        .iter()
        .enumerate()
        .filter(|(_, other)| usable(other))
    {
        let by = other.tenants.iter().find(|theirs| {
            if is_glob(other) {
                // A pattern is certainly covered by an equal one, or by one for every name.
                let covers_all = theirs.text == "*" && !name.text.contains('/');
                covers_all
                    || theirs.text == name.text
                    || !is_glob(ring) && glob::matches(&theirs.text, &name.text) == Ok(true)
            } else {
                !is_glob(ring) && theirs.text == name.text
            }
        });
        if let Some(by) = by {
            let label = other.label(index);
            return Some(
                Fault::error(
                    name.place,
                    "tenant-shadowed",
                    format!(
                        "tenant {:?} is already taken by {:?} of hashring {label}, at {}",
                        name.text, by.text, by.place
                    ),
                    format!("its writes go to hashring {label}, not to this one"),
                )
                .fix("list it once, in the hashring meant for it, before wider globs"),
            );
        }
    }
    None
}
