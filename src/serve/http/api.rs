//! The API: incidents as JSON.

use axum::Json;
use axum::extract::{Path, Query, State};
use axum::http::header;
use axum::response::{IntoResponse, Response};
use serde::Deserialize;
use serde_json::{Value, json};

use super::{Refusal, Web};
use crate::limits;
use crate::report::{self, Format, Style};
use crate::serve::alert::Status;
use crate::serve::clock::{self, Millis};
use crate::serve::store::{AnswerRow, Filter, Incident, StoreError};

/// What to list. Numbers come as text, so that what is wrong with them can be said.
#[derive(Debug, Default, Deserialize)]
pub(super) struct Listing {
    limit: Option<String>,
    before: Option<String>,
    state: Option<String>,
    q: Option<String>,
}

/// Incidents in an answer unless asked otherwise.
const LIMIT: usize = 100;

impl Listing {
    pub(super) fn filter(&self, most: usize, default: usize) -> Result<Filter, Refusal> {
        let wrong =
            |name: &str, text: &str| Refusal::Wrong(format!("{name}={text:?} is not a number"));
        let limit = match self.limit.as_deref().filter(|text| !text.is_empty()) {
            None => default,
            Some(text) => text.parse().map_err(|_| wrong("limit", text))?,
        };
        let before = match self.before.as_deref().filter(|text| !text.is_empty()) {
            None => None,
            Some(text) => Some(text.parse().map_err(|_| wrong("before", text))?),
        };
        let state = match self.state.as_deref() {
            None | Some("" | "all") => None,
            Some("firing") => Some(Status::Firing),
            Some("resolved") => Some(Status::Resolved),
            Some(other) => {
                return Err(Refusal::Wrong(format!(
                    "state={other:?} is not firing, resolved or all"
                )));
            }
        };
        let query = self.q.clone().unwrap_or_default();
        Ok(Filter {
            state,
            query,
            before,
            limit: limit.min(most),
        })
    }
}

pub(super) async fn list(
    State(web): State<Web>,
    Query(listing): Query<Listing>,
) -> Result<Response, Refusal> {
    let filter = listing.filter(limits::INCIDENTS_LISTED, LIMIT)?;
    // As text at once: ten thousand incidents as values would take a hundred megabytes.
    let body = web
        .app
        .blocking(move |app| {
            let external = app.config.external_url.as_deref();
            let mut body = String::from("{\"incidents\":[");
            app.store.each_incident(&filter, |incident| {
                if !body.ends_with('[') {
                    body.push(',');
                }
                body.push_str(&summary(&incident, external).to_string());
            })?;
            body.push_str("]}");
            Ok::<_, StoreError>(body)
        })
        .await?;
    Ok(([(header::CONTENT_TYPE, "application/json")], body).into_response())
}

/// Alerts in one incident's answer; the number of all is beside them.
const ALERTS: usize = 1000;

pub(super) async fn one(
    State(web): State<Web>,
    Path(id): Path<String>,
) -> Result<Json<Value>, Refusal> {
    let id = number(&id)?;
    let external = web.app.config.external_url.clone();
    let found = web
        .app
        .blocking(move |app| {
            let Some(incident) = app.store.incident(id)? else {
                return Ok(None);
            };
            let mut value = summary(&incident, external.as_deref());
            let alerts = app.store.alerts(id, ALERTS)?;
            value["alert_list"] = alerts
                .iter()
                .map(crate::serve::alert::Alert::to_json)
                .collect();
            value["answers"] = app.store.answers(id)?.iter().map(answer).collect();
            value["report"] = match &incident.answer {
                Some(answer) => json!(app.store.report(answer.report)?),
                None => Value::Null,
            };
            Ok::<_, StoreError>(Some(value))
        })
        .await?;
    found
        .map(Json)
        .ok_or(Refusal::Missing("there is no such incident"))
}

#[derive(Debug, Deserialize)]
pub(super) struct Wanted {
    format: Option<String>,
}

/// The latest report, in any format of `rdiag -o`.
pub(super) async fn report(
    State(web): State<Web>,
    Path(id): Path<String>,
    Query(wanted): Query<Wanted>,
) -> Result<Response, Refusal> {
    let id = number(&id)?;
    let name = wanted.format.unwrap_or_else(|| "json".to_owned());
    let format = Format::from_name(&name)
        .ok_or_else(|| Refusal::Wrong(format!("there is no format {name:?}")))?;
    let found = web
        .app
        .blocking(move |app| {
            let answer = app.store.incident(id)?.and_then(|incident| incident.answer);
            answer.map_or(Ok(None), |answer| app.store.report(answer.report))
        })
        .await?;
    let found = found.ok_or(Refusal::Missing("there is no report yet"))?;
    let text = report::render(
        &found,
        format,
        Style {
            verbose: 1,
            ..Style::default()
        },
    );
    // The page has its style within.
    let policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'; form-action 'none'; frame-ancestors 'none'";
    Ok((
        [
            (header::CONTENT_TYPE, format.media_type()),
            (header::CONTENT_SECURITY_POLICY, policy),
        ],
        text,
    )
        .into_response())
}

/// An incident as the API and webhooks show it.
pub(in crate::serve) fn summary(incident: &Incident, external_url: Option<&str>) -> Value {
    let time = |at: Option<Millis>| at.map(clock::rfc3339);
    let answer = incident.answer.as_ref();
    json!({
        "id": incident.id.to_string(),
        "group_key": incident.group_key,
        "state": incident.state.word(),
        "verdict": answer.map(|a| &a.verdict),
        "cause": answer.and_then(|a| a.cause.as_ref()),
        "answer": answer.and_then(|a| a.title.as_ref()),
        "probability": answer.and_then(|a| a.probability),
        "severity": answer.and_then(|a| a.severity.as_ref()),
        "title": incident.title,
        "receiver": incident.receiver,
        "labels": incident.common_labels,
        "annotations": incident.common_annotations,
        "group_labels": incident.group_labels,
        "alerts": incident.alerts,
        "alerts_left_out": incident.left_out,
        "deliveries": incident.deliveries,
        "opened_at": clock::rfc3339(incident.opened_at),
        "updated_at": clock::rfc3339(incident.updated_at),
        "resolved_at": time(incident.resolved_at),
        "answered_at": time(answer.map(|a| a.at)),
        "look_at": time(incident.look_at),
        "trouble": incident.trouble,
        "url": external_url.map(|url| format!("{url}/incidents/{}", incident.id)),
    })
}

fn answer(row: &AnswerRow) -> Value {
    json!({
        "verdict": row.verdict,
        "cause": row.cause,
        "answer": row.title,
        "probability": row.probability,
        "severity": row.severity,
        "first_at": clock::rfc3339(row.first_at),
        "at": clock::rfc3339(row.at),
    })
}

/// The number of an incident in an address.
pub(super) fn number(id: &str) -> Result<i64, Refusal> {
    id.parse()
        .map_err(|_| Refusal::Missing("there is no such incident"))
}
