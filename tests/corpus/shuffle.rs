//! The same bytes out, however a bundle is read: files and records in any order, cut into shards,
//! bytes arriving in pieces, any number of threads.

use std::fs;
use std::io::{self, Read};
use std::path::{Path, PathBuf};
use std::sync::OnceLock;

use rdiag::bundle::{Input, Stream};
use rdiag::evidence::{Ledger, Resolver};
use rdiag::matcher::Matcher;
use rdiag::pack::Pack;
use rdiag::record::{Options, Reader, Record};
use rdiag::report::model::Report;
use rdiag::report::{Format, Style, render};
use serde_json::Value;

use crate::bundles::{Case, diagnose, differs, engine};

/// Shards that records are dealt into.
const SHARDS: usize = 3;

pub(crate) fn same(case: &Case) -> Result<(), String> {
    let mut dice = Dice::new(&case.name);
    evidence(case, &mut dice)?;
    let expected = &case.seen()?.report;
    let shuffled = diagnose(&[case.bundle()], 2, |input| {
        let mut dice = Dice::new("files");
        dice.shuffle(&mut input.streams);
        dice.shuffle(&mut input.scrapes);
        dice.shuffle(&mut input.queries);
        dice.shuffle(&mut input.objects.records);
    })?;
    equal(
        "with files in another order, on two threads",
        expected,
        &shuffled.report,
    )?;
    let dealt = Dealt::new(&case.bundle(), &mut dice)
        .map_err(|e| format!("dealing out the records: {e}"))?;
    let mut again = diagnose(&dealt.paths, 4, |input| {
        Dice::new("streams").shuffle(&mut input.streams)
    })?
    .report;
    // With two paths given, gaps say in which of them a file lies.
    for gap in &mut again.coverage.gaps {
        gap.what = gap.what.trim_start_matches("a/").to_owned();
    }
    equal(
        "with records shuffled and dealt into shards, on four threads",
        expected,
        &again,
    )
}

/// Two reports in all they say: the value itself, and the text.
pub(crate) fn equal(how: &str, expected: &Report, found: &Report) -> Result<(), String> {
    for format in [Format::Text, Format::Json] {
        let style = Style {
            verbose: 1,
            ..Style::default()
        };
        let texts = [expected, found].map(|report| render(report, format, style));
        differs(
            &format!("{how}, the {} report", format.name()),
            &texts[0],
            &texts[1],
        )?;
    }
    Ok(())
}

/// What the logs say is one ledger, whether their bytes come at once or in pieces, and whether their
/// records are taken one after another or dealt into shards.
fn evidence(case: &Case, dice: &mut Dice) -> Result<(), String> {
    let input = Input::open(&[case.bundle()], None).map_err(|e| e.to_string())?;
    let resolver = Resolver::default();
    for stream in &input.streams {
        let mut whole = Ledger::default();
        let mut shards = vec![Ledger::default(); SHARDS];
        let mut pieces = Ledger::default();
        each(stream, usize::MAX, dice, |record, dice| {
            take(&mut whole, record, &resolver);
            take(&mut shards[dice.below(SHARDS)], record, &resolver);
        })?;
        each(stream, 700, dice, |record, _| {
            take(&mut pieces, record, &resolver)
        })?;
        let mut merged = Ledger::default();
        shards
            .into_iter()
            .rev()
            .for_each(|shard| merged.merge(shard));
        for (how, other) in [("in pieces", &pieces), ("in shards", &merged)] {
            let (a, b) = (format!("{whole:#?}"), format!("{other:#?}"));
            differs(&format!("{}: the ledger of it {how}", stream.name), &a, &b)?;
        }
    }
    Ok(())
}

/// Hands every record of `stream` to `sink`; its bytes come at most `most` at a time.
fn each(
    stream: &Stream,
    most: usize,
    dice: &mut Dice,
    mut sink: impl FnMut(&Record<'_>, &mut Dice),
) -> Result<(), String> {
    let pieces = Pieces {
        bytes: stream.open().map_err(|e| e.to_string())?,
        most,
        dice: dice.fork(),
    };
    let mut reader = Reader::new(pieces, stream.origin.clone(), Options::default());
    while let Some(record) = reader.next().map_err(|e| e.to_string())? {
        sink(&record, dice);
    }
    Ok(())
}

fn take(ledger: &mut Ledger, record: &Record<'_>, resolver: &Resolver) {
    static MATCHER: OnceLock<Matcher> = OnceLock::new();
    let pack: &Pack = engine().pack();
    ledger.coverage.add(record);
    MATCHER
        .get_or_init(|| Matcher::new(pack))
        .scan(pack, record, |hit| ledger.add(hit, record, resolver));
}

/// Bytes that come in pieces of a few.
struct Pieces<R> {
    bytes: R,
    most: usize,
    dice: Dice,
}

impl<R: Read> Read for Pieces<R> {
    fn read(&mut self, buffer: &mut [u8]) -> io::Result<usize> {
        let most = 1 + self.dice.below(self.most.min(buffer.len()));
        let most = if self.most == usize::MAX {
            buffer.len()
        } else {
            most
        };
        self.bytes.read(&mut buffer[..most])
    }
}

/// A bundle dealt into two: the records of each log in another order, one part here, one there.
pub(crate) struct Dealt {
    pub(crate) paths: Vec<PathBuf>,
    _keep: tempfile::TempDir,
}

impl Dealt {
    pub(crate) fn new(bundle: &Path, dice: &mut Dice) -> io::Result<Self> {
        let keep = tempfile::tempdir()?;
        let paths: Vec<PathBuf> = ["a", "b"]
            .iter()
            .map(|part| keep.path().join(part))
            .collect();
        deal(bundle, Path::new(""), &paths, dice)?;
        Ok(Self { paths, _keep: keep })
    }
}

fn deal(top: &Path, below: &Path, parts: &[PathBuf], dice: &mut Dice) -> io::Result<()> {
    for entry in fs::read_dir(top.join(below))? {
        let entry = entry?;
        let name = below.join(entry.file_name());
        if entry.path().is_dir() {
            deal(top, &name, parts, dice)?;
            continue;
        }
        let bytes = fs::read(entry.path())?;
        if name.extension().is_some_and(|e| e == "log") {
            for (part, log) in parts.iter().zip(two(&bytes, dice)) {
                write(&part.join(&name), &log)?;
            }
        } else if name.starts_with("kubernetes") {
            write(&parts[0].join(&name), &items(&bytes, dice))?;
        } else {
            write(&parts[0].join(&name), &bytes)?;
        }
    }
    Ok(())
}

fn write(path: &Path, bytes: &[u8]) -> io::Result<()> {
    if let Some(folder) = path.parent() {
        fs::create_dir_all(folder)?;
    }
    fs::write(path, bytes)
}

/// The lines of a log, shuffled and dealt in two. A dump of goroutines is many lines and one record:
/// it stays as it is, at the end.
fn two(log: &[u8], dice: &mut Dice) -> [Vec<u8>; 2] {
    let mut lines: Vec<&[u8]> = log.split_inclusive(|b| *b == b'\n').collect();
    let dumps = [
        &b"panic:"[..],
        b"fatal error:",
        b"goroutine ",
        b"unexpected fault",
        b"runtime:",
    ];
    let dump = lines
        .iter()
        .position(|l| dumps.iter().any(|d| l.starts_with(d)))
        .unwrap_or(lines.len());
    let rest = lines.split_off(dump);
    dice.shuffle(&mut lines);
    let mut parts = [Vec::new(), Vec::new()];
    for line in lines {
        let part = &mut parts[dice.below(2)];
        part.extend_from_slice(line);
        if !part.ends_with(b"\n") {
            part.push(b'\n');
        }
    }
    rest.into_iter()
        .for_each(|line| parts[1].extend_from_slice(line));
    parts
}

/// A list of Kubernetes objects with its items in another order.
fn items(json: &[u8], dice: &mut Dice) -> Vec<u8> {
    let Ok(mut list) = serde_json::from_slice::<Value>(json) else {
        return json.to_vec();
    };
    if let Some(items) = list.get_mut("items").and_then(Value::as_array_mut) {
        dice.shuffle(items);
    }
    list.to_string().into_bytes()
}

/// Numbers that look random and are the same every time.
#[derive(Clone)]
pub(crate) struct Dice(u64);

impl Dice {
    pub(crate) fn new(seed: &str) -> Self {
        Self(
            seed.bytes().fold(0x9e37_79b9_7f4a_7c15, |h, b| {
                (h ^ u64::from(b)).wrapping_mul(0x0100_0000_01b3)
            }) | 1,
        )
    }

    fn fork(&mut self) -> Self {
        Self(self.next() | 1)
    }

    fn next(&mut self) -> u64 {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        self.0
    }

    pub(crate) fn below(&mut self, end: usize) -> usize {
        usize::try_from((self.next() >> 11) % end.max(1) as u64).expect("below a usize")
    }

    pub(crate) fn shuffle<T>(&mut self, all: &mut [T]) {
        for i in (1..all.len()).rev() {
            all.swap(i, self.below(i + 1));
        }
    }
}
