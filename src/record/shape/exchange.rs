//! A request and its answer on two lines: `Request POST https://…`, then `Response 429 (318 bytes)`.

use crate::record::line_kind::LineKind;
use crate::record::status::status_prefix;

pub(super) fn read(message: &[u8]) -> Option<LineKind<'_>> {
    message.starts_with(b"R").then(|| exchange(message)).flatten()
}

fn exchange(message: &[u8]) -> Option<LineKind<'_>> {
    if let Some(rest) = message.strip_prefix(b"Response ") {
        let after = rest.get(3..).unwrap_or_default();
        return (after.is_empty() || after.starts_with(b" ("))
            .then(|| status_prefix(rest).map(|status| LineKind::Response { status }))?;
    }
    let mut words = message.strip_prefix(b"Request ")?.split(|b| *b == b' ');
    let method = words.next()?;
    let url = words.next()?;
    (method.iter().all(u8::is_ascii_uppercase) && url.starts_with(b"http")).then_some(LineKind::Request { url })
}
