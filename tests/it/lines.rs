//! Odd and hostile lines: `fixtures/lines/NAME.txt` → what is read of them, in `NAME.expected`.

use std::fmt::Write as _;
use std::fs;
use std::path::{Path, PathBuf};

use rdiag::record::{Options, Origin, Reader};

#[test]
fn odd_lines_are_read_as_expected() {
    let folder = Path::new(env!("CARGO_MANIFEST_DIR")).join("fixtures/lines");
    let mut files: Vec<PathBuf> = fs::read_dir(folder)
        .unwrap()
        .map(|e| e.unwrap().path())
        .collect();
    files.retain(|f| f.extension().is_some_and(|e| e == "txt"));
    files.sort();
    assert!(!files.is_empty());
    for file in files {
        let found = read(&fs::read(&file).unwrap());
        let expected = file.with_extension("expected");
        if std::env::var_os("UPDATE_EXPECT").is_some_and(|v| v == "1") {
            fs::write(&expected, &found).unwrap();
        }
        let expected = fs::read_to_string(&expected).unwrap_or_default();
        assert_eq!(
            found,
            expected,
            "{}: UPDATE_EXPECT=1 cargo test writes it anew",
            file.display()
        );
    }
}

/// One block per record: what it is, then its fields.
fn read(bytes: &[u8]) -> String {
    let options = Options { year: Some(2026) };
    let mut reader = Reader::new(bytes, Origin::pod("own"), options);
    let mut all = String::new();
    while let Some(record) = reader.next().unwrap() {
        let issues: Vec<_> = record.issues().iter().collect();
        let _ = writeln!(
            all,
            "{:?} of {} level {:?} at {:?} issues {issues:?}",
            record.format(),
            record.origin,
            record.level,
            record.time.map(|t| t.0),
        );
        let _ = writeln!(all, "    = {}", record.body.escape_ascii());
        for (key, value) in record.fields().iter() {
            let _ = writeln!(all, "    {} = {}", key.escape_ascii(), value.escape_ascii());
        }
    }
    all
}
