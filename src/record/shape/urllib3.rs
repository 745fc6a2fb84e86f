//! The connection pool of urllib3: `https://api.openai.com:443 "POST /v1/chat/completions HTTP/1.1" 429 None`.

use super::access::access;
use super::request_line::RequestLine;
use crate::line::find;
use crate::record::line_kind::LineKind;

pub(super) fn read(message: &[u8]) -> Option<LineKind<'_>> {
    message.starts_with(b"http").then(|| pooled(message)).flatten()
}

fn pooled(message: &[u8]) -> Option<LineKind<'_>> {
    let request = RequestLine::find(message)?;
    let LineKind::Access { path, status, .. } = access(request, false)? else { return None };
    let url_end = find(message, path)? + path.len();
    let is_pool = request.quoted && is_origin(request.before.trim_ascii_end());
    is_pool.then_some(LineKind::Transport { url: &message[..url_end], status })
}

/// Whether an address has no path.
fn is_origin(url: &[u8]) -> bool {
    find(url, b"://").is_some_and(|at| url[at + 3..].iter().all(|b| !matches!(b, b'/' | b' ')))
}
