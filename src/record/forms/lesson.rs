//! Learns the form of a line: what [`Record::scan`](crate::record::record::Record::scan) does with its members, written down as
//! nodes.

use super::learned::{Forms, LINES_PER_LESSON, MAX_NODES};
use super::node::{Kind, MAX_FOLLOWERS, Node};
use crate::record::field::{Entry, Field, FieldMap};
use crate::record::json::{Cursor, Raw};
use crate::record::record::{DEPTH, UNNAMED_DEPTH};
use arrayvec::ArrayVec;

/// An object that is read member by member: its node in the field map, and its depth.
type Container = (u16, u8);

/// A walk through a line that notes its nodes.
struct Lesson<'a> {
    cursor: Cursor<'a>,
    open: Vec<Container>,
    /// Where the text of the next node begins, and the containers that are open there.
    start: usize,
    place: u16,
    /// A key since `start` shows how an answer ended.
    shows_answer: bool,
    nodes: Vec<(u16, Node)>,
}

impl Forms {
    /// Learns the form of a whole object, if one may be learned now.
    pub(in crate::record) fn learn(&mut self, map: &FieldMap, object: &[u8]) {
        let Some(credit) = self.credit.checked_sub(LINES_PER_LESSON) else { return };
        self.credit = credit;
        let mut lesson = Lesson {
            cursor: Cursor { text: object, at: 0 },
            open: Vec::new(),
            start: 0,
            place: self.place_of(&[]),
            shows_answer: false,
            nodes: Vec::new(),
        };
        let is_learned = lesson.read(self, map).is_some();
        if self.nodes.len() + lesson.nodes.len() > MAX_NODES || self.places.len() > MAX_NODES {
            // The places of this lesson are forgotten with the others.
            self.forget();
        } else if is_learned {
            self.keep(lesson.nodes);
        }
    }

    fn keep(&mut self, nodes: Vec<(u16, Node)>) {
        let mut here = 0;
        for (place, node) in nodes {
            let key = (place, node.text().into(), node.kind);
            let next = *self.known.entry(key).or_insert_with(|| {
                self.nodes.push(node);
                u16::try_from(self.nodes.len() - 1).unwrap_or(u16::MAX)
            });
            self.follow_up(here, next);
            here = usize::from(next);
        }
    }

    /// Notes that one node followed another. Of many followers, those with a text of some length become branches.
    fn follow_up(&mut self, here: usize, next: u16) {
        let Self { nodes, branches, .. } = self;
        let Ok(number) = u16::try_from(here) else { return };
        let Some(before) = nodes.get_mut(here).filter(|before| !before.next.contains(&next)) else { return };
        if !before.has_branches && before.next.try_push(next).is_ok() {
            return;
        }
        before.has_branches = true;
        let first = before.next.pop_at(0);
        let others: Vec<u16> = before.next.drain(..).chain([next]).collect();
        let mut short: ArrayVec<u16, MAX_FOLLOWERS> = first.into_iter().collect();
        for other in others {
            match nodes.get(usize::from(other)).and_then(Node::branch) {
                Some(branch) => {
                    let known = branches.entry((number, branch)).or_default();
                    if !known.contains(&other) {
                        known.push(other);
                    }
                }
                // If there are more short ones than this, the lines with the others are read member by member.
                None => drop(short.try_push(other)),
            }
        }
        if let Some(before) = nodes.get_mut(here) {
            before.next = short;
        }
    }

    fn place_of(&mut self, open: &[Container]) -> u16 {
        let fresh = u16::try_from(self.places.len()).unwrap_or(u16::MAX);
        match self.places.get(open) {
            Some(known) => *known,
            None => *self.places.entry(open.to_vec()).or_insert(fresh),
        }
    }
}

impl Lesson<'_> {
    /// `None`: the line has no form that could be learned.
    fn read(&mut self, forms: &mut Forms, map: &FieldMap) -> Option<()> {
        if self.cursor.peek() != Some(b'{') {
            return None;
        }
        self.cursor.at = 1;
        self.open.push((FieldMap::ROOT, 0));
        loop {
            self.cursor.blanks();
            if self.cursor.peek() == Some(b',') {
                self.cursor.at += 1;
                self.cursor.blanks();
            }
            match self.cursor.peek()? {
                b'"' => {}
                b'}' => {
                    self.cursor.at += 1;
                    self.open.pop();
                    if self.open.is_empty() {
                        return self.note(Kind::End);
                    }
                    continue;
                }
                _ => return None,
            }
            let key_start = self.cursor.at + 1;
            let key = self.cursor.string()?;
            self.cursor.blanks();
            if self.cursor.peek() != Some(b':') {
                return None;
            }
            self.cursor.at += 1;
            self.cursor.blanks();
            if self.member(map, key, key_start)? {
                self.start = self.cursor.at;
                self.place = forms.place_of(&self.open);
            }
        }
    }

    /// Notes the node before a member's value and skips the value; `false`: enters the value instead, as `Record::member` does.
    fn member(&mut self, map: &FieldMap, key: Raw<'_>, key_start: usize) -> Option<bool> {
        let (node, depth) = *self.open.last()?;
        let entry = match map.get(node, key.bytes) {
            None if node > FieldMap::ANYWHERE => map.get(FieldMap::ANYWHERE, key.bytes),
            found => found,
        };
        let kind = match self.cursor.peek()? {
            b'{' => Kind::Object,
            b'[' => Kind::Array,
            b'"' => Kind::Text,
            _ => Kind::Word,
        };
        let takes = |field: Field| kind != Kind::Object || field.takes_objects() && key.bytes != b"response";
        let fills = || entry.into_iter().flat_map(|entry| &entry.fields).copied().filter(move |(field, _)| takes(*field));
        let (denied, inner) = entry.map_or((false, None), |entry| (entry.denied, entry.node));
        let shows_answer = entry.is_some_and(|entry| entry.shows_answer);
        let shows_by_words = shows_answer && kind == Kind::Word && entry.is_some_and(Entry::counts_tokens);
        self.shows_answer |= shows_answer && !shows_by_words;
        if kind == Kind::Object {
            let is_entered = match entry {
                None => depth < UNNAMED_DEPTH,
                Some(entry) => {
                    let limit = if entry.is_mark() { UNNAMED_DEPTH } else { DEPTH };
                    fills().next().is_none() && !denied && depth < limit
                }
            };
            if is_entered {
                self.cursor.at += 1;
                self.open.push((inner.unwrap_or(FieldMap::ANYWHERE), depth + 1));
                return Some(false);
            }
        }
        if kind == Kind::Text {
            self.cursor.at += 1;
        }
        let end = self.cursor.at;
        self.note(kind)?;
        let (_, noted) = self.nodes.last_mut()?;
        noted.key = (u8::try_from(end - key_start).ok()?, u8::try_from(key.bytes.len()).ok()?);
        noted.shows_answer_by_words = shows_by_words;
        noted.is_reason = entry.is_some_and(Entry::is_reason);
        noted.denied = denied && kind != Kind::Object;
        noted.inside = inner.filter(|_| denied && kind == Kind::Object);
        noted.set_fills(collect(fills())?);
        match kind {
            Kind::Text => {
                self.cursor.at -= 1;
                self.cursor.string()?;
            }
            Kind::Word => {
                self.cursor.plain_word()?;
            }
            Kind::Object | Kind::Array => {
                self.cursor.nested();
            }
            Kind::End => return None,
        }
        Some(true)
    }

    /// Ends the text before the cursor as a node.
    fn note(&mut self, kind: Kind) -> Option<()> {
        let text = self.cursor.text.get(self.start..self.cursor.at).filter(|text| text.len() <= Node::MAX_TEXT)?;
        let mut node = Node::new(text, kind);
        node.shows_answer = std::mem::take(&mut self.shows_answer);
        self.nodes.push((self.place, node));
        Some(())
    }
}

fn collect<const N: usize>(fills: impl Iterator<Item = (Field, u8)>) -> Option<ArrayVec<(Field, u8), N>> {
    let mut all = ArrayVec::new();
    for fill in fills {
        all.try_push(fill).ok()?;
    }
    Some(all)
}
