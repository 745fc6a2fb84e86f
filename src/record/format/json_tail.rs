//! The JSON object that ends a line of text.

use crate::record::field::{Field, FieldMap};
use crate::record::json::{self, Members, Value};

/// The words of a message, and the objects behind them.
#[derive(Clone, Copy, Debug)]
pub(super) struct JsonTail<'a> {
    pub(super) words: &'a [u8],
    /// The fields, and Monolog's second object; empty if there is none.
    pub(super) objects: [&'a [u8]; 2],
}

/// Braces that may begin the object.
const TRIES: usize = 8;

/// The fields at the end of a message. A body that the words quote is none: it belongs to the words, and so does an object behind a
/// mark that introduces a value (`body={…}`, `429 - {…}`); but an object with a time and a level of its own is what a logger wrote,
/// and the words are what its carrier put before it (`worker-3: {…}`).
pub(super) fn find<'a>(map: &FieldMap, message: &'a [u8]) -> Option<JsonTail<'a>> {
    if !matches!(message.last()?, b'}' | b']') {
        return None;
    }
    memchr::memmem::find_iter(message, b"{\"").take(TRIES).find_map(|at| {
        let (words, rest) = message.split_at(at);
        let is_apart = words.last().is_none_or(|b| matches!(b, b' ' | b'\t'));
        let words = words.trim_ascii_end();
        let is_value = words.last().is_some_and(|b| matches!(b, b':' | b'=' | b',' | b'-' | b'>' | b'(' | b'[' | b'{'));
        if !is_apart || is_value && !is_of_logger(map, rest) {
            return None;
        }
        let mut members = Members::new(rest);
        let mut count = 0;
        let mut foreign = 0;
        for (key, value) in &mut members {
            count += 1;
            foreign += usize::from(!is_key_of_body(key.bytes, value));
        }
        let second = members.rest().trim_ascii();
        let is_end = members.closed && (second.is_empty() || is_whole(second));
        if count == 0 || foreign == 0 || !is_end {
            return None;
        }
        let words = words.strip_suffix(b"|").unwrap_or(words).trim_ascii();
        let first = &rest[..rest.len() - members.rest().len()];
        Some(JsonTail { words, objects: [first, if second.starts_with(b"{") { second } else { b"" }] })
    })
}

/// Whether an object has a time and a level of its own.
fn is_of_logger(map: &FieldMap, object: &[u8]) -> bool {
    let mut found = [false; 2];
    for (key, _) in &mut Members::new(object) {
        let fields = map.get(FieldMap::ROOT, key.bytes).map(|entry| entry.fields.as_slice()).unwrap_or_default();
        for (seen, wanted) in found.iter_mut().zip([Field::Time, Field::Level]) {
            *seen |= fields.iter().any(|(field, _)| *field == wanted);
        }
    }
    found == [true; 2]
}

/// Whether a text is one whole object, or one whole array.
fn is_whole(text: &[u8]) -> bool {
    match text.first() {
        Some(b'{') => {
            let mut members = Members::new(text);
            members.by_ref().count();
            members.closed && members.rest().trim_ascii().is_empty()
        }
        Some(b'[') => text.last() == Some(&b']') && json::Items::new(text).all(|item| item == Value::Null || text.len() > 2),
        _ => false,
    }
}

/// Whether a member can be one of a provider's error body.
fn is_key_of_body(key: &[u8], value: Value<'_>) -> bool {
    match key {
        b"error" => matches!(value, Value::Object(_) | Value::Text(_)),
        b"type" | b"request_id" | b"message" | b"code" | b"param" | b"detail" | b"details" | b"errors" | b"error_type"
        | b"object" | b"__type" | b"title" | b"success" | b"event_id" => true,
        _ => false,
    }
}
