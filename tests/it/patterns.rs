//! The built-in pack is the one in the repository.

use std::collections::BTreeMap;
use std::fs;
use std::path::{Path, PathBuf};

use rdiag::pack::Pack;

#[test]
fn the_embedded_pack_is_the_one_on_disk() {
    let top = Path::new(env!("CARGO_MANIFEST_DIR")).join("patterns");
    let mut disk = BTreeMap::new();
    let mut queue: Vec<PathBuf> = vec![top];
    while let Some(folder) = queue.pop() {
        for entry in fs::read_dir(folder).unwrap() {
            let path = entry.unwrap().path();
            if path.is_dir() {
                queue.push(path);
            } else if path.extension().is_some_and(|e| e == "yaml" || e == "tsv") {
                let name = path
                    .strip_prefix(env!("CARGO_MANIFEST_DIR"))
                    .unwrap()
                    .to_string_lossy()
                    .into_owned();
                disk.insert(name, fs::read(&path).unwrap());
            }
        }
    }
    let mut embedded: BTreeMap<String, &[u8]> = Pack::embedded_files().into_iter().collect();
    embedded.retain(|name, _| disk.contains_key(name) || !name.ends_with(".md"));
    for (name, bytes) in &disk {
        let found = embedded
            .get(name)
            .unwrap_or_else(|| panic!("{name} is not embedded"));
        assert!(found == bytes, "{name} is embedded in another version");
    }
    assert_eq!(
        disk.len(),
        embedded.len(),
        "files are embedded that are gone"
    );
}

#[test]
fn what_the_build_compiled_is_what_the_files_say() {
    let built = Pack::embedded().unwrap_or_else(|p| panic!("{p:?}"));
    let read = Pack::embedded_with_examples().unwrap_or_else(|p| panic!("{p:?}"));
    let ids = |pack: &Pack| -> Vec<String> { pack.targets().map(|t| pack.id(t)).collect() };
    assert_eq!(ids(&built), ids(&read));
    assert!(
        built.signatures.len() >= 200,
        "{} signatures",
        built.signatures.len()
    );
}
