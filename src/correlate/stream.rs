//! What one stream's earlier lines say about its later ones.

use super::STREAM_MEMORY;
use super::attempts::Attempts;
use super::context::{ProviderContext, SAME_CALL};
use super::duplicates::Duplicates;
use super::failures::{Failures, Placement, Try};
use super::habits::Habits;
use super::provenance::Provenance;
use super::told::{Teller, Told, hash_of};
use super::told_twice::ToldTwice;
use super::traces::Traces;
use crate::classify::{Judgement, Role, Traffic, Verdict};
use crate::observation::Observation;
use crate::taxonomy::{Grain, Outcome, Provider, string_enum};
use crate::time::Timestamp;

string_enum! {
    /// What the records of a source are, by configuration.
    GrainRule {
        /// Inferred from each record.
        Auto = "auto",
        /// Every record is a call.
        Call = "call",
        /// Every record is one try inside a call.
        Attempt = "attempt",
    }
}

/// The calls of one stream.
#[derive(Debug, Default)]
pub struct StreamCalls {
    pub(super) rule: Option<GrainRule>,
    /// The latest record of an LLM call.
    pub(super) llm_at: Option<Timestamp>,
    /// The latest answer that an HTTP client logged.
    pub(super) transport_at: Option<Timestamp>,
    /// Good answers that an HTTP client logged and no access line has passed on yet.
    pub(super) unserved: u32,
    pub(super) attempts: Attempts,
    pub(super) context: ProviderContext,
    pub(super) failures: Failures,
    pub(super) traces: Traces,
    pub(super) told: ToldTwice,
    pub(super) habits: Habits,
}

impl StreamCalls {
    /// For a stream with this rule.
    #[must_use]
    pub fn new(rule: GrainRule) -> Self {
        Self { rule: Some(rule), ..Self::default() }
    }

    /// Uses another rule from now on.
    pub fn set_rule(&mut self, rule: GrainRule) {
        self.rule = Some(rule);
    }

    /// Completes a verdict from earlier lines of the stream, and decides its grain. The result is for [`Self::count`].
    pub fn complete(
        &mut self,
        verdict: &mut Verdict<'_>,
        provenance: Provenance<'_>,
        traffic: Traffic,
        duplicates: &mut Duplicates,
    ) -> Placement {
        let at = provenance.at;
        self.failures.next_record();
        let judgement = &mut verdict.judgement;
        let within_memory = |then: Option<Timestamp>| then.is_some_and(|then| at.since(then) < STREAM_MEMORY);
        if judgement.role == Role::RetryNotice {
            if within_memory(self.transport_at) {
                // The call continues: however long the SDK waits, the failed attempt never counts as a call.
                self.attempts.forget_latest_failure();
            } else {
                judgement.outcome = Outcome::Error;
            }
        }
        if judgement.role == Role::RetryWait {
            self.take_back(at, provenance.timed);
            return Placement::None;
        }
        if judgement.doubtful && traffic == Traffic::Mixed && within_memory(self.llm_at) {
            judgement.outcome = Outcome::Error;
            judgement.doubtful = false;
        }
        if judgement.habit.is_some_and(|habit| self.habits.reports_success(habit)) {
            (judgement.outcome, judgement.grain) = (Outcome::Success, Grain::Call);
        }
        if judgement.withdraws {
            judgement.withdraws = self.attempts.withdraw_answer(at);
        }
        self.context.complete(verdict, at);
        let judgement = &mut verdict.judgement;
        // A client of any service logs its answers so.
        if judgement.role == Role::Answer && traffic == Traffic::Mixed && !self.context.answers_llm(at) {
            judgement.outcome = Outcome::Other;
        }
        if let Some(chain) = judgement.chain.filter(|_| judgement.outcome != Outcome::Other && judgement.grain != Grain::Detail)
            && self.is_told(chain, judgement)
        {
            judgement.grain = Grain::Detail;
            return Placement::None;
        }
        let ends = judgement.role == Role::RetryEnd || judgement.outcome != Outcome::Other && judgement.grain == Grain::Call;
        if let Some(chain) = judgement.chain.filter(|_| ends) {
            self.attempts.end_chain(chain);
        }
        if judgement.outcome == Outcome::Other {
            return Placement::None;
        }
        if judgement.role == Role::Transport {
            self.transport_at = Some(at);
            self.unserved = self.unserved.saturating_add(u32::from(judgement.outcome == Outcome::Success));
        }
        match self.rule {
            Some(GrainRule::Call) if judgement.grain == Grain::Attempt => judgement.grain = Grain::Call,
            Some(GrainRule::Attempt) if judgement.grain == Grain::Call => judgement.grain = Grain::Attempt,
            _ => {}
        }
        if judgement.provider != Provider::UNKNOWN {
            self.llm_at = Some(at);
        }
        let told = (judgement.outcome == Outcome::Error).then(|| Told::of(verdict, provenance)).flatten();
        let is_repeat = self.is_repeat(verdict, at, duplicates) || self.is_passed_on(&verdict.judgement, at);
        if is_repeat {
            verdict.judgement.grain = Grain::Detail;
        }
        if let Some(told) = told {
            return self.place(told, is_repeat, &mut verdict.judgement.grain);
        }
        if verdict.judgement.outcome == Outcome::Success {
            self.failures.note_success();
            if verdict.judgement.provisional && verdict.judgement.grain == Grain::Call {
                return Placement::Answer;
            }
        }
        let Some(next) = retry_of(verdict) else { return Placement::None };
        if let Some(layer) = verdict.judgement.layer.as_deref() {
            self.failures.take_try(layer, at);
        }
        Placement::Retry(next)
    }

    /// Whether other records with this id have told of the call. What sums up others says nothing about the next of its kind.
    fn is_told(&mut self, chain: u64, judgement: &Judgement) -> bool {
        if judgement.repeats {
            self.told.knows(chain)
        } else {
            self.told.is_repeat(chain, judgement.span.is_some_and(|span| span.kind.is_span()))
        }
    }

    /// What just failed is tried again: the failure is a try, and what follows decides its call.
    fn take_back(&mut self, at: Timestamp, timed: bool) {
        if let Some((seen, head)) = self.failures.take_latest(at, timed) {
            self.attempts.wait_for_next(seen, Try { chain: head, number: None, decides: false });
        }
    }

    /// Whether another record counts the same call, by the ids of both.
    fn is_repeat(&mut self, verdict: &Verdict<'_>, at: Timestamp, duplicates: &mut Duplicates) -> bool {
        let Verdict { texts, judgement } = verdict;
        if judgement.grain == Grain::Detail {
            return false;
        }
        let is_inner = judgement.span.is_some_and(|span| self.traces.is_repeat(span, judgement.outcome));
        let id = texts.call_id.as_deref().or(texts.request_id.as_deref());
        is_inner || id.is_some_and(|id| duplicates.is_repeat(id, judgement.outcome, judgement.grain, at))
    }

    /// Whether a server's good answer is the one that its HTTP client has just logged: a relay writes both.
    fn is_passed_on(&mut self, judgement: &Judgement, at: Timestamp) -> bool {
        if (judgement.role, judgement.outcome, judgement.grain) != (Role::Access, Outcome::Success, Grain::Attempt) {
            return false;
        }
        if self.transport_at.is_none_or(|then| at.since(then) > SAME_CALL) {
            self.unserved = 0;
        }
        let is_passed_on = self.unserved > 0;
        self.unserved = self.unserved.saturating_sub(1);
        is_passed_on
    }

    /// Finds the failure that a record tells of. What an application tells again is a detail; the application's record of what only a library
    /// or an access line told is the call.
    fn place(&mut self, told: Told, is_repeat: bool, grain: &mut Grain) -> Placement {
        let teller = told.teller;
        if teller == Teller::Application {
            self.habits.note_failure(told.layer.as_ref().map_or(0, |layer| layer.writer));
        }
        if teller == Teller::Library && self.attempts.awaits_next_try(told.at) {
            return Placement::None;
        }
        let told = Told { teller: if is_repeat { Teller::Repeat } else { teller }, ..told };
        let (placement, is_first) = self.failures.place(&told);
        match placement {
            Placement::Joins(..) if !is_first && *grain == Grain::Call => *grain = Grain::Detail,
            Placement::Opens if matches!(teller, Teller::Application | Teller::Access | Teller::Library) => {
                self.attempts.note_failed_call(told.at);
            }
            _ => {}
        }
        placement
    }

    /// Takes a completed observation with its placement and emits what now counts as a call: the observation itself if it is a call,
    /// failures that were held, and attempts of a stream that writes no records of calls.
    pub fn count(
        &mut self,
        observation: Observation,
        placement: Placement,
        now: Timestamp,
        out: &mut impl FnMut(&mut Observation),
    ) {
        let announces = match placement {
            Placement::None => Some(None),
            Placement::Retry(this) => Some(Some(this)),
            Placement::Answer => return self.attempts.hold_answer(observation, out),
            Placement::Opens | Placement::Joins(..) => None,
        };
        if let Some(announces) = announces {
            return self.attempts.count(observation, announces, self.rule == Some(GrainRule::Attempt), out);
        }
        let at = observation.at;
        self.failures.hold(observation, placement, now, &mut |mut failure| out(&mut failure));
        self.attempts.release(at, out);
    }

    /// When the next failure that is held counts.
    #[must_use]
    pub fn due(&self) -> Option<Timestamp> {
        self.failures.due
    }

    /// Emits failures that were held long enough.
    pub fn release_failures(&mut self, now: Timestamp, out: &mut impl FnMut(&mut Observation)) {
        let Self { failures, attempts, .. } = self;
        failures.release(now, &mut |mut failure| {
            attempts.note_failed_call(failure.at);
            out(&mut failure);
        });
    }

    /// Emits attempts that have waited long enough, as calls.
    pub fn release_attempts(&mut self, now: Timestamp, out: &mut impl FnMut(&mut Observation)) {
        self.attempts.release(now, out);
    }

    /// The stream has ended: emits every failure and every attempt that still waits, as a call.
    pub fn finish(&mut self, out: &mut impl FnMut(&mut Observation)) {
        self.release_failures(Timestamp::MAX, out);
        self.attempts.finish(out);
    }
}

/// What a failed attempt that announces another try has in common with the other attempts of its call: an id, else who wrote it and the
/// model.
fn retry_of(verdict: &Verdict<'_>) -> Option<Try> {
    let judgement = &verdict.judgement;
    let is_notice = judgement.outcome == Outcome::Error && judgement.grain == Grain::Attempt && judgement.role == Role::Report;
    let writer = || judgement.layer.as_ref().map(|layer| hash_of(&(layer.head, verdict.model_text())));
    let chain = judgement.chain.or_else(writer).filter(|_| is_notice)?;
    Some(Try { chain, number: judgement.attempt, decides: judgement.decides })
}
