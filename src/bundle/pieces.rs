//! What was found, piece by piece, so that it can be carried to where all of it comes together.

use std::io::{BufReader, Read};
use std::sync::Arc;

use serde::{Deserialize, Serialize};
use xxhash_rust::xxh64::xxh64;

use super::Manifest;
use super::gaps::Gap;
use super::input::{Input, Query, Scrape};
use super::objects::{ConfigText, ObjectRecord};
use super::stream::{Blob, Loose, Stream};
use super::topology::{Claim, Endpoint, Node, Pod, Workload};
use super::unpack::Codec;
use crate::limits;
use crate::metrics;
use crate::record::Origin;

/// The share of the files that one of several looks takes. Files are dealt out by their names, so
/// that every look at the same place deals alike.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Part {
    /// Which one, from 0.
    pub number: u64,
    /// Of how many, at least 1.
    pub of: u64,
}

impl Default for Part {
    /// All of it.
    fn default() -> Self {
        Self { number: 0, of: 1 }
    }
}

impl Part {
    /// Whether the file (or object) of that name is one of this part's.
    #[must_use]
    pub fn takes(self, name: &str) -> bool {
        self.of <= 1 || xxh64(name.as_bytes(), 0) % self.of == self.number
    }
}

/// One thing found by a look, other than the lines of logs.
#[derive(Clone, Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Piece {
    /// A log: its name, and what it tells of whose it is.
    Log(LogName),
    /// A scrape, without the lines that nothing asks for.
    Scrape(Text),
    /// Answers of the Prometheus query API.
    Query(Text),
    /// An object, event, alert or HTTP body, flattened.
    Record(ObjectRecord),
    /// A pod.
    Pod(Box<Pod>),
    /// A stateful set, deployment or daemon set.
    Workload(Workload),
    /// A node.
    Node(Node),
    /// An address of a service.
    Endpoint(Endpoint),
    /// A persistent volume claim.
    Claim(Claim),
    /// A hashring file.
    Hashring(ConfigText),
    /// A limits file.
    Limits(ConfigText),
    /// The manifest of a bundle.
    Manifest(Manifest),
    /// What could not be seen.
    Gap(Gap),
    /// What was counted and not kept.
    LeftOut {
        /// Records of objects above the limit.
        objects: u64,
        /// Secrets.
        secrets: u64,
    },
}

/// The name of a log.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct LogName {
    name: String,
    alias: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    loose: Option<Loose>,
}

/// A small file and whose it is.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Text {
    name: String,
    #[serde(default)]
    origin: Origin,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    unix: Option<i64>,
    text: String,
}

impl Input {
    /// Everything of a gathered input but the lines of its logs. Scrapes are read here, and of them
    /// kept what a collector of metrics that are `wanted` takes. Call it when the logs were read:
    /// only then are all gaps known.
    #[must_use]
    pub fn pieces(&self, wanted: &dyn Fn(&str) -> bool) -> Vec<Piece> {
        let mut pieces = Vec::new();
        for stream in &self.streams {
            pieces.push(Piece::Log(LogName {
                name: stream.name.clone(),
                alias: stream.alias.clone(),
                loose: stream.loose.clone(),
            }));
        }
        for scrape in &self.scrapes {
            let mut text = Vec::new();
            self.read(&scrape.stream, |reader| {
                metrics::reduce(BufReader::new(reader), wanted, &mut text)
            });
            pieces.push(Piece::Scrape(Text::of(&scrape.stream, scrape.unix, &text)));
        }
        for query in &self.queries {
            let mut text = Vec::new();
            self.read(&query.stream, |reader| {
                reader
                    .take(limits::QUERY_BYTES)
                    .read_to_end(&mut text)
                    .map(|_| ())
            });
            pieces.push(Piece::Query(Text::of(&query.stream, query.unix, &text)));
        }
        self.known(&mut pieces);
        let gaps = self.gaps.list();
        pieces.extend(gaps.into_iter().map(Piece::Gap));
        pieces
    }

    /// Two gathered inputs as one.
    #[must_use]
    pub fn and(mut self, mut other: Self) -> Self {
        let own = &self.gaps;
        let ours = |stream: Stream| Stream {
            gaps: own.clone(),
            ..stream
        };
        self.streams
            .extend(std::mem::take(&mut other.streams).into_iter().map(ours));
        for scrape in std::mem::take(&mut other.scrapes) {
            let stream = ours(scrape.stream);
            self.scrapes.push(Scrape { stream, ..scrape });
        }
        for query in std::mem::take(&mut other.queries) {
            let stream = ours(query.stream);
            self.queries.push(Query { stream, ..query });
        }
        let mut rest = Vec::new();
        other.known(&mut rest);
        rest.extend(other.gaps.list().into_iter().map(Piece::Gap));
        rest.into_iter().for_each(|piece| self.take(piece));
        self
    }

    fn read(
        &self,
        stream: &Stream,
        with: impl FnOnce(Box<dyn Read + Send>) -> std::io::Result<()>,
    ) {
        let read = stream.open().map_err(|e| e.to_string());
        if let Err(error) = read.and_then(|reader| with(reader).map_err(|e| e.to_string())) {
            self.add_gap(stream.name.clone(), error);
        }
    }

    /// Objects, configuration and manifests.
    fn known(&self, pieces: &mut Vec<Piece>) {
        let objects = &self.objects;
        let topology = &objects.topology;
        pieces.extend(objects.records.iter().cloned().map(Piece::Record));
        pieces.extend(
            topology
                .pods
                .iter()
                .cloned()
                .map(|p| Piece::Pod(Box::new(p))),
        );
        pieces.extend(topology.workloads.iter().cloned().map(Piece::Workload));
        pieces.extend(topology.nodes.iter().cloned().map(Piece::Node));
        pieces.extend(topology.endpoints.iter().cloned().map(Piece::Endpoint));
        pieces.extend(topology.claims.iter().cloned().map(Piece::Claim));
        pieces.extend(objects.hashrings.iter().cloned().map(Piece::Hashring));
        pieces.extend(objects.limits.iter().cloned().map(Piece::Limits));
        pieces.extend(self.manifests.iter().cloned().map(Piece::Manifest));
        if objects.dropped > 0 || objects.secrets > 0 {
            pieces.push(Piece::LeftOut {
                objects: objects.dropped,
                secrets: objects.secrets,
            });
        }
    }

    /// Takes in one piece of what was gathered elsewhere. Call [`Input::finish`] when all are in.
    pub fn take(&mut self, piece: Piece) {
        let topology = &mut self.objects.topology;
        match piece {
            Piece::Pod(_)
            | Piece::Workload(_)
            | Piece::Node(_)
            | Piece::Endpoint(_)
            | Piece::Claim(_)
                if topology.is_full() =>
            {
                self.objects.left_out();
            }
            Piece::Log(log) => {
                let known = |s: &Stream| s.alias == log.alias && s.name == log.name;
                if !self.streams.last().is_some_and(known) {
                    let blob = Blob::Bytes(Arc::default());
                    let stream = stream(log.name, log.alias, blob, &self.gaps);
                    self.streams.push(Stream {
                        loose: log.loose,
                        ..stream
                    });
                }
            }
            Piece::Scrape(text) => {
                let unix = text.unix;
                let stream = text.stream(&self.gaps);
                self.scrapes.push(Scrape { unix, stream });
            }
            Piece::Query(text) => {
                let unix = text.unix;
                let stream = text.stream(&self.gaps);
                self.queries.push(Query { unix, stream });
            }
            Piece::Record(record) => self.objects.push(record),
            Piece::Pod(pod) => topology.pods.push(*pod),
            Piece::Workload(workload) => topology.workloads.push(workload),
            Piece::Node(node) => topology.nodes.push(node),
            Piece::Endpoint(endpoint) => topology.endpoints.push(endpoint),
            Piece::Claim(claim) => topology.claims.push(claim),
            Piece::Hashring(file) => self.objects.add_config(file, true),
            Piece::Limits(file) => self.objects.add_config(file, false),
            Piece::Manifest(manifest) => self.manifests.push(manifest),
            Piece::Gap(gap) => self.gaps.add(gap.what, gap.why),
            Piece::LeftOut { objects, secrets } => {
                self.objects.dropped += objects;
                self.objects.secrets += secrets;
            }
        }
    }
}

impl Text {
    fn of(stream: &Stream, unix: Option<i64>, text: &[u8]) -> Self {
        Self {
            name: stream.name.clone(),
            origin: stream.origin.clone(),
            unix,
            text: String::from_utf8_lossy(text).into_owned(),
        }
    }

    fn stream(self, gaps: &super::gaps::Gaps) -> Stream {
        let blob = Blob::Bytes(self.text.into_bytes().into());
        stream(self.name, self.origin, blob, gaps)
    }
}

fn stream(name: String, origin: Origin, blob: Blob, gaps: &super::gaps::Gaps) -> Stream {
    Stream {
        alias: origin.clone(),
        origin,
        name,
        size: blob.len(),
        blob,
        codec: Codec::Plain,
        gaps: gaps.clone(),
        loose: None,
    }
}
