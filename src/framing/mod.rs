//! From bytes to events: lines of one stream, out of their envelopes, joined where one entry spans several.
//!
//! Framing knows where an entry begins and ends and nothing of what it means. Whatever pieces the bytes come in, the
//! events are the same.

mod envelope;
mod join;
mod line;
mod state;

use crate::taxonomy::string_enum;
use crate::time::Timestamp;
use envelope::{Cri, Docker};
use join::Joiner;
use line::{LineReader, Piece};
pub use state::FramerState;

/// A stream of bytes with its own framing: one file, one connection, standard input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

string_enum! {
    /// Why bytes or lines were not turned into records. The label `reason`; a closed set.
    LossReason {
        /// The middle of a line over the limit: head and tail were kept.
        TooLong = "too_long",
        /// A line with no newline at the end of its stream.
        Incomplete = "incomplete",
        /// Bytes that are no text (NUL runs, a binary file).
        Binary = "binary",
        /// An object or array that stops in the middle.
        Malformed = "malformed",
        /// Nested deeper, or holding more, than the limits allow.
        TooComplex = "too_complex",
        /// A file was cut before it was read to its end.
        Truncated = "truncated",
        /// A rotated file vanished before it was read to its end.
        Rotated = "rotated",
        /// Skipped after three unclean starts from one checkpoint.
        CrashLoop = "crash_loop",
        /// The peer went away.
        Disconnected = "disconnected",
    }
}

/// How much one entry may be.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Options {
    /// Longest line that is kept whole, in bytes. Of a longer one head and tail are kept.
    pub max_line_bytes: usize,
    /// Most bytes that are joined into one event.
    pub max_event_bytes: usize,
    /// Most lines that are joined into one event.
    pub max_event_lines: u64,
}

impl Options {
    /// A line of 1 MiB holds any error body that a provider sends; 256 KiB any traceback; 2,000 lines any dump.
    pub const DEFAULT: Self = Self { max_line_bytes: 1 << 20, max_event_bytes: 256 << 10, max_event_lines: 2_000 };
}

impl Default for Options {
    fn default() -> Self {
        Self::DEFAULT
    }
}

/// One log entry, borrowed from the bytes it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawEvent<'a> {
    /// The entry without its envelope and without the last newline; joined lines are parted by `\n`.
    pub bytes: &'a [u8],
    /// The end of a line that was too long to keep whole; empty otherwise.
    pub tail: &'a [u8],
    /// The first line of the entry, counted from 1.
    pub line: u64,
    /// How many lines of the stream it spans.
    pub lines: u64,
    /// Where its first line begins in the stream.
    pub offset: u64,
    /// The time that the envelope gave.
    pub stamped: Option<Timestamp>,
    /// It goes on from an event that was closed by a limit or by time.
    pub continued: bool,
}

/// What went through a stream, and what of it was not turned into events. The books balance: lines = lines in events +
/// blank + discarded.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub struct FramingStats {
    /// Bytes that came in.
    pub bytes: u64,
    /// Lines that came in.
    pub lines: u64,
    /// Lines with nothing on them, between events.
    pub blank_lines: u64,
    /// Lines that ended up in events.
    pub event_lines: u64,
    /// Events.
    pub events: u64,
    /// Lines dropped because they are no text.
    pub binary_lines: u64,
    /// Bytes of those lines.
    pub binary_bytes: u64,
    /// Lines of which only head and tail were kept.
    pub long_lines: u64,
    /// Bytes between those heads and tails.
    pub long_bytes: u64,
    /// Lines that their stream ended in the middle of (they are events all the same).
    pub incomplete_lines: u64,
}

/// Frames one stream.
#[derive(Debug)]
pub struct Framer {
    options: Options,
    reader: LineReader,
    joiners: [Joiner; 3],
    books: FramingStats,
    last_byte_at: Timestamp,
}

/// Which output of a container a line came from; each is joined by itself.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Lane {
    Plain = 0,
    Stdout = 1,
    Stderr = 2,
}

/// One line out of its envelope.
#[derive(Clone, Copy, Debug)]
struct Line<'a> {
    bytes: &'a [u8],
    tail: &'a [u8],
    number: u64,
    offset: u64,
    stamped: Option<Timestamp>,
}

/// What some editors and Windows programs put before the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How long an open event waits for its next line while the stream is silent, in microseconds.
const SILENCE_MICROS: i64 = 1_000_000;

impl Framer {
    /// A framer for a stream whose next byte is at `offset`, on the line with this number (from 1).
    #[must_use]
    pub fn new(options: Options, offset: u64, line: u64) -> Self {
        Self {
            options,
            reader: LineReader::new(options.max_line_bytes, offset, line),
            joiners: [Joiner::default(), Joiner::default(), Joiner::default()],
            books: FramingStats::default(),
            last_byte_at: Timestamp::default(),
        }
    }

    /// Takes the next bytes of the stream and gives out the events they complete.
    pub fn push(&mut self, bytes: &[u8], now: Timestamp, mut out: impl FnMut(RawEvent<'_>)) {
        self.last_byte_at = now;
        self.books.bytes += bytes.len() as u64;
        let Self { options, reader, joiners, books, .. } = self;
        reader.push(bytes, |piece| take(options, joiners, books, piece, &mut out));
        joiners.iter_mut().for_each(|it| it.note_time(now));
    }

    /// Closes events that wait for more lines, once the stream has been silent for a second, and lines that wait for their
    /// next part for too long.
    pub fn tick(&mut self, now: Timestamp, mut out: impl FnMut(RawEvent<'_>)) {
        let Self { options, joiners, books, .. } = self;
        let silent = now.as_micros() - self.last_byte_at.as_micros() >= SILENCE_MICROS;
        for joiner in joiners {
            joiner.expire_parts(options, now, books, &mut out);
            if silent {
                joiner.close(true, books, &mut out);
            }
        }
    }

    /// The stream has ended: its last line and its open events are given out.
    pub fn finish(&mut self, mut out: impl FnMut(RawEvent<'_>)) {
        let Self { options, reader, joiners, books, .. } = self;
        reader.finish(|piece| {
            books.incomplete_lines += 1;
            take(options, joiners, books, piece, &mut out);
        });
        for joiner in joiners {
            joiner.finish(options, books, &mut out);
        }
    }

    /// Goes on with the events that `before` has left open: its file was rotated, and this is the next. Only where nothing
    /// of this stream was pushed yet.
    pub fn take_over(&mut self, before: &mut Self, by: StreamId, mut out: impl FnMut(RawEvent<'_>)) {
        let at = self.reader.start_of_line();
        for (joiner, old) in self.joiners.iter_mut().zip(&mut before.joiners) {
            joiner.take_over(&self.options, old, by, at, &mut before.books, &mut out);
        }
    }

    /// The stream is read from its first byte again, for what was there before is gone. Its last line has ended; events that
    /// are open go on.
    pub fn restart(&mut self, mut out: impl FnMut(RawEvent<'_>)) {
        let Self { options, reader, joiners, books, .. } = self;
        reader.finish(|piece| {
            books.incomplete_lines += 1;
            take(options, joiners, books, piece, &mut out);
        });
        *reader = LineReader::new(options.max_line_bytes, 0, 1);
        joiners.iter_mut().for_each(Joiner::begin_anew);
    }

    /// Gives out events that began in another stream, which is let go.
    pub fn release_predecessor(&mut self, by: StreamId, mut out: impl FnMut(RawEvent<'_>)) {
        let Self { options, joiners, books, .. } = self;
        joiners.iter_mut().for_each(|it| it.let_go(options, by, books, &mut out));
    }

    /// Other limits, from the next line on.
    pub fn set_options(&mut self, options: Options) {
        self.options = options;
        self.reader.set_max_line(options.max_line_bytes);
    }

    /// Where a stream before this one has to be read again for what it has left open: offset and line number.
    pub fn handover_from(&self, before: StreamId) -> Option<(u64, u64)> {
        self.joiners.iter().filter_map(Joiner::lent).filter(|it| it.by == before).map(|it| (it.offset, it.line)).min()
    }

    /// Bytes that are kept for what is not finished yet.
    pub fn kept_bytes(&self) -> usize {
        self.reader.kept_bytes() + self.joiners.iter().map(Joiner::open_bytes).sum::<usize>()
    }

    /// Lines that came in and are part of something open: neither in an event yet nor blank.
    pub fn open_lines(&self) -> u64 {
        self.joiners.iter().map(Joiner::open_lines).sum()
    }

    /// Where a new reader would have to begin to lose nothing: offset and line number of the oldest open event, or of the
    /// unfinished line.
    pub fn safe_point(&self) -> (u64, u64) {
        self.joiners.iter().filter_map(Joiner::start).fold(self.reader.start_of_line(), Ord::min)
    }

    /// Whether an event or a line is open.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.reader.is_idle() && self.joiners.iter().all(|it| it.start().is_none())
    }

    /// What went through since the last call.
    pub fn take_stats(&mut self) -> FramingStats {
        std::mem::take(&mut self.books)
    }
}

fn take(
    options: &Options,
    joiners: &mut [Joiner; 3],
    books: &mut FramingStats,
    piece: Piece<'_>,
    out: &mut impl FnMut(RawEvent<'_>),
) {
    let head = match piece.offset {
        0 => piece.head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(piece.head),
        _ => piece.head,
    };
    let line = Line { bytes: head, tail: piece.tail, number: piece.number, offset: piece.offset, stamped: None };
    if line.bytes.first() == Some(&b'{') && !line.bytes.starts_with(Docker::START) {
        if let Some(joiner) = open(joiners, Lane::Plain, books, &piece) {
            joiner.take(options, line, books, out);
        }
        return;
    }
    if is_binary(line.bytes) {
        if open(joiners, Lane::Plain, books, &piece).is_none() {
            return;
        }
        books.binary_lines += 1;
        books.binary_bytes += line.bytes.len() as u64;
        return;
    }
    if let Some(cri) = Cri::parse(line.bytes) {
        let inner = Line { bytes: cri.content, stamped: cri.time, ..line };
        if let Some(joiner) = open(joiners, cri.lane, books, &piece) {
            joiner.take_part(options, inner, cri.partial, books, out);
        }
        return;
    }
    if let Some(docker) = Docker::parse(line.bytes) {
        let partial = !docker.log.ends_with('\n');
        let content = docker.log.trim_end_matches(['\n', '\r']);
        let inner = Line { bytes: content.as_bytes(), stamped: docker.time(), ..line };
        if let Some(joiner) = open(joiners, docker.lane(), books, &piece) {
            joiner.take_part(options, inner, partial, books, out);
        }
        return;
    }
    if let Some(joiner) = open(joiners, Lane::Plain, books, &piece) {
        joiner.take(options, line, books, out);
    }
}

/// The joiner of a lane, and the line in the books. `None` where the line was given out before a restart, and is read again
/// only because another lane had an open event.
fn open<'a>(joiners: &'a mut [Joiner; 3], lane: Lane, books: &mut FramingStats, piece: &Piece<'_>) -> Option<&'a mut Joiner> {
    let joiner = &mut joiners[lane as usize];
    if joiner.has_given_out(piece.offset) {
        return None;
    }
    books.lines += 1;
    if piece.skipped > 0 {
        books.long_lines += 1;
        books.long_bytes += piece.skipped;
    }
    Some(joiner)
}

/// NUL runs after a copytruncate, compressed files, images: what has NUL bytes or is mostly control characters is no log.
fn is_binary(line: &[u8]) -> bool {
    let probe = &line[..line.len().min(512)];
    if memchr::memchr(0, probe).is_some() {
        return true;
    }
    let control = probe.iter().filter(|b| **b < 0x20 && !matches!(**b, b'\t' | b'\r' | b'\n' | 0x1b | 0x08)).count();
    control * 10 > probe.len() * 3
}
