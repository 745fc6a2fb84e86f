//! Java's `Caused by: …` and `... 12 more` below a stack.

use super::shape::{Continuation, Step};

pub(super) fn step(_shape: &mut Continuation, line: &[u8], _after_blank: bool) -> Step {
    if line.starts_with(b"Caused by") || line.starts_with(b"... ") { Step::Joins } else { Step::NotMine }
}
