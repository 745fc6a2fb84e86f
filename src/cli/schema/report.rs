//! The schema of `report --format json`.

use super::parts::{DIALECT, list, nullable, one_of, table, text, texts};
use crate::alert::{Reason, State};
use crate::detect::{Blame, FindingKind};
use crate::taxonomy::{Category, Ending, Owner, Retry, Severity};
use serde_json::{Value, json};

pub(super) fn schema() -> Value {
    let properties = json!({
        "v": {"const": crate::pipeline::VERSION, "description": "the version of this format; keys are added without a new one"},
        "input": whole("what was read", &json!({"bytes": count("bytes"), "lines": count("lines")})),
        "interrupted": {"type": "boolean", "description": "a signal ended the reading before the end of the input"},
        "records": whole("records by their outcome", &json!({
            "success": count("calls that worked"),
            "error": count("calls that failed"),
            "other": count("records about anything else"),
            "unrecognised_errors": count("records that were logged as errors, and of which no rule knows what failed"),
        })),
        "span": whole("the times of the first and the last record", &json!({"from": nullable(&time("")), "to": nullable(&time(""))})),
        "errors": list(&error(), "one item for each error, the most frequent first"),
        "alerts": list(&alert(), "the alerts that the log would have raised, by its own time"),
        "windows": list(&window(), "the counts at the end of the log"),
        "unknown": list(&whole("errors that no pattern knows, of one form", &json!({
            "template": text("the words that they share"), "count": count("errors"), "example": text("one of them, redacted"),
        })), "groups of errors that no pattern knows"),
        "answers": list(&whole("the answers of a provider that ended in one way", &json!({
            "provider": provider(),
            "ending": one_of(Ending::ALL.iter().map(|word| word.as_str()), "how they ended"),
            "count": count("answers"),
            "share": share("of all answers of the provider, where the log shows how they ended"),
        })), "how answers ended"),
        "findings": list(&finding(), "what only many calls together show"),
        "unread": whole("records that speak of a call or of trouble and were not understood", &json!({
            "count": count("records"),
            "share": nullable(&share("of the records that speak of a call")),
            "examples": list(&whole("records of one form", &json!({
                "count": count("records"), "example": text("one of them, redacted"), "at": place(),
            })), "by their form"),
        })),
        "skipped": {"type": "object", "additionalProperties": count("bytes or lines"), "description": "what was not read, by the reason"},
    });
    let mut report = whole("the output of `report --format json`", &properties);
    report["$schema"] = json!(DIALECT);
    report["title"] = json!("llm-triage report");
    report
}

fn error() -> Value {
    whole(
        "failed calls of one provider, status and pattern",
        &json!({
            "provider": provider(),
            "status": status(),
            "pattern": nullable(&text("the id of the pattern")),
            "category": one_of(Category::ALL.iter().map(|word| word.as_str()), "the kind of error"),
            "owner": one_of(Owner::ALL.iter().map(|word| word.as_str()), "who can fix it"),
            "retry": one_of(Retry::ALL.iter().map(|word| word.as_str()), "whether to retry"),
            "count": count("failed calls"),
            "share": nullable(&share("of the calls of the provider; null if the log shows no success of it")),
            "first": nullable(&time("the first failure")),
            "last": nullable(&time("the last failure")),
            "peak_per_minute": count("the most failures in a minute"),
            "peak_at": nullable(&time("that minute")),
            "models": texts("the models, the most frequent first"),
            "services": texts("the calling services, the most frequent first"),
            "request_ids": texts("some ids of the provider, for its support"),
            "fix": text("what to do"),
            "row": nullable(&text("the row of the escalation table")),
            "example": nullable(&text("the text of one failure, redacted")),
            "at": place(),
        }),
    )
}

fn alert() -> Value {
    whole(
        "an alert",
        &json!({
            "row": text("the row of the escalation table"),
            "provider": provider(),
            "service": nullable(&text("where alerts are kept per service")),
            "severity": one_of(Severity::ALL.iter().map(|word| word.as_str()), "its severity"),
            "state": one_of(State::ALL.iter().map(|word| word.as_str()), "its state at the end of the log"),
            "from": time("when it fired"),
            "to": nullable(&time("when it was resolved; null: it still fires")),
            "reason": nullable(&one_of(Reason::ALL.iter().map(|word| word.as_str()), "why it was resolved")),
        }),
    )
}

fn window() -> Value {
    whole(
        "calls or failures over a time",
        &json!({
            "provider": provider(),
            "status": status(),
            "window": one_of(crate::window::SlidingWindow::SPANS, "the length of time"),
            "count": count("failures with the status; without a status, calls"),
            "ratio": nullable(&share("of the calls that failed")),
        }),
    )
}

fn finding() -> Value {
    whole(
        "a finding",
        &json!({
            "kind": one_of(FindingKind::ALL.iter().map(|word| word.as_str()), "what was found"),
            "provider": provider(),
            "service": nullable(&text("the service that it is about")),
            "model": nullable(&text("the model that it is about")),
            "row": nullable(&text("the row of the escalation table that it belongs to")),
            "blame": one_of(Blame::ALL.iter().map(|word| word.as_str()), "where the cause is"),
            "owner": text("who can fix it, in words"),
            "from": time("the start of the time that it is about"),
            "to": time("the end of the time that it is about"),
            "since": time("the same as `from`"),
            "last": time("the same as `to`"),
            "text": text("what was found, with its numbers"),
            "advice": text("what to do"),
        }),
    )
}

/// A table in which every key is always present; later versions may add keys.
fn whole(description: &str, properties: &Value) -> Value {
    let mut whole = table(description, properties);
    whole["required"] = properties.as_object().into_iter().flat_map(|all| all.keys().cloned()).collect();
    if let Some(keys) = whole.as_object_mut() {
        keys.remove("additionalProperties");
    }
    whole
}

fn count(description: &str) -> Value {
    json!({"type": "integer", "minimum": 0, "description": description})
}

fn share(description: &str) -> Value {
    json!({"type": "number", "minimum": 0, "maximum": 1, "description": description})
}

fn time(description: &str) -> Value {
    json!({"type": "string", "format": "date-time", "description": description})
}

fn provider() -> Value {
    text("the provider's id; empty if it is not known")
}

fn place() -> Value {
    nullable(&text("`FILE:LINE` of the first one"))
}

fn status() -> Value {
    json!({"description": "an HTTP status, `timeout`, `connection`, or null", "type": ["integer", "string", "null"]})
}
