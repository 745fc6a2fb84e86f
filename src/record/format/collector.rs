//! Entries that a collector (journald, Fluent Bit, Filebeat) wrapped whole into a field of an object of its own.

use crate::line::Level;
use crate::record::field::Field;
use crate::record::json::Value;
use crate::record::record::{Format, Record};
use crate::time::Stamp;
use std::borrow::Cow;

/// The text of a message that looks like a whole entry of another logger.
pub(super) fn wrapped<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    if record.format != Format::Json {
        return None;
    }
    let Value::Text(raw) = record.slot(Field::Message) else { return None };
    (raw.bytes.starts_with(b"{\\\"") || is_of_collector(record)).then(|| raw.text())
}

/// The time of the collector's own entry.
pub(super) fn time_of(outer: &Record<'_>) -> Option<Stamp> {
    match outer.stamp() {
        Some(Stamp::Utc(at)) => Some(Stamp::Utc(at)),
        _ => outer.stamped,
    }
}

/// Completes the wrapped entry with the service, the host and the level that the collector adds. `false`: what was wrapped
/// is not an entry, and the outer record counts.
///
/// The collector's level counts only if it is a warning or worse, and the entry has none: to a collector, everything that a
/// service prints is `info`.
pub(super) fn complete<'a>(inner: &mut Record<'a>, outer: &Record<'a>) -> bool {
    // A provider's body has a `type`, which is a level to some loggers; it is no entry.
    let is_entry = inner.slot(Field::Level).is_something() || inner.slot(Field::Time).is_something();
    if !is_entry && !is_of_collector(outer) {
        return false;
    }
    if inner.level == Level::Unknown && outer.level >= Level::Warn {
        inner.level = outer.level;
    }
    for field in [Field::Service, Field::Host] {
        if !inner.slot(field).is_something() {
            inner.slots.set(field, *outer.slots.get(field));
        }
    }
    true
}

/// Whether the message is under a key that only collectors use.
fn is_of_collector(record: &Record<'_>) -> bool {
    matches!(record.key(Field::Message), b"MESSAGE" | b"log" | b"textPayload" | b"LogEntry")
}
