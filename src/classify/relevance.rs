//! What makes a failure one of an LLM call, rather than one of another service or of the application itself.
//!
//! The evidence is the same in every log: a provider, a type or pattern that only LLM services have, a class or a frame of an
//! SDK, an LLM path, the tag of a proxy's AI plugin. The lists are data: `patterns/signals.toml`.

use super::catalog::Catalog;
use super::llm_path::{is_llm_path, llm_path_in};
use super::outcome::Evidence;
use super::pattern::Pattern;
use super::provider::no_words;
use super::verdict::{Attribution, Judgement, Traffic};
use crate::line::find;
use crate::record::{Facts, LineKind, Signals};
use crate::taxonomy::{Category, Confidence, Provider};
use aho_corasick::AhoCorasick;
use std::sync::Arc;

/// Decides what a failure is about. Built once from a catalogue.
#[derive(Clone, Debug)]
pub(super) struct Relevance {
    catalog: Arc<Catalog>,
    benign: AhoCorasick,
    llm_words: AhoCorasick,
}

/// The first bytes of a line in which marks are looked for.
const HEAD_BYTES: usize = 2_048;

impl Relevance {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        let scanner =
            |words: &[String]| AhoCorasick::builder().ascii_case_insensitive(true).build(words).unwrap_or_else(|_| no_words());
        Self { benign: scanner(&catalog.lists.benign), llm_words: scanner(&catalog.lists.llm_words), catalog }
    }

    /// Whether the texts are of a kind that is logged as an error or warning and reports no failed call.
    pub(super) fn is_benign(&self, signals: &Signals) -> bool {
        signals.messages.iter().any(|message| self.benign.is_match(message.as_str()))
    }

    /// Whether the record is about a check of a server's health, or about a list of models: neither is a call.
    pub(super) fn is_no_call(facts: &Facts<'_>) -> bool {
        const PATHS: [&str; 11] = [
            "/health",
            "/healthz",
            "/livez",
            "/readyz",
            "/ready",
            "/live",
            "/ping",
            "/metrics",
            "/models",
            "/api/tags",
            "/api/version",
        ];
        let path = facts.url_path.map(|path| path.split(['?', '#']).next().unwrap_or_default().trim_end_matches('/'));
        path.is_some_and(|path| PATHS.iter().any(|end| path.ends_with(end)))
            || facts.line_kind == LineKind::None && (names_health_check(facts.headline) || lists_models(facts.headline))
    }

    /// Whether the status of the record is what our own server answered to its client: it says so by its logger, or by a path of
    /// its own.
    pub(super) fn is_served(&self, facts: &Facts<'_>) -> bool {
        let by_logger = || self.catalog.lists.serving_loggers.iter().any(|name| facts.logger == name);
        let is_own = |path: &str| path.starts_with('/') && !is_llm_path(path);
        let is_unnamed = facts.provider.is_none() && facts.model.is_none() && facts.upstream_status.is_none();
        facts.line_kind == LineKind::None
            && (by_logger()
                || is_unnamed && facts.status.is_some() && facts.url_host.is_none() && facts.url_path.is_some_and(is_own))
    }

    /// Whether nothing shows that a failure is an LLM's, where something must: in mixed logs, and where a notice of another try is all
    /// that suggests a failure.
    pub(super) fn is_foreign(
        &self,
        facts: &Facts<'_>,
        signals: &Signals,
        (traffic, evidence): (Traffic, Evidence),
        judgement: &Judgement,
    ) -> bool {
        let is_mixed = traffic == Traffic::Mixed;
        let is_answered = judgement.status.is_some_and(|status| status.http().is_some());
        let is_named = !is_mixed && (judgement.provider != Provider::UNKNOWN || is_answered);
        (is_mixed || evidence.is_notice()) && !is_named && !self.is_llm(facts, signals, judgement)
    }

    /// Whether a failure in mixed logs is an LLM's.
    fn is_llm(&self, facts: &Facts<'_>, signals: &Signals, judgement: &Judgement) -> bool {
        // Words alone may be of any service; words that a status goes with are the answer of a server.
        let typed = judgement.confidence == Confidence::Typed
            || judgement.confidence == Confidence::Message && judgement.status.is_some_and(|status| status.http().is_some());
        let guessed = match judgement.provider_by {
            Some(Attribution::Pattern | Attribution::Wording) => true,
            // `google.api_core` and `botocore` call many services.
            Some(Attribution::Namespace | Attribution::Logger) => !self.has_sdk(facts, signals),
            _ => false,
        };
        let by_cloud = guessed && judgement.provider_by == Some(Attribution::Namespace);
        let has_provider = judgement.provider != Provider::UNKNOWN && !guessed;
        let has_model = || facts.model.as_ref().is_some_and(|model| self.catalog.providers().by_model(model).is_some());
        let has_llm_pattern =
            || typed && !by_cloud && judgement.pattern.and_then(|id| self.catalog.pattern(id)).is_some_and(is_llms);
        has_provider
            || has_model()
            || has_llm_pattern()
            || self.has_sdk(facts, signals)
            || has_llm_path(facts, signals)
            || self.has_tag(facts, signals)
    }

    /// Whether an exception is the application's own: nothing in it points to a call of an LLM or to a network.
    pub(super) fn is_of_application(&self, facts: &Facts<'_>, signals: &Signals, judgement: &Judgement) -> bool {
        let Judgement { provider, gateway, confidence, is_vague, .. } = judgement;
        let is_unnamed = *provider == Provider::UNKNOWN && gateway.is_none() && facts.model.is_none();
        // A status that only the name of the class stands for says nothing about the call.
        let statuses = [facts.status, facts.upstream_status, signals.status, signals.upstream_status];
        let has_reason = !is_vague && matches!(confidence, Confidence::Typed | Confidence::Message);
        let says_nothing = !has_reason && statuses.iter().all(Option::is_none) && signals.codes.is_empty();
        !signals.types.is_empty()
            && is_unnamed
            && says_nothing
            && !self.has_sdk(facts, signals)
            && !has_llm_path(facts, signals)
            && !self.llm_words.is_match(facts.headline)
            && !self.llm_words.is_match(facts.logger)
            && !signals.messages.iter().any(|message| self.llm_words.is_match(message.as_str()))
    }

    /// Whether the class, a frame of its stack or the logger belongs to an SDK or a framework for LLMs.
    fn has_sdk(&self, facts: &Facts<'_>, signals: &Signals) -> bool {
        let names = signals.types.iter().chain(&signals.libraries).map(String::as_str);
        names.chain([facts.logger]).any(|name| self.catalog.lists.is_llm_library(name))
    }

    fn has_tag(&self, facts: &Facts<'_>, signals: &Signals) -> bool {
        let head = facts.headline.get(..HEAD_BYTES).unwrap_or(facts.headline);
        self.catalog.lists.llm_tags.iter().any(|tag| {
            facts.logger.contains(tag.as_str())
                || find(head, tag.as_bytes()).is_some()
                || signals.messages.iter().any(|message| message.contains(tag.as_str()))
        })
    }
}

/// Whether only LLM errors match this pattern.
fn is_llms(pattern: &Pattern) -> bool {
    let by_category = matches!(pattern.category, Category::ToolUse | Category::ContentPolicy);
    !pattern.providers.is_empty() || by_category || pattern.has_tag(Pattern::LLM_ONLY)
}

fn has_llm_path(facts: &Facts<'_>, signals: &Signals) -> bool {
    let head = facts.headline.get(..HEAD_BYTES).unwrap_or(facts.headline);
    facts.url_path.is_some_and(is_llm_path)
        || llm_path_in(&String::from_utf8_lossy(head)).is_some()
        || signals.messages.iter().any(|message| llm_path_in(message).is_some())
}

/// `Error retrieving models: …`, `Failed to list models`: nothing was asked of a model.
fn lists_models(headline: &[u8]) -> bool {
    const VERBS: [&[u8]; 10] =
        [b"etrieving", b"etrieve", b"isting", b"list", b"etching", b"etch", b"etting", b"get", b"uerying", b"efreshing"];
    let head = headline.get(..120).unwrap_or(headline);
    // Most lines do not have the word: the search for all its places is prepared only if there is one.
    find(head, b" models").is_some()
        && memchr::memmem::find_iter(head, b" models").any(|at| {
            let (before, after) = head.split_at(at);
            let before = [b" available".as_slice(), b" the list of", b" list of", b" the"]
                .into_iter()
                .fold(before, |text, word| text.strip_suffix(word).unwrap_or(text));
            let is_end = after.get(b" models".len()).is_none_or(|b| !b.is_ascii_alphanumeric() && *b != b'/');
            is_end && VERBS.iter().any(|verb| before.ends_with(verb))
        })
}

/// `Health check failed`, `health-check error on http://…`.
fn names_health_check(headline: &[u8]) -> bool {
    const NAMES: [&[u8]; 5] = [b"ealth check", b"ealth-check", b"ealthcheck", b"ealth_check", b"ealthCheck"];
    let head = headline.get(..120).unwrap_or(headline);
    let is_check = |name: &&[u8]| find(head, name).is_some();
    find(head, b"ealth").is_some() && NAMES.iter().any(is_check) || find(head, b"EALTHCHECK").is_some()
}
