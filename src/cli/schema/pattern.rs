//! A file of patterns, as `--patterns` directories hold them.

use super::parts::{DIALECT, list, one_of, table, text, texts};
use crate::taxonomy::{Category, Owner, Retry};
use serde_json::{Value, json};

pub(super) fn schema() -> Value {
    let status = json!({
        "description": "any of these; a number, `4xx`, `5xx`, `timeout`, `connection`, or `none` where no status is told",
        "type": "array",
        "items": {"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"type": "string"}]},
    });
    let properties = json!({
        "id": {"type": "string", "pattern": "^[a-z0-9-]{1,80}$", "description": "unique; that of a shipped pattern replaces it whole"},
        "disabled": {"type": "boolean", "default": false, "description": "true: the shipped pattern of this id is not there"},
        "title": text("a few words for people"),
        "category": one_of(Category::ALL.iter().map(|word| word.as_str()), "what kind of error it is"),
        "owner": one_of(Owner::ALL.iter().map(|word| word.as_str()), "who can settle it"),
        "retry": one_of(Retry::ALL.iter().map(|word| word.as_str()), "whether to retry"),
        "providers": texts("ids of the providers whose error it is; without it: any"),
        "status": status,
        "type": texts("any of these error types or exception classes, whatever the case"),
        "code": texts("any of these error codes, whatever the case"),
        "message": texts("any of these regular expressions: case-insensitive, with a literal of six bytes or more"),
        "any": list(&json!({"enum": ["code", "type", "message", "status"]}), "of these keys one is enough; of all others each is needed"),
        "no_literal": text("why no message has such a literal"),
        "general": {"type": "boolean", "description": "its wording is a wrapper around other errors: any other wording, class or code wins"},
        "implies_status": {"type": "integer", "minimum": 100, "maximum": 599, "description": "the status that was seen where the record tells none"},
        "meaning": text("what it means"),
        "fix": text("what to do, for the reader at 3 a.m."),
        "docs": text("where the provider says so"),
        "examples": texts("lines it must win"),
        "near": texts("lines it must not match"),
        "tags": texts("tags of the table `[tags]` in `signals.toml`; without it: those of the shipped pattern that this one replaces"),
        "covers": texts("the entries of the error directory it covers"),
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
