//! openai-node's and Anthropic's lines about a request.

use crate::line::{contains, is_sdk_line};
use crate::record::duration::go_duration_s;
use crate::record::line_kind::LineKind;
use crate::record::status::status_prefix;

pub(super) fn read(message: &[u8]) -> Option<LineKind<'_>> {
    is_sdk_line(message).then(|| sdk(message).unwrap_or_default())
}

/// `[log_3885f9, x-request-id: "req_1"] post https://… failed with status 429 in 35ms - retrying, 1 attempts remaining`.
fn sdk(message: &[u8]) -> Option<LineKind<'_>> {
    let rest = &message[memchr::memchr(b']', message)? + 1..];
    let retrying = contains(rest, b"retrying");
    let status = after(rest, b"with status ").and_then(status_prefix);
    if status.is_none() && !contains(rest, b"timed out") && !contains(rest, b"connection") {
        return None;
    }
    let took_s = after(rest, b" in ").and_then(|text| go_duration_s(text.split(|b| *b == b' ').next()?));
    Some(LineKind::Sdk { status, took_s, retrying })
}

/// The address in an SDK's own line.
pub(in crate::record) fn url_of_sdk(message: &[u8]) -> Option<&[u8]> {
    let rest = message.get(memchr::memmem::find(message, b" http")? + 1..)?;
    rest.split(|b| *b == b' ').next()
}

fn after<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    memchr::memmem::find(text, mark).map(|at| &text[at + mark.len()..])
}
