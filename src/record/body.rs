//! What went wrong, wherever a record says it: the provider's own body as an object, as JSON in a string, as a Python
//! literal or a `util.inspect` dump; the exception of a traceback with its causes; the words around them.

use super::fields::Field;
use super::json::{self, Items, Members, Raw, Value};
use super::text::{go_duration_s, host_of, status_prefix};
use super::trace::{class_inside, class_prefix, exceptions, is_trace, libraries, unwrap_repr, without_cause, wrapped_provider};
use super::words::{
    declares_calm, exchange_in, explains, is_connection, is_paste, is_timeout, model_in, names_trouble, request_id_in,
    status_in, unwrapped, url_in, wait_in,
};
use super::{LineKind, Record, python};
use crate::line::{contains, find, strip_colours};
use crate::taxonomy::Status;
use std::borrow::Cow;

/// Everything in a record that can decide what an error is, most trusted first within each list.
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
    /// Who failed, where a wrapper names it (`AnthropicException - …`, `metadata.provider_name`).
    pub provider: Option<String>,
    /// The model that the error speaks of.
    pub model: Option<String>,
    /// The provider's id of the request.
    pub request_id: Option<String>,
    /// A wait the answer named, in seconds.
    pub retry_after_s: Option<f64>,
    /// The packages whose code a stack goes through, as they are named where they are installed.
    pub libraries: Vec<String>,
    /// The host that was called, where only the error tells.
    pub url_host: Option<String>,
    /// The body has the shape in which Anthropic wraps its errors: `{"type":"error","error":{…}}`.
    pub is_enveloped: bool,
    /// Lines of settings or of a talk, which were logged as an error.
    pub is_paste: bool,
    /// The body is a message and nothing else, as AWS writes them.
    pub is_bare: bool,
    /// The body says which provider is behind it (`metadata.provider_name`), as OpenRouter's does.
    pub is_relayed: bool,
}

const LIST: usize = 12;
const MESSAGE_BYTES: usize = 8 << 10;
const TEXT_BYTES: usize = 64 << 10;
const DEPTH: u8 = 6;

/// Whether a body that was logged is one that reports an error.
pub(super) fn looks_like_error_body(bytes: &[u8]) -> bool {
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

/// Collects the signals of a record.
pub(super) fn collect(record: &Record<'_>) -> Signals {
    let mut it = Signals::default();
    for (field, list) in [(Field::ErrorCode, true), (Field::ErrorType, false), (Field::ErrorClass, false)] {
        match record.slot(field) {
            value if list => it.code(value),
            Value::Text(raw) => it.class(&raw.text()),
            _ => {}
        }
    }
    for fault in record.faults().iter().filter(|it| it.certain) {
        it.field(fault.key, fault.value, 0);
    }
    if matches!(record.spot, LineKind::None | LineKind::Sdk { status: None, .. }) {
        it.text(&record.message(), 0);
    }
    // What a field named `response` holds may be a model's words, unless the answer was a refusal.
    let refused = record.status().and_then(Status::http).is_some_and(|it| it >= 400);
    for fault in record.faults().iter().filter(|it| !it.certain && (refused || !it.may_be_answer())) {
        it.field(fault.key, fault.value, 0);
    }
    if let Some(reason) = record.finish_reason() {
        let key =
            if record.slots[Field::FinishReason as usize].key == b"stop_reason" { "stop_reason" } else { "finish_reason" };
        Signals::push(&mut it.codes, &format!("{key}:{reason}"));
    }
    if let Value::Text(raw) = record.slot(Field::Kind) {
        it.kind(&raw.text());
    }
    if let Some(wait) = record.slot(Field::RetryAfter).as_f64() {
        let key = record.slots[Field::RetryAfter as usize].key;
        it.retry_after_s = Some(if key.ends_with(b"_ms") { wait / 1e3 } else { wait });
    }
    it.finish(record);
    it
}

impl Signals {
    /// The first text, which a reader would want to see.
    pub fn message(&self) -> &str {
        self.messages.first().map_or("", String::as_str)
    }

    /// Whether the words are an entry of another log, wrapped as an error by mistake: they say themselves that nothing failed.
    #[must_use]
    pub fn is_calm(&self) -> bool {
        let answered = [self.status, self.upstream_status].into_iter().flatten().any(|it| it.http().is_some());
        let says_so = |it: &String| explains(it) || !answered && declares_calm(it);
        // Python's warnings are classes too.
        let warns = !answered && !self.types.is_empty() && self.types.iter().all(|it| it.ends_with("Warning"));
        warns || self.types.is_empty() && (self.is_paste || self.messages.iter().any(says_so))
    }

    /// Whether not one word speaks of a failure.
    #[must_use]
    pub fn is_quiet(&self) -> bool {
        self.is_untyped() && self.codes.is_empty() && self.messages.iter().all(|it| !names_trouble(it))
    }

    fn is_untyped(&self) -> bool {
        self.types.is_empty() && self.status.is_none() && self.upstream_status.is_none()
    }

    fn push(list: &mut Vec<String>, text: &str) {
        let text = text.trim();
        if !text.is_empty() && list.len() < LIST && !list.iter().any(|it| it.eq_ignore_ascii_case(text)) {
            list.push(text.to_owned());
        }
    }

    fn say(&mut self, text: &str) {
        let end = text.floor_char_boundary(MESSAGE_BYTES);
        Self::push(&mut self.messages, &unwrapped(text.get(..end).unwrap_or_default()));
    }

    /// An exception class, with and without its namespace.
    fn class(&mut self, name: &str) {
        let name = name.trim().trim_start_matches("<class '").trim_end_matches("'>");
        if name.len() > 120 || name.contains(' ') {
            return;
        }
        if let Some((_, leaf)) = name.rsplit_once(['.', ':']) {
            Self::push(&mut self.types, leaf);
        }
        self.kind(name);
    }

    fn kind(&mut self, name: &str) {
        const EMPTY: [&str; 9] = ["error", "object", "exception", "list", "dict", "null", "none", "undefined", "system"];
        if name.len() <= 120 && !EMPTY.iter().any(|it| it.eq_ignore_ascii_case(name)) {
            Self::push(&mut self.types, name);
        }
    }

    fn code(&mut self, value: Value<'_>) {
        match value {
            Value::Number(_) => match value.as_i64().map(|it| (it, Status::from_number(it))) {
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

    fn status_field(&mut self, value: Value<'_>) {
        match value.as_i64() {
            // MiniMax and others have numbers of their own: `base_resp.status_code` 1002.
            Some(number) if number > 599 => Self::push(&mut self.codes, &number.to_string()),
            Some(number) => self.status = self.status.or(Status::from_number(number)),
            None => {
                if let Value::Text(raw) = value
                    && raw.bytes.len() <= 64
                {
                    self.kind(&raw.text());
                }
            }
        }
    }

    /// A value under a key that may say what went wrong.
    fn field(&mut self, key: &[u8], value: Value<'_>, depth: u8) {
        if depth > DEPTH {
            return;
        }
        match key {
            b"stack"
            | b"stacktrace"
            | b"stack_trace"
            | b"traceback"
            | b"exception.stacktrace"
            | b"exc_info"
            | b"exception"
            | b"text" => self.any(value, depth, Self::trace),
            b"headers" | b"responseHeaders" | b"response_headers" => self.headers(value),
            b"hidden_params" => {
                if let Value::Object(object) = value {
                    self.headers(json::member(object, "additional_headers"));
                }
            }
            b"events" => self.events(value, depth),
            _ => self.any(value, depth, Self::text),
        }
    }

    fn any(&mut self, value: Value<'_>, depth: u8, text: fn(&mut Self, &str, u8)) {
        match value {
            Value::Text(raw) => text(self, &raw.text(), depth),
            Value::Object(object) => self.object(object, depth + 1),
            Value::Array(items) => self.items(items, depth),
            _ => {}
        }
    }

    /// A list of errors (the last one counts most), of frames (structlog: outermost first), or of lines (python-json-logger).
    fn items(&mut self, items: &[u8], depth: u8) {
        let items: Vec<_> = Items::new(items).take(64).collect();
        let lines: Vec<_> = items.iter().filter_map(|it| it.as_text()).collect();
        if lines.len() > 1 {
            return self.trace(&lines.join("\n"), depth + 1);
        }
        let named =
            items.iter().any(|it| matches!(it, Value::Object(object) if json::member(object, "exc_type").is_something()));
        let order: Vec<_> = if named { items } else { items.into_iter().rev().collect() };
        for item in order.into_iter().take(4) {
            self.any(item, depth + 1, Self::text);
        }
    }

    /// OpenTelemetry span events: the `exception` ones.
    fn events(&mut self, value: Value<'_>, depth: u8) {
        let Value::Array(items) = value else { return };
        for item in Items::new(items).take(16) {
            if let Value::Object(event) = item
                && let Value::Object(attributes) = json::member(event, "attributes")
            {
                if let Some(class) = json::member(attributes, "exception.type").as_text() {
                    self.class(&class);
                }
                if let Some(message) = json::member(attributes, "exception.message").as_text() {
                    self.text(&message, depth + 1);
                }
                if let Some(trace) = json::member(attributes, "exception.stacktrace").as_text() {
                    self.trace(&trace, depth + 1);
                }
            }
        }
    }

    fn headers(&mut self, value: Value<'_>) {
        let Value::Object(object) = value else { return };
        for (key, value) in Members::new(object).take(64) {
            match key.bytes.to_ascii_lowercase().as_slice() {
                b"retry-after-ms" | b"x-ms-retry-after-ms" => {
                    self.retry_after_s = value.as_f64().map(|it| it / 1e3).or(self.retry_after_s);
                }
                b"retry-after" => self.retry_after_s = self.retry_after_s.or(value.as_f64()),
                b"request-id" | b"x-request-id" | b"x-amzn-requestid" | b"apim-request-id" => self.request(value),
                _ => {}
            }
        }
    }

    fn request(&mut self, value: Value<'_>) {
        if self.request_id.is_none() {
            self.request_id = value.as_text().filter(|it| (6..=128).contains(&it.len())).map(Cow::into_owned);
        }
    }

    /// An error object of a provider, an SDK or a logger.
    fn object(&mut self, object: &[u8], depth: u8) {
        if depth > DEPTH {
            return;
        }
        // The innermost body first: what it says is the provider's own.
        let [error, rest @ ..] = json::members(object, ["error", "responseBody", "data", "body", "response", "type"]);
        let [rest @ .., kind] = rest;
        self.is_enveloped |= matches!((error, kind), (Value::Object(_), Value::Text(raw)) if raw.bytes == b"error");
        for inner in [error].into_iter().chain(rest) {
            match inner {
                Value::Object(inner) => self.object(inner, depth + 1),
                Value::Text(raw) => self.text(&raw.text(), depth + 1),
                _ => {}
            }
        }
        let mut keys = Members::new(object).map(|(key, _)| key.bytes);
        self.is_bare |= matches!((keys.next(), keys.next()), (Some(b"message" | b"Message"), None));
        for (key, value) in Members::new(object).take(128) {
            self.member_of_error(key.bytes, value, depth);
        }
    }

    fn member_of_error(&mut self, key: &[u8], value: Value<'_>, depth: u8) {
        match key {
            b"message" | b"msg" | b"Message" | b"errorDescription" | b"exc_value" | b"error_message" | b"errorMessage"
            | b"error_msg" | b"error_str" | b"description" | b"reason" | b"value" | b"title" | b"err_msg" | b"status_msg"
            | b"error_description" | b"apiMessage" | b"detail" => self.any(value, depth, Self::text),
            b"type" | b"error_type" | b"errorType" | b"__type" => {
                if let Some(name) = value.as_text() {
                    if name.contains('.') { self.class(&name) } else { self.kind(&name) }
                }
            }
            b"name" | b"class" | b"exc_type" | b"error_class" | b"exception_class" | b"class_name" => {
                if let Some(name) = value.as_text() {
                    self.class(&name);
                }
            }
            // LiteLLM's `error_information.error_code` is the status after its own rewriting.
            b"error_code" if value.as_i64().is_some_and(|it| Status::from_number(it).is_some()) => self.status_field(value),
            b"code" | b"error_code" | b"errorCode" | b"Code" | b"errno" | b"status_code_name" => self.code(value),
            b"status" | b"statusCode" | b"status_code" | b"http_status" | b"httpStatus" | b"error_status" => {
                self.status_field(value);
            }
            b"details" | b"error_details" => self.details(value, depth),
            b"metadata" => self.metadata(value, depth),
            b"inner_error" | b"innererror" | b"err" | b"cause" | b"lastError" | b"errors" | b"exception"
            | b"error_information" | b"inner_exception" | b"base_resp" => {
                self.any(value, depth, Self::text);
            }
            b"stack" | b"stacktrace" | b"stack_trace" | b"traceback" | b"exc_info" => {
                if let Some(trace) = value.as_text() {
                    self.trace(&trace, depth + 1);
                }
            }
            b"headers" | b"responseHeaders" | b"response_headers" => self.headers(value),
            b"request_id" | b"requestID" | b"requestId" | b"error_provider_request_id" | b"x-request-id" => self.request(value),
            b"retry_after" | b"retryAfter" | b"retry_after_seconds" => {
                self.retry_after_s = self.retry_after_s.or(value.as_f64());
            }
            b"retry_after_ms" => self.retry_after_s = self.retry_after_s.or(value.as_f64().map(|it| it / 1e3)),
            b"url" | b"base_url" => {
                self.url_host = self.url_host.take().or_else(|| Some(host_of(value.as_raw()?.bytes)?.to_owned()));
            }
            b"llm_provider" | b"provider" | b"provider_name" => self.named(value),
            b"choices" | b"candidates" => {
                if let Value::Array(items) = value
                    && Items::new(items).next().is_none()
                {
                    Self::push(&mut self.codes, "empty_choices");
                }
            }
            b"promptFeedback" => {
                if let Value::Object(inner) = value
                    && let Some(reason) = json::member(inner, "blockReason").as_text()
                {
                    Self::push(&mut self.codes, &format!("block_reason:{reason}"));
                }
            }
            b"finishReason" | b"finish_reason" | b"stop_reason" => {
                if let Some(reason) = value.as_text() {
                    let key = if key == b"stop_reason" { "stop_reason" } else { "finish_reason" };
                    Self::push(&mut self.codes, &format!("{key}:{reason}"));
                }
            }
            _ => {}
        }
    }

    fn named(&mut self, value: Value<'_>) {
        if self.provider.is_none() {
            self.provider = value.as_text().filter(|it| it.len() <= 64).map(Cow::into_owned);
        }
    }

    /// Google's `details` (a list with `reason`, `violations`, `retryDelay`) and Anthropic's (an object with `error_code`).
    fn details(&mut self, value: Value<'_>, depth: u8) {
        match value {
            Value::Array(items) => {
                for item in Items::new(items).take(16) {
                    match item {
                        Value::Object(detail) => self.detail(detail),
                        other => self.any(other, depth + 1, Self::text),
                    }
                }
            }
            Value::Object(object) => {
                for (key, value) in Members::new(object).take(32) {
                    match key.bytes {
                        b"error_code" | b"code" | b"reason" => self.code(value),
                        b"error" => self.any(value, depth + 1, Self::text),
                        _ => {}
                    }
                }
            }
            Value::Text(raw) => self.text(&raw.text(), depth + 1),
            _ => {}
        }
    }

    fn detail(&mut self, detail: &[u8]) {
        for (key, value) in Members::new(detail).take(32) {
            match (key.bytes, value) {
                (b"reason" | b"quotaId" | b"code", value) => self.code(value),
                (b"retryDelay", Value::Text(raw)) => self.retry_after_s = go_duration_s(raw.bytes).or(self.retry_after_s),
                (b"violations", Value::Array(items)) => {
                    for item in Items::new(items).take(8) {
                        if let Value::Object(violation) = item {
                            self.detail(violation);
                        }
                    }
                }
                (b"msg" | b"message", Value::Text(raw)) => self.say(&raw.text()),
                _ => {}
            }
        }
    }

    /// OpenRouter's `metadata`: whose error it is, and that error itself.
    fn metadata(&mut self, value: Value<'_>, depth: u8) {
        let Value::Object(object) = value else { return };
        for (key, value) in Members::new(object).take(32) {
            match key.bytes {
                b"provider_name" => {
                    self.is_relayed = true;
                    match value.as_text() {
                        // OpenRouter calls Vertex "Google" and the Gemini API "Google AI Studio".
                        Some(name) if name == "Google" => _ = self.provider.get_or_insert_with(|| "vertex_ai".to_owned()),
                        _ => self.named(value),
                    }
                }
                b"limit_source" | b"error_type" | b"reason" => self.code(value),
                b"raw" => self.any(value, depth + 1, Self::text),
                b"headers" => self.headers(value),
                _ => {}
            }
        }
    }

    /// A text that says what went wrong: a bare message, one with a body in it, or a whole traceback.
    fn text(&mut self, text: &str, depth: u8) {
        if depth > DEPTH || text.trim().is_empty() {
            return;
        }
        let plain = strip_colours(text);
        let text = plain.get(..plain.floor_char_boundary(TEXT_BYTES)).unwrap_or_default();
        if is_trace(text) {
            return self.trace(text, depth);
        }
        self.is_paste |= memchr::memchr(b'\n', text.as_bytes()).is_some() && is_paste(text);
        if contains(text, "site-packages/") || contains(text, "node_modules/") {
            for library in libraries(text) {
                Self::push(&mut self.libraries, library);
            }
        }
        self.exception(text, depth);
    }

    /// A traceback or stack: the last exception is what the application saw, those above are its causes.
    fn trace(&mut self, text: &str, depth: u8) {
        if depth > DEPTH {
            return;
        }
        let plain = strip_colours(text);
        let text = plain.get(..plain.floor_char_boundary(TEXT_BYTES)).unwrap_or_default();
        for library in libraries(text) {
            Self::push(&mut self.libraries, library);
        }
        let mut parts = exceptions(text);
        let Some(last) = parts.exceptions.pop() else { return };
        self.exception(&last, depth);
        for cause in parts.exceptions.iter().rev().take(3) {
            self.exception(cause, depth + 1);
        }
        if !parts.before.is_empty() {
            self.exception(parts.before, depth + 1);
        }
        if let Some(json) = parts.dump.and_then(|it| python::to_json(&without_cause(it))) {
            self.object(json.as_bytes(), depth + 1);
        }
        // An error that lists those of its tries has no status of its own.
        if self.status.is_none()
            && let Some(json) = parts.inner_dump.and_then(|it| python::to_json(&without_cause(it)))
        {
            self.object(json.as_bytes(), depth + 1);
        }
    }

    /// One exception as text: classes in front, words, perhaps a body.
    fn exception(&mut self, text: &str, depth: u8) {
        let mut rest = text.trim();
        let inside = if class_prefix(rest).is_none() { class_inside(rest) } else { None };
        if let Some(at) = inside {
            rest = rest.get(at..).unwrap_or_default();
        }
        // AWS: `An error occurred (ThrottlingException) when calling the Converse operation: …`.
        if let Some((name, _)) = text.split_once("An error occurred (").and_then(|(_, it)| it.split_once(") when calling")) {
            self.class(name);
            self.code(Value::Text(Raw::plain(name.as_bytes())));
        }
        for _ in 0..6 {
            let Some((class, after)) = class_prefix(rest) else { break };
            self.class(class);
            if let Some(name) = wrapped_provider(class, after) {
                self.provider.get_or_insert_with(|| name.to_owned());
            }
            rest = after.trim_start_matches([':', '-', ' ']);
        }
        let rest = unwrap_repr(rest);
        let found = self.embedded(rest, depth);
        if let Some((name, model, status)) = relayed(text) {
            self.provider.get_or_insert_with(|| name.to_owned());
            self.model.get_or_insert_with(|| model.to_owned());
            self.status = self.status.or(status_prefix(status.as_bytes()).map(Status::Http));
        }
        if self.status.is_none() {
            let first = status_prefix(rest.as_bytes()).filter(|it| *it >= 400).map(Status::Http);
            self.status = first.or_else(|| status_in(text));
        }
        if self.url_host.is_none() {
            self.url_host = url_in(rest);
        }
        if let Some(name) = named_code(text) {
            self.kind(name);
        }
        match found {
            // The words around a body are its wrapper's; they come after the provider's own.
            true => self.say(rest.get(..rest.find('{').unwrap_or(0)).unwrap_or_default().trim_end_matches([' ', '-', ':'])),
            false => self.say(rest),
        }
        if inside.is_some() {
            self.say(text);
        }
    }

    /// The first object in a text that reads as an error body: JSON, JSON once more escaped, or a Python literal. Where a body
    /// was pasted into another without its quotes being escaped, the words of the outer one end at the inner one's brace: that
    /// one is read as well.
    fn embedded(&mut self, text: &str, depth: u8) -> bool {
        if depth < DEPTH && text.starts_with("[{") {
            let before = self.messages.len();
            self.items(text.as_bytes(), depth + 1);
            return self.messages.len() > before;
        }
        let (mut from, mut found) = (0, false);
        for _ in 0..6 {
            let Some(at) = text.get(from..).and_then(|it| it.find('{')).map(|it| from + it) else { break };
            let body = text.get(at..).unwrap_or_default();
            let next = body.bytes().skip(1).find(|b| !b.is_ascii_whitespace());
            let json = match next {
                Some(b'"') => Some(Cow::Borrowed(body)),
                Some(b'\\') => Some(Cow::Owned(json::unescape(body.as_bytes()))),
                Some(b'\'' | b'a'..=b'z') => python::to_json(body).map(Cow::Owned),
                _ => None,
            };
            if json.as_ref().is_some_and(|it| is_answer(it.as_bytes())) {
                break;
            }
            if let Some(json) = json
                && is_error_object(json.as_bytes())
            {
                self.object(json.as_bytes(), depth + 1);
                found = true;
                if !self.messages.iter().any(|it| it.ends_with('{')) {
                    break;
                }
            }
            from = at + 1;
        }
        if found && self.messages.iter().any(|it| !it.ends_with('{')) {
            self.messages.retain(|it| !it.ends_with('{'));
        }
        found
    }

    /// What only the whole shows: waits and models named in words, timeouts and broken connections.
    fn finish(&mut self, record: &Record<'_>) {
        if self.retry_after_s.is_none() {
            self.retry_after_s = self.messages.iter().find_map(|it| wait_in(it));
        }
        if self.request_id.is_none() && record.request_id().is_none() {
            self.request_id = self.messages.iter().find_map(|it| request_id_in(it));
        }
        if self.model.is_none() && record.model().is_none() {
            self.model = self.messages.iter().find_map(|it| model_in(it)).map(str::to_owned);
        }
        let answered = self.status.or(record.status()).or(self.upstream_status).is_some();
        if !answered || self.url_host.is_none() {
            for told in record.told() {
                let (host, status) = exchange_in(told);
                self.url_host = self.url_host.take().or_else(|| host.map(str::to_owned));
                self.status = self.status.or(status.filter(|_| !answered));
            }
        }
        if record.told().any(|it| memchr::memmem::find(it, b"AzureOpenAI").is_some()) {
            Self::push(&mut self.libraries, "azure.ai.openai");
        }
        if self.status.is_none() && record.status().is_none() && self.upstream_status.is_none() {
            let all = self.types.iter().chain(&self.codes).chain(&self.messages);
            self.status = all.clone().any(|it| is_timeout(it)).then_some(Status::Timeout);
            self.status = self.status.or_else(|| all.into_iter().any(|it| is_connection(it)).then_some(Status::Connection));
        }
    }
}

/// `Error from provider(deepseek,deepseek-chat: 400)`, as claude-code-router writes it: provider, model and status.
fn relayed(text: &str) -> Option<(&str, &str, &str)> {
    let (_, after) = text.split_once("Error from provider(")?;
    let (inside, _) = after.get(..after.floor_char_boundary(120))?.split_once(')')?;
    let (name, rest) = inside.split_once(',')?;
    let (model, status) = rest.rsplit_once(':').unwrap_or((rest, ""));
    Some((name.trim(), model.trim(), status.trim()))
}

/// The name that AWS and gRPC give an error in the middle of words: `An error occurred (ThrottlingException) when calling …`,
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
    let alone = |at: usize, length: usize| {
        let joins = |b: Option<&u8>| b.is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'_');
        !joins(at.checked_sub(1).and_then(|it| text.as_bytes().get(it))) && !joins(text.as_bytes().get(at + length))
    };
    GRPC.into_iter().find(|code| find(text, code).is_some_and(|at| alone(at, code.len())))
}

/// A model's answer: it has choices, and no error beside them.
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
