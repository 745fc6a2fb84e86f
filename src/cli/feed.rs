//! Reads an input ahead, so that several inputs can be merged by the times of their lines.

use super::input::{OpenInput, stamp_of};
use crate::record::Reader;
use crate::time::{Timestamp, Zone};
use std::io::{self, Read};
use std::time::Duration;

/// An open input and the bytes that were read ahead of it.
pub(super) struct Feed {
    input: OpenInput,
    buffer: Vec<u8>,
    start: usize,
    /// The offset of `buffer[start]` in the decompressed stream.
    offset: u64,
    ended: bool,
    /// The time of the next line that has one.
    next_at: Option<Timestamp>,
    /// The length of the lines before that line, in bytes.
    ready: usize,
}

/// Bytes of one read: the capacity of a pipe.
const READ_BYTES: usize = 64 << 10;
/// The most bytes to read ahead in search of a line with a time.
const AHEAD_BYTES: usize = 1 << 20;

impl Feed {
    pub(super) fn new(input: OpenInput) -> Self {
        Self { input, buffer: Vec::new(), start: 0, offset: 0, ended: false, next_at: None, ready: 0 }
    }

    /// Whether bytes can be taken at once. Waits for that, up to `timeout`.
    pub(super) fn is_ready(&self, timeout: Duration) -> bool {
        self.next_at.is_some() || self.ended || self.input.is_ready(timeout)
    }

    /// The next bytes after their offset, without regard to lines; empty at the end.
    ///
    /// # Errors
    /// When reading fails.
    pub(super) fn rest(&mut self) -> io::Result<(u64, Vec<u8>)> {
        if self.start < self.buffer.len() {
            let held = self.buffer.split_off(self.start);
            let offset = self.offset;
            self.offset += held.len() as u64;
            (self.start, self.ready, self.next_at) = (0, 0, None);
            self.buffer.clear();
            return Ok((offset, held));
        }
        let mut bytes = vec![0; READ_BYTES];
        let count = loop {
            match self.input.read(&mut bytes) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        bytes.truncate(count);
        let offset = self.offset;
        self.offset += count as u64;
        Ok((offset, bytes))
    }

    /// The time of the next line that has one, reading ahead until such a line is found. `None` at the end of the input.
    ///
    /// # Errors
    /// When reading fails.
    pub(super) fn peek(&mut self, reader: &Reader, zone: Zone) -> io::Result<Option<Timestamp>> {
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
                    return Ok(self.next_at.or((self.start < self.buffer.len()).then_some(Timestamp::MAX)));
                }
                None => self.fill()?,
            }
            // A file without timestamps must not be read into memory as a whole.
            if self.ready > AHEAD_BYTES {
                return Ok(Some(Timestamp::MIN));
            }
        }
        Ok(self.next_at)
    }

    fn fill(&mut self) -> io::Result<()> {
        self.buffer.drain(..self.start);
        self.start = 0;
        let held = self.buffer.len();
        self.buffer.resize(held + READ_BYTES, 0);
        let count = loop {
            match self.input.read(&mut self.buffer[held..]) {
                Err(error) if error.kind() == io::ErrorKind::Interrupted => {}
                other => break other?,
            }
        };
        self.buffer.truncate(held + count);
        // Thousands of small files may be open at once.
        if self.buffer.capacity() > 2 * self.buffer.len() {
            self.buffer.shrink_to_fit();
        }
        self.ended = count == 0;
        Ok(())
    }

    /// The next lines after their offset, up to the last line that is not later than `until`.
    ///
    /// # Errors
    /// When reading fails.
    pub(super) fn lines_until(&mut self, until: Timestamp, reader: &Reader, zone: Zone) -> io::Result<(u64, Vec<u8>)> {
        const PIECE_BYTES: usize = 128 << 10;
        let offset = self.offset;
        let mut out = Vec::new();
        loop {
            let at = self.peek(reader, zone)?;
            if at.is_none_or(|at| at > until) && !(out.is_empty() && at.is_some()) || out.len() > PIECE_BYTES {
                break;
            }
            let from = self.start;
            let rest = &self.buffer[from + self.ready..];
            let line = memchr::memchr(b'\n', rest).map_or(rest.len(), |end| end + 1);
            self.start = from + self.ready + line;
            out.extend_from_slice(&self.buffer[from..self.start]);
            (self.ready, self.next_at) = (0, None);
        }
        self.offset += out.len() as u64;
        Ok((offset, out))
    }
}
