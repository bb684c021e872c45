//! Versions and their known bugs, certificates, the restore test.

use std::collections::BTreeMap;

use serde::Deserialize;

use super::super::model::{Detail, Item, Status};
use super::super::sight::{Member, Sight, seconds, who, worst};
use super::super::words;
use crate::bundle::Mode;
use crate::pack::{Version, VersionRange};

/// The bugs that are known, one file of data.
pub(in crate::checks) const KNOWN_BUGS: &str = include_str!("../known-bugs.yaml");

/// Flags that give a receiver a certificate.
const TLS_FLAGS: &[&str] = &[
    "--grpc-server-tls-cert",
    "--remote-write.server-tls-cert",
    "--remote-write.client-tls-cert",
    "--remote-write.client-tls-secure",
    "--http.config",
];

/// Metrics of certificates: when they end, in seconds since the epoch.
const CERTIFICATES: &[&str] = &[
    "x509_cert_not_after",
    "probe_ssl_earliest_cert_expiry",
    "certmanager_certificate_expiration_timestamp_seconds",
];

/// A bug of Thanos Receive.
#[derive(Clone, Debug, Deserialize)]
#[serde(deny_unknown_fields)]
pub(in crate::checks) struct Bug {
    pub(in crate::checks) id: String,
    /// First version with it; every earlier one when left out.
    #[serde(default)]
    pub(in crate::checks) since: Option<String>,
    /// Last version with it; every later one when left out.
    #[serde(default)]
    pub(in crate::checks) until: Option<String>,
    /// `fail`, `warn`, or `pass` for what is good to know.
    pub(in crate::checks) weight: Status,
    /// What must be so for it to matter.
    #[serde(default)]
    pub(in crate::checks) needs: Option<Needs>,
    pub(in crate::checks) what: String,
    pub(in crate::checks) instead: String,
}

#[derive(Clone, Copy, Debug, PartialEq, Eq, Deserialize)]
#[serde(rename_all = "kebab-case")]
pub(in crate::checks) enum Needs {
    Objstore,
    RouterOnly,
    Capnproto,
    Ketama,
    Hashmod,
    Limits,
}

/// All bugs of the file.
pub(in crate::checks) fn bugs() -> Vec<Bug> {
    serde_saphyr::from_str(KNOWN_BUGS).expect("the embedded file is tested")
}

impl Bug {
    pub(in crate::checks) fn range(&self) -> VersionRange {
        let parse = |v: &Option<String>| v.as_deref().and_then(Version::parse);
        VersionRange {
            since: parse(&self.since),
            until: parse(&self.until),
        }
    }

    /// Whether it matters to a member; what is not known counts.
    fn matters(&self, member: &Member<'_>) -> bool {
        let Some(pod) = member.pod.filter(|p| p.mode().is_some()) else {
            return true;
        };
        match self.needs {
            None => true,
            Some(Needs::Objstore) => {
                pod.flag("--objstore.config-file").is_some()
                    || pod.flag("--objstore.config").is_some()
            }
            Some(Needs::RouterOnly) => pod.mode() == Some(Mode::RouterOnly),
            Some(Needs::Capnproto) => {
                pod.flag("--receive.replication-protocol") == Some("capnproto")
            }
            Some(Needs::Ketama) => pod.algorithm() == Some("ketama"),
            Some(Needs::Hashmod) => {
                pod.algorithm() == Some("hashmod") && pod.mode() != Some(Mode::IngestorOnly)
            }
            Some(Needs::Limits) => {
                pod.flag("--receive.limits-config-file").is_some()
                    || pod.flag("--receive.limits-config").is_some()
            }
        }
    }
}

/// Members by version.
fn versions(sight: &Sight<'_>) -> BTreeMap<String, Vec<String>> {
    let mut versions: BTreeMap<String, Vec<String>> = BTreeMap::new();
    for member in &sight.members {
        if let Some(version) = member.version {
            versions
                .entry(format!("v{version}"))
                .or_default()
                .push(sight.short(&member.name).to_owned());
        }
    }
    versions
}

/// One version everywhere.
pub(in crate::checks) fn mixed(sight: &Sight<'_>) -> Item {
    let item = Item::new("versions", "versions", "Thanos versions")
        .target("one on all receivers")
        .source("image tags, thanos_build_info")
        .next(sight.command(
            "get pods -o 'custom-columns=NAME:.metadata.name,IMAGE:.spec.containers[*].image'",
            None,
        ));
    let versions = versions(sight);
    let known: usize = versions.values().map(Vec::len).sum();
    if known == 0 {
        return item.unknown("no version in image tags or metrics (--thanos-version V)");
    }
    let names: Vec<&str> = versions.keys().map(String::as_str).collect();
    let details = versions
        .iter()
        .map(|(v, pods)| {
            Detail::new(
                v,
                if versions.len() == 1 {
                    Status::Pass
                } else {
                    Status::Fail
                },
                words::some(pods),
            )
        })
        .collect();
    let item = item.figure(names.join(", ")).details(details);
    if versions.len() > 1 {
        item.ends(
            Status::Fail,
            "a rollout is under way or stuck, or members were set apart",
        )
    } else if known < sight.members.len() {
        item.unknown(format!(
            "version of {} of {} receivers not known",
            sight.members.len() - known,
            sight.members.len()
        ))
    } else {
        item.pass()
    }
}

/// Monthly: the version against known bugs for receive.
pub(in crate::checks) fn known_bugs(sight: &Sight<'_>) -> Item {
    let item = Item::new("known-bugs", "versions", "Known bugs")
        .target("none that matters here")
        .source("image tags, flags; the list of known bugs");
    if sight.members.iter().all(|m| m.version.is_none()) {
        return item.unknown("no version in image tags or metrics (--thanos-version V)");
    }
    let bugs = bugs();
    let hit = |bug: &&Bug| {
        let range = bug.range();
        sight
            .members
            .iter()
            .any(|m| m.version.is_some_and(|v| range.contains(&v)) && bug.matters(m))
    };
    let mut details: Vec<(Detail, &Bug)> = bugs
        .iter()
        .filter(hit)
        .map(|b| {
            (
                Detail::new(&b.id, b.weight, format!("{} ({})", b.what, b.range())),
                b,
            )
        })
        .collect();
    details.sort_by(|a, b| {
        b.0.status
            .cmp(&a.0.status)
            .then(a.0.subject.cmp(&b.0.subject))
    });
    let serious = details
        .iter()
        .filter(|(d, _)| d.status != Status::Pass)
        .count();
    let first = details.first().filter(|(d, _)| d.status != Status::Pass);
    let (why, next) = first.map_or((String::new(), None), |(_, b)| {
        (b.what.clone(), Some(b.instead.clone()))
    });
    let notes = details.len() - serious;
    let details: Vec<Detail> = details.into_iter().map(|(d, _)| d).collect();
    let status = if details.is_empty() {
        Status::Pass
    } else {
        worst(&details)
    };
    let versions: Vec<String> = versions(sight).into_keys().collect();
    let mut item = item
        .figure(format!(
            "{serious} of {}; {notes} more to know",
            versions.join(", ")
        ))
        .details(details)
        .ends(status, why);
    item.next = next;
    item
}

/// Certificates' days left.
pub(in crate::checks) fn certificates(sight: &Sight<'_>) -> Item {
    let (least, alert) = (
        sight.targets.get("certificate_days"),
        sight.targets.get("certificate_alert"),
    );
    let item = Item::new("certificates", "versions", "Certificates: days left")
        .target(format!("at least {}", sight.targets.text("certificate_days")))
        .next("openssl x509 -enddate -noout -in CERT; members read new files, senders must trust them");
    let mut details = Vec::new();
    let mut sources = Vec::new();
    for metric in CERTIFICATES {
        for s in sight.of(metric) {
            let (Some(end), Some(now)) = (s.number("value").filter(|v| *v > 0.0), sight.now) else {
                continue;
            };
            let left = end - seconds(now);
            let name = ["name", "secret_name", "filepath", "subject_CN", "instance"]
                .iter()
                .find_map(|l| s.get(l));
            let status = if left < alert {
                Status::Fail
            } else if left < least {
                Status::Warn
            } else {
                Status::Pass
            };
            let figure = if left < 0.0 {
                format!("ended {}", words::date(end))
            } else {
                format!("{}, in {}", words::date(end), words::duration(left))
            };
            details.push(
                Detail::new(name.unwrap_or("certificate"), status, figure)
                    .value((left / 86_400.0).floor()),
            );
            sources.push(*metric);
        }
    }
    sources.dedup();
    if details.is_empty() {
        let pods: Vec<_> = sight
            .members
            .iter()
            .filter_map(|m| m.pod)
            .filter(|p| p.mode().is_some())
            .collect();
        let tls = pods
            .iter()
            .any(|p| TLS_FLAGS.iter().any(|f| p.flag(f).is_some()));
        if !tls && !pods.is_empty() && pods.len() == sight.members.len() {
            return item.figure("no certificate in use").source("flags").pass();
        }
        return item.unknown("no metric of certificates in the input (x509_cert_not_after, probe_ssl_earliest_cert_expiry, cert-manager)");
    }
    let soonest = details
        .iter()
        .filter_map(|d| d.value)
        .reduce(f64::min)
        .unwrap_or(0.0);
    let bad: Vec<Detail> = details
        .iter()
        .filter(|d| d.status != Status::Pass)
        .cloned()
        .collect();
    let status = worst(&details);
    item.figure(format!("{soonest:.0} days"))
        .source(sources.join(", "))
        .details(details)
        .ends(status, who(&bad))
}

/// Monthly: reminder of the restore test, with the date of the last one.
pub(in crate::checks) fn restore(sight: &Sight<'_>) -> Item {
    let every = sight.targets.get("restore_test_every");
    let item = Item::new("restore-test", "versions", "Backup/restore test")
        .target(format!("at most {} ago", sight.targets.text("restore_test_every")))
        .next("restore a block from the bucket into an empty store and query it; then --last-restore-test DATE");
    let set = sight.targets.get("restore_test_last");
    let before = sight
        .before("restore-test")
        .and_then(|i| i.details.first()?.value);
    let (last, source) = match sight.options.last_restore_test {
        Some(last) => (last, "--last-restore-test"),
        None if set.is_finite() => (set, "targets"),
        None => (before.unwrap_or(f64::NAN), "the last check"),
    };
    if !last.is_finite() {
        return item.unknown("date of the last one not known (--last-restore-test DATE, or restore_test_last in the targets)");
    }
    let Some(now) = sight.now.map(seconds) else {
        return item
            .figure(words::date(last))
            .unknown("the input has no time");
    };
    let ago = now - last;
    let status = if ago > every {
        Status::Fail
    } else {
        Status::Pass
    };
    let figure = format!("{}, {} ago", words::date(last), words::duration(ago));
    let detail = Detail::new("last restore test", status, figure.clone()).value(last);
    let item = item.figure(figure).source(source).details(vec![detail]);
    if status == Status::Pass {
        item.pass()
    } else {
        item.ends(status, "a backup that was never restored is a hope")
    }
}
