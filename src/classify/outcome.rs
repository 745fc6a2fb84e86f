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
    /// The level, or words at the start of the text, suggest a failure.
    is_suspicious: bool,
}

impl Evidence {
    /// `is_known`: an entry of a producer says that the record is about a call.
    pub(super) fn of(facts: &Facts<'_>, judgement: &Judgement, is_known: bool) -> Self {
        let status = judgement.status.and_then(Status::http);
        let is_bad_status = matches!(judgement.status, Some(Status::Timeout | Status::Connection))
            || status.is_some_and(|status| status >= 400);
        let is_explicit = is_bad_status || facts.failed == Some(true) || is_hollow(facts, judgement.status);
        let any = is_explicit || facts.has_fault;
        let is_suspicious = match facts.level {
            Level::Error | Level::Fatal => true,
            Level::Warn | Level::Unknown => !any && names_failure(facts.headline),
            // Some producers tell of failures at this level, and an entry knows them.
            Level::Info => is_known,
            Level::Debug => false,
        };
        Self { status, is_explicit, any, is_suspicious }
    }

    /// The evidence of a record with a status that our own server answered: only what it logged as an error counts.
    pub(super) fn of_served(facts: &Facts<'_>) -> Self {
        Self { status: None, is_explicit: false, any: facts.has_fault, is_suspicious: false }
    }

    /// Whether the texts of the record must be read.
    pub(super) const fn asks_for_a_look(self) -> bool {
        self.any || self.is_suspicious
    }
}

/// A good answer without choices.
pub(super) fn is_hollow(facts: &Facts<'_>, status: Option<Status>) -> bool {
    facts.has_empty_choices && status.and_then(Status::http).is_none_or(|status| status == 200)
}

/// Words that suggest a failure in a line without a level, or in a warning. Their first letters are left out: they may be capitals.
pub(super) fn names_failure(text: &[u8]) -> bool {
    static WORDS: WordList<20> = WordList::new([
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
