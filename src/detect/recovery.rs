//! A provider that answers again after a time of trouble.

use serde::{Deserialize, Serialize};

/// So many calls in a row, and so long without a failure, are a recovery.
const RUN: u64 = 5;
const CALM: i64 = 60;
/// So many calls in a row that work, or so long without a failure, part one trouble from the next.
const APART: u64 = 20;
const PAUSE: i64 = 900;
/// Trouble that is worth the word: failures, length in seconds, and one call in so many.
const FAILURES: u64 = 5;
const LENGTH: i64 = 30;
const ONE_IN: u64 = 4;

/// The latest trouble of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Trouble {
    open: bool,
    first: i64,
    last: i64,
    bad: u64,
    good: u64,
    run: u64,
    run_since: i64,
}

/// Trouble that is over.
pub(super) struct Over {
    pub(super) since: i64,
    pub(super) length: i64,
    pub(super) bad: u64,
    pub(super) all: u64,
}

impl Trouble {
    pub(super) fn bad(&mut self, at: i64) {
        if !self.open || at - self.last > PAUSE || self.run >= APART {
            *self = Self { open: true, first: at, last: at, ..Self::default() };
        }
        self.good += std::mem::take(&mut self.run);
        self.bad += 1;
        self.last = self.last.max(at);
    }

    pub(super) fn good(&mut self, at: i64) {
        if self.open && at >= self.last {
            if self.run == 0 {
                self.run_since = at;
            }
            self.run += 1;
        }
    }

    pub(super) const fn is_open(&self) -> bool {
        self.open
    }

    /// Tells once that the trouble is over, where it was worth the word.
    pub(super) fn diagnose(&mut self, at: i64) -> Option<Over> {
        if !self.open || self.run < RUN || at - self.last < CALM {
            return None;
        }
        self.open = false;
        let (all, length) = (self.bad + self.good, self.last - self.first);
        let worth = self.bad >= FAILURES && length >= LENGTH && self.bad * ONE_IN >= all;
        worth.then_some(Over { since: self.run_since, length, bad: self.bad, all })
    }
}
