//! Further lines of a message: lines without a header below a line that has one, and the rest of an exception's text.

use super::opening;
use super::shape::{Continuation, Step, Traceback};

/// The last kind: it decides about every line.
pub(super) fn step(shape: &mut Continuation, line: &[u8], after_blank: bool) -> Step {
    let joins = !shape.done && if shape.headed { !after_blank } else { shape.traceback == Traceback::Ended };
    if !joins {
        return Step::Ends;
    }
    shape.awaits = false;
    opening::note(shape, line);
    Step::Joins
}
