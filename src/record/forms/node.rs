//! One node: the text between two values, and what the value after it fills.

use crate::record::field::Field;
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
pub(super) struct Node {
    text: Box<[u8]>,
    /// The last eight bytes of the text, or all of them; they differ most.
    tail: u64,
    /// The bytes of `tail` that count.
    mask: u64,
    pub(super) kind: Kind,
    pub(super) fills: ArrayVec<(Field, u8), MAX_FILLS>,
    /// The value is a text of a user: only numbers of tokens are read.
    pub(super) denied: bool,
    /// Of a denied object: the container in which some values are read.
    pub(super) inside: Option<u16>,
    /// Where the key begins, counted back from the end of the text, and its length.
    pub(super) key: (u8, u8),
    /// Nodes that followed this one in some line.
    pub(super) next: ArrayVec<u16, MAX_FOLLOWERS>,
}

impl Node {
    /// The longest text, in bytes.
    pub(super) const MAX_TEXT: usize = 255;

    /// The node before the first text of each line.
    pub(super) fn beginning() -> Self {
        Self::new(&[], Kind::End)
    }

    pub(super) fn new(text: &[u8], kind: Kind) -> Self {
        let mut tail = [0; 8];
        let last = &text[text.len().saturating_sub(8)..];
        tail[..last.len()].copy_from_slice(last);
        let mask = if last.len() == 8 { u64::MAX } else { (1 << (8 * last.len())) - 1 };
        Self {
            text: text.into(),
            tail: u64::from_le_bytes(tail),
            mask,
            kind,
            fills: ArrayVec::new(),
            denied: false,
            inside: None,
            key: (0, 0),
            next: ArrayVec::new(),
        }
    }

    pub(super) fn text(&self) -> &[u8] {
        &self.text
    }

    pub(super) fn len(&self) -> usize {
        self.text.len()
    }

    /// The key of the value that begins at `start`.
    pub(super) fn key_before<'a>(&self, line: &'a [u8], start: usize) -> &'a [u8] {
        let (back, length) = (usize::from(self.key.0), usize::from(self.key.1));
        let begin = start.saturating_sub(back);
        line.get(begin..begin + length).unwrap_or_default()
    }

    /// Whether the text of the node is at this place of a line, with a value of its kind after it.
    #[inline]
    pub(super) fn is_at(&self, line: &[u8], at: usize) -> bool {
        let length = self.text.len();
        let Some(rest) = line.get(at..) else { return false };
        // Without the comparison of the last bytes, long keys with the same beginning would be compared whole.
        let Some(last) = rest.get(length.saturating_sub(8)..).and_then(<[u8]>::first_chunk::<8>) else {
            return rest.starts_with(&self.text) && self.takes(rest.get(length));
        };
        u64::from_le_bytes(*last) & self.mask == self.tail
            && self.takes(rest.get(length))
            && (length <= 8 || rest.get(..length - 8) == self.text.get(..length - 8))
    }

    fn takes(&self, first: Option<&u8>) -> bool {
        match self.kind {
            Kind::Text | Kind::End => true,
            Kind::Object => first == Some(&b'{'),
            Kind::Array => first == Some(&b'['),
            Kind::Word => first.is_some_and(u8::is_ascii_alphanumeric) || first == Some(&b'-'),
        }
    }
}
