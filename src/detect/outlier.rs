//! Compares the models of a provider, or the services that call it: one fails alone, or all fail.

use super::minutes::Counts;

/// A part with fewer calls is not compared.
const MIN_CALLS: u64 = 3;
/// A part that fails alone has at least this many failures.
const MIN_FAILURES: u64 = 5;
/// The other parts work if they have at least this many successes …
const MIN_GOOD: u64 = 10;
/// … and at most one failure in this many calls.
const CALLS_PER_FAILURE: u64 = 20;

/// The result of a comparison.
#[derive(Clone, Debug, PartialEq, Eq)]
pub(super) enum Outlier {
    /// The part at this position fails, and the others do not.
    One { position: usize, others: usize, rest: Counts },
    /// All of at least two parts fail.
    All { parts: usize },
}

/// Compares the parts of a provider's calls: its models, or the services that call it.
pub(super) fn find_outlier(parts: &[Counts]) -> Option<Outlier> {
    let compared = || parts.iter().enumerate().filter(|(_, counts)| counts.all() >= MIN_CALLS);
    let mut failing = compared().filter(|(_, counts)| counts.mostly_fail());
    let (position, counts) = failing.next()?;
    let count = 1 + failing.count();
    if count >= 2 && count == compared().count() {
        return Some(Outlier::All { parts: count });
    }
    let others = parts.iter().enumerate().filter(|(other, counts)| *other != position && counts.all() > 0);
    let rest = others.clone().fold(Counts::default(), |sum, (_, counts)| sum.plus(*counts));
    let rest_works = rest.good >= MIN_GOOD && rest.bad * CALLS_PER_FAILURE <= rest.all();
    (counts.bad >= MIN_FAILURES && rest_works).then(|| Outlier::One { position, others: others.count(), rest })
}
