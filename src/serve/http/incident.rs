//! The page of an incident, and what people do there.

use askama::Template;
use axum::body::Body;
use axum::extract::{Form, Path, State};
use axum::http::header;
use axum::response::{IntoResponse, Redirect, Response};
use serde::Deserialize;
use tokio_util::io::ReaderStream;

use super::pages::{
    headline, page, percent, plural, shown, size, times, url_encoded, verdict_word,
};
use super::{Refusal, Web, api};
use crate::limits;
use crate::report;
use crate::report::model::Report;
use crate::serve::alert::{Alert, Labels};
use crate::serve::app::App;
use crate::serve::clock;
use crate::serve::store::{AnswerRow, Feedback, Incident, Receipt, StoreError};
use crate::serve::truth;

/// Alerts shown of an incident.
const ALERTS: usize = 100;

#[derive(Template)]
#[template(path = "incident.html", config = "src/serve/templates/askama.toml")]
struct IncidentPage {
    here: &'static str,
    id: i64,
    headline: String,
    title: String,
    state: &'static str,
    opened: String,
    resolved: String,
    alert_count: String,
    looks: String,
    next_look: String,
    trouble: String,
    report: Option<String>,
    has_report: bool,
    alerts: Vec<AlertPart>,
    alerts_more: i64,
    left_out: i64,
    alertmanager: Option<String>,
    history: Vec<HistoryPart>,
    notices: Vec<(String, String, String)>,
    bundle: bool,
    bundle_size: String,
    cause: String,
    causes: Vec<(String, String)>,
    feedback: Option<FeedbackPart>,
}

struct AlertPart {
    status: &'static str,
    name: String,
    since: String,
    labels: Labels,
    annotations: Labels,
}

struct HistoryPart {
    when: String,
    verdict: String,
    word: String,
    percent: String,
    headline: String,
}

struct FeedbackPart {
    when: String,
    agrees: bool,
    cause: String,
    note: String,
}

/// One incident.
pub(super) async fn incident(
    State(web): State<Web>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = api::number(&id)?;
    let found = web.app.blocking(move |app| incident_page(app, id)).await?;
    page(&found.ok_or(Refusal::Missing("there is no such incident"))?)
}

/// What is known of an incident.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Known {
    pub(in crate::serve) incident: Incident,
    /// Some of its alerts.
    pub(in crate::serve) alerts: Vec<Alert>,
    /// Report of the latest answer.
    pub(in crate::serve) report: Option<Report>,
    pub(in crate::serve) answers: Vec<AnswerRow>,
    pub(in crate::serve) notices: Vec<(String, String, String)>,
    pub(in crate::serve) feedback: Option<Receipt>,
}

fn incident_page(app: &App, id: i64) -> Result<Option<IncidentPage>, StoreError> {
    let Some(incident) = app.store.incident(id)? else {
        return Ok(None);
    };
    let report = match &incident.answer {
        Some(answer) => app.store.report(answer.report)?,
        None => None,
    };
    let known = Known {
        alerts: app.store.alerts(id, ALERTS)?,
        report,
        answers: app.store.answers(id)?,
        notices: app.store.notices(id)?,
        feedback: app.store.feedback(id)?,
        incident,
    };
    let causes = app.engine.pack().causes.iter();
    let causes = causes.map(|cause| (cause.id.clone(), cause.title.clone()));
    Ok(Some(IncidentPage::of(known, causes.collect())))
}

/// The page as text, for whoever has no server.
pub(in crate::serve) fn rendered(known: Known) -> String {
    // The templates only fail where what they write to does.
    IncidentPage::of(known, Vec::new())
        .render()
        .unwrap_or_default()
}

impl IncidentPage {
    fn of(known: Known, causes: Vec<(String, String)>) -> Self {
        let Known {
            incident,
            alerts,
            report: found,
            ..
        } = known;
        let answer = incident.answer.clone();
        let time = |at: Option<i64>| at.map(clock::readable).unwrap_or_default();
        let bundle = answer.as_ref().and_then(|a| a.bundle.as_ref());
        Self {
            here: "incident",
            id: incident.id,
            headline: headline(&incident),
            title: shown(&incident.title),
            state: incident.state.word(),
            opened: clock::readable(incident.opened_at),
            resolved: time(incident.resolved_at),
            alert_count: plural(incident.alerts, "alert"),
            looks: format!("looked at {}", times(incident.looks)),
            next_look: time(incident.look_at.filter(|_| incident.looks > 0)),
            trouble: shown(incident.trouble.as_deref().unwrap_or_default()),
            has_report: found.is_some(),
            report: found.as_ref().map(report::fragment),
            alerts_more: incident.alerts - i64::try_from(alerts.len()).unwrap_or(0),
            alerts: alerts.into_iter().map(alert_part).collect(),
            left_out: incident.left_out,
            alertmanager: alertmanager(&incident),
            history: known.answers.iter().map(history_part).collect(),
            notices: known
                .notices
                .iter()
                .map(|(receiver, kind, said)| (shown(receiver), shown(kind), shown(said)))
                .collect(),
            bundle: bundle.is_some(),
            bundle_size: size(answer.as_ref().map_or(0, |a| a.bundle_bytes)),
            cause: answer
                .and_then(|a| a.cause)
                .map(|c| shown(&c))
                .unwrap_or_default(),
            causes,
            feedback: known.feedback.map(|given| FeedbackPart {
                when: clock::readable(given.at),
                agrees: given.agrees,
                cause: shown(&given.cause),
                note: shown(&given.note),
            }),
        }
    }
}

fn alert_part(alert: Alert) -> AlertPart {
    let since = match (alert.starts_at, alert.ends_at) {
        (Some(from), Some(until)) => {
            format!("{} – {}", clock::readable(from), clock::readable(until))
        }
        (Some(from), None) => format!("since {}", clock::readable(from)),
        _ => String::new(),
    };
    let of = |name: &str| Some(alert.label(name)).filter(|value| !value.is_empty());
    let name: Vec<&str> = ["alertname", "pod", "instance"]
        .into_iter()
        .filter_map(of)
        .take(2)
        .collect();
    let clean = |labels: &Labels| labels.iter().map(|(k, v)| (shown(k), shown(v))).collect();
    AlertPart {
        status: alert.status.word(),
        name: shown(&name.join(" · ")),
        since,
        labels: clean(&alert.labels),
        annotations: clean(&alert.annotations),
    }
}

fn history_part(answer: &AnswerRow) -> HistoryPart {
    HistoryPart {
        when: clock::readable(answer.first_at),
        verdict: answer.verdict.clone(),
        word: verdict_word(&answer.verdict),
        percent: percent(answer),
        headline: shown(
            answer
                .title
                .as_deref()
                .unwrap_or("nothing to act on in what was looked at"),
        ),
    }
}

/// The group in the sender's own pages. Only the web's addresses: the text is the sender's.
fn alertmanager(incident: &Incident) -> Option<String> {
    let base = incident.external_url.trim_end_matches('/');
    if !(base.starts_with("http://") || base.starts_with("https://")) {
        return None;
    }
    // What does not show has no place in an address: encoded, it is seen and does no harm.
    let base: String = base
        .chars()
        .map(
            |c| match c.is_whitespace() || report::escape::is_hidden(c) {
                true => url_encoded(&c.to_string()),
                false => c.to_string(),
            },
        )
        .collect();
    let matchers: Vec<String> = incident
        .group_labels
        .iter()
        .map(|(name, value)| format!("{name}={}", serde_json::json!(value)))
        .collect();
    Some(format!(
        "{base}/#/alerts?filter={}",
        url_encoded(&format!("{{{}}}", matchers.join(",")))
    ))
}

/// The bundle the latest answer is from.
pub(super) async fn bundle(
    State(web): State<Web>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = api::number(&id)?;
    let missing = || Refusal::Missing("the bundle is not kept, or not any more");
    let found = web.app.blocking(move |app| app.store.incident(id)).await?;
    let name = found
        .and_then(|i| i.answer)
        .and_then(|a| a.bundle)
        .ok_or_else(missing)?;
    let file = tokio::fs::File::open(web.app.store.bundle_path(&name))
        .await
        .map_err(|_| missing())?;
    let ending = name.split_once('.').map_or("tar.zst", |(_, ending)| ending);
    let disposition = format!("attachment; filename=\"incident-{id}.{ending}\"");
    let headers = [
        (header::CONTENT_TYPE, "application/octet-stream".to_owned()),
        (header::CONTENT_DISPOSITION, disposition),
    ];
    Ok((headers, Body::from_stream(ReaderStream::new(file))).into_response())
}

/// What feedback said, as a fixture's truth.
pub(super) async fn truth(
    State(web): State<Web>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = api::number(&id)?;
    let found = web
        .app
        .blocking(move |app| {
            let (Some(incident), Some(given)) = (app.store.incident(id)?, app.store.feedback(id)?)
            else {
                return Ok(None);
            };
            let found = match &incident.answer {
                Some(answer) => app.store.report(answer.report)?,
                None => None,
            };
            Ok::<_, StoreError>(Some(truth::yaml(&incident, &given, found.as_ref())))
        })
        .await?;
    let text = found.ok_or(Refusal::Missing("nobody has said yet what it was"))?;
    let headers = [
        (header::CONTENT_TYPE, "application/yaml"),
        (
            header::CONTENT_DISPOSITION,
            "attachment; filename=\"truth.yaml\"",
        ),
    ];
    Ok((headers, text).into_response())
}

#[derive(Debug, Deserialize)]
pub(super) struct Said {
    right: Option<String>,
    cause: Option<String>,
    note: Option<String>,
}

/// Somebody says what it was.
pub(super) async fn feedback(
    State(web): State<Web>,
    Path(id): Path<String>,
    Form(said): Form<Said>,
) -> Result<Response, Refusal> {
    let id = api::number(&id)?;
    let found = web.app.blocking(move |app| app.store.incident(id)).await?;
    let incident = found.ok_or(Refusal::Missing("there is no such incident"))?;
    let told = incident.answer.and_then(|a| a.cause);
    let named = said.cause.unwrap_or_default().trim().to_owned();
    let agreed = said.right.as_deref() == Some("yes");
    let cause = match (agreed, &told) {
        (true, Some(told)) => told.clone(),
        _ if named.is_empty() => return Err(Refusal::Wrong("say what the cause was".to_owned())),
        _ => named,
    };
    let cut = |text: &str| {
        text[..text.floor_char_boundary(limits::NOTE_BYTES)]
            .trim()
            .to_owned()
    };
    let note = said.note.unwrap_or_default();
    let given = Feedback {
        incident: id,
        agrees: Some(&cause) == told.as_ref(),
        cause: web.app.redacted(cut(&cause)),
        note: web.app.redacted(cut(&note)),
    };
    web.app.store.give_feedback(given, clock::now()).await?;
    Ok(Redirect::to(&format!("/incidents/{id}#feedback")).into_response())
}

/// Somebody wants a fresh look.
pub(super) async fn look(
    State(web): State<Web>,
    Path(id): Path<String>,
) -> Result<Response, Refusal> {
    let id = api::number(&id)?;
    web.app.store.look_again(id, clock::now()).await?;
    web.app.due.notify_one();
    Ok(Redirect::to(&format!("/incidents/{id}")).into_response())
}
