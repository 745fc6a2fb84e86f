//! Which records report a call that worked: by their fields, or by the words of a line without fields.

use super::llm_path::is_llm_path;
use super::outcome::names_failure;
use super::verdict::Verdict;
use crate::record::{Facts, Level, LineKind};
use crate::taxonomy::{Provider, Status};

/// An LLM call that worked: an answer with a status, or numbers that only an ended call has.
pub(super) fn is_success(facts: &Facts<'_>, verdict: &Verdict<'_>) -> bool {
    if let LineKind::Sdk { status: Some(status), .. } = facts.line_kind {
        return (200..300).contains(&status);
    }
    let Verdict { texts, judgement } = verdict;
    let known = judgement.provider != Provider::UNKNOWN || texts.model.is_some();
    let llm = known || facts.url_path.is_some_and(is_llm_path);
    let good_status = judgement.status.and_then(Status::http).is_some_and(|code| (200..300).contains(&code));
    // What goes in is known before the call.
    let measured = facts.output_tokens.is_some() || facts.input_tokens.is_some() && !begins(facts.headline);
    let ended = facts.failed == Some(false) || facts.finish_reason.is_some();
    let span = facts.operation.is_some() && judgement.latency_s.is_some();
    llm && (good_status || measured && texts.model.is_some() || ended && known || span)
}

/// Whether the first words of a text say that a call only begins.
fn begins(headline: &[u8]) -> bool {
    const HEAD_WORDS: usize = 6;
    let mut words = headline.split(|b| !b.is_ascii_alphanumeric()).filter(|word| !word.is_empty()).take(HEAD_WORDS);
    words.any(|word| std::str::from_utf8(word).is_ok_and(is_beginning))
}

/// What the words of a line say of a call that worked.
#[derive(Clone, Copy, Debug, Default, PartialEq)]
pub(super) struct CallReport<'a> {
    /// The model, where no field names it.
    pub(super) model: Option<&'a str>,
    /// The address that was called.
    pub(super) url: Option<&'a str>,
    /// How long the call took, in seconds.
    pub(super) latency_s: Option<f64>,
}

/// A longer line is not the report of one call, in bytes.
const LINE_BYTES: usize = 400;
/// Words of a line that are looked at.
const WORDS: usize = 48;
/// A message of so many words beside a model's field is a name of what happened: `tags written`.
const NAME_WORDS: usize = 3;
/// The shortest name of a model, in bytes.
const MODEL_BYTES: usize = 5;

impl<'a> CallReport<'a> {
    /// `LLM reply from gpt-5 in 1.26s`, `POST https://api.openai.com/v1/chat/completions -> 200 in 120 ms`: a model or an address, a
    /// word that says the call ended, and a measure of it. `is_model` knows the names of models.
    pub(super) fn read(facts: &Facts<'a>, has_model: bool, is_model: impl Fn(&str) -> bool) -> Option<Self> {
        // Lines below are of another program, which writes no heads.
        let line = facts.headline.split(|b| *b == b'\n').next()?;
        let calm = matches!(facts.level, Level::Info | Level::Unknown) && matches!(facts.line_kind, LineKind::None);
        if !calm || line.len() > LINE_BYTES || !has_model && memchr::memchr2(b'-', b':', line).is_none() || names_failure(line)
        {
            return None;
        }
        let timed = facts.has_latency;
        // loguru and consola have a level for it.
        let told = facts.names_level(b"success");
        let text = std::str::from_utf8(line).ok()?;
        let is_name = has_model && text.split_ascii_whitespace().nth(NAME_WORDS).is_none();
        let mut words = Words { measured: timed, told, ended: told, is_name, ..Words::default() };
        for word in text.split(SEPARATORS).take(WORDS) {
            words.take(word.trim_end_matches([':', '.', '!']), has_model, &is_model)?;
        }
        let Words { report, ended, told, measured, answered, .. } = words;
        let named = has_model || report.model.is_some();
        let is_end = ended && (measured || told);
        (named && (is_end || timed && has_model && !line.is_empty()) || measured && answered && report.url.is_some())
            .then_some(report)
    }
}

const SEPARATORS: [char; 17] = [' ', '\t', '\n', ',', ';', '(', ')', '[', ']', '{', '}', '\'', '"', '=', '`', '|', '>'];

/// The words of a line that were read so far.
#[derive(Default)]
#[expect(clippy::struct_excessive_bools, reason = "independent signs of an ended call")]
struct Words<'a> {
    report: CallReport<'a>,
    /// A word says that the call ended.
    ended: bool,
    /// The word is a verb or says `ok`: it needs no measure beside it.
    told: bool,
    /// There is a duration, a size, or a number of tokens or replies.
    measured: bool,
    /// There is a status 200.
    answered: bool,
    /// The line is a name of what happened, beside the field of a model.
    is_name: bool,
    /// The word before.
    previous: &'a str,
    /// The number to which the next word may be the unit.
    number: Option<f64>,
}

impl<'a> Words<'a> {
    /// Reads the next word. `None`: it says that the call has not ended, or was never made.
    fn take(&mut self, word: &'a str, has_model: bool, is_model: &impl Fn(&str) -> bool) -> Option<()> {
        let report = &mut self.report;
        let Some(first) = word.bytes().next() else { return Some(()) };
        if word.starts_with("https://") || word.starts_with("http://") {
            report.url = report.url.or(Some(word));
            return Some(());
        }
        if first.is_ascii_digit() {
            self.answered |= word == "200";
            let (seconds, counted) = measure(word);
            self.measured |= seconds.is_some() || counted;
            report.latency_s = report.latency_s.or(seconds);
            self.number = word.parse::<f64>().ok();
            return Some(());
        }
        if let Some(number) = self.number {
            let seconds = unit(word).map(|unit| unit * number);
            self.measured |= seconds.is_some() || is_measure(word);
            report.latency_s = report.latency_s.or(seconds);
        }
        // `44 completion tokens`
        self.number = self.number.filter(|_| matches!(word, "completion" | "output" | "input" | "prompt" | "total"));
        if is_beginning(word) {
            return None;
        }
        let (thing, leaf) = word.rsplit_once(['.', '_']).unwrap_or((self.previous, word));
        let is_participle = (self.is_name || has_model && leaf.len() < word.len()) && is_ended(leaf) && !is_machinery(thing);
        let is_end = is_told(leaf) || is_ending(leaf);
        self.previous = word;
        // `completion received`: a noun and a verb are as good as a verb of their own.
        self.told |= is_told(leaf) || is_participle || is_end && self.ended;
        self.ended |= is_end || is_participle;
        if report.model.is_none() && !has_model && word.contains(['-', ':']) && word.len() >= MODEL_BYTES && is_model(word) {
            report.model = Some(word);
        }
        Some(())
    }
}

/// Whether a word is more than the first part of a model's name: it has a version.
pub(super) fn looks_like_model(word: &str) -> bool {
    word.bytes().any(|b| b.is_ascii_digit())
        || word.ends_with("-latest")
        || word.ends_with("-chat")
        || word.ends_with("-reasoner")
}

/// The seconds in `337ms` or `1.26s`, and whether the word counts tokens, as `614tok` does.
fn measure(word: &str) -> (Option<f64>, bool) {
    let digits = word.find(|c: char| !(c.is_ascii_digit() || c == '.')).unwrap_or(word.len());
    let (number, rest) = word.split_at(digits);
    let seconds = unit(rest).and_then(|unit| Some(unit * number.parse::<f64>().ok()?));
    (seconds, rest.starts_with("tok"))
}

fn unit(word: &str) -> Option<f64> {
    match word {
        "ms" | "msec" | "milliseconds" => Some(1e-3),
        "s" | "sec" | "secs" | "seconds" => Some(1.0),
        _ => None,
    }
}

/// What an answer is measured in, beside time.
fn is_measure(word: &str) -> bool {
    const UNITS: [&str; 10] = ["tok", "char", "byte", "word", "chunk", "choice", "candidate", "completion", "repl", "kB"];
    UNITS.iter().any(|unit| word.starts_with(unit))
}

/// Words that say by themselves that a call ended well.
pub(super) fn is_told(word: &str) -> bool {
    const WORDS: [&str; 34] = [
        "reviewed",
        "tagged",
        "labelled",
        "labeled",
        "drafted",
        "rewrote",
        "scored",
        "graded",
        "moderated",
        "embedded",
        "transcribed",
        "captioned",
        "reranked",
        "analyzed",
        "analysed",
        "categorized",
        "categorised",
        "explained",
        "ok",
        "done",
        "completed",
        "success",
        "successful",
        "successfully",
        "succeeded",
        "finished",
        "replied",
        "responded",
        "answered",
        "summarized",
        "summarised",
        "translated",
        "extracted",
        "classified",
    ];
    WORDS.iter().any(|told| told.eq_ignore_ascii_case(word))
}

/// Whether the last part of an event's name is a participle that says that work ended: `invoice_extracted`.
pub(super) fn is_ended(word: &str) -> bool {
    const OTHERS: [&str; 40] = [
        "started",
        "queued",
        "cached",
        "skipped",
        "loaded",
        "selected",
        "configured",
        "initialized",
        "initialised",
        "created",
        "requested",
        "scheduled",
        "dispatched",
        "registered",
        "switched",
        "changed",
        "updated",
        "enabled",
        "disabled",
        "called",
        "invoked",
        "used",
        "routed",
        "truncated",
        "estimated",
        "counted",
        "retried",
        "planned",
        "prepared",
        "assigned",
        "connected",
        "opened",
        "needed",
        "deprecated",
        "limited",
        "downloaded",
        "reloaded",
        "resolved",
        "validated",
        "received",
    ];
    const IRREGULAR: [&str; 8] = ["written", "rewritten", "drawn", "chosen", "found", "understood", "sent", "complete"];
    word.len() > 4 && word.ends_with("ed") && !OTHERS.contains(&word) || IRREGULAR.contains(&word)
}

/// What a program writes, stores or renders around its calls: `prompt_rendered` is no answer.
fn is_machinery(thing: &str) -> bool {
    const THINGS: [&str; 52] = [
        "agent",
        "batch",
        "budget",
        "cache",
        "checkpoint",
        "chunk",
        "chunks",
        "client",
        "config",
        "configuration",
        "connection",
        "context",
        "conversation",
        "database",
        "document",
        "documents",
        "download",
        "event",
        "file",
        "files",
        "history",
        "import",
        "index",
        "initialization",
        "job",
        "key",
        "log",
        "logs",
        "memory",
        "message",
        "messages",
        "metrics",
        "migration",
        "model",
        "models",
        "price",
        "prompt",
        "prompts",
        "query",
        "request",
        "schema",
        "session",
        "settings",
        "setup",
        "startup",
        "state",
        "sync",
        "template",
        "tool",
        "tools",
        "usage",
        "warmup",
    ];
    let thing = thing.rsplit(['.', '_']).next().unwrap_or(thing);
    THINGS.iter().any(|known| known.eq_ignore_ascii_case(thing))
}

/// Words of a call that ended well, if a measure is beside them.
pub(super) fn is_ending(word: &str) -> bool {
    const ENDINGS: [&str; 16] = [
        "complete",
        "completes",
        "completion",
        "reply",
        "response",
        "answer",
        "got",
        "result",
        "ended",
        "took",
        "streamed",
        "usage",
        "received",
        "generated",
        "returned",
        "ready",
    ];
    ENDINGS.iter().any(|ending| ending.eq_ignore_ascii_case(word))
}

/// Words of a call that has only begun, still runs, or was never made.
pub(super) fn is_beginning(word: &str) -> bool {
    const BEGINNINGS: [&str; 39] = [
        "loaded",
        "loading",
        "using",
        "switching",
        "switched",
        "selected",
        "configured",
        "initialized",
        "initialised",
        "registered",
        "falling",
        "downloading",
        "downloaded",
        "warming",
        "requesting",
        "routing",
        "default",
        "enabled",
        "pulling",
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
    BEGINNINGS.iter().any(|beginning| beginning.eq_ignore_ascii_case(word))
}
