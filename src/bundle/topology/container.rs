//! Containers: how they are doing, and what their flags say.

use serde::{Deserialize, Serialize};
use serde_json::Value;

use super::super::objects::{quantity, scalar};
use super::{list, owned, when};
use crate::record::Time;

/// A container, of a pod or of a template.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct Container {
    /// Name.
    pub name: String,
    /// Init container.
    pub init: bool,
    /// Image.
    pub image: String,
    /// Command and arguments, `$(NAME)` replaced where the value is known.
    pub args: Vec<String>,
    /// Ready.
    pub ready: bool,
    /// Restarts.
    pub restart_count: u64,
    /// What it does now.
    pub state: ContainerState,
    /// How its last life ended.
    pub last_state: Option<Termination>,
    /// Memory limit in bytes.
    pub memory_limit: Option<f64>,
    /// Memory request in bytes.
    pub memory_request: Option<f64>,
    /// CPU limit in cores.
    pub cpu_limit: Option<f64>,
    /// CPU request in cores.
    pub cpu_request: Option<f64>,
}

/// What a container does.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub enum ContainerState {
    /// It does not say.
    #[default]
    Unknown,
    /// Not started.
    Waiting {
        /// Reason, such as `CrashLoopBackOff`.
        reason: Option<String>,
        /// Message.
        message: Option<String>,
    },
    /// Running.
    Running {
        /// Since when.
        since: Option<Time>,
    },
    /// Ended.
    Terminated(Termination),
}

/// How a container's life ended.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Termination {
    /// Reason, such as `OOMKilled`.
    pub reason: Option<String>,
    /// Message.
    pub message: Option<String>,
    /// Exit code.
    pub exit_code: Option<i64>,
    /// Beginning of that life.
    pub started: Option<Time>,
    /// Its end.
    pub finished: Option<Time>,
}

impl Container {
    /// Whether its command is `thanos receive`.
    #[must_use]
    pub fn runs_receive(&self) -> bool {
        let mut words = self.args.iter().map(String::as_str);
        words.any(|word| word == "receive") && !self.args.iter().any(|a| a == "tools")
    }

    /// Value of the flag `name` (with its dashes); of repeated ones the last, as kingpin takes it.
    #[must_use]
    pub fn flag(&self, name: &str) -> Option<&str> {
        let mut found = None;
        let mut words = self.args.iter().peekable();
        while let Some(word) = words.next() {
            let Some(rest) = word.strip_prefix(name) else {
                continue;
            };
            if let Some(value) = rest.strip_prefix('=') {
                found = Some(value);
            } else if rest.is_empty() {
                let next = words.peek().filter(|next| !next.starts_with("--"));
                found = Some(next.map_or("", |next| next.as_str()));
            }
        }
        found
    }

    /// Version from the image's tag: `0.35.1`, or `main`; `None` for digests and other tags.
    #[must_use]
    pub fn version(&self) -> Option<String> {
        let named = self.image.split('@').next().unwrap_or_default();
        let (_, tag) = named.rsplit('/').next()?.split_once(':')?;
        if tag == "main" || tag.starts_with("main-") {
            return Some("main".to_owned());
        }
        let digits = tag.strip_prefix('v').unwrap_or(tag);
        let version = digits.split(['-', '+', '_']).next()?;
        let numbers: Vec<&str> = version.split('.').collect();
        let numeric = |n: &&str| !n.is_empty() && n.bytes().all(|b| b.is_ascii_digit());
        let whole = (2..=3).contains(&numbers.len()) && numbers.iter().all(numeric);
        whole.then(|| version.to_owned())
    }
}

/// The typed view of a container; `object` is its pod or the workload of its template.
pub(super) fn container(object: &Value, spec: &Value, status: &Value, init: bool) -> Container {
    let resource = |part: &str| {
        let written = spec.pointer(&format!("/resources/{part}"))?;
        quantity(&scalar(written)?)
    };
    Container {
        name: owned(spec, "/name").unwrap_or_default(),
        init,
        image: owned(spec, "/image").unwrap_or_default(),
        args: args(object, spec),
        ready: status.get("ready") == Some(&Value::Bool(true)),
        restart_count: status
            .get("restartCount")
            .and_then(Value::as_u64)
            .unwrap_or(0),
        state: state(status),
        last_state: status.pointer("/lastState/terminated").map(termination),
        memory_limit: resource("limits/memory"),
        memory_request: resource("requests/memory"),
        cpu_limit: resource("limits/cpu"),
        cpu_request: resource("requests/cpu"),
    }
}

fn state(status: &Value) -> ContainerState {
    if let Some(waiting) = status.pointer("/state/waiting") {
        ContainerState::Waiting {
            reason: owned(waiting, "/reason"),
            message: owned(waiting, "/message"),
        }
    } else if let Some(running) = status.pointer("/state/running") {
        ContainerState::Running {
            since: when(running, "/startedAt"),
        }
    } else if let Some(ended) = status.pointer("/state/terminated") {
        ContainerState::Terminated(termination(ended))
    } else {
        ContainerState::Unknown
    }
}

fn termination(ended: &Value) -> Termination {
    Termination {
        reason: owned(ended, "/reason"),
        message: owned(ended, "/message"),
        exit_code: ended.get("exitCode").and_then(Value::as_i64),
        started: when(ended, "/startedAt"),
        finished: when(ended, "/finishedAt"),
    }
}

/// Command and arguments as words: a shell's script is split, `$(NAME)` is replaced.
fn args(object: &Value, spec: &Value) -> Vec<String> {
    let known = environment(object, spec);
    let words = ["/command", "/args"]
        .iter()
        .flat_map(|pointer| list(spec, pointer))
        .filter_map(Value::as_str);
    let mut args = Vec::new();
    for word in words {
        let word = known.iter().fold(word.to_owned(), |text, (name, value)| {
            text.replace(&format!("$({name})"), value)
                .replace(&format!("${{{name}}}"), value)
        });
        let is_script = word.contains("receive") && word.contains(char::is_whitespace);
        if is_script && !word.starts_with('-') {
            args.extend(word.split_whitespace().map(str::to_owned));
        } else {
            args.push(word);
        }
    }
    args.iter_mut().for_each(hide_store);
    args
}

/// Takes the object store's configuration, which holds its keys, out of a flag.
pub(in crate::bundle) fn hide_store(arg: &mut String) {
    for flag in ["--objstore.config=", "--tracing.config="] {
        if arg.starts_with(flag) {
            arg.truncate(flag.len());
            arg.push_str("(hidden)");
        }
    }
}

/// Environment variables whose value the object itself tells. Names of a template's pods are not
/// known.
fn environment(object: &Value, spec: &Value) -> Vec<(String, String)> {
    let is_pod = object.pointer("/spec/template").is_none();
    let value = |variable: &Value| {
        let literal = owned(variable, "/value");
        literal.or_else(|| {
            let pointer = match owned(variable, "/valueFrom/fieldRef/fieldPath")?.as_str() {
                "metadata.name" if is_pod => "/metadata/name",
                "metadata.namespace" => "/metadata/namespace",
                "spec.nodeName" if is_pod => "/spec/nodeName",
                "status.podIP" if is_pod => "/status/podIP",
                _ => return None,
            };
            owned(object, pointer)
        })
    };
    list(spec, "/env")
        .iter()
        .filter_map(|variable| Some((owned(variable, "/name")?, value(variable)?)))
        .collect()
}
