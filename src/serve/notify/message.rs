//! What is told, whoever is told.

use crate::report::{self, model::Report};
use crate::serve::alert::Status;
use crate::serve::app::App;
use crate::serve::store::{Incident, Notice, NoticeKind, StoreError};

/// What is told about an incident: how it is now, which may be more than when it was decided to tell.
#[derive(Clone, Debug)]
pub(in crate::serve) struct Message {
    pub(in crate::serve) kind: NoticeKind,
    pub(in crate::serve) incident: Incident,
    pub(in crate::serve) report: Option<Report>,
    /// The incident's page, when it is known how others reach it.
    pub(in crate::serve) url: Option<String>,
    /// This server's address, likewise.
    pub(in crate::serve) base: Option<String>,
}

impl Message {
    /// None when the incident is gone.
    pub(super) fn of(app: &App, notice: &Notice) -> Result<Option<Self>, StoreError> {
        let Some(incident) = app.store.incident(notice.incident)? else {
            return Ok(None);
        };
        let report = match &incident.answer {
            Some(answer) => app.store.report(answer.report)?,
            None => None,
        };
        let base = app.config.external_url.clone();
        let url = base
            .as_ref()
            .map(|base| format!("{base}/incidents/{}", incident.id));
        Ok(Some(Self {
            kind: notice.kind,
            incident,
            report,
            url,
            base,
        }))
    }

    /// `FIRING`, `NEW ANSWER` or `RESOLVED`.
    pub(super) fn word(&self) -> &'static str {
        match (self.kind, self.incident.state) {
            (_, Status::Resolved) | (NoticeKind::Resolved, _) => "RESOLVED",
            (NoticeKind::Changed, _) => "NEW ANSWER",
            (NoticeKind::Opened, _) => "FIRING",
        }
    }

    /// The alert in one line.
    pub(super) fn alert(&self) -> String {
        line(&self.incident.title, ALERT)
    }

    /// The answer in one line.
    pub(super) fn answer(&self) -> String {
        let answer = self.incident.answer.as_ref();
        let text = match answer.map(|a| (&a.verdict, &a.title)) {
            Some((verdict, Some(title))) => {
                format!("{}: {title}", verdict.replace('_', " ").to_uppercase())
            }
            Some((_, None)) => "nothing to act on in what was looked at".to_owned(),
            None => "no answer yet".to_owned(),
        };
        line(&text, ANSWER)
    }
}

/// Longest line about an alert and about an answer, in characters. Slack takes 3,000 of a block, which
/// escaping may make of 500; what is cut here is not cut there, in the middle of a link.
const ALERT: usize = 160;
const ANSWER: usize = 400;

/// Text of others as one line of so many characters.
fn line(text: &str, most: usize) -> String {
    let text = report::escape::terminal(text);
    match text.char_indices().nth(most) {
        Some((end, _)) => format!("{}…", &text[..end]),
        None => text.into_owned(),
    }
}
