//! Keeps a copy of a bundle that lies somewhere, without the credentials in it.

use std::fs::{self, File};
use std::io::{self, BufReader, BufWriter, Read, Seek as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;
use tempfile::TempDir;

use super::clock::Millis;
use super::source::{Fetched, SourceError};
use crate::collect::clean;
use crate::limits;

/// Alerts this far from the time of a bundle have nothing to do with it.
const SAME_TIME: Millis = 24 * 60 * 60 * 1000;

/// Keeps what lies at `path` as it is now, as one archive in `folder`. What is too large, or holds what
/// cannot be vouched for, is diagnosed where it lies and not kept.
pub(super) fn keep(
    path: &Path,
    alerts: &[u8],
    from: Millis,
    folder: &Path,
    redact: bool,
) -> Result<Fetched, SourceError> {
    match archive(path, alerts, from, folder, redact) {
        Ok((name, bytes)) => Ok(Fetched {
            path: folder.join(&name),
            kept: Some((name, bytes)),
        }),
        Err(error) if error.kind() == io::ErrorKind::Unsupported => {
            tracing::warn!(err = %error, "the bundle is not kept");
            Ok(Fetched {
                path: path.to_owned(),
                kept: None,
            })
        }
        Err(source) => Err(SourceError::Copy {
            path: path.to_owned(),
            source,
        }),
    }
}

/// Name and bytes of the archive.
fn archive(
    path: &Path,
    alerts: &[u8],
    from: Millis,
    folder: &Path,
    redact: bool,
) -> io::Result<(String, u64)> {
    // Removed again unless it is put in its place.
    let part = tempfile::Builder::new()
        .prefix(".part-")
        .tempfile_in(folder)?;
    let about = fs::metadata(path)?;
    let mut ending = ".tar.zst";
    let (bytes, hash) = if about.is_file() && !redact {
        ending = ending_of(path).ok_or_else(|| unsupported("it is no archive"))?;
        whole(path, about.len(), part.reopen()?)?
    } else {
        let aside = redact.then(|| TempDir::with_prefix_in(".clean-", folder));
        let mut packer = Packer::new(part.reopen()?, aside.transpose()?)?;
        if about.is_file() {
            packer.members(path)?;
        } else {
            packer.folder(path, Path::new(""), 0)?;
            // A bundle from another time is not to be mixed with alerts of today; files that begin
            // with a dot are kept but never read.
            let name = if is_near(path, from) {
                "alerts.json"
            } else {
                ".alerts.json"
            };
            packer.put(Path::new(name), alerts)?;
        }
        packer.finish()?
    };
    // The same content gets the same name, so that many looks at one bundle keep one copy.
    let name = format!("{hash:016x}{ending}");
    part.persist(folder.join(&name))
        .map_err(|error| error.error)?;
    Ok((name, bytes))
}

fn unsupported(why: &str) -> io::Error {
    io::Error::new(io::ErrorKind::Unsupported, why)
}

fn ending_of(path: &Path) -> Option<&'static str> {
    let name = path.file_name()?.to_string_lossy();
    [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"]
        .into_iter()
        .find(|ending| name.ends_with(ending))
}

/// An archive as it is.
fn whole(path: &Path, bytes: u64, to: File) -> io::Result<(u64, u64)> {
    if bytes > limits::KEPT_BUNDLE_BYTES {
        return Err(unsupported("it is too large"));
    }
    let mut copy = Hashed::new(to);
    io::copy(
        &mut File::open(path)?.take(limits::KEPT_BUNDLE_BYTES),
        &mut copy,
    )?;
    copy.finish()
}

/// Whether the bundle in `folder` was collected around `from`, as its manifest says.
fn is_near(folder: &Path, from: Millis) -> bool {
    #[derive(Deserialize)]
    struct When {
        collected_at: Option<String>,
    }
    let manifest = fs::read(folder.join("manifest.json")).unwrap_or_default();
    let when = serde_json::from_slice(&manifest)
        .ok()
        .and_then(|when: When| when.collected_at);
    let at: Option<jiff::Timestamp> = when.and_then(|when| when.parse().ok());
    at.is_some_and(|at| (at.as_millisecond() - from).abs() <= SAME_TIME)
}

/// Writes files as one compressed archive whose bytes depend on the content alone.
struct Packer {
    tar: tar::Builder<zstd::Encoder<'static, Hashed>>,
    left: u64,
    /// Where files are redacted before their length is known; none: they are taken as they are.
    aside: Option<TempDir>,
}

impl Packer {
    fn new(file: File, aside: Option<TempDir>) -> io::Result<Self> {
        let tar = tar::Builder::new(zstd::Encoder::new(Hashed::new(file), 3)?);
        Ok(Self {
            tar,
            left: limits::KEPT_BUNDLE_BYTES,
            aside,
        })
    }

    fn folder(&mut self, folder: &Path, below: &Path, depth: usize) -> io::Result<()> {
        let mut entries = fs::read_dir(folder)?.collect::<Result<Vec<_>, _>>()?;
        entries.sort_by_key(fs::DirEntry::file_name);
        for entry in entries {
            let (path, below) = (entry.path(), below.join(entry.file_name()));
            // Links could lead anywhere.
            let about = fs::symlink_metadata(&path)?;
            if about.is_dir() && depth < limits::BUNDLE_DEPTH {
                self.folder(&path, &below, depth + 1)?;
            } else if about.is_file() && below != Path::new("alerts.json") {
                self.file(&path, &below, about.len())?;
            }
        }
        Ok(())
    }

    /// The regular files of an archive.
    fn members(&mut self, path: &Path) -> io::Result<()> {
        ending_of(path).ok_or_else(|| unsupported("it is no archive"))?;
        let file = BufReader::new(File::open(path)?);
        let name = path.to_string_lossy();
        let plain: Box<dyn Read> = match () {
            () if name.ends_with("gz") => Box::new(flate2::bufread::MultiGzDecoder::new(file)),
            () if name.ends_with("zst") => Box::new(zstd::stream::Decoder::with_buffer(file)?),
            () => Box::new(file),
        };
        let mut archive = tar::Archive::new(plain);
        for (seen, entry) in archive.entries()?.enumerate() {
            let entry = entry?;
            if seen >= limits::ARCHIVE_ENTRIES || entry.size() > self.left {
                return Err(unsupported("it is too large"));
            }
            if !entry.header().entry_type().is_file() {
                continue;
            }
            let below: PathBuf = entry.path()?.into_owned();
            self.cleaned(entry, &below)?;
        }
        Ok(())
    }

    fn file(&mut self, path: &Path, below: &Path, bytes: u64) -> io::Result<()> {
        if self.aside.is_some() {
            return self.cleaned(File::open(path)?, below);
        }
        self.room(bytes)?;
        // The file may grow meanwhile; the header has said how long it is.
        let file = File::open(path)?.chain(io::repeat(b'\n')).take(bytes);
        self.tar.append_data(&mut header(bytes), below, file)
    }

    /// Adds what is read without its credentials; they change how long it is, so it is written aside first.
    fn cleaned(&mut self, from: impl Read, below: &Path) -> io::Result<()> {
        let aside = self.aside.as_ref().map_or(Path::new(""), TempDir::path);
        let name = below.file_name().unwrap_or(below.as_os_str());
        let (raw, clean) = (aside.join(name), aside.join(".clean"));
        io::copy(&mut from.take(self.left), &mut File::create(&raw)?)?;
        clean::file(&raw, &clean)?;
        let mut file = File::open(&clean)?;
        let bytes = file.seek(io::SeekFrom::End(0))?;
        file.rewind()?;
        self.room(bytes)?;
        self.tar.append_data(&mut header(bytes), below, file)
    }

    fn room(&mut self, bytes: u64) -> io::Result<()> {
        let left = self.left.checked_sub(bytes);
        self.left = left.ok_or_else(|| unsupported("it is too large"))?;
        Ok(())
    }

    fn put(&mut self, name: &Path, content: &[u8]) -> io::Result<()> {
        let mut header = header(content.len() as u64);
        self.tar.append_data(&mut header, name, content)
    }

    /// Bytes and hash of the archive.
    fn finish(self) -> io::Result<(u64, u64)> {
        self.tar.into_inner()?.finish()?.finish()
    }
}

fn header(bytes: u64) -> tar::Header {
    let mut header = tar::Header::new_gnu();
    header.set_size(bytes);
    header.set_mode(0o600);
    header
}

/// A file, and the hash of what is written to it.
struct Hashed {
    file: BufWriter<File>,
    hash: xxhash_rust::xxh64::Xxh64,
    bytes: u64,
}

impl Hashed {
    fn new(file: File) -> Self {
        Self {
            file: BufWriter::new(file),
            hash: xxhash_rust::xxh64::Xxh64::new(0),
            bytes: 0,
        }
    }

    /// Bytes written and their hash, once they are on disk.
    fn finish(mut self) -> io::Result<(u64, u64)> {
        self.file.flush()?;
        self.file.get_ref().sync_all()?;
        Ok((self.bytes, self.hash.digest()))
    }
}

impl io::Write for Hashed {
    fn write(&mut self, bytes: &[u8]) -> io::Result<usize> {
        let written = self.file.write(bytes)?;
        self.hash.update(&bytes[..written]);
        self.bytes += written as u64;
        Ok(written)
    }

    fn flush(&mut self) -> io::Result<()> {
        self.file.flush()
    }
}

#[cfg(test)]
mod tests {
    #![allow(clippy::unwrap_used)]

    use super::*;

    #[test]
    fn what_is_too_large_is_not_kept() {
        let folder = TempDir::new().unwrap();
        let archive = folder.path().join("large.tar");
        // A file of holes.
        File::create(&archive)
            .unwrap()
            .set_len(limits::KEPT_BUNDLE_BYTES + 1)
            .unwrap();
        let kept = keep(&archive, b"{}", 0, folder.path(), false).unwrap();
        assert_eq!((kept.path, kept.kept), (archive, None));
        let left: Vec<_> = fs::read_dir(folder.path()).unwrap().collect();
        assert_eq!(left.len(), 1, "{left:?}");
    }
}
