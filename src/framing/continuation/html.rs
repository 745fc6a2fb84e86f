//! The lines of an HTML page inside a message, up to its end tag.

use super::opening;
use super::shape::{Continuation, Step};

pub(super) fn step(shape: &mut Continuation, line: &[u8], _after_blank: bool) -> Step {
    if !shape.html {
        return Step::NotMine;
    }
    opening::note(shape, line);
    shape.done |= !shape.html && !shape.headed;
    Step::Joins
}
