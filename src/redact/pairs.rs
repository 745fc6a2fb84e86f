//! Names and their values in a text: `"key": "value"`, `key='value'`, `Key: value`, `--key value`, `('key', 'value')`,
//! `<key>value</key>`, also inside strings of strings, where quotes have backslashes before them.

/// How a value is written.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Form {
    /// Between quotes.
    Quoted,
    /// An object or a list; the range goes to its closing bracket, or to the end of the text.
    Nested,
    /// Up to the next blank or separator, behind `=`, `%3D` or a flag.
    Assigned,
    /// The same behind `: `, where prose may follow.
    Bare,
}

/// A name and its value.
#[derive(Clone, Copy, Debug)]
pub(super) struct Pair<'t> {
    pub(super) name: &'t str,
    pub(super) form: Form,
    /// The value, as byte offsets into the text.
    pub(super) start: usize,
    pub(super) end: usize,
}

/// The longest name that is looked at, in bytes.
const MAX_NAME: usize = 64;

/// Every pair of a text, in its order.
pub(super) fn pairs(text: &str) -> impl Iterator<Item = Pair<'_>> {
    separators(text).filter_map(|(at, length)| pair(text, at, length))
}

/// Where a name may end and a value begin: the separators' offsets and lengths.
fn separators(text: &str) -> impl Iterator<Item = (usize, usize)> {
    let bytes = text.as_bytes();
    let has_flags = memchr::memmem::find(bytes, b"--").is_some();
    (0..bytes.len()).filter_map(move |at| match bytes[at] {
        b':' | b'=' => Some((at, 1)),
        b'%' if bytes[at + 1..].starts_with(b"3D") || bytes[at + 1..].starts_with(b"3A") => Some((at, 3)),
        b'%' if bytes[at + 1..].starts_with(b"3d") || bytes[at + 1..].starts_with(b"3a") => Some((at, 3)),
        // A tuple of two texts, an element of XML, a flag.
        b',' if at > 0 && matches!(bytes[at - 1], b'\'' | b'"') => Some((at, 1)),
        b'>' if at > 0 && bytes[at - 1].is_ascii_alphanumeric() => Some((at, 1)),
        b' ' if has_flags && at > 0 && bytes[at - 1].is_ascii_alphanumeric() && is_flag(&bytes[..at]) => Some((at, 1)),
        _ => None,
    })
}

fn is_name_byte(byte: u8) -> bool {
    byte.is_ascii_alphanumeric() || matches!(byte, b'_' | b'-' | b'.')
}

/// Whether the text ends in a flag such as ` --api-key`.
fn is_flag(before: &[u8]) -> bool {
    let length = before.iter().rev().take(MAX_NAME).take_while(|byte| is_name_byte(**byte)).count();
    before[before.len() - length..].starts_with(b"--")
}

fn pair(text: &str, at: usize, length: usize) -> Option<Pair<'_>> {
    let separator = text.as_bytes()[at];
    let name = name_before(text, at)?;
    let rest = text.get(at + length..)?;
    let mut start = at + length + rest.len() - rest.trim_start_matches([' ', '>', '[']).len();
    let skipped = text.get(at + length..start)?;
    let is_pair = match separator {
        b'>' => text.get(..at)?.ends_with(&format!("<{name}")),
        b',' => opens_tuple(text.get(..at)?, name),
        _ => true,
    };
    if !is_pair || skipped.len() > 8 {
        return None;
    }
    // `b'…'`, `u"…"` of Python.
    let rest = text.get(start..)?;
    if rest.starts_with(['b', 'u', 'r']) && rest.get(1..).is_some_and(|rest| rest.starts_with(['\'', '"'])) {
        start += 1;
    }
    let bracket = skipped.find('[').map(|bracket| at + length + bracket).or_else(|| rest.starts_with('{').then_some(start));
    if let Some(bracket) = bracket {
        return Some(Pair { name, form: Form::Nested, start: bracket, end: nested_end(text, bracket) });
    }
    if let Some((start, end)) = quoted(text, start) {
        return Some(Pair { name, form: Form::Quoted, start, end });
    }
    let form = match separator {
        b',' => return None,
        b':' => Form::Bare,
        _ => Form::Assigned,
    };
    let end = start + bare_length(text.get(start..)?, separator);
    (end > start).then_some(Pair { name, form, start, end })
}

/// The name that ends before a separator, out of its quotes.
fn name_before(text: &str, at: usize) -> Option<&str> {
    let before = text.get(..at)?.trim_end_matches([' ', '"', '\'', '\\', ']', '`']);
    if at - before.len() > 8 {
        return None;
    }
    let length = before.bytes().rev().take(MAX_NAME).take_while(|byte| is_name_byte(*byte)).count();
    before.get(before.len() - length..).filter(|name| !name.is_empty())
}

/// Whether the text ends in the first of several texts between brackets: `('name'`, `(b"name"`.
fn opens_tuple(before: &str, name: &str) -> bool {
    let before = before.trim_end_matches(['"', '\'', '\\']).strip_suffix(name).unwrap_or_default();
    let before = before.trim_end_matches(['"', '\'', '\\']);
    before.strip_suffix(['b', 'u']).unwrap_or(before).ends_with('(')
}

/// The text between quotes that begins at `start`: its first byte and its end.
pub(super) fn quoted(text: &str, start: usize) -> Option<(usize, usize)> {
    let bytes = text.as_bytes();
    let slashes = bytes.get(start..)?.iter().take_while(|byte| **byte == b'\\').count();
    let quote = *bytes.get(start + slashes).filter(|byte| matches!(byte, b'"' | b'\'' | b'`'))?;
    let first = start + slashes + 1;
    Some((first, first + quoted_length(&bytes[first..], quote, slashes)))
}

/// Up to the quote that has as many backslashes before it as the opening one, or to the end.
fn quoted_length(body: &[u8], quote: u8, slashes: usize) -> usize {
    for at in memchr::memchr_iter(quote, body) {
        let before = body[..at].iter().rev().take_while(|byte| **byte == b'\\').count();
        // An apostrophe inside a word (`it's`) closes nothing.
        let is_apostrophe = quote == b'\''
            && at > 0
            && body[at - 1].is_ascii_alphabetic()
            && body.get(at + 1).is_some_and(u8::is_ascii_alphabetic);
        if before == slashes && !is_apostrophe {
            return at - slashes;
        }
    }
    body.len()
}

/// Behind the bracket that closes the one at `start`, or the end of the text. Brackets inside quotes do not count.
fn nested_end(text: &str, start: usize) -> usize {
    let bytes = text.as_bytes();
    let (mut depth, mut at) = (0_usize, start);
    while at < bytes.len() {
        match bytes[at] {
            b'{' | b'[' => depth += 1,
            b'}' | b']' if depth <= 1 => return at + 1,
            b'}' | b']' => depth -= 1,
            b'\\' | b'"' | b'\'' if begins_quote(bytes, at) => {
                if let Some((_, end)) = quoted(text, at) {
                    at = end + bytes[end..].iter().take_while(|byte| **byte == b'\\').count();
                }
            }
            _ => {}
        }
        at += 1;
    }
    bytes.len()
}

/// Whether a quote at `at` opens a text: no letter comes right before it.
fn begins_quote(bytes: &[u8], at: usize) -> bool {
    at == 0 || !bytes[at - 1].is_ascii_alphanumeric() || matches!(bytes[at - 1], b'b' | b'u' | b'r')
}

/// How long a value without quotes is.
fn bare_length(rest: &str, separator: u8) -> usize {
    let end =
        rest.find(|c: char| c.is_whitespace() || matches!(c, ',' | ';' | '"' | '\'' | '<' | '>' | ')' | '}' | ']' | '|' | '`'));
    let end = end.unwrap_or(rest.len());
    let value = rest.get(..end).unwrap_or_default();
    // `&` ends the value of a query, but not a password of libpq.
    let next_parameter = value.match_indices('&').find(|(at, _)| {
        let after = value.get(at + 1..).unwrap_or_default();
        let name = after.bytes().take_while(|byte| is_name_byte(*byte)).count();
        name > 0 && after.as_bytes().get(name) == Some(&b'=')
    });
    let end = next_parameter.map_or(end, |(at, _)| at);
    if separator != b'%' {
        return end;
    }
    let codes = ["%3B", "%3b", "%26", "%20", "%22"];
    codes.iter().filter_map(|code| rest.get(..end)?.find(code)).min().unwrap_or(end)
}

/// The values of the texts inside an object or a list, without those of keys in `kept`, and without the keys.
pub(super) fn inner_texts(text: &str, start: usize, end: usize, kept: &[&str]) -> Vec<(usize, usize)> {
    let bytes = text.as_bytes();
    let (mut found, mut at, mut key) = (Vec::new(), start, "");
    while at < end {
        if !matches!(bytes[at], b'"' | b'\'' | b'\\') || !begins_quote(bytes, at) {
            at += 1;
            continue;
        }
        let Some((first, last)) = quoted(text, at) else {
            at += 1;
            continue;
        };
        let after = last + bytes[last..].iter().take_while(|byte| **byte == b'\\').count() + 1;
        let is_key = bytes.get(after..).is_some_and(|rest| rest.trim_ascii_start().starts_with(b":"));
        if is_key {
            key = text.get(first..last).unwrap_or_default();
        } else if last > first && !kept.contains(&key) {
            found.push((first, last.min(end)));
        }
        at = after;
    }
    found
}
