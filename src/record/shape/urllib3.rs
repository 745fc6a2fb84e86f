//! The connection pool of urllib3: `https://api.openai.com:443 "POST /v1/chat/completions HTTP/1.1" 429 None`, behind any words.

use super::request_line::RequestLine;
use crate::line::find;
use crate::record::line_kind::LineKind;

/// The line of a client if the word before a quoted request is the address of a server.
pub(super) fn pooled<'a>(line: &'a [u8], request: RequestLine<'a>, status: u16) -> Option<LineKind<'a>> {
    let before = request.before.trim_ascii_end();
    let start = memchr::memrchr(b' ', before).map_or(0, |at| at + 1);
    let end = request.before.len() + find(&line[request.before.len()..], request.target)? + request.target.len();
    is_origin(&before[start..]).then_some(LineKind::Transport { url: &line[start..end], status })
}

/// Whether an address has no path.
fn is_origin(url: &[u8]) -> bool {
    url.starts_with(b"http") && find(url, b"://").is_some_and(|at| memchr::memchr(b'/', &url[at + 3..]).is_none())
}
