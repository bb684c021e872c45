//! Conditions, read by hand: an untagged enum would answer every typo with "did not match any
//! variant".

use std::fmt;

use serde::Serialize;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};

use super::{At, Many};

/// What must be so of one field; all of the tests.
#[derive(Debug, Serialize)]
#[serde(transparent)]
pub(crate) struct RawCondition(pub Vec<RawTest>);

/// One test.
#[derive(Debug, Serialize)]
#[serde(rename_all = "snake_case")]
pub(crate) enum RawTest {
    /// Equal.
    Equals(String),
    /// Equal to one of them.
    OneOf(Vec<String>),
    /// Contains one of them.
    Contains(Vec<String>),
    /// Starts with.
    StartsWith(String),
    /// Ends with.
    EndsWith(String),
    /// Expression.
    Regex(At<String>),
    /// Number above.
    Above(f64),
    /// Number below.
    Below(f64),
    /// There or not.
    Present(bool),
    /// Does not hold.
    Not(Box<RawTest>),
}

/// The keys of a condition, in the order they are documented.
const KEYS: &[&str] = &[
    "equals",
    "one_of",
    "contains",
    "starts_with",
    "ends_with",
    "regex",
    "above",
    "below",
    "present",
    "not",
];

impl<'de> Deserialize<'de> for RawCondition {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        Ok(RawCondition(match Written::deserialize(deserializer)? {
            Written::Value(value) => vec![RawTest::Equals(value)],
            Written::Values(values) => vec![RawTest::OneOf(values)],
            Written::Tests(tests) => tests,
        }))
    }
}

/// A condition as written: a value, a list of values, or tests (a map, or a list of maps).
enum Written {
    Value(String),
    Values(Vec<String>),
    Tests(Vec<RawTest>),
}

impl Written {
    /// The tests that say that none of this holds.
    fn negated(self) -> Vec<RawTest> {
        let tests = match self {
            Written::Value(value) => vec![RawTest::Equals(value)],
            Written::Values(values) => vec![RawTest::OneOf(values)],
            Written::Tests(tests) => tests,
        };
        let not = |test| RawTest::Not(Box::new(test));
        tests.into_iter().map(not).collect()
    }
}

impl<'de> Deserialize<'de> for Written {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        deserializer.deserialize_any(WrittenVisitor)
    }
}

struct WrittenVisitor;

impl<'de> Visitor<'de> for WrittenVisitor {
    type Value = Written;

    fn expecting(&self, f: &mut fmt::Formatter) -> fmt::Result {
        write!(f, "a value, or a condition: one of {}", KEYS.join(", "))
    }

    fn visit_str<E: Error>(self, v: &str) -> Result<Written, E> {
        Ok(Written::Value(v.to_owned()))
    }

    fn visit_bool<E: Error>(self, v: bool) -> Result<Written, E> {
        Ok(Written::Value(v.to_string()))
    }

    fn visit_u64<E: Error>(self, v: u64) -> Result<Written, E> {
        Ok(Written::Value(v.to_string()))
    }

    fn visit_i64<E: Error>(self, v: i64) -> Result<Written, E> {
        Ok(Written::Value(v.to_string()))
    }

    fn visit_f64<E: Error>(self, _: f64) -> Result<Written, E> {
        Err(E::custom(
            "put a number with a point in quotes: it is compared as text",
        ))
    }

    fn visit_seq<A: SeqAccess<'de>>(self, mut seq: A) -> Result<Written, A::Error> {
        let mut values = Vec::new();
        let mut tests = Vec::new();
        while let Some(one) = seq.next_element()? {
            match one {
                Written::Value(value) => values.push(value),
                Written::Values(_) => return Err(A::Error::custom("a list inside a list")),
                Written::Tests(more) => tests.extend(more),
            }
        }
        match (values.is_empty(), tests.is_empty()) {
            (false, true) => Ok(Written::Values(values)),
            (true, false) => Ok(Written::Tests(tests)),
            (true, true) => Err(A::Error::custom("an empty list holds of nothing")),
            (false, false) => Err(A::Error::custom("values and conditions in one list")),
        }
    }

    fn visit_map<A: MapAccess<'de>>(self, mut map: A) -> Result<Written, A::Error> {
        let mut tests = Vec::new();
        while let Some(key) = map.next_key::<String>()? {
            match key.as_str() {
                "equals" => tests.push(RawTest::Equals(map.next_value()?)),
                "one_of" => tests.push(RawTest::OneOf(listed(&key, map.next_value()?)?)),
                "contains" => tests.push(RawTest::Contains(listed(&key, map.next_value()?)?)),
                "starts_with" => tests.push(RawTest::StartsWith(map.next_value()?)),
                "ends_with" => tests.push(RawTest::EndsWith(map.next_value()?)),
                "regex" => tests.push(RawTest::Regex(map.next_value()?)),
                "above" => tests.push(RawTest::Above(map.next_value()?)),
                "below" => tests.push(RawTest::Below(map.next_value()?)),
                "present" => tests.push(RawTest::Present(map.next_value()?)),
                "not" => tests.extend(map.next_value::<Written>()?.negated()),
                other => return Err(A::Error::unknown_field(other, KEYS)),
            }
        }
        match tests.is_empty() {
            true => Err(A::Error::custom("an empty condition holds of everything")),
            false => Ok(Written::Tests(tests)),
        }
    }
}

/// A list with something in it.
fn listed<E: Error>(key: &str, values: Many<String>) -> Result<Vec<String>, E> {
    match values.0.is_empty() {
        true => Err(E::custom(format_args!("`{key}` of an empty list"))),
        false => Ok(values.0),
    }
}
