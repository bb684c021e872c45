//! Nothing forgotten: every message of upstream, every line of the runbook, every cause.

use std::collections::{BTreeMap, BTreeSet};

use super::{Auditor, Grade, Matches};
use crate::pack::{Place, SignatureIx, SourceText, Target, Version, VersionRange};
use crate::record::Source;

/// The fixed vocabulary of causes; ids never change meaning, and users may add their own.
pub const CAUSES: &[&str] = &[
    "bad-client-payload",
    "bug-deadlock-or-leak",
    "bug-panic",
    "cardinality-explosion",
    "clock-skew-future-samples",
    "config-flag-error",
    "conflict-on-retry",
    "cpu-throttling",
    "disk-full",
    "dns-failure",
    "external-label-conflict",
    "fd-limit",
    "grpc-message-too-large",
    "hashring-endpoint-missing",
    "hashring-misconfigured",
    "hashring-stale-config",
    "image-or-start-failure",
    "limits-config-invalid",
    "network-partition-or-refused",
    "node-lost",
    "objstore-config-invalid",
    "ooo-samples-client",
    "probe-kill",
    "protocol-mismatch",
    "quorum-loss",
    "receiver-oom",
    "receiver-pod-down",
    "replication-timeout-overload",
    "rollout-in-progress",
    "s3-bucket-missing",
    "s3-connectivity",
    "s3-credentials",
    "s3-permission",
    "s3-slow-or-throttled",
    "samples-out-of-bounds-or-old",
    "scaling-in-progress",
    "shipper-upload-stuck",
    "storage-fault",
    "tenant-limit-exceeded",
    "tenant-no-hashring",
    "tls-certificate",
    "tsdb-block-corruption",
    "tsdb-compaction-failure",
    "tsdb-wal-corruption",
    "unschedulable",
    "volume-permission",
    "wal-replay-slow-start",
];

/// The lines that the operators' runbook quotes.
pub const RUNBOOK_LINES: &[&str] = &[
    r#"level=info ts=2024-05-14T09:21:33.5Z msg="loaded hashring configuration" hashrings=3"#,
    r#"level=info msg="quorum write succeeded" replicas=3 quorum=2"#,
    r#"level=info msg="replication succeeded" replicas=3 quorum=2"#,
    r#"level=info ts=2024-05-14T09:21:33.5Z msg="uploaded block to s3" id=01HJXXX bucket=thanos-cluster-01 duration=8.5s"#,
    r#"level=info ts=2024-05-14T09:21:33.5Z msg="handling remote write request" tenant=default cluster=cluster-03 samples=1250"#,
    r#"level=error msg="error handling request" err="replica write failed""#,
    r#"level=error msg="endpoint not in hashring" endpoint="receive-3:10901""#,
];

/// One line for each family of words that the runbook greps for.
pub const RUNBOOK_FAMILIES: &[&str] = &[
    r#"level=error ts=2024-05-14T09:21:33.5Z msg="WAL corruption detected" err="corruption in segment 00000012 at 1024""#,
    r#"level=error ts=2024-05-14T09:21:33.5Z msg="OOM: out of memory""#,
    r#"level=error ts=2024-05-14T09:21:33.5Z msg="forward failed" err="dial tcp 10.0.0.7:10901: connect: connection refused""#,
    r#"level=error ts=2024-05-14T09:21:33.5Z msg="forward failed" err="dial tcp 10.0.0.7:10901: i/o timeout""#,
];

pub(super) fn check(auditor: &mut Auditor, matches: Option<&Matches>) {
    for id in CAUSES {
        if auditor.pack.cause(id).is_none() {
            let source = SourceText {
                path: "patterns/causes",
                text: "",
            };
            let message = format!("no file {id}.yaml: every cause of the vocabulary exists");
            auditor.add(Grade::Error, source, Place::default(), message);
        }
    }
    catalogue(auditor);
    if let Some(matches) = matches {
        runbook(auditor, matches);
    }
}

/// Rows of a table: line number and columns. The first line names the columns.
fn rows(source: SourceText<'_>) -> Vec<(u32, Vec<&str>)> {
    let rows = (1..).zip(source.text.lines()).skip(1);
    let full = rows.filter(|(_, row)| !row.trim().is_empty() && !row.starts_with('#'));
    full.map(|(line, row)| (line, row.split('\t').collect()))
        .collect()
}

fn catalogue(auditor: &mut Auditor) {
    let Some(upstream) = auditor.upstream else {
        return;
    };
    let rows_of_upstream = rows(upstream);
    let ids: BTreeSet<&str> = rows_of_upstream.iter().map(|(_, row)| row[0]).collect();
    let covered = covered(auditor, &ids);
    let excused = excused(auditor, &ids, &covered);
    for (line, row) in &rows_of_upstream {
        let id = row[0];
        if !covered.contains_key(id) && !excused.contains(id) {
            let message =
                format!("`{id}` is matched by no signature (`covers`) and not in not-needed.tsv");
            auditor.add(Grade::Error, upstream, at(*line, id), message);
        }
        if let (Some(since), Some(until)) = (row.get(6), row.get(7)) {
            printed(auditor, id, &covered, since, until);
        }
    }
}

/// Row id to the signatures that claim it; unknown ids are reported.
fn covered<'p>(
    auditor: &mut Auditor<'p>,
    ids: &BTreeSet<&str>,
) -> BTreeMap<&'p str, Vec<SignatureIx>> {
    let mut covered: BTreeMap<&str, Vec<SignatureIx>> = BTreeMap::new();
    let pack = auditor.pack;
    for (ix, signature) in (0..).map(SignatureIx).zip(&pack.signatures) {
        for id in &signature.covers {
            if !ids.contains(id.as_str()) {
                let message = format!("upstream.tsv has no row `{id}`");
                auditor.error(Target::Signature(ix), id, message);
            }
            covered.entry(id).or_default().push(ix);
        }
    }
    covered
}

/// Rows left out on purpose.
fn excused<'p>(
    auditor: &mut Auditor<'p>,
    ids: &BTreeSet<&str>,
    covered: &BTreeMap<&str, Vec<SignatureIx>>,
) -> BTreeSet<&'p str> {
    let Some(not_needed) = auditor.not_needed else {
        return BTreeSet::new();
    };
    let mut excused = BTreeSet::new();
    for (line, row) in rows(not_needed) {
        let id = row[0];
        let complaint = if !ids.contains(id) {
            Some("upstream.tsv has no such row")
        } else if row.get(1).is_none_or(|reason| reason.trim().is_empty()) {
            Some("needs a reason in the second column")
        } else if covered.contains_key(id) {
            Some("a signature covers it after all")
        } else {
            None
        };
        if let Some(complaint) = complaint {
            auditor.add(Grade::Error, not_needed, at(line, id), complaint);
        }
        excused.insert(id);
    }
    excused
}

/// The variants of the signatures that cover a row must reach its first and last version.
fn printed(
    auditor: &mut Auditor,
    id: &str,
    covered: &BTreeMap<&str, Vec<SignatureIx>>,
    since: &str,
    until: &str,
) {
    let version = |text: &str| Version::parse(text.trim_start_matches('~'));
    let last = match until {
        "current" => version("main"),
        until => version(until),
    };
    let Some(signatures) = covered.get(id) else {
        return;
    };
    let ranges: Vec<VersionRange> = signatures
        .iter()
        .flat_map(|ix| auditor.pack[*ix].variants.iter().map(|v| v.versions))
        .collect();
    for version in [version(since), last].into_iter().flatten() {
        if !ranges.is_empty() && !ranges.iter().any(|range| range.contains(&version)) {
            let message = format!("`{id}` is printed by {version}, which no variant includes");
            auditor.warning(Target::Signature(signatures[0]), id, message);
        }
    }
}

fn runbook(auditor: &mut Auditor, matches: &Matches) {
    let quoted = RUNBOOK_LINES.iter().map(|line| (Grade::Error, line));
    let families = RUNBOOK_FAMILIES.iter().map(|line| (Grade::Warning, line));
    let source = SourceText {
        path: "patterns/signatures",
        text: "",
    };
    for (grade, line) in quoted.chain(families) {
        if matches(line, Source::Log).is_empty() {
            let message = format!("no signature matches this line of the runbook: {line}");
            auditor.add(grade, source, Place::default(), message);
        }
    }
}

fn at(line: u32, id: &str) -> Place {
    Place {
        line,
        column: 1,
        width: u32::try_from(id.chars().count()).unwrap_or(1),
    }
}
