//! Errors of the configuration, in words for the person who must fix them.

use super::resolved::Config;
use std::error::Error;
use std::fmt::Display;
use std::io;
use std::path::PathBuf;

/// The exit code for an invalid configuration: `EX_CONFIG` of sysexits.
pub const EXIT_CODE: u8 = 78;

/// Everything that is wrong with a configuration. The process exits with [`EXIT_CODE`].
#[derive(Debug, thiserror::Error)]
pub enum ConfigError {
    /// The file cannot be read.
    #[error("cannot read the configuration {}", path.display())]
    Unreadable {
        /// The file.
        path: PathBuf,
        /// The reason.
        source: io::Error,
    },
    /// The file or the flags contain errors.
    #[error("{}", .faults.join("\n"))]
    Faults {
        /// One line per error: the place, what is wrong, how to fix it.
        faults: Vec<String>,
        /// What is right: every value with an error has its default here, every table with an error is left out.
        config: Box<Config>,
    },
}

/// The line of one error: the place, what is wrong, how to fix it.
pub(super) fn fault(place: &str, message: impl Display) -> String {
    format!("{place}: {message}")
}

/// Sorts errors by file and line. Errors without a line, like those of flags, come first.
pub fn sort_faults(faults: &mut [String]) {
    faults.sort_by_cached_key(|fault| Position::of(fault).map(|place| (place.file.to_owned(), place.line, place.column)));
}

/// Where an error is, by the beginning of its message: `config.toml:12:5: …`, or without a column.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Position<'a> {
    /// The path of the file.
    pub file: &'a str,
    /// The line, from 1.
    pub line: usize,
    /// The character in the line, from 1.
    pub column: Option<usize>,
    /// What is wrong.
    pub message: &'a str,
}

impl<'a> Position<'a> {
    /// `None` if the error begins with no place in a file.
    #[must_use]
    pub fn of(fault: &'a str) -> Option<Self> {
        let (place, message) = fault.split_once(": ")?;
        let (rest, last) = place.rsplit_once(':')?;
        let last = last.parse().ok()?;
        let before = rest.rsplit_once(':').and_then(|(file, line)| Some((file, line.parse().ok()?)));
        let (file, line, column) = before.map_or((rest, last, None), |(file, line)| (file, line, Some(last)));
        Some(Self { file, line, column, message })
    }
}

/// The message of an error, followed by the messages of its causes. A cause that the message repeats is left out.
#[must_use]
pub fn with_causes(error: &dyn Error) -> String {
    let mut text = error.to_string();
    let mut cause = error.source();
    while let Some(error) = cause {
        let more = error.to_string();
        if !text.ends_with(&more) {
            text.push_str(": ");
            text.push_str(&more);
        }
        cause = error.source();
    }
    text
}
