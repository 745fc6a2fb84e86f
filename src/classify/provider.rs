//! Infers the provider that was called and the gateway in between: from the record's fields, then from the texts of the error.
//!
//! The order of the checks is the order of trust; [`Attribution`] says which one decided. What only the winning pattern or a mere wording
//! says is for `guess.rs`.

use super::catalog::Catalog;
use super::llm_path::model_in_path;
use super::verdict::{Attribution, Judgement, Verdict};
use crate::record::{Facts, LineKind, Signals};
use crate::taxonomy::{Provider, ProviderSpec, Providers, Unlisted, provider_id};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::ops::Range;
use std::sync::Arc;

/// Infers providers. Built once from a catalogue.
#[derive(Clone, Debug)]
pub(super) struct ProviderFinder {
    pub(super) catalog: Arc<Catalog>,
    /// Words that only one provider's errors use.
    vocabulary: Arc<WordScanner>,
    /// Names and phrases that a provider coined and others repeat.
    pub(super) wording: Arc<WordScanner>,
    pub(super) special: SpecialProviders,
}

/// Finds words of providers in texts.
#[derive(Debug)]
pub(super) struct WordScanner {
    pub(super) words: AhoCorasick,
    /// The provider of each word.
    pub(super) providers: Vec<Provider>,
}

/// Providers with rules of their own; `None` where the catalogue does not have the provider.
#[derive(Clone, Copy, Debug)]
pub(super) struct SpecialProviders {
    pub(super) openai: Option<Provider>,
    pub(super) anthropic: Option<Provider>,
    /// Its Claude sends Anthropic's words in a body of AWS's shape.
    pub(super) bedrock: Option<Provider>,
    litellm: Option<Provider>,
    ollama: Option<Provider>,
    openrouter: Option<Provider>,
    /// Clouds that sell the models of other vendors.
    clouds: [Option<Provider>; 3],
}

/// Words of a message that are tried as names of models.
const MODEL_WORDS: usize = 80;
/// The shortest name of a model, in bytes.
const MODEL_BYTES: usize = 5;
/// Hits of vocabulary that are looked at.
const VOCABULARY_HITS: usize = 16;

impl ProviderFinder {
    pub(super) fn new(catalog: Arc<Catalog>) -> Self {
        let providers = catalog.providers();
        let named = |id| providers.by_name(id);
        Self {
            vocabulary: Arc::new(WordScanner::new(providers, |spec| &spec.vocabulary, MatchKind::LeftmostLongest)),
            wording: Arc::new(WordScanner::new(providers, |spec| &spec.wording, MatchKind::Standard)),
            special: SpecialProviders {
                openai: named(provider_id::OPENAI),
                anthropic: named(provider_id::ANTHROPIC),
                bedrock: named(provider_id::BEDROCK),
                litellm: named(provider_id::LITELLM),
                ollama: named(provider_id::OLLAMA),
                openrouter: named(provider_id::OPENROUTER),
                clouds: [provider_id::AZURE, provider_id::BEDROCK, provider_id::VERTEX_AI].map(named),
            },
            catalog,
        }
    }

    pub(super) fn providers(&self) -> &Providers {
        self.catalog.providers()
    }

    pub(super) fn is_relay(&self, provider: Provider) -> bool {
        self.providers().spec(provider).is_some_and(|spec| spec.relay)
    }

    /// Infers the provider from what the record says whether or not the call failed.
    pub(super) fn infer_from_record(&self, facts: &Facts<'_>, verdict: &mut Verdict<'_>) {
        let Verdict { texts, judgement } = verdict;
        let model = texts.model.as_deref();
        let providers = self.providers();
        let logger = facts.logger;
        if logger.starts_with("LiteLLM") || logger.starts_with("litellm") {
            judgement.gateway = self.special.litellm;
        }
        let named = facts.provider.as_ref().and_then(|name| providers.by_name(name));
        let (found, by) = match (named, self.called_host(facts)) {
            (_, Some(host)) if !self.is_relay(host) => (Some(host), Attribution::Host),
            // Callers of an OpenAI-compatible service often name it `openai`, after the SDK. The host is more reliable, and the name of
            // a model that OpenAI does not have.
            (Some(named), None) if Some(named) == self.special.openai && self.other_vendor_of(model).is_some() => {
                (self.other_vendor_of(model), Attribution::Model)
            }
            (Some(named), host) => {
                if host != Some(named) && host.is_some() {
                    judgement.gateway = host;
                }
                (Some(named), Attribution::Field)
            }
            (None, host) => (host, Attribution::Host),
        };
        if let Some(found) = found {
            judgement.attribute(found, by);
        } else if let Some(found) = providers.by_namespace(logger).filter(|found| self.special.is_distinct_library(*found)) {
            judgement.attribute(found, Attribution::Logger);
        } else if let Some(found) = model.or_else(|| model_in_path(facts.url_path?)).and_then(|model| providers.by_model(model))
        {
            judgement.attribute(found, Attribution::Model);
        } else if let Some(ollama) = self.special.ollama.filter(|_| is_of_ollama(facts)) {
            judgement.attribute(ollama, Attribution::Logger);
        }
    }

    /// A provider that the catalogue does not list, where a field names it: it always wins, unless the host that was called is known.
    pub(super) fn infer_unlisted(&self, facts: &Facts<'_>, judgement: &mut Judgement) {
        let is_open = facts.is_provider_key && !matches!(judgement.provider_by, Some(Attribution::Field | Attribution::Host));
        let name = facts.provider.as_ref().filter(|name| is_open && self.providers().by_name(name).is_none());
        if let Some(found) = name.and_then(|name| self.providers().by_field(name)) {
            judgement.attribute(found, Attribution::Field);
        }
    }

    /// The provider at the host that was called.
    fn called_host(&self, facts: &Facts<'_>) -> Option<Provider> {
        let providers = self.providers();
        let of_url = facts.url_host.and_then(|host| providers.by_host(host));
        // Some clients log the host they call as `host`.
        of_url.or_else(|| facts.host.as_ref().filter(|host| host.contains('.')).and_then(|host| providers.by_host(host)))
    }

    /// The vendor of a model, where it is not OpenAI.
    fn other_vendor_of(&self, model: Option<&str>) -> Option<Provider> {
        let model = model.filter(|model| !model.starts_with("gpt"))?;
        self.providers().by_model(model).filter(|vendor| Some(*vendor) != self.special.openai)
    }

    /// Infers the provider from the texts of an error.
    pub(super) fn infer_from_error(&self, facts: &Facts<'_>, signals: &Signals, judgement: &mut Judgement) {
        if judgement.gateway.is_none() && signals.types.iter().any(|name| name.starts_with("litellm.")) {
            judgement.gateway = self.special.litellm;
        }
        if judgement.gateway.is_none() && signals.is_relayed && judgement.provider_by != Some(Attribution::Host) {
            judgement.gateway = self.special.openrouter;
        }
        if self.infer_from_wrapper(signals, judgement) {
            return;
        }
        if matches!(judgement.provider_by, Some(Attribution::Field | Attribution::Host | Attribution::Logger)) {
            return;
        }
        if let Some(found) = signals.url_host.as_ref().and_then(|host| self.providers().by_host(host)) {
            judgement.attribute(found, Attribution::Host);
            return;
        }
        let words = self.vocabulary_in(signals);
        if let Some((found, by)) = self.by_class(signals, &words) {
            judgement.attribute(found, by);
            return;
        }
        if judgement.provider_by == Some(Attribution::Model) {
            return;
        }
        if let Some((found, by)) = self.by_words(signals, &words, judgement) {
            judgement.attribute(found, by);
        } else {
            self.infer_from_openai_sdk(facts, signals, judgement);
        }
    }

    /// A wrapper around the error names the provider. Whether that settles it: a relay's name is only its gateway.
    fn infer_from_wrapper(&self, signals: &Signals, judgement: &mut Judgement) -> bool {
        let Some(wrapped) = signals.provider.as_ref().and_then(|name| self.providers().by_name(name)) else { return false };
        if self.is_relay(wrapped) {
            judgement.gateway = judgement.gateway.or(Some(wrapped));
            return false;
        }
        let openrouter = self.special.openrouter;
        // A caller that names the relay called the relay; only an error that the provider itself wrote is not the relay's.
        let is_named = judgement.provider_by == Some(Attribution::Field) && Some(judgement.provider) == openrouter;
        if is_named && signals.is_relayed && !signals.passes_body {
            return true;
        }
        if Some(judgement.provider) == openrouter && Some(wrapped) != openrouter {
            judgement.gateway = openrouter;
        }
        let is_open = judgement.provider_by != Some(Attribution::Host) && !Unlisted::has(judgement.provider);
        if is_open || judgement.gateway.is_some() {
            judgement.attribute(wrapped, Attribution::Wrapper);
        }
        true
    }

    /// By the SDK of a cloud, or the class of the exception.
    fn by_class(&self, signals: &Signals, words: &[Provider]) -> Option<(Provider, Attribution)> {
        if let Some(cloud) = self.libraries_in(signals).find(|library| self.special.is_cloud(*library)) {
            return Some((cloud, Attribution::Namespace));
        }
        let mut classes = signals.types.iter().filter_map(|name| self.providers().by_namespace(name));
        let class = classes.find(|found| self.special.is_distinct_library(*found))?;
        // A cloud that sells a vendor's models sends that vendor's words through that vendor's SDK, and a few words of its own.
        match words.iter().copied().find(|word| self.special.is_cloud(*word)) {
            Some(cloud) if !self.special.is_cloud(class) => Some((cloud, Attribution::Vocabulary)),
            _ => Some((class, Attribution::Namespace)),
        }
    }

    /// By another library, by words that only one provider uses, or by a model in the message. A relay's words make it the gateway.
    fn by_words(&self, signals: &Signals, words: &[Provider], judgement: &mut Judgement) -> Option<(Provider, Attribution)> {
        let providers = self.providers();
        if let Some(library) = self.libraries_in(signals).find(|library| self.special.is_distinct_library(*library)) {
            return Some((library, Attribution::Namespace));
        }
        let relay = words.iter().copied().find(|word| self.is_relay(*word) && *word != judgement.provider);
        judgement.gateway = judgement.gateway.or(relay);
        let cloud = words.iter().copied().find(|word| self.special.is_cloud(*word));
        if let Some(found) = cloud.or_else(|| words.iter().copied().find(|word| !self.is_relay(*word))) {
            return Some((found, Attribution::Vocabulary));
        }
        let named_model = signals.model.as_ref().and_then(|model| providers.by_model(model));
        named_model.or_else(|| self.model_in_messages(signals)).map(|found| (found, Attribution::Model))
    }

    fn model_in_messages(&self, signals: &Signals) -> Option<Provider> {
        let messages = signals.messages.iter();
        let words = messages.flat_map(|message| message.split([' ', '\'', '"', '`', ',', '(', ')', ':'])).take(MODEL_WORDS);
        let mut names = words.filter(|word| word.contains('-') && !word.contains('/') && word.len() >= MODEL_BYTES);
        names.find_map(|word| self.providers().by_model(word))
    }

    /// The openai SDK calls many services: its namespace is the weakest sign.
    fn infer_from_openai_sdk(&self, facts: &Facts<'_>, signals: &Signals, judgement: &mut Judgement) {
        let names = signals.types.iter().filter(|name| name.contains(['.', ':'])).map(String::as_str).chain([facts.logger]);
        let mut of = names
            .map(|name| self.providers().by_namespace(name))
            .chain(signals.libraries.iter().map(|name| self.of_library(name)));
        let is_used = of.any(|found| found.is_some() && found == self.special.openai);
        if let Some(openai) = self.special.openai.filter(|_| is_used) {
            judgement.attribute(openai, Attribution::Namespace);
            judgement.is_sdks = true;
        }
    }

    /// Providers with words of their own in the error.
    fn vocabulary_in(&self, signals: &Signals) -> Vec<Provider> {
        let texts = signals.messages.iter().chain(&signals.types).chain(&signals.codes).chain(&signals.request_id);
        let hits = texts
            .flat_map(|text| self.vocabulary.words.find_iter(text.as_str()).filter(|hit| !is_in_file_name(text, hit.range())));
        hits.map(|hit| self.vocabulary.providers[hit.pattern().as_usize()]).take(VOCABULARY_HITS).collect()
    }

    /// Whether a class or a stack frame of the error is one of a vendor's SDK.
    pub(super) fn names_library(&self, signals: &Signals) -> bool {
        self.libraries_in(signals).next().is_some()
            || signals.types.iter().any(|name| self.providers().by_namespace(name).is_some())
    }

    fn libraries_in(&self, signals: &Signals) -> impl Iterator<Item = Provider> {
        signals.libraries.iter().filter_map(|name| self.of_library(name))
    }

    /// The provider to whose SDK a package belongs: `@anthropic-ai/sdk`, `google/genai`, `@ai-sdk/openai`.
    fn of_library(&self, name: &str) -> Option<Provider> {
        let name = name.trim_start_matches('@');
        let name = name.strip_prefix("ai-sdk/").unwrap_or(name).trim_end_matches("-ai/sdk");
        self.providers().by_namespace(&name.replace('/', "."))
    }

    /// The relay that a failure shows. LiteLLM is left out: it may be a library in the caller's process.
    pub(super) fn relay_of(&self, judgement: &Judgement) -> Option<Provider> {
        let shown = judgement.gateway.unwrap_or(judgement.provider);
        Some(shown).filter(|shown| self.is_relay(*shown) && Some(*shown) != self.special.litellm)
    }
}

impl SpecialProviders {
    pub(super) fn is_cloud(&self, provider: Provider) -> bool {
        self.clouds.contains(&Some(provider))
    }

    /// Whether a library of this provider calls only this provider: those of OpenAI and LiteLLM call many.
    fn is_distinct_library(&self, provider: Provider) -> bool {
        Some(provider) != self.openai && Some(provider) != self.litellm
    }
}

impl WordScanner {
    fn new(providers: &Providers, words_of: fn(&ProviderSpec) -> &Vec<String>, kind: MatchKind) -> Self {
        let all = providers.iter().flat_map(|(provider, spec)| words_of(spec).iter().map(move |word| (word, provider)));
        let (words, providers): (Vec<_>, Vec<_>) = all.unzip();
        let built = AhoCorasick::builder()
            .ascii_case_insensitive(true)
            .kind(Some(AhoCorasickKind::ContiguousNFA))
            .match_kind(kind)
            .build(words);
        Self { words: built.unwrap_or_else(|_| no_words()), providers }
    }
}

/// Whether a place in a text is inside the name of a source file: `openai-base.lua:366` names a file, not a vendor.
pub(super) fn is_in_file_name(text: &str, place: Range<usize>) -> bool {
    const EXTENSIONS: [&str; 20] = [
        "py", "js", "mjs", "cjs", "ts", "tsx", "jsx", "go", "rs", "java", "kt", "scala", "rb", "php", "cs", "ex", "exs", "lua",
        "swift", "cpp",
    ];
    let is_end = |c: char| c.is_whitespace() || matches!(c, '"' | '\'' | '`' | '(' | ')' | ',' | ':' | '[' | ']' | '<' | '>');
    let after = text.get(place.end..).unwrap_or_default();
    let rest = after.get(..after.find(is_end).unwrap_or(after.len())).unwrap_or_default();
    rest.rsplit_once('.').is_some_and(|(_, extension)| EXTENSIONS.contains(&extension))
}

/// Whether a record is an access line of Ollama itself: gin's columns around a path of its own. Applications and proxies have an `/api/chat`
/// too, in other shapes.
fn is_of_ollama(facts: &Facts<'_>) -> bool {
    const PATHS: [&[u8]; 4] = [b"/api/chat", b"/api/generate", b"/api/embed", b"/api/embeddings"];
    let LineKind::Access { path, .. } = facts.line_kind else { return false };
    PATHS.contains(&path) && memchr::memmem::find(facts.raw, b"[GIN]").is_some()
}

/// A scanner that finds nothing.
pub(super) fn no_words() -> AhoCorasick {
    AhoCorasick::new([""; 0]).expect("an empty list always compiles")
}
