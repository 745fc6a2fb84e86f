//! Where bytes come from: files, TCP peers, stdin. A source cuts nothing into lines; it says which bytes of which stream
//! came when, and in a file where that is, so that reading can go on there after a restart.

pub mod budget;
pub mod file;
pub mod stdin;
pub mod tcp;
pub mod tls;

use crate::framing::StreamId;
use crate::observation::SourceId;
use crate::pipeline::{Chunk, Event, StreamInfo};
use crate::time::Timestamp;
use bytes::Bytes;
use std::sync::Arc;
use std::sync::atomic::{AtomicBool, AtomicI64, AtomicU32, AtomicU64, Ordering};
use std::time::{Duration, Instant, SystemTime};

/// The most bytes in one chunk. With [`QUEUE_MESSAGES`] of them on the way, memory is bounded whatever the sources do.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// How many parcels wait for the pipeline before the sources have to.
pub const QUEUE_MESSAGES: usize = 64;

/// What a source hands over: an event, and for a file where its reading stands once that event was handled.
#[derive(Debug)]
pub struct SourceMessage {
    /// For the pipeline.
    pub event: Event,
    /// For the checkpoint; only beside `Open`, `Chunk` and `Truncated` of a file.
    pub position: Option<file::FilePosition>,
    /// Who wants to know what the pipeline keeps of the stream; only beside the `Open` of a connection.
    pub reservation: Option<Arc<budget::Reservation>>,
}

impl From<Event> for SourceMessage {
    fn from(event: Event) -> Self {
        Self { event, position: None, reservation: None }
    }
}

/// Gives every stream a number of its own.
#[derive(Debug)]
pub struct StreamIds(AtomicU32);

impl StreamIds {
    /// Numbers above all that a checkpoint speaks of.
    pub fn above(used: impl IntoIterator<Item = StreamId>) -> Self {
        Self(AtomicU32::new(used.into_iter().map(|it| it.0.wrapping_add(1)).max().unwrap_or(1)))
    }

    /// The next number.
    pub fn next(&self) -> StreamId {
        StreamId(self.0.fetch_add(1, Ordering::Relaxed))
    }
}

/// An instant by both clocks: the wall's for stamps, the monotonic one for waiting.
#[derive(Clone, Copy, Debug)]
pub struct ClockReading {
    /// What the wall clock says; it may jump.
    pub wall: Timestamp,
    /// What no clock step changes.
    pub steady: Instant,
}

impl ClockReading {
    /// The present.
    #[must_use]
    pub fn now() -> Self {
        Self { wall: Timestamp::from_system(SystemTime::now()), steady: Instant::now() }
    }

    /// Whether the wall's clock went by more than a minute more, or less, than the steady one since then.
    #[must_use]
    pub fn leaps_from(self, earlier: Self) -> bool {
        let expected = earlier.wall.plus(self.steady.duration_since(earlier.steady));
        let leap = Duration::from_mins(1);
        self.wall.since(expected) > leap || expected.since(self.wall) > leap
    }
}

/// What a source knows of itself beyond its bytes; read by the metrics whenever they like.
#[derive(Debug, Default)]
pub struct Gauges {
    /// `source_lag_bytes`: written to the files, not yet read.
    pub lag_bytes: AtomicU64,
    /// `source_files`: files or connections that are followed.
    pub files: AtomicU64,
    /// Files that are there and cannot be read.
    pub unreadable: AtomicU64,
    /// Directories that the kernel refused to watch: their files are looked at by the clock alone.
    pub polled: AtomicU64,
    /// For how many seconds no look at some file of it has found it read to its end; 0 where all are.
    pub behind_seconds: AtomicU64,
    /// Whether nobody can tell how much is still to come.
    pub piped: AtomicBool,
    /// Bytes that were seen to be there.
    pub seen_bytes: AtomicU64,
    /// Bytes that were passed over on purpose.
    pub skipped_bytes: AtomicU64,
    /// Read from peers and not done with: on the way, or kept as an unfinished line.
    pub buffered_bytes: AtomicU64,
    /// How often a peer had to wait for room.
    pub waits: AtomicU64,
    /// `source_last_read_timestamp_seconds`, in microseconds since the epoch; 0 before the first byte.
    pub last_read_micros: AtomicI64,
}

impl Gauges {
    fn read_at(&self, now: Timestamp) {
        self.last_read_micros.store(now.as_micros(), Ordering::Relaxed);
    }
}

/// A stream that has no place to return to, from its first byte on: stdin, a connection.
fn open_event(stream: StreamId, source: SourceId) -> Event {
    Event::Open(stream, StreamInfo { source, path: None, at_offset: 0, first_line: 1 })
}

fn chunk_event(stream: StreamId, offset: u64, bytes: Bytes, arrived: Timestamp) -> Event {
    Event::Chunk(Chunk { stream, offset, bytes, arrived })
}
