//! When a dead man's switch is pinged: at an interval, for as long as this process is healthy. A service at the other end
//! alerts people when the pings stop.

use super::message::{Message, OWN_PROVIDER};
use super::timing::remaining;
use crate::alert::{Alert, State};
use crate::time::Timestamp;
use std::time::Duration;

/// The pipeline shows a sign of life every second. Without one for this long it hangs, or has a backlog to read.
const MAX_SILENCE: Duration = Duration::from_secs(30);

/// The state of one dead man's switch.
#[derive(Debug)]
pub(super) struct Heartbeat {
    interval: Duration,
    last_sign_of_life: Option<Timestamp>,
    /// Whether no alert about this process itself fires.
    is_healthy: bool,
    last_ping: Option<Timestamp>,
    in_flight: bool,
    failures: u32,
}

impl Heartbeat {
    pub(super) fn new(interval: Duration) -> Self {
        Self { interval, last_sign_of_life: None, is_healthy: false, last_ping: None, in_flight: false, failures: 0 }
    }

    /// The same state with the interval of `other`.
    pub(super) fn with_interval_of(self, other: &Self) -> Self {
        Self { interval: other.interval, ..self }
    }

    /// Notes a sign of life from the pipeline. `alerts` are the current ones; those about providers do not matter here.
    pub(super) fn refresh(&mut self, alerts: &[Alert], now: Timestamp) {
        self.last_sign_of_life = Some(now);
        self.is_healthy = !alerts.iter().any(|alert| alert.state == State::Firing && alert.provider == OWN_PROVIDER);
    }

    /// The ping, if one is due. It is in flight until [`Self::pinged`] is called.
    pub(super) fn due(&mut self, now: Timestamp) -> Option<Message> {
        if !self.is_alive(now) || self.in_flight || !self.wait(now).is_zero() {
            return None;
        }
        self.in_flight = true;
        Some(Message { body: Vec::new(), alerts: 0 })
    }

    fn is_alive(&self, now: Timestamp) -> bool {
        self.is_healthy && self.last_sign_of_life.is_some_and(|at| now.since(at) <= MAX_SILENCE)
    }

    /// Notes the outcome of a ping. A failed ping is not retried; the next one follows at the usual time.
    pub(super) fn pinged(&mut self, is_success: bool, now: Timestamp) {
        (self.in_flight, self.last_ping) = (false, Some(now));
        self.failures = if is_success { 0 } else { self.failures.saturating_add(1) };
    }

    /// How long until a ping can be due.
    pub(super) fn wait(&self, now: Timestamp) -> Duration {
        let wait = self.last_ping.map_or(Duration::ZERO, |at| remaining(at, self.interval, now));
        // The next sign of life wakes the task; until then there is nothing to do.
        if wait.is_zero() && (self.in_flight || !self.is_alive(now)) { MAX_SILENCE } else { wait }
    }

    pub(super) const fn failures(&self) -> u32 {
        self.failures
    }
}

#[cfg(test)]
mod tests {
    use super::*;

    #[test]
    fn pings_only_while_the_pipeline_shows_signs_of_life() {
        let at = |second: i64| Timestamp::from_second(1_800_000_000 + second);
        let mut heartbeat = Heartbeat::new(Duration::from_secs(60));
        assert_eq!(heartbeat.due(at(0)), None, "no sign of life yet");
        let mut pings = Vec::new();
        for second in 0..400 {
            // The pipeline hangs from second 150 to second 300.
            if !(150..300).contains(&second) {
                heartbeat.refresh(&[], at(second));
            }
            if heartbeat.due(at(second)).is_some() {
                heartbeat.pinged(true, at(second));
                pings.push(second);
            }
        }
        assert_eq!(pings, [0, 60, 120, 300, 360]);
    }
}
