//! Counts per whole second that wait for their evaluation.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How many events fell into each second, from the next second to be evaluated on.
///
/// Whoever owns it takes one second after the other, so that position 0 is always the next one.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Seconds(VecDeque<u32>);

impl Seconds {
    /// The most seconds ahead of the next one that are told apart; what comes later counts as that second.
    pub(super) const MOST: usize = 1_400;

    /// Counts `n` events that many seconds after the next one to be evaluated.
    pub(super) fn add(&mut self, ahead: usize, n: u32) {
        let ahead = ahead.min(Self::MOST);
        if self.0.len() <= ahead {
            self.0.resize(ahead + 1, 0);
        }
        if let Some(count) = self.0.get_mut(ahead) {
            *count = count.saturating_add(n);
        }
    }

    /// Takes the next second.
    pub(super) fn take(&mut self) -> u32 {
        self.0.pop_front().unwrap_or(0)
    }

    /// How many wait.
    pub(super) fn waiting(&self) -> u64 {
        self.0.iter().map(|it| u64::from(*it)).sum()
    }

    /// Whether nothing waits.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
