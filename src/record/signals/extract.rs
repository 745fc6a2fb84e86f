//! What the words of an error say beside its types and codes: a status, an address, a wait, a model, a timeout.

use super::mention::is_outside_settings;
use super::status_name::named_status;
use crate::line::{WordList, contains, find};
use crate::record::address::host_of;
use crate::record::duration::go_duration_s;
use crate::record::line_kind::LineKind;
use crate::record::shape;
use crate::record::status::status_prefix;
use crate::taxonomy::Status;

/// The first bytes of a text in which statuses and addresses are looked for.
const HEAD_BYTES: usize = 2_048;

/// The first status in a text: after a mark such as `status: `, or set apart in another way.
pub(super) fn status_in(text: &str) -> Option<Status> {
    const MARKS: [&str; 42] = [
        "error response ",
        "code:",
        "status:",
        "failed with ",
        "http error ",
        "http_status=",
        "status code=",
        "code is ",
        "error type ",
        "code ",
        "code: ",
        "\"code\":\"",
        "状态码: ",
        "状态码：",
        "code=",
        "\"code\": ",
        "status ",
        "status: ",
        "status=",
        "status_code: ",
        "status_code=",
        "status of ",
        "status from server: ",
        // The parts of a message that JavaScript prints one by one.
        "status from server:, ",
        "statuscode:",
        "http/1.1 ",
        "http/2 ",
        "http ",
        "error ",
        "error '",
        "error (",
        "failed (",
        "failed: ",
        "code was ",
        "status was ",
        "result: '",
        // The `HttpRequestException` of .NET.
        "not indicate success: ",
        "from server: ",
        "from server:,",
        "http_code: ",
        "rawerror=",
        "non-2xx: ",
    ];
    let text = text.get(..text.floor_char_boundary(HEAD_BYTES)).unwrap_or_default();
    if let Some(status) = status_prefix(text.as_bytes()).filter(|status| *status >= 400) {
        return Some(Status::Http(status));
    }
    let bytes = text.as_bytes();
    if let LineKind::Access { status, .. } = shape::line_kind(bytes, b"") {
        return (status >= 400).then_some(Status::Http(status));
    }
    for at in memchr::memchr2_iter(b'4', b'5', bytes).take(64) {
        let Some(status) = status_prefix(&bytes[at..]) else { continue };
        let before = &bytes[..at];
        // A number in quotes has the same mark: `responseStatusCode: "400"`.
        let before = before.strip_suffix(b"\"").filter(|lead| lead.ends_with(b": ")).unwrap_or(before);
        let marked = MARKS.iter().any(|mark| ends_folded(before, mark.as_bytes()))
            || is_answered(before) && !counts_things(&bytes[at + 3..]);
        if marked || is_set_apart(before, &bytes[at + 3..]) {
            return Some(Status::Http(status));
        }
    }
    reason_phrase(text).or_else(|| named_status(text)).or_else(|| envoy_reply(text))
}

/// Whether the words before a number say that something was answered: `returned 429`, `got a 503`.
fn is_answered(before: &[u8]) -> bool {
    const WORDS: [&str; 7] = ["returned", "got", "received", "responded with", "answered", "answered with", "replied with"];
    let before = before.strip_suffix(b" ").map(|text| text.strip_suffix(b" a").unwrap_or(text));
    before.is_some_and(|text| WORDS.iter().any(|word| ends_folded(text, word.as_bytes())))
}

/// Whether the words after a number are what it counts: `returned 512 rows`.
fn counts_things(after: &[u8]) -> bool {
    const OTHERS: [&[u8]; 14] = [
        b"from", b"for", b"on ", b"at ", b"after", b"by ", b"status", b"error", b"too ", b"when", b"while", b"in ", b"and",
        b"with",
    ];
    let Some(rest) = after.strip_prefix(b" ") else { return false };
    rest.first().is_some_and(u8::is_ascii_lowercase) && !OTHERS.iter().any(|word| rest.starts_with(word))
}

/// Envoy's own error messages come with a 503, whatever exception class an SDK made of them.
fn envoy_reply(text: &str) -> Option<Status> {
    let own =
        contains(text, "upstream connect error or disconnect/reset before headers") || contains(text, "no healthy upstream");
    own.then_some(Status::Http(503))
}

/// Whether the marks around a number show that it is a status: `Forbidden (403)`, `[401] …`, `Error: 500`, `: 404 Not Found`, `-> 400 {`.
fn is_set_apart(before: &[u8], after: &[u8]) -> bool {
    let word = |text: &[u8]| text.first().is_some_and(|b| b.is_ascii_uppercase() || matches!(b, b'{' | b'<' | b'"'));
    let next = after.trim_ascii_start();
    match before.last() {
        // openai-node and its kin write so, also inside the quotes of a wrapper.
        Some(b'"' | b'\'' | b'`') => after.starts_with(b" status code (no body)"),
        Some(b'(') => matches!(after.first(), Some(b')' | b':' | b',')),
        // DashScope: `<400> InternalError.Algo.InvalidParameter: …`.
        Some(b'<') => after.first() == Some(&b'>'),
        // `[401]`, `[429:insufficient_quota]`.
        Some(b'[') => is_end_of_tag(after) && !before[..before.len() - 1].last().is_some_and(u8::is_ascii_alphanumeric),
        Some(b' ') => {
            let lead = before.trim_ascii_end();
            let named = |text: &[u8]| ["error", "exception", "error]"].iter().any(|end| ends_folded(text, end.as_bytes()));
            let error = lead.strip_suffix(b":").is_some_and(named) || after.starts_with(b" status code (no body)");
            error && !after.first().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'.')
                || (lead.ends_with(b":") || lead.ends_with(b"->")) && after.len() > next.len() && word(next)
                // openai-python before 1.0: the body as it was sent, the status, the body as Python prints it.
                || lead.ends_with(b"}") && next.starts_with(b"{'")
                // `POST https://… -> 401 in 536 ms: …`
                || lead.ends_with(b"->") && contains(lead, b"://") && !after.first().is_some_and(u8::is_ascii_alphanumeric)
        }
        _ => false,
    }
}

/// `] …`, `:insufficient_quota] …`.
fn is_end_of_tag(after: &[u8]) -> bool {
    match after {
        [b']', ..] => true,
        [b':', code @ ..] => {
            let length = code.iter().take_while(|b| b.is_ascii_lowercase() || **b == b'_').count();
            length > 0 && code.get(length) == Some(&b']')
        }
        _ => false,
    }
}

fn ends_folded(text: &[u8], end: &[u8]) -> bool {
    text.len() >= end.len() && text[text.len() - end.len()..].eq_ignore_ascii_case(end)
}

/// `503 Service Unavailable` anywhere in a text.
pub(super) fn reason_phrase(text: &str) -> Option<Status> {
    const PHRASES: [(&str, u16); 18] = [
        ("400 Bad Request", 400),
        ("401 Unauthorized", 401),
        ("402 Payment Required", 402),
        ("403 Forbidden", 403),
        ("404 Not Found", 404),
        ("405 Method Not Allowed", 405),
        ("408 Request Timeout", 408),
        ("413 Request Entity Too Large", 413),
        ("413 Payload Too Large", 413),
        ("422 Unprocessable", 422),
        ("429 Too Many Requests", 429),
        ("429 Rate limit", 429),
        ("500 Internal Server Error", 500),
        ("502 Bad Gateway", 502),
        ("502: Bad gateway", 502),
        ("503 Service", 503),
        ("504 Gateway Time", 504),
        ("504 Deadline Exceeded", 504),
    ];
    let bytes = text.as_bytes();
    let phrase_at = |at: usize| {
        let rest = bytes.get(at..).filter(|rest| rest.get(1).is_some_and(u8::is_ascii_digit))?;
        PHRASES.iter().position(|(phrase, _)| rest.starts_with(phrase.as_bytes()))
    };
    let first = memchr::memchr2_iter(b'4', b'5', bytes).filter_map(phrase_at).min()?;
    PHRASES.get(first).map(|(_, status)| Status::Http(*status))
}

/// The host that a text says was called, with its port.
pub(super) fn url_in(text: &str) -> Option<String> {
    const MARKS: [&str; 6] = ["url: https://", "url '", "POST https://", "Post \"https://", "POST \"https://", "connect to "];
    let text = text.get(..text.floor_char_boundary(HEAD_BYTES)).unwrap_or_default();
    if let Some(at) = find(text, "host='").map(|at| at + 6) {
        let host = text.get(at..)?.split('\'').next()?;
        return host_of(host.as_bytes()).map(str::to_owned);
    }
    let marks: &[_] = if contains(text, "http") { &MARKS } else { &[] };
    for mark in marks {
        if let Some(at) = find(text, mark) {
            let rest = text.get(at..)?;
            let start = rest.find("https://").or_else(|| rest.find("http://"));
            if let Some(host) = start.and_then(|start| host_of(rest.get(start..)?.as_bytes())) {
                return Some(host.to_owned());
            }
        }
    }
    // Node's resolver, and Go's: `dial tcp: lookup api.example.com on 127.0.0.11:53: …`.
    let unresolved = ["getaddrinfo ENOTFOUND ", "getaddrinfo EAI_AGAIN ", "dial tcp: lookup "];
    let at = unresolved.iter().find_map(|mark| find(text, mark).map(|at| at + mark.len()))?;
    host_of(text.get(at..)?.split([' ', ':', '\n']).next()?.as_bytes()).map(str::to_owned)
}

/// The host of the request and the status of the answer, if the local variables of a traceback show them as httpx prints them:
/// `<Request('POST', 'https://api.groq.com/…')>`, `<Response [429 Too Many Requests]>`; or if Node has printed the request:
/// `responseUrl: 'https://…'`, `Host: api.openai.com\r\n`.
pub(super) fn exchange_in(entry: &[u8]) -> (Option<&str>, Option<Status>) {
    const OF_NODE: [&[u8]; 3] = [b"responseUrl: '", b"_currentUrl: '", b"'Host: "];
    let request = find(entry, b"<Request('POST',").and_then(|at| entry.get(at + 16..));
    let url = request.and_then(|rest| {
        let rest = rest.get(..rest.len().min(400))?;
        host_of(rest.get(find(rest, b"'http")? + 1..)?)
    });
    let url = url.or_else(|| {
        let rest = OF_NODE.iter().find_map(|mark| find(entry, mark).and_then(|at| entry.get(at + mark.len()..)))?;
        let end = rest.iter().take(200).position(|b| matches!(b, b'\'' | b'\\' | b'\r' | b'\n'))?;
        host_of(&rest[..end])
    });
    let response = memchr::memmem::rfind(entry, b"<Response [").and_then(|at| entry.get(at + 11..));
    (url, response.and_then(status_prefix).map(Status::Http))
}

/// The wait that a text asks for, in seconds: `try again in 120ms`, `retry after 37 seconds`, `Please retry in 21h4m12.7s`.
pub(super) fn wait_in(text: &str) -> Option<f64> {
    for mark in ["try again in ", "vailable in ", "retry in ", "retry after ", "Retry after ", "retrying in ", "wait "] {
        if let Some(at) = find(text, mark) {
            let rest = text.get(at + mark.len()..)?;
            let end = rest.find(|c: char| !(c.is_ascii_alphanumeric() || c == '.' || c == 'µ')).unwrap_or(rest.len());
            let word = rest.get(..end)?.trim_end_matches('.');
            if let Some(seconds) = go_duration_s(word.as_bytes()) {
                return Some(seconds);
            }
            if let Ok(number) = word.parse::<f64>() {
                let unit = rest.get(end..)?.trim_start();
                let scale = [
                    ("ms", 1e-3),
                    ("millis", 1e-3),
                    ("sec", 1.0),
                    ("min", 60.0),
                    ("hour", 3_600.0),
                    ("day", 86_400.0),
                    ("s", 1.0),
                ];
                return scale.iter().find(|(name, _)| unit.starts_with(name)).map(|(_, scale)| number * scale);
            }
        }
    }
    None
}

pub(super) fn request_id_in(text: &str) -> Option<String> {
    let at = find(text, "req_").filter(|at| *at == 0 || !text.as_bytes()[at - 1].is_ascii_alphanumeric())?;
    let id = text.get(at..)?.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).next()?;
    (id.len() >= 12 && id.len() <= 64).then(|| id.to_owned())
}

/// The model that an error names in words.
pub(super) fn model_in(text: &str) -> Option<&str> {
    for mark in [
        "The model `",
        "model `",
        "model: ",
        "model_name: ",
        "Rate limit reached for ",
        "model '",
        "for model ",
        "models/",
        "model=",
        "(model=",
    ] {
        if let Some(at) = find(text, mark) {
            let rest = text.get(at + mark.len()..)?;
            let name =
                rest.split(|c: char| !(c.is_ascii_alphanumeric() || matches!(c, '.' | '-' | '_' | '/' | ':' | '@'))).next()?;
            let name = name.trim_end_matches(['.', ':', '-']);
            if name.len() >= 3 && name.len() <= 80 && name.bytes().any(|b| b.is_ascii_digit() || b == b'-') {
                return Some(name);
            }
        }
    }
    None
}

/// Whether a text is about a timeout.
pub(super) fn is_timeout(text: &str) -> bool {
    static WORDS: WordList<9> = WordList::new([
        "timed out",
        "timedout",
        "timeout",
        "time out",
        "deadline exceeded",
        "DEADLINE_EXCEEDED",
        "UND_ERR_HEADERS_TIMEOUT",
        "ETIMEDOUT",
        "TimeLimit",
    ]);
    WORDS.any_folded(text.as_bytes(), |word, at| is_outside_settings(text, word, at))
}

/// Whether a text is about a connection that failed before the server answered.
pub(super) fn is_connection(text: &str) -> bool {
    // Codes match in their own case only: `ModuleNotFoundError` is not an ENOTFOUND.
    static CODES: WordList<10> = WordList::new([
        "APIConnectionError",
        "ConnectError",
        "ECONNREFUSED",
        "ECONNRESET",
        "ENOTFOUND",
        "EAI_AGAIN",
        "EPIPE",
        "EHOSTUNREACH",
        "ENETUNREACH",
        "ERR_CONNECTION_",
    ]);
    static WORDS: WordList<18> = WordList::new([
        "connection error",
        "connection failed",
        "connection refused",
        "connection reset",
        "connection aborted",
        "remote end closed",
        "server disconnected",
        "peer closed connection",
        "name or service not known",
        "name resolution",
        "getaddrinfo",
        "no such host",
        "certificate",
        "ssl:",
        "tls handshake",
        "fetch failed",
        "network is unreachable",
        "socket hang up",
    ]);
    // Connect-RPC's class is about an answer of the server: `ConnectError: [permission_denied] …`. curl logs the certificates
    // that it accepted.
    (CODES.is_in(text) || WORDS.is_in_folded(text))
        && !contains(text, "ConnectError: [")
        && !contains(text, "certificate verify ok")
}
