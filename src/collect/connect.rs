//! From a kubeconfig, or a service account, to a client.

use std::path::{Path, PathBuf};
use std::time::Duration;

use kube::config::{KubeConfigOptions, Kubeconfig, KubeconfigError};
use kube::{Client, Config};

use super::CollectError;

/// Which cluster, as whom: the options that kubectl has under the same names.
#[derive(Clone, Debug, Default)]
pub struct Access {
    /// `--kubeconfig`; otherwise `KUBECONFIG`, `~/.kube/config`, then the pod's service account.
    pub kubeconfig: Option<PathBuf>,
    /// `--context`.
    pub context: Option<String>,
    /// `--cluster`.
    pub cluster: Option<String>,
    /// `--user`.
    pub user: Option<String>,
    /// `--as`: whom to impersonate.
    pub act_as: Option<String>,
    /// `--as-group`.
    pub act_as_groups: Vec<String>,
    /// `--request-timeout`: how long one answer may take; logs have their own timeout.
    pub request_timeout: Option<Duration>,
}

/// A cluster that can be asked. Nothing has been asked yet.
#[derive(Clone)]
pub struct Cluster {
    pub(super) client: Client,
    pub(super) timeout: Duration,
    /// Address of the API server.
    pub server: String,
    /// Namespace of the context, or the pod's own one.
    pub namespace: String,
    /// rdiag runs in a pod of the cluster, so that pods can be scraped at their addresses.
    pub in_cluster: bool,
}

impl std::fmt::Debug for Cluster {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        // The client holds credentials.
        f.debug_struct("Cluster").field("server", &self.server).finish_non_exhaustive()
    }
}

/// How long one answer may take, unless `--request-timeout` says otherwise.
const TIMEOUT: Duration = Duration::from_secs(30);

/// How long it may take to connect.
const CONNECT_TIMEOUT: Duration = Duration::from_secs(10);

impl Cluster {
    /// Reads the configuration. Must run inside a tokio runtime; asks nothing of the API server.
    ///
    /// # Errors
    /// When there is no usable configuration.
    pub async fn connect(access: &Access) -> Result<Self, CollectError> {
        // A second call finds it installed; that is as good.
        let _ = rustls::crypto::ring::default_provider().install_default();
        let (mut config, in_cluster) = configuration(access).await?;
        if let Some(user) = &access.act_as {
            config.auth_info.impersonate = Some(user.clone());
        }
        if !access.act_as_groups.is_empty() {
            config.auth_info.impersonate_groups = Some(access.act_as_groups.clone());
        }
        config.connect_timeout = Some(CONNECT_TIMEOUT);
        // A receiver that is not ready answers 503 through the proxy: which answers are worth another
        // attempt is for the requests to say.
        config.default_retry = false;
        let server = config.cluster_url.to_string().trim_end_matches('/').to_owned();
        let namespace = config.default_namespace.clone();
        let client = Client::try_from(config).map_err(|error| CollectError::Credentials {
            server: server.clone(),
            why: root(&error),
        })?;
        let timeout = access.request_timeout.unwrap_or(TIMEOUT);
        Ok(Self { client, timeout, server, namespace, in_cluster })
    }
}

async fn configuration(access: &Access) -> Result<(Config, bool), CollectError> {
    let chosen = access.context.is_some() || access.cluster.is_some() || access.user.is_some();
    let path = access.kubeconfig.clone().or_else(from_environment);
    let Some(path) = path.or_else(|| home().filter(|p| p.exists())) else {
        if !chosen && let Ok(config) = Config::incluster() {
            return Ok((config, true));
        }
        return Err(CollectError::Kubeconfig {
            path: home().map_or("~/.kube/config".to_owned(), |p| p.display().to_string()),
            why: "it does not exist, and this is not a pod with a service account".to_owned(),
        });
    };
    let shown = path.display().to_string();
    let failed = |error: KubeconfigError| CollectError::Kubeconfig { path: shown.clone(), why: plain(&error) };
    let kubeconfig = read(&path).map_err(failed)?;
    let options = KubeConfigOptions {
        context: access.context.clone(),
        cluster: access.cluster.clone(),
        user: access.user.clone(),
    };
    let config = Config::from_custom_kubeconfig(kubeconfig, &options).await.map_err(failed)?;
    Ok((config, false))
}

/// One file, or several that `KUBECONFIG` joins.
fn read(path: &Path) -> Result<Kubeconfig, KubeconfigError> {
    let mut merged: Option<Kubeconfig> = None;
    for part in std::env::split_paths(path.as_os_str()) {
        if part.as_os_str().is_empty() {
            continue;
        }
        let next = Kubeconfig::read_from(&part)?;
        merged = Some(match merged {
            Some(before) => before.merge(next)?,
            None => next,
        });
    }
    merged.ok_or(KubeconfigError::FindPath)
}

fn from_environment() -> Option<PathBuf> {
    std::env::var_os("KUBECONFIG").filter(|v| !v.is_empty()).map(PathBuf::from)
}

fn home() -> Option<PathBuf> {
    let home = std::env::var_os("HOME").or_else(|| std::env::var_os("USERPROFILE"))?;
    Some(PathBuf::from(home).join(".kube").join("config"))
}

/// The library's sentence in the words of whoever typed the command.
fn plain(error: &KubeconfigError) -> String {
    match error {
        KubeconfigError::ReadConfig(source, _) => source.to_string(),
        KubeconfigError::CurrentContextNotSet => "it names no current context".to_owned(),
        KubeconfigError::LoadContext(name) => format!("it has no context {name:?}"),
        KubeconfigError::LoadClusterOfContext(name) => format!("it has no cluster {name:?}"),
        KubeconfigError::Parse(_) => {
            let text = error.to_string();
            format!("it is not the YAML of a kubeconfig ({})", text.lines().next().unwrap_or_default())
        }
        other => root(other),
    }
}

/// The innermost reason of an error: that is what a person can act on.
pub(super) fn root(error: &dyn std::error::Error) -> String {
    let mut innermost = error;
    while let Some(source) = innermost.source() {
        innermost = source;
    }
    innermost.to_string()
}
