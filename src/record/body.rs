//! What went wrong, wherever a record says it: the provider's own body as an object, as JSON in a string, as a Python
//! literal or a `util.inspect` dump; the exception of a traceback with its causes; the words around them.

use super::fields::Field;
use super::json::{self, Items, Members, Value};
use super::text::{go_duration_s, host_of, status_prefix};
use super::{Record, Spot, python};
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
    if record.spot == Spot::None {
        it.text(&record.message(), 0);
    }
    for fault in record.faults().iter().filter(|it| !it.certain) {
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
    pub fn is_calm(&self) -> bool {
        self.is_untyped() && self.messages.iter().any(|it| declares_calm(it))
    }

    /// Whether not one word speaks of a failure.
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
        Self::push(&mut self.messages, text.get(..end).unwrap_or_default());
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
                    self.retry_after_s = value.as_f64().map(|it| it / 1e3).or(self.retry_after_s)
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
        for inner in json::members(object, ["error", "responseBody", "data", "body", "response"]) {
            match inner {
                Value::Object(inner) => self.object(inner, depth + 1),
                Value::Text(raw) => self.text(&raw.text(), depth + 1),
                _ => {}
            }
        }
        for (key, value) in Members::new(object).take(128) {
            self.member_of_error(key.bytes, value, depth);
        }
    }

    fn member_of_error(&mut self, key: &[u8], value: Value<'_>, depth: u8) {
        match key {
            b"message" | b"msg" | b"Message" | b"exc_value" | b"error_message" | b"errorMessage" | b"error_msg"
            | b"error_str" | b"description" | b"reason" | b"value" | b"title" | b"err_msg" | b"status_msg"
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
            b"status" | b"statusCode" | b"status_code" | b"http_status" | b"httpStatus" => self.status_field(value),
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
                self.retry_after_s = self.retry_after_s.or(value.as_f64())
            }
            b"retry_after_ms" => self.retry_after_s = self.retry_after_s.or(value.as_f64().map(|it| it / 1e3)),
            b"url" | b"base_url" => {
                self.url_host = self.url_host.take().or_else(|| Some(host_of(value.as_raw()?.bytes)?.to_owned()))
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
                b"provider_name" => self.named(value),
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
        if let Some(dump) = parts.dump
            && let Some(json) = python::to_json(dump)
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
        if self.status.is_none() {
            self.status = status_in(rest);
        }
        if self.url_host.is_none() {
            self.url_host = url_in(rest);
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

    /// The first object in a text that reads as an error body: JSON, JSON once more escaped, or a Python literal.
    fn embedded(&mut self, text: &str, depth: u8) -> bool {
        let mut from = 0;
        for _ in 0..4 {
            let Some(at) = text.get(from..).and_then(|it| it.find('{')).map(|it| from + it) else { return false };
            let body = text.get(at..).unwrap_or_default();
            let next = body.bytes().skip(1).find(|b| !b.is_ascii_whitespace());
            let json = match next {
                Some(b'"') => Some(Cow::Borrowed(body)),
                Some(b'\\') => Some(Cow::Owned(json::unescape(body.as_bytes()))),
                Some(b'\'' | b'a'..=b'z') => python::to_json(body).map(Cow::Owned),
                _ => None,
            };
            if let Some(json) = json
                && is_error_object(json.as_bytes())
            {
                self.object(json.as_bytes(), depth + 1);
                return true;
            }
            from = at + 1;
        }
        false
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
        if self.status.is_none() && record.status().is_none() && self.upstream_status.is_none() {
            let all = self.types.iter().chain(&self.codes).chain(&self.messages);
            self.status = all.clone().any(|it| is_timeout(it)).then_some(Status::Timeout);
            self.status = self.status.or_else(|| all.into_iter().any(|it| is_connection(it)).then_some(Status::Connection));
        }
    }
}

/// Packages on the way of a stack: what follows `site-packages/` and `node_modules/`.
fn libraries(text: &str) -> impl Iterator<Item = &str> {
    let places = ["site-packages/", "node_modules/"];
    places.into_iter().flat_map(|mark| text.split(mark).skip(1).take(64)).filter_map(|rest| {
        let mut parts = rest.splitn(3, '/');
        let first = parts.next()?;
        let name = match parts.next() {
            Some(second) if first.starts_with('@') || first == "google" => rest.get(..first.len() + 1 + second.len())?,
            _ => first,
        };
        (name.len() <= 60).then_some(name)
    })
}

/// Whether there are frames in it, or the words that come before them.
fn is_trace(text: &str) -> bool {
    contains(text, TRACEBACK) || text.contains('\n') && (contains(text, "\n    at ") || contains(text, "\n  File \""))
}

const TRACEBACK: &str = "Traceback (most recent call last)";

/// A traceback taken apart.
struct Parts<'a> {
    before: &'a str,
    exceptions: Vec<String>,
    /// Node prints the error's own properties behind its stack.
    dump: Option<&'a str>,
}

fn exceptions(text: &str) -> Parts<'_> {
    let before_end = text.find(TRACEBACK).or_else(|| text.find("\n  File \"")).or_else(|| text.find("\n    at ")).unwrap_or(0);
    let before = text.get(..before_end).unwrap_or_default().trim();
    if !text.contains(TRACEBACK) && !text.contains("\n  File \"") {
        let dump = text.rfind("\n    at ").and_then(|at| text.get(at..)).and_then(|tail| {
            let open = tail.find(" {\n").or_else(|| tail.find("{\n"))?;
            tail.get(open..).map(str::trim_start)
        });
        let causes = text.split("[cause]: ").skip(1).chain(text.split("caused by: ").skip(1));
        let mut exceptions: Vec<String> = causes.filter_map(|it| it.lines().next()).map(str::to_owned).collect();
        exceptions.push(if before.is_empty() { text.lines().next().unwrap_or_default().to_owned() } else { before.to_owned() });
        return Parts { before: "", exceptions, dump };
    }
    let mut exceptions: Vec<String> = Vec::new();
    let mut in_frames = false;
    let mut current: Option<String> = None;
    for line in text.get(before_end..).unwrap_or_default().lines() {
        let edge = line.starts_with("Traceback (")
            || line.starts_with("During handling of the above")
            || line.starts_with("The above exception was");
        if edge {
            exceptions.extend(current.take());
            in_frames = true;
            continue;
        }
        if line.starts_with("  ") && (in_frames || current.is_none()) {
            in_frames = true;
            continue;
        }
        match &mut current {
            Some(text) => {
                text.push('\n');
                text.push_str(line);
            }
            None if line.trim().is_empty() => {}
            None => {
                current = Some(line.to_owned());
                in_frames = false;
            }
        }
    }
    exceptions.extend(current);
    for exception in &mut exceptions {
        let end = exception.trim_end().len();
        exception.truncate(end);
    }
    // A stack that was cut before its exception: the words before it are all there is.
    if exceptions.is_empty() && !before.is_empty() {
        return Parts { before: "", exceptions: vec![before.to_owned()], dump: None };
    }
    Parts { before, exceptions, dump: None }
}

/// `openai.RateLimitError: …`, `AnthropicException - …`, `RateLimitError("…")`: the class and what follows it.
fn class_prefix(text: &str) -> Option<(&str, &str)> {
    let text = text.strip_prefix("Uncaught ").unwrap_or(text);
    let text = text.strip_prefix("raise ").unwrap_or(text);
    let end = text.bytes().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_')))?;
    let (word, rest) = (text.get(..end)?, text.get(end..)?);
    let marked = rest.starts_with(": ")
        || rest.starts_with(":\n")
        || rest.starts_with(" - ")
        || rest.starts_with("(\"")
        || rest.starts_with("('")
        || rest == ":";
    let node = rest.strip_prefix(" [").and_then(|it| it.split_once("]: "));
    if let Some((_, after)) = node
        && is_class(word)
    {
        return Some((word, after));
    }
    if !marked {
        // `AzureException RateLimitError - …`: two classes in a row.
        let rest_class = rest.strip_prefix(' ').filter(|_| word.ends_with("Exception"));
        return rest_class.filter(|it| it.starts_with(|c: char| c.is_ascii_uppercase())).map(|it| (word, it));
    }
    let rest = if rest.starts_with('(') { rest } else { rest.get(1..)? };
    (is_class(word) && !word.is_empty()).then_some((word, rest.strip_prefix("- ").unwrap_or(rest)))
}

/// Where the first `Class: ` or `Class - ` begins behind the words of a wrapper (`completion(): Exception occured - `).
fn class_inside(text: &str) -> Option<usize> {
    let head = text.get(..text.floor_char_boundary(400))?;
    let head = head.get(..head.find('{').unwrap_or(head.len()))?;
    memchr::memchr2_iter(b' ', b'(', head.as_bytes()).map(|at| at + 1).take(60).find(|at| {
        let rest = text.get(*at..).unwrap_or_default();
        may_be_class(rest) && class_prefix(rest).is_some_and(|(class, _)| is_class(class) && class.len() > 8)
    })
}

/// Most words are no class, which a look at their first and last letters tells.
fn may_be_class(text: &str) -> bool {
    let word = text.bytes().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_'));
    let (mut cased, mut length, mut before) = (false, 0, b'.');
    for byte in word {
        cased |= before == b'.' && byte.is_ascii_uppercase();
        (length, before) = (length + 1, byte);
    }
    let first = text.starts_with(|c: char| c.is_ascii_alphabetic());
    first && (cased && length > 8 || text.starts_with("Uncaught ") || text.starts_with("raise "))
}

fn is_class(word: &str) -> bool {
    let leaf = word.rsplit('.').next().unwrap_or(word);
    let cased = leaf.starts_with(|c: char| c.is_ascii_uppercase());
    let endings = [
        "Error",
        "Exception",
        "Timeout",
        "Interrupt",
        "Warning",
        "Refused",
        "Reset",
        "Exhausted",
        "Argument",
        "NotFound",
        "Denied",
        "Unavailable",
        "Failure",
        "Fault",
    ];
    cased && (endings.iter().any(|it| leaf.ends_with(it)) || word.contains('.') && leaf.len() > 3)
}

/// LiteLLM puts `<Provider>Exception` or `<Provider>Error` behind its own class.
fn wrapped_provider<'a>(class: &'a str, after: &str) -> Option<&'a str> {
    if class.contains('.')
        || !(after.starts_with(' ')
            || after.starts_with('-')
            || after.starts_with(|c: char| c.is_ascii_uppercase() || c == '{' || c == 'b'))
    {
        return None;
    }
    // Its own classes may stand between the two: `litellm.RateLimitError: RateLimitError: OpenAIException - …`.
    const KINDS: [&str; 20] = [
        "API",
        "APIConnection",
        "APIStatus",
        "Authentication",
        "BadGateway",
        "BadRequest",
        "BudgetExceeded",
        "Connection",
        "ContentPolicyViolation",
        "ContextWindowExceeded",
        "HTTP",
        "InternalServer",
        "InvalidRequest",
        "MidStreamFallback",
        "NotFound",
        "PermissionDenied",
        "RateLimit",
        "ServiceUnavailable",
        "UnprocessableEntity",
        "UnsupportedParams",
    ];
    let name = class.strip_suffix("Exception").or_else(|| class.strip_suffix("Error"))?;
    (!name.is_empty() && name.len() <= 24 && !KINDS.contains(&name)).then_some(name)
}

/// `("Error code: …")` of a repr: the inside.
fn unwrap_repr(text: &str) -> &str {
    let inner = text.strip_prefix("(\"").or_else(|| text.strip_prefix("('"));
    inner.map_or(text, |it| it.trim_end().trim_end_matches([')', ',']).trim_end_matches(['"', '\'']))
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

/// A status that the words of a client put a mark before.
fn status_in(text: &str) -> Option<Status> {
    let text = text.get(..text.floor_char_boundary(2_048)).unwrap_or_default();
    if let Some(status) = status_prefix(text.as_bytes()).filter(|it| *it >= 400) {
        return Some(Status::Http(status));
    }
    const MARKS: [&str; 34] = [
        "Error code: ",
        "error code: ",
        "Error code ",
        "status code ",
        "status code: ",
        "status_code: ",
        "status_code=",
        "statusCode: ",
        "statusCode=",
        "status: ",
        "Status: ",
        "status=",
        "with status ",
        "unexpected status ",
        "HTTP/1.1 ",
        "HTTP/2 ",
        "HTTP ",
        "http ",
        "API Error: ",
        "API error ",
        "API Error (",
        "Error: ",
        "error: ",
        "Error (",
        "error (",
        "Error ",
        "code: ",
        "error '",
        "StatusCode: ",
        "(status ",
        "status of ",
        "failed (",
        "failed: ",
        "non-2xx: ",
    ];
    let bytes = text.as_bytes();
    for at in memchr::memchr2_iter(b'4', b'5', bytes).take(64) {
        let before = text.get(..at).unwrap_or_default();
        if let Some(status) = status_prefix(&bytes[at..])
            && MARKS.iter().any(|mark| before.ends_with(mark))
        {
            return Some(Status::Http(status));
        }
    }
    reason_phrase(text)
}

/// `503 Service Unavailable` anywhere in the words.
fn reason_phrase(text: &str) -> Option<Status> {
    const PHRASES: [(&str, u16); 13] = [
        ("400 Bad Request", 400),
        ("401 Unauthorized", 401),
        ("402 Payment Required", 402),
        ("403 Forbidden", 403),
        ("404 Not Found", 404),
        ("408 Request Timeout", 408),
        ("422 Unprocessable", 422),
        ("429 Too Many Requests", 429),
        ("500 Internal Server Error", 500),
        ("502 Bad Gateway", 502),
        ("502: Bad gateway", 502),
        ("503 Service", 503),
        ("504 Gateway Time", 504),
    ];
    let bytes = text.as_bytes();
    let phrase_at = |at: usize| PHRASES.iter().position(|(phrase, _)| bytes[at..].starts_with(phrase.as_bytes()));
    let first = memchr::memchr2_iter(b'4', b'5', bytes).filter_map(phrase_at).min()?;
    PHRASES.get(first).map(|(_, status)| Status::Http(*status))
}

fn url_in(text: &str) -> Option<String> {
    const MARKS: [&str; 6] = ["url: https://", "url '", "POST https://", "Post \"https://", "POST \"https://", "connect to "];
    let text = text.get(..text.floor_char_boundary(2_048)).unwrap_or_default();
    if let Some(at) = find(text, "host='").map(|at| at + 6) {
        let host = text.get(at..)?.split('\'').next()?;
        return host_of(host.as_bytes()).map(str::to_owned);
    }
    let marks: &[_] = if contains(text, "http") { &MARKS } else { &[] };
    for mark in marks {
        if let Some(at) = find(text, mark) {
            let rest = text.get(at..)?;
            let start = rest.find("https://").or_else(|| rest.find("http://"));
            if let Some(host) = start.and_then(|it| host_of(rest.get(it..)?.as_bytes())) {
                return Some(host.to_owned());
            }
        }
    }
    let at = find(text, "getaddrinfo ENOTFOUND ").map(|at| at + 22)?;
    host_of(text.get(at..)?.split([' ', ':', '\n']).next()?.as_bytes()).map(str::to_owned)
}

/// `try again in 120ms`, `retry after 37 seconds`, `Please retry in 21h4m12.7s`; in seconds.
fn wait_in(text: &str) -> Option<f64> {
    for mark in ["try again in ", "retry in ", "retry after ", "Retry after ", "retrying in ", "wait "] {
        if let Some(at) = find(text, mark) {
            let rest = text.get(at + mark.len()..)?;
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == 'µ')).unwrap_or(rest.len());
            let word = rest.get(..end)?.trim_end_matches('.');
            if let Some(seconds) = go_duration_s(word.as_bytes()) {
                return Some(seconds);
            }
            if let Ok(number) = word.parse::<f64>() {
                let unit = rest.get(end..)?.trim_start();
                let scale = [
                    ("ms", 1e-3),
                    ("millis", 1e-3),
                    ("sec", 1.0),
                    ("min", 60.0),
                    ("hour", 3_600.0),
                    ("day", 86_400.0),
                    ("s", 1.0),
                ];
                return scale.iter().find(|(name, _)| unit.starts_with(name)).map(|(_, scale)| number * scale);
            }
        }
    }
    None
}

fn request_id_in(text: &str) -> Option<String> {
    let at = find(text, "req_").filter(|at| *at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric())?;
    let id = text.get(at..)?.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next()?;
    (id.len() >= 12 && id.len() <= 64).then(|| id.to_owned())
}

/// A model that an error names in words.
fn model_in(text: &str) -> Option<&str> {
    for mark in [
        "The model `",
        "model `",
        "model: ",
        "Rate limit reached for ",
        "model '",
        "for model ",
        "models/",
        "model=",
        "(model=",
    ] {
        if let Some(at) = find(text, mark) {
            let rest = text.get(at + mark.len()..)?;
            let name =
                rest.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':' | '@'))).next()?;
            let name = name.trim_end_matches(['.', ':', '-']);
            if name.len() >= 3 && name.len() <= 80 && name.bytes().any(|b| b.is_ascii_digit() || b == b'-') {
                return Some(name);
            }
        }
    }
    None
}

fn is_timeout(text: &str) -> bool {
    const WORDS: [&str; 9] = [
        "timed out",
        "timedout",
        "timeout",
        "time out",
        "deadline exceeded",
        "DEADLINE_EXCEEDED",
        "UND_ERR_HEADERS_TIMEOUT",
        "ETIMEDOUT",
        "TimeLimit",
    ];
    WORDS.iter().any(|it| contains_folded(text, it))
}

fn is_connection(text: &str) -> bool {
    const WORDS: [&str; 26] = [
        "connection error",
        "APIConnectionError",
        "ConnectError",
        "ECONNREFUSED",
        "ECONNRESET",
        "ENOTFOUND",
        "EAI_AGAIN",
        "EPIPE",
        "EHOSTUNREACH",
        "ENETUNREACH",
        "connection refused",
        "connection reset",
        "connection aborted",
        "remote end closed",
        "server disconnected",
        "peer closed connection",
        "name or service not known",
        "name resolution",
        "getaddrinfo",
        "no such host",
        "certificate",
        "ssl:",
        "tls handshake",
        "fetch failed",
        "network is unreachable",
        "socket hang up",
    ];
    WORDS.iter().any(|it| contains_folded(text, it))
}

/// An entry of another log, wrapped as an error by mistake: it says itself that it is none.
fn declares_calm(text: &str) -> bool {
    let head = text.get(..text.floor_char_boundary(200)).unwrap_or_default();
    let level = head.split(|c: char| !c.is_ascii_alphabetic() && c != '[').find_map(|word| match word {
        "INFO" | "[info" | "[INFO" | "[debug" | "DEBUG" => Some(true),
        "ERROR" | "WARN" | "WARNING" | "CRITICAL" | "FATAL" | "[error" | "[ERROR" | "[warn" | "Error" | "Exception" => {
            Some(false)
        }
        _ => None,
    });
    let access = ["| 200 |", "HTTP/1.1\" 200", "200 OK "].iter().any(|it| head.contains(it));
    level == Some(true) || access
}

/// Words without which a text that was logged as an error does not speak of one.
fn names_trouble(text: &str) -> bool {
    const WORDS: [&str; 57] = [
        "error",
        "fail",
        "exception",
        "denied",
        "invalid",
        "exceed",
        "timeout",
        "timed out",
        "refus",
        "unable",
        "cannot",
        "can't",
        "could not",
        "couldn't",
        "not found",
        "not support",
        "unsupported",
        "unauthor",
        "forbidden",
        "missing",
        "required",
        "must ",
        "limit",
        "quota",
        "overload",
        "too many",
        "too long",
        "too large",
        "not allowed",
        "blocked",
        "expired",
        "suspend",
        "unavailable",
        "capacity",
        "busy",
        "insufficient",
        "credit",
        "balance",
        "does not",
        "doesn't",
        "did not",
        "didn't",
        "unknown",
        "unexpected",
        "abort",
        "closed",
        "reset",
        "rejected",
        "out of range",
        "subscriptable",
        "giving up",
        "keyerror",
        "nonetype",
        "violat",
        "reconnecting",
        "no longer",
        "not available",
    ];
    let head = text.get(..text.floor_char_boundary(1_024)).unwrap_or_default();
    WORDS.iter().any(|it| contains_folded(head, it))
}

/// [`str::find`] for texts so short that its preparations would cost more than the search.
fn find(text: &str, part: &str) -> Option<usize> {
    memchr::memmem::find(text.as_bytes(), part.as_bytes())
}

fn contains(text: &str, part: &str) -> bool {
    find(text, part).is_some()
}

/// Whether `text` holds `word`, without regard to ASCII case.
fn contains_folded(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let Some(first) = word.first() else { return true };
    let (lower, upper) = (first.to_ascii_lowercase(), first.to_ascii_uppercase());
    memchr::memchr2_iter(lower, upper, text)
        .any(|at| text.get(at..at + word.len()).is_some_and(|it| it.eq_ignore_ascii_case(word)))
}

fn strip_colours(text: &str) -> Cow<'_, str> {
    if !text.contains('\x1b') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some((before, after)) = rest.split_once("\x1b[") {
        out.push_str(before);
        rest = after.split_once(|c: char| c.is_ascii_alphabetic()).map_or("", |(_, rest)| rest);
    }
    out.push_str(rest);
    Cow::Owned(out)
}
