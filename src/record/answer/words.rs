//! The words of `patterns/endings.toml`: how reasons are spelled, and which key says what about an answer.

use rustc_hash::FxHashMap;
use serde::Deserialize;
use std::collections::BTreeMap;

/// As the build script writes it.
const SHIPPED: &str = include_str!(concat!(env!("OUT_DIR"), "/endings.json"));

/// What a finish or stop reason means. The later of two that one answer names counts: it says more.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub enum Reason {
    /// A word that the lists do not have.
    #[serde(skip)]
    Unclear,
    /// The server did something else than to answer.
    NoAnswer,
    /// The model finished.
    Complete,
    /// The model calls tools.
    ToolCalls,
    /// A limit cut the text.
    Truncated,
    /// The server gave up.
    Failed,
    /// The model's tool call or output cannot be parsed.
    Malformed,
    /// A filter stopped the prompt or the answer.
    Filtered,
    /// The model or a classifier declined.
    Refused,
}

/// What a key says about an answer.
#[derive(Clone, Copy, Debug, PartialEq, Eq, PartialOrd, Ord, Hash, Deserialize)]
#[serde(rename_all = "snake_case")]
pub(super) enum Part {
    Reason,
    BlockReason,
    /// The details of an incomplete answer of the Responses API.
    Incomplete,
    Status,
    OutputTokens,
    InputTokens,
    TotalTokens,
    /// A container in which bare words are counts of tokens.
    Usage,
    ReasoningTokens,
    TextTokens,
    /// The most output tokens that the caller allowed.
    Cap,
    /// The length of the text.
    #[serde(skip)]
    Length,
    ToolCalls,
    Text,
    /// A whole answer, or its text.
    Body,
    /// What the model wrote for itself.
    Thought,
    Choices,
    Refusal,
    Media,
    BlockTypes,
    Filter,
    Filtered,
    Role,
    Model,
    Chunk,
    Done,
    Object,
    /// What was asked.
    Request,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct File {
    reasons: BTreeMap<Reason, Vec<String>>,
    keys: BTreeMap<Part, Vec<String>>,
    usage: BTreeMap<Part, Vec<String>>,
    lengths: Lengths,
}

#[derive(Deserialize)]
#[serde(deny_unknown_fields)]
struct Lengths {
    of: Vec<String>,
    units: Vec<String>,
    alone: Vec<String>,
    words: Vec<String>,
}

/// The words, by their folded spelling.
#[derive(Clone, Debug)]
pub struct AnswerWords {
    reasons: FxHashMap<Box<[u8]>, Reason>,
    parts: FxHashMap<Box<[u8]>, Part>,
    usage: FxHashMap<Box<[u8]>, Part>,
    /// Units of text behind a number.
    units: Vec<Box<[u8]>>,
}

impl AnswerWords {
    /// The shipped words.
    #[must_use]
    pub fn shipped() -> Self {
        let File { reasons, keys, usage, lengths } = file();
        let lengths = spelled_lengths(&lengths).into_iter().map(|key| (folded(&key), Part::Length));
        Self {
            parts: by_spelling(keys).into_iter().chain(lengths).collect(),
            reasons: by_spelling(reasons).into_iter().collect(),
            usage: by_spelling(usage).into_iter().collect(),
            units: file().lengths.words.iter().map(|word| folded(word)).collect(),
        }
    }

    /// What a spelled reason means.
    #[must_use]
    pub fn reason(&self, spelled: &[u8]) -> Reason {
        let leaf = spelled.rsplit(|b| matches!(b, b'.' | b':' | b'/')).find(|part| !part.is_empty()).unwrap_or(spelled);
        let mut buffer = Folded::default();
        self.reasons.get(buffer.fold(leaf)).copied().unwrap_or(Reason::Unclear)
    }

    /// What a key says; the last two parts of a dotted key count, then the last one.
    pub(super) fn part(&self, key: &[u8]) -> Option<Part> {
        let mut buffer = Folded::default();
        let of_two = key.rsplitn(3, |b| *b == b'.').nth(2).and_then(|before| key.get(before.len() + 1..));
        let found = of_two.and_then(|two| self.parts.get(buffer.fold(two)));
        found.or_else(|| self.parts.get(Folded::default().fold(leaf(key)))).copied()
    }

    /// What a bare word says inside a container of usage.
    pub(super) fn usage(&self, key: &[u8]) -> Option<Part> {
        let mut buffer = Folded::default();
        self.usage.get(buffer.fold(leaf(key))).copied()
    }

    /// Whether a dotted key is below a container of what was asked: `gen_ai.prompt.0.content`.
    pub(super) fn is_asked(&self, key: &[u8]) -> bool {
        let Some(dot) = memchr::memrchr(b'.', key) else { return false };
        key.get(..dot).unwrap_or_default().split(|b| *b == b'.').any(|part| self.part(part) == Some(Part::Request))
    }

    /// Whether a word is the unit of a text's length.
    pub(super) fn is_unit(&self, word: &[u8]) -> bool {
        self.units.iter().any(|unit| **unit == *word)
    }
}

fn file() -> File {
    serde_json::from_str(SHIPPED).expect("a test reads the shipped file")
}

/// Every key of the file in the spellings that loggers use, for those who only need to know that an answer is shown.
pub(in crate::record) fn spelled_keys() -> Vec<String> {
    let File { keys, lengths, .. } = file();
    let shows = |part: &Part| {
        !matches!(
            part,
            Part::Status
                | Part::OutputTokens
                | Part::InputTokens
                | Part::TotalTokens
                | Part::Usage
                | Part::Role
                | Part::Model
                | Part::Object
                | Part::Done
                | Part::Request
                | Part::BlockTypes
                | Part::Filtered
        )
    };
    let keys = keys.into_iter().filter(|(part, _)| shows(part)).flat_map(|(_, keys)| keys);
    keys.chain(spelled_lengths(&lengths))
        .flat_map(|key| [camel(&key, false), camel(&key, true), key.replace('_', "-"), key])
        .collect()
}

fn spelled_lengths(lengths: &Lengths) -> Vec<String> {
    let of = |unit: &String| lengths.of.iter().map(move |of| format!("{of}_{unit}")).collect::<Vec<_>>();
    lengths.units.iter().flat_map(of).chain(lengths.alone.iter().cloned()).collect()
}

fn camel(key: &str, first: bool) -> String {
    let mut upper = first;
    let mut out = String::with_capacity(key.len());
    for letter in key.chars() {
        match letter {
            '_' => upper = true,
            letter if upper => {
                out.push(letter.to_ascii_uppercase());
                upper = false;
            }
            letter => out.push(letter),
        }
    }
    out
}

fn by_spelling<T: Copy>(lists: BTreeMap<T, Vec<String>>) -> Vec<(Box<[u8]>, T)> {
    lists.into_iter().flat_map(|(meaning, words)| words.into_iter().map(move |word| (folded(&word), meaning))).collect()
}

fn folded(word: &str) -> Box<[u8]> {
    Folded::default().fold(word.as_bytes()).into()
}

fn leaf(key: &[u8]) -> &[u8] {
    memchr::memrchr(b'.', key).map_or(key, |dot| &key[dot + 1..])
}

/// A word in small letters without marks, on the stack.
#[derive(Default)]
struct Folded {
    bytes: [u8; Self::CAPACITY],
    len: usize,
}

impl Folded {
    /// A longer word is none of the lists.
    const CAPACITY: usize = 32;

    fn fold(&mut self, word: &[u8]) -> &[u8] {
        self.len = 0;
        for byte in word.iter().filter(|b| !matches!(b, b'_' | b'-' | b' ' | b'.')) {
            match self.bytes.get_mut(self.len) {
                Some(place) => *place = byte.to_ascii_lowercase(),
                None => return &[],
            }
            self.len += 1;
        }
        &self.bytes[..self.len]
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn reasons_are_known_in_every_spelling() {
        let words = AnswerWords::shipped();
        for (spelled, reason) in [
            ("stop", Reason::Complete),
            ("FinishReason.MAX_TOKENS", Reason::Truncated),
            ("FinishReason::ToolCalls", Reason::ToolCalls),
            ("tool-calls", Reason::ToolCalls),
            ("ContentFilter", Reason::Filtered),
            ("guardrail_intervened", Reason::Filtered),
            ("refusal", Reason::Refused),
            ("MALFORMED_FUNCTION_CALL", Reason::Malformed),
            ("insufficient_system_resource", Reason::Failed),
            ("because", Reason::Unclear),
            ("", Reason::Unclear),
        ] {
            assert_eq!(words.reason(spelled.as_bytes()), reason, "{spelled}");
        }
    }

    #[test]
    fn keys_are_known_in_every_spelling() {
        let words = AnswerWords::shipped();
        for key in ["text_length", "textLength", "TextLength", "text-length", "answer_chars", "ContentLength", "content_len"] {
            assert_eq!(words.part(key.as_bytes()), Some(Part::Length), "{key}");
            assert!(spelled_keys().iter().any(|known| known == key), "{key}");
        }
        assert_eq!(words.part(b"gen_ai.usage.output_tokens"), Some(Part::OutputTokens));
        assert!(words.is_asked(b"gen_ai.prompt.0.content") && !words.is_asked(b"gen_ai.completion.0.content"));
    }

    #[test]
    fn no_key_stands_in_two_lists() {
        let File { keys, reasons, .. } = file();
        for mut all in [
            by_spelling(keys).into_iter().map(|(key, _)| key).collect::<Vec<_>>(),
            by_spelling(reasons).into_iter().map(|(key, _)| key).collect(),
        ] {
            all.sort();
            let twice: Vec<_> = all
                .windows(2)
                .filter(|pair| pair[0] == pair[1])
                .map(|pair| String::from_utf8_lossy(&pair[0]).into_owned())
                .collect();
            assert_eq!(twice, Vec::<String>::new());
        }
    }
}
