//! The key under which a verdict is cached: everything in a record that the verdict depends on. Failures come in storms, and
//! most of them are equal except for time, ids and measures.

use super::facts::Facts;
use super::field::Field;
use super::json::{Escapes, Raw, Value};
use super::line_kind::LineKind;
use crate::time::Stamp;

/// Fields that differ between equal failures: time, ids, caller, measures.
const INDIVIDUAL: [Field; 11] = [
    Field::Time,
    Field::EndTime,
    Field::Service,
    Field::RequestId,
    Field::CallId,
    Field::TraceId,
    Field::SpanId,
    Field::ParentId,
    Field::Latency,
    Field::InputTokens,
    Field::OutputTokens,
];

impl Facts<'_> {
    /// Writes the key to `out`: two records with the same key get the same verdict. `false` if the key would be longer than
    /// `limit` bytes, or if the shape of the line says everything already.
    pub fn cache_key(&self, out: &mut Vec<u8>, limit: usize) -> bool {
        out.clear();
        let record = self.record;
        if self.line_kind != LineKind::None || self.headline.len() > limit {
            return false;
        }
        let has_id = self.request_id.is_some();
        let has_time = matches!(self.stamp, Some(Stamp::Utc(_)));
        let flags = [has_id, has_time, record.broken].map(u8::from);
        out.extend([self.level as u8, self.format as u8]);
        out.extend(flags);
        put(out, &[], Value::Text(record.message));
        for (number, slot) in record.slots.iter() {
            // A host can be the one that was called, unless it is a bare name.
            let is = |field: Field| usize::from(number) == field as usize;
            let individual = INDIVIDUAL.into_iter().any(is) || is(Field::Host) && !may_be_called(slot.value);
            if !individual && slot.value != Value::Null {
                out.push(number);
                put(out, slot.key, slot.value);
                if out.len() > limit {
                    return false;
                }
            }
        }
        for field in record.error_fields() {
            out.push(u8::MAX - u8::from(field.certain));
            put(out, field.key, field.value);
            if out.len() > limit {
                return false;
            }
        }
        true
    }
}

pub(super) fn may_be_called(value: Value<'_>) -> bool {
    matches!(value, Value::Text(raw) if raw.escapes == Escapes::Some || raw.bytes.contains(&b'.'))
}

/// Writes the lengths before the bytes, so that different values never give the same bytes.
#[expect(clippy::cast_possible_truncation, reason = "a record is shorter than 4 GiB")]
fn put(out: &mut Vec<u8>, key: &[u8], value: Value<'_>) {
    let (kind, bytes) = match value {
        Value::Null => (0, &[] as &[u8]),
        Value::Bool(flag) => (1 + u8::from(flag), &[] as &[u8]),
        Value::Number(bytes) => (3, bytes),
        Value::Text(Raw { bytes, escapes: Escapes::None }) => (4, bytes),
        Value::Text(Raw { bytes, escapes: Escapes::Some }) => (5, bytes),
        Value::Object(bytes) => (6, bytes),
        Value::Array(bytes) => (7, bytes),
    };
    out.push(kind);
    out.extend((key.len() as u32).to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(bytes);
}
