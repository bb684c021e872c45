//! `rdiag collect`: one look at a cluster, kept as a bundle. And the options all cluster commands share.

use std::io::IsTerminal;
use std::path::{Path, PathBuf};
use std::time::Duration;

use clap::{Args, ValueEnum};
use indicatif::{ProgressBar, ProgressStyle};

use crate::args::{Common, Output};
use crate::diagnose::chain;
use crate::output::Failure;
use rdiag::bundle::{Pass, Writer};
use rdiag::collect::{
    self, Access, Cluster, CollectError, Lives, Namespaces, Progress, Prometheus, Scrape, Senders,
    Store, Summary, Target,
};

/// Which cluster, as whom; named as kubectl names them.
#[derive(Args, Clone, Debug, Default)]
#[command(next_help_heading = "Cluster")]
pub(crate) struct AccessArgs {
    /// Path of the kubeconfig [default: KUBECONFIG, ~/.kube/config, then the pod's service account]
    #[arg(long, value_name = "FILE")]
    kubeconfig: Option<PathBuf>,
    /// Context of the kubeconfig
    #[arg(long, value_name = "NAME", env = "RDIAG_CONTEXT")]
    context: Option<String>,
    /// Cluster of the kubeconfig
    #[arg(long, value_name = "NAME")]
    cluster: Option<String>,
    /// User of the kubeconfig
    #[arg(long, value_name = "NAME")]
    user: Option<String>,
    /// User to impersonate
    #[arg(long = "as", value_name = "USER")]
    act_as: Option<String>,
    /// Group to impersonate; may be repeated
    #[arg(long = "as-group", value_name = "GROUP", requires = "act_as")]
    act_as_groups: Vec<String>,
    /// How long one answer of the API server may take
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration, env = "RDIAG_REQUEST_TIMEOUT")]
    request_timeout: Duration,
}

impl AccessArgs {
    fn access(&self) -> Access {
        Access {
            kubeconfig: self.kubeconfig.clone(),
            context: self.context.clone(),
            cluster: self.cluster.clone(),
            user: self.user.clone(),
            act_as: self.act_as.clone(),
            act_as_groups: self.act_as_groups.clone(),
            request_timeout: Some(self.request_timeout),
        }
    }

    /// Whether a cluster is named.
    pub(crate) fn is_given(&self) -> bool {
        self.kubeconfig.is_some() || self.context.is_some() || self.cluster.is_some()
    }

    /// A cluster to ask.
    pub(crate) async fn connect(&self) -> Result<Cluster, Failure> {
        Cluster::connect(&self.access())
            .await
            .map_err(|error| failure(&error))
    }
}

/// What to look at; named as kubectl names it.
#[derive(Args, Clone, Debug)]
#[command(next_help_heading = "What to look at")]
pub(crate) struct TargetArgs {
    /// Namespace; may be repeated [default: of the context, or the pod's own]
    #[arg(
        short,
        long,
        value_name = "NS",
        env = "RDIAG_NAMESPACE",
        value_delimiter = ','
    )]
    namespace: Vec<String>,
    /// All namespaces
    #[arg(short = 'A', long)]
    all_namespaces: bool,
    /// Label selector; may be repeated: pods that match any [default: app=thanos-receive,
    /// app.kubernetes.io/name=thanos-receive, app.kubernetes.io/component=receive]
    #[arg(
        short = 'l',
        long,
        value_name = "SELECTOR",
        env = "RDIAG_SELECTOR",
        value_delimiter = ';'
    )]
    selector: Vec<String>,
    /// Only logs of containers of this name
    #[arg(short, long, value_name = "NAME")]
    container: Option<String>,
    /// Only logs newer than this; 0 means all [default: 1h; of `check weekly`: 7d]
    #[arg(long, value_name = "DURATION", value_parser = duration, env = "RDIAG_SINCE")]
    since: Option<Duration>,
    /// Only logs newer than this time (RFC 3339)
    #[arg(long, value_name = "TIME", conflicts_with = "since")]
    since_time: Option<jiff::Timestamp>,
    /// Only logs older than this time (RFC 3339)
    #[arg(long, value_name = "TIME")]
    until: Option<jiff::Timestamp>,
    /// Only so many last lines of each log; -1 means all
    #[arg(long, value_name = "LINES", default_value_t = -1, allow_negative_numbers = true)]
    tail: i64,
    /// Only logs of the containers' previous lives
    #[arg(short, long)]
    previous: bool,
    /// Log streams open at once
    #[arg(long, value_name = "N", default_value_t = rdiag::limits::COLLECT_STREAMS)]
    max_log_requests: usize,
    /// A log that brings next to nothing for this long is given up
    #[arg(long, value_name = "DURATION", default_value = "30s", value_parser = duration)]
    idle_timeout: Duration,
    /// How to reach the pods' metrics and readiness
    #[arg(long, value_enum, default_value_t = ScrapeArg::Auto, env = "RDIAG_SCRAPE")]
    scrape: ScrapeArg,
    /// Time between the two scrapes of each pod
    #[arg(long, value_name = "DURATION", default_value = "15s", value_parser = duration, env = "RDIAG_SCRAPE_INTERVAL")]
    scrape_interval: Duration,
    /// Pods that send to the ring, whose logs are read as well
    #[arg(long, value_name = "SELECTOR", env = "RDIAG_SENDER_SELECTOR")]
    sender_selector: Option<String>,
    /// Namespace of the senders, if it is another
    #[arg(
        long,
        value_name = "NS",
        env = "RDIAG_SENDER_NAMESPACE",
        requires = "sender_selector"
    )]
    sender_namespace: Option<String>,
    /// A Prometheus to ask about the ring
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
}

/// How to reach the pods' HTTP endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq, ValueEnum)]
enum ScrapeArg {
    /// At the pods' addresses when in the cluster, otherwise through the API server
    Auto,
    /// Through the API server
    Proxy,
    /// At the pods' addresses
    Direct,
    /// Not at all
    Off,
}

impl TargetArgs {
    /// Whether pods are named: where to look, or by which labels.
    pub(crate) fn is_given(&self) -> bool {
        self.all_namespaces || !self.namespace.is_empty() || !self.selector.is_empty()
    }

    pub(crate) fn target(&self) -> Target {
        self.target_since(Duration::from_secs(3600))
    }

    /// The same, with logs of the last `usual` where nothing else was asked for.
    pub(crate) fn target_since(&self, usual: Duration) -> Target {
        let namespaces = match (self.all_namespaces, self.namespace.is_empty()) {
            (true, _) => Namespaces::All,
            (false, true) => Namespaces::Current,
            (false, false) => Namespaces::Named(self.namespace.clone()),
        };
        Target {
            namespaces,
            selectors: self.selector.clone(),
            container: self.container.clone(),
            since: Some(self.since.unwrap_or(usual)).filter(|since| !since.is_zero()),
            since_time: self.since_time,
            until: self.until,
            tail: u64::try_from(self.tail).ok(),
            lives: if self.previous {
                Lives::Previous
            } else {
                Lives::Both
            },
            streams: self.max_log_requests,
            idle: self.idle_timeout,
            scrape: match self.scrape {
                ScrapeArg::Auto => Scrape::Auto,
                ScrapeArg::Proxy => Scrape::Proxy,
                ScrapeArg::Direct => Scrape::Direct,
                ScrapeArg::Off => Scrape::Off,
            },
            scrape_interval: self.scrape_interval,
            senders: self.sender_selector.clone().map(|selector| Senders {
                selector,
                namespace: self.sender_namespace.clone(),
            }),
            logs: true,
            prometheus: self.prometheus.clone().map(|url| Prometheus {
                url,
                token_file: self.prometheus_token_file.clone(),
            }),
        }
    }
}

/// Arguments of `collect`.
#[derive(Args, Clone, Debug)]
pub(crate) struct CollectArgs {
    #[command(flatten)]
    pub(crate) access: AccessArgs,
    #[command(flatten)]
    pub(crate) target: TargetArgs,
}

/// `rdiag collect -o PATH`.
pub(crate) fn run(common: &Common, args: &CollectArgs) -> Result<bool, Failure> {
    let Output::File(path) = common.output else {
        return Err(Failure::Usage(
            "collect needs -o PATH: a folder, or a file that ends in .tar.zst".to_owned(),
        ));
    };
    let target = args.target.target();
    let summary = runtime()?.block_on(into(&args.access, &target, path, pass(common)))?;
    anstream::eprintln!(
        "{} logs of {} pods in {}",
        summary.logs,
        summary.pods.len(),
        path.display()
    );
    Ok(false)
}

/// What files of a bundle that is kept go through: it will be sent to somebody.
pub(crate) fn pass(common: &Common) -> Option<Pass> {
    (!common.no_redact).then_some(collect::clean::file as Pass)
}

/// A runtime for the commands that ask the world.
pub(crate) fn runtime() -> Result<tokio::runtime::Runtime, Failure> {
    let built = tokio::runtime::Builder::new_multi_thread()
        .enable_all()
        .build();
    built.map_err(|error| Failure::Job(format!("could not start: {error}")))
}

/// Collects into a bundle at `path`. Interrupted, it leaves nothing behind.
pub(crate) async fn into(
    access: &AccessArgs,
    target: &Target,
    path: &Path,
    pass: Option<Pass>,
) -> Result<Summary, Failure> {
    with_store(access, target, path, pass, None).await
}

/// The same, with the logs of a store where one is given.
pub(crate) async fn with_store(
    access: &AccessArgs,
    target: &Target,
    path: &Path,
    pass: Option<Pass>,
    store: Option<Store>,
) -> Result<Summary, Failure> {
    let cluster = access.connect().await?;
    let mut writer = Writer::create(path).map_err(|error| Failure::Job(chain(&error)))?;
    if let Some(pass) = pass {
        writer = writer.through(pass);
    }
    let mut target = target.clone();
    target.logs = store.is_none();
    let bar = Bar::new();
    let tell = |progress| bar.tell(progress);
    let collecting = collect::collect(&cluster, &target, &writer, &tell);
    let collected = tokio::select! {
        collected = collecting => collected,
        () = interrupted() => return Err(Failure::Job("interrupted; nothing was kept".to_owned())),
    };
    bar.done();
    let summary = collected.map_err(|error| failure(&error))?;
    if let Some(mut store) = store {
        let places = summary.pods.iter().filter_map(|pod| pod.split_once('/'));
        store.namespaces = places.map(|(namespace, _)| namespace.to_owned()).collect();
        store.namespaces.sort();
        store.namespaces.dedup();
        store.until = target.until.unwrap_or(store.until);
        store.from = match (target.since_time, target.since) {
            (Some(time), _) => time,
            (None, Some(since)) => crate::store::before(store.until, since),
            (None, None) => store.from,
        };
        crate::store::fetch(&store, &writer).await?;
    }
    writer
        .finish(&summary.collected_at, summary.namespace.as_deref())
        .map_err(|error| Failure::Job(chain(&error)))?;
    Ok(summary)
}

/// Ends when someone wants the program to end.
pub(crate) async fn interrupted() {
    let terminated = async {
        match tokio::signal::unix::signal(tokio::signal::unix::SignalKind::terminate()) {
            Ok(mut signal) => {
                signal.recv().await;
            }
            // Then only Ctrl-C ends it.
            Err(_) => std::future::pending().await,
        }
    };
    tokio::select! {
        _ = tokio::signal::ctrl_c() => {}
        () = terminated => {}
    }
}

/// One sentence: what was attempted, what came of it, what to do.
pub(crate) fn failure(error: &CollectError) -> Failure {
    let mut text = chain(error);
    if !error.advice().is_empty() {
        text.push_str("; ");
        text.push_str(error.advice());
    }
    match error {
        CollectError::Usage(_) => Failure::Usage(text),
        _ => Failure::Job(text),
    }
}

/// Progress on a terminal; nothing elsewhere.
struct Bar(Option<ProgressBar>);

impl Bar {
    fn new() -> Self {
        if !std::io::stderr().is_terminal() {
            return Self(None);
        }
        let bar = ProgressBar::new(0);
        if let Ok(style) =
            ProgressStyle::with_template("{spinner} {pos}/{len} logs · {msg} · {elapsed}")
        {
            bar.set_style(style);
        }
        bar.enable_steady_tick(Duration::from_millis(200));
        Self(Some(bar))
    }

    fn tell(&self, progress: Progress) {
        use std::sync::atomic::{AtomicU64, Ordering};
        static BYTES: AtomicU64 = AtomicU64::new(0);
        let Some(bar) = &self.0 else { return };
        match progress {
            Progress::Logs(count) => bar.set_length(count as u64),
            Progress::LogDone => bar.inc(1),
            Progress::Bytes(bytes) => {
                let all = BYTES.fetch_add(bytes, Ordering::Relaxed) + bytes;
                bar.set_message(indicatif::HumanBytes(all).to_string());
            }
            Progress::Waiting => bar.set_message("waiting for the second scrape"),
        }
    }

    fn done(&self) {
        if let Some(bar) = &self.0 {
            bar.finish_and_clear();
        }
    }
}

/// `1h30m`, `15s`, `500ms`, `2d`; a bare number is seconds.
pub(crate) fn duration(text: &str) -> Result<Duration, String> {
    let wrong = || format!("{text:?} is not a duration; write it like 90s, 15m, 1h30m or 2d");
    if let Ok(secs) = text.parse::<u64>() {
        return Ok(Duration::from_secs(secs));
    }
    let mut total = Duration::ZERO;
    let mut rest = text;
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !c.is_ascii_digit()).ok_or_else(wrong)?;
        let number: u32 = rest[..digits].parse().map_err(|_| wrong())?;
        rest = &rest[digits..];
        let letters = rest
            .find(|c: char| c.is_ascii_digit())
            .unwrap_or(rest.len());
        let unit = match &rest[..letters] {
            "ms" => Duration::from_millis(1),
            "s" => Duration::from_secs(1),
            "m" => Duration::from_secs(60),
            "h" => Duration::from_secs(3600),
            "d" => Duration::from_secs(86_400),
            _ => return Err(wrong()),
        };
        total = unit
            .checked_mul(number)
            .and_then(|part| total.checked_add(part))
            .ok_or_else(wrong)?;
        rest = &rest[letters..];
    }
    Ok(total)
}
