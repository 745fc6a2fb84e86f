//! Walks what loggers print of an object: JSON, a Python or Rust repr, Node's inspect, Go's `%+v`, Java's `toString`, and pairs among words.
//!
//! It knows brackets, quotes, and keys in front of `:` or `=`; which language wrote them does not matter.

use crate::record::json::{Escapes, Raw, Value};

/// What the walk reports.
pub(super) trait Visitor {
    /// A container begins. `name` is what stands right before its bracket: `TextBlock(`.
    fn open(&mut self, key: Key<'_>, name: &[u8], is_empty: bool);
    fn close(&mut self);
    fn value(&mut self, key: Key<'_>, value: Value<'_>);
    /// A word without a key, outside of brackets, and the number before it: `53 chars`.
    fn counted(&mut self, number: &[u8], word: &[u8]);
}

/// The key of a value.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Key<'a> {
    pub(super) name: &'a [u8],
    /// It may be prose: a word with a colon outside of brackets.
    pub(super) is_prose: bool,
}

/// The depth of brackets that is followed.
const DEPTH: usize = 24;
/// The bytes of a text that are walked.
const TEXT_BYTES: usize = 256 << 10;

/// Walks a text from its start.
pub(super) fn walk(text: &[u8], visitor: &mut impl Visitor) {
    let mut walk = Walk {
        text: &text[..text.len().min(TEXT_BYTES)],
        at: 0,
        last: None,
        key: None,
        frames: [Frame::default(); DEPTH],
        depth: 0,
    };
    while walk.step(visitor) {}
    walk.end_pair(visitor);
}

#[derive(Clone, Copy, Debug, Default)]
struct Frame<'a> {
    /// The key of the container, which its items without a key inherit.
    key: Key<'a>,
    /// Items without keys are values: an array, or the arguments of a class.
    is_list: bool,
}

/// A token that may be a key.
#[derive(Clone, Copy, Debug)]
struct Token<'a> {
    start: usize,
    bytes: &'a [u8],
}

struct Walk<'a> {
    text: &'a [u8],
    at: usize,
    /// The latest token.
    last: Option<Token<'a>>,
    /// The key that waits for its value.
    key: Option<Key<'a>>,
    frames: [Frame<'a>; DEPTH],
    depth: usize,
}

impl<'a> Walk<'a> {
    /// Reads one token; `false` at the end.
    fn step(&mut self, visitor: &mut impl Visitor) -> bool {
        let Some(byte) = self.peek(0) else { return false };
        match byte {
            b'"' | b'\'' | b'`' => self.quoted(byte, visitor),
            b'{' | b'[' | b'(' => self.open(b"", visitor),
            b'}' | b']' | b')' => self.close(visitor),
            b':' | b'=' => self.mark(byte),
            b',' | b';' => {
                self.end_pair(visitor);
                self.at += 1;
            }
            byte if is_word(byte) => self.word(visitor),
            _ => self.at += 1,
        }
        true
    }

    fn peek(&self, ahead: usize) -> Option<u8> {
        self.text.get(self.at + ahead).copied()
    }

    fn after_blanks(&self) -> Option<u8> {
        self.text.get(self.at..)?.iter().find(|b| !b.is_ascii_whitespace()).copied()
    }

    fn frame(&self) -> Frame<'a> {
        self.depth.checked_sub(1).and_then(|at| self.frames.get(at)).copied().unwrap_or_default()
    }

    fn quoted(&mut self, quote: u8, visitor: &mut impl Visitor) {
        let start = self.at;
        let inside_word = start.checked_sub(1).and_then(|at| self.text.get(at)).is_some_and(u8::is_ascii_alphanumeric);
        let end = if quote != b'"' && inside_word { None } else { self.end_of_quote(quote) };
        let Some((end, escapes)) = end else {
            self.at += 1;
            return;
        };
        let bytes = self.text.get(start + 1..end).unwrap_or_default();
        self.at = end + 1;
        self.token(start, bytes, Value::Text(Raw { bytes, escapes }), visitor);
    }

    /// The place of the closing quote. An apostrophe inside a word closes nothing.
    fn end_of_quote(&self, quote: u8) -> Option<(usize, Escapes)> {
        let mut at = self.at + 1;
        let mut escapes = Escapes::None;
        loop {
            at += memchr::memchr2(quote, b'\\', self.text.get(at..)?)?;
            if self.text.get(at) == Some(&b'\\') {
                escapes = Escapes::Some;
                at += 2;
            } else if quote == b'\'' && self.text.get(at + 1).is_some_and(u8::is_ascii_alphanumeric) {
                at += 1;
            } else {
                return Some((at, escapes));
            }
        }
    }

    fn word(&mut self, visitor: &mut impl Visitor) {
        let start = self.at;
        let length = self.text.get(start..).unwrap_or_default().iter().take_while(|b| is_word(**b)).count();
        self.at += length;
        let bytes = self.text.get(start..self.at).unwrap_or_default();
        match self.peek(0) {
            // `Choice(…)`, `TokenUsage{…}`: the name of what follows.
            Some(b'(' | b'{' | b'[') => self.open(bytes, visitor),
            // Rust, Java and Node set a blank before the brace.
            Some(b' ') if self.peek(1) == Some(b'{') && self.key.is_some() && is_class(bytes) => {
                self.at += 1;
                self.open(bytes, visitor);
            }
            // Python's `b'…'`.
            Some(b'\'' | b'"') if length == 1 => {}
            _ => self.token(start, bytes, value_of(bytes), visitor),
        }
    }

    /// A quoted text or a word: the value of the key before it, an item of a list, or a key itself.
    fn token(&mut self, start: usize, bytes: &'a [u8], value: Value<'a>, visitor: &mut impl Visitor) {
        let is_bare = self.text.get(start) == bytes.first();
        let is_key = match self.peek(0) {
            Some(b'=') => true,
            // Python's `<FinishReason.STOP: 'STOP'>` is no key.
            Some(b':') => {
                start.checked_sub(1).and_then(|at| self.text.get(at)) != Some(&b'<') && !(is_bare && self.peek(1) == Some(b':'))
            }
            _ => false,
        };
        let last = self.last.replace(Token { start, bytes });
        match self.key {
            // Go's `{Text: Type:text}` and `text= chars=0`: the key before has no value.
            Some(_) if is_bare && is_key => self.end_pair(visitor),
            Some(key) => {
                self.key = None;
                visitor.value(key, value);
            }
            None if self.frame().is_list && !matches!(self.after_blanks(), Some(b':' | b'=')) => {
                visitor.value(self.frame().key, value);
            }
            None if self.depth == 0 => {
                if let Some(number) = last {
                    visitor.counted(number.bytes, bytes);
                }
            }
            None => {}
        }
    }

    /// `:` or `=`: the token before it is a key.
    fn mark(&mut self, byte: u8) {
        self.at += 1;
        // `=>` of Ruby and PHP, `::` of paths.
        if byte == b':' && self.peek(0) == Some(b':') {
            self.at += 1;
            return;
        }
        if byte == b'=' && matches!(self.peek(0), Some(b'>' | b'=')) {
            self.at += 1;
        }
        let Some(token) = self.last.take() else { return };
        let is_prose = byte == b':' && self.depth == 0;
        self.key = Some(Key { name: self.with_word_before(token), is_prose });
    }

    /// `finish reason: stop`: the key has two words.
    fn with_word_before(&self, token: Token<'a>) -> &'a [u8] {
        if token.bytes != b"reason" {
            return token.bytes;
        }
        let before = self.text.get(..token.start).unwrap_or_default();
        let word = before.trim_ascii_end();
        let length = word.iter().rev().take_while(|b| b.is_ascii_alphabetic()).count();
        let is_near = word.len() + 1 == before.len() && length > 0;
        if is_near {
            self.text.get(word.len() - length..token.start + token.bytes.len()).unwrap_or(token.bytes)
        } else {
            token.bytes
        }
    }

    fn open(&mut self, name: &'a [u8], visitor: &mut impl Visitor) {
        let is_list = self.peek(0) != Some(b'{');
        let inherited = if self.frame().is_list { self.frame().key } else { Key::default() };
        let key = self.key.take().unwrap_or(inherited);
        self.at += 1;
        self.last = None;
        let is_empty = matches!(self.after_blanks(), Some(b'}' | b']' | b')'));
        if let Some(frame) = self.frames.get_mut(self.depth) {
            *frame = Frame { key, is_list };
            self.depth += 1;
            visitor.open(key, name, is_empty);
        } else {
            // Deeper brackets are skipped whole.
            self.at = self.text.len();
        }
    }

    fn close(&mut self, visitor: &mut impl Visitor) {
        self.end_pair(visitor);
        self.at += 1;
        self.last = None;
        if self.depth > 0 {
            self.depth -= 1;
            visitor.close();
        }
    }

    /// A key that got no value has an empty one, unless it was prose.
    fn end_pair(&mut self, visitor: &mut impl Visitor) {
        if let Some(key) = self.key.take().filter(|key| !key.is_prose) {
            visitor.value(key, Value::Text(Raw::plain(b"")));
        }
    }
}

/// Whether a word looks like the name of a class: a capital first, and small letters.
fn is_class(word: &[u8]) -> bool {
    word.first().is_some_and(u8::is_ascii_uppercase) && word.iter().any(u8::is_ascii_lowercase)
}

const fn is_word(byte: u8) -> bool {
    byte.is_ascii_alphanumeric()
        || byte >= 0x80
        || matches!(byte, b'_' | b'.' | b'-' | b'/' | b'@' | b'+' | b'%' | b'$' | b'~' | b'*' | b'#' | b'&' | b'!' | b'?')
}

fn value_of(word: &[u8]) -> Value<'_> {
    match word {
        b"null" | b"None" | b"nil" | b"undefined" | b"NULL" | b"Null" | b"-" => Value::Null,
        b"true" | b"True" => Value::Bool(true),
        b"false" | b"False" => Value::Bool(false),
        word if word.first().is_some_and(|b| b.is_ascii_digit() || *b == b'-')
            && word.iter().all(|b| b.is_ascii_digit() || matches!(b, b'.' | b'-')) =>
        {
            Value::Number(word)
        }
        word => Value::Text(Raw::plain(word)),
    }
}
