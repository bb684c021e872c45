//! What rdiag says about whole incidents, and what every pattern claims of itself.
//!
//! One test per signature, per quiet bundle and per incident, each named by its folder or file, so
//! that `cargo test --test corpus oom` runs what it says. Of every bundle five things are tested:
//!
//! * `truth`: the answer is the one in `truth.yaml`, which is written by hand and never regenerated;
//! * `report`: the text is the one in `report.txt`. `UPDATE_EXPECT=1 cargo test` writes it anew; the
//!   difference is to be read before it is committed;
//! * `same`: files and records in any order, cut into any shards and chunks, on any number of
//!   threads give the same bytes;
//! * `filtered`: so do the logs without the lines that a log store would keep back;
//! * `shards`: so do scans of its parts, on their own, joined in any order with duplicates.

#[path = "corpus/bundles.rs"]
mod bundles;
#[path = "corpus/filtered.rs"]
mod filtered;
#[path = "corpus/judge.rs"]
mod judge;
#[path = "corpus/pairs.rs"]
mod pairs;
#[path = "corpus/patterns.rs"]
mod patterns;
#[path = "corpus/shards.rs"]
mod shards;
#[path = "corpus/shuffle.rs"]
mod shuffle;

use std::path::PathBuf;
use std::process::ExitCode;

use libtest_mimic::Arguments;

fn main() -> ExitCode {
    let mut trials = bundles::trials();
    trials.extend(pairs::trials());
    trials.extend(patterns::trials());
    libtest_mimic::run(&Arguments::from_args(), trials).exit_code()
}

/// The repository's folder.
fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

/// `UPDATE_EXPECT=1`: write expected texts instead of comparing them.
fn updating() -> bool {
    std::env::var_os("UPDATE_EXPECT").is_some_and(|v| v == "1")
}
