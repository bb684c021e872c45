//! What can be asked over HTTP.

mod api;
mod auth;
mod incident;
mod live;
mod manual;
mod operations;
mod pages;
mod rates;
mod status;
mod webhook;

use std::net::IpAddr;
use std::sync::Arc;

use axum::Router;
use axum::body::Body;
use axum::extract::State;
use axum::http::{HeaderMap, HeaderName, HeaderValue, Request, StatusCode, header};
use axum::middleware::{self, Next};
use axum::response::{IntoResponse, Response};
use axum::routing::{get, post};
use tower_http::catch_panic::CatchPanicLayer;

use super::app::App;
use super::store::StoreError;
use super::worker::chain;

pub(super) use api::summary;
pub(super) use auth::Guard;
pub(super) use incident::{Known, rendered};

/// What handlers share.
#[derive(Clone, Debug)]
pub(super) struct Web {
    pub(super) app: Arc<App>,
    pub(super) guard: Arc<Guard>,
    /// Rate and memory of what comes in.
    gate: Arc<webhook::Gate>,
}

/// Whose request it is.
#[derive(Clone, Copy, Debug)]
pub(super) struct Peer(pub(super) IpAddr);

/// Why a request is not answered as asked.
#[derive(Debug)]
pub(super) enum Refusal {
    /// The request is wrong.
    Wrong(String),
    /// There is no such thing.
    Missing(&'static str),
    /// Not now.
    Busy(String),
    /// rdiag failed.
    Failed(String),
}

pub(super) fn router(app: Arc<App>) -> Router {
    let gate = Arc::new(webhook::Gate::new(app.config.rate));
    let web = Web {
        guard: Arc::new(Guard::new(&app.config)),
        app,
        gate,
    };
    Router::new()
        .route("/webhook", post(webhook::take))
        .route("/api/v1/incidents", get(api::list))
        .route("/api/v1/incidents/{id}", get(api::one))
        .route("/api/v1/incidents/{id}/report", get(api::report))
        .route("/", get(pages::list))
        .route("/find", get(pages::find))
        .route("/incidents/{id}", get(incident::incident))
        .route("/incidents/{id}/bundle", get(incident::bundle))
        .route("/incidents/{id}/truth.yaml", get(incident::truth))
        .route("/incidents/{id}/feedback", post(incident::feedback))
        .route("/incidents/{id}/look", post(incident::look))
        .route("/manual", get(manual::manual))
        .route("/manual/{*id}", get(manual::manual_page))
        .route("/status", get(status::status))
        .route("/events", get(live::events))
        .route("/static/{file}", get(pages::asset))
        .route("/metrics", get(operations::metrics))
        .route("/-/healthy", get(operations::healthy))
        .route("/-/ready", get(operations::ready))
        .fallback(|| async { Refusal::Missing("there is no such page") })
        .layer(middleware::from_fn_with_state(web.clone(), auth::check))
        .layer(middleware::from_fn_with_state(web.clone(), headers))
        .layer(CatchPanicLayer::custom(|_| {
            Refusal::Failed("a bug in rdiag; its log has more".to_owned()).into_response()
        }))
        .with_state(web)
}

/// Headers of every answer. Pages hold text of strangers: nothing may run but our own script.
const SAFETY: [(HeaderName, &str); 5] = [
    (
        header::CONTENT_SECURITY_POLICY,
        "default-src 'none'; style-src 'self'; script-src 'self'; connect-src 'self'; img-src 'self'; \
         form-action 'self'; base-uri 'none'; frame-ancestors 'none'",
    ),
    (header::X_CONTENT_TYPE_OPTIONS, "nosniff"),
    (header::REFERRER_POLICY, "no-referrer"),
    (header::X_FRAME_OPTIONS, "DENY"),
    (header::CACHE_CONTROL, "no-store"),
];

async fn headers(State(web): State<Web>, request: Request<Body>, next: Next) -> Response {
    let mut response = next.run(request).await;
    let headers = response.headers_mut();
    for (name, value) in SAFETY {
        headers
            .entry(name)
            .or_insert(HeaderValue::from_static(value));
    }
    add(headers, &web);
    response
}

/// Headers that the web configuration file asks for.
fn add(headers: &mut HeaderMap, web: &Web) {
    for (name, value) in &web.app.config.web.file.http_server_config.headers {
        if let (Ok(name), Ok(value)) = (name.parse::<HeaderName>(), value.parse::<HeaderValue>()) {
            headers.insert(name, value);
        }
    }
}

impl IntoResponse for Refusal {
    fn into_response(self) -> Response {
        let (code, text) = match self {
            Self::Wrong(why) => (StatusCode::BAD_REQUEST, why),
            Self::Missing(what) => (StatusCode::NOT_FOUND, what.to_owned()),
            Self::Busy(why) => (StatusCode::SERVICE_UNAVAILABLE, why),
            Self::Failed(why) => (StatusCode::INTERNAL_SERVER_ERROR, why),
        };
        let mut response = (code, format!("{text}\n")).into_response();
        if code == StatusCode::SERVICE_UNAVAILABLE {
            response
                .headers_mut()
                .insert(header::RETRY_AFTER, HeaderValue::from_static("5"));
        }
        response
    }
}

impl From<StoreError> for Refusal {
    fn from(error: StoreError) -> Self {
        let why = chain(&error);
        tracing::error!(err = why, "the store refused");
        // Nearly always a full disk or a full queue: worth another try.
        Self::Busy(why)
    }
}
