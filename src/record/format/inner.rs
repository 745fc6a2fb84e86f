//! An entry in JSON that another logger wrote whole as the message of its own: `{"level":"info","message":"{\"level\":\"error\",…}"}`.
//!
//! The lines that a carrier brings in an object of its own are taken off by `framing`, whatever their format.

use crate::line::Level;
use crate::record::field::Field;
use crate::record::json::Value;
use crate::record::record::{Format, Record};
use crate::time::Stamp;
use std::borrow::Cow;

/// The message of a record, if it looks like a whole entry.
pub(super) fn text_of<'a>(record: &Record<'a>) -> Option<Cow<'a, str>> {
    if record.format != Format::Json {
        return None;
    }
    let Value::Text(raw) = record.slot(Field::Message) else { return None };
    raw.bytes.starts_with(b"{\\\"").then(|| raw.text())
}

/// The time of the entry around it.
pub(super) fn time_of(outer: &Record<'_>) -> Option<Stamp> {
    match outer.stamp() {
        Some(Stamp::Utc(at)) => Some(Stamp::Utc(at)),
        _ => outer.stamped,
    }
}

/// Completes the inner entry with the service, the host and the level of the one around it. `false`: it is not an entry, and
/// the outer record counts.
///
/// The outer level counts only if it is a warning or worse, and the inner entry has none: to a program that passes on what
/// another one prints, everything is `info`.
pub(super) fn complete<'a>(inner: &mut Record<'a>, outer: &Record<'a>) -> bool {
    // A provider's body has a `type`, which is a level to some loggers; it is no entry.
    if !inner.slot(Field::Level).is_something() && !inner.slot(Field::Time).is_something() {
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
