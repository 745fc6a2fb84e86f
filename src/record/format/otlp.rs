//! OTLP in JSON: one line is a batch of log records or spans, with the resource's attributes around them.
//!
//! Source: the OTLP file exporter, <https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/>.

use crate::line::find;
use crate::record::field::{Field, FieldMap};
use crate::record::json::{self, Items, Members, Raw, Value};
use crate::record::record::{Format, Record};
use crate::time::Stamp;

/// The most records one batch may hold.
const RECORDS: usize = 10_000;
/// The most attributes of one record, span or resource that are read.
const ATTRIBUTES: usize = 256;
/// The most events of one span that are read.
const EVENTS: usize = 64;

/// How an error begins in the fields of Effect's logger.
const UNQUOTED: &[u8] = b"\"error\":{\"error\":";

pub(super) fn is_batch(object: &[u8]) -> bool {
    object.starts_with(br#"{"resourceLogs""#) || object.starts_with(br#"{"resourceSpans""#)
}

/// Passes a record for each log record or span of a batch to `out`.
pub(super) fn read(map: &FieldMap, batch: &[u8], stamped: Option<Stamp>, out: &mut impl FnMut(&Record<'_>)) {
    let mut left = RECORDS;
    for (outer, scopes, leaves) in [("resourceLogs", "scopeLogs", "logRecords"), ("resourceSpans", "scopeSpans", "spans")] {
        for resource in objects(json::member(batch, outer)) {
            let attributes = match json::member(resource, "resource") {
                Value::Object(attributes) => attributes,
                _ => b"{}",
            };
            for scope in objects(json::member(resource, scopes)) {
                let logger = match json::member(scope, "scope") {
                    Value::Object(scope) => json::member(scope, "name"),
                    _ => Value::Null,
                };
                for leaf in objects(json::member(scope, leaves)) {
                    if left == 0 {
                        return;
                    }
                    left -= 1;
                    let around = Around { attributes, logger, stamped };
                    match fields_in_body(leaf) {
                        None => out(&record(map, around, leaf)),
                        Some(fields) => out(&record_with_fields(map, around, leaf, fields.as_bytes())),
                    }
                }
            }
        }
    }
}

fn objects(value: Value<'_>) -> impl Iterator<Item = &[u8]> {
    let items = if let Value::Array(items) = value { items } else { b"[]" };
    Items::new(items).filter_map(|item| if let Value::Object(object) = item { Some(object) } else { None })
}

/// What a batch says of a record outside of it.
#[derive(Clone, Copy)]
struct Around<'a> {
    /// The resource with its attributes.
    attributes: &'a [u8],
    /// The name of the scope.
    logger: Value<'a>,
    stamped: Option<Stamp>,
}

fn record<'a>(map: &FieldMap, around: Around<'a>, leaf: &'a [u8]) -> Record<'a> {
    let Around { attributes, logger, stamped } = around;
    let mut record = Record::new(Format::Json, leaf, stamped);
    for (key, value) in Members::new(leaf) {
        match key.bytes {
            b"attributes" => put_attributes(&mut record, map, value),
            b"body" => {
                let text = texts_of(value)[0];
                record.shows_answer |= matches!(text, Value::Object(_));
                record.member(map, FieldMap::ROOT, b"message", text, 0);
            }
            b"events" => put_exceptions(&mut record, map, leaf, value),
            b"startTimeUnixNano" => record.member(map, FieldMap::ROOT, b"timeUnixNano", value, 0),
            _ => record.member(map, FieldMap::ROOT, key.bytes, value, 0),
        }
    }
    put_attributes(&mut record, map, json::member(attributes, "attributes"));
    if logger != Value::Null {
        record.put(Field::Logger, u8::MAX - 1, b"scope", logger);
    }
    record.settle();
    record
}

/// The text of a body, or the first two texts of a list.
fn texts_of(body: Value<'_>) -> [Value<'_>; 2] {
    let inside = |value| if let Value::Object(object) = value { Members::new(object).next() } else { None };
    match inside(body) {
        Some((key, Value::Object(list))) if key.bytes == b"arrayValue" => {
            let mut items = Items::new(if let Value::Array(items) = json::member(list, "values") { items } else { b"[]" });
            [(); 2].map(|()| items.next().and_then(inside).map_or(Value::Null, |(_, text)| text))
        }
        Some((_, text)) => [text, Value::Null],
        None => [Value::Null; 2],
    }
}

/// The object that follows the message in the list of a body, as Effect's logger writes it: `["stream error", "{\"modelID\":\"gpt-5\"}"]`.
fn fields_in_body(leaf: &[u8]) -> Option<String> {
    let mut body = Members::new(leaf).filter(|(key, _)| key.bytes == b"body");
    let Value::Text(fields) = texts_of(body.next()?.1)[1] else { return None };
    fields.bytes.starts_with(b"{").then(|| fields.text().into_owned())
}

fn record_with_fields<'a>(map: &FieldMap, around: Around<'a>, leaf: &'a [u8], fields: &'a [u8]) -> Record<'a> {
    let mut record = record(map, around, leaf);
    record.scan(map, FieldMap::ROOT, &mut Members::new(fields), 0);
    // An error is not quoted there: `"error":{"error":AI_APICallError: …}}`.
    if let Some(at) = find(fields, UNQUOTED)
        && let Some(text) = fields.get(at + UNQUOTED.len()..).filter(|text| !text.starts_with(b"\"") && !text.starts_with(b"{"))
    {
        record.put(Field::Error, 0, b"error", Value::Text(Raw::plain(text)));
    }
    record.raw = fields;
    record.settle();
    record
}

/// What a failed span says of its exceptions. In a span that did not fail, an exception was handled.
fn put_exceptions<'a>(record: &mut Record<'a>, map: &FieldMap, span: &'a [u8], events: Value<'a>) {
    let Value::Object(status) = json::member(span, "status") else { return };
    let failed = match json::member(status, "code") {
        Value::Number(code) => code == b"2",
        Value::Text(code) => code.bytes == b"STATUS_CODE_ERROR",
        _ => false,
    };
    for event in objects(events).take(EVENTS).filter(|_| failed) {
        if matches!(json::member(event, "name"), Value::Text(name) if name.bytes == b"exception") {
            put_attributes(record, map, json::member(event, "attributes"));
        }
    }
}

/// `[{"key":"gen_ai.request.model","value":{"stringValue":"gpt-5"}}]`.
fn put_attributes<'a>(record: &mut Record<'a>, map: &FieldMap, list: Value<'a>) {
    let Value::Array(items) = list else { return };
    for item in Items::new(items).take(ATTRIBUTES) {
        if let Value::Object(pair) = item
            && let Value::Text(key) = json::member(pair, "key")
            && let wrapped @ Value::Object(inner) = json::member(pair, "value")
            && let Some((_, value)) = Members::new(inner).next()
        {
            // Of a list of texts, such as the reasons why the choices of an answer ended, the first counts.
            let value = Some(texts_of(wrapped)[0]).filter(|text| matches!(text, Value::Text(_))).unwrap_or(value);
            record.member(map, FieldMap::ROOT, key.bytes, value, 0);
        }
    }
}
