//! Where a look gets its bundle from.

use std::fs::{self, File};
use std::io::{self, BufWriter, Read as _, Write as _};
use std::path::{Path, PathBuf};

use serde::Deserialize;

use super::clock::{self, Millis};
use super::look::Look;
use crate::limits;

/// Where bundles come from.
#[derive(Clone, Debug, PartialEq, Eq)]
pub enum Source {
    /// The cluster of the pod rdiag runs in, or of the current context.
    Cluster,
    /// A bundle that lies there: a folder, or an archive of one.
    Bundle(PathBuf),
    /// Logs from Loki at this address.
    Loki(String),
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
    /// From `cluster`, `bundle:PATH` or `loki:URL`.
    ///
    /// # Errors
    /// When it is none of these.
    pub fn parse(text: &str) -> Result<Self, String> {
        match text.split_once(':') {
            None if text == "cluster" => Ok(Self::Cluster),
            Some(("bundle", path)) if !path.is_empty() => Ok(Self::Bundle(path.into())),
            Some(("loki", url)) if url.starts_with("http://") || url.starts_with("https://") => {
                Ok(Self::Loki(url.trim_end_matches('/').to_owned()))
            }
            _ => Err(format!("{text:?} is not cluster, bundle:PATH or loki:URL")),
        }
    }

    /// What it is, for the status page; no credentials of an address are shown.
    #[must_use]
    pub fn describe(&self) -> String {
        match self {
            Self::Cluster => "the cluster's API".to_owned(),
            Self::Bundle(path) => format!("the bundle at {}", path.display()),
            Self::Loki(url) => format!(
                "Loki at {}",
                url.rsplit_once('@').map_or(url.as_str(), |(_, host)| host)
            ),
        }
    }

    /// Whether looking again later can show anything new.
    #[must_use]
    pub fn changes(&self) -> bool {
        !matches!(self, Self::Bundle(_))
    }

    /// Puts a bundle into `folder`. `alerts` is the payload that made us look.
    ///
    /// # Errors
    /// When there is nothing to look at.
    pub async fn fetch(
        &self,
        look: &Look,
        alerts: Vec<u8>,
        folder: &Path,
    ) -> Result<Fetched, SourceError> {
        match self {
            Self::Bundle(path) => {
                let (path, folder, from) = (path.clone(), folder.to_owned(), look.from);
                let copied =
                    tokio::task::spawn_blocking(move || copy(&path, &alerts, from, &folder));
                copied.await.unwrap_or_else(|_| {
                    Err(SourceError::Unusable("the copy was interrupted".to_owned()))
                })
            }
            Self::Cluster => super::cluster::fetch(look, alerts, folder).await,
            Self::Loki(url) => super::loki::fetch(url, look, alerts, folder).await,
        }
    }
}

/// Alerts this far from the time of a bundle have nothing to do with it.
const SAME_TIME: Millis = 24 * 60 * 60 * 1000;

/// Keeps what lies at `path` as it is now, as one archive.
fn copy(path: &Path, alerts: &[u8], from: Millis, folder: &Path) -> Result<Fetched, SourceError> {
    let failed = |at: &Path| {
        let at = at.to_owned();
        move |source| SourceError::Copy { path: at, source }
    };
    let about = fs::metadata(path).map_err(failed(path))?;
    if about.is_file() {
        return copy_archive(path, about.len(), folder).map_err(failed(path));
    }
    let part = folder.join(format!(".{}.part", clock::now()));
    let file = File::create(&part).map_err(failed(&part))?;
    let mut packer = Packer::new(file).map_err(failed(&part))?;
    let result = packer.folder(path, Path::new(""), 0).and_then(|()| {
        // A bundle from another time is not to be mixed with alerts of today; files that begin
        // with a dot are kept but never read.
        let name = if is_near(path, from) {
            "alerts.json"
        } else {
            ".alerts.json"
        };
        packer.put(Path::new(name), alerts)
    });
    let finished = result.and_then(|()| packer.finish());
    let (bytes, hash) = match finished {
        Ok(finished) => finished,
        Err(source) => {
            let _ = fs::remove_file(&part);
            return Err(SourceError::Copy {
                path: path.to_owned(),
                source,
            });
        }
    };
    // The same content gets the same name, so that many looks at one bundle keep one copy.
    let name = format!("{hash:016x}.tar.zst");
    let kept = folder.join(&name);
    fs::rename(&part, &kept).map_err(failed(&kept))?;
    Ok(Fetched {
        path: kept,
        kept: Some((name, bytes)),
    })
}

/// Keeps an archive as it is, unless it is too large to.
fn copy_archive(path: &Path, bytes: u64, folder: &Path) -> io::Result<Fetched> {
    let name = path
        .file_name()
        .map(|name| name.to_string_lossy().into_owned())
        .unwrap_or_default();
    let ending = [".tar", ".tar.gz", ".tgz", ".tar.zst", ".tzst"]
        .into_iter()
        .find(|e| name.ends_with(e));
    let Some(ending) = ending.filter(|_| bytes <= limits::KEPT_BUNDLE_BYTES) else {
        return Ok(Fetched {
            path: path.to_owned(),
            kept: None,
        });
    };
    let part = folder.join(format!(".{}.part", clock::now()));
    let mut copy = Hashed::new(File::create(&part)?);
    io::copy(
        &mut File::open(path)?.take(limits::KEPT_BUNDLE_BYTES),
        &mut copy,
    )?;
    let (bytes, hash) = copy.finish()?;
    let name = format!("{hash:016x}{ending}");
    let kept = folder.join(&name);
    fs::rename(&part, &kept)?;
    Ok(Fetched {
        path: kept,
        kept: Some((name, bytes)),
    })
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

/// Writes a folder as one compressed archive whose bytes depend on the content alone.
struct Packer {
    tar: tar::Builder<zstd::Encoder<'static, Hashed>>,
    left: u64,
}

impl Packer {
    fn new(file: File) -> io::Result<Self> {
        let tar = tar::Builder::new(zstd::Encoder::new(Hashed::new(file), 3)?);
        Ok(Self {
            tar,
            left: limits::KEPT_BUNDLE_BYTES,
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

    fn file(&mut self, path: &Path, below: &Path, bytes: u64) -> io::Result<()> {
        self.left = self
            .left
            .checked_sub(bytes)
            .ok_or_else(|| io::Error::other("the bundle is too large"))?;
        // The file may grow meanwhile; the header has said how long it is.
        let file = File::open(path)?.chain(io::repeat(b'\n')).take(bytes);
        self.tar.append_data(&mut header(bytes), below, file)
    }

    fn put(&mut self, name: &Path, content: &[u8]) -> io::Result<()> {
        self.tar
            .append_data(&mut header(content.len() as u64), name, content)
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
