//! A borrowing, forgiving reader of JSON: it walks objects and arrays without building anything.
//!
//! Log lines are cut off, hold strings that are not UTF-8, and nest to any depth. So this reader validates no more than it
//! needs to find the end of a value, returns slices of the line, and accepts a text that ends early. This is why it is not
//! `serde_json`.

#![expect(clippy::inline_always, reason = "one loop over a line: without it the compiler keeps the calls, which costs speed")]

use std::borrow::Cow;

/// The longest text that is read as a number, in bytes.
const NUMBER_BYTES: usize = 40;

/// A value, as the slice of the line that spells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) enum Value<'a> {
    /// `null`, and a missing field.
    #[default]
    Null,
    /// `true` or `false`.
    Bool(bool),
    /// A number as the line spells it.
    Number(&'a [u8]),
    /// A string without its quotes.
    Text(Raw<'a>),
    /// An object with its braces.
    Object(&'a [u8]),
    /// An array with its brackets.
    Array(&'a [u8]),
}

/// The inside of a string as the line spells it.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
pub(crate) struct Raw<'a> {
    pub(crate) bytes: &'a [u8],
    /// Whether it holds escapes.
    pub(crate) escapes: Escapes,
}

/// As wide as a word, so that a [`Value`] has no padding: copying a value right after its parts were written is slow if the
/// copy reads across them.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
#[repr(u64)]
pub(crate) enum Escapes {
    #[default]
    None,
    Some,
}

impl<'a> Raw<'a> {
    /// A string without escapes.
    pub(crate) const fn plain(bytes: &'a [u8]) -> Self {
        Self { bytes, escapes: Escapes::None }
    }

    /// The text; bytes that are not UTF-8 are replaced.
    pub(crate) fn text(self) -> Cow<'a, str> {
        if self.escapes == Escapes::Some {
            return Cow::Owned(unescape(self.bytes));
        }
        // The replacement of invalid bytes looks at every character, and nearly all texts have none.
        std::str::from_utf8(self.bytes).map_or_else(|_| String::from_utf8_lossy(self.bytes), Cow::Borrowed)
    }

    pub(crate) const fn is_empty(self) -> bool {
        self.bytes.is_empty()
    }
}

impl<'a> Value<'a> {
    /// The text of a string; `None` for anything else and for an empty one.
    pub(crate) fn as_text(self) -> Option<Cow<'a, str>> {
        match self {
            Self::Text(raw) if !raw.is_empty() => Some(raw.text()),
            _ => None,
        }
    }

    /// The spelling of a non-empty string or of a number.
    pub(crate) fn as_raw(self) -> Option<Raw<'a>> {
        match self {
            Self::Text(raw) if !raw.is_empty() => Some(raw),
            Self::Number(bytes) => Some(Raw::plain(bytes)),
            _ => None,
        }
    }

    /// A number, also one that is spelled in quotes.
    #[expect(clippy::cast_precision_loss, reason = "a number in a log needs no more digits than a float has")]
    pub(crate) fn as_f64(self) -> Option<f64> {
        let bytes = self.as_raw().filter(|raw| raw.bytes.len() <= NUMBER_BYTES)?.bytes;
        // A double holds every whole number of up to fifteen digits.
        if let Some(number) = whole(bytes).filter(|_| bytes.len() <= 15) {
            return Some(number as f64);
        }
        std::str::from_utf8(bytes).ok()?.trim().parse().ok().filter(|number: &f64| number.is_finite())
    }

    /// A whole number, also one that is spelled in quotes or with a fraction of zero.
    #[expect(clippy::cast_possible_truncation, reason = "whole and below 9e15, as checked before the cast")]
    pub(crate) fn as_i64(self) -> Option<i64> {
        let bytes = self.as_raw().filter(|raw| raw.bytes.len() <= NUMBER_BYTES)?.bytes;
        if let Some(number) = whole(bytes) {
            return Some(number);
        }
        self.as_f64().filter(|number| number.fract() == 0.0 && number.abs() < 9e15).map(|number| number as i64)
    }

    /// The kind of the value, as a number, and its bytes: equal for equal values only.
    pub(super) fn parts(self) -> (u8, &'a [u8]) {
        match self {
            Self::Null => (0, &[]),
            Self::Bool(flag) => (1 + u8::from(flag), &[]),
            Self::Number(bytes) => (3, bytes),
            Self::Text(Raw { bytes, escapes: Escapes::None }) => (4, bytes),
            Self::Text(Raw { bytes, escapes: Escapes::Some }) => (5, bytes),
            Self::Object(bytes) => (6, bytes),
            Self::Array(bytes) => (7, bytes),
        }
    }

    /// The value of these [`Self::parts`].
    pub(super) fn of_parts(kind: u8, bytes: &'a [u8]) -> Self {
        match kind {
            0 => Self::Null,
            1 => Self::Bool(false),
            2 => Self::Bool(true),
            3 => Self::Number(bytes),
            4 => Self::Text(Raw::plain(bytes)),
            5 => Self::Text(Raw { bytes, escapes: Escapes::Some }),
            6 => Self::Object(bytes),
            _ => Self::Array(bytes),
        }
    }

    /// Whether the value is not null, not false, and not an empty string, object or array.
    pub(crate) fn is_something(self) -> bool {
        match self {
            Self::Null | Self::Bool(false) => false,
            Self::Bool(true) | Self::Number(_) => true,
            Self::Text(raw) => !raw.bytes.trim_ascii().is_empty(),
            Self::Object(raw) | Self::Array(raw) => raw.len() > 2 && !raw[1..raw.len() - 1].trim_ascii().is_empty(),
        }
    }
}

fn whole(bytes: &[u8]) -> Option<i64> {
    let (sign, digits) = match bytes.strip_prefix(b"-") {
        Some(rest) => (-1, rest),
        None => (1, bytes),
    };
    if digits.is_empty() || digits.len() > 18 {
        return None;
    }
    let mut number = 0i64;
    for digit in digits {
        if !digit.is_ascii_digit() {
            return None;
        }
        number = number * 10 + i64::from(digit - b'0');
    }
    Some(number * sign)
}

/// Walks the members of an object.
#[derive(Clone, Debug)]
pub(crate) struct Members<'a> {
    cursor: Cursor<'a>,
    /// The closing brace was reached: the object is whole.
    pub(crate) closed: bool,
}

impl<'a> Members<'a> {
    /// Over the object at the start of `text`; over nothing if there is none.
    pub(crate) fn new(text: &'a [u8]) -> Self {
        let mut cursor = Cursor { text, at: 0 };
        cursor.blanks();
        if cursor.peek() == Some(b'{') {
            cursor.at += 1;
        } else {
            cursor.at = text.len();
        }
        Self { cursor, closed: false }
    }

    /// Over the members at the start of `text`, without an opening brace (the tail of a cut line).
    pub(crate) fn inside(text: &'a [u8]) -> Self {
        Self { cursor: Cursor { text, at: 0 }, closed: false }
    }

    /// The text after the object, once it is [`Self::closed`].
    pub(crate) fn rest(&self) -> &'a [u8] {
        self.cursor.text.get(self.cursor.at..).unwrap_or_default()
    }
}

impl<'a> Iterator for Members<'a> {
    type Item = (Raw<'a>, Value<'a>);

    // Inlined into the loop over a line, so that the result is in registers.
    #[inline(always)]
    fn next(&mut self) -> Option<Self::Item> {
        if self.closed {
            return None;
        }
        let cursor = &mut self.cursor;
        cursor.blanks();
        if cursor.peek() == Some(b',') {
            cursor.at += 1;
            cursor.blanks();
        }
        match cursor.peek()? {
            b'"' => {}
            b'}' => {
                cursor.at += 1;
                self.closed = true;
                return None;
            }
            _ => {
                cursor.at = cursor.text.len();
                return None;
            }
        }
        let key = cursor.string()?;
        cursor.blanks();
        if cursor.peek() != Some(b':') {
            cursor.at = cursor.text.len();
            return None;
        }
        cursor.at += 1;
        cursor.blanks();
        Some((key, cursor.value()?))
    }
}

/// Walks the items of an array.
#[derive(Clone, Debug)]
pub(crate) struct Items<'a>(Cursor<'a>);

impl<'a> Items<'a> {
    /// Over the array at the start of `text`; over nothing if there is none.
    pub(crate) fn new(text: &'a [u8]) -> Self {
        let at = if text.first() == Some(&b'[') { 1 } else { text.len() };
        Self(Cursor { text, at })
    }
}

impl<'a> Iterator for Items<'a> {
    type Item = Value<'a>;

    fn next(&mut self) -> Option<Value<'a>> {
        self.0.blanks();
        if self.0.peek() == Some(b',') {
            self.0.at += 1;
            self.0.blanks();
        }
        match self.0.peek()? {
            b']' => None,
            _ => self.0.value(),
        }
    }
}

/// The values of the first members with these keys, in the order of the keys.
pub(crate) fn members<'a, const N: usize>(object: &'a [u8], keys: [&str; N]) -> [Value<'a>; N] {
    let mut values = [None; N];
    for (name, value) in Members::new(object) {
        if let Some(at) = keys.iter().position(|key| key.as_bytes() == name.bytes) {
            values[at].get_or_insert(value);
        }
    }
    values.map(Option::unwrap_or_default)
}

/// The value of the first member with this key.
pub(crate) fn member<'a>(object: &'a [u8], key: &str) -> Value<'a> {
    Members::new(object).find(|(name, _)| name.bytes == key.as_bytes()).map_or(Value::Null, |(_, value)| value)
}

/// The bytes of numbers and of words such as `null`.
const PLAIN: [bool; 256] = {
    let mut plain = [false; 256];
    let mut byte = 0u8;
    while byte < 128 {
        plain[byte as usize] = byte.is_ascii_alphanumeric() || matches!(byte, b'.' | b'-' | b'+');
        byte += 1;
    }
    plain
};

/// A place in a text.
#[derive(Clone, Copy, Debug)]
pub(super) struct Cursor<'a> {
    pub(super) text: &'a [u8],
    pub(super) at: usize,
}

impl<'a> Cursor<'a> {
    #[inline(always)]
    pub(super) fn peek(&self) -> Option<u8> {
        self.text.get(self.at).copied()
    }

    #[inline(always)]
    pub(super) fn blanks(&mut self) {
        while matches!(self.peek(), Some(b' ' | b'\n' | b'\t' | b'\r')) {
            self.at += 1;
        }
    }

    /// The string with its opening quote at the cursor. `None` if it is not closed; the cursor is then at the end.
    #[inline(always)]
    pub(super) fn string(&mut self) -> Option<Raw<'a>> {
        let start = self.at + 1;
        let mut at = start;
        let mut escapes = Escapes::None;
        // Most strings are short: the first eight words are searched here, without a call of the vector search.
        let near = self.text.get(start..)?;
        for word in near.chunks_exact(8).take(8) {
            let marks = quote_or_backslash(u64::from_le_bytes(word.try_into().ok()?));
            if marks == 0 {
                at += 8;
                continue;
            }
            at += (marks.trailing_zeros() / 8) as usize;
            if self.text[at] == b'"' {
                self.at = at + 1;
                return Some(Raw::plain(&self.text[start..at]));
            }
            break;
        }
        loop {
            let rest = self.text.get(at..)?;
            let Some(found) = memchr::memchr2(b'"', b'\\', rest) else {
                self.at = self.text.len();
                return None;
            };
            at += found;
            if self.text[at] == b'"' {
                break;
            }
            escapes = Escapes::Some;
            at += 2;
        }
        self.at = at + 1;
        Some(Raw { bytes: &self.text[start..at], escapes })
    }

    #[inline(always)]
    fn value(&mut self) -> Option<Value<'a>> {
        let start = self.at;
        match self.peek()? {
            // Of a string that is cut off, the rest of the text counts: loggers cut bodies in the middle, and the important
            // part comes first.
            b'"' => Some(Value::Text(
                self.string().unwrap_or_else(|| Raw { bytes: &self.text[start + 1..], escapes: Escapes::Some }),
            )),
            b'{' => Some(Value::Object(&self.text[start..self.nested()])),
            b'[' => Some(Value::Array(&self.text[start..self.nested()])),
            _ => value_of_word(self.word()),
        }
    }

    /// The text up to the next comma, bracket or blank.
    #[inline(always)]
    fn word(&mut self) -> &'a [u8] {
        let start = self.at;
        while let Some(byte) = self.peek() {
            if matches!(byte, b',' | b'}' | b']' | b' ' | b'\n' | b'\t' | b'\r') {
                break;
            }
            self.at += 1;
        }
        &self.text[start..self.at]
    }

    /// A value without quotes, if it has no bytes that are not in a number or a word.
    #[inline(always)]
    pub(super) fn plain_word(&mut self) -> Option<Value<'a>> {
        let start = self.at;
        while self.peek().is_some_and(|byte| PLAIN[usize::from(byte)]) {
            self.at += 1;
        }
        match self.peek() {
            None | Some(b',' | b'}' | b']' | b' ' | b'\n' | b'\t' | b'\r') => value_of_word(&self.text[start..self.at]),
            _ => None,
        }
    }

    /// Skips an object or array, brackets inside strings excepted. Returns the offset of its end, or that of the text.
    pub(super) fn nested(&mut self) -> usize {
        let mut depth = 0usize;
        while let Some(byte) = self.peek() {
            match byte {
                b'"' => {
                    if self.string().is_none() {
                        break;
                    }
                    continue;
                }
                b'{' | b'[' => depth += 1,
                b'}' | b']' => {
                    depth -= 1;
                    if depth == 0 {
                        self.at += 1;
                        return self.at;
                    }
                }
                _ => {}
            }
            self.at += 1;
        }
        self.at = self.text.len();
        self.at
    }
}

#[inline(always)]
fn value_of_word(word: &[u8]) -> Option<Value<'_>> {
    Some(match word {
        b"true" => Value::Bool(true),
        b"false" => Value::Bool(false),
        [b'0'..=b'9' | b'-', ..] => Value::Number(word),
        [] => return None,
        // `NaN`, `Infinity`, `undefined`: some writers produce them; they count as null.
        _ => Value::Null,
    })
}

/// Resolves the escapes of a JSON string. An unknown escape stays as it is; half a surrogate pair becomes U+FFFD.
pub(crate) fn unescape(raw: &[u8]) -> String {
    let mut out = Vec::with_capacity(raw.len());
    let mut rest = raw;
    while let Some(at) = memchr::memchr(b'\\', rest) {
        out.extend_from_slice(&rest[..at]);
        rest = &rest[at + 1..];
        let Some((mark, after)) = rest.split_first() else { break };
        rest = after;
        match mark {
            b'n' => out.push(b'\n'),
            b't' => out.push(b'\t'),
            b'r' => out.push(b'\r'),
            b'b' => out.push(8),
            b'f' => out.push(12),
            b'u' => {
                let (letter, after) = unicode(rest);
                rest = after;
                out.extend_from_slice(letter.encode_utf8(&mut [0; 4]).as_bytes());
            }
            // JSON has no `\'`, Python's repr does.
            b'"' | b'\\' | b'/' | b'\'' => out.push(*mark),
            other => out.extend_from_slice(&[b'\\', *other]),
        }
    }
    out.extend_from_slice(rest);
    String::from_utf8(out).unwrap_or_else(|bad| String::from_utf8_lossy(bad.as_bytes()).into_owned())
}

/// The high bit of each byte of a little-endian word that is a quote or a backslash; only the lowest that is set is certain.
#[inline]
fn quote_or_backslash(word: u64) -> u64 {
    const ONES: u64 = u64::from_ne_bytes([1; 8]);
    const HIGHS: u64 = u64::from_ne_bytes([0x80; 8]);
    let quotes = word ^ (ONES * u64::from(b'"'));
    let backslashes = word ^ (ONES * u64::from(b'\\'));
    ((quotes.wrapping_sub(ONES) & !quotes) | (backslashes.wrapping_sub(ONES) & !backslashes)) & HIGHS
}

/// The character after `\u`, a surrogate pair read as one.
fn unicode(rest: &[u8]) -> (char, &[u8]) {
    let Some(high) = hex4(rest) else { return (char::REPLACEMENT_CHARACTER, rest) };
    let after = &rest[4..];
    if (0xd800..0xdc00).contains(&high)
        && let Some(low_text) = after.strip_prefix(b"\\u")
        && let Some(low) = hex4(low_text).filter(|code| (0xdc00..0xe000).contains(code))
    {
        let code = 0x10000 + ((high - 0xd800) << 10) + (low - 0xdc00);
        return (char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER), &low_text[4..]);
    }
    (char::from_u32(high).unwrap_or(char::REPLACEMENT_CHARACTER), after)
}

fn hex4(text: &[u8]) -> Option<u32> {
    let digits = std::str::from_utf8(text.get(..4)?).ok()?;
    u32::from_str_radix(digits, 16).ok()
}
