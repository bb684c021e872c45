//! JSON whose strings lost their end.
//!
//! Tools that cut long messages leave lines such as `"message": "Back-off pulling image`. No string
//! may span lines, so its end is put back; other control characters become spaces. Without this one
//! cut message would hide every object after it.

use std::io::{self, Read};

const CHUNK: usize = 32 * 1024;

/// Passes JSON on, repaired.
pub(super) struct Repair<R> {
    inner: R,
    out: Vec<u8>,
    given: usize,
    in_string: bool,
    escaped: bool,
    repairs: u64,
}

impl<R: Read> Repair<R> {
    pub(super) fn new(inner: R) -> Self {
        Self {
            inner,
            out: Vec::new(),
            given: 0,
            in_string: false,
            escaped: false,
            repairs: 0,
        }
    }

    /// How many characters had to be put right.
    pub(super) fn repairs(&self) -> u64 {
        self.repairs
    }

    fn push(&mut self, byte: u8) {
        if !self.in_string {
            self.in_string = byte == b'"';
            self.out.push(byte);
            return;
        }
        match byte {
            b'\n' => {
                self.repairs += 1;
                self.in_string = false;
                // A backslash before would swallow the quote.
                if self.escaped {
                    self.out.push(b'\\');
                }
                self.out.extend_from_slice(b"\"\n");
            }
            0..=0x1f => {
                self.repairs += 1;
                self.out.push(if self.escaped { b'\\' } else { b' ' });
            }
            _ => {
                self.in_string = self.escaped || byte != b'"';
                self.out.push(byte);
            }
        }
        self.escaped = self.in_string && byte == b'\\' && !self.escaped;
    }
}

impl<R: Read> Read for Repair<R> {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        if self.given == self.out.len() {
            let mut chunk = [0_u8; CHUNK];
            let n = self.inner.read(&mut chunk)?;
            self.out.clear();
            self.given = 0;
            chunk[..n].iter().for_each(|byte| self.push(*byte));
        }
        let left = &self.out[self.given..];
        let n = left.len().min(buf.len());
        buf[..n].copy_from_slice(&left[..n]);
        self.given += n;
        Ok(n)
    }
}
