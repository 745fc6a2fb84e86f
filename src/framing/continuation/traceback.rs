//! Python's tracebacks: their start, their frames, the line that names the exception, and chains of tracebacks.

use super::opening;
use super::shape::{Continuation, Step, Traceback};
use crate::line::contains;
use std::mem;

pub(super) fn step(shape: &mut Continuation, line: &[u8], after_blank: bool) -> Step {
    if is_start(line) {
        let may_follow = shape.headed || !after_blank;
        let first = shape.traceback == Traceback::None && !shape.done && !shape.calm && may_follow;
        let joins = first || shape.traceback == Traceback::Chained;
        open(shape, line);
        return if joins { Step::Joins } else { Step::Ends };
    }
    if is_chain_mark(line) && shape.is_failure() {
        shape.traceback = Traceback::Chained;
        return Step::Joins;
    }
    let is_frame = matches!(line.first(), Some(b' ' | b'\t')) || is_boxed_frame(line);
    if shape.traceback == Traceback::Frames {
        let is_rest = mem::replace(&mut shape.awaits, lacks_name(line));
        if is_rest && !after_blank && is_name(line) {
            return Step::Joins;
        }
    }
    if shape.traceback == Traceback::Frames && !is_frame {
        // The first line that is not indented names the exception.
        (shape.traceback, shape.stack) = (Traceback::Ended, true);
        shape.done = !shape.headed && !exception_continues(line);
        opening::note(shape, line);
        return Step::Joins;
    }
    Step::NotMine
}

/// Notes that a traceback begins, if `line` is the start of one.
pub(super) fn open(shape: &mut Continuation, line: &[u8]) -> bool {
    let opens = is_start(line);
    if opens {
        // All lines of a group are indented, also those that name its exceptions.
        let is_group = line.starts_with(b" ");
        shape.traceback = if is_group { Traceback::Ended } else { Traceback::Frames };
        shape.done = is_group && !shape.headed;
    }
    opens
}

/// A line of rich's box around the frames, or the frame at which loguru caught the exception.
pub(super) fn is_boxed_frame(line: &[u8]) -> bool {
    ["│", "╰", "─", "> File \""].iter().any(|start| line.starts_with(start.as_bytes()))
}

/// Whether a line without a header may be the first line of the traceback below it: it has a word for a failure, or ends in
/// a colon.
///
/// The words are parts of words in the usual cases, because this runs on every line without a header. They are not those of
/// `record::signals::noise`, which decide about a verdict: this list may be wider, as it only joins lines.
pub(super) fn may_precede(line: &[u8]) -> bool {
    const WORDS: [&[u8]; 12] =
        [b"rror", b"xception", b"ail", b"rash", b"nable", b"annot", b"ould not", b"RROR", b"AIL", b"hread", b"raised", b"ask "];
    let head = &line[..line.len().min(400)];
    line.trim_ascii_end().ends_with(b":") || WORDS.iter().any(|word| contains(head, word))
}

pub(super) fn is_start(line: &[u8]) -> bool {
    line.starts_with(b"Traceback (most recent call last)")
        || line.starts_with(b"  + Exception Group Traceback")
        || (line.starts_with("╭─".as_bytes()) || line.starts_with("──".as_bytes()))
            && contains(line, b" Traceback (most recent call last) ")
}

/// `  File "/app/main.py", line 12, in`: a frame that was wrapped to the width of a terminal before the name of its function.
fn lacks_name(line: &[u8]) -> bool {
    line.starts_with(b"  File \"") && line.trim_ascii_end().ends_with(b", in")
}

/// `draft`, `<module>`: the name of a function alone.
fn is_name(line: &[u8]) -> bool {
    line.trim_ascii_end().iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'<' | b'>'))
}

pub(super) fn is_chain_mark(line: &[u8]) -> bool {
    line.starts_with(b"During handling of the above exception") || line.starts_with(b"The above exception was ")
}

/// Whether the text of the exception continues in the next lines.
pub(super) fn exception_continues(line: &[u8]) -> bool {
    let (mut open, mut close, mut before) = (0, 0, 0);
    for byte in line {
        match byte {
            // A bracket behind an escape begins a colour.
            b'[' if before == 0x1b => {}
            b'{' | b'[' | b'(' => open += 1,
            b'}' | b']' | b')' => close += 1,
            _ => {}
        }
        before = *byte;
    }
    open > close
        || contains(line, b"validation error")
        || line.ends_with(b":")
        || contains(line, b"<html")
        || contains(line, b"for url '")
}
