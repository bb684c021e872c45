//! `logs.txt` of `kubectl cluster-info dump`: the logs of all containers of a pod in one file.

use std::io::Read;

use super::stream::Window;
use crate::limits;

const START: &[u8] = b"==== START logs for container ";
const END: &[u8] = b"==== END logs for container ";
const CHUNK: usize = 64 * 1024;

/// One container's part of the file.
#[derive(Debug, PartialEq, Eq)]
pub(super) struct Section {
    /// Container.
    pub(super) container: String,
    /// First byte of its log.
    pub(super) start: u64,
    /// Its length.
    pub(super) len: u64,
}

/// The parts of the file; empty when it has no such marks.
pub(super) fn sections(window: &Window) -> Vec<Section> {
    let mut found: Vec<Section> = Vec::new();
    let mut open: Option<(String, u64)> = None;
    for (at, line) in marks(window) {
        let text = String::from_utf8_lossy(&line);
        let after = at + line.len() as u64 + 1;
        let close = |(container, start): (String, u64)| Section {
            container,
            start,
            len: at.saturating_sub(start),
        };
        found.extend(open.take().map(close));
        if let Some(name) = text
            .strip_prefix("==== START logs for container ")
            .and_then(|rest| rest.split(" of pod ").next())
        {
            open = Some((name.to_owned(), after));
        }
        if found.len() >= limits::DUMP_SECTIONS {
            break;
        }
    }
    found.extend(open.map(|(container, start)| Section {
        container,
        start,
        len: u64::MAX,
    }));
    found
}

/// Lines that start or end a section, with their place.
fn marks(window: &Window) -> Vec<(u64, Vec<u8>)> {
    let mut reader = window.clone();
    let mut found = Vec::new();
    let mut buffer: Vec<u8> = Vec::with_capacity(2 * CHUNK);
    let mut base = 0_u64;
    let mut chunk = vec![0_u8; CHUNK];
    let finder = memchr::memmem::Finder::new(b"==== ");
    loop {
        let n = reader.read(&mut chunk).unwrap_or(0);
        buffer.extend_from_slice(&chunk[..n]);
        let last = n == 0;
        // The end of a mark may not be here yet; marks are short.
        let keep = if last { 0 } else { buffer.len().min(1024) };
        let settled = buffer.len() - keep;
        for at in finder.find_iter(&buffer) {
            if at >= settled {
                break;
            }
            let starts_line = at == 0 && base == 0 || at > 0 && buffer[at - 1] == b'\n';
            let line = buffer[at..].split(|b| *b == b'\n').next().unwrap_or(&[]);
            let is_mark = line.starts_with(START) || line.starts_with(END);
            if starts_line && is_mark && found.len() < 2 * limits::DUMP_SECTIONS {
                found.push((base + at as u64, line.to_vec()));
            }
        }
        if last {
            return found;
        }
        // One byte before is kept, to see whether a line starts.
        let cut = settled.saturating_sub(1);
        buffer.drain(..cut);
        base += cut as u64;
    }
}
