//! What needs neighbours: which records are one call, which line counts it, and what an earlier line of the same call said.
//!
//! Sequential per stream. Duplicates are known across streams.

mod state;

pub use state::CorrelateState;

use crate::classify::{Attribution, Role, Traffic, Verdict};
use crate::observation::{Name, Observation};
use crate::taxonomy::{Grain, Outcome, Provider, Status, string_enum};
use crate::time::Timestamp;
use rustc_hash::{FxHashMap, FxHasher};
use std::collections::VecDeque;
use std::hash::{Hash, Hasher};
use std::time::Duration;

string_enum! {
    /// What the records of a source are, settled by hand.
    GrainRule {
        /// Told by shape.
        Auto = "auto",
        /// Every record is a call.
        Call = "call",
        /// Every record is one try inside a call.
        Attempt = "attempt",
    }
}

/// Two records with the same id and grain within this span are one.
const DUPLICATE_SPAN: Duration = Duration::from_mins(10);
/// The most ids that are remembered; the oldest go first.
const DUPLICATE_IDS: usize = 65_536;
/// How long after an HTTP client's line the application's own line may come and still be about that answer.
const SAME_CALL: Duration = Duration::from_secs(2);
/// And how many records may stand between the two: clients log concurrently, and some lines have no time.
const NEAR: u32 = 12;
/// Answers of one host, and of no other, after which a stream is known to call only that one.
const SETTLED: u32 = 3;
/// How long a stream in which an LLM was called counts as one that calls LLMs.
const STREAM_MEMORY: Duration = Duration::from_hours(1);
/// How long a failed attempt waits for the record of its call before it counts as a call, and a good one.
const ERROR_HOLD: Duration = Duration::from_secs(5);
const SUCCESS_HOLD: Duration = Duration::from_secs(30);
/// Good attempts without any good call after which a stream is known to write none.
const ENOUGH: usize = 8;
/// Attempts that wait, at most; beyond, the oldest is counted.
const HELD: usize = 64;
/// Models whose provider a stream has told.
const MODELS: usize = 32;

/// Ids of calls and attempts that were counted lately, across all streams.
#[derive(Debug, Default)]
pub struct Duplicates {
    seen: FxHashMap<u64, Timestamp>,
    order: VecDeque<(Timestamp, u64)>,
}

impl Duplicates {
    /// Whether a record with this id and grain was counted in the ten minutes before; if not, it is from now on.
    fn is_repeat(&mut self, id: &str, outcome: Outcome, grain: Grain, at: Timestamp) -> bool {
        let mut hasher = FxHasher::default();
        (id, outcome, grain).hash(&mut hasher);
        let key = hasher.finish();
        while let Some((then, old)) = self.order.front().copied() {
            if at.since(then) <= DUPLICATE_SPAN && self.order.len() < DUPLICATE_IDS {
                break;
            }
            self.order.pop_front();
            if self.seen.get(&old) == Some(&then) {
                self.seen.remove(&old);
            }
        }
        let repeat =
            self.seen.get(&key).is_some_and(|then| at.since(*then) <= DUPLICATE_SPAN && then.since(at) <= DUPLICATE_SPAN);
        if !repeat {
            self.seen.insert(key, at);
            self.order.push_back((at, key));
        }
        repeat
    }

    /// What to remember over a restart: hash, and microseconds since the epoch.
    #[must_use]
    pub fn state(&self) -> Vec<(u64, i64)> {
        self.order.iter().map(|(at, key)| (*key, at.as_micros())).collect()
    }

    /// Takes up what [`Self::state`] gave.
    pub fn restore(&mut self, state: &[(u64, i64)]) {
        for (key, micros) in state.iter().take(DUPLICATE_IDS) {
            let at = Timestamp::from_micros(*micros);
            self.seen.insert(*key, at);
            self.order.push_back((at, *key));
        }
    }
}

/// What one stream's earlier lines tell about its later ones.
#[derive(Debug, Default)]
pub struct StreamCalls {
    rule: Option<GrainRule>,
    good_call_at: Option<Timestamp>,
    bad_call_at: Option<Timestamp>,
    llm_at: Option<Timestamp>,
    transport_at: Option<Timestamp>,
    /// Good attempts since the last good call.
    good_attempts: usize,
    /// It was found to write attempts only.
    attempts_are_calls: [bool; 2],
    held: VecDeque<Observation>,
    last: Option<Context>,
    /// Providers that HTTP clients' lines of this stream named, with the time of the latest.
    hosts: Vec<(Provider, Timestamp)>,
    answers: u32,
    since_last: u32,
    models: VecDeque<(Name, Provider)>,
    /// The relay through which models called `vendor/model` are asked for.
    relay: Option<(Provider, Timestamp)>,
    /// The provider that the records of this stream name, and how many did since it is the only one.
    sole: Option<(Provider, u32)>,
    /// When they last named another.
    mixed_at: Option<Timestamp>,
}

/// The latest line that said whose service is called.
#[derive(Clone, Copy, Debug)]
struct Context {
    at: Timestamp,
    provider: Provider,
}

impl StreamCalls {
    /// For a stream whose source has this rule.
    #[must_use]
    pub fn new(rule: GrainRule) -> Self {
        Self { rule: Some(rule), ..Self::default() }
    }

    /// Completes a verdict from what the stream said before, and settles its grain.
    pub fn complete(&mut self, verdict: &mut Verdict<'_>, at: Timestamp, traffic: Traffic, duplicates: &mut Duplicates) {
        if verdict.judgement.role == Role::RetryNotice {
            if self.transport_at.is_none_or(|then| at.since(then) >= STREAM_MEMORY) {
                verdict.judgement.outcome = Outcome::Error;
            } else if let Some(tried) = self.held.iter().rposition(|it| it.outcome == Outcome::Error) {
                // Its call goes on: however long the SDK waits, this attempt never stands for one.
                self.held.remove(tried);
            }
        }
        if verdict.judgement.doubtful
            && traffic == Traffic::Mixed
            && self.llm_at.is_some_and(|then| at.since(then) < STREAM_MEMORY)
        {
            verdict.judgement.outcome = Outcome::Error;
            verdict.judgement.doubtful = false;
        }
        self.carry_over(verdict, at);
        if verdict.judgement.outcome == Outcome::Other {
            return;
        }
        match self.rule {
            Some(GrainRule::Call) if verdict.judgement.grain == Grain::Attempt => verdict.judgement.grain = Grain::Call,
            Some(GrainRule::Attempt) if verdict.judgement.grain == Grain::Call => verdict.judgement.grain = Grain::Attempt,
            _ => {}
        }
        if verdict.judgement.provider != Provider::UNKNOWN {
            self.llm_at = Some(at);
        }
        let id = verdict.texts.call_id.as_deref().or(verdict.texts.request_id.as_deref());
        if let Some(id) = id.filter(|_| verdict.judgement.grain != Grain::Detail)
            && duplicates.is_repeat(id, verdict.judgement.outcome, verdict.judgement.grain, at)
        {
            verdict.judgement.grain = Grain::Detail;
        }
    }

    /// A connection that fails where a relay is called by vendors' models is the relay's.
    fn through_relay(&mut self, verdict: &mut Verdict<'_>, at: Timestamp) {
        if !verdict.texts.model.as_deref().is_some_and(|it| it.contains('/')) {
            return;
        }
        if let Some(relay) = verdict.judgement.relay {
            self.relay = Some((relay, at));
        }
        let unanswered = matches!(verdict.judgement.status, Some(Status::Connection | Status::Timeout));
        if let Some((relay, _)) = self.relay.filter(|(_, then)| at.since(*then) < STREAM_MEMORY)
            && verdict.judgement.outcome == Outcome::Error
            && unanswered
            && verdict.judgement.provider_by == Some(Attribution::Model)
        {
            (verdict.judgement.provider, verdict.judgement.provider_by) = (relay, Some(Attribution::Context));
        }
    }

    fn carry_over(&mut self, verdict: &mut Verdict<'_>, at: Timestamp) {
        self.through_relay(verdict, at);
        self.note_named(verdict, at);
        self.since_last = self.since_last.saturating_add(1);
        let certain =
            matches!(verdict.judgement.provider_by, Some(Attribution::Host | Attribution::Field | Attribution::Wrapper));
        if verdict.judgement.role == Role::Transport && verdict.judgement.outcome != Outcome::Other {
            self.transport_at = Some(at);
        }
        if certain && verdict.judgement.provider != Provider::UNKNOWN {
            let outgoing = matches!(verdict.judgement.role, Role::Transport | Role::Request);
            if outgoing {
                self.answers = self.answers.saturating_add(1);
                self.since_last = 0;
                self.hosts.retain(|(it, _)| *it != verdict.judgement.provider);
                self.hosts.push((verdict.judgement.provider, at));
                if self.hosts.len() > 8 {
                    self.hosts.remove(0);
                }
            }
            // Behind a relay, the next call for the same model may go elsewhere.
            if verdict.judgement.relay.is_none() {
                self.learn(verdict.model_text(), verdict.judgement.provider);
            }
            if outgoing {
                self.last = Some(Context { at, provider: verdict.judgement.provider });
            }
            return;
        }
        // A class of a cloud's own SDK, where the model has a name of the vendor's.
        if verdict.judgement.provider_by == Some(Attribution::Namespace)
            && !verdict.judgement.is_sdks
            && verdict.judgement.relay.is_none()
        {
            self.learn(verdict.model_text(), verdict.judgement.provider);
        }
        let model = Name::new(verdict.model_text());
        let known = self.models.iter().find(|(name, _)| *name == model && !model.is_empty()).map(|(_, provider)| *provider);
        let took = Duration::from_secs_f64(verdict.judgement.latency_s.unwrap_or(0.0).clamp(0.0, 600.0));
        let lately = self.last.filter(|it| self.since_last <= NEAR && at.since(it.at) <= SAME_CALL + took);
        // A model's name is a weak sign where this stream never called the provider that it points to.
        let seen = |provider: Provider| self.hosts.iter().any(|(it, then)| *it == provider && at.since(*then) < STREAM_MEMORY);
        let weak = verdict.judgement.provider == Provider::UNKNOWN
            || matches!(
                verdict.judgement.provider_by,
                Some(Attribution::Model | Attribution::Namespace | Attribution::Wording)
            ) && !seen(verdict.judgement.provider);
        if !weak {
            return;
        }
        let only = match self.hosts.as_slice() {
            [(provider, then)] if self.answers >= SETTLED && at.since(*then) < STREAM_MEMORY => Some(*provider),
            _ => None,
        };
        let unknown = verdict.judgement.provider == Provider::UNKNOWN;
        let sole = self.sole(at).filter(|_| {
            is_guessed(verdict) && verdict.judgement.outcome == Outcome::Error && verdict.judgement.gateway.is_none()
        });
        let found = known.or_else(|| lately.map(|it| it.provider)).or(only.filter(|_| unknown)).or(sole);
        if let Some(found) = found.filter(|it| *it != verdict.judgement.provider) {
            verdict.judgement.provider = found;
            verdict.judgement.provider_by = Some(Attribution::Context);
            if lately.is_some_and(|it| it.provider == found) {
                self.learn(model.as_str(), found);
            }
        }
    }

    /// Counts the records in a row that name one and the same provider.
    fn note_named(&mut self, verdict: &Verdict<'_>, at: Timestamp) {
        if is_guessed(verdict)
            || matches!(verdict.judgement.provider_by, Some(Attribution::Context | Attribution::Pattern))
            || verdict.judgement.provider == Provider::UNKNOWN
            || verdict.judgement.outcome == Outcome::Other
        {
            return;
        }
        self.sole = match self.sole {
            Some((provider, count)) if provider == verdict.judgement.provider => Some((provider, count.saturating_add(1))),
            Some(_) => {
                self.mixed_at = Some(at);
                Some((verdict.judgement.provider, 1))
            }
            None => Some((verdict.judgement.provider, 1)),
        };
    }

    /// The one provider that this stream calls, as far as it tells.
    fn sole(&self, at: Timestamp) -> Option<Provider> {
        let settled = self.mixed_at.is_none_or(|then| at.since(then) >= STREAM_MEMORY);
        self.sole.filter(|(_, count)| settled && *count >= SETTLED).map(|(provider, _)| provider)
    }

    fn learn(&mut self, model: &str, provider: Provider) {
        if model.is_empty() || self.models.iter().any(|(name, of)| *of == provider && name.as_str() == model) {
            return;
        }
        let model = Name::new(model);
        self.models.retain(|(name, _)| *name != model);
        if self.models.len() == MODELS {
            self.models.pop_front();
        }
        self.models.push_back((model, provider));
    }

    /// Takes a completed observation and gives out what counts as a call because of it: the observation itself where it is a
    /// call's, and attempts of a stream that writes no records of calls.
    pub fn count(&mut self, mut observation: Observation, out: &mut impl FnMut(&mut Observation)) {
        let at = observation.at;
        match (observation.outcome, observation.grain) {
            (Outcome::Success, Grain::Call) => {
                self.good_call_at = Some(at);
                self.good_attempts = 0;
                self.attempts_are_calls = [false; 2];
                self.held.clear();
                out(&mut observation);
            }
            (Outcome::Error, Grain::Call) => {
                self.bad_call_at = Some(at);
                self.attempts_are_calls[1] = false;
                self.held.retain(|it| it.outcome != Outcome::Error);
                out(&mut observation);
            }
            (Outcome::Success | Outcome::Error, Grain::Attempt) if self.rule != Some(GrainRule::Attempt) => {
                self.attempt(observation, out);
            }
            _ => {}
        }
        self.release(at, out);
    }

    fn attempt(&mut self, observation: Observation, out: &mut impl FnMut(&mut Observation)) {
        let good = observation.outcome == Outcome::Success;
        // Whoever writes down the calls that worked writes down those that failed: there, a failed attempt was made up for.
        let written_at = if good { self.good_call_at } else { self.good_call_at.max(self.bad_call_at) };
        if written_at.is_some_and(|then| observation.at.since(then) < STREAM_MEMORY) {
            return;
        }
        self.good_attempts += usize::from(good);
        if good && self.good_attempts >= ENOUGH {
            self.attempts_are_calls[0] = true;
        }
        if self.attempts_are_calls[usize::from(!good)] {
            self.held_of(good, out);
            return as_call(observation, out);
        }
        if self.held.len() == HELD
            && let Some(oldest) = self.held.pop_front()
        {
            as_call(oldest, out);
        }
        self.held.push_back(observation);
    }

    fn held_of(&mut self, good: bool, out: &mut impl FnMut(&mut Observation)) {
        let wanted = if good { Outcome::Success } else { Outcome::Error };
        let (go, stay) = self.held.drain(..).partition::<VecDeque<_>, _>(|it| it.outcome == wanted);
        self.held = stay;
        go.into_iter().for_each(|it| as_call(it, out));
    }

    /// Attempts that have waited long enough count as calls.
    pub fn release(&mut self, now: Timestamp, out: &mut impl FnMut(&mut Observation)) {
        for good in [true, false] {
            let (wanted, hold) = if good { (Outcome::Success, SUCCESS_HOLD) } else { (Outcome::Error, ERROR_HOLD) };
            let due = self.held.iter().find(|it| it.outcome == wanted).is_some_and(|it| now.since(it.at) > hold);
            if due {
                self.attempts_are_calls[usize::from(!good)] = true;
                self.held_of(good, out);
            }
        }
    }

    /// The stream has ended: what still waits counts.
    pub fn finish(&mut self, out: &mut impl FnMut(&mut Observation)) {
        self.held.drain(..).for_each(|it| as_call(it, out));
    }
}

/// Whether nothing that the record says names its provider for sure.
fn is_guessed(verdict: &Verdict<'_>) -> bool {
    let by_sdk = verdict.judgement.is_sdks && verdict.judgement.provider_by == Some(Attribution::Namespace);
    by_sdk || matches!(verdict.judgement.provider_by, None | Some(Attribution::Wording))
}

/// An attempt that stands for its call.
fn as_call(mut observation: Observation, out: &mut impl FnMut(&mut Observation)) {
    observation.grain = Grain::Call;
    out(&mut observation);
}
