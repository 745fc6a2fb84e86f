//! The columns of gin (ollama, LocalAI, one-api's forks) and of fiber: bars around status, duration, client and request.

use super::request_line::RequestLine;
use crate::record::duration::go_duration_s;
use crate::record::line_kind::LineKind;
use crate::record::status::status_prefix;

/// The columns of a line that are looked at.
const COLUMNS: usize = 6;

/// `2026/11/20 - 09:16:51 | 500 | 51.787708541s | 127.0.0.1 | POST "/api/chat"`, `| 429 | 1.2ms | 127.0.0.1 | POST | /v1/chat`, in colours
/// or not. one-api and its forks put the request's id before the status.
pub(super) fn read(message: &[u8]) -> Option<LineKind<'_>> {
    memchr::memchr(b'|', message)?;
    let mut columns = message.split(|b| *b == b'|').take(COLUMNS).map(without_colours).peekable();
    let status = columns.by_ref().find_map(|column| status_prefix(column).filter(|_| column.len() == 3))?;
    let took_s = go_duration_s(columns.next()?)?;
    let path = RequestLine::find(message)?.path()?;
    Some(LineKind::Access { path, status, took_s: Some(took_s) })
}

/// A column without its padding, and without the colours at its ends.
fn without_colours(column: &[u8]) -> &[u8] {
    let mut column = column.trim_ascii();
    while column.first() == Some(&0x1b) {
        let end = column.iter().position(u8::is_ascii_alphabetic).map_or(column.len(), |at| at + 1);
        column = column[end..].trim_ascii();
    }
    column.split(|b| *b == 0x1b).next().unwrap_or_default().trim_ascii()
}
