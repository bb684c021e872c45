//! The alert rules of `rdiag alerts`: read from `rules.yaml`, printed for Prometheus or its operator.

use std::fmt::Write as _;

use serde::Deserialize;
use serde_json::{Value, json};

use crate::pack::{Version, VersionRange};

/// What to print.
#[derive(Clone, Debug)]
pub struct Wanted {
    /// Version of Thanos; none: rules that work with every version.
    pub version: Option<Version>,
    /// Matcher of the receivers' series, without braces.
    pub receive: String,
    /// Matcher of their volumes.
    pub claims: String,
    /// Matcher of their pods.
    pub pods: String,
    /// Where the pages of `rdiag serve` are; annotations point there.
    pub external_url: Option<String>,
}

impl Default for Wanted {
    fn default() -> Self {
        Self {
            version: None,
            receive: "job=~\".*thanos-receive.*\"".to_owned(),
            claims: "persistentvolumeclaim=~\".*thanos-receive.*\"".to_owned(),
            pods: "pod=~\".*thanos-receive.*\"".to_owned(),
            external_url: None,
        }
    }
}

/// How to print.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Shape {
    /// A rule file of Prometheus.
    Plain,
    /// A `PrometheusRule` of the Prometheus operator.
    Operator,
}

/// One rule, resolved.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Rule {
    /// Group it is in.
    pub group: String,
    /// Name.
    pub alert: String,
    /// PromQL.
    pub expr: String,
    /// How long it must hold.
    pub hold: String,
    /// `critical`, `warning` or `info`.
    pub severity: String,
    /// What was wrong with the rule as upstream or the runbook has it.
    pub corrected: Option<String>,
    /// Page of the manual.
    pub explain: String,
    /// Annotations, in order.
    pub annotations: Vec<(String, String)>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawGroup {
    group: String,
    rules: Vec<RawRule>,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawRule {
    alert: String,
    severity: String,
    #[serde(rename = "for")]
    hold: String,
    #[serde(default)]
    since: Option<String>,
    #[serde(default)]
    corrected: Option<String>,
    expr: Vec<RawExpr>,
    explain: String,
    summary: String,
    description: String,
}

#[derive(Debug, Deserialize)]
#[serde(deny_unknown_fields)]
struct RawExpr {
    #[serde(default)]
    since: Option<String>,
    #[serde(default)]
    until: Option<String>,
    promql: String,
}

const RULES: &str = include_str!("rules.yaml");

/// The rules for a version.
///
/// # Panics
/// Never: that the built-in file can be read is tested.
#[must_use]
pub fn rules(wanted: &Wanted) -> Vec<Rule> {
    let groups: Vec<RawGroup> =
        serde_saphyr::from_str(RULES).expect("the built-in rules are tested");
    let of_version = |rule: &RawRule| applies(rule.since.as_deref(), None, wanted.version);
    groups
        .into_iter()
        .flat_map(|group| {
            let name = group.group;
            group
                .rules
                .into_iter()
                .filter(of_version)
                .map(move |rule| resolve(&name, rule, wanted))
        })
        .collect()
}

/// The rules as YAML.
#[must_use]
pub fn yaml(wanted: &Wanted, shape: Shape) -> String {
    let rules = rules(wanted);
    let version = wanted.version.map_or_else(
        || "any version".to_owned(),
        |v| format!("v{}.{}", v.major, v.minor),
    );
    let mut text = format!(
        "# Alerts of a Thanos Receive ring, by rdiag {}, for {version}.\n",
        env!("CARGO_PKG_VERSION")
    );
    let indent = match shape {
        Shape::Plain => "",
        Shape::Operator => {
            text.push_str(
                "apiVersion: monitoring.coreos.com/v1\nkind: PrometheusRule\nmetadata:\n  name: thanos-receive\n  \
                 labels:\n    app.kubernetes.io/name: thanos-receive\n    app.kubernetes.io/managed-by: rdiag\nspec:\n",
            );
            "  "
        }
    };
    let _ = writeln!(text, "{indent}groups:");
    for group in rules.chunk_by(|a, b| a.group == b.group) {
        let _ = writeln!(
            text,
            "{indent}  - name: {}\n{indent}    rules:",
            group[0].group
        );
        for rule in group {
            write_rule(&mut text, rule, &format!("{indent}      "));
        }
    }
    text
}

/// The rules as JSON.
#[must_use]
pub fn json(wanted: &Wanted, shape: Shape) -> Value {
    let rules = rules(wanted);
    let groups: Vec<Value> = rules
        .chunk_by(|a, b| a.group == b.group)
        .map(|group| {
            let rules: Vec<Value> = group.iter().map(rule_json).collect();
            json!({ "name": group[0].group, "rules": rules })
        })
        .collect();
    match shape {
        Shape::Plain => json!({ "groups": groups }),
        Shape::Operator => json!({
            "apiVersion": "monitoring.coreos.com/v1",
            "kind": "PrometheusRule",
            "metadata": { "name": "thanos-receive" },
            "spec": { "groups": groups },
        }),
    }
}

fn rule_json(rule: &Rule) -> Value {
    let annotations: serde_json::Map<String, Value> = rule
        .annotations
        .iter()
        .map(|(name, text)| (name.clone(), json!(text)))
        .collect();
    json!({
        "alert": rule.alert,
        "expr": rule.expr,
        "for": rule.hold,
        "labels": { "severity": rule.severity },
        "annotations": annotations,
    })
}

fn write_rule(text: &mut String, rule: &Rule, indent: &str) {
    if let Some(corrected) = &rule.corrected {
        for line in wrapped(&format!("Corrected: {corrected}"), 96) {
            let _ = writeln!(text, "{indent}# {line}");
        }
    }
    let _ = writeln!(text, "{indent}- alert: {}\n{indent}  expr: |-", rule.alert);
    for line in rule.expr.lines() {
        let _ = writeln!(text, "{indent}    {line}");
    }
    let _ = writeln!(
        text,
        "{indent}  for: {}\n{indent}  labels:\n{indent}    severity: {}",
        rule.hold, rule.severity
    );
    let _ = writeln!(text, "{indent}  annotations:");
    for (name, value) in &rule.annotations {
        // JSON strings are YAML strings, whatever is in them.
        let _ = writeln!(text, "{indent}    {name}: {}", json!(value));
    }
}

fn resolve(group: &str, rule: RawRule, wanted: &Wanted) -> Rule {
    let fitting: Vec<&RawExpr> = rule
        .expr
        .iter()
        .filter(|expr| applies(expr.since.as_deref(), expr.until.as_deref(), wanted.version))
        .collect();
    // Of a known version the latest variant counts; of an unknown one all, each once.
    let mut parts: Vec<&str> = match wanted.version {
        Some(_) => fitting
            .last()
            .map(|expr| expr.promql.as_str())
            .into_iter()
            .collect(),
        None => fitting.iter().map(|expr| expr.promql.as_str()).collect(),
    };
    let mut seen = Vec::new();
    parts.retain(|part| {
        !seen.contains(part) && {
            seen.push(part);
            true
        }
    });
    let expr = match parts.as_slice() {
        [only] => (*only).to_owned(),
        several => several
            .iter()
            .map(|part| format!("(\n{}\n)", indented(part)))
            .collect::<Vec<_>>()
            .join("\nor\n"),
    };
    let fill = |text: &str| {
        text.replace("{{receive}}", &wanted.receive)
            .replace("{{claims}}", &wanted.claims)
            .replace("{{pods}}", &wanted.pods)
    };
    Rule {
        annotations: annotations(&rule, wanted),
        group: group.to_owned(),
        alert: rule.alert,
        expr: fill(&expr),
        hold: rule.hold,
        severity: rule.severity,
        corrected: rule.corrected,
        explain: rule.explain,
    }
}

fn annotations(rule: &RawRule, wanted: &Wanted) -> Vec<(String, String)> {
    let mut all = vec![
        ("summary".to_owned(), rule.summary.clone()),
        ("description".to_owned(), rule.description.clone()),
        (
            "explain".to_owned(),
            format!("rdiag explain {}", rule.explain),
        ),
    ];
    if let Some(base) = &wanted.external_url {
        let base = base.trim_end_matches('/');
        all.push((
            "runbook_url".to_owned(),
            format!("{base}/manual/{}", rule.explain),
        ));
        // Which incident it is, only the server knows; the labels lead to it.
        let place = "namespace={{ $labels.namespace | urlquery }}";
        all.push((
            "incident_url".to_owned(),
            format!("{base}/find?alertname={}&{place}", rule.alert),
        ));
    }
    all
}

/// Whether a range that is bounded by these holds the version; every range may hold an unknown one.
fn applies(since: Option<&str>, until: Option<&str>, version: Option<Version>) -> bool {
    let Some(version) = version else { return true };
    let range = VersionRange {
        since: since.and_then(Version::parse),
        until: until.and_then(Version::parse),
    };
    range.contains(&version)
}

fn indented(text: &str) -> String {
    text.lines()
        .map(|line| format!("  {line}"))
        .collect::<Vec<_>>()
        .join("\n")
}

fn wrapped(text: &str, width: usize) -> Vec<String> {
    let mut lines = vec![String::new()];
    for word in text.split_whitespace() {
        let last = lines.len() - 1;
        if !lines[last].is_empty() && lines[last].len() + word.len() >= width {
            lines.push(word.to_owned());
        } else {
            if !lines[last].is_empty() {
                lines[last].push(' ');
            }
            lines[last].push_str(word);
        }
    }
    lines
}

#[cfg(test)]
mod tests;
