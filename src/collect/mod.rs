//! Fills a bundle from a cluster.
//!
//! [`collect`] takes one look: pods, their logs, objects, configuration and metrics. [`follow()`] keeps
//! looking. [`audit`] says what the identity at hand may see. Only what cannot be done at all is a
//! [`CollectError`]; what could not be seen is a gap of the bundle. Secrets are never asked for, and
//! nothing in the cluster is changed.

mod api;
pub mod clean;
mod config;
mod connect;
mod error;
mod follow;
mod logs;
mod notes;
mod objects;
mod pods;
mod query;
mod redact;
mod resume;
mod rights;
mod scrape;
mod store;
mod target;
#[cfg(test)]
mod tests;
pub mod web;

use futures::StreamExt;
use jiff::Timestamp;

use crate::bundle::Writer;
pub use connect::{Access, Cluster};
pub use error::CollectError;
pub use follow::{Follow, Seen, follow};
use notes::Notes;
pub use objects::ObjectList;
use pods::Pod;
pub use rights::{
    Audit, Need, RIGHTS, Right, RightScope, Subject, audit, containers, role, whoami,
};
pub use store::{Got, Kind as StoreKind, Login, Store, StoreError, fetch as fetch_store};
pub use target::{DEFAULT_SELECTORS, Lives, Namespaces, Prometheus, Scrape, Senders, Target};

/// How far collecting is.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Progress {
    /// So many logs are to be read.
    Logs(usize),
    /// One log has been read.
    LogDone,
    /// So many bytes of logs came.
    Bytes(u64),
    /// The logs are read; only the second scrape is waited for.
    Waiting,
}

/// What was looked at.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Summary {
    /// Receivers and senders, as `namespace/name`, sorted.
    pub pods: Vec<String>,
    /// Logs read.
    pub logs: usize,
    /// When, RFC 3339: the manifest's `collected_at`.
    pub collected_at: String,
    /// The namespace, where all pods are in one.
    pub namespace: Option<String>,
}

/// Takes one look at `target` and writes it to `bundle`, which the caller finishes with the
/// [`Summary`]'s time and namespace. `progress` is told how far it is. Must run inside a tokio runtime.
///
/// # Errors
/// When the pods cannot be listed, when there are none, or when the bundle cannot be written.
pub async fn collect(
    cluster: &Cluster,
    target: &Target,
    bundle: &Writer,
    progress: &(dyn Fn(Progress) + Send + Sync),
) -> Result<Summary, CollectError> {
    let notes = Notes::new(|what, why| bundle.gap(what, why));
    let collected_at = now();
    let receivers = pods::receivers(cluster, target).await?;
    let mut all = receivers.clone();
    all.extend(senders(cluster, target, &receivers, &notes).await);
    let jobs = if target.logs {
        logs::jobs(&all, target, &notes)
    } else {
        Vec::new()
    };
    progress(Progress::Logs(jobs.len()));
    let count = jobs.len();
    let reading = async {
        let mut running = futures::stream::iter(jobs)
            .map(|job| {
                let notes = &notes;
                async move {
                    let done = logs::fetch(cluster, target, &job, bundle, notes, progress).await;
                    progress(Progress::LogDone);
                    done
                }
            })
            .buffer_unordered(target.streams.max(1));
        while let Some(done) = running.next().await {
            done?;
        }
        progress(Progress::Waiting);
        Ok::<(), CollectError>(())
    };
    let scraping = async {
        match scrape::Way::of(cluster, target) {
            Some(way) => {
                scrape::fetch(&way, &receivers, target.scrape_interval, bundle, &notes).await
            }
            None => Ok(()),
        }
    };
    let stating = async {
        for list in objects::gather(cluster, &all, &notes).await {
            bundle.object(list.namespace.as_deref(), list.kind, &list.value)?;
        }
        config::fetch(cluster, &receivers, bundle, &notes).await?;
        answers(cluster, target, &receivers, bundle, &notes).await
    };
    tokio::try_join!(reading, scraping, stating)?;
    Ok(summary(&all, count, collected_at))
}

fn summary(pods: &[Pod], logs: usize, collected_at: Timestamp) -> Summary {
    let first = pods.first().map(|pod| pod.namespace.clone());
    Summary {
        pods: pods.iter().map(Pod::full_name).collect(),
        logs,
        collected_at: logs::seconds(collected_at),
        namespace: first.filter(|first| pods.iter().all(|pod| pod.namespace == *first)),
    }
}

/// Pods that send to the ring and are not receivers themselves.
async fn senders(
    cluster: &Cluster,
    target: &Target,
    receivers: &[Pod],
    notes: &Notes<'_>,
) -> Vec<Pod> {
    let Some(senders) = &target.senders else {
        return Vec::new();
    };
    let places = match &senders.namespace {
        Some(namespace) => vec![Some(namespace.clone())],
        None => pods::places(cluster, &target.namespaces),
    };
    match pods::matching(cluster, &places, &[&senders.selector]).await {
        Ok(found) => {
            let known = |pod: &Pod| {
                receivers
                    .iter()
                    .any(|r| r.uid == pod.uid && r.name == pod.name)
            };
            let found: Vec<Pod> = found.into_iter().filter(|pod| !known(pod)).collect();
            if found.is_empty() {
                notes.gap("senders", format!("no pods match {}", senders.selector));
            }
            found
        }
        Err(error) => {
            notes.gap("senders", error.to_string());
            Vec::new()
        }
    }
}

/// What a Prometheus and the kubelets answer, in one file.
async fn answers(
    cluster: &Cluster,
    target: &Target,
    pods: &[Pod],
    bundle: &Writer,
    notes: &Notes<'_>,
) -> Result<(), CollectError> {
    let mut all = match target.scrape {
        Scrape::Off => Vec::new(),
        _ => scrape::volumes(cluster, pods, notes).await,
    };
    if let Some(prometheus) = &target.prometheus {
        all.extend(query::ask(prometheus, target, pods, notes).await);
    }
    if !all.is_empty() {
        let bytes = serde_json::Value::Array(all).to_string();
        bundle.query(now().as_second(), bytes.as_bytes())?;
    }
    Ok(())
}

/// The time: this module is where the world is looked at.
fn now() -> Timestamp {
    #[expect(
        clippy::disallowed_methods,
        reason = "the rim reads the clock, so that the core need not"
    )]
    Timestamp::now()
}
