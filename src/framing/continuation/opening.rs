//! What a line opens and does not close: an HTML page, a brace at its end, or an exception without its message.

use super::shape::{Continuation, Section};
use crate::line::{contains, find};

/// Notes what `line` opens and does not close.
pub(super) fn note(shape: &mut Continuation, line: &[u8]) {
    if line.ends_with(b" -") && shape.is_failure() {
        // `litellm.InternalServerError: AnthropicError -`: the body is in the next line.
        shape.section = Section::Body;
    }
    if line.ends_with(b")") && has_status_alone(line) {
        // `System.ClientModel.ClientResultException: HTTP 429 (…)`: the message comes after a blank line.
        (shape.awaits, shape.stack) = (true, true);
    }
    // Most lines have no tag.
    let has_tag = shape.html || memchr::memchr(b'<', line).is_some();
    // Google's error page has no end tag. A stack below a page is not part of it.
    if shape.html && (line.starts_with(b"    at ") || contains(line, "That’s all we know")) {
        shape.html = false;
        return;
    }
    if has_tag && (shape.html || contains(line, b"<html") || contains(line, b"<!DOCTYPE") || contains(line, b"<!doctype")) {
        shape.html = !contains(line, b"</html>");
    } else if matches!(line.trim_ascii_end().last(), Some(b'{' | b'[' | b'(')) && !shape.brace {
        shape.brace = true;
    }
}

/// `HTTP 429 (insufficient_quota: insufficient_quota)` at the end of a line.
fn has_status_alone(line: &[u8]) -> bool {
    let Some(at) = find(line, b"HTTP ") else { return false };
    let is_status =
        line.get(at + 5..at + 10).is_some_and(|rest| rest[..3].iter().all(u8::is_ascii_digit) && rest.ends_with(b" ("));
    is_status && contains(line, b"xception")
}
