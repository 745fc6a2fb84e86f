//! Decides what one receiver is notified of, and when. It takes the time as input and does no I/O.
//!
//! An outbox keeps the state of each alert, not a queue of messages. While a receiver is unreachable, the changes of an alert
//! collapse into its latest state. So memory is bounded by the number of alerts, and the receiver gets the current state once
//! it is back.

use super::entry::{AlertKey, Entry, LastNotified, OutboxState};
use super::error::Failure;
use super::filter::Filter;
use super::heartbeat::Heartbeat;
use super::message::{Batch, Identity, Message, Notification};
use super::pace::Pace;
use super::receiver::{Grouping, Receiver, ReceiverKind};
use super::timing::{is_over, remaining};
use crate::alert::{Alert, State, Transition};
use crate::taxonomy::Severity;
use crate::time::Timestamp;
use rustc_hash::FxBuildHasher;
use std::collections::{BTreeMap, BTreeSet};
use std::hash::BuildHasher;
use std::sync::Arc;
use std::time::Duration;

/// Alertmanager resolves an alert that is not sent again.
const RESEND: Duration = Duration::from_mins(1);
/// How long Alertmanager keeps a firing alert: three lost resends are tolerated.
const EXPIRES_AFTER: Duration = Duration::from_secs(4 * RESEND.as_secs());
/// Alertmanager may restart and forget: a resolved alert is sent again for this long.
const RESOLVED_FOR: Duration = Duration::from_mins(15);
/// How many alerts an outbox keeps. The pairs of row and provider that really fail are a few dozen.
const MAX_ALERTS: usize = 1_000;
/// How many alerts one message reports.
const MAX_ALERTS_PER_MESSAGE: usize = 64;

/// How many pending notifications were dropped, to be counted.
pub type Dropped = u64;

/// A message that [`Outbox::due`] returned, and whose outcome is not known yet.
#[derive(Clone, Debug)]
struct InFlight {
    /// The alerts in the message, each with the revision that was sent.
    keys: Vec<(AlertKey, u64)>,
    /// The highest severity that fires, for each provider in the message; `None` if nothing of it fires.
    severities: BTreeMap<String, Option<Severity>>,
}

/// Decides what one receiver is notified of, and when.
#[derive(Debug)]
pub struct Outbox {
    receiver: String,
    kind: Arc<dyn ReceiverKind>,
    filter: Filter,
    repeat: Duration,
    from: Identity,
    entries: BTreeMap<AlertKey, Entry>,
    in_flight: Option<InFlight>,
    /// What the receiver was last notified of, by provider.
    last_notified: BTreeMap<String, LastNotified>,
    /// The number of changes so far.
    revision: u64,
    pace: Pace,
    /// Only of a dead man's switch, which reports no alerts.
    heartbeat: Option<Heartbeat>,
}

impl Receiver {
    /// An empty outbox per member. `seed` makes the retries of different processes differ; the label, those of the receivers
    /// of one process.
    #[must_use]
    pub fn outboxes(&self, from: &Identity, seed: u64) -> Vec<Outbox> {
        let outbox = |label| Outbox::new(label, self, from.clone(), FxBuildHasher.hash_one((seed, label)));
        self.members().map(outbox).collect()
    }
}

impl Outbox {
    /// An empty outbox for the member of `receiver` with this label.
    pub(super) fn new(label: &str, receiver: &Receiver, from: Identity, seed: u64) -> Self {
        Self {
            receiver: label.to_owned(),
            kind: Arc::clone(&receiver.kind),
            filter: receiver.filter.clone(),
            repeat: receiver.repeat,
            from,
            entries: BTreeMap::new(),
            in_flight: None,
            last_notified: BTreeMap::new(),
            revision: 0,
            pace: Pace::new(seed),
            heartbeat: receiver.kind.heartbeat(),
        }
    }

    /// Takes in a change of an alert.
    pub fn on_transition(&mut self, transition: &Transition, now: Timestamp) -> Dropped {
        let Transition { at: _, from, to, alert } = transition;
        if self.heartbeat.is_some() || !self.filter.accepts(&alert.row, alert.severity) {
            return 0;
        }
        match to {
            State::Firing => self.fire(alert, now),
            State::Resolved | State::Inactive if *from == State::Firing => self.resolve(alert, now),
            State::Resolved | State::Inactive | State::Pending => 0,
        }
    }

    /// Updates the numbers and evidence of firing alerts, and adds firing alerts that are missing, as they are in a receiver
    /// that was configured while they fired.
    pub fn refresh(&mut self, alerts: &[Alert], now: Timestamp) -> Dropped {
        if let Some(heartbeat) = &mut self.heartbeat {
            heartbeat.refresh(alerts, now);
            return 0;
        }
        let mut dropped = 0;
        for alert in alerts.iter().filter(|alert| alert.state == State::Firing) {
            let has_room = self.entries.len() < MAX_ALERTS;
            match self.entries.get_mut(&AlertKey::of(alert)) {
                Some(entry) if entry.is_firing() => {
                    let is_news = entry.update(alert, now);
                    self.revision += u64::from(is_news);
                    if is_news {
                        (entry.revision, entry.pending, entry.quiet) = (self.revision, true, false);
                    }
                }
                None if has_room && self.filter.accepts(&alert.row, alert.severity) => dropped += self.fire(alert, now),
                // The alert ended after this snapshot was taken, or the receiver does not want it.
                _ => {}
            }
        }
        dropped
    }

    /// The next message, if one is due. It is in flight until [`Self::sent`] or [`Self::failed`] is called.
    pub fn due(&mut self, now: Timestamp) -> Option<Message> {
        if let Some(heartbeat) = &mut self.heartbeat {
            return heartbeat.due(now);
        }
        if self.in_flight.is_some() || !self.pace_wait(now).is_zero() {
            return None;
        }
        let repeat = self.repeat;
        let is_recent = |entry: &Entry| {
            !is_over(entry.changed_at, RESOLVED_FOR, now)
                || entry.firing_notified_at.is_some_and(|notified| !is_over(notified, repeat, now))
        };
        self.entries.retain(|_, entry| entry.pending || entry.is_firing() || is_recent(entry));
        let keys = self.select(now);
        let entries: Vec<&Entry> = keys.iter().filter_map(|key| self.entries.get(key)).collect();
        if entries.is_empty() {
            return None;
        }
        let notifications: Vec<Notification<'_>> = entries.iter().map(|entry| entry.notification()).collect();
        let batch = Batch {
            receiver: &self.receiver,
            notifications: &notifications,
            from: &self.from,
            expires_at: now.plus(EXPIRES_AFTER),
        };
        let message = Message { body: self.kind.render(&batch), alerts: entries.len() };
        let providers: BTreeSet<&String> = entries.iter().map(|entry| &entry.alert.provider).collect();
        let severities = providers.into_iter().map(|provider| (provider.clone(), self.worst_severity(provider))).collect();
        let revisions: Vec<u64> = entries.iter().map(|entry| entry.revision).collect();
        self.in_flight = Some(InFlight { keys: keys.into_iter().zip(revisions).collect(), severities });
        Some(message)
    }

    /// The receiver accepted the message.
    pub fn sent(&mut self, now: Timestamp) {
        if let Some(heartbeat) = &mut self.heartbeat {
            return heartbeat.pinged(true, now);
        }
        self.pace.reset_failures();
        self.settle(now);
    }

    /// The message was not delivered. A message that the receiver rejected for good is not sent again, but alerts that still
    /// fire are repeated at their usual time.
    pub fn failed(&mut self, failure: &Failure, now: Timestamp) {
        if let Some(heartbeat) = &mut self.heartbeat {
            return heartbeat.pinged(false, now);
        }
        match failure {
            Failure::Rejected(_) => self.settle(now),
            Failure::Retry { after, .. } => {
                self.in_flight = None;
                self.pace.back_off(*after, now);
            }
        }
    }

    /// How long until [`Self::due`] can return a message; `None` if it cannot before a transition or an outcome.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Option<Duration> {
        if let Some(heartbeat) = &self.heartbeat {
            return Some(heartbeat.wait(now));
        }
        if self.in_flight.is_some() {
            return None;
        }
        let wait = self.entries.values().filter_map(|entry| self.wait(entry, now)).min()?;
        Some(wait.max(self.pace_wait(now)))
    }

    /// How many alerts have a change that the receiver has not been notified of.
    #[must_use]
    pub fn queue_len(&self) -> usize {
        self.entries.values().filter(|entry| entry.pending).count()
    }

    /// Failures since the last message that was delivered.
    pub fn failures(&self) -> u32 {
        self.heartbeat.as_ref().map_or(self.pace.failures(), Heartbeat::failures)
    }

    /// The state that is kept over a restart.
    #[must_use]
    pub fn state(&self) -> OutboxState {
        let entries = self.entries.values().cloned().collect();
        OutboxState { receiver: self.receiver.clone(), entries, last_notified: self.last_notified.clone() }
    }

    /// Restores the state from before a restart. An Alertmanager is notified at once, so that no alert expires there in the
    /// meantime; other receivers are not notified again.
    pub fn restore(&mut self, state: OutboxState) {
        let filter = &self.filter;
        let wanted = state.entries.into_iter().filter(|entry| filter.accepts(&entry.alert.row, entry.alert.severity));
        for mut entry in wanted.take(MAX_ALERTS) {
            if self.kind.grouping() == Grouping::Any && !entry.quiet {
                entry.notified_at = None;
            }
            self.entries.insert(AlertKey::of(&entry.alert), entry);
        }
        self.last_notified = state.last_notified;
    }

    /// Takes over the pending notifications of another member of the same receiver that was removed. Entries that exist here
    /// already are kept.
    pub(super) fn inherit(&mut self, state: OutboxState) {
        let filter = &self.filter;
        let accepts = |entry: &Entry| entry.pending && filter.accepts(&entry.alert.row, entry.alert.severity);
        let pending = state.entries.into_iter().filter(accepts);
        for entry in pending.take(MAX_ALERTS.saturating_sub(self.entries.len())) {
            self.revision += 1;
            let revision = self.revision;
            self.entries.entry(AlertKey::of(&entry.alert)).or_insert(Entry { revision, ..entry });
        }
    }

    /// Applies a new configuration of the same receiver. Sent, in-flight and pending notifications are kept, except pending
    /// ones that the new filter does not accept: those are dropped.
    pub(super) fn reconfigure(&mut self, other: Self) -> Dropped {
        let Self { kind, filter, repeat, from, heartbeat, .. } = other;
        let is_heartbeat = heartbeat.is_some();
        self.heartbeat = match (self.heartbeat.take(), heartbeat) {
            (Some(old), Some(new)) => Some(old.with_interval_of(&new)),
            (_, new) => new,
        };
        (self.kind, self.filter, self.repeat, self.from) = (kind, filter, repeat, from);
        // The operator may have fixed the address: try it at once.
        self.pace.end_back_off();
        let before = self.queue_len();
        let filter = &self.filter;
        self.entries.retain(|_, entry| !is_heartbeat && filter.accepts(&entry.alert.row, entry.alert.severity));
        (before - self.queue_len()) as Dropped
    }

    fn fire(&mut self, alert: &Alert, now: Timestamp) -> Dropped {
        if alert.name.is_empty() || alert.row.is_empty() || alert.provider.is_empty() {
            return 1;
        }
        let starts_at = alert.fired_at.unwrap_or(alert.since).min(now);
        let key = AlertKey::of(alert);
        let is_full = self.entries.len() >= MAX_ALERTS;
        let mut dropped = 0;
        match self.entries.get_mut(&key) {
            Some(entry) if entry.is_firing() => {
                entry.alert = alert.clone();
                return 0;
            }
            Some(entry) if alert.quiet_until.is_some() && entry.firing_notified_at.is_some() => {
                self.revision += 1;
                entry.reopen(alert, self.revision, now);
                return 0;
            }
            Some(entry) => dropped += u64::from(entry.is_pending_end()),
            None if is_full => match self.make_room() {
                Some(given_up) => dropped += given_up,
                None => return 1,
            },
            None => {}
        }
        self.revision += 1;
        self.entries.insert(key, Entry::new(alert, starts_at, self.revision, now));
        dropped
    }

    fn resolve(&mut self, alert: &Alert, now: Timestamp) -> Dropped {
        let mut dropped = 0;
        if !self.entries.contains_key(&AlertKey::of(alert)) {
            // The alert was dropped or never had room. Its end is reported all the same: the receiver may know of it.
            dropped = self.fire(alert, now);
        }
        if let Some(entry) = self.entries.get_mut(&AlertKey::of(alert)).filter(|entry| entry.is_firing()) {
            self.revision += 1;
            entry.revision = self.revision;
            entry.alert = alert.clone();
            entry.ended_at = Some(alert.resolved_at.unwrap_or(now).min(now).max(entry.starts_at));
            entry.changed_at = now;
            entry.notified_at = None;
            entry.pending = !entry.quiet;
        }
        dropped
    }

    /// Removes one entry: the oldest that the receiver knows of, or else the oldest that fires. A pending end is never removed.
    fn make_room(&mut self) -> Option<Dropped> {
        let rank = |entry: &Entry| (entry.pending, entry.is_firing(), entry.changed_at);
        let removable = self.entries.iter().filter(|(_, entry)| !entry.is_pending_end());
        let (key, entry) = removable.min_by_key(|(_, entry)| rank(entry))?;
        let dropped = u64::from(entry.pending || entry.is_firing());
        let key = key.clone();
        self.entries.remove(&key);
        Some(dropped)
    }

    /// The alerts of the next message.
    fn select(&self, now: Timestamp) -> Vec<AlertKey> {
        let is_due = |entry: &Entry| self.wait(entry, now).is_some_and(|wait| wait.is_zero());
        let mut due: Vec<(&AlertKey, &Entry)> = self.entries.iter().filter(|(_, entry)| is_due(entry)).collect();
        due.sort_by_key(|(_, entry)| (!entry.pending, entry.notified_at, entry.revision));
        let Some(&(first, _)) = due.first() else { return Vec::new() };
        let selected = match self.kind.grouping() {
            Grouping::Any => due,
            Grouping::Provider if self.needs_digest(&due) => {
                due.retain(|(_, entry)| entry.pending);
                due
            }
            Grouping::Provider => self.incident(&first.provider),
        };
        selected.into_iter().take(MAX_ALERTS_PER_MESSAGE).map(|(key, _)| key.clone()).collect()
    }

    /// All that fires or is pending of one provider, pending alerts first.
    fn incident(&self, provider: &str) -> Vec<(&AlertKey, &Entry)> {
        let mut incident: Vec<(&AlertKey, &Entry)> =
            self.of_provider(provider).filter(|(_, entry)| entry.pending || entry.is_firing()).collect();
        incident.sort_by_key(|(_, entry)| (!entry.pending, entry.revision));
        incident
    }

    fn of_provider(&self, provider: &str) -> impl Iterator<Item = (&AlertKey, &Entry)> {
        self.entries.range(AlertKey::first_of(provider)..).take_while(move |(key, _)| key.provider == provider)
    }

    /// How long until this alert is to be sent; `None` if it is not to be sent again.
    fn wait(&self, entry: &Entry, now: Timestamp) -> Option<Duration> {
        let is_alertmanager = self.kind.grouping() == Grouping::Any;
        // Alertmanager notifies at once of every alert that it has as resolved and that fires again, whatever its start. So it
        // does not get a reopened alert either before the next reminder.
        let interval = if is_alertmanager && !entry.quiet { RESEND } else { self.repeat };
        if entry.pending {
            return Some(self.pending_wait(entry, now));
        }
        if !entry.is_firing() && (!is_alertmanager || entry.quiet || is_over(entry.changed_at, RESOLVED_FOR, now)) {
            return None;
        }
        Some(entry.notified_at.map_or(Duration::ZERO, |at| remaining(at, interval, now)))
    }

    /// How long a change of an incident waits. It does not wait if the receiver does not know of the incident yet, if the
    /// incident got more severe, or if it is over.
    fn pending_wait(&self, entry: &Entry, now: Timestamp) -> Duration {
        let interval = self.kind.update_interval();
        let Some(last) = self.last_notified.get(&entry.alert.provider).filter(|_| !interval.is_zero()) else {
            return Duration::ZERO;
        };
        match self.worst_severity(&entry.alert.provider) {
            Some(severity) if severity <= last.severity => remaining(last.at, interval, now),
            _ => Duration::ZERO,
        }
    }

    /// The highest severity that fires of one provider.
    fn worst_severity(&self, provider: &str) -> Option<Severity> {
        self.of_provider(provider).filter(|(_, entry)| entry.is_firing()).map(|(_, entry)| entry.alert.severity).max()
    }

    /// Whether the number of providers with pending notifications calls for one message about all of them.
    fn needs_digest(&self, due: &[(&AlertKey, &Entry)]) -> bool {
        let pending = due.iter().filter(|(_, entry)| entry.pending);
        let providers: BTreeSet<&str> = pending.map(|(key, _)| key.provider.as_str()).collect();
        self.kind.digest_threshold().is_some_and(|threshold| providers.len() >= threshold)
    }

    /// The message in flight needs no retry. Alerts that changed in the meantime stay pending.
    fn settle(&mut self, now: Timestamp) {
        self.pace.pause(self.kind.gap(), now);
        let Some(InFlight { keys, severities }) = self.in_flight.take() else { return };
        self.pace.count_message(now);
        for (provider, severity) in severities {
            match severity {
                Some(severity) => self.last_notified.insert(provider, LastNotified { at: now, severity }),
                None => self.last_notified.remove(&provider),
            };
        }
        for (key, revision) in keys {
            if let Some(entry) = self.entries.get_mut(&key) {
                entry.settle(revision, self.repeat, now);
            }
        }
    }

    /// How long until the pace allows the next message.
    fn pace_wait(&self, now: Timestamp) -> Duration {
        let is_critical = |entry: &Entry| entry.pending && entry.is_firing() && entry.alert.severity == Severity::Critical;
        self.pace.wait(self.kind.max_per_minute(), || self.entries.values().any(is_critical), now)
    }
}
