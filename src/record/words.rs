//! What the words of an error tell beside its types and codes: a status, an address, a wait, a model, and whether they speak
//! of trouble at all.

use super::text::{LineKind, go_duration_s, host_of, spot, status_prefix};
use crate::line::{contains, contains_folded, find};
use crate::taxonomy::Status;
use crate::time::Stamp;
use std::borrow::Cow;

/// A status that the words of a client put a mark before.
pub(super) fn status_in(text: &str) -> Option<Status> {
    let text = text.get(..text.floor_char_boundary(2_048)).unwrap_or_default();
    if let Some(status) = status_prefix(text.as_bytes()).filter(|it| *it >= 400) {
        return Some(Status::Http(status));
    }
    const MARKS: [&str; 31] = [
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
        "returned ",
        "from server: ",
        "from server:,",
        "http_code: ",
        "rawerror=",
        "non-2xx: ",
    ];
    let bytes = text.as_bytes();
    if let LineKind::Access { status, .. } = spot(bytes, b"") {
        return (status >= 400).then_some(Status::Http(status));
    }
    for at in memchr::memchr2_iter(b'4', b'5', bytes).take(64) {
        let Some(status) = status_prefix(&bytes[at..]) else { continue };
        let before = &bytes[..at];
        let marked = MARKS.iter().any(|mark| ends_folded(before, mark.as_bytes()));
        if marked || stands_as_status(before, &bytes[at + 3..]) {
            return Some(Status::Http(status));
        }
    }
    reason_phrase(text).or_else(|| envoy_reply(text))
}

/// What Envoy says of its own comes with a 503, whatever class the SDK made of it.
fn envoy_reply(text: &str) -> Option<Status> {
    let own =
        contains(text, "upstream connect error or disconnect/reset before headers") || contains(text, "no healthy upstream");
    own.then_some(Status::Http(503))
}

/// A number between marks that set a status apart: `Forbidden (403)`, `[401] …`, `Error: 500`, `: 404 Not Found`, `-> 400 {`.
fn stands_as_status(before: &[u8], after: &[u8]) -> bool {
    let word = |text: &[u8]| text.first().is_some_and(|b| b.is_ascii_uppercase() || matches!(b, b'{' | b'<' | b'"'));
    let next = after.trim_ascii_start();
    match before.last() {
        Some(b'(') => matches!(after.first(), Some(b')' | b':' | b',')),
        // DashScope: `<400> InternalError.Algo.InvalidParameter: …`.
        Some(b'<') => after.first() == Some(&b'>'),
        Some(b'[') => after.first() == Some(&b']') && !before[..before.len() - 1].last().is_some_and(u8::is_ascii_alphanumeric),
        Some(b' ') => {
            let led = before.trim_ascii_end();
            let named = |it: &[u8]| ends_folded(it, b"error") || ends_folded(it, b"exception") || ends_folded(it, b"error]");
            let error = led.strip_suffix(b":").is_some_and(named) || after.starts_with(b" status code (no body)");
            error && !after.first().is_some_and(|b| b.is_ascii_alphanumeric() || *b == b'.')
                || (led.ends_with(b":") || led.ends_with(b"->")) && after.len() > next.len() && word(next)
                // `POST https://… -> 401 in 536 ms: …`
                || led.ends_with(b"->") && contains(led, b"://") && !after.first().is_some_and(u8::is_ascii_alphanumeric)
        }
        _ => false,
    }
}

fn ends_folded(text: &[u8], end: &[u8]) -> bool {
    text.len() >= end.len() && text[text.len() - end.len()..].eq_ignore_ascii_case(end)
}

/// `503 Service Unavailable` anywhere in the words.
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
        let rest = bytes.get(at..).filter(|it| it.get(1).is_some_and(u8::is_ascii_digit))?;
        PHRASES.iter().position(|(phrase, _)| rest.starts_with(phrase.as_bytes()))
    };
    let first = memchr::memchr2_iter(b'4', b'5', bytes).filter_map(phrase_at).min()?;
    PHRASES.get(first).map(|(_, status)| Status::Http(*status))
}

pub(super) fn url_in(text: &str) -> Option<String> {
    const MARKS: [&str; 6] = ["url: https://", "url '", "POST https://", "Post \"https://", "POST \"https://", "connect to "];
    let text = text.get(..text.floor_char_boundary(2_048)).unwrap_or_default();
    if let Some(at) = find(text, "host='").map(|at| at + 6) {
        let host = text.get(at..)?.split('\'').next()?;
        return host_of(host.as_bytes()).map(str::to_owned);
    }
    let marks: &[_] = if contains(text, "http") { &MARKS } else { &[] };
    for mark in marks {
        if let Some(at) = find(text, mark) {
            let rest = text.get(at..)?;
            let start = rest.find("https://").or_else(|| rest.find("http://"));
            if let Some(host) = start.and_then(|it| host_of(rest.get(it..)?.as_bytes())) {
                return Some(host.to_owned());
            }
        }
    }
    let at = find(text, "getaddrinfo ENOTFOUND ").map(|at| at + 22)?;
    host_of(text.get(at..)?.split([' ', ':', '\n']).next()?.as_bytes()).map(str::to_owned)
}

/// The host of the request, and the status of the answer, where the local variables of a traceback show them as httpx prints them:
/// `<Request('POST', 'https://api.groq.com/…')>`, `<Response [429 Too Many Requests]>`.
pub(super) fn exchange_in(entry: &[u8]) -> (Option<&str>, Option<Status>) {
    let request = memchr::memmem::find(entry, b"<Request('POST',").and_then(|at| entry.get(at + 16..));
    let url = request.and_then(|rest| {
        let rest = rest.get(..rest.len().min(400))?;
        host_of(rest.get(memchr::memmem::find(rest, b"'http")? + 1..)?)
    });
    let response = memchr::memmem::rfind(entry, b"<Response [").and_then(|at| entry.get(at + 11..));
    (url, response.and_then(status_prefix).map(Status::Http))
}

/// `try again in 120ms`, `retry after 37 seconds`, `Please retry in 21h4m12.7s`; in seconds.
pub(super) fn wait_in(text: &str) -> Option<f64> {
    for mark in ["try again in ", "retry in ", "retry after ", "Retry after ", "retrying in ", "wait "] {
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

/// A model that an error names in words.
pub(super) fn model_in(text: &str) -> Option<&str> {
    for mark in [
        "The model `",
        "model `",
        "model: ",
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

pub(super) fn is_timeout(text: &str) -> bool {
    const WORDS: [&str; 9] = [
        "timed out",
        "timedout",
        "timeout",
        "time out",
        "deadline exceeded",
        "DEADLINE_EXCEEDED",
        "UND_ERR_HEADERS_TIMEOUT",
        "ETIMEDOUT",
        "TimeLimit",
    ];
    WORDS.iter().any(|it| contains_folded(text, it))
}

pub(super) fn is_connection(text: &str) -> bool {
    // Codes as they are written: `ModuleNotFoundError` is no ENOTFOUND.
    const CODES: [&str; 10] = [
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
    ];
    const WORDS: [&str; 18] = [
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
    ];
    // Connect-RPC's class names what the server answered: `ConnectError: [permission_denied] …`. curl says what it verified.
    let answered = contains(text, "ConnectError: [") || contains(text, "certificate verify ok");
    !answered && (CODES.iter().any(|it| contains(text, it)) || WORDS.iter().any(|it| contains_folded(text, it)))
}

/// What was logged as an error by mistake, and says itself that it is none: an entry of another log at a calm level, an access line
/// with a 200, a piece of an answer or of a talk, a counter of failures that stands at zero.
pub(super) fn declares_calm(text: &str) -> bool {
    let text = text.get(..text.floor_char_boundary(1_024)).unwrap_or_default();
    let text = text.split_once("failed: ").filter(|(before, _)| before.len() < 24).map_or(text, |(_, after)| after);
    let head = text.get(..text.floor_char_boundary(200)).unwrap_or_default();
    let access = ["| 200 |", "HTTP/1.1\" 200", "200 OK "].iter().any(|it| head.contains(it));
    let said = access || is_calm_entry(head, text) || is_talk(head) || is_piece_of_answer(text);
    said || counts_none(text) || is_aside(text) || lists_headers(text) || is_status_report(text) || is_stamped_line(text)
}

/// The headers of an answer that told what is left, and nothing that went wrong.
fn lists_headers(text: &str) -> bool {
    contains_folded(text, "x-ratelimit-remaining") && status_in(text).is_none() && {
        let rest = text.split("ratelimit").collect::<String>();
        !["error", "exceeded", "too many", "reached", "denied"].iter().any(|it| contains_folded(&rest, it))
    }
}

/// A line of another log without a level: `2024/08/12 20:00:01 images.go:996: total blobs: 0`, and not a word of trouble.
fn is_stamped_line(text: &str) -> bool {
    let stamped = Stamp::parse_prefix(text.trim_start_matches('[').as_bytes()).is_some();
    stamped && !names_trouble(text) && status_in(text).is_none()
}

/// Three facts or more, each a name with a value, and not a word of trouble: `total blobs: 0`, `Main model: … Git repo: …`, `ttft=0.87`.
fn is_status_report(text: &str) -> bool {
    let pair = |word: &&str| {
        let word = word.trim_end_matches([',', ';']);
        let named = word.strip_suffix(':').or_else(|| word.split_once('=').map(|(name, _)| name));
        named.is_some_and(|it| it.len() > 1 && it.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.')))
    };
    text.split_whitespace().filter(pair).take(3).count() == 3
        && !text.contains('<')
        && !names_trouble(text)
        && status_in(text).is_none()
}

/// Somebody's words about errors: a commit's subject, a line of a table or of a change log, a note in the first person, a good end, a
/// warning of Python's about an old name.
fn is_aside(text: &str) -> bool {
    const STARTS: [&str; 21] = [
        "feat: ",
        "feat(",
        "fix: ",
        "fix(",
        "docs: ",
        "docs(",
        "chore: ",
        "chore(",
        "refactor: ",
        "perf: ",
        "test: ",
        "✓ ",
        "✔ ",
        "✅ ",
        "I'd ",
        "I've ",
        "I have ",
        "I am ",
        "I want ",
        "| ",
        "- **",
    ];
    const MARKS: [&str; 8] = [
        "resolved by PR #",
        "fixed by PR #",
        "Fixed by #",
        "DeprecationWarning",
        "will be removed in a future",
        "will be removed in 1.",
        "will be removed in 2.",
        "will be removed in v",
    ];
    let start = text.trim_start();
    let refused = || ["cannot", "can't", "unable", "sorry", "not able"].iter().any(|it| contains_folded(start, it));
    STARTS.iter().any(|it| start.starts_with(it)) && !refused() || MARKS.iter().any(|it| contains(text, it))
}

/// Lines that were pasted from elsewhere and logged as an error: settings, or a talk about errors.
pub(super) fn is_paste(text: &str) -> bool {
    let text = text.get(..text.floor_char_boundary(4_096)).unwrap_or_default();
    let text = text.split_once("failed: ").filter(|(before, _)| before.len() < 24).map_or(text, |(_, after)| after);
    let talk = |line: &str| ["assistant: ", "Assistant: ", "|---", "| ---"].iter().any(|it| line.trim_start().starts_with(it));
    is_settings(text) || text.lines().skip(1).take(8).any(talk)
}

/// Lines of settings: every one is a name with a value, or a bracket, and none is named like a part of an error.
fn is_settings(text: &str) -> bool {
    const PARTS: [&str; 8] = ["error", "message", "msg", "status", "detail", "reason", "exception", "response"];
    const WHOLE: [&str; 5] = ["code", "type", "cause", "description", "errno"];
    let mut settings = 0;
    for line in text.lines().map(str::trim).filter(|it| !it.is_empty()) {
        if line.bytes().all(|b| matches!(b, b'{' | b'}' | b'[' | b']' | b'(' | b')' | b',')) {
            continue;
        }
        let Some(at) = line.find([':', '=']) else { return false };
        let name = line.get(..at).unwrap_or_default().trim().trim_start_matches("- ").trim_matches(['"', '\'']);
        let plain = !name.is_empty() && name.bytes().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'-' | b'.'));
        let of_error = PARTS.iter().any(|it| contains_folded(name, it)) || WHOLE.iter().any(|it| it.eq_ignore_ascii_case(name));
        if !plain || of_error {
            return false;
        }
        let value = line.get(at + 1..).unwrap_or_default();
        if value.len() > 120 || names_trouble(value) || status_in(value).is_some() {
            return false;
        }
        settings += 1;
    }
    settings >= 2
}

/// `2026-11-20 09:16:51 | INFO | …`, and no trouble behind the level.
fn is_calm_entry(head: &str, text: &str) -> bool {
    let level = head.split(|c: char| !c.is_ascii_alphabetic() && c != '[').find_map(|word| match word {
        "INFO" | "[info" | "[INFO" | "[debug" | "DEBUG" | "TRACE" => Some(Some(word)),
        "WARN" | "WARNING" | "[warn" | "[WARN" | "[warning" | "[WARNING" => Some(Some(word)),
        "ERROR" | "CRITICAL" | "FATAL" | "[error" | "[ERROR" | "Error" | "Exception" => Some(None),
        _ => None,
    });
    let level = level.or_else(|| stamped_level(head).map(Some));
    let Some(Some(level)) = level else { return false };
    let rest = text.split_once(level).map_or("", |(_, rest)| rest);
    if level.trim_start_matches('[').starts_with(['w', 'W']) {
        return !names_trouble(rest) && status_in(rest).is_none();
    }
    !["error", "exception", "failed", "exceeded", "unhandled status"].iter().any(|it| contains_folded(rest, it))
}

/// The small-lettered level behind a stamp: `2026-11-20 09:16:51 info: …`.
fn stamped_level(head: &str) -> Option<&str> {
    let text = head.trim_start_matches('[');
    let (_, rest) = Stamp::parse_prefix(text.as_bytes())?;
    let rest = text.get(text.len() - rest.len()..)?.trim_start_matches([' ', ']', '|', '-', '[', '(']);
    ["info", "debug", "trace", "verbose"].into_iter().find(|it| rest.starts_with(it)).and_then(|it| rest.get(..it.len()))
}

/// A turn of a conversation: `assistant: Sure! …`.
fn is_talk(head: &str) -> bool {
    const SPEAKERS: [&str; 8] = ["assistant", "user", "human", "system", "claude", "ai", "bot", "chatgpt"];
    let Some((who, said)) = head.split_once(": ") else { return false };
    // `system: text content blocks must be non-empty` names a part of the request.
    if ["system", "user"].iter().any(|it| who.eq_ignore_ascii_case(it)) && names_trouble(said) {
        return false;
    }
    SPEAKERS.iter().any(|it| it.eq_ignore_ascii_case(who))
        && !["error", "exception", "api ", "failed", "status", "exceeded"].iter().any(|it| contains_folded(said, it))
}

/// A body, or a part of one, in which nothing is an error: usage counts, or an object that says what it is.
fn is_piece_of_answer(text: &str) -> bool {
    let body = text.trim_start();
    let piece = contains(body, "_tokens\":") || body.starts_with('{') && contains(body, "\"object\":");
    piece && body.starts_with(['{', '"']) && !contains_folded(body, "error") && !contains_folded(body, "exception")
}

/// A sentence about what happens when, as documentation has it, or a line of progress.
pub(super) fn explains(text: &str) -> bool {
    const GENERAL: [&str; 11] = [
        ": indicates that ",
        ": occurs when ",
        ": sent when ",
        " you will see a ",
        " which we mistake ",
        " is only set if ",
        "always refers to ",
        " are always included",
        " is only returned ",
        " is described in ",
        " are described in ",
    ];
    const PROGRESS: [&str; 9] = [
        "adjusted ",
        "dispatching ",
        "first byte ",
        "first chunk",
        "started ",
        "listening on",
        "initialized",
        "warming up",
        "connected to ",
    ];
    let general = GENERAL.iter().any(|it| contains_folded(text, it)) && !contains_folded(text, "error");
    general || PROGRESS.iter().any(|it| contains_folded(text, it)) && !names_trouble(text)
}

/// `state=closed failures=0`.
fn counts_none(text: &str) -> bool {
    let counter = |word: &str| {
        let (name, value) = word.split_once(['=', ':'])?;
        let name = name.trim_start_matches(['"', '\'']).trim_end_matches(['"', '\'']);
        let counts = ["fail", "error", "reject", "drop", "retr", "timeout"].iter().any(|it| contains_folded(name, it));
        counts.then(|| matches!(value.trim_end_matches([',', ';']), "0" | "0.0" | "0%" | "none" | "null" | "false"))
    };
    let counters: Vec<bool> = text.split_whitespace().filter_map(counter).collect();
    let others = text.split_whitespace().filter(|it| counter(it).is_none() && *it != "state=closed");
    !counters.is_empty() && counters.iter().all(|it| *it) && others.into_iter().all(|it| !names_trouble(it))
}

/// Words without which a text that was logged as an error does not speak of one.
pub(super) fn names_trouble(text: &str) -> bool {
    const WORDS: [&str; 104] = [
        "error",
        "not specified",
        "not enabled",
        "not initialized",
        "not combined",
        "too small",
        "too many",
        "stopped",
        "crashed",
        "try again",
        "no tool",
        "no model",
        "no healthy",
        "no provider",
        "no channel",
        "no response",
        "no content",
        "no such",
        "returned no",
        "not logged in",
        "无效",
        "不可用",
        "禁用",
        "繁忙",
        "稍后再试",
        "fail",
        "exception",
        "denied",
        "invalid",
        "exceed",
        "timeout",
        "timed out",
        "refus",
        "unable",
        "cannot",
        "can't",
        "could not",
        "couldn't",
        "not found",
        "not support",
        "unsupported",
        "unauthor",
        "forbidden",
        "missing",
        "required",
        "must ",
        "limit",
        "quota",
        "overload",
        "too many",
        "too long",
        "too large",
        "not allowed",
        "blocked",
        "expired",
        "suspend",
        "unavailable",
        "capacity",
        "busy",
        "insufficient",
        "credit",
        "balance",
        "does not",
        "doesn't",
        "did not",
        "didn't",
        "unknown",
        "unexpected",
        "abort",
        "closed",
        "reset",
        "rejected",
        "out of range",
        "subscriptable",
        "giving up",
        "keyerror",
        "nonetype",
        "violat",
        "reconnecting",
        "no longer",
        "not available",
        "incorrect",
        "less capable",
        "please ensure",
        "please check",
        "not valid",
        "not authorized",
        "not permitted",
        "disabled",
        "deactivated",
        "失败",
        "错误",
        "异常",
        "无法",
        "不支持",
        "不存在",
        "非法",
        "超",
        "欠费",
        "过期",
        "拒绝",
        "限制",
        "不足",
        "违规",
    ];
    let head = text.get(..text.floor_char_boundary(1_024)).unwrap_or_default();
    WORDS.iter().any(|it| contains_folded(head, it))
}

/// Blanks, line ends and the frames of terminal boxes as one blank each: a text that was wrapped to a width reads as it was written.
pub(super) fn unwrapped(text: &str) -> Cow<'_, str> {
    let is_gap = |c: char| c.is_whitespace() || matches!(c, '│' | '┃' | '║');
    let bytes = text.as_bytes();
    let control = || memchr::memchr3(b'\n', b'\t', b'\r', bytes).is_some();
    if text.is_ascii() && !control() && !contains(text, "  ") {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let first_line = text.split('\n').next().unwrap_or_default();
    let place = place_in_column(first_line);
    for word in text.split(is_gap).filter(|it| !it.is_empty()) {
        if Some(word) == place {
            continue;
        }
        if !out.is_empty() {
            out.push(' ');
        }
        out.push_str(word);
    }
    Cow::Owned(out)
}

/// `llm.py:288` at the end of the line, where rich has a column of its own for it.
fn place_in_column(line: &str) -> Option<&str> {
    let line = line.trim_end();
    let (before, last) = line.rsplit_once(' ')?;
    let (file, number) = last.rsplit_once(':')?;
    let is_place = file.ends_with(".py") && !number.is_empty() && number.bytes().all(|b| b.is_ascii_digit());
    (is_place && before.ends_with(' ')).then_some(last)
}
