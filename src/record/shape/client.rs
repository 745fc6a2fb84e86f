//! The lines of HTTP clients in other languages: `OkHttp`, .NET's `HttpClient`, Faraday, Tesla, retryablehttp, older Node SDKs.

use super::duration::took_s;
use super::request_line::is_method;
use crate::line::find;
use crate::record::line_kind::LineKind;
use crate::record::status::status_prefix;

pub(super) fn read<'a>(message: &'a [u8], logger: &[u8]) -> Option<LineKind<'a>> {
    match message.first()? {
        b'<' | b'-' => okhttp(message),
        b'S' => sending(message).or_else(|| faraday(message, logger)),
        b'R' => dotnet(message).or_else(|| ktor(message)),
        b'r' => faraday(message, logger),
        b'P' | b'G' => addressed(message, logger),
        b'h' => apache_client(message),
        _ => node_debug(message),
    }
}

/// `--> POST https://api.example.com/v1/messages http/1.1 (12-byte body)`, `<-- 429 https://… (123ms, 12-byte body)`.
fn okhttp(message: &[u8]) -> Option<LineKind<'_>> {
    if let Some(rest) = message.strip_prefix(b"--> ") {
        return request(rest);
    }
    let rest = message.strip_prefix(b"<-- ")?;
    let status = status_prefix(rest)?;
    Some(LineKind::Transport { url: &rest[find(rest, b"http")?..], status })
}

/// `POST https://…`: a request that is about to be sent.
fn request(text: &[u8]) -> Option<LineKind<'_>> {
    let mut words = text.split(|b| matches!(b, b' ' | b'\t'));
    let method = words.next()?;
    let url = words.next()?;
    (is_method(method) && url.starts_with(b"http")).then_some(LineKind::Request { url })
}

/// .NET: `Sending HTTP request POST https://…`.
fn sending(message: &[u8]) -> Option<LineKind<'_>> {
    request(message.strip_prefix(b"Sending HTTP request ")?)
}

/// .NET: `Received HTTP response headers after 123.4ms - 429`.
fn dotnet(message: &[u8]) -> Option<LineKind<'_>> {
    let rest = message.strip_prefix(b"Received HTTP response headers after ")?;
    Some(LineKind::Response { status: status_prefix(&rest[find(rest, b" - ")? + 3..])? })
}

/// Ktor: `RESPONSE: 429 Too Many Requests`, and on the lines below `FROM: https://…`.
fn ktor(message: &[u8]) -> Option<LineKind<'_>> {
    let rest = message.strip_prefix(b"RESPONSE: ")?;
    let status = status_prefix(rest)?;
    Some(match find(rest, b"FROM: ") {
        Some(at) => LineKind::Transport { url: rest[at + 6..].split(|b| *b == b'\n').next()?, status },
        None => LineKind::Response { status },
    })
}

/// Faraday: `request: POST https://…`, `response: Status 429`; the word before the colon may have become the logger's name.
fn faraday<'a>(message: &'a [u8], logger: &[u8]) -> Option<LineKind<'a>> {
    if let Some(rest) = message.strip_prefix(b"request: ") {
        return request(rest);
    }
    let status = message.strip_prefix(b"response: Status ").or_else(|| {
        let rest = message.strip_prefix(b"Status ");
        rest.filter(|_| logger == b"response")
    })?;
    Some(LineKind::Response { status: status_prefix(status)? })
}

/// Tesla: `POST https://… -> 429 (123.456 ms)`; retryablehttp: `POST https://… (status: 429): retrying in 1s (4 left)`; Faraday's request
/// behind its logger.
fn addressed<'a>(message: &'a [u8], logger: &[u8]) -> Option<LineKind<'a>> {
    let LineKind::Request { url } = request(message)? else { return None };
    let after = &message[find(message, url)? + url.len()..];
    if let Some(rest) = after.strip_prefix(b" (status: ") {
        return Some(LineKind::Transport { url, status: status_prefix(rest)? });
    }
    if let Some(rest) = after.strip_prefix(b" -> ")
        && let Some(status) = status_prefix(rest)
        && rest[3..].starts_with(b" (")
        && took_s(&rest[3..]).is_some()
    {
        return Some(LineKind::Transport { url, status });
    }
    (after.is_empty() && logger == b"request").then_some(LineKind::Request { url })
}

/// Apache's client: `http-outgoing-0 << HTTP/1.1 429 Too Many Requests`.
fn apache_client(message: &[u8]) -> Option<LineKind<'_>> {
    let rest = message.strip_prefix(b"http-outgoing-")?;
    let rest = &rest[find(rest, b" << HTTP/")? + 9..];
    Some(LineKind::Response { status: status_prefix(&rest[memchr::memchr(b' ', rest)? + 1..])? })
}

/// The fourth version of openai-node and its relatives: `OpenAI:DEBUG:response 429 https://… Headers {`.
fn node_debug(message: &[u8]) -> Option<LineKind<'_>> {
    let (_, rest) = message.split_at_checked(find(&message[..message.len().min(40)], b":DEBUG:response ")? + 16)?;
    let rest = if rest.starts_with(b"(") { &rest[find(rest, b") ")? + 2..] } else { rest };
    let status = status_prefix(rest)?;
    let url = rest.split(|b| *b == b' ').nth(1).filter(|url| url.starts_with(b"http"))?;
    Some(LineKind::Transport { url, status })
}
