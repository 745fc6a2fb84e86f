//! The state of one stream as plain values, for the checkpoint: an attempt that waits for its call is counted once, also when the
//! process restarts in between.

use super::attempts::{Attempts, MAX_WAITING};
use super::context::{LastCall, MAX_HOSTS, MAX_MODELS, ProviderContext};
use super::stream::StreamCalls;
use crate::classify::Catalog;
use crate::observation::{Evidence, Name, Observation, SourceId};
use crate::taxonomy::{Category, Confidence, Grain, Outcome, Owner, Provider, Retry, Status, StatusLabel};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// [`StreamCalls`] as plain values: providers and patterns are ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CorrelateState {
    good_call_at: Option<Timestamp>,
    bad_call_at: Option<Timestamp>,
    llm_at: Option<Timestamp>,
    transport_at: Option<Timestamp>,
    good_attempts: usize,
    attempts_are_calls: [bool; 2],
    held: Vec<WaitingState>,
    last: Option<(Timestamp, String)>,
    hosts: Vec<(String, Timestamp)>,
    answers: u32,
    since_last: u32,
    models: Vec<(String, String)>,
    relay: Option<(String, Timestamp)>,
    #[serde(default)]
    sole: Option<(String, u32)>,
    #[serde(default)]
    mixed_at: Option<Timestamp>,
}

/// An attempt that waits for the record of its call. Its evidence is already redacted.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct WaitingState {
    at: Timestamp,
    outcome: Outcome,
    grain: Grain,
    provider: String,
    gateway: Option<String>,
    status: Option<String>,
    upstream_status: Option<String>,
    pattern: Option<String>,
    category: Category,
    owner: Owner,
    retry: Retry,
    confidence: Confidence,
    retry_after_s: Option<f64>,
    latency_s: Option<f64>,
    input_tokens: Option<u64>,
    model: String,
    service: String,
    evidence: Option<EvidenceState>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct EvidenceState {
    message: String,
    request_id: Option<String>,
    host: Option<String>,
    key_hint: Option<String>,
    resets_at: Option<Timestamp>,
}

impl StreamCalls {
    /// What must survive a restart.
    #[must_use]
    pub fn state(&self, catalog: &Catalog) -> CorrelateState {
        let id = |provider: Provider| catalog.providers().id(provider).to_owned();
        let Self { rule: _, llm_at, transport_at, attempts, context } = self;
        let Attempts { good_call_at, bad_call_at, good_since_call, are_calls, waiting } = attempts;
        let ProviderContext { last, since_last, hosts, answers, models, relay, sole, mixed_at } = context;
        CorrelateState {
            good_call_at: *good_call_at,
            bad_call_at: *bad_call_at,
            llm_at: *llm_at,
            transport_at: *transport_at,
            good_attempts: *good_since_call,
            attempts_are_calls: *are_calls,
            held: waiting.iter().map(|attempt| WaitingState::new(attempt, catalog)).collect(),
            last: last.map(|last| (last.at, id(last.provider))),
            hosts: hosts.iter().map(|(provider, at)| (id(*provider), *at)).collect(),
            answers: *answers,
            since_last: *since_last,
            models: models.iter().map(|(name, provider)| (name.as_str().to_owned(), id(*provider))).collect(),
            relay: relay.map(|(provider, at)| (id(provider), at)),
            sole: sole.map(|(provider, count)| (id(provider), count)),
            mixed_at: *mixed_at,
        }
    }

    /// Restores a state. Entries with an unknown provider are dropped.
    pub fn restore(&mut self, state: CorrelateState, catalog: &Catalog, source: SourceId) {
        let provider = |id: &str| catalog.providers().by_name(id);
        let CorrelateState {
            good_call_at,
            bad_call_at,
            llm_at,
            transport_at,
            good_attempts,
            attempts_are_calls,
            held,
            last,
            hosts,
            answers,
            since_last,
            models,
            relay,
            sole,
            mixed_at,
        } = state;
        let waiting = held.into_iter().take(MAX_WAITING).map(|attempt| attempt.resolve(catalog, source)).collect();
        let attempts =
            Attempts { good_call_at, bad_call_at, good_since_call: good_attempts, are_calls: attempts_are_calls, waiting };
        let context = ProviderContext {
            last: last.and_then(|(at, id)| Some(LastCall { at, provider: provider(&id)? })),
            since_last,
            hosts: hosts.iter().filter_map(|(id, at)| Some((provider(id)?, *at))).take(MAX_HOSTS).collect(),
            answers,
            models: models.iter().filter_map(|(name, id)| Some((Name::new(name), provider(id)?))).take(MAX_MODELS).collect(),
            relay: relay.and_then(|(id, at)| Some((provider(&id)?, at))),
            sole: sole.and_then(|(id, count)| Some((provider(&id)?, count))),
            mixed_at,
        };
        *self = Self { rule: self.rule, llm_at, transport_at, attempts, context };
    }
}

impl WaitingState {
    fn new(from: &Observation, catalog: &Catalog) -> Self {
        let id = |provider: Provider| catalog.providers().id(provider).to_owned();
        let status = |status: Status| status.label().to_string();
        Self {
            at: from.at,
            outcome: from.outcome,
            grain: from.grain,
            provider: id(from.provider),
            gateway: from.gateway.map(id),
            status: from.status.map(status),
            upstream_status: from.upstream_status.map(status),
            pattern: from.pattern.and_then(|id| catalog.pattern(id)).map(|pattern| pattern.id.clone()),
            category: from.category,
            owner: from.owner,
            retry: from.retry,
            confidence: from.confidence,
            retry_after_s: from.retry_after_s,
            latency_s: from.latency_s,
            input_tokens: from.input_tokens,
            model: from.model.as_str().to_owned(),
            service: from.service.as_str().to_owned(),
            evidence: from.evidence.as_deref().map(|evidence| EvidenceState {
                message: evidence.message.clone(),
                request_id: evidence.request_id.clone(),
                host: evidence.host.clone(),
                key_hint: evidence.key_hint.clone(),
                resets_at: evidence.resets_at,
            }),
        }
    }

    fn resolve(self, catalog: &Catalog, source: SourceId) -> Observation {
        let known = |id: &str| catalog.providers().by_name(id);
        let status = |text: String| StatusLabel::from_text(&text).and_then(|label| label.0);
        let evidence = self.evidence.map(|evidence| {
            let EvidenceState { message, request_id, host, key_hint, resets_at } = evidence;
            Box::new(Evidence { message, request_id, host, key_hint, resets_at })
        });
        Observation {
            outcome: self.outcome,
            grain: self.grain,
            provider: known(&self.provider).unwrap_or(Provider::UNKNOWN),
            gateway: self.gateway.as_deref().and_then(known),
            status: self.status.and_then(status),
            upstream_status: self.upstream_status.and_then(status),
            pattern: self.pattern.and_then(|id| catalog.by_id(&id)),
            category: self.category,
            owner: self.owner,
            retry: self.retry,
            confidence: self.confidence,
            retry_after_s: self.retry_after_s,
            latency_s: self.latency_s,
            input_tokens: self.input_tokens,
            model: Name::new(&self.model),
            service: Name::new(&self.service),
            source,
            evidence,
            ..Observation::new(self.at)
        }
    }
}
