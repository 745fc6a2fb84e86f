//! Points in time, lengths of time, and time stamps in log lines.
//!
//! This module never reads a clock: edge modules read it and pass a [`Timestamp`]. Time zones with daylight saving are
//! resolved in `config`; here a [`Zone`] is a fixed shift.
//!
//! Tests: in `stamp.rs` and `span.rs`; `tests/it/properties.rs`.

mod civil;
mod span;
mod stamp;
mod timestamp;

pub use span::{Span, SpanError, format_compact, format_duration};
pub use stamp::{Stamp, Zone};
pub use timestamp::Timestamp;
