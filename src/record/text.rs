//! Lines of words: headers of text logs, lines that SDKs and servers write in shapes of their own, `key=value` pairs,
//! durations and addresses.

use super::json::{Escapes, Raw, Value};
use crate::line::contains;

/// A line whose shape tells what it is.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub enum LineKind<'a> {
    /// No special shape.
    #[default]
    None,
    /// An HTTP client's line about one answer: httpx, httpx2, an SDK's debug line.
    Transport {
        /// The address that was called.
        url: &'a [u8],
        /// The answer's status.
        status: u16,
    },
    /// A server's access line: uvicorn, nginx, gin.
    Access {
        /// The path that was asked for.
        path: &'a [u8],
        /// The status that was answered.
        status: u16,
        /// How long it took, in seconds.
        took_s: Option<f64>,
    },
    /// A client's line about a request it is about to send: `Request POST https://…`.
    Request {
        /// The address that is called.
        url: &'a [u8],
    },
    /// A client's line about an answer whose address another line gave: `Response 429 (318 bytes)`.
    Response {
        /// The answer's status.
        status: u16,
    },
    /// An SDK that is about to try again.
    Retry,
    /// An SDK's own line about a request: openai-node's `[log_…] post https://… failed with status 429 in 35ms`.
    Sdk {
        /// The answer's status; `None` where there was no answer.
        status: Option<u16>,
        /// How long it took, in seconds.
        took_s: Option<f64>,
        /// Another attempt follows.
        retrying: bool,
    },
}

/// Looks for a special shape.
pub(super) fn spot<'a>(message: &'a [u8], logger: &[u8]) -> LineKind<'a> {
    let found = match message.first() {
        Some(b'H') if message.starts_with(b"HTTP Re") => transport(message),
        Some(b'R' | b'r') if is_retry(message) => Some(LineKind::Retry),
        Some(b'R') => exchange(message),
        Some(b'[') if message.starts_with(b"[log_") => sdk(message),
        Some(b'[') if message.starts_with(b"[GIN]") => gin(message),
        Some(b'0'..=b'9') => gin(message).or_else(|| access(message)),
        Some(_) if !logger.is_empty() && logger.ends_with(b"access") => access(message),
        // urllib3's `https://api.openai.com:443 "POST /v1/chat/completions HTTP/1.1" 429 None`
        Some(b'h') if message.starts_with(b"http") => pooled(message),
        Some(b'|') => gin(message),
        Some(b'"' | b'-') => access(message),
        _ => None,
    };
    found.unwrap_or_default()
}

fn is_retry(message: &[u8]) -> bool {
    message.starts_with(b"Retrying request") || message.starts_with(b"Retrying due to")
}

/// `Request POST https://…`, `Response 429 (318 bytes)`.
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

/// `HTTP Request: POST https://… "HTTP/1.1 429 Too Many Requests"`, `HTTP Response: POST https://… "200 OK" Headers(…)`.
/// Inside a JSON string the quotes have backslashes before them.
fn transport(message: &[u8]) -> Option<LineKind<'_>> {
    let at = memchr::memmem::find(message, b": ")?;
    let mut words = message[at + 2..].splitn(3, |b| *b == b' ');
    let _method = words.next()?;
    let url = words.next()?;
    let rest = words.next()?;
    let rest = skip_quotes(rest);
    let rest = match rest.strip_prefix(b"HTTP/") {
        Some(version) => &version[memchr::memchr(b' ', version)? + 1..],
        None => rest,
    };
    // What stands behind the line is more than the client's: the answer's body, which says what failed.
    let ends = memchr::memchr(b'\n', rest).or_else(|| memchr::memmem::find(rest, b"\\n"));
    let more = ends.is_some_and(|at| memchr::memmem::find(&rest[at..], b"error").is_some());
    if more { None } else { Some(LineKind::Transport { url, status: status_prefix(rest)? }) }
}

fn skip_quotes(text: &[u8]) -> &[u8] {
    let skip = text.iter().take_while(|b| matches!(b, b'"' | b'\\' | b' ')).count();
    &text[skip..]
}

/// `127.0.0.1:56510 - "POST /v1/chat/completions HTTP/1.1" 429`, and the same with more fields around it.
fn access(message: &[u8]) -> Option<LineKind<'_>> {
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

/// `[GIN] 2026/11/20 - 09:16:51 | 500 | 51.787708541s | 127.0.0.1 | POST "/api/chat"`, with or without the part before the
/// first bar.
fn gin(message: &[u8]) -> Option<LineKind<'_>> {
    let mut fields = message.split(|b| *b == b'|').map(<[u8]>::trim_ascii).peekable();
    // The head of a line ends behind its time: what is left may begin with the status.
    if fields.peek().is_some_and(|it| it.len() != 3 || status_prefix(it).is_none()) {
        fields.next();
    }
    // one-api and its forks put the request's id before the status.
    if fields.peek().is_some_and(|it| it.len() >= 16 && it.iter().all(u8::is_ascii_alphanumeric)) {
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

/// `[log_3885f9, x-request-id: "req_1"] post https://… failed with status 429 in 35ms - retrying, 1 attempts remaining`.
fn sdk(message: &[u8]) -> Option<LineKind<'_>> {
    let rest = &message[memchr::memchr(b']', message)? + 1..];
    let retrying = contains(rest, b"retrying");
    let status = after(rest, b"with status ").and_then(status_prefix);
    if status.is_none() && !contains(rest, b"timed out") && !contains(rest, b"connection") {
        return None;
    }
    let took_s = after(rest, b" in ").and_then(|it| go_duration_s(it.split(|b| *b == b' ').next()?));
    Some(LineKind::Sdk { status, took_s, retrying })
}

/// The address in an SDK's own line.
pub(super) fn url_of_sdk(message: &[u8]) -> Option<&[u8]> {
    let rest = message.get(memchr::memmem::find(message, b" http")? + 1..)?;
    rest.split(|b| *b == b' ').next()
}

fn after<'a>(text: &'a [u8], mark: &[u8]) -> Option<&'a [u8]> {
    memchr::memmem::find(text, mark).map(|at| &text[at + mark.len()..])
}

/// Three digits, 100 to 599, with no further digit behind them.
pub(super) fn status_prefix(text: &[u8]) -> Option<u16> {
    let digits = text.get(..3)?;
    if !digits.iter().all(u8::is_ascii_digit) || text.get(3).is_some_and(u8::is_ascii_alphanumeric) {
        return None;
    }
    let status = digits.iter().fold(0u16, |sum, digit| sum * 10 + u16::from(digit - b'0'));
    (100..=599).contains(&status).then_some(status)
}

/// `51.787708541s`, `414.019µs`, `35ms`, `29m59s`: what Go prints, in seconds.
pub(super) fn go_duration_s(text: &[u8]) -> Option<f64> {
    let text = std::str::from_utf8(text).ok()?.trim();
    let (mut rest, mut total) = (text, 0.0);
    while !rest.is_empty() {
        let digits = rest.find(|c: char| !(c.is_ascii_digit() || c == '.'))?;
        let number: f64 = rest.get(..digits)?.parse().ok()?;
        rest = rest.get(digits..)?;
        let unit = rest.find(|c: char| c.is_ascii_digit()).unwrap_or(rest.len());
        total += number
            * match rest.get(..unit)?.trim_end() {
                "ns" => 1e-9,
                "us" | "µs" | "μs" => 1e-6,
                "ms" => 1e-3,
                "s" => 1.0,
                "m" => 60.0,
                "h" => 3_600.0,
                _ => return None,
            };
        rest = rest.get(unit..)?;
    }
    (!text.is_empty()).then_some(total)
}

/// A duration field in seconds. The unit is told by the key's suffix, by the text's own unit, or, for `response_time`
/// (LiteLLM) by its producer; a number whose unit nothing tells is not used.
pub(super) fn duration_s(key: &[u8], value: Value<'_>) -> Option<f64> {
    if let Value::Text(raw) = value
        && raw.bytes.last().is_some_and(u8::is_ascii_alphabetic)
    {
        return go_duration_s(raw.bytes);
    }
    let number = value.as_f64()?;
    let unit = match key {
        b"ms" | b"elapsed_ms" => 1e-3,
        b"response_time" | b"gen_ai.client.operation.duration" => 1.0,
        key if key.ends_with(b"_ms") || key.ends_with(b"Ms") || key.ends_with(b"_milliseconds") => 1e-3,
        key if key.ends_with(b"_us") => 1e-6,
        key if key.ends_with(b"_ns") => 1e-9,
        key if key.ends_with(b"_s") || key.ends_with(b"_seconds") || key.ends_with(b"_secs") => 1.0,
        _ => return None,
    };
    Some(number * unit)
}

/// The host, and the port where there is one, of an address or of a bare host name.
pub(super) fn host_of(url: &[u8]) -> Option<&str> {
    let rest = match memchr::memmem::find(url, b"://") {
        Some(at) => &url[at + 3..],
        None if url.first() == Some(&b'/') => return None,
        None => url,
    };
    let end =
        rest.iter().position(|b| matches!(b, b'/' | b'?' | b'#' | b'"' | b'\\' | b'\'' | b' ' | b')')).unwrap_or(rest.len());
    let host = std::str::from_utf8(&rest[..end]).ok()?;
    let host = host.rsplit_once('@').map_or(host, |(_, host)| host);
    let good = host.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b':' | b'_' | b'[' | b']'));
    (!host.is_empty() && host.len() <= 255 && good && (host.contains('.') || host.contains(':'))).then_some(host)
}

/// The path of an address, or the text itself where it is a path.
pub(super) fn path_of(url: &[u8]) -> Option<&str> {
    let rest = match memchr::memmem::find(url, b"://") {
        Some(at) => {
            let rest = &url[at + 3..];
            &rest[memchr::memchr(b'/', rest)?..]
        }
        None => url,
    };
    let end = rest.iter().position(|b| matches!(b, b'?' | b'#' | b'"' | b'\\' | b' ')).unwrap_or(rest.len());
    let path = std::str::from_utf8(&rest[..end]).ok()?;
    path.starts_with('/').then_some(path)
}

/// Two `key=value` pairs or more, from the first word on.
pub(super) fn is_logfmt(line: &[u8]) -> bool {
    let mut pairs = Pairs::new(line);
    let starts = line.first().is_some_and(u8::is_ascii_alphabetic)
        && line
            .iter()
            .position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'@')))
            .is_some_and(|at| line[at] == b'=');
    starts && pairs.next().is_some() && pairs.next().is_some()
}

/// `key=value` pairs anywhere in a line of words; values may be quoted, with `\"` inside.
#[derive(Clone, Debug)]
pub(super) struct Pairs<'a> {
    text: &'a [u8],
    at: usize,
    left: usize,
}

impl<'a> Pairs<'a> {
    /// Over at most 64 pairs of the first 8 KiB.
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text: &text[..text.len().min(8 << 10)], at: 0, left: 64 }
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.left = self.left.checked_sub(1)?;
            let equals = self.at + memchr::memchr(b'=', self.text.get(self.at..)?)?;
            let before = &self.text[self.at..equals];
            let key_len =
                before.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'@' | b'-')).count();
            let key = &before[before.len() - key_len..];
            let rest = &self.text[equals + 1..];
            let (value, used) = pair_value(rest);
            self.at = equals + 1 + used;
            if !key.is_empty()
                && (key_len == before.len()
                    || matches!(before[before.len() - key_len - 1], b' ' | b'\t' | b',' | b'(' | b';' | b'[' | b'{'))
            {
                return Some((key, value));
            }
        }
    }
}

/// What stands between two quotes, and the length with both; all that is left where the second is missing.
fn quoted(text: &[u8], quote: u8) -> (Raw<'_>, usize) {
    let mut at = 1;
    let mut escapes = Escapes::None;
    while let Some(found) = memchr::memchr2(quote, b'\\', text.get(at..).unwrap_or_default()) {
        at += found;
        if text[at] == quote {
            return (Raw { bytes: &text[1..at], escapes }, at + 1);
        }
        escapes = Escapes::Some;
        at += 2;
    }
    (Raw { bytes: &text[1..], escapes }, text.len())
}

fn pair_value(text: &[u8]) -> (Value<'_>, usize) {
    // `model= gpt-5`: a blank before the value, as LiteLLM writes it.
    if text.first() == Some(&b' ') && text.get(1).is_some_and(|b| b.is_ascii_alphanumeric()) {
        let (value, used) = pair_value(&text[1..]);
        return (value, used + 1);
    }
    match text.first() {
        Some(b'"') => {
            let (inside, used) = quoted(text, b'"');
            return (Value::Text(inside), used);
        }
        // A Python repr, as structlog's KeyValueRenderer writes it; an apostrophe is followed by more of its word.
        Some(b'\'') => {
            let (inside, used) = quoted(text, b'\'');
            if matches!(text.get(used), None | Some(b' ' | b'\t' | b',' | b';' | b')' | b']' | b'}' | b'\n'))
                && used > inside.bytes.len() + 1
            {
                return (Value::Text(inside), used);
            }
        }
        _ => {}
    }
    let len =
        text.iter().position(|b| matches!(b, b' ' | b'\t' | b',' | b';' | b')' | b']' | b'\n' | b'\\')).unwrap_or(text.len());
    let word = &text[..len];
    let word = word.strip_prefix(b"'").map_or(word, |it| it.strip_suffix(b"'").unwrap_or(it));
    let value = match word {
        b"" | b"-" | b"null" | b"None" | b"nil" => Value::Null,
        b"true" | b"True" => Value::Bool(true),
        b"false" | b"False" => Value::Bool(false),
        word if word.iter().all(|b| b.is_ascii_digit() || *b == b'.' || *b == b'-') => Value::Number(word),
        word => Value::Text(Raw::plain(word)),
    };
    (value, len)
}
