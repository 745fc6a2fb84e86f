//! The verdict on one record, as plain data. [`super::Classifier`] fills it, [`crate::correlate`] completes it.

use super::grain::grain_of_shape;
use super::layer::{Habit, Layer};
use super::retirement::Retirement;
use super::span::SpanIds;
use crate::observation::PatternId;
use crate::record::{Facts, LineKind};
use crate::taxonomy::{Category, Confidence, Ending, Grain, Outcome, Owner, Provider, Retry, Status, string_enum};
use crate::time::{Stamp, Timestamp};
use std::borrow::Cow;
use std::sync::Arc;

string_enum! {
    /// How the provider was inferred.
    Attribution {
        /// A field of the record names it.
        Field = "field",
        /// The host that was called.
        Host = "host",
        /// A wrapper's text: `AnthropicException - …`.
        Wrapper = "wrapper",
        /// The namespace of the exception class.
        Namespace = "namespace",
        /// The logger's name.
        Logger = "logger",
        /// Words that only its errors use.
        Vocabulary = "vocabulary",
        /// The model's name.
        Model = "model",
        /// The pattern that won; `None` if no pattern matches or the call worked.
        Pattern = "pattern",
        /// A guess: names and words that other services repeat.
        Wording = "wording",
        /// An earlier line of the same call.
        Context = "context",
    }
}

string_enum! {
    /// What a source carries.
    Traffic {
        /// Only the logs of LLM clients and gateways: an error there is an LLM error.
        Llm = "llm",
        /// Any logs: an error counts only with evidence that it is an LLM's.
        Mixed = "mixed",
    }
}

/// The verdict on one record. It borrows from the record, and only a failure allocates.
#[derive(Clone, Debug, PartialEq)]
pub struct Verdict<'a> {
    /// Names and ids that the record states.
    pub texts: Texts<Cow<'a, str>>,
    /// What was concluded; holds nothing borrowed.
    pub judgement: Judgement,
}

/// Names and ids that a record states. `T` is a text, or the place of a text.
#[derive(Clone, Debug, PartialEq)]
pub struct Texts<T> {
    /// The calling service.
    pub service: Option<T>,
    /// The machine that wrote the record.
    pub host: Option<T>,
    /// The requested model.
    pub model: Option<T>,
    /// The provider's or gateway's id of the request.
    pub request_id: Option<T>,
    /// The gateway's or SDK's id of the call.
    pub call_id: Option<T>,
}

/// What a record means. Owned: it outlives the record.
#[derive(Clone, Debug, PartialEq)]
#[expect(clippy::struct_excessive_bools, reason = "independent facts about a verdict")]
pub struct Judgement {
    /// The record's own time stamp.
    pub stamp: Option<Stamp>,
    /// Success, error, or something else.
    pub outcome: Outcome,
    /// The grain that the record's shape suggests.
    pub grain: Grain,
    /// The provider that was called.
    pub provider: Provider,
    /// How the provider was inferred.
    pub provider_by: Option<Attribution>,
    /// The relay between caller and provider.
    pub gateway: Option<Provider>,
    /// The relay that the record shows, whether it passed a failure on or failed itself; never a library in the caller's own process.
    pub relay: Option<Provider>,
    /// The status that the application saw.
    pub status: Option<Status>,
    /// The status in the provider's own body, where it differs.
    pub upstream_status: Option<Status>,
    /// The pattern that won; `None` if no pattern matches or the call worked.
    pub pattern: Option<PatternId>,
    /// Kind of error; [`Category::Unknown`] if no pattern matches.
    pub category: Category,
    /// Who can fix the cause.
    pub owner: Owner,
    /// Whether the same request can succeed later.
    pub retry: Retry,
    /// The kind of evidence that decided on the pattern.
    pub confidence: Confidence,
    /// The wait that the provider asks for, in seconds; a longer wait than [`crate::observation::MAX_RETRY_AFTER_S`] is in `resets_at`.
    pub retry_after_s: Option<f64>,
    /// The date at which a limit refills, counted from the record's own time.
    pub resets_at: Option<Timestamp>,
    /// The error's own text, redacted, at most 512 bytes.
    pub message: Option<String>,
    /// The last four characters of the key, where the record shows them.
    pub key_hint: Option<String>,
    /// How long the call took, in seconds.
    pub latency_s: Option<f64>,
    /// The time until the first token of the answer came, in seconds.
    pub first_token_s: Option<f64>,
    /// Tokens sent, as the client counted or estimated them.
    pub input_tokens: Option<u64>,
    /// Tokens received.
    pub output_tokens: Option<u64>,
    /// How the answer ended, where the record tells it.
    pub ending: Option<Ending>,
    /// Number of secrets that were removed from the message.
    pub redactions: u64,
    /// The writer logged it as an error, but no rule recognises it as one.
    pub unrecognised: bool,
    /// It reports trouble with an LLM call, whether or not it is understood: it names one, and has such a level or status.
    pub is_trouble: bool,
    /// It speaks of an LLM call or of trouble, and nothing more of it was understood: its text is the message.
    pub is_unread: bool,
    /// It announces that a model ends.
    pub retirement: Option<Box<Retirement>>,
    /// Its words, or an entry of its producer, say that it reports no failed call.
    pub(super) is_harmless: bool,
    /// A failure with the id of a call, which counts only if its stream is seen to call LLMs.
    pub doubtful: bool,
    /// The provider was inferred only from the openai SDK, which also calls other vendors.
    pub is_sdks: bool,
    /// What the line is to other lines of the same call.
    pub role: Role,
    /// Of a failure: what it looks like to other records of the same failure.
    pub layer: Option<Arc<Layer>>,
    /// The id by which a producer's records of one call belong together, as a hash.
    pub chain: Option<u64>,
    /// Of the tries with this id, the last decides, whatever else the stream writes.
    pub decides: bool,
    /// It sums up what other records with the id told, and counts only where there are none.
    pub repeats: bool,
    /// It reports an answer that a later record may take back.
    pub provisional: bool,
    /// The answer before it was bad. Once the record was correlated: such an answer was taken back.
    pub withdraws: bool,
    /// It may report a call that worked; what its stream wrote before decides.
    pub habit: Option<Habit>,
    /// Which try of a call failed, where the record counts them.
    pub attempt: Option<u32>,
    /// The span that the record is, or in which it was written.
    pub span: Option<SpanIds>,
    /// The pattern matches by a wording that no other kind of service writes by chance.
    pub(super) is_coined: bool,
    /// No pattern, or only one of a general wording, explains the failure.
    pub(super) is_vague: bool,
    /// The pattern knows the words, and they give no reason.
    pub(super) is_without_reason: bool,
}

/// What a line is to other lines of the same call.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
pub enum Role {
    /// Any other line.
    Report,
    /// A client announces the next try.
    RetryNotice,
    /// A client names the wait before it repeats what just failed.
    RetryWait,
    /// An HTTP client reports one answer; it knows the host for sure.
    Transport,
    /// A client reports a request that it is about to send.
    Request,
    /// A client reports the answer to the request before it, and not the host.
    Answer,
    /// A server reports one answer to a client of its own.
    Access,
    /// A library reports a failure of its own: it counts if no record of the application tells of it.
    Library,
    /// A producer reports that a call of which attempts failed before has ended.
    RetryEnd,
}

impl<'a> Verdict<'a> {
    pub(super) fn new(facts: &Facts<'a>) -> Self {
        let texts = Texts {
            service: facts.service.clone(),
            host: facts.host.clone(),
            model: facts.model.clone(),
            request_id: facts.request_id.clone(),
            call_id: facts.call_id.clone(),
        };
        Self { texts, judgement: Judgement::new(facts) }
    }

    /// The requested model; empty where it is unknown.
    #[must_use]
    pub fn model_text(&self) -> &str {
        self.texts.model.as_deref().unwrap_or_default()
    }
}

impl<T> Texts<T> {
    pub(super) fn each_mut(&mut self) -> [&mut Option<T>; 5] {
        let Self { service, host, model, request_id, call_id } = self;
        [service, host, model, request_id, call_id]
    }

    /// Converts every text. A text that `convert` returns `None` for is absent.
    pub(super) fn map<U>(self, mut convert: impl FnMut(T) -> Option<U>) -> Texts<U> {
        let Self { service, host, model, request_id, call_id } = self;
        Texts {
            service: service.and_then(&mut convert),
            host: host.and_then(&mut convert),
            model: model.and_then(&mut convert),
            request_id: request_id.and_then(&mut convert),
            call_id: call_id.and_then(&mut convert),
        }
    }
}

impl Judgement {
    fn new(facts: &Facts<'_>) -> Self {
        let role = match facts.line_kind {
            LineKind::Retry => Role::RetryNotice,
            LineKind::RetryWait => Role::RetryWait,
            LineKind::Transport { .. } => Role::Transport,
            LineKind::Request { .. } => Role::Request,
            LineKind::Response { .. } => Role::Answer,
            LineKind::Access { .. } => Role::Access,
            _ => Role::Report,
        };
        Self {
            stamp: facts.stamp,
            outcome: Outcome::Other,
            grain: grain_of_shape(facts.line_kind),
            provider: Provider::UNKNOWN,
            provider_by: None,
            gateway: None,
            relay: None,
            status: facts.status,
            upstream_status: None,
            pattern: None,
            category: Category::Unknown,
            owner: Owner::Unknown,
            retry: Retry::Depends,
            confidence: Confidence::None,
            retry_after_s: None,
            resets_at: None,
            message: None,
            key_hint: None,
            latency_s: facts.latency_s,
            first_token_s: facts.first_token_s,
            input_tokens: facts.input_tokens,
            output_tokens: facts.output_tokens,
            ending: None,
            redactions: 0,
            unrecognised: false,
            is_trouble: false,
            is_unread: false,
            retirement: None,
            is_harmless: false,
            doubtful: false,
            is_sdks: false,
            role,
            layer: None,
            chain: None,
            decides: false,
            repeats: false,
            provisional: false,
            withdraws: false,
            habit: None,
            attempt: None,
            span: SpanIds::of(facts.span_path, facts.is_span, facts.line_kind),
            is_coined: false,
            is_vague: true,
            is_without_reason: false,
        }
    }

    /// The date at which the limit refills, for an equal record of another time.
    pub(super) fn resets_after(&self, stamp: Option<Stamp>) -> Option<Timestamp> {
        match (self.stamp, self.resets_at, stamp) {
            (Some(Stamp::Utc(then)), Some(at), Some(Stamp::Utc(now))) => Some(now.plus(at.since(then))),
            _ => None,
        }
    }

    /// Sets the provider and how it was inferred.
    pub(super) const fn attribute(&mut self, provider: Provider, by: Attribution) {
        self.provider = provider;
        self.provider_by = Some(by);
    }
}
