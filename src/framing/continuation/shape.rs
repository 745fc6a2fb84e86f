//! What is known of an open event, as far as it decides which lines continue it. Part of the checkpoint.

use crate::line::Level;
use serde::{Deserialize, Serialize};

/// The shape of an open event.
#[expect(clippy::struct_excessive_bools, reason = "independent facts, saved in the checkpoint under these names")]
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::framing) struct Continuation {
    /// Its first line has a header.
    pub(super) headed: bool,
    /// The header names a level below a warning.
    pub(super) quiet: bool,
    pub(super) traceback: Traceback,
    /// A line ended in an opening brace that has not been closed.
    pub(super) brace: bool,
    /// A page was opened and not closed.
    pub(super) html: bool,
    /// Only indented lines can continue the event, and lines that belong to an error alone.
    pub(super) done: bool,
    /// Its first line does not look like the line above a traceback: it has no header, or a quiet one, and no word for a failure.
    pub(super) calm: bool,
    /// Its first line is at warning or above, or names an exception.
    pub(super) fails: bool,
    /// An exception or a stack is a part of it.
    pub(super) stack: bool,
    /// The last line promises an exception, or the text of one.
    pub(super) awaits: bool,
    pub(super) section: Section,
    /// The first line ends like the first line of a traceback, behind a head.
    pub(super) relayed: bool,
    /// The length of the head that every line of the event has, if a logger has written them one by one. 0: only the first has.
    pub(super) head_length: u16,
    /// The length of the last line of an exception's text, if a console may have wrapped it there. 0: it has not.
    pub(super) wrapped: u8,
}

#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Traceback {
    #[default]
    None,
    /// Between `Traceback (most recent call last):` and the exception.
    Frames,
    /// Behind the line that names the exception.
    Ended,
    /// Behind the line that says that another traceback follows.
    Chained,
}

/// A part of an event with lines in a form of their own.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) enum Section {
    #[default]
    None,
    /// Below `Content:` or `Body:`, up to a blank line.
    Body,
    /// Below `Headers:`, up to a blank line.
    Headers,
    /// The headers of an answer as HTTP sends it, and behind the blank line its body.
    Response,
    /// The frames of a goroutine, up to a blank line.
    Goroutine,
    /// The frames of a notebook's traceback, up to the exception.
    Notebook,
    /// Source code around the place of an error.
    Excerpt,
    /// Inside a box that a terminal library has drawn.
    Panel,
}

/// What one kind of continuation makes of a line.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Step {
    /// The line is not of this kind.
    NotMine,
    /// The line continues the event.
    Joins,
    /// The line begins another event.
    Ends,
}

impl Continuation {
    /// The shape of an event before anything but the `level` of its first line is known; `None`: it has no header.
    pub(super) fn new(level: Option<Level>) -> Self {
        let quiet = matches!(level, Some(Level::Debug | Level::Info));
        Self { headed: level.is_some(), quiet, ..Self::default() }
    }

    /// Whether the event is about a failure, as far as its lines have shown.
    pub(super) fn is_failure(self) -> bool {
        self.fails || self.stack || self.traceback != Traceback::None
    }
}
