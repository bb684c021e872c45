//! Every bound has a test, or a reason why it needs none.

use std::fs;
use std::path::{Path, PathBuf};

/// Bounds that drop nothing that could be missed, or that no test can reach, with the reason.
const WITHOUT: &[(&str, &str)] = &[
    (
        "RECALL_NODES",
        "a cache: the fast way is held to give what the plain one gives, whatever it remembers",
    ),
    (
        "RECALL_BYTES",
        "a cache: the fast way is held to give what the plain one gives, whatever it remembers",
    ),
    (
        "RECALL_LINE_BYTES",
        "a cache: the fast way is held to give what the plain one gives, whatever it remembers",
    ),
    (
        "RECALL_OUTCOMES",
        "a cache: the fast way is held to give what the plain one gives, whatever it remembers",
    ),
    (
        "RECALL_ONCE",
        "a cache: the fast way is held to give what the plain one gives, whatever it remembers",
    ),
    (
        "PEEK_BYTES",
        "where a look for the kind of a file ends; the file itself is read whole",
    ),
    (
        "WAL_BYTES",
        "when SQLite's log is moved by a commit itself; nothing is dropped",
    ),
    (
        "CONNECTIONS",
        "further connections wait in the kernel; a test would need more files than a process may have open (1024)",
    ),
    (
        "FOLLOW_QUEUE",
        "streams wait when it is full; nothing is dropped",
    ),
    (
        "SPOOL_BYTES",
        "256 MiB of followed logs; what `watch` lets go is said in its coverage",
    ),
];

/// Bounds of parts that other tests reach by what they do, without naming the constant.
const ELSEWHERE: &[(&str, &str)] = &[
    (
        "COLLECT_ATTEMPTS",
        "collect: a_log_that_is_always_cut_is_kept_in_part",
    ),
    (
        "COLLECT_BUFFER_BYTES",
        "collect: an_endless_answer_and_an_endless_scrape_are_cut",
    ),
    ("WAL_ROOM_BYTES", "serve: room_in_the_log_says_nothing"),
    (
        "COLLECT_IDLE_BYTES",
        "collect: pods_that_drip_refuse_or_talk_garbage_are_gaps_and_nothing_else",
    ),
];

#[test]
fn every_bound_has_a_test() {
    let root = PathBuf::from(env!("CARGO_MANIFEST_DIR"));
    let limits = fs::read_to_string(root.join("src/limits.rs")).unwrap();
    let names: Vec<&str> = limits
        .lines()
        .filter_map(|line| line.strip_prefix("pub const ")?.split(':').next())
        .collect();
    let mut tests = String::new();
    gather(&root.join("tests/it"), &mut tests);
    gather(&root.join("src"), &mut tests);
    let mentioned = |name: &str| {
        let full = format!("limits::{name}");
        tests.match_indices(&full).any(|(at, _)| {
            let after = tests[at + full.len()..].chars().next();
            !after.is_some_and(|c| c.is_alphanumeric() || c == '_')
        })
    };
    let excused = |name: &str| {
        let listed = WITHOUT.iter().chain(ELSEWHERE);
        listed.filter(|(excused, _)| *excused == name).count()
    };
    let missing: Vec<_> = names
        .iter()
        .filter(|name| !mentioned(name) && excused(name) == 0)
        .collect();
    assert!(missing.is_empty(), "bounds without a test: {missing:?}");
    for (name, _) in WITHOUT.iter().chain(ELSEWHERE) {
        assert!(names.contains(name), "{name} is no bound any more");
    }
    for (name, test) in ELSEWHERE {
        let test = test.split(": ").nth(1).unwrap_or(test);
        assert!(
            tests.contains(&format!("fn {test}(")),
            "{name}: there is no test {test}"
        );
    }
}

/// The text of all tests below a folder.
fn gather(folder: &Path, text: &mut String) {
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            gather(&path, text);
            continue;
        }
        if path.extension().is_none_or(|e| e != "rs") || path.ends_with("listed.rs") {
            continue;
        }
        let whole = fs::read_to_string(&path).unwrap();
        let is_test =
            path.components().any(|c| c.as_os_str() == "tests") || path.ends_with("tests.rs");
        let part = match (is_test, whole.split_once("#[cfg(test)]\nmod tests {")) {
            (true, _) => &whole,
            (false, Some((_, tests))) => tests,
            (false, None) => continue,
        };
        text.push_str(part);
    }
}
