//! The lines of an HTML page inside a message, up to its end tag or the next header.

use super::opening;
use super::shape::{Continuation, Step};
use crate::line::entry_level;

pub(super) fn step(shape: &mut Continuation, line: &[u8], _after_blank: bool) -> Step {
    if !shape.html {
        return Step::NotMine;
    }
    if entry_level(line).is_some() {
        return Step::Ends;
    }
    opening::note(shape, line);
    shape.done |= !shape.html && !shape.headed;
    Step::Joins
}
