//! One part of a provider's calls against the rest: one model or one service that fails alone, or all of them.

use super::minutes::Counts;

/// A part is spoken of from so many calls on, and fails with so many of them.
const LEAST_CALLS: u64 = 3;
const LEAST_FAILURES: u64 = 5;
/// The rest is fine with so many calls of which at most one in so many fails.
const LEAST_GOOD: u64 = 10;
const ONE_IN: u64 = 20;

/// What was found.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Split {
    /// The part at this position fails, and the others do not.
    One { at: usize, others: usize, rest: Counts },
    /// All of at least two fail.
    All { parts: usize },
}

/// Compares the parts of a provider's calls: its models, or the services that call it.
pub(super) fn split(parts: &[Counts]) -> Option<Split> {
    let heard = || parts.iter().enumerate().filter(|(_, it)| it.all() >= LEAST_CALLS);
    let mut failing = heard().filter(|(_, it)| it.mostly_fail());
    let (at, counts) = failing.next()?;
    let count = 1 + failing.count();
    if count >= 2 && count == heard().count() {
        return Some(Split::All { parts: count });
    }
    let others = parts.iter().enumerate().filter(|(position, it)| *position != at && it.all() > 0);
    let rest = others.clone().fold(Counts::default(), |sum, (_, it)| sum.plus(*it));
    let fine = rest.good >= LEAST_GOOD && rest.bad * ONE_IN <= rest.all();
    (counts.bad >= LEAST_FAILURES && fine).then(|| Split::One { at, others: others.count(), rest })
}
