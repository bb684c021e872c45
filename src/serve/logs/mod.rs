//! Bundles from stores of logs: those of a namespace, written as if kubectl had printed them with time stamps.

mod loki;
#[cfg(test)]
mod tests;
mod victoria;

use std::collections::BTreeMap;
use std::io::Write as _;
use std::path::Path;

use jiff::Timestamp;

use super::clock;
use super::look::Look;
use super::source::{self, Fetched, SourceError};
use super::worker::chain;
use crate::limits;

/// Lines asked for at once; Loki's own default limit.
const PAGE: usize = 5000;
/// Streams that name no container are of this one.
const CONTAINER: &str = "thanos-receive";

/// Which store.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Kind {
    Loki,
    VictoriaLogs,
}

impl Kind {
    fn name(self) -> &'static str {
        match self {
            Self::Loki => "Loki",
            Self::VictoriaLogs => "VictoriaLogs",
        }
    }
}

/// One line with where it is from, and its time in nanoseconds since the epoch.
struct Line {
    pod: String,
    container: String,
    at: i128,
    text: String,
}

/// Lines by pod and container.
type Logs = BTreeMap<(String, String), Vec<(i128, String)>>;

/// Reads what the store at `url` has of the look's namespace into an archive in `folder`.
pub(super) async fn fetch(
    kind: Kind,
    url: &str,
    look: &Look,
    alerts: Vec<u8>,
    folder: &Path,
    redact: bool,
) -> Result<Fetched, SourceError> {
    let unusable = |error: &dyn std::error::Error| SourceError::Unusable(chain(error));
    let namespace = look.namespace.clone().ok_or_else(|| {
        SourceError::Unusable(
            "the alert names no namespace, and --namespace is not given".to_owned(),
        )
    })?;
    let client = super::notify::client().map_err(|e| unusable(&e))?;
    let (lines, cut) = lines(kind, &client, url, &namespace, look).await?;
    let name = format!("logs-{}.tar.zst", clock::now());
    let path = folder.join(&name);
    let writer = source::writer(&path, redact).map_err(|e| unusable(&e))?;
    for ((pod, container), lines) in lines {
        let mut log = match writer.log(&namespace, &pod, &container, false) {
            Ok(log) => log,
            // A label that is no name of a pod: whatever it is, it is no file.
            Err(error) => {
                writer.gap(format!("log of {pod} {container}"), chain(&error));
                continue;
            }
        };
        for (at, line) in lines {
            let time = Timestamp::from_nanosecond(at).unwrap_or_default();
            let copy = |source| SourceError::Copy {
                path: path.clone(),
                source,
            };
            writeln!(log, "{time} {line}").map_err(copy)?;
        }
    }
    if cut {
        let why = format!("{} had more lines than are read for one look", kind.name());
        writer.gap("later logs", why);
    }
    let why = format!("only logs come from {}", kind.name());
    writer.gap("Kubernetes objects, events and metrics", why);
    writer.alerts(&alerts).map_err(|e| unusable(&e))?;
    writer
        .finish(&clock::rfc3339(clock::now()), Some(&namespace))
        .map_err(|e| unusable(&e))?;
    let bytes = std::fs::metadata(&path)
        .map(|about| about.len())
        .unwrap_or(0);
    Ok(Fetched {
        path,
        kept: Some((name, bytes)),
    })
}

/// All lines in order of time, and whether there were more.
async fn lines(
    kind: Kind,
    client: &reqwest::Client,
    url: &str,
    namespace: &str,
    look: &Look,
) -> Result<(Logs, bool), SourceError> {
    let mut logs = Logs::new();
    let nanoseconds = |at| i128::from(at) * 1_000_000;
    let (mut from, until) = (nanoseconds(look.from), nanoseconds(look.until));
    let mut bytes = 0;
    loop {
        let (address, read): (String, fn(&[u8]) -> Result<Vec<Line>, String>) = match kind {
            Kind::Loki => (loki::address(url, namespace, from, until), loki::read),
            Kind::VictoriaLogs => (
                victoria::address(url, namespace, from, until),
                victoria::read,
            ),
        };
        let body = answer(kind, client, &address).await?;
        let page = read(&body).map_err(|why| {
            SourceError::Unusable(format!("{}'s answer is not understood: {why}", kind.name()))
        })?;
        let count = page.len();
        let last = page.iter().map(|line| line.at).max();
        for line in page {
            bytes += line.text.len();
            let of = (line.pod, line.container);
            // A line of a record that holds line feeds stays one line.
            let text = line.text.trim_end_matches('\n').replace('\n', "\\n");
            logs.entry(of).or_default().push((line.at, text));
        }
        let Some(last) = last else { break };
        if count < PAGE {
            break;
        }
        if bytes > limits::LOKI_BYTES {
            return Ok((sorted(logs), true));
        }
        // The page may end amid lines of one moment: that moment is asked for again, unless it alone
        // fills the page.
        from = if last > from { last } else { last + 1 };
    }
    Ok((sorted(logs), false))
}

fn sorted(mut logs: Logs) -> Logs {
    for lines in logs.values_mut() {
        lines.sort();
        lines.dedup();
    }
    logs
}

async fn answer(
    kind: Kind,
    client: &reqwest::Client,
    address: &str,
) -> Result<Vec<u8>, SourceError> {
    let failed = |error: reqwest::Error| {
        let why = chain(&error.without_url());
        SourceError::Unusable(format!("{}: {why}", kind.name()))
    };
    let mut response = client
        .get(address)
        .send()
        .await
        .and_then(reqwest::Response::error_for_status)
        .map_err(failed)?;
    let mut body = Vec::new();
    while let Some(chunk) = response.chunk().await.map_err(failed)? {
        body.extend_from_slice(&chunk);
        if body.len() > limits::LOKI_BYTES {
            let why = format!("an answer of {} is too large", kind.name());
            return Err(SourceError::Unusable(why));
        }
    }
    Ok(body)
}
