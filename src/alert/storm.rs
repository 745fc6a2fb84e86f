//! A storm: the trouble itself, from its first failure to its latest.
//!
//! A window remembers fifteen seconds of 429s for a minute; a storm knows that they lasted fifteen seconds. Failures lift
//! a score, successes lower it by as much as the row's share weighs them; the storm lasts while the score is above 0.
//! The score is capped, so that a storm ends soon after the calls succeed again, however many had failed.

use super::table::Row;
use serde::{Deserialize, Serialize};

/// One failure, in units of the score. Whole numbers: a state that went through a file must go on exactly as before.
const UNIT: i64 = 1_000_000;
/// The most that failures can pile up, in failures.
const CAP: i64 = 10;
/// Without a failure for this long while calls succeed, a storm is over, whatever its score says.
const CALM_SECONDS: i64 = 60;
/// Without a failure for this long a storm is over in any case.
const SILENT_SECONDS: i64 = 900;

/// How a row weighs what it sees.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    /// What a success takes off the score: `share / (1 - share)` failures.
    success: i64,
    /// So many failures are enough to speak of one.
    failures: u64,
}

impl Weights {
    /// As the row says.
    pub(super) fn of(row: &Row) -> Self {
        let share = row.share.clamp(0.001, 0.99);
        // Rounded up: failures at exactly the share are none.
        Self { success: (share / (1.0 - share) * UNIT as f64).ceil() as i64, failures: u64::from(row.failures) }
    }
}

/// What one second brought.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Second {
    /// The second itself.
    pub(super) at: i64,
    /// Failures of the row.
    pub(super) failures: u32,
    /// Calls that worked.
    pub(super) successes: u32,
    /// Of the failures that came too late for their own second: the earliest and the latest of those seconds.
    pub(super) late: Option<(i64, i64)>,
    /// Whether all failures came late.
    pub(super) only_late: bool,
    /// The latest second in which a call worked, this one included.
    pub(super) last_success: Option<i64>,
}

impl Second {
    /// The second of its first failure.
    pub(super) fn first_failure(&self) -> i64 {
        self.late.map_or(self.at, |(first, _)| first)
    }

    /// The second of its latest failure.
    pub(super) fn last_failure(&self) -> i64 {
        if self.only_late { self.late.map_or(self.at, |(_, last)| last) } else { self.at }
    }
}

/// An open storm.
#[derive(Clone, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Storm {
    score: i64,
    /// The second of its first failure.
    pub(super) first: i64,
    /// The second of its latest failure.
    pub(super) last: i64,
    /// How many there were.
    pub(super) failures: u64,
    /// The second in which they became enough.
    enough: Option<i64>,
}

impl Storm {
    /// The storm after this second, if there is one.
    pub(super) fn step(storm: Option<Self>, second: Second, weights: Weights) -> Option<Self> {
        let score = storm.as_ref().map_or(0, |it| it.score);
        let lifted = score.saturating_add(i64::from(second.failures) * UNIT);
        let score = lifted.saturating_sub(i64::from(second.successes).saturating_mul(weights.success)).min(CAP * UNIT);
        if score <= 0 {
            return None;
        }
        let mut storm = storm.unwrap_or_else(|| Self::opened_by(second));
        storm.score = score;
        if second.failures > 0 {
            storm.failures += u64::from(second.failures);
            storm.last = storm.last.max(second.last_failure());
        }
        if storm.enough.is_none() && storm.failures >= weights.failures {
            storm.enough = Some(storm.last);
        }
        Some(storm).filter(|it| !it.is_over(second))
    }

    fn opened_by(second: Second) -> Self {
        Self { score: 0, first: second.first_failure(), last: second.last_failure(), failures: 0, enough: None }
    }

    /// From the first failure to the latest, in seconds.
    pub(super) const fn length(&self) -> i64 {
        self.last - self.first
    }

    /// From the failure that made them enough to the latest; `None`: they are not enough yet.
    pub(super) fn length_once_enough(&self) -> Option<i64> {
        self.enough.map(|it| self.last - it)
    }

    fn is_over(&self, second: Second) -> bool {
        let quiet = second.at - self.last;
        let worked_since = second.last_success.is_some_and(|it| it > self.last);
        quiet >= SILENT_SECONDS || (quiet >= CALM_SECONDS && worked_since)
    }
}

/// Failures within a short time, for rows that count so many of them.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct Recent(Vec<(i64, u32)>);

impl Recent {
    /// Counts a second's failures and says how many there were within the seconds before it.
    pub(super) fn step(&mut self, second: Second, within: i64) -> u64 {
        self.0.retain(|(at, _)| second.at - at <= within);
        if second.failures > 0 {
            self.0.push((second.last_failure(), second.failures));
        }
        self.0.iter().map(|(_, failures)| u64::from(*failures)).sum()
    }
}
