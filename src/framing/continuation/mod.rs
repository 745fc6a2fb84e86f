//! Whether a line continues the event before it, decided by the shape of the line.
//!
//! One file per kind of continuation. The kinds are asked in the order of [`KINDS`]; the first one that recognises the line
//! decides. Adding a kind is a file and a line in that list.

mod braces;
mod cause;
mod html;
mod indented;
mod message;
mod opening;
mod shape;
mod traceback;

pub(super) use shape::Continuation;

use crate::line::{entry_level, is_sdk_line};
use shape::Step;

/// One kind of continuation: what it makes of a line, given the event so far and whether the line follows a blank one.
type Kind = fn(&mut Continuation, &[u8], bool) -> Step;

/// The kinds in the order in which they are asked.
const KINDS: [Kind; 6] = [indented::step, html::step, traceback::step, braces::step, cause::step, message::step];

/// The shape of an event that begins with this line.
pub(super) fn of_first(line: &[u8]) -> Continuation {
    let level = entry_level(line);
    let mut shape = Continuation::new(level);
    if !traceback::open(&mut shape, line) {
        opening::note(&mut shape, line);
    }
    // Below a line of an SDK, only the object that it opens belongs to it; the rest is the application's.
    shape.done = is_sdk_line(line);
    // A process that dies prints its traceback below any line.
    shape.calm = level.is_none() && !traceback::may_precede(line);
    shape
}

/// The shape of the event with `line` added, if `line` continues the event.
pub(super) fn joined(mut shape: Continuation, line: &[u8], after_blank: bool) -> Option<Continuation> {
    for kind in KINDS {
        match kind(&mut shape, line, after_blank) {
            Step::NotMine => {}
            Step::Joins => return Some(shape),
            Step::Ends => return None,
        }
    }
    None
}
