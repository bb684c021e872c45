//! Parses `patterns/` once at build time, so that the program need not do so at every start, and
//! rebuilds when a file there is added, changed or removed.
//!
//! A pack that does not parse leaves nothing behind; the program then reads the YAML itself and says
//! what is wrong with it.

#![allow(dead_code, unused_imports)]

use std::path::Path;
use std::{env, fs, io};

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
        Ok(()) => {
            for (signature, _) in pack.signatures.values_mut() {
                signature.examples = raw::RawExamples::default();
            }
            serde_json::to_vec(&pack)?
        }
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
