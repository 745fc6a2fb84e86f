//! One row for one provider: its storm, where its alert stands, and what can be shown for it.

use super::calls::{Calls, Place};
use super::evidence::Gathered;
use super::machine::{Machine, Verdict};
use super::seconds::Seconds;
use super::spec::Kind;
use super::storm::{Recent, Second, Storm, Weights};
use super::table::{Row, Trigger};
use super::view::Reason;
use crate::window::Ring;
use serde::{Deserialize, Serialize};

/// Where nobody sees successes, a row that fires at once clears after this long without a failure.
const UNSEEN_SECONDS: i64 = 3_600;
/// Without any call for this long, a row that fires at once is not waited for any longer.
const EXPIRY_SECONDS: i64 = 86_400;

/// What is remembered of one row and one provider, from the first failure until nothing is left of it.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub(super) struct Series {
    waiting: Seconds,
    late: Option<Late>,
    pub(super) storm: Option<Storm>,
    recent: Recent,
    first_failure: Option<i64>,
    last_failure: Option<i64>,
    /// Since when there is no storm, or the condition does not hold.
    over_since: Option<i64>,
    /// While the storm lasts: calls of all providers that worked, and calls of this one that failed.
    calls_meanwhile: (u64, u64),
    failures: u64,
    /// Failures of the last minute.
    pub(super) minute: Ring<60, 1>,
    pub(super) machine: Machine,
    pub(super) gathered: Gathered,
    /// What a condition says of itself.
    pub(super) detail: String,
}

/// Failures that came too late for their own second.
#[derive(Clone, Copy, Debug, PartialEq, Eq, Serialize, Deserialize)]
struct Late {
    failures: u32,
    first: i64,
    last: i64,
}

impl Series {
    /// Takes in a failure.
    pub(super) fn fail(&mut self, at: i64, place: Place) {
        match place {
            Place::Ahead(ahead) => self.waiting.add(ahead, 1),
            Place::Late => {
                let late = self.late.get_or_insert(Late { failures: 0, first: at, last: at });
                *late = Late { failures: late.failures.saturating_add(1), first: late.first.min(at), last: late.last.max(at) };
            }
            Place::TooLate => self.note_failure(at, at),
        }
    }

    /// Fires on the arrival of a failure, unless what it tells of is over already.
    pub(super) fn fire_at_once(&mut self, at: i64, now: i64, row: &Row, calls: &Calls) {
        if at_once_is_over(now, at, row, calls).is_none() {
            self.machine.step(Verdict::Fires(at));
        }
    }

    /// Goes on to the next second of a row over failed calls; `outage` is one of them. `grown`: since when and until when a group of
    /// these errors comes far more often than before, be it a small share of all calls.
    pub(super) fn step_errors(&mut self, at: i64, row: &Row, calls: &Calls, grown: Option<(i64, i64)>, resolves: Resolves) {
        let second = self.second(at, calls.now.good, calls.last_good);
        self.weather(second, row);
        let verdict = match row.trigger {
            Trigger::AtOnce => self.judge_at_once(at, row, calls),
            Trigger::Sustained(length) => self.judge_length(at, length.as_secs() as i64, row, calls),
            Trigger::Burst(within) => {
                let within = within.as_secs() as i64;
                let recent = self.recent.step(second, within);
                self.judge_burst(at, within, recent, row, calls)
            }
        };
        // Of a provider whose successes are never logged nobody can say that nine calls in ten fail.
        let verdict = match verdict {
            Verdict::Holds(_) | Verdict::Fires(_) if row.kind == Kind::Outage && calls.last_good.is_none() => Verdict::Idle,
            verdict => verdict,
        };
        let verdict = match (verdict, grown, row.trigger) {
            (Verdict::Idle | Verdict::Holds(_) | Verdict::Clears(_), Some((since, last)), Trigger::Sustained(length)) => {
                if last - since >= length.as_secs() as i64 { Verdict::Fires(since) } else { verdict }
            }
            _ => verdict,
        };
        self.settle(verdict, second.failures, resolves);
    }

    /// Goes on to the next second of failed attempts whose calls succeed. With fallbacks the call may have succeeded at
    /// another provider, so calls that worked anywhere speak for it, and failed ones of this provider against it.
    pub(super) fn step_absorbed(&mut self, at: i64, row: &Row, calls: &Calls, good_calls: u64, resolves: Resolves) {
        let successes = calls.now.good_attempts.max(calls.now.good);
        let second = self.second(at, successes, calls.last_good.max(calls.last_good_attempt));
        self.weather(second, row);
        self.calls_meanwhile = match &self.storm {
            Some(_) => (self.calls_meanwhile.0 + good_calls, self.calls_meanwhile.1 + u64::from(calls.now.bad)),
            None => (0, 0),
        };
        let Trigger::Sustained(length) = row.trigger else { return };
        let (good, bad) = self.calls_meanwhile;
        let absorbed = good > 0 && self.storm.as_ref().is_none_or(|it| bad * 10 <= it.failures);
        let verdict = match self.judge_length(at, length.as_secs() as i64, row, calls) {
            Verdict::Holds(_) | Verdict::Fires(_) if !absorbed => Verdict::Idle,
            verdict => verdict,
        };
        self.settle(verdict, second.failures, resolves);
    }

    /// Goes on to the next second of a condition that no failed call tells of.
    pub(super) fn step_condition(&mut self, at: i64, held: Result<Held, Reason>, timing: Timing, resolves: Resolves) {
        let verdict = match held {
            Ok(held) => {
                self.over_since = None;
                self.detail = held.detail;
                if held.length >= timing.sustained { Verdict::Fires(held.since) } else { Verdict::Holds(held.since) }
            }
            Err(reason) if at - *self.over_since.get_or_insert(at) >= timing.keep_firing => Verdict::Clears(reason),
            Err(_) => Verdict::Idle,
        };
        self.settle(verdict, 0, resolves);
    }

    /// Failed calls since the alert's `since`.
    pub(super) fn failures(&self) -> u64 {
        match self.failures {
            // Told on arrival, before the first evaluation.
            0 => self.waiting.waiting() + self.late.map_or(0, |it| u64::from(it.failures)),
            failures => failures,
        }
    }

    /// Whether nothing is left to remember.
    pub(super) fn is_idle(&self) -> bool {
        self.machine.is_idle() && self.storm.is_none() && self.waiting.is_empty() && self.late.is_none()
    }

    fn second(&mut self, at: i64, successes: u32, last_success: Option<i64>) -> Second {
        let on_time = self.waiting.take();
        let late = self.late.take();
        let failures = on_time.saturating_add(late.map_or(0, |it| it.failures));
        let bounds = late.map(|it| (it.first, it.last));
        Second { at, failures, successes, late: bounds, only_late: on_time == 0, last_success }
    }

    fn weather(&mut self, second: Second, row: &Row) {
        self.minute.advance(second.at);
        if second.failures > 0 {
            self.minute.add(second.at, second.failures);
            self.note_failure(second.first_failure(), second.last_failure());
        }
        self.storm = Storm::step(self.storm.take(), second, Weights::of(row));
        self.over_since = if self.storm.is_some() { None } else { self.over_since.or(Some(second.at)) };
    }

    fn note_failure(&mut self, first: i64, last: i64) {
        self.first_failure = Some(self.first_failure.map_or(first, |it| it.min(first)));
        self.last_failure = self.last_failure.max(Some(last));
    }

    fn judge_at_once(&self, at: i64, row: &Row, calls: &Calls) -> Verdict {
        let (Some(first), Some(last)) = (self.first_failure, self.last_failure) else { return Verdict::Idle };
        at_once_is_over(at, last, row, calls).map_or(Verdict::Fires(first), Verdict::Clears)
    }

    fn judge_length(&self, at: i64, length: i64, row: &Row, calls: &Calls) -> Verdict {
        match &self.storm {
            Some(storm) if storm.length_once_enough().is_none() => Verdict::Idle,
            Some(storm) if storm_length(storm, row) >= length => Verdict::Fires(storm.first),
            Some(storm) => Verdict::Holds(storm.first),
            None => self.judge_calm(at, row, calls),
        }
    }

    fn judge_burst(&self, at: i64, within: i64, recent: u64, row: &Row, calls: &Calls) -> Verdict {
        let enough = recent >= u64::from(row.failures) && recent as f64 >= row.share * calls.within(at, within) as f64;
        match &self.storm {
            Some(storm) if enough => Verdict::Fires(storm.first),
            Some(_) => Verdict::Idle,
            None => self.judge_calm(at, row, calls),
        }
    }

    fn judge_calm(&self, at: i64, row: &Row, calls: &Calls) -> Verdict {
        if at - self.over_since.unwrap_or(at) < row.keep_firing.as_secs() as i64 {
            return Verdict::Idle;
        }
        let last = self.last_failure.unwrap_or(at);
        Verdict::Clears(match calls.last_good {
            Some(good) if good > last => Reason::Recovered,
            Some(_) if calls.last_call.is_none_or(|it| it <= last) => Reason::Expired,
            _ => Reason::Quiet,
        })
    }

    fn settle(&mut self, verdict: Verdict, failures: u32, resolves: Resolves) {
        let was_firing = self.machine.phase.state() == super::State::Firing;
        self.machine.step(match verdict {
            Verdict::Clears(_) if resolves == Resolves::Held => Verdict::Idle,
            verdict => verdict,
        });
        self.failures = match &self.storm {
            Some(storm) if !was_firing => storm.failures,
            _ => self.failures + u64::from(failures),
        };
    }
}

/// A condition that holds.
#[derive(Clone, Debug)]
pub(super) struct Held {
    /// The second in which it began.
    pub(super) since: i64,
    /// For how many seconds it is known to hold.
    pub(super) length: i64,
    /// How it shows.
    pub(super) detail: String,
}

/// How long a condition must hold, and must be over.
#[derive(Clone, Copy, Debug)]
pub(super) struct Timing {
    pub(super) sustained: i64,
    pub(super) keep_firing: i64,
}

impl Timing {
    /// At once, both ways.
    pub(super) const NONE: Self = Self { sustained: 0, keep_firing: 0 };

    /// As the row says.
    pub(super) fn of(row: &Row) -> Self {
        let sustained = match row.trigger {
            Trigger::AtOnce => 0,
            Trigger::Sustained(length) | Trigger::Burst(length) => length.as_secs() as i64,
        };
        Self { sustained, keep_firing: row.keep_firing.as_secs() as i64 }
    }
}

/// Whether alerts may resolve now.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub(super) enum Resolves {
    /// As their rows say.
    Freely,
    /// Not while a source is behind: what ends an alert may just not have been read yet.
    Held,
}

/// How long a storm is in the eyes of a row. That nearly all calls fail is a statement over so many calls: an outage
/// begins only when there were enough of them.
pub(super) fn storm_length(storm: &Storm, row: &Row) -> i64 {
    match row.kind {
        Kind::Outage => storm.length_once_enough().unwrap_or(0),
        _ => storm.length(),
    }
}

fn at_once_is_over(at: i64, last: i64, row: &Row, calls: &Calls) -> Option<Reason> {
    let quiet = at - last;
    match calls.last_good {
        None => (quiet >= UNSEEN_SECONDS).then_some(Reason::Quiet),
        Some(good) if good > last => (quiet >= row.keep_firing.as_secs() as i64).then_some(Reason::Recovered),
        Some(_) => (at - calls.last_call.unwrap_or(last).max(last) >= EXPIRY_SECONDS).then_some(Reason::Expired),
    }
}
