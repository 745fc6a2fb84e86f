//! An observation as plain values, for the checkpoint. Its evidence is already redacted.

use crate::classify::Catalog;
use crate::observation::{Evidence, Name, Observation, SourceId};
use crate::taxonomy::{Category, Confidence, Ending, Grain, Outcome, Owner, Provider, Retry, Status, StatusLabel};
use crate::time::Timestamp;
use serde::{Deserialize, Serialize};

/// An [`Observation`] that waits: providers and patterns are ids.
#[derive(Clone, Debug, PartialEq, Serialize, Deserialize)]
pub(super) struct SavedObservation {
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
    #[serde(default)]
    ending: Option<Ending>,
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

impl SavedObservation {
    pub(super) fn new(from: &Observation, catalog: &Catalog) -> Self {
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
            ending: from.ending,
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

    pub(super) fn resolve(self, catalog: &Catalog, source: SourceId) -> Observation {
        let known = |id: &str| catalog.providers().by_name(id);
        let status = |text: String| StatusLabel::from_text(&text).and_then(|label| label.0);
        let evidence = self.evidence.map(|evidence| {
            let EvidenceState { message, request_id, host, key_hint, resets_at } = evidence;
            Box::new(Evidence { message, request_id, host, key_hint, resets_at, line: 0 })
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
            ending: self.ending,
            model: Name::new(&self.model),
            service: Name::new(&self.service),
            source,
            evidence,
            ..Observation::new(self.at)
        }
    }
}
