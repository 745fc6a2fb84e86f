//! From bytes to events: the lines of one stream, without the prefixes of the carriers that brought them, joined where one entry
//! spans several lines.
//!
//! Framing finds where an entry begins and ends. It does not interpret the entry: that is the job of `record`. A new prefix
//! is one file in `prefix/` and one line in its list; a new kind of continuation is the same in `continuation/`.
//!
//! Invariants: the events do not depend on how the bytes are split into chunks, and every line is counted as part of an
//! event, blank, or discarded ([`FramingStats`]).
//!
//! Tests: `tests/it/prefixes.rs`, `tests/it/streams.rs`, `tests/it/properties.rs`, `tests/it/accounting/`, `tests/it/faults.rs`.

mod continuation;
mod encoding;
mod event;
mod framer;
mod handover;
mod intake;
mod joiner;
mod lane;
mod lane_key;
mod lanes;
mod line_reader;
mod options;
mod partial;
mod persist;
mod prefix;
mod stats;
mod written_colours;

pub use encoding::Encoding;
pub use event::{RawEvent, StreamId};
pub use framer::Framer;
pub use options::Options;
pub use persist::FramerState;
pub use prefix::OtlpLines;
pub use stats::{FramingStats, LossReason};
