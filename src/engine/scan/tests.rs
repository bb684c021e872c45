//! The fast way gives what the plain one gives.

#![allow(clippy::unwrap_used)]

use std::io::{self, Read};
use std::sync::atomic::{AtomicUsize, Ordering};
use std::sync::{Arc, LazyLock, Mutex};
use std::time::Duration;

use proptest::prelude::*;

use super::chunks::{Ahead, Chunks};
use super::piece::Scanner;
use crate::evidence::{Ledger, Resolver};
use crate::limits;
use crate::matcher::Matcher;
use crate::pack::Pack;
use crate::record::reader::Carry;
use crate::record::{Options, Origin, Reader};

static PACK: LazyLock<(Pack, Matcher)> = LazyLock::new(|| {
    let pack = Pack::embedded().unwrap();
    let matcher = Matcher::new(&pack);
    (pack, matcher)
});

static LINES: LazyLock<Vec<&'static str>> = LazyLock::new(|| {
    let texts = [
        include_str!("../../../benches/corpus/healthy.log"),
        include_str!("../../../benches/corpus/errors.log"),
        ODD,
    ];
    texts.iter().flat_map(|text| text.lines()).collect()
});

/// What is not one plain line.
const ODD: &str = "panic: runtime error: index out of range [5] with length 3

goroutine 1 [running]:
main.main()
\t/app/main.go:12 +0x1d
fatal error: concurrent map writes
2026-03-01T00:00:01.5Z stdout P ts=2026-03-01T00:00:01Z level=error err=\"no space left
2026-03-01T00:00:01.5Z stdout F  on device\" msg=x
2026-03-01T00:00:01.5Z stderr F ts=2026-03-01T00:00:01Z caller=a.go:1 level=warn msg=\"changing probe status\" status=not-ready
{\"ts\":\"2026-03-01T00:00:01Z\",\"level\":\"error\",\"msg\":\"internal server error\",\"err\":\"context deadline exceeded\"}
{\"log\":\"ts=2026-03-01T00:00:02Z level=error err=\\\"connection refused\\\"\\n\",\"stream\":\"stdout\",\"time\":\"2026-03-01T00:00:02Z\"}
ts=2026-03-01T00:00:01Z level=error msg=\"unclosed
ts=2026-03-01T00:00:01Z level=error word msg=stray
ts=nonsense level=info time=2026-03-01T00:00:01Z msg=\"write block\"
ts=2026-03-01T00:00:01Z level=info msg=\"write block\"\r
\u{1b}[31mts=2026-03-01T00:00:01Z level=error err=\"connection refused\" msg=x\u{1b}[0m
my-ns a-1 thanos-receive ts=2026-03-01T00:00:01Z level=info msg=\"write block\"
my-ns a-1 thanos-receive plain words of a-1
+ a-0 \u{203a} b
Out of memory: Killed process 12 (thanos)";

/// The plain way: every record is looked at, and every anchor looked for.
fn reference(bytes: &[u8], own: &Origin) -> Ledger {
    let (pack, matcher) = &*PACK;
    let (resolver, mut ledger) = (Resolver::default(), Ledger::default());
    let mut reader = Reader::new(bytes, own.clone(), Options::default());
    while let Some(record) = reader.next().unwrap() {
        ledger.coverage.add(&record);
        let mut known = false;
        matcher.scan(pack, &record, |hit| {
            known = true;
            ledger.add(hit, &record, &resolver);
        });
        if !known {
            ledger.novel.record(&record);
        }
    }
    ledger
}

/// Pieces of `size` bytes and the line they end in; every other one is guessed.
fn in_pieces(bytes: &[u8], own: &Origin, size: usize, guess: bool) -> Ledger {
    let (pack, matcher) = &*PACK;
    let resolver = Resolver::default();
    let ledger = Mutex::new(Ledger::default());
    let mut scanner = Scanner::new(pack, matcher, &resolver, &ledger);
    let (mut carry, mut rest) = (Carry::default(), bytes);
    while !rest.is_empty() {
        let from = size.min(rest.len()) - 1;
        let end = memchr::memchr(b'\n', &rest[from..]).map_or(rest.len(), |at| from + at + 1);
        let (piece, more) = rest.split_at(end);
        rest = more;
        (carry, _) = if guess && !piece.contains(&0x1b) {
            let guessed = scanner.guess(piece.to_vec(), own);
            scanner.confirm(guessed, own, carry)
        } else {
            scanner.read(piece.to_vec(), own, carry)
        };
    }
    scanner.end(own, carry);
    scanner.finish();
    ledger.into_inner().unwrap()
}

fn text(picks: &[(usize, usize)]) -> Vec<u8> {
    let mut text = Vec::new();
    for (line, prefix) in picks {
        let prefix = [
            "",
            "",
            "",
            "[pod/a-0/b] ",
            "[pod/a-1/b] ",
            "2026-03-01T00:00:03Z ",
        ][prefix % 6];
        text.extend_from_slice(prefix.as_bytes());
        text.extend_from_slice(LINES[line % LINES.len()].as_bytes());
        text.push(b'\n');
    }
    text
}

proptest! {
    #![proptest_config(ProptestConfig::with_cases(48))]

    #[test]
    fn pieces_give_what_the_plain_way_gives(
        picks in prop::collection::vec((0_usize..1000, 0_usize..6), 1..400),
        size in 1_usize..20_000,
    ) {
        let own = Origin::pod("a-0");
        // Repeats, so that lines are recognised.
        let once = text(&picks);
        let bytes = [once.as_slice(), &once, &once].concat();
        let expected = reference(&bytes, &own);
        prop_assert_eq!(&in_pieces(&bytes, &own, size, false), &expected);
        prop_assert_eq!(&in_pieces(&bytes, &own, size, true), &expected);
    }
}

#[test]
fn the_corpus_gives_what_the_plain_way_gives() {
    let own = Origin::pod("a-0");
    let all: Vec<(usize, usize)> = (0..LINES.len()).map(|n| (n, 0)).collect();
    let once = text(&all);
    let bytes = [once.as_slice(), &once, &once].concat();
    assert_eq!(in_pieces(&bytes, &own, 4096, true), reference(&bytes, &own));
}

/// Gives few bytes at a time.
struct Drip(Vec<u8>, usize);

impl Read for Drip {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        let len = buf.len().min(self.0.len() - self.1).min(70_001);
        buf[..len].copy_from_slice(&self.0[self.1..self.1 + len]);
        self.1 += len;
        Ok(len)
    }
}

#[test]
fn lines_longer_than_a_piece_are_cut_where_the_reader_cuts_them() {
    let long = vec![b'x'; 3 * limits::CHUNK_BYTES];
    let line = b"ts=2026-03-01T00:00:01Z level=info msg=\"write block\"\n";
    let bytes = [line.as_slice(), b"ts=", &long, b"\n", line, &long].concat();
    let own = Origin::pod("a-0");
    let (pack, matcher) = &*PACK;
    let resolver = Resolver::default();
    let ledger = Mutex::new(Ledger::default());
    let mut scanner = Scanner::new(pack, matcher, &resolver, &ledger);
    let mut chunks = Chunks::new(Box::new(Drip(bytes.clone(), 0)));
    let (mut carry, mut piece) = (Carry::default(), Vec::new());
    while chunks.next(&mut piece).unwrap() {
        (carry, piece) = scanner.read(std::mem::take(&mut piece), &own, carry);
    }
    scanner.end(&own, carry);
    scanner.finish();
    assert_eq!(ledger.into_inner().unwrap(), reference(&bytes, &own));
}

#[test]
fn more_than_a_thread_counts_at_once_is_no_less() {
    let own = Origin::pod("a-0");
    // Writers, kinds of evidence and forms of new lines, each beyond what a thread keeps.
    let mut text = String::new();
    for n in 0..=limits::TALLY_SLOTS / 2 {
        let line = "ts=2026-03-01T00:00:01Z level=error err=\"connection refused\"";
        text.push_str(&format!("[pod/r-{n}/c] {line}\n"));
    }
    for n in 0..=limits::TALLY_NOVEL {
        let letters = |n: usize| char::from(b'a' + u8::try_from(n % 16).unwrap());
        let word: String = [n, n / 16, n / 256].map(letters).iter().collect();
        text.push_str(&format!("level=error msg=\"odd {word} thing\"\n"));
    }
    let bytes = text.repeat(2).into_bytes();
    let expected = reference(&bytes, &own);
    assert!(expected.novel.forms() > limits::TALLY_NOVEL);
    assert!(expected.iter().count() > 0);
    assert_eq!(
        in_pieces(&bytes, &own, limits::CHUNK_BYTES, false),
        expected
    );
    assert_eq!(in_pieces(&bytes, &own, limits::CHUNK_BYTES, true), expected);
}

/// Never ends; counts what was asked for.
struct Endless(Arc<AtomicUsize>, Arc<AtomicUsize>);

impl Read for Endless {
    fn read(&mut self, buf: &mut [u8]) -> io::Result<usize> {
        buf.fill(b'x');
        self.0.fetch_add(buf.len(), Ordering::SeqCst);
        self.1.fetch_max(buf.len(), Ordering::SeqCst);
        Ok(buf.len())
    }
}

#[test]
fn a_stream_is_read_so_far_ahead_and_no_further() {
    let (read, longest) = (Arc::<AtomicUsize>::default(), Arc::<AtomicUsize>::default());
    let endless = Endless(Arc::clone(&read), Arc::clone(&longest));
    let mut ahead = Ahead::new(Box::new(endless));
    ahead.read_exact(&mut [0; 10]).unwrap();
    std::thread::sleep(Duration::from_millis(300));
    assert_eq!(longest.load(Ordering::SeqCst), limits::READ_BYTES);
    // One is being consumed, one waits for its place.
    let most = (limits::AHEAD_PIECES + 2) * limits::READ_BYTES;
    assert!(read.load(Ordering::SeqCst) <= most);
}
