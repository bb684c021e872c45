//! Where bytes lie, and readers over them.

use std::fs::File;
use std::io::{self, Read, Write};
use std::os::unix::fs::FileExt;
use std::path::PathBuf;
use std::sync::{Arc, Mutex, PoisonError};

use serde::{Deserialize, Serialize};

use super::BundleError;
use super::gaps::Gaps;
use super::unpack::{Codec, unpacked};
use crate::record::Origin;

/// Bytes that tell a tar archive, and every magic number.
pub(super) const TAR_HEADER: usize = 512;

/// A log that has not been read yet.
#[derive(Debug)]
pub struct Stream {
    /// Whose log it is.
    pub origin: Origin,
    /// What it is called while it is read: whose log a loose file is, only all of them together
    /// tell. [`super::Input::name_of`] gives the name.
    pub alias: Origin,
    /// The file, as named below the path given; `stdin` for standard input.
    pub name: String,
    /// Its bytes, where they can be known without unpacking.
    pub size: Option<u64>,
    pub(super) blob: Blob,
    pub(super) codec: Codec,
    pub(super) gaps: Gaps,
    /// What tells the pod, of a log that nothing but its file's name names.
    pub(super) loose: Option<Loose>,
}

/// What is known of a log of which only the file's name tells the pod.
#[derive(Clone, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Serialize, Deserialize)]
pub(super) struct Loose {
    /// What its name says.
    pub(super) origin: Origin,
    /// Folders it lies in.
    pub(super) folders: Vec<String>,
    /// Its name says only "previous container".
    pub(super) bare_previous: bool,
}

impl Stream {
    /// A reader over the unpacked log. It does not fail once open: what is damaged or cut off ends
    /// it early and becomes a gap of the [`super::Input`].
    ///
    /// # Errors
    /// When the file can no longer be opened, or a stream that can be read once is read again.
    pub fn open(&self) -> Result<Box<dyn Read + Send>, BundleError> {
        let raw = self.blob.open(&self.name)?;
        Ok(unpacked(raw, self.codec, &self.name, &self.gaps))
    }

    /// A reader over `len` bytes from `start`, for logs that lie unpacked in a file; `None` for
    /// others. It lets several threads read one big log.
    ///
    /// # Errors
    /// When the file can no longer be opened.
    pub fn open_range(
        &self,
        start: u64,
        len: u64,
    ) -> Option<Result<Box<dyn Read + Send>, BundleError>> {
        if self.codec != Codec::Plain {
            return None;
        }
        let window = match self.blob.window()? {
            Ok(window) => window.part(start, len),
            Err(error) => return Some(Err(error)),
        };
        let boxed: Box<dyn Read + Send> = Box::new(window);
        Some(Ok(unpacked(boxed, Codec::Plain, &self.name, &self.gaps)))
    }

    /// Whether [`Stream::open_range`] works.
    #[must_use]
    pub fn is_seekable(&self) -> bool {
        self.codec == Codec::Plain && !matches!(self.blob, Blob::Once(_) | Blob::Bytes(_))
    }
}

/// Bytes that can be opened.
#[derive(Clone, Debug)]
pub(super) enum Blob {
    /// A file on disk.
    Path(PathBuf),
    /// Part of an open file: a member of an archive.
    Window(Window),
    /// Something that can be read once: standard input, a pipe.
    Once(Once),
    /// In memory.
    Bytes(Arc<[u8]>),
}

impl Blob {
    /// A reader over the raw bytes.
    pub(super) fn open(&self, name: &str) -> Result<Box<dyn Read + Send>, BundleError> {
        match self {
            Self::Path(path) => match File::open(path) {
                Ok(file) => Ok(Box::new(file)),
                Err(source) => Err(BundleError::Open {
                    path: path.clone(),
                    source,
                }),
            },
            Self::Window(window) => Ok(Box::new(window.clone())),
            Self::Bytes(bytes) => Ok(Box::new(io::Cursor::new(Arc::clone(bytes)))),
            Self::Once(once) => once.take().ok_or_else(|| BundleError::Spent {
                name: name.to_owned(),
            }),
        }
    }

    /// Length of the raw bytes, if it is known.
    pub(super) fn len(&self) -> Option<u64> {
        match self {
            Self::Path(path) => path.metadata().ok().map(|m| m.len()),
            Self::Window(window) => Some(window.end - window.at),
            Self::Bytes(bytes) => Some(bytes.len() as u64),
            Self::Once(_) => None,
        }
    }

    /// The same bytes as a window, if they lie in a file.
    pub(super) fn window(&self) -> Option<Result<Window, BundleError>> {
        match self {
            Self::Window(window) => Some(Ok(window.clone())),
            Self::Path(path) => {
                let opened = File::open(path).and_then(|file| {
                    let len = file.metadata()?.len();
                    Ok(Window::new(Arc::new(file), 0, len))
                });
                Some(opened.map_err(|source| BundleError::Open {
                    path: path.clone(),
                    source,
                }))
            }
            Self::Once(_) | Self::Bytes(_) => None,
        }
    }

    /// Up to `limit` of the raw bytes, without losing them.
    pub(super) fn peek(&self, name: &str, limit: usize) -> Result<Vec<u8>, BundleError> {
        if let Self::Once(once) = self {
            return Ok(once.peek(limit));
        }
        let mut head = Vec::new();
        let read = self.open(name)?.take(limit as u64).read_to_end(&mut head);
        match read {
            Ok(_) => Ok(head),
            Err(source) => Err(BundleError::Open {
                path: PathBuf::from(name),
                source,
            }),
        }
    }
}

/// Part of an open file, read by position so that clones do not disturb each other.
#[derive(Clone, Debug)]
pub(super) struct Window {
    file: Arc<File>,
    at: u64,
    end: u64,
}

impl Window {
    /// `len` bytes of `file` from `start`.
    pub(super) fn new(file: Arc<File>, start: u64, len: u64) -> Self {
        let end = start.saturating_add(len);
        Self {
            file,
            at: start,
            end,
        }
    }

    /// `len` bytes from `start`, cut to what there is.
    pub(super) fn part(&self, start: u64, len: u64) -> Self {
        let at = self.at.saturating_add(start).min(self.end);
        let end = at.saturating_add(len).min(self.end);
        Self {
            file: Arc::clone(&self.file),
            at,
            end,
        }
    }
}

impl Read for Window {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let left = usize::try_from(self.end - self.at).unwrap_or(usize::MAX);
        let want = left.min(buf.len());
        let n = self.file.read_at(&mut buf[..want], self.at)?;
        self.at += n as u64;
        Ok(n)
    }
}

/// A reader that can be had once, and peeked into before.
#[derive(Clone)]
pub(super) struct Once(Arc<Mutex<Option<Peeked>>>);

struct Peeked {
    head: Vec<u8>,
    rest: Box<dyn Read + Send>,
}

impl Once {
    pub(super) fn new(rest: Box<dyn Read + Send>) -> Self {
        let head = Vec::new();
        Self(Arc::new(Mutex::new(Some(Peeked { head, rest }))))
    }

    /// Up to `limit` of the first bytes. A small `limit` is given up at the end of a line, so that
    /// a live pipe is not held up.
    fn peek(&self, limit: usize) -> Vec<u8> {
        let mut slot = self.0.lock().unwrap_or_else(PoisonError::into_inner);
        let Some(peeked) = slot.as_mut() else {
            return Vec::new();
        };
        let mut chunk = [0_u8; 4096];
        let lines_do = limit <= TAR_HEADER;
        while peeked.head.len() < limit && !(lines_do && peeked.head.contains(&b'\n')) {
            match peeked.rest.read(&mut chunk) {
                Ok(0) => break,
                Ok(n) => peeked.head.extend_from_slice(&chunk[..n]),
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                // It shows again, and is noted, when the stream itself is read.
                Err(_) => break,
            }
        }
        peeked.head.clone()
    }

    fn take(&self) -> Option<Box<dyn Read + Send>> {
        let peeked = self
            .0
            .lock()
            .unwrap_or_else(PoisonError::into_inner)
            .take()?;
        Some(Box::new(io::Cursor::new(peeked.head).chain(peeked.rest)))
    }
}

impl std::fmt::Debug for Once {
    fn fmt(&self, f: &mut std::fmt::Formatter<'_>) -> std::fmt::Result {
        f.write_str("Once")
    }
}

/// A temporary file that archive members are unpacked into; it has no name and goes with the last
/// window into it.
#[derive(Debug, Default)]
pub(super) struct Spool {
    file: Option<Arc<File>>,
    at: u64,
}

impl Spool {
    /// Copies up to `limit` bytes of `reader` to the end of the file. `Ok` says how many came, and
    /// whether there were more.
    pub(super) fn copy(
        &mut self,
        reader: &mut dyn Read,
        limit: u64,
    ) -> Result<(Window, bool), BundleError> {
        let file = match &self.file {
            Some(file) => Arc::clone(file),
            None => {
                let made = Arc::new(tempfile::tempfile().map_err(BundleError::Spool)?);
                self.file = Some(Arc::clone(&made));
                made
            }
        };
        let start = self.at;
        let copied = io::copy(&mut reader.take(limit), &mut &*file).map_err(BundleError::Spool)?;
        (&*file).flush().map_err(BundleError::Spool)?;
        self.at += copied;
        let more = copied == limit && reader.read(&mut [0]).unwrap_or(0) > 0;
        Ok((Window::new(file, start, copied), more))
    }

    /// Bytes spooled so far.
    pub(super) fn len(&self) -> u64 {
        self.at
    }
}
