//! Tracebacks of `IPython` and Jupyter: a rule of hyphens, the class beside `Traceback (most recent call last)`, frames with
//! excerpts of the source and blank lines between them, and at last the exception. A pasted one may begin with a frame.

use super::opening;
use super::shape::{Continuation, Section, Step, Traceback};
use super::traceback;
use crate::line::{begins_exception, contains, find};

/// The least length of the rule above a traceback; `IPython` draws 75 hyphens.
const RULE: usize = 40;

/// Notes that the event begins with a rule or with the line below it.
pub(super) fn open(shape: &mut Continuation, line: &[u8]) -> bool {
    if is_rule(line) {
        shape.awaits = true;
        return true;
    }
    let opens = is_start(line) || is_place(line);
    if opens {
        start(shape);
    }
    opens
}

pub(super) fn step(shape: &mut Continuation, line: &[u8], after_blank: bool) -> Step {
    if is_start(line) {
        let joins = shape.awaits && !after_blank || shape.traceback == Traceback::Chained || shape.headed && !shape.calm;
        start(shape);
        return if joins { Step::Joins } else { Step::Ends };
    }
    if is_rule(line) {
        return if shape.traceback == Traceback::Chained { Step::Joins } else { Step::Ends };
    }
    if shape.section != Section::Notebook {
        return Step::NotMine;
    }
    if begins_exception(line) || after_blank && !is_frame(line) {
        (shape.section, shape.traceback) = (Section::None, Traceback::Ended);
        shape.done = !shape.headed && !traceback::exception_continues(line);
        opening::note(shape, line);
    }
    Step::Joins
}

fn start(shape: &mut Continuation) {
    (shape.section, shape.traceback, shape.stack) = (Section::Notebook, Traceback::None, true);
    (shape.awaits, shape.done) = (false, false);
}

fn is_rule(line: &[u8]) -> bool {
    line.len() >= RULE && line.iter().all(|b| *b == b'-')
}

/// `RateLimitError                            Traceback (most recent call last)`.
fn is_start(line: &[u8]) -> bool {
    line.ends_with(b"Traceback (most recent call last)") && contains(line, b"  Traceback") && line[0].is_ascii_alphabetic()
}

/// `File ~/app/llm.py:81, in ask(turns)`: the place of a frame. Python itself puts the name of the file in quotes.
fn is_place(line: &[u8]) -> bool {
    let Some(place) = line.strip_prefix(b"File ").filter(|place| !place.starts_with(b"\"")) else { return false };
    let Some(at) = find(place, b", in ") else { return false };
    let digits = place[..at].iter().rev().take_while(|b| b.is_ascii_digit()).count();
    digits > 0 && place[..at - digits].ends_with(b":")
}

/// The place above an excerpt, the line of the excerpt that raised, or any indented line of it.
fn is_frame(line: &[u8]) -> bool {
    const STARTS: [&[u8]; 10] = [b" ", b"File ", b"Cell ", b"Input ", b"<ipython-input", b"-", b"~/", b"/", b"(...)", b"\t"];
    STARTS.iter().any(|start| line.starts_with(start)) || line[0].is_ascii_digit()
}
