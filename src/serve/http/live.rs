//! Tells open pages what changed, by server-sent events. Pages work without.

use std::convert::Infallible;
use std::time::Duration;

use axum::extract::State;
use axum::http::StatusCode;
use axum::response::sse::{Event, KeepAlive, Sse};
use axum::response::{IntoResponse, Response};
use futures::stream;
use tokio::sync::broadcast::error::RecvError;

use super::Web;
use crate::limits;

/// A comment now and then, so that nothing in between takes the silence for death.
const ALIVE: Duration = Duration::from_secs(20);
/// Changes that come together are told together.
const GATHER: Duration = Duration::from_millis(300);

pub(super) async fn events(State(web): State<Web>) -> Response {
    if web.app.listeners() >= limits::LISTENERS {
        return (StatusCode::SERVICE_UNAVAILABLE, "too many pages listen\n").into_response();
    }
    let changes = web.app.changes();
    let stream = stream::unfold(changes, |mut changes| async move {
        let first = match changes.recv().await {
            Ok(id) => Some(id),
            Err(RecvError::Lagged(_)) => None,
            Err(RecvError::Closed) => return None,
        };
        tokio::time::sleep(GATHER).await;
        let mut only = first;
        loop {
            match changes.try_recv() {
                Ok(id) if Some(id) == only => {}
                Ok(_) => only = None,
                Err(_) => break,
            }
        }
        // `*`: several, or more than we know of.
        let data = only.map_or_else(|| "*".to_owned(), |id| id.to_string());
        Some((
            Ok::<_, Infallible>(Event::default().event("change").data(data)),
            changes,
        ))
    });
    Sse::new(stream)
        .keep_alive(KeepAlive::new().interval(ALIVE))
        .into_response()
}
