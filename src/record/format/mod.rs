//! The formats of entries. One file per format; adding one is a file and an arm in [`read`], if an entry holds many records,
//! or in [`read_one`].

mod entry;
mod inner;
mod json;
mod json_tail;
mod logfmt;
mod otlp;
mod text;

pub(super) use entry::Entry;

use super::field::FieldMap;
use super::forms::Known;
use super::record::Record;

/// Reads an entry and passes each of its records to `out`.
pub(super) fn read<'a>(map: &FieldMap, entry: Entry<'a>, known: Option<Known<'_, 'a>>, out: &mut impl FnMut(&Record<'_>)) {
    let begin = entry.bytes.trim_ascii_start();
    if otlp::is_batch(begin) {
        return otlp::read(map, begin, entry.stamped, out);
    }
    if json::is_array(begin) {
        return json::read_array(map, begin, entry.stamped, out);
    }
    let mut record = read_one(map, entry, known);
    record.note_level(entry.level);
    let Some(text) = inner::text_of(&record) else { return out(&record) };
    let entry = Entry { bytes: text.trim().as_bytes(), tail: &[], stamped: inner::time_of(&record), level: entry.level };
    let mut within = read_one(map, entry, None);
    if inner::complete(&mut within, &record) { out(&within) } else { out(&record) }
}

/// Reads an entry that is one record. Every entry is text, if nothing else.
fn read_one<'a>(map: &FieldMap, entry: Entry<'a>, known: Option<Known<'_, 'a>>) -> Record<'a> {
    if json::is_object(entry.bytes) {
        json::read_object(map, entry, known)
    } else if logfmt::is_logfmt(entry) {
        logfmt::read(map, entry)
    } else {
        text::read(map, entry)
    }
}
