//! Tests of `summary`.

#![allow(clippy::unwrap_used)]

use std::fs::File;
use std::io::{Seek, Write};
use std::path::PathBuf;

use super::lines::{Header, Line};
use super::{SCHEMA, Shard, Summaries, SummaryError};
use crate::evidence::{Ledger, Resolver};
use crate::limits;
use crate::matcher::Matcher;
use crate::pack::Pack;
use crate::record::{Origin, Record};

const LINES: &[&str] = &[
    "ts=2024-01-01T00:00:00Z caller=handler.go:1 level=error component=receive-handler \
     msg=\"internal server error\" err=\"store locally for endpoint a:10901: quorum not reached\"",
    "ts=2024-01-01T00:00:01Z caller=x.go:1 level=warn msg=\"a line nobody knows 17\"",
    "ts=2024-01-01T00:00:02Z caller=x.go:1 level=info msg=\"starting receiver\"",
];

fn scanned(pack: &Pack, pod: &str, lines: &[&str]) -> Ledger {
    let matcher = Matcher::new(pack);
    let origin = Origin::pod(pod);
    let mut ledger = Ledger::default();
    for line in lines {
        let record = Record::log(&origin, line.as_bytes());
        ledger.coverage.add(&record);
        let mut known = false;
        matcher.scan(pack, &record, |hit| {
            known = true;
            ledger.add(hit, &record, &Resolver::default());
        });
        if !known {
            ledger.novel.record(&record);
        }
    }
    ledger
}

fn shard(pack: &Pack, id: &str, pod: &str, lines: &[&str]) -> Vec<u8> {
    let shard = Shard {
        id: Some(id.to_owned()),
        ledger: scanned(pack, pod, lines),
        pieces: Vec::new(),
    };
    shard.encode(pack).unwrap()
}

fn open(texts: &[&[u8]]) -> Result<Summaries, SummaryError> {
    let files = texts.iter().enumerate().map(|(i, text)| {
        let mut file: File = tempfile::tempfile().unwrap();
        file.write_all(text).unwrap();
        file.rewind().unwrap();
        (PathBuf::from(format!("{i}.rdiag")), file)
    });
    Summaries::open(files.collect())
}

fn join(texts: &[&[u8]]) -> Vec<u8> {
    let mut out = Vec::new();
    open(texts).unwrap().join(&mut out).unwrap();
    out
}

#[test]
fn joining_is_a_union_of_shards() {
    let pack = Pack::embedded().unwrap();
    let a = shard(&pack, "a", "r-0", LINES);
    let b = shard(&pack, "b", "r-1", &LINES[..2]);
    let c = shard(&pack, "c", "r-2", &LINES[1..]);
    let all = join(&[&a, &b, &c]);
    assert_eq!(
        join(&[&c, &a, &b, &a]),
        all,
        "any order, any number of times"
    );
    let (ab, bc) = (join(&[&a, &b]), join(&[&b, &c]));
    assert_eq!(join(&[&ab, &bc]), all, "in any steps");
    assert_eq!(join(&[&all]), all);
    assert_eq!(join(&[&all, &all]), all, "again");
}

#[test]
fn what_was_counted_comes_back() {
    let pack = Pack::embedded().unwrap();
    let (ledger, _) = open(&[&shard(&pack, "a", "r-0", LINES)])
        .unwrap()
        .fold(&pack)
        .unwrap();
    assert_eq!(ledger, scanned(&pack, "r-0", LINES));
}

#[test]
fn of_one_shard_scanned_twice_the_fuller_one_counts() {
    let pack = Pack::embedded().unwrap();
    let early = shard(&pack, "a", "r-0", &LINES[..1]);
    let late = shard(&pack, "a", "r-0", LINES);
    assert_eq!(join(&[&early, &late]), late);
    assert_eq!(join(&[&late, &early]), late);
}

#[test]
fn what_is_no_summary_is_refused() {
    let pack = Pack::embedded().unwrap();
    let good = shard(&pack, "a", "r-0", LINES);
    let mut cut = good.clone();
    cut.truncate(good.len() / 2);
    let mut flipped = good.clone();
    let middle = flipped.len() / 2;
    flipped[middle] ^= 0x10;
    let other = zstd::encode_all(&b"{\"a\":1}\n"[..], 0).unwrap();
    for bad in [&b""[..], b"hello\n", &cut, &flipped, &other] {
        assert!(open(&[bad]).is_err());
    }
}

/// A frame with a true digest over `parts`, each so many times.
fn frame(pack: &str, id: &str, parts: &[(&[u8], usize)]) -> Vec<u8> {
    let mut hash = xxhash_rust::xxh64::Xxh64::new(0);
    let all = || {
        parts
            .iter()
            .flat_map(|(part, times)| std::iter::repeat_n(*part, *times))
    };
    all().for_each(|part| hash.update(part));
    let header = Line::Shard(Header {
        schema: SCHEMA.to_owned(),
        id: id.to_owned(),
        pack: pack.to_owned(),
        records: 0,
        bytes: 0,
        lines: 1,
        digest: format!("{:016x}", hash.digest()),
    });
    let mut packer = zstd::stream::Encoder::new(Vec::new(), 1).unwrap();
    serde_json::to_writer(&mut packer, &header).unwrap();
    packer.write_all(b"\n").unwrap();
    all().for_each(|part| packer.write_all(part).unwrap());
    packer.finish().unwrap()
}

#[test]
fn shards_and_lines_beyond_all_bounds_are_refused() {
    let pack = Pack::embedded().unwrap();
    let spaces = vec![b' '; 1 << 20];
    let (print, mib) = (pack.fingerprint(), |bytes: u64| {
        usize::try_from(bytes >> 20).unwrap()
    });
    let whole = frame(&print, "a", &[(&spaces, mib(limits::SUMMARY_SHARD_BYTES))]);
    let said = open(&[&whole]).unwrap_err().to_string();
    assert!(said.contains("larger than any shard can be"), "{said}");
    // One line: a string that does not end in time.
    let times = mib(limits::SUMMARY_LINE_BYTES);
    let parts: [(&[u8], usize); 3] = [(b"{\"novel\":\"", 1), (&spaces, times), (b"\"}\n", 1)];
    let long = frame(&print, "a", &parts);
    let said = open(&[&long]).unwrap().fold(&pack).unwrap_err().to_string();
    assert!(said.contains("a line is not one of a summary"), "{said}");
}

#[test]
fn too_many_shards_are_refused() {
    let mut text = Vec::new();
    for n in 0..=limits::SUMMARY_SHARDS {
        text.extend(frame("x", &n.to_string(), &[]));
    }
    assert!(matches!(open(&[&text]), Err(SummaryError::Many)));
}
