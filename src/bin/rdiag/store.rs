//! `--loki` and `--victorialogs`: logs from where they are kept, as far as a diagnosis needs them.

use std::path::PathBuf;
use std::time::Duration;

use clap::Args;
use jiff::{SignedDuration, Timestamp};

use crate::args::{Common, Diagnose};
use crate::diagnose::{self, chain};
use crate::output::Failure;
use crate::remote;
use rdiag::bundle::{Input, Part, Writer};
use rdiag::collect::{Login, Store, StoreKind, fetch_store};
use rdiag::pushdown::Filter;

/// Which store, and as whom.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Logs from a store")]
pub(crate) struct StoreArgs {
    /// Read the logs that this Loki has; only lines that matter are asked for
    #[arg(long, value_name = "URL", conflicts_with = "victorialogs")]
    loki: Option<String>,
    /// Read the logs that this VictoriaLogs has; only lines that matter are asked for
    #[arg(long, value_name = "URL")]
    victorialogs: Option<String>,
    /// Tenant: X-Scope-OrgID of Loki, AccountID:ProjectID of VictoriaLogs
    #[arg(long, value_name = "TENANT", env = "RDIAG_LOG_TENANT")]
    log_tenant: Option<String>,
    /// Streams to read, in the store's language, as {namespace="monitoring",container=~"thanos.*"}
    /// [default: all of the namespaces]
    #[arg(long, value_name = "SELECTOR", env = "RDIAG_LOG_SELECTOR")]
    log_selector: Option<String>,
    /// File with a bearer token for the store [or RDIAG_LOG_TOKEN]
    #[arg(long, value_name = "FILE", env = "RDIAG_LOG_TOKEN_FILE")]
    log_token_file: Option<PathBuf>,
    /// Name for basic authentication at the store
    #[arg(long, value_name = "NAME", env = "RDIAG_LOG_USER")]
    log_user: Option<String>,
    /// File with its password [or RDIAG_LOG_PASSWORD]
    #[arg(long, value_name = "FILE", env = "RDIAG_LOG_PASSWORD_FILE")]
    log_password_file: Option<PathBuf>,
    /// Read all lines, not only those that matter
    #[arg(long)]
    log_full: bool,
}

/// What to read of a store.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Logs from a store")]
pub(crate) struct WindowArgs {
    /// Namespace; may be repeated [default: all that the store has]
    #[arg(short, long, value_name = "NS", value_delimiter = ',')]
    namespace: Vec<String>,
    /// Only logs newer than this
    #[arg(long, value_name = "DURATION", value_parser = crate::collect::duration)]
    since: Option<Duration>,
    /// Only logs newer than this time (RFC 3339) [default: an hour before the end]
    #[arg(long, value_name = "TIME", conflicts_with = "since")]
    since_time: Option<Timestamp>,
    /// Only logs older than this time (RFC 3339) [default: now]
    #[arg(long, value_name = "TIME")]
    until: Option<Timestamp>,
}

impl StoreArgs {
    /// The store that was asked for; an hour of it.
    pub(crate) fn store(&self, common: &Common) -> Result<Option<Store>, Failure> {
        let (kind, url) = match (&self.loki, &self.victorialogs) {
            (Some(url), _) => (StoreKind::Loki, url),
            (None, Some(url)) => (StoreKind::VictoriaLogs, url),
            (None, None) => return Ok(None),
        };
        let filter = if self.log_full {
            None
        } else {
            Filter::of(&diagnose::pack(common)?)
        };
        let secret = |name: &str| std::env::var(name).ok().filter(|v| !v.is_empty());
        let until = now();
        Ok(Some(Store {
            kind,
            url: url.clone(),
            tenant: self.log_tenant.clone(),
            login: Login {
                token_file: self.log_token_file.clone(),
                token: secret("RDIAG_LOG_TOKEN"),
                user: self.log_user.clone(),
                password_file: self.log_password_file.clone(),
                password: secret("RDIAG_LOG_PASSWORD"),
            },
            selector: self.log_selector.clone(),
            namespaces: Vec::new(),
            from: before(until, Duration::from_secs(3600)),
            until,
            filter,
            part: Part::default(),
        }))
    }
}

impl WindowArgs {
    fn narrow(&self, store: &mut Store) {
        store.namespaces.clone_from(&self.namespace);
        store.until = self.until.unwrap_or(store.until);
        let since = self.since.unwrap_or(Duration::from_secs(3600));
        store.from = self
            .since_time
            .unwrap_or_else(|| before(store.until, since));
    }
}

/// So long before.
pub(crate) fn before(time: Timestamp, since: Duration) -> Timestamp {
    let since = SignedDuration::try_from(since).unwrap_or(SignedDuration::MAX);
    time.checked_sub(since).unwrap_or(Timestamp::MIN)
}

/// Everything there is to read, in stores of logs and of objects too, as far as it belongs to `part`.
/// What came from elsewhere lies in the folder that is returned with it.
pub(crate) fn gather(
    common: &Common,
    args: &Diagnose,
    part: Part,
) -> Result<(Input, Option<tempfile::TempDir>), Failure> {
    let store = args.store.store(common)?;
    let (far, near): (Vec<_>, Vec<_>) = args
        .paths
        .iter()
        .cloned()
        .partition(|p| remote::is_remote(p));
    if store.is_none() && far.is_empty() {
        return Ok((diagnose::gather(&near, part)?, None));
    }
    let scratch = tempfile::Builder::new().prefix("rdiag-").tempdir();
    let scratch =
        scratch.map_err(|e| Failure::Job(format!("could not make a temporary folder: {e}")))?;
    let mut all: Vec<Input> = Vec::new();
    if !near.is_empty() {
        all.push(diagnose::gather_any(&near, part)?);
    }
    let runtime = crate::collect::runtime()?;
    for (n, url) in far.iter().enumerate() {
        let folder = scratch.path().join(format!("objects-{n}"));
        std::fs::create_dir_all(&folder)
            .map_err(|e| Failure::Job(format!("could not make a temporary folder: {e}")))?;
        let (count, bytes) = runtime.block_on(remote::Remote::open(url)?.copy_to(&folder, part))?;
        stats(&format!("read {count} objects, {bytes} bytes"));
        all.push(taken(folder)?);
    }
    if let Some(mut store) = store {
        args.window.narrow(&mut store);
        store.part = part;
        let folder = scratch.path().join("logs-of-the-store");
        let writer = Writer::create(&folder).map_err(|e| Failure::Job(chain(&e)))?;
        let until = store.until.to_string();
        runtime.block_on(fetch(&store, &writer))?;
        writer
            .finish(&until, None)
            .map_err(|e| Failure::Job(chain(&e)))?;
        all.push(taken(folder)?);
    }
    let joined = all.into_iter().reduce(Input::and);
    Ok((joined.unwrap_or_default(), Some(scratch)))
}

/// What was dealt out already.
fn taken(folder: PathBuf) -> Result<Input, Failure> {
    Input::gather(&[folder], None, Part::default()).map_err(|e| Failure::Job(chain(&e)))
}

/// Says how much was read, where `RDIAG_LOG_STATS` is set.
fn stats(text: &str) {
    if std::env::var_os("RDIAG_LOG_STATS").is_some() {
        anstream::eprintln!("rdiag: {text}");
    }
}

/// Reads the store, and says on a terminal how much that was.
pub(crate) async fn fetch(store: &Store, writer: &Writer) -> Result<(), Failure> {
    let reading = fetch_store(store, writer);
    let got = tokio::select! {
        got = reading => got.map_err(|e| Failure::Job(chain(&e)))?,
        () = crate::collect::interrupted() => {
            return Err(Failure::Job("interrupted; nothing was kept".to_owned()));
        }
    };
    stats(&format!(
        "read {} of {} lines, {} of {} bytes, {} streams, {} requests",
        got.lines, got.of_lines, got.bytes, got.of_bytes, got.streams, got.requests
    ));
    Ok(())
}

fn now() -> Timestamp {
    #[expect(
        clippy::disallowed_methods,
        reason = "the rim reads the clock, so that the core need not"
    )]
    Timestamp::now()
}
