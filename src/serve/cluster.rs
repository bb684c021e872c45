//! Bundles from a running system.

use std::path::Path;
use std::time::Duration;

use jiff::Timestamp;
use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::clock::{self, Millis};
use super::look::Look;
use super::source::{self, Fetched, SourceError};
use super::worker::chain;
use crate::collect::{self, Access, Cluster, Namespaces, Prometheus, Target};

/// Time between two scrapes: enough for a rate, short enough for somebody who waits for an answer.
const SCRAPES: Duration = Duration::from_secs(10);

/// Collects through the Kubernetes API into an archive in `folder`.
pub(super) async fn fetch(
    prometheus: Option<&Prometheus>,
    look: &Look,
    alerts: Vec<u8>,
    folder: &Path,
    redact: bool,
) -> Result<Fetched, SourceError> {
    let (look, folder, prometheus) = (look.clone(), folder.to_owned(), prometheus.cloned());
    let runtime = Handle::current();
    // On a thread of its own: writing a bundle blocks.
    let gathered = spawn_blocking(move || {
        runtime.block_on(gather(prometheus, &look, &alerts, &folder, redact))
    });
    gathered.await.unwrap_or_else(|_| {
        Err(SourceError::Unusable(
            "collecting was ended by a bug in rdiag".to_owned(),
        ))
    })
}

async fn gather(
    prometheus: Option<Prometheus>,
    look: &Look,
    alerts: &[u8],
    folder: &Path,
    redact: bool,
) -> Result<Fetched, SourceError> {
    let unusable = |error: &dyn std::error::Error| SourceError::Unusable(chain(error));
    // Connected anew for each look: the configuration and its token may have changed.
    let cluster = Cluster::connect(&Access::default())
        .await
        .map_err(|e| unusable(&e))?;
    let name = format!("cluster-{}.tar.zst", clock::now());
    let path = folder.join(&name);
    let writer = source::writer(&path, redact).map_err(|e| unusable(&e))?;
    let namespaces = match &look.namespace {
        Some(namespace) => Namespaces::Named(vec![namespace.clone()]),
        None => Namespaces::Current,
    };
    let target = Target {
        namespaces,
        since: None,
        since_time: time(look.from),
        // Logs are read to their end: what came after the alert speaks, too.
        until: None,
        scrape_interval: SCRAPES,
        prometheus,
        ..Target::default()
    };
    let summary = collect::collect(&cluster, &target, &writer, &|_| ())
        .await
        .map_err(|e| unusable(&e))?;
    writer.alerts(alerts).map_err(|e| unusable(&e))?;
    writer
        .finish(&summary.collected_at, summary.namespace.as_deref())
        .map_err(|e| unusable(&e))?;
    let bytes = std::fs::metadata(&path)
        .map(|about| about.len())
        .unwrap_or(0);
    Ok(Fetched {
        path,
        kept: Some((name, bytes)),
    })
}

fn time(at: Millis) -> Option<Timestamp> {
    Timestamp::from_millisecond(at).ok()
}
