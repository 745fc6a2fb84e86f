//! A line that a container runtime has cut into parts, while its parts arrive.

use super::event::Line;
use super::handover::Origin;
use super::line_reader::Ends;
use super::options::{KEPT_CAPACITY, Options};
use super::stats::FramingStats;
use crate::time::Timestamp;
use std::mem;
use std::time::Duration;

/// How much of the end of a line is kept if its parts exceed the limit, in bytes.
const TAIL_BYTES: usize = 16 << 10;
/// How long the next part of a line may take.
const PART_TIMEOUT: Duration = Duration::from_secs(30);
/// The parts that have arrived so far.
#[derive(Debug, Default)]
pub(super) struct PartialLine {
    /// `None`: no part has ever come. Most streams have no such lines, and thousands of streams may be open.
    parts: Option<Box<Parts>>,
    /// The first parts of the line were emitted already, because the last one did not come in time.
    begun: bool,
}

#[derive(Debug, Default)]
struct Parts {
    /// The first of them, without its bytes.
    first: Option<Line<'static>>,
    lines: u64,
    origin: Origin,
    bytes: Vec<u8>,
    /// The end of what exceeds the limit; at most twice as long as [`Self::tail_limit`].
    tail: Vec<u8>,
    /// How much of the end is kept, if it is less than [`TAIL_BYTES`].
    tail_limit: Option<usize>,
    /// The time at which the latest part arrived.
    at: Timestamp,
    /// A part arrived since the last call of [`PartialLine::note_time`].
    fresh: bool,
}

/// A line put together from its parts. [`PartialLine::recycle`] takes its buffers back.
pub(super) struct Assembled {
    pub(super) first: Line<'static>,
    pub(super) lines: u64,
    pub(super) origin: Origin,
    /// The first parts of the line were emitted earlier: this is the rest.
    pub(super) is_rest: bool,
    bytes: Vec<u8>,
    tail: Vec<u8>,
}

impl Assembled {
    pub(super) fn line(&self) -> Line<'_> {
        Line { bytes: &self.bytes, tail: &self.tail, ..self.first }
    }
}

impl PartialLine {
    fn open(&self) -> Option<(&Parts, &Line<'static>)> {
        let parts = self.parts.as_deref()?;
        Some((parts, parts.first.as_ref()?))
    }

    pub(super) fn is_open(&self) -> bool {
        self.open().is_some()
    }

    /// Whether the next part is in the middle of a line of which the first parts were emitted.
    pub(super) const fn begun(&self) -> bool {
        self.begun
    }

    pub(super) fn set_begun(&mut self, begun: bool) {
        self.begun = begun;
    }

    pub(super) fn set_origin(&mut self, origin: Origin) {
        if let Some(parts) = &mut self.parts {
            parts.origin = origin;
        }
    }

    pub(super) fn lines(&self) -> u64 {
        self.parts.as_ref().map_or(0, |parts| parts.lines)
    }

    pub(super) fn kept_bytes(&self) -> usize {
        self.parts.as_ref().map_or(0, |parts| parts.kept_bytes())
    }

    /// The stream, offset and line number at which the open line begins.
    pub(super) fn place(&self) -> Option<(Origin, (u64, u64))> {
        self.open().map(|(parts, first)| (parts.origin, (first.offset, first.number)))
    }

    /// Appends a part.
    pub(super) fn push(&mut self, options: &Options, part: Line<'_>, stats: &mut FramingStats) {
        self.parts.get_or_insert_default().push(options, part, stats);
    }

    /// Discards the middle of the line if it uses more than `room` bytes.
    pub(super) fn shrink(&mut self, room: usize, stats: &mut FramingStats) {
        if let Some(parts) = &mut self.parts {
            parts.shrink(room, stats);
        }
    }

    /// Notes when the latest part arrived.
    pub(super) fn note_time(&mut self, now: Timestamp) {
        if let Some(parts) = &mut self.parts
            && mem::take(&mut parts.fresh)
        {
            parts.at = now;
        }
    }

    /// Whether the next part has not come in time.
    pub(super) fn is_overdue(&self, now: Timestamp) -> bool {
        self.open().is_some_and(|(parts, _)| now.since(parts.at) >= PART_TIMEOUT)
    }

    /// Takes the line out. `whole`: its last part has arrived.
    pub(super) fn assemble(&mut self, whole: bool, stats: &mut FramingStats) -> Option<Assembled> {
        let parts = self.parts.as_deref_mut()?;
        let first = parts.first.take()?;
        parts.cut_tail(stats);
        parts.tail_limit = None;
        let (bytes, tail) = (mem::take(&mut parts.bytes), mem::take(&mut parts.tail));
        let (lines, origin) = (mem::take(&mut parts.lines), mem::take(&mut parts.origin));
        let is_rest = mem::replace(&mut self.begun, !whole);
        Some(Assembled { first, lines, origin, is_rest, bytes, tail })
    }

    /// Takes the buffers of an assembled line back, for the next line.
    pub(super) fn recycle(&mut self, line: Assembled) {
        let Assembled { mut bytes, mut tail, .. } = line;
        let Some(parts) = &mut self.parts else { return };
        bytes.clear();
        tail.clear();
        bytes.shrink_to(KEPT_CAPACITY);
        tail.shrink_to(KEPT_CAPACITY);
        (parts.bytes, parts.tail) = (bytes, tail);
    }

    /// Releases the memory of earlier lines, if no line is open.
    pub(super) fn rest(&mut self) {
        if !self.is_open() {
            self.parts = None;
        }
    }
}

impl Parts {
    fn kept_bytes(&self) -> usize {
        self.bytes.len() + self.tail.len()
    }

    fn push(&mut self, options: &Options, part: Line<'_>, stats: &mut FramingStats) {
        if self.first.is_none() {
            (self.first, self.origin) = (Some(Line { bytes: &[], tail: &[], ..part }), Origin::Here);
        }
        self.lines += 1;
        self.fresh = true;
        let is_cut = !self.tail.is_empty();
        let room = if is_cut { 0 } else { options.max_line_bytes.saturating_sub(self.bytes.len()) };
        let (kept, beyond) = part.bytes.split_at(part.bytes.len().min(room));
        self.bytes.extend_from_slice(kept);
        if !beyond.is_empty() {
            stats.long_lines += u64::from(!is_cut);
            self.tail.extend_from_slice(beyond);
            if self.tail.len() > 2 * self.tail_limit() {
                self.cut_tail(stats);
            }
        }
    }

    fn tail_limit(&self) -> usize {
        self.tail_limit.unwrap_or(TAIL_BYTES)
    }

    fn cut_tail(&mut self, stats: &mut FramingStats) {
        let beyond = self.tail.len().saturating_sub(self.tail_limit());
        stats.long_bytes += self.tail.drain(..beyond).len() as u64;
    }

    fn shrink(&mut self, room: usize, stats: &mut FramingStats) {
        if self.kept_bytes() <= room {
            return;
        }
        let Ends { head, tail } = Ends::within(room);
        self.tail_limit = Some(tail.min(self.tail_limit()));
        if self.bytes.len() > head {
            stats.long_lines += u64::from(self.tail.is_empty());
            self.tail.splice(..0, self.bytes.drain(head..));
        }
        self.cut_tail(stats);
        self.bytes.shrink_to_fit();
        self.tail.shrink_to_fit();
    }
}
