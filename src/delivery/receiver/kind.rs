//! What one kind of receiver does differently from the others: its format, and how often it accepts messages.

use crate::delivery::heartbeat::Heartbeat;
use crate::delivery::message::Batch;
use std::fmt;
use std::time::Duration;

/// How a kind of receiver is served. The defaults fit a receiver that software reads: one message per provider and change,
/// without a limit.
pub(in crate::delivery) trait ReceiverKind: fmt::Debug + Send + Sync {
    /// Writes the body of a message.
    fn render(&self, batch: &Batch<'_>) -> Vec<u8>;

    /// Which alerts may share a message.
    fn grouping(&self) -> Grouping {
        Grouping::Provider
    }

    /// The minimum time between two messages about an incident that people already know of. A higher severity and the end
    /// of the whole incident are sent without this delay.
    fn update_interval(&self) -> Duration {
        Duration::ZERO
    }

    /// If at least this many providers have pending notifications, one message reports all of them.
    fn digest_threshold(&self) -> Option<usize> {
        None
    }

    /// The maximum number of messages per minute; three times as many while a critical notification is pending.
    fn max_per_minute(&self) -> usize {
        usize::MAX
    }

    /// The minimum time between two messages.
    fn gap(&self) -> Duration {
        Duration::ZERO
    }

    /// The state machine of a receiver that is pinged instead of notified of alerts.
    fn heartbeat(&self) -> Option<Heartbeat> {
        None
    }
}

/// Which alerts may share a message.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(in crate::delivery) enum Grouping {
    /// All that are due. Such a receiver is an Alertmanager: it wants the state of every alert, again and again.
    Any,
    /// Those of one provider: all alerts of one provider are one incident.
    Provider,
}
