//! What a source reports about itself. The metrics read these numbers at any time.

use crate::time::Timestamp;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU64, Ordering};

/// The state of one source, beyond its bytes.
#[derive(Debug, Default)]
pub struct Gauges {
    /// `source_lag_bytes`: written to the files, not yet read.
    pub lag_bytes: AtomicU64,
    /// `source_files`: files or connections that are open or followed.
    pub files: AtomicU64,
    /// Files that exist and cannot be read.
    pub unreadable: AtomicU64,
    /// Directories without change events from the kernel: only the periodic scan sees changes of their files.
    pub polled: AtomicU64,
    /// For how many seconds the file that is furthest behind has not been read to its end; 0 when all files are.
    pub behind_seconds: AtomicU64,
    /// Whether the source is a pipe or a socket, where the number of unread bytes is unknown.
    pub piped: AtomicBool,
    /// Bytes that the source saw: read, lost or skipped.
    pub seen_bytes: AtomicU64,
    /// Bytes that were skipped on purpose.
    pub skipped_bytes: AtomicU64,
    /// Bytes that were read from TCP peers and not handled yet: in the queue, or kept as an unfinished line.
    pub buffered_bytes: AtomicU64,
    /// How often a TCP peer had to wait because the buffer limit was reached.
    pub waits: AtomicU64,
    /// `source_last_read_timestamp_seconds`, in microseconds since the epoch; 0 before the first byte.
    pub last_read_micros: AtomicI64,
}

impl Gauges {
    pub(super) fn read_at(&self, now: Timestamp) {
        self.last_read_micros.store(now.as_micros(), Ordering::Relaxed);
    }
}
