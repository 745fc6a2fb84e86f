//! Attempts that wait for the record of their call. In a stream without records of calls, each attempt is counted as a call.

use super::STREAM_MEMORY;
use super::failures::Try;
use crate::observation::Observation;
use crate::taxonomy::{Confidence, Grain, Outcome, Status};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// How long a failed attempt waits for the record of its call.
const ERROR_WAIT: Duration = Duration::from_secs(5);
/// How long a failed attempt waits that announced another try.
const RETRY_WAIT: Duration = Duration::from_mins(10);
/// How long a failed try waits for the next one, where the last decides and such a failure is tried again.
const NEXT_WAIT: Duration = Duration::from_mins(2);
/// How long a good attempt waits for the record of its call.
const SUCCESS_WAIT: Duration = Duration::from_secs(30);
/// How long an answer waits for the record that takes it back.
const ANSWER_WAIT: Duration = Duration::from_secs(5);
/// Good attempts without a good call, after which a stream is known to write no records of calls.
const ENOUGH: usize = 8;
/// How long after an HTTP client's line its caller announces the next try.
const SAME_TRY: Duration = Duration::from_secs(2);
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
    pub(super) waiting: VecDeque<Waiting>,
}

/// An attempt that waits for the record of its call.
#[derive(Debug)]
pub(super) struct Waiting {
    pub(super) seen: Observation,
    /// Set if it announced another attempt.
    pub(super) announces: Option<Try>,
}

impl Waiting {
    fn failed(&self) -> bool {
        self.seen.outcome == Outcome::Error
    }

    /// Whether a later try, which announces another one, is of the same call and decides it. Of several calls that are tried at the same
    /// time, the numbers say which continues.
    fn is_before(&self, next: Try) -> bool {
        self.announces.is_some_and(|this| {
            let follows = || this.number.zip(next.number).is_none_or(|(number, next)| number < next);
            this.chain == next.chain && (this.decides || follows())
        })
    }

    /// Whether it waits for the next try of its own call only.
    fn decides(&self) -> bool {
        self.announces.is_some_and(|this| this.decides)
    }

    /// Whether it is the record of a call that worked, which a later record may take back.
    fn is_answer(&self) -> bool {
        self.seen.grain == Grain::Call
    }

    /// Whether it waits for the record of its call only.
    fn is_plain(&self) -> bool {
        self.announces.is_none() && !self.is_answer()
    }

    /// How long it waits for the next try.
    fn retry_wait(&self) -> Duration {
        let is_final = matches!(self.seen.upstream_status.or(self.seen.status), Some(Status::Http(400..=407 | 410..=422)));
        match (self.decides(), is_final) {
            (false, _) => RETRY_WAIT,
            (true, true) => ERROR_WAIT,
            (true, false) => NEXT_WAIT,
        }
    }

    /// Whether it is the line of an HTTP client about the try that this notice announces to repeat.
    fn is_answer_to(&self, notice: &Self) -> bool {
        let seen = &self.seen;
        let agree = seen.status.zip(notice.seen.status).is_none_or(|(answer, notice)| answer == notice);
        // A line that knows only the status announces nothing.
        let is_bare = self
            .announces
            .zip(notice.announces)
            .is_none_or(|(this, notice)| this.chain != notice.chain && seen.confidence == Confidence::Status);
        self.failed() && is_bare && agree && notice.seen.at.since(seen.at) <= SAME_TRY
    }
}

impl Attempts {
    /// Removes the latest failed attempt: its call continues.
    pub(super) fn forget_latest_failure(&mut self) {
        if let Some(at) = self.waiting.iter().rposition(|attempt| attempt.failed() && !attempt.decides()) {
            self.waiting.remove(at);
        }
    }

    /// Whether a failed try was just told of that decides its call, unless another try follows.
    pub(super) fn awaits_next_try(&self, at: Timestamp) -> bool {
        self.waiting.iter().any(|attempt| attempt.failed() && attempt.decides() && at.since(attempt.seen.at) <= SAME_TRY)
    }

    /// The call of these attempts has ended.
    pub(super) fn end_chain(&mut self, chain: u64) {
        self.waiting.retain(|attempt| attempt.announces.is_none_or(|this| this.chain != chain));
    }

    /// Takes an attempt, or the record of a call that worked. `announces`: see [`Waiting`].
    pub(super) fn count(
        &mut self,
        mut seen: Observation,
        announces: Option<Try>,
        never_calls: bool,
        out: &mut impl FnMut(&mut Observation),
    ) {
        let at = seen.at;
        match (seen.outcome, seen.grain) {
            (Outcome::Success, Grain::Call) => {
                self.note_good_call(at);
                out(&mut seen);
            }
            (Outcome::Success | Outcome::Error, Grain::Attempt) if !never_calls => self.add(Waiting { seen, announces }, out),
            _ => {}
        }
        self.release(at, out);
    }

    fn note_good_call(&mut self, at: Timestamp) {
        self.good_call_at = Some(at);
        self.good_since_call = 0;
        self.are_calls = [false; 2];
        self.waiting.retain(|attempt| attempt.decides() || attempt.is_answer());
    }

    /// Takes the record of a call that worked, which a later record may take back.
    pub(super) fn hold_answer(&mut self, seen: Observation, out: &mut impl FnMut(&mut Observation)) {
        let at = seen.at;
        self.note_good_call(at);
        self.make_room(out);
        self.waiting.push_back(Waiting { seen, announces: None });
        self.release(at, out);
    }

    /// The answer just before this time was bad. Returns whether one was taken back.
    pub(super) fn withdraw_answer(&mut self, at: Timestamp) -> bool {
        let is_before =
            |attempt: &Waiting| attempt.is_answer() && attempt.seen.at <= at && at.since(attempt.seen.at) <= SAME_TRY;
        let before = self.waiting.iter().enumerate().filter(|(_, attempt)| is_before(attempt));
        let latest = before.max_by_key(|(_, attempt)| attempt.seen.at).map(|(place, _)| place);
        latest.is_some_and(|place| self.waiting.remove(place).is_some())
    }

    /// A call failed: the failed attempts that wait are of that call.
    pub(super) fn note_failed_call(&mut self, at: Timestamp) {
        self.bad_call_at = self.bad_call_at.max(Some(at));
        self.are_calls[1] = false;
        self.waiting.retain(|attempt| !attempt.failed() || attempt.decides());
    }

    /// Keeps a failure that is tried again until a call of the stream ends, or until no next try is seen.
    pub(super) fn wait_for_next(&mut self, mut seen: Observation, announces: Try) {
        seen.grain = Grain::Attempt;
        if self.waiting.len() < MAX_WAITING {
            self.waiting.push_back(Waiting { seen, announces: Some(announces) });
        }
    }

    fn add(&mut self, attempt: Waiting, out: &mut impl FnMut(&mut Observation)) {
        let (good, at) = (!attempt.failed(), attempt.seen.at);
        // A stream that logs good calls logs failed calls too: there, a failed attempt was followed by a good one.
        let call_at = if good { self.good_call_at } else { self.good_call_at.max(self.bad_call_at) };
        let decides = attempt.decides();
        if !decides && call_at.is_some_and(|then| at.since(then) < STREAM_MEMORY) {
            return;
        }
        if decides {
            // What HTTP clients tell of the same tries.
            self.note_failed_call(at);
        }
        let replaced = match attempt.announces {
            Some(next) => {
                if let Some(answer) = self.waiting.iter().rposition(|earlier| earlier.is_answer_to(&attempt)) {
                    self.waiting.remove(answer);
                }
                self.waiting.iter().position(|earlier| earlier.is_before(next))
            }
            None if good => self.waiting.iter().position(|earlier| earlier.announces.is_some() && !earlier.decides()),
            None => None,
        };
        if let Some(replaced) = replaced {
            self.waiting.remove(replaced);
        }
        self.good_since_call += usize::from(good);
        if good && self.good_since_call >= ENOUGH {
            self.are_calls[0] = true;
        }
        if self.are_calls[usize::from(!good)] && attempt.announces.is_none() {
            self.emit_waiting(good, out);
            return emit_as_call(attempt, out);
        }
        self.make_room(out);
        self.waiting.push_back(attempt);
    }

    fn make_room(&mut self, out: &mut impl FnMut(&mut Observation)) {
        if self.waiting.len() == MAX_WAITING
            && let Some(oldest) = self.waiting.pop_front()
        {
            emit_as_call(oldest, out);
        }
    }

    /// Emits the good or the failed attempts that wait and announced no other try.
    fn emit_waiting(&mut self, good: bool, out: &mut impl FnMut(&mut Observation)) {
        self.emit_if(|attempt| attempt.failed() != good && attempt.is_plain(), out);
    }

    fn emit_if(&mut self, is_emitted: impl Fn(&Waiting) -> bool, out: &mut impl FnMut(&mut Observation)) {
        let (emitted, rest) = self.waiting.drain(..).partition::<VecDeque<_>, _>(is_emitted);
        self.waiting = rest;
        for attempt in emitted {
            emit_as_call(attempt, out);
        }
    }

    /// Emits attempts that have waited long enough.
    pub(super) fn release(&mut self, now: Timestamp, out: &mut impl FnMut(&mut Observation)) {
        for good in [true, false] {
            let wait = if good { SUCCESS_WAIT } else { ERROR_WAIT };
            let oldest = self.waiting.iter().find(|attempt| attempt.failed() != good && attempt.is_plain());
            if oldest.is_some_and(|attempt| now.since(attempt.seen.at) > wait) {
                self.are_calls[usize::from(!good)] = true;
                self.emit_waiting(good, out);
            }
        }
        // The next try was never seen, or the answer was not taken back.
        let is_over = |attempt: &Waiting| match attempt.announces {
            Some(_) => now.since(attempt.seen.at) > attempt.retry_wait(),
            None => attempt.is_answer() && now.since(attempt.seen.at) > ANSWER_WAIT,
        };
        if self.waiting.iter().any(is_over) {
            self.emit_if(is_over, out);
        }
    }

    /// Emits every attempt that waits.
    pub(super) fn finish(&mut self, out: &mut impl FnMut(&mut Observation)) {
        for attempt in self.waiting.drain(..) {
            emit_as_call(attempt, out);
        }
    }
}

fn emit_as_call(mut attempt: Waiting, out: &mut impl FnMut(&mut Observation)) {
    attempt.seen.grain = Grain::Call;
    out(&mut attempt.seen);
}
