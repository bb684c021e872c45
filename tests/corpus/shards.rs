//! Scanned by many, joined in any way, told by one: the same bytes as one diagnosis of everything.

use std::fs::File;
use std::io::{Seek, Write};
use std::path::PathBuf;

use rdiag::bundle::{Input, Part};
use rdiag::engine::Options;
use rdiag::report::model::Report;
use rdiag::summary::{Shard, Summaries};

use crate::bundles::{Case, engine};
use crate::shuffle::{Dealt, Dice, equal};

/// Splits tried of each bundle.
const SPLITS: usize = 3;

pub(crate) fn same(case: &Case) -> Result<(), String> {
    let expected = &case.seen()?.report;
    let mut dice = Dice::new(&format!("shards of {}", case.name));
    for _ in 0..SPLITS {
        let of = 1 + dice.below(7);
        let mut shards = Vec::new();
        for number in 0..of {
            let part = Part {
                number: number as u64,
                of: of as u64,
            };
            shards.push(scan(&[case.bundle()], part, format!("part {number}"))?);
        }
        let found = joined(shards, &mut dice)?;
        equal(&format!("in {of} parts"), expected, &found)?;
    }
    let dealt = Dealt::new(&case.bundle(), &mut dice).map_err(|e| format!("dealing: {e}"))?;
    let mut shards = Vec::new();
    for (n, path) in dealt.paths.iter().enumerate() {
        shards.push(scan(
            std::slice::from_ref(path),
            Part::default(),
            format!("half {n}"),
        )?);
    }
    let found = joined(shards, &mut dice)?;
    equal("with every log cut in two and shuffled", expected, &found)
}

/// One shard, as its file would hold it.
fn scan(paths: &[PathBuf], part: Part, id: String) -> Result<Vec<u8>, String> {
    let engine = engine();
    let input = Input::gather(paths, None, part).map_err(|e| e.to_string())?;
    let ledger = engine
        .scan(&input, &Options::default())
        .map_err(|e| e.to_string())?;
    let shard = Shard {
        id: Some(id),
        ledger,
        pieces: input.pieces(&engine.wants_metric()),
    };
    shard.encode(engine.pack()).map_err(|e| e.to_string())
}

/// The shards in any order, some of them twice, joined in a few steps; and what follows from them.
fn joined(mut shards: Vec<Vec<u8>>, dice: &mut Dice) -> Result<Report, String> {
    for _ in 0..2 {
        shards.push(shards[dice.below(shards.len())].clone());
    }
    dice.shuffle(&mut shards);
    while shards.len() > 3 {
        let taken = shards.split_off(shards.len() - 2 - dice.below(2));
        let mut out = Vec::new();
        let summaries = open(&taken)?;
        summaries.join(&mut out).map_err(|e| e.to_string())?;
        shards.insert(dice.below(shards.len() + 1), out);
    }
    let engine = engine();
    let (ledger, input) = open(&shards)?
        .fold(engine.pack())
        .map_err(|e| e.to_string())?;
    Ok(engine.infer(&input, ledger, &Options::default()).report)
}

fn open(texts: &[Vec<u8>]) -> Result<Summaries, String> {
    let mut files = Vec::new();
    for (n, text) in texts.iter().enumerate() {
        let written = tempfile::tempfile().and_then(|mut file: File| {
            file.write_all(text)?;
            file.rewind()?;
            Ok(file)
        });
        let file = written.map_err(|e| e.to_string())?;
        files.push((PathBuf::from(format!("{n}.rdiag")), file));
    }
    Summaries::open(files).map_err(|e| e.to_string())
}
