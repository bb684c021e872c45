//! A delivery becomes, or changes, an incident.

use rusqlite::{CachedStatement, Connection, OptionalExtension as _, params};

use super::StoreError;
use crate::limits;
use crate::serve::alert::{Alert, Labels, Payload, Status};
use crate::serve::clock::Millis;

/// What a delivery did.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Taken {
    /// The incident.
    pub incident: i64,
    /// What changed.
    pub effect: Effect,
}

/// What a delivery changed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Effect {
    /// A new incident, to be looked at.
    Opened,
    /// A closed incident goes on.
    Reopened,
    /// Alerts came, went or began anew.
    Changed,
    /// Nothing: a repeat.
    Repeated,
    /// The incident is closed.
    Resolved,
}

impl Effect {
    /// The word in metrics.
    #[must_use]
    pub fn word(self) -> &'static str {
        match self {
            Self::Opened => "opened",
            Self::Reopened => "reopened",
            Self::Changed => "changed",
            Self::Repeated => "repeated",
            Self::Resolved => "resolved",
        }
    }
}

/// Time between an alert and the first look: alerts that come together are looked at together.
pub(super) const SETTLE: Millis = 500;

/// How long after the end of an incident a delivery about the same alerts is a late copy from another
/// Alertmanager of the cluster. Later it means that the sender had only lost sight of them.
const LATE: Millis = 2 * 60 * 1000;

/// Takes one delivery in.
pub(super) fn take(
    connection: &Connection,
    payload: &Payload,
    now: Millis,
) -> Result<Taken, StoreError> {
    let latest = latest(connection, &payload.group_key)?;
    match latest {
        Some(found) if found.state == Status::Firing => update(connection, found.id, payload, now),
        Some(found) if same_alerts(connection, found.id, payload)? => {
            let late = now - found.resolved_at.unwrap_or(now) < LATE;
            if payload.status == Status::Resolved || late {
                let sql = "UPDATE incidents SET deliveries = deliveries + 1 WHERE id = ?1";
                statement(connection, sql)?.execute([found.id])?;
                return Ok(Taken {
                    incident: found.id,
                    effect: Effect::Repeated,
                });
            }
            let sql = "UPDATE incidents SET state = 'firing', resolved_at = NULL WHERE id = ?1";
            statement(connection, sql)?.execute([found.id])?;
            let taken = update(connection, found.id, payload, now)?;
            Ok(Taken {
                effect: Effect::Reopened,
                ..taken
            })
        }
        _ => open(connection, payload, now),
    }
}

struct Latest {
    id: i64,
    state: Status,
    resolved_at: Option<Millis>,
}

fn latest(connection: &Connection, group_key: &str) -> Result<Option<Latest>, StoreError> {
    let sql = "SELECT id, state, resolved_at FROM incidents WHERE group_key = ?1 ORDER BY id DESC LIMIT 1";
    let found = statement(connection, sql)?.query_row([group_key], |row| {
        let state: String = row.get(1)?;
        Ok(Latest {
            id: row.get(0)?,
            state: Status::of(&state),
            resolved_at: row.get(2)?,
        })
    });
    Ok(found.optional()?)
}

/// Whether the incident knows all alerts of the delivery, each with the same beginning.
fn same_alerts(connection: &Connection, id: i64, payload: &Payload) -> Result<bool, StoreError> {
    let sql = "SELECT starts_at FROM alerts WHERE incident_id = ?1 AND fingerprint = ?2";
    let mut statement = statement(connection, sql)?;
    for alert in &payload.alerts {
        let found = statement.query_row(params![id, alert.fingerprint], |row| row.get(0));
        let starts_at: Option<Option<Millis>> = found.optional()?;
        if starts_at != Some(alert.starts_at) {
            return Ok(false);
        }
    }
    Ok(true)
}

fn open(connection: &Connection, payload: &Payload, now: Millis) -> Result<Taken, StoreError> {
    let resolved = payload.status == Status::Resolved;
    let sql = "INSERT INTO incidents (group_key, receiver, state, opened_at, updated_at, resolved_at, title,
        group_labels, common_labels, common_annotations, external_url, deliveries, alerts, left_out, look_at)
        VALUES (?1, ?2, ?3, ?4, ?4, ?5, ?6, ?7, ?8, ?9, ?10, 1, 0, ?11, ?12)";
    statement(connection, sql)?.execute(params![
        payload.group_key,
        payload.receiver,
        payload.status.word(),
        now,
        resolved.then_some(now),
        title(payload),
        json(&payload.group_labels),
        json(&payload.common_labels),
        json(&payload.common_annotations),
        payload.external_url,
        count(payload.left_out),
        // What was over before it came is kept, not looked at.
        (!resolved).then_some(now + SETTLE),
    ])?;
    let id = connection.last_insert_rowid();
    let mut alerts = Alerts::of(connection, id)?;
    for alert in &payload.alerts {
        alerts.put(alert)?;
    }
    alerts.settle(0)?;
    let effect = if resolved {
        Effect::Resolved
    } else {
        Effect::Opened
    };
    Ok(Taken {
        incident: id,
        effect,
    })
}

fn update(
    connection: &Connection,
    id: i64,
    payload: &Payload,
    now: Millis,
) -> Result<Taken, StoreError> {
    let mut alerts = Alerts::of(connection, id)?;
    let mut changed = false;
    for alert in &payload.alerts {
        changed |= alerts.put(alert)?;
    }
    // Without `send_resolved` an alert just is no longer listed.
    if payload.left_out == 0 {
        changed |= alerts.resolve_unlisted(payload, now)?;
    }
    alerts.settle(payload.left_out)?;
    let resolved = payload.status == Status::Resolved;
    let sql = "UPDATE incidents SET deliveries = deliveries + 1, updated_at = ?2, title = ?3, common_labels = ?4,
        common_annotations = ?5, external_url = ?6, receiver = ?7 WHERE id = ?1";
    statement(connection, sql)?.execute(params![
        id,
        now,
        title(payload),
        json(&payload.common_labels),
        json(&payload.common_annotations),
        payload.external_url,
        payload.receiver,
    ])?;
    let effect = match (resolved, changed) {
        (true, _) => Effect::Resolved,
        (false, true) => Effect::Changed,
        (false, false) => Effect::Repeated,
    };
    if resolved {
        close(connection, id, now)?;
    } else if changed {
        // One due already moves by a moment, so that a look under way does not count as one at this.
        let sql = "UPDATE incidents SET look_at = min(coalesce(look_at + 1, ?2), ?2) WHERE id = ?1";
        statement(connection, sql)?.execute(params![id, now + SETTLE])?;
    }
    Ok(Taken {
        incident: id,
        effect,
    })
}

/// Closes an incident. One that was never looked at still is, since somebody will ask what it was.
fn close(connection: &Connection, id: i64, now: Millis) -> Result<(), StoreError> {
    let sql = "UPDATE incidents SET state = 'resolved', resolved_at = ?2,
        look_at = CASE WHEN answer_id IS NULL THEN look_at END WHERE id = ?1";
    statement(connection, sql)?.execute(params![id, now])?;
    let sql = "UPDATE alerts SET status = 'resolved', ends_at = coalesce(ends_at, ?2)
        WHERE incident_id = ?1 AND status = 'firing'";
    statement(connection, sql)?.execute(params![id, now])?;
    let sql = "INSERT OR IGNORE INTO outbox (incident_id, receiver, kind, digest, created_at, due_at)
        SELECT DISTINCT incident_id, receiver, 'resolved', 'resolved@' || ?2, ?2, ?2 FROM outbox WHERE incident_id = ?1";
    statement(connection, sql)?.execute(params![id, now])?;
    Ok(())
}

/// The alerts of one incident.
struct Alerts<'c> {
    connection: &'c Connection,
    id: i64,
    known: i64,
    left_out: u64,
}

impl<'c> Alerts<'c> {
    fn of(connection: &'c Connection, id: i64) -> Result<Self, StoreError> {
        let sql = "SELECT alerts FROM incidents WHERE id = ?1";
        let known = statement(connection, sql)?.query_row([id], |row| row.get(0))?;
        Ok(Self {
            connection,
            id,
            known,
            left_out: 0,
        })
    }

    /// Adds or updates one; whether anything is new.
    fn put(&mut self, alert: &Alert) -> Result<bool, StoreError> {
        let sql =
            "SELECT status, starts_at FROM alerts WHERE incident_id = ?1 AND fingerprint = ?2";
        let known: Option<(String, Option<Millis>)> = statement(self.connection, sql)?
            .query_row(params![self.id, alert.fingerprint], |row| {
                Ok((row.get(0)?, row.get(1)?))
            })
            .optional()?;
        if known.is_none() {
            if self.known >= count(limits::ALERTS_PER_INCIDENT as u64) {
                self.left_out += 1;
                return Ok(false);
            }
            self.known += 1;
        }
        let sql = "INSERT INTO alerts (incident_id, fingerprint, status, starts_at, ends_at, labels, annotations,
            generator_url) VALUES (?1, ?2, ?3, ?4, ?5, ?6, ?7, ?8) ON CONFLICT DO UPDATE SET status = excluded.status,
            starts_at = excluded.starts_at, ends_at = excluded.ends_at, annotations = excluded.annotations,
            generator_url = excluded.generator_url";
        statement(self.connection, sql)?.execute(params![
            self.id,
            alert.fingerprint,
            alert.status.word(),
            alert.starts_at,
            alert.ends_at,
            json(&alert.labels),
            json(&alert.annotations),
            alert.generator_url,
        ])?;
        Ok(known.is_none_or(|(status, starts_at)| {
            status != alert.status.word() || starts_at != alert.starts_at
        }))
    }

    /// Ends the firing ones that a complete delivery no longer lists; whether there are any.
    fn resolve_unlisted(&self, payload: &Payload, now: Millis) -> Result<bool, StoreError> {
        let sql = "SELECT fingerprint FROM alerts WHERE incident_id = ?1 AND status = 'firing'";
        let firing: Vec<String> = statement(self.connection, sql)?
            .query_map([self.id], |row| row.get(0))?
            .collect::<Result<_, _>>()?;
        let listed = |fingerprint: &String| {
            payload
                .alerts
                .binary_search_by(|a| a.fingerprint.cmp(fingerprint))
                .is_ok()
        };
        let mut any = false;
        let sql = "UPDATE alerts SET status = 'resolved', ends_at = ?3 WHERE incident_id = ?1 AND fingerprint = ?2";
        for fingerprint in firing.iter().filter(|f| !listed(f)) {
            statement(self.connection, sql)?.execute(params![self.id, fingerprint, now])?;
            any = true;
        }
        Ok(any)
    }

    /// Notes how many there are.
    fn settle(&self, left_out: u64) -> Result<(), StoreError> {
        let sql = "UPDATE incidents SET alerts = ?2, left_out = max(left_out, ?3) WHERE id = ?1";
        let left_out = count(left_out + self.left_out);
        statement(self.connection, sql)?.execute(params![self.id, self.known, left_out])?;
        Ok(())
    }
}

/// One line that says what the group is about.
pub(in crate::serve) fn title(payload: &Payload) -> String {
    let common = |name: &str| {
        let labels = [&payload.common_labels, &payload.group_labels];
        labels.into_iter().find_map(|l| l.get(name)).cloned()
    };
    let first = || {
        payload
            .alerts
            .first()
            .map(|a| a.label("alertname").to_owned())
    };
    let name = common("alertname")
        .or_else(first)
        .filter(|name| !name.is_empty());
    let mut title = name.unwrap_or_else(|| "alerts".to_owned());
    let place: Vec<String> = ["namespace", "pod"]
        .into_iter()
        .filter_map(common)
        .collect();
    if !place.is_empty() {
        title.push_str(&format!(" · {}", place.join("/")));
    }
    title
}

fn json(labels: &Labels) -> String {
    serde_json::to_string(labels).unwrap_or_else(|_| "{}".to_owned())
}

fn count(n: u64) -> i64 {
    i64::try_from(n).unwrap_or(i64::MAX)
}

fn statement<'c>(connection: &'c Connection, sql: &str) -> Result<CachedStatement<'c>, StoreError> {
    Ok(connection.prepare_cached(sql)?)
}
