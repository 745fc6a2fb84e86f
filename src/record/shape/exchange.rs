//! A request and its answer in two entries: `Request POST https://…`, then `Response 429 (318 bytes)`. `LangChain4j` lists the parts of both
//! below the first line: `- method: POST`, `- url: https://…`; `- status code: 429`, `- headers: …`, `- body: {…}`.

use crate::record::line_kind::LineKind;
use crate::record::status::status_prefix;

/// The parts that come before the body.
const LISTED_PARTS: usize = 4;

pub(super) fn read(message: &[u8]) -> Option<LineKind<'_>> {
    match message.first()? {
        b'R' => exchange(message).or_else(|| listed(message)),
        b'H' => listed(message.strip_prefix(b"HTTP r")?),
        _ => None,
    }
}

/// The parts of a request or an answer, one a line. Sources: `HttpRequestLogger` and `HttpResponseLogger` of `LangChain4j`.
fn listed(message: &[u8]) -> Option<LineKind<'_>> {
    let (title, parts) = message.split_at_checked(memchr::memchr(b'\n', message)?)?;
    let part =
        |label: &[u8]| parts.split(|b| *b == b'\n').take(LISTED_PARTS).find_map(|line| line.trim_ascii().strip_prefix(label));
    if title.trim_ascii_end().ends_with(b"esponse:") {
        return Some(LineKind::Response { status: status_prefix(part(b"- status code: ")?)? });
    }
    let url = part(b"- url: ").filter(|url| url.starts_with(b"http"))?;
    title.trim_ascii_end().ends_with(b"equest:").then_some(LineKind::Request { url })
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
