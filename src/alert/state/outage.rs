//! Whether nearly all calls of a provider failed for a while: some span of the last minutes, from a failure to a later one,
//! holds enough calls, and nearly all of them failed.
//!
//! A storm would not do: it is open for as long as its score is above 0, also while half of the calls succeed again.

use super::storm::Second;
use crate::alert::table::{Row, Trigger};
use crate::time::whole_seconds;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The longest span in seconds, unless the row asks for a longer one.
const MAX_SPAN_SECONDS: i64 = 300;

/// The calls of the last minutes.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(transparent)]
pub(super) struct LastMinutes(VecDeque<CallsOfSecond>);

/// A second with calls.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct CallsOfSecond {
    at: i64,
    failures: u32,
    successes: u32,
}

/// From a failure to a later one: nearly all calls failed.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) struct FailingSpan {
    /// The second of the first failure.
    pub(super) first: i64,
    /// From the first failure to the last, in seconds.
    pub(super) length: i64,
    pub(super) failures: u64,
    pub(super) calls: u64,
}

impl LastMinutes {
    /// Adds the calls of a second.
    pub(super) fn step(&mut self, second: Second, row: &Row) {
        let Second { at, failures, successes, .. } = second;
        if failures > 0 || (successes > 0 && !self.0.is_empty()) {
            let own = if failures > 0 { second.last_failure() } else { at };
            let at = self.0.back().map_or(own, |latest| latest.at.max(own));
            self.0.push_back(CallsOfSecond { at, failures, successes });
        }
        let is_useless = |oldest: &CallsOfSecond| oldest.failures == 0 || second.at - oldest.at > max_length(row);
        while self.0.front().is_some_and(is_useless) {
            self.0.pop_front();
        }
    }

    /// The longest span that ends with the latest failure.
    #[expect(clippy::cast_precision_loss, reason = "counts of calls stay far below 2^52")]
    pub(super) fn failing_span(&self, row: &Row) -> Option<FailingSpan> {
        let mut longest = None;
        let (mut failures, mut calls) = (0, 0);
        let mut last = None;
        for second in self.0.iter().rev().skip_while(|second| second.failures == 0) {
            failures += u64::from(second.failures);
            calls += u64::from(second.failures) + u64::from(second.successes);
            let length = *last.get_or_insert(second.at) - second.at;
            let fails = failures as f64 >= row.share * calls as f64 - 1e-9;
            if second.failures > 0 && calls >= u64::from(row.failures) && fails {
                longest = Some(FailingSpan { first: second.at, length, failures, calls });
            }
        }
        longest
    }

    /// Whether no call has failed in the last minutes.
    pub(super) fn is_empty(&self) -> bool {
        self.0.is_empty()
    }

    pub(super) fn clear(&mut self) {
        self.0.clear();
    }
}

fn max_length(row: &Row) -> i64 {
    match row.trigger {
        Trigger::Sustained(length) => whole_seconds(length).max(MAX_SPAN_SECONDS),
        Trigger::AtOnce | Trigger::Burst(_) => MAX_SPAN_SECONDS,
    }
}
