//! Entries that span several lines: tracebacks, object dumps, pretty-printed JSON, HTML pages inside a message.
//!
//! A line that is a whole JSON object is an event by itself. Any other line opens an event, and the lines that continue it
//! are joined to it. [`super::continuation`] decides from the shape of a line whether it continues the event.

use super::continuation::{self, Continuation};
use super::event::{Line, RawEvent, StreamId};
use super::handover::{Handover, Origin};
use super::options::{KEPT_CAPACITY, Options};
use super::partial::PartialLine;
use super::stats::FramingStats;
use crate::line::{Level, entry_level};
use crate::time::{Stamp, Timestamp};
use std::mem;

/// Joins the lines of one lane of a stream.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    open: Option<Open>,
    /// The text of the open event.
    text: Vec<u8>,
    /// Blank lines since the open event's last line. They are part of the event if it continues after them.
    blanks: u64,
    /// The shape of an event that was closed by time or by a limit. What continues it is marked as such.
    cut_off: Option<Continuation>,
    partial: PartialLine,
    /// Lines before this offset were emitted before a restart.
    emitted_until: u64,
    /// The offset and line number at which this stream began to continue the open events of its predecessor.
    taken_over_at: (u64, u64),
}

#[derive(Debug)]
struct Open {
    number: u64,
    lines: u64,
    offset: u64,
    origin: Origin,
    stamped: Option<Stamp>,
    level: Level,
    continued: bool,
    /// The shape of the event that this one continues.
    continues: Option<Continuation>,
    tail: Vec<u8>,
    shape: Continuation,
}

impl Joiner {
    /// The offset and line number at which the open event begins, as far as it lies in this stream.
    pub(super) fn start(&self) -> Option<(u64, u64)> {
        self.open_places().map(|(origin, place)| if origin == Origin::Here { place } else { self.taken_over_at }).min()
    }

    /// What the predecessor of this stream must read again after a restart.
    pub(super) fn handover(&self) -> Option<Handover> {
        let of_predecessor = |(origin, (offset, line))| match origin {
            Origin::Predecessor(predecessor) => {
                Some(Handover { predecessor, offset, line, cut_off: self.continues(), begun: self.partial.begun() })
            }
            Origin::Here | Origin::Truncated => None,
        };
        self.open_places().filter_map(of_predecessor).min_by_key(|handover| handover.offset)
    }

    fn open_places(&self) -> impl Iterator<Item = (Origin, (u64, u64))> {
        let open = self.open.as_ref().map(|open| (open.origin, (open.offset, open.number)));
        open.into_iter().chain(self.partial.place())
    }

    /// Lines that are part of something open.
    pub(super) fn open_lines(&self) -> u64 {
        self.open.as_ref().map_or(0, |open| open.lines) + self.blanks + self.partial.lines()
    }

    /// Releases the memory of earlier events, if nothing is open.
    pub(super) fn rest(&mut self) {
        if self.open.is_none() {
            self.text = Vec::new();
        }
        self.partial.rest();
    }

    /// Bytes that are kept for something open.
    pub(super) fn open_bytes(&self) -> usize {
        let text = self.open.as_ref().map_or(0, |open| self.text.len() + open.tail.len());
        text + self.partial.kept_bytes()
    }

    /// Keeps at most `room` bytes of an open line and of an open event: the line loses its middle, the event is emitted.
    pub(super) fn shrink(&mut self, room: usize, stats: &mut FramingStats, out: &mut impl FnMut(RawEvent<'_>)) {
        self.partial.shrink(room, stats);
        if self.open.as_ref().is_some_and(|open| self.text.len() + open.tail.len() > room) {
            self.close(true, stats, out);
            self.text = Vec::new();
        }
    }

    /// Continues the open event of the `predecessor`. `at`: the offset and number of the first line of this stream.
    pub(super) fn take_over(
        &mut self,
        options: &Options,
        predecessor: &mut Self,
        id: StreamId,
        at: (u64, u64),
        stats: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        if !predecessor.hands_over() || self.open_places().next().is_some() || self.was_emitted(at.0) {
            return;
        }
        // An event may span two files, but not three.
        if predecessor.open_places().any(|(origin, _)| origin != Origin::Here) {
            predecessor.end_partial(options, false, stats, out);
            predecessor.close(true, stats, out);
        }
        let rest = Self { emitted_until: predecessor.emitted_until, ..Self::default() };
        *self = Self { emitted_until: self.emitted_until, taken_over_at: at, ..mem::replace(predecessor, rest) };
        self.set_origin(Origin::Predecessor(id));
    }

    /// The stream restarts at its first byte; the open event may continue there.
    pub(super) fn restart(&mut self) {
        (self.emitted_until, self.taken_over_at) = (0, (0, 1));
        self.set_origin(Origin::Truncated);
    }

    fn set_origin(&mut self, origin: Origin) {
        if let Some(open) = &mut self.open {
            open.origin = origin;
        }
        self.partial.set_origin(origin);
    }

    /// Emits what began in the predecessor with this id, which cannot be read again.
    pub(super) fn release_predecessor(
        &mut self,
        options: &Options,
        id: StreamId,
        stats: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        if self.open_places().any(|(origin, _)| origin == Origin::Predecessor(id)) {
            self.end_partial(options, false, stats, out);
            self.close(true, stats, out);
        }
    }

    /// Whether a stream that continues this one has something to take over.
    pub(super) fn hands_over(&self) -> bool {
        self.open_places().next().is_some() || self.cut_off.is_some() || self.partial.begun()
    }

    /// Lines before this offset were emitted before a restart.
    pub(super) fn emitted_until(&self) -> u64 {
        self.emitted_until
    }

    /// Whether the line that begins at `offset` was emitted before a restart.
    pub(super) fn was_emitted(&self, offset: u64) -> bool {
        offset < self.emitted_until
    }

    /// The shape of the event that the next event continues, if the stream is read again from [`Self::start`].
    pub(super) fn continues(&self) -> Option<Continuation> {
        self.open.as_ref().map_or(self.cut_off, |open| open.continues)
    }

    /// Whether the next part is in the middle of a line, if the stream is read again from [`Self::start`].
    pub(super) const fn is_within_line(&self) -> bool {
        self.partial.begun()
    }

    /// Restores what [`Self::continues`] and [`Self::is_within_line`] returned before the restart.
    pub(super) fn restore(&mut self, emitted_until: u64, cut_off: Option<Continuation>, begun: bool) {
        (self.emitted_until, self.cut_off) = (emitted_until, cut_off);
        self.partial.set_begun(begun);
    }

    /// Takes one line of a container's output, which may be only a part of a line.
    pub(super) fn take_part(
        &mut self,
        options: &Options,
        line: Line<'_>,
        partial: bool,
        stats: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        if !partial && !self.partial.is_open() && !self.partial.begun() {
            return self.take(options, line, stats, out);
        }
        self.partial.push(options, line, stats);
        if !partial {
            self.end_partial(options, true, stats, out);
        } else if self.partial.lines() >= options.max_event_lines {
            self.end_partial(options, false, stats, out);
        }
    }

    /// Takes the text of a carrier's object, which has several lines: an entry, or the rest of the open one.
    pub(super) fn take_entry(
        &mut self,
        options: &Options,
        line: Line<'_>,
        stats: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        let first = line.bytes.split(|byte| *byte == b'\n').next().unwrap_or_default();
        let open = self.open.as_ref().map(|open| open.shape);
        let first = (first, entry_level(first));
        match open.and_then(|shape| continuation::joined(shape, self.first_line(), first, self.blanks > 0)) {
            Some(next) if self.has_room(options, line.bytes) => {
                let bytes = line.bytes.get(next.repeated..).unwrap_or_default();
                self.join(Line { bytes, ..line }, 1, next.shape);
                self.close(false, stats, out);
            }
            _ => {
                self.close(false, stats, out);
                self.cut_off = None;
                stats.emit(line.event(), out);
            }
        }
    }

    /// Notes when the latest part of a line arrived.
    pub(super) fn note_time(&mut self, now: Timestamp) {
        self.partial.note_time(now);
    }

    /// Stops waiting for the rest of a line, if its next part has not come in time.
    pub(super) fn expire_partial(
        &mut self,
        options: &Options,
        now: Timestamp,
        stats: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        if self.partial.is_overdue(now) {
            stats.incomplete_lines += 1;
            self.end_partial(options, false, stats, out);
        }
    }

    /// Takes the parts that have arrived as a line. `whole`: the last part is among them.
    fn end_partial(&mut self, options: &Options, whole: bool, stats: &mut FramingStats, out: &mut impl FnMut(RawEvent<'_>)) {
        let Some(assembled) = self.partial.assemble(whole, stats) else { return };
        let (line, lines) = (assembled.line(), assembled.lines);
        if assembled.is_rest {
            // The rest of a line continues what was emitted, whatever it looks like.
            stats.emit(RawEvent { lines, continued: true, ..line.event() }, out);
        } else {
            self.take_lines(options, line, lines, assembled.origin, stats, out);
        }
        if !whole {
            // Only the rest of the line may be open: its place is where reading resumes after a restart.
            self.close(true, stats, out);
        }
        self.partial.recycle(assembled);
    }

    /// Takes one whole line.
    pub(super) fn take(
        &mut self,
        options: &Options,
        line: Line<'_>,
        stats: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        self.take_lines(options, line, 1, Origin::Here, stats, out);
    }

    fn take_lines(
        &mut self,
        options: &Options,
        line: Line<'_>,
        lines: u64,
        origin: Origin,
        stats: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        let bytes = line.bytes;
        let is_object = bytes.first() == Some(&b'{') && (bytes.last() == Some(&b'}') || !line.tail.is_empty());
        if is_object && !self.expects_object() {
            self.close(false, stats, out);
            self.cut_off = None;
            return stats.emit(RawEvent { lines, ..line.event() }, out);
        }
        if bytes.trim_ascii().is_empty() {
            // A blank line may be in the middle of a traceback, or between events.
            if self.open.is_some() {
                self.blanks += lines;
            } else {
                stats.blank_lines += lines;
            }
            return;
        }
        let shape = self.open.as_ref().map(|open| open.shape).or(self.cut_off);
        let level = entry_level(bytes);
        let next = shape.and_then(|shape| continuation::joined(shape, self.first_line(), (bytes, level), self.blanks > 0));
        match next {
            Some(next) if self.open.is_some() && self.has_room(options, bytes) => {
                let bytes = bytes.get(next.repeated..).unwrap_or_default();
                self.join(Line { bytes, ..line }, lines, next.shape);
            }
            Some(next) => {
                self.close(true, stats, out);
                self.start_event(line, lines, origin, next.shape, true);
            }
            None => {
                self.close(false, stats, out);
                self.start_event(line, lines, origin, continuation::of_first(bytes, level), false);
            }
        }
    }

    /// The first line of the open event.
    fn first_line(&self) -> &[u8] {
        let text = if self.open.is_some() { self.text.as_slice() } else { b"" };
        text.get(..memchr::memchr(b'\n', text).unwrap_or(text.len())).unwrap_or_default()
    }

    /// Whether a JSON object belongs to the open event, which has introduced it.
    fn expects_object(&self) -> bool {
        self.open.as_ref().is_some_and(|open| continuation::expects_object(open.shape))
    }

    fn has_room(&self, options: &Options, bytes: &[u8]) -> bool {
        let lines = self.open.as_ref().map_or(0, |open| open.lines);
        self.text.len() + bytes.len() < options.max_event_bytes && lines < options.max_event_lines
    }

    #[expect(clippy::similar_names, reason = "`continued` is a word of the format, `continues` the answer")]
    fn start_event(&mut self, line: Line<'_>, lines: u64, origin: Origin, shape: Continuation, continued: bool) {
        let continues = self.cut_off.take().filter(|_| continued);
        self.text.clear();
        self.text.extend_from_slice(line.bytes);
        self.open = Some(Open {
            number: line.number,
            lines,
            offset: line.offset,
            origin,
            stamped: line.stamped,
            level: line.level,
            continued,
            continues,
            tail: line.tail.to_vec(),
            shape,
        });
    }

    fn join(&mut self, line: Line<'_>, lines: u64, shape: Continuation) {
        let Some(open) = &mut self.open else { return };
        for _ in 0..self.blanks {
            self.text.push(b'\n');
        }
        self.text.push(b'\n');
        self.text.extend_from_slice(line.bytes);
        open.lines += mem::take(&mut self.blanks) + lines;
        open.shape = shape;
    }

    /// Emits the open event. `cut_off`: lines that continue it may still come.
    pub(super) fn close(&mut self, cut_off: bool, stats: &mut FramingStats, out: &mut impl FnMut(RawEvent<'_>)) {
        stats.blank_lines += mem::take(&mut self.blanks);
        let Some(open) = self.open.take() else { return };
        self.cut_off = cut_off.then_some(open.shape);
        let Open { number, lines, offset, stamped, level, continued, tail, .. } = open;
        let line = Line { bytes: &self.text, tail: &tail, number, offset, stamped, level };
        let event = RawEvent { lines, continued, ..line.event() };
        stats.emit(event, out);
        self.text.shrink_to(KEPT_CAPACITY);
    }

    /// The stream has ended.
    pub(super) fn finish(&mut self, options: &Options, stats: &mut FramingStats, out: &mut impl FnMut(RawEvent<'_>)) {
        stats.incomplete_lines += u64::from(self.partial.is_open());
        self.end_partial(options, true, stats, out);
        self.close(false, stats, out);
        self.cut_off = None;
        self.partial.set_begun(false);
    }
}
