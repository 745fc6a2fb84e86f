//! The level that the fields of a record give: a word, or a number on a scale that the fields around it show.

use super::json::Value;
use crate::line::Level;

/// The fields of a record that tell its level.
pub(super) struct LevelFields<'a> {
    pub(super) level: Value<'a>,
    /// The key of the level.
    pub(super) key: &'a [u8],
    /// The field `type`.
    pub(super) kind: Value<'a>,
    /// The key of the request's id.
    pub(super) id_key: &'a [u8],
}

/// The level of a record.
pub(super) fn level_of(fields: &LevelFields<'_>) -> Level {
    match fields.level {
        number @ Value::Number(_) => of_number(fields, number.as_i64().unwrap_or_default()),
        Value::Text(raw) => Level::from_word(raw.bytes),
        _ => of_kind(fields.kind),
    }
}

/// Some loggers name the level `type`: `{"type":"error","data":"…","stack":"…"}`.
fn of_kind(kind: Value<'_>) -> Level {
    match kind {
        Value::Text(raw) => Level::from_entry_word(raw.bytes).unwrap_or_default(),
        _ => Level::Unknown,
    }
}

/// The level of a number, on the scale of the logger that has such fields.
fn of_number(fields: &LevelFields<'_>, number: i64) -> Level {
    let of_kind = of_kind(fields.kind);
    match fields.key {
        b"severityNumber" | b"SeverityNumber" | b"severity_number" => Level::of_opentelemetry(number),
        b"LogLevel" | b"logLevel" if number < 10 => of_dotnet(number),
        b"logLevelId" => of_tslog(number),
        // consola counts the other way round, and writes the word beside it.
        _ if number < 10 && of_kind != Level::Unknown => of_kind,
        _ if number < 10 && fields.id_key == b"reqId" => of_nextcloud(number),
        _ if number < 8 => of_syslog(number),
        _ if number <= 60 => of_tens(number),
        _ => of_hundreds(number),
    }
}

/// Syslog, journald and GELF: 0 is an emergency, 7 is debug.
fn of_syslog(number: i64) -> Level {
    match number {
        ..0 => Level::Unknown,
        0..=2 => Level::Fatal,
        3 => Level::Error,
        4 => Level::Warn,
        5 | 6 => Level::Info,
        7.. => Level::Debug,
    }
}

/// Nextcloud: 0 is debug, 4 is fatal.
fn of_nextcloud(number: i64) -> Level {
    match number {
        ..1 => Level::Debug,
        1 => Level::Info,
        2 => Level::Warn,
        3 => Level::Error,
        4.. => Level::Fatal,
    }
}

/// `Microsoft.Extensions.Logging`: 0 is trace, 5 is critical.
fn of_dotnet(number: i64) -> Level {
    match number {
        ..2 => Level::Debug,
        2 => Level::Info,
        3 => Level::Warn,
        4 => Level::Error,
        5.. => Level::Fatal,
    }
}

/// tslog: 0 is silly, 6 is fatal.
fn of_tslog(number: i64) -> Level {
    match number {
        ..3 => Level::Debug,
        3 => Level::Info,
        4 => Level::Warn,
        5 => Level::Error,
        6.. => Level::Fatal,
    }
}

/// pino, bunyan, roarr (10 is trace, 60 is fatal) and Python (10 is debug, 50 is critical).
fn of_tens(number: i64) -> Level {
    match number {
        // 20 is Python's info and pino's debug; both are below a warning.
        20 | 30..=39 => Level::Info,
        40..=49 => Level::Warn,
        50..=59 => Level::Error,
        60.. => Level::Fatal,
        _ => Level::Debug,
    }
}

/// Monolog: 100 is debug, 600 is an emergency. `java.util.logging`: 500 is fine, 1000 is severe. Logback: 10000 is debug, 40000 an error.
fn of_hundreds(number: i64) -> Level {
    match number {
        ..200 | 5_000..=10_000 => Level::Debug,
        200..=299 | 700..=800 | 20_000 => Level::Info,
        300..=399 | 900 | 30_000 => Level::Warn,
        400..=499 | 1_000 | 40_000 => Level::Error,
        500..=600 | 50_000.. => Level::Fatal,
        _ => Level::Unknown,
    }
}
