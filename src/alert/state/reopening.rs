//! An alert that fires again soon after its recovery, for a cause that it had before, is the same alert: it reopens, and
//! receivers are not notified before the next reminder is due. A cron job with a bad key notifies once, not at every run.

use super::evidence::AlertEvidence;
use crate::alert::table::{Row, Trigger};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeSet;
use std::time::Duration;

/// An alert reopens this long after its recovery.
const REOPENS_WITHIN: Duration = Duration::from_hours(4);
/// The time between two notifications that an alert fires.
const REMINDER: Duration = Duration::from_hours(4);
/// The maximum number of causes that are remembered; of a further one, receivers are notified.
const MAX_CAUSES: usize = 48;

/// What one rule remembers of its latest notified alert.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
#[serde(default)]
pub(in crate::alert) struct Reopening {
    /// When the latest alert fired and ended; `None` if there is none, or if it cannot reopen.
    ended: Option<(Timestamp, Timestamp)>,
    /// When receivers were last to be notified that the alert fires.
    announced_at: Option<Timestamp>,
    /// The causes of the alert up to then.
    causes: BTreeSet<String>,
    /// While the alert is reopened: receivers that know of it need no notification before this time.
    quiet_until: Option<Timestamp>,
}

impl Reopening {
    /// Notes that the alert fires, and returns when it fired first. If it is another alert than the latest, that is `at`.
    pub(super) fn fires(&mut self, evidence: &AlertEvidence, row: &Row, at: Timestamp) -> Timestamp {
        let is_recent = |(_, ended): &(Timestamp, Timestamp)| at.since(*ended) < REOPENS_WITHIN;
        let Some((fired_at, _)) = self.ended.take().filter(is_recent).filter(|_| self.knows(evidence, row)) else {
            *self = Self { announced_at: Some(at), ..Self::default() };
            return at;
        };
        self.quiet_until = self.announced_at.map(|announced| announced.plus(REMINDER));
        self.announce_if_due(evidence, row, at);
        fired_at
    }

    /// Notes that the alert, which fired first at `fired_at`, has recovered.
    pub(super) fn recovers(&mut self, fired_at: Option<Timestamp>, evidence: &AlertEvidence, at: Timestamp) {
        self.quiet_until = None;
        self.ended = fired_at.map(|fired_at| (fired_at, at));
        let room = MAX_CAUSES.saturating_sub(self.causes.len());
        self.causes.extend(evidence.causes.names().take(room).map(str::to_owned));
    }

    /// Forgets the latest alert.
    pub(super) fn forget(&mut self) {
        *self = Self::default();
    }

    /// Ends the quiet time of a reopened alert when it is over, or when there is a cause that the alert did not have before.
    pub(super) fn announce_if_due(&mut self, evidence: &AlertEvidence, row: &Row, at: Timestamp) {
        if let Some(until) = self.quiet_until
            && (at >= until || !self.knows(evidence, row))
        {
            (self.quiet_until, self.announced_at) = (None, Some(at));
        }
    }

    pub(in crate::alert) const fn quiet_until(&self) -> Option<Timestamp> {
        self.quiet_until
    }

    /// Whether nothing can reopen at second `at`.
    pub(super) fn is_forgotten(&self, at: i64) -> bool {
        self.ended.is_none_or(|(_, ended)| Timestamp::from_second(at).since(ended) >= REOPENS_WITHIN)
    }

    /// Whether the latest alert had these causes. Where the first failure fires, each cause counts; elsewhere, only the
    /// leading one, because other failures happen beside it by chance.
    fn knows(&self, evidence: &AlertEvidence, row: &Row) -> bool {
        let is_known = |cause: &str| self.causes.contains(cause);
        match row.trigger {
            Trigger::AtOnce => evidence.causes.names().all(is_known),
            Trigger::Sustained(_) | Trigger::Burst(_) => evidence.causes.leader().is_none_or(|(cause, _)| is_known(cause)),
        }
    }
}
