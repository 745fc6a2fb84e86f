//! The framer of one stream: bytes in, events out.

use super::event::{Lane, Line, RawEvent, StreamId};
use super::joiner::Joiner;
use super::line_reader::{LineReader, Piece};
use super::options::Options;
use super::prefix;
use super::stats::FramingStats;
use crate::time::Timestamp;

/// Frames one stream.
#[derive(Debug)]
pub struct Framer {
    options: Options,
    pub(super) reader: LineReader,
    /// One joiner per [`Lane`].
    pub(super) joiners: [Joiner; 3],
    stats: FramingStats,
    last_byte_at: Timestamp,
}

/// Some editors and Windows programs put this before the first line.
const BYTE_ORDER_MARK: &[u8] = b"\xef\xbb\xbf";
/// How long the stream must be silent before an open event is closed, in microseconds.
const SILENCE_MICROS: i64 = 1_000_000;

impl Framer {
    /// A framer for a stream, starting at the byte `offset`, which begins the line with this number (from 1).
    #[must_use]
    pub fn new(options: Options, offset: u64, line: u64) -> Self {
        Self {
            options,
            reader: LineReader::new(options.max_line_bytes, offset, line),
            joiners: [Joiner::default(), Joiner::default(), Joiner::default()],
            stats: FramingStats::default(),
            last_byte_at: Timestamp::default(),
        }
    }

    /// Takes the next bytes of the stream and emits the events that they complete.
    pub fn push(&mut self, bytes: &[u8], now: Timestamp, mut out: impl FnMut(RawEvent<'_>)) {
        self.last_byte_at = now;
        self.stats.bytes += bytes.len() as u64;
        let Self { options, reader, joiners, stats, .. } = self;
        reader.push(bytes, |piece| take_piece(options, joiners, stats, piece, &mut out));
        for joiner in joiners {
            joiner.note_time(now);
        }
    }

    /// Closes events that wait for more lines, after one second without bytes, and lines that have waited too long for
    /// their next part.
    pub fn tick(&mut self, now: Timestamp, mut out: impl FnMut(RawEvent<'_>)) {
        let Self { options, joiners, stats, .. } = self;
        let silent = now.as_micros() - self.last_byte_at.as_micros() >= SILENCE_MICROS;
        for joiner in joiners {
            joiner.expire_partial(options, now, stats, &mut out);
            if silent {
                joiner.close(true, stats, &mut out);
            }
        }
    }

    /// Ends the stream: emits its last line and its open events.
    pub fn finish(&mut self, mut out: impl FnMut(RawEvent<'_>)) {
        let Self { options, reader, joiners, stats, .. } = self;
        reader.finish(|piece| {
            stats.incomplete_lines += 1;
            take_piece(options, joiners, stats, piece, &mut out);
        });
        for joiner in joiners {
            joiner.finish(options, stats, &mut out);
        }
    }

    /// Continues the open events of the `predecessor`: its file was rotated, and this stream is the next file. Has no effect
    /// on a lane that has an open event already.
    pub fn take_over(&mut self, predecessor: &mut Self, id: StreamId, mut out: impl FnMut(RawEvent<'_>)) {
        let at = self.reader.start_of_line();
        for (joiner, old) in self.joiners.iter_mut().zip(&mut predecessor.joiners) {
            joiner.take_over(&self.options, old, id, at, &mut predecessor.stats, &mut out);
        }
    }

    /// Restarts at offset 0, because the file was truncated. The last line has ended; open events continue.
    pub fn restart(&mut self, mut out: impl FnMut(RawEvent<'_>)) {
        let Self { options, reader, joiners, stats, .. } = self;
        reader.finish(|piece| {
            stats.incomplete_lines += 1;
            take_piece(options, joiners, stats, piece, &mut out);
        });
        *reader = LineReader::new(options.max_line_bytes, 0, 1);
        joiners.iter_mut().for_each(Joiner::restart);
    }

    /// Emits the events that began in the predecessor with this id. Its file is closed and cannot be read again.
    pub fn release_predecessor(&mut self, id: StreamId, mut out: impl FnMut(RawEvent<'_>)) {
        let Self { options, joiners, stats, .. } = self;
        for joiner in joiners {
            joiner.release_predecessor(options, id, stats, &mut out);
        }
    }

    /// Keeps at most `room` bytes of each open line and event, because all streams together exceed their memory. A longer line
    /// loses its middle, which is counted; a longer event is emitted, and the lines that continue it are marked as such.
    pub fn shrink(&mut self, room: usize, mut out: impl FnMut(RawEvent<'_>)) {
        let Self { reader, joiners, stats, .. } = self;
        reader.shrink(room);
        for joiner in joiners {
            joiner.shrink(room, stats, &mut out);
        }
    }

    /// Applies other limits, from the next line on.
    pub fn set_options(&mut self, options: Options) {
        self.options = options;
        self.reader.set_max_line(options.max_line_bytes);
    }

    /// The offset and line number from which the predecessor with this id must be read again after a restart, so that the
    /// events it handed over are complete.
    pub fn handover_from(&self, predecessor: StreamId) -> Option<(u64, u64)> {
        let handovers = self.joiners.iter().filter_map(Joiner::handover);
        handovers.filter(|row| row.predecessor == predecessor).map(|row| (row.offset, row.line)).min()
    }

    /// Bytes that are kept for an open line or event.
    pub fn kept_bytes(&self) -> usize {
        self.reader.kept_bytes() + self.joiners.iter().map(Joiner::open_bytes).sum::<usize>()
    }

    /// Lines that came in and are part of something open: not in an event yet, and not counted as blank.
    pub fn open_lines(&self) -> u64 {
        self.joiners.iter().map(Joiner::open_lines).sum()
    }

    /// The offset and line number at which a new reader must begin to lose nothing: those of the oldest open event, or of
    /// the unfinished line.
    pub fn safe_point(&self) -> (u64, u64) {
        self.joiners.iter().filter_map(Joiner::start).fold(self.reader.start_of_line(), Ord::min)
    }

    /// Whether neither an event nor a line is open.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.reader.is_idle() && self.joiners.iter().all(|joiner| joiner.start().is_none())
    }

    /// The counts since the last call.
    pub fn take_stats(&mut self) -> FramingStats {
        std::mem::take(&mut self.stats)
    }
}

fn take_piece(
    options: &Options,
    joiners: &mut [Joiner; 3],
    stats: &mut FramingStats,
    piece: Piece<'_>,
    out: &mut impl FnMut(RawEvent<'_>),
) {
    let head = match piece.offset {
        0 => piece.head.strip_prefix(BYTE_ORDER_MARK).unwrap_or(piece.head),
        _ => piece.head,
    };
    let line = Line { bytes: head, tail: piece.tail, number: piece.number, offset: piece.offset, stamped: None };
    // Most lines are JSON objects: they skip the test for binary data.
    let is_object = line.bytes.first() == Some(&b'{') && !prefix::may_begin(line.bytes);
    if !is_object && is_binary(line.bytes) {
        if admit(joiners, Lane::Plain, stats, &piece).is_some() {
            stats.binary_lines += 1;
            stats.binary_bytes += line.bytes.len() as u64;
        }
        return;
    }
    if !is_object && let Some(content) = prefix::strip(line.bytes) {
        let inner = Line { bytes: &content.bytes, stamped: content.stamped, ..line };
        if let Some(joiner) = admit(joiners, content.lane, stats, &piece) {
            joiner.take_part(options, inner, content.partial, stats, out);
        }
        return;
    }
    if let Some(joiner) = admit(joiners, Lane::Plain, stats, &piece) {
        joiner.take(options, line, stats, out);
    }
}

/// Counts the line and returns the joiner of its lane. `None` if the line was emitted before a restart: it is read again
/// only because another lane had an open event.
fn admit<'a>(joiners: &'a mut [Joiner; 3], lane: Lane, stats: &mut FramingStats, piece: &Piece<'_>) -> Option<&'a mut Joiner> {
    let joiner = &mut joiners[lane as usize];
    if joiner.was_emitted(piece.offset) {
        return None;
    }
    stats.lines += 1;
    if piece.skipped > 0 {
        stats.long_lines += 1;
        stats.long_bytes += piece.skipped;
    }
    Some(joiner)
}

/// Whether a line is not text: it has NUL bytes, or is mostly control characters. NUL runs follow a copytruncate; other
/// examples are compressed files and images.
fn is_binary(line: &[u8]) -> bool {
    let probe = &line[..line.len().min(512)];
    if memchr::memchr(0, probe).is_some() {
        return true;
    }
    let control = probe.iter().filter(|b| **b < 0x20 && !matches!(**b, b'\t' | b'\r' | b'\n' | 0x1b | 0x08)).count();
    control * 10 > probe.len() * 3
}
