//! What one stream's earlier lines say about its later ones.

use super::STREAM_MEMORY;
use super::attempts::Attempts;
use super::context::ProviderContext;
use super::duplicates::Duplicates;
use crate::classify::{Role, Traffic, Verdict};
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
    pub(super) attempts: Attempts,
    pub(super) context: ProviderContext,
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

    /// Completes a verdict from earlier lines of the stream, and decides its grain.
    pub fn complete(&mut self, verdict: &mut Verdict<'_>, at: Timestamp, traffic: Traffic, duplicates: &mut Duplicates) {
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
        if judgement.doubtful && traffic == Traffic::Mixed && within_memory(self.llm_at) {
            judgement.outcome = Outcome::Error;
            judgement.doubtful = false;
        }
        self.context.complete(verdict, at);
        let Verdict { texts, judgement } = verdict;
        if judgement.outcome == Outcome::Other {
            return;
        }
        if judgement.role == Role::Transport {
            self.transport_at = Some(at);
        }
        match self.rule {
            Some(GrainRule::Call) if judgement.grain == Grain::Attempt => judgement.grain = Grain::Call,
            Some(GrainRule::Attempt) if judgement.grain == Grain::Call => judgement.grain = Grain::Attempt,
            _ => {}
        }
        if judgement.provider != Provider::UNKNOWN {
            self.llm_at = Some(at);
        }
        let id = texts.call_id.as_deref().or(texts.request_id.as_deref());
        if let Some(id) = id.filter(|_| judgement.grain != Grain::Detail)
            && duplicates.is_repeat(id, judgement.outcome, judgement.grain, at)
        {
            judgement.grain = Grain::Detail;
        }
    }

    /// Takes a completed observation and emits what now counts as a call: the observation itself if it is a call, and attempts of a
    /// stream that writes no records of calls.
    pub fn count(&mut self, observation: Observation, out: &mut impl FnMut(&mut Observation)) {
        self.attempts.count(observation, self.rule == Some(GrainRule::Attempt), out);
    }

    /// Emits attempts that have waited long enough, as calls.
    pub fn release(&mut self, now: Timestamp, out: &mut impl FnMut(&mut Observation)) {
        self.attempts.release(now, out);
    }

    /// The stream has ended: emits every attempt that still waits, as a call.
    pub fn finish(&mut self, out: &mut impl FnMut(&mut Observation)) {
        self.attempts.finish(out);
    }
}
