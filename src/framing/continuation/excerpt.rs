//! Excerpts of source code around an error: `414 |   throw new Error(`, `> 12 | …`. Bun prints one above the error, Next.js below
//! the stack.

use super::shape::{Continuation, Section, Step};
use crate::line::skip_colours;

/// How Bun begins the error below an excerpt.
const ERROR: &[u8] = b"error: ";

/// Notes that the event begins with an excerpt.
pub(super) fn open(shape: &mut Continuation, line: &[u8]) {
    if is_excerpt(line) {
        shape.section = Section::Excerpt;
    }
}

pub(super) fn step(shape: &mut Continuation, line: &[u8], after_blank: bool) -> Step {
    let follows = shape.section == Section::Excerpt || shape.is_failure() || !shape.calm;
    if after_blank || !follows || !is_excerpt(line) {
        return Step::NotMine;
    }
    // A brace in the code says nothing about the lines of the log.
    (shape.section, shape.brace) = (Section::Excerpt, false);
    Step::Joins
}

/// Whether `line` is the error below an excerpt, although it looks like an entry.
pub(super) fn names_error(shape: &Continuation, line: &[u8]) -> bool {
    shape.section == Section::Excerpt && skip_colours(line).starts_with(ERROR)
}

fn is_excerpt(line: &[u8]) -> bool {
    let line = line.strip_prefix(b"> ").unwrap_or(line);
    let digits = line.iter().take_while(|b| b.is_ascii_digit()).count();
    (1..=6).contains(&digits) && line.get(digits..).is_some_and(|rest| rest.starts_with(b" | ") || rest == b" |")
}
