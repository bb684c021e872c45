//! `rdiag serve`: takes alerts in, gives answers out, until it is told to stop.

use std::net::SocketAddr;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Duration;

use rdiag::collect::Prometheus;
use rdiag::pack::Version;
use rdiag::serve::config::{self, Config, OpenToAll, Rate, Web};
use rdiag::serve::look::Policy;
use rdiag::serve::source::Source;
use rdiag::serve::{self, Server};

use crate::args::Common;
use crate::diagnose::chain;
use crate::output::{self, Failure};

/// Takes Alertmanager's webhook, diagnoses, shows pages and notifies
#[derive(Debug, clap::Args)]
#[command(after_help = "Examples:\n  \
    rdiag serve --data-dir /var/lib/rdiag --source cluster\n  \
    rdiag serve --data-dir ./data --source bundle:./bundle --listen 127.0.0.1:9099\n\n\
    Alertmanager:\n  \
    receivers:\n  \
    - name: rdiag\n    \
      webhook_configs:\n    \
      - url: http://rdiag:9099/webhook\n\n\
    An alert is answered 202 once it is on disk. Notifications are sent at least once.")]
pub(crate) struct Args {
    /// Address to listen on; others than loopback ask for credentials or --web.insecure
    #[arg(
        long,
        alias = "web.listen-address",
        value_name = "ADDR",
        default_value = "127.0.0.1:9099",
        env = "RDIAG_LISTEN"
    )]
    listen: SocketAddr,
    /// Folder of the store and of kept bundles
    #[arg(long, value_name = "DIR", env = "RDIAG_DATA_DIR")]
    data_dir: PathBuf,
    /// Where to look: cluster, bundle:PATH, loki:URL or victorialogs:URL
    #[arg(long, value_name = "SOURCE", default_value = "cluster", value_parser = Source::parse, env = "RDIAG_SOURCE")]
    source: Source,
    /// A Prometheus to ask about the ring, too, when looking at the cluster
    #[arg(long, value_name = "URL", env = "RDIAG_PROMETHEUS")]
    prometheus: Option<String>,
    /// File with a bearer token for that Prometheus
    #[arg(
        long,
        value_name = "FILE",
        env = "RDIAG_PROMETHEUS_TOKEN_FILE",
        requires = "prometheus"
    )]
    prometheus_token_file: Option<PathBuf>,
    /// Receivers of notifications, and the external URL
    #[arg(
        long = "config.file",
        alias = "config",
        value_name = "FILE",
        env = "RDIAG_CONFIG_FILE"
    )]
    config_file: Option<PathBuf>,
    /// TLS, users and headers, in the form of Prometheus' exporter toolkit
    #[arg(
        long = "web.config.file",
        value_name = "FILE",
        env = "RDIAG_WEB_CONFIG_FILE"
    )]
    web_config_file: Option<PathBuf>,
    /// File of a token that whoever asks must show
    #[arg(
        long = "web.bearer-token-file",
        value_name = "FILE",
        env = "RDIAG_WEB_BEARER_TOKEN_FILE"
    )]
    bearer_token_file: Option<PathBuf>,
    /// How others reach the pages, for links in notifications
    #[arg(
        long = "web.external-url",
        alias = "external-url",
        value_name = "URL",
        env = "RDIAG_EXTERNAL_URL"
    )]
    external_url: Option<String>,
    /// Serve others without asking who they are
    #[arg(long = "web.insecure")]
    insecure: bool,
    /// Webhook requests taken a second; beyond (after a burst of four times as many) 503
    #[arg(long = "web.rate-limit", value_name = "N", default_value_t = 5000, value_parser = clap::value_parser!(u32).range(1..))]
    rate_limit: u32,
    /// Namespace of alerts that name none
    #[arg(short, long, value_name = "NS", env = "RDIAG_NAMESPACE")]
    namespace: Option<String>,
    /// Namespaces that alerts may make rdiag look at; any when absent
    #[arg(
        long,
        value_name = "NS,...",
        value_delimiter = ',',
        env = "RDIAG_NAMESPACES"
    )]
    namespaces: Vec<String>,
    /// Days that bundles are kept
    #[arg(long, value_name = "DAYS", default_value_t = 14)]
    keep_bundles: u32,
    /// Days that closed incidents are kept
    #[arg(long, value_name = "DAYS", default_value_t = 365)]
    keep_incidents: u32,
    /// Most MiB of the database; beyond, alerts are answered 503 as on a full disk
    #[arg(long, value_name = "MIB", value_parser = clap::value_parser!(u64).range(1..))]
    store_mib: Option<u64>,
    /// Version of Thanos where it cannot be known
    #[arg(long, value_name = "VERSION")]
    thanos_version: Option<String>,
    /// Check all settings and files, and end
    #[arg(long)]
    check_config: bool,
}

pub(crate) fn run(common: &Common, args: &Args) -> Result<bool, Failure> {
    let config = settings(common, args)?;
    let pack = crate::diagnose::pack(common)?;
    if args.check_config {
        return check(&config);
    }
    serve::log::start();
    let runtime = tokio::runtime::Builder::new_multi_thread()
        .worker_threads(2)
        .max_blocking_threads(16)
        .enable_all()
        .build()
        .map_err(|e| Failure::Job(format!("starting threads: {e}")))?;
    runtime.block_on(async {
        let server = Server::start(config, Arc::new(pack))
            .await
            .map_err(|error| match error {
                serve::ServeError::Config(_) | serve::ServeError::Tls(_) => {
                    Failure::Usage(chain(&error))
                }
                error => Failure::Job(chain(&error)),
            })?;
        output::print(format!("rdiag listens on {}\n", server.address()).as_bytes())?;
        asked_to_stop().await;
        tracing::info!("stopping");
        server.stop().await;
        Ok(false)
    })
}

/// What was typed, with the files it names.
fn settings(common: &Common, args: &Args) -> Result<Config, Failure> {
    let file = args
        .config_file
        .as_deref()
        .map(config::read_file)
        .transpose()
        .map_err(Failure::Usage)?;
    let file = file.unwrap_or_default();
    let web_file = args
        .web_config_file
        .as_deref()
        .map(config::read_web_file)
        .transpose()
        .map_err(Failure::Usage)?;
    let folder = args
        .web_config_file
        .as_deref()
        .and_then(Path::parent)
        .map(Path::to_owned);
    let day = |days: u32| Duration::from_secs(u64::from(days) * 86_400);
    let external_url = args
        .external_url
        .as_ref()
        .map(|url| url.trim_end_matches('/').to_owned());
    let per_second = f64::from(args.rate_limit);
    Ok(Config {
        listen: args.listen,
        data_dir: args.data_dir.clone(),
        source: source(args)?,
        policy: Policy {
            namespaces: args.namespaces.clone(),
            namespace: args.namespace.clone(),
        },
        external_url: external_url.or(file.external_url),
        keep_bundles: day(args.keep_bundles),
        keep_incidents: day(args.keep_incidents),
        store_bytes: args.store_mib.map(|mib| mib.saturating_mul(1024 * 1024)),
        rate: Rate {
            per_second,
            burst: 4.0 * per_second,
        },
        thanos_version: args.thanos_version.as_deref().map(version).transpose()?,
        web: Web {
            bearer_token_file: args.bearer_token_file.clone(),
            file: web_file.unwrap_or_default(),
            folder: folder.unwrap_or_default(),
        },
        open_to_all: if args.insecure {
            OpenToAll::Said
        } else {
            OpenToAll::Refuse
        },
        receivers: file.receivers,
        redact: !common.no_redact,
    })
}

/// Where to look, with the Prometheus that only a cluster goes with: series are of pods that are known.
fn source(args: &Args) -> Result<Source, Failure> {
    let prometheus = args.prometheus.clone().map(|url| Prometheus {
        url,
        token_file: args.prometheus_token_file.clone(),
    });
    match (&args.source, prometheus) {
        (Source::Cluster(_), prometheus) => Ok(Source::Cluster(prometheus)),
        (source, None) => Ok(source.clone()),
        (_, Some(_)) => Err(Failure::Usage(
            "--prometheus goes with --source cluster".to_owned(),
        )),
    }
}

fn version(text: &str) -> Result<Version, Failure> {
    Version::parse(text).ok_or_else(|| {
        Failure::Usage(format!(
            "--thanos-version {text}: not a version; write it like 0.38.0"
        ))
    })
}

fn check(config: &Config) -> Result<bool, Failure> {
    let problems = serve::check(config);
    if !problems.is_empty() {
        return Err(Failure::Usage(format!(
            "the configuration cannot work:\n  {}",
            problems.join("\n  ")
        )));
    }
    let receivers = config.receivers.len();
    output::print(
        format!("the configuration can work: {receivers} receivers of notifications\n").as_bytes(),
    )?;
    Ok(false)
}

/// SIGTERM of a kubelet, or SIGINT of a person.
async fn asked_to_stop() {
    let interrupt = tokio::signal::ctrl_c();
    #[cfg(unix)]
    {
        use tokio::signal::unix::{SignalKind, signal};
        if let Ok(mut terminate) = signal(SignalKind::terminate()) {
            tokio::select! {
                _ = interrupt => {}
                _ = terminate.recv() => {}
            }
            return;
        }
    }
    let _ = interrupt.await;
}
