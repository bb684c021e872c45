//! The public JSON keeps its promise: what `rdiag schema` prints holds of every report.

use serde_json::Value;

use crate::cli::{fixture, rdiag};

#[test]
fn reports_follow_the_schema() {
    let schema: Value = serde_json::from_slice(&rdiag(&["schema"]).stdout).unwrap();
    let validator = jsonschema::validator_for(&schema).unwrap();
    for bundle in ["incidents/restarted-and-nothing-says-why", "quiet/healthy"] {
        let out = rdiag(&["-o", "json", &fixture(bundle)]);
        let report: Value = serde_json::from_slice(&out.stdout).unwrap();
        let errors: Vec<String> = validator
            .iter_errors(&report)
            .map(|e| format!("{}: {e}", e.instance_path()))
            .collect();
        assert!(errors.is_empty(), "{bundle}: {}", errors.join("\n"));
        assert_eq!(report["schema"], "rdiag/report/v1");
    }
}

#[test]
#[expect(clippy::too_many_lines, reason = "one table")]
fn fields_that_others_use_are_there() {
    let out = rdiag(&[
        "-o",
        "json",
        &fixture("incidents/restarted-and-nothing-says-why"),
    ]);
    let report: Value = serde_json::from_slice(&out.stdout).unwrap();
    let incident = &report["incidents"][0];
    let hypothesis = &incident["hypotheses"][0];
    for (value, keys) in [
        (
            &report,
            &[
                "schema",
                "healthy",
                "scope",
                "coverage",
                "incidents",
                "novel",
            ][..],
        ),
        (&report["scope"], &["from", "until", "thanos"]),
        (&report["scope"]["thanos"][0], &["pod", "version", "basis"]),
        (&report["coverage"], &["sources", "gaps"]),
        (
            &report["coverage"]["sources"][0],
            &[
                "kind",
                "namespace",
                "pod",
                "container",
                "previous",
                "records",
                "bytes",
                "from",
                "until",
                "lowest_level",
                "unparsed",
                "truncated",
            ],
        ),
        (
            incident,
            &[
                "id",
                "from",
                "until",
                "provisional",
                "exact",
                "verdict",
                "hypotheses",
                "indistinguishable",
                "unknown_probability",
                "next_checks",
                "unexplained",
            ],
        ),
        (
            hypothesis,
            &[
                "cause",
                "title",
                "role",
                "probability",
                "band",
                "subjects",
                "chain",
                "explains",
                "for",
                "against",
                "heals_itself",
                "remediation",
            ],
        ),
        (&hypothesis["subjects"][0], &["kind", "name"]),
        (
            &hypothesis["explains"][0],
            &["symptom", "subject", "necessity", "count", "samples"],
        ),
        (
            &hypothesis["remediation"],
            &["confirm", "mitigate", "fix", "verify", "avoid"],
        ),
    ] {
        for key in keys {
            assert!(value.get(key).is_some(), "{key} is missing of {value}");
        }
    }
}
