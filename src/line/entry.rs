//! Whether a line of a text log begins an entry: with a time stamp, a level, an address, or a key of logfmt.

use super::level::Level;
use super::search::skip_colours;
use super::stamp::{EpochNumber, stamp_length};
use crate::time::Stamp;

/// The first bytes of a line in which the level is looked for.
const HEAD_BYTES: usize = 160;

/// The level of the entry that `line` begins, [`Level::Unknown`] if it names none. `None` if `line` begins no entry.
pub(crate) fn entry_level(line: &[u8]) -> Option<Level> {
    let line = skip_colours(line);
    let inner = line.strip_prefix(b"[").unwrap_or(line);
    let inner = inner.strip_prefix(b"GIN] ").unwrap_or(inner);
    let is_stamp = inner.first().is_some_and(u8::is_ascii_digit)
        && (stamp_length(inner, EpochNumber::Refuse).is_some() || begins_with_client(inner));
    let begins_entry = is_stamp
        || has_padded_level(line)
        || is_syslog(line)
        || begins_with_logfmt_key(line)
        || is_sdk_line(line)
        || begins_with_level(inner);
    begins_entry.then(|| first_level(&line[..line.len().min(HEAD_BYTES)]))
}

/// `           ERROR    Request failed   app.py:31`: rich omits the time if it equals that of the line above, and pads the
/// level to a column.
pub(crate) fn has_padded_level(line: &[u8]) -> bool {
    let blanks = line.iter().take_while(|b| **b == b' ').count();
    let word = line[blanks..].iter().take_while(|b| b.is_ascii_uppercase()).count();
    let gap = line.get(blanks + word..blanks + 9);
    let padded = gap.is_some_and(|gap| !gap.is_empty() && gap.iter().all(|b| *b == b' '));
    let is_level = || Level::from_entry_word(&line[blanks..blanks + word]).is_some();
    blanks >= 8 && (4..=8).contains(&word) && padded && is_level()
}

/// A line of openai-node or of Anthropic's SDK: `[log_7037f9] post https://… failed with status 502 in 11ms`.
pub(crate) fn is_sdk_line(line: &[u8]) -> bool {
    line.starts_with(b"[log_")
}

/// `127.0.0.1 - - [` of an access log, `127.0.0.1:5555 - "POST …` of uvicorn.
fn begins_with_client(line: &[u8]) -> bool {
    let address = line.iter().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b':')).count();
    address >= 7 && line[address..].starts_with(b" - ")
}

/// `Nov 20 09:16:51 host program[1]: …`.
fn is_syslog(line: &[u8]) -> bool {
    line.len() > 16
        && line[0].is_ascii_uppercase()
        && line[3] == b' '
        && line[6] == b' '
        && matches!(Stamp::parse_prefix(&line[7..]), Some((Stamp::TimeOfDay(_), _)))
}

fn begins_with_logfmt_key(line: &[u8]) -> bool {
    const KEYS: [&[u8]; 8] = [b"time=", b"ts=", b"t=", b"at=", b"level=", b"lvl=", b"timestamp=", b"msg="];
    KEYS.iter().any(|key| line.starts_with(key))
}

fn begins_with_level(line: &[u8]) -> bool {
    let length = line.iter().take(13).take_while(|b| b.is_ascii_alphabetic()).count();
    let (word, rest) = line.split_at(length);
    if Level::from_entry_word(word).is_none() {
        return false;
    }
    let marks: &[&[u8]] = if word[0].is_ascii_uppercase() { &[b":", b"]", b"\t", b" "] } else { &[b": ", b"  "] };
    marks.iter().any(|mark| rest.starts_with(mark))
}

/// The first level that the head of a line names, as a word of its own.
fn first_level(head: &[u8]) -> Level {
    head.split(|b| !b.is_ascii_alphabetic()).find_map(Level::from_entry_word).unwrap_or_default()
}
