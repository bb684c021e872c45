//! Cuts a log into pieces that end with a line.

use std::io::{self, Read};
use std::sync::mpsc::{Receiver, sync_channel};

use memchr::{memchr, memrchr};

use crate::limits;

/// Cuts a stream into pieces of whole lines.
pub(crate) struct Chunks {
    stream: Box<dyn Read + Send>,
    /// The start of a line whose end has not been read.
    rest: Vec<u8>,
    /// The line is too long: what is left of it is read over.
    skipping: bool,
    ended: bool,
}

impl Chunks {
    pub(crate) fn new(stream: Box<dyn Read + Send>) -> Self {
        Self {
            stream,
            rest: Vec::new(),
            skipping: false,
            ended: false,
        }
    }

    /// There is nothing behind the last piece.
    pub(crate) fn is_done(&self) -> bool {
        self.ended
    }

    /// All that is left, uncut.
    pub(crate) fn into_rest(self) -> impl Read + Send {
        io::Cursor::new(self.rest).chain(self.stream)
    }

    /// The next piece, in the buffer given; false behind the last one. A line that is longer than a
    /// piece is cut where the reader would cut it.
    ///
    /// # Errors
    /// Those of the stream, once what came before them was given out; nothing comes after them.
    pub(crate) fn next(&mut self, piece: &mut Vec<u8>) -> io::Result<bool> {
        if self.ended {
            piece.clear();
            return Ok(false);
        }
        let mut len = self.rest.len();
        piece.resize(limits::CHUNK_BYTES + limits::LINE_BYTES, 0);
        piece[..len].copy_from_slice(&self.rest);
        self.rest.clear();
        loop {
            let end = len.max(limits::CHUNK_BYTES) + limits::LINE_BYTES / 2;
            let end = end.min(piece.len());
            let got = match self.stream.read(&mut piece[len..end]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => continue,
                Err(error) => {
                    self.ended = true;
                    piece.clear();
                    return Err(error);
                }
                Ok(got) => got,
            };
            if got == 0 {
                self.ended = true;
                piece.truncate(len);
                return Ok(true);
            }
            let from = len;
            len += got;
            if self.skipping {
                let Some(at) = memchr(b'\n', &piece[from..len]) else {
                    len = from;
                    continue;
                };
                piece.copy_within(from + at + 1..len, from);
                len -= at + 1;
                self.skipping = false;
            }
            if len < limits::CHUNK_BYTES {
                continue;
            }
            match memrchr(b'\n', &piece[..len]) {
                Some(at) => {
                    self.rest.extend_from_slice(&piece[at + 1..len]);
                    piece.truncate(at + 1);
                }
                None => {
                    // One byte more than is kept says that the line was longer.
                    piece.truncate(limits::LINE_BYTES + 1);
                    piece.push(b'\n');
                    self.skipping = true;
                }
            }
            return Ok(true);
        }
    }
}

/// Reads a stream on a thread of its own, some way ahead, so that waiting for it and matching overlap.
pub(crate) struct Ahead {
    pieces: Receiver<io::Result<Vec<u8>>>,
    piece: Vec<u8>,
    at: usize,
}

impl Ahead {
    pub(crate) fn new(mut stream: Box<dyn Read + Send>) -> Self {
        let (send, pieces) = sync_channel(limits::AHEAD_PIECES);
        std::thread::spawn(move || {
            loop {
                let mut piece = vec![0; limits::READ_BYTES];
                let mut len = 0;
                let failed = loop {
                    match stream.read(&mut piece[len..]) {
                        Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                        Err(error) => break Some(error),
                        Ok(0) => break None,
                        Ok(got) => len += got,
                    }
                    // A pipe gives little at a time; what is there is enough to go on with.
                    if len >= piece.len() / 2 {
                        break None;
                    }
                };
                piece.truncate(len);
                if send.send(Ok(piece)).is_err() {
                    return;
                }
                if let Some(error) = failed {
                    let _ = send.send(Err(error));
                    return;
                }
                if len == 0 {
                    return;
                }
            }
        });
        Self {
            pieces,
            piece: Vec::new(),
            at: 0,
        }
    }
}

impl Read for Ahead {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        while self.at == self.piece.len() {
            match self.pieces.recv() {
                // The thread is gone: the stream has ended.
                Err(_) => return Ok(0),
                Ok(piece) => (self.piece, self.at) = (piece?, 0),
            }
            if self.piece.is_empty() {
                return Ok(0);
            }
        }
        let len = buf.len().min(self.piece.len() - self.at);
        buf[..len].copy_from_slice(&self.piece[self.at..self.at + len]);
        self.at += len;
        Ok(len)
    }
}
