//! The connection pool of urllib3: `https://api.openai.com:443 "POST /v1/chat/completions HTTP/1.1" 429 None`.

use super::access::access;
use crate::record::line_kind::LineKind;

pub(super) fn read(message: &[u8]) -> Option<LineKind<'_>> {
    message.starts_with(b"http").then(|| pooled(message).unwrap_or_default())
}

/// `https://api.openai.com:443 "POST /v1/chat/completions HTTP/1.1" 429 None`, the way urllib3's pool puts it.
fn pooled(message: &[u8]) -> Option<LineKind<'_>> {
    let end = memchr::memchr(b' ', message)?;
    let LineKind::Access { path, status, .. } = access(message)? else { return None };
    let path = memchr::memmem::find(message, path)? + path.len();
    let bare = text_has_no_path(&message[..end]);
    bare.then_some(LineKind::Transport { url: &message[..path], status })
}

fn text_has_no_path(url: &[u8]) -> bool {
    memchr::memmem::find(url, b"://").is_some_and(|at| memchr::memchr(b'/', &url[at + 3..]).is_none())
}
