//! Successful and failed calls per minute, over the last ten minutes.

use serde::{Deserialize, Serialize};

const SLOTS: i64 = 10;

/// Counts per minute. Minutes older than ten are dropped.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Minutes {
    newest: i64,
    slots: [Counts; SLOTS as usize],
}

/// Calls by outcome.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Counts {
    pub(super) good: u64,
    pub(super) bad: u64,
}

impl Counts {
    pub(super) const fn all(self) -> u64 {
        self.good + self.bad
    }

    /// Whether at least half of the calls failed.
    pub(super) const fn mostly_fail(self) -> bool {
        self.bad * 2 >= self.all()
    }

    pub(super) const fn plus(self, other: Self) -> Self {
        Self { good: self.good + other.good, bad: self.bad + other.bad }
    }
}

impl Minutes {
    /// Counts one call.
    pub(super) fn add(&mut self, at: i64, good: bool) {
        let minute = at.div_euclid(60);
        if minute > self.newest {
            for passed in 1..=(minute - self.newest).min(SLOTS) {
                self.slots[slot(minute - passed + 1)] = Counts::default();
            }
            self.newest = minute;
        }
        if self.newest - minute < SLOTS {
            let counts = &mut self.slots[slot(minute)];
            *(if good { &mut counts.good } else { &mut counts.bad }) += 1;
        }
    }

    /// The calls of the last `minutes` minutes, including the current one.
    pub(super) fn sum(&self, at: i64, minutes: i64) -> Counts {
        let last = at.div_euclid(60).max(self.newest);
        let first = (last - minutes).max(self.newest - SLOTS) + 1;
        (first..=self.newest).fold(Counts::default(), |sum, minute| sum.plus(self.slots[slot(minute)]))
    }
}

const fn slot(minute: i64) -> usize {
    minute.rem_euclid(SLOTS) as usize
}
