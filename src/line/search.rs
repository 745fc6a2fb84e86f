//! Search in texts and bytes, and the skipping of terminal colours.

use std::borrow::Cow;

/// A longer text is worth the preparation of a search that looks at two bytes at once.
const SHORT_TEXT: usize = 1_024;
/// The rarest byte is looked for among this many.
const RANKED: usize = 8;
/// Letters of English from the most frequent to the rarest; all other bytes are rarer.
const FREQUENT: &[u8; 26] = b"etaoinsrhldcumfpgwybvkxjqz";
/// How often a byte occurs in a log, as a rank: 0 is rare.
const RANKS: [u8; 256] = ranks();

#[expect(clippy::cast_possible_truncation, reason = "the alphabet has 26 letters")]
const fn ranks() -> [u8; 256] {
    let mut ranks = [0; 256];
    let mut at = 0;
    while at < FREQUENT.len() {
        ranks[FREQUENT[at] as usize] = (FREQUENT.len() - at) as u8;
        at += 1;
    }
    // The blank is the most frequent byte; digits are everywhere in a log.
    ranks[b' ' as usize] = 30;
    let mut digit = b'0';
    while digit <= b'9' {
        ranks[digit as usize] = 20;
        digit += 1;
    }
    ranks
}

/// How often a byte occurs in a log: 0 is rare.
pub(super) const fn rank(byte: u8) -> u8 {
    RANKS[byte as usize]
}

/// Like [`str::find`], without its preparation: a text of a log is so short that the preparation would cost more than the search. Looks
/// for the rarest byte of `part`, and compares there.
pub(crate) fn find(text: impl AsRef<[u8]>, part: impl AsRef<[u8]>) -> Option<usize> {
    let (text, part) = (text.as_ref(), part.as_ref());
    if text.len() < part.len() {
        return None;
    }
    if text.len() > SHORT_TEXT {
        return memchr::memmem::find(text, part);
    }
    let begin = part.iter().take(RANKED).enumerate();
    let Some((offset, rarest)) = begin.min_by_key(|(_, byte)| rank(**byte)) else { return Some(0) };
    let mut hits = memchr::memchr_iter(*rarest, text.get(offset..)?);
    hits.find(|at| text.get(*at..*at + part.len()) == Some(part))
}

/// Whether `text` contains `part`, byte by byte.
pub(crate) fn contains(text: impl AsRef<[u8]>, part: impl AsRef<[u8]>) -> bool {
    find(text, part).is_some()
}

/// What is before and behind the first `part`, if the text has it. `str::split_once` prepares a search that costs more than most texts.
pub(crate) fn split_once<'t>(text: &'t str, part: &str) -> Option<(&'t str, &'t str)> {
    let at = find(text, part)?;
    Some((text.get(..at)?, text.get(at + part.len()..)?))
}

/// Whether `text` contains `word`; the case of ASCII letters does not matter.
pub(crate) fn contains_folded(text: &str, word: &str) -> bool {
    let (text, word) = (text.as_bytes(), word.as_bytes());
    let rank_of = |byte: &u8| rank(byte.to_ascii_lowercase());
    let begin = word.iter().take(RANKED).enumerate();
    let Some((offset, rarest)) = begin.min_by_key(|(_, byte)| rank_of(byte)) else { return true };
    let (lower, upper) = (rarest.to_ascii_lowercase(), rarest.to_ascii_uppercase());
    memchr::memchr2_iter(lower, upper, text.get(offset..).unwrap_or_default())
        .any(|at| text.get(at..at + word.len()).is_some_and(|part| part.eq_ignore_ascii_case(word)))
}

/// The length of the escape sequence at the start of `text`, in bytes. `None` if no letter ends it.
pub(super) fn escape_length(text: &[u8]) -> Option<usize> {
    text.iter().position(u8::is_ascii_alphabetic).map(|last| last + 1)
}

/// The line after the colours at its start.
pub(crate) fn skip_colours(mut line: &[u8]) -> &[u8] {
    while line.starts_with(b"\x1b[") {
        let Some(length) = escape_length(line) else { break };
        line = &line[length..];
    }
    line
}

/// The text without its colours.
pub(crate) fn strip_colours(text: &str) -> Cow<'_, str> {
    if !text.contains('\x1b') {
        return Cow::Borrowed(text);
    }
    let mut out = String::with_capacity(text.len());
    let mut rest = text;
    while let Some(at) = find(rest, "\x1b[") {
        let (before, escape) = rest.split_at(at);
        out.push_str(before);
        rest = escape_length(escape.as_bytes()).and_then(|length| escape.get(length..)).unwrap_or_default();
    }
    out.push_str(rest);
    Cow::Owned(out)
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    proptest! {
        #[test]
        fn a_part_is_found_where_the_library_finds_it(text in "[ab z0]{0,30}", part in "[ab z0]{0,4}", blanks in 0..1_100_usize) {
            let text = text + &" ".repeat(blanks) + "ab";
            prop_assert_eq!(find(&text, &part), text.find(&part));
            prop_assert_eq!(contains_folded(&text.to_uppercase(), &part), text.contains(&part));
        }
    }
}
