//! Calls that a producer tells twice, as events and as spans. Both have the id of the prompt or the trace, but not always one of the call;
//! both tell of the same calls, so the n-th of the one is the n-th of the other.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The most ids that a stream remembers; the oldest go first.
const MAX_CHAINS: usize = 128;

/// How many calls events and spans told of each of the latest ids.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct ToldTwice(VecDeque<(u64, [u32; 2])>);

impl ToldTwice {
    /// Whether a record with this id was counted.
    pub(super) fn knows(&self, chain: u64) -> bool {
        self.0.iter().rev().any(|(known, _)| *known == chain)
    }

    /// Whether the other side has told of this call already.
    pub(super) fn is_repeat(&mut self, chain: u64, by_span: bool) -> bool {
        let side = usize::from(by_span);
        if let Some((_, counts)) = self.0.iter_mut().rev().find(|(known, _)| *known == chain) {
            counts[side] = counts[side].saturating_add(1);
            return counts[side] <= counts[1 - side];
        }
        if self.0.len() == MAX_CHAINS {
            self.0.pop_front();
        }
        let mut counts = [0; 2];
        counts[side] = 1;
        self.0.push_back((chain, counts));
        false
    }
}
