//! Whether a record is worth a closer look as a failure, before its texts are read.

use super::verdict::Judgement;
use crate::line::{WordList, find};
use crate::record::{Facts, Format, Level, Signals};
use crate::taxonomy::Status;

/// What a record's status and fields say of a failure.
#[derive(Clone, Copy, Debug)]
pub(super) struct Evidence {
    /// The HTTP status that the application saw.
    pub(super) status: Option<u16>,
    /// A bad status, a field that says "failed", or an answer without choices.
    pub(super) is_explicit: bool,
    /// Explicit evidence, or an error field with content.
    pub(super) any: bool,
    hint: Hint,
}

/// What else suggests a failure.
#[derive(Clone, Copy, Debug, PartialEq, Eq)]
enum Hint {
    None,
    /// The level, words at the start of the text, or an entry of a producer.
    Report,
    /// A notice that another try follows, at the level of information.
    Notice,
}

impl Evidence {
    /// `is_known`: an entry of a producer says that the record is about a call.
    pub(super) fn of(facts: &Facts<'_>, judgement: &Judgement, is_known: bool) -> Self {
        let status = judgement.status.and_then(Status::http);
        let is_bad_status = matches!(judgement.status, Some(Status::Timeout | Status::Connection))
            || status.is_some_and(|status| status >= 400);
        let is_explicit = is_bad_status || facts.failed == Some(true) || is_hollow(facts, judgement.status);
        let any = is_explicit || facts.has_fault;
        let report = |is_one: bool| if is_one { Hint::Report } else { Hint::None };
        let hint = match facts.level {
            Level::Error | Level::Fatal => Hint::Report,
            Level::Warn => report(!any && (names_failure(facts.headline) || has_status_word(facts.headline))),
            Level::Unknown => report(!any && names_failure(facts.headline)),
            // Some producers report failures at this level, and an entry knows them.
            Level::Info if is_known => Hint::Report,
            // `backoff` reports failed tries so, and tenacity where an application asks for it.
            Level::Info if !any && reports_failed_try(facts.headline) => Hint::Notice,
            Level::Info | Level::Debug => Hint::None,
        };
        Self { status, is_explicit, any, hint }
    }

    /// The evidence of a record with a status that our own server answered: only what it logged as an error counts.
    pub(super) fn of_served(facts: &Facts<'_>) -> Self {
        Self { status: None, is_explicit: false, any: facts.has_fault, hint: Hint::None }
    }

    /// Whether the texts of the record must be read.
    pub(super) const fn asks_for_a_look(self) -> bool {
        self.any || !matches!(self.hint, Hint::None)
    }

    /// Whether nothing but a notice of another try suggests a failure.
    pub(super) fn is_notice(self) -> bool {
        self.hint == Hint::Notice
    }
}

/// A good answer without choices.
pub(super) fn is_hollow(facts: &Facts<'_>, status: Option<Status>) -> bool {
    facts.has_empty_choices && status.and_then(Status::http).is_none_or(|status| status == 200)
}

/// Whether a text says that a try failed and that another one follows: `Backing off ask(...) for 0.8s (openai.RateLimitError: …)`.
fn reports_failed_try(text: &[u8]) -> bool {
    const HEAD_BYTES: usize = 400;
    let head = text.get(..HEAD_BYTES).unwrap_or(text);
    // Most lines have none of the rare letters of these words.
    memchr::memchr2(b'y', b'k', head).is_some()
        && [b"etrying".as_slice(), b"acking off "].into_iter().any(|notice| find(head, notice).is_some())
        && (names_failure(head) || has_status_word(head))
}

/// Whether one of the first words of a text is a number from 400 to 599, as in `got 529 from the provider`.
fn has_status_word(text: &[u8]) -> bool {
    const HEAD_BYTES: usize = 400;
    let is_end = |b: &u8| !(b.is_ascii_alphanumeric() || matches!(b, b'.' | b'-' | b'_'));
    let head = text.get(..HEAD_BYTES).unwrap_or(text);
    head.split(is_end).any(|word| matches!(word, [b'4' | b'5', a, b] if a.is_ascii_digit() && b.is_ascii_digit()))
}

/// Words that suggest a failure in a line without a level, or in a warning. Their first letters are left out: they may be capitals.
pub(super) fn names_failure(text: &[u8]) -> bool {
    static WORDS: WordList<27> = WordList::new([
        "rror",
        "xception",
        "ailed",
        "ailure",
        "status code",
        "Traceback",
        "imed out",
        "imeout",
        "RESOURCE_EXHAUSTED",
        "ECONN",
        "refused",
        "exceeded",
        "verloaded",
        "nauthorized",
        "ate limit",
        "quota",
        "denied",
        "nvalid",
        "xhausted",
        " it raised ",
        "oo Many Requests",
        "oo many requests",
        "Bad Gateway",
        "Service Unavailable",
        "Payment Required",
        "HTTP 4",
        "HTTP 5",
    ]);
    const HEAD_BYTES: usize = 2_048;
    let head = &text[..text.len().min(HEAD_BYTES)];
    WORDS.is_in(head)
}

/// A sample of a metric, as exporters print it: `llm_errors_total{status="429"} 17`, also with a unit in between.
pub(super) fn is_metric(facts: &Facts<'_>) -> bool {
    if facts.format == Format::Json || facts.level != Level::Unknown {
        return false;
    }
    let line = facts.raw.trim_ascii();
    let name = line.iter().take_while(|b| b.is_ascii_alphanumeric() || matches!(b, b'_' | b'.' | b':')).count();
    let number = line.iter().rev().take_while(|b| b.is_ascii_digit() || matches!(b, b'.' | b'e' | b'+' | b'-')).count();
    let Some(between) = line.get(name..line.len().saturating_sub(number)) else { return false };
    let is_name = line[..name].iter().any(|b| matches!(b, b'_' | b'.')) && !line[..name].ends_with(b":");
    is_name && number > 0 && matches!(between.first(), Some(b'{' | b' ')) && between.ends_with(b"} ")
}

/// A whole answer of a model, logged as an error by mistake: it has choices with content.
pub(super) fn is_logged_answer(facts: &Facts<'_>, signals: &Signals) -> bool {
    let is_answer = |text: &[u8]| find(text, b"chat.completion").is_some() && find(text, b"finish_reason").is_some();
    let is_bare = signals.types.is_empty() && signals.codes.is_empty() && signals.status.is_none();
    is_bare && (is_answer(facts.headline) || signals.messages.iter().any(|message| is_answer(message.as_bytes())))
}
