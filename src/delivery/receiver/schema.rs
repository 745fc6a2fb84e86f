//! The JSON Schema of the receivers' tables, from the option types and their documentation.

use super::ReceiverOptions;
use schemars::Schema;
use schemars::generate::SchemaSettings;
use schemars::transform::RecursiveTransform;
use serde_json::Value;

/// The JSON Schema of the table `[receiver]`, without references to other schemas.
#[must_use]
pub fn receivers_schema() -> Value {
    let settings = SchemaSettings::draft2020_12().with(|settings| {
        settings.inline_subschemas = true;
        settings.meta_schema = None;
    });
    let generator = settings.with_transform(RecursiveTransform(without_null)).into_generator();
    let mut schema = generator.into_root_schema_for::<ReceiverOptions>();
    schema.remove("title");
    schema.to_value()
}

/// TOML has no null: an optional key is absent. Defaults that only say "absent" or "empty" are noise.
fn without_null(schema: &mut Schema) {
    schema.remove("default");
    if let Some(kinds @ Value::Array(_)) = schema.get_mut("type") {
        *kinds = kinds.as_array().and_then(|kinds| kinds.iter().find(|kind| *kind != "null")).cloned().unwrap_or_default();
    }
    if let Some(Value::Array(variants)) = schema.get_mut("enum") {
        variants.retain(|variant| !variant.is_null());
    }
    if let Some(Value::Array(parts)) = schema.get_mut("anyOf") {
        parts.retain(|part| part["type"] != "null");
    }
}
