//! A field that may say what went wrong, and whether it says so.

use super::json::{self, Value};
use crate::line::contains;

/// A field that may say what went wrong.
#[derive(Clone, Copy, Debug)]
pub(super) struct ErrorField<'a> {
    /// The field exists only when something went wrong.
    pub(super) certain: bool,
    pub(super) key: &'a [u8],
    pub(super) value: Value<'a>,
}

impl ErrorField<'_> {
    /// Whether the value may be what a model wrote.
    pub(super) fn may_be_answer(&self) -> bool {
        let named = matches!(self.key, b"response" | b"response_text" | b"responseText");
        named && !self.is_evidence()
    }

    /// Whether this field says that something failed. Records of successful calls have bodies and details too.
    pub(super) fn is_evidence(&self) -> bool {
        match (self.certain, self.value) {
            (true, Value::Number(_)) => false,
            (true, Value::Text(raw)) => {
                !matches!(raw.bytes, b"None" | b"none" | b"null" | b"nil" | b"-" | b"false" | b"NoneType: None")
            }
            // Successful calls of LiteLLM have an `error_information` with empty fields.
            (true, Value::Object(object)) => json::Members::new(object).any(|(_, member)| member.is_something()),
            (true, other) => other.is_something(),
            // The error of an answer: `{"response":{"error":{…}}}`.
            (false, Value::Object(object)) if self.key == b"error" => {
                json::Members::new(object).any(|(_, member)| member.is_something())
            }
            (false, Value::Text(raw)) => looks_like_error_body(raw.bytes),
            (false, Value::Object(object)) => json::member(object, "error").is_something(),
            (false, Value::Array(items)) => self.key == b"events" && contains(items, b"exception"),
            (false, _) => false,
        }
    }
}

/// Whether a body that was logged reports an error.
fn looks_like_error_body(bytes: &[u8]) -> bool {
    let mut rest = bytes.iter().take(80).filter(|b| !b.is_ascii_whitespace() && !matches!(b, b'\\' | b'\'' | b'"'));
    let mut head = [0u8; 16];
    for slot in &mut head {
        match rest.next() {
            Some(byte) => *slot = *byte,
            None => break,
        }
    }
    // `\n` inside an escaped string leaves its `n` behind.
    let head = String::from_utf8_lossy(&head).replace("{n", "{");
    head.starts_with("{error:") || head.starts_with("[{error:") || head.starts_with("{type:error,")
}
