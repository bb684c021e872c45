//! A shard → one zstd frame of JSON lines.

use std::io::{self, Write};

use xxhash_rust::xxh64::Xxh64;

use super::lines::{Entry, Header, Line};
use super::{SCHEMA, Shard};
use crate::pack::Pack;
use crate::record::Source;

/// Level of zstd: summaries are written once and kept.
const LEVEL: i32 = 9;

impl Shard {
    /// The shard as one frame of a summary; the same shard gives the same bytes.
    ///
    /// # Errors
    /// When the packer fails, which it does for want of memory.
    pub fn encode(&self, pack: &Pack) -> io::Result<Vec<u8>> {
        let mut body = Vec::new();
        let mut lines = 0;
        let mut put = |line: &Line| -> io::Result<()> {
            lines += 1;
            serde_json::to_writer(&mut body, line)?;
            body.push(b'\n');
            Ok(())
        };
        let (mut records, mut bytes) = (0, 0);
        for (source, origin, seen) in self.ledger.coverage.iter() {
            if source == Source::Log {
                records = seen.records.saturating_add(records);
                bytes = seen.bytes.saturating_add(bytes);
            }
            put(&Line::Seen {
                source,
                origin: origin.clone(),
                seen: seen.clone(),
            })?;
        }
        for (ix, subject, evidence) in self.ledger.iter() {
            let entry = Entry::new(&pack[ix].id, subject, evidence);
            put(&Line::Evidence(Box::new(entry)))?;
        }
        for counted in self.ledger.novel.counted() {
            put(&Line::Novel(counted))?;
        }
        let (hits, novel) = (self.ledger.overflow, self.ledger.novel.overflow);
        if hits > 0 || novel > 0 {
            put(&Line::Overflow { hits, novel })?;
        }
        for piece in &self.pieces {
            put(&Line::Piece(piece.clone()))?;
        }
        let mut hash = Xxh64::new(0);
        hash.update(&body);
        let digest = format!("{:016x}", hash.digest());
        let header = Line::Shard(Header {
            schema: SCHEMA.to_owned(),
            id: self.id.clone().unwrap_or_else(|| digest.clone()),
            pack: pack.fingerprint(),
            records,
            bytes,
            lines,
            digest,
        });
        let mut packer = zstd::stream::Encoder::new(Vec::new(), LEVEL)?;
        serde_json::to_writer(&mut packer, &header)?;
        packer.write_all(b"\n")?;
        packer.write_all(&body)?;
        packer.finish()
    }
}
