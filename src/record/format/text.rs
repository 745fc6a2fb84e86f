//! A line of words: a head of stamp, level and logger, then the message. Any further lines belong to the message.

use super::entry::Entry;
use crate::line::{Head, Level};
use crate::record::field::{Field, FieldMap};
use crate::record::json::{Raw, Value};
use crate::record::line_kind::LineKind;
use crate::record::record::{Format, Record};
use crate::record::shape;
use crate::record::signals::reports_exception;

pub(super) fn read<'a>(map: &FieldMap, entry: Entry<'a>) -> Record<'a> {
    let mut record = Record::new(Format::Text, entry.bytes, entry.stamped);
    let first = entry.first_line();
    let head = Head::parse(first);
    record.level = head.level;
    // An exception below a line of information is a failure whatever the first line says. Tracebacks at debug are those of
    // SDKs that retry.
    let is_quiet = head.level == Level::Info && first.len() < entry.bytes.len();
    if is_quiet && reports_exception(entry.bytes.get(first.len()..).unwrap_or_default()) {
        record.level = Level::Error;
    }
    if let Some(stamp) = head.stamp {
        record.put(Field::Time, 0, b"", Value::Text(Raw::plain(stamp)));
    }
    if let Some(logger) = head.logger {
        record.put(Field::Logger, 0, b"", Value::Text(Raw::plain(logger)));
    }
    record.message = Raw::plain(entry.bytes.get(head.length..).unwrap_or_default().trim_ascii());
    record.line_kind = shape::line_kind(record.message.bytes, record.logger_bytes());
    if record.line_kind == LineKind::None && head.logger.is_none() && head.length > 0 {
        find_logger_by_shape(&mut record);
    }
    if record.line_kind == LineKind::None {
        record.pairs(map, first.get(head.length..).unwrap_or_default());
    }
    record
}

/// `%(levelname)s %(name)s %(message)s` separates a logger's name from the message by a blank only: the first word is a
/// logger if a line of special shape follows it.
fn find_logger_by_shape(record: &mut Record<'_>) {
    let message = record.message.bytes;
    let Some(blank) = memchr::memchr(b' ', message).filter(|at| *at > 0) else { return };
    let (word, rest) = (&message[..blank], &message[blank + 1..]);
    if !word.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_')) {
        return;
    }
    let kind = shape::line_kind(rest, word);
    if kind != LineKind::None {
        record.put(Field::Logger, 0, b"", Value::Text(Raw::plain(word)));
        (record.message, record.line_kind) = (Raw::plain(rest), kind);
    }
}
