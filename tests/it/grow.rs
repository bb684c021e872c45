//! Large rings, made of small ones: also what `benches/inference.rs` measures.

use std::fs;
use std::path::{Path, PathBuf};

use serde_json::Value;

/// Copies a bundle and adds copies of one pod until there are so many receivers.
pub(crate) fn grow(from: &Path, to: &Path, pod: &str, receivers: usize) {
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
