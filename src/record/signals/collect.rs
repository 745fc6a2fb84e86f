//! Collects the signals of a record.

use super::extract::{exchange_in, is_connection, is_timeout, model_in, request_id_in, wait_in};
use super::lists::Signals;
use crate::line::contains;
use crate::record::field::Field;
use crate::record::json::Value;
use crate::record::line_kind::LineKind;
use crate::record::record::Record;
use crate::taxonomy::Status;

impl Record<'_> {
    /// Looks into everything that went wrong. Costs more than reading, and is called only if there is evidence.
    #[must_use]
    pub fn signals(&self) -> Signals {
        collect(self)
    }
}

/// Collects the signals of a record.
fn collect(record: &Record<'_>) -> Signals {
    let mut signals = Signals::default();
    for (field, list) in [(Field::ErrorCode, true), (Field::ErrorType, false), (Field::ErrorClass, false)] {
        match record.slot(field) {
            value if list => signals.code(value),
            Value::Text(raw) => signals.class(&raw.text()),
            _ => {}
        }
    }
    for field in record.error_fields().iter().filter(|field| field.certain) {
        signals.field(field.key, field.value, 0);
    }
    if matches!(record.line_kind, LineKind::None | LineKind::Sdk { status: None, .. }) {
        signals.text(&record.message(), 0);
    }
    // What a field named `response` holds may be a model's words, unless the answer was a refusal.
    let refused = record.status().and_then(Status::http).is_some_and(|code| code >= 400);
    for field in record.error_fields().iter().filter(|field| !field.certain && (refused || !field.may_be_answer())) {
        signals.field(field.key, field.value, 0);
    }
    if let Some(reason) = record.finish_reason() {
        let key =
            if record.slots[Field::FinishReason as usize].key == b"stop_reason" { "stop_reason" } else { "finish_reason" };
        Signals::push(&mut signals.codes, &format!("{key}:{reason}"));
    }
    if let Value::Text(raw) = record.slot(Field::Kind) {
        signals.kind(&raw.text());
    }
    if let Some(wait) = record.slot(Field::RetryAfter).as_f64() {
        let key = record.slots[Field::RetryAfter as usize].key;
        signals.retry_after_s = Some(if key.ends_with(b"_ms") { wait / 1e3 } else { wait });
    }
    signals.finish(record);
    signals
}

impl Signals {
    /// Derives what only all texts together show: waits and models in words, timeouts, failed connections.
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
            for text in record.error_texts() {
                let (host, status) = exchange_in(text);
                self.url_host = self.url_host.take().or_else(|| host.map(str::to_owned));
                self.status = self.status.or(status.filter(|_| !answered));
            }
        }
        if record.error_texts().any(|text| contains(text, b"AzureOpenAI")) {
            Self::push(&mut self.libraries, "azure.ai.openai");
        }
        if self.status.is_none() && record.status().is_none() && self.upstream_status.is_none() {
            let all = self.types.iter().chain(&self.codes).chain(&self.messages);
            self.status = all.clone().any(|it| is_timeout(it)).then_some(Status::Timeout);
            self.status = self.status.or_else(|| all.into_iter().any(|it| is_connection(it)).then_some(Status::Connection));
        }
    }
}
