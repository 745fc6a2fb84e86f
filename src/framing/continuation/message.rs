//! Further lines of a message: lines without a header below a line that has one, and the rest of an exception's text.

use super::opening;
use super::shape::{Continuation, Step, Traceback};
use crate::line::entry_level;

/// The last kind: it decides about every line.
pub(super) fn step(shape: &mut Continuation, line: &[u8], after_blank: bool) -> Step {
    if shape.done || entry_level(line).is_some() {
        return Step::Ends;
    }
    if shape.headed && is_litellm_hint(line) {
        return Step::Joins;
    }
    let joins = match shape.headed {
        true => !(after_blank || shape.quiet && is_error(line)),
        false => shape.traceback == Traceback::Ended,
    };
    if !joins {
        return Step::Ends;
    }
    opening::note(shape, line);
    Step::Joins
}

/// What LiteLLM prints below an error and a blank line.
fn is_litellm_hint(line: &[u8]) -> bool {
    line.starts_with(b"LiteLLM: model group '") || line.starts_with(b"Received Model Group=")
}

/// `RateLimitError: …`, `Error code: 429 …`: an error of its own, not a part of a quiet message above.
fn is_error(line: &[u8]) -> bool {
    let word = line.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_'))).unwrap_or(line.len());
    let (name, rest) = line.split_at(word);
    let is_class = rest.starts_with(b":") && (name.ends_with(b"Error") || name.ends_with(b"Exception"));
    is_class || line.starts_with(b"Error code: ")
}
