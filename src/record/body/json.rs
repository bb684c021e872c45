//! JSON bodies, flattened: `a.b.0` for the first element of the array `b` in the object `a`.

use std::borrow::Cow;
use std::fmt;
use std::sync::LazyLock;

use memchr::memmem::Finder;
use serde::de::{DeserializeSeed, Error as _, MapAccess, SeqAccess, Visitor};
use serde_json::value::RawValue;

use super::{Level, Parsed, Time, Times};
use crate::limits;
use crate::record::{Fields, Issue, Issues};

/// It begins as an object does.
pub(super) fn looks_like(body: &[u8]) -> bool {
    let inside = body[1..].trim_ascii_start();
    matches!(inside.first(), Some(b'"' | b'}'))
}

/// Level and time, from the first of the usual keys that is there.
pub(super) fn peek(body: &[u8], times: &mut Times) -> (Option<Level>, Option<Time>) {
    static LEVELS: LazyLock<[Finder<'static>; 3]> =
        LazyLock::new(|| ["\"level\"", "\"severity\"", "\"lvl\""].map(Finder::new));
    static TIMES: LazyLock<[Finder<'static>; 5]> = LazyLock::new(|| {
        [
            "\"ts\"",
            "\"time\"",
            "\"timestamp\"",
            "\"@timestamp\"",
            "\"t\"",
        ]
        .map(Finder::new)
    });
    let level = LEVELS
        .iter()
        .find_map(|key| value_of(body, key))
        .and_then(Level::parse);
    let time = TIMES
        .iter()
        .find_map(|key| value_of(body, key))
        .and_then(|text| times.value(text));
    (level, time)
}

/// The raw scalar behind the first occurrence of a quoted key. A key quoted inside a string has
/// its quotes escaped and is not found.
fn value_of<'a>(body: &'a [u8], key: &Finder<'_>) -> Option<&'a [u8]> {
    key.find_iter(body).find_map(|at| {
        let rest = body[at + key.needle().len()..].trim_ascii_start();
        let rest = rest.strip_prefix(b":")?.trim_ascii_start();
        match rest.strip_prefix(b"\"") {
            Some(text) => memchr::memchr(b'"', text).map(|end| &text[..end]),
            None => rest.split(|byte| matches!(byte, b',' | b'}' | b' ')).next(),
        }
    })
}

/// All fields. What comes before a fault is kept.
pub(super) fn parse<'a>(body: &'a [u8], parsed: &mut Parsed<'a>) {
    let before = parsed.fields.len();
    let mut issues = Issues::default();
    let complete = flatten(body, &mut parsed.fields, &mut issues);
    if !complete && !issues.has(Issue::TooManyFields) {
        if let Some(lossy) = lossy(body) {
            let mut fields = Fields::default();
            issues = Issues::default();
            issues.add(Issue::NotUtf8);
            let complete = flatten(lossy.as_bytes(), &mut fields, &mut issues);
            if !complete && !issues.has(Issue::TooManyFields) {
                issues.add(Issue::BrokenJson);
            }
            parsed.fields.truncate(before);
            for (key, value) in fields.iter() {
                parsed.fields.push(key.to_vec(), value.to_vec());
            }
        } else {
            issues.add(Issue::BrokenJson);
        }
    }
    if parsed.fields.is_empty() {
        parsed.fields.push(&b"msg"[..], body);
    }
    for issue in issues.iter() {
        parsed.issues.add(issue);
    }
}

fn lossy(body: &[u8]) -> Option<String> {
    match String::from_utf8_lossy(body) {
        Cow::Borrowed(_) => None,
        Cow::Owned(text) => Some(text),
    }
}

/// Appends the fields of an object; false when it is broken or there are too many.
fn flatten<'a>(text: &'a [u8], fields: &mut Fields<'a>, issues: &mut Issues) -> bool {
    let mut json = serde_json::Deserializer::from_slice(text);
    let seed = Flat {
        path: Cow::Borrowed(""),
        depth: 0,
        fields,
        issues,
    };
    seed.deserialize(&mut json).is_ok() && json.end().is_ok()
}

/// Reads one value and appends what it holds.
struct Flat<'f, 'a> {
    path: Cow<'a, str>,
    depth: usize,
    fields: &'f mut Fields<'a>,
    issues: &'f mut Issues,
}

impl<'a> Flat<'_, 'a> {
    fn child(&mut self, name: Cow<'a, str>) -> Flat<'_, 'a> {
        let path = match &*self.path {
            "" => name,
            path => Cow::Owned(format!("{path}.{name}")),
        };
        Flat {
            path,
            depth: self.depth + 1,
            fields: self.fields,
            issues: self.issues,
        }
    }

    fn push<E: serde::de::Error>(self, value: impl Into<Cow<'a, [u8]>>) -> Result<(), E> {
        if self.fields.is_full() {
            self.issues.add(Issue::TooManyFields);
            return Err(E::custom("too many fields"));
        }
        let key: Cow<'a, [u8]> = match self.path {
            Cow::Borrowed(path) => Cow::Borrowed(path.as_bytes()),
            Cow::Owned(path) => Cow::Owned(path.into_bytes()),
        };
        self.fields.push(key, value);
        Ok(())
    }
}

impl<'de> DeserializeSeed<'de> for Flat<'_, 'de> {
    type Value = ();

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        if self.depth <= limits::JSON_DEPTH {
            return json.deserialize_any(self);
        }
        let raw: &'de RawValue = serde::Deserialize::deserialize(json)?;
        if raw.get().starts_with(['{', '[']) {
            self.issues.add(Issue::DeepJson);
        }
        self.push(raw.get().as_bytes())
    }
}

impl<'de> Visitor<'de> for Flat<'_, 'de> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("JSON")
    }

    fn visit_borrowed_str<E: serde::de::Error>(self, text: &'de str) -> Result<(), E> {
        self.push(text.as_bytes())
    }

    fn visit_str<E: serde::de::Error>(self, text: &str) -> Result<(), E> {
        self.push(text.as_bytes().to_vec())
    }

    fn visit_bool<E: serde::de::Error>(self, value: bool) -> Result<(), E> {
        self.push(if value { &b"true"[..] } else { b"false" })
    }

    fn visit_u64<E: serde::de::Error>(self, value: u64) -> Result<(), E> {
        self.push(value.to_string().into_bytes())
    }

    fn visit_i64<E: serde::de::Error>(self, value: i64) -> Result<(), E> {
        self.push(value.to_string().into_bytes())
    }

    fn visit_f64<E: serde::de::Error>(self, value: f64) -> Result<(), E> {
        self.push(value.to_string().into_bytes())
    }

    fn visit_unit<E: serde::de::Error>(self) -> Result<(), E> {
        self.push(&b"null"[..])
    }

    fn visit_seq<A: SeqAccess<'de>>(mut self, mut seq: A) -> Result<(), A::Error> {
        let mut at = 0_usize;
        while seq
            .next_element_seed(self.child(Cow::Owned(at.to_string())))?
            .is_some()
        {
            at += 1;
        }
        Ok(())
    }

    fn visit_map<A: MapAccess<'de>>(mut self, mut map: A) -> Result<(), A::Error> {
        while let Some(key) = map.next_key_seed(Name)? {
            if self.fields.is_full() {
                self.issues.add(Issue::TooManyFields);
                return Err(A::Error::custom("too many fields"));
            }
            map.next_value_seed(self.child(key))?;
        }
        Ok(())
    }
}

/// Reads a key without copying it where it holds no escapes.
struct Name;

impl<'de> DeserializeSeed<'de> for Name {
    type Value = Cow<'de, str>;

    fn deserialize<D: serde::Deserializer<'de>>(self, json: D) -> Result<Self::Value, D::Error> {
        json.deserialize_str(self)
    }
}

impl<'de> Visitor<'de> for Name {
    type Value = Cow<'de, str>;

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a key")
    }

    fn visit_borrowed_str<E>(self, name: &'de str) -> Result<Self::Value, E> {
        Ok(Cow::Borrowed(name))
    }

    fn visit_str<E>(self, name: &str) -> Result<Self::Value, E> {
        Ok(Cow::Owned(name.to_owned()))
    }
}
