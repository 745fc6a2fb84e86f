//! The latest calls of a rule and how many of them failed: whether a firing alert is over.
//!
//! A storm says when trouble begins. It is of no use for its end: each single failure of a healthy provider opens a new one.

use super::storm::Second;
use serde::{Deserialize, Serialize};
use std::collections::VecDeque;

/// The shortest bucket, in seconds.
const MIN_BUCKET_SECONDS: i64 = 10;
/// A span without enough calls is extended into the past, but not beyond this many seconds.
const MAX_SECONDS: i64 = 3_600;
/// A span has about this many buckets, if it is not extended.
const BUCKETS: i64 = 30;

/// How long a share of failures is observed before it says that an alert is over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Span {
    /// At least this many seconds,
    pub(super) seconds: i64,
    /// and at least this many calls.
    pub(super) calls: u64,
}

impl Span {
    const fn bucket_seconds(self) -> i64 {
        let bucket = self.seconds / BUCKETS;
        if bucket < MIN_BUCKET_SECONDS { MIN_BUCKET_SECONDS } else { bucket }
    }
}

/// Failures and calls since a storm began, at most those of the latest span.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
#[serde(default)]
pub(super) struct LatestCalls {
    /// The first second that was counted; `None`: nothing is counted now.
    since: Option<i64>,
    /// The first second of each bucket, its failures and its calls.
    buckets: VecDeque<(i64, u32, u32)>,
}

impl LatestCalls {
    /// Counts a second, and forgets what is older than the span.
    pub(super) fn add(&mut self, second: Second, calls: u32, span: Span) {
        self.since.get_or_insert(second.at);
        if calls > 0 {
            match self.buckets.back_mut().filter(|(from, ..)| second.at - *from < span.bucket_seconds()) {
                Some((_, failures, all)) => {
                    *failures = failures.saturating_add(second.failures);
                    *all = all.saturating_add(calls);
                }
                None => self.buckets.push_back((second.at, second.failures, calls)),
            }
        }
        let mut rest = self.totals().1;
        while let Some((from, _, calls)) = self.buckets.front().copied() {
            rest -= u64::from(calls);
            let age = second.at - (from + span.bucket_seconds() - 1);
            if age < span.seconds || (rest < span.calls && age < MAX_SECONDS) {
                break;
            }
            self.buckets.pop_front();
        }
    }

    /// Nothing is counted any more.
    pub(super) fn clear(&mut self) {
        self.since = None;
        self.buckets.clear();
    }

    /// The share of failures; `None` before a whole span is known, and without calls.
    pub(super) fn share(&self, at: i64, span: Span) -> Option<f64> {
        let is_whole = at - self.since? >= span.seconds;
        let (failures, calls) = self.totals();
        #[expect(clippy::cast_precision_loss, reason = "counts of calls stay far below 2^52")]
        (is_whole && calls > 0).then(|| failures as f64 / calls as f64)
    }

    fn totals(&self) -> (u64, u64) {
        self.buckets
            .iter()
            .fold((0, 0), |(failures, calls), bucket| (failures + u64::from(bucket.1), calls + u64::from(bucket.2)))
    }
}
