//! Requests to the HTTP API of a daemon.

use super::output;
use crate::delivery::{SendError, fetch};
use crate::redact::clean;
use serde_json::Value;
use std::time::Duration;

/// The daemon must answer within this time.
const TIMEOUT: Duration = Duration::from_secs(5);
/// The most bytes of an answer.
const MAX_ANSWER_BYTES: usize = 16 << 20;

/// Sends one GET request for `path` to the daemon at `url` and parses the JSON answer.
pub(super) async fn get(url: &str, path: &str) -> Result<Value, String> {
    let address = format!("{}{path}", url.trim_end_matches('/'));
    let body = fetch(&address, TIMEOUT, MAX_ANSWER_BYTES).await.map_err(|error| match error {
        SendError::Connect { source, .. } => format!("no daemon answers at this address: {}", output::reason(&source)),
        error => format!("{path}: {error}; is this address llm-triage?"),
    })?;
    // Another program may answer at the address.
    let text = String::from_utf8_lossy(&body);
    let answer = serde_json::from_str(&text).map_err(|_| format!("{path} is not JSON; is this address llm-triage?"))?;
    Ok(cleaned(answer))
}

/// The answer with all its strings cleaned: they are shown on a terminal.
fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => clean(&text).into(),
        Value::Array(values) => values.into_iter().map(cleaned).collect(),
        Value::Object(entries) => entries.into_iter().map(|(key, value)| (key, cleaned(value))).collect(),
        other => other,
    }
}
