//! Accounting of what framing did with the lines of a stream.

use super::event::RawEvent;
use crate::taxonomy::string_enum;

string_enum! {
    /// Why bytes or lines were not turned into records. The label `reason`; a closed set.
    LossReason {
        /// The middle of a line over the limit of one line or of all files together: head and tail were kept.
        TooLong = "too_long",
        /// A line with no newline at the end of its stream.
        Incomplete = "incomplete",
        /// Bytes that are not text (NUL runs, a binary file).
        Binary = "binary",
        /// An object or array that stops in the middle.
        Malformed = "malformed",
        /// Nested deeper, or holding more, than the limits allow.
        TooComplex = "too_complex",
        /// A file was truncated before it was read to its end.
        Truncated = "truncated",
        /// A rotated file vanished before it was read to its end.
        Rotated = "rotated",
        /// Skipped after three unclean starts from one checkpoint.
        CrashLoop = "crash_loop",
        /// The peer went away.
        Disconnected = "disconnected",
    }
}

/// What went through a stream, and what of it was not turned into events. Always: lines = lines in events + blank +
/// discarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FramingStats {
    /// Bytes that came in.
    pub bytes: u64,
    /// Lines that came in.
    pub lines: u64,
    /// Empty lines between events.
    pub blank_lines: u64,
    /// Lines that are part of events.
    pub event_lines: u64,
    /// Events.
    pub events: u64,
    /// Lines that were dropped because they are not text.
    pub binary_lines: u64,
    /// Bytes of the lines that are not text.
    pub binary_bytes: u64,
    /// Lines of which only head and tail were kept.
    pub long_lines: u64,
    /// Bytes that were dropped between those heads and tails.
    pub long_bytes: u64,
    /// Lines in the middle of which the stream ended. They are part of events nevertheless.
    pub incomplete_lines: u64,
}

impl FramingStats {
    /// Counts an event and passes it to `out`.
    pub(super) fn emit(&mut self, event: RawEvent<'_>, out: &mut impl FnMut(RawEvent<'_>)) {
        self.events += 1;
        self.event_lines += event.lines;
        out(event);
    }
}
