//! Stacks without indentation, causes below a stack, and what runtimes print around one.

use super::opening;
use super::shape::{Continuation, Section, Step};
use crate::line::contains;

/// Lines that belong to the error above them.
const PARTS: [&[u8]; 42] = [
    b"Caused by",
    b"caused by: ",
    // What Julia prints around the text of an answer.
    b"\"\"\"",
    // The items of a list in a message; rlang marks what is wrong and what helps.
    b"* ",
    "• ".as_bytes(),
    b"! ",
    "ℹ ".as_bytes(),
    "✖ ".as_bytes(),
    b"Run `rlang::",
    b"Backtrace:",
    b"Suppressed: ",
    b"Wrapped by: ",
    b"... ",
    b"---> ",
    b"--- Cause ---",
    b"Stack trace:",
    b"Stacktrace:",
    b"Stack Trace:",
    b"[stacktrace]",
    b"[previous exception]",
    b"Stack backtrace:",
    b"stack backtrace:",
    b"stack traceback:",
    b"Location:",
    b"Backtrace omitted",
    b"Run with RUST_BACKTRACE",
    b"future: <",
    b"handle: <",
    b"Call stack:",
    b"note: run with `RUST_BACKTRACE",
    b"note: Some details are omitted",
    b"exit status ",
    b"created by ",
    b"[signal ",
    b"[recovered]",
    b"Node.js v",
    b"During task with name '",
    b"For more information check: ",
    b"For troubleshooting, visit: ",
    b"Troubleshooting URL: ",
    b"Received Model Group=",
    b"Available Model Group Fallbacks=",
];

/// Notes that the first line of an event opens the frames of a goroutine.
pub(super) fn open(shape: &mut Continuation, line: &[u8]) {
    if is_goroutine(line) {
        (shape.section, shape.stack) = (Section::Goroutine, true);
    }
}

pub(super) fn step(shape: &mut Continuation, line: &[u8], after_blank: bool) -> Step {
    if shape.section == Section::Goroutine && !after_blank {
        return Step::Joins;
    }
    let is_java = line.starts_with(b"Caused by") || line.starts_with(b"... ");
    if !(shape.is_failure() || !shape.calm || is_java) || !is_part(line) {
        return Step::NotMine;
    }
    if is_goroutine(line) {
        shape.section = Section::Goroutine;
    }
    (shape.stack, shape.awaits) = (true, false);
    opening::note(shape, line);
    Step::Joins
}

/// Whether a line with a symbol is an item below an error of rlang, and no entry of its own.
pub(super) fn is_item(first: &[u8], line: &[u8]) -> bool {
    first.starts_with(b"Error in `") && ["• ", "ℹ ", "✖ "].iter().any(|symbol| line.starts_with(symbol.as_bytes()))
}

pub(super) fn is_part(line: &[u8]) -> bool {
    is_frame(line) || is_goroutine(line) || PARTS.iter().any(|part| line.starts_with(part)) || line == b"\"}" || line == b"\"} "
}

/// `goroutine 1 [running]:`.
fn is_goroutine(line: &[u8]) -> bool {
    line.starts_with(b"goroutine ") && line.ends_with(b"]:")
}

/// `at OpenAI.makeRequest (file:///app/…:357:24)`, `#0 /app/Chat.php(12): ask()`, `app/chat.rb:12:in 'ask'`.
fn is_frame(line: &[u8]) -> bool {
    match line.first() {
        Some(b'a') if line.starts_with(b"at ") => line.ends_with(b")") || ends_with_place(line) || contains(line, b" in "),
        // `--- End of stack trace from previous location ---` of .NET, in any language.
        Some(b'-') => line.starts_with(b"--- ") && line.ends_with(b" ---"),
        Some(b'<') => line == b"<asynchronous suspension>",
        Some(b'#') => line[1..].iter().take_while(|b| b.is_ascii_digit()).count() > 0,
        _ => contains(line, b".rb:") && contains(line, b":in "),
    }
}

/// `…:12:34`.
fn ends_with_place(line: &[u8]) -> bool {
    let column = line.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    column > 0 && line[..line.len() - column].ends_with(b":")
}
