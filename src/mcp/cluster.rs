//! A look at the running ring.

use std::time::Duration;

use serde_json::Value;

use super::tools::{Answer, Tools, chain, version};
use crate::bundle::Writer;
use crate::collect::{self, Access, Cluster, Namespaces, Target};

/// How far back logs are read unless asked otherwise, and at most.
const MINUTES: u64 = 60;
const MINUTES_MOST: u64 = 24 * 60;
/// Time between two scrapes: enough for a rate, short enough for somebody who waits.
const SCRAPES: Duration = Duration::from_secs(10);

impl Tools {
    /// Collects into a folder that is gone afterwards, and reports.
    pub(super) fn cluster(&self, arguments: &Value) -> Result<Answer, String> {
        let thanos_version = version(arguments)?;
        let minutes = arguments.get("minutes").and_then(Value::as_u64);
        let minutes = minutes.unwrap_or(MINUTES).clamp(1, MINUTES_MOST);
        let namespaces = match arguments.get("namespace").and_then(Value::as_str) {
            Some(name) if is_name(name) => Namespaces::Named(vec![name.to_owned()]),
            Some(name) => return Err(format!("{name:?} is no name of a namespace")),
            None => Namespaces::Current,
        };
        let target = Target {
            namespaces,
            since: Some(Duration::from_secs(60 * minutes)),
            scrape_interval: SCRAPES,
            ..Target::default()
        };
        let folder = tempfile::tempdir().map_err(|e| chain(&e))?;
        let path = folder.path().join("bundle");
        let runtime = tokio::runtime::Builder::new_current_thread()
            .enable_all()
            .build()
            .map_err(|e| chain(&e))?;
        runtime.block_on(async {
            let cluster = Cluster::connect(&Access::default())
                .await
                .map_err(|e| told(&e))?;
            let writer = Writer::create(&path).map_err(|e| chain(&e))?;
            let summary = collect::collect(&cluster, &target, &writer, &|_| ())
                .await
                .map_err(|e| told(&e))?;
            writer
                .finish(&summary.collected_at, summary.namespace.as_deref())
                .map_err(|e| chain(&e))
        })?;
        self.report(&[path], thanos_version)
    }
}

/// What went wrong, and what to do about it.
fn told(error: &collect::CollectError) -> String {
    match error.advice() {
        "" => chain(error),
        advice => format!("{}; {advice}", chain(error)),
    }
}

/// A DNS label of Kubernetes: nothing else reaches the API's paths.
fn is_name(text: &str) -> bool {
    let fits = |b: u8| b.is_ascii_lowercase() || b.is_ascii_digit() || b == b'-';
    !text.is_empty() && text.len() <= 63 && text.bytes().all(fits)
}
