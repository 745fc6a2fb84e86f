//! Whether calls that came steadily have stopped.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The length of a slot, in seconds.
const SLOT: i64 = 300;
/// In so many slots in a row there must have been a call.
const STEADY_SLOTS: u32 = 12;
/// So many gaps between calls are remembered.
const GAPS: usize = 63;
/// Calls must be missing for so many median gaps.
const MEDIANS: i64 = 10;
/// After this long without a call nobody waits for the next one.
const FORGOTTEN: i64 = 6 * 3_600;

/// The rhythm of the calls of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Rhythm {
    slot: i64,
    streak: u32,
    gaps: VecDeque<u32>,
    last: Option<i64>,
}

impl Rhythm {
    /// Takes in a second with calls.
    pub(super) fn call(&mut self, at: i64) {
        if let Some(last) = self.last {
            self.gaps.push_back(u32::try_from(at - last).unwrap_or(u32::MAX));
            if self.gaps.len() > GAPS {
                self.gaps.pop_front();
            }
        }
        let slot = at.div_euclid(SLOT);
        self.streak = match slot - self.slot {
            0 if self.last.is_some() => self.streak,
            1 => self.streak.saturating_add(1),
            _ => 1,
        };
        (self.slot, self.last) = (slot, Some(at));
    }

    /// Since when calls are missing that should have come. Time before `awake`, in which nobody listened, does not count;
    /// `noticed` is what was answered before: that stays true until a call comes.
    pub(super) fn silent_since(&self, at: i64, awake: i64, noticed: Option<i64>) -> Option<i64> {
        let last = self.last.filter(|_| self.is_steady(at))?;
        (noticed == Some(last) || at - last.max(awake) >= self.patience()).then_some(last)
    }

    /// Whether a missing call would be noticed.
    pub(super) fn is_steady(&self, at: i64) -> bool {
        self.streak >= STEADY_SLOTS && !self.is_forgotten(at)
    }

    /// Whether the last call lies so far back that nobody waits for the next one.
    pub(super) fn is_forgotten(&self, at: i64) -> bool {
        self.last.is_none_or(|it| at - it >= FORGOTTEN)
    }

    fn patience(&self) -> i64 {
        let mut gaps: Vec<u32> = self.gaps.iter().copied().collect();
        gaps.sort_unstable();
        let median = gaps.get(gaps.len() / 2).copied().unwrap_or(0);
        (i64::from(median) * MEDIANS).max(SLOT)
    }
}
