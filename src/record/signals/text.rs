//! Texts that say what went wrong: a message, one with a body in it, a whole traceback.

use super::exception::{class_inside, class_prefix, unwrap_repr, wrapped_provider};
use super::extract::{status_in, url_in};
use super::frames;
use super::lists::{DEPTH, Signals};
use super::noise::is_paste;
use super::python;
use super::reflow::undrawn;
use super::traceback::{exceptions, is_trace, without_cause};
use crate::line::{find, split_once};
use crate::record::json::{self, Items, Members, Raw, Value};
use crate::record::status::status_prefix;
use crate::taxonomy::Status;
use std::borrow::Cow;

/// The most packages of a stack. The innermost frames come first or last; between them are those of the framework.
const PACKAGES: usize = 48;
/// The longest text that is looked into, in bytes.
const TEXT_BYTES: usize = 64 << 10;

impl Signals {
    /// A text that says what went wrong: a bare message, one with a body in it, or a whole traceback.
    pub(super) fn add_text(&mut self, text: &str, depth: u8) {
        if depth > DEPTH || text.trim().is_empty() {
            return;
        }
        let plain = undrawn(text);
        let text = plain.get(..plain.floor_char_boundary(TEXT_BYTES)).unwrap_or_default();
        if is_trace(text) {
            return self.add_trace(text, depth);
        }
        self.is_paste |= memchr::memchr(b'\n', text.as_bytes()).is_some() && is_paste(text);
        self.add_frames(text);
        self.add_exception(text, depth);
    }

    /// A traceback or stack: the last exception is what the application saw, those above are its causes.
    pub(super) fn add_trace(&mut self, text: &str, depth: u8) {
        if depth > DEPTH {
            return;
        }
        let plain = undrawn(text);
        let text = plain.get(..plain.floor_char_boundary(TEXT_BYTES)).unwrap_or_default();
        self.add_frames(text);
        let mut parts = exceptions(text);
        let Some(last) = parts.exceptions.pop() else { return };
        self.add_exception(&last, depth);
        for cause in parts.exceptions.iter().rev().take(3) {
            self.add_exception(cause, depth + 1);
        }
        if !parts.before.is_empty() {
            self.add_exception(parts.before, depth + 1);
        }
        if let Some(json) = parts.dump.and_then(|dump| python::to_json(&without_cause(dump))) {
            self.add_object(json.as_bytes(), depth + 1);
        }
        // An error that lists the errors of its attempts has no status of its own.
        if self.status.is_none()
            && let Some(json) = parts.inner_dump.and_then(|dump| python::to_json(&without_cause(dump)))
        {
            self.add_object(json.as_bytes(), depth + 1);
        }
    }

    fn add_frames(&mut self, text: &str) {
        if frames::has_frames(text) {
            for package in frames::packages(text) {
                Self::push_up_to(PACKAGES, &mut self.libraries, &package);
            }
        }
    }

    /// One exception as text: classes at the start, then words, perhaps with a body.
    fn add_exception(&mut self, text: &str, depth: u8) {
        let mut rest = text.trim();
        let inside = if class_prefix(rest).is_none() { class_inside(rest) } else { None };
        if let Some(at) = inside {
            rest = rest.get(at..).unwrap_or_default();
        }
        if let Some(class) = class_of_ruby(text) {
            self.add_class(class);
        }
        // AWS: `An error occurred (ThrottlingException) when calling the Converse operation: …`.
        if let Some((name, _)) =
            split_once(text, "An error occurred (").and_then(|(_, after)| split_once(after, ") when calling"))
        {
            self.add_class(name);
            self.add_code(Value::Text(Raw::plain(name.as_bytes())));
        }
        for _ in 0..6 {
            let Some((class, after)) = class_prefix(rest) else { break };
            self.add_class(class);
            if let Some(name) = wrapped_provider(class, after) {
                self.provider.get_or_insert_with(|| name.to_owned());
            }
            rest = after.trim_start_matches([':', '-', ' ']);
        }
        let rest = unwrap_repr(rest);
        let found = self.add_embedded(rest, depth);
        if let Some((name, model, status)) = relayed(text) {
            self.provider.get_or_insert_with(|| name.to_owned());
            self.model.get_or_insert_with(|| model.to_owned());
            self.status = self.status.or(status_prefix(status.as_bytes()).map(Status::Http));
        }
        if self.status.is_none() {
            let first = status_prefix(rest.as_bytes()).filter(|status| *status >= 400).map(Status::Http);
            self.status = first.or_else(|| status_in(text));
        }
        if self.url_host.is_none() {
            self.url_host = url_in(rest);
        }
        if let Some(name) = named_code(text) {
            self.add_type(name);
        }
        if found {
            // The words around a body are those of a wrapper; they come after the provider's own.
            let around = rest.get(..rest.find('{').unwrap_or(0)).unwrap_or_default();
            self.add_message(around.trim_end_matches([' ', '-', ':']));
        } else {
            self.add_message(rest);
        }
        if inside.is_some() {
            self.add_message(text);
        }
    }

    /// The first object in a text that is an error body: JSON, JSON that is escaped once more, or a Python literal. If a body
    /// was pasted into another one and its quotes were not escaped, the message of the outer body ends at the brace of the
    /// inner one: the inner body is read as well. Returns whether a body was found.
    fn add_embedded(&mut self, text: &str, depth: u8) -> bool {
        if depth < DEPTH && text.starts_with("[{") {
            let before = self.messages.len();
            self.add_items(text.as_bytes(), depth + 1);
            return self.messages.len() > before;
        }
        let (mut from, mut found) = (0, false);
        for _ in 0..6 {
            let Some(at) = text.get(from..).and_then(|rest| rest.find('{')).map(|brace| from + brace) else { break };
            let body = text.get(at..).unwrap_or_default();
            let next = body.bytes().skip(1).find(|b| !b.is_ascii_whitespace());
            let json = match next {
                Some(b'"') => Some(Cow::Borrowed(body)),
                Some(b'\\') => Some(Cow::Owned(json::unescape(body.as_bytes()))),
                Some(b'\'' | b'a'..=b'z') => python::to_json(body).map(Cow::Owned),
                _ => None,
            };
            if json.as_ref().is_some_and(|json| is_answer(json.as_bytes())) {
                break;
            }
            if let Some(json) = json
                && is_error_object(json.as_bytes())
            {
                self.add_object(json.as_bytes(), depth + 1);
                found = true;
                if !self.messages.iter().any(|message| message.ends_with('{')) {
                    break;
                }
            }
            from = at + 1;
        }
        if found && self.messages.iter().any(|message| !message.ends_with('{')) {
            self.messages.retain(|message| !message.ends_with('{'));
        }
        found
    }
}

/// The class that Ruby puts behind the message of an uncaught exception: `chat.rb:12:in 'ask': too fast (RubyLLM::RateLimitError)`.
fn class_of_ruby(text: &str) -> Option<&str> {
    let (line, _) = text.split_once('\n').unwrap_or((text, ""));
    let (before, class) = line.strip_suffix(')')?.rsplit_once(" (")?;
    (find(before, ".rb:").is_some() && find(before, ":in ").is_some() && class_prefix(class).is_some()).then_some(class)
}

/// `Error from provider(deepseek,deepseek-chat: 400)`, as claude-code-router writes it: provider, model and status.
fn relayed(text: &str) -> Option<(&str, &str, &str)> {
    let (_, after) = split_once(text, "Error from provider(")?;
    let (inside, _) = after.get(..after.floor_char_boundary(120))?.split_once(')')?;
    let (name, rest) = inside.split_once(',')?;
    let (model, status) = rest.rsplit_once(':').unwrap_or((rest, ""));
    Some((name.trim(), model.trim(), status.trim()))
}

/// The name of an error of AWS or gRPC in the middle of a text: `An error occurred (ThrottlingException) when calling …`,
/// `… (Status: INVALID_ARGUMENT)`, `rpc error: code = ResourceExhausted desc = …`.
fn named_code(text: &str) -> Option<&str> {
    const GRPC: [&str; 6] = [
        "INVALID_ARGUMENT",
        "PERMISSION_DENIED",
        "RESOURCE_EXHAUSTED",
        "FAILED_PRECONDITION",
        "UNAUTHENTICATED",
        "DEADLINE_EXCEEDED",
    ];
    const GO: [&str; 6] = [
        "InvalidArgument",
        "PermissionDenied",
        "ResourceExhausted",
        "FailedPrecondition",
        "Unauthenticated",
        "DeadlineExceeded",
    ];
    const GO_CODE: &str = "rpc error: code = ";
    const AWS: &str = "An error occurred (";
    if let Some(code) = find(text, GO_CODE).and_then(|at| text.get(at + GO_CODE.len()..)) {
        return GO.iter().zip(GRPC).find(|(go, _)| code.starts_with(**go)).map(|(_, code)| code);
    }
    if let Some(at) = find(text, AWS) {
        return text.get(at + AWS.len()..)?.split(')').next();
    }
    let is_whole_word = |at: usize, length: usize| {
        let joins = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        !joins(at.checked_sub(1).and_then(|before| text.as_bytes().get(before))) && !joins(text.as_bytes().get(at + length))
    };
    GRPC.into_iter().find(|code| find(text, code).is_some_and(|at| is_whole_word(at, code.len())))
}

/// Whether an object is a model's answer: it has choices and no error.
fn is_answer(object: &[u8]) -> bool {
    let [choices, error] = json::members(object, ["choices", "error"]);
    !error.is_something() && matches!(choices, Value::Array(items) if Items::new(items).next().is_some())
}

fn is_error_object(object: &[u8]) -> bool {
    Members::new(object).take(24).any(|(key, value)| match key.bytes {
        b"error" | b"errors" | b"errorMessage" | b"error_message" | b"Message" | b"message" | b"detail" | b"__type"
        | b"msg" | b"promptFeedback" | b"base_resp" => value.is_something(),
        b"choices" => matches!(value, Value::Array(items) if Items::new(items).next().is_none()),
        b"type" => matches!(value, Value::Text(raw) if raw.bytes == b"error"),
        b"status" => matches!(value, Value::Text(raw) if raw.bytes.iter().all(|b| b.is_ascii_uppercase() || *b == b'_')),
        _ => false,
    })
}
