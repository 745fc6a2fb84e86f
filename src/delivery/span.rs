//! Durations in the tables of receivers.

use crate::time::Span;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::{Deserialize, Deserializer};
use std::borrow::Cow;
use std::time::Duration;

/// A [`Span`] above zero: `500ms`, `10s`, `4h`.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct PositiveSpan(pub Duration);

impl<'de> Deserialize<'de> for PositiveSpan {
    fn deserialize<D: Deserializer<'de>>(from: D) -> Result<Self, D::Error> {
        let Span(length) = Span::deserialize(from)?;
        if length.is_zero() {
            return Err(serde::de::Error::custom("the duration must be longer than 0 s"));
        }
        Ok(Self(length))
    }
}

impl JsonSchema for PositiveSpan {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "PositiveSpan".into()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        Span::json_schema(generator)
    }
}
