//! The access lines of servers and proxies.
//!
//! One reader for all: a request and the status that was answered, in the places that web servers and frameworks use.
//! Apache, NGINX, Traefik, uvicorn, hypercorn, gunicorn, werkzeug, Daphne, aiohttp, Django, actix, chi and Puma put the
//! request in quotes and the status behind it, HAProxy and AWS's load balancers before it. morgan, hono, Koa, Ray Serve,
//! llama-server, Kestrel and Serilog write the request without quotes, then the status and measures.

use super::duration::{decimal_s, took_s};
use super::request_line::RequestLine;
use super::urllib3;
use crate::line::find;
use crate::record::line_kind::LineKind;
use crate::record::status::status_prefix;

pub(super) fn read<'a>(message: &'a [u8], logger: &[u8]) -> Option<LineKind<'a>> {
    let line = first_line(message);
    let is_access_logger = is_access_logger(message, logger);
    let kind = RequestLine::find(line).and_then(|request| {
        let kind = access(request, is_access_logger)?;
        let pooled = match kind {
            LineKind::Access { status, .. } if request.quoted => urllib3::pooled(line, request, status),
            _ => None,
        };
        Some(pooled.unwrap_or(kind))
    });
    kind.or_else(|| is_access_logger.then(LineKind::default))
}

/// The first line of a message; inside a JSON string its end is an escape.
fn first_line(message: &[u8]) -> &[u8] {
    let end =
        memchr::memchr2_iter(b'\n', b'\\', message).find(|at| message[*at] == b'\n' || message.get(at + 1) == Some(&b'n'));
    &message[..end.unwrap_or(message.len())]
}

/// Whether the name of the logger says that all its lines are access lines.
pub(super) fn is_access_logger(message: &[u8], logger: &[u8]) -> bool {
    !message.is_empty() && logger.ends_with(b"access")
}

/// The access line that is written around a request.
fn access(request: RequestLine<'_>, is_access_logger: bool) -> Option<LineKind<'_>> {
    if request.quoted {
        return behind_quotes(request).or_else(|| before_quotes(request));
    }
    let is_server = is_access_logger || request.before.starts_with(b"Request finished") || request.before == b"HTTP ";
    if !is_plain(request.before) {
        return None;
    }
    if request.is_absolute() && !is_server {
        return of_client(request);
    }
    let after = status_place(request.after)?;
    let status = status_prefix(after)?;
    let rest = &after[3..];
    (is_server || is_measure(rest)).then_some(LineKind::Access { path: request.path()?, status, took_s: took_s(rest) })
}

/// A client's line about an answer: `POST https://… 429 (Too Many Requests)`, as the console of a browser shows it; `POST https://… [HTTP/2
/// 429 123ms]` in Firefox.
fn of_client(request: RequestLine<'_>) -> Option<LineKind<'_>> {
    let after = request.after.trim_ascii_start();
    let after = match after.strip_prefix(b"[HTTP/") {
        Some(version) => &version[memchr::memchr(b' ', version)? + 1..],
        None => after,
    };
    let status = status_prefix(after)?;
    is_measure(&after[3..]).then_some(LineKind::Transport { url: request.target, status })
}

/// `"POST /v1/messages HTTP/1.1" 429 12 "-" "curl"`, `"…" from 10.0.0.1:5555 - 429 12B in 1.2ms`.
fn behind_quotes(request: RequestLine<'_>) -> Option<LineKind<'_>> {
    let mut after = skip_colours(request.after);
    if after.starts_with(b"from ") {
        after = &after[find(after, b" - ")? + 3..];
    }
    let after = skip_colours(after);
    let status = status_prefix(after)?;
    let rest = &after[3..];
    let took_s = envoy_s(rest).or_else(|| took_s(rest));
    Some(LineKind::Access { path: request.path()?, status, took_s })
}

/// HAProxy: `… front back/srv 0/0/1/812/813 429 581 - - ---- 1/1/0/0/0 0/0 "POST /v1/messages HTTP/1.1"`; AWS: `… 10.0.0.1:80 0.000 0.812
/// 0.000 429 429 34 366 "POST https://…"`.
fn before_quotes(request: RequestLine<'_>) -> Option<LineKind<'_>> {
    let path = request.path()?;
    let mut timer = None;
    for word in request.before.split(|b| *b == b' ').filter(|word| !word.is_empty()) {
        let is_status = word.len() == 3;
        if let Some(took_s) = timer
            && let Some(status) = status_prefix(word).filter(|_| is_status)
        {
            return Some(LineKind::Access { path, status, took_s });
        }
        timer = timers_s(word)
            .map(Some)
            .or_else(|| decimal_s(word).map(|last| timer.flatten().map_or(Some(last), |sum| Some(sum + last))));
    }
    None
}

/// The total of HAProxy's timers, `0/0/1/812/813`, in seconds. A timer that was not reached is -1.
fn timers_s(word: &[u8]) -> Option<f64> {
    let is_timers =
        word.split(|b| *b == b'/').count() == 5 && word.iter().all(|b| b.is_ascii_digit() || matches!(b, b'/' | b'-' | b'+'));
    let last = word.rsplit(|b| *b == b'/').next().filter(|_| is_timers)?;
    let last = last.strip_prefix(b"+").unwrap_or(last);
    std::str::from_utf8(last).ok()?.parse::<f64>().ok().map(|ms| ms.max(0.0) / 1e3)
}

/// The duration in Envoy's default line: the flags of the response, then bytes in, bytes out, milliseconds.
fn envoy_s(after_status: &[u8]) -> Option<f64> {
    let mut words = after_status.split(|b| *b == b' ').filter(|word| !word.is_empty());
    let flags = words.next()?;
    let is_flags = flags == b"-" || flags.iter().all(|b| b.is_ascii_uppercase() || *b == b',');
    let numbers: Vec<u32> = words
        .skip_while(|word| !word.iter().all(u8::is_ascii_digit))
        .map_while(|word| std::str::from_utf8(word).ok()?.parse().ok())
        .take(4)
        .collect();
    match numbers.as_slice() {
        [_, _, ms, ..] if is_flags => Some(f64::from(*ms) / 1e3),
        _ => None,
    }
}

/// The text from the status on, where words of a server lead to it: `- 429`, `responded 429`, `10.0.0.5 200`.
fn status_place(after: &[u8]) -> Option<&[u8]> {
    const ARROW: &[u8] = "→".as_bytes();
    let after = skip_colours(after);
    if status_prefix(after).is_some() {
        return Some(after);
    }
    let word = after.split(|b| *b == b' ').next()?;
    let rest = skip_colours(after.get(word.len()..)?);
    let is_address = || word.iter().all(|b| b.is_ascii_hexdigit() || matches!(b, b'.' | b':' | b'[' | b']'));
    match word {
        b"-" | b"->" | b"=>" | b"|" | b"responded" | b"completed" | b"returned" if status_prefix(rest).is_some() => Some(rest),
        ARROW => Some(rest),
        // Kestrel: the type and the length of the request's body, ` - `, the status.
        _ if find(after, b" - ").is_some_and(|at| at < 80) => {
            let rest = &after[find(after, b" - ")? + 3..];
            let rest = rest.strip_prefix(b"- ").unwrap_or(rest);
            status_prefix(rest).is_some().then_some(rest)
        }
        _ if is_address() => Some(rest),
        _ => None,
    }
}

/// Whether the words before a request can stand in an access line: arrows, names and addresses, and nothing about a failure.
fn is_plain(before: &[u8]) -> bool {
    const BEFORE_BYTES: usize = 80;
    let speaks_of_failure = || {
        [b"ail".as_slice(), b"rror", b"xception", b"etry", b"imeout", b"alling", b"ending"]
            .into_iter()
            .any(|word| find(before, word).is_some())
    };
    before.len() <= BEFORE_BYTES && !before.iter().any(|b| matches!(b, b'{' | b'"')) && !speaks_of_failure()
}

/// Whether only numbers, durations, sizes, addresses and the phrase of the status follow a status.
fn is_measure(rest: &[u8]) -> bool {
    const PHRASES: [&str; 24] = [
        "OK",
        "Created",
        "Accepted",
        "Bad",
        "Request",
        "Unauthorized",
        "Payment",
        "Required",
        "Forbidden",
        "Not",
        "Found",
        "Method",
        "Allowed",
        "Conflict",
        "Unprocessable",
        "Entity",
        "Content",
        "Too",
        "Many",
        "Requests",
        "Server",
        "Gateway",
        "Service",
        "Time-out",
    ];
    const MORE: [&str; 12] =
        ["Internal", "Error", "Unavailable", "Timeout", "Content-Length", "in", "ms", "s", "bytes", "B", "-", "|"];
    let Ok(text) = std::str::from_utf8(rest) else { return false };
    let is_word = |word: &str| {
        let word = word.trim_matches(['(', ')', ',', '[', ']', ';']);
        word.is_empty()
            || word.starts_with('\x1b')
            || word.as_bytes().first().is_some_and(u8::is_ascii_digit)
            || PHRASES.contains(&word)
            || MORE.contains(&word)
    };
    text.len() <= 120 && text.split_ascii_whitespace().all(is_word)
}

/// The text after the colours, blanks, backslashes and quotes at its start.
fn skip_colours(mut text: &[u8]) -> &[u8] {
    loop {
        let skip = text.iter().take_while(|b| matches!(b, b' ' | b'\t' | b'"' | b'\\')).count();
        text = &text[skip..];
        if text.first() != Some(&0x1b) {
            return text;
        }
        let letter = text.iter().position(u8::is_ascii_alphabetic).map_or(text.len(), |at| at + 1);
        text = &text[letter..];
    }
}
