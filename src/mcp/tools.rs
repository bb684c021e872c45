//! What a model can ask.

use std::collections::BTreeMap;
use std::path::{Path, PathBuf};

use crate::bundle::Input;
use crate::engine::{Engine, Options};
use crate::hashring::{self, Algorithm, Rings, Setup};
use crate::pack::{Version, manual};
use crate::report::model::{Hypothesis, Incident, Report};
use crate::report::{self, Format, Style, escape};
use crate::serve::alert::Status;
use crate::serve::clock;
use crate::serve::store::{Filter, Store};
use serde_json::{Value, json};

/// What the tools work with.
#[derive(Debug)]
pub struct Tools {
    engine: Engine,
    /// Without links.
    roots: Vec<PathBuf>,
    data_dir: Option<PathBuf>,
}

/// What a tool answers.
pub(super) struct Answer {
    /// For reading.
    pub(super) text: String,
    /// The same as a value.
    pub(super) value: Value,
}

/// Why a tool does not answer.
pub(super) enum ToolError {
    /// There is no such tool.
    Unknown,
    /// It cannot.
    Failed(String),
}

/// Longest text of an answer, in bytes: what a model can read with profit.
const TEXT_BYTES: usize = 48 * 1024;
/// Samples and templates given under `untrusted`, and the longest of them.
const UNTRUSTED: usize = 40;
const UNTRUSTED_BYTES: usize = 400;
/// Hypotheses of an incident.
const HYPOTHESES: usize = 5;
/// Incidents in a list, unless asked otherwise.
const INCIDENTS: usize = 20;

impl Tools {
    /// Tools that read files below `roots` (the current folder without any) and the incidents of the
    /// store in `data_dir`.
    ///
    /// # Errors
    /// When a folder is not there.
    pub fn new(
        engine: Engine,
        roots: &[PathBuf],
        data_dir: Option<PathBuf>,
    ) -> Result<Self, String> {
        let here = [PathBuf::from(".")];
        let roots = if roots.is_empty() { &here } else { roots };
        let real = |path: &PathBuf| {
            path.canonicalize()
                .map_err(|e| format!("--root {}: {e}", path.display()))
        };
        let roots = roots.iter().map(real).collect::<Result<_, _>>()?;
        Ok(Self {
            engine,
            roots,
            data_dir,
        })
    }

    pub(super) fn call(&self, name: &str, arguments: &Value) -> Result<Answer, ToolError> {
        let answer = match name {
            "diagnose" => self.diagnose(arguments),
            "cluster_report" => self.cluster(arguments),
            "explain" => self.explain(arguments),
            "search_manual" => self.search(arguments),
            "hashring_locate" => self.locate(arguments),
            "incidents_list" => self.incidents(arguments),
            "incidents_show" => self.incident(arguments),
            _ => return Err(ToolError::Unknown),
        };
        answer.map_err(ToolError::Failed)
    }

    fn diagnose(&self, arguments: &Value) -> Result<Answer, String> {
        let paths = arguments
            .get("paths")
            .and_then(Value::as_array)
            .ok_or("`paths` is missing")?;
        let paths = paths
            .iter()
            .map(|path| self.inside(path.as_str().ok_or("a path is no string")?))
            .collect::<Result<Vec<_>, String>>()?;
        self.report(&paths, version(arguments)?)
    }

    /// The report of what lies there.
    pub(super) fn report(
        &self,
        paths: &[PathBuf],
        thanos_version: Option<Version>,
    ) -> Result<Answer, String> {
        let options = Options {
            threads: 0,
            thanos_version,
        };
        let input = Input::open(paths, None).map_err(|e| chain(&e))?;
        if input.is_empty() {
            return Err("nothing to read was found there".to_owned());
        }
        let analysis = self.engine.run(&input, &options).map_err(|e| chain(&e))?;
        let mut found = analysis.report;
        crate::redact::Redactor::default().report(&mut found);
        Ok(answer(&found))
    }

    fn explain(&self, arguments: &Value) -> Result<Answer, String> {
        let id = text(arguments, "id")?;
        match manual::explain(self.engine.pack(), id, 100) {
            Some(page) => Ok(Answer {
                value: json!({ "id": id, "page": page }),
                text: page,
            }),
            None => {
                let near = manual::suggest(self.engine.pack(), id).join(", ");
                Err(format!("there is no {id:?} in the manual; near it: {near}"))
            }
        }
    }

    fn search(&self, arguments: &Value) -> Result<Answer, String> {
        let words: Vec<String> = text(arguments, "words")?
            .split_whitespace()
            .map(str::to_lowercase)
            .collect();
        let rows: Vec<Value> = manual::list(self.engine.pack())
            .into_iter()
            .filter(|row| {
                let text = format!("{} {}", row.id, row.title).to_lowercase();
                words.iter().all(|word| text.contains(word))
            })
            .take(100)
            .map(|row| json!({ "id": row.id, "kind": row.kind, "title": row.title }))
            .collect();
        Ok(listed(json!({ "pages": rows })))
    }

    fn locate(&self, arguments: &Value) -> Result<Answer, String> {
        let path = self.inside(text(arguments, "file")?)?;
        let content = std::fs::read_to_string(&path)
            .map_err(|e| format!("reading {}: {e}", path.display()))?;
        let rings = Rings::parse(&content).map_err(|faults| {
            faults
                .iter()
                .map(|fault| format!("{}: {}", fault.place, fault.what))
                .collect::<Vec<_>>()
                .join("; ")
        })?;
        let labels =
            hashring::parse_series(text(arguments, "series")?).map_err(|e| e.to_string())?;
        let mut setup = Setup::default();
        match arguments.get("algorithm").and_then(Value::as_str) {
            Some("ketama") => setup.algorithm = Some(Algorithm::Ketama),
            Some("hashmod") => setup.algorithm = Some(Algorithm::Hashmod),
            _ => {}
        }
        if let Some(factor) = arguments.get("replication_factor").and_then(Value::as_u64) {
            let factor = u16::try_from(factor).map_err(|_| "`replication_factor` is too large")?;
            setup.replication_factor = Some(usize::from(factor));
        }
        setup.version = version(arguments)?;
        let tenant = arguments
            .get("tenant")
            .and_then(Value::as_str)
            .unwrap_or("default-tenant");
        let placement =
            hashring::place(&rings, &setup, tenant, &labels).map_err(|fault| fault.to_string())?;
        let members: Vec<&str> = placement
            .replicas
            .iter()
            .map(|endpoint| endpoint.address.as_str())
            .collect();
        Ok(listed(json!({
            "hashring": placement.hashring,
            "tenant": tenant,
            "hash": format!("{:016x}", placement.hash),
            "members": members,
            "assumed": hashring::assumptions(&setup),
        })))
    }

    fn incidents(&self, arguments: &Value) -> Result<Answer, String> {
        let state = match arguments.get("state").and_then(Value::as_str) {
            Some("firing") => Some(Status::Firing),
            Some("resolved") => Some(Status::Resolved),
            _ => None,
        };
        let limit = arguments
            .get("limit")
            .and_then(Value::as_u64)
            .unwrap_or(INCIDENTS as u64);
        let filter = Filter {
            state,
            query: arguments
                .get("query")
                .and_then(Value::as_str)
                .unwrap_or_default()
                .to_owned(),
            before: None,
            limit: usize::try_from(limit).unwrap_or(INCIDENTS).min(200),
        };
        let found = self.store()?.incidents(&filter).map_err(|e| chain(&e))?;
        let list: Vec<Value> = found
            .iter()
            .map(|incident| {
                let answer = incident.answer.as_ref();
                json!({
                    "id": incident.id.to_string(),
                    "state": incident.state.word(),
                    "opened_at": clock::rfc3339(incident.opened_at),
                    "verdict": answer.map(|a| &a.verdict),
                    "cause": answer.and_then(|a| a.cause.as_ref()),
                    "untrusted": { "alert": cut(&incident.title), "answer": answer.and_then(|a| a.title.as_deref()).map(cut) },
                })
            })
            .collect();
        Ok(listed(json!({ "incidents": list })))
    }

    fn incident(&self, arguments: &Value) -> Result<Answer, String> {
        let id: i64 = text(arguments, "id")?
            .parse()
            .map_err(|_| "`id` is no number")?;
        let store = self.store()?;
        let fail = |e| chain(&e);
        let incident = store
            .incident(id)
            .map_err(fail)?
            .ok_or("there is no such incident")?;
        let alerts = store.alerts(id, UNTRUSTED).map_err(fail)?;
        let alerts: Vec<BTreeMap<String, String>> = alerts
            .iter()
            .map(|alert| {
                alert
                    .labels
                    .iter()
                    .map(|(name, value)| (cut(name), cut(value)))
                    .collect()
            })
            .collect();
        let report = match &incident.answer {
            Some(answer) => store.report(answer.report).map_err(fail)?,
            None => None,
        };
        let mut shown = report.map_or_else(
            || Answer {
                text: "there is no answer yet".to_owned(),
                value: json!({}),
            },
            |report| answer(&report),
        );
        shown.value["id"] = json!(id.to_string());
        shown.value["state"] = json!(incident.state.word());
        shown.value["opened_at"] = json!(clock::rfc3339(incident.opened_at));
        shown.value["untrusted"]["alerts"] = json!(alerts);
        Ok(shown)
    }

    fn store(&self) -> Result<Store, String> {
        let folder = self
            .data_dir
            .as_deref()
            .ok_or("rdiag mcp was started without --data-dir")?;
        Store::open_to_read(folder).map_err(|e| chain(&e))
    }

    /// The path without links, if it is below a folder that may be read.
    fn inside(&self, path: &str) -> Result<PathBuf, String> {
        let first = self.roots.first().ok_or("nothing may be read")?;
        let real = first
            .join(Path::new(path))
            .canonicalize()
            .map_err(|e| format!("{path}: {e}"))?;
        match self.roots.iter().any(|root| real.starts_with(root)) {
            true => Ok(real),
            false => Err(format!("{path} is outside of what may be read (--root)")),
        }
    }
}

/// A report: as text, and as a value with the words of others set apart.
fn answer(found: &Report) -> Answer {
    let found = escape::finite(&escape::clean(found));
    let mut text = report::render(
        &found,
        Format::Text,
        Style {
            width: 100,
            ..Style::default()
        },
    );
    if text.len() > TEXT_BYTES {
        text.truncate(text.floor_char_boundary(TEXT_BYTES));
        text.push_str("\n… cut\n");
    }
    let mut samples: Vec<String> = Vec::new();
    for incident in &found.incidents {
        for hypothesis in &incident.hypotheses {
            samples.extend(
                hypothesis
                    .explains
                    .iter()
                    .flat_map(|e| &e.samples)
                    .map(|s| cut(s)),
            );
        }
    }
    samples.dedup();
    samples.truncate(UNTRUSTED);
    let novel: Vec<String> = found
        .novel
        .iter()
        .take(UNTRUSTED)
        .map(|line| cut(&line.template))
        .collect();
    let value = json!({
        "healthy": found.healthy,
        "incidents": found.incidents.iter().map(incident_value).collect::<Vec<_>>(),
        "not_seen": found.coverage.gaps.iter().take(UNTRUSTED).map(|g| format!("{}: {}", g.what, g.why)).collect::<Vec<_>>(),
        "untrusted": { "samples": samples, "lines_without_signature": novel },
    });
    Answer { text, value }
}

fn incident_value(incident: &Incident) -> Value {
    json!({
        "verdict": incident.verdict,
        "severity": incident.severity,
        "from": incident.from,
        "until": incident.until,
        "impact": incident.impact,
        "hypotheses": incident.hypotheses.iter().take(HYPOTHESES).map(hypothesis_value).collect::<Vec<_>>(),
        "next_checks": incident.next_checks,
        "unknown_probability": incident.unknown_probability,
    })
}

fn hypothesis_value(hypothesis: &Hypothesis) -> Value {
    json!({
        "cause": hypothesis.cause,
        "title": hypothesis.title,
        "probability": hypothesis.probability,
        "band": hypothesis.band,
        "role": hypothesis.role,
        "subjects": hypothesis.subjects,
        "for": hypothesis.pro,
        "against": hypothesis.contra,
        "heals_itself": hypothesis.heals_itself,
        "remediation": hypothesis.remediation,
    })
}

fn listed(value: Value) -> Answer {
    Answer {
        text: serde_json::to_string_pretty(&value).unwrap_or_default(),
        value,
    }
}

fn text<'a>(arguments: &'a Value, name: &str) -> Result<&'a str, String> {
    arguments
        .get(name)
        .and_then(Value::as_str)
        .ok_or_else(|| format!("`{name}` is missing"))
}

/// An error with all its sources, on one line.
pub(super) fn chain(error: &dyn std::error::Error) -> String {
    let mut text = error.to_string();
    let mut source = error.source();
    while let Some(cause) = source {
        text.push_str(": ");
        text.push_str(&cause.to_string());
        source = cause.source();
    }
    text
}

pub(super) fn version(arguments: &Value) -> Result<Option<Version>, String> {
    let Some(text) = arguments.get("thanos_version").and_then(Value::as_str) else {
        return Ok(None);
    };
    Version::parse(text)
        .map(Some)
        .ok_or_else(|| format!("{text:?} is no version; write it like 0.38.0"))
}

/// Text of others: without what does not show, and not too long.
fn cut(text: &str) -> String {
    let text = escape::visible(text);
    let end = text.floor_char_boundary(UNTRUSTED_BYTES);
    if end < text.len() {
        format!("{}…", &text[..end])
    } else {
        text.into_owned()
    }
}
