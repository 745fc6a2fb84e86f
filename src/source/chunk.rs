//! The unit in which bytes travel from a source to the pipeline, and how many of these units may wait.

use crate::framing::{Encoding, StreamId};
use crate::observation::SourceId;
use crate::pipeline::{Chunk, Event, StreamInfo};
use crate::time::Timestamp;
use bytes::Bytes;

/// The most bytes in one chunk. Together with [`QUEUE_MESSAGES`] it bounds the memory of the queue.
pub const CHUNK_BYTES: usize = 64 * 1024;

/// How many messages wait for the pipeline before a source blocks.
pub const QUEUE_MESSAGES: usize = 64;

/// Opens a stream that cannot be read again from an earlier offset: stdin or a connection.
pub(super) fn open_event(stream: StreamId, source: SourceId) -> Event {
    Event::Open(stream, StreamInfo { source, path: None, at_offset: 0, first_line: 1, encoding: Encoding::Utf8 })
}

pub(super) fn chunk_event(stream: StreamId, offset: u64, bytes: Bytes, arrived: Timestamp) -> Event {
    Event::Chunk(Chunk { stream, offset, bytes, arrived })
}
