//! JSON: one object is one record, an array of objects is many.

use super::entry::Entry;
use crate::line::Level;
use crate::record::field::FieldMap;
use crate::record::forms::Known;
use crate::record::json::{Items, Members, Value};
use crate::record::line_kind::LineKind;
use crate::record::record::{Format, Record};
use crate::time::Stamp;

pub(super) fn is_object(entry: &[u8]) -> bool {
    entry.trim_ascii_start().first() == Some(&b'{')
}

/// Whether an entry is an array that may hold objects, and whole.
pub(super) fn is_array(entry: &[u8]) -> bool {
    entry.first() == Some(&b'[') && matches!(entry.get(1), Some(b'{' | b'\n' | b' ')) && entry.last() == Some(&b']')
}

/// Passes a record for each object of an array to `out`.
pub(super) fn read_array(map: &FieldMap, array: &[u8], stamped: Option<Stamp>, out: &mut impl FnMut(&Record<'_>)) {
    for item in Items::new(array) {
        if let Value::Object(bytes) = item {
            out(&read_object(map, Entry { bytes, tail: &[], stamped, level: Level::Unknown }, None));
        }
    }
}

/// Reads an object: from the values that a walk through it found, or member by member.
pub(super) fn read_object<'a>(map: &FieldMap, entry: Entry<'a>, known: Option<Known<'_, 'a>>) -> Record<'a> {
    let Entry { bytes, tail, stamped, .. } = entry;
    let object = bytes.trim_ascii_start();
    let mut record = Record::new(Format::Json, object, stamped);
    match known {
        Some(Known::Form(walk)) => walk.fill(map, &mut record),
        Some(Known::Nothing(forms)) => {
            scan(map, object, tail, &mut record);
            if !record.broken {
                forms.learn(map, object);
            }
        }
        None => scan(map, object, tail, &mut record),
    }
    record.settle();
    // Some writers put an entry of their own text format into `message`, and the fields into its words.
    if record.line_kind == LineKind::None && !record.message.is_empty() {
        let message = record.message.bytes;
        record.pairs(map, message);
    }
    record
}

fn scan<'a>(map: &FieldMap, object: &'a [u8], tail: &'a [u8], record: &mut Record<'a>) {
    let mut members = Members::new(object);
    record.scan(map, FieldMap::ROOT, &mut members, 0);
    record.broken = !members.closed;
    if record.broken && !tail.is_empty() {
        record.scan_tail(map, tail);
    }
}
