//! An exchange that a record tells in fields: an access record of a server, or an HTTP client's record.

use super::address::path_of;
use super::error_field::ErrorField;
use super::field::Field;
use super::json::Value;
use super::line_kind::LineKind;
use super::record::Record;
use super::shape::{RequestLine, is_method};
use super::status::status_line;
use crate::line::{Level, contains};

impl<'a> Record<'a> {
    /// The kind of a record with a method, a path or an address, and a status. A record that names more than the exchange (what went
    /// wrong, a provider, tokens) is the report of a call, whatever else it has.
    pub(super) fn exchange_in_fields(&self) -> Option<LineKind<'a>> {
        let (method, target) = self.request()?;
        // A preflight asks for no path.
        let target = if method == b"OPTIONS" { Some(b"/*".as_slice()) } else { target };
        if !is_method(method) || self.is_report_of_call() {
            return None;
        }
        let status = self.slot(Field::Status);
        let status = match status.as_i64() {
            Some(number) => u16::try_from(number).ok().filter(|status| (100..600).contains(status))?,
            None => status_line(status.as_raw()?.bytes)?,
        };
        if let Some(path) = target.filter(|target| target.starts_with(b"/")).and_then(path_of) {
            return Some(LineKind::Access { path: path.as_bytes(), status, took_s: self.latency_field_s() });
        }
        let url = target.or_else(|| Some(self.slot(Field::Url).as_raw()?.bytes))?;
        url.starts_with(b"http").then_some(LineKind::Transport { url, status })
    }

    /// The method, and what was asked for; both may be in one field, as in `POST /v1/messages HTTP/1.1`.
    fn request(&self) -> Option<(&'a [u8], Option<&'a [u8]>)> {
        let path = self.slot(Field::Path).as_raw().map(|raw| raw.bytes);
        if let Value::Text(method) = self.slot(Field::Method) {
            let url = || self.slot(Field::Url).as_raw().map(|raw| raw.bytes).filter(|url| url.starts_with(b"/"));
            return Some((method.bytes, path.or_else(url)));
        }
        let line = path.filter(|path| path.first().is_some_and(u8::is_ascii_uppercase))?;
        let request = RequestLine::find(line).filter(|request| request.before.is_empty())?;
        Some((line.split(|b| *b == b' ').next()?, Some(request.target)))
    }

    fn is_report_of_call(&self) -> bool {
        let fields = [Field::Provider, Field::InputTokens, Field::OutputTokens, Field::FinishReason, Field::ErrorClass];
        let speaks_of_failure = || {
            let words: [&[u8]; 3] = [b"rror", b"ail", b"xception"];
            self.level >= Level::Warn && words.into_iter().any(|word| contains(self.message.bytes, word))
        };
        // A gateway for LLM calls tells of the call, with OpenTelemetry's attributes.
        let is_of_gateway = || self.key(Field::Model).starts_with(b"gen_ai.");
        is_of_gateway()
            || fields.into_iter().any(|field| self.slot(field).is_something())
            || self.error_fields().iter().any(ErrorField::is_evidence)
            || speaks_of_failure()
    }
}
