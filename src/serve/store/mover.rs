//! Moves what the writer has written from SQLite's log into the database, between storms.
//!
//! SQLite would do it within every so many commits, and everybody who waits for that commit would wait for it
//! too: some hundred pages written here and there, and two `fsync`s.

use std::fs;
use std::path::Path;
use std::sync::Weak;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;
use std::time::Duration;

use rusqlite::Connection;

use super::StoreError;
use crate::limits;

/// How often it is looked whether the writer rests.
const LOOK: Duration = Duration::from_millis(250);

/// Starts the thread. It ends soon after the writer, which holds the count of commits.
pub(super) fn start(database: &Path, commits: Weak<AtomicU64>) -> Result<(), StoreError> {
    let connection = Connection::open(database)?;
    // A reader or the writer may be in the way: then another time.
    connection
        .execute_batch("PRAGMA synchronous=FULL; PRAGMA busy_timeout=0; PRAGMA cache_size=-256;")?;
    let log = database.with_extension("db-wal");
    thread::spawn(move || {
        let (mut moved, mut before) = (0, 0);
        loop {
            thread::sleep(LOOK);
            let Some(commits) = commits.upgrade() else {
                return;
            };
            let now = commits.load(Ordering::Relaxed);
            drop(commits);
            let rests = now == before;
            before = now;
            let long = || fs::metadata(&log).is_ok_and(|about| about.len() > limits::WAL_BYTES / 2);
            if now != moved && (rests || long()) && all_moved(&connection) {
                moved = now;
            }
        }
    });
    Ok(())
}

/// Moves what can be moved without waiting for anybody; whether that was all.
fn all_moved(connection: &Connection) -> bool {
    let row = |row: &rusqlite::Row<'_>| {
        let (busy, pages, moved): (i64, i64, i64) = (row.get(0)?, row.get(1)?, row.get(2)?);
        Ok(busy == 0 && pages == moved)
    };
    connection
        .query_row("PRAGMA wal_checkpoint(PASSIVE)", [], row)
        .unwrap_or(false)
}
