//! Any address that takes JSON.

use serde_json::{Value, json};

use super::message::Message;
use super::{Failed, Thread, answer};
use crate::serve::config::Secret;
use crate::serve::http;
use crate::serve::store::Notice;

/// Posts the incident and its report. A repeat has the same `Idempotency-Key`.
pub(super) async fn post(
    client: &reqwest::Client,
    url: &Secret,
    bearer: Option<&Secret>,
    notice: &Notice,
    message: &Message,
) -> Result<Option<Thread>, Failed> {
    let url = url.read().map_err(Failed::passing)?;
    let body = body(message);
    let mut request = client
        .post(url)
        .header("Idempotency-Key", format!("rdiag-{}", notice.id))
        .json(&body);
    if let Some(bearer) = bearer {
        request = request.bearer_auth(bearer.read().map_err(Failed::passing)?);
    }
    answer(request.send().await).await.map(|_| None)
}

/// What is posted.
pub(super) fn body(message: &Message) -> Value {
    json!({
        "schema": "rdiag/notification/v1",
        "kind": message.kind.word(),
        "incident": http::summary(&message.incident, message.base.as_deref()),
        "report": message.report,
    })
}
