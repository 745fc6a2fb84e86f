//! Files that were replaced by a longer version of themselves: `rsync` and editors write a temporary file and rename it over
//! the old one. The new file has another inode and the same content, so its stream continues at the offset.

use super::Tailer;
use super::discover::FoundFile;
use super::file_position::PROOF_BYTES;
use super::identity::{FileKey, TailFingerprint};
use super::old_inode::OldInode;
use super::opened::{OpenedFile, open_same};
use super::rotated;
use super::rotated_names::{family, is_rotated_name};
use super::tail::{Lifecycle, Tail};
use crate::framing::StreamId;
use crate::source::ClockReading;
use std::fs::{self, File};
use std::io;
use std::os::unix::fs::MetadataExt;
use std::path::Path;
use std::sync::Arc;
use std::time::Duration;
use tracing::{debug, info};

/// How long the old inode is checked for new bytes: its writer may not have noticed that the file was replaced.
const OLD_INODE_CHECKED_FOR: Duration = Duration::from_mins(1);

/// The most old inodes that are kept open. The oldest are closed first.
const MAX_OLD_INODES: usize = 64;

impl Tailer {
    /// Continues in those of the `new` files that replaced a followed one; returns the others.
    pub(super) fn continue_in_replacements(&mut self, new: Vec<FoundFile>, now: ClockReading) -> Vec<FoundFile> {
        let mut others = Vec::new();
        for found in new {
            match self.replaced_by(&found) {
                Ok(Some((stream, old_size, opened))) => self.continue_in_replacement(stream, old_size, opened, now),
                Ok(None) => others.push(found),
                // The file is not identified yet. As a new file it would be read twice.
                Err(error) => self.read_errors.note(found.source, &found.path, &error, self.scans),
            }
        }
        others
    }

    /// The stream of the file that had the path of `found` and the same content, and the size of that file.
    fn replaced_by(&self, found: &FoundFile) -> io::Result<Option<(StreamId, u64, OpenedFile)>> {
        let relatives = self.families.get(&family(&found.path)).into_iter().flatten();
        let is_gone = |tail: &&Tail| {
            tail.source == found.source
                && tail.current_path == found.path
                && tail.last_scan < self.scans
                && !tail.is_compressed()
                && tail.last_bytes.bytes().len() as u64 >= PROOF_BYTES
        };
        let Some(tail) =
            relatives.filter_map(|stream| self.tails.get(stream)).filter(is_gone).max_by_key(|tail| tail.last_scan)
        else {
            return Ok(None);
        };
        let (file, meta) = open_same(&found.path, found.key)?;
        // The old file may have grown since the last scan.
        let old_size = tail.file.as_ref().and_then(|file| file.metadata().ok()).map_or(tail.size, |meta| meta.len());
        if !has_content_of(tail, old_size, &file, meta.len())? || is_rotated(tail, &found.path) {
            return Ok(None);
        }
        Ok(Some((tail.stream, old_size, OpenedFile::plain(found.path.clone(), file, meta))))
    }

    fn continue_in_replacement(&mut self, stream: StreamId, old_size: u64, opened: OpenedFile, now: ClockReading) {
        let Some(tail) = self.tails.get_mut(&stream) else { return };
        info!(path = %opened.path.display(), offset = tail.offset, "file replaced by one with the same content, continuing");
        let old_key = tail.key;
        let old_file = tail.continue_in(opened);
        (tail.lifecycle, tail.last_scan, tail.failed) = (Lifecycle::Live, self.scans, false);
        let (key, real) = (tail.key, fs::canonicalize(&tail.current_path).unwrap_or_else(|_| tail.current_path.clone()));
        if self.by_key.get(&old_key) == Some(&stream) {
            self.by_key.remove(&old_key);
        }
        self.by_key.insert(key, stream);
        self.by_path.retain(|_, other| *other != stream);
        self.by_path.insert(real, stream);
        self.old_inodes.extend(old_file.map(|file| OldInode { stream, file, size: old_size, since: now.steady }));
        self.old_inodes.drain(..self.old_inodes.len().saturating_sub(MAX_OLD_INODES));
        self.enqueue(stream);
    }

    /// Follows an old inode as a rotated file once it grows.
    pub(super) fn check_old_inodes(&mut self, now: ClockReading) {
        for old in std::mem::take(&mut self.old_inodes) {
            let Ok(meta) = old.file.metadata() else { continue };
            if meta.len() <= old.size {
                if now.steady.duration_since(old.since) < OLD_INODE_CHECKED_FOR {
                    self.old_inodes.push(old);
                }
                continue;
            }
            let Some(tail) = self.tails.get(&old.stream) else { continue };
            if self.by_key.contains_key(&FileKey::of(&meta)) {
                continue;
            }
            debug!(path = %tail.path.display(), "the writer still uses the replaced file, reading it too");
            let (source, path, current_path) = (tail.source, Arc::clone(&tail.path), tail.current_path.clone());
            let real = fs::canonicalize(&current_path).unwrap_or_else(|_| current_path.clone());
            let start = self.start(source, path, old.size);
            let opened = OpenedFile::plain(current_path, old.file, meta);
            self.open(start, opened, Lifecycle::Rotated(now.steady), now);
            // Change events of this path are about the new file.
            self.by_path.insert(real, old.stream);
        }
    }
}

/// Whether `file`, which has `size` bytes, holds all bytes of the file of `tail`, which has `old_size` bytes.
fn has_content_of(tail: &Tail, old_size: u64, file: &File, size: u64) -> io::Result<bool> {
    if size < old_size.max(tail.size) || !tail.position().fits(file, size)? {
        return Ok(false);
    }
    match &tail.file {
        Some(old) if old_size > tail.offset => TailFingerprint::read(old, old_size)?.hashed().matches(file),
        _ => Ok(true),
    }
}

/// Whether the file of `tail` still exists under a name that a rotation gives, or in another directory. Then the file that
/// has its name now is its successor, even if both begin with the same lines.
fn is_rotated(tail: &Tail, path: &Path) -> bool {
    let links = tail.file.as_ref().and_then(|file| file.metadata().ok()).map(|meta| meta.nlink());
    if links == Some(0) {
        return false;
    }
    let real = fs::canonicalize(path).unwrap_or_else(|_| path.to_owned());
    let beside = rotated::beside(&real);
    match beside.iter().find(|(_, meta)| FileKey::of(meta) == tail.key) {
        Some((name, _)) => is_rotated_name(&real, name),
        None => links.is_some(),
    }
}
