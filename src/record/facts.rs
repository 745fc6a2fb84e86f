//! What a record says, as one plain value: `classify` gets it and asks the record nothing else.

use super::address::{host_of, path_of};
use super::duration::{duration_s, first_token_without_unit_s};
use super::error_field::ErrorField;
use super::field::Field;
use super::json::{Items, Value};
use super::line_kind::LineKind;
use super::record::{Format, Record};
use super::shape;
use super::status::status_line;
use crate::line::Level;
use crate::line::find;
use crate::taxonomy::Status;
use crate::time::Stamp;
use std::borrow::Cow;
use std::ops::RangeInclusive;

/// The longest name of a model, a service, a host or a key, in bytes.
const NAME_BYTES: usize = 255;
/// The length of an id of a request or a call, in bytes.
const ID_BYTES: RangeInclusive<usize> = 6..=128;

/// The facts of a record, decoded. Texts in which something may have gone wrong are not among them: [`Facts::signals`] reads
/// them, and only where the facts give a reason to.
#[derive(Clone, Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a record")]
pub struct Facts<'a> {
    /// The raw slots, for the texts.
    pub(super) record: &'a Record<'a>,
    /// The format of the entry.
    pub format: Format,
    /// The level that the writer of the entry gave it.
    pub level: Level,
    /// The kind of line, if its shape shows one.
    pub line_kind: LineKind<'a>,
    /// The entry as it came, without the prefix of its line.
    pub raw: &'a [u8],
    /// The message or the name of the event, undecoded: enough to look at its first words.
    pub headline: &'a [u8],
    /// The name of the event, where a field gives one.
    pub event_name: Option<&'a str>,
    /// The field `type` or `kind`.
    pub kind: Option<&'a str>,
    /// The logger or component that wrote the line; empty if it is not known.
    pub logger: &'a str,
    /// The record's own time stamp, or that of its prefix.
    pub stamp: Option<Stamp>,
    /// The name of the provider, as the record spells it.
    pub provider: Option<Cow<'a, str>>,
    /// The key of that name names a provider or a vendor, and nothing else such as a server behind a proxy.
    pub is_provider_key: bool,
    /// The model that was asked for.
    pub model: Option<Cow<'a, str>>,
    /// The service that called.
    pub service: Option<Cow<'a, str>>,
    /// The machine that wrote the line.
    pub host: Option<Cow<'a, str>>,
    /// The host that was called, with its port.
    pub url_host: Option<&'a str>,
    /// The path that was called.
    pub url_path: Option<&'a str>,
    /// The status in the fields of the record, or in a text of special shape.
    pub status: Option<Status>,
    /// The status with which a gateway's upstream answered: the last of a list such as `502, 200`.
    pub upstream_status: Option<Status>,
    /// A field says that the call failed (`Some(true)`) or succeeded (`Some(false)`).
    pub failed: Option<bool>,
    /// The record has a field that exists only when something went wrong.
    pub has_fault: bool,
    /// The answer has an empty list of choices.
    pub has_empty_choices: bool,
    /// A key shows how an answer ended, beside the reason itself.
    pub shows_answer: bool,
    /// Why the model stopped.
    pub finish_reason: Option<Cow<'a, str>>,
    /// The kind of operation (`chat`, `acompletion`, …).
    pub operation: Option<Cow<'a, str>>,
    /// The trace, the span and the span above it, undecoded; empty where the record does not name them.
    pub span_path: [&'a [u8]; 3],
    /// The record is a span, and not only written in one: it has an end.
    pub is_span: bool,
    /// The duration of the call, in seconds; `None` if the unit is not known.
    pub latency_s: Option<f64>,
    /// The time until the first token of the answer came, in seconds.
    pub first_token_s: Option<f64>,
    /// The record has a duration, in any unit.
    pub has_latency: bool,
    /// Tokens sent.
    pub input_tokens: Option<u64>,
    /// Tokens received.
    pub output_tokens: Option<u64>,
    /// The id that the provider or the gateway gave the request.
    pub request_id: Option<Cow<'a, str>>,
    /// The id that the gateway or the SDK gave the call. Never that of a trace or a session.
    pub call_id: Option<Cow<'a, str>>,
    /// The label or the last characters of the API key.
    pub key_label: Option<Cow<'a, str>>,
    /// The type and the words of the error, where an entry of a producer says which fields have them.
    pub own_error: [Option<Cow<'a, str>>; 2],
    /// The message is the name of an event, and no words about an error.
    pub message_is_name: bool,
}

impl<'a> Record<'a> {
    /// Everything that the record says, decoded once.
    #[must_use]
    pub fn facts(&'a self) -> Facts<'a> {
        Facts {
            record: self,
            format: self.format,
            level: self.level,
            line_kind: self.line_kind,
            raw: self.raw,
            headline: self.message.bytes,
            event_name: self.slot(Field::Event).as_raw().and_then(|raw| std::str::from_utf8(raw.bytes).ok()),
            kind: self.slot(Field::Kind).as_raw().and_then(|raw| std::str::from_utf8(raw.bytes).ok()),
            logger: std::str::from_utf8(self.logger_bytes()).unwrap_or_default(),
            stamp: self.stamp(),
            provider: self.provider(),
            is_provider_key: names_provider(self.key(Field::Provider)),
            model: self.model(),
            service: self.name(Field::Service),
            host: self.name(Field::Host),
            url_host: self.url_host(),
            url_path: self.url_path(),
            status: self.status(),
            upstream_status: self.upstream_status(),
            failed: self.failed(),
            has_fault: self.has_fault(),
            shows_answer: self.shows_answer,
            has_empty_choices: self.has_empty_choices(),
            finish_reason: self.finish_reason(),
            operation: self.slot(Field::Operation).as_text(),
            span_path: self.span_path(),
            is_span: self.is_span(),
            latency_s: self.latency_s(),
            first_token_s: self.first_token_s(),
            has_latency: self.slot(Field::Latency).is_something(),
            input_tokens: self.tokens(Field::InputTokens),
            output_tokens: self.tokens(Field::OutputTokens),
            request_id: self.id(Field::RequestId),
            call_id: self.id(Field::CallId),
            key_label: self.name(Field::KeyLabel),
            own_error: [const { None }; 2],
            message_is_name: false,
        }
    }

    pub(super) fn name(&self, field: Field) -> Option<Cow<'a, str>> {
        self.slot(field).as_text().filter(|name| name.len() <= NAME_BYTES)
    }

    pub(super) fn id(&self, field: Field) -> Option<Cow<'a, str>> {
        self.slot(field).as_text().filter(|id| ID_BYTES.contains(&id.len()))
    }

    pub(super) fn tokens(&self, field: Field) -> Option<u64> {
        self.slot(field).as_i64().and_then(|count| u64::try_from(count).ok())
    }

    /// Whether the entry is an object that stops in the middle.
    #[must_use]
    pub fn is_broken(&self) -> bool {
        self.broken
    }

    /// The record's own time stamp, or that of its prefix.
    #[must_use]
    pub fn stamp(&self) -> Option<Stamp> {
        let own = match self.slot(Field::Time) {
            Value::Text(raw) => Stamp::parse(raw.bytes),
            number @ Value::Number(_) => number.as_f64().and_then(Stamp::from_epoch),
            pair @ Value::Array(_) => stamp_of_pair(pair),
            _ => None,
        };
        match (own, self.stamped) {
            (Some(Stamp::Utc(at)), _) | (_, Some(Stamp::Utc(at))) => Some(Stamp::Utc(at)),
            (own, stamped) => own.or(stamped),
        }
    }

    fn provider(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::Provider).as_text().filter(|name| !name.contains('/') && !name.eq_ignore_ascii_case("unspecified"))
    }

    fn model(&self) -> Option<Cow<'a, str>> {
        self.slot(Field::Model)
            .as_text()
            .or_else(|| self.slot(Field::ModelServed).as_text())
            .filter(|name| name.len() <= NAME_BYTES)
    }

    fn url_host(&self) -> Option<&'a str> {
        let url = match self.line_kind {
            LineKind::Transport { url, .. } | LineKind::Request { url } => url,
            LineKind::Sdk { .. } => shape::url_of_sdk(self.message.bytes)?,
            _ => self.slot(Field::Url).as_raw()?.bytes,
        };
        host_of(url)
    }

    fn url_path(&self) -> Option<&'a str> {
        match self.line_kind {
            LineKind::Transport { url, .. } | LineKind::Request { url } => path_of(url),
            LineKind::Access { path, .. } => path_of(path),
            _ => self.slot(Field::Path).as_raw().or_else(|| self.slot(Field::Url).as_raw()).and_then(|raw| path_of(raw.bytes)),
        }
    }

    fn status(&self) -> Option<Status> {
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
                line => status_line(line).and_then(|status| Status::from_number(i64::from(status))),
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

    fn upstream_status(&self) -> Option<Status> {
        let raw = self.slot(Field::UpstreamStatus).as_raw()?;
        let last = raw.bytes.split(|b| matches!(b, b',' | b' ' | b':')).rfind(|part| !part.is_empty())?;
        Status::from_number(std::str::from_utf8(last).ok()?.parse().ok()?)
    }

    fn failed(&self) -> Option<bool> {
        const BAD: [&[u8]; 6] = [b"error", b"failure", b"failed", b"status_code_error", b"fail", b"timeout"];
        const GOOD: [&[u8]; 5] = [b"success", b"ok", b"succeeded", b"completed", b"status_code_ok"];
        if let Value::Bool(flag) = self.slot(Field::Success) {
            let negative = matches!(self.key(Field::Success), b"is_error" | b"isError" | b"failed");
            return Some(flag == negative);
        }
        let word = [Field::StatusText, Field::Status].into_iter().find_map(|field| match self.slot(field) {
            Value::Text(raw) => Some(raw.bytes),
            Value::Number(b"2") if field == Field::StatusText => Some(b"ERROR".as_slice()),
            _ => None,
        })?;
        let is_one_of = |words: &[&[u8]]| words.iter().any(|known| known.eq_ignore_ascii_case(word));
        if is_one_of(&BAD) { Some(true) } else { is_one_of(&GOOD).then_some(false) }
    }

    fn has_fault(&self) -> bool {
        let named = self.slot(Field::ErrorClass).is_something();
        named || self.error_fields().iter().any(ErrorField::is_evidence)
    }

    fn latency_s(&self) -> Option<f64> {
        match self.line_kind {
            LineKind::Access { took_s: Some(took), .. } | LineKind::Sdk { took_s: Some(took), .. } => return Some(took),
            _ => {}
        }
        self.latency_field_s()
    }

    /// The duration in the fields of the record, in seconds.
    pub(super) fn latency_field_s(&self) -> Option<f64> {
        let slot = self.slots.get(Field::Latency);
        duration_s(slot.key, slot.value).or_else(|| self.span_s()).filter(|seconds| (0.0..=86_400.0).contains(seconds))
    }

    /// The wait for the first token in the fields of the record, in seconds.
    pub(super) fn first_token_s(&self) -> Option<f64> {
        let slot = self.slots.get(Field::FirstToken);
        let seconds = duration_s(slot.key, slot.value).or_else(|| first_token_without_unit_s(slot.value));
        seconds.filter(|seconds| (0.0..=86_400.0).contains(seconds))
    }

    fn span_s(&self) -> Option<f64> {
        let stamp = |value: Value<'_>| match value {
            Value::Text(raw) => Stamp::parse(raw.bytes),
            pair @ Value::Array(_) => stamp_of_pair(pair),
            number => number.as_f64().and_then(Stamp::from_epoch),
        };
        // Few records have an end, so it is asked first.
        match (stamp(self.slot(Field::EndTime))?, stamp(self.slot(Field::Time))?) {
            (Stamp::Utc(end), Stamp::Utc(start)) | (Stamp::Local(end), Stamp::Local(start)) if end > start => {
                Some(end.since(start).as_secs_f64())
            }
            _ => None,
        }
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

    /// The last part of a stream has no choices either; it is healthy, and so is an answer with tokens.
    fn has_empty_choices(&self) -> bool {
        let is_empty = match self.slot(Field::Choices) {
            Value::Array(items) => items.len() <= 64 && Items::new(items).next().is_none(),
            Value::Number(count) => count == b"0",
            _ => false,
        };
        is_empty
            && self.tokens(Field::OutputTokens).is_none_or(|tokens| tokens == 0)
            && find(self.raw, b"completion.chunk").is_none()
    }

    fn finish_reason(&self) -> Option<Cow<'a, str>> {
        match self.slot(Field::FinishReason) {
            Value::Array(items) => Items::new(items).next().and_then(Value::as_text),
            value => value.as_text(),
        }
    }
}

impl Facts<'_> {
    /// Whether the level of the entry has this name, in small or capital letters: in a field, or in the head of a text.
    #[must_use]
    pub fn names_level(&self, name: &[u8]) -> bool {
        const HEAD_BYTES: usize = 64;
        let has_name = |text: &[u8]| text.windows(name.len()).any(|part| part.eq_ignore_ascii_case(name));
        if self.format == Format::Json {
            let fields = [Field::Level, Field::Kind].map(|field| self.record.slot(field));
            return fields.iter().any(|level| matches!(level, Value::Text(raw) if has_name(raw.bytes)));
        }
        has_name(self.raw.get(..HEAD_BYTES).unwrap_or(self.raw))
    }

    /// Whether words of the entry may name a finish or stop reason.
    #[must_use]
    pub fn mentions_reason(&self) -> bool {
        (self.format != Format::Json || self.is_span) && find(self.raw, b"eason").is_some()
    }
}

/// `[1796057526, 89000000]`: seconds and nanoseconds, as OpenTelemetry's library for JavaScript prints a time.
fn stamp_of_pair(pair: Value<'_>) -> Option<Stamp> {
    let Value::Array(items) = pair else { return None };
    let mut items = Items::new(items);
    let (Some(seconds), Some(nanos), None) = (items.next()?.as_f64(), items.next()?.as_f64(), items.next()) else {
        return None;
    };
    Stamp::from_epoch(seconds + nanos / 1e9)
}

fn names_provider(key: &[u8]) -> bool {
    let has = |word: &[u8]| find(key, word).is_some();
    !key.is_empty() && (has(b"rovider") || has(b"endor") || key == b"gen_ai.system" || key == b"llm.system")
}
