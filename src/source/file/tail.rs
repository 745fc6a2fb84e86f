//! One file: how far it was read, and the next bytes of it.

use super::identity::{FileKey, HeadFingerprint, TailFingerprint, read_full_at};
use super::packed::Packed;
use super::place::FilePosition;
use super::rotated::Moved;
use crate::framing::StreamId;
use crate::source::CHUNK_BYTES;
use crate::time::Timestamp;
use bytes::Bytes;
use std::fs::{File, Metadata};
use std::io;
use std::path::{Path, PathBuf};
use std::sync::Arc;
use std::time::{Instant, SystemTime};

/// Room for one read: the bytes that were read already and must still be there, and the new ones.
pub(super) const SCRATCH: usize = CHUNK_BYTES + TailFingerprint::MAX;

/// A file that is followed.
#[derive(Debug)]
pub(super) struct Tail {
    pub(super) stream: StreamId,
    /// Index of the source it belongs to.
    pub(super) source: usize,
    /// Where it was found first.
    pub(super) path: Arc<Path>,
    /// Where it is now.
    pub(super) at: PathBuf,
    pub(super) key: FileKey,
    /// Closed while it rests and descriptors are scarce, or after a failed read.
    pub(super) file: Option<File>,
    /// Set where the file is compressed and its bytes have to be unpacked.
    packed: Option<Packed>,
    pub(super) offset: u64,
    pub(super) line: u64,
    pub(super) head: HeadFingerprint,
    pub(super) trail: TailFingerprint,
    pub(super) size: u64,
    /// Bytes that were seen to be there, were not read, and are gone.
    pub(super) cut: u64,
    /// Bytes that were seen to be there, beyond what had been seen when this was last taken.
    pub(super) grown: i64,
    /// NULs that were skipped since this was last taken.
    pub(super) nuls: u64,
    pub(super) modified: SystemTime,
    pub(super) life: Life,
    /// The end was seen, and nothing says that there is more.
    pub(super) at_end: bool,
    /// The last read was refused.
    pub(super) failed: bool,
    /// It stands in the queue of files to read.
    pub(super) queued: bool,
    /// The file whose end comes before the first byte of this one.
    pub(super) after: Option<StreamId>,
    /// The file that this one goes on from, until its first bytes are read.
    pub(super) heir_of: Option<StreamId>,
    /// The scan that saw it last.
    pub(super) seen: u64,
    /// When it last gave bytes.
    pub(super) active: Instant,
    /// When it was last known to be read to its end.
    pub(super) current: Instant,
    /// It has been behind for so long that the pipeline was told.
    pub(super) behind: bool,
    /// Only NULs came so far: the hole that a writer leaves who did not notice the truncation.
    hole: bool,
    /// NULs were skipped, and nobody was told yet where the bytes go on.
    pub(super) behind_hole: bool,
    name: Arc<str>,
}

/// Whether the file still stands under a path that matches.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Life {
    /// It does.
    Live,
    /// It was renamed or deleted; it is let go once it was read to its end and has been quiet since this instant for long
    /// enough.
    Rotated(Instant),
}

/// What one read came to.
#[derive(Debug)]
pub(super) enum Read {
    /// New bytes at this offset.
    Bytes(u64, Bytes),
    /// Only NULs of a hole; how many.
    Hole,
    /// Nothing new.
    End,
    /// What was read before is not there any more.
    Rewritten,
}

/// Where a tail begins.
#[derive(Debug)]
pub(super) struct Start {
    pub(super) stream: StreamId,
    pub(super) source: usize,
    pub(super) name: Arc<str>,
    pub(super) path: Arc<Path>,
    pub(super) at: PathBuf,
    pub(super) offset: u64,
    pub(super) line: u64,
}

impl Tail {
    pub(super) fn new(start: Start, file: File, meta: &Metadata, now: Instant) -> io::Result<Self> {
        let Start { stream, source, name, path, at, offset, line } = start;
        Ok(Self {
            stream,
            source,
            path,
            at,
            key: FileKey::of(meta),
            offset,
            line,
            // Also of what is still to be read: it tells the file from others if it is rotated first.
            head: HeadFingerprint::read(&file, HeadFingerprint::MAX)?,
            trail: TailFingerprint::read(&file, offset)?,
            size: meta.len(),
            cut: 0,
            grown: meta.len().saturating_sub(offset) as i64,
            nuls: 0,
            modified: meta.modified()?,
            file: Some(file),
            packed: None,
            life: Life::Live,
            at_end: offset == meta.len(),
            failed: false,
            queued: false,
            after: None,
            heir_of: None,
            seen: 0,
            active: now,
            current: now,
            behind: false,
            hole: offset == 0,
            behind_hole: false,
            name,
        })
    }

    /// It is read after the end of another file, and goes on from there unless something of it was read already.
    pub(super) fn read_after(&mut self, before: Option<StreamId>) {
        self.after = before;
        self.heir_of = before.filter(|_| self.offset == 0);
    }

    /// The same for a compressed file, unpacked up to the offset.
    pub(super) fn packed(start: Start, file: File, meta: &Metadata, packed: Packed, now: Instant) -> io::Result<Self> {
        let offset = start.offset;
        let tail = Self::new(Start { offset: 0, ..start }, file, meta, now)?;
        let (head, trail, size) = (packed.head, packed.trail.clone(), packed.size.max(offset));
        let grown = (size - offset) as i64;
        Ok(Self { offset, head, trail, size, grown, packed: Some(packed), at_end: false, hole: false, ..tail })
    }

    /// Goes on in another file, which holds what was read of this one.
    pub(super) fn move_to(&mut self, moved: Moved) -> Option<File> {
        let Moved { at, file, meta, packed } = moved;
        (self.key, self.at, self.packed) = (FileKey::of(&meta), at, packed);
        let before = self.file.replace(file);
        self.at_end = false;
        self.observe(&meta);
        before
    }

    /// What a checkpoint needs to find the way back to here.
    pub(super) fn place(&self) -> FilePosition {
        FilePosition {
            source: Arc::clone(&self.name),
            path: Arc::clone(&self.path),
            key: self.key,
            head: self.head,
            mark: self.trail.mark(),
            line: self.line,
            modified: Timestamp::from_system(self.modified),
        }
    }

    /// Takes in what a `stat` said. True when it changed; also where only the time moved, for a file may be cut and written
    /// to the same length again.
    pub(super) fn observe(&mut self, meta: &Metadata) -> bool {
        if let Some(packed) = &self.packed {
            // Compressed files do not grow.
            self.grown += packed.size as i64 - self.size.max(self.offset) as i64;
            self.size = packed.size;
            return false;
        }
        let modified = meta.modified().unwrap_or(SystemTime::UNIX_EPOCH);
        let changed = meta.len() != self.size || modified != self.modified;
        // A size below what was seen but not read means lost bytes; the larger number is needed to count them.
        if meta.len() >= self.offset || self.size <= self.offset {
            let unread_end = self.size.max(self.offset);
            self.grown += meta.len().saturating_sub(unread_end) as i64;
            self.cut += unread_end.saturating_sub(meta.len().max(self.offset));
            self.size = meta.len();
        }
        self.modified = modified;
        if changed {
            self.at_end = false;
        }
        changed
    }

    /// The fingerprint of its first bytes, also of those that were not read yet.
    pub(super) fn present_head(&self) -> HeadFingerprint {
        let plain = self.file.as_ref().filter(|_| !self.is_packed());
        plain.and_then(|it| HeadFingerprint::read(it, HeadFingerprint::MAX).ok()).unwrap_or(self.head)
    }

    pub(super) const fn is_packed(&self) -> bool {
        self.packed.is_some()
    }

    pub(super) fn lag(&self) -> u64 {
        self.size.saturating_sub(self.offset)
    }

    /// Reads on. Every read begins with the bytes before the offset: only while they are still there may what follows be
    /// taken for what comes next.
    pub(super) fn read(&mut self, scratch: &mut [u8]) -> io::Result<Read> {
        if self.packed.is_some() {
            return self.unpack(scratch);
        }
        let file = self.file.as_ref().ok_or(io::ErrorKind::NotConnected)?;
        let known = self.trail.bytes().len();
        let got = read_full_at(file, scratch, self.offset - known as u64)?;
        self.failed = false;
        let scratch = scratch.get(..got).unwrap_or_default();
        let Some(fresh) = scratch.strip_prefix(self.trail.bytes()) else { return Ok(Read::Rewritten) };
        if got < SCRATCH - TailFingerprint::MAX + known {
            self.at_end = true;
        }
        if fresh.is_empty() {
            return Ok(Read::End);
        }
        let nuls = if self.hole { fresh.iter().take_while(|it| **it == 0).count() } else { 0 };
        let (start, bytes) = (self.offset + nuls as u64, Bytes::copy_from_slice(&fresh[nuls..]));
        self.head.grow(self.offset, fresh);
        self.trail.push(fresh);
        self.behind_hole |= nuls > 0;
        self.nuls += nuls as u64;
        self.offset += fresh.len() as u64;
        self.grown += self.offset.saturating_sub(self.size) as i64;
        self.size = self.size.max(self.offset);
        self.line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        if bytes.is_empty() {
            return Ok(Read::Hole);
        }
        self.hole = false;
        Ok(Read::Bytes(start, bytes))
    }

    fn unpack(&mut self, scratch: &mut [u8]) -> io::Result<Read> {
        let Some(packed) = &mut self.packed else { return Ok(Read::End) };
        let room = scratch.len().min(CHUNK_BYTES);
        let got = packed.read(scratch.get_mut(..room).unwrap_or_default())?;
        let known = self.size;
        (self.head, self.size) = (packed.head, packed.size);
        self.trail.clone_from(&packed.trail);
        self.at_end = got < room;
        if self.at_end {
            self.size = self.offset + got as u64;
        }
        // What it says of its own size may be wrong.
        self.grown += self.size as i64 - known as i64;
        if got == 0 {
            return Ok(Read::End);
        }
        let (start, bytes) = (self.offset, Bytes::copy_from_slice(&scratch[..got]));
        self.offset += got as u64;
        self.line += memchr::memchr_iter(b'\n', &bytes).count() as u64;
        Ok(Read::Bytes(start, bytes))
    }

    /// Starts again at the first byte, with the count of bytes that were there to be read and are gone.
    pub(super) fn rewind(&mut self) -> u64 {
        let lost = self.lag() + std::mem::take(&mut self.cut);
        let size = self.file.as_ref().and_then(|it| it.metadata().ok()).map_or(0, |it| it.len());
        (self.offset, self.line, self.size) = (0, 1, size);
        self.grown += size as i64;
        self.head = HeadFingerprint::default();
        self.trail = TailFingerprint::default();
        self.hole = true;
        self.behind_hole = false;
        self.at_end = false;
        lost
    }
}
