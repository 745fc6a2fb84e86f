//! Reads an input ahead, so that several inputs can be merged by the times of their lines.

use super::input::{FileId, Input, OpenInput, stamp_of};
use crate::record::Reader;
use crate::time::{Timestamp, Zone};
use std::io::{self, Read};
use std::time::Duration;

/// An input and the bytes that were read ahead of it.
pub(super) struct Feed<'i> {
    input: &'i Input,
    access: Access,
    room: Room,
    buffer: Vec<u8>,
    start: usize,
    /// The offset of `buffer[start]` in the decompressed stream.
    offset: u64,
    ended: bool,
    /// Why reading ended. Comes behind the bytes before it.
    error: Option<io::Error>,
    /// The time of the next line that has one.
    next_at: Option<Timestamp>,
    /// The length of the lines before that line, in bytes.
    ready: usize,
    /// The bytes that were taken last end in the middle of a line.
    within_line: bool,
}

enum Access {
    Open(OpenInput),
    /// Closed until bytes behind those in the buffer are needed.
    Closed(FileId),
}

/// The memory of one input while it waits for its next line to be due.
#[derive(Clone, Copy, Debug)]
pub(super) struct Room {
    /// Bytes of one read.
    read: usize,
    /// More bytes than this are read again instead of kept.
    keep: usize,
}

/// Bytes of one read: the capacity of a pipe.
const READ_BYTES: usize = 64 << 10;
/// The least bytes of one read.
const LEAST_READ_BYTES: usize = 512;
/// The most bytes to read ahead in search of a line with a time.
const AHEAD_BYTES: usize = 1 << 20;
/// A longer line has its time in this part of it, or none.
const HEAD_BYTES: usize = 64 << 10;
/// What all inputs together keep while they wait.
const KEPT_BYTES: usize = 6 << 20;

impl Room {
    /// The share of each of these inputs.
    pub(super) fn of(inputs: usize) -> Self {
        let keep = KEPT_BYTES / inputs.max(1);
        Self { read: (keep / 2).clamp(LEAST_READ_BYTES, READ_BYTES), keep }
    }
}

impl<'i> Feed<'i> {
    pub(super) fn new(input: &'i Input, open: OpenInput, room: Room) -> Self {
        let (buffer, access) = (Vec::new(), Access::Open(open));
        Self {
            input,
            access,
            room,
            buffer,
            start: 0,
            offset: 0,
            ended: false,
            error: None,
            next_at: None,
            ready: 0,
            within_line: false,
        }
    }

    pub(super) const fn input(&self) -> &'i Input {
        self.input
    }

    /// Whether bytes can be taken at once. Waits for that, up to `timeout`.
    pub(super) fn is_ready(&self, timeout: Duration) -> bool {
        self.next_at.is_some()
            || self.ended
            || match &self.access {
                Access::Open(open) => open.is_ready(timeout),
                Access::Closed(_) => true,
            }
    }

    /// Releases what a regular file needs only when its next line is due: the memory beyond its share, and, if `close` says so, its
    /// descriptor and the state of its decompressor.
    pub(super) fn rest_until_due(&mut self, close: bool) {
        let is_large = self.buffer.len() - self.start > self.room.keep;
        let Access::Open(open) = &self.access else { return };
        let Some(file) = open.file() else { return };
        // What is compressed can be opened again only at its first byte.
        let is_possible = (open.is_plain() || self.offset == 0) && self.error.is_none();
        if !is_possible || !is_large && !close {
            return;
        }
        if is_large || !open.is_plain() && !self.ended {
            (self.buffer, self.start, self.ready) = (Vec::new(), 0, 0);
            (self.next_at, self.ended) = (None, false);
        }
        self.access = Access::Closed(file);
    }

    /// The next bytes after their offset, without regard to lines; empty at the end.
    ///
    /// # Errors
    /// When reading fails.
    pub(super) fn rest(&mut self) -> io::Result<(u64, Vec<u8>)> {
        self.buffer.drain(..self.start);
        self.start = 0;
        if self.buffer.is_empty() && !self.ended {
            self.read(READ_BYTES);
        }
        if self.buffer.is_empty()
            && let Some(error) = self.error.take()
        {
            return Err(error);
        }
        (self.start, self.ready, self.next_at) = (0, 0, None);
        let (offset, bytes) = (self.offset, std::mem::take(&mut self.buffer));
        self.offset += bytes.len() as u64;
        Ok((offset, bytes))
    }

    /// The time of the next line that has one, reading ahead until such a line is found: the lowest if none is near, the highest before
    /// the last lines without one. `None` at the end of the input, and where an error ends it.
    pub(super) fn peek(&mut self, reader: &Reader, zone: Zone) -> Option<Timestamp> {
        if self.within_line {
            if self.start == self.buffer.len() && !self.ended {
                self.fill();
            }
            return (self.start < self.buffer.len()).then_some(Timestamp::MIN);
        }
        while self.next_at.is_none() {
            let rest = &self.buffer[self.start + self.ready..];
            match memchr::memchr(b'\n', rest) {
                Some(end) => {
                    self.next_at = stamp_of(reader, &rest[..end], zone);
                    if self.next_at.is_none() {
                        self.ready += end + 1;
                    }
                }
                None if self.ended => {
                    self.next_at = stamp_of(reader, rest, zone);
                    return self.next_at.or((self.start < self.buffer.len()).then_some(Timestamp::MAX));
                }
                // Neither a file without times nor a file without lines must be read into memory as a whole.
                None if self.buffer.len() - self.start > AHEAD_BYTES => {
                    let head = rest.get(..HEAD_BYTES).unwrap_or(rest);
                    return stamp_of(reader, head, zone).or(Some(Timestamp::MIN));
                }
                None => self.fill(),
            }
        }
        self.next_at
    }

    fn fill(&mut self) {
        self.buffer.drain(..self.start);
        self.start = 0;
        // A long line is read in steps that grow with it.
        self.read(self.room.read.max(self.buffer.len().min(READ_BYTES)));
        // Thousands of small files may wait at once.
        if self.buffer.capacity() > 2 * self.buffer.len() {
            self.buffer.shrink_to_fit();
        }
    }

    /// Reads up to `most` bytes behind those in the buffer.
    fn read(&mut self, most: usize) {
        let held = self.buffer.len();
        self.buffer.resize(held + most, 0);
        let count = self.read_into(held).unwrap_or_else(|error| {
            self.error = Some(error);
            0
        });
        self.buffer.truncate(held + count);
        self.ended = count == 0;
    }

    /// Reads into the buffer from there on, and returns the number of bytes; 0 at the end.
    fn read_into(&mut self, held: usize) -> io::Result<usize> {
        if let Access::Closed(file) = self.access {
            self.access = Access::Open(self.input.open_again(file, self.offset + (held - self.start) as u64)?);
        }
        let Access::Open(open) = &mut self.access else { return Ok(0) };
        loop {
            match open.read(&mut self.buffer[held..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => return other,
            }
        }
    }

    /// The next lines after their offset, up to the last line that is not later than `until`.
    pub(super) fn lines_until(&mut self, until: Timestamp, reader: &Reader, zone: Zone) -> (u64, Vec<u8>) {
        const PIECE_BYTES: usize = 128 << 10;
        let offset = self.offset;
        let mut out = Vec::new();
        loop {
            let at = self.peek(reader, zone);
            if at.is_none_or(|at| at > until) && !(out.is_empty() && at.is_some()) || out.len() > PIECE_BYTES {
                break;
            }
            let from = self.start;
            let rest = &self.buffer[from + self.ready..];
            let line = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            self.start = from + self.ready + line;
            out.extend_from_slice(&self.buffer[from..self.start]);
            self.offset += (self.start - from) as u64;
            self.within_line = self.buffer.get(from..self.start).is_some_and(|taken| !taken.ends_with(b"\n"));
            (self.ready, self.next_at) = (0, None);
        }
        (offset, out)
    }
}
