//! What machines ask: metrics, health, readiness.

use axum::extract::State;
use axum::http::{StatusCode, header};
use axum::response::{IntoResponse, Response};

use super::{Refusal, Web};

pub(super) async fn metrics(State(web): State<Web>) -> Result<Response, Refusal> {
    let text = web
        .app
        .blocking(|app| {
            let counts = app.store.counts()?;
            let signatures = app.engine.pack().signatures.len();
            Ok::<_, super::StoreError>(app.metrics.render(&counts, app.store.waiting(), signatures))
        })
        .await?;
    Ok((
        [(
            header::CONTENT_TYPE,
            "text/plain; version=0.0.4; charset=utf-8",
        )],
        text,
    )
        .into_response())
}

pub(super) async fn healthy() -> &'static str {
    "rdiag is healthy.\n"
}

/// Ready once the store can be read: the pack is loaded before anything listens.
pub(super) async fn ready(State(web): State<Web>) -> Response {
    match web.app.blocking(|app| app.store.next_due()).await {
        Ok(_) => "rdiag is ready.\n".into_response(),
        Err(error) => (StatusCode::SERVICE_UNAVAILABLE, format!("{error}\n")).into_response(),
    }
}
