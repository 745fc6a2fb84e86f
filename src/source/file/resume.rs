//! Files that an earlier run followed: resumes each at its position, under its old name or the name a rotation gave it.

use super::Tailer;
use super::discover::FoundFile;
use super::file_position::{PROOF_BYTES, Position};
use super::identity::FileKey;
use super::opened::{OpenedFile, open_same};
use super::rotated;
use super::rotated_names::{family, is_rotated_name, is_sibling};
use super::tail::{Lifecycle, Start};
use crate::framing::{LossReason, StreamId};
use crate::pipeline::Event;
use crate::source::ClockReading;
use std::collections::HashMap;
use std::fs::{self, Metadata};
use std::hash::Hash;
use std::io;
use std::path::{Path, PathBuf};
use tracing::{debug, info};

/// The files of each directory, listed once per scan.
type Listings = HashMap<PathBuf, Vec<(PathBuf, Metadata)>>;

impl Tailer {
    /// Resumes remembered files and returns the files that are not remembered.
    pub(super) fn resume_known(&mut self, new: Vec<FoundFile>, now: ClockReading) -> Vec<FoundFile> {
        // An equal inode is better evidence than an equal path, and an equal path is better than equal bytes.
        let first_scan = self.scans == 1;
        let known = if first_scan { self.remembered.values().cloned().collect() } else { Vec::new() };
        let by_inode = |position: &Position, found: &FoundFile| position.has_inode(&found.meta);
        let new = self.resume(new, now, |position| position.key, |found| found.key, by_inode);
        let by_path = |position: &Position, _: &FoundFile| position.has_proof();
        let new = self.resume(new, now, |position| position.path.clone(), |found| found.path.clone(), by_path);
        // A volume may have another device number after it is mounted again. After the first scan the inode number must be
        // equal, because replicas may write equal bytes at any time.
        let by_content = |position: &Position, found: &FoundFile| {
            (first_scan || position.key.ino == found.key.ino) && u64::from(position.last_bytes.len) >= PROOF_BYTES
        };
        let new = self.resume(new, now, |_| (), |_| (), by_content);
        self.resume_rotated(known, now);
        new
    }

    /// Resumes files that match a remembered position; returns the others.
    ///
    /// Compares a file only with the positions of the same key: there may be ten thousand of both.
    fn resume<K: Eq + Hash>(
        &mut self,
        new: Vec<FoundFile>,
        now: ClockReading,
        position_key: impl Fn(&Position) -> K,
        file_key: impl Fn(&FoundFile) -> K,
        is_likely: impl Fn(&Position, &FoundFile) -> bool,
    ) -> Vec<FoundFile> {
        if self.remembered.is_empty() || new.is_empty() {
            return new;
        }
        let mut by_key: HashMap<K, Vec<StreamId>> = HashMap::new();
        for position in self.remembered.values() {
            by_key.entry(position_key(position)).or_default().push(StreamId(position.stream));
        }
        let mut others = Vec::new();
        for found in new {
            let candidates = by_key.get(&file_key(&found)).map_or(&[][..], Vec::as_slice);
            match self.recognise(&found, candidates, &is_likely) {
                Ok(Some((opened, position))) => self.resume_at(&found, opened, position, now),
                Ok(None) => others.push(found),
                // The file is not identified yet. As a new file it would be read twice.
                Err(error) => self.read_errors.note(found.source, &found.path, &error, self.scans),
            }
        }
        others
    }

    fn recognise(
        &mut self,
        found: &FoundFile,
        candidates: &[StreamId],
        is_likely: impl Fn(&Position, &FoundFile) -> bool,
    ) -> io::Result<Option<(OpenedFile, Position)>> {
        let source_name = &self.sources[found.source].name;
        let positions = candidates.iter().filter_map(|stream| self.remembered.get(stream));
        let mut positions: Vec<&Position> =
            positions.filter(|position| position.source == **source_name && is_likely(position, found)).collect();
        if positions.is_empty() {
            return Ok(None);
        }
        // An inode number that was reused has several positions; one without a proof fits every file.
        positions.sort_by_key(|position| !position.has_proof());
        let (file, meta) = open_same(&found.path, found.key)?;
        for position in positions {
            if position.fits(&file, meta.len())? {
                let opened = OpenedFile::plain(found.path.clone(), file, meta);
                let stream = StreamId(position.stream);
                return Ok(self.remembered.remove(&stream).map(|position| (opened, position)));
            }
        }
        Ok(None)
    }

    fn resume_at(&mut self, found: &FoundFile, opened: OpenedFile, position: Position, now: ClockReading) {
        let Position { stream, path, offset, line, .. } = position;
        let skipped = self.skipped(opened.meta.len(), offset);
        self.note_seen(found.source, skipped.cast_signed());
        let offset = offset + skipped;
        debug!(path = %found.path.display(), offset, "resuming file at its position");
        let start = self.start(found.source, path.into(), offset);
        let start = Start { stream: StreamId(stream), line, ..start };
        if let Some(stream) = self.open(start, opened, Lifecycle::Live, now) {
            self.lose(stream, skipped, LossReason::CrashLoop);
        }
    }

    /// Opens files that were rotated while the daemon was down, and those of an earlier rotation that were not read to
    /// their end. They are read before the files that have their names now.
    fn resume_rotated(&mut self, mut known: Vec<Position>, now: ClockReading) {
        // Files with a proof first. The files without one are then found among the rest.
        known.sort_by_key(|position| (!position.has_proof(), position.seen, position.stream));
        let mut listings = HashMap::new();
        for position in known {
            let Some(source) = self.sources.iter().position(|source| *source.name == *position.source) else { continue };
            let is_missing = self.remembered.contains_key(&StreamId(position.stream));
            let found = if is_missing { self.resume_renamed(source, &position, &mut listings, now) } else { None };
            let stream = found.or_else(|| self.begin_unread(source, &position, &mut listings, now));
            if let Some(stream) = stream {
                self.order_by_rotation(stream, &position.path);
            }
        }
    }

    /// Orders the files that were found first under `path`: the rotated ones before `stream`, the live one after it.
    fn order_by_rotation(&mut self, stream: StreamId, path: &Path) {
        let mut before = None;
        for (other, tail) in self.tails.iter_mut().filter(|(other, tail)| **other != stream && *tail.path == *path) {
            match tail.lifecycle {
                Lifecycle::Live => tail.read_after(Some(stream)),
                Lifecycle::Rotated(_) => before = before.max(Some(*other)),
            }
        }
        if let Some(tail) = self.tails.get_mut(&stream) {
            tail.read_after(before);
        }
    }

    /// Opens a remembered file that has another name now, if it has unread bytes. Returns the last stream to read.
    fn resume_renamed(
        &mut self,
        source: usize,
        position: &Position,
        listings: &mut Listings,
        now: ClockReading,
    ) -> Option<StreamId> {
        let real = fs::canonicalize(&position.path).unwrap_or_else(|_| position.path.clone());
        let entries = listings.entry(real.parent()?.to_owned()).or_insert_with(|| rotated::beside(&real));
        // A copy of a file that was read to its end has nothing new.
        if position.closed && !entries.iter().any(|(_, meta)| FileKey::of(meta) == position.key) {
            return None;
        }
        let opened = rotated::find_among(entries, position, &real)?;
        let unread = opened.size().saturating_sub(position.offset);
        if self.by_key.contains_key(&FileKey::of(&opened.meta)) || unread == 0 {
            return None;
        }
        info!(path = %opened.path.display(), unread, "file rotated while the daemon was down, reading the rest");
        let is_copy = FileKey::of(&opened.meta) != position.key;
        let stream = self.open_renamed(source, position, opened, now)?;
        // The file with the remembered inode comes next, among the files that were rotated since. It is the original, which
        // was copied, truncated, filled again and then renamed; or a file that reuses the inode number. A compressed file is
        // neither.
        let family = family(&real);
        let is_original =
            |path: &Path, meta: &Metadata| path != real && is_sibling(&family, path) && FileKey::of(meta) == position.key;
        let original = entries.iter().find(|(path, meta)| is_copy && is_original(path, meta));
        let (Some(original), Some(tail)) = (original, self.tails.get(&stream)) else { return Some(stream) };
        let mut next = rotated::newer(&real, tail, &self.known_heads(&position.path));
        if !next.iter().any(|(path, _)| *path == original.0) {
            next.push(original.clone());
        }
        next.sort_by_key(|(_, meta)| meta.modified().ok());
        self.begin_rotated(source, &position.path, next, Some(stream), now)
    }

    /// Opens every file that was rotated since `position` was stored, if no byte of its file was read: without a
    /// fingerprint the file cannot be identified. Returns the last stream to read.
    fn begin_unread(
        &mut self,
        source: usize,
        position: &Position,
        listings: &mut Listings,
        now: ClockReading,
    ) -> Option<StreamId> {
        if position.has_proof() || position.closed {
            return None;
        }
        self.remembered.remove(&StreamId(position.stream));
        let real = fs::canonicalize(&position.path).unwrap_or_else(|_| position.path.clone());
        let entries = listings.entry(real.parent()?.to_owned()).or_insert_with(|| rotated::beside(&real));
        if !entries.iter().any(|(path, _)| is_rotated_name(&real, path)) {
            return None;
        }
        let known = self.known_heads(&position.path);
        // A file that waits behind a backlog may have been written long before the checkpoint.
        let since = position.modified.map_or(position.seen, |modified| modified.min(position.seen));
        let rotated = rotated::written_since(entries, &real, since, &known);
        self.begin_rotated(source, &position.path, rotated, None, now)
    }

    /// Resumes a file under the name that a rotation gave it.
    pub(super) fn open_renamed(
        &mut self,
        source: usize,
        position: &Position,
        opened: OpenedFile,
        now: ClockReading,
    ) -> Option<StreamId> {
        self.remembered.remove(&StreamId(position.stream));
        let skipped = self.skipped(opened.size(), position.offset);
        self.note_seen(source, skipped.cast_signed());
        // Skipping in a compressed file would mean to decompress it. It is not opened at all.
        if opened.gzip.is_some() && skipped > 0 {
            let source = self.sources[source].options.source;
            self.messages.push_back(Event::Lost { source, bytes: skipped, reason: LossReason::CrashLoop }.into());
            return None;
        }
        let start = self.start(source, position.path.as_path().into(), position.offset + skipped);
        let start = Start { stream: StreamId(position.stream), line: position.line, ..start };
        let stream = self.open(start, opened, Lifecycle::Rotated(now.steady), now)?;
        self.lose(stream, skipped, LossReason::CrashLoop);
        Some(stream)
    }

    /// How many bytes after `offset` are skipped, because reading them ended the process again and again.
    fn skipped(&self, size: u64, offset: u64) -> u64 {
        if self.skip_backlog && self.scans == 1 { size.saturating_sub(offset) } else { 0 }
    }
}
