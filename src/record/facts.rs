//! What a record says, one method per fact.

use super::address::{host_of, path_of};
use super::duration::duration_s;
use super::error_field::ErrorField;
use super::field::Field;
use super::json::{Items, Value};
use super::line_kind::LineKind;
use super::record::{Format, Record};
use super::shape;
use crate::line::Level;
use crate::taxonomy::Status;
use crate::time::Stamp;
use std::borrow::Cow;
use std::ops::RangeInclusive;

/// The longest name of a model, a service, a host or a key, in bytes.
const NAME_BYTES: usize = 255;
/// The length of an id of a request or a call, in bytes.
const ID_BYTES: RangeInclusive<usize> = 6..=128;

impl<'a> Record<'a> {
    /// The format of the entry.
    #[must_use]
    pub fn format(&self) -> Format {
        self.format
    }

    /// The level that the writer of the entry gave it.
    #[must_use]
    pub fn level(&self) -> Level {
        self.level
    }

    /// The kind of line, if its shape shows one.
    #[must_use]
    pub fn spot(&self) -> LineKind<'a> {
        self.line_kind
    }

    /// The entry as it came, without the prefix of its line.
    #[must_use]
    pub fn raw(&self) -> &'a [u8] {
        self.raw
    }

    /// Whether the entry is an object that stops in the middle.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The record's own time stamp, or that of its prefix.
    pub fn stamp(&self) -> Option<Stamp> {
        let own = match self.slot(Field::Time) {
            Value::Text(raw) => Stamp::parse(raw.bytes),
            number @ Value::Number(_) => number.as_f64().and_then(Stamp::from_epoch),
            _ => None,
        };
        match (own, self.stamped) {
            (Some(Stamp::Utc(at)), _) | (_, Some(at)) => Some(Stamp::Utc(at)),
            (own, None) => own,
        }
    }

    /// The name of the provider, as the record spells it.
    #[must_use]
    pub fn provider(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::Provider).as_text().filter(|name| !name.contains('/') && !name.eq_ignore_ascii_case("unspecified"))
    }

    /// The model that was asked for.
    #[must_use]
    pub fn model(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::Model)
            .as_text()
            .or_else(|| self.slot(Field::ModelServed).as_text())
            .filter(|name| name.len() <= NAME_BYTES)
    }

    /// The service that called.
    #[must_use]
    pub fn service(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::Service).as_text().filter(|name| name.len() <= NAME_BYTES)
    }

    /// The machine that wrote the line.
    #[must_use]
    pub fn host(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::Host).as_text().filter(|name| name.len() <= NAME_BYTES)
    }

    /// The host that was called, with its port.
    #[must_use]
    pub fn url_host(&self) -> Option<&'a str> {
        let url = match self.line_kind {
            LineKind::Transport { url, .. } | LineKind::Request { url } => url,
            LineKind::Sdk { .. } => shape::url_of_sdk(self.message.bytes)?,
            _ => self.slot(Field::Url).as_raw()?.bytes,
        };
        host_of(url)
    }

    /// The path that was called.
    #[must_use]
    pub fn url_path(&self) -> Option<&'a str> {
        match self.line_kind {
            LineKind::Transport { url, .. } => path_of(url),
            LineKind::Access { path, .. } => std::str::from_utf8(path).ok(),
            _ => self.slot(Field::Path).as_raw().or_else(|| self.slot(Field::Url).as_raw()).and_then(|raw| path_of(raw.bytes)),
        }
    }

    /// The logger or component that wrote the line.
    #[must_use]
    pub fn logger(&self) -> &'a str {
        std::str::from_utf8(self.logger_bytes()).unwrap_or_default()
    }

    /// The message or the name of the event, undecoded: enough to look at its first words.
    #[must_use]
    pub fn headline(&self) -> &'a [u8] {
        self.message.bytes
    }

    /// The message, decoded.
    #[must_use]
    pub fn message(&self) -> Cow<'a, str> {
        self.message.text()
    }

    /// The status in the fields of the record, or in a text of special shape.
    #[must_use]
    pub fn status(&self) -> Option<Status> {
        match self.line_kind {
            LineKind::Transport { status, .. } | LineKind::Access { status, .. } | LineKind::Response { status } => {
                return Status::from_number(i64::from(status));
            }
            LineKind::Sdk { status: Some(status), .. } => return Status::from_number(i64::from(status)),
            _ => {}
        }
        let value = self.slot(Field::Status);
        match value.as_i64() {
            Some(0) => self.unanswered(),
            Some(number) => Status::from_number(number),
            None => match value.as_raw()?.bytes {
                b"timeout" | b"timed_out" | b"TIMEOUT" => Some(Status::Timeout),
                b"connection" | b"connection_error" => Some(Status::Connection),
                _ => None,
            },
        }
    }

    /// Why Envoy had no answer: <https://www.envoyproxy.io/docs/envoy/latest/configuration/observability/access_log/usage>.
    fn unanswered(&self) -> Option<Status> {
        let flags = self.slot(Field::ResponseFlags).as_raw()?.bytes;
        flags.split(|b| *b == b',').find_map(|flag| match flag {
            b"UT" | b"DT" | b"SI" => Some(Status::Timeout),
            b"UF" | b"UC" | b"UH" | b"UO" | b"UR" | b"LR" | b"URX" => Some(Status::Connection),
            _ => None,
        })
    }

    /// The status with which a gateway's upstream answered: the last of a list such as `502, 200`.
    #[must_use]
    pub fn upstream_status(&self) -> Option<Status> {
        let raw = self.slot(Field::UpstreamStatus).as_raw()?;
        let last = raw.bytes.split(|b| matches!(b, b',' | b' ' | b':')).rfind(|part| !part.is_empty())?;
        Status::from_number(std::str::from_utf8(last).ok()?.parse().ok()?)
    }

    /// Whether a field says that the call failed (`Some(true)`) or succeeded (`Some(false)`).
    #[must_use]
    pub fn failed(&self) -> Option<bool> {
        if let Value::Bool(flag) = self.slot(Field::Success) {
            let negative = matches!(self.key(Field::Success), b"is_error" | b"isError" | b"failed");
            return Some(flag == negative);
        }
        let word = [Field::StatusText, Field::Status].into_iter().find_map(|field| match self.slot(field) {
            Value::Text(raw) => Some(raw.bytes),
            Value::Number(b"2") if field == Field::StatusText => Some(b"ERROR".as_slice()),
            _ => None,
        })?;
        match word.to_ascii_lowercase().as_slice() {
            b"error" | b"failure" | b"failed" | b"status_code_error" | b"fail" | b"timeout" => Some(true),
            b"success" | b"ok" | b"succeeded" | b"completed" | b"status_code_ok" => Some(false),
            _ => None,
        }
    }

    /// Whether the record has a field that exists only when something went wrong.
    pub fn has_fault(&self) -> bool {
        let named = self.slot(Field::ErrorClass).is_something();
        named || self.error_fields().iter().any(ErrorField::is_evidence)
    }

    /// The duration of the call, in seconds; `None` if the unit is not known.
    #[must_use]
    pub fn latency_s(&self) -> Option<f64> {
        match self.line_kind {
            LineKind::Access { took_s: Some(took), .. } | LineKind::Sdk { took_s: Some(took), .. } => return Some(took),
            _ => {}
        }
        let slot = &self.slots[Field::Latency as usize];
        duration_s(slot.key, slot.value).or_else(|| self.span_s()).filter(|seconds| (0.0..=86_400.0).contains(seconds))
    }

    fn span_s(&self) -> Option<f64> {
        let stamp = |value: Value<'_>| match value {
            Value::Text(raw) => Stamp::parse(raw.bytes),
            number => number.as_f64().and_then(Stamp::from_epoch),
        };
        match (stamp(self.slot(Field::Time))?, stamp(self.slot(Field::EndTime))?) {
            (Stamp::Utc(start), Stamp::Utc(end)) | (Stamp::Local(start), Stamp::Local(end)) if end > start => {
                Some(end.since(start).as_secs_f64())
            }
            _ => None,
        }
    }

    /// Whether the record has a duration, in any unit.
    #[must_use]
    pub fn has_latency(&self) -> bool {
        self.slot(Field::Latency).is_something()
    }

    /// Tokens sent.
    #[must_use]
    pub fn input_tokens(&self) -> Option<u64> {
        self.slot(Field::InputTokens).as_i64().and_then(|count| u64::try_from(count).ok())
    }

    /// Tokens received.
    #[must_use]
    pub fn output_tokens(&self) -> Option<u64> {
        self.slot(Field::OutputTokens).as_i64().and_then(|count| u64::try_from(count).ok())
    }

    /// The id that the provider or the gateway gave the request.
    #[must_use]
    pub fn request_id(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::RequestId).as_text().filter(|id| ID_BYTES.contains(&id.len()))
    }

    /// The id that the gateway or the SDK gave the call. Never that of a trace or a session.
    #[must_use]
    pub fn call_id(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::CallId).as_text().filter(|id| ID_BYTES.contains(&id.len()))
    }

    /// The trace, the span and the span above it, undecoded; empty where the record does not name them.
    #[must_use]
    pub fn span_path(&self) -> [&'a [u8]; 3] {
        [Field::TraceId, Field::SpanId, Field::ParentId].map(|field| self.slot(field).as_raw().map_or(&[][..], |raw| raw.bytes))
    }

    /// Whether the record is a span, and not only written in one: it has an end.
    #[must_use]
    pub fn is_span(&self) -> bool {
        self.slot(Field::SpanId).is_something() && self.slot(Field::EndTime).is_something()
    }

    /// The kind of operation (`chat`, `acompletion`, …).
    #[must_use]
    pub fn operation(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::Operation).as_text()
    }

    /// The label or the last characters of the API key.
    #[must_use]
    pub fn key_label(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::KeyLabel).as_text().filter(|name| name.len() <= NAME_BYTES)
    }

    /// Whether the answer has an empty list of choices.
    #[must_use]
    pub fn has_empty_choices(&self) -> bool {
        matches!(self.slot(Field::Choices), Value::Array(items) if items.len() <= 64 && Items::new(items).next().is_none())
            || matches!(self.slot(Field::Choices), Value::Number(b"0"))
    }

    /// Why the model stopped.
    pub fn finish_reason(&self) -> Option<Cow<'a, str>> {
        match self.slot(Field::FinishReason) {
            Value::Array(items) => Items::new(items).next().and_then(Value::as_text),
            value => value.as_text(),
        }
    }
}
