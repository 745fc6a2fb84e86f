//! Entries over several lines: tracebacks, object dumps, pretty-printed JSON, HTML pages inside a message.
//!
//! A line that is a whole JSON object is an event by itself. Any other line opens an event, and the lines that go on from
//! it are joined to it. What goes on is told by shape: indented lines, the parts of a traceback, everything inside an open
//! brace or an open page, and lines without a header behind one that has a header (a time stamp, a level).

use super::{FramingStats, Line, Options, RawEvent, StreamId};
use crate::time::{Stamp, Timestamp};
use serde::{Deserialize, Serialize};
use std::mem;
use std::time::Duration;

/// Joins the lines of one lane of a stream.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    open: Option<Open>,
    text: Vec<u8>,
    /// Blank lines since the open event's last line: part of it when it goes on, nothing when it does not.
    blanks: u64,
    /// The shape of an event that was closed by time or by a limit; what goes on from it says so.
    cut_off: Option<Shape>,
    parts: Parts,
    /// What lies before this offset was given out before a restart.
    given_out: u64,
    /// Where this stream began to go on with what another one had left open: offset and line number.
    taken_over_at: (u64, u64),
}

/// Parts of a line that a container runtime has cut.
#[derive(Debug, Default)]
struct Parts {
    /// The first of them; without its bytes.
    first: Option<Line<'static>>,
    lines: u64,
    origin: Origin,
    bytes: Vec<u8>,
    /// The end of what was too long; at most twice [`PART_TAIL`].
    tail: Vec<u8>,
    /// The latest came then.
    at: Timestamp,
    fresh: bool,
    /// The first parts of the line were given out already, as its last one did not come in time.
    begun: bool,
}

/// The stream in which an open event began.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
enum Origin {
    /// This one.
    #[default]
    Here,
    /// The one before it: the file was rotated in the middle of the event.
    Before(StreamId),
    /// This one, but the bytes are there no more.
    Gone,
}

/// What an earlier stream must give again, so that this one can go on from it.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct Lent {
    pub(super) by: StreamId,
    pub(super) offset: u64,
    pub(super) line: u64,
    pub(super) cut_off: Option<Shape>,
    pub(super) begun: bool,
}

/// Of the end of a line that came in too many parts.
const PART_TAIL: usize = 16 << 10;

/// How long the next part of a line is waited for.
const PART_PATIENCE: Duration = Duration::from_secs(30);

#[derive(Debug)]
struct Open {
    number: u64,
    lines: u64,
    offset: u64,
    origin: Origin,
    stamped: Option<Timestamp>,
    continued: bool,
    /// The shape that it continues.
    from: Option<Shape>,
    tail: Vec<u8>,
    shape: Shape,
}

/// What is known of an open event, as far as it decides which lines go on from it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Shape {
    /// Its first line has a header.
    headed: bool,
    /// The header names a level below a warning.
    quiet: bool,
    traceback: Traceback,
    /// A line ended in an opening brace that has not been closed.
    brace: bool,
    /// A page was opened and not closed.
    html: bool,
    /// Its last line ends the event for all but indented lines.
    done: bool,
    /// Its first line has no header and speaks of no trouble.
    #[serde(default)]
    calm: bool,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
enum Traceback {
    #[default]
    None,
    /// Between `Traceback (most recent call last):` and the exception.
    Frames,
    /// Behind the line that names the exception.
    Ended,
    /// Behind the line that says that another traceback follows.
    Chained,
}

impl Joiner {
    /// Offset and line number at which the open event begins, as far as it lies in this stream.
    pub(super) fn start(&self) -> Option<(u64, u64)> {
        self.open_parts().map(|(origin, place)| if origin == Origin::Here { place } else { self.taken_over_at }).min()
    }

    /// What the stream before this one must give again.
    pub(super) fn lent(&self) -> Option<Lent> {
        let of_before = |(origin, (offset, line))| match origin {
            Origin::Before(by) => Some(Lent { by, offset, line, cut_off: self.goes_on_from(), begun: self.parts.begun }),
            Origin::Here | Origin::Gone => None,
        };
        self.open_parts().filter_map(of_before).min_by_key(|it| it.offset)
    }

    fn open_parts(&self) -> impl Iterator<Item = (Origin, (u64, u64))> {
        let open = self.open.as_ref().map(|it| (it.origin, (it.offset, it.number)));
        let parts = self.parts.first.as_ref().map(|it| (self.parts.origin, (it.offset, it.number)));
        open.into_iter().chain(parts)
    }

    /// Lines that are part of something open.
    pub(super) fn open_lines(&self) -> u64 {
        self.open.as_ref().map_or(0, |it| it.lines) + self.blanks + self.parts.lines
    }

    /// Bytes of what is open.
    pub(super) fn open_bytes(&self) -> usize {
        let text = self.open.as_ref().map_or(0, |it| self.text.len() + it.tail.len());
        text + self.parts.bytes.len() + self.parts.tail.len()
    }

    /// Goes on with what an earlier stream has left open; the first line of this one begins `at` this place.
    pub(super) fn take_over(
        &mut self,
        options: &Options,
        before: &mut Self,
        by: StreamId,
        at: (u64, u64),
        books: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        let is_spent = before.open_parts().next().is_none() && before.cut_off.is_none() && !before.parts.begun;
        if is_spent || self.open_parts().next().is_some() || self.has_given_out(at.0) {
            return;
        }
        // What began two files ago has gone on for long enough.
        if before.open_parts().any(|(origin, _)| origin != Origin::Here) {
            before.end_parts(options, false, books, out);
            before.close(true, books, out);
        }
        let rest = Self { given_out: before.given_out, ..Self::default() };
        *self = Self { given_out: self.given_out, taken_over_at: at, ..mem::replace(before, rest) };
        self.open.iter_mut().for_each(|it| it.origin = Origin::Before(by));
        self.parts.origin = Origin::Before(by);
    }

    /// The stream begins anew at its first byte, and what is open may go on there.
    pub(super) fn begin_anew(&mut self) {
        (self.given_out, self.taken_over_at) = (0, (0, 1));
        self.open.iter_mut().for_each(|it| it.origin = Origin::Gone);
        self.parts.origin = Origin::Gone;
    }

    /// Gives up what began in this stream, which is let go: it cannot be read again.
    pub(super) fn let_go(
        &mut self,
        options: &Options,
        by: StreamId,
        books: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        if self.open_parts().any(|(origin, _)| origin == Origin::Before(by)) {
            self.end_parts(options, false, books, out);
            self.close(true, books, out);
        }
    }

    /// Whether what begins there was given out before a restart.
    pub(super) fn has_given_out(&self, offset: u64) -> bool {
        offset < self.given_out
    }

    /// The shape that the next event may go on from, if it is read anew from [`Self::start`].
    pub(super) fn goes_on_from(&self) -> Option<Shape> {
        self.open.as_ref().map_or(self.cut_off, |it| it.from)
    }

    /// Whether the next part is in the middle of a line, if it is read anew from [`Self::start`].
    pub(super) const fn goes_on_in_a_line(&self) -> bool {
        self.parts.begun
    }

    /// Takes up what [`Self::goes_on_from`] and [`Self::goes_on_in_a_line`] said, and from where.
    pub(super) fn restore(&mut self, given_out: u64, cut_off: Option<Shape>, begun: bool) {
        (self.given_out, self.cut_off, self.parts.begun) = (given_out, cut_off, begun);
    }

    /// Takes one line of a container's output, which may be only a part of a line.
    pub(super) fn take_part(
        &mut self,
        options: &Options,
        line: Line<'_>,
        partial: bool,
        books: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        if !partial && self.parts.first.is_none() && !self.parts.begun {
            return self.take(options, line, books, out);
        }
        let parts = &mut self.parts;
        if parts.first.is_none() {
            (parts.first, parts.origin) = (Some(Line { bytes: &[], tail: &[], ..line }), Origin::Here);
        }
        parts.lines += 1;
        parts.fresh = true;
        let room = options.max_line_bytes.saturating_sub(parts.bytes.len());
        let (kept, beyond) = line.bytes.split_at(line.bytes.len().min(room));
        parts.bytes.extend_from_slice(kept);
        if !beyond.is_empty() {
            books.long_lines += u64::from(parts.tail.is_empty());
            parts.tail.extend_from_slice(beyond);
            if parts.tail.len() > 2 * PART_TAIL {
                books.long_bytes += parts.tail.drain(..parts.tail.len() - PART_TAIL).len() as u64;
            }
        }
        if !partial {
            self.end_parts(options, true, books, out);
        } else if self.parts.lines >= options.max_event_lines {
            self.end_parts(options, false, books, out);
        }
    }

    /// Notes when the latest part came.
    pub(super) fn note_time(&mut self, now: Timestamp) {
        if mem::take(&mut self.parts.fresh) {
            self.parts.at = now;
        }
    }

    /// Gives up waiting for the rest of a line.
    pub(super) fn expire_parts(
        &mut self,
        options: &Options,
        now: Timestamp,
        books: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        if self.parts.first.is_some() && now.since(self.parts.at) >= PART_PATIENCE {
            books.incomplete_lines += 1;
            self.end_parts(options, false, books, out);
        }
    }

    /// The line is whole, or what is there of it is given out.
    fn end_parts(&mut self, options: &Options, whole: bool, books: &mut FramingStats, out: &mut impl FnMut(RawEvent<'_>)) {
        let parts = &mut self.parts;
        let Some(first) = parts.first.take() else { return };
        let (mut bytes, mut tail) = (mem::take(&mut parts.bytes), mem::take(&mut parts.tail));
        let (lines, origin) = (mem::take(&mut parts.lines), mem::take(&mut parts.origin));
        let begun = mem::replace(&mut parts.begun, !whole);
        let skip = tail.len().saturating_sub(PART_TAIL);
        books.long_bytes += skip as u64;
        let line = Line { bytes: &bytes, tail: tail.get(skip..).unwrap_or_default(), ..first };
        if begun {
            // The rest of a line is nothing by itself; whatever it says was begun by what was given out.
            emit(books, out, RawEvent { lines, continued: true, ..raw(&line) });
        } else {
            self.take_lines(options, line, lines, origin, books, out);
        }
        if !whole {
            // Nothing else may be open while the rest is waited for: its place is where reading goes on.
            self.close(true, books, out);
        }
        bytes.clear();
        tail.clear();
        bytes.shrink_to(64 << 10);
        (self.parts.bytes, self.parts.tail) = (bytes, tail);
    }

    /// Takes one whole line.
    pub(super) fn take(
        &mut self,
        options: &Options,
        line: Line<'_>,
        books: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        self.take_lines(options, line, 1, Origin::Here, books, out);
    }

    fn take_lines(
        &mut self,
        options: &Options,
        line: Line<'_>,
        lines: u64,
        origin: Origin,
        books: &mut FramingStats,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        let bytes = line.bytes;
        if bytes.first() == Some(&b'{') && (bytes.last() == Some(&b'}') || !line.tail.is_empty()) {
            self.close(false, books, out);
            self.cut_off = None;
            return emit(books, out, RawEvent { bytes, tail: line.tail, lines, ..raw(&line) });
        }
        if bytes.trim_ascii().is_empty() {
            // A blank line may be the middle of a traceback, or nothing.
            if self.open.is_some() {
                self.blanks += lines;
            } else {
                books.blank_lines += lines;
            }
            return;
        }
        let shape = self.open.as_ref().map(|it| it.shape).or(self.cut_off);
        let next = shape.and_then(|shape| shape.joined(bytes, self.blanks > 0));
        match next {
            Some(shape) if self.open.is_some() && self.has_room(options, bytes) => self.join(line, lines, shape),
            Some(shape) => {
                self.close(true, books, out);
                self.start_event(line, lines, origin, shape, true);
            }
            None => {
                self.close(false, books, out);
                self.start_event(line, lines, origin, Shape::of_first(bytes), false);
            }
        }
    }

    fn has_room(&self, options: &Options, bytes: &[u8]) -> bool {
        let lines = self.open.as_ref().map_or(0, |it| it.lines);
        self.text.len() + bytes.len() < options.max_event_bytes && lines < options.max_event_lines
    }

    fn start_event(&mut self, line: Line<'_>, lines: u64, origin: Origin, shape: Shape, continued: bool) {
        let from = self.cut_off.take().filter(|_| continued);
        self.text.clear();
        self.text.extend_from_slice(line.bytes);
        self.open = Some(Open {
            number: line.number,
            lines,
            offset: line.offset,
            origin,
            stamped: line.stamped,
            continued,
            from,
            tail: line.tail.to_vec(),
            shape,
        });
    }

    fn join(&mut self, line: Line<'_>, lines: u64, shape: Shape) {
        let Some(open) = &mut self.open else { return };
        for _ in 0..self.blanks {
            self.text.push(b'\n');
        }
        self.text.push(b'\n');
        self.text.extend_from_slice(line.bytes);
        open.lines += mem::take(&mut self.blanks) + lines;
        open.shape = shape;
    }

    /// Gives out the open event. `cut_off`: lines that go on from it may still come.
    pub(super) fn close(&mut self, cut_off: bool, books: &mut FramingStats, out: &mut impl FnMut(RawEvent<'_>)) {
        books.blank_lines += mem::take(&mut self.blanks);
        let Some(open) = self.open.take() else { return };
        self.cut_off = cut_off.then_some(open.shape);
        let Open { number, lines, offset, stamped, continued, tail, .. } = open;
        let event = RawEvent { bytes: &self.text, tail: &tail, line: number, lines, offset, stamped, continued };
        emit(books, out, event);
        self.text.shrink_to(64 << 10);
    }

    /// The stream has ended.
    pub(super) fn finish(&mut self, options: &Options, books: &mut FramingStats, out: &mut impl FnMut(RawEvent<'_>)) {
        books.incomplete_lines += u64::from(self.parts.first.is_some());
        self.end_parts(options, true, books, out);
        self.close(false, books, out);
        (self.cut_off, self.parts.begun) = (None, false);
    }
}

fn raw<'a>(line: &Line<'a>) -> RawEvent<'a> {
    let Line { bytes, tail, number, offset, stamped } = *line;
    RawEvent { bytes, tail, line: number, lines: 1, offset, stamped, continued: false }
}

fn emit(books: &mut FramingStats, out: &mut impl FnMut(RawEvent<'_>), event: RawEvent<'_>) {
    books.events += 1;
    books.event_lines += event.lines;
    out(event);
}

impl Shape {
    /// The shape of an event that begins with this line.
    fn of_first(line: &[u8]) -> Self {
        let header = header(line);
        let mut shape = Self { headed: header.is_some(), quiet: header == Some(Level::Quiet), ..Self::default() };
        if is_traceback_start(line) {
            shape.traceback = Traceback::Frames;
        } else {
            shape.note(line);
        }
        // An SDK's own lines have no more than the object that they open; what stands below is the application's.
        shape.done = is_of_sdk(line);
        // A process that dies prints its traceback below whatever it printed last.
        shape.calm = header.is_none() && !names_trouble(line);
        shape
    }

    /// The shape after `line`, if `line` goes on from this event.
    fn joined(mut self, line: &[u8], after_blank: bool) -> Option<Self> {
        let indented = matches!(line.first(), Some(b' ' | b'\t')) || self.traceback == Traceback::Frames && is_frame(line);
        if indented && is_of_rich(line) {
            return None;
        }
        if indented {
            if self.traceback != Traceback::Frames {
                self.note(line);
            }
            return Some(self);
        }
        if self.html {
            return header(line).is_none().then(|| {
                self.note(line);
                self.done |= !self.html && !self.headed;
                self
            });
        }
        if is_traceback_start(line) {
            let first = self.traceback == Traceback::None && !self.done && !self.calm && (self.headed || !after_blank);
            self.done = false;
            return (first || self.traceback == Traceback::Chained).then_some(Self { traceback: Traceback::Frames, ..self });
        }
        if is_chain_mark(line) && self.traceback != Traceback::None {
            return Some(Self { traceback: Traceback::Chained, ..self });
        }
        if self.traceback == Traceback::Frames {
            // The line that names the exception: the first one that is not indented.
            self.traceback = Traceback::Ended;
            self.done = !self.headed && !goes_on(line);
            self.note(line);
            return Some(self);
        }
        if self.brace {
            if header(line).is_some() {
                return None;
            }
            if is_closer(line) {
                self.brace = false;
                self.done |= !self.headed;
            }
            return Some(self);
        }
        if line.starts_with(b"Caused by") || line.starts_with(b"... ") {
            return Some(self);
        }
        if self.done || header(line).is_some() {
            return None;
        }
        if self.headed && goes_on_after_blank(line) {
            return Some(self);
        }
        let joins =
            if self.headed { !(after_blank || self.quiet && names_an_error(line)) } else { self.traceback == Traceback::Ended };
        joins.then(|| {
            self.note(line);
            self
        })
    }

    /// Notes what a line opens and does not close.
    fn note(&mut self, line: &[u8]) {
        let end = line.trim_ascii_end();
        // Google's page has no end tag; a stack below it is not of it.
        if self.html && (line.starts_with(b"    at ") || contains(line, "That’s all we know".as_bytes())) {
            self.html = false;
            return;
        }
        if self.html || contains(line, b"<html") || contains(line, b"<!DOCTYPE") || contains(line, b"<!doctype") {
            self.html = !contains(line, b"</html>");
        } else if matches!(end.last(), Some(b'{' | b'[' | b'(')) && !self.brace {
            self.brace = true;
        }
    }
}

/// The exception's own words go on in the next lines.
fn goes_on(line: &[u8]) -> bool {
    let open = line.iter().filter(|b| matches!(b, b'{' | b'[' | b'(')).count();
    let close = line.iter().filter(|b| matches!(b, b'}' | b']' | b')')).count();
    open > close
        || contains(line, b"validation error")
        || line.ends_with(b":")
        || contains(line, b"<html")
        || contains(line, b"for url '")
}

/// `           ERROR    Request failed   app.py:31`: rich leaves the time out where it is that of the line above, and pads the level.
fn is_of_rich(line: &[u8]) -> bool {
    let blanks = line.iter().take_while(|b| **b == b' ').count();
    let word = line[blanks..].iter().take_while(|b| b.is_ascii_uppercase()).count();
    let padded = line.get(blanks + word..blanks + 9).is_some_and(|it| !it.is_empty() && it.iter().all(|b| *b == b' '));
    blanks >= 8 && (4..=8).contains(&word) && padded && LEVELS.iter().any(|(name, _)| *name == &line[blanks..blanks + word])
}

/// What LiteLLM puts below an error and a blank line.
fn goes_on_after_blank(line: &[u8]) -> bool {
    line.starts_with(b"LiteLLM: model group '") || line.starts_with(b"Received Model Group=")
}

/// openai-node's and anthropic's `[log_7037f9] post https://… failed with status 502 in 11ms`.
fn is_of_sdk(line: &[u8]) -> bool {
    line.starts_with(b"[log_")
}

/// Words of a line without a header that make it the first line of the traceback below.
fn names_trouble(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 12] =
        [b"rror", b"xception", b"ail", b"rash", b"nable", b"annot", b"ould not", b"RROR", b"AIL", b"hread", b"raised", b"ask "];
    let head = &line[..line.len().min(400)];
    line.trim_ascii_end().ends_with(b":") || WORDS.iter().any(|it| contains(head, it))
}

fn is_traceback_start(line: &[u8]) -> bool {
    line.starts_with(b"Traceback (most recent call last)")
        || line.starts_with(b"Exception Group Traceback")
        || line.starts_with("╭─".as_bytes()) && contains(line, b" Traceback (most recent call last) ")
}

/// A line of rich's box around the frames, or the frame at which loguru caught the exception.
fn is_frame(line: &[u8]) -> bool {
    ["│", "╰", "> File \""].iter().any(|it| line.starts_with(it.as_bytes()))
}

fn is_chain_mark(line: &[u8]) -> bool {
    line.starts_with(b"During handling of the above exception") || line.starts_with(b"The above exception was the direct cause")
}

fn is_closer(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'}' | b']' | b')')) && line.len() <= 4
}

/// `RateLimitError: …`, `Error code: 429 …`: an error that stands on its own feet.
fn names_an_error(line: &[u8]) -> bool {
    let word = line.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_'))).unwrap_or(line.len());
    let (name, rest) = line.split_at(word);
    let named = rest.starts_with(b":") && (name.ends_with(b"Error") || name.ends_with(b"Exception"));
    named || line.starts_with(b"Error code: ")
}

fn contains(line: &[u8], part: &[u8]) -> bool {
    memchr::memmem::find(line, part).is_some()
}

#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Level {
    /// Below a warning.
    Quiet,
    /// A warning or above, or not said.
    Loud,
}

/// Whether a line begins as an entry of a text log does: with a time stamp, a level, an address, a logfmt key.
fn header(line: &[u8]) -> Option<Level> {
    let line = skip_colour(line);
    let inner = line.strip_prefix(b"[").unwrap_or(line);
    let inner = inner.strip_prefix(b"GIN] ").unwrap_or(inner);
    let is_stamp = inner.first().is_some_and(u8::is_ascii_digit)
        && (Stamp::parse_prefix(inner).is_some_and(|(stamp, _)| !is_bare_number(inner, stamp)) || is_access(inner));
    if is_stamp || is_of_rich(line) || is_syslog(line) || is_logfmt(line) || is_of_sdk(line) || starts_with_level(inner) {
        return Some(level(&line[..line.len().min(160)]));
    }
    None
}

/// A line that begins with a long number is no entry: only dates and times of day are.
fn is_bare_number(line: &[u8], stamp: Stamp) -> bool {
    matches!(stamp, Stamp::Utc(_)) && line.iter().take(9).all(u8::is_ascii_digit)
}

/// `127.0.0.1 - - [` of an access log, `127.0.0.1:5555 - "POST …` of uvicorn.
fn is_access(line: &[u8]) -> bool {
    let address = line.iter().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b':')).count();
    address >= 7 && line[address..].starts_with(b" - ")
}

/// `Nov 20 09:16:51 host program[1]: …`.
fn is_syslog(line: &[u8]) -> bool {
    line.len() > 16
        && line[0].is_ascii_uppercase()
        && line[3] == b' '
        && line[6] == b' '
        && matches!(Stamp::parse_prefix(&line[7..]), Some((Stamp::TimeOfDay(_), _)))
}

fn is_logfmt(line: &[u8]) -> bool {
    const KEYS: [&[u8]; 8] = [b"time=", b"ts=", b"t=", b"at=", b"level=", b"lvl=", b"timestamp=", b"msg="];
    KEYS.iter().any(|key| line.starts_with(key))
}

const LEVELS: [(&[u8], Level); 14] = [
    (b"DEBUG", Level::Quiet),
    (b"INFO", Level::Quiet),
    (b"TRACE", Level::Quiet),
    (b"NOTICE", Level::Quiet),
    (b"WARNING", Level::Loud),
    (b"WARN", Level::Loud),
    (b"ERROR", Level::Loud),
    (b"CRITICAL", Level::Loud),
    (b"FATAL", Level::Loud),
    (b"info", Level::Quiet),
    (b"debug", Level::Quiet),
    (b"warn", Level::Loud),
    (b"error", Level::Loud),
    (b"fatal", Level::Loud),
];

fn starts_with_level(line: &[u8]) -> bool {
    LEVELS.iter().any(|(word, _)| {
        line.strip_prefix(*word).is_some_and(|rest| {
            matches!(rest.first(), Some(b':' | b']' | b'\t')) && word[0].is_ascii_uppercase()
                || rest.starts_with(b": ")
                || rest.starts_with(b"  ")
                || rest.first() == Some(&b' ') && word[0].is_ascii_uppercase()
        })
    })
}

/// The level a header names, as a word of its own.
fn level(head: &[u8]) -> Level {
    head.split(|b| !b.is_ascii_alphabetic())
        .find_map(|word| LEVELS.iter().find(|(name, _)| *name == word).map(|(_, level)| *level))
        .unwrap_or(Level::Loud)
}

fn skip_colour(mut line: &[u8]) -> &[u8] {
    while let Some(rest) = line.strip_prefix(b"\x1b[") {
        let Some(end) = rest.iter().position(|b| b.is_ascii_alphabetic()) else { break };
        line = &rest[end + 1..];
    }
    line
}
