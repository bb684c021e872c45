//! The lines of a summary.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use crate::bundle::Piece;
use crate::evidence::{Buckets, Evidence, Sample, Seen, Subject, Witness};
use crate::novelty::Counted;
use crate::pack::SubjectKind;
use crate::record::{Origin, Source, Time};

/// One line.
#[derive(Debug, Serialize, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Line {
    /// First line of a shard.
    Shard(Header),
    /// What was read of a stream.
    Seen {
        source: Source,
        origin: Origin,
        seen: Seen,
    },
    /// All hits of one signature on one subject.
    Evidence(Box<Entry>),
    /// A form of lines that no signature takes.
    Novel(Counted),
    /// What found no room.
    Overflow { hits: u64, novel: u64 },
    /// Anything that is not a line of a log.
    Piece(Piece),
}

/// What a shard says of itself.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub struct Header {
    /// [`super::SCHEMA`].
    pub schema: String,
    /// Id of the shard.
    pub id: String,
    /// [`crate::pack::Pack::fingerprint`] of the pack it was scanned with.
    pub pack: String,
    /// Records that were read.
    pub records: u64,
    /// Bytes that were read.
    pub bytes: u64,
    /// Lines that follow.
    pub lines: u64,
    /// XXH64 of the lines that follow, in hex.
    pub digest: String,
}

/// All hits of one signature on one subject.
#[derive(Debug, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) signature: String,
    kind: SubjectKind,
    name: Box<str>,
    count: u64,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    first: Option<Time>,
    #[serde(default, skip_serializing_if = "Option::is_none")]
    last: Option<Time>,
    samples: Vec<SampleLine>,
    by: Vec<(Origin, u64, Buckets)>,
    #[serde(default, skip_serializing_if = "BTreeMap::is_empty")]
    values: BTreeMap<String, Vec<String>>,
}

#[derive(Debug, Serialize, Deserialize)]
struct SampleLine {
    #[serde(default, skip_serializing_if = "Option::is_none")]
    time: Option<Time>,
    origin: Origin,
    line: Bytes,
}

/// Text where it is text; lines of logs need not be.
#[derive(Debug, Serialize, Deserialize)]
#[serde(untagged)]
enum Bytes {
    Text(String),
    Raw(Vec<u8>),
}

impl Entry {
    pub(super) fn new(signature: &str, subject: &Subject, evidence: &Evidence) -> Self {
        let samples = evidence.samples.iter().map(|s| SampleLine {
            time: s.time,
            origin: s.origin.clone(),
            line: match std::str::from_utf8(&s.line) {
                Ok(text) => Bytes::Text(text.to_owned()),
                Err(_) => Bytes::Raw(s.line.clone()),
            },
        });
        let by = evidence.witnesses.iter();
        Self {
            signature: signature.to_owned(),
            kind: subject.kind,
            name: subject.name.clone(),
            count: evidence.count,
            first: evidence.first,
            last: evidence.last,
            samples: samples.collect(),
            by: by
                .map(|(origin, w)| (origin.clone(), w.count, w.buckets.clone()))
                .collect(),
            values: evidence
                .values
                .iter()
                .map(|(name, all)| (name.clone(), all.clone()))
                .collect(),
        }
    }

    pub(super) fn open(self) -> (Subject, Evidence) {
        let subject = Subject::new(self.kind, &self.name);
        let samples = self.samples.into_iter().map(|s| Sample {
            time: s.time,
            origin: s.origin,
            line: match s.line {
                Bytes::Text(text) => text.into_bytes(),
                Bytes::Raw(bytes) => bytes,
            },
        });
        let by = self.by.into_iter();
        let evidence = Evidence {
            count: self.count,
            first: self.first,
            last: self.last,
            samples: samples.collect(),
            witnesses: by
                .map(|(origin, count, buckets)| (origin, Witness { count, buckets }))
                .collect(),
            values: self.values.into_iter().collect(),
        };
        (subject, evidence)
    }
}
