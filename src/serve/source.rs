//! Where a look gets its bundle from.

use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use super::copy;
use super::logs;
use super::look::Look;
use crate::bundle::{BundleError, Writer};
use crate::collect::{Prometheus, StoreKind, clean};
use crate::pack::Pack;

/// Where bundles come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The cluster of the pod rdiag runs in, or of the current context; with the Prometheus that
    /// watches the ring, if there is one.
    Cluster(Option<Prometheus>),
    /// A bundle that lies there: a folder, or an archive of one.
    Bundle(PathBuf),
    /// Logs from Loki at this address.
    Loki(String),
    /// Logs from VictoriaLogs at this address.
    VictoriaLogs(String),
}

/// Why there is no bundle.
#[derive(Debug, thiserror::Error)]
pub enum SourceError {
    /// The source cannot be used as it was given.
    #[error("{0}")]
    Unusable(String),
    /// A file of it cannot be read, or the copy not be written.
    #[error("could not copy {}", path.display())]
    Copy {
        /// The file.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
}

/// A bundle that was fetched.
#[derive(Clone, Debug)]
pub struct Fetched {
    /// What to diagnose.
    pub path: PathBuf,
    /// Name and bytes of the file that is kept in the folder of bundles.
    pub kept: Option<(String, u64)>,
}

impl Source {
    /// From `cluster`, `bundle:PATH`, `loki:URL` or `victorialogs:URL`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "cluster" => Ok(Self::Cluster(None)),
            Some(("bundle", path)) if !path.is_empty() => Ok(Self::Bundle(path.into())),
            Some(("loki", url)) if is_web(url) => {
                Ok(Self::Loki(url.trim_end_matches('/').to_owned()))
            }
            Some(("victorialogs", url)) if is_web(url) => {
                Ok(Self::VictoriaLogs(url.trim_end_matches('/').to_owned()))
            }
            _ => Err(format!(
                "{text:?} is not cluster, bundle:PATH, loki:URL or victorialogs:URL"
            )),
        }
    }

    /// What it is, for the status page; no credentials of an address are shown.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Cluster(_) => "the cluster's API".to_owned(),
            Self::Bundle(path) => format!("the bundle at {}", path.display()),
            Self::Loki(url) => format!("Loki at {}", without_user(url)),
            Self::VictoriaLogs(url) => format!("VictoriaLogs at {}", without_user(url)),
        }
    }

    /// Whether looking again later can show anything new.
    #[must_use]
    pub fn changes(&self) -> bool {
        !matches!(self, Self::Bundle(_))
    }

    /// Puts a bundle into `folder`, without credentials if it is to `redact`. `alerts` is the payload
    /// that made us look; what `pack` does not need is not read from stores of logs.
    ///
    /// # Errors
    /// When there is nothing to look at.
    pub async fn fetch(
        &self,
        look: &Look,
        alerts: Vec<u8>,
        folder: &Path,
        pack: Arc<Pack>,
        redact: bool,
    ) -> Result<Fetched, SourceError> {
        match self {
            Self::Bundle(path) => {
                let (path, folder, from) = (path.clone(), folder.to_owned(), look.from);
                let copied = tokio::task::spawn_blocking(move || {
                    copy::keep(&path, &alerts, from, &folder, redact)
                });
                copied.await.unwrap_or_else(|_| {
                    Err(SourceError::Unusable("the copy was interrupted".to_owned()))
                })
            }
            Self::Cluster(prometheus) => {
                super::cluster::fetch(prometheus.as_ref(), look, alerts, folder, redact).await
            }
            Self::Loki(url) => {
                logs::fetch(StoreKind::Loki, url, pack, look, alerts, folder, redact).await
            }
            Self::VictoriaLogs(url) => {
                logs::fetch(
                    StoreKind::VictoriaLogs,
                    url,
                    pack,
                    look,
                    alerts,
                    folder,
                    redact,
                )
                .await
            }
        }
    }
}

/// A bundle to be written at `path`.
pub(super) fn writer(path: &Path, redact: bool) -> Result<Writer, BundleError> {
    let writer = Writer::create(path)?;
    Ok(if redact {
        writer.through(clean::file)
    } else {
        writer
    })
}

fn is_web(url: &str) -> bool {
    url.starts_with("http://") || url.starts_with("https://")
}

fn without_user(url: &str) -> &str {
    url.rsplit_once('@').map_or(url, |(_, host)| host)
}
