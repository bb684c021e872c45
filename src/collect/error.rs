//! What could not be done at all. What only could not be seen is a gap of the bundle.

use crate::bundle::BundleError;

/// Why nothing could be collected. `Display` says what was attempted and what came of it; [`advice`]
/// what to do next.
///
/// [`advice`]: CollectError::advice
#[derive(Debug, thiserror::Error)]
pub enum CollectError {
    /// The kubeconfig is missing, unreadable or does not name what was asked for.
    #[error("could not use the kubeconfig {path}: {why}")]
    Kubeconfig {
        /// The file, or where it was looked for.
        path: String,
        /// What is wrong with it.
        why: String,
    },
    /// The programs or files of the kubeconfig that make credentials failed.
    #[error("could not get credentials for {server}: {why}")]
    Credentials {
        /// Address of the API server.
        server: String,
        /// What is wrong.
        why: String,
    },
    /// The API server does not know these credentials (401).
    #[error("the API server {server} does not accept the credentials (401 Unauthorized)")]
    Unauthorized {
        /// Address of the API server.
        server: String,
    },
    /// The identity may not do what cannot be done without (403).
    #[error("no permission to {attempt}: {why}")]
    Forbidden {
        /// What was attempted, such as `list pods in namespace monitoring`.
        attempt: String,
        /// What the API server says.
        why: String,
    },
    /// No answer from the API server.
    #[error("could not reach the API server {server}: {why}")]
    Unreachable {
        /// Address of the API server.
        server: String,
        /// What the network said.
        why: String,
    },
    /// The API server answered with an error, also after several attempts.
    #[error("could not {attempt}: {why}")]
    Refused {
        /// What was attempted.
        attempt: String,
        /// What the API server says.
        why: String,
    },
    /// There is nothing to look at.
    #[error("no pods match {selectors} in {place}")]
    NoPods {
        /// The selectors.
        selectors: String,
        /// `namespace monitoring` or `all namespaces`.
        place: String,
    },
    /// Wrong input, such as a selector that does not parse.
    #[error("{0}")]
    Usage(String),
    /// The bundle could not be written.
    #[error(transparent)]
    Bundle(#[from] BundleError),
    /// A log could not be written to disk.
    #[error("could not write {what} of the bundle")]
    Write {
        /// What was written.
        what: &'static str,
        /// Why.
        #[source]
        source: std::io::Error,
    },
}

impl CollectError {
    /// What to do next, as one sentence without full stop; empty where the error says it all.
    #[must_use]
    pub fn advice(&self) -> &'static str {
        match self {
            Self::Kubeconfig { .. } => {
                "check it with `kubectl config view`, or name another with --kubeconfig and --context"
            }
            Self::Credentials { .. } => "log in again; `kubectl get pods` must work with the same context",
            Self::Unauthorized { .. } => {
                "the token or certificate has expired or belongs to another cluster: log in again, or choose another --context"
            }
            Self::Forbidden { .. } => "`rdiag doctor` prints the Role to apply; -n names another namespace",
            Self::Unreachable { .. } => {
                "check address, VPN and proxy; `kubectl cluster-info` must work with the same context"
            }
            Self::Refused { .. } => "try again; `kubectl get --raw /readyz?verbose` says how the API server is",
            Self::NoPods { .. } => {
                "name the namespace with -n (all with -A) or the pods with -l; `kubectl get pods -A --show-labels | grep receive` shows them"
            }
            Self::Usage(_) | Self::Bundle(_) | Self::Write { .. } => "",
        }
    }
}
