//! Bytes per second of the pipeline's stages, on the logs of the fixtures repeated to 64 MB:
//! `cargo bench --bench pipeline` prints MB/s for tokenise, match and the whole engine.

#![allow(clippy::disallowed_methods, clippy::print_stdout, clippy::unwrap_used)]

use std::hint::black_box;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::Instant;

use rdiag::bundle::Input;
use rdiag::engine::{Engine, Options};
use rdiag::matcher::Matcher;
use rdiag::pack::Pack;
use rdiag::record::{self, Origin, Reader};

/// Bytes of the corpus.
const SIZE: usize = 64 << 20;

fn main() {
    let mut block = Vec::new();
    logs(Path::new("fixtures"), &mut block);
    let mut text = Vec::with_capacity(SIZE + block.len());
    while text.len() < SIZE {
        text.extend_from_slice(&block);
    }
    let pack = Arc::new(Pack::embedded().unwrap());
    let matcher = Matcher::new(&pack);
    time("tokenise", text.len(), || {
        each(&text, |record| {
            black_box(record.fields().len());
        });
    });
    time("match", text.len(), || {
        each(&text, |record| {
            matcher.scan(&pack, record, |hit| drop(black_box(hit)))
        });
    });
    let folder = tempfile::tempdir().unwrap();
    let file = folder.path().join("receive.log");
    std::fs::write(&file, &text).unwrap();
    let engine = Engine::new(pack);
    time("whole engine", text.len(), || {
        let input = Input::open(std::slice::from_ref(&file), None).unwrap();
        black_box(engine.run(&input, &Options::default()).unwrap());
    });
}

fn each(text: &[u8], mut look: impl FnMut(&record::Record<'_>)) {
    let mut reader = Reader::new(text, Origin::pod("receive"), record::Options::default());
    while let Some(record) = reader.next().unwrap() {
        look(&record);
    }
}

fn time(what: &str, bytes: usize, run: impl FnOnce()) {
    let start = Instant::now();
    run();
    let seconds = start.elapsed().as_secs_f64();
    println!("{what:<14} {:>7.0} MB/s", bytes as f64 / 1e6 / seconds);
}

/// All logs below a folder, in a fixed order.
fn logs(folder: &Path, out: &mut Vec<u8>) {
    let mut entries: Vec<PathBuf> = std::fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    entries.sort();
    for path in entries {
        if path.is_dir() {
            logs(&path, out);
        } else if path.extension().is_some_and(|e| e == "log") {
            out.extend_from_slice(&std::fs::read(path).unwrap());
        }
    }
}
