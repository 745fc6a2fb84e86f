//! `schema`: what our JSON and TOML look like, for machines and editors.

mod config;
mod pattern;
mod verdict;

use super::args::{Schema, SchemaOf};
use super::{End, Trouble, style};
use serde_json::{Value, json};

/// The dialect that all of them are written in.
const DIALECT: &str = "https://json-schema.org/draft/2020-12/schema";

pub(super) fn run(args: &Schema) -> Result<End, Trouble> {
    let schema = match args.of {
        SchemaOf::Config => config::schema(),
        SchemaOf::Patterns => pattern::schema(),
        SchemaOf::Verdict => verdict::schema(),
    };
    let text = serde_json::to_string_pretty(&schema).map_err(|error| Trouble::Failed(error.to_string()))?;
    style::print(format!("{text}\n").as_bytes())?;
    Ok(End::Good)
}

/// A table with these keys, every one optional, and no other.
fn table(description: &str, properties: &Value) -> Value {
    json!({"type": "object", "description": description, "properties": properties, "additionalProperties": false})
}

fn list(items: &Value, description: &str) -> Value {
    json!({"type": "array", "items": items, "description": description})
}

fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn texts(description: &str) -> Value {
    list(&json!({"type": "string"}), description)
}

fn switch(description: &str, default: bool) -> Value {
    json!({"type": "boolean", "description": description, "default": default})
}

fn one_of(words: impl IntoIterator<Item = &'static str>, description: &str) -> Value {
    json!({"enum": words.into_iter().collect::<Vec<_>>(), "description": description})
}
