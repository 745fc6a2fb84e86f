//! Lines that clients and servers write in shapes of their own. One file per shape; adding one is a file and a line in
//! [`line_kind`].

mod access;
mod client;
mod duration;
mod exchange;
mod gin;
mod httpx;
mod openai_sdk;
mod quotes;
mod request_line;
mod retry;
mod urllib3;

pub(super) use openai_sdk::url_of_sdk;
pub(super) use request_line::{RequestLine, is_method};

use super::line_kind::LineKind;

/// The kind of line that the shape of its message shows.
///
/// Each shape returns `None` for a message that does not begin like it. If the beginning fits and the rest does not, it
/// may return `Some(LineKind::None)`, and no other shape is tried.
pub(super) fn line_kind<'a>(message: &'a [u8], logger: &[u8]) -> LineKind<'a> {
    httpx::read(message)
        .or_else(|| retry::read(message))
        .or_else(|| exchange::read(message))
        .or_else(|| openai_sdk::read(message))
        .or_else(|| client::read(message, logger))
        .or_else(|| gin::read(message))
        .or_else(|| access::read(message, logger))
        .unwrap_or_default()
}

/// The kind of a line of text with words of an unknown head before the message.
pub(super) fn line_kind_within(line: &[u8]) -> LineKind<'_> {
    httpx::find_in(line).unwrap_or_default()
}
