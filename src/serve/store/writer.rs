//! The one thread that writes.

use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};
use std::thread;

use rusqlite::Connection;
use tokio::sync::{mpsc, oneshot};

use super::StoreError;
use crate::limits;

/// Something to do inside of a transaction, and how to tell about it afterwards.
pub(super) type Job = Box<dyn FnOnce(&Connection) -> Done + Send>;

/// What a job did.
pub(super) struct Done {
    /// Whether its changes are to be kept.
    keep: bool,
    /// Tells whoever waits, once it is known whether the transaction was committed.
    tell: Box<dyn FnOnce(Result<(), String>) + Send>,
}

/// A job that runs `work` and answers with its result.
pub(super) fn job<T, F>(work: F, answer: oneshot::Sender<Result<T, StoreError>>) -> Job
where
    T: Send + 'static,
    F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
{
    Box::new(move |connection| {
        let result = work(connection);
        let keep = result.is_ok();
        let tell = move |committed: Result<(), String>| {
            let result = result.and_then(|value| match committed {
                Ok(()) => Ok(value),
                Err(why) => Err(StoreError::NotCommitted(why)),
            });
            // Whoever waited may be gone; what was committed stays.
            let _ = answer.send(result);
        };
        Done {
            keep,
            tell: Box::new(tell),
        }
    })
}

/// Starts the thread. It ends when the sender is dropped and what waits is done.
pub(super) fn start(connection: Connection, commits: Arc<AtomicU64>) -> mpsc::Sender<Job> {
    let (sender, mut receiver) = mpsc::channel::<Job>(limits::QUEUE_LEN);
    thread::spawn(move || {
        while let Some(first) = receiver.blocking_recv() {
            let mut batch = vec![first];
            while batch.len() < limits::BATCH_LEN
                && let Ok(next) = receiver.try_recv()
            {
                batch.push(next);
            }
            run(&connection, batch);
            commits.fetch_add(1, Ordering::Relaxed);
        }
    });
    sender
}

fn run(connection: &Connection, batch: Vec<Job>) {
    if let Err(error) = connection.execute_batch("BEGIN IMMEDIATE") {
        let why = error.to_string();
        // Nothing ran, so nothing is told but why.
        for job in batch {
            let done = refuse(connection, job);
            (done.tell)(Err(why.clone()));
        }
        return;
    }
    let mut ran = Vec::with_capacity(batch.len());
    let mut broken = None;
    for job in batch {
        if let Err(error) = step(connection, job, &mut ran) {
            broken = Some(error.to_string());
        }
        // A full disk makes SQLite roll back by itself; the rest of the batch starts anew.
        if connection.is_autocommit() {
            let why = broken
                .take()
                .unwrap_or_else(|| "the transaction was rolled back".to_owned());
            tell(&mut ran, &Err(why));
            let _ = connection.execute_batch("BEGIN IMMEDIATE");
        }
    }
    let committed = match connection.execute_batch("COMMIT") {
        Ok(()) => Ok(()),
        Err(error) => {
            let _ = connection.execute_batch("ROLLBACK");
            Err(error.to_string())
        }
    };
    tell(&mut ran, &committed);
}

/// Runs one job in a savepoint of its own, so that its failure is no one else's.
fn step(connection: &Connection, job: Job, ran: &mut Vec<Done>) -> Result<(), rusqlite::Error> {
    connection.prepare_cached("SAVEPOINT job")?.execute([])?;
    let done = job(connection);
    let keep = done.keep;
    ran.push(done);
    if !connection.is_autocommit() {
        if !keep {
            connection.prepare_cached("ROLLBACK TO job")?.execute([])?;
        }
        connection.prepare_cached("RELEASE job")?.execute([])?;
    }
    Ok(())
}

fn tell(ran: &mut Vec<Done>, committed: &Result<(), String>) {
    for done in ran.drain(..) {
        (done.tell)(committed.clone());
    }
}

/// The answer to a job that cannot be run: it is given a database in which everything fails.
fn refuse(connection: &Connection, job: Job) -> Done {
    let _ = connection;
    match Connection::open_in_memory() {
        Ok(empty) => job(&empty),
        Err(_) => Done {
            keep: false,
            tell: Box::new(|_| ()),
        },
    }
}
