//! What to look at.

use std::path::PathBuf;
use std::time::Duration;

use jiff::Timestamp;

/// Pods of Thanos Receive as charts and manifests label them: any of these.
pub const DEFAULT_SELECTORS: [&str; 3] = [
    "app=thanos-receive",
    "app.kubernetes.io/name=thanos-receive",
    "app.kubernetes.io/component=receive",
];

/// What to collect.
#[derive(Clone, Debug)]
pub struct Target {
    /// Where to look.
    pub namespaces: Namespaces,
    /// Label selectors: pods that match any of them. Empty means [`DEFAULT_SELECTORS`].
    pub selectors: Vec<String>,
    /// Only the logs of containers of this name.
    pub container: Option<String>,
    /// Logs no older than this, counted from now.
    pub since: Option<Duration>,
    /// Logs no older than this; wins over `since`.
    pub since_time: Option<Timestamp>,
    /// Logs no newer than this.
    pub until: Option<Timestamp>,
    /// Only so many last lines of each log.
    pub tail: Option<u64>,
    /// Which lives of a container to read.
    pub lives: Lives,
    /// Log streams open at once.
    pub streams: usize,
    /// A log that brings next to nothing for this long is given up.
    pub idle: Duration,
    /// How to reach the pods' HTTP endpoints.
    pub scrape: Scrape,
    /// Time between the two scrapes of each pod.
    pub scrape_interval: Duration,
    /// Pods that send to the ring.
    pub senders: Option<Senders>,
    /// A Prometheus to ask.
    pub prometheus: Option<Prometheus>,
    /// Read the pods' logs through the API; `false` when a log store has them.
    pub logs: bool,
}

impl Default for Target {
    fn default() -> Self {
        Self {
            namespaces: Namespaces::Current,
            selectors: Vec::new(),
            container: None,
            since: Some(Duration::from_secs(3600)),
            since_time: None,
            until: None,
            tail: None,
            lives: Lives::Both,
            streams: crate::limits::COLLECT_STREAMS,
            idle: Duration::from_secs(30),
            scrape: Scrape::Auto,
            scrape_interval: Duration::from_secs(15),
            senders: None,
            prometheus: None,
            logs: true,
        }
    }
}

impl Target {
    /// The selectors in force.
    #[must_use]
    pub fn selectors(&self) -> Vec<&str> {
        if self.selectors.is_empty() {
            DEFAULT_SELECTORS.to_vec()
        } else {
            self.selectors.iter().map(String::as_str).collect()
        }
    }
}

/// Where to look for pods.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Namespaces {
    /// The context's namespace, or the pod's own one.
    Current,
    /// These.
    Named(Vec<String>),
    /// All.
    All,
}

/// Which lives of a container to read.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Lives {
    /// The current one and the one before.
    Both,
    /// Only the one before.
    Previous,
    /// No log at all: only objects, scrapes and answers.
    Neither,
}

/// How to reach the pods' HTTP endpoints.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Scrape {
    /// At the pods' addresses when in the cluster, otherwise through the API server.
    Auto,
    /// Through the API server's proxy: takes the right to `get pods/proxy`.
    Proxy,
    /// At the pods' addresses.
    Direct,
    /// Not at all.
    Off,
}

/// Pods that send to the ring; their logs and states are read as well.
#[derive(Clone, Debug)]
pub struct Senders {
    /// Label selector.
    pub selector: String,
    /// Where they run, if not beside the receivers.
    pub namespace: Option<String>,
}

/// A Prometheus, or whatever answers its query API.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Prometheus {
    /// Address up to where `/api/v1/query` begins.
    pub url: String,
    /// A file that holds a bearer token.
    pub token_file: Option<PathBuf>,
}
