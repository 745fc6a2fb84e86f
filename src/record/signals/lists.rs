//! The signals of a record, and the rules by which a value becomes one.

use super::mention::only_mentions;
use super::noise::{declares_calm, explains, names_trouble};
use super::reflow::reflow;
use crate::record::json::Value;
use crate::record::status::status_prefix;
use crate::taxonomy::Status;

/// The most entries of one list.
const LIST: usize = 12;
/// The depth of bodies in texts in bodies that is followed.
pub(super) const DEPTH: u8 = 6;
/// The longest message that is kept, in bytes.
const MESSAGE_BYTES: usize = 8 << 10;
/// The longest name of a class or type, in bytes.
const TYPE_BYTES: usize = 120;

/// Everything in a record that can decide what an error is, most trusted first within each list.
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a body")]
#[derive(Clone, Debug, Default)]
pub struct Signals {
    /// Texts that say what went wrong; the provider's own before those of loggers and wrappers.
    pub messages: Vec<String>,
    /// Error types, exception classes (bare and with their namespace), gRPC status words.
    pub types: Vec<String>,
    /// Error codes, quota ids, reasons, errno names, finish and block reasons.
    pub codes: Vec<String>,
    /// The status of the answer, as the application saw it.
    pub status: Option<Status>,
    /// The status that the provider's own body names.
    pub upstream_status: Option<Status>,
    /// The provider that failed, if a wrapper names it (`AnthropicException - …`, `metadata.provider_name`).
    pub provider: Option<String>,
    /// The model in the error.
    pub model: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// How long to wait before a retry, as the answer says, in seconds.
    pub retry_after_s: Option<f64>,
    /// The packages in the frames of a stack, by the names of their directories or classes.
    pub libraries: Vec<String>,
    /// The host that was called, if only the error names it.
    pub url_host: Option<String>,
    /// The body has the shape in which Anthropic wraps its errors: `{"type":"error","error":{…}}`.
    pub is_enveloped: bool,
    /// The text is a pasted configuration or conversation that was logged as an error.
    pub is_paste: bool,
    /// The body is a message and nothing else, as AWS writes it.
    pub is_bare: bool,
    /// The body names the provider behind a relay (`metadata.provider_name`), as OpenRouter's does.
    pub is_relayed: bool,
    /// The relay passes on the body of the provider behind it.
    pub passes_body: bool,
}

impl Signals {
    /// The most trusted text; empty if there is none.
    pub fn message(&self) -> &str {
        self.messages.first().map_or("", String::as_str)
    }

    /// Whether the texts are entries of another log that were logged as an error by mistake, and say that nothing failed.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        let answered = [self.status, self.upstream_status].into_iter().flatten().any(|status| status.http().is_some());
        let says_so = |message: &String| explains(message) || !answered && declares_calm(message);
        // Python's warnings are exception classes too.
        let warns = !answered && !self.types.is_empty() && self.types.iter().all(|name| name.ends_with("Warning"));
        warns || self.types.is_empty() && (self.is_paste || self.messages.iter().any(says_so))
    }

    /// Whether no text has a word for a failure.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.is_untyped() && self.codes.is_empty() && self.messages.iter().all(|message| !names_trouble(message))
    }

    /// Whether the texts speak of errors and report none.
    #[must_use]
    pub fn is_mention(&self) -> bool {
        self.is_untyped() && self.codes.is_empty() && self.messages.iter().all(|message| only_mentions(message))
    }

    fn is_untyped(&self) -> bool {
        self.types.is_empty() && self.status.is_none() && self.upstream_status.is_none()
    }

    pub(super) fn push(list: &mut Vec<String>, text: &str) {
        Self::push_up_to(LIST, list, text);
    }

    pub(super) fn push_up_to(limit: usize, list: &mut Vec<String>, text: &str) {
        let text = text.trim();
        if !text.is_empty() && list.len() < limit && !list.iter().any(|entry| entry.eq_ignore_ascii_case(text)) {
            list.push(text.to_owned());
        }
    }

    pub(super) fn add_message(&mut self, text: &str) {
        let end = text.floor_char_boundary(MESSAGE_BYTES);
        Self::push(&mut self.messages, &reflow(text.get(..end).unwrap_or_default()));
    }

    /// An exception class, with and without its namespace.
    pub(super) fn add_class(&mut self, name: &str) {
        let name = name.trim().trim_start_matches("<class '").trim_end_matches("'>");
        if name.len() > TYPE_BYTES || name.contains(' ') {
            return;
        }
        if let Some((_, leaf)) = name.rsplit_once(['.', ':', '\\', '$']) {
            Self::push(&mut self.types, leaf);
        }
        self.add_type(name);
    }

    /// An error type, unless it is a word without information.
    pub(super) fn add_type(&mut self, name: &str) {
        const UNINFORMATIVE: [&str; 9] =
            ["error", "object", "exception", "list", "dict", "null", "none", "undefined", "system"];
        if name.len() <= TYPE_BYTES && !UNINFORMATIVE.iter().any(|word| word.eq_ignore_ascii_case(name)) {
            Self::push(&mut self.types, name);
        }
    }

    pub(super) fn add_code(&mut self, value: Value<'_>) {
        match value {
            Value::Number(_) => match value.as_i64().map(|number| (number, Status::from_number(number))) {
                Some((_, Some(status))) => self.upstream_status = self.upstream_status.or(Some(status)),
                Some((number, None)) => Self::push(&mut self.codes, &number.to_string()),
                None => {}
            },
            Value::Text(raw) if raw.bytes.len() <= 160 => {
                let text = raw.text();
                match status_prefix(text.as_bytes()).filter(|_| text.len() == 3) {
                    Some(status) => self.upstream_status = self.upstream_status.or(Some(Status::Http(status))),
                    None => Self::push(&mut self.codes, &text),
                }
            }
            _ => {}
        }
    }

    /// Why the model stopped, as a code: `finish_reason:length`.
    pub(super) fn add_finish_reason(&mut self, key: &[u8], reason: &str) {
        let key = if key == b"stop_reason" { "stop_reason" } else { "finish_reason" };
        Self::push(&mut self.codes, &format!("{key}:{reason}"));
    }

    pub(super) fn add_status(&mut self, value: Value<'_>) {
        match value.as_i64() {
            // MiniMax and others have error numbers of their own: `base_resp.status_code` 1002.
            Some(number) if number > 599 => Self::push(&mut self.codes, &number.to_string()),
            Some(number) => self.status = self.status.or(Status::from_number(number)),
            None => {
                if let Value::Text(raw) = value
                    && raw.bytes.len() <= 64
                {
                    self.add_type(&raw.text());
                }
            }
        }
    }
}
