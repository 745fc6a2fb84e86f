//! `key=value` pairs among the words of a text, and `key: value` between the commas of a text with an address.

use super::json::{Escapes, Raw, Value};
use crate::line::find;

/// The most `=` signs that are looked at.
const PAIRS: usize = 64;
/// The first bytes of a text in which pairs are looked for.
const TEXT_BYTES: usize = 8 << 10;

/// What each byte may be, as bits.
const BYTES: [u8; 256] = {
    let mut bytes = [0; 256];
    let mut byte = 0u8;
    while byte < 128 {
        let in_key = byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'.' | b'@' | b'-');
        let ends_value = matches!(byte, b' ' | b'\t' | b',' | b';' | b')' | b']' | b'\n' | b'\\');
        let in_number = byte.is_ascii_digit() || matches!(byte, b'.' | b'-');
        bytes[byte as usize] = (in_key as u8 * IN_KEY) | (ends_value as u8 * ENDS_VALUE) | (in_number as u8 * IN_NUMBER);
        byte += 1;
    }
    bytes
};
const IN_KEY: u8 = 1;
const ENDS_VALUE: u8 = 2;
const IN_NUMBER: u8 = 4;

/// `key=value` pairs anywhere in a line of words; values may be quoted, with `\"` inside. Behind them, the parts of an exchange.
#[derive(Clone, Debug)]
pub(super) struct Pairs<'a> {
    equals: Equals<'a>,
    /// `None` until the other pairs have ended: few texts have parts, and the search for them costs more than a pair.
    parts: Option<Parts<'a>>,
}

#[derive(Clone, Debug)]
struct Equals<'a> {
    text: &'a [u8],
    at: usize,
    left: usize,
}

impl<'a> Pairs<'a> {
    /// The pairs at the start of a text, up to the limits of this module.
    pub(super) fn new(text: &'a [u8]) -> Self {
        let text = &text[..text.len().min(TEXT_BYTES)];
        Self { equals: Equals { text, at: 0, left: PAIRS }, parts: None }
    }
}

impl<'a> Iterator for Pairs<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        if self.parts.is_none()
            && let Some(pair) = self.equals.next()
        {
            return Some(pair);
        }
        self.parts.get_or_insert_with(|| Parts::new(self.equals.text)).next()
    }
}

impl<'a> Iterator for Equals<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.left = self.left.checked_sub(1)?;
            let equals = self.at + memchr::memchr(b'=', self.text.get(self.at..)?)?;
            let before = &self.text[self.at..equals];
            let key_len = before.iter().rev().take_while(|b| BYTES[usize::from(**b)] & IN_KEY != 0).count();
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
#[derive(Clone, Debug)]
struct Parts<'a> {
    text: &'a [u8],
    left: usize,
}

impl<'a> Parts<'a> {
    fn new(text: &'a [u8]) -> Self {
        // Only an address shows that the parts are of an exchange.
        let has_address = find(text, b": http").is_some();
        Self { text, left: if has_address { PAIRS } else { 0 } }
    }
}

impl<'a> Iterator for Parts<'a> {
    type Item = (&'a [u8], Value<'a>);

    fn next(&mut self) -> Option<Self::Item> {
        loop {
            self.left = self.left.checked_sub(1)?;
            let (part, rest) = match find(self.text, b", ").and_then(|end| self.text.split_at_checked(end)) {
                Some((part, rest)) => (part, rest.get(2..).unwrap_or_default()),
                None if self.text.is_empty() => return None,
                None => (self.text, &[][..]),
            };
            self.text = rest;
            if let Some(pair) = named_value(part) {
                return Some(pair);
            }
        }
    }
}

/// `response_status: 429 Too Many Requests`.
fn named_value(part: &[u8]) -> Option<(&[u8], Value<'_>)> {
    let (key, value) = part.split_at_checked(find(part, b": ")?)?;
    let value = value.get(2..)?.trim_ascii();
    let is_key = !key.is_empty() && key.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-'));
    let is_number = !value.is_empty() && value.iter().all(u8::is_ascii_digit);
    is_key.then_some((key, if is_number { Value::Number(value) } else { Value::Text(Raw::plain(value)) }))
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
    let ends = |b: &u8| BYTES[usize::from(*b)] & ENDS_VALUE != 0 || *b == b'}' && text[0] != b'{';
    let len = text.iter().position(ends).unwrap_or(text.len());
    let word = &text[..len];
    let word = word.strip_prefix(b"'").map_or(word, |rest| rest.strip_suffix(b"'").unwrap_or(rest));
    let value = match word {
        b"" | b"-" | b"null" | b"None" | b"nil" => Value::Null,
        b"true" | b"True" => Value::Bool(true),
        b"false" | b"False" => Value::Bool(false),
        word if word.iter().all(|b| BYTES[usize::from(*b)] & IN_NUMBER != 0) => Value::Number(word),
        word => Value::Text(Raw::plain(word)),
    };
    (value, len)
}
