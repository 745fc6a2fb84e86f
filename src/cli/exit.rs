//! How a command ends: its outcome, its error, and the exit code of each.

use super::{excerpt, output};
use crate::config;
use std::fmt;
use std::process::ExitCode;

/// The outcome of a command that did its work.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Exit {
    /// Everything worked.
    Success,
    /// A part of the work failed, for example one of the files cannot be read; the rest was done.
    Failed,
    /// The condition of `--fail-on` was met.
    FailOnMet,
    /// Ctrl-C or SIGTERM ended the reading; what was read until then is reported.
    Interrupted,
}

/// Why a command could not do its work.
#[derive(Debug)]
pub(super) enum CliError {
    /// The command line is wrong.
    Usage(String),
    /// The configuration or the patterns are wrong: one error per line.
    Config(Vec<String>),
    /// The reader of our standard output closed it: not an error for the user.
    OutputClosed,
    /// Anything else.
    Failed(String),
}

impl CliError {
    fn exit_code(&self) -> u8 {
        match self {
            Self::Usage(_) => 2,
            Self::Config(_) => config::EXIT_CODE,
            Self::OutputClosed => 0,
            Self::Failed(_) => 1,
        }
    }
}

impl fmt::Display for CliError {
    fn fmt(&self, f: &mut fmt::Formatter<'_>) -> fmt::Result {
        match self {
            Self::Usage(message) | Self::Failed(message) => f.write_str(message),
            Self::Config(errors) => {
                f.write_str(&errors.iter().map(|error| excerpt::with_excerpt(error)).collect::<Vec<_>>().join("\n"))
            }
            Self::OutputClosed => f.write_str("the reader of standard output closed it"),
        }
    }
}

impl From<std::io::Error> for CliError {
    fn from(error: std::io::Error) -> Self {
        if output::is_closed(&error) { Self::OutputClosed } else { Self::Failed(error.to_string()) }
    }
}

/// Prints the error, if there is one to print, and returns the exit code of the process.
pub(super) fn code(result: Result<Exit, CliError>) -> ExitCode {
    match result {
        Ok(Exit::Success) => ExitCode::SUCCESS,
        Ok(Exit::Failed) => ExitCode::from(1),
        Ok(Exit::FailOnMet) => ExitCode::from(3),
        Ok(Exit::Interrupted) => ExitCode::from(130),
        Err(error) => {
            if !matches!(error, CliError::OutputClosed) {
                output::print_error(&error.to_string());
            }
            ExitCode::from(error.exit_code())
        }
    }
}
