//! OTLP in JSON: one line is a batch of log records or spans, with the resource's attributes around them.
//!
//! Source: the OTLP file exporter, <https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/>.

use crate::record::field::FieldMap;
use crate::record::json::{self, Items, Members, Value};
use crate::record::record::{Format, Record};
use crate::time::Stamp;

/// The most records one batch may hold.
const RECORDS: usize = 10_000;
/// The most attributes of one record, span or resource that are read.
const ATTRIBUTES: usize = 256;

pub(super) fn is_batch(object: &[u8]) -> bool {
    object.starts_with(br#"{"resourceLogs""#) || object.starts_with(br#"{"resourceSpans""#)
}

/// Passes a record for each log record or span of a batch to `out`.
pub(super) fn read<'a>(map: &FieldMap, batch: &'a [u8], stamped: Option<Stamp>, out: &mut impl FnMut(&Record<'a>)) {
    let mut left = RECORDS;
    for (outer, scopes, leaves) in [("resourceLogs", "scopeLogs", "logRecords"), ("resourceSpans", "scopeSpans", "spans")] {
        for resource in objects(json::member(batch, outer)) {
            let attributes = match json::member(resource, "resource") {
                Value::Object(attributes) => attributes,
                _ => b"{}",
            };
            for scope in objects(json::member(resource, scopes)) {
                for leaf in objects(json::member(scope, leaves)) {
                    if left == 0 {
                        return;
                    }
                    left -= 1;
                    out(&record(map, attributes, leaf, stamped));
                }
            }
        }
    }
}

fn objects(value: Value<'_>) -> impl Iterator<Item = &[u8]> {
    let items = if let Value::Array(items) = value { items } else { b"[]" };
    Items::new(items).filter_map(|item| if let Value::Object(object) = item { Some(object) } else { None })
}

fn record<'a>(map: &FieldMap, resource: &'a [u8], leaf: &'a [u8], stamped: Option<Stamp>) -> Record<'a> {
    let mut record = Record::new(Format::Json, leaf, stamped);
    for (key, value) in Members::new(leaf) {
        match key.bytes {
            b"attributes" => put_attributes(&mut record, map, value),
            b"body" => {
                if let Value::Object(body) = value
                    && let Some((_, text)) = Members::new(body).next()
                {
                    record.shows_answer |= matches!(text, Value::Object(_));
                    record.member(map, FieldMap::ROOT, b"message", text, 0);
                }
            }
            b"startTimeUnixNano" => record.member(map, FieldMap::ROOT, b"timeUnixNano", value, 0),
            _ => record.member(map, FieldMap::ROOT, key.bytes, value, 0),
        }
    }
    put_attributes(&mut record, map, json::member(resource, "attributes"));
    record.settle();
    record
}

/// `[{"key":"gen_ai.request.model","value":{"stringValue":"gpt-5"}}]`.
fn put_attributes<'a>(record: &mut Record<'a>, map: &FieldMap, list: Value<'a>) {
    let Value::Array(items) = list else { return };
    for item in Items::new(items).take(ATTRIBUTES) {
        if let Value::Object(pair) = item
            && let Value::Text(key) = json::member(pair, "key")
            && let Value::Object(wrapped) = json::member(pair, "value")
            && let Some((_, value)) = Members::new(wrapped).next()
        {
            record.member(map, FieldMap::ROOT, key.bytes, value, 0);
        }
    }
}
