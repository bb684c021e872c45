//! Compressed bytes → bytes, tolerant of what is cut short and guarded against what explodes.

use std::io::{self, Read};
use std::sync::Arc;
use std::sync::atomic::{AtomicU64, Ordering};

use super::gaps::Gaps;
use crate::limits;

/// How bytes are packed, told by their first bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Codec {
    /// Not at all.
    Plain,
    /// gzip, possibly of several members.
    Gzip,
    /// zstd, possibly of several frames.
    Zstd,
}

impl Codec {
    /// The codec whose magic number `head` starts with.
    pub(super) fn of(head: &[u8]) -> Self {
        match head {
            [0x1f, 0x8b, 8, ..] => Self::Gzip,
            [0x28, 0xb5, 0x2f, 0xfd, ..] | [0x50..=0x5f, 0x2a, 0x4d, 0x18, ..] => Self::Zstd,
            _ => Self::Plain,
        }
    }
}

/// Name of a packing that is recognised and not read, told by the first bytes.
pub(super) fn foreign(head: &[u8]) -> Option<&'static str> {
    match head {
        [0xfd, b'7', b'z', b'X', b'Z', 0, ..] => Some("xz"),
        [b'B', b'Z', b'h', b'1'..=b'9', 0x31, 0x41, ..] => Some("bzip2"),
        [b'P', b'K', 3 | 5, 4 | 6, ..] => Some("zip"),
        [b'7', b'z', 0xbc, 0xaf, 0x27, 0x1c, ..] => Some("7z"),
        [0x04, 0x22, 0x4d, 0x18, ..] => Some("lz4"),
        _ => None,
    }
}

/// Whether `head` starts with the header of a tar member: its checksum holds.
pub(super) fn is_tar(head: &[u8]) -> bool {
    let Some(header) = head.get(..512) else {
        return false;
    };
    let stored = header[148..156]
        .iter()
        .skip_while(|b| **b == b' ')
        .take_while(|b| b.is_ascii_digit())
        .fold(0_u32, |sum, b| {
            sum.wrapping_mul(8).wrapping_add(u32::from(b - b'0'))
        });
    let blanked = |(i, b): (usize, &u8)| {
        if (148..156).contains(&i) {
            32
        } else {
            u32::from(*b)
        }
    };
    let sum: u32 = header.iter().enumerate().map(blanked).sum();
    stored == sum
}

/// Unpacks `inner`. Damage, a cut-off end and a suspicious ratio end the stream early and become a
/// gap about `name`: what came before them is still evidence.
pub(super) fn unpacked(
    inner: Box<dyn Read + Send>,
    codec: Codec,
    name: &str,
    gaps: &Gaps,
) -> Box<dyn Read + Send> {
    let taken = Arc::new(AtomicU64::new(0));
    let counted = Counted {
        inner,
        taken: Arc::clone(&taken),
    };
    let decoder: Box<dyn Read + Send> = match codec {
        Codec::Plain => Box::new(counted),
        Codec::Gzip => Box::new(flate2::read::MultiGzDecoder::new(counted)),
        Codec::Zstd => match zstd_decoder(counted) {
            Ok(decoder) => decoder,
            Err(error) => {
                gaps.add(name, format!("zstd could not be started: {error}"));
                Box::new(io::empty())
            }
        },
    };
    Box::new(Tolerant {
        decoder,
        codec,
        taken,
        given: 0,
        ended: false,
        name: name.to_owned(),
        gaps: gaps.clone(),
    })
}

fn zstd_decoder(counted: Counted) -> io::Result<Box<dyn Read + Send>> {
    let mut decoder = zstd::stream::read::Decoder::new(counted)?;
    decoder.window_log_max(limits::ZSTD_WINDOW_LOG)?;
    Ok(Box::new(decoder))
}

/// Counts the packed bytes, for the ratio.
struct Counted {
    inner: Box<dyn Read + Send>,
    taken: Arc<AtomicU64>,
}

impl Read for Counted {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.inner.read(buf)?;
        self.taken.fetch_add(n as u64, Ordering::Relaxed);
        Ok(n)
    }
}

/// A reader that never fails: what goes wrong ends it and is noted.
struct Tolerant {
    decoder: Box<dyn Read + Send>,
    codec: Codec,
    taken: Arc<AtomicU64>,
    given: u64,
    ended: bool,
    name: String,
    gaps: Gaps,
}

impl Tolerant {
    fn explodes(&self) -> bool {
        let taken = self.taken.load(Ordering::Relaxed).max(1);
        self.codec != Codec::Plain
            && self.given > limits::ARCHIVE_RATIO_FLOOR
            && self.given / taken >= limits::ARCHIVE_RATIO
    }

    fn end(&mut self, why: String) -> usize {
        self.ended = true;
        self.gaps.add(self.name.as_str(), why);
        0
    }

    fn explain(&self, error: &io::Error) -> String {
        let what = match self.codec {
            Codec::Plain => "reading stopped",
            Codec::Gzip => "the gzip data is damaged or cut off",
            Codec::Zstd => "the zstd data is damaged or cut off",
        };
        format!("{what} ({error}); {} bytes were read", self.given)
    }
}

impl Read for Tolerant {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.ended {
            return Ok(0);
        }
        if self.explodes() {
            let why = format!(
                "unpacks to more than {} times its size; reading stopped after {} bytes",
                limits::ARCHIVE_RATIO,
                self.given
            );
            return Ok(self.end(why));
        }
        match self.decoder.read(buf) {
            Ok(n) => {
                self.given += n as u64;
                Ok(n)
            }
            Err(error) if error.kind() == io::ErrorKind::Interrupted => Err(error),
            Err(error) => {
                let why = self.explain(&error);
                Ok(self.end(why))
            }
        }
    }
}
