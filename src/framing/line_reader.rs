//! Lines of a stream: bytes in, in any chunks; whole lines out, with a limit on the bytes that one line may keep.

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

#[derive(Debug)]
pub(super) struct LineReader {
    max_line: usize,
    /// The unfinished line. If it exceeds the limit: its head and a sliding tail of at most twice [`TAIL`].
    carry: Vec<u8>,
    /// Bytes of the unfinished line so far, kept or not.
    seen: u64,
    number: u64,
    offset: u64,
}

impl LineReader {
    pub(super) fn new(max_line: usize, offset: u64, number: u64) -> Self {
        Self { max_line: max_line.max(HEAD + 2 * TAIL), carry: Vec::new(), seen: 0, number, offset }
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
            self.end_carried(0, &mut out);
        }
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
        if self.seen <= self.max_line as u64 {
            self.whole(&carry, newline, out);
        } else {
            let tail = &carry[carry.len() - TAIL..];
            let skipped = self.seen - (HEAD + TAIL) as u64;
            out(Piece { head: &carry[..HEAD], tail: chomp(tail), skipped, number: self.number, offset: self.offset });
            self.number += 1;
            self.offset += self.seen + newline;
        }
        self.seen = 0;
        self.carry = carry;
        self.carry.clear();
        // One long line must not keep its memory for ever.
        self.carry.shrink_to(HEAD + 2 * TAIL);
    }

    fn keep(&mut self, bytes: &[u8]) {
        self.seen += bytes.len() as u64;
        self.carry.extend_from_slice(bytes);
        if self.seen > self.max_line as u64 && self.carry.len() > HEAD + 2 * TAIL {
            self.carry.drain(HEAD..self.carry.len() - TAIL);
        }
    }
}

fn chomp(line: &[u8]) -> &[u8] {
    line.strip_suffix(b"\r").unwrap_or(line)
}
