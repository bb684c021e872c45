//! Parses `patterns/` once at build time, so that the program need not do so at every start, and
//! rebuilds when a file there is added, changed or removed.
//!
//! A pack that does not parse leaves nothing behind; the program then reads the YAML itself and says
//! what is wrong with it.

#![allow(dead_code, unused_imports)]

use std::collections::BTreeMap;
use std::path::Path;
use std::{env, fs, io};

use serde_json::value::RawValue;

#[path = "src/pack/anchors.rs"]
mod anchors;
#[path = "src/pack/compact.rs"]
mod compact;
#[path = "src/pack/raw/mod.rs"]
mod raw;

fn main() -> io::Result<()> {
    println!("cargo:rerun-if-changed=patterns");
    let mut pack = compact::Compact::default();
    let bytes = match read(Path::new("patterns"), &mut pack) {
        Ok(()) => packed(&mut pack)?,
        Err(error) => {
            println!("cargo:warning=patterns/: {error}");
            Vec::new()
        }
    };
    let out = env::var_os("OUT_DIR").ok_or_else(|| io::Error::other("cargo sets OUT_DIR"))?;
    fs::write(Path::new(&out).join("pack.json"), bytes)
}

fn read(folder: &Path, pack: &mut compact::Compact) -> io::Result<()> {
    for entry in fs::read_dir(folder)? {
        let path = entry?.path();
        if path.is_dir() {
            read(&path, pack)?;
            continue;
        }
        let name = path.to_string_lossy().replace('\\', "/");
        if raw::classify(&name).is_some() {
            let text = fs::read_to_string(&path)?;
            let added = pack.add(&name, &text);
            added.map_err(|e| io::Error::other(format!("{name}: {}", e.without_snippet())))?;
        }
    }
    Ok(())
}

/// What the program reads at its start.
fn packed(pack: &mut compact::Compact) -> serde_json::Result<Vec<u8>> {
    for signature in pack.signatures.values_mut() {
        signature.raw.examples = raw::RawExamples::default();
    }
    let signatures = each(&pack.signatures)?;
    let (states, causes) = (each(&pack.states)?, each(&pack.causes)?);
    let former = pack.former();
    serde_json::to_vec(&compact::Packed {
        signatures: files(&signatures, &former[0]),
        states: files(&states, &former[1]),
        causes: files(&causes, &former[2]),
    })
}

type Each<'a> = Vec<(&'a str, Box<RawValue>)>;

fn each<T: serde::Serialize>(all: &BTreeMap<String, T>) -> serde_json::Result<Each<'_>> {
    let raw = |(id, one)| Ok((String::as_str(id), serde_json::value::to_raw_value(one)?));
    all.iter().map(raw).collect()
}

fn files<'a>(each: &'a Each, former: &[(&'a str, u32)]) -> compact::Files<'a> {
    compact::Files {
        files: each.iter().map(|(id, raw)| (*id, raw.as_ref())).collect(),
        former: former.to_vec(),
    }
}
