//! The parts that the hand-written schemas are made of.

use serde_json::{Value, json};

/// The dialect of all schemas.
pub(super) const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

/// A table with these optional keys; other keys are invalid.
pub(super) fn table(description: &str, properties: &Value) -> Value {
    json!({"type": "object", "description": description, "properties": properties, "additionalProperties": false})
}

pub(super) fn list(items: &Value, description: &str) -> Value {
    json!({"type": "array", "items": items, "description": description})
}

pub(super) fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

pub(super) fn texts(description: &str) -> Value {
    list(&json!({"type": "string"}), description)
}

pub(super) fn one_of(words: impl IntoIterator<Item = &'static str>, description: &str) -> Value {
    json!({"enum": words.into_iter().collect::<Vec<_>>(), "description": description})
}

/// The value, or null.
pub(super) fn nullable(schema: &Value) -> Value {
    json!({"anyOf": [schema, {"type": "null"}]})
}
