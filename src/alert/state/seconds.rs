//! Counts per second that wait for their evaluation.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// How many events fell into each second, starting with the next second to be evaluated.
///
/// The owner calls [`Self::take`] once per second, so position 0 is always the next second.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct PendingSeconds(VecDeque<u32>);

impl PendingSeconds {
    /// The last second that has its own count; later events are counted in it.
    const MAX_AHEAD: usize = 1_400;

    /// Counts `n` events, `ahead` seconds after the next second to be evaluated.
    pub(super) fn add(&mut self, ahead: usize, n: u32) {
        let ahead = ahead.min(Self::MAX_AHEAD);
        if self.0.len() <= ahead {
            self.0.resize(ahead + 1, 0);
        }
        if let Some(count) = self.0.get_mut(ahead) {
            *count = count.saturating_add(n);
        }
    }

    /// Removes the next second and returns its count.
    pub(super) fn take(&mut self) -> u32 {
        self.0.pop_front().unwrap_or(0)
    }

    /// The events in all seconds that wait.
    pub(super) fn total(&self) -> u64 {
        self.0.iter().map(|count| u64::from(*count)).sum()
    }

    /// Whether no second waits.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }
}
