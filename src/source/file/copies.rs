//! Copies of followed files. `copytruncate` copies a file and then truncates it: unread bytes are in the copy, and the
//! bytes that were read must not be read again there.

use super::Tailer;
use super::discover::FoundFile;
use super::file_position::PROOF_BYTES;
use super::identity::{FileKey, HeadFingerprint, TailFingerprint};
use super::opened::{OpenedFile, open_same};
use super::rotated;
use super::rotated_names::{family, is_sibling};
use super::tail::{Lifecycle, Tail};
use crate::framing::StreamId;
use crate::source::ClockReading;
use std::collections::HashMap;
use std::fs::{self, File, Metadata};
use std::io;
use std::path::Path;
use std::sync::Arc;
use tracing::info;

impl Tailer {
    /// Handles a truncation: if a copy holds the old bytes, the stream continues in the copy, and the truncated file becomes
    /// a new stream that is read after it. Returns false if no copy exists.
    ///
    /// A copy without unread bytes is followed too: otherwise, if the globs match its name, it would be a new file.
    pub(super) fn follow_copy(&mut self, stream: StreamId, now: ClockReading) -> bool {
        let Some(tail) = self.tails.get_mut(&stream) else { return false };
        let real = fs::canonicalize(&tail.current_path).unwrap_or_else(|_| tail.current_path.clone());
        let beside_first_path = || rotated::find(&tail.position(), &fs::canonicalize(&tail.path).ok()?);
        let Some(copy) = rotated::find(&tail.position(), &real).or_else(beside_first_path) else { return false };
        info!(path = %copy.path.display(), "file truncated after it was copied, reading the rest of the copy");
        let (source, path, current_path, key) = (tail.source, Arc::clone(&tail.path), tail.current_path.clone(), tail.key);
        let Some(file) = tail.continue_in(copy) else { return false };
        let Ok(meta) = file.metadata() else { return false };
        tail.lifecycle = Lifecycle::Rotated(now.steady);
        self.by_key.entry(tail.key).or_insert(stream);
        self.by_key.remove(&key);
        self.by_path.retain(|_, other| *other != stream);
        let last = self.begin_copies_after(stream, &real, &file, now);
        let start = self.start(source, path, 0);
        let opened = OpenedFile::plain(current_path, file, meta);
        let truncated = self.open(start, opened, Lifecycle::Live, now);
        if let Some(truncated) = truncated.and_then(|stream| self.tails.get_mut(&stream)) {
            truncated.read_after(Some(last));
            self.any_waits = true;
        }
        true
    }

    /// Runs before the first byte of a successor is read: the successor may have been copied and truncated already, so that
    /// the copies hold the bytes between its predecessor and it. Returns true if there are such copies; they are read first.
    pub(super) fn find_skipped_copies(&mut self, stream: StreamId, now: ClockReading) -> bool {
        let Some(tail) = self.tails.get(&stream) else { return false };
        let (Some(predecessor), 0, Some(file)) = (tail.predecessor, tail.offset, &tail.file) else { return false };
        let real = fs::canonicalize(&tail.current_path).unwrap_or_else(|_| tail.current_path.clone());
        let Ok(file) = file.try_clone() else { return false };
        let last = self.begin_copies_after(predecessor, &real, &file, now);
        if last == predecessor {
            return false;
        }
        if let Some(tail) = self.tails.get_mut(&stream) {
            tail.read_after(Some(last));
        }
        self.any_waits = true;
        true
    }

    /// Opens the copies that were made after `stream` and before the current content of `file` at path `real`. Returns
    /// the stream that is read last. A copy of the current content is left out, because that is read from `file`.
    fn begin_copies_after(&mut self, stream: StreamId, real: &Path, file: &File, now: ClockReading) -> StreamId {
        let Some(older) = self.tails.get(&stream) else { return stream };
        let (source, path) = (older.source, Arc::clone(&older.path));
        let current_head = HeadFingerprint::read(file, HeadFingerprint::MAX_BYTES).unwrap_or_default();
        let mut between = rotated::newer(real, older, &self.known_heads(&path));
        let Ok(meta) = file.metadata() else { return stream };
        // If `file` itself was renamed since, files that were modified later come after it.
        let has_path = fs::metadata(real).is_ok_and(|at_path| FileKey::of(&at_path) == FileKey::of(&meta));
        let is_before = |other: &Metadata| has_path || other.modified().ok() < meta.modified().ok();
        between.retain(|(path, meta)| is_before(meta) && !rotated::begins_with(path, current_head));
        self.begin_rotated(source, &path, between, Some(stream), now).unwrap_or(stream)
    }

    /// Whether a new file under a rotated name is, or is about to become, a copy of a followed file (`cp app.log app.log.1`).
    /// Its bytes were read already, so it is followed from its end.
    ///
    /// `sizes_before` holds the sizes of such files at the last scan: a copy is complete once its size stays the same.
    pub(super) fn may_be_copy(&mut self, found: &FoundFile, sizes_before: &HashMap<FileKey, u64>, now: ClockReading) -> bool {
        let size = found.meta.len();
        let is_original = |tail: &&Tail| is_sibling(&tail.path, &found.path) || is_sibling(&tail.current_path, &found.path);
        let relatives = self.families.get(&family(&found.path)).into_iter().flatten();
        let mut originals = relatives.filter_map(|stream| self.tails.get(stream)).filter(is_original).peekable();
        if originals.peek().is_none() {
            return false;
        }
        let Ok((copy, _)) = open_same(&found.path, found.key) else { return false };
        // The original may be truncated already, and the truncation not yet detected.
        let holds_read_bytes = |tail: &Tail| tail.offset > 0 && tail.position().fits(&copy, size).unwrap_or(false);
        if !originals.any(|tail| holds_read_bytes(tail) || has_common_bytes(&copy, tail, size).unwrap_or(false)) {
            return false;
        }
        if size == 0 || sizes_before.get(&found.key) != Some(&size) {
            self.unfinished_copies.insert(found.key, size);
            return true;
        }
        info!(path = %found.path.display(), bytes = size, "file is a copy of a followed file, skipping it");
        let start = self.start(found.source, found.path.as_path().into(), size);
        let opened = OpenedFile::plain(found.path.clone(), copy, found.meta.clone());
        if self.open(start, opened, Lifecycle::Live, now).is_some() {
            self.skip(found.source, size);
        }
        true
    }
}

/// Whether `copy`, which has `size` bytes, and `original` have equal first bytes, and equal bytes where the shorter one ends.
fn has_common_bytes(copy: &File, original: &Tail, size: u64) -> io::Result<bool> {
    let Some(file) = &original.file else { return Ok(false) };
    let end = size.min(original.size);
    if end < PROOF_BYTES && end < size {
        return Ok(false);
    }
    let covered = end.min(u64::from(HeadFingerprint::MAX_BYTES)) as u16;
    let before_end = TailFingerprint::read(file, end)?.hashed();
    Ok(HeadFingerprint::read(copy, covered)? == HeadFingerprint::read(file, covered)? && before_end.matches(copy)?)
}
