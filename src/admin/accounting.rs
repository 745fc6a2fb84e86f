//! The accounting of bytes of one source.

use crate::metrics::SourceReading;
use crate::pipeline::SourceView;

/// What happened to the bytes of a source since the process started.
///
/// seen = read + skipped + lost + unread, except for bytes that move between the source and the pipeline at this moment.
pub(super) struct ByteAccounting {
    pub(super) seen: u64,
    pub(super) read: u64,
    pub(super) skipped: u64,
    pub(super) lost: u64,
    pub(super) unread: u64,
}

impl ByteAccounting {
    /// Combines the counts of the pipeline with the gauges of the source, if it has any yet.
    pub(super) fn new(view: &SourceView, reading: Option<&SourceReading>) -> Self {
        let values = reading.map(|reading| reading.values).unwrap_or_default();
        Self {
            seen: values.seen_bytes,
            read: view.stats.bytes,
            skipped: values.skipped_bytes,
            lost: view.stats.lost_bytes.values().sum(),
            unread: values.lag_bytes,
        }
    }
}
