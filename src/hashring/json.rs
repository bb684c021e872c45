//! JSON values that know where they stand, read with the leniency of Go's `encoding/json`.

use std::fmt;

use serde::de::{Deserialize, Deserializer, MapAccess, Visitor};
use serde_json::value::RawValue;

use super::fault::{Fault, Place};

/// A value inside a file.
#[derive(Clone, Copy)]
pub(super) struct Node<'a> {
    file: &'a str,
    raw: &'a str,
}

/// What Thanos does with a file that it cannot read.
pub(super) const NOT_LOADED: &str = "not loaded: a running member logs \"failed to load \
    configuration file\" and keeps the old ring, a starting one exits";

impl<'a> Node<'a> {
    /// The whole file as one value, or the place where it stops being JSON.
    pub(super) fn root(file: &'a str) -> Result<Self, Fault> {
        match serde_json::from_str::<&RawValue>(file) {
            Ok(raw) => Ok(Self {
                file,
                raw: raw.get(),
            }),
            Err(error) => Err(not_json(file, &error)),
        }
    }

    pub(super) fn place(&self) -> Place {
        // The value is a slice of the file, so the distance of the two addresses is its offset.
        Place::of(
            self.file,
            self.raw.as_ptr().addr() - self.file.as_ptr().addr(),
        )
    }

    /// `null` leaves a Go value as it is, as if the key were not there.
    pub(super) fn is_null(&self) -> bool {
        self.raw == "null"
    }

    pub(super) fn is_string(&self) -> bool {
        self.raw.starts_with('"')
    }

    pub(super) fn is_object(&self) -> bool {
        self.raw.starts_with('{')
    }

    pub(super) fn string(&self, what: &str) -> Result<String, Fault> {
        self.read(what, "a string")
    }

    pub(super) fn integer(&self, what: &str) -> Result<i64, Fault> {
        self.read(what, "a whole number")
    }

    pub(super) fn boolean(&self, what: &str) -> Result<bool, Fault> {
        self.read(what, "true or false")
    }

    pub(super) fn list(&self, what: &str) -> Result<Vec<Self>, Fault> {
        let items: Vec<&RawValue> = self.read(what, "a list")?;
        Ok(items.into_iter().map(|raw| self.inside(raw)).collect())
    }

    /// Keys with their places, in the order written.
    pub(super) fn object(&self, what: &str) -> Result<Vec<Entry<'a>>, Fault> {
        let Entries(entries) = self.read(what, "an object")?;
        Ok(entries
            .into_iter()
            .map(|(key, value)| {
                let key = self.inside(key);
                Entry {
                    name: serde_json::from_str(key.raw).unwrap_or_default(),
                    place: key.place(),
                    value: self.inside(value),
                }
            })
            .collect())
    }

    fn inside(&self, raw: &'a RawValue) -> Self {
        Self {
            file: self.file,
            raw: raw.get(),
        }
    }

    fn read<T: Deserialize<'a>>(&self, what: &str, wanted: &str) -> Result<T, Fault> {
        serde_json::from_str(self.raw).map_err(|_| {
            Fault::error(
                self.place(),
                "wrong-type",
                format!("{what} must be {wanted}, this is {}", self.kind()),
                NOT_LOADED,
            )
        })
    }

    fn kind(&self) -> &'static str {
        match self.raw.as_bytes().first() {
            Some(b'{') => "an object",
            Some(b'[') => "a list",
            Some(b'"') => "a string",
            Some(b't' | b'f') => "true or false",
            Some(b'n') => "null",
            _ => "a number",
        }
    }
}

/// One `"key": value` of an object.
pub(super) struct Entry<'a> {
    pub(super) name: String,
    pub(super) place: Place,
    pub(super) value: Node<'a>,
}

struct Entries<'a>(Vec<(&'a RawValue, &'a RawValue)>);

impl<'de> Deserialize<'de> for Entries<'de> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Pairs;
        impl<'de> Visitor<'de> for Pairs {
            type Value = Entries<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an object")
            }

            fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Self::Value, A::Error> {
                let mut entries = Vec::new();
                while let Some(entry) = map.next_entry()? {
                    entries.push(entry);
                }
                Ok(Entries(entries))
            }
        }
        deserializer.deserialize_map(Pairs)
    }
}

fn not_json(file: &str, error: &serde_json::Error) -> Fault {
    let start = file.trim_start();
    let message = error.to_string();
    let message = message.split(" at line ").next().unwrap_or_default();
    let place = Place {
        line: error.line().max(1),
        column: error.column().max(1),
    };
    if start.is_empty() {
        return Fault::error(place, "not-json", "the file is empty", NOT_LOADED)
            .fix("write a list: [{\"endpoints\": [\"host:10901\"]}]");
    }
    let fault = Fault::error(
        place,
        "not-json",
        format!("not JSON: {message}"),
        NOT_LOADED,
    );
    if start.starts_with('-') || start.starts_with("hashring") || start.starts_with('#') {
        return fault.fix("this looks like YAML; the hashring file must be JSON");
    }
    if trailing_comma(file, place) {
        return fault.fix("remove the comma before the closing bracket");
    }
    fault
}

/// Whether the place is a closing bracket with a comma before it.
fn trailing_comma(file: &str, place: Place) -> bool {
    let line_start: usize = file
        .split_inclusive('\n')
        .take(place.line - 1)
        .map(str::len)
        .sum();
    // serde_json counts columns in bytes.
    let at = line_start + place.column - 1;
    let (Some(before), Some(after)) = (file.get(..at), file.get(at..)) else {
        return false;
    };
    after.starts_with([']', '}']) && before.trim_end().ends_with(',')
}
