//! The positions of all files, as far as the pipeline has processed them.

use super::file_position::{FilePosition, Position, REMEMBERED_FOR};
use crate::framing::StreamId;
use crate::pipeline::Event;
use crate::source::SourceMessage;
use crate::time::Timestamp;
use std::collections::BTreeMap;

/// The most files that disappeared and are remembered. The oldest streams are forgotten first.
const MAX_REMEMBERED: usize = 20_000;

/// The positions of all files. The pipeline thread updates them with every message it handles, so a checkpoint is never
/// ahead of the pipeline.
#[derive(Debug, Default)]
pub struct Positions {
    open: BTreeMap<StreamId, FilePosition>,
    remembered: BTreeMap<StreamId, Position>,
}

impl Positions {
    /// Starts with the positions of the last checkpoint.
    #[must_use]
    pub fn new(positions: Vec<Position>) -> Self {
        let remembered = positions.into_iter().map(|position| (StreamId(position.stream), position)).collect();
        Self { open: BTreeMap::new(), remembered }
    }

    /// Stores the position of a message that the pipeline is about to handle.
    pub fn note(&mut self, message: &SourceMessage, now: Timestamp) {
        match (&message.event, &message.position) {
            (Event::Open(stream, _), Some(position)) => {
                self.remembered.remove(stream);
                self.open.insert(*stream, position.clone());
            }
            (Event::Chunk(chunk), Some(position)) => {
                self.open.insert(chunk.stream, position.clone());
            }
            (Event::Truncated { stream }, Some(position)) => {
                self.open.insert(*stream, position.clone());
            }
            (Event::Close(stream), _) => self.close(*stream, now),
            _ => {}
        }
    }

    /// Whether the stream is a file that is followed.
    #[must_use]
    pub fn is_open(&self, stream: StreamId) -> bool {
        self.open.contains_key(&stream)
    }

    /// A closed file was read to its end. Its position is remembered, because the file may only be temporarily out of sight.
    fn close(&mut self, stream: StreamId, now: Timestamp) {
        if let Some(position) = self.open.remove(&stream) {
            let end = position.last_bytes.end;
            let position = Position { closed: true, ..position.at(stream, end, position.line, now) };
            self.remembered.insert(stream, position);
        }
    }

    /// The positions for a checkpoint. `safe` holds for each stream the offset and line up to which the pipeline has finished.
    pub fn positions(&mut self, safe: &[(StreamId, u64, u64)], now: Timestamp) -> Vec<Position> {
        self.forget(now);
        let mut positions: Vec<Position> = self.remembered.values().cloned().collect();
        for (stream, offset, line) in safe {
            if let Some(position) = self.open.get(stream) {
                positions.push(position.at(*stream, *offset, *line, now));
            }
        }
        positions
    }

    fn forget(&mut self, now: Timestamp) {
        self.remembered.retain(|_, position| now.since(position.seen) < REMEMBERED_FOR);
        while self.remembered.len() > MAX_REMEMBERED {
            self.remembered.pop_first();
        }
    }
}
