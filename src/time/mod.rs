//! Points in time, lengths of time, and time stamps in log lines.
//!
//! This module never reads a clock: edge modules read it and pass a [`Timestamp`]. `config` looks up the names of time zones;
//! here a [`Zone`] is a list of offsets.
//!
//! Tests: in `stamp.rs`, `zone.rs` and `span.rs`; `tests/it/properties.rs`.

mod civil;
mod format;
mod span;
mod stamp;
mod timestamp;
mod zone;

pub use span::{Span, SpanError, format_compact, format_duration, whole_seconds};
pub use stamp::Stamp;
pub use timestamp::Timestamp;
pub use zone::Zone;
