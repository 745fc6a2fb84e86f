//! One followed file: how far it was read, and reading its next bytes.

use super::file_position::{FilePosition, Position};
use super::gzip::GzipReader;
use super::identity::{FileKey, HeadFingerprint, TailFingerprint, read_full_at};
use super::opened::OpenedFile;
use crate::framing::{Encoding, StreamId};
use crate::source::CHUNK_BYTES;
use crate::time::Timestamp;
use bytes::Bytes;
use std::fs::{File, Metadata};
use std::io;
use std::mem;
use std::os::unix::fs::MetadataExt;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// The size of the read buffer: the bytes that were read before and must still be there, and the new ones.
pub(super) const SCRATCH_BYTES: usize = CHUNK_BYTES + TailFingerprint::MAX_BYTES;

/// A followed file.
#[expect(clippy::struct_excessive_bools, reason = "each flag is set and cleared independently of the others")]
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) stream: StreamId,
    /// The index of its source.
    pub(super) source: usize,
    source_name: Arc<str>,
    /// The path under which it was found first.
    pub(super) path: Arc<Path>,
    /// The path under which it was found last.
    pub(super) current_path: PathBuf,
    pub(super) key: FileKey,
    /// `None` while the file is idle and descriptors are scarce, or after a failed read.
    pub(super) file: Option<File>,
    /// Set for a compressed file.
    gzip: Option<GzipReader>,
    pub(super) offset: u64,
    /// The number of the line at `offset`.
    pub(super) line: u64,
    pub(super) head: HeadFingerprint,
    /// The bytes before `offset`.
    pub(super) last_bytes: TailFingerprint,
    pub(super) size: u64,
    /// Bytes that a `stat` saw, that were truncated before they were read, and that are not reported yet.
    pub(super) truncated: u64,
    /// By how many bytes the file grew since this was last added to the gauges. Negative if it was smaller than assumed.
    pub(super) grown: i64,
    /// NUL bytes that were skipped and are not reported yet.
    pub(super) nuls: u64,
    pub(super) modified: SystemTime,
    pub(super) lifecycle: Lifecycle,
    /// A read reached the end, and no later `stat` saw a change.
    pub(super) at_end: bool,
    /// The last read failed.
    pub(super) failed: bool,
    /// It is in the queue of files to read.
    pub(super) queued: bool,
    /// The file that must be read to its end before the first byte of this one.
    pub(super) waits_for: Option<StreamId>,
    /// The rotated file that this one continues; `None` once the first bytes were read.
    pub(super) predecessor: Option<StreamId>,
    /// The number of the last scan that found it.
    pub(super) last_scan: u64,
    /// When a read last returned bytes.
    pub(super) last_read: Instant,
    /// When it was last known to be read to its end.
    pub(super) caught_up: Instant,
    /// The pipeline was notified that this file is behind.
    pub(super) behind: bool,
    /// Only NULs were read so far. A writer that did not notice a truncation leaves them at the start of the file.
    in_hole: bool,
    /// NULs were skipped, and the pipeline does not know the new offset yet.
    pub(super) after_hole: bool,
    /// What its first bytes said when it was opened.
    pub(super) encoding: Encoding,
}

/// Whether the file still has a path that matches the globs.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Lifecycle {
    /// The last scan found it.
    Live,
    /// It was renamed or deleted, and has not changed since this instant. It is closed once it was read to its end and has
    /// not changed for long enough.
    Rotated(Instant),
}

/// The result of one read.
#[derive(Debug)]
pub(super) enum Read {
    /// New bytes, and their offset.
    Bytes(u64, Bytes),
    /// Only NULs, which were skipped.
    Hole,
    /// The end of the file.
    End,
    /// The bytes that were read before have changed: the file was truncated or rewritten.
    Rewritten,
}

/// Where and as what a file is opened.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) stream: StreamId,
    pub(super) source: usize,
    pub(super) source_name: Arc<str>,
    pub(super) path: Arc<Path>,
    pub(super) offset: u64,
    pub(super) line: u64,
}

/// The encoding that the first bytes of a file mark.
pub(super) fn encoding_of(file: &File) -> io::Result<Encoding> {
    let mut start = [0; 2];
    let got = read_full_at(file, &mut start, 0)?;
    Ok(Encoding::of_start(start.get(..got).unwrap_or_default()))
}

impl Tail {
    pub(super) fn new(start: Start, opened: OpenedFile, now: Instant) -> io::Result<Self> {
        let OpenedFile { path, file, meta, gzip } = opened;
        match gzip {
            None => Self::plain(start, path, file, &meta, now),
            Some(gzip) => Self::compressed(start, path, file, &meta, gzip, now),
        }
    }

    fn plain(start: Start, current_path: PathBuf, file: File, meta: &Metadata, now: Instant) -> io::Result<Self> {
        let Start { stream, source, source_name, path, offset, line } = start;
        let encoding = if offset > 0 { encoding_of(&file)? } else { Encoding::Utf8 };
        Ok(Self {
            stream,
            source,
            source_name,
            path,
            current_path,
            key: FileKey::of(meta),
            offset,
            line,
            // Also covers unread bytes: it identifies the file if it is rotated before it is read.
            head: HeadFingerprint::read(&file, HeadFingerprint::MAX_BYTES)?,
            last_bytes: TailFingerprint::read(&file, offset)?,
            size: meta.len(),
            truncated: 0,
            grown: meta.len().saturating_sub(offset).cast_signed(),
            nuls: 0,
            modified: meta.modified()?,
            file: Some(file),
            gzip: None,
            lifecycle: Lifecycle::Live,
            at_end: offset == meta.len(),
            failed: false,
            queued: false,
            waits_for: None,
            predecessor: None,
            last_scan: 0,
            last_read: now,
            caught_up: now,
            behind: false,
            in_hole: offset == 0,
            after_hole: false,
            encoding,
        })
    }

    /// The reader of a compressed file is at the offset of `start` already.
    fn compressed(
        start: Start,
        current_path: PathBuf,
        file: File,
        meta: &Metadata,
        gzip: GzipReader,
        now: Instant,
    ) -> io::Result<Self> {
        let offset = start.offset;
        let tail = Self::plain(Start { offset: 0, ..start }, current_path, file, meta, now)?;
        let (head, last_bytes, size) = (gzip.head, gzip.last_bytes.clone(), gzip.size.max(offset));
        let grown = (size - offset).cast_signed();
        Ok(Self { offset, head, last_bytes, size, grown, gzip: Some(gzip), at_end: false, in_hole: false, ..tail })
    }

    /// Delays this file until `predecessor` is read to its end. If no byte of this file was read yet, it also takes over the
    /// events that the predecessor leaves open.
    pub(super) fn read_after(&mut self, predecessor: Option<StreamId>) {
        self.waits_for = predecessor;
        self.predecessor = predecessor.filter(|_| self.offset == 0);
    }

    /// Continues in another file, which holds the bytes that were read of this one. Returns the file that was open before.
    pub(super) fn continue_in(&mut self, opened: OpenedFile) -> Option<File> {
        let OpenedFile { path, file, meta, gzip } = opened;
        (self.key, self.current_path, self.gzip) = (FileKey::of(&meta), path, gzip);
        let before = self.file.replace(file);
        self.at_end = false;
        self.update_from(&meta);
        before
    }

    /// The current position, for the messages to the pipeline.
    pub(super) fn file_position(&self) -> FilePosition {
        FilePosition {
            source: Arc::clone(&self.source_name),
            path: Arc::clone(&self.path),
            key: self.key,
            head: self.head,
            last_bytes: self.last_bytes.hashed(),
            line: self.line,
            modified: Timestamp::from_system(self.modified),
        }
    }

    /// The current position, as [`super::rotated::find`] needs it. `seen` is not set.
    pub(super) fn position(&self) -> Position {
        let position = self.file_position().at(self.stream, self.offset, self.line, Timestamp::default());
        Position { path: self.path.to_path_buf(), ..position }
    }

    /// Updates size and modification time from a `stat`. Returns whether one of them changed: a file may be truncated and
    /// written to the same size again.
    pub(super) fn update_from(&mut self, meta: &Metadata) -> bool {
        if let Some(gzip) = &self.gzip {
            // Compressed files do not grow.
            self.grown += gzip.size.cast_signed() - self.size.max(self.offset).cast_signed();
            self.size = gzip.size;
            return false;
        }
        let modified = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let changed = meta.len() != self.size || modified != self.modified;
        // If the file is now shorter than the unread bytes a `stat` saw, bytes were lost. The larger size is kept to count them.
        if meta.len() >= self.offset || self.size <= self.offset {
            let unread_end = self.size.max(self.offset);
            self.grown += meta.len().saturating_sub(unread_end).cast_signed();
            self.truncated += unread_end.saturating_sub(meta.len().max(self.offset));
            self.size = meta.len();
        }
        self.modified = modified;
        if changed {
            self.at_end = false;
        }
        changed
    }

    /// The fingerprint of the first bytes that the file holds now, whether they were read or not.
    pub(super) fn current_head(&self) -> HeadFingerprint {
        let plain = self.file.as_ref().filter(|_| !self.is_compressed());
        plain.and_then(|file| HeadFingerprint::read(file, HeadFingerprint::MAX_BYTES).ok()).unwrap_or(self.head)
    }

    pub(super) const fn is_compressed(&self) -> bool {
        self.gzip.is_some()
    }

    /// Unread bytes.
    pub(super) fn lag(&self) -> u64 {
        self.size.saturating_sub(self.offset)
    }

    pub(super) fn is_deleted(&self) -> bool {
        self.file.as_ref().and_then(|file| file.metadata().ok()).is_some_and(|meta| meta.nlink() == 0)
    }

    /// Whether its descriptor may be closed until it changes.
    pub(super) fn is_idle(&self) -> bool {
        self.file.is_some() && self.lifecycle == Lifecycle::Live && self.at_end && self.waits_for.is_none() && !self.queued
    }

    /// Reads the next bytes. Every read begins with the bytes before the offset: only while they are unchanged are the
    /// bytes after them a continuation.
    pub(super) fn read(&mut self, scratch: &mut [u8]) -> io::Result<Read> {
        if self.gzip.is_some() {
            return self.read_compressed(scratch);
        }
        let file = self.file.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let known = self.last_bytes.bytes().len();
        let got = read_full_at(file, scratch, self.offset - known as u64)?;
        self.failed = false;
        let scratch = scratch.get(..got).unwrap_or_default();
        let Some(fresh) = scratch.strip_prefix(self.last_bytes.bytes()) else { return Ok(Read::Rewritten) };
        if got < SCRATCH_BYTES - TailFingerprint::MAX_BYTES + known {
            self.at_end = true;
        }
        if fresh.is_empty() {
            return Ok(Read::End);
        }
        let nuls = if self.in_hole { fresh.iter().take_while(|byte| **byte == 0).count() } else { 0 };
        let (start, bytes) = (self.offset + nuls as u64, Bytes::copy_from_slice(&fresh[nuls..]));
        self.head.grow(self.offset, fresh);
        self.last_bytes.push(fresh);
        self.after_hole |= nuls > 0;
        self.nuls += nuls as u64;
        self.offset += fresh.len() as u64;
        self.grown += self.offset.saturating_sub(self.size).cast_signed();
        self.size = self.size.max(self.offset);
        self.line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        if bytes.is_empty() {
            return Ok(Read::Hole);
        }
        self.in_hole = false;
        Ok(Read::Bytes(start, bytes))
    }

    fn read_compressed(&mut self, scratch: &mut [u8]) -> io::Result<Read> {
        let Some(gzip) = &mut self.gzip else { return Ok(Read::End) };
        let wanted = scratch.len().min(CHUNK_BYTES);
        let got = gzip.read(scratch.get_mut(..wanted).unwrap_or_default())?;
        let known_size = self.size;
        (self.head, self.size) = (gzip.head, gzip.size);
        self.last_bytes.clone_from(&gzip.last_bytes);
        self.at_end = got < wanted;
        if self.at_end {
            self.size = self.offset + got as u64;
        }
        // The size in the gzip trailer may be wrong.
        self.grown += self.size.cast_signed() - known_size.cast_signed();
        if got == 0 {
            return Ok(Read::End);
        }
        let (start, bytes) = (self.offset, Bytes::copy_from_slice(&scratch[..got]));
        self.offset += got as u64;
        self.line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Ok(Read::Bytes(start, bytes))
    }

    /// Restarts at offset 0 after the file was rewritten. Returns how many unread bytes are lost.
    pub(super) fn rewind(&mut self) -> u64 {
        let lost = self.lag() + mem::take(&mut self.truncated);
        let size = self.file.as_ref().and_then(|file| file.metadata().ok()).map_or(0, |meta| meta.len());
        (self.offset, self.line, self.size) = (0, 1, size);
        self.grown += size.cast_signed();
        self.head = HeadFingerprint::default();
        self.last_bytes = TailFingerprint::default();
        self.in_hole = true;
        self.after_hole = false;
        self.at_end = false;
        lost
    }
}
