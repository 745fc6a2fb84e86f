//! Which records report a call that worked: by their fields, or by the words of a line that has none.

use super::Verdict;
use super::verdict::names_failure;
use crate::record::{Level, LineKind, Record};
use crate::taxonomy::{Provider, Status};

/// An LLM call that worked: an answer with a status, or numbers that only an ended call has.
pub(super) fn is_success(record: &Record<'_>, verdict: &Verdict<'_>) -> bool {
    if let LineKind::Sdk { status: Some(status), .. } = record.spot() {
        return (200..300).contains(&status);
    }
    let known = verdict.provider != Provider::UNKNOWN || verdict.model.is_some();
    let llm = known || record.url_path().is_some_and(is_llm_path);
    let good_status = verdict.status.and_then(Status::http).is_some_and(|it| (200..300).contains(&it));
    let measured = record.input_tokens().is_some() || record.output_tokens().is_some();
    let ended = record.failed() == Some(false) || record.finish_reason().is_some();
    let span = record.operation().is_some() && verdict.latency_s.is_some();
    llm && (good_status || measured && verdict.model.is_some() || ended && known || span)
}

/// Paths under which LLM services answer.
pub(super) fn is_llm_path(path: &str) -> bool {
    const ENDS: [&str; 22] = [
        "/chat/completions",
        "/completions",
        "/messages",
        "/responses",
        "/embeddings",
        "/api/chat",
        "/api/generate",
        "/converse",
        "/converse-stream",
        "/invoke",
        "/invoke-with-response-stream",
        "/images/generations",
        "/audio/transcriptions",
        "/audio/speech",
        "/rerank",
        "/moderations",
        "/generate",
        "/api/embed",
        "/videos",
        "/batches",
        "/v2/chat",
        "/v1/chat",
    ];
    let path = path.trim_end_matches('/');
    ENDS.iter().any(|it| path.ends_with(it))
        || path.contains(":generateContent")
        || path.contains(":streamGenerateContent")
        || path.contains(":predict")
        || path.contains(":rawPredict")
}

/// What the words of a line tell of a call that worked.
#[derive(Clone, Copy, Debug, PartialEq)]
pub(super) struct Told<'a> {
    /// The model, where no field names it.
    pub(super) model: Option<&'a str>,
    /// The address that was called.
    pub(super) url: Option<&'a str>,
    /// How long it took, in seconds.
    pub(super) took_s: Option<f64>,
}

/// Longer lines are no reports of one call.
const LINE_BYTES: usize = 400;
const WORDS: usize = 48;

/// `LLM reply from gpt-5 in 1.26s`, `POST https://api.openai.com/v1/chat/completions -> 200 in 120 ms`: a model or an address, and
/// both an ending and a measure of it. `is_model` knows the names of models.
pub(super) fn told_by_words<'a>(record: &Record<'a>, has_model: bool, is_model: impl Fn(&str) -> bool) -> Option<Told<'a>> {
    let line = record.headline();
    let calm = matches!(record.level(), Level::Info | Level::Unknown) && matches!(record.spot(), LineKind::None);
    if !calm || line.len() > LINE_BYTES || !has_model && memchr::memchr(b'-', line).is_none() {
        return None;
    }
    let timed = record.has_latency();
    if !timed && !line.iter().any(u8::is_ascii_digit) || names_failure(line) {
        return None;
    }
    let text = std::str::from_utf8(line).ok()?;
    let mut told = Told { model: None, url: None, took_s: None };
    let (mut ended, mut measured, mut answered, mut number) = (false, timed, false, None);
    for word in text.split([' ', '\t', '\n', ',', ';', '(', ')', '[', ']', '{', '}', '\'', '"', '=', '`', '|', '>']).take(WORDS)
    {
        let word = word.trim_end_matches([':', '.', '!']);
        if word.is_empty() {
            continue;
        }
        if word.starts_with("https://") || word.starts_with("http://") {
            told.url = told.url.or(Some(word));
            continue;
        }
        if word.as_bytes()[0].is_ascii_digit() {
            answered |= word == "200";
            let (seconds, counted) = measure(word);
            measured |= seconds.is_some() || counted;
            told.took_s = told.took_s.or(seconds);
            number = word.parse::<f64>().ok();
            continue;
        }
        if let Some(number) = number {
            let seconds = unit(word).map(|it| it * number);
            measured |= seconds.is_some() || word.starts_with("tok");
            told.took_s = told.took_s.or(seconds);
        }
        // `44 completion tokens`
        number = number.filter(|_| matches!(word, "completion" | "output" | "input" | "prompt" | "total"));
        if is_beginning(word) {
            return None;
        }
        ended |= word.rsplit('.').next().is_some_and(is_ending);
        if told.model.is_none() && !has_model && word.contains('-') && word.len() >= 5 && is_model(word) {
            told.model = Some(word);
        }
    }
    let named = has_model || told.model.is_some();
    (measured && (named && ended || answered && told.url.is_some())).then_some(told)
}

/// A name that is more than the first word of a model's: it has a version.
pub(super) fn looks_like_model(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_digit())
        || word.ends_with("-latest")
        || word.ends_with("-chat")
        || word.ends_with("-reasoner")
}

/// `337ms`, `1.26s` in seconds; `1276->614` and the like count something.
fn measure(word: &str) -> (Option<f64>, bool) {
    let digits = word.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(word.len());
    let (number, rest) = word.split_at(digits);
    let seconds = unit(rest).and_then(|it| Some(it * number.parse::<f64>().ok()?));
    (seconds, rest.starts_with("tok"))
}

fn unit(word: &str) -> Option<f64> {
    match word {
        "ms" | "msec" | "milliseconds" => Some(1e-3),
        "s" | "sec" | "secs" | "seconds" => Some(1.0),
        _ => None,
    }
}

/// Words of a call that has ended well.
fn is_ending(word: &str) -> bool {
    const ENDINGS: [&str; 22] = [
        "ok",
        "done",
        "complete",
        "completed",
        "completes",
        "completion",
        "success",
        "successful",
        "succeeded",
        "finished",
        "replied",
        "reply",
        "response",
        "responded",
        "answered",
        "answer",
        "received",
        "generated",
        "returned",
        "got",
        "result",
        "ended",
    ];
    ENDINGS.iter().any(|it| it.eq_ignore_ascii_case(word))
}

/// Words of a call that has only begun, goes on, or was never made.
fn is_beginning(word: &str) -> bool {
    const BEGINNINGS: [&str; 20] = [
        "start",
        "started",
        "starting",
        "sending",
        "calling",
        "waiting",
        "queued",
        "retry",
        "retrying",
        "chunk",
        "first",
        "streaming",
        "cached",
        "cache",
        "skipped",
        "skipping",
        "no",
        "not",
        "without",
        "attempt",
    ];
    BEGINNINGS.iter().any(|it| it.eq_ignore_ascii_case(word))
}
