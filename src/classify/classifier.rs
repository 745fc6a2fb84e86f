//! Judges records: which judge a line gets by its kind, and what a failure's verdict is made of.

use super::cache::{Recall, VerdictCache};
use super::catalog::Catalog;
use super::engine;
use super::entry_facts::{apply, own_facts};
use super::events::Counts;
use super::grain::{grain_of_failure, number_of_try};
use super::habit::habit_of;
use super::layer::Layer;
use super::llm_path::is_llm_path;
use super::outcome::{Evidence, is_hollow, is_logged_answer, is_metric};
use super::pattern::Pattern;
use super::provider::ProviderFinder;
use super::relevance::Relevance;
use super::retirement::Retirement;
use super::rule::{Query, Tier};
use super::status::set_statuses;
use super::success::{CallReport, is_success, looks_like_model};
use super::verdict::{Attribution, Judgement, Role, Traffic, Verdict};
use super::wait::set_wait;
use crate::observation::PatternId;
use crate::record::{AnswerWords, Facts, Format, Level, LineKind, Record, Signals, host_of};
use crate::redact::{Redactor, clean};
use crate::taxonomy::{Category, Confidence, EMPTY_CHOICES, Grain, Outcome, Provider, Status};
use std::borrow::Cow;
use std::sync::Arc;

/// Judges records. Built once from a catalogue; judging is `&self`.
#[derive(Clone, Debug)]
pub struct Classifier {
    pub(super) catalog: Arc<Catalog>,
    pub(super) providers: ProviderFinder,
    /// How answers end.
    pub(super) words: AnswerWords,
    relevance: Relevance,
    pub(super) redactor: Redactor,
}

/// What is known of a record before it is read.
#[derive(Clone, Copy)]
struct Asked {
    traffic: Traffic,
    /// An entry of a producer says that it is about a call.
    is_known: bool,
}

impl Classifier {
    /// A classifier over this catalogue.
    #[must_use]
    pub fn new(catalog: Arc<Catalog>) -> Self {
        Self {
            providers: ProviderFinder::new(Arc::clone(&catalog)),
            relevance: Relevance::new(Arc::clone(&catalog)),
            redactor: Redactor::default(),
            words: AnswerWords::shipped(),
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
    pub fn classify<'a>(&self, record: &'a Record<'a>, traffic: Traffic) -> Verdict<'a> {
        self.judge(&record.facts(), traffic, None)
    }

    /// The same verdict, faster where failures are alike. `cache` holds earlier verdicts of this classifier.
    pub fn classify_again<'a>(&self, record: &'a Record<'a>, traffic: Traffic, cache: &mut VerdictCache) -> Verdict<'a> {
        self.judge(&record.facts(), traffic, Some(cache))
    }

    /// Judges a record as if it were known to be a failure, for `explain`.
    #[must_use]
    pub fn explain<'a>(&self, record: &'a Record<'a>) -> Verdict<'a> {
        let facts = record.facts();
        let mut verdict = Verdict::new(&facts);
        self.providers.infer_from_record(&facts, &mut verdict);
        let signals = self.signals_with_ending(&facts);
        self.judge_failure(&facts, &signals, &mut verdict);
        verdict
    }

    /// Whether `pattern` matches this record at all, whichever pattern wins.
    #[must_use]
    pub fn pattern_matches(&self, pattern: PatternId, record: &Record<'_>) -> bool {
        let facts = record.facts();
        let mut verdict = Verdict::new(&facts);
        self.providers.infer_from_record(&facts, &mut verdict);
        let signals = self.signals_with_ending(&facts);
        let judgement = &mut verdict.judgement;
        self.providers.infer_from_error(&facts, &signals, judgement);
        set_statuses(&self.catalog.lists, &facts, &signals, judgement);
        self.catalog.engine.matches(pattern, &query(&signals, judgement))
    }

    /// Adds the service and the host in the prefix of the line, if the record names none. Empty: the prefix names none.
    pub fn complete_origin<'a>(&self, verdict: &mut Verdict<'a>, service: &'a str, host: &'a str) {
        for (own, carried) in [(&mut verdict.texts.service, service), (&mut verdict.texts.host, host)] {
            if own.is_none() && !carried.is_empty() {
                self.redactor.name(own.insert(Cow::Borrowed(carried)));
            }
        }
    }

    fn judge<'a>(&self, facts: &Facts<'a>, traffic: Traffic, cache: Option<&mut VerdictCache>) -> Verdict<'a> {
        let found = self.catalog.events.find(facts);
        let owned =
            found.map(|found| &found.event.fields).filter(|fields| fields.judge()).map(|fields| own_facts(facts, fields));
        let cache = cache.filter(|_| owned.is_none());
        let facts = owned.as_ref().unwrap_or(facts);
        let mut verdict = Verdict::new(facts);
        verdict.texts.each_mut().into_iter().flatten().for_each(|text| self.redactor.name(text));
        match found.and_then(|found| found.event.outcome) {
            _ if found.is_some_and(|found| found.event.counts == Counts::None) => {}
            Some(outcome) => self.judge_as(facts, outcome, &mut verdict),
            None => self.judge_by_kind(facts, Asked { traffic, is_known: found.is_some() }, cache, &mut verdict),
        }
        if let Some(found) = found {
            apply(self.catalog.providers(), found, facts, &mut verdict.judgement);
        }
        if found.is_none_or(|found| found.event.counts != Counts::None) {
            self.judge_ending(facts, traffic, &mut verdict);
        }
        if verdict.judgement.outcome != Outcome::Success && (facts.level >= Level::Warn || has_error_status(&verdict.judgement))
        {
            verdict.judgement.is_trouble |= self.names_llm(facts, &verdict);
        }
        verdict.judgement.is_harmless |= found.is_some_and(|found| found.event.counts == Counts::None);
        self.keep_unread(facts, &mut verdict.judgement);
        self.keep_retirement(facts, &mut verdict.judgement);
        verdict
    }

    /// Notes that a record announces the end of a model: a warning, a line of a program without levels, or a failure because of the model.
    fn keep_retirement(&self, facts: &Facts<'_>, judgement: &mut Judgement) {
        let may_announce = match judgement.outcome {
            Outcome::Success => false,
            Outcome::Error => judgement.category == Category::Model,
            Outcome::Other => {
                matches!(facts.level, Level::Warn | Level::Unknown) && facts.format != Format::Json
                    || facts.level == Level::Warn
            }
        };
        if !may_announce {
            return;
        }
        let vendor_of = |model: &str| self.catalog.providers().by_model(model);
        judgement.retirement = Retirement::read(facts.raw, vendor_of).map(Box::new);
    }

    /// Notes that a record speaks of an LLM call or of trouble and was not understood, with its text.
    fn keep_unread(&self, facts: &Facts<'_>, judgement: &mut Judgement) {
        /// Far more than is shown: no secret is cut in two within what is shown.
        const TEXT_BYTES: usize = 8_192;
        let Judgement { unrecognised, is_trouble, is_harmless, outcome, role, .. } = *judgement;
        judgement.is_unread = outcome == Outcome::Other && role == Role::Report && (unrecognised || is_trouble) && !is_harmless;
        if judgement.is_unread && judgement.message.is_none() {
            let text = if facts.headline.is_empty() { facts.raw } else { facts.headline };
            let text = String::from_utf8_lossy(text.get(..TEXT_BYTES).unwrap_or(text));
            judgement.message = Some(self.redactor.message(&text).0).filter(|text| !text.is_empty());
        }
    }

    /// Whether the record names a provider, a known model or the path of an LLM call.
    fn names_llm(&self, facts: &Facts<'_>, verdict: &Verdict<'_>) -> bool {
        let guessed = matches!(verdict.judgement.provider_by, Some(Attribution::Pattern | Attribution::Wording));
        let knows_model = |model: &str| self.catalog.providers().by_model(model).is_some();
        let path = || match facts.line_kind {
            LineKind::Access { path, .. } => std::str::from_utf8(path).ok(),
            _ => facts.url_path,
        };
        (verdict.judgement.provider != Provider::UNKNOWN && !guessed)
            || verdict.texts.model.as_deref().is_some_and(knows_model)
            || path().is_some_and(is_llm_path)
    }

    /// Judges a record with a known outcome.
    fn judge_as<'a>(&self, facts: &Facts<'a>, outcome: Outcome, verdict: &mut Verdict<'a>) {
        self.providers.infer_from_record(facts, verdict);
        verdict.judgement.outcome = outcome;
        if outcome == Outcome::Error {
            let signals = facts.signals();
            self.judge_failure(facts, &signals, verdict);
            complete_failure(facts, &signals, &mut verdict.judgement);
        }
    }

    fn judge_by_kind<'a>(&self, facts: &Facts<'a>, asked: Asked, cache: Option<&mut VerdictCache>, verdict: &mut Verdict<'a>) {
        match facts.line_kind {
            LineKind::Transport { status, .. } => self.judge_transport(facts, status, verdict),
            LineKind::Access { path, status, .. } => self.judge_access(facts, path, status, verdict),
            LineKind::Retry | LineKind::RetryWait => {}
            LineKind::Request { .. } => {
                self.providers.infer_from_record(facts, verdict);
                if facts.url_path.is_some_and(is_llm_path) {
                    verdict.judgement.grain = Grain::Attempt;
                }
            }
            LineKind::Response { status } => self.judge_attempt(facts, status, verdict),
            _ => self.judge_report(facts, asked, cache, verdict),
        }
    }

    /// The line of an HTTP client about one answer.
    fn judge_transport<'a>(&self, facts: &Facts<'a>, status: u16, verdict: &mut Verdict<'a>) {
        self.providers.infer_from_record(facts, verdict);
        verdict.judgement.grain = Grain::Attempt;
        let is_call = facts.url_path.is_some_and(is_llm_path)
            || verdict.judgement.provider != Provider::UNKNOWN && !Relevance::is_no_call(facts);
        if is_call {
            self.judge_status(facts, status, verdict);
        }
    }

    /// The line of a server about one answer.
    fn judge_access<'a>(&self, facts: &Facts<'a>, path: &[u8], status: u16, verdict: &mut Verdict<'a>) {
        if std::str::from_utf8(path).is_ok_and(is_llm_path) {
            self.judge_attempt(facts, status, verdict);
        }
    }

    fn judge_attempt<'a>(&self, facts: &Facts<'a>, status: u16, verdict: &mut Verdict<'a>) {
        self.providers.infer_from_record(facts, verdict);
        verdict.judgement.grain = Grain::Attempt;
        self.judge_status(facts, status, verdict);
    }

    fn judge_status<'a>(&self, facts: &Facts<'a>, status: u16, verdict: &mut Verdict<'a>) {
        match status {
            // The body may be below the status.
            400.. if matches!(facts.line_kind, LineKind::Response { .. }) => {
                self.judge_failure(facts, &facts.signals(), verdict);
            }
            400.. => self.judge_failure(facts, &Signals::default(), verdict),
            200..=299 => verdict.judgement.outcome = Outcome::Success,
            _ => {}
        }
    }

    /// Any other line. An earlier verdict on an equal failure is used again.
    fn judge_report<'a>(&self, facts: &Facts<'a>, asked: Asked, cache: Option<&mut VerdictCache>, verdict: &mut Verdict<'a>) {
        let Asked { mut traffic, is_known } = asked;
        if is_metric(facts) {
            return;
        }
        // A span of a call says so in its attributes; those of files, databases and threads are of no call.
        if facts.is_span && !is_known {
            traffic = Traffic::Mixed;
        }
        let mut evidence = Evidence::of(facts, &verdict.judgement, is_known);
        if evidence.asks_for_a_look() {
            if Relevance::is_no_call(facts) {
                return;
            }
            if self.relevance.is_served(facts) {
                // What our own server answered says nothing about the call; what it logged beside that may.
                verdict.judgement.status = None;
                evidence = Evidence::of_served(facts);
            }
        }
        let Some(cache) = cache.filter(|_| evidence.asks_for_a_look()) else {
            return self.judge_new_report(facts, traffic, evidence, verdict);
        };
        match cache.recall(facts, traffic, verdict) {
            Recall::Known => {}
            Recall::TooLong => self.judge_new_report(facts, traffic, evidence, verdict),
            Recall::New(slot) => {
                self.judge_new_report(facts, traffic, evidence, verdict);
                cache.keep(slot, facts, verdict);
            }
        }
    }

    fn judge_new_report<'a>(&self, facts: &Facts<'a>, traffic: Traffic, evidence: Evidence, verdict: &mut Verdict<'a>) {
        self.providers.infer_from_record(facts, verdict);
        // On a node of mixed logs, an unlisted provider can be one of payments.
        if traffic == Traffic::Llm {
            self.providers.infer_unlisted(facts, &mut verdict.judgement);
        }
        if evidence.asks_for_a_look() && self.is_failure(facts, traffic, evidence, verdict) {
            return;
        }
        if facts.level != Level::Debug && (is_success(facts, verdict) || self.reports_success(facts, traffic, verdict)) {
            verdict.judgement.outcome = Outcome::Success;
        } else {
            verdict.judgement.habit = habit_of(facts);
        }
    }

    /// Whether the texts of the record confirm a failure; if so, completes the verdict.
    fn is_failure<'a>(&self, facts: &Facts<'a>, traffic: Traffic, evidence: Evidence, verdict: &mut Verdict<'a>) -> bool {
        let signals = facts.signals();
        let loud = facts.level >= Level::Error;
        let found = self.catalog.events.find_failure(facts);
        let benign = found.is_some_and(|found| found.event.counts == Counts::None)
            || self.relevance.is_benign(&signals)
            || is_logged_answer(facts, &signals);
        let fine = evidence.status == Some(200) && !loud && !evidence.any;
        if benign || fine || !self.confirm(facts, &signals, evidence, loud, verdict) {
            verdict.judgement.is_harmless = benign;
            verdict.judgement.unrecognised = loud && traffic == Traffic::Llm && !benign;
            verdict.judgement.is_trouble = facts.level >= Level::Warn && !benign && self.providers.names_library(&signals);
            return false;
        }
        complete_failure(facts, &signals, &mut verdict.judgement);
        if let Some(found) = found {
            apply(self.catalog.providers(), found, facts, &mut verdict.judgement);
        }
        if self.relevance.is_of_application(facts, &signals, &verdict.judgement) {
            verdict.judgement.outcome = Outcome::Other;
            verdict.judgement.unrecognised = loud && traffic == Traffic::Llm;
        } else if self.relevance.is_foreign(facts, &signals, (traffic, evidence), &verdict.judgement) {
            // Another line with the id of this call may show that it is an LLM's.
            verdict.judgement.doubtful = verdict.judgement.outcome == Outcome::Error && facts.call_id.is_some();
            verdict.judgement.outcome = Outcome::Other;
        }
        true
    }

    /// Judges the record as a failure if it is one. A level alone needs words of trouble beside it; a filled error field does not, unless
    /// its words say that all is well.
    fn confirm<'a>(
        &self,
        facts: &Facts<'a>,
        signals: &Signals,
        evidence: Evidence,
        loud: bool,
        verdict: &mut Verdict<'a>,
    ) -> bool {
        let judgement = &verdict.judgement;
        let is_named =
            matches!(judgement.provider_by, Some(Attribution::Field | Attribution::Host)) || verdict.texts.model.is_some();
        let calm = !evidence.is_explicit && signals.is_calm();
        if evidence.is_explicit || !calm && (evidence.any || is_named && loud || !signals.is_quiet()) {
            let unsure =
                evidence.is_notice() || !evidence.any && !is_named && facts.level == Level::Unknown && signals.is_mention();
            let before = unsure.then(|| verdict.clone());
            self.judge_failure(facts, signals, verdict);
            // Without a level, and in a notice, the words must report a failure, or be known.
            return match before {
                Some(before) if verdict.judgement.is_vague => {
                    *verdict = before;
                    false
                }
                _ => true,
            };
        }
        if calm || !loud {
            return false;
        }
        // Its words do not speak of trouble, but a pattern may know them.
        let mut attempt = verdict.clone();
        self.judge_failure(facts, signals, &mut attempt);
        let is_known = matches!(attempt.judgement.confidence, Confidence::Typed | Confidence::Message);
        if is_known {
            *verdict = attempt;
        }
        is_known
    }

    /// Whether the words of a line report a call that worked; if so, the verdict takes over what they say. In mixed logs, a name in the
    /// words is no evidence of a model: `o1-cleanup` is not one.
    fn reports_success<'a>(&self, facts: &Facts<'a>, traffic: Traffic, verdict: &mut Verdict<'a>) -> bool {
        let Verdict { texts, judgement } = verdict;
        let providers = self.catalog.providers();
        let has_model = texts.model.is_some() && (traffic == Traffic::Llm || judgement.provider != Provider::UNKNOWN);
        let is_model = |word: &str| {
            let is_known = || self.catalog.lists.is_open_model(word) || providers.by_model(word).is_some();
            traffic == Traffic::Llm && looks_like_model(word) && is_known()
        };
        let Some(report) = CallReport::read(facts, has_model, is_model) else { return false };
        let host = report.url.and_then(host_of).and_then(|host| providers.by_host(host));
        if report.url.is_some() && host.is_none() && !has_model && report.model.is_none() {
            return false;
        }
        if let Some(host) = host {
            judgement.attribute(host, Attribution::Host);
        }
        if let Some(model) = report.model {
            let mut name = Cow::Borrowed(model);
            self.redactor.name(&mut name);
            texts.model = Some(name);
            if judgement.provider == Provider::UNKNOWN
                && let Some(found) = providers.by_model(model)
            {
                judgement.attribute(found, Attribution::Model);
            }
        }
        judgement.latency_s = judgement.latency_s.or(report.latency_s);
        true
    }

    /// Completes the verdict on a failure.
    pub(super) fn judge_failure<'a>(&self, facts: &Facts<'a>, signals: &Signals, verdict: &mut Verdict<'a>) {
        let Verdict { texts, judgement } = verdict;
        judgement.outcome = Outcome::Error;
        self.providers.infer_from_error(facts, signals, judgement);
        set_statuses(&self.catalog.lists, facts, signals, judgement);
        if is_hollow(facts, judgement.status) {
            let mut signals = signals.clone();
            signals.codes.push(EMPTY_CHOICES.to_owned());
            self.match_pattern(&signals, judgement);
        } else {
            self.match_pattern(signals, judgement);
        }
        self.providers.guess(signals, judgement);
        judgement.relay = self.providers.relay_of(judgement);
        if texts.model.is_none() {
            texts.model = signals.model.as_ref().map(|model| self.redacted_name(model));
        }
        if texts.request_id.is_none() {
            texts.request_id = signals.request_id.as_ref().map(|id| self.redacted_name(id));
        }
        set_wait(signals, judgement);
        let text = signals.message();
        let (message, redactions) = self.redactor.message(text);
        judgement.key_hint =
            facts.key_label.as_deref().map(str::to_owned).or_else(|| self.redactor.key_hint(text).map(str::to_owned));
        judgement.key_hint = judgement.key_hint.take().map(|hint| clean(&hint).into_owned());
        judgement.message = (!message.is_empty()).then_some(message);
        judgement.redactions = redactions;
    }

    pub(super) fn redacted_name<'a>(&self, name: &str) -> Cow<'a, str> {
        let mut name = Cow::Owned(name.to_owned());
        self.redactor.name(&mut name);
        name
    }

    fn match_pattern(&self, signals: &Signals, judgement: &mut Judgement) {
        let Some(engine::Found { id, tier, distinct, is_vague }) = self.catalog.engine.find(&query(signals, judgement)) else {
            return;
        };
        let Some(pattern) = self.catalog.pattern(id) else { return };
        judgement.pattern = Some(id);
        judgement.is_vague = is_vague;
        judgement.is_without_reason = is_vague && pattern.has_tag(Pattern::NO_REASON);
        judgement.is_coined = tier == Tier::Message && distinct && !is_vague;
        judgement.status = judgement.status.or(pattern.implies);
        judgement.category = pattern.category;
        judgement.owner = pattern.owner;
        judgement.retry = pattern.retry;
        judgement.confidence = match tier {
            Tier::Code | Tier::Type | Tier::GeneralType => Confidence::Typed,
            Tier::Message | Tier::Wrapper => Confidence::Message,
            Tier::Status => Confidence::Status,
        };
        self.providers.infer_from_pattern(pattern, tier <= Tier::Message && distinct, signals, judgement);
    }
}

/// Adds what other records of the same failure are compared with.
pub(super) fn complete_failure(facts: &Facts<'_>, signals: &Signals, judgement: &mut Judgement) {
    judgement.grain = grain_of_failure(facts, judgement.grain);
    judgement.attempt = (judgement.grain == Grain::Attempt).then(|| number_of_try(facts.headline)).flatten();
    // Words that only say that a call failed are as good as no pattern.
    let confidence = if judgement.is_without_reason { Confidence::None } else { judgement.confidence };
    judgement.layer = Some(Arc::new(Layer::of(facts, signals, confidence, judgement.status)));
}

fn query<'q>(signals: &'q Signals, judgement: &Judgement) -> Query<'q> {
    let Judgement { provider, gateway, status, upstream_status, .. } = judgement;
    Query { provider: *provider, gateway: *gateway, status: upstream_status.or(*status), signals }
}

fn has_error_status(judgement: &Judgement) -> bool {
    judgement.upstream_status.or(judgement.status).and_then(Status::http).is_some_and(|status| status >= 400)
}
