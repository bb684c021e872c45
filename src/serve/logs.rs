//! Bundles from stores of logs: Loki and VictoriaLogs.

use std::path::Path;
use std::sync::Arc;

use tokio::runtime::Handle;
use tokio::task::spawn_blocking;

use super::clock;
use super::look::Look;
use super::source::{self, Fetched, SourceError};
use super::worker::chain;
use crate::bundle::Part;
use crate::collect::{Login, Store, StoreKind, fetch_store};
use crate::pack::Pack;
use crate::pushdown::Filter;

/// Reads what the store at `url` has of the look's namespace into an archive in `folder`. Credentials
/// and the tenant come from the environment, as for `rdiag diagnose`.
pub(super) async fn fetch(
    kind: StoreKind,
    url: &str,
    pack: Arc<Pack>,
    look: &Look,
    alerts: Vec<u8>,
    folder: &Path,
    redact: bool,
) -> Result<Fetched, SourceError> {
    let namespace = look.namespace.clone().ok_or_else(|| {
        SourceError::Unusable(
            "the alert names no namespace, and --namespace is not given".to_owned(),
        )
    })?;
    let known = |name: &str| std::env::var(name).ok().filter(|value| !value.is_empty());
    let time = |at| jiff::Timestamp::from_millisecond(at).unwrap_or_default();
    let store = Store {
        kind,
        url: url.to_owned(),
        tenant: known("RDIAG_LOG_TENANT"),
        login: Login {
            token_file: known("RDIAG_LOG_TOKEN_FILE").map(Into::into),
            token: known("RDIAG_LOG_TOKEN"),
            user: known("RDIAG_LOG_USER"),
            password_file: known("RDIAG_LOG_PASSWORD_FILE").map(Into::into),
            password: known("RDIAG_LOG_PASSWORD"),
        },
        selector: known("RDIAG_LOG_SELECTOR"),
        namespaces: vec![namespace.clone()],
        from: time(look.from),
        until: time(look.until),
        filter: Filter::of(&pack),
        part: Part::default(),
    };
    let (folder, runtime) = (folder.to_owned(), Handle::current());
    // On a thread of its own: writing a bundle blocks.
    let gathered = spawn_blocking(move || {
        runtime.block_on(gather(&store, &namespace, &alerts, &folder, redact))
    });
    gathered.await.unwrap_or_else(|_| {
        Err(SourceError::Unusable(
            "reading the logs was ended by a bug in rdiag".to_owned(),
        ))
    })
}

async fn gather(
    store: &Store,
    namespace: &str,
    alerts: &[u8],
    folder: &Path,
    redact: bool,
) -> Result<Fetched, SourceError> {
    let unusable = |error: &dyn std::error::Error| SourceError::Unusable(chain(error));
    let name = format!("logs-{}.tar.zst", clock::now());
    let path = folder.join(&name);
    let writer = source::writer(&path, redact).map_err(|e| unusable(&e))?;
    fetch_store(store, &writer)
        .await
        .map_err(|e| unusable(&e))?;
    writer.gap(
        "Kubernetes objects, events and metrics",
        "a store of logs has only logs",
    );
    writer.alerts(alerts).map_err(|e| unusable(&e))?;
    writer
        .finish(&clock::rfc3339(clock::now()), Some(namespace))
        .map_err(|e| unusable(&e))?;
    let bytes = std::fs::metadata(&path).map_or(0, |about| about.len());
    Ok(Fetched {
        path,
        kept: Some((name, bytes)),
    })
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[tokio::test]
    async fn what_cannot_be_read_is_said() {
        let folder = tempfile::tempdir().unwrap();
        let pack = Arc::new(Pack::embedded().unwrap());
        let look = |namespace: Option<&str>| Look {
            namespace: namespace.map(str::to_owned),
            until: 1_800_000_000_000,
            from: 1_800_000_000_000 - 900_000,
            ..Look::default()
        };
        // Nothing listens there.
        for (namespace, words) in [(None, "names no namespace"), (Some("m"), "127.0.0.1:1")] {
            let wanted = look(namespace);
            let failed = fetch(
                StoreKind::Loki,
                "http://127.0.0.1:1",
                pack.clone(),
                &wanted,
                Vec::new(),
                folder.path(),
                true,
            );
            let why = failed.await.unwrap_err().to_string();
            assert!(why.contains(words), "{why}");
        }
        assert_eq!(std::fs::read_dir(folder.path()).unwrap().count(), 0);
    }
}
