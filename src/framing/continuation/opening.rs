//! What a line opens and does not close: an HTML page, or a brace at its end.

use super::shape::Continuation;
use crate::line::contains;

/// Notes what `line` opens and does not close.
pub(super) fn note(shape: &mut Continuation, line: &[u8]) {
    // Google's error page has no end tag. A stack below a page is not part of it.
    if shape.html && (line.starts_with(b"    at ") || contains(line, "That’s all we know")) {
        shape.html = false;
        return;
    }
    if shape.html || contains(line, b"<html") || contains(line, b"<!DOCTYPE") || contains(line, b"<!doctype") {
        shape.html = !contains(line, b"</html>");
    } else if matches!(line.trim_ascii_end().last(), Some(b'{' | b'[' | b'(')) && !shape.brace {
        shape.brace = true;
    }
}
