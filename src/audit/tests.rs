//! The checks on packs made to fail them.

#![allow(clippy::unwrap_used)]

use super::*;
use crate::pack::{Signature, Test};

const REFUSED: &str = "
title: A member refuses connections
severity: error
leak: rare
provenance: upstream
covers: [refused]
summary: What one would notice.
variants:
  - {since: 0.30, min_level: debug, where: {err: {contains: connection refused by peer}}}
extract: {endpoint: {from: err, regex: 'peer (\\S+)'}}
about: endpoint
examples:
  matches:
    - origin: made for this test
      line: level=debug ts=2024-01-01T00:00:00Z caller=a.go:1 err=\"connection refused by peer a:1\"
      extract: {endpoint: ['a:1']}
  rejects:
    - because: a wrong name is another matter
      line: level=debug ts=2024-01-01T00:00:00Z err=\"connection refused by peer-to-be\"
references: [https://example.org]
";

const KILLED: &str = "
title: Killed for memory
severity: critical
leak: never
provenance: kubernetes
source: status
summary: What one would notice.
variants:
  - where: {reason: OOMKilled}
examples:
  matches:
    - {origin: made for this test, line: reason=OOMKilled exitCode=137}
  rejects:
    - {because: another reason, line: reason=Error exitCode=137}
";

const REFUSING: &str = "
title: A receiver accepts no connections
summary: What one would notice.
scope: pod
links:
  - {to: thanos/forward/refused, q: always, bind: peer, source: it is so}
";

const OOM: &str = "
title: Killed for memory
summary: What it is.
role: root
scope: pod
prior: uncommon
links:
  - {to: state/refusing, q: always}
  - {to: kubernetes/pod/killed, q: always, defining: true}
confirm:
  - {do: 'Look at {{pod}} in {{namespace}}', run: 'kubectl get pod -o go-template={{.status}}'}
fix:
  - {do: Raise the limit, risk: disruptive}
verify: 'no restart of {{pod}}'
references: [https://example.org]
";

const UPSTREAM: &str = "id\tlevel\tmsg\terr\tfields\tcomponent\tsince\tuntil\tmeaning
refused\tdebug\t\trefused\t\t\tv0.30.0\tcurrent\t
hello\tinfo\thello\t\t\t\tv0.4.0\tcurrent\t
";

fn files() -> Vec<(String, String)> {
    [
        ("patterns/signatures/thanos/forward/refused.yaml", REFUSED),
        ("patterns/signatures/kubernetes/pod/killed.yaml", KILLED),
        ("patterns/states/refusing.yaml", REFUSING),
        ("patterns/causes/receiver-oom.yaml", OOM),
        ("patterns/upstream.tsv", UPSTREAM),
        (
            "patterns/not-needed.tsv",
            "id\treason\nhello\tsays nothing\n",
        ),
    ]
    .map(|(path, text)| (path.to_owned(), text.to_owned()))
    .to_vec()
}

/// A matcher good enough for these tests: literals anywhere in the line.
fn literally(pack: &Pack, line: &str) -> Vec<Matched> {
    let holds = |test: &Test| match test {
        Test::Equals(text) | Test::Contains(text) => line.contains(&format!("{text} ")),
        _ => false,
    };
    let matches = |s: &Signature| {
        let mut variants = s.variants.iter();
        variants.any(|v| v.conditions.iter().all(|c| holds(&c.test)))
    };
    let all = (0..).map(SignatureIx).zip(&pack.signatures);
    let matching = all.filter(|(_, signature)| matches(signature));
    matching
        .map(|(signature, s)| Matched {
            signature,
            extract: s
                .extract
                .iter()
                .map(|e| (e.name.clone(), vec!["a:1".to_owned()]))
                .collect(),
        })
        .collect()
}

fn findings(files: &[(String, String)]) -> Vec<String> {
    let pack = Pack::load(files.iter().map(|(path, text)| (path, text))).unwrap();
    let matches = |line: &str, _: Source| literally(&pack, line);
    let found = audit(&pack, files, Some(&matches));
    // Small packs lack most causes and all of the runbook.
    let kept = found.iter().map(Finding::to_string);
    kept.filter(|f| !f.contains("vocabulary") && !f.contains("runbook"))
        .collect()
}

#[test]
fn a_sound_pack_has_no_findings() {
    assert_eq!(findings(&files()), Vec::<String>::new());
}

/// Changes one file of the sound pack and expects a finding.
#[track_caller]
fn check(path: &str, from: &str, to: &str, expected: &str) {
    let mut files = files();
    let file = files.iter_mut().find(|(p, _)| p.ends_with(path)).unwrap();
    assert!(file.1.contains(from), "no `{from}` in {path}");
    file.1 = file.1.replacen(from, to, 1);
    let found = findings(&files).join("\n");
    assert!(found.contains(expected), "`{expected}` not in:\n{found}");
}

#[test]
fn examples_are_whole_lines_and_near_misses() {
    let file = "refused.yaml";
    check(
        file,
        "ts=2024-01-01T00:00:00Z caller",
        "caller",
        "a whole line has a time",
    );
    check(
        file,
        "made for this test",
        "''",
        "says nothing of its origin",
    );
    check(
        file,
        "connection refused by peer a:1",
        "connection",
        "has none of the literals",
    );
    check(
        file,
        "connection refused by peer a:1",
        "connection",
        "does not match",
    );
    check(
        file,
        "connection refused by peer-to-be",
        "hello",
        "is no near miss",
    );
    check(
        file,
        "by peer-to-be",
        "by peer b",
        "matches, though it must not",
    );
    check(
        file,
        "['a:1']",
        "['b:1']",
        r#"`endpoint` is ["a:1"], not ["b:1"]"#,
    );
}

#[test]
fn no_line_is_claimed_twice() {
    let mut files = files();
    let twin = REFUSED.replace("covers: [refused]", "");
    files.push((
        "signatures/thanos/forward/twin.yaml".to_owned(),
        twin.clone(),
    ));
    files[2].1 += "  - {to: thanos/forward/twin, q: always, bind: peer, source: it is so}\n";
    let found = findings(&files).join("\n");
    assert!(
        found.contains("`thanos/forward/twin` claims this line"),
        "{found}"
    );
    let last = files.len() - 1;
    files[last].1 = format!("{twin}refines: thanos/forward/refused\n");
    assert_eq!(findings(&files), Vec::<String>::new());
    files[0].1 += "refines: thanos/forward/twin\n";
    let found = findings(&files).join("\n");
    assert!(found.contains("refines itself"), "{found}");
}

#[test]
fn causes_and_symptoms_hang_together() {
    let oom = "receiver-oom.yaml";
    check(
        oom,
        "  - {to: state/refusing, q: always}\n",
        "",
        "no cause leads to this symptom",
    );
    check(
        oom,
        "  - {to: state/refusing, q: always}\n",
        "",
        "no cause leads to this state",
    );
    check(
        oom,
        "references: [https://example.org]",
        "",
        "says nothing of why we believe it",
    );
    check(oom, "verify:", "avoid:", "needs `verify`");
    check(
        oom,
        "{{namespace}}",
        "{{nampespace}}",
        "`nampespace` is no field of a pod",
    );
    check(
        oom,
        "uncommon",
        "1e-9",
        "defining, so the leak of `kubernetes/pod/killed`",
    );
    check(
        "killed.yaml",
        "source: status",
        "source: status\nimpact: true",
        "fewer than two causes",
    );
    check(
        "refused.yaml",
        "min_level: debug, ",
        "",
        "does not say its `min_level`",
    );
}

#[test]
fn nothing_is_forgotten() {
    check(
        "not-needed.tsv",
        "hello\tsays nothing\n",
        "",
        "`hello` is matched by no signature",
    );
    check("not-needed.tsv", "\tsays nothing", "\t", "needs a reason");
    check(
        "not-needed.tsv",
        "hello\t",
        "refused\t",
        "a signature covers it after all",
    );
    check(
        "refused.yaml",
        "covers: [refused]",
        "covers: [refuse]",
        "has no row `refuse`",
    );
    check(
        "refused.yaml",
        "since: 0.30",
        "since: 0.31",
        "printed by 0.30.0, which no variant includes",
    );
    let pack = Pack::load(files().iter().map(|(path, text)| (path, text))).unwrap();
    let found = audit(&pack, &files(), None);
    assert_eq!(found.len(), CAUSES.len() - 1);
}
