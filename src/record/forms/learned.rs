//! What was learned of the forms of lines, and the walk through a line.

#![expect(clippy::inline_always, reason = "one loop over a line: without it the compiler keeps the calls, which costs speed")]

use super::findings::Findings;
use super::node::{Kind, Node};
use crate::record::json::{Cursor, Value};
use crate::record::miss_gate::MissGate;
use rustc_hash::FxHashMap;

/// The most nodes that are remembered; then all are forgotten. A node takes about 200 bytes.
pub(super) const MAX_NODES: usize = 2_048;
/// The first lines that may be learned at once.
const FIRST_LESSONS: u32 = 512;
/// Later, one of this many lines may be learned.
pub(super) const LINES_PER_LESSON: u32 = 16;
/// After this many lines in a row of unknown form, only one of [`LINES_PER_LESSON`] is compared.
const STRANGE_LINES: u32 = 64;

/// The forms that were learned. It belongs to one [`Reader`](crate::record::Reader); use a new one with another reader.
#[derive(Debug)]
pub struct Forms {
    /// The first one is the beginning of each line.
    pub(super) nodes: Vec<Node>,
    /// Each node by what makes it one: the open containers before it, its text and the kind of its value.
    pub(super) known: FxHashMap<(u16, Box<[u8]>, Kind), u16>,
    /// The followers of nodes that have many, by the node and [`Node::branch`] of the follower.
    pub(super) branches: FxHashMap<(u16, u64), Vec<u16>>,
    /// The open containers at a place of a line, by their node in the field map and their depth.
    pub(super) places: FxHashMap<Vec<(u16, u8)>, u16>,
    /// Lines that may be learned now, times [`LINES_PER_LESSON`].
    pub(super) credit: u32,
    /// How often all nodes were forgotten.
    pub(super) generation: u32,
    /// What the latest walk found.
    pub(super) findings: Findings,
    /// Closed for most lines while none has a known form.
    gate: MissGate<STRANGE_LINES, LINES_PER_LESSON>,
}

impl Default for Forms {
    fn default() -> Self {
        Self {
            nodes: vec![Node::beginning()],
            known: FxHashMap::default(),
            branches: FxHashMap::default(),
            places: FxHashMap::default(),
            credit: FIRST_LESSONS * LINES_PER_LESSON,
            generation: 0,
            findings: Findings::default(),
            gate: MissGate::default(),
        }
    }
}

impl Forms {
    /// Finds the values of an entry, if it is a JSON object that has a known form. [`Self::found`] has them then.
    pub fn walk(&mut self, entry: &[u8]) -> bool {
        let object = entry.trim_ascii_start();
        if object.first() != Some(&b'{') {
            return false;
        }
        self.credit = (self.credit + 1).min(FIRST_LESSONS * LINES_PER_LESSON);
        if !self.gate.opens() {
            return false;
        }
        let mut findings = std::mem::take(&mut self.findings);
        findings.clear();
        let is_known = self.follow(object, &mut findings).is_some();
        self.findings = findings;
        self.gate.note(is_known);
        is_known
    }

    /// Forgets all nodes.
    pub(super) fn forget(&mut self) {
        let Self { credit, generation, .. } = *self;
        *self = Self { credit, generation: generation + 1, ..Self::default() };
    }

    fn follow(&mut self, object: &[u8], findings: &mut Findings) -> Option<()> {
        let mut cursor = Cursor { text: object, at: 0 };
        let mut here = 0;
        loop {
            here = self.next(here, object, cursor.at)?;
            let node = self.nodes.get(here)?;
            findings.shows_answer |= node.shows_answer;
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
            findings.shows_answer |= node.shows_answer_by_words && !matches!(value, Value::Number(_));
            if node.is_read {
                findings.shows_answer |= node.is_reason && value == Value::Null;
                findings.note(here, node, start, value);
            }
        }
    }

    /// The node behind `here` with the text that is at `at`. The next time, the one that was found is compared earlier.
    #[inline(always)]
    fn next(&mut self, here: usize, text: &[u8], at: usize) -> Option<usize> {
        let rest = text.get(at..)?;
        // In most forms, one node has one follower.
        match self.nodes.get(here)?.next.first() {
            Some(first) if self.begins(*first, rest) => Some(usize::from(*first)),
            _ => self.next_of_many(here, rest),
        }
    }

    fn next_of_many(&mut self, here: usize, rest: &[u8]) -> Option<usize> {
        let node = self.nodes.get(here)?;
        if let Some(place) = node.next.iter().skip(1).position(|next| self.begins(*next, rest)) {
            let found = usize::from(node.next[place + 1]);
            self.nodes.get_mut(here)?.next.swap(place + 1, place.div_ceil(2));
            return Some(found);
        }
        if !node.has_branches {
            return None;
        }
        let here = u16::try_from(here).ok()?;
        let branches = Node::branches_of(rest).into_iter().flatten().filter_map(|branch| self.branches.get(&(here, branch)));
        branches.flatten().find(|next| self.begins(**next, rest)).map(|found| usize::from(*found))
    }

    #[inline(always)]
    fn begins(&self, node: u16, rest: &[u8]) -> bool {
        match self.nodes.get(usize::from(node)) {
            Some(node) => node.begins(rest),
            None => false,
        }
    }
}
