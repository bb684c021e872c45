//! Frames of summaries → their shards, each once.

use std::collections::BTreeMap;
use std::fs::File;
use std::io::{self, BufRead, BufReader, Read, Seek, SeekFrom, Write};
use std::path::{Path, PathBuf};

use xxhash_rust::xxh64::Xxh64;

use super::lines::{Header, Line};
use super::{SCHEMA, SummaryError};
use crate::bundle::Input;
use crate::evidence::Ledger;
use crate::limits;
use crate::pack::Pack;

/// Summaries that were opened: where the shards are, each once.
#[derive(Debug, Default)]
pub struct Summaries {
    files: Vec<(PathBuf, File)>,
    frames: BTreeMap<String, Frame>,
}

/// Where a shard is.
#[derive(Debug)]
struct Frame {
    header: Header,
    file: usize,
    start: u64,
    len: u64,
}

impl Summaries {
    /// Looks through the summaries in `files`. Of shards of one id the one that read most is taken; the
    /// digest decides between equal ones.
    ///
    /// # Errors
    /// When a file cannot be read, or is not a whole summary.
    pub fn open(files: Vec<(PathBuf, File)>) -> Result<Self, SummaryError> {
        let mut summaries = Self::default();
        for (path, file) in files {
            let number = summaries.files.len();
            let mut start = 0;
            let mut reader = BufReader::new(&file);
            loop {
                let at_end = reader
                    .fill_buf()
                    .map_err(|e| unreadable(&path, e))?
                    .is_empty();
                if at_end {
                    break;
                }
                let mut counted = Counted { reader, bytes: 0 };
                let header = look(&path, &mut counted)?;
                let len = counted.bytes;
                reader = counted.reader;
                summaries.add(Frame {
                    header,
                    file: number,
                    start,
                    len,
                })?;
                start += len;
            }
            if start == 0 {
                return Err(damaged(&path, "it is empty, and not a summary"));
            }
            drop(reader);
            summaries.files.push((path, file));
        }
        Ok(summaries)
    }

    fn add(&mut self, frame: Frame) -> Result<(), SummaryError> {
        let rank = |f: &Frame| {
            let h = &f.header;
            (h.bytes, h.records, h.digest.clone(), f.len)
        };
        let known = self.frames.get(&frame.header.id);
        if known.is_none_or(|known| rank(&frame) > rank(known)) {
            self.frames.insert(frame.header.id.clone(), frame);
        }
        if self.frames.len() > limits::SUMMARY_SHARDS {
            return Err(SummaryError::Many);
        }
        Ok(())
    }

    /// What the shards say of themselves, by id.
    pub fn headers(&self) -> impl Iterator<Item = &Header> {
        self.frames.values().map(|frame| &frame.header)
    }

    /// Writes all shards as one summary, in the order of their ids. They are copied as they are packed.
    ///
    /// # Errors
    /// Passes on those of the files and of `out`.
    pub fn join(&self, out: &mut dyn Write) -> io::Result<()> {
        for frame in self.frames.values() {
            let mut part = self.part(frame)?;
            io::copy(&mut part, out)?;
        }
        out.flush()
    }

    /// Puts all shards together: what the logs say, and everything else, as one look would have found
    /// it.
    ///
    /// # Errors
    /// When a file cannot be read any more, or a shard was scanned with another pack.
    pub fn fold(&self, pack: &Pack) -> Result<(Ledger, Input), SummaryError> {
        let ours = pack.fingerprint();
        let mut ledger = Ledger::default();
        let mut input = Input::default();
        for frame in self.frames.values() {
            if frame.header.pack != ours {
                return Err(SummaryError::Pack {
                    shard: frame.header.id.clone(),
                    theirs: frame.header.pack.clone(),
                    ours,
                });
            }
            let path = &self.files[frame.file].0;
            let part = self.part(frame).map_err(|e| unreadable(path, e))?;
            let mut lines = Lines::new(path, BufReader::new(part))?;
            while let Some(line) = lines.next()? {
                take(line, pack, &mut ledger, &mut input);
            }
        }
        Ok((ledger, input.finish()))
    }

    fn part(&self, frame: &Frame) -> io::Result<io::Take<&File>> {
        let mut file = &self.files[frame.file].1;
        file.seek(SeekFrom::Start(frame.start))?;
        Ok(file.take(frame.len))
    }
}

fn take(line: Line, pack: &Pack, ledger: &mut Ledger, input: &mut Input) {
    match line {
        Line::Seen {
            source,
            origin,
            seen,
        } => ledger.coverage.seen(source, &origin).join(&seen),
        Line::Evidence(entry) => {
            let signature = pack.signature(&entry.signature);
            let (subject, evidence) = entry.open();
            match signature {
                Some(ix) => ledger.put(ix, subject, evidence),
                // Not with a pack of that fingerprint.
                None => ledger.overflow = ledger.overflow.saturating_add(evidence.count),
            }
        }
        Line::Novel(counted) => ledger.novel.put_back(counted),
        Line::Overflow { hits, novel } => {
            ledger.overflow = ledger.overflow.saturating_add(hits);
            ledger.novel.overflow = ledger.novel.overflow.saturating_add(novel);
        }
        Line::Piece(piece) => input.take(piece),
        Line::Shard(_) => {}
    }
}

/// Reads one frame to its end; its header, when it is whole.
fn look(path: &Path, reader: &mut impl BufRead) -> Result<Header, SummaryError> {
    let mut unpacked = unpack(path, reader)?;
    let header = header(path, &mut unpacked)?;
    let (mut hash, mut chunk) = (Xxh64::new(0), vec![0; 64 * 1024]);
    loop {
        let n = unpacked.read(&mut chunk).map_err(|e| unreadable(path, e))?;
        if n == 0 {
            break;
        }
        hash.update(&chunk[..n]);
    }
    // The header counts too: what is left is what was not read.
    if unpacked.get_ref().limit() == 0 {
        return Err(damaged(path, "a shard is larger than any shard can be"));
    }
    if format!("{:016x}", hash.digest()) != header.digest {
        return Err(damaged(
            path,
            "a shard is damaged: it is not what its digest says",
        ));
    }
    Ok(header)
}

type Unpacked<R> = BufReader<io::Take<zstd::stream::read::Decoder<'static, R>>>;

fn unpack<R: BufRead>(path: &Path, reader: R) -> Result<Unpacked<R>, SummaryError> {
    let mut decoder =
        zstd::stream::read::Decoder::with_buffer(reader).map_err(|e| unreadable(path, e))?;
    decoder
        .window_log_max(limits::ZSTD_WINDOW_LOG)
        .map_err(|e| unreadable(path, e))?;
    let decoder = decoder.single_frame();
    Ok(BufReader::new(decoder.take(limits::SUMMARY_SHARD_BYTES)))
}

fn header(path: &Path, reader: &mut impl BufRead) -> Result<Header, SummaryError> {
    let mut text = Vec::new();
    let read = reader.take(64 * 1024).read_until(b'\n', &mut text);
    read.map_err(|_| damaged(path, "not a summary: it is not packed with zstd"))?;
    match serde_json::from_slice(&text) {
        Ok(Line::Shard(header)) if header.schema == SCHEMA => Ok(header),
        Ok(Line::Shard(header)) => {
            let what = format!("{} is another version; this is {SCHEMA}", header.schema);
            Err(damaged(path, &what))
        }
        _ => Err(damaged(
            path,
            "not a summary: its first line is not that of a shard",
        )),
    }
}

/// The lines of one frame.
struct Lines<'p, R: BufRead> {
    path: &'p Path,
    reader: Unpacked<R>,
    line: Vec<u8>,
}

impl<'p, R: BufRead> Lines<'p, R> {
    fn new(path: &'p Path, reader: R) -> Result<Self, SummaryError> {
        let mut reader = unpack(path, reader)?;
        header(path, &mut reader)?;
        Ok(Self {
            path,
            reader,
            line: Vec::new(),
        })
    }

    fn next(&mut self) -> Result<Option<Line>, SummaryError> {
        self.line.clear();
        let mut bounded = (&mut self.reader).take(limits::SUMMARY_LINE_BYTES);
        let n = bounded
            .read_until(b'\n', &mut self.line)
            .map_err(|e| unreadable(self.path, e))?;
        if n == 0 {
            return Ok(None);
        }
        serde_json::from_slice(&self.line)
            .map(Some)
            .map_err(|e| damaged(self.path, &format!("a line is not one of a summary: {e}")))
    }
}

/// Counts what is taken from a reader.
struct Counted<R> {
    reader: R,
    bytes: u64,
}

impl<R: BufRead> Read for Counted<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let n = self.reader.read(buf)?;
        self.bytes += n as u64;
        Ok(n)
    }
}

impl<R: BufRead> BufRead for Counted<R> {
    fn fill_buf(&mut self) -> io::Result<&[u8]> {
        self.reader.fill_buf()
    }

    fn consume(&mut self, amount: usize) {
        self.bytes += amount as u64;
        self.reader.consume(amount);
    }
}

fn unreadable(path: &Path, source: io::Error) -> SummaryError {
    SummaryError::Read {
        path: path.to_owned(),
        source,
    }
}

fn damaged(path: &Path, what: &str) -> SummaryError {
    SummaryError::Format {
        path: path.to_owned(),
        what: what.to_owned(),
    }
}
