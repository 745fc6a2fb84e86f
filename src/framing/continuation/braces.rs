//! The lines of an object dump or of pretty-printed JSON, up to the closing brace or the next header.

use super::shape::{Continuation, Step};
use crate::line::entry_level;

pub(super) fn step(shape: &mut Continuation, line: &[u8], _after_blank: bool) -> Step {
    if !shape.brace {
        return Step::NotMine;
    }
    if entry_level(line).is_some() {
        return Step::Ends;
    }
    if is_closing(line) {
        shape.brace = false;
        shape.done |= !shape.headed;
    }
    Step::Joins
}

fn is_closing(line: &[u8]) -> bool {
    matches!(line.first(), Some(b'}' | b']' | b')')) && line.len() <= 4
}
