//! Errors of the configuration, in words for the person who must fix them.

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
    },
}

/// The line of one error: the place, what is wrong, how to fix it.
pub(super) fn fault(place: &str, message: impl Display) -> String {
    format!("{place}: {message}")
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
