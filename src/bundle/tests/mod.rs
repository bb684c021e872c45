//! Tests of `bundle`.

#![allow(clippy::unwrap_used)]

mod archives;
mod discovery;
mod flattening;
mod topology;
mod writing;

use std::fs;
use std::io::Read;
use std::path::{Path, PathBuf};

use tempfile::TempDir;

use super::{Input, ObjectRecord, Stream};

/// A folder with these files.
pub(super) fn tree(files: &[(&str, &str)]) -> TempDir {
    let dir = tempfile::tempdir().unwrap();
    for (name, text) in files {
        put(dir.path(), name, text.as_bytes());
    }
    dir
}

pub(super) fn put(root: &Path, name: &str, bytes: &[u8]) {
    let path = root.join(name);
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, bytes).unwrap();
}

pub(super) fn open(path: &Path) -> Input {
    Input::open(&[path.to_owned()], None).unwrap()
}

pub(super) fn open_all(paths: &[PathBuf]) -> Input {
    Input::open(paths, None).unwrap()
}

pub(super) fn piped(bytes: &[u8]) -> Input {
    let bytes = bytes.to_vec();
    Input::open(&[], Some(Box::new(std::io::Cursor::new(bytes)))).unwrap()
}

/// `namespace/pod/container` of a stream, `-` for what is not known, `(p)` for a previous life.
pub(super) fn whose(stream: &Stream) -> String {
    let origin = &stream.origin;
    format!(
        "{}/{}/{}{}",
        origin.namespace.as_deref().unwrap_or("-"),
        origin.pod,
        origin.container.as_deref().unwrap_or("-"),
        if origin.previous { "(p)" } else { "" }
    )
}

pub(super) fn all_whose(input: &Input) -> Vec<String> {
    input.streams.iter().map(whose).collect()
}

pub(super) fn text(stream: &Stream) -> String {
    let mut text = String::new();
    stream.open().unwrap().read_to_string(&mut text).unwrap();
    text
}

/// `what: why` of every gap.
pub(super) fn gaps(input: &Input) -> Vec<String> {
    let list = input.gaps();
    list.iter()
        .map(|g| format!("{}: {}", g.what, g.why))
        .collect()
}

pub(super) fn of_kind<'a>(input: &'a Input, kind: &str) -> Vec<&'a ObjectRecord> {
    let records = input.objects.records.iter();
    records.filter(|r| r.get("kind") == Some(kind)).collect()
}

pub(super) fn gz(bytes: &[u8]) -> Vec<u8> {
    use std::io::Write;
    let mut packer = flate2::write::GzEncoder::new(Vec::new(), flate2::Compression::fast());
    packer.write_all(bytes).unwrap();
    packer.finish().unwrap()
}

pub(super) fn zst(bytes: &[u8]) -> Vec<u8> {
    zstd::encode_all(bytes, 1).unwrap()
}

pub(super) fn tar(files: &[(&str, &[u8])]) -> Vec<u8> {
    let mut builder = tar::Builder::new(Vec::new());
    for (name, bytes) in files {
        let mut header = tar::Header::new_gnu();
        header.set_size(bytes.len() as u64);
        header.set_mode(0o600);
        builder.append_data(&mut header, name, *bytes).unwrap();
    }
    builder.into_inner().unwrap()
}
