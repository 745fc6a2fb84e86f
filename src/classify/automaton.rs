//! Finds all words of a list in a text, in one pass, in any case of ASCII letters: the automaton of Aho and Corasick (1975).
//!
//! The crate `aho-corasick` has no tables that a build script could write, and building them took a third of a start. The build
//! script includes this file and writes the tables of the shipped literals; a catalogue with a user's patterns builds its own.
//!
//! Nodes are numbered breadth first, so the children of a node are neighbours.

use std::borrow::Cow;
use std::collections::{BTreeMap, VecDeque};

/// No word ends at this node.
pub(crate) const NONE: u32 = u32::MAX;

/// The tables, one entry per node; node 0 is the root.
#[derive(Clone, Debug)]
pub(crate) struct Tables {
    /// The byte that leads to the node, in lower case.
    pub(crate) label: Cow<'static, [u8]>,
    /// The first child. The last one is before the first child of the next node, so there is one entry more than nodes.
    pub(crate) first_child: Cow<'static, [u32]>,
    /// The node of the longest proper suffix that is also a node.
    pub(crate) fail: Cow<'static, [u32]>,
    /// The nearest node on the way of `fail` at which a word ends; 0: none.
    pub(crate) shorter: Cow<'static, [u32]>,
    /// The word that ends at the node, or [`NONE`].
    pub(crate) word: Cow<'static, [u32]>,
}

impl Tables {
    /// The tables of these words, which are in lower case and not empty; a word is its position in the list.
    #[expect(clippy::cast_possible_truncation, reason = "the words have fewer than 4 GiB together")]
    pub(crate) fn build<'w>(words: impl IntoIterator<Item = &'w [u8]>) -> Self {
        let mut trie = vec![Branch::default()];
        for (word, text) in words.into_iter().enumerate() {
            let mut at = 0;
            for byte in text {
                let fresh = trie.len();
                at = *trie[at].children.entry(*byte).or_insert(fresh);
                if at == fresh {
                    trie.push(Branch::default());
                }
            }
            trie[at].word = Some(word as u32);
        }
        let (mut label, mut first_child, mut word) = (vec![0], Vec::new(), Vec::new());
        let mut queue = VecDeque::from([0]);
        while let Some(at) = queue.pop_front() {
            first_child.push(label.len() as u32);
            word.push(trie[at].word.unwrap_or(NONE));
            for (byte, child) in &trie[at].children {
                label.push(*byte);
                queue.push_back(*child);
            }
        }
        first_child.push(label.len() as u32);
        let zeros = vec![0; label.len()];
        let mut tables = Self {
            label: label.into(),
            first_child: first_child.into(),
            fail: zeros.clone().into(),
            shorter: zeros.into(),
            word: word.into(),
        };
        tables.link();
        tables
    }

    /// Fills `fail` and `shorter`. A node's suffix is shorter than the node, so it was linked before.
    #[expect(clippy::cast_possible_truncation, reason = "see `build`")]
    fn link(&mut self) {
        for node in 0..self.label.len() {
            for child in self.first_child[node]..self.first_child[node + 1] {
                let byte = self.label[child as usize];
                let mut suffix = node as u32;
                let fail = loop {
                    if suffix == 0 {
                        break 0;
                    }
                    suffix = self.fail[suffix as usize];
                    if let Some(found) = self.child(suffix, byte) {
                        break found;
                    }
                };
                let shorter = if self.word[fail as usize] == NONE { self.shorter[fail as usize] } else { fail };
                self.fail.to_mut()[child as usize] = fail;
                self.shorter.to_mut()[child as usize] = shorter;
            }
        }
    }

    /// The child that `byte`, in lower case, leads to.
    #[inline]
    fn child(&self, node: u32, byte: u8) -> Option<u32> {
        let (first, end) = (self.first_child[node as usize], self.first_child[node as usize + 1]);
        (first..end).find(|child| self.label[*child as usize] == byte)
    }
}

/// A node while the words are read.
#[derive(Default)]
struct Branch {
    children: BTreeMap<u8, usize>,
    word: Option<u32>,
}

/// Tables that are ready to search.
#[derive(Clone, Debug)]
pub(crate) struct Automaton {
    tables: Tables,
    /// For the root and its children, at which most bytes of a text are: where each byte leads, over all suffixes.
    dense: Vec<[u32; 256]>,
}

impl Automaton {
    pub(crate) fn new(tables: Tables) -> Self {
        let mut dense: Vec<[u32; 256]> = Vec::new();
        for node in 0..tables.first_child[1] {
            let mut row = dense.first().copied().unwrap_or([0; 256]);
            for child in tables.first_child[node as usize]..tables.first_child[node as usize + 1] {
                row[usize::from(tables.label[child as usize])] = child;
            }
            dense.push(row);
        }
        Self { tables, dense }
    }

    /// Reports every word that ends anywhere in `text`; a word that occurs twice is reported twice.
    pub(crate) fn find_overlapping(&self, text: &[u8], mut hit: impl FnMut(u32)) {
        let Tables { fail, shorter, word, .. } = &self.tables;
        let mut node = 0_u32;
        for byte in text {
            let byte = byte.to_ascii_lowercase();
            node = loop {
                if let Some(row) = self.dense.get(node as usize) {
                    break row[usize::from(byte)];
                }
                if let Some(child) = self.tables.child(node, byte) {
                    break child;
                }
                node = fail[node as usize];
            };
            let mut end = if word[node as usize] == NONE { shorter[node as usize] } else { node };
            while end != 0 {
                hit(word[end as usize]);
                end = shorter[end as usize];
            }
        }
    }
}

#[cfg(test)]
mod tests {
    use super::*;
    use proptest::prelude::*;

    fn found(words: &[String], text: &str) -> Vec<u32> {
        let automaton = Automaton::new(Tables::build(words.iter().map(String::as_bytes)));
        let mut found = Vec::new();
        automaton.find_overlapping(text.as_bytes(), |word| found.push(word));
        found.sort_unstable();
        found
    }

    proptest! {
        #[test]
        fn every_occurrence_of_every_word_is_found(
            words in proptest::collection::btree_set("[ab ]{1,5}", 1..12),
            text in "[aAbB c]{0,40}",
        ) {
            let words: Vec<String> = words.into_iter().collect();
            let lower = text.to_ascii_lowercase();
            let mut expected = Vec::new();
            for (word, number) in words.iter().zip(0..) {
                let ends = (0..=lower.len()).filter(|end| lower.as_bytes()[..*end].ends_with(word.as_bytes()));
                expected.extend(ends.map(|_| number));
            }
            prop_assert_eq!(found(&words, &text), expected);
        }
    }

    #[test]
    fn no_words_are_found_nowhere() {
        assert_eq!(found(&[], "anything"), Vec::<u32>::new());
    }
}
