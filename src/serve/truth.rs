//! Feedback as `truth.yaml`: with the bundle beside it, an incident becomes a fixture.

use super::clock;
use super::store::{Incident, Receipt};
use crate::report::model::Report;

/// The file. Every string is quoted as JSON, which YAML reads alike, so that no text can become structure.
#[must_use]
pub fn yaml(incident: &Incident, given: &Receipt, report: Option<&Report>) -> String {
    let quoted = |text: &str| serde_json::json!(text).to_string();
    let story = match given.note.as_str() {
        "" => format!(
            "{}, answered on {}.",
            incident.title,
            clock::readable(given.at)
        ),
        note => note.to_owned(),
    };
    let mut text = format!(
        "story: {}\norigin: {}\ncause: {}\ncertainty: confirmed\naccept: []\nalso: []\n",
        quoted(&story),
        quoted(&format!(
            "incident {} of {}",
            incident.id,
            clock::readable(incident.opened_at)
        )),
        quoted(&given.cause),
    );
    let top = report
        .and_then(|r| r.incidents.first())
        .and_then(|i| i.hypotheses.first());
    // The part at fault is only known when the answer was right.
    if let Some(subject) = top
        .filter(|_| given.agrees)
        .and_then(|h| h.subjects.first())
    {
        let name = subject.name.rsplit('/').next().unwrap_or(&subject.name);
        text.push_str(&format!("subject: {}\n", quoted(name)));
    }
    text.push_str("candidates: []\ntags: [serve]\n");
    let version = report
        .and_then(|r| r.scope.thanos.first())
        .map(|t| t.version.as_str());
    text.push_str(&format!(
        "thanos_version: {}\nnever: []\n",
        quoted(version.unwrap_or_default())
    ));
    text
}
