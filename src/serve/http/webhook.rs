//! `POST /webhook`: an alert comes in.
//!
//! Alertmanager retries network errors and 5xx and nothing else, so what is only too much is answered
//! 503, never 429, and 202 is said when the alert is on disk.

use std::sync::{Arc, Mutex};
use std::time::Duration;

use axum::body::{self, Body};
use axum::extract::State;
use axum::http::{HeaderMap, Request, StatusCode, header};
use axum::response::{IntoResponse, Response};
use serde_json::json;
use tokio::sync::{OwnedSemaphorePermit, Semaphore};
use tokio::time::timeout;

use super::rates::Bucket;
use super::{Refusal, Web};
use crate::limits;
use crate::serve::alert::Payload;
use crate::serve::clock;
use crate::serve::config::Rate;
use crate::serve::store::Effect;

/// Who cannot send a body in this time is cut off.
const PATIENCE: Duration = Duration::from_secs(10);

/// What keeps deliveries from taking all memory or time.
#[derive(Debug)]
pub(in crate::serve) struct Gate {
    bytes: Arc<Semaphore>,
    rate: Mutex<Bucket>,
}

impl Gate {
    pub(super) fn new(rate: Rate) -> Self {
        Self {
            bytes: Arc::new(Semaphore::new(limits::BODIES_IN_FLIGHT_BYTES)),
            rate: Mutex::new(Bucket::new(rate, clock::instant())),
        }
    }

    fn enter(&self, headers: &HeaderMap) -> Result<OwnedSemaphorePermit, Refusal> {
        let mut rate = self
            .rate
            .lock()
            .unwrap_or_else(std::sync::PoisonError::into_inner);
        if !rate.take(clock::instant()) {
            return Err(Refusal::Busy(
                "more requests than --web.rate-limit allows".to_owned(),
            ));
        }
        drop(rate);
        // Without a length it may be as long as is allowed.
        let bytes = length(headers)
            .unwrap_or(limits::BODY_BYTES)
            .clamp(1, limits::BODY_BYTES);
        let bytes = u32::try_from(bytes).unwrap_or(u32::MAX);
        let permit = self.bytes.clone().try_acquire_many_owned(bytes);
        permit.map_err(|_| Refusal::Busy("too many bodies at once".to_owned()))
    }
}

pub(super) async fn take(State(web): State<Web>, request: Request<Body>) -> Response {
    let started = clock::instant();
    let response = match deliver(&web, request).await {
        Ok(response) => response,
        Err(refusal) => refusal.into_response(),
    };
    web.app
        .metrics
        .answered(response.status().as_u16(), started.elapsed());
    response
}

async fn deliver(web: &Web, request: Request<Body>) -> Result<Response, Refusal> {
    let permit = match web.gate.enter(request.headers()) {
        Ok(permit) => permit,
        Err(refusal) => {
            web.app.metrics.limited();
            return Err(refusal);
        }
    };
    let too_long = || {
        let text = format!(
            "the body has more than {} bytes; set max_alerts in the webhook configuration\n",
            limits::BODY_BYTES
        );
        Ok((StatusCode::PAYLOAD_TOO_LARGE, text).into_response())
    };
    if length(request.headers()).is_some_and(|bytes| bytes > limits::BODY_BYTES) {
        return too_long();
    }
    let body = match timeout(
        PATIENCE,
        body::to_bytes(request.into_body(), limits::BODY_BYTES),
    )
    .await
    {
        Ok(Ok(body)) => body,
        Ok(Err(error)) if is_too_long(&error) => return too_long(),
        Ok(Err(error)) => {
            return Err(Refusal::Wrong(format!(
                "the body could not be read: {error}"
            )));
        }
        Err(_) => {
            return Ok((StatusCode::REQUEST_TIMEOUT, "the body came too slowly\n").into_response());
        }
    };
    let mut payload = Payload::decode(&body).map_err(|error| {
        tracing::warn!(err = %error, bytes = body.len(), "a webhook request was malformed");
        Refusal::Wrong(error.to_string())
    })?;
    drop(body);
    if web.app.config.redact {
        payload.redact();
    }
    let alerts = payload.alerts.len();
    let taken = web.app.store.deliver(payload, clock::now()).await?;
    drop(permit);
    web.app.metrics.delivered(taken.effect, alerts);
    if taken.effect != Effect::Repeated {
        tracing::debug!(
            incident = taken.incident,
            effect = taken.effect.word(),
            alerts,
            "stored"
        );
        web.app.changed(taken.incident);
        web.app.due.notify_one();
        if taken.effect == Effect::Resolved {
            web.app.outbox.notify_waiters();
        }
    }
    let answer = json!({ "incident": taken.incident.to_string(), "effect": taken.effect.word() });
    Ok((StatusCode::ACCEPTED, axum::Json(answer)).into_response())
}

fn length(headers: &HeaderMap) -> Option<usize> {
    headers
        .get(header::CONTENT_LENGTH)?
        .to_str()
        .ok()?
        .parse()
        .ok()
}

fn is_too_long(error: &axum::Error) -> bool {
    let mut source = std::error::Error::source(error);
    while let Some(error) = source {
        if error.to_string().contains("length limit exceeded") {
            return true;
        }
        source = error.source();
    }
    false
}
