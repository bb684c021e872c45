//! Room in SQLite's log before it is needed.
//!
//! A commit that makes a file longer has to wait until the file system has written down where the new blocks are, and
//! on ext4 for what other programs have just written as well. One that overwrites blocks waits for these alone.
//! SQLite reads its log up to the first frame that is not whole, so zeros behind it say nothing.

use std::fs::{File, OpenOptions};
use std::io::{self, Seek as _, SeekFrom, Write as _};
use std::path::Path;

/// Zeros written at once.
const PIECE: usize = 1024 * 1024;

/// Makes the log at least `bytes` long. Where that cannot be it stays as it was, and grows as it is needed.
pub(super) fn make(log: &Path, bytes: u64) {
    let Ok(file) = OpenOptions::new().write(true).open(log) else {
        return;
    };
    let Ok(before) = file.metadata().map(|about| about.len()) else {
        return;
    };
    if before < bytes && extend(&file, before, bytes).is_err() {
        // What little room there is belongs to alerts.
        let _ = file.set_len(before);
    }
}

fn extend(mut file: &File, from: u64, until: u64) -> io::Result<()> {
    let zeros = vec![0; PIECE];
    file.seek(SeekFrom::Start(from))?;
    let mut left = until - from;
    while left > 0 {
        let piece = usize::try_from(left).unwrap_or(PIECE).min(PIECE);
        file.write_all(&zeros[..piece])?;
        left -= piece as u64;
    }
    file.sync_all()
}
