//! Entries over several lines: tracebacks, object dumps, pretty-printed JSON, HTML pages inside a message.
//!
//! A line that is a whole JSON object is an event by itself. Any other line opens an event, and the lines that go on from
//! it are joined to it. What goes on is told by shape: indented lines, the parts of a traceback, everything inside an open
//! brace or an open page, and lines without a header behind one that has a header (a time stamp, a level).

use super::{Books, Line, Options, RawEvent};
use crate::time::{Stamp, Timestamp};
use serde::{Deserialize, Serialize};

/// Joins the lines of one lane of a stream.
#[derive(Debug, Default)]
pub(super) struct Joiner {
    open: Option<Open>,
    text: Vec<u8>,
    /// Blank lines since the open event's last line: part of it when it goes on, nothing when it does not.
    blanks: u64,
    /// The shape of an event that was closed by time or by a limit; what goes on from it says so.
    cut_off: Option<Shape>,
    partial: Vec<u8>,
    partial_start: Option<Line<'static>>,
    partial_lines: u64,
    /// What lies before this offset was given out before a restart.
    given_out: u64,
}

#[derive(Debug)]
struct Open {
    number: u64,
    lines: u64,
    offset: u64,
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
    /// Offset and line number at which the open event begins.
    pub(super) fn start(&self) -> Option<(u64, u64)> {
        let open = self.open.as_ref().map(|it| (it.offset, it.number));
        let partial = self.partial_start.as_ref().map(|it| (it.offset, it.number));
        open.into_iter().chain(partial).min()
    }

    /// Whether what begins there was given out before a restart.
    pub(super) fn has_given_out(&self, offset: u64) -> bool {
        offset < self.given_out
    }

    /// The shape that the next event may go on from, if it is read anew from [`Self::start`].
    pub(super) fn goes_on_from(&self) -> Option<Shape> {
        self.open.as_ref().map_or(self.cut_off, |it| it.from)
    }

    /// Takes up what [`Self::goes_on_from`] said, and from where.
    pub(super) fn restore(&mut self, given_out: u64, cut_off: Option<Shape>) {
        (self.given_out, self.cut_off) = (given_out, cut_off);
    }

    /// Takes one line of a container's output, which may be only a part of a line.
    pub(super) fn take_part(
        &mut self,
        options: &Options,
        line: Line<'_>,
        partial: bool,
        books: &mut Books,
        out: &mut impl FnMut(RawEvent<'_>),
    ) {
        if !partial && self.partial_start.is_none() {
            return self.take(options, line, books, out);
        }
        self.partial_start.get_or_insert(Line { bytes: &[], tail: &[], ..line });
        self.partial_lines += 1;
        let room = options.max_line_bytes.saturating_sub(self.partial.len());
        let kept = line.bytes.len().min(room);
        self.partial.extend_from_slice(&line.bytes[..kept]);
        books.long_bytes += (line.bytes.len() - kept) as u64;
        if !partial {
            self.end_partial(options, books, out);
        }
    }

    fn end_partial(&mut self, options: &Options, books: &mut Books, out: &mut impl FnMut(RawEvent<'_>)) {
        let Some(start) = self.partial_start.take() else { return };
        let bytes = std::mem::take(&mut self.partial);
        let lines = std::mem::take(&mut self.partial_lines);
        self.take_lines(options, Line { bytes: &bytes, ..start }, lines, books, out);
        self.partial = bytes;
        self.partial.clear();
    }

    /// Takes one whole line.
    pub(super) fn take(&mut self, options: &Options, line: Line<'_>, books: &mut Books, out: &mut impl FnMut(RawEvent<'_>)) {
        self.take_lines(options, line, 1, books, out);
    }

    fn take_lines(
        &mut self,
        options: &Options,
        line: Line<'_>,
        lines: u64,
        books: &mut Books,
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
                self.start_event(line, lines, shape, true);
            }
            None => {
                self.close(false, books, out);
                self.start_event(line, lines, Shape::of_first(bytes), false);
            }
        }
    }

    fn has_room(&self, options: &Options, bytes: &[u8]) -> bool {
        let lines = self.open.as_ref().map_or(0, |it| it.lines);
        self.text.len() + bytes.len() < options.max_event_bytes && lines < options.max_event_lines
    }

    fn start_event(&mut self, line: Line<'_>, lines: u64, shape: Shape, continued: bool) {
        let from = self.cut_off.take().filter(|_| continued);
        self.text.clear();
        self.text.extend_from_slice(line.bytes);
        self.open = Some(Open {
            number: line.number,
            lines,
            offset: line.offset,
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
        open.lines += std::mem::take(&mut self.blanks) + lines;
        open.shape = shape;
    }

    /// Gives out the open event. `cut_off`: lines that go on from it may still come.
    pub(super) fn close(&mut self, cut_off: bool, books: &mut Books, out: &mut impl FnMut(RawEvent<'_>)) {
        books.blank_lines += std::mem::take(&mut self.blanks);
        let Some(open) = self.open.take() else { return };
        self.cut_off = cut_off.then_some(open.shape);
        let Open { number, lines, offset, stamped, continued, tail, .. } = open;
        let event = RawEvent { bytes: &self.text, tail: &tail, line: number, lines, offset, stamped, continued };
        emit(books, out, event);
        self.text.shrink_to(64 << 10);
    }

    /// The stream has ended.
    pub(super) fn finish(&mut self, books: &mut Books, out: &mut impl FnMut(RawEvent<'_>)) {
        self.end_partial(&Options::DEFAULT, books, out);
        self.close(false, books, out);
        self.cut_off = None;
    }
}

fn raw<'a>(line: &Line<'a>) -> RawEvent<'a> {
    let Line { bytes, tail, number, offset, stamped } = *line;
    RawEvent { bytes, tail, line: number, lines: 1, offset, stamped, continued: false }
}

fn emit(books: &mut Books, out: &mut impl FnMut(RawEvent<'_>), event: RawEvent<'_>) {
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
        shape
    }

    /// The shape after `line`, if `line` goes on from this event.
    fn joined(mut self, line: &[u8], after_blank: bool) -> Option<Self> {
        let indented = matches!(line.first(), Some(b' ' | b'\t'));
        if indented {
            if self.traceback != Traceback::Frames {
                self.note(line);
            }
            return Some(self);
        }
        if self.html {
            return header(line).is_none().then(|| {
                self.note(line);
                self
            });
        }
        if is_traceback_start(line) {
            let first = self.traceback == Traceback::None && !self.done && (self.headed || !after_blank);
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
                self.done = !self.headed;
            }
            return Some(self);
        }
        if line.starts_with(b"Caused by") || line.starts_with(b"... ") {
            return Some(self);
        }
        if self.done || header(line).is_some() {
            return None;
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

fn is_traceback_start(line: &[u8]) -> bool {
    line.starts_with(b"Traceback (most recent call last)") || line.starts_with(b"Exception Group Traceback")
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
    if is_stamp || is_syslog(line) || is_logfmt(line) || line.starts_with(b"[log_") || starts_with_level(inner) {
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
