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

/// The texts of an alert that have several lines.
const OF_LINES: [&str; 2] = ["description", "evidence"];

/// The answer with all its strings cleaned: they are shown on a terminal.
fn cleaned(value: Value) -> Value {
    match value {
        Value::String(text) => clean(&text).into(),
        Value::Array(values) => values.into_iter().map(cleaned).collect(),
        Value::Object(entries) => entries.into_iter().map(|(key, value)| cleaned_entry(key, value)).collect(),
        other => other,
    }
}

fn cleaned_entry(key: String, value: Value) -> (String, Value) {
    let value = match value {
        Value::String(text) if OF_LINES.contains(&key.as_str()) => {
            text.lines().map(|line| clean(line).into_owned()).collect::<Vec<_>>().join("\n").into()
        }
        other => cleaned(other),
    };
    (key, value)
}

#[cfg(test)]
mod tests {
    use super::*;
    use serde_json::json;

    #[test]
    fn only_texts_of_several_lines_keep_their_line_breaks() {
        let answer = json!([{"description": "one\ntwo\u{1b}[2J", "summary": "one\ntwo", "n": 1}]);
        assert_eq!(cleaned(answer), json!([{"description": "one\ntwo\\u{1b}[2J", "summary": "one\\u{a}two", "n": 1}]));
    }
}
