//! A dead man's switch: an address that is asked for as long as all is well with this process. Whoever waits there calls
//! somebody when it is not asked for any more.

use super::outbox::Post;
use crate::alert::{Alert, State};
use crate::time::Timestamp;
use std::time::Duration;

/// The pipeline shows a sign of life every second. Without one for so long it hangs, or has a backlog to read.
const PULSE: Duration = Duration::from_secs(30);
/// The provider of alerts about this process itself.
const OURSELVES: &str = "llm-triage";

/// When to ask.
#[derive(Debug)]
pub(super) struct Heart {
    interval: Duration,
    pulse: Option<Timestamp>,
    well: bool,
    asked: Option<Timestamp>,
    under_way: bool,
    failures: u32,
}

impl Heart {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, pulse: None, well: false, asked: None, under_way: false, failures: 0 }
    }

    /// The same, asking as often as another.
    pub(super) fn with_interval_of(self, other: &Self) -> Self {
        Self { interval: other.interval, ..self }
    }

    /// A sign of life: what fires now. Alerts about providers are no trouble of ours.
    pub(super) fn refresh(&mut self, alerts: &[Alert], now: Timestamp) {
        self.pulse = Some(now);
        self.well = !alerts.iter().any(|it| it.state == State::Firing && it.provider == OURSELVES);
    }

    pub(super) fn due(&mut self, now: Timestamp) -> Option<Post> {
        if !self.is_alive(now) || self.under_way || !self.wait(now).is_zero() {
            return None;
        }
        self.under_way = true;
        Some(Post { body: Vec::new(), alerts: 0 })
    }

    fn is_alive(&self, now: Timestamp) -> bool {
        self.well && self.pulse.is_some_and(|it| now.since(it) <= PULSE)
    }

    /// It was asked for, with this outcome. The next time comes when it comes.
    pub(super) fn asked(&mut self, good: bool, now: Timestamp) {
        (self.under_way, self.asked) = (false, Some(now));
        self.failures = if good { 0 } else { self.failures.saturating_add(1) };
    }

    pub(super) fn wait(&self, now: Timestamp) -> Duration {
        let left = self.asked.map_or(Duration::ZERO, |it| super::outbox::left(it, self.interval, now));
        // Without a sign of life there is nothing to wait for but that, and it wakes the courier.
        if left.is_zero() && (self.under_way || !self.is_alive(now)) { PULSE } else { left }
    }

    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn it_beats_while_the_pipeline_does() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second);
        let mut heart = Heart::new(Duration::from_secs(60));
        assert_eq!(heart.due(at(0)), None, "no sign of life yet");
        let mut beats = Vec::new();
        for second in 0..400 {
            // The pipeline hangs from 150 on, and goes on at 300.
            if !(150..300).contains(&second) {
                heart.refresh(&[], at(second));
            }
            if heart.due(at(second)).is_some() {
                heart.asked(true, at(second));
                beats.push(second);
            }
        }
        assert_eq!(beats, [0, 60, 120, 300, 360]);
    }
}
