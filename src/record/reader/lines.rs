//! A byte stream, cut into lines.

use std::io::{self, Read};
use std::ops::Range;

use memchr::memchr;

use super::ansi;
use crate::limits;

/// Cuts a stream into lines, in one buffer that is read into in large pieces.
#[derive(Debug)]
pub(super) struct Lines<R> {
    stream: R,
    buffer: Vec<u8>,
    /// What is read and not yet given out.
    start: usize,
    end: usize,
    /// No line end lies between `start` and here.
    searched: usize,
    /// The rest of a line that was too long is being skipped.
    skipping: bool,
    /// Escape sequences may be between `start` and `end`.
    escapes: bool,
    ended: bool,
    /// Bytes read so far.
    pub(super) read: u64,
}

/// One line, by its place in the buffer; valid until the next is asked for.
#[derive(Debug)]
pub(super) struct Line {
    pub(super) range: Range<usize>,
    pub(super) truncated: bool,
}

const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";

impl<R: Read> Lines<R> {
    pub(super) fn new(stream: R) -> Self {
        Self {
            stream,
            buffer: vec![0; limits::LINE_BYTES + limits::READ_BYTES],
            start: 0,
            end: 0,
            searched: 0,
            skipping: false,
            escapes: false,
            ended: false,
            read: 0,
        }
    }

    /// Cuts bytes that are there already; they are a whole stream or end with a line.
    pub(super) fn of(stream: R, bytes: Vec<u8>) -> Self {
        Self {
            stream,
            start: 0,
            end: bytes.len(),
            searched: 0,
            skipping: false,
            escapes: memchr(ansi::ESC, &bytes).is_some(),
            ended: true,
            read: bytes.len() as u64,
            buffer: bytes,
        }
    }

    /// Gives the buffer back.
    pub(super) fn into_buffer(self) -> Vec<u8> {
        self.buffer
    }

    /// What is not yet given out, if lines need no cleaning.
    pub(super) fn rest(&self) -> Option<&[u8]> {
        (!self.escapes).then(|| &self.buffer[self.start..self.end])
    }

    /// Passes over so many bytes, up to the end of a line.
    pub(super) fn pass(&mut self, len: usize) {
        self.start = (self.start + len).min(self.end);
        self.searched = self.start;
    }

    /// The bytes of a line with its line end; nothing if it has none.
    pub(super) fn ended(&self, range: Range<usize>) -> &[u8] {
        let line = self.buffer.get(range).unwrap_or_default();
        if line.ends_with(b"\n") { line } else { &[] }
    }

    pub(super) fn bytes(&self, range: Range<usize>) -> &[u8] {
        &self.buffer[range]
    }

    /// The next line, without its line end, byte order mark and escape sequences.
    pub(super) fn next(&mut self) -> io::Result<Option<Line>> {
        loop {
            if let Some(at) = memchr(b'\n', &self.buffer[self.searched..self.end]) {
                let line = self.start..self.searched + at;
                self.start = line.end + 1;
                self.searched = self.start;
                if !std::mem::take(&mut self.skipping) {
                    return Ok(Some(self.clean(line)));
                }
                continue;
            }
            self.searched = self.end;
            if self.skipping {
                self.start = self.end;
            } else if self.end - self.start > limits::LINE_BYTES {
                let line = self.start..self.end;
                self.start = self.end;
                self.skipping = true;
                return Ok(Some(self.clean(line)));
            }
            if !self.fill()? {
                let line = self.start..self.end;
                self.start = self.end;
                let rest = !line.is_empty() && !self.skipping;
                return Ok(rest.then(|| self.clean(line)));
            }
        }
    }

    /// Reads a length of 8 bytes, as many bytes as it says, and a line end. What is more than a
    /// line may be is read over.
    pub(super) fn take_sized(&mut self, to: &mut Vec<u8>) -> io::Result<()> {
        let mut size = Vec::new();
        self.take_exactly(8, &mut size)?;
        let Some(size) = size.first_chunk() else {
            return Ok(());
        };
        self.take_exactly(u64::from_le_bytes(*size), to)?;
        self.take_exactly(1, &mut Vec::new())
    }

    fn take_exactly(&mut self, mut n: u64, to: &mut Vec<u8>) -> io::Result<()> {
        while n > 0 {
            if self.start == self.end && !self.fill()? {
                break;
            }
            let here = (self.end - self.start).min(usize::try_from(n).unwrap_or(usize::MAX));
            let room = limits::LINE_BYTES - to.len().min(limits::LINE_BYTES);
            to.extend_from_slice(&self.buffer[self.start..self.start + here.min(room)]);
            self.start += here;
            n -= here as u64;
        }
        self.searched = self.start;
        Ok(())
    }

    /// Reads on; false at the end of the stream.
    fn fill(&mut self) -> io::Result<bool> {
        if self.ended {
            return Ok(false);
        }
        if self.start == self.end {
            (self.start, self.end, self.searched) = (0, 0, 0);
            self.escapes = false;
        } else if self.buffer.len() - self.end < limits::READ_BYTES / 2 {
            self.buffer.copy_within(self.start..self.end, 0);
            self.end -= self.start;
            self.searched -= self.start;
            self.start = 0;
        }
        let got = loop {
            match self.stream.read(&mut self.buffer[self.end..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                got => break got?,
            }
        };
        let new = &self.buffer[self.end..self.end + got];
        self.escapes |= memchr(ansi::ESC, new).is_some();
        self.end += got;
        self.read += got as u64;
        self.ended = got == 0;
        Ok(!self.ended)
    }

    fn clean(&mut self, mut line: Range<usize>) -> Line {
        let truncated = line.len() > limits::LINE_BYTES;
        if truncated {
            line.end = line.start + limits::LINE_BYTES;
        }
        if self.buffer[line.clone()].starts_with(BYTE_ORDER_MARK) {
            line.start += BYTE_ORDER_MARK.len();
        }
        if self.escapes {
            line.end = line.start + ansi::strip(&mut self.buffer[line.clone()]);
        }
        if self.buffer[line.clone()].ends_with(b"\r") {
            line.end -= 1;
        }
        Line {
            range: line,
            truncated,
        }
    }
}
