//! httpx and the debug lines of SDKs: `HTTP Request: POST https://… "HTTP/1.1 429 Too Many Requests"`.

use super::quotes::skip_quotes;
use crate::record::line_kind::LineKind;
use crate::record::status::status_prefix;

pub(super) fn read(message: &[u8]) -> Option<LineKind<'_>> {
    message.starts_with(b"HTTP Re").then(|| transport(message).unwrap_or_default())
}

/// `HTTP Request: POST https://… "HTTP/1.1 429 Too Many Requests"`, `HTTP Response: POST https://… "200 OK" Headers(…)`.
/// Inside a JSON string the quotes have backslashes before them.
fn transport(message: &[u8]) -> Option<LineKind<'_>> {
    let at = memchr::memmem::find(message, b": ")?;
    let mut words = message[at + 2..].splitn(3, |b| *b == b' ');
    let _method = words.next()?;
    let url = words.next()?;
    let rest = words.next()?;
    let rest = skip_quotes(rest);
    let rest = match rest.strip_prefix(b"HTTP/") {
        Some(version) => &version[memchr::memchr(b' ', version)? + 1..],
        None => rest,
    };
    // What stands behind the line is more than the client's: the answer's body, which says what failed.
    let ends = memchr::memchr(b'\n', rest).or_else(|| memchr::memmem::find(rest, b"\\n"));
    let more = ends.is_some_and(|at| memchr::memmem::find(&rest[at..], b"error").is_some());
    if more { None } else { Some(LineKind::Transport { url, status: status_prefix(rest)? }) }
}
