//! `key=value` pairs among the words of a text.

use super::json::{Escapes, Raw, Value};
use crate::line::find;

/// The most `=` signs that are looked at.
const PAIRS: usize = 64;
/// The first bytes of a text in which pairs are looked for.
const TEXT_BYTES: usize = 8 << 10;

/// `key=value` pairs anywhere in a line of words; values may be quoted, with `\"` inside.
#[derive(Clone, Debug)]
pub(super) struct Pairs<'a> {
    text: &'a [u8],
    at: usize,
    left: usize,
}

impl<'a> Pairs<'a> {
    /// The pairs at the start of a text, up to the limits of this module.
    pub(super) fn new(text: &'a [u8]) -> Self {
        Self { text: &text[..text.len().min(TEXT_BYTES)], at: 0, left: PAIRS }
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.left = self.left.checked_sub(1)?;
            let equals = self.at + memchr::memchr(b'=', self.text.get(self.at..)?)?;
            let before = &self.text[self.at..equals];
            let key_len =
                before.iter().rev().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'@' | b'-')).count();
            let key = &before[before.len() - key_len..];
            let rest = &self.text[equals + 1..];
            let (value, used) = pair_value(rest);
            self.at = equals + 1 + used;
            if !key.is_empty()
                && (key_len == before.len()
                    || matches!(before[before.len() - key_len - 1], b' ' | b'\t' | b',' | b'(' | b';' | b'[' | b'{'))
            {
                return Some((key, value));
            }
        }
    }
}

/// `, target_url: https://…, response_status: 429 Too Many Requests`: what a line of words tells of an exchange in parts between commas, each
/// a name and a value.
pub(super) fn parts_of_exchange(text: &[u8]) -> impl Iterator<Item = (&[u8], Value<'_>)> {
    // Only an address shows that the parts are of an exchange.
    let has_address = find(text, b": http").is_some();
    let text = if has_address { text.get(..TEXT_BYTES).unwrap_or(text) } else { &[] };
    let ends = memchr::memmem::find_iter(text, b", ").chain([text.len()]);
    let parts = ends.scan(0, |from, end| {
        let part = text.get(*from..end);
        *from = end + 2;
        part
    });
    parts.take(PAIRS).filter_map(|part| {
        let (key, value) = part.split_at_checked(find(part, b": ")?)?;
        let value = value.get(2..)?.trim_ascii();
        let is_key = !key.is_empty() && key.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
        let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
        is_key.then_some((key, if is_number { Value::Number(value) } else { Value::Text(Raw::plain(value)) }))
    })
}

/// The text between two quotes, and the length with both; the rest of the text if the second quote is missing.
fn quoted(text: &[u8], quote: u8) -> (Raw<'_>, usize) {
    let mut at = 1;
    let mut escapes = Escapes::None;
    while let Some(found) = memchr::memchr2(quote, b'\\', text.get(at..).unwrap_or_default()) {
        at += found;
        if text[at] == quote {
            return (Raw { bytes: &text[1..at], escapes }, at + 1);
        }
        escapes = Escapes::Some;
        at += 2;
    }
    (Raw { bytes: &text[1..], escapes }, text.len())
}

/// The value at the start of a text, and its length in bytes.
fn pair_value(text: &[u8]) -> (Value<'_>, usize) {
    // `model= gpt-5`: a blank before the value, as LiteLLM writes it.
    if text.first() == Some(&b' ') && text.get(1).is_some_and(u8::is_ascii_alphanumeric) {
        let (value, used) = pair_value(&text[1..]);
        return (value, used + 1);
    }
    match text.first() {
        Some(b'"') => {
            let (inside, used) = quoted(text, b'"');
            return (Value::Text(inside), used);
        }
        // A Python repr, as structlog's KeyValueRenderer writes it. Behind an apostrophe, the word continues.
        Some(b'\'') => {
            let (inside, used) = quoted(text, b'\'');
            if matches!(text.get(used), None | Some(b' ' | b'\t' | b',' | b';' | b')' | b']' | b'}' | b'\n'))
                && used > inside.bytes.len() + 1
            {
                return (Value::Text(inside), used);
            }
        }
        _ => {}
    }
    // A brace ends the value if it closes a group around the pair, as in Rust's `request{method=POST}`.
    let ends = |b: &u8| matches!(b, b' ' | b'\t' | b',' | b';' | b')' | b']' | b'\n' | b'\\') || *b == b'}' && text[0] != b'{';
    let len = text.iter().position(ends).unwrap_or(text.len());
    let word = &text[..len];
    let word = word.strip_prefix(b"'").map_or(word, |rest| rest.strip_suffix(b"'").unwrap_or(rest));
    let value = match word {
        b"" | b"-" | b"null" | b"None" | b"nil" => Value::Null,
        b"true" | b"True" => Value::Bool(true),
        b"false" | b"False" => Value::Bool(false),
        word if word.iter().all(|b| b.is_ascii_digit() || *b == b'.' || *b == b'-') => Value::Number(word),
        word => Value::Text(Raw::plain(word)),
    };
    (value, len)
}
