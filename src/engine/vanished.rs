//! Receivers that no longer answer: their metrics were scraped before, and not when those of the others
//! were scraped last; or they have no log where others of their set have one.

use std::collections::BTreeMap;

use super::facts::Fact;
use crate::bundle::Input;
use crate::diagnosis::{MemberRole, Scope};
use crate::record::{Source, Time, set_and_ordinal};

/// Scrapes of one pod.
struct Seen {
    first: i64,
    last: i64,
    count: i64,
}

/// Receivers of one stateful set with a log from which on another without one is missed.
const SIBLINGS: usize = 2;

/// Pods that others speak of and that have no log, though their siblings' logs are in the input.
pub(super) fn unheard(scope: &Scope) -> Vec<Fact> {
    let mut heard: BTreeMap<&str, usize> = BTreeMap::new();
    let receivers = scope
        .members
        .iter()
        .filter(|m| m.role == MemberRole::Receiver && m.log);
    for (set, _) in receivers.filter_map(|m| set_and_ordinal(&m.name)) {
        *heard.entry(set).or_default() += 1;
    }
    let missed = scope.members.iter().filter(|m| {
        let set = set_and_ordinal(&m.name).map(|(set, _)| set);
        !m.log
            && set
                .and_then(|s| heard.get(s))
                .is_some_and(|n| *n >= SIBLINGS)
    });
    missed
        .map(|m| Fact::new("member-without-log").of(&m.name))
        .collect()
}

pub(super) fn facts(input: &Input, scope: &Scope) -> Vec<Fact> {
    let mut seen: BTreeMap<String, Seen> = BTreeMap::new();
    for scrape in &input.scrapes {
        let pod = scrape.stream.origin.name();
        let member = scope.member(&pod).map(|m| &scope.members[m]);
        let (Some(unix), Some(MemberRole::Receiver)) = (scrape.unix, member.map(|m| m.role)) else {
            continue;
        };
        let known = seen.entry(pod.into_owned()).or_insert(Seen {
            first: unix,
            last: unix,
            count: 0,
        });
        known.first = known.first.min(unix);
        known.last = known.last.max(unix);
        known.count += 1;
    }
    let Some(last) = seen.values().map(|s| s.last).max() else {
        return Vec::new();
    };
    let first = seen.values().map(|s| s.first).min().unwrap_or(last);
    let rounds = seen.values().map(|s| s.count).max().unwrap_or(1);
    let apart = (last - first) / (rounds - 1).max(1);
    let gone = |s: &Seen| last - s.last > apart / 2;
    // Where most were not scraped again, it is the scraping that ended.
    if apart == 0 || 2 * seen.values().filter(|s| gone(s)).count() >= seen.len() {
        return Vec::new();
    }
    let gone = seen.iter().filter(|(_, s)| gone(s));
    gone.map(|(pod, s)| {
        let fact = Fact::new("no-longer-scraped").of(pod).from(Source::Metric);
        fact.with("seconds", last - s.last).at(Time::new(last, 0))
    })
    .collect()
}
