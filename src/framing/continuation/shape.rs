//! What is known of an open event, as far as it decides which lines continue it. Part of the checkpoint.

use crate::line::Level;
use serde::{Deserialize, Serialize};

/// The shape of an open event.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
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
    /// Only indented lines can continue the event.
    pub(super) done: bool,
    /// Its first line has no header and does not look like the line above a traceback.
    #[serde(default)]
    pub(super) calm: bool,
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
}
