//! Attempts that wait for the record of their call. In a stream without records of calls, each attempt is counted as a call.

use super::STREAM_MEMORY;
use crate::observation::Observation;
use crate::taxonomy::{Grain, Outcome};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// How long a failed attempt waits for the record of its call.
const ERROR_WAIT: Duration = Duration::from_secs(5);
/// How long a good attempt waits for the record of its call.
const SUCCESS_WAIT: Duration = Duration::from_secs(30);
/// Good attempts without a good call, after which a stream is known to write no records of calls.
const ENOUGH: usize = 8;
/// The most attempts that wait; beyond, the oldest is counted.
pub(super) const MAX_WAITING: usize = 64;

#[derive(Debug, Default)]
pub(super) struct Attempts {
    pub(super) good_call_at: Option<Timestamp>,
    pub(super) bad_call_at: Option<Timestamp>,
    /// Good attempts since the last good call.
    pub(super) good_since_call: usize,
    /// Whether the stream is known to write only attempts: of the good ones, of the failed ones.
    pub(super) are_calls: [bool; 2],
    pub(super) waiting: VecDeque<Observation>,
}

impl Attempts {
    /// Removes the latest failed attempt: its call continues.
    pub(super) fn forget_latest_failure(&mut self) {
        if let Some(at) = self.waiting.iter().rposition(|attempt| attempt.outcome == Outcome::Error) {
            self.waiting.remove(at);
        }
    }

    pub(super) fn count(&mut self, mut seen: Observation, never_calls: bool, out: &mut impl FnMut(&mut Observation)) {
        let at = seen.at;
        match (seen.outcome, seen.grain) {
            (Outcome::Success, Grain::Call) => {
                self.good_call_at = Some(at);
                self.good_since_call = 0;
                self.are_calls = [false; 2];
                self.waiting.clear();
                out(&mut seen);
            }
            (Outcome::Success | Outcome::Error, Grain::Attempt) if !never_calls => self.add(seen, out),
            _ => {}
        }
        self.release(at, out);
    }

    /// A call failed: the failed attempts that wait are of that call.
    pub(super) fn note_failed_call(&mut self, at: Timestamp) {
        self.bad_call_at = self.bad_call_at.max(Some(at));
        self.are_calls[1] = false;
        self.waiting.retain(|attempt| attempt.outcome != Outcome::Error);
    }

    fn add(&mut self, attempt: Observation, out: &mut impl FnMut(&mut Observation)) {
        let good = attempt.outcome == Outcome::Success;
        // A stream that logs good calls logs failed calls too: there, a failed attempt was followed by a good one.
        let call_at = if good { self.good_call_at } else { self.good_call_at.max(self.bad_call_at) };
        if call_at.is_some_and(|then| attempt.at.since(then) < STREAM_MEMORY) {
            return;
        }
        self.good_since_call += usize::from(good);
        if good && self.good_since_call >= ENOUGH {
            self.are_calls[0] = true;
        }
        if self.are_calls[usize::from(!good)] {
            self.emit_waiting(good, out);
            return emit_as_call(attempt, out);
        }
        if self.waiting.len() == MAX_WAITING
            && let Some(oldest) = self.waiting.pop_front()
        {
            emit_as_call(oldest, out);
        }
        self.waiting.push_back(attempt);
    }

    /// Emits the good or the failed attempts that wait.
    fn emit_waiting(&mut self, good: bool, out: &mut impl FnMut(&mut Observation)) {
        let wanted = if good { Outcome::Success } else { Outcome::Error };
        let (emitted, rest) = self.waiting.drain(..).partition::<VecDeque<_>, _>(|attempt| attempt.outcome == wanted);
        self.waiting = rest;
        for attempt in emitted {
            emit_as_call(attempt, out);
        }
    }

    /// Emits attempts that have waited long enough.
    pub(super) fn release(&mut self, now: Timestamp, out: &mut impl FnMut(&mut Observation)) {
        for good in [true, false] {
            let (wanted, wait) = if good { (Outcome::Success, SUCCESS_WAIT) } else { (Outcome::Error, ERROR_WAIT) };
            let oldest = self.waiting.iter().find(|attempt| attempt.outcome == wanted);
            if oldest.is_some_and(|attempt| now.since(attempt.at) > wait) {
                self.are_calls[usize::from(!good)] = true;
                self.emit_waiting(good, out);
            }
        }
    }

    /// Emits every attempt that waits.
    pub(super) fn finish(&mut self, out: &mut impl FnMut(&mut Observation)) {
        for attempt in self.waiting.drain(..) {
            emit_as_call(attempt, out);
        }
    }
}

fn emit_as_call(mut attempt: Observation, out: &mut impl FnMut(&mut Observation)) {
    attempt.grain = Grain::Call;
    out(&mut attempt);
}
