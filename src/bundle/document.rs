//! JSON documents, taken item by item so that a long list is never held in memory.

use std::fmt;
use std::io::Read;

use serde::de::{DeserializeSeed, Deserializer, MapAccess, SeqAccess, Visitor};
use serde_json::{Map, Value};

/// A part of a document.
#[derive(Debug)]
pub(super) enum Part {
    /// A Kubernetes object; with the kind of the list it stood in, where that came first.
    Object(Value, Option<String>),
    /// An alert.
    Alert(Value),
    /// What else stood in the document: a payload without its alerts, or anything unknown.
    Rest(Map<String, Value>),
}

/// Hands every part of the documents in `reader` to `each`; several may follow one another.
///
/// # Errors
/// When the text is not JSON. Parts before the place of the error have been handed over.
pub(super) fn read(reader: impl Read, each: &mut dyn FnMut(Part)) -> Result<(), serde_json::Error> {
    let mut json = serde_json::Deserializer::from_reader(reader);
    loop {
        Document { each }.deserialize(&mut json)?;
        if json.end().is_ok() {
            return Ok(());
        }
    }
}

struct Document<'a> {
    each: &'a mut dyn FnMut(Part),
}

impl<'de> DeserializeSeed<'de> for Document<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Document<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("an object or a list")
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<(), A::Error> {
        let mut rest = Map::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "items" => {
                    let kind = rest.get("kind").and_then(Value::as_str);
                    let kind = kind.map(str::to_owned);
                    let each = &mut |item| (self.each)(Part::Object(item, kind.clone()));
                    map.next_value_seed(Items { each })?;
                }
                "alerts" => {
                    let each = &mut |item| (self.each)(Part::Alert(item));
                    map.next_value_seed(Items { each })?;
                }
                _ => {
                    let value = map.next_value::<Value>()?;
                    rest.insert(key, value);
                }
            }
        }
        finish(rest, self.each);
        Ok(())
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Value>()? {
            match item {
                Value::Object(map) => finish(map, self.each),
                other => (self.each)(Part::Rest(Map::from_iter([(String::new(), other)]))),
            }
        }
        Ok(())
    }
}

/// An object by itself is what its keys say.
fn finish(mut map: Map<String, Value>, each: &mut dyn FnMut(Part)) {
    let is_list = |m: &Map<String, Value>| {
        let kind = m.get("kind").and_then(Value::as_str).unwrap_or_default();
        kind.ends_with("List")
    };
    if map.contains_key("kind") && map.contains_key("metadata") && !is_list(&map) {
        each(Part::Object(Value::Object(map), None));
    } else if map.contains_key("labels")
        && (map.contains_key("startsAt") || map.contains_key("activeAt"))
    {
        each(Part::Alert(Value::Object(map)));
    } else if let Some(Value::Array(alerts)) = map
        .get_mut("data")
        .and_then(|data| data.get_mut("alerts"))
        .map(Value::take)
    {
        alerts.into_iter().for_each(|a| each(Part::Alert(a)));
    } else {
        each(Part::Rest(map));
    }
}

struct Items<'a> {
    each: &'a mut dyn FnMut(Value),
}

impl<'de> DeserializeSeed<'de> for Items<'_> {
    type Value = ();

    fn deserialize<D: Deserializer<'de>>(self, json: D) -> Result<(), D::Error> {
        json.deserialize_any(self)
    }
}

impl<'de> Visitor<'de> for Items<'_> {
    type Value = ();

    fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        f.write_str("a list")
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<(), A::Error> {
        while let Some(item) = items.next_element::<Value>()? {
            (self.each)(item);
        }
        Ok(())
    }

    fn visit_unit<E>(self) -> Result<(), E> {
        Ok(())
    }
}
