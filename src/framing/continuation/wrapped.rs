//! The text of an exception that a console has wrapped at its width: aider and other tools print so. Inside a body, a line of any
//! length may be broken.

use super::shape::Continuation;
use crate::line::begins_exception;

/// The width of a console that has not said its own.
const WIDTH: usize = 80;
/// A shorter line is not wrapped, in bytes.
const SHORTEST: usize = 24;

/// Notes how long a line is that may have been wrapped.
pub(super) fn open(shape: &mut Continuation, line: &[u8]) {
    if !shape.headed && begins_exception(line) {
        shape.wrapped = if is_inside_body(line) { u8::MAX } else { wrapped_length(line) };
    }
}

/// Whether a line ends inside a string of a body that it opened: `… 'body': b'{"message":"The`.
fn is_inside_body(line: &[u8]) -> bool {
    let count = |byte: u8| memchr::memchr_iter(byte, line).count();
    let ends_in_word = line.last().is_some_and(u8::is_ascii_alphanumeric);
    ends_in_word && count(b'{') > count(b'}') && count(b'"') % 2 == 1
}

/// Whether `line` is the rest of the line before it, which was `before` bytes long: its first word did not fit there.
pub(super) fn follows(before: u8, line: &[u8], after_blank: bool) -> bool {
    let word = line.iter().take_while(|b| **b != b' ').count();
    before > 0 && !after_blank && word > 0 && usize::from(before) + word > WIDTH && !begins_exception(line)
}

/// The length of a line that a console may have wrapped: it ends in the blank of the place, or fills the width. 0 for any other line.
pub(super) fn wrapped_length(line: &[u8]) -> u8 {
    let is_wrapped = line.len() == WIDTH || line.ends_with(b" ") && (SHORTEST..=WIDTH).contains(&line.len());
    u8::try_from(line.len()).ok().filter(|_| is_wrapped).unwrap_or_default()
}
