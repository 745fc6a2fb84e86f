//! How an answer ended. An answer without text, one that a filter stopped and one that the model declined are failures that a status 200 hides.

use super::classifier::{Classifier, complete_failure};
use super::relevance::Relevance;
use super::span::SpanKind;
use super::verdict::{Attribution, Judgement, Traffic, Verdict};
use crate::line::{WordList, find};
use crate::record::{Answer, Facts, Level, LineKind, Reason, Signals};
use crate::taxonomy::{Ending, Grain, Outcome, Provider, Status};
use std::borrow::Cow;

/// What an answer shows of its end.
#[derive(Clone, Copy, Debug, Default, PartialEq, Eq)]
struct End {
    ending: Option<Ending>,
    /// The call failed for a reason that is none of the endings.
    is_broken: bool,
}

/// Words of a line that are tried as names of providers.
const NAME_WORDS: usize = 6;

impl Classifier {
    /// Completes the verdict on a record that shows how an answer ended.
    pub(super) fn judge_ending<'a>(&self, facts: &Facts<'a>, traffic: Traffic, verdict: &mut Verdict<'a>) {
        if !is_report(facts, verdict) {
            return;
        }
        let outcome = verdict.judgement.outcome;
        if let Some(ending) = self.plain_ending(facts, outcome) {
            verdict.judgement.ending = Some(ending);
        } else if outcome == Outcome::Success && is_without_text(facts) {
            verdict.judgement.ending = Some(Ending::Complete);
        } else if shows_end(facts, outcome) {
            let answer = facts.answer(&self.words);
            self.judge_answer(facts, traffic, &answer, verdict);
        }
    }

    /// Whether how a call ended hangs on nothing but the fields of its record.
    pub(super) fn ending_hangs_on_fields(&self, facts: &Facts<'_>, outcome: Outcome) -> bool {
        is_without_text(facts) && outcome == Outcome::Success
            || self.plain_ending(facts, outcome).is_some()
            || !facts.is_span && !shows_end(facts, outcome)
    }

    /// The signals of a record, and how its answer ended if that is a failure.
    pub(super) fn signals_with_ending(&self, facts: &Facts<'_>) -> Signals {
        let mut signals = facts.signals();
        if facts.finish_reason.is_some() && facts.level < Level::Error {
            let answer = facts.answer(&self.words);
            let end = End::of(&answer);
            if end.is_failure() {
                signals.codes.push(code_of(&answer, end).to_owned());
            }
        }
        signals
    }

    /// The ending of an answer that shows its reason and its tokens, and nothing else.
    fn plain_ending(&self, facts: &Facts<'_>, outcome: Outcome) -> Option<Ending> {
        let reason = facts.finish_reason.as_deref().filter(|_| outcome == Outcome::Success && !facts.shows_answer)?;
        facts.output_tokens.filter(|tokens| *tokens > 0)?;
        match self.words.reason(reason.as_bytes()) {
            Reason::Complete => Some(Ending::Complete),
            Reason::ToolCalls => Some(Ending::ToolCalls),
            _ => None,
        }
    }

    fn judge_answer<'a>(&self, facts: &Facts<'a>, traffic: Traffic, answer: &Answer, verdict: &mut Verdict<'a>) {
        let end = if is_unfinished(facts.headline) { End { ending: None, is_broken: true } } else { End::of(answer) };
        let Judgement { output_tokens, input_tokens, outcome, .. } = &mut verdict.judgement;
        *output_tokens = output_tokens.or(answer.output_tokens);
        *input_tokens = input_tokens.or(answer.input_tokens);
        let outcome = *outcome;
        if outcome == Outcome::Error {
            let ending = end.ending.filter(|ending| ending.is_failure() || *ending == Ending::Truncated);
            verdict.judgement.ending = ending;
            if ending.is_some() && verdict.judgement.upstream_status.is_none() {
                verdict.judgement.status = verdict.judgement.status.or(Some(Status::Http(200)));
            }
            return;
        }
        if outcome == Outcome::Other && !self.is_call(facts, traffic, answer, verdict) {
            return;
        }
        self.adopt_model(answer, verdict);
        if end.is_failure() {
            return self.fail(facts, answer, end, verdict);
        }
        verdict.judgement.outcome = Outcome::Success;
        verdict.judgement.unrecognised = false;
        verdict.judgement.ending = end.ending;
    }

    /// Whether a record that reports neither success nor failure is about the end of a call.
    fn is_call<'a>(&self, facts: &Facts<'a>, traffic: Traffic, answer: &Answer, verdict: &mut Verdict<'a>) -> bool {
        let ended = is_unfinished(facts.headline)
            || answer.reason.is_some_and(|reason| reason > Reason::NoAnswer)
            || answer.has_null_reason
            || answer.has_choices.is_some();
        let is_dump = facts.level == Level::Debug && self.catalog.lists.is_llm_library(facts.logger);
        if !ended || answer.is_chunk || is_dump || Relevance::is_no_call(facts) {
            return false;
        }
        if verdict.judgement.provider == Provider::UNKNOWN {
            self.providers.infer_from_record(facts, verdict);
        }
        let known = |model: &str| self.catalog.providers().by_model(model);
        let model = verdict.texts.model.as_deref().or(answer.model.as_deref());
        if verdict.judgement.provider == Provider::UNKNOWN
            && let Some(found) = model.and_then(known)
        {
            verdict.judgement.attribute(found, Attribution::Model);
        }
        if verdict.judgement.provider == Provider::UNKNOWN
            && traffic == Traffic::Llm
            && let Some(found) = self.named_provider(facts)
        {
            verdict.judgement.attribute(found, Attribution::Wording);
        }
        verdict.judgement.provider != Provider::UNKNOWN || traffic == Traffic::Llm && model.is_some()
    }

    /// The provider that one of the first words of a line names: `gemini finish_reason=STOP`.
    fn named_provider(&self, facts: &Facts<'_>) -> Option<Provider> {
        let line = std::str::from_utf8(facts.headline).ok()?;
        let mut words = line.split([' ', ':', '(', '[', '{', '.', '_']).filter(|word| !word.is_empty()).take(NAME_WORDS);
        words.find_map(|word| self.catalog.providers().by_name(word))
    }

    fn adopt_model(&self, answer: &Answer, verdict: &mut Verdict<'_>) {
        if verdict.texts.model.is_none() {
            verdict.texts.model = answer.model.as_deref().map(|model| self.redacted_name(model));
        }
    }

    /// Judges the record as a failure.
    fn fail<'a>(&self, facts: &Facts<'a>, answer: &Answer, end: End, verdict: &mut Verdict<'a>) {
        let status = verdict.judgement.status;
        let mut signals = Signals::default();
        if !answer.spelled.is_empty() {
            signals.codes.push(format!("finish_reason:{}", answer.spelled));
        }
        signals.codes.push(code_of(answer, end).to_owned());
        signals.messages.push(description(answer, end));
        self.judge_failure(facts, &signals, verdict);
        complete_failure(facts, &signals, &mut verdict.judgement);
        let judgement = &mut verdict.judgement;
        judgement.status = status.or(Some(Status::Http(200)));
        judgement.ending = end.ending;
        if facts.level == Level::Debug {
            judgement.grain = Grain::Call;
        }
    }
}

/// Whether a record can report the end of a call.
fn is_report(facts: &Facts<'_>, verdict: &Verdict<'_>) -> bool {
    let judgement = &verdict.judgement;
    let is_around = judgement.span.is_some_and(|span| span.kind == SpanKind::Around);
    let is_good = judgement.status.and_then(Status::http).is_none_or(|status| (200..300).contains(&status));
    judgement.grain == Grain::Call && matches!(facts.line_kind, LineKind::None) && !is_around && is_good
}

/// Whether a second look at the record may show how the answer ended.
fn shows_end(facts: &Facts<'_>, outcome: Outcome) -> bool {
    match outcome {
        Outcome::Error => facts.finish_reason.is_some() || facts.has_empty_choices,
        _ => facts.finish_reason.is_some() || facts.shows_answer || facts.mentions_reason() || is_unfinished(facts.headline),
    }
}

/// Whether a line says that a stream ended without a finish reason or an end marker.
fn is_unfinished(headline: &[u8]) -> bool {
    const MARKS: [&[u8]; 7] = [b"inish", b"top_reason", b"top reason", b"topReason", b"[DONE]", b"essage_stop", b"end marker"];
    let Some(at) = find(headline, b"ithout ") else { return false };
    let rest = headline.get(at..).unwrap_or_default();
    let rest = rest.get(..60).unwrap_or(rest);
    find(headline, b"tream").is_some() && MARKS.iter().any(|mark| find(rest, mark).is_some())
}

/// Whether the call has no text by its nature, or may have none: embeddings, moderation, reranking, counting, transcription.
fn is_without_text(facts: &Facts<'_>) -> bool {
    static WORDS: WordList<6> = WordList::new(["embed", "moderation", "rerank", "count_tokens", "transcri", "whisper"]);
    let names = [facts.operation.as_deref(), facts.model.as_deref(), facts.url_path, facts.event_name];
    names.into_iter().flatten().any(|name| WORDS.is_in(name))
}

impl End {
    fn is_failure(self) -> bool {
        self.is_broken || self.ending.is_some_and(Ending::is_failure)
    }

    fn of(answer: &Answer) -> Self {
        let is_empty = is_empty(answer);
        let ended = |ending| Self { ending: Some(ending), is_broken: false };
        let empty = is_empty.then_some(Ending::Empty);
        match answer.reason {
            _ if answer.has_refusal => ended(Ending::Refused),
            Some(Reason::Refused) => ended(Ending::Refused),
            Some(Reason::Filtered) => ended(Ending::Filtered),
            Some(Reason::Failed | Reason::Malformed) => Self { ending: empty, is_broken: true },
            Some(Reason::NoAnswer) => Self::default(),
            _ if is_empty => ended(Ending::Empty),
            Some(Reason::Truncated) => ended(Ending::Truncated),
            _ if is_at_cap(answer) => ended(Ending::Truncated),
            Some(Reason::ToolCalls) => ended(Ending::ToolCalls),
            _ if answer.has_tool_calls == Some(true) => ended(Ending::ToolCalls),
            Some(Reason::Complete) => ended(Ending::Complete),
            Some(Reason::Unclear) | None => Self::default(),
        }
    }
}

/// The tokens received; where only the sum is known, what is left of it.
fn output_tokens(answer: &Answer) -> Option<u64> {
    answer.output_tokens.or_else(|| answer.total_tokens?.checked_sub(answer.input_tokens?))
}

/// Neither text nor tool call where text was due.
fn is_empty(answer: &Answer) -> bool {
    if answer.has_text == Some(true)
        || answer.has_tool_calls == Some(true)
        || answer.is_chunk
        || answer.reason == Some(Reason::ToolCalls)
    {
        return false;
    }
    let output = output_tokens(answer);
    let has_reason = answer.reason.is_some() || answer.has_null_reason;
    if answer.has_choices == Some(false) {
        return has_reason || output.is_none_or(|tokens| tokens == 0);
    }
    let is_thought_only = answer
        .reasoning_tokens
        .is_some_and(|thought| thought > 0 && (output == Some(thought) || output == Some(0) || answer.text_tokens == Some(0)));
    match answer.has_text {
        Some(false) => has_reason || output == Some(0),
        // A capture that leaves texts out shows no text either: only tokens tell.
        _ => answer.reason.is_some() && (output == Some(0) || is_thought_only),
    }
}

/// Whether the answer has as many tokens as the caller allowed. One token by design is no cut.
fn is_at_cap(answer: &Answer) -> bool {
    answer.cap.filter(|cap| *cap > 1).is_some_and(|cap| output_tokens(answer).is_some_and(|tokens| tokens >= cap))
}

/// The code by which patterns know the failure.
fn code_of(answer: &Answer, end: End) -> &'static str {
    match (answer.reason, end.ending) {
        (Some(Reason::Malformed), _) => "ending:malformed",
        (_, Some(Ending::Refused)) => "ending:refused",
        (_, Some(Ending::Filtered)) => "ending:filtered",
        (Some(Reason::Failed) | None, _) if end.is_broken => "ending:failed",
        (Some(Reason::Truncated), _) => "ending:empty_at_limit",
        _ if answer.has_choices == Some(false) => "empty_choices",
        _ => "ending:empty",
    }
}

/// The failure in words: a record of a call that worked has none of its own.
fn description(answer: &Answer, end: End) -> String {
    let what = match (answer.reason, end.ending) {
        (Some(Reason::Malformed), _) => "The model's tool call is malformed",
        (_, Some(Ending::Refused)) => "The model refused to answer",
        (_, Some(Ending::Filtered)) => "The answer was filtered",
        (Some(Reason::Failed) | None, _) if end.is_broken => "The answer broke off",
        _ if answer.has_choices == Some(false) => "The answer has no choices",
        _ => "The answer has no text",
    };
    let reason = if answer.spelled.is_empty() { Cow::Borrowed("") } else { Cow::Owned(format!(", reason {}", answer.spelled)) };
    let tokens = output_tokens(answer).map(|tokens| format!(", {tokens} output tokens")).unwrap_or_default();
    let thought = answer
        .reasoning_tokens
        .filter(|tokens| *tokens > 0)
        .map(|tokens| format!(", {tokens} of reasoning"))
        .unwrap_or_default();
    format!("{what}{reason}{tokens}{thought}")
}
