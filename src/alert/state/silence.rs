//! Whether calls that came steadily have stopped.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The length of a slot, in seconds.
const SLOT_SECONDS: i64 = 300;
/// Calls are steady after a call in each of this many consecutive slots.
const STEADY_SLOTS: u32 = 12;
/// How many gaps between calls are remembered.
const MAX_GAPS: usize = 63;
/// Calls have stopped when none came for this many median gaps.
const SILENT_MEDIAN_GAPS: i64 = 10;
/// After this many seconds without a call, the next one is not expected any more.
const FORGOTTEN_SECONDS: i64 = 6 * 3_600;

/// How steadily the calls of one provider come.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::alert) struct CallRhythm {
    /// The slot of the last call.
    slot: i64,
    /// Consecutive slots with a call, up to `slot`.
    streak: u32,
    /// The latest gaps between calls, in seconds.
    gaps: VecDeque<u32>,
    /// The second of the last call.
    last: Option<i64>,
}

impl CallRhythm {
    /// Takes in a second with calls.
    pub(super) fn call(&mut self, at: i64) {
        if let Some(last) = self.last {
            self.gaps.push_back(u32::try_from(at - last).unwrap_or(u32::MAX));
            if self.gaps.len() > MAX_GAPS {
                self.gaps.pop_front();
            }
        }
        let slot = at.div_euclid(SLOT_SECONDS);
        self.streak = match slot - self.slot {
            0 if self.last.is_some() => self.streak,
            1 => self.streak.saturating_add(1),
            _ => 1,
        };
        (self.slot, self.last) = (slot, Some(at));
    }

    /// The second of the last call, if calls were steady and have stopped.
    ///
    /// Time up to `last_asleep`, in which missing calls mean nothing, does not count. `noticed` is the previous answer: it
    /// stays true until the next call.
    pub(in crate::alert) fn silent_since(&self, at: i64, last_asleep: i64, noticed: Option<i64>) -> Option<i64> {
        let last = self.last.filter(|_| self.is_steady(at))?;
        (noticed == Some(last) || at - last.max(last_asleep) >= self.longest_usual_gap()).then_some(last)
    }

    /// Whether missing calls would be noticed.
    pub(super) fn is_steady(&self, at: i64) -> bool {
        self.streak >= STEADY_SLOTS && !self.is_forgotten(at)
    }

    /// Whether the last call is too old to expect another one.
    pub(in crate::alert) fn is_forgotten(&self, at: i64) -> bool {
        self.last.is_none_or(|last| at - last >= FORGOTTEN_SECONDS)
    }

    fn longest_usual_gap(&self) -> i64 {
        let mut gaps: Vec<u32> = self.gaps.iter().copied().collect();
        gaps.sort_unstable();
        let median = gaps.get(gaps.len() / 2).copied().unwrap_or(0);
        (i64::from(median) * SILENT_MEDIAN_GAPS).max(SLOT_SECONDS)
    }
}
