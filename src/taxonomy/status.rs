//! How a call ended: an HTTP status, a timeout, or no connection.

use schemars::{JsonSchema, Schema, SchemaGenerator, json_schema};
use serde::{Serialize, Serializer};
use std::borrow::Cow;
use std::fmt;

/// How a call ended on the wire.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub enum Status {
    /// An HTTP status, 100 to 599.
    Http(u16),
    /// No answer in time.
    Timeout,
    /// No connection, or one that broke.
    Connection,
}

impl Status {
    /// From a number in a log; `None` if it is not an HTTP status.
    pub fn from_number(number: i64) -> Option<Self> {
        u16::try_from(number).ok().filter(|code| (100..=599).contains(code)).map(Self::Http)
    }

    /// The HTTP status, where there was an answer.
    #[must_use]
    pub const fn http(self) -> Option<u16> {
        match self {
            Self::Http(code) => Some(code),
            Self::Timeout | Self::Connection => None,
        }
    }

    /// Whether LLM services and the proxies before them send it: no more than these statuses are expected in a log.
    #[must_use]
    pub const fn is_usual(self) -> bool {
        match self {
            Self::Timeout | Self::Connection => true,
            Self::Http(code) => matches!(
                code,
                200 | 400..=405 | 407..=411 | 413 | 415 | 422 | 424 | 425 | 429 | 431 | 451 | 498..=504 | 507 | 520..=527 | 529 | 530
            ),
        }
    }

    /// `429`, `timeout` or `connection`.
    #[must_use]
    pub fn label(self) -> StatusLabel {
        StatusLabel(Some(self))
    }
}

/// A status as a metric label: `429`, `timeout`, `connection`, or `none`.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StatusLabel(pub Option<Status>);

impl StatusLabel {
    /// Whether LLM services and the proxies before them send it; true where there is no status.
    #[must_use]
    pub fn is_usual(self) -> bool {
        self.0.is_none_or(Status::is_usual)
    }

    /// Parses what [`fmt::Display`] writes.
    #[must_use]
    pub fn from_text(text: &str) -> Option<Self> {
        Some(Self(match text {
            "none" => None,
            "timeout" => Some(Status::Timeout),
            "connection" => Some(Status::Connection),
            number => Some(Status::from_number(number.parse().ok()?)?),
        }))
    }
}

impl fmt::Display for StatusLabel {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self.0 {
            Some(Status::Http(code)) => code.fmt(f),
            Some(Status::Timeout) => f.pad("timeout"),
            Some(Status::Connection) => f.pad("connection"),
            None => f.pad("none"),
        }
    }
}

/// A number, `"timeout"` or `"connection"`.
impl Serialize for Status {
    fn serialize<S: Serializer>(&self, to: S) -> Result<S::Ok, S::Error> {
        match self {
            Self::Http(code) => to.serialize_u16(*code),
            Self::Timeout => to.serialize_str("timeout"),
            Self::Connection => to.serialize_str("connection"),
        }
    }
}

impl JsonSchema for Status {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        "Status".into()
    }

    fn json_schema(_: &mut SchemaGenerator) -> Schema {
        json_schema!({"anyOf": [{"type": "integer", "minimum": 100, "maximum": 599}, {"enum": ["timeout", "connection"]}]})
    }
}
