//! What stands before the message on a line of a text log.

use super::entry::is_sdk_line;
use super::level::Level;
use super::search::escape_length;
use super::stamp::{EpochNumber, stamp_length};

/// The parts before the message of an entry, in any order that a text format uses.
#[derive(Clone, Copy, Debug, Default)]
pub(crate) struct Head<'a> {
    pub(crate) stamp: Option<&'a [u8]>,
    pub(crate) level: Level,
    pub(crate) logger: Option<&'a [u8]>,
    /// The offset of the message. 0 if the line has neither stamp nor level.
    pub(crate) length: usize,
}

/// The most parts of a head that are read.
const PARTS: usize = 10;

impl<'a> Head<'a> {
    /// Reads stamps, levels, process ids and logger names, up to the first word that is none of them.
    pub(crate) fn parse(line: &'a [u8]) -> Self {
        let mut head = Self::default();
        if is_sdk_line(line) {
            return head;
        }
        let mut at = 0;
        for _ in 0..PARTS {
            at += marks_length(&line[at..]);
            let rest = &line[at..];
            if rest.is_empty() || rest.starts_with(b"GIN] ") {
                at += rest.len().min(5);
                continue;
            }
            let Some(length) = head.take_part(rest) else { break };
            at += length;
        }
        head.length = if head.is_known() { at + marks_length(&line[at..]) } else { 0 };
        head
    }

    fn is_known(&self) -> bool {
        self.stamp.is_some() || self.level != Level::Unknown
    }

    /// Takes the part at the start of `rest` and returns its length in bytes. `None` if the message begins here.
    fn take_part(&mut self, rest: &'a [u8]) -> Option<usize> {
        if self.stamp.is_none()
            && let Some(length) = stamp_length(rest, EpochNumber::Accept)
        {
            self.stamp = Some(rest[..length].trim_ascii());
            return Some(length);
        }
        let (word, behind) = rest.split_at(word_length(rest));
        let level = Level::from_word(word.trim_ascii_end());
        let is_level = level != Level::Unknown && self.level == Level::Unknown && word.iter().any(u8::is_ascii_alphabetic);
        let is_set_apart =
            || rest[0].is_ascii_uppercase() || self.stamp.is_some() || matches!(behind.first(), Some(b':' | b']'));
        if is_level && is_set_apart() {
            self.level = level;
            return Some(word.len());
        }
        let is_process_id = !word.is_empty() && word.iter().all(u8::is_ascii_digit) && behind.first() == Some(&b']');
        if is_process_id {
            return Some(word.len());
        }
        if self.is_known() && self.logger.is_none() && is_logger(word, behind) {
            self.logger = Some(word);
            return Some(word.len() + code_place_length(behind));
        }
        None
    }
}

/// The length of `:function:123` (loguru) or `:2101` (LiteLLM) behind a logger's name.
fn code_place_length(text: &[u8]) -> usize {
    let mut at = 0;
    for _ in 0..2 {
        let Some(rest) = text.get(at..).and_then(|text| text.strip_prefix(b":")) else { return 0 };
        let word = rest.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'<' | b'>')).count();
        at += 1 + word;
        if word > 0 && rest[..word].iter().all(u8::is_ascii_digit) {
            return at;
        }
    }
    0
}

/// The length of the blanks, brackets, bars, colons and colours at the start of `text`.
fn marks_length(text: &[u8]) -> usize {
    let mut at = 0;
    while let Some(byte) = text.get(at) {
        match byte {
            b' ' | b'\t' | b'[' | b']' | b'|' | b':' | b'(' | b')' => at += 1,
            b'-' if text.get(at + 1) == Some(&b' ') => at += 1,
            0x1b => at += escape_length(&text[at..]).unwrap_or(text.len() - at),
            _ => break,
        }
    }
    at
}

fn word_length(text: &[u8]) -> usize {
    text.iter().position(|b| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'_' | b'-' | b'/'))).unwrap_or(text.len())
}

/// Whether a word is the name of a logger: it may have dots, and `:`, ` - ` or `]` is right behind it.
fn is_logger(word: &[u8], behind: &[u8]) -> bool {
    word.len() > 1
        && word[0].is_ascii_alphabetic()
        && (behind.starts_with(b":") || behind.starts_with(b" - ") || behind.starts_with(b"]"))
        && !word.ends_with(b"Error")
        && !word.ends_with(b"Exception")
        && !behind.starts_with(b"://")
}
