//! Large rings: what is wrong with three receivers is wrong in the same way among forty.

use std::fs;
use std::path::{Path, PathBuf};
use std::sync::Arc;

use rdiag::bundle::Input;
use rdiag::engine::{Engine, Options};
use rdiag::pack::Pack;
use serde_json::Value;

/// A fixture, a receiver of it that is well and has many like it in the large ring, and the pods at fault.
const CASES: &[(&str, &str, &[&str])] = &[
    (
        "a-node-does-not-answer",
        "thanos-receive-ingestor-default-0",
        &["thanos-receive-ingestor-default-2"],
    ),
    ("forwards-to-two-members-time-out", "thanos-receive-0", &[]),
    (
        "no-space-left-on-one-receiver",
        "thanos-receive-ingestor-default-0",
        &["thanos-receive-ingestor-default-1"],
    ),
    (
        "one-member-has-another-ring",
        "thanos-receive-ingestor-default-0",
        &[],
    ),
    ("one-peer-does-not-answer-logs-only", "receive-0", &[]),
    (
        "one-receiver-restarts-in-a-loop",
        "thanos-receive-0",
        &["thanos-receive-1"],
    ),
    ("one-tenant-is-refused", "thanos-receive-0", &[]),
    ("uploads-no-such-bucket", "thanos-receive-0", &[]),
];

/// The first cause and the pods it names.
fn first(engine: &Engine, bundle: &Path) -> (String, Vec<String>) {
    let input = Input::open(&[bundle.to_owned()], None).unwrap();
    let report = engine.run(&input, &Options::default()).unwrap().report;
    let report = serde_json::to_value(&report).unwrap();
    let hypothesis = &report["incidents"][0]["hypotheses"][0];
    let pods = hypothesis["subjects"].as_array().into_iter().flatten();
    let name = |v: &Value| {
        v["name"]
            .as_str()
            .unwrap()
            .rsplit('/')
            .next()
            .unwrap()
            .to_owned()
    };
    (
        hypothesis["cause"].as_str().unwrap_or("none").to_owned(),
        pods.filter(|s| s["kind"] == "pod").map(name).collect(),
    )
}

#[test]
fn a_fault_among_forty_receivers_is_the_fault_among_three() {
    let engine = Engine::new(Arc::new(Pack::embedded().unwrap()));
    for (fixture, well, at_fault) in CASES {
        let small = Path::new(env!("CARGO_MANIFEST_DIR"))
            .join(format!("fixtures/incidents/{fixture}/bundle"));
        let (cause, _) = first(&engine, &small);
        for receivers in [12, 40] {
            let large = tempfile::tempdir().unwrap();
            grow(&small, large.path(), well, receivers);
            let (found, pods) = first(&engine, large.path());
            assert_eq!(found, cause, "{fixture}, {receivers} receivers");
            if !at_fault.is_empty() {
                assert_eq!(pods, *at_fault, "{fixture}, {receivers} receivers");
            }
        }
    }
}

/// Pods of one kind are all named, also those for whom others stand.
#[test]
fn all_receivers_that_share_a_fault_are_named() {
    let engine = Engine::new(Arc::new(Pack::embedded().unwrap()));
    let small = Path::new(env!("CARGO_MANIFEST_DIR"))
        .join("fixtures/incidents/one-receiver-restarts-in-a-loop/bundle");
    let large = tempfile::tempdir().unwrap();
    grow(&small, large.path(), "thanos-receive-1", 9);
    let (cause, mut pods) = first(&engine, large.path());
    assert_eq!(cause, "receiver-oom");
    pods.sort();
    let mut expected = vec!["thanos-receive-1".to_owned()];
    expected.extend((3..9).map(|n| format!("thanos-receive-{n}")));
    assert_eq!(pods, expected);
}

/// Copies a bundle and adds copies of one pod until there are so many receivers.
fn grow(from: &Path, to: &Path, pod: &str, receivers: usize) {
    let (set, _) = pod.rsplit_once('-').unwrap();
    let name = |n: usize| format!("{set}-{n}");
    let have = (0..).take_while(|n| from_has(from, &name(*n))).count();
    for file in files(from) {
        let text = String::from_utf8_lossy(&fs::read(&file).unwrap()).into_owned();
        let path = file.strip_prefix(from).unwrap();
        write(&to.join(path), &text);
        let of_pod = path.components().any(|c| c.as_os_str() == pod);
        for n in have..receivers {
            let path = path.to_string_lossy().replace(pod, &name(n));
            if of_pod {
                write(&to.join(path), &text.replace(pod, &name(n)));
            }
        }
    }
    let more = |items: &mut Vec<Value>| {
        let Some(one) = items
            .iter()
            .find(|i| i.to_string().contains(pod))
            .map(Value::to_string)
        else {
            return;
        };
        items.extend((have..receivers).map(|n| {
            let text = one.replace(pod, &name(n));
            serde_json::from_str::<Value>(&text).unwrap()
        }));
    };
    for file in files(to) {
        let name = file.file_name().unwrap().to_string_lossy().into_owned();
        if !["pods.json", "hashrings.json", "statefulsets.json"].contains(&name.as_str()) {
            continue;
        }
        let mut json: Value = serde_json::from_slice(&fs::read(&file).unwrap()).unwrap();
        match name.as_str() {
            "pods.json" => more(json["items"].as_array_mut().unwrap()),
            "hashrings.json" => more(json[0]["endpoints"].as_array_mut().unwrap()),
            _ => replicas(&mut json, receivers - have),
        }
        write(&file, &json.to_string());
    }
}

fn replicas(sets: &mut Value, more: usize) {
    for set in sets["items"].as_array_mut().unwrap() {
        for (part, name) in [
            ("spec", "replicas"),
            ("status", "replicas"),
            ("status", "readyReplicas"),
            ("status", "currentReplicas"),
            ("status", "updatedReplicas"),
            ("status", "availableReplicas"),
        ] {
            if let Some(n) = set[part][name].as_u64() {
                set[part][name] = (n + more as u64).into();
            }
        }
    }
}

fn from_has(bundle: &Path, pod: &str) -> bool {
    files(bundle)
        .iter()
        .any(|f| f.components().any(|c| c.as_os_str() == pod))
}

fn write(path: &Path, text: &str) {
    fs::create_dir_all(path.parent().unwrap()).unwrap();
    fs::write(path, text).unwrap();
}

fn files(folder: &Path) -> Vec<PathBuf> {
    let mut found = Vec::new();
    for entry in fs::read_dir(folder).unwrap() {
        let path = entry.unwrap().path();
        if path.is_dir() {
            found.extend(files(&path));
        } else {
            found.push(path);
        }
    }
    found.sort();
    found
}
