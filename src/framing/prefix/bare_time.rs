//! A time of the carrier and nothing else: `docker logs -t`, `docker compose logs -t`, `kubectl logs --timestamps` and
//! `stern -t` write `2026-11-20T09:16:51.894123456Z the line`, GitHub Actions writes seven digits. Applications write three
//! or six digits, or none; their own time stays with the line.
//!
//! Sources: `RFC3339NanoFixed` in moby and in the kubelet; the logs of GitHub's runner, which are .NET's round-trip format.

use super::envelope::Envelope;
use super::scan::{count, split_while, split_word};
use crate::line::Level;

pub(super) fn strip<'a>(line: &'a [u8], envelope: &mut Envelope<'a>) -> Option<&'a [u8]> {
    if line.get(10) != Some(&b'T') || line.get(19) != Some(&b'.') {
        return None;
    }
    let digits = count(line.get(20..)?, |byte| byte.is_ascii_digit());
    if !matches!(digits, 7 | 9) {
        return None;
    }
    let (time, content) = match split_word(line) {
        Some(parts) => parts,
        // An empty line without its last blank.
        None if line.len() < 40 => (line, &b""[..]),
        None => return None,
    };
    // A level behind the time: the time is that of the logger, and part of the head of its entry.
    if begins_with_level(content) {
        return None;
    }
    envelope.stamp(time)?;
    Some(content)
}

/// `[INF] …`, `WARN …`.
fn begins_with_level(content: &[u8]) -> bool {
    let word = content.strip_prefix(b"[").unwrap_or(content);
    let (word, behind) = split_while(word, |byte| byte.is_ascii_alphabetic());
    word.len() >= 3 && matches!(behind.first(), Some(b' ' | b']' | b':' | b'|')) && Level::from_word(word) != Level::Unknown
}
