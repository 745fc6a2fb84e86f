//! What one stream's lines have told, as plain values: an attempt that waits for its call must be counted once, also where
//! a restart lies between the two.

use super::{Context, GrainRule, HELD, MODELS, StreamCalls};
use crate::classify::Catalog;
use crate::observation::{Evidence, Name, Observation, SourceId};
use crate::taxonomy::{Category, Confidence, Grain, Outcome, Owner, Provider, Retry, Status, StatusLabel};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// [`StreamCalls`] as plain values: providers and patterns by their ids.
#[derive(Clone, Debug, Default, PartialEq, Serialize, Deserialize)]
pub struct CorrelateState {
    good_call_at: Option<Timestamp>,
    bad_call_at: Option<Timestamp>,
    llm_at: Option<Timestamp>,
    transport_at: Option<Timestamp>,
    good_attempts: usize,
    attempts_are_calls: [bool; 2],
    held: Vec<Held>,
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

/// An attempt that waits. Its evidence is redacted already.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct Held {
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
    evidence: Option<HeldEvidence>,
}

#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
struct HeldEvidence {
    message: String,
    request_id: Option<String>,
    host: Option<String>,
    key_hint: Option<String>,
    resets_at: Option<Timestamp>,
}

impl StreamCalls {
    /// Takes over another rule for its source.
    pub fn set_rule(&mut self, rule: GrainRule) {
        self.rule = Some(rule);
    }

    /// What must survive a restart.
    #[must_use]
    pub fn state(&self, catalog: &Catalog) -> CorrelateState {
        let id = |it: Provider| catalog.providers().id(it).to_owned();
        let Self {
            rule: _,
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
        } = self;
        CorrelateState {
            good_call_at: *good_call_at,
            bad_call_at: *bad_call_at,
            llm_at: *llm_at,
            transport_at: *transport_at,
            good_attempts: *good_attempts,
            attempts_are_calls: *attempts_are_calls,
            held: held.iter().map(|it| Held::new(it, catalog)).collect(),
            last: last.map(|it| (it.at, id(it.provider))),
            hosts: hosts.iter().map(|(provider, at)| (id(*provider), *at)).collect(),
            answers: *answers,
            since_last: *since_last,
            models: models.iter().map(|(name, provider)| (name.as_str().to_owned(), id(*provider))).collect(),
            relay: relay.map(|(provider, at)| (id(provider), at)),
            sole: sole.map(|(provider, count)| (id(provider), count)),
            mixed_at: *mixed_at,
        }
    }

    /// Goes on from a state. What names a provider that is not known any more is forgotten.
    pub fn restore(&mut self, state: CorrelateState, catalog: &Catalog, source: SourceId) {
        let known = |id: &str| catalog.providers().by_name(id);
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
        *self = Self {
            rule: self.rule,
            good_call_at,
            bad_call_at,
            llm_at,
            transport_at,
            good_attempts,
            attempts_are_calls,
            held: held.into_iter().take(HELD).map(|it| it.resolve(catalog, source)).collect(),
            last: last.and_then(|(at, id)| Some(Context { at, provider: known(&id)? })),
            hosts: hosts.iter().filter_map(|(id, at)| Some((known(id)?, *at))).take(8).collect(),
            answers,
            since_last,
            models: models.iter().filter_map(|(name, id)| Some((Name::new(name), known(id)?))).take(MODELS).collect(),
            relay: relay.and_then(|(id, at)| Some((known(&id)?, at))),
            sole: sole.and_then(|(id, count)| Some((known(&id)?, count))),
            mixed_at,
        };
    }
}

impl Held {
    fn new(from: &Observation, catalog: &Catalog) -> Self {
        let id = |it: Provider| catalog.providers().id(it).to_owned();
        let status = |it: Status| it.label().to_string();
        Self {
            at: from.at,
            outcome: from.outcome,
            grain: from.grain,
            provider: id(from.provider),
            gateway: from.gateway.map(id),
            status: from.status.map(status),
            upstream_status: from.upstream_status.map(status),
            pattern: from.pattern.and_then(|it| catalog.pattern(it)).map(|it| it.id.clone()),
            category: from.category,
            owner: from.owner,
            retry: from.retry,
            confidence: from.confidence,
            retry_after_s: from.retry_after_s,
            latency_s: from.latency_s,
            input_tokens: from.input_tokens,
            model: from.model.as_str().to_owned(),
            service: from.service.as_str().to_owned(),
            evidence: from.evidence.as_deref().map(|it| HeldEvidence {
                message: it.message.clone(),
                request_id: it.request_id.clone(),
                host: it.host.clone(),
                key_hint: it.key_hint.clone(),
                resets_at: it.resets_at,
            }),
        }
    }

    fn resolve(self, catalog: &Catalog, source: SourceId) -> Observation {
        let known = |id: &str| catalog.providers().by_name(id);
        let status = |text: String| StatusLabel::from_text(&text).and_then(|it| it.0);
        let evidence = self.evidence.map(|it| {
            let HeldEvidence { message, request_id, host, key_hint, resets_at } = it;
            Box::new(Evidence { message, request_id, host, key_hint, resets_at })
        });
        Observation {
            outcome: self.outcome,
            grain: self.grain,
            provider: known(&self.provider).unwrap_or(Provider::UNKNOWN),
            gateway: self.gateway.as_deref().and_then(known),
            status: self.status.and_then(status),
            upstream_status: self.upstream_status.and_then(status),
            pattern: self.pattern.and_then(|it| catalog.by_id(&it)),
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
