//! One node: the text between two values, and what the value after it fills.

#![expect(clippy::inline_always, reason = "one loop over a line: without it the compiler keeps the calls, which costs speed")]

use crate::record::field::Field;
use crate::record::json::Value;
use crate::record::likeness::is_own;
use crate::record::record::is_token_count;
use arrayvec::ArrayVec;

/// The most fields that one value fills.
pub(super) const MAX_FILLS: usize = 4;
/// The most nodes that follow one node.
pub(super) const MAX_FOLLOWERS: usize = 12;

/// The value after a node.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Hash)]
pub(super) enum Kind {
    /// A string; the node ends with its quote.
    Text,
    /// A number, `true`, `false`, or anything else without quotes and brackets.
    Word,
    /// An object that is not read member by member.
    Object,
    Array,
    /// None: the object has ended.
    End,
}

#[derive(Debug)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a key")]
pub(super) struct Node {
    /// The first and the last eight bytes of the text; of a shorter text all bytes, followed by zeros.
    head: u64,
    tail: u64,
    /// The length of the text in bytes.
    length: u32,
    pub(super) kind: Kind,
    /// The value is a text of a user: only numbers of tokens are read.
    pub(super) denied: bool,
    /// A key in the text shows how an answer ended.
    pub(super) shows_answer: bool,
    /// The key of the value shows how an answer ended, unless the value is a number.
    pub(super) shows_answer_by_words: bool,
    /// The value is a finish or stop reason, which tells something even if it is null.
    pub(super) is_reason: bool,
    /// Where the key begins, counted back from the end of the text, and its length.
    pub(super) key: (u8, u8),
    /// Of a denied object: the container in which some values are read.
    pub(super) inside: Option<u16>,
    fills: ArrayVec<(Field, u8), MAX_FILLS>,
    /// The value fills something.
    pub(super) is_read: bool,
    /// Something that it fills differs between lines that are alike: all of it, or a part.
    pub(super) is_own: bool,
    pub(super) has_own: bool,
    /// The value is the host that wrote the line, and nothing else.
    pub(super) is_host: bool,
    /// Nodes that followed this one in some line.
    pub(super) next: ArrayVec<u16, MAX_FOLLOWERS>,
    /// More of them are in `Forms::branches`.
    pub(super) has_branches: bool,
    text: Box<[u8]>,
}

impl Node {
    /// The longest text, in bytes.
    pub(super) const MAX_TEXT: usize = 255;

    /// Where the text of a node is looked up among those that follow another node: by its first eight bytes, or by four. `None`: it is
    /// shorter.
    pub(super) fn branch(&self) -> Option<u64> {
        let [long, short] = Self::branches_of(&self.text);
        long.or(short)
    }

    /// Where a line that continues so is looked up.
    pub(super) fn branches_of(rest: &[u8]) -> [Option<u64>; 2] {
        let long = rest.first_chunk().map(|head| u64::from_le_bytes(*head));
        let short = rest.first_chunk().map(|head| u64::from(u32::from_le_bytes(*head)));
        [long, short]
    }

    /// The node before the first text of each line.
    pub(super) fn beginning() -> Self {
        Self::new(&[], Kind::End)
    }

    pub(super) fn new(text: &[u8], kind: Kind) -> Self {
        let word = |bytes: &[u8]| {
            let mut word = [0; 8];
            word.iter_mut().zip(bytes).for_each(|(to, from)| *to = *from);
            u64::from_le_bytes(word)
        };
        Self {
            head: word(text),
            tail: word(&text[text.len().saturating_sub(8)..]),
            length: u32::try_from(text.len()).unwrap_or(u32::MAX),
            kind,
            denied: false,
            shows_answer: false,
            shows_answer_by_words: false,
            is_reason: false,
            key: (0, 0),
            inside: None,
            fills: ArrayVec::new(),
            is_read: false,
            is_own: false,
            has_own: false,
            is_host: false,
            next: ArrayVec::new(),
            has_branches: false,
            text: text.into(),
        }
    }

    /// Sets what the value fills.
    pub(super) fn set_fills(&mut self, fills: ArrayVec<(Field, u8), MAX_FILLS>) {
        self.is_read = !fills.is_empty() || self.inside.is_some() || self.is_reason;
        self.is_own = !fills.is_empty() && self.inside.is_none() && fills.iter().all(|(field, _)| is_own(*field));
        self.has_own = fills.iter().any(|(field, _)| is_own(*field) || *field == Field::Host);
        self.is_host = self.inside.is_none() && matches!(fills[..], [(Field::Host, _)]);
        self.fills = fills;
    }

    /// The fields that a value fills, with the rank of its key.
    #[inline(always)]
    pub(super) fn fills_by(&self, value: Value<'_>) -> impl Iterator<Item = (Field, u8)> {
        let may_fill = move |field| !self.denied || is_token_count(field, value);
        self.fills.iter().copied().filter(move |(field, _)| value != Value::Null && may_fill(*field))
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) const fn len(&self) -> usize {
        self.length as usize
    }

    /// Whether a line continues with the text of the node and a value of its kind.
    #[inline(always)]
    pub(super) fn begins(&self, rest: &[u8]) -> bool {
        let length = self.len();
        let Some((head, tail)) = rest.first_chunk().zip(rest.get(length.wrapping_sub(8)..).and_then(<[u8]>::first_chunk))
        else {
            return rest.starts_with(&self.text) && self.takes(rest.get(length));
        };
        // Most texts have up to sixteen bytes: these are all.
        u64::from_le_bytes(*tail) == self.tail
            && u64::from_le_bytes(*head) == self.head
            && (length <= 16 || rest.get(8..length - 8) == self.text.get(8..length - 8))
            && self.takes(rest.get(length))
    }

    #[inline(always)]
    fn takes(&self, first: Option<&u8>) -> bool {
        match self.kind {
            Kind::Text | Kind::End => true,
            Kind::Object => first == Some(&b'{'),
            Kind::Array => first == Some(&b'['),
            Kind::Word => first.is_some_and(u8::is_ascii_alphanumeric) || first == Some(&b'-'),
        }
    }
}

/// The key of the value that begins at `start`. `key`: where it begins, counted back, and its length.
pub(super) fn key_before((back, length): (u8, u8), line: &[u8], start: usize) -> &[u8] {
    let begin = start.saturating_sub(usize::from(back));
    line.get(begin..begin + usize::from(length)).unwrap_or_default()
}
