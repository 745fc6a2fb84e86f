//! A storm: a series of failures, from the first to the latest.
//!
//! A window remembers 15 s of 429s for a minute; a storm knows that they lasted 15 s. Failures raise a score. Successes
//! lower it, each by an amount that depends on the row's share. The storm lasts while the score is above 0. The score is
//! capped, so a storm ends soon after calls succeed again, however many failed before.

use crate::alert::table::Row;
use serde::{Deserialize, Serialize};

/// The score of one failure. Scores are whole numbers, so that a state restored from a file continues exactly as before.
const UNIT: i64 = 1_000_000;
/// The maximum score, in failures.
const CAP: i64 = 16;
/// A storm fires only if its score has reached this many failures, or if no call has succeeded since it began. A few
/// failures by chance among many good calls stay below it.
const STRONG: i64 = 8;
/// If calls succeed and none has failed for this long, the storm is over, whatever its score.
const CALM_SECONDS: i64 = 60;
/// If no call has failed for this long, the storm is over in any case.
const SILENT_SECONDS: i64 = 900;

/// How a row weighs successes and failures.
#[derive(Clone, Copy, Debug)]
pub(super) struct Weights {
    /// How much a success lowers the score: `share / (1 - share)` failures.
    success: i64,
}

impl Weights {
    #[expect(
        clippy::cast_precision_loss,
        clippy::cast_possible_truncation,
        reason = "the product is between 1,001 and 99 million"
    )]
    pub(super) fn of(row: &Row) -> Self {
        let share = row.share.clamp(0.001, 0.99);
        // Rounded up: failures at exactly the share are not a storm.
        Self { success: (share / (1.0 - share) * UNIT as f64).ceil() as i64 }
    }
}

/// The failures and successes of one second.
#[derive(Clone, Copy, Debug, Default)]
pub(super) struct Second {
    /// The second, in seconds since the epoch.
    pub(super) at: i64,
    /// Failures of the row.
    pub(super) failures: u32,
    /// Calls that succeeded.
    pub(super) successes: u32,
    /// The earliest and the latest second of the failures that arrived late.
    pub(super) late: Option<(i64, i64)>,
    /// Whether all failures arrived late.
    pub(super) only_late: bool,
    /// The latest second in which a call succeeded, up to and including `at`.
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
pub(in crate::alert) struct Storm {
    score: i64,
    /// The second of its first failure.
    pub(super) first: i64,
    /// The second of its latest failure.
    pub(super) last: i64,
    pub(super) failures: u64,
    /// Whether the score has reached [`STRONG`].
    #[serde(default)]
    strong: bool,
}

impl Storm {
    /// The storm after this second; `None` if there is none.
    pub(super) fn step(storm: Option<Self>, second: Second, weights: Weights) -> Option<Self> {
        let score = storm.as_ref().map_or(0, |storm| storm.score);
        let raised = score.saturating_add(i64::from(second.failures) * UNIT);
        let score = raised.saturating_sub(i64::from(second.successes).saturating_mul(weights.success)).min(CAP * UNIT);
        if score <= 0 {
            return None;
        }
        let mut storm = storm.unwrap_or_else(|| Self::opened_by(second));
        storm.score = score;
        storm.strong |= score >= STRONG * UNIT;
        if second.failures > 0 {
            storm.failures += u64::from(second.failures);
            storm.last = storm.last.max(second.last_failure());
        }
        Some(storm).filter(|storm| !storm.is_over(second))
    }

    fn opened_by(second: Second) -> Self {
        Self { score: 0, first: second.first_failure(), last: second.last_failure(), failures: 0, strong: false }
    }

    /// Whether it is more than a few failures by chance. `last_success`: the latest second in which a call succeeded.
    pub(super) fn is_real(&self, last_success: Option<i64>) -> bool {
        self.strong || last_success.is_none_or(|success| success <= self.first)
    }

    /// From the first failure to the latest, in seconds.
    pub(super) const fn length(&self) -> i64 {
        self.last - self.first
    }

    fn is_over(&self, second: Second) -> bool {
        let quiet = second.at - self.last;
        let succeeded_since = second.last_success.is_some_and(|success| success > self.last);
        quiet >= SILENT_SECONDS || (quiet >= CALM_SECONDS && succeeded_since)
    }
}

/// The failures of the last seconds, for rows that fire at several failures within a short time.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct RecentFailures(Vec<(i64, u32)>);

impl RecentFailures {
    /// Adds the failures of a second, and returns the number of failures within the last `within` seconds.
    pub(super) fn step(&mut self, second: Second, within: i64) -> u64 {
        self.0.retain(|(at, _)| second.at - at <= within);
        if second.failures > 0 {
            self.0.push((second.last_failure(), second.failures));
        }
        self.0.iter().map(|(_, failures)| u64::from(*failures)).sum()
    }
}
