//! The state of one alert at one receiver, and the state of an outbox that a restart keeps.

use super::message::Notification;
use super::timing::is_over;
use crate::alert::Alert;
use crate::taxonomy::Severity;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;
use std::time::Duration;

/// What identifies an alert. The order keeps the alerts of one provider together.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
pub(super) struct AlertKey {
    pub(super) provider: String,
    pub(super) row: String,
    pub(super) service: Option<String>,
}

impl AlertKey {
    pub(super) fn of(alert: &Alert) -> Self {
        Self { provider: alert.provider.clone(), row: alert.row.clone(), service: alert.service.clone() }
    }

    /// The first possible key of a provider.
    pub(super) fn first_of(provider: &str) -> Self {
        Self { provider: provider.to_owned(), row: String::new(), service: None }
    }
}

/// The actual state of one alert, and whether the receiver knows of it.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct Entry {
    pub(super) alert: Alert,
    /// When the alert began to fire; it does not change after that.
    pub(super) starts_at: Timestamp,
    /// When the alert was resolved; `None` while it fires.
    pub(super) ended_at: Option<Timestamp>,
    /// When the latest change arrived.
    pub(super) changed_at: Timestamp,
    /// The number of that change, counted by the outbox since the process started.
    #[serde(skip)]
    pub(super) revision: u64,
    /// When the receiver was last notified of the current state.
    #[serde(rename = "told_at")]
    pub(super) notified_at: Option<Timestamp>,
    /// Whether the receiver has not been notified of the latest change yet.
    #[serde(rename = "is_news")]
    pub(super) pending: bool,
    /// When the receiver was notified that the alert fires, or reminded of it. Alertmanager reminds people by itself: what it
    /// is sent every minute is no notification.
    #[serde(default)]
    pub(super) firing_notified_at: Option<Timestamp>,
    /// Whether the receiver still has the alert as resolved: it was reopened, and the next reminder is not due.
    #[serde(default)]
    pub(super) quiet: bool,
}

impl Entry {
    pub(super) fn notification(&self) -> Notification<'_> {
        Notification { alert: &self.alert, starts_at: self.starts_at, ended_at: self.ended_at }
    }

    /// The alert fires.
    pub(super) fn new(alert: &Alert, starts_at: Timestamp, revision: u64, now: Timestamp) -> Self {
        Self {
            alert: alert.clone(),
            starts_at,
            ended_at: None,
            changed_at: now,
            revision,
            notified_at: None,
            pending: true,
            firing_notified_at: None,
            quiet: false,
        }
    }

    /// The alert fires again. The receiver was notified of it before.
    pub(super) fn reopen(&mut self, alert: &Alert, revision: u64, now: Timestamp) {
        self.quiet = !self.pending;
        (self.alert, self.ended_at, self.changed_at, self.revision) = (alert.clone(), None, now, revision);
        (self.notified_at, self.pending) = (self.firing_notified_at, false);
    }

    /// Takes over the numbers of a firing alert. Returns whether a reopened alert has a new cause, so the receiver must be
    /// notified.
    pub(super) fn update(&mut self, alert: &Alert, now: Timestamp) -> bool {
        let was_quiet = self.quiet && self.alert.quiet_until.is_some_and(|until| now < until);
        self.alert = alert.clone();
        was_quiet && alert.quiet_until.is_none()
    }

    /// The receiver was notified of the state in `revision`.
    pub(super) fn settle(&mut self, revision: u64, repeat: Duration, now: Timestamp) {
        if self.revision == revision {
            let is_news = self.pending || self.quiet || self.firing_notified_at.is_none_or(|at| is_over(at, repeat, now));
            (self.pending, self.notified_at) = (false, Some(now));
            if self.is_firing() && is_news {
                (self.firing_notified_at, self.quiet) = (Some(now), false);
            }
        } else if self.is_firing() && !self.pending {
            // It was reopened while its end was sent.
            self.quiet = true;
        }
    }

    pub(super) fn is_firing(&self) -> bool {
        self.ended_at.is_none()
    }

    /// Whether the receiver must still learn that the alert has ended. Such an entry is never dropped, or the receiver would
    /// show the alert forever.
    pub(super) fn is_pending_end(&self) -> bool {
        self.pending && !self.is_firing()
    }
}

/// What the receiver was last notified of about one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
pub(super) struct LastNotified {
    pub(super) at: Timestamp,
    /// The highest severity that fired then.
    pub(super) severity: Severity,
}

/// The state of an outbox that is kept over a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxState {
    pub(super) receiver: String,
    pub(super) entries: Vec<Entry>,
    #[serde(rename = "told", default)]
    pub(super) last_notified: BTreeMap<String, LastNotified>,
}

impl OutboxState {
    /// The value of the label `receiver`.
    #[must_use]
    pub fn receiver(&self) -> &str {
        &self.receiver
    }
}
