//! Files that are there whole or not at all.

use std::fs::{self, File, Permissions};
use std::io::{self, BufWriter, Write};
use std::os::unix::fs::PermissionsExt as _;
use std::path::Path;

/// Writes a file beside `path` and puts it in its place when all of it is on disk; one that was there keeps
/// its permissions, and its content until then; a new one gets `mode`. What is no file, such as `/dev/stdout`, is written to.
pub(crate) fn write(
    path: &Path,
    mode: u32,
    with: &mut dyn FnMut(&mut dyn Write) -> io::Result<()>,
) -> io::Result<()> {
    let there = fs::metadata(path).ok();
    if there.as_ref().is_some_and(|m| !m.is_file()) {
        let mut out = File::options().write(true).open(path)?;
        with(&mut out)?;
        return out.flush();
    }
    // A link stays one: what it points to is written.
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let folder = real.parent().filter(|p| !p.as_os_str().is_empty());
    let permissions = there.map_or_else(|| Permissions::from_mode(mode), |m| m.permissions());
    let file = tempfile::Builder::new()
        .prefix(".rdiag-")
        .permissions(permissions)
        .tempfile_in(folder.unwrap_or_else(|| Path::new(".")))?;
    let mut out = BufWriter::new(file);
    with(&mut out)?;
    let file = out.into_inner().map_err(io::IntoInnerError::into_error)?;
    file.as_file().sync_all()?;
    file.persist(&real).map_err(|e| e.error)?;
    Ok(())
}

/// [`write`], of bytes that are there already and that anyone may read.
pub(crate) fn bytes(path: &Path, bytes: &[u8]) -> io::Result<()> {
    write(path, 0o666, &mut |out| out.write_all(bytes))
}
