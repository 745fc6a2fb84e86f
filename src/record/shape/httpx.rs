//! httpx and the debug lines of SDKs: `HTTP Request: POST https://… "HTTP/1.1 429 Too Many Requests"`.

use super::quotes::skip_quotes;
use crate::line::{contains, find};
use crate::record::line_kind::LineKind;
use crate::record::status::status_prefix;

pub(super) fn read(message: &[u8]) -> Option<LineKind<'_>> {
    message.starts_with(b"HTTP Re").then(|| transport(message).unwrap_or_default())
}

/// The same behind words that belong to no known head.
pub(super) fn find_in(line: &[u8]) -> Option<LineKind<'_>> {
    const HEAD_BYTES: usize = 240;
    let at = find(&line[..line.len().min(HEAD_BYTES)], b"HTTP Request: ")?;
    transport(&line[at..])
}

/// `HTTP Request: POST https://… "HTTP/1.1 429 Too Many Requests"`, `HTTP Response: POST https://… "200 OK" Headers(…)`.
/// Inside a JSON string the quotes have backslashes before them.
fn transport(message: &[u8]) -> Option<LineKind<'_>> {
    let at = find(message, b": ")?;
    let mut words = message[at + 2..].splitn(3, |b| *b == b' ');
    let _method = words.next()?;
    let url = words.next()?;
    let rest = words.next()?;
    let rest = skip_quotes(rest);
    let rest = match rest.strip_prefix(b"HTTP/") {
        Some(version) => &version[memchr::memchr(b' ', version)? + 1..],
        None => rest,
    };
    // Some clients append the body of the answer, which says what failed. Such a line is read as a text.
    let ends = memchr::memchr(b'\n', rest).or_else(|| find(rest, b"\\n"));
    let more = ends.is_some_and(|at| contains(&rest[at..], b"error"));
    if more { None } else { Some(LineKind::Transport { url, status: status_prefix(rest)? }) }
}
