//! A verdict, as `classify` and `run --output` write it.

use super::parts::DIALECT;
use crate::classify::Attribution;
use crate::pipeline::VERSION;
use crate::taxonomy::{Category, Confidence, Grain, Outcome, Owner, Retry};
use serde_json::{Value, json};

pub(super) fn schema() -> Value {
    let text = json!({"type": ["string", "null"]});
    let number = json!({"type": ["number", "null"], "minimum": 0});
    let time = json!({"type": ["string", "null"], "format": "date-time"});
    let status =
        json!({"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"enum": ["timeout", "connection", null]}]});
    let words = |all: Vec<&str>| {
        let mut all: Vec<Value> = all.into_iter().map(Value::from).collect();
        all.push(Value::Null);
        json!({"enum": all})
    };
    let properties = json!({
        "v": {"const": VERSION},
        "source": {"type": "string", "description": "file, or name of the source"},
        "line": {"type": "integer", "minimum": 1, "description": "first line of the event"},
        "lines": {"type": "integer", "minimum": 1},
        "offset": {"type": "integer", "minimum": 0, "description": "byte offset of that line"},
        "ts": time,
        "outcome": {"enum": Outcome::ALL.iter().map(|word| word.as_str()).collect::<Vec<_>>()},
        "grain": words(Grain::ALL.iter().map(|word| word.as_str()).collect()),
        "provider": {"type": "string"},
        "provider_by": words(Attribution::ALL.iter().map(|word| word.as_str()).collect()),
        "gateway": text,
        "service": text,
        "host": text,
        "model": text,
        "status": status,
        "upstream_status": status,
        "pattern": text,
        "category": words(Category::ALL.iter().map(|word| word.as_str()).collect()),
        "owner": words(Owner::ALL.iter().map(|word| word.as_str()).collect()),
        "retry": words(Retry::ALL.iter().map(|word| word.as_str()).collect()),
        "retry_after_s": number,
        "resets_at": time,
        "confidence": words(Confidence::ALL.iter().map(|word| word.as_str()).collect()),
        "request_id": text,
        "message": {"type": ["string", "null"], "description": "redacted, at most 512 bytes"},
        "fix": text,
        "row": {"type": ["string", "null"], "description": "the row of the escalation table"},
        "latency_s": number,
    });
    let required: Vec<_> = properties.as_object().map(|keys| keys.keys().cloned().collect()).unwrap_or_default();
    json!({
        "$schema": DIALECT,
        "title": "llm-triage verdict",
        "description": "One line per record. Every key is always there; null where nothing is known.",
        "type": "object",
        "properties": properties,
        "required": required,
        "additionalProperties": false,
    })
}
