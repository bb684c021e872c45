//! Takes alerts in, gives reports out.
//!
//! ```text
//! Alertmanager ─ POST /webhook ─→ store ─ worker ─→ source ─→ bundle ─ engine ─→ report ─→ store
//!                         202 once on disk ┘                                              │
//!                                       pages, API, events ←─────────────────────────────┤
//!                                  Slack, webhooks, e-mail ←─ notify ←─ outbox ←─────────┘
//! ```
//!
//! An alert is answered 202 when it is on disk; from then on everything is driven by what the store
//! holds, so a crash at any point loses nothing: incidents that are due are looked at by the next
//! start, and notifications are sent at least once. A receiver sees one twice only when rdiag dies
//! after the receiver took it and before that was noted.

pub mod alert;
mod app;
pub mod clock;
mod cluster;
pub mod config;
mod copy;
mod finding;
mod http;
mod listen;
pub mod log;
mod logs;
pub mod look;
mod metrics;
mod notify;
pub mod preview;
mod retention;
pub mod rules;
pub mod source;
pub mod store;
pub mod truth;
mod worker;

use std::io;
use std::net::SocketAddr;
use std::sync::{Arc, Weak};
use std::time::Duration;

use tokio::sync::watch;
use tokio::task::JoinSet;
use tokio::time::timeout;

use crate::limits;
use crate::pack::Pack;
use app::App;
use config::Config;
pub use listen::TlsError;
use store::{Store, StoreError, StoreOptions};

/// A running server.
#[derive(Debug)]
pub struct Server {
    address: SocketAddr,
    stop: watch::Sender<bool>,
    tasks: JoinSet<()>,
    /// Holds the store open for as long as somebody has it.
    app: Weak<App>,
}

/// Why a server cannot start.
#[derive(Debug, thiserror::Error)]
pub enum ServeError {
    /// Settings that cannot work, one line each.
    #[error("the configuration cannot work:\n  {}", .0.join("\n  "))]
    Config(Vec<String>),
    /// TLS cannot be had.
    #[error("could not set up TLS")]
    Tls(#[from] TlsError),
    /// The store cannot be opened.
    #[error("could not open the store")]
    Store(#[from] StoreError),
    /// The address cannot be listened on.
    #[error("could not listen on {address}")]
    Listen {
        /// The address.
        address: SocketAddr,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// Nothing can be sent.
    #[error("could not set up the client that notifies")]
    Client(#[from] reqwest::Error),
}

/// Time that a look or notification in hand has when the server stops. What is not done then is done
/// by the next start.
const LAST: Duration = Duration::from_secs(20);
/// How often, and after which pauses, it is looked whether the store was let go.
const RELEASE: u32 = 500;
const MOMENT: Duration = Duration::from_millis(10);

impl Server {
    /// Opens the store, binds the address and starts to work.
    ///
    /// # Errors
    /// When the configuration cannot work, or the store or the address is taken.
    pub async fn start(config: Config, pack: Arc<Pack>) -> Result<Self, ServeError> {
        let problems = config.problems();
        if !problems.is_empty() {
            return Err(ServeError::Config(problems));
        }
        let tls = tls(&config)?;
        let client = notify::client()?;
        let store = Store::open(
            &config.data_dir,
            StoreOptions {
                most_bytes: config.store_bytes,
                log_room: limits::WAL_ROOM_BYTES,
            },
        )?;
        let failed = |source| ServeError::Listen {
            address: config.listen,
            source,
        };
        let listener = listen::bind(config.listen).await.map_err(failed)?;
        let address = listener.local_addr().map_err(failed)?;
        // The port is known only now when any would do.
        let config = Config {
            listen: address,
            ..config
        };
        let app = App::new(config, store, pack);
        let (stop, stopped) = watch::channel(false);
        let mut tasks = JoinSet::new();
        tasks.spawn(listen::serve(
            listener,
            tls,
            http::router(app.clone()),
            stopped.clone(),
        ));
        tasks.spawn(worker::run(app.clone(), stopped.clone()));
        tasks.spawn(retention::run(app.clone(), stopped.clone()));
        for receiver in app.config.receivers.clone() {
            tasks.spawn(notify::run(
                app.clone(),
                receiver,
                client.clone(),
                stopped.clone(),
            ));
        }
        tracing::info!(address = %address, source = app.config.source.describe(), "listening");
        Ok(Self {
            address,
            stop,
            tasks,
            app: Arc::downgrade(&app),
        })
    }

    /// Where it listens; the port is known even when 0 was asked for.
    #[must_use]
    pub fn address(&self) -> SocketAddr {
        self.address
    }

    /// Takes no more, finishes what is in hand within a deadline, and keeps the rest for the next start.
    pub async fn stop(mut self) {
        let _ = self.stop.send(true);
        let all = async { while self.tasks.join_next().await.is_some() {} };
        if timeout(LAST, all).await.is_err() {
            tracing::warn!("work in hand was not done in time; the next start does it");
        }
        // What was ended lets go of the store in its own time; then another may open it.
        self.tasks.shutdown().await;
        for _ in 0..RELEASE {
            if self.app.strong_count() == 0 {
                return;
            }
            tokio::time::sleep(MOMENT).await;
        }
    }
}

/// Everything that is wrong with `config` and the files it names.
#[must_use]
pub fn check(config: &Config) -> Vec<String> {
    let mut problems = config.problems();
    if let Err(error) = tls(config) {
        problems.push(worker::chain(&error));
    }
    problems
}

fn tls(config: &Config) -> Result<Option<tokio_rustls::TlsAcceptor>, TlsError> {
    let file = config.web.file.tls_server_config.as_ref();
    file.map(|file| listen::acceptor(file, &config.web.folder))
        .transpose()
}
