//! Fields that an entry of a producer names: they are looked up in the record itself, and only once the entry has matched.

use super::facts::Facts;
use super::json::{Items, Members, Value};
use super::pairs::Pairs;
use super::record::Format;
use std::borrow::Cow;

/// The most members of one object, and the most attributes, that are looked at.
const MEMBERS: usize = 512;
/// The deepest path.
const DEPTH: usize = 6;

impl<'a> Facts<'a> {
    /// The text, number or truth value under a path: a key, a key with dots, or keys of nested objects and places in lists. Attributes of
    /// OpenTelemetry are looked into.
    #[must_use]
    pub fn own_field(&self, path: &str) -> Option<Cow<'a, str>> {
        let words = || {
            let mut pairs = Pairs::new(self.raw).take(MEMBERS);
            pairs.find(|(key, _)| *key == path.as_bytes()).map_or(Value::Null, |(_, value)| value)
        };
        let found = match self.format {
            Format::Json => Value::Null,
            Format::Logfmt | Format::Text => words(),
        };
        // The object that is the record, or that ends a line of words.
        let begin = memchr::memchr(b'{', self.raw).filter(|_| found == Value::Null).unwrap_or(self.raw.len());
        let found =
            if found == Value::Null { in_object(self.raw.get(begin..).unwrap_or_default(), path, DEPTH) } else { found };
        spelling(found)
    }

    /// What [`Self::own_field`] finds under the first of these paths that has something.
    #[must_use]
    pub fn own_field_of(&self, paths: &[String]) -> Option<Cow<'a, str>> {
        paths.iter().find_map(|path| self.own_field(path))
    }
}

fn spelling(value: Value<'_>) -> Option<Cow<'_, str>> {
    match value {
        Value::Bool(flag) => Some(Cow::Borrowed(if flag { "true" } else { "false" })),
        Value::Text(raw) if !raw.is_empty() => Some(raw.text()),
        Value::Number(bytes) => std::str::from_utf8(bytes).ok().map(Cow::Borrowed),
        _ => None,
    }
}

fn in_object<'a>(object: &'a [u8], path: &str, depth: usize) -> Value<'a> {
    if depth == 0 {
        return Value::Null;
    }
    let mut attributes = Value::Null;
    for (key, value) in Members::new(object).take(MEMBERS) {
        if key.bytes == path.as_bytes() {
            return value;
        }
        let rest = path.as_bytes().strip_prefix(key.bytes).and_then(|rest| rest.strip_prefix(b"."));
        if let Some(rest) = rest.and_then(|rest| std::str::from_utf8(rest).ok()) {
            let found = inside(value, rest, depth - 1);
            if found != Value::Null {
                return found;
            }
        }
        if key.bytes == b"attributes" {
            attributes = value;
        }
    }
    match attributes {
        Value::Object(attributes) => in_object(attributes, path, depth - 1),
        Value::Array(list) => in_attributes(list, path),
        _ => Value::Null,
    }
}

fn inside<'a>(value: Value<'a>, path: &str, depth: usize) -> Value<'a> {
    let Value::Array(list) = value else {
        return if let Value::Object(object) = value { in_object(object, path, depth) } else { Value::Null };
    };
    let (place, rest) = path.split_once('.').unwrap_or((path, ""));
    let Some(item) = place.parse().ok().and_then(|place| Items::new(list).nth(place)) else { return Value::Null };
    if rest.is_empty() { item } else { inside(item, rest, depth.saturating_sub(1)) }
}

/// `[{"key":"prompt_id","value":{"stringValue":"…"}}]`.
fn in_attributes<'a>(list: &'a [u8], path: &str) -> Value<'a> {
    for item in Items::new(list).take(MEMBERS) {
        let Value::Object(pair) = item else { continue };
        let [key, value] = super::json::members(pair, ["key", "value"]);
        if let (Value::Text(key), Value::Object(value)) = (key, value)
            && key.bytes == path.as_bytes()
        {
            return Members::new(value).next().map_or(Value::Null, |(_, value)| value);
        }
    }
    Value::Null
}
