//! Whether calls that always come at this time have stopped.

use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

const DAY: i64 = 86_400;
const QUARTER: i64 = 900;
/// Today and the week before it.
const DAYS: i64 = 8;
/// How many gaps between calls are remembered.
const MAX_GAPS: usize = 63;
/// Calls have stopped when none came for this many median gaps,
const SILENT_MEDIAN_GAPS: i64 = 20;
/// and for at least this many seconds.
const MIN_SILENT_SECONDS: i64 = 300;
/// Before the week is known: the quarters of the last two days, and how many of them may be without calls (one of ten).
const STEADY_QUARTERS: i64 = 2 * DAY / QUARTER;
const MAX_QUARTERS_WITHOUT: usize = 19;
/// In less time than this since the first call, at least 20 of these quarters were without calls.
const KNOWN_SECONDS: i64 = (STEADY_QUARTERS - 20) * QUARTER;
/// After this many seconds without a call, the next one is not expected any more.
const FORGOTTEN_SECONDS: i64 = 6 * 3_600;

/// At which times of the week the calls of one provider come, and how far apart.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(in crate::alert) struct CallRhythm {
    /// The latest gaps between calls, in seconds.
    gaps: VecDeque<u32>,
    /// The second of the last call.
    last: Option<i64>,
    /// The second of the first call.
    #[serde(default)]
    first: Option<i64>,
    /// Which quarters of an hour had calls: the days since the epoch, each with one bit per quarter.
    #[serde(default)]
    days: VecDeque<(i64, [u64; 2])>,
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
        self.first.get_or_insert(at);
        self.last = Some(at);
        let (day, word, bit) = place(at);
        if self.days.back().is_none_or(|(latest, _)| *latest != day) {
            self.days.push_back((day, [0; 2]));
            self.days.retain(|(earlier, _)| (0..DAYS).contains(&(day - earlier)));
        }
        if let Some((_, quarters)) = self.days.back_mut() {
            quarters[word] |= bit;
        }
    }

    /// The second of the last call, if calls come at this time as a rule and have stopped.
    ///
    /// Time up to `last_asleep`, in which missing calls mean nothing, does not count. `noticed` is the previous answer: it
    /// stays true until the next call.
    pub(in crate::alert) fn silent_since(&self, at: i64, last_asleep: i64, noticed: Option<i64>) -> Option<i64> {
        let last = self.last.filter(|_| !self.is_forgotten(at))?;
        let quiet = at - last.max(last_asleep);
        let is_silent = || quiet >= MIN_SILENT_SECONDS && self.has_usual_calls(at) && quiet >= self.longest_usual_gap();
        (noticed == Some(last) || is_silent()).then_some(last)
    }

    /// Whether the last call is too old to expect another one.
    pub(in crate::alert) fn is_forgotten(&self, at: i64) -> bool {
        self.last.is_none_or(|last| at - last >= FORGOTTEN_SECONDS)
    }

    /// The first second from `at` on in which missing calls can be noticed, or the one after `due`.
    pub(super) fn quiet_until(&self, at: i64, due: i64) -> i64 {
        let Some(last) = self.last.filter(|_| !self.is_forgotten(at) && !self.is_new(due)) else { return due + 1 };
        let noticed = if due - last < MIN_SILENT_SECONDS { due + 1 } else { last + self.longest_usual_gap() };
        noticed.clamp(at, due + 1)
    }

    /// Whether too little is known at `at` to miss a call.
    fn is_new(&self, at: i64) -> bool {
        self.first.is_some_and(|first| at - first < KNOWN_SECONDS)
    }

    /// Whether this quarter of an hour had calls on the same day of the last week and on the last two days of its kind:
    /// workdays or weekends. Before eight days are known, whether nearly all quarters of two days had calls.
    fn has_usual_calls(&self, at: i64) -> bool {
        if self.is_new(at) {
            return false;
        }
        if self.first.is_none_or(|first| at - first < DAYS * DAY) {
            let mut without = (1..=STEADY_QUARTERS).filter(|quarters| !self.had_calls(at - quarters * QUARTER));
            return without.nth(MAX_QUARTERS_WITHOUT).is_none();
        }
        let is_alike = |days: &i64| is_weekend(at - days * DAY) == is_weekend(at);
        let mut alike = (1..DAYS).filter(is_alike).take(2);
        alike.all(|days| self.had_calls(at - days * DAY)) && self.had_calls(at - (DAYS - 1) * DAY)
    }

    fn had_calls(&self, at: i64) -> bool {
        let (day, word, bit) = place(at);
        self.days.iter().any(|(known, quarters)| *known == day && quarters[word] & bit != 0)
    }

    fn longest_usual_gap(&self) -> i64 {
        let mut gaps: Vec<u32> = self.gaps.iter().copied().collect();
        gaps.sort_unstable();
        let median = gaps.get(gaps.len() / 2).copied().unwrap_or(0);
        (i64::from(median) * SILENT_MEDIAN_GAPS).max(MIN_SILENT_SECONDS)
    }
}

/// The day of a second, and the bit of its quarter of an hour within the day.
#[expect(clippy::cast_possible_truncation, clippy::cast_sign_loss, reason = "a day has 96 quarters of an hour")]
const fn place(at: i64) -> (i64, usize, u64) {
    let quarter = at.rem_euclid(DAY) / QUARTER;
    (at.div_euclid(DAY), (quarter / 64) as usize, 1 << (quarter % 64))
}

const fn is_weekend(at: i64) -> bool {
    // The epoch began on a Thursday.
    (at.div_euclid(DAY) + 3).rem_euclid(7) >= 5
}
