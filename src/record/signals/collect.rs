//! Collects the signals of a record.

use super::extract::{exchange_in, is_connection, is_timeout, model_in, request_id_in, wait_in};
use super::lists::Signals;
use crate::line::contains;
use crate::record::facts::Facts;
use crate::record::field::Field;
use crate::record::json::Value;
use crate::record::line_kind::LineKind;
use crate::taxonomy::Status;

impl Facts<'_> {
    /// Looks into everything that went wrong. Costs more than reading, and is called only if there is evidence.
    #[must_use]
    pub fn signals(&self) -> Signals {
        collect(self)
    }
}

fn collect(facts: &Facts<'_>) -> Signals {
    let record = facts.record;
    let mut signals = Signals::default();
    let [own_type, own_words] = &facts.own_error;
    if let Some(name) = own_type {
        signals.add_class(name);
    }
    if let Some(words) = own_words {
        signals.add_text(words, 0);
    }
    signals.add_code(record.slot(Field::ErrorCode));
    for field in [Field::ErrorType, Field::ErrorClass] {
        if let Value::Text(raw) = record.slot(field) {
            signals.add_class(&raw.text());
        }
    }
    for field in record.error_fields().iter().filter(|field| field.certain) {
        signals.add_field(field.key, field.value, 0);
    }
    let is_text = !facts.message_is_name
        && matches!(facts.line_kind, LineKind::None | LineKind::Sdk { status: None, .. } | LineKind::Response { .. });
    // A span has a name in place of a message. The words of its status say more.
    let is_name = record.slot(Field::Message) == Value::Null && record.key(Field::Event) == b"name";
    if is_text && !is_name {
        signals.add_text(&record.message.text(), 0);
    }
    // A field named `response` may hold what a model wrote, unless the request was refused.
    let refused = facts.status.and_then(Status::http).is_some_and(|code| code >= 400);
    for field in record.error_fields().iter().filter(|field| !field.certain && (refused || !field.may_be_answer())) {
        signals.add_field(field.key, field.value, 0);
    }
    if is_text && is_name {
        signals.add_text(&record.message.text(), 0);
    }
    if let Some(reason) = &facts.finish_reason {
        signals.add_finish_reason(record.key(Field::FinishReason), reason);
    }
    if let Value::Text(raw) = record.slot(Field::Kind) {
        signals.add_type(&raw.text());
    }
    if let Some(wait) = record.slot(Field::RetryAfter).as_f64() {
        let key = record.key(Field::RetryAfter);
        signals.retry_after_s = Some(if key.ends_with(b"_ms") { wait / 1e3 } else { wait });
    }
    signals.finish(facts);
    signals
}

impl Signals {
    /// Derives what only all texts together show: waits and models in words, timeouts, failed connections.
    fn finish(&mut self, facts: &Facts<'_>) {
        let record = facts.record;
        if self.retry_after_s.is_none() {
            self.retry_after_s = self.messages.iter().find_map(|message| wait_in(message));
        }
        if self.request_id.is_none() && facts.request_id.is_none() {
            self.request_id = self.messages.iter().find_map(|message| request_id_in(message));
        }
        if self.model.is_none() && facts.model.is_none() {
            self.model = self.messages.iter().find_map(|message| model_in(message)).map(str::to_owned);
        }
        let answered = self.status.or(facts.status).or(self.upstream_status).is_some();
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
        if self.status.is_none() && facts.status.is_none() && self.upstream_status.is_none() {
            let all = self.types.iter().chain(&self.codes).chain(&self.messages);
            self.status = all.clone().any(|text| is_timeout(text)).then_some(Status::Timeout);
            self.status = self.status.or_else(|| all.into_iter().any(|text| is_connection(text)).then_some(Status::Connection));
        }
    }
}
