//! The incident store: SQLite in WAL mode, one writer that commits in groups, and a few readers.
//!
//! A write is durable when [`Store::write`] returns: the writer takes what waits, runs it in one
//! transaction with a savepoint for each, and answers only after the commit reached the disk. So a
//! thousand deliveries a second cost some hundred `fsync`s, and none waits for more than two commits.
//!
//! When the disk is full the transaction is rolled back and everybody in it is told so; the next write
//! tries again, which is all it takes to recover.

mod intake;
mod mover;
mod read;
mod room;
mod schema;
#[cfg(test)]
mod tests;
mod work;
mod writer;

use std::fs::{self, File, TryLockError};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::atomic::AtomicU64;
use std::sync::{Arc, Mutex, PoisonError};

use rusqlite::{Connection, OpenFlags};
use tokio::sync::{mpsc, oneshot};

pub(super) use intake::title;
pub use intake::{Effect, Taken};
pub use read::{AlertRow, AnswerRow, Counts, Filter, Incident, Receipt};
pub use work::{Answer, Due, Feedback, Finding, Notice, NoticeKind, Stale};
use writer::Job;

use crate::limits;

/// The incident store of one data directory.
#[derive(Debug)]
pub struct Store {
    folder: PathBuf,
    jobs: mpsc::Sender<Job>,
    readers: Mutex<Vec<Connection>>,
    /// Held while the store is open, so that a second process says so at once.
    _lock: Option<File>,
}

/// What the store could not do.
#[derive(Debug, thiserror::Error)]
pub enum StoreError {
    /// The folder or the lock file cannot be made.
    #[error("could not prepare {}", path.display())]
    Prepare {
        /// The file or folder.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Another process has the store open.
    #[error("{} is in use by another process", path.display())]
    InUse {
        /// The folder.
        path: PathBuf,
    },
    /// A later version of rdiag has written it.
    #[error("the store has version {found}; this rdiag knows versions up to {known}")]
    TooNew {
        /// Its version.
        found: i64,
        /// The latest that is known.
        known: i64,
    },
    /// SQLite refused.
    #[error("could not use the store")]
    Sqlite(#[from] rusqlite::Error),
    /// The queue of writes is full.
    #[error("too many writes wait")]
    Busy,
    /// The transaction that a write was part of was rolled back.
    #[error("the store could not be written: {0}")]
    NotCommitted(String),
    /// The store is being closed.
    #[error("the store is closed")]
    Closed,
    /// Something kept in it cannot be read back.
    #[error("could not read what was stored")]
    Content(#[source] io::Error),
}

/// How to open a store.
#[derive(Clone, Copy, Debug, Default)]
pub struct StoreOptions {
    /// Most bytes of the database; beyond, writes are refused as on a full disk. None: no bound.
    pub most_bytes: Option<u64>,
    /// Bytes of SQLite's log that are on disk from the start, where there is room for them.
    pub log_room: u64,
}

/// File names below the data directory.
const DATABASE: &str = "incidents.db";
const LOCK: &str = "lock";
/// Where bundles are kept below the data directory.
const BUNDLES: &str = "bundles";
/// Idle readers that are kept; more are opened when they are asked for, and closed again.
const READERS: usize = 4;

impl Store {
    /// Opens the store in `folder`, makes or migrates it as needed, and starts its writer.
    ///
    /// # Errors
    /// When the folder cannot be used, another process uses it, or it was written by a later version.
    pub fn open(folder: &Path, options: StoreOptions) -> Result<Self, StoreError> {
        let prepare = |path: PathBuf| move |source| StoreError::Prepare { path, source };
        let bundles = folder.join(BUNDLES);
        fs::create_dir_all(&bundles).map_err(prepare(bundles.clone()))?;
        private(folder, &bundles).map_err(prepare(folder.to_owned()))?;
        let lock_path = folder.join(LOCK);
        let lock = File::create(&lock_path).map_err(prepare(lock_path.clone()))?;
        match lock.try_lock() {
            Ok(()) => {}
            Err(TryLockError::WouldBlock) => {
                return Err(StoreError::InUse {
                    path: folder.to_owned(),
                });
            }
            Err(TryLockError::Error(source)) => return Err(prepare(lock_path)(source)),
        }
        let mut connection = Connection::open(folder.join(DATABASE))?;
        tune(&connection)?;
        if let Some(most) = options.most_bytes {
            let page: i64 = connection.query_row("PRAGMA page_size", [], |row| row.get(0))?;
            let pages = i64::try_from(most).unwrap_or(i64::MAX) / page.max(1);
            connection.query_row(
                &format!("PRAGMA max_page_count={}", pages.max(16)),
                [],
                |_| Ok(()),
            )?;
        }
        schema::migrate(&mut connection)?;
        room::make(
            &folder.join(DATABASE).with_extension("db-wal"),
            options.log_room,
        );
        let commits = Arc::<AtomicU64>::default();
        mover::start(&folder.join(DATABASE), Arc::downgrade(&commits))?;
        let jobs = writer::start(connection, commits);
        Ok(Self {
            folder: folder.to_owned(),
            jobs,
            readers: Mutex::default(),
            _lock: Some(lock),
        })
    }

    /// Opens the store in `folder` to be read while a server may be writing to it.
    ///
    /// # Errors
    /// When there is none, or it was written by another version.
    pub fn open_to_read(folder: &Path) -> Result<Self, StoreError> {
        let (jobs, _) = mpsc::channel(1);
        let store = Self {
            folder: folder.to_owned(),
            jobs,
            readers: Mutex::default(),
            _lock: None,
        };
        let found = store.read(schema::version)?;
        if found != schema::LATEST {
            return Err(StoreError::TooNew {
                found,
                known: schema::LATEST,
            });
        }
        Ok(store)
    }

    /// Where the file of a bundle is.
    #[must_use]
    pub fn bundle_path(&self, file: &str) -> PathBuf {
        self.folder.join(BUNDLES).join(file)
    }

    /// The folder of bundles.
    #[must_use]
    pub fn bundles(&self) -> PathBuf {
        self.folder.join(BUNDLES)
    }

    /// Writes that wait.
    #[must_use]
    pub fn waiting(&self) -> usize {
        self.jobs.max_capacity() - self.jobs.capacity()
    }

    /// Runs `work` in the next transaction, and returns what it did once that is on disk.
    ///
    /// # Errors
    /// When too many writes wait, when `work` fails, or when the commit does.
    pub async fn write<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        self.jobs
            .try_send(writer::job(work, answer))
            .map_err(|refused| match refused {
                mpsc::error::TrySendError::Full(_) => StoreError::Busy,
                mpsc::error::TrySendError::Closed(_) => StoreError::Closed,
            })?;
        answered.await.unwrap_or(Err(StoreError::Closed))
    }

    /// As [`Store::write`], but waits for a place in the queue: for rdiag's own writes, which are not
    /// to be lost because many alerts come in.
    ///
    /// # Errors
    /// When `work` or the commit fails.
    pub async fn write_in_turn<T, F>(&self, work: F) -> Result<T, StoreError>
    where
        T: Send + 'static,
        F: FnOnce(&Connection) -> Result<T, StoreError> + Send + 'static,
    {
        let (answer, answered) = oneshot::channel();
        let job = writer::job(work, answer);
        self.jobs.send(job).await.map_err(|_| StoreError::Closed)?;
        answered.await.unwrap_or(Err(StoreError::Closed))
    }

    /// Reads. Blocks: call it from a thread that may.
    ///
    /// # Errors
    /// When the database cannot be opened, or `work` fails.
    pub fn read<T>(
        &self,
        work: impl FnOnce(&Connection) -> Result<T, StoreError>,
    ) -> Result<T, StoreError> {
        let idle = self
            .readers
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .pop();
        let connection = match idle {
            Some(connection) => connection,
            None => self.reader()?,
        };
        let result = work(&connection);
        let mut readers = self.readers.lock().unwrap_or_else(PoisonError::into_inner);
        if readers.len() < READERS {
            readers.push(connection);
        }
        result
    }

    fn reader(&self) -> Result<Connection, StoreError> {
        let flags = OpenFlags::SQLITE_OPEN_READ_ONLY | OpenFlags::SQLITE_OPEN_NO_MUTEX;
        let connection = Connection::open_with_flags(self.folder.join(DATABASE), flags)?;
        connection.execute_batch(
            "PRAGMA query_only=1; PRAGMA cache_size=-2048; PRAGMA busy_timeout=5000;",
        )?;
        Ok(connection)
    }
}

fn tune(connection: &Connection) -> Result<(), StoreError> {
    // FULL: in WAL mode a commit is on disk only then, and 202 promises that it is.
    connection.execute_batch(
        "PRAGMA journal_mode=WAL; PRAGMA synchronous=FULL; PRAGMA foreign_keys=ON; PRAGMA busy_timeout=5000;
         PRAGMA cache_size=-8192; PRAGMA temp_store=MEMORY;",
    )?;
    // Moving what was written into the database takes longer than many commits: `mover` does it when
    // nobody waits. This is for the case that it cannot keep up.
    let (pages, kept) = (limits::WAL_BYTES / 4096, limits::WAL_ROOM_BYTES);
    connection.execute_batch(&format!(
        "PRAGMA wal_autocheckpoint={pages}; PRAGMA journal_size_limit={kept};"
    ))?;
    connection.set_prepared_statement_cache_capacity(64);
    Ok(())
}

/// Labels, logs and bundles are nobody else's business.
#[cfg(unix)]
fn private(folder: &Path, bundles: &Path) -> io::Result<()> {
    use std::os::unix::fs::{OpenOptionsExt as _, PermissionsExt as _};
    let only_ours = || fs::Permissions::from_mode(0o700);
    fs::set_permissions(bundles, only_ours())?;
    // SQLite gives the files beside the database the same rights.
    let mut database = fs::OpenOptions::new();
    database
        .write(true)
        .create(true)
        .truncate(false)
        .mode(0o600);
    database.open(folder.join(DATABASE))?;
    match fs::set_permissions(folder, only_ours()) {
        // The root of a volume belongs to whoever mounted it; what is in it is ours all the same.
        Err(error) if error.kind() == io::ErrorKind::PermissionDenied => Ok(()),
        other => other,
    }
}

#[cfg(not(unix))]
fn private(_: &Path, _: &Path) -> io::Result<()> {
    Ok(())
}
