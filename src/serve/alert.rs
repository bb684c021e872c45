//! What Alertmanager and Grafana post: the webhook payload, version 4.
//!
//! The types mirror that payload and nothing else. Unknown fields are ignored, since the format is not
//! ours and grows.

use std::borrow::Cow;
use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::{Value, json};

use super::clock::{self, Millis};
use crate::limits;
use crate::redact::Redactor;

/// Labels or annotations, sorted.
pub type Labels = BTreeMap<String, String>;

/// One delivery: what is known of one group of alerts.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Payload {
    /// Identifies the group.
    pub group_key: String,
    /// Of the whole group.
    pub status: Status,
    /// Name of the receiver in the sender's configuration.
    pub receiver: String,
    /// Labels the group is made by.
    pub group_labels: Labels,
    /// Labels all alerts have.
    pub common_labels: Labels,
    /// Annotations all alerts have.
    pub common_annotations: Labels,
    /// Where the sender says it can be reached.
    pub external_url: String,
    /// The alerts, each fingerprint once.
    pub alerts: Vec<Alert>,
    /// Alerts that the sender left out (`max_alerts`), or that are beyond a bound of ours.
    pub left_out: u64,
}

/// One alert.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Alert {
    /// Of this alert.
    pub status: Status,
    /// Labels.
    pub labels: Labels,
    /// Annotations.
    pub annotations: Labels,
    /// When it began.
    pub starts_at: Option<Millis>,
    /// When it ended; none while it fires.
    pub ends_at: Option<Millis>,
    /// Where the sender says the rule can be seen.
    pub generator_url: String,
    /// Identifies the alert by its labels.
    pub fingerprint: String,
}

/// Whether an alert, a group or an incident is still going on.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(rename_all = "lowercase")]
pub enum Status {
    /// It goes on.
    #[default]
    Firing,
    /// It is over.
    Resolved,
}

impl Status {
    /// The word of the payload, the store and the API.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Firing => "firing",
            Self::Resolved => "resolved",
        }
    }

    /// From that word.
    #[must_use]
    pub fn of(word: &str) -> Self {
        if word == "resolved" {
            Self::Resolved
        } else {
            Self::Firing
        }
    }
}

/// Why a body is not such a payload.
#[derive(Debug, thiserror::Error)]
pub enum Malformed {
    /// It is no JSON, or a field has another type.
    #[error("not an Alertmanager webhook payload: {0}")]
    Json(#[from] serde_json::Error),
    /// Something is missing or not as it should be.
    #[error("not an Alertmanager webhook payload: {0}")]
    Shape(String),
}

impl Payload {
    /// Reads a body.
    ///
    /// # Errors
    /// When it is not of that form; the text says what is wrong with it.
    pub fn decode(body: &[u8]) -> Result<Self, Malformed> {
        let raw: Raw = serde_json::from_slice(body)?;
        // Grafana's payload is the same with more fields, and calls itself version 1.
        if let Some(version) = raw.version.as_deref().filter(|v| !["4", "1"].contains(v)) {
            return Err(shape(format!(
                "version {version:?} is not 4 (Alertmanager) or 1 (Grafana)"
            )));
        }
        let group_key = raw.group_key.filter(|key| !key.is_empty());
        let alerts = raw
            .alerts
            .ok_or_else(|| shape("`alerts` is missing".to_owned()))?;
        if alerts.is_empty() {
            return Err(shape("`alerts` is empty".to_owned()));
        }
        let mut payload = Self {
            group_key: group_key
                .ok_or_else(|| shape("`groupKey` is missing or empty".to_owned()))?,
            status: raw
                .status
                .ok_or_else(|| shape("`status` is missing".to_owned()))?,
            receiver: raw.receiver.unwrap_or_default(),
            group_labels: bounded(raw.group_labels),
            common_labels: bounded(raw.common_labels),
            common_annotations: bounded(raw.common_annotations),
            external_url: raw.external_url.unwrap_or_default(),
            left_out: raw.truncated_alerts.unwrap_or(0),
            alerts: Vec::with_capacity(alerts.len().min(limits::ALERTS_PER_DELIVERY)),
        };
        payload.left_out += alerts.len().saturating_sub(limits::ALERTS_PER_DELIVERY) as u64;
        for (i, alert) in alerts
            .into_iter()
            .take(limits::ALERTS_PER_DELIVERY)
            .enumerate()
        {
            let alert = Alert::read(alert).map_err(|why| shape(format!("alerts[{i}]: {why}")))?;
            payload.alerts.push(alert);
        }
        payload
            .alerts
            .sort_by(|a, b| a.fingerprint.cmp(&b.fingerprint));
        payload
            .alerts
            .dedup_by(|a, b| a.fingerprint == b.fingerprint);
        Ok(payload)
    }
}

impl Payload {
    /// Takes credentials out of everything that will be kept and shown. A key of a group that held one
    /// gets a mark of what it was, so that groups that differ in nothing else stay apart.
    pub fn redact(&mut self) {
        let mut redactor = Redactor::default();
        let mut text = |text: &mut String| {
            if let Cow::Owned(cleaned) = redactor.text(text) {
                *text = cleaned;
            }
        };
        let was = self.group_key.clone();
        text(&mut self.group_key);
        if self.group_key != was {
            let mark = xxhash_rust::xxh64::xxh64(was.as_bytes(), 0);
            self.group_key.push_str(&format!(" #{mark:016x}"));
        }
        text(&mut self.receiver);
        text(&mut self.external_url);
        for alert in &mut self.alerts {
            text(&mut alert.generator_url);
        }
        let common = [
            &mut self.group_labels,
            &mut self.common_labels,
            &mut self.common_annotations,
        ];
        let own = self
            .alerts
            .iter_mut()
            .flat_map(|alert| [&mut alert.labels, &mut alert.annotations]);
        for labels in common.into_iter().chain(own) {
            for (name, value) in labels {
                if let Cow::Owned(cleaned) = redactor.named(name, value) {
                    *value = cleaned;
                }
            }
        }
    }
}

impl Alert {
    fn read(raw: RawAlert) -> Result<Self, String> {
        let labels = bounded(Some(raw.labels.ok_or("`labels` is missing")?));
        let status = raw.status.ok_or("`status` is missing")?;
        let starts_at = instant("startsAt", raw.starts_at.as_deref())?;
        let ends_at = instant("endsAt", raw.ends_at.as_deref())?;
        let fingerprint = raw.fingerprint.filter(|f| !f.is_empty());
        Ok(Self {
            fingerprint: fingerprint.unwrap_or_else(|| fingerprint_of(&labels)),
            status,
            labels,
            annotations: bounded(raw.annotations),
            starts_at,
            // A firing alert's end is when the sender will give it up, not an end.
            ends_at: ends_at.filter(|_| status == Status::Resolved),
            generator_url: raw.generator_url.unwrap_or_default(),
        })
    }

    /// The label's value, empty without it.
    #[must_use]
    pub fn label(&self, name: &str) -> &str {
        self.labels.get(name).map_or("", String::as_str)
    }

    /// As Alertmanager would write it.
    #[must_use]
    pub fn to_json(&self) -> Value {
        json!({
            "status": self.status.word(),
            "labels": self.labels,
            "annotations": self.annotations,
            "startsAt": clock::rfc3339(self.starts_at.unwrap_or(NEVER)),
            "endsAt": clock::rfc3339(self.ends_at.unwrap_or(NEVER)),
            "generatorURL": self.generator_url,
            "fingerprint": self.fingerprint,
        })
    }
}

/// Go's zero time, in milliseconds: year 1.
const NEVER: Millis = -62_135_596_800_000;

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct Raw {
    version: Option<String>,
    group_key: Option<String>,
    status: Option<Status>,
    receiver: Option<String>,
    group_labels: Option<Labels>,
    common_labels: Option<Labels>,
    common_annotations: Option<Labels>,
    #[serde(rename = "externalURL")]
    external_url: Option<String>,
    truncated_alerts: Option<u64>,
    alerts: Option<Vec<RawAlert>>,
}

#[derive(Deserialize)]
#[serde(rename_all = "camelCase")]
struct RawAlert {
    status: Option<Status>,
    labels: Option<Labels>,
    annotations: Option<Labels>,
    starts_at: Option<String>,
    ends_at: Option<String>,
    #[serde(rename = "generatorURL")]
    generator_url: Option<String>,
    fingerprint: Option<String>,
}

fn shape(why: String) -> Malformed {
    Malformed::Shape(why)
}

/// What tells of labels that had no room.
const LEFT_OUT: &str = "rdiag_left_out";

fn bounded(labels: Option<Labels>) -> Labels {
    let mut labels = labels.unwrap_or_default();
    if labels.len() > limits::ALERT_LABELS {
        let left_out = labels.len() - limits::ALERT_LABELS + 1;
        while labels.len() >= limits::ALERT_LABELS {
            labels.pop_last();
        }
        labels.insert(LEFT_OUT.to_owned(), left_out.to_string());
    }
    for value in labels.values_mut() {
        if value.len() > limits::ALERT_VALUE_BYTES {
            value.truncate(value.floor_char_boundary(limits::ALERT_VALUE_BYTES));
            value.push('…');
        }
    }
    labels
}

/// The time in a field; none when it is absent or Go's zero time.
fn instant(field: &str, text: Option<&str>) -> Result<Option<Millis>, String> {
    let Some(text) = text.filter(|text| !text.is_empty()) else {
        return Ok(None);
    };
    let time: jiff::Timestamp = text
        .parse()
        .map_err(|_| format!("`{field}` is not an RFC 3339 time: {text:?}"))?;
    Ok(Some(time.as_millisecond()).filter(|at| *at > 0))
}

fn fingerprint_of(labels: &Labels) -> String {
    let mut text = String::new();
    for (name, value) in labels {
        text.push_str(name);
        text.push('\u{ff}');
        text.push_str(value);
        text.push('\u{ff}');
    }
    format!("{:016x}", xxhash_rust::xxh64::xxh64(text.as_bytes(), 0))
}
