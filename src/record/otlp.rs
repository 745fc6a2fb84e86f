//! OTLP in JSON: one line is a batch of log records or spans, with the resource's attributes around them.
//!
//! Source: the OTLP file exporter, <https://opentelemetry.io/docs/specs/otel/protocol/file-exporter/>.

use super::fields::FieldMap;
use super::json::{self, Items, Members, Value};
use super::{Format, Record};
use crate::time::Timestamp;

/// The most records one batch may hold.
const RECORDS: usize = 10_000;

pub(super) fn is_batch(object: &[u8]) -> bool {
    object.starts_with(br#"{"resourceLogs""#) || object.starts_with(br#"{"resourceSpans""#)
}

/// Gives out one record per log record or span of a batch.
pub(super) fn explode<'a>(map: &FieldMap, batch: &'a [u8], stamped: Option<Timestamp>, out: &mut impl FnMut(&Record<'a>)) {
    let mut left = RECORDS;
    for (outer, scopes, leaves) in [("resourceLogs", "scopeLogs", "logRecords"), ("resourceSpans", "scopeSpans", "spans")] {
        for resource in objects(json::member(batch, outer)) {
            let about = match json::member(resource, "resource") {
                Value::Object(about) => about,
                _ => b"{}",
            };
            for scope in objects(json::member(resource, scopes)) {
                for leaf in objects(json::member(scope, leaves)) {
                    if left == 0 {
                        return;
                    }
                    left -= 1;
                    out(&record(map, about, leaf, stamped));
                }
            }
        }
    }
}

fn objects(value: Value<'_>) -> impl Iterator<Item = &[u8]> {
    let items = if let Value::Array(items) = value { items } else { b"[]" };
    Items::new(items).filter_map(|it| if let Value::Object(object) = it { Some(object) } else { None })
}

fn record<'a>(map: &FieldMap, resource: &'a [u8], leaf: &'a [u8], stamped: Option<Timestamp>) -> Record<'a> {
    let mut record = Record::new(Format::Json, leaf, stamped);
    for (key, value) in Members::new(leaf) {
        match key.bytes {
            b"attributes" => record.attributes(map, value),
            b"body" => {
                if let Value::Object(body) = value
                    && let Some((_, text)) = Members::new(body).next()
                {
                    record.member(map, FieldMap::ROOT, b"message", text, 0);
                }
            }
            b"startTimeUnixNano" => record.member(map, FieldMap::ROOT, b"timeUnixNano", value, 0),
            _ => record.member(map, FieldMap::ROOT, key.bytes, value, 0),
        }
    }
    record.attributes(map, json::member(resource, "attributes"));
    record.settle();
    record
}

impl<'a> Record<'a> {
    /// `[{"key":"gen_ai.request.model","value":{"stringValue":"gpt-5"}}]`.
    fn attributes(&mut self, map: &FieldMap, list: Value<'a>) {
        let Value::Array(items) = list else { return };
        for item in Items::new(items).take(256) {
            if let Value::Object(pair) = item
                && let Value::Text(key) = json::member(pair, "key")
                && let Value::Object(wrapped) = json::member(pair, "value")
                && let Some((_, value)) = Members::new(wrapped).next()
            {
                self.member(map, FieldMap::ROOT, key.bytes, value, 0);
            }
        }
    }
}
