//! The second step of a round: reads one chunk of the next file that has data.

use super::Tailer;
use super::identity::FileKey;
use super::tail::{Lifecycle, Read, Tail};
use crate::framing::{LossReason, StreamId};
use crate::pipeline::{Event, StreamInfo};
use crate::source::chunk::chunk_event;
use crate::source::{ClockReading, SourceMessage};
use bytes::Bytes;
use std::fs::{self, File};
use std::io;
use std::mem;
use std::path::Path;
use tracing::info;

impl Tailer {
    /// Reads one chunk of the next file that has data. Returns false when no file has any.
    pub fn read_next(&mut self, now: ClockReading) -> bool {
        while let Some(stream) = self.ready.pop_front() {
            let Some(tail) = self.tails.get_mut(&stream) else { continue };
            tail.queued = false;
            if self.waits(stream) || !self.reopen(stream) || self.find_skipped_copies(stream, now) {
                continue;
            }
            let Some(tail) = self.tails.get_mut(&stream) else { continue };
            let read = tail.read(&mut self.scratch);
            if !matches!(read, Ok(Read::Rewritten)) {
                let (truncated, nuls) = (mem::take(&mut tail.truncated), mem::take(&mut tail.nuls));
                self.lose(stream, truncated, LossReason::Truncated);
                self.lose(stream, nuls, LossReason::Binary);
            }
            match read {
                Ok(Read::Bytes(offset, bytes)) => self.emit_chunk(stream, offset, bytes, now),
                Ok(Read::Hole | Read::End) => {}
                Ok(Read::Rewritten) => self.handle_rewritten(stream, now),
                Err(error) => {
                    self.fail(stream, &error);
                    continue;
                }
            }
            self.after_read(stream, now);
            if !self.messages.is_empty() {
                return true;
            }
        }
        false
    }

    fn emit_chunk(&mut self, stream: StreamId, offset: u64, bytes: Bytes, now: ClockReading) {
        let Some(tail) = self.tails.get_mut(&stream) else { return };
        tail.last_read = now.steady;
        let position = Some(tail.file_position());
        let after_hole = mem::take(&mut tail.after_hole);
        let predecessor = tail.predecessor.take();
        self.sources[tail.source].options.gauges.read_at(now.wall);
        if after_hole && let Some(tail) = self.tails.get(&stream) {
            let message = self.open_message(tail, offset);
            self.messages.push_back(message);
        }
        if let Some(predecessor) = predecessor {
            self.messages.push_back(Event::Rotated { from: predecessor, to: stream }.into());
        }
        let event = chunk_event(stream, offset, bytes, now.wall);
        self.messages.push_back(SourceMessage { event, position, reservation: None });
    }

    /// The message that a stream begins at `offset`: a new stream, or the bytes after a hole.
    pub(super) fn open_message(&self, tail: &Tail, offset: u64) -> SourceMessage {
        let info = StreamInfo {
            source: self.sources[tail.source].options.source,
            path: Some(tail.path.to_string_lossy().into_owned()),
            at_offset: offset,
            first_line: if offset == tail.offset { tail.line } else { 1 },
            encoding: tail.encoding,
        };
        SourceMessage { event: Event::Open(tail.stream, info), position: Some(tail.file_position()), reservation: None }
    }

    /// Checks a file that a change event named.
    pub fn check_path(&mut self, path: &Path) {
        let Some(stream) = self.by_path.get(path) else { return };
        let Some(tail) = self.tails.get_mut(stream) else { return };
        let (stream, meta) = (*stream, tail.file.as_ref().map_or_else(|| fs::metadata(path), File::metadata));
        if let Ok(meta) = meta
            && FileKey::of(&meta) == tail.key
        {
            tail.update_from(&meta);
            if !tail.at_end {
                self.enqueue(stream);
            }
        }
    }

    pub(super) fn enqueue(&mut self, stream: StreamId) {
        if let Some(tail) = self.tails.get_mut(&stream)
            && !tail.queued
        {
            tail.queued = true;
            self.ready.push_back(stream);
        }
    }

    /// Whether another file must be read to its end before this one.
    fn waits(&mut self, stream: StreamId) -> bool {
        let Some(first) = self.tails.get(&stream).and_then(|tail| tail.waits_for) else { return false };
        let waits = self.tails.get(&first).is_some_and(|tail| !tail.at_end);
        if !waits && let Some(tail) = self.tails.get_mut(&stream) {
            tail.waits_for = None;
        }
        waits
    }

    /// Restarts a rewritten file at offset 0, unless a copy holds the rest of its old bytes.
    fn handle_rewritten(&mut self, stream: StreamId, now: ClockReading) {
        if self.follow_copy(stream, now) {
            return;
        }
        let Some(tail) = self.tails.get_mut(&stream) else { return };
        info!(path = %tail.current_path.display(), "file truncated or rewritten, reading from its start");
        let lost = tail.rewind();
        let position = Some(tail.file_position());
        self.lose(stream, lost, LossReason::Truncated);
        self.messages.push_back(SourceMessage { event: Event::Truncated { stream }, position, reservation: None });
    }

    /// Notes that a file cannot be read. The next scan tries it again.
    pub(super) fn fail(&mut self, stream: StreamId, error: &io::Error) {
        let Some(tail) = self.tails.get_mut(&stream) else { return };
        if tail.lifecycle == Lifecycle::Live {
            tail.file = None;
        }
        tail.at_end = false;
        tail.failed = true;
        self.read_errors.note(tail.source, &tail.current_path, error, self.scans);
    }

    fn after_read(&mut self, stream: StreamId, now: ClockReading) {
        let Some(tail) = self.tails.get(&stream) else { return };
        let offset = tail.offset;
        self.close_surplus_descriptor(stream);
        let Some(tail) = self.tails.get_mut(&stream) else { return };
        if tail.at_end {
            tail.caught_up = now.steady;
            if self.any_waits {
                let waiting = self.tails.values().filter(|tail| tail.waits_for == Some(stream)).map(|tail| tail.stream);
                waiting.collect::<Vec<_>>().into_iter().for_each(|stream| self.enqueue(stream));
            }
        } else {
            self.enqueue(stream);
        }
        self.note_progress(stream, offset);
    }
}
