//! Statuses told by their names: `StatusCode: TooManyRequests` (.NET), `status: UNAUTHORIZED` (Spring), `Reason: Bad Gateway`.

use crate::taxonomy::Status;

/// The names, in small letters and without blanks, as RFC 9110 and the enumerations of .NET and Spring have them.
const NAMES: [(&str, u16); 20] = [
    ("badrequest", 400),
    ("unauthorized", 401),
    ("paymentrequired", 402),
    ("forbidden", 403),
    ("notfound", 404),
    ("methodnotallowed", 405),
    ("requesttimeout", 408),
    ("conflict", 409),
    ("gone", 410),
    ("requestentitytoolarge", 413),
    ("payloadtoolarge", 413),
    ("unsupportedmediatype", 415),
    ("unprocessableentity", 422),
    ("unprocessablecontent", 422),
    ("toomanyrequests", 429),
    ("internalservererror", 500),
    ("notimplemented", 501),
    ("badgateway", 502),
    ("serviceunavailable", 503),
    ("gatewaytimeout", 504),
];
/// What stands before the name of a status, in small letters.
const MARKS: [&str; 8] =
    ["status", "statuscode", "status code", "status_code", "statustext", "status text", "reason", "reasonphrase"];
/// The longest name, in bytes.
const NAME_BYTES: usize = 24;

/// The first status that a text names after a mark.
pub(super) fn named_status(text: &str) -> Option<Status> {
    let bytes = text.as_bytes();
    memchr::memchr2_iter(b':', b'=', bytes).take(32).find_map(|at| {
        let before = bytes.get(..at)?;
        let mark = before.strip_suffix(b"\"").unwrap_or(before);
        MARKS.iter().any(|name| ends_with_word(mark, name.as_bytes())).then(|| name_at(bytes.get(at + 1..)?)).flatten()
    })
}

fn ends_with_word(text: &[u8], word: &[u8]) -> bool {
    let Some(start) = text.len().checked_sub(word.len()) else { return false };
    text.get(start..).is_some_and(|end| end.eq_ignore_ascii_case(word))
}

/// The status of which a whole text is the name: `Not found in the cache` names none.
fn name_at(text: &[u8]) -> Option<Status> {
    let quotes = |b: &u8| matches!(b, b' ' | b'"' | b'\'' | b'`' | b'(');
    let text = text.get(text.iter().take_while(|b| quotes(b)).count()..)?;
    let is_name = |b: &u8| b.is_ascii_alphabetic() || matches!(b, b' ' | b'_');
    let length = text.iter().take_while(|b| is_name(b)).count();
    let whole = text.get(..length).filter(|name| name.first().is_some_and(u8::is_ascii_uppercase))?;
    // One word of several capitals is a name whatever follows it: `TooManyRequests for deployment chat-eu`.
    let word = whole.split(|b| *b == b' ').next()?;
    let is_joined = word.iter().skip(1).any(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase);
    let name = if is_joined { word } else { whole };
    let letters = name.iter().filter(|b| b.is_ascii_alphabetic()).map(u8::to_ascii_lowercase);
    let (_, status) = NAMES.iter().filter(|_| name.len() <= NAME_BYTES).find(|(known, _)| letters.clone().eq(known.bytes()))?;
    Some(Status::Http(*status))
}
