//! How long an exchange took, as the rest of an access line says.

use crate::line::find;
use crate::record::duration::go_duration_s;

/// The duration after the status: after a key (`rt=0.812`), with a unit (`12.3ms`, `1.2 ms`), or as a decimal of seconds, which NGINX and
/// gunicorn put last.
pub(super) fn took_s(rest: &[u8]) -> Option<f64> {
    for key in [b" rt=".as_slice(), b"request_time=", b"duration=", b" took="] {
        if let Some(at) = find(rest, key) {
            let value = rest[at + key.len()..].split(|b| matches!(b, b' ' | b',')).next()?;
            return decimal_s(value.trim_ascii()).or_else(|| go_duration_s(value));
        }
    }
    let mut previous: &[u8] = b"";
    let mut seconds = None;
    for word in rest.split(|b| matches!(b, b' ' | b'\t' | b'(' | b')' | b'|')).filter(|word| !word.is_empty()) {
        let word = word.split(|b| *b == 0x1b).next().unwrap_or_default();
        let with_unit = go_duration_s(word).or_else(|| match word {
            b"ms" => number(previous).map(|ms| ms / 1e3),
            b"s" => number(previous),
            _ => None,
        });
        seconds = with_unit.or(seconds);
        previous = word;
    }
    seconds.or_else(|| decimal_s(previous))
}

/// A number with three or more digits after its point: seconds with milliseconds.
pub(super) fn decimal_s(word: &[u8]) -> Option<f64> {
    let word = word.strip_prefix(b"\"").and_then(|word| word.strip_suffix(b"\"")).unwrap_or(word);
    let point = memchr::memchr(b'.', word)?;
    if word.len() - point < 4 { None } else { number(word) }
}

fn number(word: &[u8]) -> Option<f64> {
    let is_number = !word.is_empty() && word.iter().all(|b| b.is_ascii_digit() || *b == b'.');
    std::str::from_utf8(word).ok().filter(|_| is_number)?.parse().ok()
}
