//! What a walk finds in a line.

#![expect(clippy::inline_always, reason = "one loop over a line: without it the compiler keeps the calls, which costs speed")]

use super::node::Node;
use crate::record::json::Value;
use crate::record::likeness::may_be_called;

const MIX: u64 = 0x9e37_79b9_7f4a_7c15;

/// What a walk found in a line.
#[derive(Debug, Default)]
pub(super) struct Findings {
    /// In the order of the line.
    pub(super) values: Vec<Found>,
    /// A key shows how an answer ended, beside the reason itself.
    pub(super) shows_answer: bool,
    /// Of the nodes, and of the values that are not own.
    pub(super) hash: u64,
    /// Bytes of the values that are not own.
    pub(super) telling: usize,
}

/// A value, its node, and where it is in the line.
#[derive(Clone, Copy, Debug)]
pub(super) struct Found {
    pub(super) node: u16,
    /// As [`Value::parts`] gives it.
    pub(super) kind: u8,
    pub(super) is_own: bool,
    /// Where its bytes begin, behind the text of its node, and their number.
    pub(super) start: u32,
    pub(super) length: u32,
}

impl Findings {
    pub(super) fn clear(&mut self) {
        self.values.clear();
        (self.shows_answer, self.hash, self.telling) = (false, 0, 0);
    }

    /// `start` is where the bytes of the value begin.
    #[inline(always)]
    pub(super) fn note(&mut self, number: usize, node: &Node, start: usize, value: Value<'_>) {
        let is_own = node.is_own || node.is_host && !may_be_called(value);
        let (kind, bytes) = value.parts();
        self.mix(number as u64 | u64::from(kind) << 16 | u64::from(is_own) << 24);
        if !is_own {
            self.telling += bytes.len();
            let (words, rest) = bytes.as_chunks::<8>();
            for word in words {
                self.mix(u64::from_le_bytes(*word));
            }
            let last = rest.iter().fold(rest.len() as u64, |word, byte| word << 8 | u64::from(*byte));
            self.mix(last);
        }
        let [start, length] = [start, bytes.len()].map(|offset| u32::try_from(offset).unwrap_or(u32::MAX));
        self.values.push(Found { node: u16::try_from(number).unwrap_or(u16::MAX), kind, is_own, start, length });
    }

    #[inline(always)]
    fn mix(&mut self, word: u64) {
        self.hash = (self.hash ^ word).wrapping_mul(MIX).rotate_left(29);
    }
}

impl Found {
    /// All but the bytes of the value; of an own value without its length.
    #[inline(always)]
    pub(super) fn head(&self) -> [u8; 8] {
        let length = if self.is_own { 0 } else { self.length };
        let parts = [u64::from(self.node), u64::from(self.kind) << 16, u64::from(self.is_own) << 24, u64::from(length) << 32];
        parts.into_iter().fold(0, |head, part| head | part).to_le_bytes()
    }
}
