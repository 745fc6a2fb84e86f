//! Labelled parts of an error's message: `Status: 429`, `ErrorCode: …`, `Content:`, `Headers:`, `Body: {…}`. The SDKs for .NET and
//! the ones that Fern generates print them at the first column, with blank lines between them. HTTP.jl and others print the answer
//! itself: `HTTP/1.1 429 Too Many Requests`, its headers, a blank line, and its body.

use super::opening;
use super::shape::{Continuation, Section, Step};

/// Labels in small letters, without blanks, hyphens and underscores.
const LABELS: [&[u8]; 35] = [
    b"status",
    b"statuscode",
    b"httpstatus",
    b"httpstatuscode",
    b"errorcode",
    b"errortype",
    b"errormessage",
    b"code",
    b"type",
    b"param",
    b"parameter",
    b"message",
    b"reason",
    b"reasonphrase",
    b"details",
    b"content",
    b"headers",
    b"body",
    b"response",
    b"responsebody",
    b"responsecontent",
    b"responseheaders",
    b"responsestatuscode",
    b"additionalinformation",
    b"requestid",
    b"xrequestid",
    b"requesturi",
    b"traceid",
    b"url",
    b"model",
    b"provider",
    b"retryafter",
    b"deploymentinfo",
    b"lastmessage",
    b"state",
];

/// Notes that the event begins with an answer of HTTP that is an error, or with the label of an error's message.
pub(super) fn open(shape: &mut Continuation, line: &[u8]) {
    if shape.headed {
        return;
    }
    if is_status_line(line) {
        (shape.section, shape.stack) = (Section::Response, true);
    }
    shape.stack |= line.starts_with(b"Error Message: ") || line.starts_with(b"Error message: ");
}

pub(super) fn step(shape: &mut Continuation, line: &[u8], after_blank: bool) -> Step {
    if shape.section == Section::Response && !shape.brace {
        if after_blank && matches!(line.first(), Some(b'{' | b'<')) {
            shape.section = Section::Body;
        } else if after_blank || !is_header(line) {
            shape.section = Section::None;
        }
    } else if !shape.brace && shape.is_failure() && is_status_line(line) {
        shape.section = Section::Response;
        return Step::Joins;
    } else if shape.quiet && shape.calm && is_status_line(line) {
        return Step::Ends;
    }
    if after_blank && shape.section == Section::Headers {
        shape.section = Section::None;
    }
    if !shape.is_failure() {
        return Step::NotMine;
    }
    match (shape.section, label(line)) {
        (Section::Headers | Section::Response, _) if is_header(line) => {}
        (Section::Body, None) if !after_blank || line.starts_with(b"{") => {
            if line.starts_with(b"{") && line.ends_with(b"}") {
                shape.section = Section::None;
            }
        }
        (_, Some((label, value))) => {
            shape.section = match (value, label.ends_with(b"s") && label.ends_with(b"eaders")) {
                ([], true) => Section::Headers,
                ([], false) => Section::Body,
                _ => Section::None,
            };
        }
        _ => return Step::NotMine,
    }
    opening::note(shape, line);
    Step::Joins
}

/// A label at the start of `line` that errors have, as written, and the value behind it.
fn label(line: &[u8]) -> Option<(&[u8], &[u8])> {
    let colon = line.iter().take(28).position(|b| *b == b':')?;
    let (label, value) = (line.get(..colon)?, line.get(colon + 1..)?);
    if !(label.first()?.is_ascii_alphabetic() && (value.is_empty() || value.starts_with(b" "))) {
        return None;
    }
    let mut folded = [0u8; 28];
    let mut length = 0;
    for byte in label.iter().filter(|b| !matches!(b, b' ' | b'-' | b'_')) {
        *folded.get_mut(length)? = byte.to_ascii_lowercase();
        length += 1;
    }
    let folded = folded.get(..length)?;
    LABELS.contains(&folded).then_some((label, value.trim_ascii()))
}

/// `HTTP/1.1 429 Too Many Requests`.
fn is_status_line(line: &[u8]) -> bool {
    let Some(rest) = line.strip_prefix(b"HTTP/") else { return false };
    let version = rest.iter().take_while(|b| b.is_ascii_digit() || **b == b'.').count();
    let status = rest.get(version..).and_then(|rest| rest.strip_prefix(b" "));
    version > 0 && matches!(status, Some([b'4' | b'5', a, b, ..]) if a.is_ascii_digit() && b.is_ascii_digit())
}

/// `Content-Length: 176`.
fn is_header(line: &[u8]) -> bool {
    let name = line.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'-' | b'_')).count();
    name > 0 && line.get(name) == Some(&b':')
}
