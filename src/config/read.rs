//! Reads TOML key by key and notes the place of each value, so that one pass finds every error, unknown keys included.

use super::error::fault;
use schemars::{JsonSchema, Schema, SchemaGenerator};
use serde::Deserialize;
use serde::de::DeserializeOwned;
use std::borrow::Cow;
use std::cell::RefCell;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// A value and its place: `config.toml:12:1` or `--listen`.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: String,
}

impl<T> At<T> {
    /// The value of a flag or an environment variable.
    pub(super) fn flag(name: &str, value: T) -> Self {
        Self { value, place: name.to_owned() }
    }
}

/// The tables of an array whose keys another module knows and checks.
#[derive(Debug)]
pub(super) struct Foreign<T>(pub(super) Vec<At<T>>);

/// Keys that are part of the table around them.
#[derive(Debug, Default)]
pub(super) struct Flat<T>(pub(super) T);

/// A table of the file: reads each of its keys.
pub(super) trait Table {
    fn read(section: &mut Section<'_, '_>) -> Self;
}

/// A key of a table: its type says how it is read. Without the key, the result is the default.
pub(super) trait Key {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Self;
}

impl<T: DeserializeOwned> Key for Option<At<T>> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Self {
        section.key(key)
    }
}

impl<T: Table + Default> Key for T {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Self {
        section.table(key)
    }
}

impl<T: Table> Key for Vec<At<T>> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Self {
        section.tables(key)
    }
}

impl<T: DeserializeOwned> Key for Foreign<T> {
    fn read(section: &mut Section<'_, '_>, key: &'static str) -> Self {
        Self(section.foreign(key))
    }
}

impl<T: Table> Key for Flat<T> {
    fn read(section: &mut Section<'_, '_>, _: &'static str) -> Self {
        Self(T::read(section))
    }
}

impl<T> Default for Foreign<T> {
    fn default() -> Self {
        Self(Vec::new())
    }
}

impl<T: JsonSchema> JsonSchema for At<T> {
    fn inline_schema() -> bool {
        T::inline_schema()
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

impl<T: JsonSchema> JsonSchema for Flat<T> {
    fn inline_schema() -> bool {
        true
    }

    fn schema_name() -> Cow<'static, str> {
        T::schema_name()
    }

    fn json_schema(generator: &mut SchemaGenerator) -> Schema {
        T::json_schema(generator)
    }
}

/// Reads a text of TOML and collects its errors.
#[derive(Debug)]
pub(super) struct Reader<'i> {
    name: String,
    text: &'i str,
    faults: RefCell<Vec<String>>,
    /// Places of tables in which an error was found.
    faulty_tables: RefCell<Vec<String>>,
}

impl<'i> Reader<'i> {
    pub(super) fn new(name: String, text: &'i str) -> Self {
        Self { name, text, faults: RefCell::default(), faulty_tables: RefCell::default() }
    }

    /// Reads the whole text with `read`. Keys that `read` does not ask for are errors.
    pub(super) fn read<T>(self, read: impl FnOnce(&mut Section<'_, 'i>) -> T) -> (T, Faults) {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        let is_toml = errors.is_empty();
        // The parser resumes after an error, but what it finds then may follow from that error.
        if let Some(first) = errors.first() {
            self.report(first.span(), first.message());
        }
        let typed = Section::read(&self, String::new(), table.into_inner(), read);
        if !is_toml {
            self.faults.borrow_mut().truncate(1);
        }
        (typed, Faults { all: self.faults.into_inner(), faulty_tables: self.faulty_tables.into_inner() })
    }

    fn report(&self, span: Option<Range<usize>>, what: &str) {
        // One line per error; messages of the parser may have several.
        let what = what.lines().collect::<Vec<_>>().join("; ");
        self.faults.borrow_mut().push(fault(&self.place(&span.unwrap_or_default()), what));
    }

    fn place(&self, span: &Range<usize>) -> String {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        let line_start = memchr::memrchr(b'\n', before).map_or(0, |newline| newline + 1);
        let column = String::from_utf8_lossy(before.get(line_start..).unwrap_or_default()).chars().count() + 1;
        format!("{}:{}:{column}", self.name, memchr::memchr_iter(b'\n', before).count() + 1)
    }
}

/// The errors of a text.
#[derive(Debug)]
pub(super) struct Faults {
    pub(super) all: Vec<String>,
    /// Places of tables in which an error was found: a key that seems to be missing there may be the one that is misspelled.
    pub(super) faulty_tables: Vec<String>,
}

/// One table of the text.
#[derive(Debug)]
pub(super) struct Section<'r, 'i> {
    reader: &'r Reader<'i>,
    path: String,
    table: DeTable<'i>,
    known: Vec<&'static str>,
}

impl<'r, 'i> Section<'r, 'i> {
    fn read<T>(reader: &'r Reader<'i>, path: String, table: DeTable<'i>, read: impl FnOnce(&mut Self) -> T) -> T {
        let mut section = Self { reader, path, table, known: Vec::new() };
        let typed = read(&mut section);
        section.refuse_unknown();
        typed
    }

    /// The value of a key, if it exists and has the right type.
    fn key<T: Deserialize<'i>>(&mut self, key: &'static str) -> Option<At<T>> {
        let value = self.remove(key)?;
        let (span, path) = (value.span(), self.path_of(key));
        self.typed(&path, value).map(|value| At { value, place: self.reader.place(&span) })
    }

    /// A table below this one.
    fn table<T: Table + Default>(&mut self, key: &'static str) -> T {
        let Some(value) = self.remove(key) else { return T::default() };
        let path = self.path_of(key);
        match self.expect_table(&path, value) {
            Some(table) => Self::read(self.reader, path, table, T::read),
            None => T::default(),
        }
    }

    /// The tables of an array below this one, each with its place.
    fn tables<T: Table>(&mut self, key: &'static str) -> Vec<At<T>> {
        let path = self.path_of(key);
        let mut all = Vec::new();
        for value in self.array(key) {
            let place = self.reader.place(&value.span());
            if let Some(table) = self.expect_table(&path, value) {
                let before = self.reader.faults.borrow().len();
                let value = Self::read(self.reader, path.clone(), table, T::read);
                if self.reader.faults.borrow().len() > before {
                    self.reader.faulty_tables.borrow_mut().push(place.clone());
                }
                all.push(At { value, place });
            }
        }
        all
    }

    /// An array of tables whose keys another module knows and checks.
    fn foreign<T: Deserialize<'i>>(&mut self, key: &'static str) -> Vec<At<T>> {
        let path = self.path_of(key);
        let mut all = Vec::new();
        for value in self.array(key) {
            let place = self.reader.place(&value.span());
            all.extend(self.typed(&path, value).map(|value| At { value, place }));
        }
        all
    }

    /// The tables of an array as typed, without those in which `C` finds an error. `C` is a type with this array as a key.
    pub(super) fn checked<C: DeserializeOwned>(&mut self, key: &'static str) -> Vec<At<toml::Table>> {
        let path = self.path_of(key);
        let mut all = Vec::new();
        for value in self.array(key) {
            let span = value.span();
            let list = DeValue::Array(std::iter::once(value.clone()).collect());
            let around = std::iter::once((Spanned::new(span.clone(), key.into()), Spanned::new(span.clone(), list))).collect();
            if self.typed::<C>(&path, Spanned::new(span.clone(), DeValue::Table(around))).is_some() {
                let place = self.reader.place(&span);
                all.extend(self.typed(&path, value).map(|value| At { value, place }));
            }
        }
        all
    }

    fn array(&mut self, key: &'static str) -> Vec<Spanned<DeValue<'i>>> {
        let Some(value) = self.remove(key) else { return Vec::new() };
        let span = value.span();
        match value.into_inner() {
            DeValue::Array(array) => array.into_iter().collect(),
            other => {
                let path = self.path_of(key);
                let what = format!("`{path}` must be an array of tables, not {}: write [[{path}]]", kind(&other));
                self.reader.report(Some(span), &what);
                Vec::new()
            }
        }
    }

    fn typed<T: Deserialize<'i>>(&self, path: &str, value: Spanned<DeValue<'i>>) -> Option<T> {
        let span = value.span();
        match T::deserialize(ValueDeserializer::from(value)) {
            Ok(value) => Some(value),
            Err(error) => {
                let what = format!("`{path}`: {}", plain(error.message()));
                self.reader.report(error.span().or(Some(span)), &what);
                None
            }
        }
    }

    fn expect_table(&self, path: &str, value: Spanned<DeValue<'i>>) -> Option<DeTable<'i>> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => Some(table),
            other => {
                self.reader.report(Some(span), &format!("`{path}` must be a table, not {}: write [{path}]", kind(&other)));
                None
            }
        }
    }

    fn remove(&mut self, key: &'static str) -> Option<Spanned<DeValue<'i>>> {
        self.known.push(key);
        self.table.remove(key)
    }

    fn path_of(&self, key: &str) -> String {
        if self.path.is_empty() { key.to_owned() } else { format!("{}.{key}", self.path) }
    }

    fn refuse_unknown(&self) {
        for (key, _) in &self.table {
            let what = format!("unknown key `{}`; {}", self.path_of(key.get_ref()), hint(key.get_ref(), &self.known));
            self.reader.report(Some(key.span()), &what);
        }
    }
}

fn kind(value: &DeValue<'_>) -> String {
    format!("a value of type {}", value.type_str())
}

/// Replaces serde's message for an unknown key with ours.
pub(super) fn plain(message: &str) -> String {
    let unknown_key = || {
        let rest = message.strip_prefix("unknown field `")?;
        let (key, rest) = rest.split_once('`')?;
        let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        Some(format!("unknown key `{key}`; {}", hint(key, &known)))
    };
    unknown_key().unwrap_or_else(|| message.to_owned())
}

/// Suggests the known key that is most similar, or lists all known keys.
fn hint(typed: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|key| (strsim::osa_distance(typed, key), *key)).min();
    match nearest {
        Some((distance, key)) if distance <= 1 + typed.len() / 4 => format!("did you mean `{key}`?"),
        _ => format!("known keys: {}", known.join(", ")),
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn an_unknown_key_gets_a_suggestion() {
        let known = ["listen", "lifecycle", "start_at"];
        assert_eq!(hint("listne", &known), "did you mean `listen`?");
        assert_eq!(hint("start-at", &known), "did you mean `start_at`?");
        assert_eq!(hint("colour", &known), "known keys: listen, lifecycle, start_at");
    }

    #[test]
    fn messages_of_serde_are_replaced() {
        let message = "unknown field `sustaind`, expected one of `id`, `sustained`";
        assert_eq!(plain(message), "unknown key `sustaind`; did you mean `sustained`?");
        assert_eq!(plain("unknown field `x`, expected `id`"), "unknown key `x`; known keys: id");
        assert_eq!(plain("anything else"), "anything else");
    }
}
