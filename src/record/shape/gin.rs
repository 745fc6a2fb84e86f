//! gin, the HTTP framework of ollama and of one-api's forks.

use super::access::is_access_logger;
use crate::record::duration::go_duration_s;
use crate::record::line_kind::LineKind;
use crate::record::status::status_prefix;

pub(super) fn read<'a>(message: &'a [u8], logger: &[u8]) -> Option<LineKind<'a>> {
    match message.first()? {
        // A line that begins with a number may also be an access line.
        b'0'..=b'9' => gin(message),
        b'[' if message.starts_with(b"[GIN]") => Some(gin(message).unwrap_or_default()),
        b'|' if !is_access_logger(message, logger) => Some(gin(message).unwrap_or_default()),
        _ => None,
    }
}

/// `[GIN] 2026/11/20 - 09:16:51 | 500 | 51.787708541s | 127.0.0.1 | POST "/api/chat"`, with or without the part before the
/// first bar.
fn gin(message: &[u8]) -> Option<LineKind<'_>> {
    let mut fields = message.split(|b| *b == b'|').map(<[u8]>::trim_ascii).peekable();
    // The head of a line ends behind its time: what is left may begin with the status.
    if fields.peek().is_some_and(|field| field.len() != 3 || status_prefix(field).is_none()) {
        fields.next();
    }
    // one-api and its forks put the request's id before the status.
    if fields.peek().is_some_and(|field| field.len() >= 16 && field.iter().all(u8::is_ascii_alphanumeric)) {
        fields.next();
    }
    let status = status_prefix(fields.next()?)?;
    let took = fields.next()?;
    let _client = fields.next()?;
    let request = fields.next()?;
    let at = memchr::memchr(b'"', request).or_else(|| memchr::memchr(b'/', request)?.checked_sub(1))?;
    let path = request[at + 1..].split(|b| matches!(b, b'"' | b'\\')).next()?;
    Some(LineKind::Access { path, status, took_s: go_duration_s(took) })
}
