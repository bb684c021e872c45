//! House rules that a machine can hold: the direction of dependencies, and what must be absent.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

/// Which modules a module may use (`ARCHITECTURE.md`, "Direction"). `limits` is open to all.
const MAY_USE: &[(&str, &[&str])] = &[
    ("record", &[]),
    ("pack", &["record"]),
    ("matcher", &["record", "pack"]),
    ("evidence", &["record", "pack", "matcher", "novelty"]),
    ("diagnosis", &["record", "evidence", "pack"]),
    (
        "report",
        &["diagnosis", "evidence", "pack", "record", "novelty"],
    ),
    ("novelty", &["record"]),
    ("redact", &["report"]),
    ("hashring", &["record", "pack"]),
    ("metrics", &["record"]),
    ("bundle", &["record", "metrics", "pack"]),
    (
        "engine",
        &[
            "record",
            "pack",
            "matcher",
            "evidence",
            "diagnosis",
            "report",
            "bundle",
            "novelty",
            "hashring",
            "metrics",
        ],
    ),
    (
        "audit",
        &["record", "pack", "matcher", "evidence", "diagnosis"],
    ),
    (
        "checks",
        &["bundle", "hashring", "metrics", "pack", "record"],
    ),
    (
        "summary",
        &["record", "pack", "evidence", "novelty", "bundle"],
    ),
    ("pushdown", &["pack", "record"]),
    ("collect", &["bundle", "pushdown", "record", "redact"]),
    (
        "mcp",
        &[
            "bundle", "collect", "engine", "hashring", "pack", "redact", "report", "serve",
        ],
    ),
    (
        "serve",
        &[
            "collect", "bundle", "engine", "report", "pack", "record", "redact", "pushdown",
        ],
    ),
];

/// The core: pure and synchronous.
const CORE: &[&str] = &[
    "record",
    "pack",
    "matcher",
    "evidence",
    "diagnosis",
    "report",
    "novelty",
    "hashring",
    "metrics",
    "audit",
    "redact",
    "pushdown",
];

/// What the core must not mention, with the reason.
const ABSENT: &[(&str, &str)] = &[
    ("SystemTime", "the core never reads the clock"),
    ("Instant::now", "the core never reads the clock"),
    ("Timestamp::now", "the core never reads the clock"),
    ("Zoned::now", "the core never reads the clock"),
    ("std::fs", "the core does no I/O"),
    ("std::net::Tcp", "the core does no I/O"),
    ("std::process", "rdiag prints commands and never runs them"),
    ("tokio", "the core knows no async"),
    ("async fn", "the core knows no async"),
    (
        "HashMap::new()",
        "maps of the core are sorted or have a fixed seed",
    ),
    (
        "RandomState",
        "maps of the core are sorted or have a fixed seed",
    ),
];

#[test]
fn dependencies_point_one_way() {
    let mut broken = Vec::new();
    let allowed: BTreeMap<&str, &[&str]> = MAY_USE.iter().copied().collect();
    for file in sources(&root().join("src")) {
        let Some(module) = module_of(&file) else {
            continue;
        };
        let text = code(&file);
        for used in used_modules(&text) {
            if used == module || used == "limits" || !allowed.contains_key(used.as_str()) {
                continue;
            }
            let may = allowed.get(module.as_str()).copied().unwrap_or_default();
            if !may.contains(&used.as_str()) {
                broken.push(format!("{}: {module} may not use {used}", display(&file)));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn every_module_is_in_the_table() {
    let lib = fs::read_to_string(root().join("src/lib.rs")).unwrap();
    for line in lib.lines() {
        if let Some(module) = line
            .strip_prefix("pub mod ")
            .and_then(|l| l.strip_suffix(';'))
        {
            assert!(
                module == "limits" || MAY_USE.iter().any(|(m, _)| *m == module),
                "src/lib.rs: module {module} has no row in MAY_USE"
            );
        }
    }
}

#[test]
fn the_core_is_pure() {
    let mut broken = Vec::new();
    for file in sources(&root().join("src")) {
        let Some(module) = module_of(&file) else {
            continue;
        };
        if !CORE.contains(&module.as_str()) {
            continue;
        }
        let text = code(&file);
        for (word, why) in ABSENT {
            if text.contains(word) {
                broken.push(format!("{}: {word}: {why}", display(&file)));
            }
        }
    }
    assert!(broken.is_empty(), "{}", broken.join("\n"));
}

#[test]
fn only_serve_and_collect_know_async() {
    for file in sources(&root().join("src")) {
        let Some(module) = module_of(&file) else {
            continue;
        };
        if ["serve", "collect"].contains(&module.as_str()) {
            continue;
        }
        assert!(
            !code(&file).contains("async fn"),
            "{}: async outside of the rim",
            display(&file)
        );
    }
}

#[test]
fn files_begin_with_what_they_are() {
    for file in sources(&root().join("src")) {
        let text = fs::read_to_string(&file).unwrap();
        assert!(
            text.starts_with("//!"),
            "{}: no module documentation",
            display(&file)
        );
        assert!(
            !text.contains(&["FIX", "ME"].concat()),
            "{}: a leftover",
            display(&file)
        );
    }
}

fn root() -> PathBuf {
    PathBuf::from(env!("CARGO_MANIFEST_DIR"))
}

fn display(file: &Path) -> String {
    file.strip_prefix(root())
        .unwrap_or(file)
        .display()
        .to_string()
}

/// All Rust files below `dir`, sorted, without tests beside the code.
fn sources(dir: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    let mut queue = vec![dir.to_owned()];
    while let Some(dir) = queue.pop() {
        for entry in fs::read_dir(dir).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                queue.push(path);
            } else if path.extension().is_some_and(|e| e == "rs") {
                found.push(path);
            }
        }
    }
    found.sort();
    found
}

/// The library module a file belongs to; `None` for the root and the program.
fn module_of(file: &Path) -> Option<String> {
    let relative = file.strip_prefix(root().join("src")).ok()?;
    let first = relative.components().next()?.as_os_str().to_str()?;
    let module = first.strip_suffix(".rs").unwrap_or(first);
    (!["lib", "bin", "limits"].contains(&module)).then(|| module.to_owned())
}

/// The code of a file without comments, and without test modules.
fn code(file: &Path) -> String {
    if file.file_name().is_some_and(|n| n == "tests.rs")
        || file.components().any(|c| c.as_os_str() == "tests")
    {
        return String::new();
    }
    let text = fs::read_to_string(file).unwrap();
    let text = text
        .split("#[cfg(test)]\nmod tests {")
        .next()
        .unwrap_or_default()
        .to_owned();
    text.lines()
        .filter(|l| !l.trim_start().starts_with("//"))
        .collect::<Vec<_>>()
        .join("\n")
}

/// First segments of `crate::…` paths, also inside braces.
fn used_modules(text: &str) -> Vec<String> {
    let mut found = Vec::new();
    let mut rest = text;
    while let Some(at) = rest.find("crate::") {
        rest = &rest[at + "crate::".len()..];
        if let Some(list) = rest.strip_prefix('{') {
            let (mut depth, mut item) = (1, String::new());
            for c in list.chars() {
                match c {
                    '{' => depth += 1,
                    '}' => depth -= 1,
                    ',' if depth == 1 => found.push(first_segment(&std::mem::take(&mut item))),
                    c if depth == 1 => item.push(c),
                    _ => {}
                }
                if depth == 0 {
                    found.push(first_segment(&item));
                    break;
                }
            }
        } else {
            found.push(first_segment(rest));
        }
    }
    found
}

fn first_segment(path: &str) -> String {
    path.trim()
        .chars()
        .take_while(|c| c.is_alphanumeric() || *c == '_')
        .collect()
}

/// With cargo's own harness `tests/corpus.rs` would pass by running nothing.
#[test]
fn the_corpus_runs_its_own_harness() {
    let manifest =
        std::fs::read_to_string(concat!(env!("CARGO_MANIFEST_DIR"), "/Cargo.toml")).unwrap();
    let corpus = manifest
        .split("[[")
        .find(|table| table.contains("tests/corpus.rs"))
        .unwrap();
    assert!(corpus.contains("harness = false"), "{corpus}");
}
