//! What the worker and the notifier do with the store.

use std::collections::BTreeMap;

use rusqlite::{Connection, OptionalExtension as _, params};

use super::intake::{self, Taken};
use super::{Store, StoreError, read};
use crate::report::model::Report;
use crate::serve::alert::{Alert, Payload, Status};
use crate::serve::clock::Millis;

/// An incident that is to be looked at.
#[derive(Clone, Debug)]
pub struct Due {
    /// The incident.
    pub id: i64,
    /// Whether it goes on.
    pub state: Status,
    /// When it came in.
    pub opened_at: Millis,
    /// When it was to be looked at.
    pub look_at: Millis,
    /// Looks in a row that could not be done.
    pub failures: i64,
    /// Its alerts, firing ones first: some, when it has many.
    pub alerts: Vec<Alert>,
}

/// Alerts that say where to look, over all incidents that are due; alerts of a group are much alike.
const ALERTS_LOOKED_AT: usize = 2000;

/// What a look found, for one incident.
#[derive(Clone, Debug)]
pub struct Answer {
    /// The incident.
    pub incident: i64,
    /// When to look again.
    pub look_at: Option<Millis>,
    /// The time it was due, so that an alert that came meanwhile gets its own look.
    pub due: Millis,
}

/// The answer as the store knows it, the same for all incidents of a look.
#[derive(Clone, Debug)]
pub struct Finding {
    /// Same digest, same answer.
    pub digest: String,
    /// Verdict of the worst incident, or `healthy`.
    pub verdict: String,
    /// Cause of the first hypothesis.
    pub cause: Option<String>,
    /// That hypothesis in one line.
    pub title: Option<String>,
    /// Its probability.
    pub probability: Option<f64>,
    /// Severity of the worst symptom.
    pub severity: Option<String>,
    /// The report.
    pub report: Report,
    /// The bundle's file, if it is kept.
    pub bundle: Option<String>,
    /// Its bytes.
    pub bundle_bytes: u64,
}

/// Feedback: what the cause was.
#[derive(Clone, Debug)]
pub struct Feedback {
    /// The incident.
    pub incident: i64,
    /// The cause, or `none`.
    pub cause: String,
    /// Whether that is what rdiag said.
    pub agrees: bool,
    /// A sentence.
    pub note: String,
}

/// A notification to be sent.
#[derive(Clone, Debug)]
pub struct Notice {
    /// Number in the outbox.
    pub id: i64,
    /// The incident.
    pub incident: i64,
    /// Name of the receiver.
    pub receiver: String,
    /// What it is about.
    pub kind: NoticeKind,
    /// Times it was tried.
    pub attempts: u32,
    /// Where an earlier one of this incident stands: channel and time stamp.
    pub thread: Option<(String, String)>,
}

/// What a notification says.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum NoticeKind {
    /// The first answer.
    Opened,
    /// Another answer than before.
    Changed,
    /// The alerts are over.
    Resolved,
}

impl NoticeKind {
    /// The word in the outbox and in webhooks.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Changed => "changed",
            Self::Resolved => "resolved",
        }
    }

    fn of(word: &str) -> Self {
        match word {
            "changed" => Self::Changed,
            "resolved" => Self::Resolved,
            _ => Self::Opened,
        }
    }
}

/// What retention removes.
#[derive(Clone, Debug, Default, PartialEq, Eq)]
pub struct Stale {
    /// Files of bundles to delete.
    pub bundles: Vec<String>,
    /// Incidents that were removed.
    pub incidents: usize,
}

impl Store {
    /// Takes one delivery in; it is on disk when this returns.
    ///
    /// # Errors
    /// When too many wait, or the disk does not take it.
    pub async fn deliver(&self, payload: Payload, now: Millis) -> Result<Taken, StoreError> {
        self.write(move |connection| intake::take(connection, &payload, now))
            .await
    }

    /// Incidents that are due, the longest waiting first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn due(&self, now: Millis, limit: usize) -> Result<Vec<Due>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT id, state, opened_at, look_at, failures FROM incidents
                WHERE look_at <= ?1 ORDER BY look_at, id LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![now, limit], |row| {
                Ok(Due {
                    id: row.get(0)?,
                    state: Status::of(&row.get::<_, String>(1)?),
                    opened_at: row.get(2)?,
                    look_at: row.get(3)?,
                    failures: row.get(4)?,
                    alerts: Vec::new(),
                })
            })?;
            let mut due = rows.collect::<Result<Vec<Due>, _>>()?;
            let each = (ALERTS_LOOKED_AT / due.len().max(1)).max(4);
            for one in &mut due {
                one.alerts = read::alerts(connection, one.id, each)?;
            }
            Ok(due)
        })
    }

    /// When the next incident is due.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn next_due(&self) -> Result<Option<Millis>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT min(look_at) FROM incidents WHERE look_at IS NOT NULL";
            Ok(connection
                .prepare_cached(sql)?
                .query_row([], |row| row.get(0))?)
        })
    }

    /// Keeps what a look found for all `answers`, and puts what changed into the outbox of each of
    /// `receivers`: one transaction, so that no answer is told twice or not at all.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn answer(
        &self,
        finding: Finding,
        answers: Vec<Answer>,
        receivers: Vec<String>,
        now: Millis,
    ) -> Result<(), StoreError> {
        let report = read::pack(&finding.report)?;
        self.write_in_turn(move |connection| {
            let sql =
                "INSERT INTO reports (at, report, bundle, bundle_bytes) VALUES (?1, ?2, ?3, ?4)";
            let bytes = i64::try_from(finding.bundle_bytes).unwrap_or(i64::MAX);
            connection
                .prepare_cached(sql)?
                .execute(params![now, report, finding.bundle, bytes])?;
            let report = connection.last_insert_rowid();
            for answer in &answers {
                keep(connection, &finding, answer, report, &receivers, now)?;
            }
            Ok(())
        })
        .await
    }

    /// Notes that a look could not be done.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn look_failed(&self, answers: Vec<Answer>, why: String) -> Result<(), StoreError> {
        self.write_in_turn(move |connection| {
            let sql = "UPDATE incidents SET failures = failures + 1, trouble = ?2,
                look_at = CASE WHEN look_at <= ?4 THEN ?3 ELSE look_at END WHERE id = ?1";
            for answer in &answers {
                let row = params![answer.incident, why, answer.look_at, answer.due];
                connection.prepare_cached(sql)?.execute(row)?;
            }
            Ok(())
        })
        .await
    }

    /// Asks for a look at once.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn look_again(&self, id: i64, now: Millis) -> Result<(), StoreError> {
        self.write(move |connection| {
            connection
                .prepare_cached("UPDATE incidents SET look_at = ?2 WHERE id = ?1")?
                .execute([id, now])?;
            Ok(())
        })
        .await
    }

    /// Notifications to `receiver` that are due, one per incident: the order within a thread is kept.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn notices_due(
        &self,
        receiver: &str,
        now: Millis,
        limit: usize,
    ) -> Result<Vec<Notice>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT o.id, o.incident_id, o.receiver, o.kind, o.attempts, t.channel, t.ts FROM outbox o
                LEFT JOIN threads t ON t.incident_id = o.incident_id AND t.receiver = o.receiver
                WHERE o.done_at IS NULL AND o.given_up_at IS NULL AND o.due_at <= ?1
                AND o.receiver = ?3 AND NOT EXISTS (SELECT 1 FROM outbox e WHERE e.incident_id = o.incident_id AND e.receiver = o.receiver
                    AND e.id < o.id AND e.done_at IS NULL AND e.given_up_at IS NULL)
                ORDER BY o.due_at, o.id LIMIT ?2";
            let mut statement = connection.prepare_cached(sql)?;
            let limit = i64::try_from(limit).unwrap_or(i64::MAX);
            let rows = statement.query_map(params![now, limit, receiver], |row| {
                let (channel, ts): (Option<String>, Option<String>) = (row.get(5)?, row.get(6)?);
                Ok(Notice {
                    id: row.get(0)?,
                    incident: row.get(1)?,
                    receiver: row.get(2)?,
                    kind: NoticeKind::of(&row.get::<_, String>(3)?),
                    attempts: row.get(4)?,
                    thread: channel.zip(ts),
                })
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// When the next notification to `receiver` is due.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn next_notice(&self, receiver: &str) -> Result<Option<Millis>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT min(due_at) FROM outbox WHERE receiver = ?1 AND done_at IS NULL AND given_up_at IS NULL";
            Ok(connection.prepare_cached(sql)?.query_row([receiver], |row| row.get(0))?)
        })
    }

    /// Notes that a notification was taken, and where it stands now.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn notice_done(
        &self,
        notice: Notice,
        thread: Option<(String, String)>,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.write_in_turn(move |connection| {
            let sql = "UPDATE outbox SET done_at = ?2, last_error = NULL, attempts = attempts + 1 WHERE id = ?1";
            connection.prepare_cached(sql)?.execute([notice.id, now])?;
            if let Some((channel, ts)) = &thread {
                let sql = "INSERT OR REPLACE INTO threads (incident_id, receiver, channel, ts) VALUES (?1, ?2, ?3, ?4)";
                connection.prepare_cached(sql)?.execute(params![
                    notice.incident,
                    notice.receiver,
                    channel,
                    ts
                ])?;
            }
            Ok(())
        })
        .await
    }

    /// Notes that a notification was not taken; without `again` it is given up.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn notice_failed(
        &self,
        notice: i64,
        why: String,
        again: Option<Millis>,
        now: Millis,
    ) -> Result<(), StoreError> {
        self.write_in_turn(move |connection| {
            let sql = "UPDATE outbox SET attempts = attempts + 1, last_error = ?2, due_at = coalesce(?3, due_at),
                given_up_at = CASE WHEN ?3 IS NULL THEN ?4 END WHERE id = ?1";
            connection.prepare_cached(sql)?.execute(params![notice, why, again, now])?;
            Ok(())
        })
        .await
    }

    /// Keeps feedback; a second one replaces the first.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn give_feedback(&self, feedback: Feedback, now: Millis) -> Result<(), StoreError> {
        self.write(move |connection| {
            let sql = "INSERT OR REPLACE INTO feedback (incident_id, at, cause, agrees, note)
                VALUES (?1, ?2, ?3, ?4, ?5)";
            connection.prepare_cached(sql)?.execute(params![
                feedback.incident,
                now,
                feedback.cause,
                feedback.agrees,
                feedback.note
            ])?;
            Ok(())
        })
        .await
    }

    /// Forgets bundles older than `bundles_before`, and incidents closed before `incidents_before`.
    /// The files are the caller's to delete, once this has returned.
    ///
    /// # Errors
    /// When the disk does not take it.
    pub async fn forget(
        &self,
        bundles_before: Millis,
        incidents_before: Millis,
    ) -> Result<Stale, StoreError> {
        self.write_in_turn(move |connection| {
            let sql = "DELETE FROM incidents WHERE state = 'resolved' AND resolved_at < ?1";
            let incidents = connection.execute(sql, [incidents_before])?;
            let sql = "SELECT bundle FROM reports WHERE bundle IS NOT NULL AND (at < ?1
                OR NOT EXISTS (SELECT 1 FROM answers WHERE answers.report_id = reports.id))";
            let mut statement = connection.prepare(sql)?;
            let mut bundles: Vec<String> =
                statement.query_map([bundles_before], |row| row.get(0))?.collect::<Result<_, _>>()?;
            connection.execute("UPDATE reports SET bundle = NULL, bundle_bytes = 0 WHERE at < ?1", [bundles_before])?;
            let sql = "DELETE FROM reports WHERE NOT EXISTS (SELECT 1 FROM answers WHERE answers.report_id = reports.id)";
            connection.execute(sql, [])?;
            // Reports of the same content share a file.
            let mut kept = connection.prepare("SELECT 1 FROM reports WHERE bundle = ?1 LIMIT 1")?;
            bundles.sort();
            bundles.dedup();
            let mut stale = Vec::new();
            for bundle in bundles {
                if !kept.exists([&bundle])? {
                    stale.push(bundle);
                }
            }
            Ok(Stale { bundles: stale, incidents })
        })
        .await
    }

    /// Names of the bundles that are kept, with nothing else in their folder being needed.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn kept_bundles(&self) -> Result<BTreeMap<String, i64>, StoreError> {
        self.read(|connection| {
            let mut statement =
                connection.prepare("SELECT bundle, at FROM reports WHERE bundle IS NOT NULL")?;
            let rows = statement.query_map([], |row| Ok((row.get(0)?, row.get(1)?)))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// Keeps an answer about one incident, and tells the receivers if it is another than before.
fn keep(
    connection: &Connection,
    finding: &Finding,
    answer: &Answer,
    report: i64,
    receivers: &[String],
    now: Millis,
) -> Result<(), StoreError> {
    let sql = "SELECT a.id, a.digest FROM incidents i LEFT JOIN answers a ON a.id = i.answer_id WHERE i.id = ?1";
    let found = connection
        .prepare_cached(sql)?
        .query_row([answer.incident], |row| Ok((row.get(0)?, row.get(1)?)))
        .optional()?;
    // Retention may have removed it meanwhile.
    let Some((before, digest)): Option<(Option<i64>, Option<String>)> = found else {
        return Ok(());
    };
    let same = before.filter(|_| digest.as_deref() == Some(&finding.digest));
    let id = match same {
        Some(id) => {
            let sql = "UPDATE answers SET report_id = ?2, at = ?3, probability = ?4, title = ?5 WHERE id = ?1";
            connection.prepare_cached(sql)?.execute(params![
                id,
                report,
                now,
                finding.probability,
                finding.title
            ])?;
            id
        }
        None => {
            let sql = "INSERT INTO answers (incident_id, report_id, first_at, at, digest, verdict, cause, title,
                probability, severity) VALUES (?1, ?2, ?3, ?3, ?4, ?5, ?6, ?7, ?8, ?9)";
            connection.prepare_cached(sql)?.execute(params![
                answer.incident,
                report,
                now,
                finding.digest,
                finding.verdict,
                finding.cause,
                finding.title,
                finding.probability,
                finding.severity,
            ])?;
            connection.last_insert_rowid()
        }
    };
    let sql = "UPDATE incidents SET answer_id = ?2, looks = looks + 1, failures = 0, trouble = NULL,
        look_at = CASE WHEN look_at <= ?4 THEN CASE WHEN state = 'firing' THEN ?3 END ELSE look_at END WHERE id = ?1";
    connection.prepare_cached(sql)?.execute(params![
        answer.incident,
        id,
        answer.look_at,
        answer.due
    ])?;
    if same.is_none() {
        let kind = if before.is_none() {
            NoticeKind::Opened
        } else {
            NoticeKind::Changed
        };
        let sql =
            "INSERT OR IGNORE INTO outbox (incident_id, receiver, kind, digest, created_at, due_at)
            VALUES (?1, ?2, ?3, ?4, ?5, ?5)";
        for receiver in receivers {
            // The number of the answer: an answer that comes back after another one is news again.
            let digest = format!("{}@{id}", finding.digest);
            let row = params![answer.incident, receiver, kind.word(), digest, now];
            connection.prepare_cached(sql)?.execute(row)?;
        }
    }
    Ok(())
}
