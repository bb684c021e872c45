//! The program begins anew between collecting and diagnosing: what fifty log streams took of memory goes
//! back to the system as a whole, and the diagnosis has all the room there is.

use std::ffi::OsString;
use std::os::unix::process::CommandExt as _;
use std::path::{Path, PathBuf};
use std::process::Command;

/// Names of temporary folders begin with it.
pub(crate) const SCRATCH: &str = "rdiag-";
/// The bundle that was collected.
const BUNDLE: &str = "RDIAG_ANEW_BUNDLE";
/// The temporary folder that goes when the program ends.
const FOLDER: &str = "RDIAG_ANEW_SCRATCH";

/// Removes its folder in the end.
pub(crate) struct Scratch(PathBuf);

impl Drop for Scratch {
    fn drop(&mut self) {
        // Only one of ours, whatever the environment says.
        let name = self.0.file_name().unwrap_or_default().to_string_lossy();
        if self.0.parent() == Some(Path::new(&std::env::temp_dir())) && name.starts_with(SCRATCH) {
            let _ = std::fs::remove_dir_all(&self.0);
        }
    }
}

/// What was collected before the program began anew, if it did.
pub(crate) fn collected() -> Option<(PathBuf, Scratch)> {
    let bundle = std::env::var_os(BUNDLE).filter(|v| !v.is_empty())?;
    let folder = std::env::var_os(FOLDER)?;
    Some((bundle.into(), Scratch(folder.into())))
}

/// Begins anew with the same arguments. Returns only where that cannot be; then this process goes on.
pub(crate) fn begin(bundle: PathBuf, scratch: tempfile::TempDir) -> (PathBuf, Scratch) {
    let scratch = Scratch(scratch.keep());
    let mut arguments = std::env::args_os();
    let name = arguments.next().unwrap_or_else(|| OsString::from("rdiag"));
    if let Ok(program) = std::env::current_exe() {
        let _cannot = Command::new(program)
            .arg0(name)
            .args(arguments)
            .env(BUNDLE, &bundle)
            .env(FOLDER, &scratch.0)
            .exec();
    }
    (bundle, scratch)
}
