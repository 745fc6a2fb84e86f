//! The connection pool of urllib3: `https://api.openai.com:443 "POST /v1/chat/completions HTTP/1.1" 429 None`.

use super::access::access;
use crate::line::find;
use crate::record::line_kind::LineKind;

pub(super) fn read(message: &[u8]) -> Option<LineKind<'_>> {
    message.starts_with(b"http").then(|| pooled(message).unwrap_or_default())
}

fn pooled(message: &[u8]) -> Option<LineKind<'_>> {
    let end = memchr::memchr(b' ', message)?;
    let LineKind::Access { path, status, .. } = access(message)? else { return None };
    let url_end = find(message, path)? + path.len();
    is_origin(&message[..end]).then_some(LineKind::Transport { url: &message[..url_end], status })
}

/// Whether an address has no path.
fn is_origin(url: &[u8]) -> bool {
    find(url, b"://").is_some_and(|at| memchr::memchr(b'/', &url[at + 3..]).is_none())
}
