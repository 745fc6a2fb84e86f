//! Limits on the size of one entry.

/// The most that one entry may hold.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// The longest line that is kept whole, in bytes. Of a longer line, the head and the tail are kept.
    pub max_line_bytes: usize,
    /// The most bytes that are joined into one event.
    pub max_event_bytes: usize,
    /// The most lines that are joined into one event.
    pub max_event_lines: u64,
}

/// Capacity that a buffer of a stream keeps after it was longer, in bytes: more than nearly all lines need, and little if thousands of
/// streams are open.
pub(super) const KEPT_CAPACITY: usize = 4 << 10;

impl Options {
    /// A line of 1 MiB holds any error body that a provider sends; 256 KiB hold any traceback, 2,000 lines any dump.
    pub const DEFAULT: Self = Self { max_line_bytes: 1 << 20, max_event_bytes: 256 << 10, max_event_lines: 2_000 };
}

impl Default for Options {
    fn default() -> Self {
        Self::DEFAULT
    }
}
