//! A provider that answers again after an outage. Failures that the request itself causes are no part of an outage.

use super::owners::LatestOwners;
use crate::taxonomy::Owner;
use serde::{Deserialize, Serialize};

/// A recovery is this many consecutive successes …
const RECOVERED_CALLS: u64 = 5;
/// … and this long without a failure.
const RECOVERED_SECONDS: i64 = 60;
/// A failure opens a new outage after this many consecutive successes …
const SEPARATING_CALLS: u64 = 20;
/// … or this long without a failure.
const SEPARATING_SECONDS: i64 = 900;
/// A recovery is reported only for an outage of at least this many failures, …
const MIN_FAILURES: u64 = 5;
/// … this length, …
const MIN_SECONDS: i64 = 30;
/// … and one failure in this many calls.
const MAX_CALLS_PER_FAILURE: u64 = 2;

/// The latest outage of one provider.
#[derive(Clone, Debug, Default, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct Outage {
    #[serde(default)]
    owners: LatestOwners,
    open: bool,
    first: i64,
    last: i64,
    bad: u64,
    good: u64,
    /// Consecutive successes since the last failure, and when they began.
    run: u64,
    run_since: i64,
}

/// The end of an outage.
pub(super) struct Recovery {
    pub(super) since: i64,
    /// The second of the outage's first failure.
    pub(super) first: i64,
    /// Who can fix the cause of most of its latest failures.
    pub(super) owner: Owner,
    /// The length of the outage, in seconds.
    pub(super) length: i64,
    pub(super) bad: u64,
    pub(super) all: u64,
}

impl Outage {
    pub(super) fn bad(&mut self, at: i64, owner: Owner) {
        if owner == Owner::Caller {
            return;
        }
        if !self.open || at - self.last > SEPARATING_SECONDS || self.run >= SEPARATING_CALLS {
            *self = Self { open: true, first: at, last: at, ..Self::default() };
        }
        self.good += std::mem::take(&mut self.run);
        self.bad += 1;
        self.owners.add(owner);
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

    /// The second from which on the outage is over, if no call comes; `None` if it is not.
    pub(super) fn recovers_at(&self) -> Option<i64> {
        (self.open && self.run >= RECOVERED_CALLS).then_some(self.last + RECOVERED_SECONDS)
    }

    /// Closes the outage if the provider has recovered. Returns the recovery if the outage is worth reporting.
    pub(super) fn diagnose(&mut self, at: i64) -> Option<Recovery> {
        if self.recovers_at().is_none_or(|recovers_at| at < recovers_at) {
            return None;
        }
        self.open = false;
        let (all, length) = (self.bad + self.good, self.last - self.first);
        let worth = self.bad >= MIN_FAILURES && length >= MIN_SECONDS && self.bad * MAX_CALLS_PER_FAILURE >= all;
        let (since, first, owner) = (self.run_since, self.first, self.owners.owner());
        worth.then_some(Recovery { since, first, owner, length, bad: self.bad, all })
    }
}
