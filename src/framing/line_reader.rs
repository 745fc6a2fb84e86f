//! Lines of a stream: bytes in, in any chunks; whole lines out, with a limit on the bytes that one line may keep.

use super::encoding::Encoding;
use super::options::KEPT_CAPACITY;

/// One line without its newline (and without a carriage return before it).
#[derive(Clone, Copy, Debug)]
pub(super) struct Piece<'a> {
    /// The line, or the first part of one that was too long.
    pub(super) head: &'a [u8],
    /// The last part of a line that was too long; empty otherwise.
    pub(super) tail: &'a [u8],
    /// Bytes between head and tail that were not kept.
    pub(super) skipped: u64,
    /// Line number, from 1.
    pub(super) number: u64,
    /// The offset in the stream at which the line begins.
    pub(super) offset: u64,
}

/// What is kept of a line over the limit, in bytes. The head holds the fields of most loggers, the tail those of the others.
const HEAD: usize = 64 << 10;
const TAIL: usize = 16 << 10;

/// How much of both ends of a cut line is kept, in bytes.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Ends {
    pub(super) head: usize,
    pub(super) tail: usize,
}

impl Ends {
    /// The ends of a line that may use `room` bytes of memory while it grows: the head and twice the tail.
    pub(super) fn within(room: usize) -> Self {
        // Even, so that no unit of UTF-16 is split.
        Self { head: (room * 2 / 3).min(HEAD) & !1, tail: (room / 6).clamp(2, TAIL) & !1 }
    }
}

#[derive(Debug)]
pub(super) struct LineReader {
    max_line: usize,
    /// The unfinished line. If it was cut: its head and a sliding tail of at most twice [`Ends::tail`].
    carry: Vec<u8>,
    /// Set when the middle of the unfinished line was discarded.
    cut: Option<Ends>,
    /// Bytes of the unfinished line so far, kept or not.
    seen: u64,
    number: u64,
    offset: u64,
    encoding: Encoding,
    /// The first byte of a unit of UTF-16 whose second byte has not come yet.
    half_unit: Option<u8>,
}

impl LineReader {
    pub(super) fn new(max_line: usize, offset: u64, number: u64) -> Self {
        Self {
            max_line: max_line.max(HEAD + 2 * TAIL),
            carry: Vec::new(),
            cut: None,
            seen: 0,
            number,
            offset,
            encoding: Encoding::Utf8,
            half_unit: None,
        }
    }

    /// Sets the encoding of a stream that does not begin at its first byte.
    pub(super) fn set_encoding(&mut self, encoding: Encoding) {
        self.encoding = encoding;
    }

    pub(super) fn set_max_line(&mut self, max_line: usize) {
        self.max_line = max_line.max(HEAD + 2 * TAIL);
    }

    pub(super) fn kept_bytes(&self) -> usize {
        self.carry.len()
    }

    pub(super) fn start_of_line(&self) -> (u64, u64) {
        (self.offset, self.number)
    }

    pub(super) fn is_idle(&self) -> bool {
        self.seen == 0
    }

    pub(super) fn push(&mut self, mut bytes: &[u8], mut out: impl FnMut(Piece<'_>)) {
        if self.offset == 0 && self.seen < 2 {
            let mut first = self.carry.iter().chain(bytes).copied();
            if let (Some(first), Some(second)) = (first.next(), first.next()) {
                self.encoding = Encoding::of_start(&[first, second]);
            }
        }
        if self.encoding != Encoding::Utf8 {
            return self.push_units(bytes, &mut out);
        }
        if self.seen > 0 {
            let Some(end) = memchr::memchr(b'\n', bytes) else { return self.keep(bytes) };
            self.keep(&bytes[..end]);
            bytes = &bytes[end + 1..];
            self.end_carried(1, &mut out);
        }
        let mut start = 0;
        for end in memchr::memchr_iter(b'\n', bytes) {
            self.whole(&bytes[start..end], 1, &mut out);
            start = end + 1;
        }
        self.keep(&bytes[start..]);
    }

    /// The stream has ended: passes on the last line, although it has no newline.
    pub(super) fn finish(&mut self, mut out: impl FnMut(Piece<'_>)) {
        if self.seen > 0 {
            match self.encoding {
                Encoding::Utf8 => self.end_carried(0, &mut out),
                Encoding::Utf16Le | Encoding::Utf16Be => self.end_units(0, &mut out),
            }
        }
    }

    /// Like [`Self::push`], for UTF-16: a newline is two bytes, at an even distance from the start of the line.
    fn push_units(&mut self, mut bytes: &[u8], out: &mut impl FnMut(Piece<'_>)) {
        // The first byte of the mark may have come alone.
        if self.seen % 2 == 1 {
            self.half_unit = self.carry.pop();
            self.seen -= 1;
        }
        if let (Some(first), [second, rest @ ..]) = (self.half_unit, bytes) {
            (self.half_unit, bytes) = (None, rest);
            self.take_units(&[first, *second], out);
        }
        let (units, half) = bytes.split_at(bytes.len() & !1);
        self.half_unit = half.first().copied().or(self.half_unit);
        self.take_units(units, out);
    }

    fn take_units(&mut self, units: &[u8], out: &mut impl FnMut(Piece<'_>)) {
        let newline = self.encoding.newline();
        let mut start = 0;
        for (at, unit) in units.chunks_exact(2).enumerate() {
            if *unit == newline {
                self.keep(&units[start..at * 2]);
                self.end_units(2, out);
                start = at * 2 + 2;
            }
        }
        self.keep(&units[start..]);
    }

    fn end_units(&mut self, newline: u64, out: &mut impl FnMut(Piece<'_>)) {
        let mut carry = std::mem::take(&mut self.carry);
        let (head, tail, skipped) = match self.cut.take() {
            None => (carry.as_slice(), &[][..], 0),
            Some(Ends { head, tail }) => (&carry[..head], &carry[carry.len() - tail..], self.seen - (head + tail) as u64),
        };
        let (head, tail) = (self.encoding.decode(head), self.encoding.decode(tail));
        let (head, tail) = (chomp(head.as_bytes()), chomp(tail.as_bytes()));
        out(Piece { head, tail, skipped, number: self.number, offset: self.offset });
        self.number += 1;
        self.offset += self.seen + newline;
        self.seen = 0;
        carry.clear();
        carry.shrink_to(KEPT_CAPACITY);
        self.carry = carry;
    }

    fn whole(&mut self, line: &[u8], newline: u64, out: &mut impl FnMut(Piece<'_>)) {
        let seen = line.len() as u64;
        let piece = if line.len() <= self.max_line {
            Piece { head: chomp(line), tail: &[], skipped: 0, number: self.number, offset: self.offset }
        } else {
            let tail = &line[line.len() - TAIL..];
            let skipped = seen - (HEAD + TAIL) as u64;
            Piece { head: &line[..HEAD], tail: chomp(tail), skipped, number: self.number, offset: self.offset }
        };
        out(piece);
        self.number += 1;
        self.offset += seen + newline;
    }

    fn end_carried(&mut self, newline: u64, out: &mut impl FnMut(Piece<'_>)) {
        let carry = std::mem::take(&mut self.carry);
        if let Some(Ends { head, tail }) = self.cut.take() {
            let skipped = self.seen - (head + tail) as u64;
            let tail = chomp(&carry[carry.len() - tail..]);
            out(Piece { head: &carry[..head], tail, skipped, number: self.number, offset: self.offset });
            self.number += 1;
            self.offset += self.seen + newline;
        } else {
            self.whole(&carry, newline, out);
        }
        self.seen = 0;
        self.carry = carry;
        self.carry.clear();
        // One long line must not keep its memory for ever.
        self.carry.shrink_to(KEPT_CAPACITY);
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        self.carry.extend_from_slice(bytes);
        if self.seen > self.max_line as u64 && self.cut.is_none() {
            self.cut = Some(Ends { head: HEAD, tail: TAIL });
        }
        if let Some(Ends { head, tail }) = self.cut
            && self.carry.len() > head + 2 * tail
        {
            self.carry.drain(head..self.carry.len() - tail);
        }
    }

    /// Releases the memory of earlier lines, if no line is unfinished.
    pub(super) fn rest(&mut self) {
        if self.is_idle() {
            self.carry = Vec::new();
        }
    }

    /// Discards the middle of the unfinished line if it uses more than `room` bytes. The end of the line counts these bytes.
    pub(super) fn shrink(&mut self, room: usize) {
        if self.carry.len() <= room {
            return;
        }
        let Ends { mut head, mut tail } = Ends::within(room);
        if let Some(before) = self.cut {
            (head, tail) = (head.min(before.head), tail.min(before.tail));
        }
        self.carry.drain(head..self.carry.len() - tail);
        self.carry.shrink_to(head + 2 * tail);
        self.cut = Some(Ends { head, tail });
    }
}

fn chomp(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
