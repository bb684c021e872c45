//! Any number of threads finds what one reader finds that looks at every record.

#![allow(clippy::unwrap_used)]

use std::sync::Arc;

use super::*;
use crate::pack::Pack;
use crate::record::{Options, Reader};

/// Kinds of lines that go on over the end of a piece.
const ODD: &str = "panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.main()
\t/app/main.go:12 +0x1d
2026-03-01T00:00:01.5Z stdout P ts=2026-03-01T00:00:01Z level=error err=\"no space left
2026-03-01T00:00:01.5Z stdout F  on device\" msg=x
[pod/a-7/b] panic: x
[pod/a-8/b] ts=2026-03-01T00:00:01Z level=info msg=\"write block\"
my-ns a-1 thanos-receive ts=2026-03-01T00:00:01Z level=info msg=\"write block\"
my-ns a-1 thanos-receive plain words of a-1
";

fn text(shift: usize, bytes: usize) -> Vec<u8> {
    let healthy = include_str!("../../../../benches/corpus/healthy.log");
    let errors = include_str!("../../../../benches/corpus/errors.log");
    let mut text = Vec::new();
    for n in shift.. {
        let lines = [healthy, errors, ODD][n * 7 % 3].lines();
        for line in lines.skip(n * 13 % 11) {
            text.extend_from_slice(line.as_bytes());
            text.push(b'\n');
        }
        if text.len() > bytes {
            break;
        }
    }
    text
}

#[test]
fn any_number_of_threads_finds_the_same() {
    let folder = tempfile::tempdir().unwrap();
    for (n, bytes) in [1, 3 << 20, 100, 2 << 20].into_iter().enumerate() {
        std::fs::write(folder.path().join(format!("a-{n}.log")), text(n, bytes)).unwrap();
    }
    let engine = Engine::new(Arc::new(Pack::embedded().unwrap()));
    let resolver = Resolver::default();
    let input = Input::open(&[folder.path().to_owned()], None).unwrap();
    let mut expected = Ledger::default();
    for stream in &input.streams {
        let mut reader = Reader::new(
            stream.open().unwrap(),
            stream.alias.clone(),
            Options::default(),
        );
        while let Some(record) = reader.next().unwrap() {
            expected.coverage.add(&record);
            let mut known = false;
            engine.matcher.scan(&engine.pack, &record, |hit| {
                known = true;
                expected.add(hit, &record, &resolver);
            });
            if !known {
                expected.novel.record(&record);
            }
        }
    }
    for threads in [1, 2, 3, 7] {
        let found = scan(&engine, &input, &resolver, threads).unwrap();
        assert!(found == expected, "{threads} threads");
    }
}
