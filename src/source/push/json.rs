//! Reading JSON without copies of its values.

use super::refusal::Refusal;
use serde::Deserialize;
use serde::de::{Deserializer, Error, SeqAccess, Visitor};
use serde_json::value::RawValue;
use std::fmt;

/// The most values of one array. More would take more memory than their text.
const MAX_ITEMS: usize = 100_000;

/// The values of an array, as written.
pub(super) struct Many<'a>(Vec<&'a RawValue>);

impl<'a> Many<'a> {
    /// The values of an array that may be missing.
    pub(super) fn items(many: Option<Self>) -> impl Iterator<Item = &'a str> {
        many.into_iter().flat_map(|Self(items)| items).map(RawValue::get)
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Many<'a> {
    fn deserialize<D: Deserializer<'de>>(deserializer: D) -> Result<Self, D::Error> {
        struct Items;

        impl<'de> Visitor<'de> for Items {
            type Value = Many<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("an array")
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut array: A) -> Result<Self::Value, A::Error> {
                let mut items = Vec::new();
                while let Some(item) = array.next_element()? {
                    if items.len() == MAX_ITEMS {
                        return Err(A::Error::custom("too many values"));
                    }
                    items.push(item);
                }
                Ok(Many(items))
            }
        }

        deserializer.deserialize_seq(Items)
    }
}

pub(super) fn parse<'a, T: Deserialize<'a>>(text: &'a str) -> Result<T, Refusal> {
    serde_json::from_str(text).map_err(|_| Refusal::Malformed("the JSON that was expected"))
}

/// The values of an array on lines of their own, as some senders of lines wrap them; `None` for any other text.
pub(super) fn array(text: &[u8]) -> Option<Vec<&str>> {
    if !text.trim_ascii_start().starts_with(b"[") {
        return None;
    }
    serde_json::from_str::<Many<'_>>(std::str::from_utf8(text).ok()?).ok().map(|many| Many::items(Some(many)).collect())
}
