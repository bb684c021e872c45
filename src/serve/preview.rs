//! What people would be shown of an incident, without a server, a store or anybody to send it to.

use super::alert::{Payload, Status};
use super::http::{self, Known};
use super::notify::{self, Message};
use super::store::{AnswerRow, Incident, NoticeKind};
use crate::report::model::Report;

/// What people would be shown.
#[derive(Clone, Debug)]
pub struct Preview {
    /// The incident's page.
    pub page: String,
    /// Slack's messages: the whole one, and the one for a thread.
    pub slack: [serde_json::Value; 2],
    /// The mail with its headers.
    pub mail: String,
    /// What a webhook is sent.
    pub webhook: serde_json::Value,
}

/// What people would be shown of the incident that `payload` opens, with `report` as the answer.
///
/// # Errors
/// When the mail cannot be made.
pub fn preview(payload: &Payload, report: Option<Report>) -> Result<Preview, String> {
    let incident = incident(payload, report.as_ref());
    let known = Known {
        alerts: payload.alerts.clone(),
        answers: incident.answer.iter().cloned().collect(),
        notices: vec![(
            payload.receiver.clone(),
            "opened".to_owned(),
            payload.external_url.clone(),
        )],
        feedback: None,
        report: report.clone(),
        incident: incident.clone(),
    };
    let message = Message {
        kind: NoticeKind::Opened,
        url: Some(format!("http://rdiag.example/incidents/{}", incident.id)),
        base: Some("http://rdiag.example".to_owned()),
        incident,
        report,
    };
    Ok(Preview {
        page: http::rendered(known),
        slack: notify::slack_messages(&message),
        mail: notify::mail(&message)?,
        webhook: notify::webhook_body(&message),
    })
}

/// As the store would have it.
fn incident(payload: &Payload, report: Option<&Report>) -> Incident {
    let first = report.and_then(|found| found.incidents.first());
    let top = first.and_then(|incident| incident.hypotheses.first());
    let answer = report.map(|_| AnswerRow {
        id: 1,
        report: 1,
        first_at: 0,
        at: 0,
        verdict: first.map_or("healthy", |i| i.verdict.as_str()).to_owned(),
        cause: top.map(|h| h.cause.clone()),
        title: top.map(|h| h.title.clone()),
        probability: top.map(|h| h.probability),
        severity: first.map(|i| i.severity.clone()),
        bundle: None,
        bundle_bytes: 0,
    });
    Incident {
        id: 1,
        group_key: payload.group_key.clone(),
        receiver: payload.receiver.clone(),
        state: payload.status,
        opened_at: 0,
        updated_at: 0,
        resolved_at: (payload.status == Status::Resolved).then_some(0),
        title: super::store::title(payload),
        group_labels: payload.group_labels.clone(),
        common_labels: payload.common_labels.clone(),
        common_annotations: payload.common_annotations.clone(),
        external_url: payload.external_url.clone(),
        deliveries: 1,
        alerts: i64::try_from(payload.alerts.len()).unwrap_or(i64::MAX),
        left_out: i64::try_from(payload.left_out).unwrap_or(i64::MAX),
        look_at: None,
        looks: 1,
        failures: 0,
        trouble: Some(payload.external_url.clone()),
        answer,
    }
}
