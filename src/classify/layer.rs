//! What a failure looks like to the other records of the same failure: who wrote it, which error it tells of, and how much it knows.
//!
//! Texts are kept as hashes of their words, so that nothing of a log is kept. Numbers and ids are masked: they differ between layers.

use crate::line::contains;
use crate::record::{Facts, Signals};
use crate::taxonomy::{Confidence, Status};
use rustc_hash::FxHasher;
use serde::{Deserialize, Serialize};
use std::hash::{Hash, Hasher};

/// The most words of an error that are compared.
const ERROR_WORDS: usize = 24;
/// The most words of a record in which the error of another record is looked for.
const RECORD_WORDS: usize = 96;
/// From this length on, an error is recognised inside a longer text, in bytes.
const CONTAINED_BYTES: usize = 12;
/// The first bytes of a text in which the words of a wrapper end.
const WRAPPER_BYTES: usize = 240;
/// The most words of a text that says only that something failed.
const BARE_WORDS: usize = 12;

/// Texts of an error that say nothing of it.
const EMPTY_WORDS: [&str; 8] = ["error", "exception", "failed", "failure", "null", "none", "undefined", "unknown"];

/// One record of a failure, as the other records of that failure see it.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub struct Layer {
    /// Logger, level and the words around the error, as a hash.
    pub head: u64,
    /// The name of the logger, as a hash; 0: it has none.
    #[serde(default)]
    pub writer: u64,
    /// What the record knows of the failure.
    pub standing: Standing,
    /// The words of the error.
    error: Words,
    /// The words of the whole record.
    record: Words,
}

/// The form of a line that may report a good call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub struct Habit {
    /// Who wrote it, as [`Layer::writer`].
    pub writer: u64,
    /// The words that are alike in all such lines, as a hash.
    pub form: u64,
}

/// How much a record knows of its failure; the later in this list, the more.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, PartialOrd, Ord, Hash, Serialize, Deserialize)]
pub enum Standing {
    /// It says only that something failed.
    #[default]
    Nothing,
    /// It gives a status and no other reason.
    Status,
    /// It has words of its own that no pattern knows.
    Words,
    /// A pattern knows its words.
    Message,
    /// A class or type decided.
    Class,
    /// It has the provider's own body. Nothing that comes later knows more.
    Body,
}

/// Words of a text, as hashes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
struct Words {
    hashes: Vec<u32>,
    /// The length of the text in bytes.
    bytes: usize,
    /// One bit for each word.
    bits: u64,
}

impl Layer {
    pub(super) fn of(facts: &Facts<'_>, signals: &Signals, confidence: Confidence, status: Option<Status>) -> Self {
        let error = without_wrapper(signals.message());
        let line = facts.headline.split(|b| *b == b'\n').next().unwrap_or_default();
        let line = String::from_utf8_lossy(line);
        let standing = standing(facts, signals, (confidence, status), error);
        // `Error` alone is of any failure.
        let error = if EMPTY_WORDS.iter().any(|word| word.eq_ignore_ascii_case(error)) { "" } else { error };
        let error = Words::of([error].into_iter(), ERROR_WORDS);
        let mut hasher = FxHasher::default();
        (facts.logger, facts.level as u8).hash(&mut hasher);
        // A text without a reason has only the words that others put around one.
        let around = if standing <= Standing::Status { &Words::default() } else { &error };
        around.hash_words_around(&line, &mut hasher);
        let texts = signals.messages.iter().map(String::as_str).chain([line.as_ref()]);
        Self { head: hasher.finish(), writer: writer_of(facts.logger), standing, record: Words::of(texts, RECORD_WORDS), error }
    }

    /// Whether both tell of the same error: it has the same words, or the words of one are in the other.
    #[must_use]
    pub fn tells_same(&self, other: &Self) -> bool {
        !self.error.hashes.is_empty() && self.error.hashes == other.error.hashes
            || self.error.is_in(&other.record)
            || other.error.is_in(&self.record)
    }
}

impl Words {
    fn of<'t>(texts: impl Iterator<Item = &'t str>, limit: usize) -> Self {
        let mut words = Self::default();
        for text in texts {
            words.bytes += text.len();
            for (_, word) in split(text) {
                if words.hashes.len() == limit {
                    return words;
                }
                let hash = hash_of(word);
                words.bits |= 1 << (hash % 64);
                words.hashes.push(hash);
            }
        }
        words
    }

    fn is_in(&self, other: &Self) -> bool {
        self.bytes >= CONTAINED_BYTES
            && self.hashes.len() > 1
            && self.bits & !other.bits == 0
            && other.hashes.windows(self.hashes.len()).any(|words| words == self.hashes)
    }

    /// Hashes the words of a line that are not of this error, without names and numbers: they are the template of the code that wrote it.
    fn hash_words_around(&self, line: &str, hasher: &mut FxHasher) {
        let words: Vec<(usize, &str)> = split(line).take(RECORD_WORDS).collect();
        let line_hashes: Vec<u32> = words.iter().map(|(_, word)| hash_of(word)).collect();
        let length = self.hashes.len().max(1);
        let inside = line_hashes.windows(length).position(|part| part == self.hashes);
        let is_around = |at: usize| inside.is_none_or(|start| at < start || at >= start + length);
        let mut is_phrase = false;
        for (at, (offset, word)) in words.into_iter().enumerate() {
            // The name of a status is no more part of the template than its number: `500 Internal Server Error`.
            is_phrase =
                is_status(word) || is_phrase && word.starts_with(|c: char| c.is_ascii_uppercase()) && is_next(line, offset);
            if !is_phrase && is_around(at) && is_plain(line, offset, word) {
                word.hash(hasher);
            }
        }
    }
}

/// The words of a text with their offsets: letters and digits that belong together. Characters of scripts that set no blanks are words of
/// their own.
fn split(text: &str) -> impl Iterator<Item = (usize, &str)> {
    let mut at = 0;
    std::iter::from_fn(move || {
        while !char_at(text, at)?.0.is_alphanumeric() {
            at += char_at(text, at)?.1;
        }
        let start = at;
        let (first, length) = char_at(text, at)?;
        at += length;
        if !is_ideographic(first) {
            while let Some((c, length)) = char_at(text, at)
                && c.is_alphanumeric()
                && !is_ideographic(c)
            {
                at += length;
            }
        }
        Some((start, text.get(start..at)?))
    })
}

/// The character at an offset, with its length. Nearly all are ASCII, and need no decoding.
fn char_at(text: &str, at: usize) -> Option<(char, usize)> {
    match text.as_bytes().get(at)? {
        byte if byte.is_ascii() => Some((char::from(*byte), 1)),
        _ => text.get(at..)?.chars().next().map(|c| (c, c.len_utf8())),
    }
}

fn is_ideographic(c: char) -> bool {
    c >= '\u{2e80}'
}

/// Numbers and ids are all alike.
fn hash_of(word: &str) -> u32 {
    const ID_BYTES: usize = 16;
    const HEX_BYTES: usize = 8;
    let digits = word.bytes().filter(u8::is_ascii_digit).count();
    let is_hex = || word.len() >= HEX_BYTES && word.bytes().all(|b| b.is_ascii_hexdigit());
    let mut hasher = FxHasher::default();
    if digits == word.len() || digits > 0 && (is_hex() || word.len() >= ID_BYTES && digits > 1) {
        hasher.write_u8(b'#');
    } else {
        for byte in word.bytes() {
            hasher.write_u8(if byte.is_ascii_digit() { b'#' } else { byte.to_ascii_lowercase() });
        }
    }
    (hasher.finish() >> 32) as u32
}

/// Whether a word is the number of an HTTP error.
fn is_status(word: &str) -> bool {
    matches!(word.as_bytes(), [b'4' | b'5', b'0'..=b'9', b'0'..=b'9'])
}

/// Whether only a blank or a hyphen is between a word and the one before it.
fn is_next(line: &str, offset: usize) -> bool {
    let before = line.as_bytes().get(..offset).unwrap_or_default();
    matches!(before, [.., last, b' ' | b'-'] if last.is_ascii_alphanumeric())
}

/// Whether a word of a line is part of its template: it has only letters, and it is not inside a name, a bracket or a quotation.
fn is_plain(line: &str, offset: usize, word: &str) -> bool {
    let before = line.as_bytes().get(..offset).and_then(<[u8]>::last);
    let after = line.as_bytes().get(offset + word.len());
    let opens =
        matches!(before, Some(b'(' | b'[' | b'{' | b'"' | b'\'' | b'`' | b'<' | b'=' | b'-' | b'/' | b'_' | b'@' | b'#'));
    let joins = matches!(after, Some(b'-' | b'/' | b'_' | b'@' | b'='));
    !opens && !joins && word.bytes().all(|b| b.is_ascii_alphabetic())
}

/// The name of a logger as a hash; 0: it has none.
pub(super) fn writer_of(logger: &str) -> u64 {
    let mut hasher = FxHasher::default();
    logger.hash(&mut hasher);
    if logger.is_empty() { 0 } else { hasher.finish() | 1 }
}

/// Parts of words that say that something failed, and give no reason.
const FAILURES: [&str; 8] = ["rror", "xception", "ailed", "ailure", "RROR", "AILED", "ended with", "tatus"];

/// The error without the words that its reporters put before it: `Error in Agent run: Rate limit reached …`.
fn without_wrapper(text: &str) -> &str {
    let head = text.get(..text.floor_char_boundary(WRAPPER_BYTES)).unwrap_or_default();
    let (mut error, mut begin) = (text, 0);
    for (at, _) in head.match_indices(": ") {
        let segment = text.get(begin..at).unwrap_or_default();
        let rest = text.get(at + 2..).unwrap_or_default().trim_start();
        if segment.contains(['{', '"']) {
            break;
        }
        begin = at + 2;
        let is_error = rest.len() >= CONTAINED_BYTES && split(rest).nth(1).is_some() && !rest.starts_with(['{', '[']);
        if is_error && names_failure(segment) {
            error = rest;
        }
    }
    error.trim_matches(|c: char| matches!(c, '"' | '\'' | ' '))
}

/// The first line of a text, if it is more than the heading of what follows, and without the request that it quotes.
fn first_sentence(text: &str) -> &str {
    let is_request = |quoted: &str| ["\"messages\":", "\"prompt\":", "\"input\":"].iter().any(|key| contains(quoted, key));
    let text =
        text.find('{').filter(|at| text.get(*at..).is_some_and(is_request)).map_or(text, |at| text.get(..at).unwrap_or(text));
    text.lines().next().filter(|line| !line.trim_end().ends_with([':', ',', '{', '('])).unwrap_or(text)
}

fn names_failure(text: &str) -> bool {
    FAILURES.iter().any(|word| contains(text, word))
}

fn standing(facts: &Facts<'_>, signals: &Signals, (confidence, status): (Confidence, Option<Status>), error: &str) -> Standing {
    let has_body = signals.upstream_status.is_some() || signals.is_enveloped || signals.is_bare || !signals.codes.is_empty();
    // What follows in further lines is of the entry, and a pattern has looked for a reason in it.
    let is_short = || split(first_sentence(error)).nth(BARE_WORDS).is_none();
    match confidence {
        Confidence::Typed | Confidence::Message if has_body => Standing::Body,
        Confidence::Typed => Standing::Class,
        Confidence::Message => Standing::Message,
        _ if matches!(status, Some(Status::Timeout | Status::Connection)) => Standing::Message,
        Confidence::Status if facts.status.is_none() && is_short() => Standing::Status,
        Confidence::None if status.is_none() && signals.types.is_empty() && is_short() && names_failure(error) => {
            Standing::Nothing
        }
        _ => Standing::Words,
    }
}
