//! The key under which a verdict is cached: everything in a record that the verdict depends on. Failures come in storms, and
//! most of them are equal except for time, ids and measures.

use super::facts::Facts;
use super::field::Field;
use super::json::Value;
use super::likeness::is_slots_own;
use super::line_kind::LineKind;
use crate::time::Stamp;

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
            // A failure is the same whatever service met it.
            if !is_slots_own(number, slot) && number != Field::Service as u8 && slot.value != Value::Null {
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

/// Writes the lengths before the bytes, so that different values never give the same bytes.
#[expect(clippy::cast_possible_truncation, reason = "a record is shorter than 4 GiB")]
fn put(out: &mut Vec<u8>, key: &[u8], value: Value<'_>) {
    let (kind, bytes) = value.parts();
    out.push(kind);
    out.extend((key.len() as u32).to_le_bytes());
    out.extend((bytes.len() as u32).to_le_bytes());
    out.extend_from_slice(key);
    out.extend_from_slice(bytes);
}
