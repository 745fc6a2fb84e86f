//! One rule: a row of the table for one scope. It holds the storm, the alert state machine and the evidence.

#![expect(clippy::cast_precision_loss, reason = "counts of calls stay far below 2^52")]

use super::calls::Calls;
use super::evidence::AlertEvidence;
use super::lateness::Lateness;
use super::machine::{AlertStateMachine, Evaluation, Stage, StageChange};
use super::outage::LastMinutes;
use super::reopening::Reopening;
use super::seconds::PendingSeconds;
use super::share::{LatestCalls, Span};
use super::storm::{RecentFailures, Second, Storm, Weights};
use super::symptom::{Resolving, Symptom, Timing};
use crate::alert::table::{Kind, Row, Trigger};
use crate::alert::view::{Reason, State};
use crate::time::{Timestamp, whole_seconds};
use crate::window::Ring;
use serde::{Deserialize, Serialize};

/// Where successes are never logged, a row that fires at the first failure clears after this long without a failure.
const NO_SUCCESSES_SECONDS: i64 = 3_600;
/// A row that fires at the first failure clears after this long without any call.
const EXPIRY_SECONDS: i64 = 86_400;
/// An alert is over only if at least this many of the latest calls, of an hour at most, say so.
const CALLS_TO_CLEAR: u64 = 100;
/// An outage is over when fewer than half of the calls of a minute fail.
const OUTAGE_OVER_SHARE: f64 = 0.5;
const OUTAGE_OVER_SECONDS: i64 = 60;

/// The state of one rule, from the first failure until there is nothing to remember.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(in crate::alert) struct RuleState {
    #[serde(rename = "waiting")]
    pending: PendingSeconds,
    late: Option<LateFailures>,
    storm: Option<Storm>,
    recent: RecentFailures,
    /// What decides when the alert is over.
    #[serde(default)]
    latest: LatestCalls,
    first_failure: Option<i64>,
    last_failure: Option<i64>,
    /// The second since which there is no storm, or no symptom.
    over_since: Option<i64>,
    /// During the storm: successful calls at all providers, and failed calls at this one.
    #[serde(rename = "calls_meanwhile")]
    calls_in_storm: (u64, u64),
    failures: u64,
    /// All calls in the time of `failures`.
    #[serde(default)]
    calls: u64,
    /// Failures of the last minute.
    pub(in crate::alert) minute: Ring<60, 1>,
    pub(in crate::alert) machine: AlertStateMachine,
    #[serde(rename = "gathered")]
    pub(in crate::alert) evidence: AlertEvidence,
    /// The sentence of the symptom, if the rule watches one.
    pub(in crate::alert) detail: String,
    #[serde(default)]
    pub(in crate::alert) reopening: Reopening,
    /// Only of the row over all calls of a provider.
    #[serde(default)]
    last_minutes: LastMinutes,
}

/// Failures that arrived after the evaluation of their own second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct LateFailures {
    failures: u32,
    first: i64,
    last: i64,
}

impl LateFailures {
    fn add(earlier: Option<Self>, at: i64) -> Self {
        match earlier {
            None => Self { failures: 1, first: at, last: at },
            Some(late) => {
                Self { failures: late.failures.saturating_add(1), first: late.first.min(at), last: late.last.max(at) }
            }
        }
    }
}

impl RuleState {
    /// Counts a failure.
    pub(in crate::alert) fn fail(&mut self, at: i64, lateness: Lateness) {
        match lateness {
            Lateness::OnTime(ahead) => self.pending.add(ahead, 1),
            Lateness::Late => self.late = Some(LateFailures::add(self.late, at)),
            Lateness::TooLate => self.note_failure(at, at),
        }
    }

    /// Fires when a failure arrives, unless the failure is already over at `now`.
    pub(in crate::alert) fn fire_at_once(&mut self, at: i64, now: i64, row: &Row, calls: &Calls) {
        if at_once_is_over(now, at, row, calls).is_none() {
            self.machine.step(Evaluation::Fires(at));
        }
    }

    /// Advances a rule over failed calls by one second.
    ///
    /// `growing`: the first and the last second of a group of errors that comes far more often than before. Such a group
    /// makes the rule fire even if it is a small share of all calls.
    pub(in crate::alert) fn step_errors(
        &mut self,
        at: i64,
        row: &Row,
        calls: &Calls,
        growing: Option<(i64, i64)>,
        resolving: Resolving,
    ) {
        let second = self.take_second(at, calls.now.good, calls.last_good);
        self.step_storm(second, row);
        self.note_calls(second, calls.now.bad.saturating_sub(second.failures), row);
        let mut evaluation = match row.trigger {
            Trigger::AtOnce => self.evaluate_at_once(at, row, calls),
            Trigger::Sustained(length) => self.evaluate_length(second, whole_seconds(length), row, calls),
            Trigger::Burst(within) => {
                let within = whole_seconds(within);
                let recent = self.recent.step(second, within);
                self.evaluate_burst(at, within, recent, row, calls)
            }
        };
        let grows = match (growing, row.trigger) {
            (Some((since, last)), Trigger::Sustained(length)) if last - since >= whole_seconds(length) => Some(since),
            _ => None,
        };
        evaluation = match (grows, row.trigger) {
            (Some(since), _) => Evaluation::Fires(since),
            (None, Trigger::AtOnce) => evaluation,
            (None, _) => self.unless_over(evaluation, at, row, calls.last_good),
        };
        self.apply(evaluation, second.failures, resolving);
    }

    /// Advances the rule over all calls of a provider by one second. Failures of rows that fire at the first failure are no
    /// part of an outage: they are neither failures nor calls here.
    pub(in crate::alert) fn step_outage(&mut self, at: i64, row: &Row, calls: &Calls, resolving: Resolving) {
        let Trigger::Sustained(length) = row.trigger else { return };
        let second = self.take_second(at, calls.now.good, calls.last_good);
        self.note_second(second);
        self.last_minutes.step(second, row);
        self.over_since = if self.last_minutes.is_empty() { self.over_since.or(Some(at)) } else { None };
        self.note_calls(second, 0, row);
        let span = self.last_minutes.failing_span(row);
        if self.machine.stage.state() != State::Firing {
            (self.failures, self.calls) = span.map_or((0, 0), |span| (span.failures, span.calls));
        }
        let evaluation = match span {
            // Where successes are never logged, the share of failing calls is unknown.
            Some(_) if calls.last_good.is_none() => Evaluation::Idle,
            Some(span) if span.length >= whole_seconds(length) => Evaluation::Fires(span.first),
            Some(span) => Evaluation::Holds(span.first),
            None if self.last_minutes.is_empty() => self.evaluate_calm(at, row, calls),
            None => Evaluation::Idle,
        };
        let evaluation = self.unless_over(evaluation, at, row, calls.last_good);
        let counted = if self.machine.stage.state() == State::Firing { second.failures } else { 0 };
        self.apply(evaluation, counted, resolving);
    }

    /// Advances a rule over failed attempts of successful calls by one second.
    ///
    /// A fallback may have let the call succeed at another provider. So the attempts count as absorbed if calls succeed at
    /// any provider while few calls of this one fail.
    pub(in crate::alert) fn step_absorbed(&mut self, at: i64, row: &Row, calls: &Calls, good_calls: u64, resolving: Resolving) {
        let successes = calls.now.good_attempts.max(calls.now.good);
        let second = self.take_second(at, successes, calls.last_good.max(calls.last_good_attempt));
        self.step_storm(second, row);
        self.note_calls(second, 0, row);
        let (good, bad) = self.calls_in_storm;
        self.calls_in_storm = match &self.storm {
            Some(_) => (good + good_calls, bad + u64::from(calls.now.bad)),
            None => (0, 0),
        };
        let Trigger::Sustained(length) = row.trigger else { return };
        let (good, bad) = self.calls_in_storm;
        let absorbed = good > 0 && self.storm.as_ref().is_none_or(|storm| bad * 10 <= storm.failures);
        let evaluation = match self.evaluate_length(second, whole_seconds(length), row, calls) {
            Evaluation::Holds(_) | Evaluation::Fires(_) if !absorbed => Evaluation::Idle,
            evaluation => evaluation,
        };
        let evaluation = self.unless_over(evaluation, at, row, second.last_success);
        self.apply(evaluation, second.failures, resolving);
    }

    /// Advances a rule over a symptom by one second. `Err`: the symptom is absent, and why the alert resolves.
    pub(in crate::alert) fn step_symptom(
        &mut self,
        at: i64,
        symptom: Result<Symptom, Reason>,
        timing: Timing,
        resolving: Resolving,
    ) {
        let evaluation = match symptom {
            Ok(Symptom { since, length, detail }) => {
                self.over_since = None;
                self.detail = detail;
                if length >= timing.sustained { Evaluation::Fires(since) } else { Evaluation::Holds(since) }
            }
            Err(reason) if at - *self.over_since.get_or_insert(at) >= timing.keep_firing => Evaluation::Clears(reason),
            Err(_) => Evaluation::Idle,
        };
        self.apply(evaluation, 0, resolving);
    }

    /// Failed calls since the alert's `since`.
    pub(in crate::alert) fn failures(&self) -> u64 {
        match self.failures {
            // The alert fired on arrival, before the first evaluation.
            0 => self.pending.total() + self.late.map_or(0, |late| u64::from(late.failures)),
            failures => failures,
        }
    }

    /// The share (0 to 1) of all calls since the alert's `since` that failed; `None` before the first evaluation.
    pub(in crate::alert) fn share(&self) -> Option<f64> {
        // Before a storm opens, only failures are counted.
        let is_known = self.calls > 0 && self.calls >= self.failures();
        is_known.then(|| self.failures() as f64 / self.calls as f64)
    }

    /// The length of the open storm in seconds, as the row measures it.
    pub(in crate::alert) fn storm_length(&self, row: &Row) -> Option<i64> {
        match row.kind {
            Kind::Outage => self.last_minutes.failing_span(row).map(|span| span.length),
            _ => self.storm.as_ref().map(Storm::length),
        }
    }

    /// The next change to notify; marks it as notified.
    pub(in crate::alert) fn next_change(&mut self, row: &Row, at: Timestamp) -> Option<StageChange> {
        self.reopening.announce_if_due(&self.evidence, row, at);
        let change = self.machine.next_change()?;
        match (change.to, self.machine.reason) {
            (State::Firing, _) => self.machine.fired_at = Some(self.reopening.fires(&self.evidence, row, at)),
            (State::Resolved, Some(Reason::Config)) => self.reopening.forget(),
            (State::Resolved, _) => self.reopening.recovers(self.machine.fired_at, &self.evidence, at),
            (State::Inactive | State::Pending, _) => {}
        }
        Some(change)
    }

    /// Whether nothing happens before the next failure.
    pub(in crate::alert) fn is_idle(&self) -> bool {
        let is_calm = self.storm.is_none() && self.last_minutes.is_empty();
        self.machine.is_idle() && is_calm && self.pending.is_empty() && self.late.is_none()
    }

    /// Whether the rule only remembers an alert that is over: no second changes it.
    pub(in crate::alert) fn is_resting(&self) -> bool {
        // A failure that comes far too late is noted in `first_failure` only.
        self.is_idle() && self.over_since.is_none() && self.first_failure.is_none()
    }

    /// Removes what is not needed at second `at`. Returns whether there is nothing to remember.
    pub(in crate::alert) fn is_forgotten(&mut self, at: i64) -> bool {
        if !self.is_idle() {
            return false;
        }
        if !self.is_resting() {
            let reopening = std::mem::take(&mut self.reopening);
            *self = Self { reopening, ..Self::default() };
        }
        self.reopening.is_forgotten(at)
    }

    fn take_second(&mut self, at: i64, successes: u32, last_success: Option<i64>) -> Second {
        let on_time = self.pending.take();
        let late = self.late.take();
        let failures = on_time.saturating_add(late.map_or(0, |late| late.failures));
        let bounds = late.map(|late| (late.first, late.last));
        Second { at, failures, successes, late: bounds, only_late: on_time == 0, last_success }
    }

    fn note_second(&mut self, second: Second) {
        self.minute.advance(second.at);
        if second.failures > 0 {
            self.minute.add(second.at, second.failures);
            self.note_failure(second.first_failure(), second.last_failure());
        }
    }

    fn step_storm(&mut self, second: Second, row: &Row) {
        self.note_second(second);
        self.storm = Storm::step(self.storm.take(), second, Weights::of(row));
        self.over_since = if self.storm.is_some() { None } else { self.over_since.or(Some(second.at)) };
    }

    /// Counts the calls of a second, while there is a storm or an alert. `others`: calls that failed for other reasons.
    fn note_calls(&mut self, second: Second, others: u32, row: &Row) {
        let is_trouble = self.storm.is_some() || !self.last_minutes.is_empty();
        let is_needed = is_trouble || self.machine.stage.state() == State::Firing;
        if !is_needed {
            self.calls = 0;
            return self.latest.clear();
        }
        let calls = second.failures.saturating_add(second.successes).saturating_add(others);
        self.calls += u64::from(calls);
        self.latest.add(second, calls, span_to_clear(row));
    }

    /// A firing rule clears when the share of failures among the latest calls is low again; without calls, when the storm
    /// has been over for long enough. Another storm does not keep it firing by itself.
    fn unless_over(&self, evaluation: Evaluation, at: i64, row: &Row, last_success: Option<i64>) -> Evaluation {
        let span = span_to_clear(row);
        let last_call = last_success.max(self.last_failure);
        // Where successes are never logged, the share is unknown: failures are only counted.
        if self.machine.stage.state() != State::Firing
            || last_success.is_none()
            || last_call.is_none_or(|call| at - call >= whole_seconds(row.keep_firing))
        {
            return evaluation;
        }
        let limit = if row.kind == Kind::Outage { OUTAGE_OVER_SHARE } else { row.share / 2.0 };
        match self.latest.share(at, span) {
            Some(share) if share < limit => Evaluation::Clears(match last_success {
                Some(success) if at - success < span.seconds => Reason::Recovered,
                _ => Reason::Quiet,
            }),
            _ => Evaluation::Idle,
        }
    }

    fn note_failure(&mut self, first: i64, last: i64) {
        self.first_failure = Some(self.first_failure.map_or(first, |earliest| earliest.min(first)));
        self.last_failure = self.last_failure.max(Some(last));
    }

    fn evaluate_at_once(&self, at: i64, row: &Row, calls: &Calls) -> Evaluation {
        let (Some(first), Some(last)) = (self.first_failure, self.last_failure) else { return Evaluation::Idle };
        at_once_is_over(at, last, row, calls).map_or(Evaluation::Fires(first), Evaluation::Clears)
    }

    fn evaluate_length(&self, second: Second, length: i64, row: &Row, calls: &Calls) -> Evaluation {
        let Second { at, last_success, .. } = second;
        match &self.storm {
            Some(storm) if storm.failures < u64::from(row.failures) => Evaluation::Idle,
            Some(storm) if storm.length() >= length && storm.is_real(last_success) => Evaluation::Fires(storm.first),
            Some(storm) => Evaluation::Holds(storm.first),
            None => self.evaluate_calm(at, row, calls),
        }
    }

    fn evaluate_burst(&self, at: i64, within: i64, recent: u64, row: &Row, calls: &Calls) -> Evaluation {
        let enough = recent >= u64::from(row.failures) && recent as f64 >= row.share * calls.within(at, within) as f64;
        match &self.storm {
            Some(storm) if enough => Evaluation::Fires(storm.first),
            Some(_) => Evaluation::Idle,
            None => self.evaluate_calm(at, row, calls),
        }
    }

    fn evaluate_calm(&self, at: i64, row: &Row, calls: &Calls) -> Evaluation {
        if at - self.over_since.unwrap_or(at) < whole_seconds(row.keep_firing) {
            return Evaluation::Idle;
        }
        let last = self.last_failure.unwrap_or(at);
        Evaluation::Clears(match calls.last_good {
            Some(good) if good > last => Reason::Recovered,
            Some(_) if calls.last_call.is_none_or(|call| call <= last) => Reason::Expired,
            _ => Reason::Quiet,
        })
    }

    fn apply(&mut self, evaluation: Evaluation, failures: u32, resolving: Resolving) {
        let was_firing = self.machine.stage.state() == State::Firing;
        self.machine.step(match evaluation {
            Evaluation::Clears(_) if resolving == Resolving::Blocked => Evaluation::Idle,
            evaluation => evaluation,
        });
        if was_firing && self.machine.stage == Stage::Inactive {
            // What is left of the storm must not make the rule fire again.
            self.storm = None;
            self.last_minutes.clear();
            self.latest.clear();
        }
        self.failures = match &self.storm {
            Some(storm) if !was_firing => storm.failures,
            _ => self.failures + u64::from(failures),
        };
    }
}

/// The calls that decide whether an alert of the row is over.
fn span_to_clear(row: &Row) -> Span {
    match row.kind {
        Kind::Outage => Span { seconds: OUTAGE_OVER_SECONDS, calls: u64::from(row.failures) },
        _ => Span { seconds: whole_seconds(row.keep_firing), calls: CALLS_TO_CLEAR },
    }
}

/// Why a row that fires at the first failure clears at `at`; `None` if it does not clear yet.
fn at_once_is_over(at: i64, last: i64, row: &Row, calls: &Calls) -> Option<Reason> {
    let quiet = at - last;
    match calls.last_good {
        None => (quiet >= NO_SUCCESSES_SECONDS).then_some(Reason::Quiet),
        Some(good) if good > last => (quiet >= whole_seconds(row.keep_firing)).then_some(Reason::Recovered),
        Some(_) => (at - calls.last_call.unwrap_or(last).max(last) >= EXPIRY_SECONDS).then_some(Reason::Expired),
    }
}
