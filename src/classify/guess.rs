//! The provider by the pattern that won or by mere wording: used where neither the record nor the error settles it.

use super::pattern::Pattern;
use super::provider::{ProviderFinder, is_in_file_name};
use super::verdict::{Attribution, Judgement};
use crate::record::Signals;
use crate::taxonomy::{Confidence, Owner, Provider, provider_id};
use std::cmp::Reverse;

/// A wording at least this long (bytes) identifies a provider on its own; shorter ones may be common words.
const PHRASE: usize = 20;
/// Hits of wording that are compared.
const WORDING_HITS: usize = 64;

impl ProviderFinder {
    /// Corrects the provider by the pattern that won. `is_distinct`: the match identifies a provider.
    pub(super) fn infer_from_pattern(
        &self,
        pattern: &Pattern,
        is_distinct: bool,
        signals: &Signals,
        judgement: &mut Judgement,
    ) {
        // A relay that refuses a call itself is the one that failed.
        if pattern.owner == Owner::Gateway
            && let Some(gateway) = judgement.gateway
        {
            judgement.provider = gateway;
            judgement.gateway = None;
        }
        let is_open = judgement.provider == Provider::UNKNOWN
            || matches!(judgement.provider_by, Some(Attribution::Wrapper | Attribution::Namespace | Attribution::Model));
        if is_distinct
            && is_open
            && let Some(provider) = self.sender_of(pattern, signals)
            && self.yields_to(judgement, pattern, provider)
        {
            judgement.attribute(provider, Attribution::Pattern);
        }
    }

    /// Infers the provider where it is unknown, or inferred from a model or the use of the openai SDK alone.
    pub(super) fn guess(&self, signals: &Signals, judgement: &mut Judgement) {
        let pattern = judgement.pattern.and_then(|id| self.catalog.pattern(id));
        if self.guess_relay_of_model(pattern, signals, judgement) || self.promote_gateway(pattern, judgement) {
            return;
        }
        let by_sdk = judgement.provider_by == Some(Attribution::Namespace) && Some(judgement.provider) == self.special.openai;
        if judgement.provider != Provider::UNKNOWN && !by_sdk {
            return;
        }
        let wording = self.wording_in(signals).map(|(provider, _)| provider);
        if let Some(anthropic) = self.special.anthropic
            && signals.is_enveloped
            && !wording.is_some_and(|provider| self.special.is_cloud(provider))
        {
            judgement.attribute(anthropic, Attribution::Vocabulary);
            return;
        }
        if let Some(found) = wording {
            let found = self.seller_of(found, signals);
            if self.is_relay(found) {
                judgement.gateway = None;
            }
            judgement.attribute(found, Attribution::Wording);
            return;
        }
        let is_said = matches!(judgement.confidence, Confidence::Typed | Confidence::Message);
        let first = pattern.filter(|_| is_said && !by_sdk).and_then(|pattern| pattern.providers.first());
        if let Some(found) = first.and_then(|id| self.providers().by_name(id)) {
            judgement.attribute(found, Attribution::Pattern);
            return;
        }
        // The class of a relay, and no provider behind it.
        let wrapper = signals.provider.as_ref().and_then(|name| self.providers().by_name(name));
        if let Some(relay) = wrapper.filter(|relay| judgement.gateway == Some(*relay)) {
            judgement.attribute(relay, Attribution::Wrapper);
            judgement.gateway = None;
        }
    }

    /// A relay's own limit or refusal, where only the model's name points to the vendor behind it.
    fn guess_relay_of_model(&self, pattern: Option<&Pattern>, signals: &Signals, judgement: &mut Judgement) -> bool {
        if judgement.provider_by != Some(Attribution::Model) || judgement.gateway.is_some() {
            return false;
        }
        let Some((relay, _)) = self.wording_in(signals).filter(|(provider, _)| self.is_relay(*provider)) else { return false };
        if pattern.is_some_and(|pattern| pattern.owner == Owner::Provider) {
            judgement.gateway = Some(relay);
        } else {
            judgement.attribute(relay, Attribution::Wording);
        }
        true
    }

    /// An error that only a relay sends, and that is not about the vendor, is the relay's own.
    fn promote_gateway(&self, pattern: Option<&Pattern>, judgement: &mut Judgement) -> bool {
        if matches!(judgement.provider_by, Some(Attribution::Field | Attribution::Host)) {
            return false;
        }
        let is_own = |gateway: &Provider| {
            pattern.is_some_and(|pattern| pattern.owner != Owner::Provider && self.names(pattern, *gateway))
        };
        let Some(gateway) = judgement.gateway.filter(is_own) else { return false };
        judgement.attribute(gateway, Attribution::Pattern);
        judgement.gateway = None;
        true
    }

    /// The provider that sent an error of this pattern: of several, the one with wordings in the error, or the first.
    fn sender_of(&self, pattern: &Pattern, signals: &Signals) -> Option<Provider> {
        let first = pattern.providers.first().and_then(|id| self.providers().by_name(id))?;
        let said = self.wording_in(signals).filter(|(provider, length)| {
            *length >= PHRASE || self.special.is_cloud(*provider) || self.names(pattern, *provider)
        });
        Some(self.seller_of(said.map_or(first, |(provider, _)| provider), signals))
    }

    /// Bedrock, where Anthropic's words come in a bare body as AWS sends it.
    fn seller_of(&self, found: Provider, signals: &Signals) -> Provider {
        self.special.bedrock.filter(|_| Some(found) == self.special.anthropic && signals.is_bare).unwrap_or(found)
    }

    /// Whether the pattern's `provider` is better than what is known: nothing is known; the name of a model pointed at the vendor behind
    /// a relay that refused, or behind the cloud that sells it; or only the openai SDK, or LiteLLM's adapter for every compatible service, was seen.
    fn yields_to(&self, judgement: &Judgement, pattern: &Pattern, provider: Provider) -> bool {
        let is_relay = self.is_relay(provider);
        let by_adapter = Some(judgement.provider) == self.special.openai
            && matches!(judgement.provider_by, Some(Attribution::Wrapper | Attribution::Namespace))
            && !pattern.providers.iter().any(|id| id == provider_id::OPENAI);
        // A relay's words about a provider's failure do not make it another provider's failure.
        let is_about_vendor = pattern.owner == Owner::Provider && is_relay;
        judgement.provider == Provider::UNKNOWN
            || by_adapter && !is_about_vendor
            || (is_relay || self.special.is_cloud(provider))
                && judgement.provider_by == Some(Attribution::Model)
                && judgement.gateway.is_none()
    }

    fn names(&self, pattern: &Pattern, provider: Provider) -> bool {
        pattern.providers.iter().any(|id| id == self.providers().id(provider))
    }

    /// The provider of the longest wording in the error, and its length in bytes. A bare name is short, so it comes last.
    fn wording_in(&self, signals: &Signals) -> Option<(Provider, usize)> {
        let texts = signals.messages.iter().chain(&signals.types).chain(&signals.codes).chain(&signals.libraries);
        let hits = texts.flat_map(|text| {
            self.wording.words.find_overlapping_iter(text.as_str()).filter(|hit| !is_in_file_name(text, hit.range()))
        });
        let hits = hits.take(WORDING_HITS);
        let longest = hits.max_by_key(|hit| (hit.len(), Reverse(hit.pattern().as_usize())));
        longest.map(|hit| (self.wording.providers[hit.pattern().as_usize()], hit.len()))
    }
}
