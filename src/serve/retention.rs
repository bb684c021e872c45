//! Forgets what is old, and deletes files that nothing in the store knows.

use std::fs;
use std::sync::Arc;
use std::time::Duration;

use tokio::sync::watch;

use super::app::App;
use super::clock::{self, Millis};
use super::store::StoreError;

/// How often.
const EVERY: Duration = Duration::from_secs(10 * 60);
/// A file that the store does not know may just have been written.
const YOUNG: Duration = Duration::from_secs(60 * 60);

pub(super) async fn run(app: Arc<App>, mut stop: watch::Receiver<bool>) {
    while !*stop.borrow() {
        if let Err(error) = once(&app).await {
            tracing::warn!(
                err = super::worker::chain(&error),
                "what is old could not be forgotten"
            );
        }
        tokio::select! {
            () = tokio::time::sleep(EVERY) => {}
            _ = stop.changed() => {}
        }
    }
}

async fn once(app: &Arc<App>) -> Result<(), StoreError> {
    let now = clock::now();
    let before =
        |keep: Duration| now - Millis::try_from(keep.as_millis()).unwrap_or(Millis::MAX / 2);
    let stale = app
        .store
        .forget(
            before(app.config.keep_bundles),
            before(app.config.keep_incidents),
        )
        .await?;
    app.blocking(move |app| {
        for name in &stale.bundles {
            // Gone already is as good.
            let _ = fs::remove_file(app.store.bundle_path(name));
        }
        if !stale.bundles.is_empty() || stale.incidents > 0 {
            tracing::info!(
                bundles = stale.bundles.len(),
                incidents = stale.incidents,
                "forgot what was old"
            );
        }
        sweep(app)
    })
    .await
}

/// Files that a crash left behind.
fn sweep(app: &App) -> Result<(), StoreError> {
    let known = app.store.kept_bundles()?;
    let Ok(entries) = fs::read_dir(app.store.bundles()) else {
        return Ok(());
    };
    for entry in entries.flatten() {
        let name = entry.file_name().to_string_lossy().into_owned();
        let age = entry
            .metadata()
            .and_then(|about| about.modified())
            .ok()
            .and_then(|at| at.elapsed().ok());
        if !known.contains_key(&name) && age.is_some_and(|age| age > YOUNG) {
            let path = entry.path();
            let _ = fs::remove_file(&path).or_else(|_| fs::remove_dir_all(&path));
        }
    }
    Ok(())
}
