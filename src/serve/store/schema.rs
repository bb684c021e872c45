//! Tables, and how older ones become today's.

use rusqlite::Connection;

use super::StoreError;

/// Steps from each version to the next. Steps are only ever added: a store in the wild may be at any.
const STEPS: &[&str] = &[FIRST];

/// Version after all steps.
pub(super) const LATEST: i64 = STEPS.len() as i64;

/// The version of a database: how many steps it has had.
pub(super) fn version(connection: &Connection) -> Result<i64, StoreError> {
    Ok(connection.query_row("PRAGMA user_version", [], |row| row.get(0))?)
}

/// Brings a database to the latest version; each step is a transaction.
pub(super) fn migrate(connection: &mut Connection) -> Result<(), StoreError> {
    let found = version(connection)?;
    if found > LATEST {
        return Err(StoreError::TooNew {
            found,
            known: LATEST,
        });
    }
    let done = usize::try_from(found).unwrap_or(0);
    for (i, step) in STEPS.iter().enumerate().skip(done) {
        let transaction = connection.transaction()?;
        transaction.execute_batch(step)?;
        transaction.pragma_update(None, "user_version", i as i64 + 1)?;
        transaction.commit()?;
    }
    Ok(())
}

/// Times are milliseconds since the epoch; labels and annotations JSON objects.
const FIRST: &str = "
CREATE TABLE incidents (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    group_key TEXT NOT NULL,
    receiver TEXT NOT NULL,
    state TEXT NOT NULL CHECK (state IN ('firing', 'resolved')),
    opened_at INTEGER NOT NULL,
    updated_at INTEGER NOT NULL,
    resolved_at INTEGER,
    title TEXT NOT NULL,
    group_labels TEXT NOT NULL,
    common_labels TEXT NOT NULL,
    common_annotations TEXT NOT NULL,
    external_url TEXT NOT NULL,
    deliveries INTEGER NOT NULL,
    alerts INTEGER NOT NULL,
    left_out INTEGER NOT NULL,
    look_at INTEGER,
    looks INTEGER NOT NULL DEFAULT 0,
    failures INTEGER NOT NULL DEFAULT 0,
    trouble TEXT,
    answer_id INTEGER
);
CREATE UNIQUE INDEX incidents_open ON incidents (group_key) WHERE state = 'firing';
CREATE INDEX incidents_group ON incidents (group_key, id);
CREATE INDEX incidents_due ON incidents (look_at) WHERE look_at IS NOT NULL;
CREATE TABLE alerts (
    incident_id INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    fingerprint TEXT NOT NULL,
    status TEXT NOT NULL,
    starts_at INTEGER,
    ends_at INTEGER,
    labels TEXT NOT NULL,
    annotations TEXT NOT NULL,
    generator_url TEXT NOT NULL,
    PRIMARY KEY (incident_id, fingerprint)
) WITHOUT ROWID;
CREATE TABLE reports (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    at INTEGER NOT NULL,
    report BLOB NOT NULL,
    bundle TEXT,
    bundle_bytes INTEGER NOT NULL DEFAULT 0
);
CREATE TABLE answers (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    report_id INTEGER NOT NULL REFERENCES reports (id),
    first_at INTEGER NOT NULL,
    at INTEGER NOT NULL,
    digest TEXT NOT NULL,
    verdict TEXT NOT NULL,
    cause TEXT,
    title TEXT,
    probability REAL,
    severity TEXT
);
CREATE INDEX answers_incident ON answers (incident_id, id);
CREATE INDEX answers_report ON answers (report_id);
CREATE TABLE outbox (
    id INTEGER PRIMARY KEY AUTOINCREMENT,
    incident_id INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    receiver TEXT NOT NULL,
    kind TEXT NOT NULL,
    digest TEXT NOT NULL,
    created_at INTEGER NOT NULL,
    due_at INTEGER NOT NULL,
    attempts INTEGER NOT NULL DEFAULT 0,
    last_error TEXT,
    done_at INTEGER,
    given_up_at INTEGER,
    UNIQUE (incident_id, receiver, digest)
);
CREATE INDEX outbox_due ON outbox (due_at) WHERE done_at IS NULL AND given_up_at IS NULL;
CREATE TABLE threads (
    incident_id INTEGER NOT NULL REFERENCES incidents (id) ON DELETE CASCADE,
    receiver TEXT NOT NULL,
    channel TEXT NOT NULL,
    ts TEXT NOT NULL,
    PRIMARY KEY (incident_id, receiver)
) WITHOUT ROWID;
CREATE TABLE feedback (
    incident_id INTEGER PRIMARY KEY REFERENCES incidents (id) ON DELETE CASCADE,
    at INTEGER NOT NULL,
    cause TEXT NOT NULL,
    agrees INTEGER NOT NULL,
    note TEXT NOT NULL
);
";
