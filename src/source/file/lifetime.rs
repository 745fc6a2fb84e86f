//! How long a file is followed, and how long its descriptor stays open.

use super::Tailer;
use super::discover::FoundFile;
use super::file_position::{Position, REMEMBERED_FOR};
use super::identity::FileKey;
use super::rotated;
use super::rotated_names::family;
use super::tail::{Lifecycle, Tail};
use crate::framing::{LossReason, StreamId};
use crate::pipeline::Event;
use crate::source::ClockReading;
use std::fs::{self, File};
use std::time::{Duration, Instant};
use tracing::debug;

/// How long a renamed or deleted file is kept open after its last byte: its writer may not have switched to the new file.
const ROTATED_QUIET: Duration = Duration::from_mins(1);

/// The same for a file that was renamed while no new file took its name: its writer continues to write to it.
const ORPHANED_QUIET: Duration = Duration::from_hours(1);

/// The most unread bytes of deleted files that are kept open. Beyond it, the largest file is closed and its bytes are
/// counted as lost, so that the disk does not fill up.
const MAX_DELETED_BYTES: u64 = 8 * 1024 * 1024 * 1024;

/// The number of deleted files that are remembered by their heads.
const MAX_FINISHED: usize = 1_000;

impl Tailer {
    /// Lists all files, updates those that are followed already, and returns the others.
    pub(super) fn update_known(&mut self) -> Vec<FoundFile> {
        let mut new = Vec::new();
        for found in self.discover() {
            let Some(tail) = self.by_key.get(&found.key).and_then(|stream| self.tails.get_mut(stream)) else {
                new.push(found);
                continue;
            };
            tail.last_scan = self.scans;
            tail.lifecycle = Lifecycle::Live;
            let stream = tail.stream;
            if tail.current_path != found.path {
                self.by_path.retain(|_, other| *other != stream);
                let real = fs::canonicalize(&found.path).unwrap_or_else(|_| found.path.clone());
                self.by_path.insert(real, stream);
                tail.current_path = found.path;
            }
            tail.update_from(&found.meta);
            if !tail.at_end {
                self.enqueue(stream);
            }
        }
        new
    }

    /// Marks files that have no matching name any more. They are read to their end and then closed.
    pub(super) fn retire(&mut self, now: ClockReading) {
        let is_gone = |tail: &&Tail| tail.lifecycle == Lifecycle::Live && tail.last_scan < self.scans;
        let gone: Vec<StreamId> = self.tails.values().filter(is_gone).map(|tail| tail.stream).collect();
        for stream in gone {
            let Some(tail) = self.tails.get_mut(&stream) else { continue };
            debug!(path = %tail.current_path.display(), "file renamed or deleted, reading to its end");
            tail.lifecycle = Lifecycle::Rotated(now.steady);
            tail.at_end = false;
            if tail.file.is_none() && !self.find_renamed(stream) {
                self.close(stream, now);
                continue;
            }
            self.enqueue(stream);
        }
    }

    /// Opens a file under its new name, if its descriptor was closed before it was renamed.
    fn find_renamed(&mut self, stream: StreamId) -> bool {
        let Some(tail) = self.tails.get_mut(&stream) else { return false };
        let real = fs::canonicalize(&tail.current_path).unwrap_or_else(|_| tail.current_path.clone());
        let Some(opened) = rotated::find(&tail.position(), &real) else { return false };
        tail.continue_in(opened);
        true
    }

    /// Reads what was added to rotated files, and closes those that no writer uses any more.
    pub(super) fn check_rotated(&mut self, now: ClockReading) {
        let is_rotated = |tail: &&Tail| matches!(tail.lifecycle, Lifecycle::Rotated(_));
        let rotated: Vec<StreamId> = self.tails.values().filter(is_rotated).map(|tail| tail.stream).collect();
        for stream in rotated {
            let Some(tail) = self.tails.get_mut(&stream) else { continue };
            let Some(Ok(meta)) = tail.file.as_ref().map(File::metadata) else {
                self.close(stream, now);
                continue;
            };
            let Lifecycle::Rotated(since) = tail.lifecycle else { continue };
            if tail.update_from(&meta) {
                tail.lifecycle = Lifecycle::Rotated(now.steady);
            }
            let quiet = now.steady.duration_since(since);
            let (at_end, failed, lag) = (tail.at_end, tail.failed, tail.lag());
            if (at_end || failed) && quiet >= ROTATED_QUIET && (quiet >= ORPHANED_QUIET || self.is_replaced(stream)) {
                self.lose(stream, lag, LossReason::Rotated);
                self.close(stream, now);
            } else if !at_end {
                self.enqueue(stream);
            }
        }
    }

    /// Whether writers have no reason to use this file any more: it is deleted, or another file has taken its name.
    fn is_replaced(&self, stream: StreamId) -> bool {
        let Some(tail) = self.tails.get(&stream) else { return true };
        let has_taken_name = |other: &Tail| other.lifecycle == Lifecycle::Live && other.path == tail.path;
        tail.is_deleted() || self.tails.values().any(has_taken_name)
    }

    /// Closes the largest deleted files while the unread bytes of all deleted files exceed the limit.
    pub(super) fn evict_deleted(&mut self) {
        loop {
            let is_unread =
                |tail: &&Tail| matches!(tail.lifecycle, Lifecycle::Rotated(_)) && tail.lag() > 0 && tail.is_deleted();
            let (total, largest) =
                self.tails.values().filter(is_unread).fold((0, None), |(total, largest), tail| {
                    (total + tail.lag(), largest.max(Some((tail.lag(), tail.stream))))
                });
            let Some((bytes, stream)) = largest.filter(|_| total > MAX_DELETED_BYTES) else { return };
            self.lose(stream, bytes, LossReason::Rotated);
            self.remove(stream);
        }
    }

    /// Closes the descriptors of idle files where too many are open, starting with the file that was read longest ago.
    pub(super) fn close_idle_descriptors(&mut self) {
        let open = self.tails.values().filter(|tail| tail.file.is_some()).count();
        let mut idle: Vec<(Instant, StreamId)> =
            self.tails.values().filter(|tail| tail.is_idle()).map(|tail| (tail.last_read, tail.stream)).collect();
        idle.sort();
        for (_, stream) in idle.into_iter().take(open.saturating_sub(self.max_open_files)) {
            if let Some(tail) = self.tails.get_mut(&stream) {
                tail.file = None;
            }
        }
        self.open_files = self.tails.values().filter(|tail| tail.file.is_some()).count();
    }

    /// Closes the descriptor of a file after a read, while more files have unread bytes than may be open.
    pub(super) fn close_surplus_descriptor(&mut self, stream: StreamId) {
        let may_close = |tail: &&mut Tail| tail.lifecycle == Lifecycle::Live && tail.waits_for.is_none();
        if self.open_files > self.max_open_files
            && let Some(tail) = self.tails.get_mut(&stream).filter(may_close)
        {
            tail.file = None;
            self.open_files -= 1;
        }
    }

    /// Opens a file again after its descriptor was closed. The next read checks that it still holds the bytes that were read.
    pub(super) fn reopen(&mut self, stream: StreamId) -> bool {
        let Some(tail) = self.tails.get_mut(&stream) else { return false };
        if tail.file.is_some() {
            return true;
        }
        match File::open(&tail.current_path).and_then(|file| Ok((FileKey::of(&file.metadata()?), file))) {
            Ok((key, file)) if key == tail.key => {
                tail.file = Some(file);
                self.open_files += 1;
                true
            }
            // Another file has the name now. The next scan handles that.
            Ok(_) => false,
            Err(error) => {
                self.fail(stream, &error);
                false
            }
        }
    }

    /// Closes a file that was read to its end, and remembers its position.
    pub(super) fn close(&mut self, stream: StreamId, now: ClockReading) {
        let Some(tail) = self.tails.get(&stream) else { return };
        if tail.is_deleted() {
            self.finished.push_back((family(&tail.path), tail.head));
            self.finished.drain(..self.finished.len().saturating_sub(MAX_FINISHED));
        } else {
            let position = Position { seen: now.wall, closed: true, ..tail.position() };
            self.remembered.insert(stream, position);
        }
        self.remembered.retain(|_, position| now.wall.since(position.seen) < REMEMBERED_FOR);
        self.remove(stream);
    }

    fn remove(&mut self, stream: StreamId) {
        let Some(tail) = self.tails.remove(&stream) else { return };
        self.note_seen(tail.source, tail.grown);
        let family = family(&tail.path);
        if let Some(streams) = self.families.get_mut(&family) {
            streams.retain(|other| *other != stream);
            if streams.is_empty() {
                self.families.remove(&family);
            }
        }
        if self.by_key.get(&tail.key) == Some(&stream) {
            self.by_key.remove(&tail.key);
        }
        self.by_path.retain(|_, other| *other != stream);
        self.messages.push_back(Event::Close(stream).into());
    }
}
