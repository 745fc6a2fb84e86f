//! A JSON object of a carrier, read whole. Only objects that begin with a carrier's keys are read.

use crate::line::Level;
use crate::time::Stamp;
use serde::de::{Deserialize, Deserializer, Error, MapAccess, SeqAccess, Visitor};
use std::borrow::Cow;
use std::fmt;

/// An object: its members in their order.
#[derive(Debug, Default)]
pub(super) struct Object<'a>(Vec<(Cow<'a, str>, Value<'a>)>);

#[derive(Debug)]
pub(super) enum Value<'a> {
    Text(Cow<'a, str>),
    Number(f64),
    Array(Vec<Value<'a>>),
    Object(Object<'a>),
    /// null, true or false.
    Other,
}

/// Reads a JSON value whole.
pub(super) fn parse(bytes: &[u8]) -> Option<Value<'_>> {
    serde_json::from_slice(bytes).ok()
}

impl<'a> Object<'a> {
    pub(super) fn get(&self, key: &str) -> Option<&Value<'a>> {
        self.0.iter().find(|(own, _)| own == key).map(|(_, value)| value)
    }

    pub(super) fn has_any(&self, keys: &[&str]) -> bool {
        self.0.iter().any(|(own, _)| keys.contains(&own.as_ref()))
    }

    pub(super) fn has_only(&self, keys: &[&str]) -> bool {
        self.0.iter().all(|(own, _)| keys.contains(&own.as_ref()))
    }

    /// The text that the first of these paths leads to; empty if none leads to one. The keys of a path are separated by `/`.
    pub(super) fn text(&self, paths: &[&str]) -> &str {
        let found = paths.iter().find_map(|path| match self.at(path)? {
            Value::Text(text) if !text.is_empty() => Some(text.as_ref()),
            _ => None,
        });
        found.unwrap_or_default()
    }

    pub(super) fn object(&self, key: &str) -> Option<&Self> {
        if let Value::Object(object) = self.get(key)? { Some(object) } else { None }
    }

    pub(super) fn array(&self, key: &str) -> Option<&[Value<'a>]> {
        if let Value::Array(items) = self.get(key)? { Some(items) } else { None }
    }

    /// The time under the first of these keys that has one.
    pub(super) fn stamp(&self, keys: &[&str]) -> Option<Stamp> {
        keys.iter().find_map(|key| self.get(key)?.stamp())
    }

    /// The level under the first of these keys.
    pub(super) fn level(&self, keys: &[&str]) -> Level {
        let value = keys.iter().find_map(|key| self.get(key));
        match value {
            Some(Value::Text(word)) => Level::from_word(word.as_bytes()),
            Some(Value::Number(number)) => Level::from_word(format!("{number}").as_bytes()),
            _ => Level::Unknown,
        }
    }

    fn at(&self, path: &str) -> Option<&Value<'a>> {
        let Some((first, rest)) = path.split_once('/') else { return self.get(path) };
        self.object(first)?.at(rest)
    }
}

impl Value<'_> {
    pub(super) fn stamp(&self) -> Option<Stamp> {
        match self {
            Self::Text(text) => Stamp::parse(text.as_bytes()),
            Self::Number(number) => Stamp::from_epoch(*number),
            _ => None,
        }
    }

    /// The text, also if it is written as an array of bytes, as journald does for what is not printable.
    pub(super) fn bytes(&self) -> Option<Cow<'_, [u8]>> {
        match self {
            Self::Text(text) => Some(Cow::Borrowed(text.as_bytes())),
            Self::Array(items) => items.iter().map(Self::byte).collect::<Option<Vec<u8>>>().map(Cow::Owned),
            _ => None,
        }
    }

    #[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "the value is a whole number of one byte")]
    fn byte(&self) -> Option<u8> {
        match self {
            Self::Number(number) if (0.0..=255.0).contains(number) && number.fract() == 0.0 => Some(*number as u8),
            _ => None,
        }
    }
}

impl<'de: 'a, 'a> Deserialize<'de> for Value<'a> {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        struct Reader;
        impl<'de> Visitor<'de> for Reader {
            type Value = Value<'de>;

            fn expecting(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
                f.write_str("a value")
            }

            fn visit_borrowed_str<E: Error>(self, text: &'de str) -> Result<Value<'de>, E> {
                Ok(Value::Text(Cow::Borrowed(text)))
            }

            fn visit_str<E: Error>(self, text: &str) -> Result<Value<'de>, E> {
                Ok(Value::Text(Cow::Owned(text.to_owned())))
            }

            fn visit_f64<E: Error>(self, number: f64) -> Result<Value<'de>, E> {
                Ok(Value::Number(number))
            }

            #[expect(clippy::cast_precision_loss, reason = "a time or a level: no digit beyond the 15th matters")]
            fn visit_u64<E: Error>(self, number: u64) -> Result<Value<'de>, E> {
                Ok(Value::Number(number as f64))
            }

            #[expect(clippy::cast_precision_loss, reason = "a time or a level: no digit beyond the 15th matters")]
            fn visit_i64<E: Error>(self, number: i64) -> Result<Value<'de>, E> {
                Ok(Value::Number(number as f64))
            }

            fn visit_bool<E: Error>(self, _: bool) -> Result<Value<'de>, E> {
                Ok(Value::Other)
            }

            fn visit_unit<E: Error>(self) -> Result<Value<'de>, E> {
                Ok(Value::Other)
            }

            fn visit_seq<A: SeqAccess<'de>>(self, mut items: A) -> Result<Value<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some(item) = items.next_element()? {
                    all.push(item);
                }
                Ok(Value::Array(all))
            }

            fn visit_map<A: MapAccess<'de>>(self, mut members: A) -> Result<Value<'de>, A::Error> {
                let mut all = Vec::new();
                while let Some((Value::Text(key), value)) = members.next_entry::<Value<'de>, Value<'de>>()? {
                    all.push((key, value));
                }
                Ok(Value::Object(Object(all)))
            }
        }
        from.deserialize_any(Reader)
    }
}
