//! Bounds of what is weighed and shown.

use std::sync::{Arc, LazyLock};

use rdiag::engine::{Analysis, Engine, Options};
use rdiag::evidence::Ledger;
use rdiag::limits;
use rdiag::novelty::Miner;
use rdiag::pack::Pack;
use rdiag::record::{Origin, Record, errors};
use rdiag::redact::{Options as RedactOptions, Redactor};

use super::piped;

static ENGINE: LazyLock<Engine> =
    LazyLock::new(|| Engine::new(Arc::new(Pack::embedded().unwrap())));

fn run(text: String) -> Analysis {
    ENGINE
        .run(&piped(text.into_bytes()), &Options::default())
        .unwrap()
}

/// A line about another pod: the subject is whom it names.
fn forward(peer: &str, tenant: &str) -> String {
    format!(
        "ts=2026-11-23T02:00:10Z level=error component=receive component=receive-handler tenant={tenant} \
         err=\"forwarding request to endpoint {peer}:10901: rpc error: code = DeadlineExceeded desc = context deadline exceeded\" \
         msg=\"internal server error\""
    )
}

fn longest<T>(ledger: &Ledger, of: impl Fn(&rdiag::evidence::Evidence) -> T) -> Option<T>
where
    T: Ord,
{
    ledger.iter().map(|(_, _, evidence)| of(evidence)).max()
}

#[test]
fn pairs_of_signature_and_subject_and_members_are_bounded_and_counted() {
    let lines = limits::LEDGER_PAIRS + 2000;
    let text: String = (0..lines)
        .map(|n| format!("[pod/r-0/c] {}\n", forward(&format!("r-{n}"), "t")))
        .collect();
    let analysis = run(text);
    assert_eq!(analysis.ledger.iter().count(), limits::LEDGER_PAIRS);
    assert!(
        analysis.ledger.overflow >= 2000,
        "{}",
        analysis.ledger.overflow
    );
    assert!(analysis.scope.members.len() <= limits::MEMBERS);
    let gaps = format!("{:?}", analysis.report.coverage.gaps);
    assert!(gaps.contains("members") || gaps.contains("pods"), "{gaps}");
}

#[test]
fn samples_witnesses_and_values_are_bounded_and_counts_are_not() {
    let lines = 4 * limits::WITNESSES;
    let padding = "x".repeat(2 * limits::SAMPLE_BYTES);
    let text: String = (0..lines)
        .map(|n| {
            format!(
                "[pod/r-{n}/c] {} padding={padding}\n",
                forward("r-1", &format!("tenant-{n}"))
            )
        })
        .collect();
    let analysis = run(text);
    let ledger = &analysis.ledger;
    assert_eq!(longest(ledger, |e| e.count), Some(lines as u64));
    assert_eq!(longest(ledger, |e| e.samples.len()), Some(limits::SAMPLES));
    assert_eq!(
        longest(ledger, |e| e.samples.iter().map(|s| s.line.len()).max()),
        Some(Some(limits::SAMPLE_BYTES))
    );
    assert_eq!(
        longest(ledger, |e| e.witnesses.len()),
        Some(limits::WITNESSES + 1)
    );
    assert!(
        longest(ledger, |e| e.values.values().map(Vec::len).max()) <= Some(Some(limits::EXTRACTS))
    );
}

#[test]
fn nested_lists_and_contexts_are_followed_to_a_depth() {
    let deep = format!(
        "{}forwarding request to endpoint r-1:1: x",
        "2 errors: ".repeat(4 * limits::ERROR_DEPTH)
    );
    let leaves = errors::parse(deep.as_bytes());
    assert!(!leaves.is_empty() && leaves.len() <= limits::ERROR_LEAVES);
    let context = "c".repeat(2 * limits::ERROR_CONTEXT_BYTES);
    let list = format!("forwarding request to endpoint {context}:1: 2 errors: a; b");
    for leaf in errors::parse(list.as_bytes()) {
        assert!(leaf.text.len() <= list.len() + limits::ERROR_CONTEXT_BYTES);
    }
}

#[test]
fn templates_and_their_pods_are_bounded() {
    let mut miner = Miner::default();
    for n in 0..4 * limits::NOVEL_PODS {
        let line = format!(
            "level=error msg=\"odd thing\" err=\"{}\"",
            "a: ".repeat(limits::NOVEL_ERROR_BYTES)
        );
        miner.record(&Record::log(
            &Origin::pod(&format!("p-{n:03}")),
            line.as_bytes(),
        ));
    }
    let templates = miner.templates();
    assert!(
        templates.iter().all(|t| t.pods.len() <= limits::NOVEL_PODS),
        "{templates:?}"
    );
    assert_eq!(
        templates.iter().map(|t| t.count).sum::<u64>(),
        4 * limits::NOVEL_PODS as u64
    );
    let words = [
        "alpha", "beta", "gamma", "delta", "kappa", "lambda", "omega", "sigma",
    ];
    let mut text = String::new();
    for a in words {
        for b in words {
            for c in ["red", "green"] {
                text.push_str(&format!(
                    "level=error caller={a}{b}{c}.go:1 msg=\"{a} {b} {c} happened oddly\"\n"
                ));
            }
        }
    }
    let report = run(text).report;
    assert_eq!(report.novel.len(), limits::NOVEL_TEMPLATES);
}

#[test]
fn open_keys_pseudonyms_and_long_lines_are_bounded() {
    let mut redactor = Redactor::default();
    let _ = redactor.line("-----BEGIN PRIVATE KEY-----");
    let body = "MIIEvQIBADANBgkqhkiG9w0BAQEFAASCBKcwggSjAgEAAoIBAQC7";
    let hidden = (0..4 * limits::PRIVATE_KEY_LINES)
        .filter(|_| redactor.line(body).contains("REDACTED"))
        .count();
    assert!(
        hidden >= limits::PRIVATE_KEY_LINES && hidden <= limits::PRIVATE_KEY_LINES + 1,
        "{hidden}"
    );
    let mut redactor = Redactor::new(RedactOptions {
        secrets: false,
        anonymize: true,
    });
    let name = |n: usize| format!("dial 10.{}.{}.{}:1", n >> 16, n >> 8 & 255, n & 255);
    let last = (0..=limits::PSEUDONYMS)
        .map(|n| redactor.line(&name(n)).into_owned())
        .last()
        .unwrap();
    assert!(last.contains("ip-other"), "{last}");
    // A document without line breaks is looked at in pieces, and all of it is.
    let line = format!(
        "{}password=hunter22 end",
        "x ".repeat(limits::CLEAN_BYTES / 2 + 10)
    );
    let mut out = Vec::new();
    Redactor::default()
        .copy(&mut line.as_bytes(), &mut out)
        .unwrap();
    assert!(!String::from_utf8_lossy(&out).contains("hunter22"));
}

#[test]
fn answers_of_queries_are_read_up_to_a_bound() {
    let dir = tempfile::tempdir().unwrap();
    let place = dir.path().join("metrics/queries");
    std::fs::create_dir_all(&place).unwrap();
    let file = std::fs::File::create(place.join("1700000000.json")).unwrap();
    // Blanks: nothing but its length is wrong with it.
    file.set_len(limits::QUERY_BYTES + 1).unwrap();
    let input = rdiag::bundle::Input::open(&[dir.path().to_owned()], None).unwrap();
    let report = ENGINE.run(&input, &Options::default()).unwrap().report;
    let gaps = format!("{:?}", report.coverage.gaps);
    assert!(gaps.contains("1700000000.json"), "{gaps}");
}
