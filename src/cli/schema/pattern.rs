//! The schema of a file of patterns in a `--patterns` directory.

use super::parts::{DIALECT, list, one_of, table, text, texts};
use crate::taxonomy::{Category, Owner, Retry};
use serde_json::{Value, json};

pub(super) fn schema() -> Value {
    let status = json!({
        "description": "any of these: a number, `4xx`, `5xx`, `timeout`, `connection`, or `none` for a record without a status",
        "type": "array",
        "items": {"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"type": "string"}]},
    });
    let properties = json!({
        "id": {"type": "string", "pattern": "^[a-z0-9-]{1,80}$", "description": "unique; a pattern with the id of a shipped one replaces it as a whole"},
        "disabled": {"type": "boolean", "default": false, "description": "true: removes the shipped pattern with this id"},
        "title": text("a few words"),
        "category": one_of(Category::ALL.iter().map(|word| word.as_str()), "the kind of error"),
        "owner": one_of(Owner::ALL.iter().map(|word| word.as_str()), "who can fix the error"),
        "retry": one_of(Retry::ALL.iter().map(|word| word.as_str()), "whether to retry"),
        "providers": texts("ids of the providers that send this error; without it: any provider"),
        "status": status,
        "type": texts("any of these error types or exception classes; case-insensitive"),
        "code": texts("any of these error codes; case-insensitive"),
        "message": texts("any of these regular expressions: case-insensitive, with a literal of six bytes or more"),
        "any": list(&json!({"enum": ["code", "type", "message", "status"]}), "one of these keys is enough to match; every other key must match"),
        "no_literal": text("why no message has a literal of that length"),
        "general": {"type": "boolean", "description": "the message wraps other errors: any other pattern with a message, type or code wins"},
        "implies_status": {"type": "integer", "minimum": 100, "maximum": 599, "description": "the status of records that name none"},
        "meaning": text("the meaning of the error"),
        "fix": text("what to do, for the reader at 3 a.m."),
        "docs": text("the documentation of the provider"),
        "examples": texts("lines that this pattern must win"),
        "near": texts("lines that this pattern must not match"),
        "covers": texts("the entries of the error directory that this pattern covers"),
    });
    let mut pattern = table("one known error and its verdict", &properties);
    pattern["required"] = json!(["id"]);
    pattern["if"] = json!({"properties": {"disabled": {"const": true}}, "required": ["disabled"]});
    pattern["else"] = json!({"required": ["title", "category", "owner", "retry", "meaning", "fix", "examples"]});
    let mut file = table("a file of a `--patterns` directory", &json!({"pattern": list(&pattern, "known errors")}));
    file["$schema"] = json!(DIALECT);
    file["title"] = json!("llm-triage patterns");
    file
}
