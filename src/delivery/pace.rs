//! When the next message may be sent: the gap after a message, the limit per minute, and the back-off after a failure.

use super::timing::{is_over, remaining};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// The first wait after a failure; it doubles up to [`MAX_BACK_OFF`].
const FIRST_BACK_OFF: Duration = Duration::from_secs(1);
const MAX_BACK_OFF: Duration = Duration::from_mins(1);
/// The longest wait that a receiver can ask for.
const MAX_RETRY_AFTER: Duration = Duration::from_hours(1);
const MINUTE: Duration = Duration::from_mins(1);
/// While a critical notification is pending, this many times as many messages are allowed per minute.
const CRITICAL_FACTOR: usize = 3;

/// The pace of one outbox.
#[derive(Debug)]
pub(super) struct Pace {
    /// No message is sent during this wait: its start and its length.
    pause: Option<(Timestamp, Duration)>,
    /// When the messages of the last minute were settled.
    recent: VecDeque<Timestamp>,
    /// Failures since the last message that was delivered.
    failures: u32,
    random: u64,
}

impl Pace {
    /// `seed` makes the retries of different outboxes differ.
    pub(super) fn new(seed: u64) -> Self {
        Self { pause: None, recent: VecDeque::new(), failures: 0, random: seed | 1 }
    }

    /// Begins the gap after a message that was delivered or rejected.
    pub(super) fn pause(&mut self, gap: Duration, now: Timestamp) {
        self.pause = Some((now, gap));
    }

    /// Counts a message towards the limit per minute.
    pub(super) fn count_message(&mut self, now: Timestamp) {
        while self.recent.front().is_some_and(|at| is_over(*at, MINUTE, now)) {
            self.recent.pop_front();
        }
        self.recent.push_back(now);
    }

    /// Begins a back-off, or the longer wait that the receiver asked for.
    pub(super) fn back_off(&mut self, asked: Option<Duration>, now: Timestamp) {
        self.failures = self.failures.saturating_add(1);
        let asked = asked.unwrap_or_default().min(MAX_RETRY_AFTER);
        self.pause = Some((now, self.next_back_off().max(asked)));
    }

    pub(super) fn reset_failures(&mut self) {
        self.failures = 0;
    }

    /// Ends a back-off at once.
    pub(super) fn end_back_off(&mut self) {
        if self.failures > 0 {
            (self.failures, self.pause) = (0, None);
        }
    }

    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }

    /// How long until the next message may be sent.
    pub(super) fn wait(&self, max_per_minute: usize, is_critical: impl FnOnce() -> bool, now: Timestamp) -> Duration {
        let pause = self.pause.map_or(Duration::ZERO, |(since, wait)| remaining(since, wait, now));
        pause.max(self.rate_wait(max_per_minute, is_critical, now))
    }

    fn rate_wait(&self, max_per_minute: usize, is_critical: impl FnOnce() -> bool, now: Timestamp) -> Duration {
        let recent: Vec<Timestamp> = self.recent.iter().copied().filter(|at| !is_over(*at, MINUTE, now)).collect();
        if recent.len() < max_per_minute {
            return Duration::ZERO;
        }
        let limit = if is_critical() { max_per_minute.saturating_mul(CRITICAL_FACTOR) } else { max_per_minute };
        let oldest = recent.len().checked_sub(limit).and_then(|index| recent.get(index));
        oldest.map_or(Duration::ZERO, |at| remaining(*at, MINUTE, now))
    }

    /// Doubles with every failure. A random part of up to one half is taken off, so that many senders do not retry at the
    /// same moment.
    fn next_back_off(&mut self) -> Duration {
        let doublings = self.failures.saturating_sub(1).min(16);
        let full = FIRST_BACK_OFF.saturating_mul(1 << doublings).min(MAX_BACK_OFF);
        // xorshift64: good enough to spread retries.
        self.random ^= self.random << 13;
        self.random ^= self.random >> 7;
        self.random ^= self.random << 17;
        let share = f64::from(u16::try_from(self.random % 1_000).unwrap_or_default()) / 2_000.0;
        full.mul_f64(1.0 - share)
    }
}
