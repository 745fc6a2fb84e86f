//! TOML key by key, with the place of each: every fault is found in one go, and an unknown key is one.

use serde::Deserialize;
use std::cell::RefCell;
use std::ops::Range;
use toml::Spanned;
use toml::de::{DeTable, DeValue, ValueDeserializer};

/// A value, and where it was typed: `config.toml:12` or `--listen`.
#[derive(Clone, Debug)]
pub(super) struct At<T> {
    pub(super) value: T,
    pub(super) place: String,
}

impl<T> At<T> {
    /// What a flag or an environment variable said.
    pub(super) fn flag(name: &str, value: T) -> Self {
        Self { value, place: name.to_owned() }
    }
}

/// One thing that is wrong: where, and what would be right.
pub(super) fn fault(place: &str, what: impl std::fmt::Display) -> String {
    format!("{place}: {what}")
}

/// A text of TOML that is being read.
#[derive(Debug)]
pub(super) struct Reader<'i> {
    name: String,
    text: &'i str,
    faults: RefCell<Vec<String>>,
}

impl<'i> Reader<'i> {
    pub(super) fn new(name: String, text: &'i str) -> Self {
        Self { name, text, faults: RefCell::default() }
    }

    /// Reads the whole text with `read`; what it does not ask for is unknown.
    pub(super) fn read<T>(self, read: impl FnOnce(&mut Section<'_, 'i>) -> T) -> (T, Vec<String>) {
        let (table, errors) = DeTable::parse_recoverable(self.text);
        for error in errors {
            self.blame(error.span(), error.message());
        }
        let typed = Section::read(&self, String::new(), table.into_inner(), read);
        (typed, self.faults.into_inner())
    }

    fn blame(&self, span: Option<Range<usize>>, what: &str) {
        // One fault per line of output: the parser's own messages may have several.
        let what = what.lines().collect::<Vec<_>>().join("; ");
        self.faults.borrow_mut().push(fault(&self.place(&span.unwrap_or_default()), what));
    }

    fn place(&self, span: &Range<usize>) -> String {
        let before = self.text.as_bytes().get(..span.start).unwrap_or_default();
        format!("{}:{}", self.name, memchr::memchr_iter(b'\n', before).count() + 1)
    }
}

/// One table of it.
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

    /// The value of a key, if it is there and of the right kind.
    pub(super) fn key<T: Deserialize<'i>>(&mut self, key: &'static str) -> Option<At<T>> {
        let value = self.remove(key)?;
        let (span, path) = (value.span(), self.path_of(key));
        self.typed(&path, value).map(|value| At { value, place: self.reader.place(&span) })
    }

    /// A table under this one.
    pub(super) fn table<T: Default>(&mut self, key: &'static str, read: impl FnOnce(&mut Self) -> T) -> T {
        let Some(value) = self.remove(key) else { return T::default() };
        let path = self.path_of(key);
        match self.expect_table(&path, value) {
            Some(table) => Self::read(self.reader, path, table, read),
            None => T::default(),
        }
    }

    /// The tables of an array under this one, each with its place.
    pub(super) fn tables<T>(&mut self, key: &'static str, mut read: impl FnMut(&mut Self, String) -> T) -> Vec<T> {
        let path = self.path_of(key);
        let mut all = Vec::new();
        for value in self.array(key) {
            let place = self.reader.place(&value.span());
            if let Some(table) = self.expect_table(&path, value) {
                all.push(Self::read(self.reader, path.clone(), table, |section| read(section, place)));
            }
        }
        all
    }

    /// An array of tables whose keys another module knows.
    pub(super) fn foreign<T: Deserialize<'i>>(&mut self, key: &'static str) -> Vec<At<T>> {
        let path = self.path_of(key);
        let mut all = Vec::new();
        for value in self.array(key) {
            let place = self.reader.place(&value.span());
            all.extend(self.typed(&path, value).map(|value| At { value, place }));
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
                let what = format!("`{path}` is an array of tables: write [[{path}]], not {}", kind(&other));
                self.reader.blame(Some(span), &what);
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
                self.reader.blame(error.span().or(Some(span)), &what);
                None
            }
        }
    }

    fn expect_table(&self, path: &str, value: Spanned<DeValue<'i>>) -> Option<DeTable<'i>> {
        let span = value.span();
        match value.into_inner() {
            DeValue::Table(table) => Some(table),
            other => {
                self.reader.blame(Some(span), &format!("`{path}` is a table: write [{path}], not {}", kind(&other)));
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
            let what = format!("there is no key `{}`; {}", self.path_of(key.get_ref()), hint(key.get_ref(), &self.known));
            self.reader.blame(Some(key.span()), &what);
        }
    }
}

fn kind(value: &DeValue<'_>) -> String {
    format!("a value of type {}", value.type_str())
}

/// Serde's words for an unknown key in a table that another module knows, in ours.
fn plain(message: &str) -> String {
    let told = || {
        let rest = message.strip_prefix("unknown field `")?;
        let (key, rest) = rest.split_once('`')?;
        let known: Vec<&str> = rest.split('`').skip(1).step_by(2).collect();
        Some(format!("there is no key `{key}`; {}", hint(key, &known)))
    };
    told().unwrap_or_else(|| message.to_owned())
}

/// The known key that was probably meant, or all of them.
fn hint(typed: &str, known: &[&str]) -> String {
    let nearest = known.iter().map(|it| (distance(typed, it), *it)).min();
    match nearest {
        Some((distance, key)) if distance <= 1 + typed.len() / 4 => format!("did you mean `{key}`?"),
        _ => format!("known here: {}", known.join(", ")),
    }
}

/// How many letters must be added, dropped, changed or swapped with their neighbour.
fn distance(a: &str, b: &str) -> usize {
    let (a, b): (Vec<char>, Vec<char>) = (a.chars().collect(), b.chars().collect());
    let mut rows = vec![(0..=b.len()).collect::<Vec<usize>>()];
    for i in 1..=a.len() {
        let mut row = vec![i];
        for j in 1..=b.len() {
            let change = rows[i - 1][j - 1] + usize::from(a[i - 1] != b[j - 1]);
            let mut best = change.min(rows[i - 1][j] + 1).min(row[j - 1] + 1);
            if i > 1 && j > 1 && a[i - 1] == b[j - 2] && a[i - 2] == b[j - 1] {
                best = best.min(rows[i - 2][j - 2] + 1);
            }
            row.push(best);
        }
        rows.push(row);
    }
    rows[a.len()][b.len()]
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn near_misses_are_told() {
        let known = ["listen", "lifecycle", "start_at"];
        assert_eq!(hint("listne", &known), "did you mean `listen`?");
        assert_eq!(hint("start-at", &known), "did you mean `start_at`?");
        assert_eq!(hint("colour", &known), "known here: listen, lifecycle, start_at");
    }

    #[test]
    fn words_of_serde_become_ours() {
        let message = "unknown field `sustaind`, expected one of `id`, `sustained`";
        assert_eq!(plain(message), "there is no key `sustaind`; did you mean `sustained`?");
        assert_eq!(plain("unknown field `x`, expected `id`"), "there is no key `x`; known here: id");
        assert_eq!(plain("anything else"), "anything else");
    }
}
