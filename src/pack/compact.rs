//! The embedded pack as the build script leaves it: parsed, anchors found, without
//! examples. Reading this takes a fraction of the time that reading the YAML would.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};

use super::anchors;
use super::raw::{self, FileKind, RawCause, RawSignature, RawState};

/// All files of a pack, by id.
#[derive(Debug, Default, Serialize, Deserialize)]
pub(crate) struct Compact {
    /// With the anchors of each variant.
    pub signatures: BTreeMap<String, (RawSignature, Vec<Vec<String>>)>,
    /// States.
    pub states: BTreeMap<String, RawState>,
    /// Causes.
    pub causes: BTreeMap<String, RawCause>,
}

impl Compact {
    /// Parses `text` found at `path` and adds it. Files that are no part of a pack are skipped.
    ///
    /// # Errors
    ///
    /// The parser's message.
    pub(crate) fn add(&mut self, path: &str, text: &str) -> Result<(), serde_saphyr::Error> {
        let Some((kind, id)) = raw::classify(path) else {
            return Ok(());
        };
        let id = id.to_owned();
        match kind {
            FileKind::Signature => {
                let signature: RawSignature = raw::parse(text)?;
                let found = anchors_of(&signature);
                self.signatures.insert(id, (signature, found));
            }
            FileKind::State => {
                self.states.insert(id, raw::parse(text)?);
            }
            FileKind::Cause => {
                self.causes.insert(id, raw::parse(text)?);
            }
        }
        Ok(())
    }
}

/// Anchors of each variant; none for sources other than logs.
pub(crate) fn anchors_of(signature: &RawSignature) -> Vec<Vec<String>> {
    let is_log = signature.source.as_ref().is_none_or(|s| s.value == "log");
    signature
        .variants
        .iter()
        .map(|variant| match is_log {
            true => anchors::derive(&variant.conditions.value),
            false => Vec::new(),
        })
        .collect()
}
