//! Error bodies: the objects of providers, SDKs and loggers.

use super::lists::{DEPTH, Signals};
use crate::record::address::host_of;
use crate::record::duration::go_duration_s;
use crate::record::json::{self, Items, Members, Value};
use crate::taxonomy::Status;
use std::borrow::Cow;

impl Signals {
    /// A value under a key that may say what went wrong.
    pub(super) fn add_field(&mut self, key: &[u8], value: Value<'_>, depth: u8) {
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
            | b"text" => self.add_value(value, depth, Self::add_trace),
            b"headers" | b"responseHeaders" | b"response_headers" => self.add_headers(value),
            b"hidden_params" => {
                if let Value::Object(object) = value {
                    self.add_headers(json::member(object, "additional_headers"));
                }
            }
            b"events" => self.add_span_events(value, depth),
            b"errors" => self.add_value(listed_errors(value), depth, Self::add_text),
            _ => self.add_value(value, depth, Self::add_text),
        }
    }

    /// A value of any type; `text` reads it if it is a string.
    fn add_value(&mut self, value: Value<'_>, depth: u8, text: fn(&mut Self, &str, u8)) {
        match value {
            Value::Text(raw) => text(self, &raw.text(), depth),
            Value::Object(object) => self.add_object(object, depth + 1),
            Value::Array(items) => self.add_items(items, depth),
            _ => {}
        }
    }

    /// A list of errors (the last one counts most), of exceptions (structlog: outermost first), or of lines (python-json-logger).
    pub(super) fn add_items(&mut self, items: &[u8], depth: u8) {
        let items: Vec<_> = Items::new(items).take(64).collect();
        let lines: Vec<_> = items.iter().filter_map(|item| item.as_text()).collect();
        if lines.len() > 1 {
            return self.add_trace(&lines.join("\n"), depth + 1);
        }
        let of_structlog =
            items.iter().any(|item| matches!(item, Value::Object(object) if json::member(object, "exc_type").is_something()));
        let order: Vec<_> = if of_structlog { items } else { items.into_iter().rev().collect() };
        for item in order.into_iter().take(4) {
            self.add_value(item, depth + 1, Self::add_text);
        }
    }

    /// OpenTelemetry span events: the `exception` ones.
    fn add_span_events(&mut self, value: Value<'_>, depth: u8) {
        let Value::Array(items) = value else { return };
        for item in Items::new(items).take(16) {
            if let Value::Object(event) = item
                && let Value::Object(attributes) = json::member(event, "attributes")
            {
                if let Some(class) = json::member(attributes, "exception.type").as_text() {
                    self.add_class(&class);
                }
                if let Some(message) = json::member(attributes, "exception.message").as_text() {
                    self.add_text(&message, depth + 1);
                }
                if let Some(trace) = json::member(attributes, "exception.stacktrace").as_text() {
                    self.add_trace(&trace, depth + 1);
                }
            }
        }
    }

    fn add_headers(&mut self, value: Value<'_>) {
        let Value::Object(object) = value else { return };
        for (key, value) in Members::new(object).take(64) {
            match key.bytes.to_ascii_lowercase().as_slice() {
                b"retry-after-ms" | b"x-ms-retry-after-ms" => {
                    self.retry_after_s = value.as_f64().map(|millis| millis / 1e3).or(self.retry_after_s);
                }
                b"retry-after" => self.retry_after_s = self.retry_after_s.or(value.as_f64()),
                b"request-id" | b"x-request-id" | b"x-amzn-requestid" | b"apim-request-id" => self.set_request_id(value),
                _ => {}
            }
        }
    }

    fn set_request_id(&mut self, value: Value<'_>) {
        if self.request_id.is_none() {
            self.request_id = value.as_text().filter(|id| (6..=128).contains(&id.len())).map(Cow::into_owned);
        }
    }

    /// An error object of a provider, an SDK or a logger.
    pub(super) fn add_object(&mut self, object: &[u8], depth: u8) {
        if depth > DEPTH {
            return;
        }
        // The innermost body first: the provider wrote it.
        let [error, rest @ ..] = json::members(object, ["error", "responseBody", "data", "body", "response", "type"]);
        let [rest @ .., kind] = rest;
        self.is_enveloped |= matches!((error, kind), (Value::Object(_), Value::Text(raw)) if raw.bytes == b"error");
        for inner in [error].into_iter().chain(rest) {
            match inner {
                Value::Object(inner) => self.add_object(inner, depth + 1),
                Value::Text(raw) => self.add_text(&raw.text(), depth + 1),
                _ => {}
            }
        }
        let mut keys = Members::new(object).map(|(key, _)| key.bytes);
        self.is_bare |= matches!((keys.next(), keys.next()), (Some(b"message" | b"Message"), None));
        for (key, value) in Members::new(object).take(128) {
            self.add_member(key.bytes, value, depth);
        }
    }

    fn add_member(&mut self, key: &[u8], value: Value<'_>, depth: u8) {
        match key {
            b"message" | b"msg" | b"Message" | b"errorDescription" | b"exc_value" | b"error_message" | b"errorMessage"
            | b"error_msg" | b"error_str" | b"description" | b"reason" | b"value" | b"title" | b"err_msg" | b"status_msg"
            | b"error_description" | b"apiMessage" | b"detail" => self.add_value(value, depth, Self::add_text),
            b"type" | b"error_type" | b"errorType" | b"__type" => {
                if let Some(name) = value.as_text() {
                    if name.contains('.') { self.add_class(&name) } else { self.add_type(&name) }
                }
            }
            b"name" | b"class" | b"exc_type" | b"error_class" | b"exception_class" | b"class_name" => {
                if let Some(name) = value.as_text() {
                    self.add_class(&name);
                }
            }
            // LiteLLM's `error_information.error_code` is the status after its own rewriting.
            b"error_code" if value.as_i64().is_some_and(|code| Status::from_number(code).is_some()) => self.add_status(value),
            b"code" | b"error_code" | b"errorCode" | b"Code" | b"errno" | b"status_code_name" => self.add_code(value),
            b"status" | b"statusCode" | b"status_code" | b"http_status" | b"httpStatus" | b"error_status"
            | b"httpStatusCode" => {
                self.add_status(value);
            }
            b"details" | b"error_details" => self.add_details(value, depth),
            b"metadata" => self.add_metadata(value, depth),
            b"errors" => self.add_value(listed_errors(value), depth, Self::add_text),
            b"inner_error" | b"innererror" | b"err" | b"cause" | b"lastError" | b"last_error" | b"exception"
            | b"error_information" | b"inner_exception" | b"base_resp" | b"values" | b"$metadata" => {
                self.add_value(value, depth, Self::add_text);
            }
            b"stack" | b"stacktrace" | b"stack_trace" | b"traceback" | b"exc_info" => {
                if let Some(trace) = value.as_text() {
                    self.add_trace(&trace, depth + 1);
                }
            }
            b"headers" | b"responseHeaders" | b"response_headers" => self.add_headers(value),
            b"request_id" | b"requestID" | b"requestId" | b"error_provider_request_id" | b"x-request-id" => {
                self.set_request_id(value);
            }
            b"retry_after" | b"retryAfter" | b"retry_after_seconds" => {
                self.retry_after_s = self.retry_after_s.or(value.as_f64());
            }
            b"retry_after_ms" => self.retry_after_s = self.retry_after_s.or(value.as_f64().map(|millis| millis / 1e3)),
            b"url" | b"base_url" => {
                self.url_host = self.url_host.take().or_else(|| Some(host_of(value.as_raw()?.bytes)?.to_owned()));
            }
            // The request of axios; its `data` is what was asked.
            b"config" => {
                if let Value::Object(config) = value {
                    let [url, base] = json::members(config, ["url", "baseURL"]);
                    let host = [url, base].into_iter().find_map(|url| host_of(url.as_raw()?.bytes));
                    self.url_host = self.url_host.take().or_else(|| host.map(str::to_owned));
                }
            }
            b"llm_provider" | b"provider" | b"provider_name" => self.set_provider(value),
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
                    self.add_finish_reason(key, &reason);
                }
            }
            _ => {}
        }
    }

    fn set_provider(&mut self, value: Value<'_>) {
        if self.provider.is_none() {
            self.provider = value.as_text().filter(|name| name.len() <= 64).map(Cow::into_owned);
        }
    }

    /// Google's `details` (a list with `reason`, `violations`, `retryDelay`) and Anthropic's (an object with `error_code`).
    fn add_details(&mut self, value: Value<'_>, depth: u8) {
        match value {
            Value::Array(items) => {
                for item in Items::new(items).take(16) {
                    match item {
                        Value::Object(detail) => self.add_detail(detail),
                        other => self.add_value(other, depth + 1, Self::add_text),
                    }
                }
            }
            Value::Object(object) => {
                for (key, value) in Members::new(object).take(32) {
                    match key.bytes {
                        b"error_code" | b"code" | b"reason" => self.add_code(value),
                        b"error" => self.add_value(value, depth + 1, Self::add_text),
                        _ => {}
                    }
                }
            }
            Value::Text(raw) => self.add_text(&raw.text(), depth + 1),
            _ => {}
        }
    }

    fn add_detail(&mut self, detail: &[u8]) {
        for (key, value) in Members::new(detail).take(32) {
            match (key.bytes, value) {
                (b"reason" | b"quotaId" | b"code", value) => self.add_code(value),
                (b"retryDelay", Value::Text(raw)) => self.retry_after_s = go_duration_s(raw.bytes).or(self.retry_after_s),
                (b"violations", Value::Array(items)) => {
                    for item in Items::new(items).take(8) {
                        if let Value::Object(violation) = item {
                            self.add_detail(violation);
                        }
                    }
                }
                (b"msg" | b"message", Value::Text(raw)) => self.add_message(&raw.text()),
                _ => {}
            }
        }
    }

    /// OpenRouter's `metadata`: the provider that failed, and its own error.
    fn add_metadata(&mut self, value: Value<'_>, depth: u8) {
        let Value::Object(object) = value else { return };
        for (key, value) in Members::new(object).take(32) {
            match key.bytes {
                b"provider_name" => {
                    self.is_relayed = true;
                    match value.as_text() {
                        // OpenRouter calls Vertex "Google" and the Gemini API "Google AI Studio".
                        Some(name) if name == "Google" => _ = self.provider.get_or_insert_with(|| "vertex_ai".to_owned()),
                        _ => self.set_provider(value),
                    }
                }
                b"limit_source" | b"error_type" | b"reason" => self.add_code(value),
                b"raw" => {
                    self.passes_body |= matches!(value, Value::Object(_))
                        || matches!(value, Value::Text(raw) if raw.bytes.trim_ascii_start().starts_with(b"{"));
                    self.add_value(value, depth + 1, Self::add_text);
                }
                b"headers" => self.add_headers(value),
                _ => {}
            }
        }
    }
}

/// The list inside an object of OpenAI's: `{"object": "list", "data": [{"code": …, "message": …}]}`.
fn listed_errors(value: Value<'_>) -> Value<'_> {
    match value {
        Value::Object(object) => {
            Some(json::member(object, "data")).filter(|data| matches!(data, Value::Array(_))).unwrap_or(value)
        }
        _ => value,
    }
}
