//! The forms of JSON lines: a logger writes the same keys in the same order again and again, so what stands between two values of one
//! line stands there in the next.
//!
//! A form is learned as a chain of nodes. A node is the text between two values (commas, keys, braces) and what the value after
//! it fills. A line of which all texts are those of known nodes is read without a look at its keys. Any other line is read by
//! [`Record::scan`], and then learned. Both give the same record, and what was learned only saves time; `tests/it/forms.rs`
//! compares them.

mod lesson;
mod node;

use super::field::FieldMap;
use super::json::{Cursor, Value};
use super::miss_gate::MissGate;
use super::record::{Record, is_token_count};
use node::{Kind, Node};
use rustc_hash::FxHashMap;

/// The most nodes that are remembered; then all are forgotten. A node takes about 200 bytes.
const MAX_NODES: usize = 2_048;
/// The first lines that may be learned at once.
const FIRST_LESSONS: u32 = 512;
/// Later, one of this many lines may be learned.
const LINES_PER_LESSON: u32 = 16;
/// After this many lines in a row of unknown form, only one of [`LINES_PER_LESSON`] is compared.
const STRANGE_LINES: u32 = 64;

/// The forms that were learned. It belongs to one [`Reader`](super::Reader); use a new one with another reader.
#[derive(Debug)]
pub struct Forms {
    /// The first one is the beginning of each line.
    nodes: Vec<Node>,
    /// Each node by what makes it one: the open containers before it, its text and the kind of its value.
    known: FxHashMap<(u16, Box<[u8]>, Kind), u16>,
    /// The open containers at a place of a line, by their node in the field map and their depth.
    places: FxHashMap<Vec<(u16, u8)>, u16>,
    /// Lines that may be learned now, times [`LINES_PER_LESSON`].
    credit: u32,
    /// Closed for most lines while none has a known form.
    gate: MissGate<STRANGE_LINES, LINES_PER_LESSON>,
}

impl Default for Forms {
    fn default() -> Self {
        Self {
            nodes: vec![Node::beginning()],
            known: FxHashMap::default(),
            places: FxHashMap::default(),
            credit: FIRST_LESSONS * LINES_PER_LESSON,
            gate: MissGate::default(),
        }
    }
}

impl Forms {
    /// Fills the record from an object that has a known form. `false`: it has none; the record holds what was read until then.
    pub(super) fn read<'a>(&mut self, map: &FieldMap, object: &'a [u8], record: &mut Record<'a>) -> bool {
        self.credit = (self.credit + 1).min(FIRST_LESSONS * LINES_PER_LESSON);
        if !self.gate.opens() {
            return false;
        }
        let is_known = self.walk(map, object, record).is_some();
        self.gate.note(is_known);
        is_known
    }

    fn walk<'a>(&mut self, map: &FieldMap, object: &'a [u8], record: &mut Record<'a>) -> Option<()> {
        let mut cursor = Cursor { text: object, at: 0 };
        let mut here = 0;
        loop {
            here = self.next(here, object, cursor.at)?;
            let node = self.nodes.get(here)?;
            record.shows_answer |= node.shows_answer;
            cursor.at += node.len();
            let start = cursor.at;
            let value = match node.kind {
                Kind::End => return Some(()),
                Kind::Text => {
                    cursor.at -= 1;
                    Value::Text(cursor.string()?)
                }
                Kind::Word => cursor.plain_word()?,
                Kind::Object => Value::Object(object.get(start..cursor.nested())?),
                Kind::Array => Value::Array(object.get(start..cursor.nested())?),
            };
            record.shows_answer |= node.shows_answer_by_words && !matches!(value, Value::Number(_));
            if node.fills.is_empty() && node.inside.is_none() {
                continue;
            }
            if value == Value::Null {
                record.shows_answer |= node.is_reason;
            } else {
                let key = node.key_before(object, start);
                for (field, rank) in &node.fills {
                    if !node.denied || is_token_count(*field, value) {
                        record.put(*field, *rank, key, value);
                    }
                }
                if let (Value::Object(inside), Some(container)) = (value, node.inside) {
                    record.scan_named(map, container, inside);
                }
            }
        }
    }

    /// The node behind `here` with the text that is at `at`. The next time, the one that was found is compared earlier.
    fn next(&mut self, here: usize, text: &[u8], at: usize) -> Option<usize> {
        let rest = text.get(at..)?;
        let followers = &self.nodes.get(here)?.next;
        let fits = |next: &u16| self.nodes.get(usize::from(*next)).is_some_and(|node| node.begins(rest));
        let place = followers.iter().position(fits)?;
        let found = usize::from(followers[place]);
        if place > 0 {
            self.nodes.get_mut(here)?.next.swap(place, place / 2);
        }
        Some(found)
    }
}
