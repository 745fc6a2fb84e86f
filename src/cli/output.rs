//! Standard output and standard error.

use super::{layout, terminal};
use crate::redact::clean_lines;
use std::io::{self, IsTerminal, Write};

/// The blanks before the further lines of a wrapped message.
const INDENT: usize = 2;

/// Writes to standard output and flushes it.
///
/// # Errors
/// When writing fails; [`is_closed`] distinguishes a closed pipe from other errors.
pub(super) fn print(text: &[u8]) -> io::Result<()> {
    let mut out = io::stdout().lock();
    out.write_all(text).and_then(|()| out.flush())
}

/// Whether the error means that the reader of our output closed it, which is not a failure.
pub(super) fn is_closed(error: &io::Error) -> bool {
    error.kind() == io::ErrorKind::BrokenPipe
}

/// Writes an error to standard error, after the name of the program.
pub(super) fn print_error(text: &str) {
    // Errors show paths and texts of other programs.
    let text = format!("llm-triage: {}", clean_lines(text));
    let text = if io::stderr().is_terminal() { wrapped(&text, terminal::width()) } else { text };
    // When standard error is closed too, no place is left to report that.
    let _ignored = writeln!(io::stderr(), "{text}");
}

/// The text with its long lines wrapped, but for those of excerpts from files, which are indented.
fn wrapped(text: &str, width: usize) -> String {
    let line = |line: &str| {
        if line.starts_with(' ') { line.to_owned() } else { layout::wrap(line, width.saturating_sub(INDENT), INDENT) }
    };
    text.lines().map(line).collect::<Vec<_>>().join("\n")
}

/// The text of a system error without its number, in lower case so that it can follow a colon.
pub(super) fn reason(error: &io::Error) -> String {
    let text = error.to_string();
    let text = text.split(" (os error").next().unwrap_or_default();
    let mut letters = text.chars();
    // `No such file` becomes `no such file`, but `EOF` stays.
    match (letters.next(), letters.next()) {
        (Some(first), Some(second)) if second.is_lowercase() => first.to_lowercase().chain([second]).chain(letters).collect(),
        _ => text.to_owned(),
    }
}
