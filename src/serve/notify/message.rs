//! What is told, whoever is told.

use crate::report::{self, model::Report};
use crate::serve::alert::Status;
use crate::serve::app::App;
use crate::serve::store::{Incident, Notice, NoticeKind, StoreError};

/// What is told about an incident: how it is now, which may be more than when it was decided to tell.
#[derive(Clone, Debug)]
pub(super) struct Message {
    pub(super) kind: NoticeKind,
    pub(super) incident: Incident,
    pub(super) report: Option<Report>,
    /// The incident's page, when it is known how others reach it.
    pub(super) url: Option<String>,
    /// This server's address, likewise.
    pub(super) base: Option<String>,
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
        report::escape::visible(&self.incident.title).into_owned()
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
        report::escape::visible(&text).into_owned()
    }
}
