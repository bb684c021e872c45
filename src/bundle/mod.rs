//! The seam between collecting and analysing: a folder that holds one look at a system.
//!
//! ```text
//! BUNDLE/
//!   manifest.json                                 schema, when, namespace, what could not be collected
//!   logs/NAMESPACE/POD/CONTAINER.log              and CONTAINER.previous.log
//!   kubernetes/NAMESPACE/KIND-PLURAL.json         as `kubectl get -o json` prints them
//!   kubernetes/nodes.json
//!   metrics/NAMESPACE/POD/UNIX-SECONDS.prom       two scrapes make rates
//!   metrics/queries/UNIX-SECONDS.json             PromQL answers
//!   http/NAMESPACE/POD/PORT/PATH                  bodies of ready, status/tsdb, …
//!   config/NAMESPACE/hashrings.json               as mounted; limits.yaml likewise
//!   alerts.json                                   Alertmanager webhook payload, version 4
//! ```
//!
//! [`Input::open`] finds everything there is to read in files, folders, archives, bundles, dumps of
//! `kubectl cluster-info` and standard input. Logs and scrapes are left for the engine to stream;
//! everything else is read at once and flattened. [`Writer`] writes a bundle. What cannot be read
//! is a [`Gap`], never silence.

mod archive;
mod contents;
mod document;
mod dump;
mod gaps;
mod input;
mod objects;
mod pieces;
mod place;
mod repair;
mod series;
mod sniff;
mod stream;
mod take;
#[cfg(test)]
mod tests;
mod topology;
mod unpack;
mod writer;

use std::io;
use std::path::PathBuf;

use serde::{Deserialize, Serialize};

use crate::record::{Level, Origin};

pub use gaps::Gap;
pub use input::{Input, Query, Scrape};
pub use objects::{ConfigText, ObjectRecord, Objects};
pub use pieces::{Part, Piece};
pub use series::series;
pub use stream::Stream;
pub use topology::{
    Claim, Condition, Container, ContainerState, Endpoint, Mode, Named, Node, Owner, Pod,
    Termination, Topology, Workload, split_address,
};
pub use writer::{Pass, Writer};

/// Version of the layout, in `manifest.json`.
pub const SCHEMA: &str = "rdiag/bundle/v1";

/// `manifest.json` of a bundle.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Manifest {
    /// [`SCHEMA`].
    pub schema: String,
    /// When it was collected, RFC 3339.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub collected_at: Option<String>,
    /// The namespace looked at.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub namespace: Option<String>,
    /// What could not be collected.
    #[serde(default)]
    pub gaps: Vec<Gap>,
    /// What was counted where it is kept, and not read: lines that no diagnosis needs.
    #[serde(default, skip_serializing_if = "Vec::is_empty")]
    pub unread: Vec<Unread>,
}

/// Lines of one log that were left where they are kept.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub struct Unread {
    /// Whose log it is.
    pub origin: Origin,
    /// Lines.
    pub records: u64,
    /// Bytes.
    pub bytes: u64,
    /// Lowest level of any line, unread or not, where it is known.
    #[serde(default, skip_serializing_if = "Option::is_none")]
    pub lowest_level: Option<Level>,
}

/// What rdiag could not do with its input or output files.
#[derive(Debug, thiserror::Error)]
pub enum BundleError {
    /// A path given, or a file found before, cannot be opened.
    #[error("could not open {}", path.display())]
    Open {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A pipe or standard input was to be read a second time.
    #[error("{name} can be read only once")]
    Spent {
        /// Its name.
        name: String,
    },
    /// An archive could not be unpacked into a temporary file.
    #[error("could not unpack into a temporary file")]
    Spool(#[source] io::Error),
    /// A file of a bundle could not be written.
    #[error("could not write {}", path.display())]
    Write {
        /// The path.
        path: PathBuf,
        /// Why.
        #[source]
        source: io::Error,
    },
    /// A name that does not fit into a bundle: empty, `.`, `..`, or with a slash.
    #[error("{name:?} cannot be the name of a file of a bundle")]
    Name {
        /// The name.
        name: String,
    },
    /// Secrets are never written.
    #[error("secrets are not written to bundles")]
    Secret,
}
