//! A line of words: a head of stamp, level and logger, then the message. Any further lines belong to the message. A JSON object that ends
//! the message holds fields, as zap's console, winston, logrus and Monolog write them.

use super::entry::Entry;
use super::json_tail::{self, JsonTail};
use crate::line::{Head, Level, dotnet_level, find};
use crate::record::field::{Field, FieldMap};
use crate::record::json::{Members, Raw, Value};
use crate::record::line_kind::LineKind;
use crate::record::record::{Format, Record};
use crate::record::shape;
use crate::record::signals::reports_exception;

/// The rank of what the head of a line says: the fields of the record come first.
const RANK_OF_HEAD: u8 = u8::MAX - 1;

pub(super) fn read<'a>(map: &FieldMap, entry: Entry<'a>) -> Record<'a> {
    let first = entry.first_line();
    let head = Head::parse(first);
    let message = entry.bytes.get(head.length..).unwrap_or_default().trim_ascii();
    if let Some(tail) = json_tail::find(map, message) {
        return read_fields(map, entry, &head, tail);
    }
    let mut record = Record::new(Format::Text, entry.bytes, entry.stamped);
    put_head(&mut record, &head);
    record.level = head.level;
    // An exception below a line of information is a failure whatever the first line says. Tracebacks at debug are those of
    // SDKs that retry.
    let is_quiet = head.level == Level::Info && first.len() < entry.bytes.len();
    if is_quiet && reports_exception(entry.bytes.get(first.len()..).unwrap_or_default()) {
        record.level = Level::Error;
    }
    let message = match head.logger {
        Some(_) => skip_thread(message),
        None => take_category(&mut record, message).unwrap_or(message),
    };
    record.message = Raw::plain(message);
    record.line_kind = shape::line_kind(message, record.logger_bytes());
    if record.line_kind == LineKind::None && head.logger.is_none() && head.length > 0 {
        find_logger_by_shape(&mut record);
    }
    if record.line_kind == LineKind::None {
        record.line_kind = shape::line_kind_within(first);
    }
    if record.line_kind == LineKind::None {
        record.pairs(map, first.get(head.length..).unwrap_or_default());
        if !head.spans.is_empty() {
            record.pairs(map, head.spans);
        }
        record.settle_exchange();
        if record.level >= Level::Warn {
            put_request_of_proxy(&mut record);
        }
    }
    record
}

/// Reads the object that ends a message like the same object alone. The head of the line and the words before the object fill what it
/// leaves open.
fn read_fields<'a>(map: &FieldMap, entry: Entry<'a>, head: &Head<'a>, tail: JsonTail<'a>) -> Record<'a> {
    let mut record = Record::new(Format::Json, entry.bytes, entry.stamped);
    for object in tail.objects {
        record.scan(map, FieldMap::ROOT, &mut Members::new(object), 0);
    }
    put_head(&mut record, head);
    if !tail.words.is_empty() {
        record.put(Field::Message, RANK_OF_HEAD, b"", Value::Text(Raw::plain(tail.words)));
    }
    record.settle();
    if record.level == Level::Unknown {
        record.level = head.level;
    }
    if record.line_kind == LineKind::None {
        record.pairs(map, record.message.bytes);
    }
    record
}

/// The message behind the category of .NET's console, which becomes the logger: `info: Polly[3]`, and in the next line the message. A
/// console of single lines puts the message behind the category.
fn take_category<'a>(record: &mut Record<'a>, message: &'a [u8]) -> Option<&'a [u8]> {
    const NAME_BYTES: usize = 200;
    let (word, behind) = message.split_at_checked(4).unwrap_or_default();
    let (level, message) = match (dotnet_level(word), behind.strip_prefix(b": ")) {
        (Some(level), Some(behind)) => (level, behind),
        _ if record.level == Level::Unknown => return None,
        _ => (record.level, message),
    };
    let is_in_name = |b: &u8| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'+' | b'`' | b'-');
    let name = message.iter().take(NAME_BYTES).position(|b| !is_in_name(b)).filter(|length| *length > 0)?;
    let (category, rest) = message.split_at(name);
    let rest = rest.strip_prefix(b"[")?;
    let digits = rest.iter().take_while(|b| b.is_ascii_digit()).count();
    let rest = rest.get(digits..)?.strip_prefix(b"]")?;
    if digits == 0
        || !(rest.is_empty() || rest.starts_with(b"\n") || rest.starts_with(b" "))
        || !category[0].is_ascii_uppercase()
    {
        return None;
    }
    record.level = level;
    record.put(Field::Logger, RANK_OF_HEAD, b"", Value::Text(Raw::plain(category)));
    Some(rest.trim_ascii())
}

/// The message behind the name of a thread: Quarkus writes `[logger] (executor-thread-1) message`.
fn skip_thread(message: &[u8]) -> &[u8] {
    const NAME_BYTES: usize = 64;
    let Some(inner) = message.strip_prefix(b"(") else { return message };
    let length = inner.iter().take(NAME_BYTES).take_while(|b| b.is_ascii_alphanumeric() || b" ._-#:".contains(*b)).count();
    match inner.split_at(length) {
        (name, rest) if !name.is_empty() => rest.strip_prefix(b") ").unwrap_or(message),
        _ => message,
    }
}

fn put_head<'a>(record: &mut Record<'a>, head: &Head<'a>) {
    for (field, part) in [(Field::Time, head.stamp), (Field::Logger, head.logger)] {
        if let Some(part) = part {
            record.put(field, RANK_OF_HEAD, b"", Value::Text(Raw::plain(part)));
        }
    }
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

/// What NGINX could not do for a request: `upstream timed out (110: …) while reading …, client: 10.0.0.1, server: _, request: "POST
/// /v1/messages HTTP/1.1", upstream: "https://…", host: "…"`. The request and the upstream become fields.
fn put_request_of_proxy(record: &mut Record<'_>) {
    let message = record.message.bytes;
    let Some(at) = find(message, b", client: ") else { return };
    let quoted = |key: &[u8]| {
        let start = find(&message[at..], key)? + at + key.len();
        message[start..].split(|b| *b == b'"').next()
    };
    if let Some(request) = quoted(b", request: \"").and_then(shape::RequestLine::find) {
        record.put(Field::Path, 0, b"path", Value::Text(Raw::plain(request.target)));
    }
    if let Some(upstream) = quoted(b", upstream: \"") {
        record.put(Field::Url, 0, b"url", Value::Text(Raw::plain(upstream)));
    }
}
