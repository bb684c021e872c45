//! Values with their place.

use serde::{Deserialize, Deserializer, Serialize, Serializer};

/// A value and where it stands in its file; line and column are 0 when unknown. Smaller than
/// [`serde_saphyr::Spanned`], since a pack holds thousands.
#[derive(Debug)]
pub(crate) struct At<T> {
    /// The value.
    pub(crate) value: T,
    /// Line, from 1.
    pub(crate) line: u32,
    /// Column in characters, from 1.
    pub(crate) column: u32,
}

impl<'de, T: Deserialize<'de>> Deserialize<'de> for At<T> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        let spanned = serde_saphyr::Spanned::<T>::deserialize(deserializer)?;
        let narrow = |n| u32::try_from(n).unwrap_or(u32::MAX);
        Ok(At {
            value: spanned.value,
            line: narrow(spanned.referenced.line()),
            column: narrow(spanned.referenced.column()),
        })
    }
}

/// The precompiled pack has no places.
impl<T: Serialize> Serialize for At<T> {
    fn serialize<S: Serializer>(&self, serializer: S) -> Result<S::Ok, S::Error> {
        self.value.serialize(serializer)
    }
}
