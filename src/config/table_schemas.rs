//! Schemas of the tables that stay as typed, because other modules own their keys: providers, rows and receivers. A test
//! compares them with `deploy/config.toml`, which shows every key.

use crate::delivery::ReceiverOptions;
use crate::taxonomy::{Category, Owner, Retry, Severity};
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde_json::{Value, json};

/// `[[provider]]`.
pub(super) fn providers(_: &mut SchemaGenerator) -> Schema {
    let properties = json!({
        "id": {"type": "string", "pattern": "^[a-z0-9_.-]{1,32}$", "description": "The value of the label `provider`."},
        "name": text("The name that people use."),
        "aliases": texts("Other spellings in logs."),
        "hosts": texts("Host names: exact, or `.suffix`, or with one `*`."),
        "models": texts("Prefixes of model names that only this provider has."),
        "namespaces": texts("Namespaces of exception classes, and names of loggers."),
        "vocabulary": texts("Words that only its errors use."),
        "wording": texts("Phrases that it coined and others repeat."),
        "status_page": text("Where to look when it is down."),
        "relay": switch("Whether it passes on the failures of other providers.", false),
        "self_hosted": switch("Whether it runs on own machines.", false),
    });
    array(&table(&["id"], &properties))
}

/// `[[escalation]]`.
pub(super) fn rows(generator: &mut SchemaGenerator) -> Schema {
    let one_or_several = |value: Value| json!({"anyOf": [value, {"type": "array", "items": value}]});
    let name = || one_or_several(json!({"type": "string"}));
    let conditions = json!({
        "provider": name(),
        "gateway": name(),
        "service": name(),
        "model": name(),
        "pattern": name(),
        "source": name(),
        "status": one_or_several(json!({"type": ["integer", "string"]})),
        "category": one_or_several(words::<Category>(generator)),
        "owner": one_or_several(words::<Owner>(generator)),
        "retry": one_or_several(words::<Retry>(generator)),
    });
    let mut conditions = table(&[], &conditions);
    conditions["description"] = json!("The failed calls of this row: every key must match.");
    let properties = json!({
        "id": text("The id of the shipped row to change, or of a new row."),
        "enabled": switch("`false`: the row raises no alerts.", true),
        "kind": text("What the row watches. Own rows have the kind `errors`."),
        "match": conditions,
        "sustained": span("How long the failures must last; `0s` fires at the first one."),
        "within": span("Instead of `sustained`: the time within which `failures` calls must fail."),
        "failures": {"type": "integer", "minimum": 1, "description": "The smallest number of failed calls that fires."},
        "share": {
            "type": "number",
            "exclusiveMinimum": 0,
            "maximum": 1,
            "description": "The smallest share of failed calls that fires, from 0 to 1.",
        },
        "keep_firing": span("How long the alert keeps firing after the failures end."),
        "severity": described(words::<Severity>(generator), "How urgent it is."),
        "title": text("What is wrong, in a few words."),
        "action": text("What to do first."),
        "escalate_to": text("Whom to call, or what to do, if that does not help."),
        "fix": text("How to fix it."),
    });
    array(&table(&["id"], &properties))
}

/// `[[receiver.…]]`: the module that owns them derives the schema.
pub(super) fn receivers(generator: &mut SchemaGenerator) -> Schema {
    ReceiverOptions::json_schema(generator)
}

fn array(items: &Value) -> Schema {
    schemars::json_schema!({"type": "array", "items": items})
}

/// A table with these keys and no others.
fn table(required: &[&str], properties: &Value) -> Value {
    let mut table = json!({"type": "object", "properties": properties, "additionalProperties": false});
    if !required.is_empty() {
        table["required"] = json!(required);
    }
    table
}

fn words<T: JsonSchema>(generator: &mut SchemaGenerator) -> Value {
    T::json_schema(generator).to_value()
}

/// A duration. The modules that own these tables accept fractions too.
fn span(description: &str) -> Value {
    let pattern = r"^([0-9]+(\.[0-9]+)? *(ms|s|m|h|d))+$";
    json!({"type": "string", "pattern": pattern, "description": description})
}

fn text(description: &str) -> Value {
    json!({"type": "string", "description": description})
}

fn texts(description: &str) -> Value {
    json!({"type": "array", "items": {"type": "string"}, "description": description})
}

fn switch(description: &str, default: bool) -> Value {
    json!({"type": "boolean", "description": description, "default": default})
}

fn described(mut schema: Value, description: &str) -> Value {
    schema["description"] = json!(description);
    schema
}
