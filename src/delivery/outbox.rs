//! What one receiver has to be told, and when: decided here, without a clock and without I/O.
//!
//! An outbox holds the state of each alert, not a queue of messages. While a receiver is away, changes of one alert run
//! together into its latest state, so the memory is bounded by the number of alerts and the receiver, once back, is told
//! what is true.

use super::heartbeat::Heart;
use super::message::{Grouping, Identity, News, Shape};
use super::options::Filter;
use super::post::Failure;
use crate::alert::{Alert, State, Transition};
use crate::taxonomy::Severity;
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};
use std::collections::{BTreeMap, BTreeSet, VecDeque};
use std::time::Duration;

/// Alertmanager forgets what it is not told again.
const RESEND: Duration = Duration::from_mins(1);
/// A firing alert outlives three resends that did not get through.
const EXPIRES_AFTER: Duration = Duration::from_secs(4 * RESEND.as_secs());
/// Alertmanager may restart: what was resolved is told again for this long.
const RESOLVED_FOR: Duration = Duration::from_mins(15);
/// The first wait after a failure; it doubles up to the longest.
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
const LONGEST_BACK_OFF: Duration = Duration::from_mins(1);
/// A receiver that asks for a longer wait does not get it.
const LONGEST_RETRY_AFTER: Duration = Duration::from_hours(1);
/// Alerts of one outbox. Rows × providers that really fail are a few dozen.
const MOST_ALERTS: usize = 1_000;
/// Alerts of one message.
const MOST_PER_POST: usize = 64;

/// How many alerts' news was given up, to be counted.
pub type Dropped = u64;

/// One message, ready to be sent.
#[derive(Clone, Debug, PartialEq, Eq)]
pub struct Post {
    /// JSON.
    pub body: Vec<u8>,
    /// How many alerts it speaks of.
    pub alerts: usize,
}

/// What one alert is known by to a receiver.
#[derive(Clone, Debug, PartialEq, Eq, PartialOrd, Ord)]
struct Key {
    provider: String,
    row: String,
    service: Option<String>,
}

impl Key {
    fn of(alert: &Alert) -> Self {
        Self { provider: alert.provider.clone(), row: alert.row.clone(), service: alert.service.clone() }
    }
}

/// Where a receiver stands with one alert.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Entry {
    alert: Alert,
    /// When it began to fire, fixed from then on.
    starts_at: Timestamp,
    /// When it was resolved; `None` while it fires.
    ended_at: Option<Timestamp>,
    /// When the latest change came.
    changed_at: Timestamp,
    /// Which change that was, counted over the outbox since the process started.
    #[serde(skip)]
    revision: u64,
    /// When the receiver was last told of this state.
    told_at: Option<Timestamp>,
    /// Whether the latest change has not been told yet.
    is_news: bool,
}

impl Entry {
    fn news(&self) -> News<'_> {
        News { alert: &self.alert, starts_at: self.starts_at, ended_at: self.ended_at }
    }

    /// What must not be dropped: a receiver that misses it believes in a failure for ever.
    fn is_unsaid_end(&self) -> bool {
        self.is_news && self.ended_at.is_some()
    }
}

/// What the receiver was last told of one provider.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Told {
    at: Timestamp,
    /// The worst that fired.
    severity: Severity,
}

/// A message that is on its way.
#[derive(Clone, Debug)]
struct Flight {
    /// What it speaks of, with the revision it was written for.
    keys: Vec<(Key, u64)>,
    /// The worst that fires of each provider it speaks of, if anything does.
    severities: BTreeMap<String, Option<Severity>>,
}

/// The state of an outbox, to be kept over a restart.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub struct OutboxState {
    receiver: String,
    entries: Vec<Entry>,
    #[serde(default)]
    told: BTreeMap<String, Told>,
}

impl OutboxState {
    /// The value of the label `receiver`.
    #[must_use]
    pub fn receiver(&self) -> &str {
        &self.receiver
    }
}

/// Decides what one receiver is told, and when.
#[derive(Debug)]
pub struct Outbox {
    receiver: String,
    shape: Shape,
    filter: Filter,
    repeat: Duration,
    from: Identity,
    entries: BTreeMap<Key, Entry>,
    /// What is on its way: keys, with the revision they were sent for.
    in_flight: Option<Flight>,
    /// What people know of each provider's incident.
    told: BTreeMap<String, Told>,
    /// When messages were taken, in the last minute.
    recent: VecDeque<Timestamp>,
    revision: u64,
    /// Nothing is sent until then: from, and for how long.
    pause: Option<(Timestamp, Duration)>,
    failures: u32,
    random: u64,
    /// Of a dead man's switch, which speaks of no alert.
    heart: Option<Heart>,
}

impl Outbox {
    /// An empty outbox; `seed` spreads the retries of many processes.
    pub(super) fn new(receiver: &str, shape: Shape, filter: Filter, repeat: Duration, from: Identity, seed: u64) -> Self {
        let heart = matches!(shape, Shape::Heartbeat).then(|| Heart::new(repeat));
        Self {
            heart,
            receiver: receiver.to_owned(),
            shape,
            filter,
            repeat,
            from,
            entries: BTreeMap::new(),
            in_flight: None,
            told: BTreeMap::new(),
            recent: VecDeque::new(),
            revision: 0,
            pause: None,
            failures: 0,
            random: seed | 1,
        }
    }

    /// Takes a change of an alert in.
    pub fn on_transition(&mut self, transition: &Transition, now: Timestamp) -> Dropped {
        let Transition { at: _, from, to, alert } = transition;
        if self.heart.is_some() || !self.filter.wants(&alert.row, alert.severity) {
            return 0;
        }
        match to {
            State::Firing => self.fire(alert, now),
            State::Resolved | State::Inactive if *from == State::Firing => self.resolve(alert, now),
            State::Resolved | State::Inactive | State::Pending => 0,
        }
    }

    /// Brings what fires up to date: numbers and evidence of what is held, and whatever is missing (of a receiver that was
    /// configured while an alert fired).
    pub fn refresh(&mut self, alerts: &[Alert], now: Timestamp) -> Dropped {
        if let Some(heart) = &mut self.heart {
            heart.refresh(alerts, now);
            return 0;
        }
        let mut dropped = 0;
        for alert in alerts.iter().filter(|it| it.state == State::Firing) {
            let has_room = self.entries.len() < MOST_ALERTS;
            match self.entries.get_mut(&Key::of(alert)) {
                Some(entry) if entry.ended_at.is_none() => entry.alert = alert.clone(),
                // The snapshot is older than the news of its end, or there is no room: nothing to do here.
                Some(_) => {}
                None if has_room && self.filter.wants(&alert.row, alert.severity) => dropped += self.fire(alert, now),
                None => {}
            }
        }
        dropped
    }

    /// The next message, if one is due. It is on its way until [`Self::sent`] or [`Self::failed`] is called.
    pub fn due(&mut self, now: Timestamp) -> Option<Post> {
        if let Some(heart) = &mut self.heart {
            return heart.due(now);
        }
        if self.in_flight.is_some() || !self.pause_left(now).is_zero() {
            return None;
        }
        self.entries.retain(|_, it| it.is_news || it.ended_at.is_none() || !is_over(it.changed_at, RESOLVED_FOR, now));
        while self.recent.front().is_some_and(|it| is_over(*it, Duration::from_mins(1), now)) {
            self.recent.pop_front();
        }
        let keys = self.select(now);
        let told: Vec<&Entry> = keys.iter().filter_map(|key| self.entries.get(key)).collect();
        if told.is_empty() {
            return None;
        }
        let news: Vec<News<'_>> = told.iter().map(|it| it.news()).collect();
        let body = self.shape.body(&self.receiver, &news, &self.from, now.plus(EXPIRES_AFTER));
        let alerts = told.len();
        let providers: BTreeSet<&String> = told.iter().map(|it| &it.alert.provider).collect();
        let severities = providers.into_iter().map(|it| (it.clone(), self.worst(it))).collect();
        let revisions: Vec<u64> = told.iter().map(|it| it.revision).collect();
        self.in_flight = Some(Flight { keys: keys.into_iter().zip(revisions).collect(), severities });
        Some(Post { body, alerts })
    }

    /// The receiver took the message.
    pub fn sent(&mut self, now: Timestamp) {
        if let Some(heart) = &mut self.heart {
            return heart.asked(true, now);
        }
        self.failures = 0;
        self.pause = Some((now, self.shape.gap()));
        self.settle(now);
    }

    /// The message did not get through. One that was refused for good is not tried again as it is; alerts that go on
    /// firing are told again when it is their time.
    pub fn failed(&mut self, failure: &Failure, now: Timestamp) {
        if let Some(heart) = &mut self.heart {
            return heart.asked(false, now);
        }
        match failure {
            Failure::Rejected(_) => {
                self.pause = Some((now, self.shape.gap()));
                self.settle(now);
            }
            Failure::Retry { after, .. } => {
                self.in_flight = None;
                self.failures = self.failures.saturating_add(1);
                let asked = after.unwrap_or_default().min(LONGEST_RETRY_AFTER);
                self.pause = Some((now, self.back_off().max(asked)));
            }
        }
    }

    /// How long until [`Self::due`] can have something; `None` where only a transition or an answer changes that.
    #[must_use]
    pub fn next_due(&self, now: Timestamp) -> Option<Duration> {
        if let Some(heart) = &self.heart {
            return Some(heart.wait(now));
        }
        if self.in_flight.is_some() {
            return None;
        }
        let wait = self.entries.values().filter_map(|it| self.wait(it, now)).min()?;
        Some(wait.max(self.pause_left(now)))
    }

    /// How many alerts have news that the receiver has not taken.
    #[must_use]
    pub fn queue_len(&self) -> usize {
        self.entries.values().filter(|it| it.is_news).count()
    }

    /// Failures since the last message that got through.
    pub fn failures(&self) -> u32 {
        self.heart.as_ref().map_or(self.failures, Heart::failures)
    }

    /// What must survive a restart.
    #[must_use]
    pub fn state(&self) -> OutboxState {
        let entries = self.entries.values().cloned().collect();
        OutboxState { receiver: self.receiver.clone(), entries, told: self.told.clone() }
    }

    /// Takes up what was held before a restart. An Alertmanager is told of it at once, so that nothing seems to resolve
    /// between the two; people are not told again.
    pub fn restore(&mut self, state: OutboxState) {
        let wanted = state.entries.into_iter().filter(|it| self.filter.wants(&it.alert.row, it.alert.severity));
        for mut entry in wanted.take(MOST_ALERTS) {
            if self.shape.grouping() == Grouping::Any {
                entry.told_at = None;
            }
            self.entries.insert(Key::of(&entry.alert), entry);
        }
        self.told = state.told;
    }

    /// Takes over news that another member of the same receiver was not told before it was taken out; what is known here is
    /// better known.
    pub(super) fn inherit(&mut self, state: OutboxState) {
        let news = state.entries.into_iter().filter(|it| it.is_news && self.filter.wants(&it.alert.row, it.alert.severity));
        for entry in news.take(MOST_ALERTS.saturating_sub(self.entries.len())) {
            self.revision += 1;
            let revision = self.revision;
            self.entries.entry(Key::of(&entry.alert)).or_insert(Entry { revision, ..entry });
        }
    }

    /// Tells from now on what another configuration of the same receiver asks for. What it was told, what is on its way and
    /// what is news stays so; news that it does not want any more is given up.
    pub(super) fn become_like(&mut self, other: Self) -> Dropped {
        let Self { shape, filter, repeat, from, heart, .. } = other;
        let (old_heart, is_beating) = (self.heart.take(), heart.is_some());
        self.heart = match (old_heart, heart) {
            (Some(old), Some(new)) => Some(old.with_interval_of(&new)),
            (_, new) => new,
        };
        (self.shape, self.filter, self.repeat, self.from) = (shape, filter, repeat, from);
        if self.failures > 0 {
            // Whoever mends the address and reloads does not want to wait.
            (self.failures, self.pause) = (0, None);
        }
        let before = self.queue_len();
        let filter = &self.filter;
        self.entries.retain(|_, it| !is_beating && filter.wants(&it.alert.row, it.alert.severity));
        (before - self.queue_len()) as Dropped
    }

    fn fire(&mut self, alert: &Alert, now: Timestamp) -> Dropped {
        if alert.name.is_empty() || alert.row.is_empty() || alert.provider.is_empty() {
            return 1;
        }
        let starts_at = alert.fired_at.unwrap_or(alert.since).min(now);
        let key = Key::of(alert);
        let is_full = self.entries.len() >= MOST_ALERTS;
        let mut dropped = 0;
        match self.entries.get_mut(&key) {
            Some(entry) if entry.ended_at.is_none() => {
                entry.alert = alert.clone();
                return 0;
            }
            Some(entry) => dropped += u64::from(entry.is_unsaid_end()),
            None if is_full => match self.make_room() {
                Some(given_up) => dropped += given_up,
                None => return 1,
            },
            None => {}
        }
        self.revision += 1;
        let (alert, revision) = (alert.clone(), self.revision);
        let entry = Entry { alert, starts_at, ended_at: None, changed_at: now, revision, told_at: None, is_news: true };
        self.entries.insert(key, entry);
        dropped
    }

    fn resolve(&mut self, alert: &Alert, now: Timestamp) -> Dropped {
        let mut dropped = 0;
        if !self.entries.contains_key(&Key::of(alert)) {
            // Never taken in, for lack of room. Its end is told all the same: others may know of its beginning.
            dropped = self.fire(alert, now);
        }
        if let Some(entry) = self.entries.get_mut(&Key::of(alert)).filter(|it| it.ended_at.is_none()) {
            self.revision += 1;
            entry.revision = self.revision;
            entry.alert = alert.clone();
            entry.ended_at = Some(alert.resolved_at.unwrap_or(now).min(now).max(entry.starts_at));
            entry.changed_at = now;
            entry.told_at = None;
            entry.is_news = true;
        }
        dropped
    }

    /// Makes room for one: of what has been told, the oldest; else of what fires, the oldest. Never an end that is unsaid.
    fn make_room(&mut self) -> Option<Dropped> {
        let rank = |it: &Entry| (it.is_news, it.ended_at.is_none(), it.changed_at);
        let (key, entry) = self.entries.iter().filter(|(_, it)| !it.is_unsaid_end()).min_by_key(|(_, it)| rank(it))?;
        let given_up = u64::from(entry.is_news || entry.ended_at.is_none());
        let key = key.clone();
        self.entries.remove(&key);
        Some(given_up)
    }

    /// The keys of the next message.
    fn select(&self, now: Timestamp) -> Vec<Key> {
        let mut due: Vec<(&Key, &Entry)> =
            self.entries.iter().filter(|(_, it)| self.wait(it, now).is_some_and(|it| it.is_zero())).collect();
        due.sort_by_key(|(_, it)| (!it.is_news, it.told_at, it.revision));
        let Some((first, _)) = due.first() else { return Vec::new() };
        let provider = first.provider.clone();
        match self.shape.grouping() {
            Grouping::Any => due.into_iter().take(MOST_PER_POST).map(|(key, _)| key.clone()).collect(),
            Grouping::Provider if self.is_storm(&due) => {
                due.into_iter().filter(|(_, it)| it.is_news).take(MOST_PER_POST).map(|(key, _)| key.clone()).collect()
            }
            Grouping::Provider => {
                let mut incident: Vec<(&Key, &Entry)> = self
                    .entries
                    .iter()
                    .filter(|(key, it)| key.provider == provider && (it.is_news || it.ended_at.is_none()))
                    .collect();
                incident.sort_by_key(|(_, it)| (!it.is_news, it.revision));
                incident.into_iter().take(MOST_PER_POST).map(|(key, _)| key.clone()).collect()
            }
        }
    }

    /// How long until this alert is to be told; `None` when it needs not be told any more.
    fn wait(&self, entry: &Entry, now: Timestamp) -> Option<Duration> {
        let is_alertmanager = self.shape.grouping() == Grouping::Any;
        let interval = if is_alertmanager { RESEND } else { self.repeat };
        match (entry.is_news, entry.told_at) {
            (true, _) => Some(self.news_wait(entry, now)),
            (false, _) if entry.ended_at.is_some() && !is_alertmanager => None,
            (false, _) if entry.ended_at.is_some() && is_over(entry.changed_at, RESOLVED_FOR, now) => None,
            (false, None) => Some(Duration::ZERO),
            (false, Some(told_at)) => Some(left(told_at, interval, now)),
        }
    }

    /// How long news of an incident waits: not at all where nobody knows of the incident, where it got worse, and where it
    /// is over.
    fn news_wait(&self, entry: &Entry, now: Timestamp) -> Duration {
        let patience = self.shape.patience();
        let Some(told) = self.told.get(&entry.alert.provider).filter(|_| !patience.is_zero()) else {
            return Duration::ZERO;
        };
        match self.worst(&entry.alert.provider) {
            Some(severity) if severity <= told.severity => left(told.at, patience, now),
            _ => Duration::ZERO,
        }
    }

    /// The worst that fires of one provider.
    fn worst(&self, provider: &str) -> Option<Severity> {
        let from = Key { provider: provider.to_owned(), row: String::new(), service: None };
        let incident = self.entries.range(from..).take_while(|(key, _)| key.provider == provider);
        incident.filter(|(_, it)| it.ended_at.is_none()).map(|(_, it)| it.alert.severity).max()
    }

    /// Whether so many providers have news that one message has to speak of all.
    fn is_storm(&self, due: &[(&Key, &Entry)]) -> bool {
        let providers: BTreeSet<&str> = due.iter().filter(|(_, it)| it.is_news).map(|(key, _)| key.provider.as_str()).collect();
        self.shape.digest_from().is_some_and(|from| providers.len() >= from)
    }

    /// What was on its way has been dealt with. What changed meanwhile is news still.
    fn settle(&mut self, now: Timestamp) {
        let Some(Flight { keys, severities }) = self.in_flight.take() else { return };
        self.recent.push_back(now);
        for (provider, severity) in severities {
            match severity {
                Some(severity) => self.told.insert(provider, Told { at: now, severity }),
                None => self.told.remove(&provider),
            };
        }
        for (key, revision) in keys {
            if let Some(entry) = self.entries.get_mut(&key).filter(|it| it.revision == revision) {
                entry.is_news = false;
                entry.told_at = Some(now);
            }
        }
    }

    fn pause_left(&self, now: Timestamp) -> Duration {
        let pause = self.pause.map_or(Duration::ZERO, |(from, wait)| left(from, wait, now));
        pause.max(self.rate_left(now))
    }

    /// How long until another message may be sent. What is critical may go three times as often.
    fn rate_left(&self, now: Timestamp) -> Duration {
        const MINUTE: Duration = Duration::from_mins(1);
        let most = self.shape.most_per_minute();
        let recent: Vec<Timestamp> = self.recent.iter().copied().filter(|it| !is_over(*it, MINUTE, now)).collect();
        if recent.len() < most {
            return Duration::ZERO;
        }
        let is_critical = |it: &Entry| it.is_news && it.ended_at.is_none() && it.alert.severity == Severity::Critical;
        let most = if self.entries.values().any(is_critical) { most.saturating_mul(3) } else { most };
        let first = recent.len().checked_sub(most).and_then(|it| recent.get(it));
        first.map_or(Duration::ZERO, |it| left(*it, MINUTE, now))
    }

    /// Doubles with every failure, less up to a half by chance, so that many senders do not come back at once.
    fn back_off(&mut self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        let full = FIRST_BACK_OFF.saturating_mul(1 << doublings).min(LONGEST_BACK_OFF);
        // xorshift64: plenty for this.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let share = (self.random % 1_000) as f64 / 2_000.0;
        full.mul_f64(1.0 - share)
    }
}

/// How much of a wait is left. A clock that was set back ends the wait, rather than make it longer.
pub(super) fn left(from: Timestamp, wait: Duration, now: Timestamp) -> Duration {
    if now < from { Duration::ZERO } else { wait.saturating_sub(now.since(from)) }
}

fn is_over(from: Timestamp, wait: Duration, now: Timestamp) -> bool {
    left(from, wait, now).is_zero()
}
