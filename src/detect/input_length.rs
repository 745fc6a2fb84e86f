//! Timeouts of long inputs, and the input length from which they begin.

use super::wording::percent;
use serde::{Deserialize, Serialize};

/// Two buckets per power of two; the last one begins at 16 million tokens.
const BUCKETS: usize = 49;
/// The minimum number of timeouts in a comparison.
const MIN_TIMEOUTS: u64 = 5;
/// The minimum number of successes in a comparison.
const MIN_GOOD: u64 = 20;
/// The minimum share of pairs (a timeout and a success) in which the timeout has the longer input.
const SEPARATION: f64 = 0.85;
/// Long inputs must time out at least this many times as often as short ones.
const MIN_RATIO: f64 = 4.0;
/// At this many calls, all counts are halved, so that old calls lose weight.
const HALVE_AT: u64 = 20_000;

/// Successes and timeouts by input length.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct InputLengths {
    good: Vec<u64>,
    #[serde(rename = "late")]
    timeouts: Vec<u64>,
    #[serde(rename = "first_late")]
    first_timeout: Option<i64>,
    total: u64,
}

/// The input length from which timeouts begin.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct LengthLimit {
    pub(super) since: i64,
    tokens: u64,
    /// Timeouts and calls with this length or more.
    above: (u64, u64),
    /// Timeouts and calls with less.
    below: (u64, u64),
}

impl InputLengths {
    pub(super) fn add(&mut self, at: i64, tokens: u64, timed_out: bool) {
        if self.total >= HALVE_AT {
            self.good.iter_mut().chain(&mut self.timeouts).for_each(|count| *count /= 2);
            self.total = self.good.iter().chain(&self.timeouts).sum();
        }
        let counts = if timed_out { &mut self.timeouts } else { &mut self.good };
        counts.resize(BUCKETS, 0);
        if let Some(count) = counts.get_mut(bucket(tokens)) {
            *count += 1;
            self.total += 1;
        }
        if timed_out {
            self.first_timeout.get_or_insert(at);
        }
    }

    /// The limit, if timeouts depend on the input length.
    pub(super) fn diagnose(&self) -> Option<LengthLimit> {
        let (late, good): (u64, u64) = (self.timeouts.iter().sum(), self.good.iter().sum());
        if late < MIN_TIMEOUTS || good < MIN_GOOD {
            return None;
        }
        let (mut wins, mut shorter) = (0.0, 0u64);
        for (late, good) in self.timeouts.iter().zip(&self.good) {
            wins += *late as f64 * (shorter as f64 + *good as f64 / 2.0);
            shorter += good;
        }
        if wins / (late as f64 * good as f64) < SEPARATION {
            return None;
        }
        let over = |counts: &[u64], at: usize| counts.iter().skip(at).sum::<u64>();
        let separation =
            |at: &usize| over(&self.timeouts, *at) as f64 / late as f64 - over(&self.good, *at) as f64 / good as f64;
        let at = (1..BUCKETS).max_by(|a, b| separation(a).total_cmp(&separation(b)))?;
        let (late_above, good_above) = (over(&self.timeouts, at), over(&self.good, at));
        let above = (late_above, late_above + good_above);
        let below = (late - late_above, late - late_above + good - good_above);
        let share = |(late, all): (u64, u64)| late as f64 / all.max(1) as f64;
        (share(above) >= share(below) * MIN_RATIO).then(|| LengthLimit {
            since: self.first_timeout.unwrap_or_default(),
            tokens: bound(at),
            above,
            below,
        })
    }
}

impl LengthLimit {
    pub(super) fn text(&self) -> String {
        let ((late_above, above), (late_below, below)) = (self.above, self.below);
        format!(
            "timeouts depend on the input length: {} of the {above} calls with {} tokens or more timed out ({late_above}), and \
             {} of the {below} shorter ones ({late_below})",
            percent(late_above, above),
            self.tokens,
            percent(late_below, below),
        )
    }

    pub(super) fn advice(&self) -> String {
        format!(
            "Keep inputs below about {} tokens, or stream the answer and raise the read timeout for longer ones.",
            self.tokens
        )
    }
}

fn bucket(tokens: u64) -> usize {
    let power = tokens.max(1).ilog2() as usize;
    // The upper half begins at the power of two times the root of two.
    let upper = tokens.max(1) as f64 >= (1u64 << power) as f64 * std::f64::consts::SQRT_2;
    (2 * power + usize::from(upper)).min(BUCKETS - 1)
}

/// The minimum number of tokens in a bucket, rounded to two digits.
fn bound(bucket: usize) -> u64 {
    let exact = (1u64 << (bucket / 2)) as f64 * if bucket % 2 == 1 { std::f64::consts::SQRT_2 } else { 1.0 };
    let unit = 10f64.powf(exact.log10().floor() - 1.0).max(1.0);
    ((exact / unit).round() * unit) as u64
}
