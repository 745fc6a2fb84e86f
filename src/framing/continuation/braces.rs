//! The lines of an object dump or of pretty-printed JSON, up to the closing brace.

use super::opening;
use super::shape::{Continuation, Section, Step, Traceback};

pub(super) fn step(shape: &mut Continuation, line: &[u8], after_blank: bool) -> Step {
    if !shape.brace {
        if line == b"{" && shape.stack && !shape.headed && !after_blank && shape.traceback == Traceback::None {
            // The body below the stack of an exception.
            shape.brace = true;
            return Step::Joins;
        }
        // `, links {` and `]` of a protobuf message: such a line begins nothing.
        let goes_on = matches!(line.first(), Some(b',' | b'}' | b']' | b')')) && shape.is_failure();
        if goes_on {
            opening::note(shape, line);
        }
        return if goes_on { Step::Joins } else { Step::NotMine };
    }
    if is_closing(line) {
        (shape.brace, shape.section) = (false, Section::None);
        shape.done |= !shape.headed;
    }
    Step::Joins
}

fn is_closing(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'}' | b']' | b')')) && line.len() <= 4
}
