//! The embedded pack as the build script leaves it: parsed, anchors found, without examples. Reading
//! this takes a fraction of the time that reading the YAML would.

use std::collections::BTreeMap;

use serde::{Deserialize, Serialize};
use serde_json::value::RawValue;

use super::anchors;
use super::raw::{self, FileKind, Many, RawCause, RawSignature, RawState};

/// All files of a pack, by id.
#[derive(Debug, Default)]
pub(crate) struct Compact {
    /// With the anchors of each variant.
    pub(crate) signatures: BTreeMap<String, Anchored>,
    /// States.
    pub(crate) states: BTreeMap<String, RawState>,
    /// Causes.
    pub(crate) causes: BTreeMap<String, RawCause>,
}

/// A signature with the anchors of each of its variants.
#[derive(Debug, Serialize, Deserialize)]
pub(crate) struct Anchored {
    pub(crate) raw: RawSignature,
    pub(crate) anchors: Vec<Vec<String>>,
}

/// The same as written by the build script. The files are parsed one by one when they are compiled,
/// so that no more than one at a time takes memory twice.
#[derive(Serialize, Deserialize)]
pub(crate) struct Packed<'a> {
    /// [`Anchored`] by id.
    #[serde(borrow)]
    pub(crate) signatures: Files<'a>,
    /// [`RawState`] by id.
    #[serde(borrow)]
    pub(crate) states: Files<'a>,
    /// [`RawCause`] by id.
    #[serde(borrow)]
    pub(crate) causes: Files<'a>,
}

/// Files of one kind, sorted by id.
#[derive(Serialize, Deserialize)]
pub(crate) struct Files<'a> {
    /// Ids with what the files say.
    #[serde(borrow)]
    pub(crate) files: Vec<(&'a str, &'a RawValue)>,
    /// Former ids with the positions of the files that have them.
    #[serde(borrow)]
    pub(crate) former: Vec<(&'a str, u32)>,
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
                let raw: RawSignature = raw::parse(text)?;
                let anchors = anchors_of(&raw);
                self.signatures.insert(id, Anchored { raw, anchors });
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

    /// Former ids of signatures, states and causes, with the positions of the files that have them.
    pub(crate) fn former(&self) -> [Vec<(&str, u32)>; 3] {
        let signatures = self.signatures.values().map(|s| &s.raw.formerly);
        [
            former(signatures),
            former(self.states.values().map(|s| &s.formerly)),
            former(self.causes.values().map(|c| &c.formerly)),
        ]
    }
}

fn former<'c>(files: impl Iterator<Item = &'c Many<String>>) -> Vec<(&'c str, u32)> {
    let named = (0..)
        .zip(files)
        .flat_map(|(position, formerly)| formerly.0.iter().map(move |id| (id.as_str(), position)));
    named.collect()
}

/// Anchors of each variant; none for sources other than logs.
fn anchors_of(signature: &RawSignature) -> Vec<Vec<String>> {
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
