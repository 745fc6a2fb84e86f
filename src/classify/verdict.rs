//! One record judged: is it a call, did it fail, whose was it, what was it, whose problem is it.

use super::catalog::{Catalog, Pattern};
use super::engine::{Found, Query, Tier};
use super::memo::{Recall, VerdictCache};
use super::success::{is_llm_path, is_success, looks_like_model, told_by_words};
use crate::observation::{MAX_RETRY_AFTER_S, PatternId};
use crate::record::{Format, Level, LineKind, Record, Signals, host_of};
use crate::redact::Redactor;
use crate::taxonomy::{Category, Confidence, Grain, Outcome, Owner, Provider, ProviderSpec, Retry, Status, string_enum};
use crate::time::{Stamp, Timestamp};
use aho_corasick::{AhoCorasick, AhoCorasickKind, MatchKind};
use std::borrow::Cow;
use std::sync::Arc;

string_enum! {
    /// How the provider was told.
    Attribution {
        /// A field of the record names it.
        Field = "field",
        /// The host that was called.
        Host = "host",
        /// A wrapper's words: `AnthropicException - …`.
        Wrapper = "wrapper",
        /// The namespace of the exception class.
        Namespace = "namespace",
        /// The logger's name.
        Logger = "logger",
        /// Words that only its errors use.
        Vocabulary = "vocabulary",
        /// The model's name.
        Model = "model",
        /// The pattern that won.
        Pattern = "pattern",
        /// Names and words that others repeat: a guess.
        Wording = "wording",
        /// An earlier line of the same call.
        Context = "context",
    }
}

/// A wording of so many bytes is a phrase of somebody's own, not a name or a term.
const PHRASE: usize = 20;

string_enum! {
    /// What a source carries.
    Traffic {
        /// Only the logs of LLM clients and gateways: an error there is an LLM error.
        Llm = "llm",
        /// Anything: an error needs evidence that it is an LLM's.
        Mixed = "mixed",
    }
}

/// What one record comes to. Borrowed from the record where it is a success; an error owns its texts.
#[derive(Clone, Debug)]
pub struct Verdict<'a> {
    /// The record's own time stamp.
    pub stamp: Option<Stamp>,
    /// Success, error, or something else.
    pub outcome: Outcome,
    /// The grain that the record's shape tells.
    pub grain: Grain,
    /// Whose service was called.
    pub provider: Provider,
    /// How that was told.
    pub provider_by: Option<Attribution>,
    /// The relay in between.
    pub gateway: Option<Provider>,
    /// The relay that the record shows, whether it stands between or failed itself; never a library in the caller's own process.
    pub relay: Option<Provider>,
    /// Who called, where the record says so.
    pub service: Option<Cow<'a, str>>,
    /// The machine, where the record says so.
    pub host: Option<Cow<'a, str>>,
    /// The model that was asked for.
    pub model: Option<Cow<'a, str>>,
    /// What the application saw.
    pub status: Option<Status>,
    /// What the provider's own body says, where it differs.
    pub upstream_status: Option<Status>,
    /// The pattern that won.
    pub pattern: Option<PatternId>,
    /// Kind of error.
    pub category: Category,
    /// Who can settle it.
    pub owner: Owner,
    /// Whether to retry.
    pub retry: Retry,
    /// What decided.
    pub confidence: Confidence,
    /// A wait the provider named, in seconds; waits of more than an hour are in `resets_at`.
    pub retry_after_s: Option<f64>,
    /// The date at which a limit refills, counted from the record's own time.
    pub resets_at: Option<Timestamp>,
    /// The provider's or gateway's id of the request.
    pub request_id: Option<Cow<'a, str>>,
    /// The gateway's or SDK's id of the call.
    pub call_id: Option<Cow<'a, str>>,
    /// The error's own words, redacted, at most 512 bytes.
    pub message: Option<String>,
    /// The last four characters of the key, where the record shows them.
    pub key_hint: Option<String>,
    /// How long it took, in seconds.
    pub latency_s: Option<f64>,
    /// Tokens sent.
    pub input_tokens: Option<u64>,
    /// Secrets that were taken out of the message.
    pub redactions: u64,
    /// The writer called it an error, and it is not one that we know.
    pub unrecognised: bool,
    /// A failure that only the traffic of its stream makes one of an LLM call: kept in case such a call was seen there.
    pub doubtful: bool,
    /// Nothing but the use of the openai SDK, which calls many services, names the provider.
    pub is_sdks: bool,
    /// The line of a client that is about to try again.
    pub is_retry_notice: bool,
    /// The line of an HTTP client about one answer; it knows the host for sure.
    pub is_transport: bool,
    /// The line of a client about a request it is about to send.
    pub is_request: bool,
}

/// Judges records. Built once from a catalogue; judging is `&self`.
#[derive(Clone, Debug)]
pub struct Classifier {
    catalog: Arc<Catalog>,
    vocabulary: Arc<(AhoCorasick, Vec<Provider>)>,
    wording: Arc<(AhoCorasick, Vec<Provider>)>,
    benign: AhoCorasick,
    redactor: Redactor,
    openai: Option<Provider>,
    anthropic: Option<Provider>,
    /// Its Claude speaks Anthropic's words in a body of AWS's shape.
    bedrock: Option<Provider>,
    litellm: Option<Provider>,
    openrouter: Option<Provider>,
    clouds: Arc<[Provider]>,
}

impl Classifier {
    /// A classifier over this catalogue.
    #[must_use]
    pub fn new(catalog: Arc<Catalog>) -> Self {
        let nothing = || AhoCorasick::new([""; 0]).expect("no words need no memory");
        let scanner = |of: fn(&ProviderSpec) -> &Vec<String>, kind| {
            let specs = catalog.providers().iter();
            let words: Vec<_> = specs.flat_map(|(provider, spec)| of(spec).iter().map(move |it| (it, provider))).collect();
            let owners = words.iter().map(|(_, provider)| *provider).collect();
            let words = AhoCorasick::builder()
                .ascii_case_insensitive(true)
                .kind(Some(AhoCorasickKind::ContiguousNFA))
                .match_kind(kind)
                .build(words.iter().map(|(word, _)| word));
            Arc::new((words.unwrap_or_else(|_| nothing()), owners))
        };
        let benign = AhoCorasick::new(&catalog.signs.benign).unwrap_or_else(|_| nothing());
        let named = |id| catalog.providers().by_name(id);
        let (openai, litellm, openrouter) = (named("openai"), named("litellm"), named("openrouter"));
        let (anthropic, bedrock) = (named("anthropic"), named("bedrock"));
        let clouds = ["azure", "bedrock", "vertex_ai"].into_iter().filter_map(named).collect();
        Self {
            clouds,
            benign,
            redactor: Redactor::default(),
            vocabulary: scanner(|it| &it.vocabulary, MatchKind::LeftmostLongest),
            wording: scanner(|it| &it.wording, MatchKind::Standard),
            openai,
            anthropic,
            bedrock,
            litellm,
            openrouter,
            catalog,
        }
    }

    /// The catalogue in use.
    #[must_use]
    pub fn catalog(&self) -> &Arc<Catalog> {
        &self.catalog
    }

    /// Judges one record of a source that carries `traffic`.
    #[must_use]
    pub fn classify<'a>(&self, record: &Record<'a>, traffic: Traffic) -> Verdict<'a> {
        self.judge(record, traffic, None)
    }

    /// The same, faster where failures repeat: `memo` knows what this classifier was asked before.
    pub fn classify_again<'a>(&self, record: &Record<'a>, traffic: Traffic, memo: &mut VerdictCache) -> Verdict<'a> {
        self.judge(record, traffic, Some(memo))
    }

    fn judge<'a>(&self, record: &Record<'a>, traffic: Traffic, memo: Option<&mut VerdictCache>) -> Verdict<'a> {
        let mut verdict = Verdict::of(record);
        verdict.names().into_iter().flatten().for_each(|it| self.redactor.name(it));
        match record.spot() {
            LineKind::Transport { status, .. } => self.transport(record, status, &mut verdict),
            LineKind::Access { path, status, .. } => self.access(record, path, status, &mut verdict),
            LineKind::Retry => verdict.is_retry_notice = true,
            LineKind::Request { .. } => {
                verdict.is_request = true;
                self.tell_provider(record, &mut verdict);
            }
            LineKind::Response { status } => {
                verdict.grain = Grain::Attempt;
                self.tell_provider(record, &mut verdict);
                self.answer(record, status, &mut verdict);
            }
            _ => self.general(record, traffic, memo, &mut verdict),
        }
        verdict
    }

    /// Judges a record as if it were known to be a failure; what `explain` asks.
    #[must_use]
    pub fn explain<'a>(&self, record: &Record<'a>) -> Verdict<'a> {
        let mut verdict = Verdict::of(record);
        self.tell_provider(record, &mut verdict);
        let signals = record.signals();
        self.failure(record, &signals, &mut verdict);
        verdict
    }

    /// Whether `pattern` matches this record at all, whatever wins.
    #[must_use]
    pub fn pattern_matches(&self, pattern: PatternId, record: &Record<'_>) -> bool {
        let mut verdict = Verdict::of(record);
        self.tell_provider(record, &mut verdict);
        let signals = record.signals();
        self.tell_provider_of_error(record, &signals, &mut verdict);
        self.statuses(record, &signals, &mut verdict);
        self.catalog.engine.matches(pattern, &self.query(&signals, &verdict))
    }

    fn transport<'a>(&self, record: &Record<'a>, status: u16, verdict: &mut Verdict<'a>) {
        self.tell_provider(record, verdict);
        verdict.is_transport = true;
        verdict.grain = Grain::Attempt;
        if verdict.provider == Provider::UNKNOWN && !record.url_path().is_some_and(is_llm_path) {
            return;
        }
        self.answer(record, status, verdict);
    }

    fn access<'a>(&self, record: &Record<'a>, path: &[u8], status: u16, verdict: &mut Verdict<'a>) {
        let llm = std::str::from_utf8(path).is_ok_and(is_llm_path);
        if llm {
            self.tell_provider(record, verdict);
            verdict.grain = Grain::Attempt;
            self.answer(record, status, verdict);
        }
    }

    fn answer<'a>(&self, record: &Record<'a>, status: u16, verdict: &mut Verdict<'a>) {
        match status {
            400.. => self.failure(record, &Signals::default(), verdict),
            200..=299 => verdict.outcome = Outcome::Success,
            _ => {}
        }
    }

    fn general<'a>(&self, record: &Record<'a>, traffic: Traffic, memo: Option<&mut VerdictCache>, verdict: &mut Verdict<'a>) {
        if is_metric(record) {
            return;
        }
        let status = verdict.status.and_then(Status::http);
        let bad_status =
            matches!(verdict.status, Some(Status::Timeout | Status::Connection)) || status.is_some_and(|it| it >= 400);
        let hollow = record.has_empty_choices() && status.is_none_or(|it| it == 200);
        let evidence = bad_status || record.failed() == Some(true) || record.has_fault() || hollow;
        let suspicious = match record.level() {
            Level::Error | Level::Fatal => true,
            Level::Warn | Level::Unknown => names_failure(record.headline()),
            Level::Info | Level::Debug => false,
        };
        if let Some(memo) = memo.filter(|_| evidence || suspicious) {
            match memo.recall(record, traffic, verdict) {
                Recall::Known => {}
                Recall::TooLong => self.general(record, traffic, None, verdict),
                Recall::New(place) => {
                    self.general(record, traffic, None, verdict);
                    memo.keep(place, record, verdict);
                }
            }
            return;
        }
        self.tell_provider(record, verdict);
        if evidence || suspicious {
            let signals = record.signals();
            let loud = record.level() >= Level::Error;
            let told = bad_status || record.failed() == Some(true) || hollow;
            let benign = self.is_benign(&signals) || looks_like_answer(record, &signals);
            let fine = status == Some(200) && !loud && !evidence;
            // A level alone needs words of trouble beside it; a filled error field does not, unless its words say that all is well.
            let named = matches!(verdict.provider_by, Some(Attribution::Field | Attribution::Host)) || verdict.model.is_some();
            let calm = !told && signals.is_calm();
            let mut failed = told || !calm && (evidence || named && loud || !signals.is_quiet());
            let mut judged = None;
            if !failed && !calm && loud && !benign && !fine {
                // Words that speak of no trouble, and that a pattern knows nevertheless.
                let mut try_it = verdict.clone();
                self.failure(record, &signals, &mut try_it);
                failed = matches!(try_it.confidence, Confidence::Typed | Confidence::Message);
                judged = Some(try_it);
            }
            if failed && !benign && !fine {
                match judged {
                    Some(judged) => *verdict = judged,
                    None => self.failure(record, &signals, verdict),
                }
                verdict.grain = grain_of_failure(record, verdict.grain);
                if traffic == Traffic::Mixed && !self.is_llm(record, verdict) {
                    self.doubt(verdict);
                }
                return;
            }
            verdict.unrecognised = loud && traffic == Traffic::Llm && !benign;
        }
        if record.level() != Level::Debug && (is_success(record, verdict) || self.is_told(record, traffic, verdict)) {
            verdict.outcome = Outcome::Success;
        }
    }

    /// Whether the words of a line report a call that worked; what they tell of it is taken over. Among the logs of anything a name in
    /// the words is no evidence of a model: `command-line` is none.
    fn is_told<'a>(&self, record: &Record<'a>, traffic: Traffic, verdict: &mut Verdict<'a>) -> bool {
        let providers = self.catalog.providers();
        let has_model = verdict.model.is_some() && (traffic == Traffic::Llm || verdict.provider != Provider::UNKNOWN);
        let is_model = |word: &str| traffic == Traffic::Llm && looks_like_model(word) && providers.by_model(word).is_some();
        let Some(told) = told_by_words(record, has_model, is_model) else { return false };
        let host = told.url.and_then(host_of).and_then(|it| providers.by_host(it));
        if told.url.is_some() && host.is_none() && !has_model && told.model.is_none() {
            return false;
        }
        if let Some(host) = host {
            (verdict.provider, verdict.provider_by) = (host, Some(Attribution::Host));
        }
        if let Some(model) = told.model {
            let mut name = Cow::Borrowed(model);
            self.redactor.name(&mut name);
            verdict.model = Some(name);
            if verdict.provider == Provider::UNKNOWN
                && let Some(found) = providers.by_model(model)
            {
                (verdict.provider, verdict.provider_by) = (found, Some(Attribution::Model));
            }
        }
        verdict.latency_s = verdict.latency_s.or(told.took_s);
        true
    }

    /// Not an LLM's failure as far as the record tells; the stream may know more.
    fn doubt(&self, verdict: &mut Verdict<'_>) {
        verdict.doubtful = verdict.outcome == Outcome::Error;
        verdict.outcome = Outcome::Other;
    }

    fn is_benign(&self, signals: &Signals) -> bool {
        signals.messages.iter().any(|it| self.benign.is_match(it.as_str()))
    }

    /// Whether a failure in mixed logs is an LLM's: a provider, a model, or a pattern that only LLM errors match.
    fn is_llm(&self, record: &Record<'_>, verdict: &Verdict<'_>) -> bool {
        let typed = verdict.confidence == Confidence::Typed;
        let guessed = matches!(verdict.provider_by, Some(Attribution::Pattern | Attribution::Wording));
        let provider = verdict.provider != Provider::UNKNOWN && (typed || !guessed);
        let model = record.model().is_some_and(|it| self.catalog.providers().by_model(&it).is_some());
        let specific = verdict.pattern.and_then(|it| self.catalog.pattern(it)).is_some_and(|it| {
            let llm_only = matches!(it.category, Category::ToolUse | Category::ContentPolicy)
                || it.id.contains("context-length")
                || it.id.contains("insufficient-quota");
            typed && (!it.providers.is_empty() || llm_only)
        });
        provider || model || specific
    }

    /// Fills in everything that is said of a failure.
    fn failure<'a>(&self, record: &Record<'a>, signals: &Signals, verdict: &mut Verdict<'a>) {
        verdict.outcome = Outcome::Error;
        self.tell_provider_of_error(record, signals, verdict);
        self.statuses(record, signals, verdict);
        if record.has_empty_choices() && verdict.status.and_then(Status::http).is_none_or(|it| it == 200) {
            let mut more = signals.clone();
            more.codes.push("empty_choices".to_owned());
            self.match_pattern(&more, verdict);
        } else {
            self.match_pattern(signals, verdict);
        }
        self.guess_provider(signals, verdict);
        let is_relay = |it: &Provider| self.catalog.providers().spec(*it).is_some_and(|it| it.relay);
        verdict.relay = verdict.gateway.or(Some(verdict.provider)).filter(|it| is_relay(it) && Some(*it) != self.litellm);
        if let Some(model) = signals.model.as_ref().filter(|_| verdict.model.is_none()) {
            verdict.model = Some(self.clean(model));
        }
        if let Some(id) = signals.request_id.as_ref().filter(|_| verdict.request_id.is_none()) {
            verdict.request_id = Some(self.clean(id));
        }
        self.waits(signals, verdict);
        let text = signals.message();
        let (message, redactions) = self.redactor.message(text);
        verdict.key_hint = record.key_label().map(Cow::into_owned).or_else(|| self.redactor.key_hint(text).map(str::to_owned));
        verdict.message = (!message.is_empty()).then_some(message);
        verdict.redactions = redactions;
    }

    fn clean<'a>(&self, name: &str) -> Cow<'a, str> {
        let mut name = Cow::Owned(name.to_owned());
        self.redactor.name(&mut name);
        name
    }

    fn waits(&self, signals: &Signals, verdict: &mut Verdict<'_>) {
        match signals.retry_after_s.filter(|it| *it >= 0.0 && it.is_finite()) {
            Some(wait) if wait <= MAX_RETRY_AFTER_S => verdict.retry_after_s = Some(wait),
            Some(wait) if wait < 400.0 * 86_400.0 => {
                if let Some(Stamp::Utc(at)) = verdict.stamp {
                    verdict.resets_at = Some(at.plus(std::time::Duration::from_secs_f64(wait)));
                } else {
                    verdict.retry_after_s = Some(wait);
                }
            }
            _ => {}
        }
    }

    fn query<'q>(&self, signals: &'q Signals, verdict: &Verdict<'_>) -> Query<'q> {
        Query {
            provider: verdict.provider,
            gateway: verdict.gateway,
            status: verdict.upstream_status.or(verdict.status),
            signals,
        }
    }

    fn match_pattern(&self, signals: &Signals, verdict: &mut Verdict<'_>) {
        let Some(Found { id, tier, distinct }) = self.catalog.engine.find(&self.query(signals, verdict)) else { return };
        let Some(pattern) = self.catalog.pattern(id) else { return };
        verdict.pattern = Some(id);
        verdict.status = verdict.status.or(pattern.implies);
        verdict.category = pattern.category;
        verdict.owner = pattern.owner;
        verdict.retry = pattern.retry;
        verdict.confidence = match tier {
            Tier::Code | Tier::Type | Tier::GeneralType => Confidence::Typed,
            Tier::Message => Confidence::Message,
            Tier::Status => Confidence::Status,
        };
        // A relay that itself refuses is the one that failed.
        if pattern.owner == Owner::Gateway
            && let Some(gateway) = verdict.gateway
        {
            verdict.provider = gateway;
            verdict.gateway = None;
        }
        if tier <= Tier::Message
            && distinct
            && (verdict.provider == Provider::UNKNOWN
                || matches!(verdict.provider_by, Some(Attribution::Wrapper | Attribution::Namespace | Attribution::Model)))
            && let Some(provider) = self.speaker_of(pattern, signals)
            && self.yields_to(verdict, pattern, provider)
        {
            verdict.provider = provider;
            verdict.provider_by = Some(Attribution::Pattern);
        }
    }

    /// Whose pattern it is: of several, the one whose wordings are there too, or the first. A cloud that sells a vendor's models
    /// repeats that vendor's words between its own.
    fn speaker_of(&self, pattern: &Pattern, signals: &Signals) -> Option<Provider> {
        let providers = self.catalog.providers();
        let first = pattern.providers.first().and_then(|it| providers.by_name(it))?;
        let said = self.wording_of(signals).filter(|(it, length)| {
            *length >= PHRASE || self.clouds.contains(it) || pattern.providers.iter().any(|id| id == providers.id(*it))
        });
        let found = said.map_or(first, |(it, _)| it);
        Some(self.bedrock.filter(|_| Some(found) == self.anthropic && signals.is_bare).unwrap_or(found))
    }

    /// Whether what a pattern says of the provider is more than what was known: nothing was; a model's name pointed at the vendor
    /// behind a relay that refused; or no more than that the openai SDK, or LiteLLM's adapter for whatever speaks its language, was used.
    fn yields_to(&self, verdict: &Verdict<'_>, pattern: &Pattern, provider: Provider) -> bool {
        let providers = self.catalog.providers();
        let relay = providers.spec(provider).is_some_and(|it| it.relay);
        let by_adapter = Some(verdict.provider) == self.openai
            && matches!(verdict.provider_by, Some(Attribution::Wrapper | Attribution::Namespace))
            && !pattern.providers.iter().any(|it| it == "openai");
        // What a relay says of a provider's failure does not make it another's.
        let of_relay = pattern.owner == Owner::Provider && relay;
        verdict.provider == Provider::UNKNOWN
            || by_adapter && !of_relay
            || relay && verdict.provider_by == Some(Attribution::Model) && verdict.gateway.is_none()
    }

    /// Everybody whose own words are in it, at most 16.
    fn vocabulary_of(&self, signals: &Signals) -> Vec<Provider> {
        let texts = signals.messages.iter().chain(&signals.types).chain(&signals.codes).chain(&signals.request_id);
        let words = texts.flat_map(|it| self.vocabulary.0.find_iter(it.as_str()));
        words.map(|it| self.vocabulary.1[it.pattern().as_usize()]).take(16).collect()
    }

    /// Whose service it probably was, where nothing told for sure, or no more than that the openai SDK was used.
    fn guess_provider(&self, signals: &Signals, verdict: &mut Verdict<'_>) {
        let providers = self.catalog.providers();
        let pattern = verdict.pattern.and_then(|it| self.catalog.pattern(it));
        // A relay's own limit or refusal, where only the model's name told the vendor behind it.
        if verdict.provider_by == Some(Attribution::Model)
            && verdict.gateway.is_none()
            && let Some((relay, _)) = self.wording_of(signals).filter(|(it, _)| providers.spec(*it).is_some_and(|it| it.relay))
        {
            match pattern.is_some_and(|it| it.owner == Owner::Provider) {
                true => verdict.gateway = Some(relay),
                false => (verdict.provider, verdict.provider_by) = (relay, Some(Attribution::Wording)),
            }
            return;
        }
        // What only a relay says, and not about the vendor, it says for itself.
        let is_own = |gateway: &Provider| {
            pattern.is_some_and(|it| it.owner != Owner::Provider && it.providers.iter().any(|id| id == providers.id(*gateway)))
        };
        if !matches!(verdict.provider_by, Some(Attribution::Field | Attribution::Host))
            && let Some(gateway) = verdict.gateway.filter(is_own)
        {
            (verdict.provider, verdict.provider_by, verdict.gateway) = (gateway, Some(Attribution::Pattern), None);
            return;
        }
        let by_sdk = verdict.provider_by == Some(Attribution::Namespace) && Some(verdict.provider) == self.openai;
        if verdict.provider != Provider::UNKNOWN && !by_sdk {
            return;
        }
        let cloud = || self.wording_of(signals).is_some_and(|(it, _)| self.clouds.contains(&it));
        if let Some(anthropic) = self.anthropic.filter(|_| signals.is_enveloped && !cloud()) {
            (verdict.provider, verdict.provider_by) = (anthropic, Some(Attribution::Vocabulary));
            return;
        }
        if let Some((found, _)) = self.wording_of(signals) {
            let found = self.bedrock.filter(|_| Some(found) == self.anthropic && signals.is_bare).unwrap_or(found);
            if providers.spec(found).is_some_and(|it| it.relay) {
                verdict.gateway = None;
            }
            (verdict.provider, verdict.provider_by) = (found, Some(Attribution::Wording));
            return;
        }
        let said = matches!(verdict.confidence, Confidence::Typed | Confidence::Message);
        let speaker = pattern.filter(|_| said && !by_sdk).and_then(|it| it.providers.first());
        if let Some(speaker) = speaker.and_then(|it| providers.by_name(it)) {
            (verdict.provider, verdict.provider_by) = (speaker, Some(Attribution::Pattern));
            return;
        }
        // A relay's own class, and nobody behind it.
        let wrapper = signals.provider.as_ref().and_then(|it| providers.by_name(it));
        if let Some(relay) = wrapper.filter(|it| verdict.gateway == Some(*it)) {
            (verdict.provider, verdict.provider_by, verdict.gateway) = (relay, Some(Attribution::Wrapper), None);
        }
    }

    /// Whose wordings these are, and the length of the longest in bytes: it says most; a bare name comes last.
    fn wording_of(&self, signals: &Signals) -> Option<(Provider, usize)> {
        let texts = signals.messages.iter().chain(&signals.types).chain(&signals.codes).chain(&signals.libraries);
        let hits = texts.flat_map(|it| self.wording.0.find_overlapping_iter(it.as_str())).take(64);
        let longest = hits.max_by_key(|it| (it.len(), std::cmp::Reverse(it.pattern().as_usize())));
        longest.map(|it| (self.wording.1[it.pattern().as_usize()], it.len()))
    }

    /// What the application saw, and what the provider itself said where that differs.
    fn statuses(&self, record: &Record<'_>, signals: &Signals, verdict: &mut Verdict<'_>) {
        let typed = || {
            let names = signals.types.iter().chain(&signals.codes);
            names.filter_map(|it| self.catalog.signs.upstream_status.get(&it.to_ascii_lowercase())).next().copied()
        };
        // A type that stands for a 500 says no more than "a fault of ours"; a 503 or 529 that was seen says which.
        let finer = verdict.status.or(signals.status).and_then(Status::http).is_some_and(|it| (501..600).contains(&it));
        let typed = || typed().filter(|it| !(finer && *it == 500));
        let body = signals.upstream_status.or_else(|| typed().and_then(|it| Status::from_number(i64::from(it))));
        // SDKs name a class for each status. LiteLLM's tells what it answered itself, whatever it was answered.
        let relayed = signals.types.iter().any(|it| it.starts_with("litellm."));
        let bare = body.is_none() && record.upstream_status().is_none();
        let by_class = || signals.types.iter().find_map(|it| self.catalog.signs.class_status.get(it)).copied();
        let seen = verdict.status.or(signals.status).or_else(|| {
            let number = if bare || relayed { by_class() } else { None };
            number.and_then(|it| Status::from_number(i64::from(it)))
        });
        let named = record.upstream_status();
        let upstream = named.or(body);
        verdict.status = seen.or(body);
        // A status word in a body speaks against a bare status only where the two disagree on what happened.
        verdict.upstream_status = upstream.filter(|it| Some(*it) != verdict.status);
    }

    /// Whose service: by what the record says whether or not the call failed.
    fn tell_provider(&self, record: &Record<'_>, verdict: &mut Verdict<'_>) {
        let providers = self.catalog.providers();
        let named = record.provider().and_then(|it| providers.by_name(&it));
        let host = record.url_host().and_then(|it| providers.by_host(it));
        // Some clients log the host they call as `host`.
        let host = host.or_else(|| record.host().filter(|it| it.contains('.')).and_then(|it| providers.by_host(&it)));
        let is_relay = |it: &Provider| providers.spec(*it).is_some_and(|it| it.relay);
        let logger = record.logger();
        if logger.starts_with("LiteLLM") || logger.starts_with("litellm") {
            verdict.gateway = self.litellm;
        }
        // An OpenAI-compatible service is often named `openai` by whoever called it through that SDK: the host knows better, and the
        // name of a model that OpenAI does not have.
        let (found, by) = match (named, host) {
            (_, Some(host)) if !is_relay(&host) => (Some(host), Attribution::Host),
            (Some(named), None) if Some(named) == self.openai && self.vendor_of(verdict).is_some() => {
                (self.vendor_of(verdict), Attribution::Model)
            }
            (Some(named), host) => {
                if host != Some(named) && host.is_some() {
                    verdict.gateway = host;
                }
                (Some(named), Attribution::Field)
            }
            (None, host) => (host, Attribution::Host),
        };
        if let Some(found) = found {
            verdict.provider = found;
            verdict.provider_by = Some(by);
            return;
        }
        let space = providers.by_namespace(logger).filter(|it| Some(*it) != self.openai && Some(*it) != self.litellm);
        if let Some(found) = space {
            (verdict.provider, verdict.provider_by) = (found, Some(Attribution::Logger));
            return;
        }
        if let Some(found) = verdict.model.as_ref().and_then(|it| providers.by_model(it)) {
            (verdict.provider, verdict.provider_by) = (found, Some(Attribution::Model));
        }
    }

    /// Whose the model is, where it is not OpenAI's.
    fn vendor_of(&self, verdict: &Verdict<'_>) -> Option<Provider> {
        let model = verdict.model.as_ref().filter(|it| !it.starts_with("gpt"))?;
        self.catalog.providers().by_model(model).filter(|it| Some(*it) != self.openai)
    }

    /// What an error itself tells of whose it is.
    fn tell_provider_of_error(&self, record: &Record<'_>, signals: &Signals, verdict: &mut Verdict<'_>) {
        let providers = self.catalog.providers();
        if verdict.gateway.is_none() && signals.types.iter().any(|it| it.starts_with("litellm.")) {
            verdict.gateway = self.litellm;
        }
        if verdict.gateway.is_none() && signals.is_relayed && verdict.provider_by != Some(Attribution::Host) {
            verdict.gateway = self.openrouter;
        }
        let wrapped = signals.provider.as_ref().and_then(|it| providers.by_name(it));
        if let Some(relay) = wrapped.filter(|it| providers.spec(*it).is_some_and(|it| it.relay)) {
            verdict.gateway = verdict.gateway.or(Some(relay));
        } else if let Some(wrapped) = wrapped {
            if Some(verdict.provider) == self.openrouter && Some(wrapped) != self.openrouter {
                verdict.gateway = self.openrouter;
            }
            if verdict.provider_by != Some(Attribution::Host) || verdict.gateway.is_some() {
                (verdict.provider, verdict.provider_by) = (wrapped, Some(Attribution::Wrapper));
            }
            return;
        }
        if matches!(verdict.provider_by, Some(Attribution::Field | Attribution::Host | Attribution::Logger)) {
            return;
        }
        if let Some(found) = signals.url_host.as_ref().and_then(|it| providers.by_host(it)) {
            (verdict.provider, verdict.provider_by) = (found, Some(Attribution::Host));
            return;
        }
        let space = signals
            .types
            .iter()
            .filter_map(|it| providers.by_namespace(it))
            .find(|it| Some(*it) != self.openai && Some(*it) != self.litellm);
        let words = self.vocabulary_of(signals);
        let of_libraries = || signals.libraries.iter().filter_map(|it| self.of_library(it));
        if let Some(cloud) = of_libraries().find(|it| self.clouds.contains(it)) {
            (verdict.provider, verdict.provider_by) = (cloud, Some(Attribution::Namespace));
            return;
        }
        // A cloud that sells a vendor's models speaks with that vendor's words, through that vendor's SDK, and with some words of its own.
        let cloud = words.iter().find(|it| self.clouds.contains(it)).copied();
        if let Some(cloud) = cloud.filter(|_| space.is_some_and(|it| !self.clouds.contains(&it))) {
            (verdict.provider, verdict.provider_by) = (cloud, Some(Attribution::Vocabulary));
            return;
        }
        if let Some(found) = space {
            (verdict.provider, verdict.provider_by) = (found, Some(Attribution::Namespace));
            return;
        }
        if verdict.provider_by == Some(Attribution::Model) {
            return;
        }
        let library = of_libraries().find(|it| Some(*it) != self.openai && Some(*it) != self.litellm);
        if let Some(found) = library {
            (verdict.provider, verdict.provider_by) = (found, Some(Attribution::Namespace));
            return;
        }
        let is_relay = |it: &Provider| providers.spec(*it).is_some_and(|it| it.relay);
        verdict.gateway = verdict.gateway.or(words.iter().copied().find(|it| is_relay(it) && *it != verdict.provider));
        if let Some(found) = cloud.or_else(|| words.iter().copied().find(|it| !is_relay(it))) {
            (verdict.provider, verdict.provider_by) = (found, Some(Attribution::Vocabulary));
            return;
        }
        if let Some(found) = signals.model.as_ref().and_then(|it| providers.by_model(it)) {
            (verdict.provider, verdict.provider_by) = (found, Some(Attribution::Model));
            return;
        }
        let words = signals.messages.iter().flat_map(|it| it.split([' ', '\'', '"', '`', ',', '(', ')', ':'])).take(80);
        if let Some(found) =
            words.filter(|it| it.contains('-') && !it.contains('/') && it.len() >= 5).find_map(|it| providers.by_model(it))
        {
            (verdict.provider, verdict.provider_by) = (found, Some(Attribution::Model));
            return;
        }
        // The openai SDK calls many services: its namespace is the weakest sign.
        let weak = signals.types.iter().any(|it| it.starts_with("openai."))
            || signals.libraries.iter().any(|it| it == "openai")
            || record.logger().starts_with("openai");
        if let Some(openai) = self.openai.filter(|_| weak) {
            (verdict.provider, verdict.provider_by) = (openai, Some(Attribution::Namespace));
            verdict.is_sdks = true;
        }
    }
}

impl Classifier {
    /// The provider to whose SDK a package belongs: `@anthropic-ai/sdk`, `google/genai`, `@ai-sdk/openai`.
    fn of_library(&self, name: &str) -> Option<Provider> {
        let name = name.trim_start_matches('@');
        let name = name.strip_prefix("ai-sdk/").unwrap_or(name).trim_end_matches("-ai/sdk");
        self.catalog.providers().by_namespace(&name.replace('/', "."))
    }
}

impl<'a> Verdict<'a> {
    fn of(record: &Record<'a>) -> Self {
        Self {
            stamp: record.stamp(),
            outcome: Outcome::Other,
            grain: grain_of_shape(record),
            provider: Provider::UNKNOWN,
            provider_by: None,
            gateway: None,
            relay: None,
            service: record.service(),
            host: record.host(),
            model: record.model(),
            status: record.status(),
            upstream_status: None,
            pattern: None,
            category: Category::Unknown,
            owner: Owner::Unknown,
            retry: Retry::Depends,
            confidence: Confidence::None,
            retry_after_s: None,
            resets_at: None,
            request_id: record.request_id(),
            call_id: record.call_id(),
            message: None,
            key_hint: None,
            latency_s: record.latency_s(),
            input_tokens: record.input_tokens(),
            redactions: 0,
            unrecognised: false,
            doubtful: false,
            is_sdks: false,
            is_retry_notice: false,
            is_transport: false,
            is_request: false,
        }
    }

    /// What the record may say in words of its own.
    pub(super) fn names(&mut self) -> [&mut Option<Cow<'a, str>>; 5] {
        [&mut self.service, &mut self.host, &mut self.model, &mut self.request_id, &mut self.call_id]
    }

    /// The model that was asked for; empty where that is not known.
    #[must_use]
    pub fn model_text(&self) -> &str {
        self.model.as_deref().unwrap_or_default()
    }
}

fn grain_of_shape(record: &Record<'_>) -> Grain {
    match record.spot() {
        LineKind::None | LineKind::Request { .. } => Grain::Call,
        _ => Grain::Attempt,
    }
}

/// A failure that a library logs about itself is a detail of the application's; one after which another try is announced
/// is an attempt.
fn grain_of_failure(record: &Record<'_>, shape: Grain) -> Grain {
    const LIBRARIES: [&str; 17] = [
        "openai",
        "anthropic",
        "httpx",
        "httpcore",
        "urllib3",
        "google_genai",
        "botocore",
        "mistralai",
        "groq",
        "cohere",
        "backoff",
        "asyncio",
        "LiteLLM Router",
        "aiohttp",
        "requests",
        "uvicorn",
        "langchain",
    ];
    if shape != Grain::Call {
        return shape;
    }
    let logger = record.logger();
    let library = LIBRARIES
        .iter()
        .any(|it| logger.strip_prefix(it).is_some_and(|rest| rest.is_empty() || rest.starts_with(['.', '_', '2'])));
    let of_sdk = record.headline().starts_with(b"[log_") || starts_folded(record.headline(), b"litellm.acompletion(model=");
    if record.level() == Level::Debug || library || of_sdk {
        return Grain::Detail;
    }
    if announces_retry(record.headline()) { Grain::Attempt } else { Grain::Call }
}

fn announces_retry(text: &[u8]) -> bool {
    let head = &text[..text.len().min(400)];
    [b"retrying".as_slice(), b"Retrying", b"will retry", b"api_retry", b"Reconnecting..."]
        .iter()
        .any(|it| memchr::memmem::find(head, it).is_some())
        && memchr::memmem::find(head, b"no more retries").is_none()
        && memchr::memmem::find(head, b"not retrying").is_none()
}

fn starts_folded(text: &[u8], prefix: &[u8]) -> bool {
    text.get(..prefix.len()).is_some_and(|it| it.eq_ignore_ascii_case(prefix))
}

/// Words in a line without a level, or at a warning, that make it worth a closer look.
pub(super) fn names_failure(text: &[u8]) -> bool {
    const WORDS: [&[u8]; 18] = [
        b"rror",
        b"xception",
        b"ailed",
        b"ailure",
        b"status code",
        b"Traceback",
        b"imed out",
        b"imeout",
        b"RESOURCE_EXHAUSTED",
        b"ECONN",
        b"refused",
        b"exceeded",
        b"verloaded",
        b"nauthorized",
        b"ate limit",
        b"quota",
        b"denied",
        b"nvalid",
    ];
    let head = &text[..text.len().min(2_048)];
    WORDS.iter().any(|it| memchr::memmem::find(head, it).is_some())
}

/// A sample of a metric, as exporters print it: `llm_errors_total{status="429"} 17`, and the like with a unit between.
fn is_metric(record: &Record<'_>) -> bool {
    if record.format() == Format::Json || record.level() != Level::Unknown {
        return false;
    }
    let line = record.raw().trim_ascii();
    let name = line.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':')).count();
    let number = line.iter().rev().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-')).count();
    let Some(between) = line.get(name..line.len().saturating_sub(number)) else { return false };
    let named = line[..name].iter().any(|b| matches!(b, b'_' | b'.')) && !line[..name].ends_with(b":");
    named && number > 0 && matches!(between.first(), Some(b'{' | b' ')) && between.ends_with(b"} ")
}

/// A whole answer of a model, logged by mistake as an error: it has choices with content in them.
fn looks_like_answer(record: &Record<'_>, signals: &Signals) -> bool {
    let is_answer = |text: &[u8]| {
        memchr::memmem::find(text, b"chat.completion").is_some() && memchr::memmem::find(text, b"finish_reason").is_some()
    };
    let bare = signals.types.is_empty() && signals.codes.is_empty() && signals.status.is_none();
    bare && (is_answer(record.headline()) || signals.messages.iter().any(|it| is_answer(it.as_bytes())))
}
