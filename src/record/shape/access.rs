//! The access lines of servers (uvicorn, nginx).

use super::quotes::skip_quotes;
use crate::record::line_kind::LineKind;
use crate::record::status::status_prefix;

pub(super) fn read<'a>(message: &'a [u8], logger: &[u8]) -> Option<LineKind<'a>> {
    let begins = matches!(message.first(), Some(b'0'..=b'9' | b'"' | b'-'));
    (begins || is_access_logger(message, logger)).then(|| access(message).unwrap_or_default())
}

/// Whether the name of the logger says that all its lines are access lines.
pub(super) fn is_access_logger(message: &[u8], logger: &[u8]) -> bool {
    !message.is_empty() && logger.ends_with(b"access")
}

/// `127.0.0.1:56510 - "POST /v1/chat/completions HTTP/1.1" 429`, and the same with more fields around it.
pub(super) fn access(message: &[u8]) -> Option<LineKind<'_>> {
    let start = memchr::memmem::find(&message[..message.len().min(200)], b"\"")?;
    let rest = skip_quotes(&message[start..]);
    let mut words = rest.splitn(3, |b| *b == b' ');
    let method = words.next()?;
    if !matches!(method, b"GET" | b"POST" | b"PUT" | b"DELETE" | b"HEAD" | b"OPTIONS" | b"PATCH") {
        return None;
    }
    let path = words.next()?;
    let rest = words.next()?.strip_prefix(b"HTTP/")?;
    let end = rest.iter().position(|b| *b == b'"')?;
    let status = status_prefix(skip_quotes(&rest[end..]))?;
    Some(LineKind::Access { path, status, took_s: None })
}
