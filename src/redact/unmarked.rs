//! Keys without a name or a form: words that a machine made up, where the words around them speak of a key.

use super::span::{Kind, Span};
use super::token::{is_boundary, is_random, is_uuid, key_length};

/// Words that say that a key is spoken of.
const KEY_WORDS: [&str; 13] = [
    "key",
    "apikey",
    "api_key",
    "token",
    "secret",
    "credential",
    "credentials",
    "password",
    "passcode",
    "bearer",
    "auth",
    "authorization",
    "keys",
];

/// Words that say that it is something else, or a name of the key and not the key.
const OTHER_WORDS: [&str; 24] = [
    "id",
    "ids",
    "request",
    "request_id",
    "trace",
    "org",
    "organization",
    "project",
    "model",
    "name",
    "account",
    "user",
    "deployment",
    "idempotency",
    "cache",
    "primary",
    "partition",
    "sort",
    "foreign",
    "public",
    "next",
    "page",
    "continuation",
    "session",
];

/// How many words before and after are looked at.
const NEAR: usize = 5;

/// Where keys are that only their neighbours give away.
pub(super) fn find(text: &str, spans: &mut Vec<Span>) {
    let mut at = 0;
    while at < text.len() {
        let Some(rest) = text.get(at..) else {
            at += 1;
            continue;
        };
        let length = key_length(rest);
        let word = rest.get(..length).unwrap_or_default();
        if length >= 20 && is_boundary(text, at) && (is_random(word) || is_uuid(word)) {
            let before = text.get(..at).unwrap_or_default();
            let after = text.get(at + length..).unwrap_or_default();
            if speaks_of_key(words_back(before)) || !is_uuid(word) && calls_it_a_key(after) {
                spans.push(Span { start: at, end: at + length, kind: Kind::Key });
            }
        }
        at += length.max(1);
    }
}

fn words_back(text: &str) -> impl Iterator<Item = &str> {
    text.rsplit(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty())
}

/// Whether one of the last words is a key's, and none between says that something else is meant.
fn speaks_of_key<'t>(mut words: impl Iterator<Item = &'t str>) -> bool {
    let is_one_of = |list: &[&str], word: &str| list.iter().any(|known| word.eq_ignore_ascii_case(known));
    for word in words.by_ref().take(NEAR) {
        if is_one_of(&OTHER_WORDS, word) {
            return false;
        }
        if is_one_of(&KEY_WORDS, word) {
            return !words.next().is_some_and(|word| is_one_of(&OTHER_WORDS, word));
        }
    }
    false
}

/// `… is not a valid API key`.
fn calls_it_a_key(after: &str) -> bool {
    let words: Vec<_> =
        after.split(|c: char| !(c.is_ascii_alphanumeric() || c == '_')).filter(|word| !word.is_empty()).take(6).collect();
    words.first().is_some_and(|word| matches!(*word, "is" | "was")) && speaks_of_key(words.into_iter().rev())
}
