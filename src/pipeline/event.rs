//! What the pipeline is told.

use super::{LossReason, Snapshot, Tally};
use crate::alert::Transition;
use crate::classify::SourceId;
use crate::framing::StreamId;
use crate::time::Timestamp;
use bytes::Bytes;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

/// Where a stream of bytes comes from.
#[derive(Clone, Debug)]
pub struct StreamInfo {
    /// The configured source.
    pub source: SourceId,
    /// For namespace and container, and for `source` in verdicts.
    pub path: Option<String>,
    /// The offset of the first byte that will come.
    pub at_offset: u64,
    /// The number of the line that begins there.
    pub first_line: u64,
}

/// Bytes of one stream.
#[derive(Clone, Debug)]
pub struct Chunk {
    /// Whose.
    pub stream: StreamId,
    /// Of `bytes[0]` in the stream.
    pub offset: u64,
    /// At least one.
    pub bytes: Bytes,
    /// When they were read.
    pub arrived: Timestamp,
}

/// What the pipeline is told.
#[derive(Clone, Debug)]
pub enum Event {
    /// A stream begins, or goes on where it was left.
    Open(StreamId, StreamInfo),
    /// Bytes came.
    Chunk(Chunk),
    /// The stream ended; its last line is flushed.
    Close(StreamId),
    /// What was read before is void: the file was truncated or rewritten. The next chunk says where it goes on.
    Truncated {
        /// Whose.
        stream: StreamId,
    },
    /// Bytes that nobody will read.
    Lost {
        /// Whose.
        source: SourceId,
        /// How many.
        bytes: u64,
        /// Why.
        reason: LossReason,
    },
    /// A second went by.
    Tick(Timestamp),
    /// Whether a backlog is being read.
    CatchingUp(bool),
    /// The end: evaluate once more.
    Drain,
}

/// What handling an event gave.
#[derive(Debug, Default)]
pub struct Output {
    /// Changes of alerts.
    pub transitions: Vec<Transition>,
    /// Verdicts for `--output`, one line each.
    pub verdicts: Vec<u8>,
}

/// What outlives a restart.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct State {}

/// Counts lines, and knows how far they are whole.
#[derive(Debug, Default)]
pub struct Pipeline {
    streams: BTreeMap<StreamId, (u64, u64)>,
    tally: Tally,
}

impl Pipeline {
    /// Takes in one event.
    pub fn handle(&mut self, event: Event, _out: &mut Output) {
        match event {
            Event::Open(stream, info) => {
                self.streams.insert(stream, (info.at_offset, info.first_line));
            }
            Event::Chunk(chunk) => {
                let safe = self.streams.entry(chunk.stream).or_insert((chunk.offset, 1));
                if let Some(last) = memchr::memrchr(b'\n', &chunk.bytes) {
                    safe.1 += memchr::memchr_iter(b'\n', &chunk.bytes).count() as u64;
                    safe.0 = chunk.offset + last as u64 + 1;
                }
            }
            Event::Close(stream) => {
                self.streams.remove(&stream);
            }
            Event::Truncated { stream } => {
                self.streams.insert(stream, (0, 1));
            }
            _ => {}
        }
    }

    /// Per stream: the start of its oldest open event, and the number of the line there.
    pub fn safe_offsets(&self) -> Vec<(StreamId, u64, u64)> {
        self.streams.iter().map(|(stream, (offset, line))| (*stream, *offset, *line)).collect()
    }

    /// What outlives a restart.
    pub fn state(&self) -> State {
        State {}
    }

    /// A picture of the present.
    pub fn snapshot(&self, now: Timestamp) -> Snapshot {
        Snapshot { at: now, ..Snapshot::default() }
    }

    /// Increments since the last clear.
    pub fn tally(&mut self) -> &mut Tally {
        &mut self.tally
    }
}
