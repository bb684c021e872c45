//! What all parts of a running server share.

use std::sync::Arc;

use tokio::sync::{Notify, broadcast};

use super::config::Config;
use super::metrics::Metrics;
use super::store::Store;
use crate::engine::Engine;
use crate::pack::Pack;
use crate::redact::Redactor;

/// What all parts of a running server share.
#[derive(Debug)]
pub(super) struct App {
    pub(super) config: Config,
    pub(super) store: Store,
    pub(super) engine: Engine,
    pub(super) pack: Arc<Pack>,
    pub(super) metrics: Metrics,
    /// Something became due to be looked at.
    pub(super) due: Notify,
    /// Something was put into the outbox.
    pub(super) outbox: Notify,
    /// Ids of incidents that changed, for open pages.
    changes: broadcast::Sender<i64>,
}

/// Changes kept for a page that is slow to take them; one that misses some just reloads.
const CHANGES: usize = 256;

impl App {
    pub(super) fn new(config: Config, store: Store, pack: Arc<Pack>) -> Arc<Self> {
        Arc::new(Self {
            config,
            store,
            engine: Engine::new(pack.clone()),
            pack,
            metrics: Metrics::default(),
            due: Notify::new(),
            outbox: Notify::new(),
            changes: broadcast::Sender::new(CHANGES),
        })
    }

    /// Text of others that will be kept or shown.
    pub(super) fn redacted(&self, text: String) -> String {
        if !self.config.redact {
            return text;
        }
        match Redactor::default().text(&text) {
            std::borrow::Cow::Owned(cleaned) => cleaned,
            std::borrow::Cow::Borrowed(_) => text,
        }
    }

    /// Tells open pages that an incident changed.
    pub(super) fn changed(&self, incident: i64) {
        // Nobody may be listening.
        let _ = self.changes.send(incident);
    }

    pub(super) fn changes(&self) -> broadcast::Receiver<i64> {
        self.changes.subscribe()
    }

    pub(super) fn listeners(&self) -> usize {
        self.changes.receiver_count()
    }

    /// Runs what blocks where it may.
    pub(super) async fn blocking<T, F>(self: &Arc<Self>, work: F) -> T
    where
        T: Send + 'static,
        F: FnOnce(&Self) -> T + Send + 'static,
    {
        let app = self.clone();
        match tokio::task::spawn_blocking(move || work(&app)).await {
            Ok(done) => done,
            // Only a panic of `work` leads here; it goes on in whoever asked.
            Err(error) => std::panic::resume_unwind(error.into_panic()),
        }
    }
}
