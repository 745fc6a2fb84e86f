//! The framer of one stream: bytes in, events out.

use super::encoding::Encoding;
use super::event::{RawEvent, StreamId};
use super::intake::Intake;
use super::lanes::Lanes;
use super::line_reader::LineReader;
use super::options::Options;
use super::stats::FramingStats;
use crate::time::Timestamp;
use std::time::Duration;

/// Frames one stream.
#[derive(Debug)]
pub struct Framer {
    options: Options,
    pub(super) reader: LineReader,
    pub(super) lanes: Lanes,
    stats: FramingStats,
    last_byte_at: Timestamp,
    /// No byte came since the last call of [`Self::rest`] that released memory.
    rests: bool,
}

/// After this long without a byte, a stream with nothing open needs no buffers.
const REST_AFTER: Duration = Duration::from_secs(1);

impl Framer {
    /// A framer for a stream, starting at the byte `offset`, which begins the line with this number (from 1).
    #[must_use]
    pub fn new(options: Options, offset: u64, line: u64) -> Self {
        Self {
            options,
            reader: LineReader::new(options.max_line_bytes, offset, line),
            lanes: Lanes::default(),
            stats: FramingStats::default(),
            last_byte_at: Timestamp::default(),
            rests: true,
        }
    }

    /// Reads a stream that does not begin at its first byte, where a byte order mark would be.
    #[must_use]
    pub fn with_encoding(mut self, encoding: Encoding) -> Self {
        self.reader.set_encoding(encoding);
        self
    }

    /// Takes the next bytes of the stream and emits the events that they complete.
    pub fn push(&mut self, bytes: &[u8], now: Timestamp, mut out: impl FnMut(RawEvent<'_>)) {
        (self.last_byte_at, self.rests) = (now, false);
        self.stats.bytes += bytes.len() as u64;
        let Self { options, reader, lanes, stats, .. } = self;
        let mut intake = Intake { options, lanes, stats, out: &mut out };
        reader.push(bytes, |piece| intake.take(piece));
        lanes.note_time(now);
    }

    /// Closes events that wait for more lines, after one second without a line of their lane, and lines that have waited too long for
    /// their next part.
    pub fn tick(&mut self, now: Timestamp, mut out: impl FnMut(RawEvent<'_>)) {
        let Self { options, reader, lanes, stats, last_byte_at, .. } = self;
        // The unfinished line may be of any lane.
        let last_byte_at = if reader.is_idle() { Timestamp::default() } else { *last_byte_at };
        lanes.tick(options, now, last_byte_at, stats, &mut out);
    }

    /// Releases the buffers of earlier lines and events, if the stream is silent and nothing is open.
    pub fn rest(&mut self, now: Timestamp) {
        if !self.rests && self.is_idle() && now.since(self.last_byte_at) >= REST_AFTER {
            self.reader.rest();
            self.lanes.rest();
            self.rests = true;
        }
    }

    /// Ends the stream: emits its last line and its open events.
    pub fn finish(&mut self, mut out: impl FnMut(RawEvent<'_>)) {
        self.end_line(&mut out);
        let Self { options, lanes, stats, .. } = self;
        lanes.finish(options, stats, &mut out);
    }

    /// Takes the last line, although it has no newline.
    fn end_line(&mut self, out: &mut impl FnMut(RawEvent<'_>)) {
        let Self { options, reader, lanes, stats, .. } = self;
        reader.finish(|piece| {
            stats.incomplete_lines += 1;
            Intake { options, lanes, stats, out: &mut *out }.take(piece);
        });
    }

    /// Continues the open events of the `predecessor`: its file was rotated, and this stream is the next file. Has no effect
    /// on a lane that has an open event already.
    pub fn take_over(&mut self, predecessor: &mut Self, id: StreamId, mut out: impl FnMut(RawEvent<'_>)) {
        let at = self.reader.start_of_line();
        self.lanes.take_over(&self.options, &mut predecessor.lanes, id, at, &mut predecessor.stats, &mut out);
    }

    /// Restarts at offset 0, because the file was truncated. The last line has ended; open events continue.
    pub fn restart(&mut self, mut out: impl FnMut(RawEvent<'_>)) {
        self.end_line(&mut out);
        self.reader = LineReader::new(self.options.max_line_bytes, 0, 1);
        self.lanes.restart();
    }

    /// Emits the events that began in the predecessor with this id. Its file is closed and cannot be read again.
    pub fn release_predecessor(&mut self, id: StreamId, mut out: impl FnMut(RawEvent<'_>)) {
        let Self { options, lanes, stats, .. } = self;
        lanes.each(&mut out, |joiner, mut out| joiner.release_predecessor(options, id, stats, &mut out));
    }

    /// Keeps at most `room` bytes of each open line and event, because all streams together exceed their memory. A longer line
    /// loses its middle, which is counted; a longer event is emitted, and the lines that continue it are marked as such.
    pub fn shrink(&mut self, room: usize, mut out: impl FnMut(RawEvent<'_>)) {
        let Self { reader, lanes, stats, .. } = self;
        reader.shrink(room);
        lanes.each(&mut out, |joiner, mut out| joiner.shrink(room, stats, &mut out));
    }

    /// Applies other limits, from the next line on.
    pub fn set_options(&mut self, options: Options) {
        self.options = options;
        self.reader.set_max_line(options.max_line_bytes);
    }

    /// The offset and line number from which the predecessor with this id must be read again after a restart, so that the
    /// events it handed over are complete.
    #[must_use]
    pub fn handover_from(&self, predecessor: StreamId) -> Option<(u64, u64)> {
        self.lanes.parts().0.iter().filter_map(|lane| lane.handed_over(predecessor)).min()
    }

    /// Bytes that are kept for an open line or event.
    #[must_use]
    pub fn kept_bytes(&self) -> usize {
        self.reader.kept_bytes() + self.lanes.parts().0.iter().map(|lane| lane.joiner.open_bytes()).sum::<usize>()
    }

    /// Lines that came in and are part of something open: not in an event yet, and not counted as blank.
    #[must_use]
    pub fn open_lines(&self) -> u64 {
        self.lanes.parts().0.iter().map(|lane| lane.joiner.open_lines()).sum()
    }

    /// The offset and line number at which a new reader must begin to lose nothing: those of the oldest open event, or of
    /// the unfinished line.
    pub fn safe_point(&self) -> (u64, u64) {
        self.lanes.start().into_iter().fold(self.reader.start_of_line(), Ord::min)
    }

    /// Whether neither an event nor a line is open.
    #[must_use]
    pub fn is_idle(&self) -> bool {
        self.reader.is_idle() && self.lanes.start().is_none()
    }

    /// The counts since the last call.
    pub fn take_stats(&mut self) -> FramingStats {
        std::mem::take(&mut self.stats)
    }
}
