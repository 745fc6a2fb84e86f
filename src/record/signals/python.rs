//! Python literals: `{'error': {'message': "it's", 'param': None}}`, as `str(dict)` prints them, turned into JSON.
//!
//! SDK exceptions carry the provider's body in this form. The reader is a transcoder: quotes by content, `None`, `True`,
//! `False`, tuples, byte strings and Python's escapes become their JSON counterparts, then the JSON reader does the rest.

/// The deepest nesting that is followed.
const DEPTH: usize = 32;

/// Turns the literal at the start of `text` into JSON. What is cut off is closed, so that a body that a logger has cut
/// can be read as far as it goes. `None` when no object, list or tuple begins here, or when it is no literal.
pub(crate) fn to_json(text: &str) -> Option<String> {
    if !text.starts_with(['{', '[', '(']) {
        return None;
    }
    let mut it = Transcoder {
        text: text.as_bytes(),
        at: 0,
        out: String::with_capacity(text.len() + 16),
        open: Vec::new(),
        joined: false,
    };
    it.run().then_some(it.out)
}

struct Transcoder<'a> {
    text: &'a [u8],
    at: usize,
    out: String,
    open: Vec<u8>,
    /// The next string goes on from the one before.
    joined: bool,
}

impl Transcoder<'_> {
    fn run(&mut self) -> bool {
        while let Some(byte) = self.text.get(self.at).copied() {
            self.at += 1;
            match byte {
                b'{' | b'[' | b'(' => {
                    if self.open.len() == DEPTH {
                        return false;
                    }
                    self.open.push(if byte == b'{' { b'}' } else { b']' });
                    self.out.push(if byte == b'{' { '{' } else { '[' });
                }
                b'}' | b']' | b')' => {
                    let Some(close) = self.open.pop() else { return false };
                    self.trim_comma();
                    self.out.push(close as char);
                    if self.open.is_empty() {
                        return true;
                    }
                }
                b'\'' | b'"' | b'`' => self.string(byte),
                // `'one part ' +\n 'the next'`: Node breaks long strings.
                b'+' if self.out.ends_with('"') => {
                    self.out.pop();
                    self.joined = true;
                }
                b'b' | b'r' | b'u' if matches!(self.text.get(self.at), Some(b'\'' | b'"')) => {}
                b',' | b':' => self.out.push(byte as char),
                b if b.is_ascii_whitespace() => {}
                _ => {
                    self.at -= 1;
                    if !self.word() {
                        return false;
                    }
                }
            }
        }
        // Cut off: close what is open.
        self.trim_comma();
        if self.out.ends_with(':') {
            self.out.push_str("null");
        }
        while let Some(close) = self.open.pop() {
            self.out.push(close as char);
        }
        true
    }

    fn trim_comma(&mut self) {
        if self.out.ends_with(',') {
            self.out.pop();
        }
    }

    /// `None`, `True`, `12.5`, `Decimal('1')`, `<Foo object>`: the first three mean something.
    fn word(&mut self) -> bool {
        let rest = &self.text[self.at..];
        let len =
            rest.iter().position(|b| matches!(b, b',' | b':' | b'}' | b']' | b')' | b'(' | b' ' | b'\n')).unwrap_or(rest.len());
        let word = &rest[..len.max(1)];
        self.at += word.len();
        // `Headers {…}`: the class of an object says nothing.
        if word[0].is_ascii_uppercase() && matches!(self.text.get(self.at..), Some([b' ', b'{' | b'[', ..])) {
            return true;
        }
        match word {
            b"None" | b"null" | b"undefined" => self.out.push_str("null"),
            b"True" | b"true" => self.out.push_str("true"),
            b"False" | b"false" => self.out.push_str("false"),
            _ if word.iter().all(|b| b.is_ascii_digit() || matches!(b, b'-' | b'+' | b'.' | b'e' | b'E')) => {
                self.out.push_str(&String::from_utf8_lossy(word));
            }
            _ if word.iter().all(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b'-')) => {
                // A bare key, as `util.inspect` prints them, or a name.
                self.out.push('"');
                self.out.push_str(&String::from_utf8_lossy(word));
                self.out.push('"');
            }
            _ => return false,
        }
        true
    }

    fn string(&mut self, quote: u8) {
        if !std::mem::take(&mut self.joined) {
            self.out.push('"');
        }
        let mut bytes = Vec::new();
        while let Some(byte) = self.text.get(self.at).copied() {
            self.at += 1;
            if byte == quote {
                break;
            }
            if byte != b'\\' {
                bytes.push(byte);
                continue;
            }
            let Some(mark) = self.text.get(self.at).copied() else { break };
            self.at += 1;
            match mark {
                b'n' => bytes.push(b'\n'),
                b't' => bytes.push(b'\t'),
                b'r' => bytes.push(b'\r'),
                b'x' => bytes.extend(self.hex(2)),
                b'u' => bytes.extend(self.hex(4)),
                b'U' => bytes.extend(self.hex(8)),
                other => bytes.push(other),
            }
        }
        for c in String::from_utf8_lossy(&bytes).chars() {
            match c {
                '"' => self.out.push_str("\\\""),
                '\\' => self.out.push_str("\\\\"),
                '\n' => self.out.push_str("\\n"),
                '\t' => self.out.push_str("\\t"),
                '\r' => self.out.push_str("\\r"),
                c if c.is_control() => self.out.push(' '),
                c => self.out.push(c),
            }
        }
        self.out.push('"');
    }

    fn hex(&mut self, digits: usize) -> Vec<u8> {
        let code = self
            .text
            .get(self.at..self.at + digits)
            .and_then(|it| std::str::from_utf8(it).ok())
            .and_then(|it| u32::from_str_radix(it, 16).ok());
        let Some(code) = code else { return Vec::new() };
        self.at += digits;
        char::from_u32(code).unwrap_or(char::REPLACEMENT_CHARACTER).to_string().into_bytes()
    }
}
