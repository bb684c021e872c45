//! What pages and the API ask for.

use rusqlite::{Connection, OptionalExtension as _, Row, params};

use super::{Store, StoreError};
use crate::report::model::Report;
use crate::serve::alert::{Alert, Labels, Status};
use crate::serve::clock::Millis;

/// An incident with its latest answer.
#[derive(Clone, Debug)]
pub struct Incident {
    /// Number in this store.
    pub id: i64,
    /// Alertmanager's key of the group.
    pub group_key: String,
    /// Receiver in the sender's configuration.
    pub receiver: String,
    /// Whether it goes on.
    pub state: Status,
    /// First delivery.
    pub opened_at: Millis,
    /// Latest delivery.
    pub updated_at: Millis,
    /// When it was closed.
    pub resolved_at: Option<Millis>,
    /// Alert and place, in one line.
    pub title: String,
    /// Labels the group is made by.
    pub group_labels: Labels,
    /// Labels all alerts have.
    pub common_labels: Labels,
    /// Annotations all alerts have.
    pub common_annotations: Labels,
    /// Where the sender says it can be reached.
    pub external_url: String,
    /// How often something was delivered about it.
    pub deliveries: i64,
    /// Alerts known.
    pub alerts: i64,
    /// Alerts left out by the sender or by a bound.
    pub left_out: i64,
    /// When it is looked at next.
    pub look_at: Option<Millis>,
    /// How often it was looked at.
    pub looks: i64,
    /// Looks in a row that could not be done.
    pub failures: i64,
    /// Why the last look could not be done.
    pub trouble: Option<String>,
    /// The latest answer.
    pub answer: Option<AnswerRow>,
}

/// An answer, without its report.
#[derive(Clone, Debug)]
pub struct AnswerRow {
    /// Number in this store.
    pub id: i64,
    /// Its report.
    pub report: i64,
    /// When it was given first.
    pub first_at: Millis,
    /// When a look gave it last.
    pub at: Millis,
    /// Verdict of the worst incident of the report, or `healthy`.
    pub verdict: String,
    /// Cause of its first hypothesis.
    pub cause: Option<String>,
    /// That hypothesis in one line.
    pub title: Option<String>,
    /// Its probability.
    pub probability: Option<f64>,
    /// Severity of the worst symptom.
    pub severity: Option<String>,
    /// File of the bundle it is from, while that is kept.
    pub bundle: Option<String>,
    /// Bytes of that file.
    pub bundle_bytes: i64,
}

/// An alert of an incident.
pub type AlertRow = Alert;

/// Which incidents to list.
#[derive(Clone, Debug, Default)]
pub struct Filter {
    /// Only these.
    pub state: Option<Status>,
    /// Words that must occur in the title, labels, cause or answer; case does not matter.
    pub query: String,
    /// Only those with a lower number: the next page.
    pub before: Option<i64>,
    /// At most so many.
    pub limit: usize,
}

/// Feedback that was given.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Receipt {
    /// When.
    pub at: Millis,
    /// What the cause was.
    pub cause: String,
    /// Whether rdiag had said so first.
    pub agrees: bool,
    /// A sentence.
    pub note: String,
}

const COLUMNS: &str = "i.id, i.group_key, i.receiver, i.state, i.opened_at, i.updated_at, i.resolved_at, i.title,
    i.group_labels, i.common_labels, i.common_annotations, i.external_url, i.deliveries, i.alerts, i.left_out,
    i.look_at, i.looks, i.failures, i.trouble,
    a.id, a.report_id, a.first_at, a.at, a.verdict, a.cause, a.title, a.probability, a.severity, r.bundle, r.bundle_bytes
    FROM incidents i LEFT JOIN answers a ON a.id = i.answer_id LEFT JOIN reports r ON r.id = a.report_id";

/// Where an answer's columns begin.
const ANSWER: usize = 19;

impl Store {
    /// Incidents, the latest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn incidents(&self, filter: &Filter) -> Result<Vec<Incident>, StoreError> {
        self.read(|connection| list(connection, filter))
    }

    /// Shows incidents one by one, the latest first: for lists too long to be held.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn each_incident(
        &self,
        filter: &Filter,
        mut show: impl FnMut(Incident),
    ) -> Result<(), StoreError> {
        self.read(|connection| select(connection, filter, &mut show))
    }

    /// One incident.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn incident(&self, id: i64) -> Result<Option<Incident>, StoreError> {
        self.read(|connection| {
            let sql = format!("SELECT {COLUMNS} WHERE i.id = ?1");
            Ok(connection
                .prepare_cached(&sql)?
                .query_row([id], incident)
                .optional()?)
        })
    }

    /// Alerts of an incident: firing ones first, at most `limit`.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn alerts(&self, id: i64, limit: usize) -> Result<Vec<AlertRow>, StoreError> {
        self.read(|connection| alerts(connection, id, limit))
    }

    /// All answers that were given about an incident, the latest first.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn answers(&self, id: i64) -> Result<Vec<AnswerRow>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT a.id, a.report_id, a.first_at, a.at, a.verdict, a.cause, a.title, a.probability,
                a.severity, r.bundle, r.bundle_bytes FROM answers a JOIN reports r ON r.id = a.report_id
                WHERE a.incident_id = ?1 ORDER BY a.id DESC LIMIT 200";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([id], |row| answer(row, 0))?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }

    /// The report of an answer.
    ///
    /// # Errors
    /// When the database cannot be read, or the report in it.
    pub fn report(&self, report: i64) -> Result<Option<Report>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT report FROM reports WHERE id = ?1";
            let bytes: Option<Vec<u8>> = connection
                .prepare_cached(sql)?
                .query_row([report], |row| row.get(0))
                .optional()?;
            bytes.map(|bytes| unpack(&bytes)).transpose()
        })
    }

    /// The feedback on an incident.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn feedback(&self, id: i64) -> Result<Option<Receipt>, StoreError> {
        self.read(|connection| {
            let sql = "SELECT at, cause, agrees, note FROM feedback WHERE incident_id = ?1";
            let found = connection.prepare_cached(sql)?.query_row([id], |row| {
                Ok(Receipt {
                    at: row.get(0)?,
                    cause: row.get(1)?,
                    agrees: row.get(2)?,
                    note: row.get(3)?,
                })
            });
            Ok(found.optional()?)
        })
    }

    /// Incidents by state, alerts that wait to be looked at, and notifications that wait.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn counts(&self) -> Result<Counts, StoreError> {
        self.read(|connection| {
            let one = |sql: &str| -> Result<i64, StoreError> {
                Ok(connection.prepare_cached(sql)?.query_row([], |row| row.get(0))?)
            };
            Ok(Counts {
                firing: one("SELECT count(*) FROM incidents WHERE state = 'firing'")?,
                resolved: one("SELECT count(*) FROM incidents WHERE state = 'resolved'")?,
                to_look_at: one("SELECT count(*) FROM incidents WHERE look_at IS NOT NULL AND answer_id IS NULL")?,
                notices: one("SELECT count(*) FROM outbox WHERE done_at IS NULL AND given_up_at IS NULL")?,
                given_up: one("SELECT count(*) FROM outbox WHERE given_up_at IS NOT NULL")?,
                bundle_bytes: one("SELECT coalesce(sum(bundle_bytes), 0) FROM reports WHERE bundle IS NOT NULL")?,
            })
        })
    }

    /// What became of each notification of an incident: receiver, kind, and a word on its fate.
    ///
    /// # Errors
    /// When the database cannot be read.
    pub fn notices(&self, id: i64) -> Result<Vec<(String, String, String)>, StoreError> {
        self.read(|connection| {
            let sql =
                "SELECT receiver, kind, done_at, given_up_at, attempts, last_error FROM outbox
                WHERE incident_id = ?1 ORDER BY id DESC LIMIT 100";
            let mut statement = connection.prepare_cached(sql)?;
            let rows = statement.query_map([id], |row| {
                let (done, given_up): (Option<Millis>, Option<Millis>) = (row.get(2)?, row.get(3)?);
                let (attempts, error): (i64, Option<String>) = (row.get(4)?, row.get(5)?);
                let fate = match (done, given_up) {
                    (Some(at), _) => format!("sent {}", crate::serve::clock::readable(at)),
                    (_, Some(_)) => format!("given up: {}", error.unwrap_or_default()),
                    _ if attempts > 0 => {
                        format!("tried {attempts}×: {}", error.unwrap_or_default())
                    }
                    _ => "waits".to_owned(),
                };
                Ok((row.get(0)?, row.get(1)?, fate))
            })?;
            Ok(rows.collect::<Result<_, _>>()?)
        })
    }
}

/// How much of everything there is.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct Counts {
    /// Incidents that go on.
    pub firing: i64,
    /// Incidents that are over.
    pub resolved: i64,
    /// Incidents without an answer that wait for a look.
    pub to_look_at: i64,
    /// Notifications that wait.
    pub notices: i64,
    /// Notifications that were given up.
    pub given_up: i64,
    /// Bytes of the bundles that are kept.
    pub bundle_bytes: i64,
}

pub(super) fn alerts(
    connection: &Connection,
    id: i64,
    limit: usize,
) -> Result<Vec<Alert>, StoreError> {
    let sql = "SELECT fingerprint, status, starts_at, ends_at, labels, annotations, generator_url FROM alerts
        WHERE incident_id = ?1 ORDER BY status, starts_at, fingerprint LIMIT ?2";
    let mut statement = connection.prepare_cached(sql)?;
    let limit = i64::try_from(limit).unwrap_or(i64::MAX);
    let rows = statement.query_map(params![id, limit], |row| {
        Ok(Alert {
            fingerprint: row.get(0)?,
            status: Status::of(&row.get::<_, String>(1)?),
            starts_at: row.get(2)?,
            ends_at: row.get(3)?,
            labels: labels(row, 4)?,
            annotations: labels(row, 5)?,
            generator_url: row.get(6)?,
        })
    })?;
    Ok(rows.collect::<Result<_, _>>()?)
}

/// As stored: compressed JSON.
pub(super) fn pack(report: &Report) -> Result<Vec<u8>, StoreError> {
    let json = serde_json::to_vec(report).map_err(|e| StoreError::Content(e.into()))?;
    zstd::bulk::compress(&json, 3).map_err(StoreError::Content)
}

fn unpack(bytes: &[u8]) -> Result<Report, StoreError> {
    let json = zstd::decode_all(bytes).map_err(StoreError::Content)?;
    serde_json::from_slice(&json).map_err(|e| StoreError::Content(e.into()))
}

fn list(connection: &Connection, filter: &Filter) -> Result<Vec<Incident>, StoreError> {
    let mut found = Vec::new();
    select(connection, filter, |incident| found.push(incident))?;
    Ok(found)
}

fn select(
    connection: &Connection,
    filter: &Filter,
    mut show: impl FnMut(Incident),
) -> Result<(), StoreError> {
    let sql = format!(
        "SELECT {COLUMNS} WHERE (?1 IS NULL OR i.state = ?1) AND (?2 IS NULL OR i.id < ?2)
         AND NOT EXISTS (SELECT 1 FROM json_each(?3) w WHERE instr(lower(i.id || ' ' || i.title || ' ' || i.group_key
            || ' ' || i.common_labels || ' ' || coalesce(a.verdict, '') || ' ' || coalesce(a.cause, '') || ' '
            || coalesce(a.title, '')), w.value) = 0)
         ORDER BY i.id DESC LIMIT ?4"
    );
    let words: Vec<String> = filter
        .query
        .split_whitespace()
        .take(16)
        .map(str::to_lowercase)
        .collect();
    let words = serde_json::to_string(&words).unwrap_or_else(|_| "[]".to_owned());
    let limit = i64::try_from(filter.limit).unwrap_or(i64::MAX);
    let mut statement = connection.prepare_cached(&sql)?;
    let state = filter.state.map(Status::word);
    let rows = statement.query_map(params![state, filter.before, words, limit], incident)?;
    for row in rows {
        show(row?);
    }
    Ok(())
}

pub(super) fn incident(row: &Row) -> rusqlite::Result<Incident> {
    let has_answer: Option<i64> = row.get(ANSWER)?;
    Ok(Incident {
        id: row.get(0)?,
        group_key: row.get(1)?,
        receiver: row.get(2)?,
        state: Status::of(&row.get::<_, String>(3)?),
        opened_at: row.get(4)?,
        updated_at: row.get(5)?,
        resolved_at: row.get(6)?,
        title: row.get(7)?,
        group_labels: labels(row, 8)?,
        common_labels: labels(row, 9)?,
        common_annotations: labels(row, 10)?,
        external_url: row.get(11)?,
        deliveries: row.get(12)?,
        alerts: row.get(13)?,
        left_out: row.get(14)?,
        look_at: row.get(15)?,
        looks: row.get(16)?,
        failures: row.get(17)?,
        trouble: row.get(18)?,
        answer: has_answer.map(|_| answer(row, ANSWER)).transpose()?,
    })
}

fn answer(row: &Row, at: usize) -> rusqlite::Result<AnswerRow> {
    Ok(AnswerRow {
        id: row.get(at)?,
        report: row.get(at + 1)?,
        first_at: row.get(at + 2)?,
        at: row.get(at + 3)?,
        verdict: row.get(at + 4)?,
        cause: row.get(at + 5)?,
        title: row.get(at + 6)?,
        probability: row.get(at + 7)?,
        severity: row.get(at + 8)?,
        bundle: row.get(at + 9)?,
        bundle_bytes: row.get(at + 10)?,
    })
}

/// Labels as they were written; what cannot be read is none.
fn labels(row: &Row, column: usize) -> rusqlite::Result<Labels> {
    let text: String = row.get(column)?;
    Ok(serde_json::from_str(&text).unwrap_or_default())
}
