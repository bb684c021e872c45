//! The promises of the fuzz targets, on seeds and random changes of them: without coverage feedback, but with
//! nothing to install. `RDIAG_FUZZ_SECONDS=60 cargo test --release --test it fuzzed::` takes so long a target.

// It is about time, and tells how often it ran.
#![allow(clippy::disallowed_methods, clippy::print_stdout)]

use std::fs;
use std::path::Path;
use std::time::{Duration, Instant};

// Written for the crate of the fuzz targets.
#[allow(unreachable_pub, clippy::too_many_lines)]
#[path = "../../fuzz/src/lib.rs"]
mod promises;

type Target = (&'static str, fn(&[u8]));

const TARGETS: &[Target] = &[
    ("lines", promises::lines),
    ("logfmt", promises::logfmt),
    ("json", promises::json),
    ("errors", promises::errors),
    ("panics", promises::panics),
    ("pack", promises::pack),
    ("archive", promises::archive),
    ("objects", promises::objects),
    ("hashring", promises::hashring),
    ("metrics", promises::metrics),
    ("render", promises::render),
    ("escape", promises::escape),
    ("engine", promises::engine),
    ("redact", promises::redact),
    ("novelty", promises::novelty),
    ("webhook", promises::webhook),
    ("mcp", promises::mcp),
    ("shown", promises::shown),
];

/// Seeds for all targets; `fuzz/seed` makes more below `fuzz/corpus`.
const SEEDS: &[&str] = &[
    "ts=2025-03-01T10:00:00.5Z caller=handler.go:584 level=error component=receive err=\"2 errors: store locally for endpoint a: conflict; forwarding request to endpoint b:1: rpc error: code = Unavailable desc = x\" msg=\"internal server error\"",
    r#"{"level":"error","ts":1741000000.5,"msg":"x","err":{"a":[1,null]}}"#,
    r#"[{"hashring":"default","algorithm":"ketama","tenants":["a*"],"endpoints":[{"address":"a:1","az":"z"},"b:1","c:1"]}]"#,
    "# TYPE x counter\nx{a=\"b\"} 1 2\nx_bucket{le=\"+Inf\"} NaN\n",
    r#""metadata":{"name":"r-0","namespace":"m"},"status":{"containerStatuses":[{"name":"c","restartCount":3,"lastState":{"terminated":{"reason":"OOMKilled","exitCode":137}}}]}"#,
    "</td><script>alert(1)</script>\"onload=x\r\nBcc: a@b\r\n\r\n<!channel> *x* `y` $(id) \u{202e}\u{1b}[31m",
    "it's; rm -rf / $(id)",
    // As the name of a pod: a namespace and nothing else; no namespace, a word and nothing.
    "<</",
    "/<a>/",
    r#"{"version":"4","groupKey":"{}:{a=\"b\"}","status":"firing","receiver":"r","truncatedAlerts":0,"groupLabels":{"alertname":"X"},"commonLabels":{"alertname":"X","namespace":"m","password":"hunter22"},"commonAnnotations":{"summary":"s"},"externalURL":"http://u:p4ssw0rd@a:9093","alerts":[{"status":"firing","labels":{"alertname":"X","pod":"r-1","job":"m/r"},"annotations":{"d":"<b>*x*</b>"},"startsAt":"2026-11-23T02:00:20Z","endsAt":"0001-01-01T00:00:00Z","generatorURL":"?q","fingerprint":"57c6"}]}"#,
    r#"{"jsonrpc":"2.0","id":2,"method":"tools/call","params":{"name":"hashring_locate","arguments":{"file":"hashrings.json","series":"{__name__=\"up\"}"}}}"#,
    "panic: x\n\ngoroutine 1 [running]:\nmain.main()\n\t/a/b.go:1 +0x1\n",
    "Authorization: Bearer abc123def456ghi789 password=\"Q7f9\" https://a:b2c3d4e5@c/ ",
];

/// Pieces that are put in, beside random bytes.
const WORDS: &[&str] = &[
    "\"",
    "\\",
    "{",
    "}",
    "[",
    "]",
    "<",
    ">",
    "'",
    "`",
    "\n",
    "\r\n",
    "=",
    ": ",
    "; ",
    "\u{0}",
    "\u{1b}[",
    "\u{202e}",
    "2 errors: ",
    "rpc error: code = ",
    "password=",
    "Bearer ",
    "\\u0000",
    "\"status\":\"resolved\"",
    "1e999",
    "-1",
    "9223372036854775808",
    "../",
    "&amp;",
    "%0a",
    "\u{fe0f}",
    "é",
];

/// A small generator: the same runs each time.
struct Chance(u64);

impl Chance {
    fn below(&mut self, n: usize) -> usize {
        self.0 ^= self.0 << 13;
        self.0 ^= self.0 >> 7;
        self.0 ^= self.0 << 17;
        usize::try_from(self.0 >> 11).unwrap_or(0) % n.max(1)
    }

    fn change(&mut self, bytes: &mut Vec<u8>, seeds: &[Vec<u8>]) {
        let at = self.below(bytes.len() + 1);
        match self.below(6) {
            0 => {
                let byte = self.below(256);
                bytes.insert(at, u8::try_from(byte).unwrap_or(0));
            }
            1 if at < bytes.len() => {
                bytes[at] ^= 1 << self.below(8);
            }
            2 => {
                let end = at + self.below(bytes.len() - at + 1);
                bytes.drain(at..end);
            }
            3 => {
                let end = at + self.below((bytes.len() - at).min(200) + 1);
                let part = bytes[at..end].repeat(1 + self.below(20));
                bytes.splice(at..at, part);
            }
            4 => {
                let other = &seeds[self.below(seeds.len())];
                let from = self.below(other.len() + 1);
                bytes.truncate(at);
                bytes.extend_from_slice(&other[from..]);
            }
            _ => {
                let word = WORDS[self.below(WORDS.len())];
                bytes.splice(at..at, word.bytes());
            }
        }
        bytes.truncate(16 * 1024);
    }
}

fn seeds(name: &str) -> Vec<Vec<u8>> {
    let mut seeds: Vec<Vec<u8>> = SEEDS.iter().map(|seed| seed.as_bytes().to_vec()).collect();
    let folder = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fuzz/corpus")
        .join(name);
    let mut files: Vec<_> = fs::read_dir(folder)
        .into_iter()
        .flatten()
        .flatten()
        .map(|e| e.path())
        .collect();
    files.sort();
    seeds.extend(
        files
            .into_iter()
            .filter_map(|file| fs::read(file).ok())
            .filter(|seed| seed.len() <= 16 * 1024),
    );
    seeds
}

/// Runs one target; how often, and the longest single run.
fn run(name: &str, target: fn(&[u8]), time: Duration) -> (u64, Duration) {
    let seeds = seeds(name);
    let mut chance = Chance(0x9e37_79b9_7f4a_7c15 ^ name.len() as u64);
    let (start, mut runs, mut longest) = (Instant::now(), 0, Duration::ZERO);
    while start.elapsed() < time || runs < seeds.len() as u64 {
        let mut bytes = seeds[usize::try_from(runs).unwrap_or(0) % seeds.len()].clone();
        if runs >= seeds.len() as u64 {
            (0..=chance.below(8)).for_each(|_| chance.change(&mut bytes, &seeds));
        }
        let before = Instant::now();
        if std::panic::catch_unwind(|| target(&bytes)).is_err() {
            panic!("{name}: {:?}", String::from_utf8_lossy(&bytes));
        }
        longest = longest.max(before.elapsed());
        runs += 1;
    }
    (runs, longest)
}

#[test]
fn promises_hold_on_seeds_and_changes_of_them() {
    let seconds = std::env::var("RDIAG_FUZZ_SECONDS")
        .ok()
        .and_then(|s| s.parse().ok())
        .unwrap_or(1);
    let only = std::env::var("RDIAG_FUZZ_TARGET").unwrap_or_default();
    let mut broken = Vec::new();
    for (name, target) in TARGETS
        .iter()
        .filter(|(name, _)| only.is_empty() || *name == only)
    {
        let ran = std::panic::catch_unwind(|| run(name, *target, Duration::from_secs(seconds)));
        match ran {
            Ok((runs, longest)) => println!(
                "{name}: {runs} runs, the longest {} ms",
                longest.as_millis()
            ),
            Err(_) => broken.push(*name),
        }
    }
    assert!(broken.is_empty(), "broken: {broken:?}");
    // Each target of the fuzzer is here; `all` is every one of them in one program.
    let listed =
        fs::read_to_string(Path::new(env!("CARGO_MANIFEST_DIR")).join("fuzz/Cargo.toml")).unwrap();
    for name in listed.lines().filter_map(|line| {
        line.strip_prefix("path = \"fuzz_targets/")?
            .strip_suffix(".rs\"")
    }) {
        assert!(
            name == "all" || TARGETS.iter().any(|(target, _)| *target == name),
            "{name} is not run here"
        );
    }
}
