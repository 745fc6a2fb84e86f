//! Which provider a stream calls, by its earlier lines: completes verdicts that do not name a provider for sure.

use super::STREAM_MEMORY;
use crate::classify::{Attribution, Judgement, Role, Verdict};
use crate::observation::Name;
use crate::taxonomy::{Grain, Outcome, Provider, Status};
use crate::time::Timestamp;
use std::collections::VecDeque;
use std::time::Duration;

/// How long after an HTTP client's line the application's own line may come and still be about that answer.
pub(super) const SAME_CALL: Duration = Duration::from_secs(2);
/// How many records may lie between the two: clients log concurrently, and some lines have no time.
const MAX_BETWEEN: u32 = 12;
/// Records of one provider, and of no other, after which a stream is known to call only that provider.
const SETTLED: u32 = 3;
/// The longest latency that is believed, in seconds.
const MAX_LATENCY_S: f64 = 600.0;
/// The most models of a stream; the oldest go first.
pub(super) const MAX_MODELS: usize = 32;
/// The most hosts of a stream; the oldest go first.
pub(super) const MAX_HOSTS: usize = 8;

#[derive(Debug, Default)]
pub(super) struct ProviderContext {
    /// The latest line about a request or an answer.
    pub(super) last: Option<LastCall>,
    /// Records since `last`.
    pub(super) since_last: u32,
    /// Providers that HTTP clients of this stream called, with the latest time of each.
    pub(super) hosts: Vec<(Provider, Timestamp)>,
    /// Lines of HTTP clients.
    pub(super) answers: u32,
    /// Models with their provider.
    pub(super) models: VecDeque<(Name, Provider)>,
    /// The relay that is asked for models called `vendor/model`.
    pub(super) relay: Option<(Provider, Timestamp)>,
    /// The provider that the records of this stream name, and how many in a row did.
    pub(super) sole: Option<(Provider, u32)>,
    /// When the records last changed from one provider to another.
    pub(super) mixed_at: Option<Timestamp>,
}

/// A line that says for sure which provider is called.
#[derive(Clone, Copy, Debug)]
pub(super) struct LastCall {
    pub(super) at: Timestamp,
    pub(super) provider: Provider,
}

impl ProviderContext {
    /// Learns from a verdict that names its provider for sure, and completes one that does not.
    pub(super) fn complete(&mut self, verdict: &mut Verdict<'_>, at: Timestamp) {
        self.apply_relay(verdict, at);
        self.note_named(&verdict.judgement, at);
        self.since_last = self.since_last.saturating_add(1);
        let Judgement { provider, provider_by, .. } = verdict.judgement;
        let certain = matches!(provider_by, Some(Attribution::Host | Attribution::Field | Attribution::Wrapper));
        if certain && provider != Provider::UNKNOWN {
            self.learn_certain(verdict, at);
            return;
        }
        if verdict.judgement.role == Role::Request {
            let asks_llm = verdict.judgement.grain == Grain::Attempt;
            self.last = asks_llm.then_some(LastCall { at, provider: Provider::UNKNOWN });
            self.since_last = 0;
        }
        // A class of a cloud's own SDK, where the model has a vendor's name.
        if provider_by == Some(Attribution::Namespace) && !verdict.judgement.is_sdks && verdict.judgement.relay.is_none() {
            self.learn_model(verdict.model_text(), provider);
        }
        if self.is_weak(&verdict.judgement, at) {
            self.infer(verdict, at);
        }
    }

    /// A connection to a relay that fails is the relay's failure, also where the model names a vendor.
    fn apply_relay(&mut self, verdict: &mut Verdict<'_>, at: Timestamp) {
        let Verdict { texts, judgement } = verdict;
        if !texts.model.as_deref().is_some_and(|model| model.contains('/')) {
            return;
        }
        if let Some(relay) = judgement.relay {
            self.relay = Some((relay, at));
        }
        let unanswered = matches!(judgement.status, Some(Status::Connection | Status::Timeout));
        if let Some((relay, _)) = self.relay.filter(|(_, then)| at.since(*then) < STREAM_MEMORY)
            && judgement.outcome == Outcome::Error
            && unanswered
            && judgement.provider_by == Some(Attribution::Model)
        {
            (judgement.provider, judgement.provider_by) = (relay, Some(Attribution::Context));
        }
    }

    fn learn_certain(&mut self, verdict: &Verdict<'_>, at: Timestamp) {
        let Judgement { provider, role, relay, .. } = verdict.judgement;
        // Behind a relay, the next call for the same model may go to another provider.
        if relay.is_none() {
            self.learn_model(verdict.model_text(), provider);
        }
        if matches!(role, Role::Transport | Role::Request) {
            self.answers = self.answers.saturating_add(1);
            self.since_last = 0;
            self.hosts.retain(|(host, _)| *host != provider);
            self.hosts.push((provider, at));
            if self.hosts.len() > MAX_HOSTS {
                self.hosts.remove(0);
            }
            self.last = Some(LastCall { at, provider });
        }
    }

    /// Whether the provider is unknown, or inferred from a weak sign that no call of this stream confirms.
    fn is_weak(&self, judgement: &Judgement, at: Timestamp) -> bool {
        let provider = judgement.provider;
        let was_called = self.hosts.iter().any(|(host, then)| *host == provider && at.since(*then) < STREAM_MEMORY);
        provider == Provider::UNKNOWN
            || matches!(judgement.provider_by, Some(Attribution::Model | Attribution::Namespace | Attribution::Wording))
                && !was_called
    }

    /// Whether a record that is an answer belongs to a request for an LLM, as far as the lines before it show.
    pub(super) fn answers_llm(&self, at: Timestamp) -> bool {
        let longest = Duration::from_secs_f64(MAX_LATENCY_S);
        self.last.is_some_and(|last| self.since_last <= MAX_BETWEEN && at.since(last.at) <= longest)
    }

    /// Infers the provider from the model, the latest call, the only host, or the only named provider of the stream.
    fn infer(&mut self, verdict: &mut Verdict<'_>, at: Timestamp) {
        let model = Name::new(verdict.model_text());
        let judgement = &mut verdict.judgement;
        let mut models = self.models.iter();
        let by_model = models.find(|(name, _)| *name == model && !model.is_empty()).map(|(_, provider)| *provider);
        let latency = Duration::from_secs_f64(judgement.latency_s.unwrap_or(0.0).clamp(0.0, MAX_LATENCY_S));
        // An answer takes as long as it takes.
        let longest = if judgement.role == Role::Answer { Duration::from_secs_f64(MAX_LATENCY_S) } else { SAME_CALL + latency };
        let is_same_call = |last: &LastCall| self.since_last <= MAX_BETWEEN && at.since(last.at) <= longest;
        let latest = self.last.filter(is_same_call).map(|last| last.provider).filter(|provider| *provider != Provider::UNKNOWN);
        let only_host = || match self.hosts.as_slice() {
            [(provider, then)] if self.answers >= SETTLED && at.since(*then) < STREAM_MEMORY => Some(*provider),
            _ => None,
        };
        let sole = || {
            let is_asked = is_guessed(judgement) && judgement.outcome == Outcome::Error && judgement.gateway.is_none();
            self.sole(at).filter(|_| is_asked)
        };
        let only_host = || only_host().filter(|_| judgement.provider == Provider::UNKNOWN);
        let found = by_model.or(latest).or_else(only_host).or_else(sole);
        if let Some(found) = found.filter(|found| *found != judgement.provider) {
            (judgement.provider, judgement.provider_by) = (found, Some(Attribution::Context));
            if latest == Some(found) {
                self.learn_model(model.as_str(), found);
            }
        }
    }

    /// Counts the records in a row that name the same provider.
    fn note_named(&mut self, judgement: &Judgement, at: Timestamp) {
        let provider = judgement.provider;
        if is_guessed(judgement)
            || matches!(judgement.provider_by, Some(Attribution::Context | Attribution::Pattern))
            || provider == Provider::UNKNOWN
            || judgement.outcome == Outcome::Other
        {
            return;
        }
        self.sole = match self.sole {
            Some((sole, count)) if sole == provider => Some((provider, count.saturating_add(1))),
            Some(_) => {
                self.mixed_at = Some(at);
                Some((provider, 1))
            }
            None => Some((provider, 1)),
        };
    }

    /// The only provider that this stream has named within its memory.
    fn sole(&self, at: Timestamp) -> Option<Provider> {
        let settled = self.mixed_at.is_none_or(|then| at.since(then) >= STREAM_MEMORY);
        self.sole.filter(|(_, count)| settled && *count >= SETTLED).map(|(provider, _)| provider)
    }

    fn learn_model(&mut self, model: &str, provider: Provider) {
        if model.is_empty() || self.models.iter().any(|(name, known)| *known == provider && name.as_bytes() == model.as_bytes())
        {
            return;
        }
        let model = Name::new(model);
        self.models.retain(|(name, _)| *name != model);
        if self.models.len() == MAX_MODELS {
            self.models.pop_front();
        }
        if self.models.is_empty() {
            // Most streams call one model, and thousands of streams may be open.
            self.models.reserve_exact(1);
        }
        self.models.push_back((model, provider));
    }
}

/// Whether the record names no provider for sure.
fn is_guessed(judgement: &Judgement) -> bool {
    let by_sdk = judgement.is_sdks && judgement.provider_by == Some(Attribution::Namespace);
    by_sdk || matches!(judgement.provider_by, None | Some(Attribution::Wording))
}
