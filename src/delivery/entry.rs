//! The state of one alert at one receiver, and the state of an outbox that a restart keeps.

use super::message::Notification;
use crate::alert::Alert;
use crate::taxonomy::Severity;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::BTreeMap;

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
}

impl Entry {
    pub(super) fn notification(&self) -> Notification<'_> {
        Notification { alert: &self.alert, starts_at: self.starts_at, ended_at: self.ended_at }
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
