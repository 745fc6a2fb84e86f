//! The units of framing: a stream, one line of it, one event.

use crate::line::Level;
use crate::time::Stamp;

/// A stream of bytes with its own framing: one file, one connection, standard input.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash)]
pub struct StreamId(pub u32);

/// One log entry, borrowed from the bytes it came in.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct RawEvent<'a> {
    /// The entry without prefixes and without the last newline. Joined lines are separated by `\n`.
    pub bytes: &'a [u8],
    /// The end of a line that was too long to keep whole; empty otherwise.
    pub tail: &'a [u8],
    /// The number of the entry's first line, counted from 1.
    pub line: u64,
    /// The number of lines that the entry spans.
    pub lines: u64,
    /// The offset in the stream at which the first line begins, in bytes.
    pub offset: u64,
    /// The time in the prefix.
    pub stamped: Option<Stamp>,
    /// The level in the prefix.
    pub level: Level,
    /// The service and the host in the prefix; empty if it names none.
    pub service: &'a str,
    /// See `service`.
    pub host: &'a str,
    /// The entry continues an event that was closed by a limit or by time.
    pub continued: bool,
}

/// One line without its prefix.
#[derive(Clone, Copy, Debug)]
pub(super) struct Line<'a> {
    pub(super) bytes: &'a [u8],
    pub(super) tail: &'a [u8],
    pub(super) number: u64,
    pub(super) offset: u64,
    pub(super) stamped: Option<Stamp>,
    pub(super) level: Level,
}

impl<'a> Line<'a> {
    /// The event that consists of this line only.
    pub(super) fn event(&self) -> RawEvent<'a> {
        let Self { bytes, tail, number, offset, stamped, level } = *self;
        let (service, host) = ("", "");
        RawEvent { bytes, tail, line: number, lines: 1, offset, stamped, level, service, host, continued: false }
    }
}
