//! The paths of all fields, compiled into a tree of tables: one table per container.

use super::key_table::KeyTable;
use super::name::Field;
use super::shipped::{FieldPaths, shipped};
use crate::record::answer::spelled_keys;
use crate::record::json::Value;

/// What a key means.
#[derive(Clone, Debug, Default)]
pub(crate) struct Entry {
    /// The fields that its value fills, with the rank of the path (lower wins).
    pub(crate) fields: Vec<(Field, u8)>,
    /// The table for the members of an object under this key.
    pub(crate) node: Option<u16>,
    /// Nothing below is read.
    pub(crate) denied: bool,
    /// It shows how an answer ended.
    pub(crate) shows_answer: bool,
}

impl Entry {
    /// Whether its value is a finish or stop reason.
    pub(crate) fn is_reason(&self) -> bool {
        self.fields.iter().any(|(field, _)| *field == Field::FinishReason)
    }

    /// Whether a number under this key counts tokens.
    pub(crate) fn counts_tokens(&self) -> bool {
        self.fields.iter().any(|(field, _)| matches!(field, Field::InputTokens | Field::OutputTokens))
    }

    /// Whether the key, with this value, shows how an answer ended. A count under a key of texts, such as `usage.output`, does not.
    pub(crate) fn shows_answer_by(&self, value: Value<'_>) -> bool {
        self.shows_answer && !(matches!(value, Value::Number(_)) && self.counts_tokens())
    }

    /// Whether the key is known only because it shows an answer.
    pub(crate) fn is_mark(&self) -> bool {
        self.shows_answer && self.fields.is_empty() && self.node.is_none() && !self.denied
    }
}

/// All paths. A node is an index into the tables.
#[derive(Clone, Debug)]
pub(crate) struct FieldMap {
    nodes: Vec<KeyTable<Entry>>,
}

impl FieldMap {
    /// The table of the top level.
    pub(crate) const ROOT: u16 = 0;
    /// The table of containers that no path names.
    pub(crate) const ANYWHERE: u16 = 1;

    /// The shipped map with the user's own paths in front of it.
    pub(crate) fn new(own: &[(Field, Vec<String>)]) -> Self {
        let FieldPaths { fields, containers } = shipped();
        let mut this = Self { nodes: vec![KeyTable::default(), KeyTable::default()] };
        for path in &containers.transparent {
            this.insert(path, |entry| entry.node = Some(Self::ROOT));
        }
        for (field, paths) in &fields {
            let own = own.iter().filter(|(owned, _)| owned == field).flat_map(|(_, paths)| paths);
            for (rank, path) in own.chain(paths).enumerate() {
                this.insert(path, |entry| entry.fields.push((*field, u8::try_from(rank).unwrap_or(u8::MAX))));
            }
        }
        for path in &containers.denied {
            this.insert(path, |entry| entry.denied = true);
            if !path.contains('.') {
                this.insert(&format!("*.{path}"), |entry| {
                    entry.denied = true;
                    entry.fields.retain(|(field, _)| matches!(field, Field::InputTokens | Field::OutputTokens));
                });
            }
        }
        for key in spelled_keys() {
            for path in [key.clone(), format!("*.{key}")] {
                this.insert(&path, |entry| entry.shows_answer = !entry.is_reason());
            }
        }
        this
    }

    fn insert(&mut self, path: &str, set: impl FnOnce(&mut Entry)) {
        let (mut node, path) = match path.strip_prefix("*.") {
            Some(rest) => (Self::ANYWHERE, rest),
            None => (Self::ROOT, path),
        };
        let mut parts = path.split('.').peekable();
        while let Some(part) = parts.next() {
            let fresh = u16::try_from(self.nodes.len()).expect("paths name fewer than 65,536 containers");
            let entry = self.nodes[usize::from(node)].entry(part.as_bytes());
            if parts.peek().is_none() {
                return set(entry);
            }
            node = *entry.node.get_or_insert(fresh);
            if node == fresh {
                self.nodes.push(KeyTable::default());
            }
        }
    }

    /// The entry of `key` below `node`; a dotted key is followed part by part.
    #[inline]
    pub(crate) fn get(&self, node: u16, key: &[u8]) -> Option<&Entry> {
        match self.nodes.get(usize::from(node))?.get_or_dotted(key) {
            Ok(entry) => Some(entry),
            Err(true) => self.dotted(node, key),
            Err(false) => None,
        }
    }

    fn dotted(&self, node: u16, key: &[u8]) -> Option<&Entry> {
        let mut node = node;
        let mut parts = key.split(|b| *b == b'.').peekable();
        while let Some(part) = parts.next() {
            let entry = self.nodes.get(usize::from(node))?.get(part)?;
            if parts.peek().is_none() {
                return Some(entry);
            }
            node = entry.node?;
        }
        None
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    fn fields(map: &FieldMap, node: u16, key: &str) -> Vec<Field> {
        map.get(node, key.as_bytes()).map(|entry| entry.fields.iter().map(|(field, _)| *field).collect()).unwrap_or_default()
    }

    #[test]
    fn dotted_keys_and_nested_objects_lead_to_the_same_field() {
        let map = FieldMap::new(&[]);
        assert_eq!(fields(&map, FieldMap::ROOT, "gen_ai.request.model"), [Field::Model]);
        let outer = map.get(FieldMap::ROOT, b"gen_ai").and_then(|entry| entry.node).expect("a container");
        assert_eq!(fields(&map, outer, "request.model"), [Field::Model]);
    }

    #[test]
    fn own_paths_come_first() {
        let map = FieldMap::new(&[(Field::Provider, vec!["upstream.vendor".to_owned()])]);
        assert_eq!(
            map.get(FieldMap::ROOT, b"upstream.vendor").map(|entry| entry.fields.clone()),
            Some(vec![(Field::Provider, 0)])
        );
    }

    #[test]
    fn prompts_are_denied() {
        let map = FieldMap::new(&[]);
        assert!(map.get(FieldMap::ROOT, b"messages").is_some_and(|entry| entry.denied));
        assert!(map.get(FieldMap::ANYWHERE, b"requestBodyValues").is_some_and(|entry| entry.denied));
    }
}
