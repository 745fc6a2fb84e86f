//! The line that names an exception below the line that announces it.

use super::shape::{Continuation, Step, Traceback};
use crate::line::{begins_exception, reports_exception};

/// Notes what the first line of an event says of an exception.
pub(super) fn open(shape: &mut Continuation, line: &[u8]) {
    shape.stack = !shape.headed && begins_exception(line);
    shape.awaits = line.trim_ascii_end().ends_with(b":") && !shape.calm
        || !shape.headed && (is_code_place(line) || line.starts_with(b"Exception has occurred: "));
}

pub(super) fn step(shape: &mut Continuation, line: &[u8], after_blank: bool) -> Step {
    if shape.traceback == Traceback::Ended && !after_blank {
        return Step::NotMine;
    }
    // Below a quiet line, which may be any other, a report of an error is the program's next line.
    let begins = begins_exception(line) || shape.quiet && shape.calm && reports_exception(line);
    // `thread 'main' panicked at src/main.rs:4:5:` has its message in the next line, whatever it says.
    let is_text = shape.awaits && shape.stack;
    if !(begins || is_text) {
        return Step::NotMine;
    }
    let is_apart = after_blank && shape.stack || shape.done;
    let follows = shape.awaits || shape.headed && !shape.calm && !is_apart;
    if !follows {
        return Step::Ends;
    }
    (shape.awaits, shape.stack) = (begins && line.ends_with(b":"), true);
    super::opening::note(shape, line);
    Step::Joins
}

/// `/app/index.js:10`, `node:internal/process/promises:288`, `file:///app/main.mjs:3`: Node prints the place, the source and then
/// the error.
fn is_code_place(line: &[u8]) -> bool {
    let digits = line.iter().rev().take_while(|b| b.is_ascii_digit()).count();
    let place = &line[..line.len() - digits];
    digits > 0
        && place.ends_with(b":")
        && !place.contains(&b' ')
        && (place.starts_with(b"/") || place.starts_with(b"node:") || place.starts_with(b"file://"))
}
