//! Timeouts that come with long inputs, with the length from which they come.

use super::finding::percent;
use serde::{Deserialize, Serialize};

/// Two buckets to a power of two; the last one begins at 16 million tokens.
const BUCKETS: usize = 49;
const LEAST_TIMEOUTS: u64 = 5;
const LEAST_GOOD: u64 = 20;
/// In so many of a hundred comparisons the call that timed out had the longer input.
const SEPARATION: f64 = 0.85;
/// Long inputs time out at least so many times as often.
const HIGHER: f64 = 4.0;
/// All are halved beyond this, so that old ones are forgotten.
const MOST: u64 = 20_000;

/// How many calls of each length of input worked, and how many timed out.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Lengths {
    good: Vec<u64>,
    late: Vec<u64>,
    first_late: Option<i64>,
    total: u64,
}

/// The length that parts them.
#[derive(Clone, Debug, PartialEq)]
pub(super) struct Longest {
    pub(super) since: i64,
    tokens: u64,
    /// Timeouts and calls with that length or more, and with less.
    above: (u64, u64),
    below: (u64, u64),
}

impl Lengths {
    pub(super) fn add(&mut self, at: i64, tokens: u64, timed_out: bool) {
        if self.total >= MOST {
            self.good.iter_mut().chain(&mut self.late).for_each(|it| *it /= 2);
            self.total = self.good.iter().chain(&self.late).sum();
        }
        let counts = if timed_out { &mut self.late } else { &mut self.good };
        counts.resize(BUCKETS, 0);
        if let Some(count) = counts.get_mut(bucket(tokens)) {
            *count += 1;
            self.total += 1;
        }
        if timed_out {
            self.first_late.get_or_insert(at);
        }
    }

    /// Whether the timeouts go with the length.
    pub(super) fn diagnose(&self) -> Option<Longest> {
        let (late, good): (u64, u64) = (self.late.iter().sum(), self.good.iter().sum());
        if late < LEAST_TIMEOUTS || good < LEAST_GOOD {
            return None;
        }
        let (mut wins, mut shorter) = (0.0, 0u64);
        for (late, good) in self.late.iter().zip(&self.good) {
            wins += *late as f64 * (shorter as f64 + *good as f64 / 2.0);
            shorter += good;
        }
        if wins / (late as f64 * good as f64) < SEPARATION {
            return None;
        }
        let over = |counts: &[u64], at: usize| counts.iter().skip(at).sum::<u64>();
        let parts = |at: &usize| over(&self.late, *at) as f64 / late as f64 - over(&self.good, *at) as f64 / good as f64;
        let at = (1..BUCKETS).max_by(|a, b| parts(a).total_cmp(&parts(b)))?;
        let (late_above, good_above) = (over(&self.late, at), over(&self.good, at));
        let above = (late_above, late_above + good_above);
        let below = (late - late_above, late - late_above + good - good_above);
        let share = |(late, all): (u64, u64)| late as f64 / all.max(1) as f64;
        (share(above) >= share(below) * HIGHER).then(|| Longest {
            since: self.first_late.unwrap_or_default(),
            tokens: bound(at),
            above,
            below,
        })
    }
}

impl Longest {
    pub(super) fn text(&self) -> String {
        let ((late_above, above), (late_below, below)) = (self.above, self.below);
        format!(
            "timeouts follow the size of the input: of {above} calls with {} tokens or more {} timed out ({late_above}), of \
             {below} shorter ones {} ({late_below})",
            self.tokens,
            percent(late_above, above),
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
    // The upper half of the octave begins at the power times the root of two.
    let upper = tokens.max(1) as f64 >= (1u64 << power) as f64 * std::f64::consts::SQRT_2;
    (2 * power + usize::from(upper)).min(BUCKETS - 1)
}

/// The least number of tokens in a bucket, to two digits.
fn bound(bucket: usize) -> u64 {
    let exact = (1u64 << (bucket / 2)) as f64 * if bucket % 2 == 1 { std::f64::consts::SQRT_2 } else { 1.0 };
    let unit = 10f64.powf(exact.log10().floor() - 1.0).max(1.0);
    ((exact / unit).round() * unit) as u64
}
